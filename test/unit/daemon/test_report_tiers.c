/*
 * report_tiers against a plain sum over every difference there is, with nothing, something and
 * everything folded, with a transaction that commits late, at edges of days.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "daemon/report_filter.h"
#include "pg/pg_sync.h"
#include "sql_catalogue.h"
#include "unit/daemon/reports_rig.h"

#define START "2026-03-02T00:00:00+08:00" /* the data is spread over six days from here */
#define FIGURES 8                         /* received .. carried_over */
#define TEXT_SIZE 400

static struct reports reports;
static PGconn *plain_conn; /* for the plain sums */

static PGconn *connect_aside(void)
{
    PGconn *conn =
        pg_sync_connect(rig_conninfo(&reports.rig), "aside", clk_mono_us() + RIG_WAIT_US);

    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    return conn;
}

static int group_setup(void **state)
{
    (void)state;
    reports_start(&reports);
    reports_sql(&reports,
                "CREATE FUNCTION rnd(a bigint, salt bigint, n int) RETURNS int LANGUAGE sql AS"
                " 'SELECT ((hashint8extended(a, salt) & 2147483647) % n)::int'");
    plain_conn = connect_aside();
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    PQfinish(plain_conn);
    reports_stop(&reports);
    return 0;
}

/* Begins anew: the append-only guard is for users, not for a test's broom. */
static int clear(void **state)
{
    (void)state;
    reports_sql(&reports, "TRUNCATE tally, tally_day, tally_stock;"
                          "UPDATE tally_fold SET folded = pg_current_xact_id()");
    return 0;
}

/* `count` differences of one transaction; many lie exactly on an edge of a day or just beside. */
static char *seed_sql(int seed, int count)
{
    return xasprintf(
        "INSERT INTO tally (at, number, unit, tier, region, category, kind, channel, received,"
        "                   desk, dispatched, open, closed, on_time, overdue) "
        "SELECT timestamptz '" START "' + make_interval(hours => 12 * rnd(a, 1, 12))"
        "           + CASE rnd(a, 2, 4) WHEN 0 THEN interval '0' WHEN 1 THEN interval '1 us'"
        "             WHEN 2 THEN interval '-1 us' ELSE make_interval(secs => rnd(a, 3, 40000)) "
        "END,"
        "       a, (ARRAY['', 'CG', 'JW', 'ZJ'])[1 + rnd(a, 4, 4)], c.tier,"
        "       (ARRAY['', '320281001000', '320281001001', '320281002000'])[1 + rnd(a, 5, 4)],"
        "       (ARRAY['A', 'A1', 'B'])[1 + rnd(a, 6, 3)],"
        "       (ARRAY['help', 'complaint'])[1 + rnd(a, 7, 2)],"
        "       (ARRAY['phone', 'wechat'])[1 + rnd(a, 8, 2)],"
        "       rnd(a, 9, 2), (c.tier = 'desk')::int, rnd(a, 10, 3) - 1, rnd(a, 11, 3) - 1,"
        "       (c.tier <> '')::int, CASE WHEN c.tier <> '' THEN rnd(a, 12, 2) ELSE 0 END,"
        "       rnd(a, 13, 3) - 1 "
        "FROM (SELECT %d * 100000 + i AS a FROM generate_series(1, %d) AS i) AS s,"
        "     LATERAL (SELECT (ARRAY['', '', 'desk', 'village', 'town'])[1 + rnd(a, 14, 5)] AS "
        "tier)"
        "     AS c",
        seed, count);
}

static void seed(int seed_number, int count)
{
    char *sql = seed_sql(seed_number, count);

    reports_sql(&reports, sql);
    free(sql);
}

/* ---- the two ways to count ----------------------------------------------------------------------
 */

struct filters {
    const char *unit, *region, *category, *kind, *channel;
    const char *plain; /* the same as a condition on tally */
};
static const struct filters filters[] = {
    {.plain = "true"},
    {.unit = "CG", .plain = "unit = 'CG'"},
    {.region = "320281001000", .plain = "region IN ('320281001000', '320281001001')"},
    {.region = "320281000000", .plain = "region <> ''"},
    {.category = "A", .plain = "category IN ('A', 'A1')"},
    {.kind = "help", .channel = "wechat", .plain = "kind = 'help' AND channel = 'wechat'"},
    {.unit = "JW",
     .region = "320281001001",
     .category = "A1",
     .kind = "help",
     .channel = "phone",
     .plain = "unit = 'JW' AND region = '320281001001' AND category = 'A1' AND kind = 'help'"
              " AND channel = 'phone'"},
};

static const struct {
    const char *from, *to;
} periods[] = {
    {"2026-03-02T00:00:00+08:00", "2026-03-08T00:00:00+08:00"}, /* all whole days */
    {"2026-03-03T00:00:00+08:00", "2026-03-05T00:00:00+08:00"},
    {"2026-03-03T12:00:00+08:00", "2026-03-05T12:00:00+08:00"},
    {"2026-03-03T23:59:59.999999+08:00", "2026-03-04T00:00:00.000001+08:00"},
    {"2026-03-04T00:00:00.000001+08:00", "2026-03-04T23:59:59.999999+08:00"}, /* within a day */
    {"2026-03-04T11:00:00+08:00", "2026-03-04T13:00:00+08:00"},
    {"2026-03-04T12:00:00+08:00", "2026-03-04T12:00:00+08:00"}, /* empty */
    {"1970-01-02T00:00:00+08:00", "2026-03-02T00:00:00+08:00"}, /* before */
    {"2026-03-05T15:30:00+08:00", "2030-01-01T00:00:00+08:00"}, /* to the end of time */
    {"2026-04-01T07:00:00+08:00", "2026-04-02T09:00:00+08:00"}, /* after */
};

struct count {
    int64_t figure[FIGURES];
    int64_t closed[TIER_COUNT], on_time[TIER_COUNT];
};

static void read_tiers(void *ctx, const struct pg_result *res)
{
    struct count *count = ctx;

    for (int row = 0; row < pg_result_rows(res); row++) {
        int tier = word_find(tier_words, TIER_COUNT, pg_result_text(res, row, 0));
        for (int i = 0; i < FIGURES; i++)
            count->figure[i] += pg_result_int(res, row, 1 + i);
        if (tier >= 0) {
            count->closed[tier] += pg_result_int(res, row, 4);
            count->on_time[tier] += pg_result_int(res, row, 5);
        }
    }
}

static void report(int64_t from_us, int64_t to_us, const struct filters *f, char *out)
{
    struct arena *arena = arena_new();
    struct count c = {.figure = {0}};
    struct pg_params params;

    pg_params_init(&params, arena);
    report_edge_params(&params, from_us, CIVIL_OFFSET_SHANGHAI_MIN);
    report_edge_params(&params, to_us, CIVIL_OFFSET_SHANGHAI_MIN);
    pg_param_text(&params, f->unit);
    pg_param_text(&params, f->region);
    pg_param_text(&params, f->category);
    pg_param_text(&params, f->kind);
    pg_param_text(&params, f->channel);
    reports_ask(&reports, &SQL_REPORT_TIERS, &params, read_tiers, &c);
    arena_free(&arena);
    snprintf(out, TEXT_SIZE,
             "%lld %lld %lld %lld %lld %lld %lld %lld desk %lld %lld village %lld "
             "%lld town %lld %lld",
             (long long)c.figure[0], (long long)c.figure[1], (long long)c.figure[2],
             (long long)c.figure[3], (long long)c.figure[4], (long long)c.figure[5],
             (long long)c.figure[6], (long long)c.figure[7], (long long)c.closed[TIER_DESK],
             (long long)c.on_time[TIER_DESK], (long long)c.closed[TIER_VILLAGE],
             (long long)c.on_time[TIER_VILLAGE], (long long)c.closed[TIER_TOWN],
             (long long)c.on_time[TIER_TOWN]);
}

static char *plain(const char *from, const char *to, const struct filters *f)
{
    char *sql = xasprintf(
        "SELECT concat_ws(' ', coalesce(sum(received) FILTER (WHERE i), 0),"
        " coalesce(sum(desk) FILTER (WHERE i), 0), coalesce(sum(dispatched) FILTER (WHERE i), 0),"
        " coalesce(sum(closed) FILTER (WHERE i), 0), coalesce(sum(on_time) FILTER (WHERE i), 0),"
        " coalesce(sum(open) FILTER (WHERE at < '%s'), 0),"
        " coalesce(sum(overdue) FILTER (WHERE at < '%s'), 0),"
        " coalesce(sum(open) FILTER (WHERE at < '%s'), 0),"
        " 'desk', count(*) FILTER (WHERE i AND tier = 'desk'),"
        " count(*) FILTER (WHERE i AND tier = 'desk' AND on_time = 1),"
        " 'village', count(*) FILTER (WHERE i AND tier = 'village'),"
        " count(*) FILTER (WHERE i AND tier = 'village' AND on_time = 1),"
        " 'town', count(*) FILTER (WHERE i AND tier = 'town'),"
        " count(*) FILTER (WHERE i AND tier = 'town' AND on_time = 1)) "
        "FROM (SELECT *, at >= '%s' AND at < '%s' AS i FROM tally WHERE %s) AS t",
        to, to, from, from, to, f->plain);
    PGresult *res = pg_sync_query(plain_conn, sql, 0, NULL, clk_mono_us() + RIG_WAIT_US);

    assert_int_equal(PQresultStatus(res), PGRES_TUPLES_OK);
    char *text = xstrdup(PQgetvalue(res, 0, 0));
    PQclear(res);
    free(sql);
    return text;
}

static void check_all(void)
{
    for (size_t p = 0; p < ARRAY_LEN(periods); p++) {
        for (size_t f = 0; f < ARRAY_LEN(filters); f++) {
            char *expected = plain(periods[p].from, periods[p].to, &filters[f]);
            char found[TEXT_SIZE];

            report(reports_instant(periods[p].from), reports_instant(periods[p].to), &filters[f],
                   found);
            if (strcmp(found, expected) != 0)
                fail_msg("%s .. %s where %s:\n%s, plainly\n%s", periods[p].from, periods[p].to,
                         filters[f].plain, found, expected);
            free(expected);
        }
    }
}

/* ---- tests --------------------------------------------------------------------------------------
 */

static void test_nothing_counted_is_all_zero(void **state)
{
    char found[TEXT_SIZE];

    (void)state;
    report(reports_instant(periods[0].from), reports_instant(periods[0].to), &filters[0], found);
    assert_string_equal(found, "0 0 0 0 0 0 0 0 desk 0 0 village 0 0 town 0 0");
    check_all();
}

static void test_folding_at_any_point_changes_no_figure(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        seed(i, 60);
    check_all();
    reports_fold_all(&reports, 300);
    assert_int_equal(rig_count(&reports.rig, "SELECT sum(received) FROM tally_day"),
                     rig_count(&reports.rig, "SELECT sum(received) FROM tally"));
    check_all();
    seed(5, 60); /* days that are folded already get more */
    check_all();
    reports_fold_all(&reports, 60);
    check_all();
}

static void run_aside(PGconn *conn, const char *sql)
{
    char *error = NULL;

    if (!pg_sync_exec(conn, sql, clk_mono_us() + RIG_WAIT_US, &error))
        fail_msg("%s: %s", sql, error);
}

/* The horizon stops at the oldest transaction still running: what commits late is counted once. */
static void test_what_commits_late_is_neither_lost_nor_counted_twice(void **state)
{
    PGconn *late = connect_aside();
    char *sql = seed_sql(10, 50);

    (void)state;
    seed(11, 40);
    run_aside(late, "BEGIN");
    run_aside(late, sql);
    seed(12, 30); /* younger, committed earlier */
    check_all();
    reports_fold_all(&reports, 40);
    check_all();
    run_aside(late, "COMMIT");
    check_all();
    reports_fold_all(&reports, 80);
    check_all();
    free(sql);
    PQfinish(late);
}

static void test_what_is_rolled_back_holds_nothing_up_for_good(void **state)
{
    PGconn *aside = connect_aside();
    char *sql = seed_sql(20, 50);

    (void)state;
    run_aside(aside, "BEGIN");
    run_aside(aside, sql);
    seed(21, 30);
    assert_int_equal(reports_fold(&reports, 20000), 0);
    run_aside(aside, "ROLLBACK");
    reports_fold_all(&reports, 30);
    check_all();
    free(sql);
    PQfinish(aside);
}

static void test_batches_are_whole_transactions(void **state)
{
    int64_t sum = 0;
    int batches = 0;

    (void)state;
    for (int i = 0; i < 10; i++)
        seed(30 + i, 7);
    while (sum < 70) {
        int64_t rows = reports_fold(&reports, 20);
        assert_int_equal(rows % 7, 0);
        assert_true(rows <= 20);
        sum += rows;
        batches += rows > 0;
        check_all();
    }
    assert_int_equal(sum, 70);
    assert_true(batches >= 4);
}

static void test_a_transaction_larger_than_a_batch_gets_through(void **state)
{
    (void)state;
    seed(50, 100);
    seed(51, 5);
    int64_t rows = reports_fold(&reports, 10);
    for (int i = 0; rows == 0 && i < 1000; i++)
        rows = reports_fold(&reports, 10);
    assert_int_equal(rows, 100);
    check_all();
    reports_fold_all(&reports, 5);
    check_all();
}

static void test_stock_keeps_only_what_is_in_hand(void **state)
{
    (void)state;
    seed(60, 200);
    reports_fold_all(&reports, 200);
    assert_true(rig_count(&reports.rig, "SELECT count(*) FROM tally_stock") > 0);
    check_all();
    reports_sql(&reports,
                "INSERT INTO tally (at, number, unit, tier, region, category, kind, channel,"
                " received, desk, dispatched, open, closed, on_time, overdue)"
                " SELECT at, number, unit, '', region, category, kind, channel, 0, 0, 0, -open, 0,"
                " 0, -overdue FROM tally");
    reports_fold_all(&reports, 200);
    assert_int_equal(rig_count(&reports.rig, "SELECT count(*) FROM tally_stock"), 0);
    check_all();
}

static void test_two_daemons_do_not_fold_at_once(void **state)
{
    PGconn *other = connect_aside();

    (void)state;
    seed(70, 20);
    run_aside(other, "BEGIN");
    run_aside(other, "SELECT folded FROM tally_fold FOR UPDATE");
    assert_int_equal(reports_fold(&reports, 20000), 0); /* and does not wait */
    check_all();
    run_aside(other, "COMMIT");
    reports_fold_all(&reports, 20);
    check_all();
    PQfinish(other);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, clear)
    const struct CMUnitTest tests[] = {
        CASE(test_nothing_counted_is_all_zero),
        CASE(test_folding_at_any_point_changes_no_figure),
        CASE(test_what_commits_late_is_neither_lost_nor_counted_twice),
        CASE(test_what_is_rolled_back_holds_nothing_up_for_good),
        CASE(test_batches_are_whole_transactions),
        CASE(test_a_transaction_larger_than_a_batch_gets_through),
        CASE(test_stock_keeps_only_what_is_in_hand),
        CASE(test_two_daemons_do_not_fold_at_once),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
