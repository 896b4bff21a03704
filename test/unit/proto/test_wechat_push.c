/*
 * What WeChat pushes, as XML and as JSON: both are read to the same message, and answered in kind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/json.h"
#include "proto/wechat_crypto.h"
#include "proto/wechat_push.h"

static struct arena *arena;
static struct wechat_message m;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static enum wechat_parsed parse(const char *text)
{
    return wechat_push_parse(text, strlen(text), arena, &m);
}

static void the_format_is_told_by_the_first_character(void **state)
{
    static const struct {
        const char *text;
        enum wechat_format format;
    } texts[] = {{"<xml/>", WECHAT_XML},  {" \r\n\t<xml/>", WECHAT_XML},
                 {"{}", WECHAT_JSON},     {"\n {}", WECHAT_JSON},
                 {"", WECHAT_XML},        {"\xef\xbb\xbf{}", WECHAT_JSON},
                 {"[{}]", WECHAT_XML},    {"\xef\xbb\xbf<xml/>", WECHAT_XML},
                 {"\xef\xbb", WECHAT_XML}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_int_equal(wechat_push_format(texts[i].text, strlen(texts[i].text)), texts[i].format);
    assert_int_equal(wechat_push_format("\0{", 2), WECHAT_XML);
}

static void both_formats_are_the_same_message(void **state)
{
    static const char *const texts[] = {
        "<xml><ToUserName>gh</ToUserName><FromUserName>o1</FromUserName><CreateTime>1714036504"
        "</CreateTime><MsgType>event</MsgType><Event>scancode_waitmsg</Event><EventKey>k</EventKey>"
        "<ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>灯杆</ScanResult></ScanCodeInfo>"
        "<MsgId>6054768590064713728</MsgId><Location_X>31.92</Location_X><Other><MsgId>9</MsgId>"
        "</Other></xml>",
        "{\"ToUserName\":\"gh\",\"FromUserName\":\"o1\",\"CreateTime\":1714036504,\"MsgType\":"
        "\"event\",\"Event\":\"scancode_waitmsg\",\"EventKey\":\"k\",\"ScanCodeInfo\":{"
        "\"ScanType\":"
        "\"qrcode\",\"ScanResult\":\"灯杆\"},\"MsgId\":6054768590064713728,\"Location_X\":31.92,"
        "\"Other\":{\"MsgId\":9},\"List\":[{\"MsgId\":8}],\"Title\":null,\"Url\":true}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_int_equal(parse(texts[i]), WECHAT_PARSED);
        assert_string_equal(m.to_user, "gh");
        assert_string_equal(m.from_user, "o1");
        assert_string_equal(m.create_time, "1714036504");
        assert_string_equal(m.type, "event");
        assert_string_equal(m.event, "scancode_waitmsg");
        assert_string_equal(m.scan_result, "灯杆");
        assert_string_equal(m.msg_id, "6054768590064713728");
        assert_string_equal(m.latitude, "31.92");
        assert_null(m.title);
        assert_null(m.url);
    }
}

static void what_is_no_message(void **state)
{
    static const struct {
        const char *text;
        enum wechat_parsed why;
    } bad[] = {{"", WECHAT_SYNTAX},
               {"nothing", WECHAT_SYNTAX},
               {"[]", WECHAT_SYNTAX},
               {"{", WECHAT_SYNTAX},
               {"{\"Content\":\"\\u0000\"}", WECHAT_SYNTAX},
               {"{\"Content\":\"a\",\"Content\":\"b\"}", WECHAT_SYNTAX},
               {"{\"Content\":\"\xff\"}", WECHAT_SYNTAX},
               {"{\"MsgId\":99999999999999999999}", WECHAT_SYNTAX},
               {"{} {}", WECHAT_SYNTAX},
               {"<!DOCTYPE xml><xml/>", WECHAT_DOCTYPE}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(parse(bad[i].text), bad[i].why);
        assert_null(m.content);
    }
    assert_int_equal(wechat_push_parse("<xml>\0</xml>", 12, arena, &m), WECHAT_SYNTAX);
}

static void bounds(void **state)
{
    struct sbuf text;

    (void)state;
    sbuf_init(&text, 0);
    sbuf_adds(&text, "{\"FromUserName\":\"o\"");
    for (int i = 0; i < WECHAT_XML_ELEMENTS; i++)
        sbuf_addf(&text, ",\"a%d\":%d", i, i);
    sbuf_addc(&text, '}');
    assert_int_equal(parse(text.data), WECHAT_BOUNDS);
    assert_null(m.from_user);
    sbuf_clear(&text);
    sbuf_adds(&text, "{\"Content\":\"");
    while (text.len < WECHAT_BODY_MAX)
        sbuf_addc(&text, 'x');
    sbuf_adds(&text, "\"}");
    assert_int_equal(parse(text.data), WECHAT_BOUNDS);
    sbuf_free(&text);
}

static void every_truncation(void **state)
{
    static const char whole[] = "{\"FromUserName\":\"o\",\"Content\":\"中\\n\",\"MsgId\":12}";

    (void)state;
    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        char *part = malloc(len ? len : 1); /* so that a byte too far is noticed */
        assert_non_null(part);
        memcpy(part, whole, len);
        assert_int_equal(wechat_push_parse(part, len, arena, &m), WECHAT_SYNTAX);
        assert_null(m.from_user);
        free(part);
    }
    assert_int_equal(parse(whole), WECHAT_PARSED);
}

static void control_characters_are_blanks(void **state)
{
    (void)state;
    assert_int_equal(parse("<xml><Content><![CDATA[a\x08\x1f"
                           "b\n\t]]></Content></xml>"),
                     WECHAT_PARSED);
    assert_string_equal(m.content, "a  b\n\t");
}

static void replies_are_read_back(void **state)
{
    static const enum wechat_format formats[] = {WECHAT_XML, WECHAT_JSON};
    char longer[3 * WECHAT_REPLY_MAX + 1];
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    for (size_t at = 0; at + 3 < sizeof(longer); at += 3)
        memcpy(longer + at, "路", 4);
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        sbuf_clear(&out);
        wechat_push_write_text(&out, formats[i], "o]]>\"1", "gh", 1760000000, "一\n\"]]>二");
        assert_int_equal(wechat_push_format(out.data, out.len), formats[i]);
        assert_int_equal(parse(out.data), WECHAT_PARSED);
        assert_string_equal(m.to_user, "o]]>\"1");
        assert_string_equal(m.create_time, "1760000000");
        assert_string_equal(m.content, "一\n\"]]>二");
        sbuf_clear(&out);
        wechat_push_write_text(&out, formats[i], "o", "gh", 1, longer);
        assert_int_equal(parse(out.data), WECHAT_PARSED);
        assert_int_equal(strlen(m.content), WECHAT_REPLY_MAX / 3 * 3);
        sbuf_clear(&out);
        wechat_push_write_encrypted(&out, formats[i], "abc+/=", "f00", 1760000000, "n");
        assert_int_equal(wechat_push_format(out.data, out.len), formats[i]);
        assert_int_equal(parse(out.data), WECHAT_PARSED);
        assert_string_equal(m.encrypt, "abc+/=");
    }
    assert_string_equal(out.data, "{\"Encrypt\":\"abc+/=\",\"MsgSignature\":\"f00\",\"TimeStamp\":"
                                  "1760000000,\"Nonce\":\"n\"}");
    sbuf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_format_is_told_by_the_first_character),
        cmocka_unit_test(both_formats_are_the_same_message),
        cmocka_unit_test(what_is_no_message),
        cmocka_unit_test(bounds),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(control_characters_are_blanks),
        cmocka_unit_test(replies_are_read_back),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
