#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "proto/device_json.h"

static bool decode(struct arena *arena, const char *text, bool is_press, struct device_message *m,
                   struct faults *faults)
{
    faults_init(faults, arena);
    struct json_doc *doc = json_parse(text, strlen(text), faults);
    bool ok = doc && (is_press ? device_json_decode_press(json_root(doc), arena, m, faults)
                               : device_json_decode_heartbeat(json_root(doc), arena, m, faults));
    json_doc_free(&doc);
    return ok;
}

static void test_press(void **state)
{
    struct arena *arena = arena_new();
    struct device_message m;
    struct faults faults;

    (void)state;
    assert_true(decode(arena,
                       "{\"boot_id\":\"b1\",\"seq\":7,\"key\":\"fall\",\"pressed_at\":"
                       "\"2026-02-13T10:00:00+08:00\",\"battery\":80,\"location\":{\"lat\":39.5,"
                       "\"lon\":98,\"datum\":\"gcj02\"},\"note\":\"a\\nb\"}",
                       true, &m, &faults));
    assert_string_equal(m.boot_id, "b1");
    assert_int_equal(m.seq, 7);
    assert_int_equal(m.key, DEVICE_FALL);
    assert_int_equal(m.pressed_us, INT64_C(1770948000000000));
    assert_int_equal(m.battery, 80);
    assert_true(m.has_location);
    assert_true(m.lat == 39.5 && m.lon == 98);
    assert_string_equal(m.datum, "gcj02");
    assert_string_equal(m.note, "a b");
    assert_int_equal(m.flags, 0);
    assert_true(decode(arena, "{\"boot_id\":3,\"seq\":-1,\"key\":\"cancel\"}", true, &m, &faults));
    assert_string_equal(m.boot_id, "3");
    assert_int_equal(m.battery, -1);
    assert_null(m.note);
    arena_free(&arena);
}

/* What is odd beside the press never costs the press. */
static void test_odd_members(void **state)
{
    static const struct {
        const char *member;
        unsigned flags;
    } odd[] = {
        {"\"pressed_at\":\"yesterday\"", DEVICE_FLAG_CLOCK},
        {"\"pressed_at\":-5", DEVICE_FLAG_CLOCK},
        {"\"pressed_at\":[]", DEVICE_FLAG_CLOCK},
        {"\"pressed_at\":1760000000", 0},
        {"\"battery\":101", DEVICE_FLAG_CONTENT},
        {"\"battery\":\"low\"", DEVICE_FLAG_CONTENT},
        {"\"location\":\"home\"", DEVICE_FLAG_CONTENT},
        {"\"location\":{\"lat\":91,\"lon\":0}", DEVICE_FLAG_CONTENT},
        {"\"location\":{\"lat\":1,\"lon\":1,\"datum\":\"bd09\"}", DEVICE_FLAG_CONTENT},
        {"\"location\":{\"lat\":1,\"lon\":1}", 0},
        {"\"note\":5", DEVICE_FLAG_CONTENT},
        {"\"note\":null", 0},
    };
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        struct device_message m;
        struct faults faults;
        const char *text = arena_printf(
            arena, "{\"boot_id\":\"b\",\"seq\":1,\"key\":\"emergency\",%s}", odd[i].member);
        assert_true(decode(arena, text, true, &m, &faults));
        assert_int_equal(m.flags, odd[i].flags);
        assert_int_equal(m.key, DEVICE_EMERGENCY);
    }
    arena_free(&arena);
}

static void test_long_note_is_cut(void **state)
{
    struct arena *arena = arena_new();
    struct device_message m;
    struct faults faults;
    struct sbuf text;

    (void)state;
    sbuf_init(&text, 0);
    sbuf_adds(&text, "{\"boot_id\":\"b\",\"seq\":1,\"key\":\"health\",\"note\":\"");
    for (int i = 0; i < DEVICE_NOTE_MAX + 1; i++)
        sbuf_adds(&text, "晕");
    sbuf_adds(&text, "\"}");
    assert_true(decode(arena, text.data, true, &m, &faults));
    assert_int_equal(strlen(m.note), 3 * DEVICE_NOTE_MAX);
    assert_int_equal(m.flags, DEVICE_FLAG_CONTENT);
    sbuf_free(&text);
    arena_free(&arena);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text, *field, *reason;
        bool is_press;
    } bad[] = {
        {"{\"seq\":1,\"key\":\"fall\"}", "boot_id", "required", true},
        {"{\"boot_id\":\"b\",\"key\":\"fall\"}", "seq", "required", true},
        {"{\"boot_id\":\"b\",\"seq\":1}", "key", "required", true},
        {"{\"boot_id\":\"b\",\"seq\":1,\"key\":\"alarm\"}", "key", "not_allowed", true},
        {"{\"boot_id\":\"b\",\"seq\":1.5,\"key\":\"fall\"}", "seq", "wrong_type", true},
        {"{\"boot_id\":\"\",\"seq\":1,\"key\":\"fall\"}", "boot_id", "too_short", true},
        {"{\"boot_id\":\"a b\",\"seq\":1,\"key\":\"fall\"}", "boot_id", "format", true},
        {"{\"boot_id\":[],\"seq\":1,\"key\":\"fall\"}", "boot_id", "wrong_type", true},
        {"{\"boot_id\":\"b\",\"seq\":1,\"key\":\"fall\",\"x\":1}", "x", "unknown", true},
        {"{\"boot_id\":\"b\",\"seq\":1,\"key\":\"fall\"}", "key", "unknown", false},
        {"[]", "", "wrong_type", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct arena *arena = arena_new();
        struct device_message m;
        struct faults faults;
        assert_false(decode(arena, bad[i].text, bad[i].is_press, &m, &faults));
        assert_int_equal(faults.count, 1);
        assert_string_equal(faults.list[0].field, bad[i].field);
        assert_string_equal(faults.list[0].reason, bad[i].reason);
        arena_free(&arena);
    }
}

static void test_answer(void **state)
{
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    device_json_answer(&out, "20260213100000000012", "handling", INT64_C(1770948000999999));
    assert_string_equal(out.data,
                        "{\"n\":\"20260213100000000012\",\"s\":\"handling\",\"t\":1770948000}");
    sbuf_clear(&out);
    device_json_answer(&out, NULL, "noted", INT64_C(1770948000000000));
    assert_string_equal(out.data, "{\"n\":null,\"s\":\"noted\",\"t\":1770948000}");
    sbuf_free(&out);
}

/* MACs computed by Python's hmac. */
#define TEXT_KEY "k3y-of-the-device"
#define HEX_KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OF_TEXT_KEY "9de9eccbab8ac08563ce4c9228e10d2e499e87923dce383f17876d2c76ba924e"
#define OF_HEX_BYTES "2a4ac754c8715153ab24483a76c9cdbd40a24d4bcc7db80fa2d30fc27694e193"
#define OF_HEX_TEXT "099e0edc9a75b32b5b625486dc2af52392bf814f307235cb49ada589484a1075"
#define OF_PASSWORD "112a2ea75cd77a26499a1a4a5c57aaf4306a4d39b4597d48ebbcf50a8cea909d"

static bool is_signed(const char *key, const char *header, const char *body)
{
    const struct device_signed what = {.method = "POST",
                                       .path = "/v1/devices/JYG-000001/presses",
                                       .id = "JYG-000001",
                                       .boot_id = "b1",
                                       .seq = 7,
                                       .timestamp = "1760000000",
                                       .body = body,
                                       .body_len = strlen(body)};
    uint8_t mac[DEVICE_MAC_BYTES];
    struct sbuf text;

    assert_true(device_signature_parse(header, mac));
    sbuf_init(&text, 0);
    device_signed_text(&text, &what);
    bool ok = device_mac_ok(key, text.data, text.len, mac);
    sbuf_free(&text);
    return ok;
}

static void test_signature(void **state)
{
    const char *body = "{\"boot_id\":\"b1\",\"seq\":7,\"key\":\"emergency\"}";

    (void)state;
    assert_true(is_signed(TEXT_KEY, "v1=" OF_TEXT_KEY, body));
    assert_true(is_signed(HEX_KEY, "v1=" OF_HEX_BYTES, body));
    assert_true(is_signed(HEX_KEY, "v1=" OF_HEX_TEXT, body));
    assert_false(is_signed(TEXT_KEY, "v1=" OF_HEX_TEXT, body));
    assert_false(is_signed(HEX_KEY, "v1=" OF_TEXT_KEY, body));
    assert_false(is_signed(TEXT_KEY, "v1=" OF_TEXT_KEY, "{}"));
}

static void test_signature_forms(void **state)
{
    uint8_t mac[DEVICE_MAC_BYTES];

    (void)state;
    assert_false(device_signature_parse(NULL, mac));
    assert_false(device_signature_parse("", mac));
    assert_false(device_signature_parse(OF_TEXT_KEY, mac));
    assert_false(device_signature_parse("v2=" OF_TEXT_KEY, mac));
    assert_false(device_signature_parse("v1=" OF_TEXT_KEY "0", mac));
    assert_false(device_signature_parse("v1=" OF_TEXT_KEY "00", mac));
    assert_false(
        device_signature_parse("v1=zz"
                               "e9eccbab8ac08563ce4c9228e10d2e499e87923dce383f17876d2c76ba92"
                               "4e",
                               mac));
}

static void test_password(void **state)
{
    const char *password = "1760000000:" OF_PASSWORD;
    uint8_t mac[DEVICE_MAC_BYTES];
    struct sbuf text;

    (void)state;
    sbuf_init(&text, 0);
    assert_true(device_password_parse("JYG-000001", password, strlen(password), &text, mac));
    assert_string_equal(text.data, "mqtt\nJYG-000001\n1760000000");
    assert_true(device_mac_ok(TEXT_KEY, text.data, text.len, mac));
    assert_false(device_mac_ok("another", text.data, text.len, mac));
    for (size_t len = 0; len < strlen(password); len++)
        assert_false(device_password_parse("JYG-000001", password, len, &text, mac));
    assert_false(device_password_parse("JYG-000001", "12x:" OF_PASSWORD, 68, &text, mac));
    sbuf_free(&text);
}

static void test_ids(void **state)
{
    (void)state;
    assert_true(device_id_valid("JYG-000001", 10));
    assert_true(device_id_valid("a.b_c:9", 7));
    assert_false(device_id_valid("", 0));
    assert_false(device_id_valid("a/b", 3));
    assert_false(device_id_valid("a\0b", 3));
    assert_false(device_id_valid("+", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_press),
        cmocka_unit_test(test_odd_members),
        cmocka_unit_test(test_long_note_is_cut),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_signature_forms),
        cmocka_unit_test(test_password),
        cmocka_unit_test(test_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
