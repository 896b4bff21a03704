#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "proto/mqtt.h"

#define MOST 4096

/* Bytes of a literal that may hold NULs. */
#define BYTES(s) (s), sizeof(s) - 1

#define CONNECT_BYTES                                                                              \
    "\x10\x16\x00\x04MQTT\x04\xc2\x00\x3c\x00\x02"                                                 \
    "D1\x00\x02"                                                                                   \
    "D1\x00\x02pw"
#define PUBLISH_BYTES                                                                              \
    "\x32\x0b\x00\x05"                                                                             \
    "a/b/c"                                                                                        \
    "\x00\x07"                                                                                     \
    "xy"
#define SUBSCRIBE_BYTES                                                                            \
    "\x82\x0c\x00\x09\x00\x03"                                                                     \
    "a/b"                                                                                          \
    "\x01\x00\x01"                                                                                 \
    "#"                                                                                            \
    "\x00"

static bool text_is(struct mqtt_text text, const char *wanted)
{
    return text.len == strlen(wanted) && memcmp(text.at, wanted, text.len) == 0;
}

/* Frame and packet of one whole packet; every shorter prefix wants more. */
static bool read_packet(const char *bytes, size_t len, struct mqtt_packet *p, const char **why_r)
{
    size_t got = 0;

    for (size_t n = 0; n < len; n++) {
        enum mqtt_status status = mqtt_frame(bytes, n, MOST, &got, why_r);
        if (status == MQTT_BAD)
            return false;
        assert_int_equal(status, MQTT_MORE);
    }
    enum mqtt_status status = mqtt_frame(bytes, len, MOST, &got, why_r);
    if (status == MQTT_BAD)
        return false;
    assert_int_equal(status, MQTT_READY);
    assert_int_equal(got, len);
    return mqtt_decode(bytes, len, p, why_r);
}

static void test_connect(void **state)
{
    struct mqtt_packet p;
    const char *why = NULL;

    (void)state;
    assert_true(read_packet(BYTES(CONNECT_BYTES), &p, &why));
    assert_int_equal(p.type, MQTT_CONNECT);
    assert_int_equal(p.level, 4);
    assert_true(p.is_clean);
    assert_false(p.has_will);
    assert_int_equal(p.keep_alive_s, 60);
    assert_true(text_is(p.client_id, "D1") && text_is(p.user, "D1") && text_is(p.password, "pw"));
    assert_true(read_packet(BYTES("\x10\x15\x00\x04MQTT\x04\x2e\x00\x0a\x00\x01"
                                  "x\x00\x01t\x00\x03"
                                  "a\0b"),
                            &p, &why));
    assert_true(p.has_will && p.will_retain);
    assert_int_equal(p.will_qos, 1);
    assert_true(text_is(p.will_topic, "t"));
    assert_int_equal(p.will.len, 3);
    assert_null(p.user.at);
}

static void test_other_versions(void **state)
{
    struct mqtt_packet p;
    const char *why = NULL;

    (void)state;
    assert_true(read_packet(BYTES("\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01x"), &p, &why));
    assert_int_equal(p.level, 3);
    assert_true(read_packet(BYTES("\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01x"), &p, &why));
    assert_int_equal(p.level, 5);
    assert_false(read_packet(BYTES("\x10\x0d\x00\x04HTTP\x04\x02\x00\x3c\x00\x01x"), &p, &why));
    assert_string_equal(why, "protocol_name");
}

static void test_publish(void **state)
{
    struct mqtt_packet p;
    const char *why = NULL;

    (void)state;
    assert_true(read_packet(BYTES(PUBLISH_BYTES), &p, &why));
    assert_int_equal(p.qos, 1);
    assert_int_equal(p.id, 7);
    assert_true(text_is(p.topic, "a/b/c") && text_is(p.payload, "xy"));
    assert_true(read_packet(BYTES("\x30\x03\x00\x01"
                                  "a"),
                            &p, &why));
    assert_int_equal(p.qos, 0);
    assert_int_equal(p.payload.len, 0);
    assert_true(read_packet(BYTES("\x3b\x05\x00\x01"
                                  "a\x00\x01"),
                            &p, &why));
    assert_true(p.is_dup && p.is_retained);
}

static void test_filters(void **state)
{
    struct mqtt_packet p;
    struct mqtt_text filter;
    const char *why = NULL;
    size_t at = 0;
    int qos;

    (void)state;
    assert_true(read_packet(BYTES(SUBSCRIBE_BYTES), &p, &why));
    assert_int_equal(p.id, 9);
    assert_true(mqtt_next_filter(&p, &at, &filter, &qos));
    assert_true(text_is(filter, "a/b"));
    assert_int_equal(qos, 1);
    assert_true(mqtt_next_filter(&p, &at, &filter, &qos));
    assert_true(text_is(filter, "#"));
    assert_false(mqtt_next_filter(&p, &at, &filter, &qos));
    at = 0;
    assert_true(read_packet(BYTES("\xa2\x05\x00\x0a\x00\x01"
                                  "+"),
                            &p, &why));
    assert_true(mqtt_next_filter(&p, &at, &filter, &qos));
    assert_false(mqtt_next_filter(&p, &at, &filter, &qos));
}

static void test_bad(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *why;
    } bad[] = {
        {BYTES("\x00\x00"), "type"},
        {BYTES("\xf0\x00"), "type"},
        {BYTES("\x20\x02\x00\x00"), "type"},
        {BYTES("\xd0\x00"), "type"},
        {BYTES("\x11\x00"), "reserved_flags"},
        {BYTES("\x80\x06\x00\x01\x00\x01"
               "a\x00"),
         "reserved_flags"},
        {BYTES("\xc1\x00"), "reserved_flags"},
        {BYTES("\x36\x05\x00\x01"
               "a\x00\x01"),
         "qos"},
        {BYTES("\x38\x03\x00\x01"
               "a"),
         "dup"},
        {BYTES("\x30\x80\x80\x80\x80\x01"), "remaining_length"},
        {BYTES("\x30\x81\x20"), "too_large"},
        {BYTES("\x30\xff\xff\xff\x7f"), "too_large"},
        {BYTES("\xc0\x01x"), "left_over"},
        {BYTES("\x30\x02\x00\x00"), "topic"},
        {BYTES("\x30\x05\x00\x03"
               "a/+"),
         "topic"},
        {BYTES("\x30\x03\x00\x01"
               "#"),
         "topic"},
        {BYTES("\x30\x04\x00\x02"
               "\xc3("),
         "utf8"},
        {BYTES("\x30\x03\x00\x01\x00"), "utf8"},
        {BYTES("\x30\x03\x00\x02"
               "a"),
         "truncated"},
        {BYTES("\x32\x05\x00\x01"
               "a\x00\x00"),
         "packet_id"},
        {BYTES("\x32\x04\x00\x01"
               "a\x00"),
         "truncated"},
        {BYTES("\x40\x02\x00\x00"), "packet_id"},
        {BYTES("\x82\x02\x00\x01"), "no_filter"},
        {BYTES("\x82\x06\x00\x01\x00\x01"
               "a\x03"),
         "qos"},
        {BYTES("\x82\x07\x00\x01\x00\x02"
               "a#\x00"),
         "filter"},
        {BYTES("\x82\x07\x00\x01\x00\x02"
               "#/\x00"),
         "filter"},
        {BYTES("\x82\x05\x00\x01\x00\x00\x00"), "filter"},
        {BYTES("\x82\x05\x00\x01\x00\x01"
               "a"),
         "truncated"},
        {BYTES("\x10\x0d\x00\x04MQTT\x04\x03\x00\x3c\x00\x01x"), "reserved_flags"},
        {BYTES("\x10\x0d\x00\x04MQTT\x04\x12\x00\x3c\x00\x01x"), "will"},
        {BYTES("\x10\x0d\x00\x04MQTT\x04\x22\x00\x3c\x00\x01x"), "will"},
        {BYTES("\x10\x0d\x00\x04MQTT\x04\x42\x00\x3c\x00\x01x"), "password_without_user"},
        {BYTES("\x10\x0d\x00\x04MQTT\x04\x82\x00\x3c\x00\x01x"), "truncated"},
        {BYTES("\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x01xy"), "left_over"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct mqtt_packet p;
        const char *why = NULL;
        assert_false(read_packet(bad[i].bytes, bad[i].len, &p, &why));
        assert_string_equal(why, bad[i].why);
    }
}

static void test_writing(void **state)
{
    static const uint8_t codes[] = {0, MQTT_SUBSCRIBE_FAILED};
    static const char wanted[] = "\x20\x02\x00\x00"
                                 "\x20\x02\x00\x04"
                                 "\x40\x02\x01\x02"
                                 "\x90\x04\x00\x09\x00\x80"
                                 "\xb0\x02\x00\x0a"
                                 "\xd0\x00"
                                 "\x30\x05\x00\x01tok";
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    mqtt_write_connack(&out, false, MQTT_ACCEPTED);
    mqtt_write_connack(&out, true, MQTT_BAD_PASSWORD);
    mqtt_write_puback(&out, 0x102);
    mqtt_write_suback(&out, 9, codes, 2);
    mqtt_write_unsuback(&out, 10);
    mqtt_write_pingresp(&out);
    mqtt_write_publish(&out, "t", "ok", 2);
    assert_int_equal(out.len, sizeof(wanted) - 1);
    assert_memory_equal(out.data, wanted, out.len);
    sbuf_free(&out);
}

/* A length of two bytes reads back. */
static void test_long_publish(void **state)
{
    char payload[300];
    struct mqtt_packet p;
    const char *why = NULL;
    struct sbuf out;

    (void)state;
    memset(payload, 'x', sizeof(payload));
    sbuf_init(&out, 0);
    mqtt_write_publish(&out, "topic", payload, sizeof(payload));
    assert_true(read_packet(out.data, out.len, &p, &why));
    assert_true(text_is(p.topic, "topic"));
    assert_int_equal(p.payload.len, sizeof(payload));
    sbuf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect),      cmocka_unit_test(test_other_versions),
        cmocka_unit_test(test_publish),      cmocka_unit_test(test_filters),
        cmocka_unit_test(test_bad),          cmocka_unit_test(test_writing),
        cmocka_unit_test(test_long_publish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
