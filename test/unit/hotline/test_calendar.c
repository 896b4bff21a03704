/* The working calendar against dates worked out by hand from the State Council's lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "unit/hotline/calendar_fixture.h"

static struct calendar_fixture cn_fixture;
static struct calendar *cn;

static int set_up(void **state)
{
    (void)state;
    if (!fixture_load(&cn_fixture, FIXTURE_CN_DAYS))
        return -1;
    cn = fixture_build(&cn_fixture);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    calendar_free(&cn);
    calendar_free(&cn); /* a second time is harmless */
    return 0;
}

static struct deadline due(const struct calendar *calendar, const char *start, int64_t amount,
                           enum limit_unit unit)
{
    return calendar_due(calendar, at(start), (struct limit){.amount = amount, .unit = unit});
}

#define assert_instant(actual, expected) assert_string_equal(shown(actual), shown(at(expected)))
#define assert_due(calendar, start, amount, unit, expected)                                        \
    assert_instant(due(calendar, start, amount, unit).due_us, expected)

static const struct {
    const char *start;
    int working_days;
    const char *due;
} vectors[] = {
    {"2025-01-24", 5, "2025-02-07"},  {"2025-01-27", 1, "2025-02-05"},
    {"2025-01-27", 5, "2025-02-10"},  {"2025-04-25", 5, "2025-05-06"},
    {"2025-04-30", 1, "2025-05-06"},  {"2025-09-26", 5, "2025-10-10"},
    {"2025-09-30", 5, "2025-10-14"},  {"2025-09-30", 15, "2025-10-28"},
    {"2025-12-31", 1, "2026-01-04"},  {"2026-02-13", 1, "2026-02-14"},
    {"2026-02-13", 5, "2026-02-27"},  {"2026-02-13", 10, "2026-03-05"},
    {"2026-02-13", 15, "2026-03-12"}, {"2026-02-14", 1, "2026-02-24"},
    {"2026-02-14", 3, "2026-02-26"},  {"2026-04-30", 5, "2026-05-11"},
    {"2026-05-08", 5, "2026-05-14"},  {"2026-09-18", 5, "2026-09-24"},
    {"2026-09-24", 5, "2026-10-09"},  {"2026-09-30", 1, "2026-10-08"},
    {"2026-09-30", 5, "2026-10-13"},  {"2026-10-09", 2, "2026-10-12"},
};

/* Whatever the time of day: a limit in working days counts from the next working day. */
static void test_working_day_vectors(void **state)
{
    static const char *const times[] = {"00:00:00", "08:30:00", "10:00:00",
                                        "17:30:00", "17:30:01", "23:59:59.999999"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        for (size_t t = 0; t < ARRAY_LEN(times); t++) {
            char start[40], expected[40];
            (void)snprintf(start, sizeof(start), "%s %s", vectors[i].start, times[t]);
            (void)snprintf(expected, sizeof(expected), "%s 17:30", vectors[i].due);
            struct deadline deadline = due(cn, start, vectors[i].working_days, LIMIT_WORKING_DAYS);
            assert_instant(deadline.due_us, expected);
            assert_false(deadline.provisional);
        }
    }
}

static void test_working_days_of_each_month(void **state)
{
    static const int expected[2][12] = {{19, 19, 21, 22, 19, 20, 23, 21, 23, 18, 20, 23},
                                        {21, 16, 22, 21, 19, 21, 23, 21, 22, 18, 21, 23}};
    (void)state;
    for (int year = 2025; year <= 2026; year++) {
        for (int month = 1; month <= 12; month++) {
            struct civil_date next = {month < 12 ? year : year + 1, month % 12 + 1, 1};
            int32_t first = civil_day_from_date((struct civil_date){year, month, 1});
            int64_t before = civil_day_start_us(first, CIVIL_OFFSET_SHANGHAI_MIN) - 1;
            int64_t end = civil_day_start_us(civil_day_from_date(next), CIVIL_OFFSET_SHANGHAI_MIN);
            int days = expected[year - 2025][month - 1];
            assert_int_equal(calendar_elapsed(cn, LIMIT_WORKING_DAYS, before, end - 1), days);
            assert_int_equal(calendar_elapsed(cn, LIMIT_WORKING_MINUTES, before, end),
                             days * INT64_C(7) * 3600 * 1000000);
        }
    }
}

static void test_starts_outside_of_hours(void **state)
{
    (void)state;
    /* Saturday, Sunday, in the night after Friday */
    assert_due(cn, "2026-03-07 11:00", 1, LIMIT_WORKING_DAYS, "2026-03-09 17:30");
    assert_due(cn, "2026-03-08 23:59", 1, LIMIT_WORKING_DAYS, "2026-03-09 17:30");
    assert_due(cn, "2026-03-06 22:00", 1, LIMIT_WORKING_DAYS, "2026-03-09 17:30");
    assert_due(cn, "2026-03-06 22:00", 240, LIMIT_WORKING_MINUTES, "2026-03-09 14:30");
    /* lunch, early morning */
    assert_due(cn, "2026-03-09 13:00", 60, LIMIT_WORKING_MINUTES, "2026-03-09 15:00");
    assert_due(cn, "2026-03-09 03:00", 60, LIMIT_WORKING_MINUTES, "2026-03-09 09:30");
    /* within the Spring Festival, and on its two make-up days, a Saturday each */
    assert_due(cn, "2026-02-18 10:00", 1, LIMIT_WORKING_DAYS, "2026-02-24 17:30");
    assert_due(cn, "2026-02-18 10:00", 30, LIMIT_WORKING_MINUTES, "2026-02-24 09:00");
    assert_due(cn, "2026-02-14 17:00", 60, LIMIT_WORKING_MINUTES, "2026-02-24 09:00");
    assert_due(cn, "2026-02-27 17:00", 60, LIMIT_WORKING_MINUTES, "2026-02-28 09:00");
    assert_due(cn, "2026-02-28 09:00", 1, LIMIT_WORKING_DAYS, "2026-03-02 17:30");
}

static void test_exact_ends(void **state)
{
    (void)state;
    /* what ends with an interval does not wait for the next one */
    assert_due(cn, "2026-03-09 09:30", 150, LIMIT_WORKING_MINUTES, "2026-03-09 12:00");
    assert_due(cn, "2026-03-09 09:30", 151, LIMIT_WORKING_MINUTES, "2026-03-09 14:01");
    assert_due(cn, "2026-03-09 14:00", 210, LIMIT_WORKING_MINUTES, "2026-03-09 17:30");
    assert_due(cn, "2026-03-13 14:00", 211, LIMIT_WORKING_MINUTES, "2026-03-16 08:31");
    /* a whole day of 420 minutes, from the end of a day to the end of the next */
    assert_due(cn, "2026-03-09 17:30", 420, LIMIT_WORKING_MINUTES, "2026-03-10 17:30");
    assert_due(cn, "2026-03-09 10:00:00.000001", 1, LIMIT_WORKING_MINUTES,
               "2026-03-09 10:01:00.000001");
    assert_due(cn, "2026-03-09 17:29:59.999999", 1, LIMIT_WORKING_MINUTES,
               "2026-03-10 08:30:59.999999");
}

static void test_real_time(void **state)
{
    (void)state;
    assert_due(cn, "2026-02-13 10:00", 1440, LIMIT_MINUTES, "2026-02-14 10:00");
    assert_due(cn, "2026-12-31 23:00", 120, LIMIT_MINUTES, "2027-01-01 01:00");
    assert_false(due(cn, "2026-12-31 23:00", 120, LIMIT_MINUTES).provisional);
    assert_due(cn, "2026-02-13 10:00", 0, LIMIT_MINUTES, "2026-02-13 10:00");
}

static void test_calendar_days(void **state)
{
    (void)state;
    assert_due(cn, "2026-02-13 10:00", 3, LIMIT_CALENDAR_DAYS, "2026-02-16 17:30"); /* holiday */
    assert_due(cn, "2026-02-12 23:00", 1, LIMIT_CALENDAR_DAYS, "2026-02-13 17:30");
    assert_due(cn, "2026-02-12 10:00", 0, LIMIT_CALENDAR_DAYS, "2026-02-12 17:30");
    assert_due(cn, "2026-02-12 18:00", 0, LIMIT_CALENDAR_DAYS, "2026-02-12 18:00");
}

static void test_no_days(void **state)
{
    (void)state;
    assert_due(cn, "2026-03-09 10:00", 0, LIMIT_WORKING_DAYS, "2026-03-09 17:30");
    assert_due(cn, "2026-03-09 17:30", 0, LIMIT_WORKING_DAYS, "2026-03-09 17:30");
    assert_due(cn, "2026-03-09 17:30:00.000001", 0, LIMIT_WORKING_DAYS,
               "2026-03-09 17:30:00.000001");
    assert_due(cn, "2026-03-09 20:00", 0, LIMIT_WORKING_DAYS, "2026-03-09 20:00");
    assert_due(cn, "2026-03-08 10:00", 0, LIMIT_WORKING_DAYS, "2026-03-08 10:00");
    assert_due(cn, "2026-03-08 10:00", 0, LIMIT_WORKING_MINUTES, "2026-03-08 10:00");
}

/* 2025 has 248 working days; the 152nd of 2026 is August 13th (120 up to June, 23 in July). */
static void test_limit_of_400_working_days(void **state)
{
    (void)state;
    assert_due(cn, "2024-12-31 10:00", 248, LIMIT_WORKING_DAYS, "2025-12-31 17:30");
    assert_due(cn, "2024-12-31 10:00", 400, LIMIT_WORKING_DAYS, "2026-08-13 17:30");
    assert_due(cn, "2024-12-31 17:30", INT64_C(400) * 420, LIMIT_WORKING_MINUTES,
               "2026-08-13 17:30");
}

static void test_half_day(void **state)
{
    (void)state;
    static struct calendar_fixture fixture;
    assert_true(fixture_load(&fixture, FIXTURE_CN_DAYS));
    fixture_day(&fixture, "2026-02-13", CALENDAR_DAY_CUSTOM, "08:30-12:00");
    struct calendar *half = fixture_build(&fixture);
    assert_due(half, "2026-02-12 10:00", 1, LIMIT_WORKING_DAYS, "2026-02-13 12:00");
    assert_due(half, "2026-02-12 10:00", 2, LIMIT_WORKING_DAYS, "2026-02-14 17:30");
    assert_due(half, "2026-02-12 10:00", 1, LIMIT_CALENDAR_DAYS, "2026-02-13 12:00");
    assert_due(half, "2026-02-13 10:00", 240, LIMIT_WORKING_MINUTES, "2026-02-14 10:30");
    assert_due(half, "2026-02-13 13:00", 0, LIMIT_WORKING_DAYS, "2026-02-13 13:00");
    assert_int_equal(
        calendar_elapsed(half, LIMIT_WORKING_DAYS, at("2026-02-12 10:00"), at("2026-02-13 12:00")),
        1);
    assert_int_equal(calendar_elapsed(half, LIMIT_WORKING_DAYS, at("2026-02-12 10:00"),
                                      at("2026-02-13 11:59:59.999999")),
                     0);
    assert_false(calendar_is_open(half, at("2026-02-13 15:00")));
    calendar_free(&half);
}

static void test_split_shift(void **state)
{
    (void)state;
    static struct calendar_fixture fixture;
    fixture_office(&fixture);
    for (int i = 0; i < 7; i++)
        fixture.spec.week[i] = fixture_hours("00:00-02:00 06:00-10:00 16:00-20:00 22:00-24:00");
    struct calendar *split = fixture_build(&fixture);
    assert_due(split, "2026-03-09 08:00", 120, LIMIT_WORKING_MINUTES, "2026-03-09 10:00");
    assert_due(split, "2026-03-09 08:00", 300, LIMIT_WORKING_MINUTES, "2026-03-09 19:00");
    assert_due(split, "2026-03-09 23:00", 90, LIMIT_WORKING_MINUTES, "2026-03-10 00:30");
    assert_due(split, "2026-03-09 23:00", 60, LIMIT_WORKING_MINUTES, "2026-03-10 00:00");
    assert_due(split, "2026-03-09 08:00", 1, LIMIT_WORKING_DAYS, "2026-03-11 00:00");
    assert_true(calendar_is_open(split, at("2026-03-09 23:59:59.999999")));
    assert_false(calendar_is_open(split, at("2026-03-09 20:00")));
    calendar_free(&split);
}

static void test_close_at_midnight(void **state)
{
    (void)state;
    static struct calendar_fixture fixture;
    assert_true(fixture_load(&fixture, FIXTURE_CN_DAYS));
    fixture.spec.day_close_min = 1440;
    struct calendar *midnight = fixture_build(&fixture);
    assert_due(midnight, "2026-02-13 10:00", 1, LIMIT_WORKING_DAYS, "2026-02-15 00:00");
    assert_due(midnight, "2026-03-09 20:00", 0, LIMIT_WORKING_DAYS, "2026-03-10 00:00");
    struct deadline last = due(midnight, "2026-12-30 10:00", 1, LIMIT_WORKING_DAYS);
    assert_instant(last.due_us, "2027-01-01 00:00");
    assert_false(last.provisional); /* that is the end of 2026 */
    /* a pause of one working day moves the deadline from close to close */
    assert_instant(calendar_shift(midnight, LIMIT_WORKING_DAYS, at("2026-03-10 00:00"),
                                  420 * INT64_C(60000000)),
                   "2026-03-11 00:00");
    assert_instant(calendar_shift(midnight, LIMIT_WORKING_MINUTES, at("2026-03-10 00:00"),
                                  420 * INT64_C(60000000)),
                   "2026-03-10 17:30");
    calendar_free(&midnight);
}

static void test_provisional(void **state)
{
    (void)state;
    assert_true(calendar_year_published(cn, 2017) && calendar_year_published(cn, 2026));
    assert_false(calendar_year_published(cn, 2016) || calendar_year_published(cn, 2027) ||
                 calendar_year_published(cn, 1969) || calendar_year_published(cn, 2200));

    struct deadline deadline = due(cn, "2026-12-31 10:00", 1, LIMIT_WORKING_DAYS);
    assert_instant(deadline.due_us, "2027-01-01 17:30"); /* as nobody has said otherwise */
    assert_true(deadline.provisional);
    assert_false(due(cn, "2026-12-30 10:00", 1, LIMIT_WORKING_DAYS).provisional);
    assert_false(due(cn, "2026-12-31 10:00", 330, LIMIT_WORKING_MINUTES).provisional);
    assert_true(due(cn, "2026-12-31 10:00", 331, LIMIT_WORKING_MINUTES).provisional);
    assert_true(due(cn, "2016-12-30 10:00", 1, LIMIT_WORKING_DAYS).provisional);
    assert_true(due(cn, "2016-06-01 10:00", 600, LIMIT_WORKING_DAYS).provisional);
    assert_false(due(cn, "2026-12-31 10:00", 5, LIMIT_CALENDAR_DAYS).provisional);
}

/* A gap in the published years counts although both ends are published. */
static void test_provisional_gap(void **state)
{
    (void)state;
    static struct calendar_fixture fixture;
    fixture_office(&fixture);
    fixture.years[0] = 2024;
    fixture.years[1] = 2026;
    fixture.spec.published_count = 2;
    struct calendar *gap = fixture_build(&fixture);
    assert_true(due(gap, "2024-12-31 10:00", 270, LIMIT_WORKING_DAYS).provisional);
    assert_false(due(gap, "2024-01-05 10:00", 200, LIMIT_WORKING_DAYS).provisional);
    assert_true(due(gap, "2025-03-03 10:00", 1, LIMIT_WORKING_DAYS).provisional);
    calendar_free(&gap);
}

static void test_end_of_the_table(void **state)
{
    (void)state;
    for (int unit = 0; unit < LIMIT_UNIT_COUNT; unit++) {
        struct limit limit = {.amount = CALENDAR_MAX_LIMIT, .unit = (enum limit_unit)unit};
        struct deadline deadline = calendar_due(cn, at("2199-12-20 10:00"), limit);
        assert_int_equal(deadline.due_us, CIVIL_MAX_US);
        assert_true(deadline.provisional);
        limit.amount = INT64_MAX;
        assert_int_equal(calendar_due(cn, at("2026-02-13 10:00"), limit).due_us, CIVIL_MAX_US);
        /* both edges of the accepted instants */
        limit.amount = 1;
        assert_true(calendar_due(cn, CIVIL_MIN_US, limit).due_us > CIVIL_MIN_US);
        assert_int_equal(calendar_due(cn, CIVIL_MAX_US, limit).due_us, CIVIL_MAX_US);
        assert_int_equal(calendar_shift(cn, limit.unit, CIVIL_MAX_US - 5, INT64_MAX / 2),
                         CIVIL_MAX_US);
        assert_int_equal(calendar_shift(cn, limit.unit, CIVIL_MIN_US + 5, -(INT64_MAX / 2)),
                         CIVIL_MIN_US);
    }
    assert_false(calendar_is_open(cn, CIVIL_MAX_US));
    assert_false(calendar_is_working_day(cn, -1));
    assert_false(calendar_is_working_day(cn, day_of("2199-12-31") + 1));
}

static void test_open_is_half_open(void **state)
{
    (void)state;
    assert_false(calendar_is_open(cn, at("2026-03-09 08:29:59.999999")));
    assert_true(calendar_is_open(cn, at("2026-03-09 08:30")));
    assert_true(calendar_is_open(cn, at("2026-03-09 11:59:59.999999")));
    assert_false(calendar_is_open(cn, at("2026-03-09 12:00")));
    assert_true(calendar_is_open(cn, at("2026-02-14 10:00")));
    assert_false(calendar_is_open(cn, at("2026-02-16 10:00")));
    assert_true(calendar_is_working_day(cn, day_of("2026-02-28")));
    assert_false(calendar_is_working_day(cn, day_of("2026-03-01")));
    assert_int_equal(calendar_offset_min(cn), 480);
}

static void test_elapsed(void **state)
{
    const int64_t hour = INT64_C(3600000000);
    (void)state;
    int64_t friday = at("2026-03-06 16:30"), monday = at("2026-03-09 09:30");
    assert_int_equal(calendar_elapsed(cn, LIMIT_WORKING_MINUTES, friday, monday), 2 * hour);
    assert_int_equal(calendar_elapsed(cn, LIMIT_WORKING_MINUTES, monday, friday), -2 * hour);
    assert_int_equal(calendar_elapsed(cn, LIMIT_MINUTES, friday, monday), 65 * hour);
    /* a microsecond on either side of an opening */
    int64_t opening = at("2026-03-09 08:30");
    assert_int_equal(calendar_elapsed(cn, LIMIT_WORKING_MINUTES, friday, opening - 1), hour);
    assert_int_equal(calendar_elapsed(cn, LIMIT_WORKING_MINUTES, friday, opening + 1), hour + 1);
    assert_int_equal(calendar_elapsed(cn, LIMIT_CALENDAR_DAYS, friday, monday), 2);
    assert_int_equal(calendar_elapsed(cn, LIMIT_WORKING_DAYS, friday, monday), 0);
    assert_int_equal(calendar_elapsed(cn, LIMIT_WORKING_DAYS, friday, at("2026-03-09 17:30")), 1);
    assert_int_equal(calendar_elapsed(cn, LIMIT_WORKING_DAYS, at("2026-03-09 17:30"), friday), -1);
}

static void test_fraction(void **state)
{
    (void)state;
    /* 1 working day from Friday 16:30: one hour on Friday and seven on Monday */
    int64_t start = at("2026-03-06 16:30"), end = at("2026-03-09 17:30");
    assert_instant(calendar_fraction(cn, start, end, LIMIT_WORKING_DAYS, 75), "2026-03-09 15:30");
    assert_instant(calendar_fraction(cn, start, end, LIMIT_WORKING_MINUTES, 50),
                   "2026-03-09 11:30");
    assert_int_equal(calendar_fraction(cn, start, end, LIMIT_WORKING_DAYS, 0), start);
    assert_int_equal(calendar_fraction(cn, start, end, LIMIT_WORKING_DAYS, 100), end);
    assert_instant(
        calendar_fraction(cn, at("2026-03-09 10:00"), at("2026-03-10 10:00"), LIMIT_MINUTES, 75),
        "2026-03-10 04:00");
    /* less than a microsecond of working time: not yet begun, and never before the start */
    assert_instant(calendar_fraction(cn, at("2026-03-09 08:29"), at("2026-03-09 08:30:00.000050"),
                                     LIMIT_WORKING_MINUTES, 1),
                   "2026-03-09 08:29");
    /* no working time between them */
    assert_instant(calendar_fraction(cn, at("2026-03-07 10:00"), at("2026-03-07 14:00"),
                                     LIMIT_WORKING_MINUTES, 50),
                   "2026-03-07 12:00");
}

static void test_shift(void **state)
{
    const int64_t hour = INT64_C(3600000000);
    (void)state;
    int64_t friday = at("2026-03-06 16:30");
    assert_instant(calendar_shift(cn, LIMIT_WORKING_DAYS, friday, 2 * hour), "2026-03-09 09:30");
    assert_instant(calendar_shift(cn, LIMIT_WORKING_MINUTES, friday, hour), "2026-03-06 17:30");
    assert_instant(calendar_shift(cn, LIMIT_MINUTES, friday, 24 * hour), "2026-03-07 16:30");
    assert_instant(calendar_shift(cn, LIMIT_CALENDAR_DAYS, friday, -hour), "2026-03-06 15:30");
    assert_instant(calendar_shift(cn, LIMIT_WORKING_MINUTES, at("2026-03-09 09:30"), -2 * hour),
                   "2026-03-06 16:30");
    assert_instant(calendar_shift(cn, LIMIT_WORKING_MINUTES, at("2026-03-09 09:30"), -hour),
                   "2026-03-09 08:30");
    assert_int_equal(calendar_shift(cn, LIMIT_WORKING_DAYS, friday, 0), friday);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_working_day_vectors),
        cmocka_unit_test(test_working_days_of_each_month),
        cmocka_unit_test(test_starts_outside_of_hours),
        cmocka_unit_test(test_exact_ends),
        cmocka_unit_test(test_real_time),
        cmocka_unit_test(test_calendar_days),
        cmocka_unit_test(test_no_days),
        cmocka_unit_test(test_limit_of_400_working_days),
        cmocka_unit_test(test_half_day),
        cmocka_unit_test(test_split_shift),
        cmocka_unit_test(test_close_at_midnight),
        cmocka_unit_test(test_provisional),
        cmocka_unit_test(test_provisional_gap),
        cmocka_unit_test(test_end_of_the_table),
        cmocka_unit_test(test_open_is_half_open),
        cmocka_unit_test(test_elapsed),
        cmocka_unit_test(test_fraction),
        cmocka_unit_test(test_shift),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
