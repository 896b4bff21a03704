/*
 * Laws of the calendar on random inputs, and a reference that walks day by day as DOMAIN 4 words
 * it. HOTLINE_TEST_SEED chooses other inputs; the seed is printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "unit/hotline/calendar_fixture.h"

#define CASES 4000
#define MINUTE_US INT64_C(60000000)
#define DAY_US (1440 * MINUTE_US)
#define VARIANTS 4

/* A calendar and what it was made of, for the reference. */
struct variant {
    struct calendar_fixture fixture;
    struct calendar *calendar;
};
static struct variant variants[VARIANTS];
static uint64_t seed = 20260213;

static void odd_days(struct calendar_fixture *fixture, uint64_t *state)
{
    static const char *const hours[] = {"00:00-24:00", "08:30-12:00", "00:01-00:02 23:59-24:00",
                                        "06:00-10:00 16:00-20:00 22:00-24:00"};
    int32_t day = day_of("2016-01-01");
    while (day < day_of("2028-12-31")) {
        char date[CIVIL_DATE_SIZE];
        civil_format_date(day, date);
        int64_t kind = random_between(state, 0, 5);
        if (kind < 4)
            fixture_day(fixture, date, CALENDAR_DAY_CUSTOM, hours[kind]);
        else
            fixture_day(fixture, date, kind == 4 ? CALENDAR_DAY_OFF : CALENDAR_DAY_WORK, NULL);
        day += (int32_t)random_between(state, 1, 12);
    }
}

static int set_up(void **state)
{
    (void)state;
    const char *text = getenv("HOTLINE_TEST_SEED");
    if (text)
        seed = strtoull(text, NULL, 10);
    print_message("seed %llu\n", (unsigned long long)seed);

    uint64_t random = seed;
    for (int i = 0; i < 2; i++)
        if (!fixture_load(&variants[i].fixture, FIXTURE_CN_DAYS))
            return -1;
    variants[1].fixture.spec.day_close_min = 1440;
    /* round the clock on weekdays, three shifts on Saturdays, west of Greenwich */
    fixture_office(&variants[2].fixture);
    for (int i = 0; i < 5; i++)
        variants[2].fixture.spec.week[i] = fixture_hours("00:00-24:00");
    variants[2].fixture.spec.week[5] = fixture_hours("00:00-02:00 10:00-10:01 23:00-24:00");
    variants[2].fixture.spec.offset_min = -300;
    odd_days(&variants[2].fixture, &random);
    /* open for two minutes on Wednesdays only; a close in the middle of the night */
    fixture_office(&variants[3].fixture);
    for (int i = 0; i < 5; i++)
        variants[3].fixture.spec.week[i].count = 0;
    variants[3].fixture.spec.week[2] = fixture_hours("09:00-09:01 11:00-11:01");
    variants[3].fixture.spec.day_close_min = 1320;
    odd_days(&variants[3].fixture, &random);
    for (int i = 0; i < VARIANTS; i++)
        variants[i].calendar = fixture_build(&variants[i].fixture);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < VARIANTS; i++)
        calendar_free(&variants[i].calendar);
    return 0;
}

/* Any microsecond of 2016..2028; one in three is on a whole half hour, where the edges are. */
static int64_t random_instant(uint64_t *state)
{
    int64_t instant = random_between(state, at("2016-01-02 00:00"), at("2028-06-30 00:00"));
    if (random_between(state, 0, 2) == 0)
        instant -= instant % (30 * MINUTE_US);
    return instant;
}

static const struct variant *random_variant(uint64_t *state)
{
    return &variants[random_between(state, 0, VARIANTS - 1)];
}

/* ---- the reference ---- */

static const struct calendar_hours *naive_hours(const struct calendar_spec *spec, int32_t day)
{
    static const struct calendar_hours closed;
    for (size_t i = 0; i < spec->day_count; i++) {
        if (spec->days[i].day != day)
            continue;
        if (spec->days[i].kind == CALENDAR_DAY_CUSTOM)
            return &spec->days[i].hours;
        return spec->days[i].kind == CALENDAR_DAY_WORK ? &spec->work : &closed;
    }
    return &spec->week[(day + 3) % 7]; /* 1970-01-01 was a Thursday */
}

static int32_t naive_day(const struct calendar_spec *spec, int64_t instant_us)
{
    return (int32_t)((instant_us + spec->offset_min * MINUTE_US) / DAY_US);
}

static int64_t naive_midnight(const struct calendar_spec *spec, int32_t day)
{
    return day * DAY_US - spec->offset_min * MINUTE_US;
}

static int64_t naive_close(const struct calendar_spec *spec, int32_t day)
{
    const struct calendar_hours *hours = naive_hours(spec, day);
    int32_t minute = spec->day_close_min;
    if (minute < 0 && hours->count > 0)
        minute = hours->open[hours->count - 1].to_min;
    if (minute < 0)
        minute = spec->work.open[spec->work.count - 1].to_min;
    return naive_midnight(spec, day) + minute * MINUTE_US;
}

static int64_t naive_due_days(const struct calendar_spec *spec, int64_t start_us, int64_t amount)
{
    int32_t day = naive_day(spec, start_us);
    while (amount > 0) {
        day++;
        if (naive_hours(spec, day)->count > 0)
            amount--;
    }
    return naive_close(spec, day);
}

static int64_t naive_due_minutes(const struct calendar_spec *spec, int64_t start_us, int64_t us)
{
    for (int32_t day = naive_day(spec, start_us);; day++) {
        const struct calendar_hours *hours = naive_hours(spec, day);
        for (int i = 0; i < hours->count; i++) {
            int64_t from = naive_midnight(spec, day) + hours->open[i].from_min * MINUTE_US;
            int64_t to = naive_midnight(spec, day) + hours->open[i].to_min * MINUTE_US;
            if (from < start_us)
                from = start_us;
            if (to <= from)
                continue;
            if (us <= to - from)
                return from + us;
            us -= to - from;
        }
    }
}

static int64_t naive_working_us(const struct calendar_spec *spec, int64_t a_us, int64_t b_us)
{
    int64_t sum = 0;
    for (int32_t day = naive_day(spec, a_us); day <= naive_day(spec, b_us); day++) {
        const struct calendar_hours *hours = naive_hours(spec, day);
        for (int i = 0; i < hours->count; i++) {
            int64_t from = naive_midnight(spec, day) + hours->open[i].from_min * MINUTE_US;
            int64_t to = naive_midnight(spec, day) + hours->open[i].to_min * MINUTE_US;
            from = from > a_us ? from : a_us;
            to = to < b_us ? to : b_us;
            sum += to > from ? to - from : 0;
        }
    }
    return sum;
}

static int64_t naive_elapsed_days(const struct calendar_spec *spec, int64_t a_us, int64_t b_us,
                                  bool working)
{
    int64_t count = 0;
    for (int32_t day = naive_day(spec, a_us) + 1; day <= naive_day(spec, b_us); day++)
        if (naive_close(spec, day) <= b_us && (!working || naive_hours(spec, day)->count > 0))
            count++;
    return count;
}

/* ---- against the reference ---- */

static void test_due_as_the_reference(void **state)
{
    uint64_t random = seed + 1;
    (void)state;
    for (int i = 0; i < CASES; i++) {
        const struct variant *v = random_variant(&random);
        int64_t start = random_instant(&random), days = random_between(&random, 1, 40),
                minutes = random_between(&random, 1, 6000);
        if (v == &variants[3])
            minutes = minutes % 30 + 1; /* two minutes a week */
        struct limit limit = {days, LIMIT_WORKING_DAYS};
        assert_int_equal(calendar_due(v->calendar, start, limit).due_us,
                         naive_due_days(&v->fixture.spec, start, days));
        limit = (struct limit){minutes, LIMIT_WORKING_MINUTES};
        assert_int_equal(calendar_due(v->calendar, start, limit).due_us,
                         naive_due_minutes(&v->fixture.spec, start, minutes * MINUTE_US));
        limit = (struct limit){days, LIMIT_CALENDAR_DAYS};
        int32_t last = naive_day(&v->fixture.spec, start) + (int32_t)days;
        assert_int_equal(calendar_due(v->calendar, start, limit).due_us,
                         naive_close(&v->fixture.spec, last));
    }
}

static void test_elapsed_as_the_reference(void **state)
{
    uint64_t random = seed + 2;
    (void)state;
    for (int i = 0; i < CASES; i++) {
        const struct variant *v = random_variant(&random);
        int64_t a = random_instant(&random), b = a + random_between(&random, 0, 40 * DAY_US);
        if (i % 3 == 0)
            b -= b % (30 * MINUTE_US); /* on a close; may come before a */
        bool swapped = b < a;
        int64_t low = swapped ? b : a, high = swapped ? a : b, sign = swapped ? -1 : 1;
        const struct calendar_spec *spec = &v->fixture.spec;
        assert_int_equal(calendar_elapsed(v->calendar, LIMIT_WORKING_MINUTES, a, b),
                         sign * naive_working_us(spec, low, high));
        assert_int_equal(calendar_elapsed(v->calendar, LIMIT_WORKING_DAYS, a, b),
                         sign * naive_elapsed_days(spec, low, high, true));
        assert_int_equal(calendar_elapsed(v->calendar, LIMIT_CALENDAR_DAYS, a, b),
                         sign * naive_elapsed_days(spec, low, high, false));
        assert_int_equal(calendar_is_open(v->calendar, a), naive_working_us(spec, a, a + 1));
        assert_int_equal(calendar_is_working_day(v->calendar, naive_day(spec, a)),
                         naive_hours(spec, naive_day(spec, a))->count > 0);
    }
}

/* ---- laws ---- */

static const int64_t base_us[LIMIT_UNIT_COUNT] = {
    [LIMIT_MINUTES] = MINUTE_US,
    [LIMIT_WORKING_MINUTES] = MINUTE_US,
    [LIMIT_WORKING_DAYS] = 1,
    [LIMIT_CALENDAR_DAYS] = 1,
};

static void test_elapsed_inverts_due(void **state)
{
    uint64_t random = seed + 3;
    (void)state;
    for (int i = 0; i < CASES * 5; i++) {
        const struct calendar *calendar = random_variant(&random)->calendar;
        enum limit_unit unit = (enum limit_unit)random_between(&random, 0, LIMIT_UNIT_COUNT - 1);
        int64_t start = random_instant(&random), amount = random_between(&random, 0, 2000);
        int64_t due = calendar_due(calendar, start, (struct limit){amount, unit}).due_us;
        assert_true(due >= start);
        assert_int_equal(calendar_elapsed(calendar, unit, start, due), amount * base_us[unit]);
        if (amount > 0) /* a microsecond earlier it has not passed yet */
            assert_true(calendar_elapsed(calendar, unit, start, due - 1) < amount * base_us[unit]);
    }
}

static void test_due_is_monotonic(void **state)
{
    uint64_t random = seed + 4;
    (void)state;
    for (int i = 0; i < CASES * 5; i++) {
        const struct calendar *calendar = random_variant(&random)->calendar;
        enum limit_unit unit = (enum limit_unit)random_between(&random, 0, LIMIT_UNIT_COUNT - 1);
        int64_t start = random_instant(&random), amount = random_between(&random, 0, 500);
        int64_t later = start + random_between(&random, 0, 3 * DAY_US);
        struct limit limit = {amount, unit}, longer = {amount + 1, unit};
        int64_t due = calendar_due(calendar, start, limit).due_us;
        assert_true(calendar_due(calendar, start, longer).due_us > due);
        if (amount > 0) /* 0 days: after the close of its own day the start itself */
            assert_true(calendar_due(calendar, later, limit).due_us >= due);
    }
}

static void test_elapsed_is_additive(void **state)
{
    uint64_t random = seed + 5;
    (void)state;
    for (int i = 0; i < CASES * 5; i++) {
        const struct calendar *calendar = random_variant(&random)->calendar;
        enum limit_unit unit = i % 2 ? LIMIT_MINUTES : LIMIT_WORKING_MINUTES;
        int64_t a = random_instant(&random), b = random_instant(&random),
                c = random_instant(&random);
        assert_int_equal(calendar_elapsed(calendar, unit, a, b) +
                             calendar_elapsed(calendar, unit, b, c),
                         calendar_elapsed(calendar, unit, a, c));
    }
}

static void test_fraction_is_between(void **state)
{
    uint64_t random = seed + 6;
    (void)state;
    for (int i = 0; i < CASES * 5; i++) {
        const struct calendar *calendar = random_variant(&random)->calendar;
        enum limit_unit unit = (enum limit_unit)random_between(&random, 0, LIMIT_UNIT_COUNT - 1);
        int64_t start = random_instant(&random), amount = random_between(&random, 0, 50);
        int64_t due = calendar_due(calendar, start, (struct limit){amount, unit}).due_us;
        int percent = (int)random_between(&random, 0, 99);
        int64_t part = calendar_fraction(calendar, start, due, unit, percent);
        assert_true(start <= part && part <= due);
        assert_true(part <= calendar_fraction(calendar, start, due, unit, percent + 1));
        assert_int_equal(calendar_fraction(calendar, start, due, unit, 100), due);
        if (unit == LIMIT_MINUTES || unit == LIMIT_CALENDAR_DAYS) {
            assert_int_equal(part - start, (due - start) * percent / 100);
            continue;
        }
        int64_t span = calendar_elapsed(calendar, LIMIT_WORKING_MINUTES, start, due);
        assert_int_equal(calendar_elapsed(calendar, LIMIT_WORKING_MINUTES, start, part),
                         span * percent / 100);
    }
}

static void test_shift_gives_back_exactly(void **state)
{
    uint64_t random = seed + 7;
    (void)state;
    for (int i = 0; i < CASES * 5; i++) {
        const struct calendar *calendar = random_variant(&random)->calendar;
        enum limit_unit unit = (enum limit_unit)random_between(&random, 0, LIMIT_UNIT_COUNT - 1);
        bool working = unit == LIMIT_WORKING_MINUTES || unit == LIMIT_WORKING_DAYS;
        enum limit_unit time = working ? LIMIT_WORKING_MINUTES : LIMIT_MINUTES;
        int64_t start = random_instant(&random), us = random_between(&random, 1, DAY_US / 50);
        int64_t moved = calendar_shift(calendar, unit, start, us);
        assert_int_equal(calendar_elapsed(calendar, time, start, moved), us);
        int64_t back = calendar_shift(calendar, unit, moved, -us);
        assert_int_equal(calendar_elapsed(calendar, time, back, moved), us);
        if (!working || calendar_is_open(calendar, start))
            assert_int_equal(back, start);
        /* in two steps as in one */
        int64_t more = random_between(&random, 1, DAY_US / 50);
        assert_int_equal(calendar_shift(calendar, unit, moved, more),
                         calendar_shift(calendar, unit, start, us + more));
    }
}

/* ---- explanations ---- */

struct listing {
    int lines;
    int64_t sum, sum_us;
    struct calendar_line first, last;
};

static void take_line(void *ctx, const struct calendar_line *line)
{
    struct listing *listing = ctx;
    assert_true(line->day <= line->day_to);
    assert_int_equal(line->day < line->day_to, line->kind == CALENDAR_LINE_FOLDED);
    if (listing->lines == 0)
        listing->first = *line;
    else
        assert_int_equal(line->day, listing->last.day_to + 1); /* no day is missing */
    assert_true(line->total >= listing->last.total);
    listing->sum += line->total - listing->last.total;
    listing->sum_us += line->counted_us;
    listing->last = *line;
    listing->lines++;
}

static void test_explanation_adds_up(void **state)
{
    uint64_t random = seed + 8;
    (void)state;
    for (int i = 0; i < CASES; i++) {
        const struct variant *v = random_variant(&random);
        enum limit_unit unit = (enum limit_unit)random_between(&random, 0, LIMIT_UNIT_COUNT - 1);
        bool in_days = unit == LIMIT_WORKING_DAYS || unit == LIMIT_CALENDAR_DAYS;
        struct limit limit = {random_between(&random, 0, 60), unit};
        int64_t start = random_instant(&random);
        int64_t due = calendar_due(v->calendar, start, limit).due_us;
        size_t max_lines = (size_t)random_between(&random, 0, 40);
        struct listing listing = {0};
        calendar_explain(v->calendar, start, limit, max_lines, take_line, &listing);

        assert_true(listing.lines >= 1);
        assert_true(listing.lines <= 3 || (size_t)listing.lines <= max_lines);
        assert_int_equal(listing.first.kind, CALENDAR_LINE_START);
        assert_int_equal(listing.first.day, naive_day(&v->fixture.spec, start));
        assert_int_equal(listing.last.day_to,
                         naive_day(&v->fixture.spec, due > start ? due - 1 : due));
        assert_int_equal(listing.last.total, limit.amount * base_us[unit]);
        assert_int_equal(in_days ? listing.sum : listing.sum_us, listing.last.total);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_due_as_the_reference),
        cmocka_unit_test(test_elapsed_as_the_reference),
        cmocka_unit_test(test_elapsed_inverts_due),
        cmocka_unit_test(test_due_is_monotonic),
        cmocka_unit_test(test_elapsed_is_additive),
        cmocka_unit_test(test_fraction_is_between),
        cmocka_unit_test(test_shift_gives_back_exactly),
        cmocka_unit_test(test_explanation_adds_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
