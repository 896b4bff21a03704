#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"

enum urgency { URGENCY_NORMAL, URGENCY_URGENT, URGENCY_CRITICAL };
static const char *const urgency_names[] = {"normal", "urgent", "critical", NULL};

struct requester {
    const char *name;
    const char *phone;
};

struct ticket {
    const char *text;
    int64_t count;
    bool urgent;
    bool urgent_given;
    int urgency;
    int64_t at_us;
    struct requester requester;
    bool requester_given;
    struct json_strings tags;
    const struct json_value *extra;
};

static const struct field requester_fields[] = {
    {.name = "name", .type = FIELD_STRING, .offset = offsetof(struct requester, name), .max = 8},
    {.name = "phone",
     .type = FIELD_STRING,
     .offset = offsetof(struct requester, phone),
     .min = 3,
     .max = 20,
     .flags = FIELD_REQUIRED},
};

static const struct field fields[] = {
    {.name = "text",
     .type = FIELD_STRING,
     .offset = offsetof(struct ticket, text),
     .min = 1,
     .max = 4,
     .flags = FIELD_REQUIRED | FIELD_MULTILINE},
    {.name = "count",
     .type = FIELD_INT,
     .offset = offsetof(struct ticket, count),
     .min = -5,
     .max = 10},
    {.name = "urgent",
     .type = FIELD_BOOL,
     .offset = offsetof(struct ticket, urgent),
     .present_offset = offsetof(struct ticket, urgent_given) + 1},
    {.name = "urgency",
     .type = FIELD_ENUM,
     .offset = offsetof(struct ticket, urgency),
     .names = urgency_names},
    {.name = "at", .type = FIELD_INSTANT, .offset = offsetof(struct ticket, at_us)},
    {.name = "requester",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct ticket, requester),
     .child = requester_fields,
     .child_count = ARRAY_LEN(requester_fields),
     .present_offset = offsetof(struct ticket, requester_given) + 1},
    {.name = "tags",
     .type = FIELD_STRINGS,
     .offset = offsetof(struct ticket, tags),
     .min = 1,
     .max = 3,
     .item_max = 2},
    {.name = "extra", .type = FIELD_VALUE, .offset = offsetof(struct ticket, extra)},
};

struct fixture {
    struct arena *arena;
    struct faults faults;
    struct json_doc *doc;
    struct ticket t;
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    f->arena = arena_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    json_doc_free(&f->doc);
    arena_free(&f->arena);
    free(f);
    return 0;
}

static bool decode(struct fixture *f, const char *text)
{
    json_doc_free(&f->doc);
    faults_init(&f->faults, f->arena);
    f->t = (struct ticket){.urgency = URGENCY_URGENT};
    f->doc = json_parse(text, strlen(text), &f->faults);
    assert_non_null(f->doc);
    return json_decode(json_root(f->doc), fields, ARRAY_LEN(fields), &f->t, f->arena, &f->faults);
}

static void test_everything(void **state)
{
    struct fixture *f = *state;
    assert_true(decode(f, "{\"text\":\"市\\n\\r\\t\",\"count\":-5,\"urgent\":false,"
                          "\"urgency\":\"critical\",\"at\":\"2026-02-13T10:00:00+08:00\","
                          "\"requester\":{\"name\":\"\",\"phone\":\"138\"},"
                          "\"tags\":[\"ab\",\"市民\",\"\"],\"extra\":{\"any\":[1]}}"));
    assert_string_equal(f->t.text, "市\n\r\t");
    assert_int_equal(f->t.count, -5);
    assert_false(f->t.urgent);
    assert_true(f->t.urgent_given);
    assert_int_equal(f->t.urgency, URGENCY_CRITICAL);
    assert_int_equal(f->t.at_us, INT64_C(1770948000000000));
    assert_true(f->t.requester_given);
    assert_string_equal(f->t.requester.name, "");
    assert_string_equal(f->t.requester.phone, "138");
    assert_int_equal(f->t.tags.count, 3);
    assert_string_equal(f->t.tags.list[1], "市民");
    assert_int_equal(json_array_length(json_get(f->t.extra, "any")), 1);
    /* strings are the arena's, not the document's */
    json_doc_free(&f->doc);
    assert_string_equal(f->t.tags.list[0], "ab");
}

/* Blanks of every width, alone, where something must be said; beside other text they are text. */
static void test_blanks_say_nothing(void **state)
{
    static const char *const blanks[] = {
        " ", "\\n\\t", "\\u3000", "\\u00a0 ", "\\u200b", "\\ufeff", "\\u2028\\u2009",
    };
    struct fixture *f = *state;
    char text[64];

    for (size_t i = 0; i < ARRAY_LEN(blanks); i++) {
        (void)snprintf(text, sizeof(text), "{\"text\":\"%s\"}", blanks[i]);
        assert_false(decode(f, text));
        assert_int_equal(f->faults.count, 1);
        assert_string_equal(f->faults.list[0].field, "text");
        assert_string_equal(f->faults.list[0].reason, "too_short");
        (void)snprintf(text, sizeof(text), "{\"text\":\"%s市\"}", blanks[i]);
        assert_true(decode(f, text));
    }
    /* where nothing need be said */
    assert_true(decode(f, "{\"text\":\"x\",\"requester\":{\"name\":\" \",\"phone\":\"138\"}}"));
}

static void test_absent_and_null_are_the_same(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        "{\"text\":\"x\"}",
        "{\"text\":\"x\",\"count\":null,\"urgent\":null,\"urgency\":null,\"at\":null,"
        "\"requester\":null,\"tags\":null,\"extra\":null}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_true(decode(f, texts[i]));
        assert_int_equal(f->t.count, 0);
        assert_false(f->t.urgent_given);
        assert_false(f->t.requester_given);
        assert_int_equal(f->t.urgency, URGENCY_URGENT); /* the preset stays */
        assert_null(f->t.tags.list);
        assert_null(f->t.extra);
    }
}

static const struct {
    const char *text, *field, *reason;
} bad[] = {
    {"{}", "text", "required"},
    {"{\"text\":null}", "text", "required"},
    {"{\"text\":12}", "text", "wrong_type"},
    {"{\"text\":\"\"}", "text", "too_short"},
    {"{\"text\":\"市市市市市\"}", "text", "too_long"},
    {"{\"text\":\"a\\u0001\"}", "text", "format"},
    {"{\"text\":\"a\\u007f\"}", "text", "format"},
    {"{\"text\":\"a\\b\"}", "text", "format"},
    {"{\"text\":\"x\",\"count\":\"12\"}", "count", "wrong_type"},
    {"{\"text\":\"x\",\"count\":1.5}", "count", "wrong_type"},
    {"{\"text\":\"x\",\"count\":1.0}", "count", "wrong_type"},
    {"{\"text\":\"x\",\"count\":true}", "count", "wrong_type"},
    {"{\"text\":\"x\",\"count\":11}", "count", "range"},
    {"{\"text\":\"x\",\"count\":-6}", "count", "range"},
    {"{\"text\":\"x\",\"urgent\":1}", "urgent", "wrong_type"},
    {"{\"text\":\"x\",\"urgent\":\"true\"}", "urgent", "wrong_type"},
    {"{\"text\":\"x\",\"urgency\":1}", "urgency", "wrong_type"},
    {"{\"text\":\"x\",\"urgency\":\"Urgent\"}", "urgency", "not_allowed"},
    {"{\"text\":\"x\",\"urgency\":\"\"}", "urgency", "not_allowed"},
    {"{\"text\":\"x\",\"at\":1770948000}", "at", "wrong_type"},
    {"{\"text\":\"x\",\"at\":\"2026-02-13\"}", "at", "format"},
    {"{\"text\":\"x\",\"requester\":[]}", "requester", "wrong_type"},
    {"{\"text\":\"x\",\"requester\":{}}", "requester.phone", "required"},
    {"{\"text\":\"x\",\"requester\":{\"phone\":\"1\\n2\"}}", "requester.phone", "format"},
    {"{\"text\":\"x\",\"requester\":{\"phone\":\"138\",\"age\":7}}", "requester.age", "unknown"},
    {"{\"text\":\"x\",\"tags\":\"ab\"}", "tags", "wrong_type"},
    {"{\"text\":\"x\",\"tags\":[]}", "tags", "too_short"},
    {"{\"text\":\"x\",\"tags\":[\"a\",\"b\",\"c\",\"d\"]}", "tags", "too_long"},
    {"{\"text\":\"x\",\"tags\":[\"a\",7]}", "tags[1]", "wrong_type"},
    {"{\"text\":\"x\",\"tags\":[null]}", "tags[0]", "wrong_type"},
    {"{\"text\":\"x\",\"tags\":[\"a\",\"b\",\"abc\"]}", "tags[2]", "too_long"},
    {"{\"text\":\"x\",\"tags\":[\"\\n\"]}", "tags[0]", "format"},
    {"{\"text\":\"x\",\"Text\":\"y\"}", "Text", "unknown"},
    {"{\"text\":\"x\",\"more\":null}", "more", "unknown"},
    {"[]", "", "wrong_type"},
    {"null", "", "wrong_type"},
    {"\"text\"", "", "wrong_type"},
};

static void test_faults(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (decode(f, bad[i].text) || f->faults.count != 1)
            fail_msg("not one fault: %s", bad[i].text);
        if (strcmp(f->faults.list[0].field, bad[i].field) != 0 ||
            strcmp(f->faults.list[0].reason, bad[i].reason) != 0)
            fail_msg("%s: \"%s\" %s", bad[i].text, f->faults.list[0].field,
                     f->faults.list[0].reason);
    }
}

static void test_all_faults_are_collected(void **state)
{
    struct fixture *f = *state;
    assert_false(
        decode(f, "{\"count\":99,\"urgency\":\"no\",\"requester\":{\"phone\":\"1\"},\"x\":1}"));
    static const char *const want[][2] = {
        {"text", "required"},       {"count", "range"},
        {"urgency", "not_allowed"}, {"requester.phone", "too_short"},
        {"x", "unknown"},
    };
    assert_int_equal(f->faults.count, ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_string_equal(f->faults.list[i].field, want[i][0]);
        assert_string_equal(f->faults.list[i].reason, want[i][1]);
    }
}

static void test_storm_of_unknown_keys_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct sbuf b;
    sbuf_init(&b, 0);
    sbuf_adds(&b, "{\"text\":\"x\"");
    for (int i = 0; i < 50000; i++)
        sbuf_addf(&b, ",\"unknown key number %d\":0", i);
    sbuf_adds(&b, "}");
    assert_false(decode(f, b.data));
    assert_int_equal(f->faults.count, JSON_MAX_FAULTS);
    assert_true(arena_used(f->arena) < 16384);
    sbuf_free(&b);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_everything),
        TEST(test_blanks_say_nothing),
        TEST(test_absent_and_null_are_the_same),
        TEST(test_faults),
        TEST(test_all_faults_are_collected),
        TEST(test_storm_of_unknown_keys_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
