/*
 * Losing and finding the server again, and mistakes of configuration that somebody has to hear of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "unit/pg/pg_rig.h"
#include "unit/pg/pg_statements.h"

static struct rig rig;

static int group_setup(void **state)
{
    (void)state;
    rig_start(&rig);
    rig_sql(&rig, test_schema);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    rig_stop(&rig);
    return 0;
}

static void server_stop(void)
{
    char *error = NULL;

    if (!pg_cluster_stop(&rig.cluster, &error))
        fail_msg("%s", error);
}

static void server_start(void)
{
    char *error = NULL;

    rig.cluster = pg_cluster_start(rig.dir, &error);
    if (rig.cluster == NULL)
        fail_msg("%s", error);
}

static void test_pool_survives_a_restart_of_the_server(void **state)
{
    struct pg_pool_config config = bench_config(&rig, test_stmts, ARRAY_LEN(test_stmts));
    struct bench bench;
    struct answer waiting = {.done = false};
    struct pg_params params;

    (void)state;
    config.connections = 3;
    bench_open(&bench, &config);
    pg_pool_listen(bench.pool, "look");
    bench_wait_up(&bench);
    rig_run_until_count(bench.base, &bench.told.listening, 1);
    server_stop();
    rig_run_until_count(bench.base, &bench.told.down, 1);
    assert_false(pg_pool_up(bench.pool));
    pg_params_init(&params, NULL);
    pg_param_text(&params, "patient");
    (void)pg_submit(bench.pool, &stmt_echo, &params, RIG_WAIT_US, answer_keep, &waiting);
    rig_run_for(bench.base, 200 * US_PER_MS);
    assert_int_equal(waiting.calls, 0);
    server_start();
    rig_run_until(bench.base, &waiting.done);
    assert_int_equal(waiting.outcome, PG_ROWS);
    assert_string_equal(waiting.text, "patient");
    assert_true(pg_pool_up(bench.pool));
    /* LISTEN is part of every set-up, and says so: what was missed has to be read. */
    rig_run_until_count(bench.base, &bench.told.listening, 2);
    rig_sql(&rig, "SELECT pg_notify('look', 'after')");
    rig_run_until_count(bench.base, &bench.told.notified, 1);
    assert_string_equal(bench.told.payload, "after");
    bench_close(&bench);
}

static void test_up_and_down_are_told_once_for_the_whole_pool(void **state)
{
    struct pg_pool_config config = bench_config(&rig, test_stmts, ARRAY_LEN(test_stmts));
    struct bench bench;
    struct answer answers[8];

    (void)state;
    memset(answers, 0, sizeof(answers));
    config.connections = 4;
    bench_open(&bench, &config);
    for (int i = 0; i < 8; i++)
        (void)pg_submit(bench.pool, &stmt_pid, NULL, RIG_WAIT_US, answer_keep, &answers[i]);
    rig_run_until(bench.base, &answers[7].done);
    rig_run_for(bench.base, 100 * US_PER_MS);
    assert_int_equal(bench.told.up, 1);
    assert_int_equal(bench.told.down, 0);
    bench_close(&bench);
}

static void test_listening_late_and_twice(void **state)
{
    struct pg_pool_config config = bench_config(&rig, test_stmts, ARRAY_LEN(test_stmts));
    struct bench bench;

    (void)state;
    bench_open(&bench, &config);
    bench_wait_up(&bench);
    pg_pool_listen(bench.pool, "look");
    pg_pool_listen(bench.pool, "look");
    rig_run_until_count(bench.base, &bench.told.listening, 1);
    rig_run_for(bench.base, 50 * US_PER_MS);
    assert_int_equal(bench.told.listening, 1);
    assert_int_equal(bench_ask_text(&bench, &stmt_notify, "self", NULL).outcome, PG_ROWS);
    rig_run_until_count(bench.base, &bench.told.notified, 1);
    bench_close(&bench);
}

/* ---- configuration
 * --------------------------------------------------------------------------------- */

static const char *const wrong_columns[] = {"other"};
static const char *const right_columns[] = {"value"};

static void check_misfit(const struct pg_stmt *stmt, const char *text)
{
    const struct pg_stmt *const stmts[] = {stmt};
    struct pg_pool_config config = bench_config(&rig, stmts, 1);
    struct bench bench;

    bench_open(&bench, &config);
    rig_run_until_count(bench.base, &bench.told.config_errors, 1);
    assert_string_equal(bench.told.config_text, text);
    rig_run_for(bench.base, 100 * US_PER_MS); /* several attempts, told once */
    assert_int_equal(bench.told.config_errors, 1);
    assert_int_equal(bench.told.up, 0);
    bench_close(&bench);
}

static void test_a_statement_that_does_not_fit_is_told(void **state)
{
    const struct pg_stmt params = {"p", "SELECT $1::text AS value", 2, 1, right_columns};
    const struct pg_stmt count = {"c", "SELECT 'a' AS value, 'b' AS b", 0, 1, right_columns};
    const struct pg_stmt name = {"n", "SELECT 'a' AS value", 0, 1, wrong_columns};
    const struct pg_stmt silent = {"s", "SELECT 'a' AS value", 0, 0, NULL};
    const struct pg_stmt table = {"t", "SELECT value FROM missing", 0, 1, right_columns};

    (void)state;
    check_misfit(&params, "statement p has 1 parameters, expected 2");
    check_misfit(&count, "statement c returns 2 columns, expected 1");
    check_misfit(&name, "statement n: column 1 is value, expected other");
    check_misfit(&silent, "statement s returns 1 columns, expected 0");
    check_misfit(&table, "t: 42P01 relation \"missing\" does not exist");
}

static void test_a_mended_schema_is_found_without_restart(void **state)
{
    const struct pg_stmt table = {"t", "SELECT value FROM mended", 0, 1, right_columns};
    const struct pg_stmt *const stmts[] = {&table};
    struct pg_pool_config config = bench_config(&rig, stmts, 1);
    struct bench bench;

    (void)state;
    bench_open(&bench, &config);
    rig_run_until_count(bench.base, &bench.told.config_errors, 1);
    rig_sql(&rig, "CREATE TABLE mended (value text)");
    bench_wait_up(&bench);
    assert_int_equal(bench_ask(&bench, &table, NULL).outcome, PG_ROWS);
    bench_close(&bench);
}

static void check_refused(const char *user, const char *database, const char *sqlstate)
{
    struct pg_pool_config config = bench_config(&rig, test_stmts, ARRAY_LEN(test_stmts));
    char *conninfo =
        xasprintf("host='%s' port=5432 user=%s dbname=%s", rig.cluster->socket_dir, user, database);
    struct bench bench;

    config.conninfo = conninfo;
    bench_open(&bench, &config);
    rig_run_until_count(bench.base, &bench.told.config_errors, 1);
    assert_non_null(strstr(bench.told.config_text, sqlstate));
    bench_close(&bench);
    free(conninfo);
}

static void test_refused_logins_are_told(void **state)
{
    (void)state;
    check_refused("stranger", "hotline", "28000");
    check_refused("hotline", "missing", "3D000");
}

static void test_a_nonsense_conninfo_is_told_without_quoting_it(void **state)
{
    struct pg_pool_config config = bench_config(&rig, test_stmts, ARRAY_LEN(test_stmts));
    struct bench bench;

    (void)state;
    config.conninfo = "host=x password secret";
    bench_open(&bench, &config);
    rig_run_until_count(bench.base, &bench.told.config_errors, 1);
    assert_string_equal(bench.told.config_text, "the connection string cannot be parsed");
    assert_false(pg_pool_up(bench.pool));
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_survives_a_restart_of_the_server),
        cmocka_unit_test(test_up_and_down_are_told_once_for_the_whole_pool),
        cmocka_unit_test(test_listening_late_and_twice),
        cmocka_unit_test(test_a_statement_that_does_not_fit_is_told),
        cmocka_unit_test(test_a_mended_schema_is_found_without_restart),
        cmocka_unit_test(test_refused_logins_are_told),
        cmocka_unit_test(test_a_nonsense_conninfo_is_told_without_quoting_it),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
