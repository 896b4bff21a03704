/*
 * The facts measured about libpq 15 in pipeline mode, each as a guarantee of lib/pg.
 * factNN in a test's name is its row in the list of the architecture notes: 1 order of results,
 * 2 aborted groups, 3 implicit transactions, 4 BEGIN inside, 5 Sync, 6 multi-statement texts,
 * 7 NOTIFY, 8 death of the server, 9 false success, 10 bad texts, 11 notices.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
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

/* ---- 1 and 5
 * ------------------------------------------------------------------------------------- */

#define MANY 500

static void test_fact1_answers_come_in_order_and_to_their_own(void **state)
{
    struct bench *bench = *state;
    static struct answer answers[MANY];
    struct pg_params params;
    char text[16];

    memset(answers, 0, sizeof(answers));
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof(text), "%d", i);
        pg_params_init(&params, NULL);
        pg_param_text(&params, text);
        (void)pg_submit(bench->pool, i % 7 == 3 ? &stmt_divide : &stmt_echo, &params, RIG_WAIT_US,
                        answer_keep, &answers[i]);
    }
    rig_run_until(bench->base, &answers[MANY - 1].done);
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof(text), "%d", i % 7 == 3 ? 0 : i);
        assert_int_equal(answers[i].calls, 1);
        assert_int_equal(answers[i].outcome, PG_ROWS);
        assert_string_equal(answers[i].text, text);
    }
}

static void test_fact5_a_lone_operation_is_answered_without_further_traffic(void **state)
{
    struct answer a = bench_ask_text(*state, &stmt_echo, "alone", NULL);

    assert_int_equal(a.outcome, PG_ROWS);
    assert_string_equal(a.text, "alone");
}

/* ---- 2, 3, 4
 * -------------------------------------------------------------------------------------- */

struct group_answer {
    struct answer whole;
    enum pg_outcome part[3];
    char sqlstate[3][6];
};

static void keep_group(void *ctx, const struct pg_result *res)
{
    struct group_answer *a = ctx;

    assert_int_equal(pg_result_count(res), 3);
    for (int i = 0; i < 3; i++) {
        a->part[i] = pg_result_outcome(pg_result_at(res, i));
        snprintf(a->sqlstate[i], sizeof(a->sqlstate[i]), "%s",
                 pg_result_sqlstate(pg_result_at(res, i)));
    }
    answer_keep(&a->whole, res);
}

/* INSERT, 1 / divisor, INSERT as one group. */
static struct group_answer ask_group(struct bench *bench, const char *divisor)
{
    struct group_answer answer = {.whole = {.done = false}};
    struct pg_params first, second, third;
    const struct pg_call calls[] = {
        {&stmt_insert, &first}, {&stmt_divide, &second}, {&stmt_insert, &third}};

    pg_params_init(&first, NULL);
    pg_param_text(&first, "a");
    pg_param_text(&first, "1");
    pg_params_init(&second, NULL);
    pg_param_text(&second, divisor);
    pg_params_init(&third, NULL);
    pg_param_text(&third, "b");
    pg_param_text(&third, "2");
    (void)pg_submit_group(bench->pool, calls, 3, RIG_WAIT_US, keep_group, &answer);
    rig_run_until(bench->base, &answer.whole.done);
    return answer;
}

static void test_fact2_the_first_error_is_told_to_the_whole_group(void **state)
{
    struct group_answer a = ask_group(*state, "0");

    assert_int_equal(a.whole.outcome, PG_REJECTED);
    assert_string_equal(a.whole.sqlstate, "22012");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(a.part[i], PG_REJECTED);
        assert_string_equal(a.sqlstate[i], "22012");
    }
    /* ... and the next group is not touched by it */
    assert_string_equal(bench_ask_text(*state, &stmt_echo, "next", NULL).text, "next");
}

static void test_fact3_a_group_commits_or_fails_as_a_whole(void **state)
{
    struct group_answer a = ask_group(*state, "0");

    assert_int_equal(a.whole.outcome, PG_REJECTED);
    assert_int_equal(rig_count(&rig, "SELECT count(*) FROM item"), 0);
    a = ask_group(*state, "1");
    assert_int_equal(a.whole.outcome, PG_OK);
    assert_int_equal(a.part[0], PG_OK);
    assert_int_equal(a.part[1], PG_ROWS);
    assert_int_equal(a.part[2], PG_OK);
    assert_int_equal(rig_count(&rig, "SELECT count(*) FROM item"), 2);
}

static void test_fact3_an_error_of_the_commit_itself_fails_the_operation(void **state)
{
    struct answer a = bench_ask_text(*state, &stmt_children, "7", NULL);

    assert_int_equal(a.outcome, PG_REJECTED); /* the deferred key is looked at by the Sync only */
    assert_string_equal(a.sqlstate, "23503");
    assert_int_equal(rig_count(&rig, "SELECT count(*) FROM child"), 0);
    assert_string_equal(bench_ask_text(*state, &stmt_echo, "next", NULL).text, "next");
}

static void test_fact4_an_open_transaction_is_refused_and_undone(void **state)
{
    struct bench *bench = *state;
    struct pg_params params;
    const struct pg_call calls[] = {{&stmt_begin, NULL}, {&stmt_insert, &params}};
    struct answer a = {.done = false};
    int64_t before = metrics_value("hotlined_pg_guard_total", "guard=\"open_transaction\"");

    pg_params_init(&params, NULL);
    pg_param_text(&params, "a");
    pg_param_text(&params, "1");
    (void)pg_submit_group(bench->pool, calls, 2, RIG_WAIT_US, answer_keep, &a);
    rig_run_until(bench->base, &a.done);
    assert_int_equal(a.outcome, PG_REJECTED);
    assert_string_equal(a.sqlstate, "25001");
    assert_int_equal(metrics_value("hotlined_pg_guard_total", "guard=\"open_transaction\""),
                     before + 1);
    /* the connection was given up, a fresh one serves */
    rig_run_until_count(bench->base, &bench->told.up, 2);
    assert_string_equal(bench_ask_text(bench, &stmt_echo, "fresh", NULL).text, "fresh");
    assert_int_equal(rig_count(&rig, "SELECT count(*) FROM item"), 0);
}

/* ---- 6
 * ---------------------------------------------------------------------------------------------- */

static void test_fact6_several_statements_in_one_are_a_configuration_error(void **state)
{
    static const char *const columns[] = {"?column?"};
    static const struct pg_stmt two = {"two", "SELECT 1; SELECT 2", 0, 1, columns};
    static const struct pg_stmt *const stmts[] = {&two};
    struct pg_pool_config config = bench_config(&rig, stmts, 1);
    struct bench bench;

    (void)state;
    bench_open(&bench, &config);
    rig_run_until_count(bench.base, &bench.told.config_errors, 1);
    assert_non_null(strstr(bench.told.config_text, "two: 42601"));
    assert_false(pg_pool_up(bench.pool));
    bench_close(&bench);
}

/* ---- 7
 * ---------------------------------------------------------------------------------------------- */

static void test_fact7_notifications_arrive_idle_and_under_traffic(void **state)
{
    struct bench *bench = *state;
    struct answer answers[50];

    memset(answers, 0, sizeof(answers));
    pg_pool_listen(bench->pool, "look");
    rig_run_until_count(bench->base, &bench->told.listening, 1);
    rig_sql(&rig, "SELECT pg_notify('look', 'idle')");
    rig_run_until_count(bench->base, &bench->told.notified, 1);
    assert_string_equal(bench->told.payload, "idle");
    for (int i = 0; i < 50; i++) {
        struct pg_params params;

        pg_params_init(&params, NULL);
        pg_param_text(&params, i == 25 ? "busy" : "x");
        (void)pg_submit(bench->pool, i == 25 ? &stmt_notify : &stmt_echo, &params, RIG_WAIT_US,
                        answer_keep, &answers[i]);
    }
    rig_run_until_count(bench->base, &bench->told.notified, 2);
    rig_run_until(bench->base, &answers[49].done);
    assert_string_equal(bench->told.payload, "busy");
    assert_int_equal(bench->told.listening, 1);
}

/* ---- 8 and 9
 * ------------------------------------------------------------------------------------------ */

#define IN_FLIGHT 40

static void submit_inserts(struct bench *bench, struct answer *answers)
{
    char key[16];

    for (int i = 0; i < IN_FLIGHT; i++) {
        struct pg_params params;

        snprintf(key, sizeof(key), "k%d", i);
        pg_params_init(&params, NULL);
        pg_param_text(&params, key);
        pg_param_text(&params, "v");
        (void)pg_submit(bench->pool, &stmt_insert, &params, RIG_WAIT_US, answer_keep, &answers[i]);
    }
}

static void check_inserts(const struct answer *answers)
{
    for (int i = 0; i < IN_FLIGHT; i++) {
        char sql[80];

        assert_int_equal(answers[i].calls, 1);
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM item WHERE key = 'k%d'", i);
        if (answers[i].outcome == PG_OK)
            assert_int_equal(rig_count(&rig, sql), 1);
        else if (answers[i].outcome == PG_RETRYABLE)
            assert_int_equal(rig_count(&rig, sql), 0);
        else
            assert_int_equal(answers[i].outcome, PG_UNCERTAIN);
    }
}

/* Kills the backend while we do not look, so that data and end-of-file are read back to back. */
static void kill_behind_our_back(const char *application)
{
    char sql[200];

    snprintf(sql, sizeof(sql),
             "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
             " WHERE application_name = '%s'",
             application);
    rig_sql(&rig, sql);
}

static void test_fact8_every_operation_in_flight_is_answered_when_the_server_dies(void **state)
{
    struct bench *bench = *state;
    struct answer first = {.done = false}, answers[IN_FLIGHT];
    struct pg_params params;

    memset(answers, 0, sizeof(answers));
    pg_params_init(&params, NULL);
    pg_param_text(&params, "50");
    (void)pg_submit(bench->pool, &stmt_sleep, &params, RIG_WAIT_US, answer_keep, &first);
    submit_inserts(bench, answers);
    rig_turn(bench->base); /* sends them all */
    kill_behind_our_back("hotlined/test");
    rig_run_until(bench->base, &answers[IN_FLIGHT - 1].done);
    assert_int_equal(first.outcome, PG_UNCERTAIN);
    /* a reset socket may swallow the server's last words */
    assert_true(strcmp(first.sqlstate, "57P01") == 0 || first.sqlstate[0] == '\0');
    check_inserts(answers);
    for (int i = 0; i < IN_FLIGHT; i++)
        assert_int_equal(answers[i].outcome, PG_UNCERTAIN);
    assert_int_equal(rig_count(&rig, "SELECT count(*) FROM item"), 0);
}

/* The backend ends itself amid a pipeline; what was not sent yet goes over the next connection. */
static void test_fact8_a_backend_that_ends_itself(void **state)
{
    struct bench *bench = *state;
    struct answer first = {.done = false}, answers[IN_FLIGHT];

    memset(answers, 0, sizeof(answers));
    (void)pg_submit(bench->pool, &stmt_die, NULL, RIG_WAIT_US, answer_keep, &first);
    submit_inserts(bench, answers);
    for (int i = 0; i < IN_FLIGHT; i++)
        rig_run_until(bench->base, &answers[i].done);
    assert_int_equal(first.outcome, PG_UNCERTAIN);
    check_inserts(answers);
}

static void test_fact9_no_false_success_when_data_and_end_of_file_come_together(void **state)
{
    struct bench *bench = *state;

    for (int round = 0; round < 8; round++) {
        struct answer slow = {.done = false}, answers[IN_FLIGHT];
        struct pg_params params;

        rig_sql(&rig, "TRUNCATE item");
        /* the death of the last round's connection may not have been noticed yet */
        while (bench_ask_text(bench, &stmt_echo, "alive", NULL).outcome != PG_ROWS)
            continue;
        memset(answers, 0, sizeof(answers));
        pg_params_init(&params, NULL);
        pg_param_text(&params, "30");
        if (round % 2 == 0)
            (void)pg_submit(bench->pool, &stmt_sleep, &params, RIG_WAIT_US, answer_keep, &slow);
        submit_inserts(bench, answers);
        rig_turn(bench->base); /* sends them all */
        kill_behind_our_back("hotlined/test");
        for (int i = 0; i < IN_FLIGHT; i++)
            rig_run_until(bench->base, &answers[i].done);
        if (round % 2 == 0) {
            assert_int_equal(slow.calls, 1);
            assert_int_equal(slow.outcome, PG_UNCERTAIN);
            assert_int_equal(rig_count(&rig, "SELECT count(*) FROM item"), 0);
        }
        check_inserts(answers);
    }
    assert_int_equal(metrics_value("hotlined_pg_guard_total", "guard=\"false_success\""), 0);
}

/* ---- 10
 * ------------------------------------------------------------------------------------------------
 */

static void test_fact10_bad_texts_are_rejected_with_class_22(void **state)
{
    static const struct {
        const struct pg_stmt *stmt;
        const char *text, *sqlstate;
    } rows[] = {
        {&stmt_echo, "\xc0\xaf", "22021"},
        {&stmt_echo, "\xed\xa0\x80", "22021"},
        {&stmt_jsonb, "{\"a\":\"\\u0000\"}", "22P05"},
        {&stmt_jsonb, "{\"a\":\"\\ud800\"}", "22P02"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct answer a = bench_ask_text(*state, rows[i].stmt, rows[i].text, NULL);

        assert_int_equal(a.outcome, PG_REJECTED);
        assert_string_equal(a.sqlstate, rows[i].sqlstate);
    }
}

static void test_fact10_a_nul_byte_is_rejected_not_cut_off(void **state)
{
    struct pg_params params;
    struct answer a;

    pg_params_init(&params, NULL);
    pg_param_text_n(&params, "a\0b", 3);
    a = bench_ask(*state, &stmt_echo, &params);
    assert_int_equal(a.outcome, PG_REJECTED);
    assert_string_equal(a.sqlstate, "22021");
}

/* ---- 11
 * -------------------------------------------------------------------------------------------------
 */

static void test_fact11_notices_go_to_the_log_not_to_stderr(void **state)
{
    int saved = dup(2), fds[2];
    char text[512];
    ssize_t len;
    struct answer a;

    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    assert_true(dup2(fds[1], 2) >= 0);
    log_set_level(LOG_LEVEL_INFO);
    a = bench_ask_text(*state, &stmt_warn, "silent", NULL);
    log_set_level(LOG_LEVEL_DEBUG);
    (void)bench_ask_text(*state, &stmt_warn, "logged", NULL);
    log_set_level(LOG_LEVEL_INFO);
    assert_true(dup2(saved, 2) >= 0);
    len = read(fds[0], text, sizeof(text) - 1);
    assert_true(len > 0);
    text[len] = '\0';
    close(fds[0]);
    close(fds[1]);
    close(saved);
    assert_int_equal(a.outcome, PG_ROWS);
    assert_null(strstr(text, "silent"));
    assert_non_null(strstr(text, "sqlstate=01000 logged"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)
    const struct CMUnitTest tests[] = {
        CASE(test_fact1_answers_come_in_order_and_to_their_own),
        CASE(test_fact2_the_first_error_is_told_to_the_whole_group),
        CASE(test_fact3_a_group_commits_or_fails_as_a_whole),
        CASE(test_fact3_an_error_of_the_commit_itself_fails_the_operation),
        CASE(test_fact4_an_open_transaction_is_refused_and_undone),
        CASE(test_fact5_a_lone_operation_is_answered_without_further_traffic),
        cmocka_unit_test(test_fact6_several_statements_in_one_are_a_configuration_error),
        CASE(test_fact7_notifications_arrive_idle_and_under_traffic),
        CASE(test_fact8_every_operation_in_flight_is_answered_when_the_server_dies),
        CASE(test_fact8_a_backend_that_ends_itself),
        CASE(test_fact9_no_false_success_when_data_and_end_of_file_come_together),
        CASE(test_fact10_bad_texts_are_rejected_with_class_22),
        CASE(test_fact10_a_nul_byte_is_rejected_not_cut_off),
        CASE(test_fact11_notices_go_to_the_log_not_to_stderr),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
