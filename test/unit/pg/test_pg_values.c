/*
 * Values on their way to the server and back: every kind of parameter, arrays, every getter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/civil.h"
#include "unit/pg/pg_rig.h"

#define STMT_COLUMNS(name, ...) static const char *const name[] = {__VA_ARGS__}

STMT_COLUMNS(scalar_columns, "i", "b", "t", "us", "d", "x", "n", "at");
static const struct pg_stmt stmt_scalars = {
    "scalars",
    "SELECT $1::bigint AS i, $2::boolean AS b, $3::text AS t,"
    " (extract(epoch FROM $4::timestamptz) * 1000000)::bigint AS us,"
    " ($5::date)::text AS d, $6::bytea AS x, $7::text AS n, $4 AS at",
    7, 8, scalar_columns};

STMT_COLUMNS(array_columns, "t", "i", "b", "us", "x");
static const struct pg_stmt stmt_arrays = {
    "arrays",
    "SELECT t, i, b, (extract(epoch FROM at) * 1000000)::bigint AS us, x"
    " FROM unnest($1::text[], $2::bigint[], $3::boolean[], $4::timestamptz[], $5::bytea[])"
    " WITH ORDINALITY AS u (t, i, b, at, x, n) ORDER BY n",
    5, 5, array_columns};

static const struct pg_stmt *const stmts[] = {&stmt_scalars, &stmt_arrays};

static struct rig rig;
static struct bench bench;
static struct arena *arena;

static int group_setup(void **state)
{
    struct pg_pool_config config;

    (void)state;
    rig_start(&rig);
    config = bench_config(&rig, stmts, ARRAY_LEN(stmts));
    bench_open(&bench, &config);
    bench_wait_up(&bench);
    arena = arena_new();
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    bench_close(&bench);
    rig_stop(&rig);
    return 0;
}

#define INSTANT INT64_C(1770948000123456) /* 2026-02-13T02:00:00.123456Z */

static uint8_t all_bytes[256];

static void check_scalars(void *ctx, const struct pg_result *res)
{
    bool *done = ctx;
    const uint8_t *data;
    size_t len;

    *done = true;
    assert_int_equal(pg_result_outcome(res), PG_ROWS);
    assert_int_equal(pg_result_int(res, 0, 0), INT64_MIN);
    assert_true(pg_result_bool(res, 0, 1));
    assert_string_equal(pg_result_text(res, 0, 2), "市民'\"\\\n");
    assert_int_equal(pg_result_length(res, 0, 2), strlen("市民'\"\\\n"));
    assert_int_equal(pg_result_instant(res, 0, 3), INSTANT);
    assert_int_equal(pg_result_instant(res, 0, 7), INSTANT);
    assert_string_equal(pg_result_text(res, 0, 4), "2026-02-13");
    data = pg_result_bytea(res, 0, 5, arena, &len);
    assert_int_equal(len, sizeof(all_bytes));
    assert_memory_equal(data, all_bytes, len);
    assert_true(pg_result_null(res, 0, 6));
    assert_string_equal(pg_result_text(res, 0, 6), "");
}

static void test_scalars_there_and_back(void **state)
{
    struct pg_params p;
    bool done = false;

    (void)state;
    for (size_t i = 0; i < sizeof(all_bytes); i++)
        all_bytes[i] = (uint8_t)i;
    pg_params_init(&p, arena);
    pg_param_int(&p, INT64_MIN);
    pg_param_bool(&p, true);
    pg_param_text_n(&p, "市民'\"\\\nand more", strlen("市民'\"\\\n"));
    pg_param_instant(&p, INSTANT);
    pg_param_day(&p, 20497);
    pg_param_bytea(&p, all_bytes, sizeof(all_bytes));
    pg_param_null(&p);
    (void)pg_submit(bench.pool, &stmt_scalars, &p, RIG_WAIT_US, check_scalars, &done);
    rig_run_until(bench.base, &done);
}

static void check_last(void *ctx, const struct pg_result *res)
{
    bool *done = ctx;

    *done = true;
    assert_int_equal(pg_result_outcome(res), PG_ROWS);
    assert_int_equal(pg_result_instant(res, 0, 3), CIVIL_MAX_US);
    assert_int_equal(pg_result_instant(res, 0, 7), CIVIL_MAX_US);
}

/* A limit of a hundred thousand days is due at the end of the calendar, which ended the daemon. */
static void test_the_end_of_the_calendar(void **state)
{
    struct pg_params p;
    bool done = false;

    (void)state;
    pg_params_init(&p, arena);
    pg_param_int(&p, 0);
    pg_param_bool(&p, true);
    pg_param_text(&p, "");
    pg_param_instant(&p, CIVIL_MAX_US);
    pg_param_day(&p, 0);
    pg_param_bytea(&p, all_bytes, 0);
    pg_param_null(&p);
    (void)pg_submit(bench.pool, &stmt_scalars, &p, RIG_WAIT_US, check_last, &done);
    rig_run_until(bench.base, &done);
}

static void check_nulls(void *ctx, const struct pg_result *res)
{
    bool *done = ctx;
    size_t len = 1;

    *done = true;
    assert_int_equal(pg_result_outcome(res), PG_ROWS);
    assert_int_equal(pg_result_int(res, 0, 0), INT64_MAX);
    assert_false(pg_result_bool(res, 0, 1));
    assert_string_equal(pg_result_text(res, 0, 2), "");
    assert_false(pg_result_null(res, 0, 2));
    assert_true(pg_result_null(res, 0, 3));
    assert_int_equal(pg_result_instant(res, 0, 3), 0);
    assert_int_equal(pg_result_instant(res, 0, 7), 0);
    assert_string_equal(pg_result_text(res, 0, 4), "1970-01-01");
    assert_non_null(pg_result_bytea(res, 0, 5, arena, &len));
    assert_int_equal(len, 0);
}

static void test_empty_is_not_null(void **state)
{
    struct pg_params p;
    bool done = false;

    (void)state;
    pg_params_init(&p, arena);
    pg_param_int(&p, INT64_MAX);
    pg_param_bool(&p, false);
    pg_param_text(&p, "");
    pg_param_instant(&p, 0);
    pg_param_day(&p, 0);
    pg_param_bytea(&p, "", 0);
    pg_param_text(&p, NULL);
    (void)pg_submit(bench.pool, &stmt_scalars, &p, RIG_WAIT_US, check_nulls, &done);
    rig_run_until(bench.base, &done);
}

/* ---- arrays
 * ---------------------------------------------------------------------------------------- */

static const char *const texts[] = {"",   "NULL",  "null",   "a,b",        "{x}", "\"q\"",
                                    "\\", " pad ", "\\\"\\", "行\t\r\n中", NULL,  "last"};

static void check_arrays(void *ctx, const struct pg_result *res)
{
    bool *done = ctx;
    size_t len;

    *done = true;
    assert_int_equal(pg_result_outcome(res), PG_ROWS);
    assert_int_equal(pg_result_rows(res), ARRAY_LEN(texts));
    for (int i = 0; i < (int)ARRAY_LEN(texts); i++) {
        const uint8_t *data = pg_result_bytea(res, i, 4, arena, &len);

        assert_int_equal(pg_result_null(res, i, 0), texts[i] == NULL);
        if (texts[i] != NULL)
            assert_string_equal(pg_result_text(res, i, 0), texts[i]);
        assert_int_equal(pg_result_int(res, i, 1), i - 5);
        assert_int_equal(pg_result_bool(res, i, 2), i % 2 == 0);
        assert_int_equal(pg_result_instant(res, i, 3), i == 3 ? 0 : INSTANT + i);
        assert_int_equal(pg_result_null(res, i, 3), i == 3);
        if (i == 4) {
            assert_null(data);
            continue;
        }
        assert_int_equal(len, (size_t)i * 7);
        assert_memory_equal(data, all_bytes, len);
    }
}

static void test_arrays_there_and_back(void **state)
{
    struct pg_params p;
    struct pg_array a[5];
    bool done = false;

    (void)state;
    pg_params_init(&p, arena);
    for (int i = 0; i < 5; i++)
        pg_array_init(&a[i], arena);
    for (int i = 0; i < (int)ARRAY_LEN(texts); i++) {
        pg_array_text(&a[0], texts[i]);
        pg_array_int(&a[1], i - 5);
        pg_array_bool(&a[2], i % 2 == 0);
        pg_array_instant(&a[3], i == 3 ? 0 : INSTANT + i);
        pg_array_bytea(&a[4], i == 4 ? NULL : all_bytes, (size_t)i * 7);
    }
    for (int i = 0; i < 5; i++)
        pg_param_array(&p, &a[i]);
    (void)pg_submit(bench.pool, &stmt_arrays, &p, RIG_WAIT_US, check_arrays, &done);
    rig_run_until(bench.base, &done);
}

static void check_no_rows(void *ctx, const struct pg_result *res)
{
    bool *done = ctx;

    *done = true;
    assert_int_equal(pg_result_outcome(res), PG_ROWS);
    assert_int_equal(pg_result_rows(res), 0);
}

static void test_empty_arrays(void **state)
{
    struct pg_params p;
    bool done = false;

    (void)state;
    pg_params_init(&p, arena);
    for (int i = 0; i < 5; i++) {
        struct pg_array a;

        pg_array_init(&a, arena);
        pg_param_array(&p, &a);
    }
    (void)pg_submit(bench.pool, &stmt_arrays, &p, RIG_WAIT_US, check_no_rows, &done);
    rig_run_until(bench.base, &done);
}

static void check_all_null(void *ctx, const struct pg_result *res)
{
    bool *done = ctx;

    *done = true;
    assert_int_equal(pg_result_outcome(res), PG_ROWS);
    assert_int_equal(pg_result_rows(res), 3);
    for (int row = 0; row < 3; row++)
        for (int col = 0; col < 5; col++)
            assert_true(pg_result_null(res, row, col));
}

/* Nothing in such an array says of which type it is. */
static void test_arrays_of_nulls(void **state)
{
    struct pg_params p;
    bool done = false;

    (void)state;
    pg_params_init(&p, arena);
    for (int i = 0; i < 5; i++) {
        struct pg_array a;

        pg_array_init(&a, arena);
        for (int row = 0; row < 3; row++)
            pg_array_null(&a);
        pg_param_array(&p, &a);
    }
    (void)pg_submit(bench.pool, &stmt_arrays, &p, RIG_WAIT_US, check_all_null, &done);
    rig_run_until(bench.base, &done);
}

/* pg_submit() copies: what the caller does with his memory afterwards does not matter. */
static void test_parameters_are_copied(void **state)
{
    struct arena *own = arena_new();
    char text[] = "市民'\"\\\n";
    struct pg_params p;
    bool done = false;

    (void)state;
    pg_params_init(&p, own);
    pg_param_int(&p, INT64_MIN);
    pg_param_bool(&p, true);
    pg_param_text(&p, text);
    pg_param_instant(&p, INSTANT);
    pg_param_day(&p, 20497);
    pg_param_bytea(&p, all_bytes, sizeof(all_bytes));
    pg_param_null(&p);
    (void)pg_submit(bench.pool, &stmt_scalars, &p, RIG_WAIT_US, check_scalars, &done);
    memset(text, '?', sizeof(text) - 1);
    memset(&p, 0, sizeof(p));
    arena_free(&own);
    rig_run_until(bench.base, &done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars_there_and_back),
        cmocka_unit_test(test_the_end_of_the_calendar),
        cmocka_unit_test(test_empty_is_not_null),
        cmocka_unit_test(test_arrays_there_and_back),
        cmocka_unit_test(test_empty_arrays),
        cmocka_unit_test(test_arrays_of_nulls),
        cmocka_unit_test(test_parameters_are_copied),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
