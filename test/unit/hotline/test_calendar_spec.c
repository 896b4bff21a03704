/* What a calendar refuses to be built of, and how it explains a deadline. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "unit/hotline/calendar_fixture.h"

static struct calendar_fixture fixture;

static int fresh(void **state)
{
    (void)state;
    fixture_office(&fixture);
    return 0;
}

/* Refused, with a text that names what is wrong. */
static void assert_refused(const char *named)
{
    char *error = NULL;
    struct calendar *calendar = calendar_build(&fixture.spec, &error);
    assert_null(calendar);
    assert_non_null(error);
    if (!strstr(error, named))
        fail_msg("'%s' does not name '%s'", error, named);
    free(error);
}

static void assert_built(void)
{
    char *error = NULL;
    struct calendar *calendar = calendar_build(&fixture.spec, &error);
    assert_non_null(calendar);
    assert_null(error);
    calendar_free(&calendar);
}

static void test_refuses_bad_hours(void **state)
{
    static const struct {
        int count;
        struct calendar_interval open[2];
        bool good;
    } cases[] = {
        {1, {{0, 1440}}, true},
        {1, {{-1, 60}}, false},
        {1, {{0, 1441}}, false},
        {1, {{60, 60}}, false},
        {1, {{61, 60}}, false},
        {2, {{60, 120}, {120, 180}}, false},
        {2, {{60, 120}, {121, 180}}, true},
        {2, {{200, 300}, {60, 120}}, false},
        {2, {{60, 120}, {100, 180}}, false},
        {CALENDAR_MAX_INTERVALS + 1, {{0, 1}}, false},
        {-1, {{0, 1}}, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct calendar_hours hours = {.count = cases[i].count};
        memcpy(hours.open, cases[i].open, sizeof(cases[i].open));
        fresh(NULL);
        fixture.spec.week[2] = hours;
        if (cases[i].good)
            assert_built();
        else
            assert_refused("Wednesday");
        fresh(NULL);
        fixture_day(&fixture, "2026-02-13", CALENDAR_DAY_CUSTOM, "08:30-12:00");
        fixture.days[0].hours = hours;
        if (cases[i].good)
            assert_built();
        else
            assert_refused("2026-02-13");
    }
}

static void test_refuses_bad_days(void **state)
{
    (void)state;
    fixture_day(&fixture, "2026-02-13", CALENDAR_DAY_OFF, NULL);
    fixture_day(&fixture, "2026-01-01", CALENDAR_DAY_OFF, NULL);
    assert_built(); /* in any order */
    fixture.days[1].day = fixture.days[0].day;
    assert_refused("2026-02-13 is listed twice");

    fixture.days[1].day = -1;
    assert_refused("-1");
    fixture.days[1].day = day_of("2199-12-31");
    assert_built();
    fixture.days[1].day++;
    assert_refused("84006");

    fresh(NULL);
    fixture_day(&fixture, "2026-02-13", CALENDAR_DAY_CUSTOM, NULL);
    assert_refused("2026-02-13");
    fixture.days[0].kind = CALENDAR_DAY_WORK;
    assert_built();
    fixture.spec.work.count = 0;
    assert_refused("2026-02-13");
}

static void test_refuses_bad_settings(void **state)
{
    static const int bad_closes[] = {-2, 0, 1441}, bad_offsets[] = {-841, 841};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_closes); i++) {
        fixture.spec.day_close_min = bad_closes[i];
        assert_refused("close");
    }
    fixture.spec.day_close_min = 1440;
    assert_built();
    for (size_t i = 0; i < ARRAY_LEN(bad_offsets); i++) {
        fixture.spec.offset_min = bad_offsets[i];
        assert_refused("offset");
    }
    fresh(NULL);
    memset(fixture.spec.week, 0, sizeof(fixture.spec.week));
    assert_refused("no weekday");
}

static void test_refuses_bad_years(void **state)
{
    static const struct {
        int years[2];
        const char *named; /* NULL = fine */
    } cases[] = {{{1970, 2199}, NULL},
                 {{2026, 2025}, "2025"},
                 {{2026, 2026}, "2026"},
                 {{2026, 2200}, "2200"},
                 {{1969, 2026}, "1969"}};
    (void)state;
    fixture.spec.published_count = 2;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        memcpy(fixture.years, cases[i].years, sizeof(cases[i].years));
        if (cases[i].named)
            assert_refused(cases[i].named);
        else
            assert_built();
    }
}

/* The calendar keeps nothing of the caller's. */
static void test_copies_the_spec(void **state)
{
    (void)state;
    assert_true(fixture_load(&fixture, FIXTURE_CN_DAYS));
    struct calendar *calendar = fixture_build(&fixture);
    memset(&fixture, 0xff, sizeof(fixture));
    struct limit limit = {15, LIMIT_WORKING_DAYS};
    assert_int_equal(calendar_due(calendar, at("2026-02-13 10:00"), limit).due_us,
                     at("2026-03-12 17:30"));
    calendar_free(&calendar);
    assert_null(calendar);
}

/* ---- explain ---- */

static struct calendar_line lines[64];
static size_t line_count;

static void take_line(void *ctx, const struct calendar_line *line)
{
    assert_ptr_equal(ctx, lines);
    assert_true(line_count < ARRAY_LEN(lines));
    lines[line_count++] = *line;
}

static struct calendar *explained(const char *start, struct limit limit, size_t max_lines)
{
    assert_true(fixture_load(&fixture, FIXTURE_CN_DAYS));
    struct calendar *calendar = fixture_build(&fixture);
    line_count = 0;
    calendar_explain(calendar, at(start), limit, max_lines, take_line, lines);
    return calendar; /* the names live in it */
}

static void assert_line(size_t i, enum calendar_line_kind kind, const char *date, int64_t counted,
                        const char *name)
{
    assert_int_equal(lines[i].kind, kind);
    assert_int_equal(lines[i].day, day_of(date));
    assert_int_equal(lines[i].counted, counted);
    if (name)
        assert_string_equal(lines[i].name, name);
    else
        assert_null(lines[i].name);
}

/* Over the Spring Festival: a worked Saturday, nine days off, four days more. */
static void test_explains_working_days(void **state)
{
    (void)state;
    struct calendar *calendar =
        explained("2026-02-13 10:00", (struct limit){5, LIMIT_WORKING_DAYS}, 31);
    assert_int_equal(line_count, 15);
    assert_line(0, CALENDAR_LINE_START, "2026-02-13", 0, NULL);
    assert_line(1, CALENDAR_LINE_COUNTED, "2026-02-14", 1, "春节");
    assert_true(lines[1].is_makeup);
    for (size_t i = 2; i <= 10; i++) {
        assert_int_equal(lines[i].kind, CALENDAR_LINE_OFF);
        assert_string_equal(lines[i].name, "春节");
        assert_false(lines[i].is_makeup);
        assert_int_equal(lines[i].total, 1);
    }
    assert_line(11, CALENDAR_LINE_COUNTED, "2026-02-24", 2, NULL);
    assert_line(14, CALENDAR_LINE_COUNTED, "2026-02-27", 5, NULL);
    assert_false(lines[14].is_makeup);
    calendar_free(&calendar);
}

/* Neither a half day on a Friday nor a weekday listed as working is a make-up day. */
static void test_makeup_is_a_worked_weekend(void **state)
{
    (void)state;
    fixture_day(&fixture, "2026-03-05", CALENDAR_DAY_WORK, NULL);
    fixture_day(&fixture, "2026-03-06", CALENDAR_DAY_CUSTOM, "08:30-12:00");
    fixture_day(&fixture, "2026-03-07", CALENDAR_DAY_CUSTOM, "08:30-12:00");
    struct calendar *calendar = fixture_build(&fixture);
    line_count = 0;
    calendar_explain(calendar, at("2026-03-04 10:00"), (struct limit){4, LIMIT_WORKING_DAYS}, 31,
                     take_line, lines);
    assert_int_equal(line_count, 6);
    assert_line(1, CALENDAR_LINE_COUNTED, "2026-03-05", 1, NULL);
    assert_line(3, CALENDAR_LINE_COUNTED, "2026-03-07", 3, NULL);
    for (size_t i = 0; i < line_count; i++)
        assert_int_equal(lines[i].is_makeup, i == 3);
    calendar_free(&calendar);
}

static void test_folds_long_runs(void **state)
{
    (void)state;
    struct calendar *calendar =
        explained("2026-02-13 10:00", (struct limit){15, LIMIT_WORKING_DAYS}, 5);
    assert_int_equal(line_count, 5);
    assert_line(2, CALENDAR_LINE_OFF, "2026-02-15", 0, "春节");
    assert_line(3, CALENDAR_LINE_FOLDED, "2026-02-16", 13, NULL);
    assert_int_equal(lines[3].day_to, day_of("2026-03-11"));
    assert_int_equal(lines[3].total, 14);
    assert_line(4, CALENDAR_LINE_COUNTED, "2026-03-12", 15, NULL);
    calendar_free(&calendar);
}

static void test_explains_working_minutes(void **state)
{
    const int64_t minute = INT64_C(60000000);
    (void)state;
    /* 30 minutes on Friday, 210 on Monday */
    struct calendar *calendar =
        explained("2026-03-06 17:00", (struct limit){240, LIMIT_WORKING_MINUTES}, 31);
    assert_int_equal(line_count, 4);
    assert_line(0, CALENDAR_LINE_START, "2026-03-06", 0, NULL);
    assert_int_equal(lines[0].counted_us, 30 * minute);
    assert_line(1, CALENDAR_LINE_OFF, "2026-03-07", 0, NULL);
    assert_line(3, CALENDAR_LINE_COUNTED, "2026-03-09", 0, NULL);
    assert_int_equal(lines[3].counted_us, 210 * minute);
    assert_int_equal(lines[3].total, 240 * minute);
    calendar_free(&calendar);

    /* folded: 20 days of 420 minutes, with how many days that were */
    calendar =
        explained("2026-03-06 17:30", (struct limit){INT64_C(20) * 420, LIMIT_WORKING_MINUTES}, 3);
    assert_int_equal(line_count, 3);
    assert_int_equal(lines[1].kind, CALENDAR_LINE_FOLDED);
    assert_int_equal(lines[1].counted, 19);
    assert_int_equal(lines[1].counted_us, minute * 420 * 19);
    calendar_free(&calendar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_refuses_bad_hours, fresh),
        cmocka_unit_test_setup(test_refuses_bad_days, fresh),
        cmocka_unit_test_setup(test_refuses_bad_settings, fresh),
        cmocka_unit_test_setup(test_refuses_bad_years, fresh),
        cmocka_unit_test_setup(test_copies_the_spec, fresh),
        cmocka_unit_test_setup(test_explains_working_days, fresh),
        cmocka_unit_test_setup(test_makeup_is_a_worked_weekend, fresh),
        cmocka_unit_test_setup(test_folds_long_runs, fresh),
        cmocka_unit_test_setup(test_explains_working_minutes, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
