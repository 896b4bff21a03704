/*
 * OneNET's envelope and what it and CTWing push: a vector made apart from this program with MD5 and
 * AES of Python's cryptography, messages as receivers have logged them, and what is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "proto/cloud_json.h"
#include "proto/onenet.h"

#define TOKEN "abcdefghijkmlnopqrstuvwxyz"
#define NONCE "ZKbK0lGH"
#define KEY "0123456789abcdef"
#define LONG_KEY "whBx2ZwAU5LOHVimPj1MPx56QRe3OsGGWRe4dr17crV"
#define MESSAGE                                                                                    \
    "{\"type\":7,\"dev_id\":2016617,\"imei\":\"860000000000001\",\"ds_id\":\"3200_0_5750\","       \
    "\"at\":1760000000000,\"value\":\"SOS\"}"
#define SIGNATURE "U2XLClwzcnkA2KiTATDLdQ=="
#define CIPHER                                                                                     \
    "HjZ44SbEnghCGWpaRWV5Bny7EIaz+IdpZVo9FE2p6uTMkJ8go6q0fSaTfd2N2jTkrb//+6WeEis4ZTTGbWVtjxghmv/"  \
    "mlFVRUcBKtcOonRAIqI2S2GCoR82u1lhiTlYIQK0HSqGC99A1O4PRcs+0XQ=="
#define CIPHER_SIGNATURE "QvhSuBLOypkeF/n5GG2YOw=="
#define STRING_BODY                                                                                \
    "{\"msg\":\"{\\\"type\\\":7}\",\"nonce\":\"" NONCE "\",\"signature\":\"s\",\"time\":1,"        \
    "\"id\":\"x\"}"

static int setup(void **state)
{
    *state = arena_new();
    return 0;
}

static int teardown(void **state)
{
    struct arena *arena = *state;
    arena_free(&arena);
    return 0;
}

/* ---- signature and cipher ------------------------------------------------------------------- */

static bool fits(const char *signature, const char *nonce, const char *text)
{
    return onenet_signature_fits(signature, TOKEN, nonce, text, strlen(text));
}

static void test_signature(void **state)
{
    char text[ONENET_SIGNATURE_SIZE];

    (void)state;
    assert_true(fits(SIGNATURE, NONCE, MESSAGE));
    assert_true(fits("U2XLClwzcnkA2KiTATDLdQ", NONCE, MESSAGE));
    assert_true(fits(CIPHER_SIGNATURE, NONCE, CIPHER));
    assert_false(fits("U2XLClwzcnkA2KiTATDLdR==", NONCE, MESSAGE));
    assert_false(fits("", NONCE, MESSAGE));
    assert_false(fits("=", NONCE, MESSAGE));
    assert_false(fits(NULL, NONCE, MESSAGE));
    assert_false(fits(SIGNATURE "x", NONCE, MESSAGE));
    assert_false(fits(SIGNATURE, "ZKbK0lG", "H" MESSAGE)); /* nothing moves into the nonce */
    assert_false(fits(SIGNATURE, NONCE, MESSAGE " "));
    onenet_sign(TOKEN, NONCE, MESSAGE, strlen(MESSAGE), text);
    assert_string_equal(text, SIGNATURE);
}

/* Of every message whose signature has a '+', the one with blanks is as good. */
static void test_blank_for_plus(void **state)
{
    int seen = 0;

    (void)state;
    for (int i = 0; i < 200; i++) {
        char text[32], signature[ONENET_SIGNATURE_SIZE];
        (void)snprintf(text, sizeof(text), "{\"n\":%d}", i);
        onenet_sign(TOKEN, NONCE, text, strlen(text), signature);
        seen += strchr(signature, '+') != NULL;
        for (char *c = signature; *c; c++)
            *c = *c == '+' ? ' ' : *c;
        assert_true(fits(signature, NONCE, text));
    }
    assert_true(seen > 20);
}

static void test_decrypt(void **state)
{
    size_t len = 0;
    char *text = onenet_decrypt(KEY, CIPHER, strlen(CIPHER), *state, &len);

    assert_non_null(text);
    assert_string_equal(text, MESSAGE);
    assert_int_equal(len, strlen(MESSAGE));
    assert_null(onenet_decrypt("0123456789abcdeg", CIPHER, strlen(CIPHER), *state, &len));
    for (size_t cut = 0; cut < strlen(CIPHER); cut++) /* a whole block less may decrypt, to a cut */
        assert_null(onenet_decrypt(KEY, CIPHER, cut, *state, &len));
    assert_null(onenet_decrypt(KEY, "not base64!", 11, *state, &len));
    assert_true(onenet_is_cipher(CIPHER, strlen(CIPHER)));
    assert_false(onenet_is_cipher(" {\"a\":1}", 8));
    assert_false(onenet_is_cipher("[]", 2));
}

/* Every padding, right and wrong. */
static void test_padding(void **state)
{
    uint8_t plain[32], cipher[32];
    char text[BASE64_LENGTH(sizeof(cipher)) + 1];
    size_t len;

    for (unsigned pad = 0; pad <= 40; pad++) {
        memset(plain, 'x', sizeof(plain));
        for (unsigned i = 0; i < pad && i < sizeof(plain); i++)
            plain[sizeof(plain) - 1 - i] = (uint8_t)pad;
        plain[sizeof(plain) - 1] = (uint8_t)pad;
        crypto_aes128_cbc(true, (const uint8_t *)KEY, (const uint8_t *)KEY, plain, sizeof(plain),
                          cipher);
        base64_encode(cipher, sizeof(cipher), text);
        char *message = onenet_decrypt(KEY, text, strlen(text), *state, &len);
        if (pad >= 1 && pad <= 16) {
            assert_non_null(message);
            assert_int_equal(len, sizeof(plain) - pad);
        } else {
            assert_null(message);
        }
    }
}

static char *seal_long(const char *message, uint32_t said, size_t pad, struct arena *arena)
{
    size_t len = strlen(message), whole = 20 + len + pad;
    uint8_t key[CRYPTO_KEY_SIZE + 3], *plain = arena_alloc(arena, whole);
    char *text = arena_alloc(arena, BASE64_LENGTH(whole) + 1);
    size_t key_len;

    assert_true(base64_decode(LONG_KEY "=", 44, key, &key_len));
    memset(plain, 'r', 16);
    for (int i = 0; i < 4; i++)
        plain[16 + i] = (uint8_t)(said >> (24 - 8 * i));
    memcpy(plain + 20, message, len);
    memset(plain + 20 + len, (int)pad, pad);
    crypto_aes256_cbc(true, key, key, plain, whole, plain);
    base64_encode(plain, whole, text);
    return text;
}

static void test_long_key(void **state)
{
    const char *message = "{\"a\":\"1234567\"}"; /* 15 + 20 bytes: 13 to 48, 29 to 64 */
    size_t len;
    char *text = seal_long(message, 15, 13, *state);

    assert_string_equal(onenet_decrypt(LONG_KEY, text, strlen(text), *state, &len), message);
    text = seal_long(message, 15, 29, *state);
    assert_string_equal(onenet_decrypt(LONG_KEY, text, strlen(text), *state, &len), message);
    assert_int_equal(len, 15);
    text = seal_long(message, 16, 13, *state); /* longer than it is */
    assert_null(onenet_decrypt(LONG_KEY, text, strlen(text), *state, &len));
    text = seal_long(message, UINT32_MAX, 13, *state);
    assert_null(onenet_decrypt(LONG_KEY, text, strlen(text), *state, &len));
    text = seal_long(message, 0, 13, *state);
    assert_null(onenet_decrypt(LONG_KEY, text, strlen(text), *state, &len));
    assert_true(onenet_key_valid(LONG_KEY));
    assert_true(onenet_key_valid(KEY));
    assert_false(onenet_key_valid("0123456789abcde"));
    assert_false(onenet_key_valid("0123456789 bcdef"));
    assert_false(onenet_key_valid("whBx2ZwAU5LOHVimPj1MPx56QRe3OsGGWRe4dr17cr!"));
}

/* ---- the envelope --------------------------------------------------------------------------- */

static bool parse(struct arena *arena, const char *body, size_t len, struct onenet_push *push_r)
{
    char *copy = arena_strndup(arena, body, len);
    struct faults faults;

    faults_init(&faults, arena);
    return onenet_push_parse(copy, len, arena, push_r, &faults);
}

static void check_text(struct arena *arena, const char *body, const char *text)
{
    struct onenet_push push;

    assert_true(parse(arena, body, strlen(body), &push));
    assert_int_equal(push.len, strlen(text));
    assert_memory_equal(push.text, text, push.len);
}

#define REST ",\"nonce\":\"n\",\"msg_signature\":\"s\"}"

static void test_envelope(void **state)
{
    struct onenet_push push;

    check_text(*state, STRING_BODY, "{\"type\":7}");
    check_text(*state, "{\"enc_msg\":\"AAAA\"" REST, "AAAA");
    /* as it stands there, with blanks, escapes and numbers as they are */
    check_text(*state, "{ \"msg\" : { \"a\":[1.0, \"}\\\"]\"] ,\"\\u0062\":1e3} " REST,
               "{ \"a\":[1.0, \"}\\\"]\"] ,\"\\u0062\":1e3}");
    check_text(*state, "{\"x\":{\"msg\":{}},\"y\":\"\\\"msg\\\":\",\"msg\":[{\"z\":null}]" REST,
               "[{\"z\":null}]");
    check_text(*state, "{\"time\":12,\"msg\":{}" REST, "{}");
    assert_false(parse(*state, "{}", 2, &push));
    assert_false(parse(*state, "[]", 2, &push));
    assert_false(parse(*state, "{\"msg\":7" REST, strlen("{\"msg\":7" REST), &push));
    assert_false(parse(*state, "{\"\\u006dsg\":{}" REST, strlen("{\"\\u006dsg\":{}" REST), &push));
}

static void test_truncated(void **state)
{
    static const char *const bodies[] = {STRING_BODY, "{\"msg\":{\"a\":[1,{\"b\":\"\\\"\"}]}" REST};
    struct onenet_push push;

    for (size_t i = 0; i < 2; i++) {
        for (size_t len = 0; len < strlen(bodies[i]); len++)
            assert_false(parse(*state, bodies[i], len, &push));
    }
}

/* ---- messages ------------------------------------------------------------------------------- */

typedef void reader(const struct json_value *message, struct cloud_signals *signals_r,
                    struct arena *arena);

static struct cloud_signals read_text(reader *read, const char *text, struct arena *arena)
{
    struct cloud_signals signals;
    struct faults faults;

    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(text, strlen(text), &faults);
    assert_non_null(doc);
    read(json_root(doc), &signals, arena);
    json_doc_free(&doc);
    return signals;
}

static void check_signal(const struct cloud_signals *s, size_t at, const char *device,
                         const char *stream, const char *value, enum cloud_sign sign)
{
    assert_true(at < s->count);
    assert_string_equal(s->list[at].device, device);
    assert_string_equal(s->list[at].stream, stream);
    if (value)
        assert_string_equal(s->list[at].value, value);
    else
        assert_null(s->list[at].value);
    assert_int_equal(s->list[at].sign, sign);
}

static void test_onenet_messages(void **state)
{
    struct cloud_signals s = read_text(cloud_json_read_onenet, MESSAGE, *state);

    assert_int_equal(s.count, 1);
    check_signal(&s, 0, "2016617", "3200_0_5750", "SOS", CLOUD_DATA);
    assert_string_equal(s.list[0].alias, "860000000000001");
    assert_int_equal(s.list[0].at_us, INT64_C(1760000000000000));

    s = read_text(cloud_json_read_onenet,
                  "[{\"type\":2,\"dev_id\":7,\"status\":0,\"login_type\":1,\"at\":1466133706841},"
                  "{\"type\":2,\"dev_id\":7,\"status\":1},{\"type\":1,\"dev_id\":8,\"ds_id\":\"t\","
                  "\"value\":{\"a\":1,\"b\":{\"c\":true}}},{\"dev_id\":9,\"type\":1},5]",
                  *state);
    assert_int_equal(s.count, 6);
    check_signal(&s, 0, "7", "status", "0", CLOUD_OFFLINE);
    check_signal(&s, 1, "7", "status", "1", CLOUD_ONLINE);
    check_signal(&s, 2, "8", "t.a", "1", CLOUD_DATA);
    check_signal(&s, 3, "8", "t.b.c", "true", CLOUD_DATA);
    check_signal(&s, 4, "9", "type", "1", CLOUD_DATA);
    check_signal(&s, 5, "?", "unreadable", "5", CLOUD_DATA);

    s = read_text(cloud_json_read_onenet,
                  "{\"messageType\":\"notify\",\"notifyType\":\"property\",\"productId\":\"p\","
                  "\"deviceName\":\"bed-1\",\"data\":{\"id\":\"3\",\"params\":{\"sos\":{\"time\":"
                  "1599534283111,\"value\":true},\"temp\":23.5,\"none\":{\"value\":{}}}}}",
                  *state);
    assert_int_equal(s.count, 3);
    check_signal(&s, 0, "bed-1", "sos", "true", CLOUD_DATA);
    assert_int_equal(s.list[0].at_us, INT64_C(1599534283111000));
    check_signal(&s, 1, "bed-1", "temp", "23.5", CLOUD_DATA);
    assert_int_equal(s.list[1].at_us, 0);
    check_signal(&s, 2, "bed-1", "none", NULL, CLOUD_DATA);
}

/* As receivers have logged them, with other ids. */
static void test_ctwing_messages(void **state)
{
    struct cloud_signals s = read_text(
        cloud_json_read_ctwing,
        "{\"upPacketSN\":-1,\"upDataSN\":-1,\"topic\":\"v1/up/ad\",\"timestamp\":1650554828842,"
        "\"tenantId\":\"10000000\",\"serviceId\":\"\",\"protocol\":\"lwm2m\",\"productId\":\"1\","
        "\"payload\":{\"APPdata\":\"AQID\"},\"messageType\":\"dataReport\",\"deviceType\":\"\","
        "\"deviceId\":\"0123456789abcdef0123456789abcdef\",\"assocAssetId\":\"\","
        "\"IMSI\":\"undefined\",\"IMEI\":\"860000000000002\"}",
        *state);
    assert_int_equal(s.count, 1);
    check_signal(&s, 0, "0123456789abcdef0123456789abcdef", "APPdata", "AQID", CLOUD_DATA);
    assert_string_equal(s.list[0].alias, "860000000000002");
    assert_int_equal(s.list[0].at_us, INT64_C(1650554828842000));

    s = read_text(
        cloud_json_read_ctwing,
        "{\"deviceId\":\"d\",\"IMEI\":\"\",\"timestamp\":1,\"messageType\":\"dataReport\","
        "\"serviceId\":1,\"payload\":{\"serviceId\":\"notification\",\"serviceData\":"
        "{\"Alarm_Status\":2,\"Battery_Level\":100}}}",
        *state);
    assert_int_equal(s.count, 2);
    check_signal(&s, 0, "d", "Alarm_Status", "2", CLOUD_DATA);
    check_signal(&s, 1, "d", "Battery_Level", "100", CLOUD_DATA);
    assert_null(s.list[0].alias);
    assert_int_equal(s.list[0].at_us, 0); /* 1970 is no clock */

    s = read_text(cloud_json_read_ctwing,
                  "{\"deviceId\":\"d\",\"messageType\":\"eventReport\",\"serviceId\":1001,"
                  "\"eventContent\":{\"sos\":1},\"eventType\":1}",
                  *state);
    check_signal(&s, 0, "d", "event", "1001", CLOUD_DATA);
    check_signal(&s, 1, "d", "sos", "1", CLOUD_DATA);

    s = read_text(
        cloud_json_read_ctwing,
        "[{\"deviceId\":\"d\",\"messageType\":\"deviceOnlineOfflineReport\",\"eventType\":0},"
        "{\"deviceId\":\"d\",\"messageType\":\"deviceOnlineOfflineReport\",\"eventType\":1},"
        "{\"deviceId\":\"d\",\"messageType\":\"commandResponse\",\"result\":{}},{}]",
        *state);
    assert_int_equal(s.count, 4);
    check_signal(&s, 0, "d", "online", "0", CLOUD_OFFLINE);
    check_signal(&s, 1, "d", "online", "1", CLOUD_ONLINE);
    check_signal(&s, 2, "d", "commandResponse", NULL, CLOUD_DATA);
    check_signal(&s, 3, "?", "?", NULL, CLOUD_DATA);
}

static void test_bounds(void **state)
{
    struct sbuf text;
    struct cloud_signals s;

    sbuf_init(&text, 0);
    sbuf_adds(&text, "{\"deviceId\":\"d\",\"payload\":{\"x\":0");
    for (int i = 0; i < CLOUD_SIGNALS_MAX + 5; i++)
        sbuf_addf(&text, ",\"k%d\":%d", i, i);
    sbuf_adds(&text, "}}");
    s = read_text(cloud_json_read_ctwing, text.data, *state);
    assert_int_equal(s.count, CLOUD_SIGNALS_MAX);
    assert_true(s.is_cut);
    sbuf_clear(&text);
    sbuf_adds(&text, "{\"payload\":{\"");
    for (int i = 0; i < 100; i++)
        sbuf_adds(&text, "长");
    sbuf_adds(&text, "\":{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":1}}}}}}}");
    s = read_text(cloud_json_read_ctwing, text.data, *state);
    sbuf_free(&text);
    assert_int_equal(s.count, 1);
    assert_int_equal(strlen(s.list[0].stream), 126); /* whole characters of 128 bytes */
    assert_string_equal(s.list[0].value, "{\"d\":{\"e\":1}}");
    cloud_json_unreadable("no json", &s, *state);
    check_signal(&s, 0, "?", "unreadable", "no json", CLOUD_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_signature, setup, teardown),
        cmocka_unit_test_setup_teardown(test_blank_for_plus, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decrypt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_padding, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_envelope, setup, teardown),
        cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_onenet_messages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ctwing_messages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
