/*
 * What the server says and what that means: the table of outcomes, by the table and by a server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "pg/pg_private.h"
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

static int open_bench(void **state)
{
    static struct bench bench;
    struct pg_pool_config config = bench_config(&rig, test_stmts, ARRAY_LEN(test_stmts));

    rig_sql(&rig, "TRUNCATE item, parent, child");
    bench_open(&bench, &config);
    bench_wait_up(&bench);
    *state = &bench;
    return 0;
}

static int close_bench(void **state)
{
    bench_close(*state);
    return 0;
}

struct row {
    const char *sqlstate;
    enum pg_outcome outcome;
    bool fresh; /* the connection is replaced */
};

static const struct row rows[] = {
    {"08006", PG_UNCERTAIN, true},  {"08P01", PG_UNCERTAIN, true},  {"0A000", PG_REJECTED, false},
    {"21000", PG_REJECTED, false},  {"22001", PG_REJECTED, false},  {"22P02", PG_REJECTED, false},
    {"23505", PG_REJECTED, false},  {"23514", PG_REJECTED, false},  {"25006", PG_RETRYABLE, true},
    {"26000", PG_RETRYABLE, true},  {"40001", PG_RETRYABLE, false}, {"40003", PG_UNCERTAIN, true},
    {"40P01", PG_RETRYABLE, false}, {"42501", PG_REJECTED, false},  {"42P01", PG_REJECTED, false},
    {"53100", PG_RETRYABLE, false}, {"53300", PG_RETRYABLE, false}, {"55006", PG_RETRYABLE, false},
    {"55000", PG_REJECTED, false},  {"55P03", PG_RETRYABLE, false}, {"57014", PG_RETRYABLE, false},
    {"57P01", PG_UNCERTAIN, true},  {"57P03", PG_UNCERTAIN, true},  {"58030", PG_RETRYABLE, false},
    {"P0001", PG_REJECTED, false},  {"HT001", PG_REJECTED, false},  {"XX000", PG_RETRYABLE, false},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(pg_outcome_of_sqlstate(rows[i].sqlstate), rows[i].outcome);
}

static void test_every_row_by_a_server(void **state)
{
    struct bench *bench = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct answer before = bench_ask(bench, &stmt_pid, NULL), after;
        struct answer a = bench_ask_text(bench, &stmt_raise, rows[i].sqlstate, NULL);

        assert_int_equal(a.outcome, rows[i].outcome);
        assert_string_equal(a.sqlstate, rows[i].sqlstate);
        assert_string_equal(a.message, "raised");
        after = bench_ask(bench, &stmt_pid, NULL);
        assert_int_equal(strcmp(before.text, after.text) != 0, rows[i].fresh);
    }
}

static void test_ok_and_rows(void **state)
{
    struct answer a = bench_ask_text(*state, &stmt_insert, "k", "v");

    assert_int_equal(a.outcome, PG_OK);
    assert_int_equal(a.rows, 0);
    assert_int_equal(a.parts, 1);
    a = bench_ask_text(*state, &stmt_shape, NULL, NULL);
    assert_int_equal(a.outcome, PG_ROWS); /* none of them, but rows */
    assert_int_equal(a.rows, 0);
}

static void test_rejected_names_the_constraint(void **state)
{
    struct answer a;

    (void)bench_ask_text(*state, &stmt_insert, "k", "v");
    a = bench_ask_text(*state, &stmt_insert, "k", "v");
    assert_int_equal(a.outcome, PG_REJECTED);
    assert_string_equal(a.sqlstate, "23505");
    assert_string_equal(a.constraint, "item_pkey");
}

static void test_lost_statements_call_for_a_fresh_connection(void **state)
{
    struct bench *bench = *state;
    struct answer a;

    assert_int_equal(bench_ask(bench, &stmt_forget, NULL).outcome, PG_OK);
    a = bench_ask_text(bench, &stmt_echo, "x", NULL);
    assert_int_equal(a.outcome, PG_RETRYABLE);
    assert_string_equal(a.sqlstate, "26000");
    assert_string_equal(bench_ask_text(bench, &stmt_echo, "again", NULL).text, "again");
}

static void test_changed_result_type_calls_for_a_fresh_connection(void **state)
{
    struct bench *bench = *state;
    struct answer a;

    assert_int_equal(bench_ask(bench, &stmt_shape, NULL).outcome, PG_ROWS);
    rig_sql(&rig, "ALTER TABLE shaped ALTER shape TYPE bigint");
    a = bench_ask(bench, &stmt_shape, NULL);
    assert_int_equal(a.outcome, PG_RETRYABLE);
    assert_string_equal(a.sqlstate, "0A000");
    assert_int_equal(bench_ask(bench, &stmt_shape, NULL).outcome, PG_ROWS);
}

static void test_timeouts_of_the_server_are_retryable(void **state)
{
    struct pg_pool_config config = bench_config(&rig, test_stmts, ARRAY_LEN(test_stmts));
    struct bench bench;
    struct answer a;

    (void)state;
    config.statement_timeout_ms = 50;
    bench_open(&bench, &config);
    bench_wait_up(&bench);
    a = bench_ask_text(&bench, &stmt_sleep, "50", NULL);
    assert_int_equal(a.outcome, PG_RETRYABLE);
    assert_string_equal(a.sqlstate, "57014");
    bench_close(&bench);
}

/* ---- commit waits ------------------------------------------------------------------------------
 */

static void test_a_warning_of_broken_replication_is_not_success(void **state)
{
    struct answer a = bench_ask_text(
        *state, &stmt_warn, "canceling wait for synchronous replication due to user request", NULL);

    assert_int_equal(a.outcome, PG_UNCERTAIN);
    assert_int_equal(bench_ask_text(*state, &stmt_warn, "another", NULL).outcome, PG_ROWS);
}

static void wait_until(const char *sql, int64_t wanted)
{
    int64_t deadline_us = clk_mono_us() + RIG_WAIT_US;

    while (rig_count(&rig, sql) != wanted)
        assert_true(clk_mono_us() < deadline_us);
}

static void set_standby(const char *names)
{
    char sql[120];

    snprintf(sql, sizeof(sql), "ALTER SYSTEM SET synchronous_standby_names = '%s'", names);
    rig_admin_sql(&rig, sql);
    rig_admin_sql(&rig, "SELECT pg_reload_conf()");
    snprintf(sql, sizeof(sql),
             "SELECT count(*) FROM pg_settings WHERE name = 'synchronous_standby_names'"
             " AND setting = '%s'",
             names);
    wait_until(sql, 1);
}

/* The real thing: the only standby is down, an administrator cancels the waiting commit. */
static void test_a_cancelled_commit_wait_is_uncertain(void **state)
{
    static const char waiting[] =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    struct bench *bench = *state;
    struct answer a = {.done = false}, behind = {.done = false};
    struct pg_params params;

    set_standby("nobody");
    pg_params_init(&params, NULL);
    pg_param_text(&params, "k");
    pg_param_text(&params, "v");
    (void)pg_submit(bench->pool, &stmt_insert, &params, RIG_WAIT_US, answer_keep, &a);
    (void)pg_submit(bench->pool, &stmt_pid, NULL, RIG_WAIT_US, answer_keep, &behind);
    rig_turn(bench->base);
    wait_until(waiting, 1);
    rig_sql(&rig, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
                  " WHERE wait_event = 'SyncRep'");
    rig_run_until(bench->base, &behind.done);
    set_standby("");
    assert_int_equal(a.outcome, PG_UNCERTAIN);
    assert_string_equal(a.sqlstate, "01000");
    assert_int_equal(behind.outcome, PG_ROWS); /* only the one is in doubt */
    assert_int_equal(rig_count(&rig, "SELECT count(*) FROM item"), 1);
}

/* ---- connection errors
 * --------------------------------------------------------------------------- */

static void test_sqlstate_of_a_connection_error(void **state)
{
    char sqlstate[PG_SQLSTATE_SIZE];

    (void)state;
    pg_connect_sqlstate("connection to server at \"h\" (::1), port 1 failed: FATAL:  28P01: no\n",
                        sqlstate);
    assert_string_equal(sqlstate, "28P01");
    pg_connect_sqlstate("could not connect: Connection refused", sqlstate);
    assert_string_equal(sqlstate, "");
    pg_connect_sqlstate("FATAL:  no state:  here", sqlstate);
    assert_string_equal(sqlstate, "");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        CASE(test_every_row_by_a_server),
        CASE(test_ok_and_rows),
        CASE(test_rejected_names_the_constraint),
        CASE(test_lost_statements_call_for_a_fresh_connection),
        CASE(test_changed_result_type_calls_for_a_fresh_connection),
        cmocka_unit_test(test_timeouts_of_the_server_are_retryable),
        CASE(test_a_warning_of_broken_replication_is_not_success),
        CASE(test_a_cancelled_commit_wait_is_uncertain),
        cmocka_unit_test(test_sqlstate_of_a_connection_error),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
