/*
 * A published month: Lianyungang, June 2019, 29,186 tickets due, of which 25,783 were closed and
 * 24,165 on time. Rows as large as the city's, counted by the statement of the daemon.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "sql_catalogue.h"
#include "unit/daemon/reports_rig.h"

#define DUE 29186
#define CLOSED 25783
#define ON_TIME 24165

static struct reports reports;

/* One ticket a row: due some minute of June, the first of them closed, the first of those in time.
 * Before and after June 500 tickets are due that belong to no figure of it. */
static const char tickets[] =
    "INSERT INTO ticket (number, query_code, state, channel, kind, urgency, category, title, text,"
    "    received_at, received_by, lead_unit, rule_set, route_reason, sla_set, calendar_set, "
    "policy,"
    "    closed_at, closed_tier, closed_unit, closed_on_time, event_count, event_hash)"
    " SELECT n, 'q', CASE WHEN n <= 25783 THEN 'closed' ELSE 'handling' END, 'phone', 'help',"
    "    'normal', 'A', 't', 't', '2019-05-20T00:00:00Z', 'desk', CASE n % 3 WHEN 0 THEN 'JW' WHEN "
    "1"
    "    THEN 'CG' ELSE 'ZJ' END, 1, 'rule', 1, 1, 'default',"
    "    CASE WHEN n <= 25783 THEN timestamptz '2019-07-03T00:00:00Z' END,"
    "    CASE WHEN n <= 25783 THEN 'town' END, CASE WHEN n <= 25783 THEN 'CG' END,"
    "    CASE WHEN n <= 25783 THEN n <= 24165 END, 1, decode(repeat('00', 32), 'hex')"
    " FROM generate_series(1, 30186) AS n;"
    "INSERT INTO ticket_clock (number, ordinal, clock, round, state, stop, unit, is_pausable,"
    "    is_provisional, started_at, due_at, warn_at, met_at)"
    " SELECT n, 1, 'resolve', 1, CASE WHEN n <= 25783 THEN 'met' ELSE 'running' END, 'reported',"
    "    'working_days', true, false, '2019-05-20T00:00:00Z', at, at,"
    "    CASE WHEN n <= 25783 THEN at END"
    " FROM (SELECT n, CASE WHEN n <= 29186 THEN timestamptz '2019-06-01T00:00:00+08:00'"
    "                      + (n - 1) * (interval '30 days' / 29186)"
    "                      WHEN n <= 29686 THEN timestamptz '2019-05-31T23:59:59.999999+08:00'"
    "                      ELSE timestamptz '2019-07-01T00:00:00+08:00' END AS at"
    "       FROM generate_series(1, 30186) AS n) AS x;";

static int group_setup(void **state)
{
    (void)state;
    reports_start(&reports);
    reports_sql(&reports, tickets);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    reports_stop(&reports);
    return 0;
}

struct found {
    struct measure total[MEASURE_COUNT], sum[MEASURE_COUNT];
    int rows;
};

static void read_found(void *ctx, const struct pg_result *res)
{
    struct found *found = ctx;

    found->rows = pg_result_rows(res) - 1;
    for (int i = 0; i < pg_result_rows(res); i++) {
        struct measure *into = pg_result_bool(res, i, 0) ? found->total : found->sum;

        for (int m = 0; m < MEASURE_COUNT; m++) {
            into[m].numerator += pg_result_int(res, i, 3 + 2 * m);
            into[m].denominator += pg_result_int(res, i, 4 + 2 * m);
        }
    }
}

static struct found ask_june(const char *by)
{
    struct arena *arena = arena_new();
    struct found found = {.rows = 0};
    struct pg_params params;

    pg_params_init(&params, arena);
    pg_param_instant(&params, reports_instant("2019-06-01T00:00:00+08:00"));
    pg_param_instant(&params, reports_instant("2019-07-01T00:00:00+08:00"));
    pg_param_text(&params, by);
    pg_param_null(&params);
    pg_param_int(&params, 100);
    pg_param_int(&params, 4);
    for (int i = 0; i < 7; i++) /* five filters, level, depth */
        pg_param_null(&params);
    pg_param_int(&params, CIVIL_OFFSET_SHANGHAI_MIN);
    reports_ask(&reports, &SQL_REPORT_MEASURES, &params, read_found, &found);
    arena_free(&arena);
    return found;
}

static void check_june(const struct measure *m)
{
    int64_t parts;

    assert_int_equal(m[MEASURE_ON_TIME_CLOSING].numerator, ON_TIME);
    assert_int_equal(m[MEASURE_ON_TIME_CLOSING].denominator, DUE);
    assert_int_equal(m[MEASURE_CLOSING].numerator, CLOSED);
    assert_int_equal(m[MEASURE_CLOSING].denominator, DUE);
    assert_true(measure_rate_parts(m[MEASURE_ON_TIME_CLOSING], &parts));
    assert_int_equal(parts, 8280);
    assert_true(measure_rate_parts(m[MEASURE_CLOSING], &parts));
    assert_int_equal(parts, 8834);
    assert_false(measure_rate_parts(m[MEASURE_RESPONSE], &parts)); /* nothing was dispatched */
}

static void test_june_2019(void **state)
{
    static const struct {
        const char *by;
        int rows;
    } cases[] = {{"total", 0}, {"unit", 3}, {"category", 1}, {"day", 30}, {"month", 1}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct found found = ask_june(cases[i].by);

        assert_int_equal(found.rows, cases[i].rows);
        check_june(found.total);
        if (found.rows)
            check_june(found.sum);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_june_2019),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
