/*
 * Questions to a calendar. Everything is a look-up in the prefix sums or a binary search over them.
 *
 * Two maps carry all of it: D(day), working days up to and with a day, and W(t), working
 * microseconds before an instant. Both are monotonic; due() and shift() invert them, elapsed()
 * subtracts.
 */
#include "hotline/calendar.h"

#include <stdlib.h>

#include "base/civil.h"
#include "hotline/calendar_table.h"

/* All of 1970..2199; a larger limit ends after the table whatever its start. */
#define ALL_MINUTES (CALENDAR_DAYS * INT64_C(1440))

static bool unit_is_working(enum limit_unit unit)
{
    return unit == LIMIT_WORKING_MINUTES || unit == LIMIT_WORKING_DAYS;
}

static int32_t local_day(const struct calendar *calendar, int64_t instant_us)
{
    return civil_local_day(instant_us, calendar->offset_min);
}

static int32_t clamp_index(int64_t index, int32_t max)
{
    if (index < 0)
        return 0;
    return index > max ? max : (int32_t)index;
}

static int compare_day(const void *key, const void *item)
{
    const int32_t day = *(const int32_t *)key;
    const struct calendar_override *override = item;
    return (day > override->day) - (day < override->day);
}

const struct calendar_override *calendar_override_of(const struct calendar *calendar, int32_t day)
{
    return bsearch(&day, calendar->overrides, calendar->override_count,
                   sizeof(calendar->overrides[0]), compare_day);
}

/* Of a day in the table. */
static const struct calendar_hours *hours_of(const struct calendar *calendar, int32_t day)
{
    uint8_t pattern = calendar->pattern_of[day];
    if (pattern != CALENDAR_PATTERN_CUSTOM)
        return &calendar->patterns[pattern];
    return &calendar_override_of(calendar, day)->hours;
}

int64_t calendar_days_through(const struct calendar *calendar, int32_t day)
{
    return calendar->days_before[clamp_index((int64_t)day + 1, CALENDAR_DAYS)];
}

int64_t calendar_working_us(const struct calendar *calendar, int64_t instant_us)
{
    int32_t day = local_day(calendar, instant_us);
    if (day < 0)
        return 0;
    if (day >= CALENDAR_DAYS)
        return calendar->us_before[CALENDAR_DAYS];
    const struct calendar_hours *hours = hours_of(calendar, day);
    const int64_t time_us = civil_local_time_us(instant_us, calendar->offset_min);
    int64_t sum = calendar->us_before[day];
    for (int i = 0; i < hours->count; i++) {
        int64_t from_us = hours->open[i].from_min * CALENDAR_MINUTE_US;
        int64_t to_us = hours->open[i].to_min * CALENDAR_MINUTE_US;
        if (time_us <= from_us)
            break;
        sum += (time_us < to_us ? time_us : to_us) - from_us;
    }
    return sum;
}

/* The first day at whose end D >= target (target > 0); -1 if the table ends before. */
static int32_t day_reaching(const struct calendar *calendar, int64_t target)
{
    int32_t low = 0, high = CALENDAR_DAYS;
    if (calendar->days_before[CALENDAR_DAYS] < target)
        return -1;
    while (high - low > 1) { /* days_before[low] < target <= days_before[high] */
        int32_t middle = low + (high - low) / 2;
        if (calendar->days_before[middle] < target)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/*
 * Inverts W. Where W rests (nights, weekends) `at_opening` takes the end of the rest, otherwise its
 * beginning. False if the table ends before; target > 0, or >= 0 with at_opening.
 */
static bool instant_of_working_us(const struct calendar *calendar, int64_t target, bool at_opening,
                                  int64_t *instant_r)
{
    const int64_t reach = target + at_opening;
    int32_t low = 0, high = CALENDAR_DAYS;
    if (calendar->us_before[CALENDAR_DAYS] < reach)
        return false;
    while (high - low > 1) { /* us_before[low] < reach <= us_before[high] */
        int32_t middle = low + (high - low) / 2;
        if (calendar->us_before[middle] < reach)
            low = middle;
        else
            high = middle;
    }
    const struct calendar_hours *hours = hours_of(calendar, low);
    int64_t rest = target - calendar->us_before[low];
    int i = 0;
    for (; i < hours->count - 1; i++) {
        int64_t length = (hours->open[i].to_min - hours->open[i].from_min) * CALENDAR_MINUTE_US;
        if (rest + at_opening <= length)
            break;
        rest -= length;
    }
    *instant_r = civil_day_start_us(low, calendar->offset_min) +
                 hours->open[i].from_min * CALENDAR_MINUTE_US + rest;
    return true;
}

/* Of any day; those beyond the table are closed ones. */
static int64_t close_us(const struct calendar *calendar, int32_t day)
{
    int32_t close_min = calendar->day_close_min;
    if (close_min < 0) {
        close_min = calendar->closed_day_close_min;
        if (calendar_is_working_day(calendar, day)) {
            const struct calendar_hours *hours = hours_of(calendar, day);
            close_min = hours->open[hours->count - 1].to_min;
        }
    }
    return civil_day_start_us(day, calendar->offset_min) + close_min * CALENDAR_MINUTE_US;
}

/* Each returns false if the limit runs beyond the table. */
typedef bool (*due_fn)(const struct calendar *calendar, int64_t start_us, int64_t amount,
                       int64_t *due_r);

static bool due_minutes(const struct calendar *calendar, int64_t start_us, int64_t amount,
                        int64_t *due_r)
{
    (void)calendar;
    *due_r = start_us + amount * CALENDAR_MINUTE_US;
    return true;
}

static bool due_working_minutes(const struct calendar *calendar, int64_t start_us, int64_t amount,
                                int64_t *due_r)
{
    *due_r = start_us;
    if (amount == 0)
        return true;
    int64_t target = calendar_working_us(calendar, start_us) + amount * CALENDAR_MINUTE_US;
    return instant_of_working_us(calendar, target, false, due_r);
}

static bool due_working_days(const struct calendar *calendar, int64_t start_us, int64_t amount,
                             int64_t *due_r)
{
    int32_t day = local_day(calendar, start_us);
    if (amount == 0) {
        int64_t close = close_us(calendar, day);
        bool today = calendar_is_working_day(calendar, day) && start_us < close;
        *due_r = today ? close : start_us;
        return true;
    }
    int32_t last = day_reaching(calendar, calendar_days_through(calendar, day) + amount);
    if (last < 0)
        return false;
    *due_r = close_us(calendar, last);
    return true;
}

static bool due_calendar_days(const struct calendar *calendar, int64_t start_us, int64_t amount,
                              int64_t *due_r)
{
    int64_t last = local_day(calendar, start_us) + amount;
    if (last >= CALENDAR_DAYS)
        return false;
    int64_t close = close_us(calendar, (int32_t)last);
    *due_r = close > start_us ? close : start_us; /* only amount 0 after the close */
    return true;
}

static const due_fn due_fns[LIMIT_UNIT_COUNT] = {
    [LIMIT_MINUTES] = due_minutes,
    [LIMIT_WORKING_MINUTES] = due_working_minutes,
    [LIMIT_WORKING_DAYS] = due_working_days,
    [LIMIT_CALENDAR_DAYS] = due_calendar_days,
};

static bool touches_unpublished(const struct calendar *calendar, int64_t from_us, int64_t to_us)
{
    int32_t first = local_day(calendar, from_us);
    /* A deadline at midnight is the end of its day, not the beginning of the next. */
    int32_t last = to_us > from_us ? local_day(calendar, to_us - 1) : first;
    if (first < 0 || last >= CALENDAR_DAYS)
        return true;
    int from = civil_date_from_day(first).year - CALENDAR_FIRST_YEAR;
    int to = civil_date_from_day(last).year - CALENDAR_FIRST_YEAR;
    return calendar->unpublished_before[to + 1] > calendar->unpublished_before[from];
}

struct deadline calendar_due(const struct calendar *calendar, int64_t start_us, struct limit limit)
{
    INVARIANT(limit.amount >= 0 && limit.unit < LIMIT_UNIT_COUNT);
    struct deadline deadline = {.due_us = start_us};
    bool reached = limit.amount <= ALL_MINUTES &&
                   due_fns[limit.unit](calendar, start_us, limit.amount, &deadline.due_us) &&
                   deadline.due_us <= CIVIL_MAX_US;
    if (!reached) {
        deadline.due_us = start_us > CIVIL_MAX_US ? start_us : CIVIL_MAX_US;
        deadline.provisional = true;
    } else if (unit_is_working(limit.unit)) {
        deadline.provisional = touches_unpublished(calendar, start_us, deadline.due_us);
    }
    return deadline;
}

int64_t calendar_fraction(const struct calendar *calendar, int64_t start_us, int64_t due_us,
                          enum limit_unit unit, int percent)
{
    INVARIANT(percent >= 0 && percent <= 100 && start_us <= due_us);
    if (percent == 0)
        return start_us;
    if (percent == 100)
        return due_us;
    if (unit_is_working(unit)) {
        int64_t from = calendar_working_us(calendar, start_us);
        int64_t span = calendar_working_us(calendar, due_us) - from;
        int64_t part = span * percent / 100;
        int64_t instant;
        if (span > 0 && part == 0)
            return start_us;
        if (span > 0 && instant_of_working_us(calendar, from + part, false, &instant))
            return instant;
    }
    return start_us + (due_us - start_us) / 100 * percent +
           (due_us - start_us) % 100 * percent / 100;
}

/* The last day that has closed at the instant. */
static int32_t last_closed_day(const struct calendar *calendar, int64_t instant_us)
{
    int32_t day = local_day(calendar, instant_us);
    return instant_us >= close_us(calendar, day) ? day : day - 1;
}

static int64_t elapsed_days(const struct calendar *calendar, enum limit_unit unit, int64_t a_us,
                            int64_t b_us)
{
    int32_t first = local_day(calendar, a_us);
    int32_t last = last_closed_day(calendar, b_us);
    if (last <= first)
        return 0;
    if (unit == LIMIT_CALENDAR_DAYS)
        return last - first;
    return calendar_days_through(calendar, last) - calendar_days_through(calendar, first);
}

int64_t calendar_elapsed(const struct calendar *calendar, enum limit_unit unit, int64_t a_us,
                         int64_t b_us)
{
    if (b_us < a_us)
        return -calendar_elapsed(calendar, unit, b_us, a_us);
    if (unit == LIMIT_MINUTES)
        return b_us - a_us;
    if (unit == LIMIT_WORKING_MINUTES)
        return calendar_working_us(calendar, b_us) - calendar_working_us(calendar, a_us);
    return elapsed_days(calendar, unit, a_us, b_us);
}

/*
 * A deadline in working days stands at a close of day. Given whole days back it shall stand at one
 * again, also where the day closes later than its hours end; no working time lies between the two.
 */
static int64_t snap_to_close(const struct calendar *calendar, int64_t instant_us)
{
    int32_t day = local_day(calendar, instant_us - 1);
    int64_t close = close_us(calendar, day);
    bool day_worked_off = day >= 0 && day < CALENDAR_DAYS &&
                          calendar_working_us(calendar, instant_us) == calendar->us_before[day + 1];
    return day_worked_off && close > instant_us ? close : instant_us;
}

int64_t calendar_shift(const struct calendar *calendar, enum limit_unit unit, int64_t instant_us,
                       int64_t us)
{
    if (us == 0)
        return instant_us;
    if (!unit_is_working(unit)) {
        int64_t room = (us > 0 ? CIVIL_MAX_US : CIVIL_MIN_US) - instant_us;
        return (us > 0 ? us < room : us > room) ? instant_us + us : instant_us + room;
    }
    int64_t before = calendar_working_us(calendar, instant_us);
    int64_t result;
    if (us > 0) {
        int64_t room = calendar->us_before[CALENDAR_DAYS] - before;
        if (us > room || !instant_of_working_us(calendar, before + us, false, &result))
            return CIVIL_MAX_US;
        return unit == LIMIT_WORKING_DAYS ? snap_to_close(calendar, result) : result;
    }
    if (us < -before || !instant_of_working_us(calendar, before + us, true, &result))
        return CIVIL_MIN_US;
    return result;
}

bool calendar_is_open(const struct calendar *calendar, int64_t instant_us)
{
    int32_t day = local_day(calendar, instant_us);
    if (!calendar_is_working_day(calendar, day))
        return false;
    const struct calendar_hours *hours = hours_of(calendar, day);
    int64_t minute = civil_local_time_us(instant_us, calendar->offset_min) / CALENDAR_MINUTE_US;
    for (int i = 0; i < hours->count; i++)
        if (minute >= hours->open[i].from_min && minute < hours->open[i].to_min)
            return true;
    return false;
}

bool calendar_is_working_day(const struct calendar *calendar, int32_t day)
{
    return day >= 0 && day < CALENDAR_DAYS &&
           calendar->days_before[day + 1] > calendar->days_before[day];
}

bool calendar_year_published(const struct calendar *calendar, int year)
{
    return year >= CALENDAR_FIRST_YEAR && year < CALENDAR_FIRST_YEAR + CALENDAR_YEARS &&
           calendar->published[year - CALENDAR_FIRST_YEAR];
}

int calendar_offset_min(const struct calendar *calendar)
{
    return calendar->offset_min;
}
