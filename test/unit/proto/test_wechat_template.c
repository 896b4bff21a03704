/*
 * Templates of WeChat accounts: what is one, and what they are filled with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hotline/vocabulary.h"
#include "proto/wechat_template.h"

static struct arena *arena;
static struct faults faults;
static struct wechat_template template;

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

static bool read(const char *text)
{
    struct faults none;

    faults_init(&none, arena);
    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(text, strlen(text), &none);
    assert_non_null(doc);
    bool ok = wechat_template_read(json_root(doc), "template", arena, &template, &faults);
    json_doc_free(&doc);
    return ok;
}

static void what_is_none(void **state)
{
    (void)state;
    assert_true(read("null"));
    assert_null(template.id);
    assert_true(read("{}"));
    assert_null(template.id);
}

static void what_is_wrong(void **state)
{
    static const struct {
        const char *text, *field, *reason;
    } bad[] = {
        {"[]", "template", "wrong_type"},
        {"{\"id\":\"T\"}", "template.fields", "required"},
        {"{\"fields\":{}}", "template.id", "required"},
        {"{\"id\":\"\",\"fields\":{}}", "template.id", "too_short"},
        {"{\"id\":\"T\",\"fields\":[]}", "template.fields", "wrong_type"},
        {"{\"id\":\"T\",\"fields\":{\"thing1\":\"weather\"}}", "template.fields.thing1",
         "not_allowed"},
        {"{\"id\":\"T\",\"fields\":{\"thing1\":1}}", "template.fields.thing1", "not_allowed"},
        {"{\"id\":\"T\",\"fields\":{\"\":\"title\"}}", "template.fields.", "format"},
        {"{\"id\":\"T\",\"fields\":{\"a.DATA\":\"title\"}}", "template.fields.a.DATA", "format"},
        {"{\"id\":\"T\",\"fields\":{},\"url\":\"javascript:x\"}", "template.url", "format"},
        {"{\"id\":\"T\",\"fields\":{},\"more\":1}", "template.more", "unknown"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(read(bad[i].text));
        assert_string_equal(faults.list[0].field, bad[i].field);
        assert_string_equal(faults.list[0].reason, bad[i].reason);
    }
}

static const char *written(const struct talk_ticket *ticket, bool is_english)
{
    const struct talk_settings settings = {.is_english = is_english};
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    if (ticket)
        wechat_template_fill(&w, NULL, &template, &settings, ticket, arena);
    else
        wechat_template_write(&w, NULL, &template);
    const char *text = arena_strdup(arena, out.data);
    sbuf_free(&out);
    return text;
}

static void written_and_read_back(void **state)
{
    static const char whole[] =
        "{\"id\":\"T\",\"url\":\"https://c/{number}/p\",\"fields\":{\"character_string1\":"
        "\"number\",\"thing2\":\"title\",\"phrase3\":\"state\",\"keyword4\":\"received\","
        "\"remark\":\"reply\"}}";

    (void)state;
    assert_true(read(whole));
    assert_string_equal(written(NULL, false), whole);
    assert_true(read("{}"));
    assert_string_equal(written(NULL, false), "{}");
}

static void filled(void **state)
{
    struct talk_ticket ticket = {.number = "260213100000000108",
                                 .title = "一二三四五六七八九十一二三四五六七八九十多",
                                 .state = TICKET_CALLBACK,
                                 .received = "2026-02-13",
                                 .public_reply = NULL};

    (void)state;
    assert_true(
        read("{\"id\":\"T\",\"url\":\"https://c/{number}/p\",\"fields\":{\"thing1\":\"title\","
             "\"first\":\"title\",\"phrase2\":\"title\",\"phrase3\":\"state\",\"thing4\":"
             "\"reply\",\"character_string5\":\"number\"}}"));
    assert_string_equal(
        written(&ticket, false),
        "{\"template_id\":\"T\",\"url\":\"https://c/260213100000000108/p\",\"data\":{\"thing1\":{"
        "\"value\":\"一二三四五六七八九十一二三四五六七八九十\"},\"first\":{\"value\":"
        "\"一二三四五六七八九十一二三四五六七八九十多\"},\"phrase2\":{\"value\":\"一二三四五\"},"
        "\"phrase3\":{\"value\":\"待回访\"},\"thing4\":{\"value\":\"-\"},\"character_string5\":{"
        "\"value\":\"260213100000000108\"}}}");
    assert_true(read("{\"id\":\"T\",\"url\":\"https://c/\",\"fields\":{\"thing4\":\"reply\"}}"));
    ticket.ground = "不属本市";
    assert_string_equal(written(&ticket, true),
                        "{\"template_id\":\"T\",\"url\":\"https://c/"
                        "\",\"data\":{\"thing4\":{\"value\":\"不属本市\"}}}");
    ticket.public_reply = "";
    assert_non_null(strstr(written(&ticket, true), "\"value\":\"-\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_none),
        cmocka_unit_test(what_is_wrong),
        cmocka_unit_test(written_and_read_back),
        cmocka_unit_test(filled),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
