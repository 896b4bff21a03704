#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "proto/ticket_json.h"

static const struct {
    const char *json;
    const char *reason; /* NULL = fine */
} rows[] = {
    {"\"110-2026/0017\"", NULL},
    {"\"!\"", NULL},
    {"\"0123456789012345678901234567890123456789012345678901234567890123\"", NULL},
    {"\"01234567890123456789012345678901234567890123456789012345678901234\"", "too_long"},
    {"\"\"", "too_short"},
    {"\"A 1\"", "format"},
    {"\"A\\u00e9\"", "format"},
    {"17", "wrong_type"},
};

/* In a draft: the number arrives as it was given, or its fault is the only one and has its name. */
static void test_numbers_of_other_platforms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena *arena = arena_new();
        struct faults faults;
        struct ticket_draft draft;
        faults_init(&faults, arena);
        const char *text = arena_printf(arena,
                                        "{\"channel\":\"upstream\",\"kind\":\"help\",\"category\":"
                                        "\"01\",\"title\":\"t\",\"text\":\"x\","
                                        "\"external_number\":%s}",
                                        rows[i].json);
        struct json_doc *doc = json_parse(text, strlen(text), &faults);
        assert_non_null(doc);
        bool is_good = ticket_json_decode_draft(json_root(doc), arena, &draft, &faults);
        assert_int_equal(is_good, rows[i].reason == NULL);
        assert_int_equal(faults.count, rows[i].reason ? 1 : 0);
        if (rows[i].reason) {
            assert_string_equal(faults.list[0].field, "external_number");
            assert_string_equal(faults.list[0].reason, rows[i].reason);
        } else {
            assert_int_equal(strlen(draft.external_number) + 2, strlen(rows[i].json));
            assert_memory_equal(draft.external_number, rows[i].json + 1,
                                strlen(draft.external_number));
        }
        json_doc_free(&doc);
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_of_other_platforms),
    };
    return cmocka_run_group_tests_name("external_number", tests, NULL, NULL);
}
