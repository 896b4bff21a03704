/*
 * The pool through a network that breaks. Two promises are checked for every fault:
 * "done" is only said of what is stored, and the same key asked again leaves exactly one row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metrics.h"
#include "fault/tcp_proxy.h"
#include "unit/pg/pg_rig.h"

#define ASK_US (5 * US_PER_SECOND)
#define TRIES_MAX 20

static const char *const value_columns[] = {"value"};
static const struct pg_stmt stmt_store = {
    "store", "INSERT INTO item (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", 2, 0, NULL};
/* The same, answering with a row: also the first answer when asked again. */
static const struct pg_stmt stmt_store_rows = {
    "store_rows",
    "INSERT INTO item (key, value) VALUES ($1, $2)"
    " ON CONFLICT (key) DO UPDATE SET value = item.value RETURNING value",
    2, 1, value_columns};
static const struct pg_stmt *const stmts[] = {&stmt_store, &stmt_store_rows};

static struct rig rig;

struct net {
    struct bench bench;
    struct tcp_proxy *proxy;
    struct event_base *base; /* of both */
};

static int group_setup(void **state)
{
    (void)state;
    rig_start_tcp(&rig);
    rig_sql(&rig, "CREATE TABLE item (key text PRIMARY KEY, value text)");
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    rig_stop(&rig);
    return 0;
}

/* ---- a pool behind a proxy
 * ----------------------------------------------------------------------- */

static void told_up(void *ctx)
{
    struct told *told = ctx;

    told->up++;
    told->is_up = true;
}

static void told_down(void *ctx)
{
    struct told *told = ctx;

    told->down++;
    told->is_up = false;
}

static void net_connect(struct net *net)
{
    struct pg_pool_events events = {
        .on_up = told_up, .on_down = told_down, .ctx = &net->bench.told};
    struct pg_pool_config config = bench_config(&rig, stmts, ARRAY_LEN(stmts));
    char *conninfo = xasprintf("host=127.0.0.1 port=%d user=hotline dbname=hotline sslmode=disable"
                               " password=" RIG_TCP_PASSWORD,
                               tcp_proxy_port(net->proxy));

    config.conninfo = conninfo;
    config.connect_timeout_us = 2 * US_PER_SECOND;
    net->bench.pool = pg_pool_new(net->base, &config, &events);
    pg_pool_start(net->bench.pool);
    free(conninfo);
}

static int net_open_proxy(void **state)
{
    static struct net net;

    memset(&net, 0, sizeof(net));
    rig_sql(&rig, "TRUNCATE item");
    net.base = net.bench.base = event_base_new();
    net.proxy = tcp_proxy_new(net.base, 0, rig.port);
    assert_non_null(net.proxy);
    *state = &net;
    return 0;
}

static int net_open(void **state)
{
    struct net *net;

    net_open_proxy(state);
    net = *state;
    net_connect(net);
    bench_wait_up(&net->bench);
    return 0;
}

static int net_close(void **state)
{
    struct net *net = *state;

    pg_pool_free(&net->bench.pool);
    tcp_proxy_free(&net->proxy);
    event_base_free(net->base);
    return 0;
}

static struct answer ask(struct net *net, const struct pg_stmt *stmt, const char *key,
                         int64_t timeout_us)
{
    struct answer answer = {.done = false};
    struct pg_params params;

    pg_params_init(&params, NULL);
    pg_param_text(&params, key);
    pg_param_text(&params, "stored");
    (void)pg_submit(net->bench.pool, stmt, &params, timeout_us, answer_keep, &answer);
    rig_run_until(net->base, &answer.done);
    assert_int_equal(answer.calls, 1);
    return answer;
}

static int64_t stored(const char *key)
{
    char *sql = xasprintf("SELECT count(*) FROM item WHERE key = '%s'", key);
    int64_t count = rig_count(&rig, sql);

    free(sql);
    return count;
}

static bool is_done(const struct answer *a)
{
    return a->outcome == PG_OK || a->outcome == PG_ROWS;
}

/* What was said is compared with what is there; then the key is asked again until it is done. */
static void check_truth(struct net *net, const struct pg_stmt *stmt, const char *key,
                        struct answer a)
{
    int tries = 0;

    if (is_done(&a))
        assert_int_equal(stored(key), 1);
    if (a.outcome == PG_RETRYABLE)
        assert_int_equal(stored(key), 0);
    assert_int_not_equal(a.outcome, PG_REJECTED);
    while (!is_done(&a)) {
        assert_true(tries++ < TRIES_MAX);
        a = ask(net, stmt, key, ASK_US);
    }
    if (a.outcome == PG_ROWS)
        assert_string_equal(a.text, "stored");
    assert_int_equal(stored(key), 1);
}

/* ---- cuts at every byte
 * ------------------------------------------------------------------------------ */

struct tally {
    int cuts, done, uncertain, uncertain_stored;
};

static uint64_t measure(struct net *net, const struct pg_stmt *stmt, enum tcp_proxy_way way)
{
    struct answer a = ask(net, stmt, "key-to-measure", ASK_US);
    uint64_t before;

    check_truth(net, stmt, "key-to-measure", a); /* the connection may be a cut one, unnoticed */
    before = tcp_proxy_bytes(net->proxy, way);
    a = ask(net, stmt, "key-to-measure", ASK_US);
    assert_true(is_done(&a));
    return tcp_proxy_bytes(net->proxy, way) - before;
}

static void cut_at(struct net *net, const struct pg_stmt *stmt, enum tcp_proxy_way way, uint64_t n,
                   enum tcp_proxy_end end, struct tally *tally)
{
    char key[40];
    struct answer a;

    bench_wait_up(&net->bench);
    /* as long as the key that was measured, so that byte n means the same */
    snprintf(key, sizeof(key), "cut-%d%d%d-%06" PRIu64, stmt == &stmt_store_rows, way, end, n);
    tcp_proxy_cut_after(net->proxy, way, n, end);
    a = ask(net, stmt, key, ASK_US);
    tcp_proxy_clear(net->proxy);
    tally->cuts++;
    tally->done += is_done(&a);
    tally->uncertain += a.outcome == PG_UNCERTAIN;
    tally->uncertain_stored += a.outcome == PG_UNCERTAIN && stored(key) == 1;
    check_truth(net, stmt, key, a);
}

static struct tally cut_everywhere(struct net *net, const struct pg_stmt *stmt,
                                   enum tcp_proxy_way way, enum tcp_proxy_end end)
{
    struct tally tally = {.cuts = 0};
    uint64_t total;

    assert_int_equal(strlen("key-to-measure"), strlen("cut-000-000000"));
    bench_wait_up(&net->bench);
    total = measure(net, stmt, way);
    assert_true(total > 20);
    for (uint64_t n = 0; n <= total; n++)
        cut_at(net, stmt, way, n, end, &tally);
    print_message("cuts=%d done=%d uncertain=%d of them stored=%d\n", tally.cuts, tally.done,
                  tally.uncertain, tally.uncertain_stored);
    return tally;
}

/* Before the last byte of the request nothing can be stored; after it the answer is what is lost.
 */
static void test_cut_at_every_byte_of_the_request(void **state)
{
    for (int end = PROXY_FIN; end <= PROXY_RST; end++) {
        struct tally t =
            cut_everywhere(*state, &stmt_store, PROXY_TO_SERVER, (enum tcp_proxy_end)end);

        assert_int_equal(t.done, 0);
        assert_int_equal(t.uncertain, t.cuts);
        assert_true(t.uncertain_stored <= 1);
    }
}

/* The request came through whole: it is stored, whether or not the answer says so. */
static void test_cut_at_every_byte_of_the_answer(void **state)
{
    for (int end = PROXY_FIN; end <= PROXY_RST; end++) {
        struct tally t =
            cut_everywhere(*state, &stmt_store, PROXY_TO_CLIENT, (enum tcp_proxy_end)end);

        assert_true(t.done <= 1); /* at most the cut behind the last byte */
        assert_int_equal(t.done + t.uncertain, t.cuts);
        assert_true(t.uncertain_stored > 0);
    }
}

static void test_cut_at_every_byte_of_an_answer_with_rows(void **state)
{
    struct tally t = cut_everywhere(*state, &stmt_store_rows, PROXY_TO_CLIENT, PROXY_FIN);

    assert_true(t.done <= 1);
    assert_int_equal(t.done + t.uncertain, t.cuts);
}

static void test_cut_in_the_set_up_is_overcome(void **state)
{
    struct net *net = *state;
    uint64_t total[2];

    net_connect(net);
    bench_wait_up(&net->bench);
    for (int way = 0; way < 2; way++)
        total[way] = tcp_proxy_bytes(net->proxy, (enum tcp_proxy_way)way);
    for (int way = 0; way < 2; way++) {
        for (uint64_t n = 0; n < total[way]; n += 29) {
            int ups = net->bench.told.up;
            struct answer a;

            tcp_proxy_cut_after(net->proxy, (enum tcp_proxy_way)way, n, PROXY_FIN);
            tcp_proxy_reset(net->proxy);
            rig_run_until_count(net->base, &net->bench.told.up, ups + 1);
            tcp_proxy_clear(net->proxy);
            a = ask(net, &stmt_store_rows, "after", ASK_US);
            check_truth(net, &stmt_store_rows, "after", a);
        }
    }
}

/* ---- many in flight
 * ------------------------------------------------------------------------------------ */

#define MANY 50

static void many_cut_at(struct net *net, uint64_t n)
{
    struct answer answers[MANY];
    struct pg_params params;
    char key[40];

    memset(answers, 0, sizeof(answers));
    bench_wait_up(&net->bench);
    tcp_proxy_cut_after(net->proxy, PROXY_TO_CLIENT, n, n % 2 == 0 ? PROXY_FIN : PROXY_RST);
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof(key), "many-%" PRIu64 "-%d", n, i);
        pg_params_init(&params, NULL);
        pg_param_text(&params, key);
        pg_param_text(&params, "stored");
        (void)pg_submit(net->bench.pool, &stmt_store, &params, ASK_US, answer_keep, &answers[i]);
    }
    for (int i = 0; i < MANY; i++)
        rig_run_until(net->base, &answers[i].done);
    tcp_proxy_clear(net->proxy);
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof(key), "many-%" PRIu64 "-%d", n, i);
        assert_int_equal(answers[i].calls, 1);
        check_truth(net, &stmt_store, key, answers[i]);
    }
}

static void test_cut_among_many_in_flight(void **state)
{
    for (uint64_t n = 1; n < 1500; n += 211)
        many_cut_at(*state, n);
}

/* ---- split, delay, freeze
 * ------------------------------------------------------------------------------- */

static void test_single_bytes_are_enough(void **state)
{
    struct net *net = *state;

    tcp_proxy_split(net->proxy, PROXY_TO_CLIENT, 1);
    tcp_proxy_split(net->proxy, PROXY_TO_SERVER, 1);
    net_connect(net); /* login and set-up too */
    bench_wait_up(&net->bench);
    for (int i = 0; i < 10; i++) {
        char key[16];
        struct answer a;

        snprintf(key, sizeof(key), "split-%d", i);
        a = ask(net, i % 2 == 0 ? &stmt_store : &stmt_store_rows, key, RIG_WAIT_US);
        assert_true(is_done(&a));
        assert_int_equal(stored(key), 1);
    }
    assert_int_equal(net->bench.told.up, 1);
}

static void test_slow_is_not_broken_but_late_is_uncertain(void **state)
{
    struct net *net = *state;
    struct answer a;

    tcp_proxy_delay(net->proxy, PROXY_TO_CLIENT, 100 * US_PER_MS);
    tcp_proxy_delay(net->proxy, PROXY_TO_SERVER, 100 * US_PER_MS);
    a = ask(net, &stmt_store, "slow", RIG_WAIT_US);
    assert_int_equal(a.outcome, PG_OK);
    a = ask(net, &stmt_store, "late", 50 * US_PER_MS);
    assert_int_equal(a.outcome, PG_UNCERTAIN);
    check_truth(net, &stmt_store, "late", a);
}

static void freeze(struct net *net, bool to_server, bool to_client)
{
    tcp_proxy_freeze(net->proxy, PROXY_TO_SERVER, to_server);
    tcp_proxy_freeze(net->proxy, PROXY_TO_CLIENT, to_client);
}

static void test_frozen_network_ends_by_the_deadline(void **state)
{
    struct net *net = *state;
    struct answer a, b;

    freeze(net, true, true);
    a = ask(net, &stmt_store, "frozen", 200 * US_PER_MS);
    assert_int_equal(a.outcome, PG_UNCERTAIN);
    assert_false(pg_pool_up(net->bench.pool));
    b = ask(net, &stmt_store, "waiting", 200 * US_PER_MS); /* nothing to send it on */
    assert_int_equal(b.outcome, PG_RETRYABLE);
    freeze(net, false, false);
    check_truth(net, &stmt_store, "frozen", a);
    check_truth(net, &stmt_store, "waiting", b);
}

static void test_lost_answers_are_uncertain_and_stored(void **state)
{
    struct net *net = *state;
    struct answer a;

    freeze(net, false, true);
    a = ask(net, &stmt_store, "answerless", 300 * US_PER_MS);
    assert_int_equal(a.outcome, PG_UNCERTAIN);
    freeze(net, false, false);
    check_truth(net, &stmt_store, "answerless", a);
}

static void test_set_up_that_hangs_is_given_up(void **state)
{
    struct net *net = *state;
    int64_t before =
        metrics_value("hotlined_pg_connection_events_total", "event=\"connect_failed\"");

    freeze(net, true, true);
    net_connect(net);
    if (before < 0)
        before = 0; /* the first pool of the process registers them */
    while (metrics_value("hotlined_pg_connection_events_total", "event=\"connect_failed\"") <=
           before)
        event_base_loop(net->base, EVLOOP_ONCE);
    assert_int_equal(net->bench.told.up, 0);
    freeze(net, false, false);
    bench_wait_up(&net->bench);
}

static void test_refused_connections_are_tried_again(void **state)
{
    struct net *net = *state;
    struct answer a;

    tcp_proxy_refuse(net->proxy, true);
    tcp_proxy_reset(net->proxy);
    a = ask(net, &stmt_store, "refused", 300 * US_PER_MS);
    assert_true(a.outcome == PG_RETRYABLE || a.outcome == PG_UNCERTAIN);
    assert_int_equal(stored("refused"), 0);
    tcp_proxy_clear(net->proxy);
    check_truth(net, &stmt_store, "refused", a);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, net_open, net_close)
#define BARE(name) cmocka_unit_test_setup_teardown(name, net_open_proxy, net_close)
    const struct CMUnitTest tests[] = {
        CASE(test_cut_at_every_byte_of_the_request),
        CASE(test_cut_at_every_byte_of_the_answer),
        CASE(test_cut_at_every_byte_of_an_answer_with_rows),
        BARE(test_cut_in_the_set_up_is_overcome),
        CASE(test_cut_among_many_in_flight),
        BARE(test_single_bytes_are_enough),
        CASE(test_slow_is_not_broken_but_late_is_uncertain),
        CASE(test_frozen_network_ends_by_the_deadline),
        CASE(test_lost_answers_are_uncertain_and_stored),
        BARE(test_set_up_that_hangs_is_given_up),
        CASE(test_refused_connections_are_tried_again),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
