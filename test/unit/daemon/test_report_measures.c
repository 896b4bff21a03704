/*
 * Every measure of the seven tickets, by every dimension, through filters, page by page; and the
 * full recount, which agrees with the story and finds every lie told to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "daemon/recount.h"
#include "sql_catalogue.h"
#include "unit/daemon/reports_story.h"

static struct reports reports;

static int group_setup(void **state)
{
    (void)state;
    reports_start(&reports);
    story_tell(&reports);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    reports_stop(&reports);
    return 0;
}

/* ---- measures -----------------------------------------------------------------------------------
 */

#define MAX_ROWS 12

struct table {
    int rows;
    struct {
        bool is_total;
        char key[24], name[64];
        struct measure measure[MEASURE_COUNT];
    } row[MAX_ROWS];
};

static void read_table(void *ctx, const struct pg_result *res)
{
    struct table *table = ctx;

    table->rows = pg_result_rows(res);
    assert_true(table->rows <= MAX_ROWS);
    for (int i = 0; i < table->rows; i++) {
        table->row[i].is_total = pg_result_bool(res, i, 0);
        snprintf(table->row[i].key, sizeof(table->row[i].key), "%s", pg_result_text(res, i, 1));
        snprintf(table->row[i].name, sizeof(table->row[i].name), "%s", pg_result_text(res, i, 2));
        for (int m = 0; m < MEASURE_COUNT; m++)
            table->row[i].measure[m] = (struct measure){pg_result_int(res, i, 3 + 2 * m),
                                                        pg_result_int(res, i, 4 + 2 * m)};
    }
}

struct question {
    const char *by, *after;
    int64_t most;
    const char *unit, *region, *category, *kind, *channel;
    const char *level;
    int depth;
};

static struct table ask_period(const char *from, const char *to, const struct question *q)
{
    struct arena *arena = arena_new();
    struct table table = {.rows = 0};
    struct pg_params params;

    pg_params_init(&params, arena);
    pg_param_instant(&params, reports_instant(from));
    pg_param_instant(&params, reports_instant(to));
    pg_param_text(&params, q->by);
    pg_param_text(&params, q->after);
    pg_param_int(&params, q->most ? q->most : MAX_ROWS);
    pg_param_int(&params, 4);
    pg_param_text(&params, q->unit);
    pg_param_text(&params, q->region);
    pg_param_text(&params, q->category);
    pg_param_text(&params, q->kind);
    pg_param_text(&params, q->channel);
    pg_param_text(&params, q->level);
    if (q->depth)
        pg_param_int(&params, q->depth);
    else
        pg_param_null(&params);
    pg_param_int(&params, CIVIL_OFFSET_SHANGHAI_MIN);
    reports_ask(&reports, &SQL_REPORT_MEASURES, &params, read_table, &table);
    arena_free(&arena);
    return table;
}

static struct table ask(const struct question *q)
{
    return ask_period(STORY_FROM, STORY_TO, q);
}

/* Every measure in the order of the enum, as "n/d n/d ..."; the row "*" is the total. */
static void check_row(const struct table *table, const char *key, const char *expected)
{
    char text[256] = "";
    int at = 0;

    for (int i = 0; i < table->rows; i++) {
        const char *row_key = table->row[i].is_total ? "*" : table->row[i].key;
        if (strcmp(row_key, key) != 0)
            continue;
        for (int m = 0; m < MEASURE_COUNT; m++)
            at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%lld/%lld", m ? " " : "",
                           (long long)table->row[i].measure[m].numerator,
                           (long long)table->row[i].measure[m].denominator);
    }
    assert_string_equal(text, expected);
}

/*
 * Order: on_time_closing closing on_time_signing response; solved first final; satisfied first
 * final; return redo once_done.
 */
static void test_every_measure_by_unit(void **state)
{
    struct table t = ask(&(struct question){.by = "unit"});

    (void)state;
    assert_int_equal(t.rows, 5); /* total, desk, three units */
    assert_true(t.row[0].is_total);
    /* due: 1 2 3 4 7, not 5 (withdrawn) and 6 (April); closed 1 2 4, in time 1 4 */
    check_row(&t, "*", "2/5 3/5 5/7 2/5 2/3 1/2 2/2 2/3 1/2 2/2 1/8 1/3 2/3");
    check_row(&t, "JW", "1/3 1/3 2/3 1/2 1/1 1/1 1/1 1/1 1/1 1/1 0/3 0/1 1/1");
    check_row(&t, "CG", "1/2 2/2 2/3 0/2 1/2 0/1 1/1 1/2 0/1 1/1 1/4 1/1 0/1");
    check_row(&t, "ZJ", "0/0 0/0 1/1 1/1 0/0 0/0 0/0 0/0 0/0 0/0 0/1 0/0 0/0");
    check_row(&t, "", "0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/1 1/1");
    assert_string_equal(t.row[2].name, "澄江街道城管");
}

static void test_other_dimensions_have_the_same_total(void **state)
{
    static const char *const dimensions[] = {"region", "category", "kind", "channel"};
    static const int rows[] = {4, 4, 5, 3}; /* ticket 5 is in no measure: void, not due */

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dimensions); i++) {
        struct table t = ask(&(struct question){.by = dimensions[i]});
        struct table sum = {.rows = 1, .row[0].is_total = true};

        check_row(&t, "*", "2/5 3/5 5/7 2/5 2/3 1/2 2/2 2/3 1/2 2/2 1/8 1/3 2/3");
        for (int r = 1; r < t.rows; r++) {
            for (int m = 0; m < MEASURE_COUNT; m++) {
                sum.row[0].measure[m].numerator += t.row[r].measure[m].numerator;
                sum.row[0].measure[m].denominator += t.row[r].measure[m].denominator;
            }
        }
        check_row(&sum, "*", "2/5 3/5 5/7 2/5 2/3 1/2 2/2 2/3 1/2 2/2 1/8 1/3 2/3");
        assert_int_equal(t.rows, rows[i]);
    }
}

static void test_total_has_no_rows(void **state)
{
    struct table t = ask(&(struct question){.by = "total"});

    (void)state;
    assert_int_equal(t.rows, 1);
    check_row(&t, "*", "2/5 3/5 5/7 2/5 2/3 1/2 2/2 2/3 1/2 2/2 1/8 1/3 2/3");
}

/* By when a fact falls into the period: deadline, dispatch, closing, redo, call-back. */
static void test_days_and_months(void **state)
{
    struct table t = ask_period("2026-03-05T00:00:00+08:00", "2026-03-11T00:00:00+08:00",
                                &(struct question){.by = "day"});

    (void)state;
    assert_int_equal(t.rows, 5); /* total, 5th, 6th, 9th, 10th */
    check_row(&t, "2026-03-05", "0/0 0/0 0/0 0/0 1/1 1/1 1/1 1/1 1/1 1/1 0/0 0/1 1/1");
    check_row(&t, "2026-03-06", "1/1 1/1 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0");
    check_row(&t, "2026-03-09", "1/2 2/2 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0");
    check_row(&t, "2026-03-10", "0/1 0/1 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 1/1 0/0 0/0");
    t = ask_period(STORY_FROM, "2026-05-01T00:00:00+08:00", &(struct question){.by = "month"});
    assert_int_equal(t.rows, 3); /* ticket 6 is due in April */
    check_row(&t, "2026-03", "2/5 3/5 5/7 2/5 2/3 1/2 2/2 2/3 1/2 2/2 1/8 1/3 2/3");
    check_row(&t, "2026-04", "0/1 0/1 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0");
}

/* The village counts for its town, what lies above the level for itself, and nothing is lost. */
static void test_places_and_matters_rolled_up(void **state)
{
    struct table t = ask(&(struct question){.by = "region", .level = "town"});

    (void)state;
    assert_int_equal(t.rows, 3); /* total, not known, the town */
    check_row(&t, "*", "2/5 3/5 5/7 2/5 2/3 1/2 2/2 2/3 1/2 2/2 1/8 1/3 2/3");
    check_row(&t, "", "1/1 1/1 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/1 1/1");
    check_row(&t, "320281001000", "1/4 2/4 5/7 2/5 2/3 1/2 2/2 2/3 1/2 2/2 1/8 1/2 1/2");
    t = ask(&(struct question){.by = "region", .level = "county"});
    check_row(&t, "320281000000", "1/4 2/4 5/7 2/5 2/3 1/2 2/2 2/3 1/2 2/2 1/8 1/2 1/2");
    t = ask(&(struct question){.by = "region", .level = "grid"}); /* as they are */
    assert_int_equal(t.rows, 4);
    t = ask(&(struct question){.by = "category", .depth = 1});
    assert_int_equal(t.rows, 3); /* total, A with A1, B */
    struct table leaves = ask(&(struct question){.by = "category"});
    assert_int_equal(leaves.rows, 4);
    t = ask(&(struct question){.by = "category", .depth = 2});
    assert_int_equal(t.rows, 4);
}

static void test_filters(void **state)
{
    struct table t = ask(&(struct question){.by = "unit", .unit = "ZJ"});

    (void)state;
    check_row(&t, "*", "0/0 0/0 1/1 1/1 0/0 0/0 0/0 0/0 0/0 0/0 0/1 0/0 0/0");
    t = ask(&(struct question){.by = "unit", .region = "320281001000"}); /* not 4: no place */
    check_row(&t, "*", "1/4 2/4 5/7 2/5 2/3 1/2 2/2 2/3 1/2 2/2 1/8 1/2 1/2");
    t = ask(&(struct question){.by = "unit", .category = "A1"});
    check_row(&t, "*", "1/1 1/1 3/3 2/3 1/1 1/1 1/1 1/1 1/1 1/1 0/3 0/1 1/1");
    t = ask(&(struct question){.by = "unit", .kind = "consult", .channel = "phone"});
    check_row(&t, "*", "1/1 1/1 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/1 1/1");
}

static void test_a_period_without_anything_is_none_due(void **state)
{
    struct table t = ask_period("2025-01-01T00:00:00+08:00", "2025-02-01T00:00:00+08:00",
                                &(struct question){.by = "unit"});

    (void)state;
    assert_int_equal(t.rows, 1);
    check_row(&t, "*", "0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0");
}

/* First and final belong to the ticket, not to the period: the second half of March has no first
 * answer of ticket 2 but its final one. */
static void test_first_and_final_answers_over_two_periods(void **state)
{
    const struct question q = {.by = "unit", .unit = "CG"};
    struct table t = ask_period(STORY_FROM, "2026-03-17T00:00:00+08:00", &q);

    (void)state;
    check_row(&t, "*", "1/2 2/2 1/2 0/1 0/1 0/1 0/0 0/1 0/1 0/0 1/3 1/0 0/0");
    t = ask_period("2026-03-17T00:00:00+08:00", STORY_TO, &q);
    check_row(&t, "*", "0/0 0/0 1/1 0/1 1/1 0/0 1/1 1/1 0/0 1/1 0/1 0/1 0/1");
}

static void test_pages_follow_keys_and_keep_the_total(void **state)
{
    struct table t = ask(&(struct question){.by = "unit", .most = 2});

    (void)state;
    assert_int_equal(t.rows, 3);
    assert_string_equal(t.row[1].key, "");
    assert_string_equal(t.row[2].key, "CG");
    t = ask(&(struct question){.by = "unit", .most = 2, .after = "CG"});
    assert_int_equal(t.rows, 3);
    check_row(&t, "*", "2/5 3/5 5/7 2/5 2/3 1/2 2/2 2/3 1/2 2/2 1/8 1/3 2/3");
    assert_string_equal(t.row[1].key, "JW");
    assert_string_equal(t.row[2].key, "ZJ");
}

/* ---- other sources of facts ---------------------------------------------------------------------
 */

/* A co-unit's own resolve clock is no promise to the citizen; what is handed on counts for both. */
static void test_clocks_of_co_units_and_what_is_handed_on(void **state)
{
    struct table t;

    (void)state;
    reports_sql(&reports,
                "SELECT clock(6, 6, 2, 'resolve', 1, 'met', '03-25 09:00', '03-27 17:30', '',"
                "             '03-26 09:00');"
                "ALTER TABLE assignment DISABLE TRIGGER USER;"
                "UPDATE assignment SET state = 'forwarded' WHERE number = 6 AND ordinal = 2");
    t = ask(&(struct question){.by = "unit"});
    check_row(&t, "*", "2/5 3/5 5/7 2/5 2/3 1/2 2/2 2/3 1/2 2/2 1/8 1/3 2/3");
    check_row(&t, "ZJ", "0/0 0/0 1/1 1/1 0/0 0/0 0/0 0/0 0/0 0/0 0/1 0/0 0/0");
    reports_sql(&reports, "DELETE FROM ticket_clock WHERE number = 6 AND ordinal = 6;"
                          "UPDATE assignment SET state = 'passed' WHERE number = 6 AND ordinal = 2;"
                          "ALTER TABLE assignment ENABLE TRIGGER USER");
}

/* Sent elsewhere within its second round, in a later month: redone once, in March. */
static void test_a_round_counts_as_one_redo(void **state)
{
    struct table t;

    (void)state;
    reports_sql(&reports, "SELECT assigned(2, 3, 'JW', 'lead', 2, 'passed', '04-02 10:00', '')");
    t = ask_period("2026-04-01T00:00:00+08:00", "2026-05-01T00:00:00+08:00",
                   &(struct question){.by = "unit"});
    check_row(&t, "*", "0/1 0/1 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/1 0/0 0/0");
    reports_sql(&reports, "ALTER TABLE assignment DISABLE TRIGGER USER;"
                          "DELETE FROM assignment WHERE number = 2 AND ordinal = 3;"
                          "ALTER TABLE assignment ENABLE TRIGGER USER");
}

/* ---- the full recount ---------------------------------------------------------------------------
 */

struct recounting {
    struct arena *arena;
    struct recount_report report;
};

static void read_recount(void *ctx, const struct pg_result *res)
{
    struct recounting *r = ctx;

    recount_read(res, r->arena, &r->report);
}

/* Differences as "unit/tier figure counted recounted; ..." */
static void check_recount(const char *expected)
{
    struct recounting r = {.arena = arena_new()};
    struct pg_params params;
    char text[1024] = "";
    int at = 0;

    recount_params(&params, r.arena);
    reports_ask(&reports, &SQL_RECOUNT, &params, read_recount, &r);
    assert_int_equal(r.report.rows, 11);
    assert_int_equal(r.report.differing, r.report.count);
    for (size_t i = 0; i < r.report.count; i++) {
        const struct recount_difference *d = &r.report.list[i];
        at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%s/%s %s %lld %lld", i ? "; " : "",
                       d->unit, d->tier, d->figure, (long long)d->counted, (long long)d->recounted);
    }
    assert_string_equal(text, expected);
    arena_free(&r.arena);
}

static void test_recount_agrees_folded_or_not(void **state)
{
    (void)state;
    check_recount("");
    reports_fold_all(&reports, 18);
    check_recount("");
}

/* Each lie alone, and taken back again. */
static void test_recount_finds_every_wrong_figure(void **state)
{
    static const struct {
        const char *lie, *truth, *found;
    } cases[] = {
        {"SELECT differ(3, '03-03 09:00', 'JW', '', 1, 0, 0, 0, 0, 0, 0)",
         "SELECT differ(3, '03-03 09:00', 'JW', '', -1, 0, 0, 0, 0, 0, 0)", "JW/ received 2 1"},
        {"SELECT differ(3, '03-03 09:00', 'JW', '', 0, 0, -1, 0, 0, 0, 0)",
         "SELECT differ(3, '03-03 09:00', 'JW', '', 0, 0, 1, 0, 0, 0, 0)", "JW/ dispatched 0 1"},
        {"SELECT differ(3, '03-03 09:00', 'JW', '', 0, 0, 0, 1, 0, 0, 0)",
         "SELECT differ(3, '03-03 09:00', 'JW', '', 0, 0, 0, -1, 0, 0, 0)", "JW/ open 2 1"},
        {"UPDATE ticket_clock SET breached_at = NULL WHERE number = 3 AND clock = 'resolve'",
         "UPDATE ticket_clock SET breached_at = due_at WHERE number = 3 AND clock = 'resolve'",
         "JW/ overdue 1 0"},
        {"UPDATE ticket_clock SET breached_at = due_at WHERE number = 1 AND clock = 'resolve'",
         "UPDATE ticket_clock SET breached_at = NULL WHERE number = 1 AND clock = 'resolve'",
         "JW/village on_time 1 0"},
        {"SELECT differ(4, '03-04 09:05', '', 'desk', 0, -1, 0, 0, -1, 0, 0)",
         "SELECT differ(4, '03-04 09:05', '', 'desk', 0, 1, 0, 0, 1, 0, 0)",
         "/desk closed 0 1; /desk desk 0 1"},
        {"UPDATE tally_stock SET open = open + 1 WHERE unit = 'CG'",
         "UPDATE tally_stock SET open = open - 1 WHERE unit = 'CG'", "CG/ stock_open 2 1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        reports_sql(&reports, cases[i].lie);
        check_recount(cases[i].found);
        reports_sql(&reports, cases[i].truth);
        check_recount("");
    }
}

static void test_recount_sees_groups_that_only_one_side_has(void **state)
{
    struct recounting r = {.arena = arena_new()};
    struct pg_params params;

    (void)state;
    reports_sql(&reports, "UPDATE ticket SET closed_unit = 'ZJ' WHERE number = 2");
    recount_params(&params, r.arena);
    reports_ask(&reports, &SQL_RECOUNT, &params, read_recount, &r);
    assert_int_equal(r.report.rows, 12);
    assert_int_equal(r.report.differing, 2);
    assert_string_equal(r.report.list[0].unit, "CG");
    assert_int_equal(r.report.list[0].counted, 1);
    assert_int_equal(r.report.list[0].recounted, 0);
    assert_string_equal(r.report.list[1].unit, "ZJ");
    assert_int_equal(r.report.list[1].counted, 0);
    assert_int_equal(r.report.list[1].recounted, 1);
    reports_sql(&reports, "UPDATE ticket SET closed_unit = 'CG' WHERE number = 2");
    arena_free(&r.arena);
    check_recount("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_measure_by_unit),
        cmocka_unit_test(test_other_dimensions_have_the_same_total),
        cmocka_unit_test(test_total_has_no_rows),
        cmocka_unit_test(test_days_and_months),
        cmocka_unit_test(test_places_and_matters_rolled_up),
        cmocka_unit_test(test_clocks_of_co_units_and_what_is_handed_on),
        cmocka_unit_test(test_a_round_counts_as_one_redo),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_a_period_without_anything_is_none_due),
        cmocka_unit_test(test_first_and_final_answers_over_two_periods),
        cmocka_unit_test(test_pages_follow_keys_and_keep_the_total),
        cmocka_unit_test(test_recount_agrees_folded_or_not),
        cmocka_unit_test(test_recount_finds_every_wrong_figure),
        cmocka_unit_test(test_recount_sees_groups_that_only_one_side_has),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
