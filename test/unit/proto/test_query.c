#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "proto/query.h"

struct fixture {
    struct arena *arena;
    struct faults faults;
    struct query q;
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
    arena_free(&f->arena);
    free(f);
    return 0;
}

static bool parse(struct fixture *f, const char *text, size_t len)
{
    faults_init(&f->faults, f->arena);
    return query_parse(text, len, &f->q, f->arena, &f->faults);
}

#define PARSE(f, s) parse(f, s, sizeof(s) - 1)

static void test_values(void **state)
{
    struct fixture *f = *state;
    assert_true(
        PARSE(f, "limit=20&&after=a%2Bb+c&flag&empty=&%E5%B8%82=%e5%b8%82&x=1=2&t=a%0d%0a%09&"));
    assert_int_equal(f->q.count, 7);
    assert_string_equal(query_get(&f->q, "limit"), "20");
    assert_string_equal(query_get(&f->q, "after"), "a+b c");
    assert_string_equal(query_get(&f->q, "flag"), "");
    assert_string_equal(query_get(&f->q, "empty"), "");
    assert_string_equal(query_get(&f->q, "市"), "市");
    assert_string_equal(query_get(&f->q, "x"), "1=2");
    assert_string_equal(query_get(&f->q, "t"), "a\r\n\t");
    assert_null(query_get(&f->q, "LIMIT"));
    assert_null(query_get(&f->q, "nosuch"));
    assert_true(PARSE(f, ""));
    assert_int_equal(f->q.count, 0);
    assert_true(PARSE(f, "&&&"));
    assert_int_equal(f->q.count, 0);
}

#define TEXT(s) s, sizeof(s) - 1

static void test_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        size_t len;
        const char *field, *reason;
    } rows[] = {
        {TEXT("a=%"), "a", "format"},
        {TEXT("a=%4"), "a", "format"},
        {TEXT("a=%4&b=1"), "a", "format"},
        {TEXT("a=%zz"), "a", "format"},
        {TEXT("a=% 1"), "a", "format"},
        {TEXT("a=%00"), "a", "nul"},
        {TEXT("a=\0"), "a", "nul"},
        {TEXT("a\0=1"), "", "nul"},
        {TEXT("%00=1"), "", "nul"},
        {TEXT("a=%01"), "a", "format"},
        {TEXT("a=%7f"), "a", "format"},
        {TEXT("a=\x02"), "a", "format"},
        {TEXT("a%0a=1"), "", "format"},
        {TEXT("a=%ff"), "a", "utf8"},
        {TEXT("a=%c0%80"), "a", "utf8"},
        {TEXT("a=%ed%a0%80"), "a", "utf8"},
        {TEXT("a=\xe5\xb8"), "a", "utf8"},
        {TEXT("%e5%b8=1"), "", "utf8"},
        {TEXT("a=1&b=2&a=1"), "a", "duplicate"},
        {TEXT("a=1&%61=1"), "a", "duplicate"},
        {TEXT("=1"), "", "format"},
        {TEXT("="), "", "format"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *copy = malloc(rows[i].len);
        memcpy(copy, rows[i].text, rows[i].len);
        if (parse(f, copy, rows[i].len) || f->faults.count != 1)
            fail_msg("row %zu was not refused with one fault: %s", i, rows[i].text);
        free(copy);
        if (strcmp(f->faults.list[0].field, rows[i].field) != 0 ||
            strcmp(f->faults.list[0].reason, rows[i].reason) != 0)
            fail_msg("row %zu (%s): \"%s\" %s", i, rows[i].text, f->faults.list[0].field,
                     f->faults.list[0].reason);
    }
}

static void test_number_of_parameters(void **state)
{
    struct fixture *f = *state;
    struct sbuf b;
    sbuf_init(&b, 0);
    for (int i = 0; i < QUERY_MAX_PARAMS; i++)
        sbuf_addf(&b, "p%d=%d&", i, i);
    assert_true(parse(f, b.data, b.len));
    assert_int_equal(f->q.count, QUERY_MAX_PARAMS);
    assert_string_equal(query_get(&f->q, "p63"), "63");
    sbuf_adds(&b, "one=more");
    assert_false(parse(f, b.data, b.len));
    assert_string_equal(f->faults.list[0].reason, "too_long");
    sbuf_free(&b);
}

static void test_storm_of_faults_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct sbuf b;
    sbuf_init(&b, 0);
    for (int i = 0; i < 100000; i++)
        sbuf_adds(&b, "%&");
    assert_false(parse(f, b.data, b.len));
    assert_int_equal(f->faults.count, JSON_MAX_FAULTS);
    assert_true(arena_used(f->arena) < 16384);
    sbuf_free(&b);
}

static void test_unused_is_unknown(void **state)
{
    struct fixture *f = *state;
    assert_true(PARSE(f, "limit=1&Limit=2&x=3"));
    assert_non_null(query_get(&f->q, "limit"));
    query_reject_unused(&f->q, &f->faults);
    assert_int_equal(f->faults.count, 2);
    assert_string_equal(f->faults.list[0].field, "Limit");
    assert_string_equal(f->faults.list[0].reason, "unknown");
    assert_string_equal(f->faults.list[1].field, "x");
}

static void test_append(void **state)
{
    struct fixture *f = *state;
    struct sbuf b;
    sbuf_init(&b, 0);
    sbuf_adds(&b, "/v1/tickets?");
    query_append(&b, "q", "a b&c=d+%\n市~-._");
    query_append(&b, "empty", "");
    assert_string_equal(b.data, "/v1/tickets?q=a%20b%26c%3Dd%2B%25%0A%E5%B8%82~-._&empty=");
    assert_true(parse(f, b.data + 12, b.len - 12));
    assert_string_equal(query_get(&f->q, "q"), "a b&c=d+%\n市~-._");
    sbuf_clear(&b);
    query_append(&b, "a", "1");
    query_append(&b, "b", "2");
    assert_string_equal(b.data, "a=1&b=2");
    sbuf_free(&b);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_values),
        TEST(test_refused),
        TEST(test_number_of_parameters),
        TEST(test_storm_of_faults_is_bounded),
        TEST(test_unused_is_unknown),
        TEST(test_append),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
