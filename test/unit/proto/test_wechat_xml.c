/*
 * WeChat's XML: every kind of message and event, what is no message, and replies read back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/wechat_crypto.h"
#include "proto/wechat_xml.h"

#define HEAD                                                                                       \
    "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName>"    \
    "<CreateTime>1348831860</CreateTime>"

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
    return wechat_xml_parse(text, strlen(text), arena, &m);
}

static void messages(void **state)
{
    (void)state;
    assert_int_equal(parse(HEAD "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[a<b]]>&amp;"
                                "</Content><MsgId>1234567890123456</MsgId></xml>"),
                     WECHAT_PARSED);
    assert_string_equal(m.to_user, "gh_1");
    assert_string_equal(m.from_user, "o1");
    assert_string_equal(m.create_time, "1348831860");
    assert_string_equal(m.type, "text");
    assert_string_equal(m.content, "a<b&");
    assert_string_equal(m.msg_id, "1234567890123456");
    assert_null(m.event);
    assert_int_equal(parse(HEAD "<MsgType>location</MsgType><Location_X>31.92</Location_X>"
                                "<Location_Y>120.27</Location_Y><Scale>20</Scale>"
                                "<Label>江阴市澄江街道</Label><MsgId>5</MsgId></xml>"),
                     WECHAT_PARSED);
    assert_string_equal(m.latitude, "31.92");
    assert_string_equal(m.longitude, "120.27");
    assert_string_equal(m.label, "江阴市澄江街道");
    assert_int_equal(parse(HEAD "<MsgType>voice</MsgType><MediaId>id</MediaId><Format>amr</Format>"
                                "<Recognition>路灯坏了</Recognition><MsgId>6</MsgId></xml>"),
                     WECHAT_PARSED);
    assert_string_equal(m.recognition, "路灯坏了");
    assert_string_equal(m.format, "amr");
}

static void events(void **state)
{
    (void)state;
    assert_int_equal(parse(HEAD
                           "<MsgType>event</MsgType><Event>TEMPLATESENDJOBFINISH</Event>"
                           "<MsgID>200163836</MsgID><Status>failed: system failed</Status></xml>"),
                     WECHAT_PARSED);
    assert_string_equal(m.sent_msg_id, "200163836");
    assert_null(m.msg_id);
    assert_string_equal(m.status, "failed: system failed");
    assert_int_equal(
        parse(HEAD "<MsgType>event</MsgType><Event>location_select</Event><EventKey>6</EventKey>"
                   "<SendLocationInfo><Location_X>23</Location_X><Location_Y>113</Location_Y>"
                   "<Scale>15</Scale><Label>广州市</Label><Poiname></Poiname></SendLocationInfo>"
                   "</xml>"),
        WECHAT_PARSED);
    assert_string_equal(m.latitude, "23");
    assert_string_equal(m.label, "广州市");
    assert_int_equal(
        parse(HEAD "<MsgType>event</MsgType><Event>scancode_waitmsg</Event><EventKey>6</EventKey>"
                   "<ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>2</ScanResult>"
                   "</ScanCodeInfo></xml>"),
        WECHAT_PARSED);
    assert_string_equal(m.scan_result, "2");
}

static void nested_names_are_not_fields(void **state)
{
    (void)state;
    assert_int_equal(parse("<xml><Other><FromUserName>x</FromUserName><MsgId>9</MsgId></Other>"
                           "<FromUserName>o<b>no</b>1</FromUserName><FromUserName>o2"
                           "</FromUserName><New/></xml>"),
                     WECHAT_PARSED);
    assert_string_equal(m.from_user, "o1");
    assert_null(m.msg_id);
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum wechat_parsed why;
    } bad[] = {
        {"", WECHAT_SYNTAX},
        {"{}", WECHAT_SYNTAX},
        {"<html/>", WECHAT_SYNTAX},
        {"<xml>", WECHAT_SYNTAX},
        {"<xml></xml><xml/>", WECHAT_SYNTAX},
        {"<xml><Content>\xff</Content></xml>", WECHAT_SYNTAX},
        {"<xml><Content>\xed\xa0\x80</Content></xml>", WECHAT_SYNTAX},
        {"<xml><Content>\xc0\x80</Content></xml>", WECHAT_SYNTAX},
        {"<xml><Content>\x01</Content></xml>", WECHAT_SYNTAX},
        {"<xml><Content>&#0;</Content></xml>", WECHAT_SYNTAX},
        {"<xml><Content>&other;</Content></xml>", WECHAT_SYNTAX},
        {"<!DOCTYPE xml><xml/>", WECHAT_DOCTYPE},
        {"<!DOCTYPE xml SYSTEM \"file:///etc/passwd\"><xml/>", WECHAT_DOCTYPE},
        {"<!DOCTYPE xml [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><xml><Content>&b;</Content>"
         "</xml>",
         WECHAT_DOCTYPE},
        {"<xml><a><b><c><d><e><f><g><h/></g></f></e></d></c></b></a></xml>", WECHAT_BOUNDS},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(parse(bad[i].text), bad[i].why);
        assert_null(m.content);
    }
}

static void bounds(void **state)
{
    struct sbuf text;

    (void)state;
    sbuf_init(&text, 0);
    sbuf_adds(&text, "<xml>");
    for (int i = 0; i < WECHAT_XML_ELEMENTS; i++)
        sbuf_adds(&text, "<a/>");
    sbuf_adds(&text, "</xml>");
    assert_int_equal(parse(text.data), WECHAT_BOUNDS);
    sbuf_clear(&text);
    sbuf_adds(&text, "<xml><Content>");
    while (text.len < WECHAT_BODY_MAX)
        sbuf_addc(&text, 'x');
    sbuf_adds(&text, "</Content></xml>");
    assert_int_equal(parse(text.data), WECHAT_BOUNDS);
    sbuf_free(&text);
}

static void every_truncation(void **state)
{
    static const char whole[] =
        HEAD "<MsgType><![CDATA[text]]></MsgType><Content>中文&lt;</Content>"
             "<MsgId>1</MsgId></xml>";

    (void)state;
    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        char *part = malloc(len ? len : 1); /* so that a byte too far is noticed */
        assert_non_null(part);
        memcpy(part, whole, len);
        assert_int_equal(wechat_xml_parse(part, len, arena, &m), WECHAT_SYNTAX);
        assert_null(m.from_user);
        free(part);
    }
    assert_int_equal(parse(whole), WECHAT_PARSED);
}

static void replies_are_read_back(void **state)
{
    static const char *const texts[][2] = {
        {"您好", "您好"},
        {"a]]>b", "a]]>b"},
        {"]]>]]>", "]]>]]>"},
        {"]]", "]]"},
        {"<b>&amp;</b>", "<b>&amp;</b>"},
        {"一\n二\x01三", "一\n二三"},
        {"", ""},
    };
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        sbuf_clear(&out);
        wechat_xml_write_text(&out, "o]]>1", "gh_1", 1760000000, texts[i][0]);
        assert_int_equal(parse(out.data), WECHAT_PARSED);
        assert_string_equal(m.content, texts[i][1]);
        assert_string_equal(m.to_user, "o]]>1");
        assert_string_equal(m.create_time, "1760000000");
        assert_string_equal(m.type, "text");
    }
    sbuf_clear(&out);
    wechat_xml_write_encrypted(&out, "abc=", "f00", 1760000000, "n");
    assert_string_equal(out.data, "<xml><Encrypt><![CDATA[abc=]]></Encrypt><MsgSignature>"
                                  "<![CDATA[f00]]></MsgSignature><TimeStamp>1760000000</TimeStamp>"
                                  "<Nonce><![CDATA[n]]></Nonce></xml>");
    sbuf_free(&out);
}

static void long_replies_end_at_a_character(void **state)
{
    struct sbuf text, out;

    (void)state;
    sbuf_init(&text, 0);
    sbuf_init(&out, 0);
    for (int i = 0; i < 1000; i++)
        sbuf_adds(&text, "长");
    wechat_xml_write_text(&out, "o", "g", 1, text.data);
    assert_int_equal(parse(out.data), WECHAT_PARSED);
    assert_int_equal(strlen(m.content), WECHAT_REPLY_MAX / 3 * 3);
    sbuf_free(&text);
    sbuf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nested_names_are_not_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_truncation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replies_are_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_replies_end_at_a_character, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
