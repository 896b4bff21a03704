/*
 * The pool's promises: when callbacks run and when they do not, bounds, deadlines, closing.
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

/* A pool whose server does not exist: everything stays in the queue. */
static void open_unreachable(struct bench *bench, size_t max_queued)
{
    struct pg_pool_config config = bench_config(&rig, test_stmts, ARRAY_LEN(test_stmts));

    config.conninfo = "host=/nonexistent dbname=none user=none";
    config.max_queued = max_queued;
    bench_open(bench, &config);
}

static struct pg_op *submit_text(struct bench *bench, const struct pg_stmt *stmt, const char *text,
                                 int64_t timeout_us, pg_callback *callback, void *ctx)
{
    struct pg_params params;

    pg_params_init(&params, NULL);
    pg_param_text(&params, text);
    return pg_submit(bench->pool, stmt, &params, timeout_us, callback, ctx);
}

/* ---- cancel
 * ---------------------------------------------------------------------------------------- */

static void test_cancel_of_queued_sent_and_refused_is_silence(void **state)
{
    struct bench *bench = *state, away;
    struct answer queued = {.done = false}, sent = {.done = false}, refused = {.done = false};
    struct pg_op *op;

    op = submit_text(bench, &stmt_sleep, "0.2", RIG_WAIT_US, answer_keep, &sent);
    rig_turn(bench->base); /* sends */
    pg_cancel(&op);
    assert_null(op);
    pg_cancel(&op); /* NULL is fine */
    (void)bench_ask_text(bench, &stmt_echo, "behind it", NULL);
    assert_int_equal(sent.calls, 0);

    open_unreachable(&away, 1);
    op = submit_text(&away, &stmt_echo, "x", RIG_WAIT_US, answer_keep, &queued);
    assert_int_equal(pg_pool_queued(away.pool), 1);
    pg_cancel(&op);
    assert_int_equal(pg_pool_queued(away.pool), 0);
    (void)submit_text(&away, &stmt_echo, "x", RIG_WAIT_US, answer_keep, &queued);
    op = submit_text(&away, &stmt_echo, "x", RIG_WAIT_US, answer_keep, &refused);
    pg_cancel(&op); /* it was refused; its callback was still to come */
    rig_run_for(away.base, 50 * US_PER_MS);
    assert_int_equal(refused.calls, 0);
    bench_close(&away);
    assert_int_equal(queued.calls, 1); /* the second one, by closing */
    assert_int_equal(queued.outcome, PG_RETRYABLE);
}

struct chain {
    struct pg_op *self, *other;
    int calls;
};

static void cancel_other(void *ctx, const struct pg_result *res)
{
    struct chain *chain = ctx;

    assert_int_equal(pg_result_outcome(res), PG_ROWS);
    chain->calls++;
    pg_cancel(&chain->other);
    pg_cancel(&chain->self); /* its own, while it runs: nothing left to do */
}

static void test_cancel_inside_a_callback_of_the_same_pump(void **state)
{
    struct bench *bench = *state;
    struct chain chain = {.calls = 0};
    struct answer other = {.done = false}, last = {.done = false};

    chain.self = submit_text(bench, &stmt_echo, "1", RIG_WAIT_US, cancel_other, &chain);
    chain.other = submit_text(bench, &stmt_echo, "2", RIG_WAIT_US, answer_keep, &other);
    rig_turn(bench->base); /* sends both; their answers come together */
    rig_sql(&rig, "SELECT pg_sleep(0.05)");
    (void)submit_text(bench, &stmt_echo, "3", RIG_WAIT_US, answer_keep, &last);
    rig_run_until(bench->base, &last.done);
    assert_int_equal(chain.calls, 1);
    assert_int_equal(other.calls, 0);
    assert_int_equal(last.outcome, PG_ROWS);
}

struct resubmit {
    struct bench *bench;
    struct answer last;
    int left;
};

static void submit_again(void *ctx, const struct pg_result *res)
{
    struct resubmit *r = ctx;

    assert_int_equal(pg_result_outcome(res), PG_ROWS);
    if (r->left-- > 0)
        (void)submit_text(r->bench, &stmt_echo, "again", RIG_WAIT_US, submit_again, r);
    else
        answer_keep(&r->last, res);
}

static void test_submitting_from_callbacks(void **state)
{
    struct resubmit r = {.bench = *state, .left = 100};

    (void)submit_text(*state, &stmt_echo, "first", RIG_WAIT_US, submit_again, &r);
    rig_run_until(r.bench->base, &r.last.done);
    assert_int_equal(r.last.calls, 1);
}

/* ---- bounds
 * ---------------------------------------------------------------------------------------- */

static void test_queue_is_bounded_and_refuses_from_the_loop(void **state)
{
    struct bench away;
    struct answer answers[6];
    int64_t before = metrics_value("hotlined_pg_refused_total", "reason=\"queue_full\"");

    (void)state;
    memset(answers, 0, sizeof(answers));
    open_unreachable(&away, 4);
    for (int i = 0; i < 6; i++)
        (void)submit_text(&away, &stmt_echo, "x", RIG_WAIT_US, answer_keep, &answers[i]);
    assert_int_equal(answers[4].calls, 0);
    assert_int_equal(pg_pool_queued(away.pool), 4);
    rig_run_until(away.base, &answers[5].done);
    assert_int_equal(answers[4].outcome, PG_RETRYABLE);
    assert_int_equal(answers[5].outcome, PG_RETRYABLE);
    assert_int_equal(answers[3].calls, 0);
    assert_int_equal(metrics_value("hotlined_pg_refused_total", "reason=\"queue_full\""),
                     before + 2);
    bench_close(&away);
    for (int i = 0; i < 6; i++)
        assert_int_equal(answers[i].calls, 1);
}

static void test_in_flight_is_bounded_per_connection(void **state)
{
    struct pg_pool_config config = bench_config(&rig, test_stmts, ARRAY_LEN(test_stmts));
    struct bench bench;
    struct answer answers[5];

    (void)state;
    memset(answers, 0, sizeof(answers));
    config.max_in_flight = 2;
    config.connections = 2;
    bench_open(&bench, &config);
    rig_run_until_count(bench.base, &bench.told.up, 1);
    while (metrics_value("hotlined_pg_connections_ready", NULL) < 3) /* the fixture's and our two */
        event_base_loop(bench.base, EVLOOP_ONCE);
    for (int i = 0; i < 5; i++)
        (void)submit_text(&bench, &stmt_sleep, "50", RIG_WAIT_US, answer_keep, &answers[i]);
    rig_turn(bench.base);
    assert_int_equal(pg_pool_queued(bench.pool), 1);
    assert_int_equal(metrics_value("hotlined_pg_in_flight", NULL), 4);
    bench_close(&bench);
    assert_int_equal(metrics_value("hotlined_pg_in_flight", NULL), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(answers[i].outcome, i < 4 ? PG_UNCERTAIN : PG_RETRYABLE);
}

struct turns {
    struct event *event;
    int count;
};

static void count_turn(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval soon = {0, 0};
    struct turns *turns = arg;

    (void)fd;
    (void)what;
    turns->count++;
    event_add(turns->event, &soon);
}

/* Answers that are all there at once are taken in by portions; others get their turn in between. */
static void test_results_are_taken_in_by_portions(void **state)
{
    struct pg_pool_config config = bench_config(&rig, test_stmts, ARRAY_LEN(test_stmts));
    static struct answer answers[4000];
    struct turns other = {.count = 0};
    struct bench bench;
    int wake_ups = 0;

    (void)state;
    memset(answers, 0, sizeof(answers));
    config.max_in_flight = ARRAY_LEN(answers);
    bench_open(&bench, &config);
    bench_wait_up(&bench);
    for (size_t i = 0; i < ARRAY_LEN(answers); i++)
        (void)submit_text(&bench, &stmt_echo, "x", RIG_WAIT_US, answer_keep, &answers[i]);
    rig_turn(bench.base);
    rig_sql(&rig, "SELECT pg_sleep(0.3)"); /* meanwhile the server answers them all */
    other.event = evtimer_new(bench.base, count_turn, &other);
    event_active(other.event, 0, 0);
    while (!answers[ARRAY_LEN(answers) - 1].done) {
        event_base_loop(bench.base, EVLOOP_ONCE);
        wake_ups++;
    }
    assert_true(wake_ups > 10);
    assert_true(other.count > 10);
    event_free(other.event);
    bench_close(&bench);
}

/* ---- deadlines
 * --------------------------------------------------------------------------------------- */

static void test_deadline_before_sending_is_retryable(void **state)
{
    struct bench away;
    struct answer a = {.done = false}, later = {.done = false};

    (void)state;
    open_unreachable(&away, 10);
    (void)submit_text(&away, &stmt_echo, "x", RIG_WAIT_US, answer_keep, &later);
    (void)submit_text(&away, &stmt_echo, "x", 30 * US_PER_MS, answer_keep, &a);
    rig_run_until(away.base, &a.done);
    assert_int_equal(a.outcome, PG_RETRYABLE);
    assert_int_equal(later.calls, 0);
    assert_int_equal(pg_pool_queued(away.pool), 1);
    bench_close(&away);
}

static void test_deadline_after_sending_is_uncertain_and_gives_the_connection_up(void **state)
{
    struct bench *bench = *state;
    struct answer pid = bench_ask(bench, &stmt_pid, NULL), again;
    struct answer a = {.done = false};

    (void)submit_text(bench, &stmt_sleep, "50", 100 * US_PER_MS, answer_keep, &a);
    rig_run_until(bench->base, &a.done);
    assert_int_equal(a.outcome, PG_UNCERTAIN);
    assert_int_equal(a.calls, 1);
    again = bench_ask(bench, &stmt_pid, NULL);
    assert_int_equal(again.outcome, PG_ROWS);
    assert_string_not_equal(again.text, pid.text);
    assert_int_equal(bench->told.down, 1);
    assert_int_equal(bench->told.up, 2);
}

/* What is not answered in time is not joined by others: they wait where nothing is in doubt. */
static void test_nothing_is_pipelined_behind_a_late_answer(void **state)
{
    struct bench *bench = *state;
    struct answer slow = {.done = false}, behind = {.done = false};

    (void)submit_text(bench, &stmt_sleep, "50", 2 * US_PER_SECOND, answer_keep, &slow);
    rig_run_for(bench->base, 400 * US_PER_MS);
    (void)submit_text(bench, &stmt_children, "1", 100 * US_PER_MS, answer_keep, &behind);
    rig_run_until(bench->base, &behind.done);
    assert_int_equal(behind.outcome, PG_RETRYABLE);
    assert_int_equal(slow.calls, 0);
    rig_run_until(bench->base, &slow.done);
    assert_int_equal(slow.outcome, PG_UNCERTAIN);
}

/* ---- size
 * -----------------------------------------------------------------------------------------------
 */

#define BIG_BYTES ((size_t)40 << 20)

static void test_forty_megabytes_both_ways_do_not_dead_lock(void **state)
{
    struct bench *bench = *state;
    char *text = xmalloc(BIG_BYTES + 1);
    struct answer answers[2];

    memset(text, 'x', BIG_BYTES);
    text[BIG_BYTES] = '\0';
    memset(answers, 0, sizeof(answers));
    /* the answer to the first fills the socket while the second is still being sent */
    for (int i = 0; i < 2; i++)
        (void)submit_text(bench, &stmt_echo, text, RIG_WAIT_US, answer_keep, &answers[i]);
    rig_run_until(bench->base, &answers[1].done);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(answers[i].outcome, PG_ROWS);
        assert_int_equal(answers[i].length, BIG_BYTES);
    }
    free(text);
}

/* ---- closing
 * --------------------------------------------------------------------------------------------- */

static void test_free_ends_everything_truthfully(void **state)
{
    struct pg_pool_config config = bench_config(&rig, test_stmts, ARRAY_LEN(test_stmts));
    struct bench bench;
    struct answer sent = {.done = false}, queued = {.done = false}, cancelled = {.done = false};
    struct pg_op *op;

    (void)state;
    config.max_in_flight = 1;
    bench_open(&bench, &config);
    bench_wait_up(&bench);
    (void)submit_text(&bench, &stmt_sleep, "50", RIG_WAIT_US, answer_keep, &sent);
    (void)submit_text(&bench, &stmt_echo, "x", RIG_WAIT_US, answer_keep, &queued);
    op = submit_text(&bench, &stmt_echo, "x", RIG_WAIT_US, answer_keep, &cancelled);
    rig_turn(bench.base);
    pg_cancel(&op);
    bench_close(&bench);
    assert_int_equal(sent.outcome, PG_UNCERTAIN);
    assert_int_equal(queued.outcome, PG_RETRYABLE);
    assert_int_equal(sent.calls + queued.calls, 2);
    assert_int_equal(cancelled.calls, 0);
}

struct closing {
    struct bench *bench;
    bool done;
    struct answer late;
};

static void close_from_callback(void *ctx, const struct pg_result *res)
{
    struct closing *c = ctx;

    assert_int_equal(pg_result_outcome(res), PG_ROWS);
    (void)submit_text(c->bench, &stmt_echo, "late", RIG_WAIT_US, answer_keep, &c->late);
    pg_pool_free(&c->bench->pool);
    c->done = true;
}

static void test_free_inside_a_callback(void **state)
{
    struct pg_pool_config config = bench_config(&rig, test_stmts, ARRAY_LEN(test_stmts));
    struct bench bench;
    struct answer others[20];
    struct closing c = {.bench = &bench};
    int answered = 0;

    (void)state;
    memset(others, 0, sizeof(others));
    bench_open(&bench, &config);
    bench_wait_up(&bench);
    (void)submit_text(&bench, &stmt_echo, "x", RIG_WAIT_US, close_from_callback, &c);
    for (int i = 0; i < 20; i++)
        (void)submit_text(&bench, &stmt_echo, "x", RIG_WAIT_US, answer_keep, &others[i]);
    rig_run_until(bench.base, &c.done);
    for (int i = 0; i < 20; i++)
        answered += others[i].calls;
    assert_int_equal(answered, 20);
    assert_int_equal(c.late.calls, 1);
    assert_int_equal(c.late.outcome, PG_RETRYABLE);
    event_base_free(bench.base);
}

static void test_session_is_set_up(void **state)
{
    static const struct {
        const char *name, *value;
    } wanted[] = {
        {"statement_timeout", "30s"}, {"lock_timeout", "30s"},
        {"TimeZone", "UTC"},          {"client_encoding", "UTF8"},
        {"synchronous_commit", "on"}, {"idle_in_transaction_session_timeout", "10s"},
        {"bytea_output", "hex"},      {"application_name", "hotlined/test"},
    };

    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        assert_string_equal(bench_ask_text(*state, &stmt_setting, wanted[i].name, NULL).text,
                            wanted[i].value);
}

struct counted {
    bool done;
    int64_t before, after;
};

static void on_counted(void *ctx, const struct pg_result *res)
{
    struct counted *counted = ctx;

    assert_int_equal(pg_result_outcome(res), PG_ROWS);
    counted->before = pg_result_int(pg_result_at(res, 0), 0, 0);
    counted->after = pg_result_int(pg_result_at(res, 2), 0, 0);
    counted->done = true;
}

/* What commits while a group of a snapshot pool runs is seen by none of its later statements. */
static void test_a_group_of_a_snapshot_pool_sees_one_snapshot(void **state)
{
    struct pg_pool_config config = bench_config(&rig, test_stmts, ARRAY_LEN(test_stmts));
    struct counted counted = {.done = false};
    struct pg_params key, seconds;
    struct bench bench;

    (void)state;
    rig_sql(&rig, "TRUNCATE item, parent, child");
    config.connections = 1;
    config.is_snapshot = true;
    config.work_mem_mb = 17;
    bench_open(&bench, &config);
    bench_wait_up(&bench);
    pg_params_init(&key, NULL);
    pg_param_text(&key, "snapshot");
    pg_params_init(&seconds, NULL);
    pg_param_text(&seconds, "0.5");
    const struct pg_call calls[] = {
        {&stmt_count, &key}, {&stmt_sleep, &seconds}, {&stmt_count, &key}};
    (void)pg_submit_group(bench.pool, calls, ARRAY_LEN(calls), RIG_WAIT_US, on_counted, &counted);
    rig_run_for(bench.base, 100 * US_PER_MS); /* sent, and its first statement long done */
    assert_false(counted.done);
    rig_sql(&rig, "INSERT INTO item VALUES ('snapshot', 'x')");
    rig_run_until(bench.base, &counted.done);
    assert_int_equal(counted.after, counted.before);
    assert_string_equal(bench_ask_text(&bench, &stmt_count, "snapshot", NULL).text, "1");
    assert_string_equal(bench_ask_text(&bench, &stmt_setting, "work_mem", NULL).text, "17MB");
    bench_close(&bench);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)
    const struct CMUnitTest tests[] = {
        CASE(test_cancel_of_queued_sent_and_refused_is_silence),
        CASE(test_cancel_inside_a_callback_of_the_same_pump),
        CASE(test_submitting_from_callbacks),
        cmocka_unit_test(test_queue_is_bounded_and_refuses_from_the_loop),
        CASE(test_in_flight_is_bounded_per_connection),
        cmocka_unit_test(test_results_are_taken_in_by_portions),
        cmocka_unit_test(test_deadline_before_sending_is_retryable),
        CASE(test_deadline_after_sending_is_uncertain_and_gives_the_connection_up),
        CASE(test_nothing_is_pipelined_behind_a_late_answer),
        CASE(test_forty_megabytes_both_ways_do_not_dead_lock),
        cmocka_unit_test(test_free_ends_everything_truthfully),
        cmocka_unit_test(test_free_inside_a_callback),
        cmocka_unit_test(test_a_group_of_a_snapshot_pool_sees_one_snapshot),
        CASE(test_session_is_set_up),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
