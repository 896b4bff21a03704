/*
 * Builds a calendar: checks what a city wrote, then sums it up over all days once.
 */
#include "hotline/calendar.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/civil.h"
#include "hotline/calendar_table.h"

#define MINUTES_PER_DAY 1440
#define MAX_OFFSET_MIN (14 * 60)

static const char *const weekday_names[7] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                             "Friday", "Saturday", "Sunday"};

static const char *spec_name(const struct calendar_spec *spec)
{
    return spec->name ? spec->name : "(unnamed)";
}

/* `where` is the weekday or date to blame. */
static char *hours_error(const struct calendar_spec *spec, const char *where,
                         const struct calendar_hours *hours)
{
    if (hours->count < 0 || hours->count > CALENDAR_MAX_INTERVALS)
        return xasprintf("calendar %s: %s: %d intervals, at most %d are possible", spec_name(spec),
                         where, hours->count, CALENDAR_MAX_INTERVALS);
    int32_t last = -1;
    for (int i = 0; i < hours->count; i++) {
        const struct calendar_interval *open = &hours->open[i];
        if (open->from_min < 0 || open->from_min >= open->to_min || open->to_min > MINUTES_PER_DAY)
            return xasprintf(
                "calendar %s: %s: interval %d (minutes %d to %d) is not within the day",
                spec_name(spec), where, i + 1, open->from_min, open->to_min);
        if (open->from_min <= last)
            return xasprintf(
                "calendar %s: %s: interval %d (from minute %d) touches or precedes the "
                "one before it",
                spec_name(spec), where, i + 1, open->from_min);
        last = open->to_min;
    }
    return NULL;
}

static char *week_error(const struct calendar_spec *spec)
{
    int open = 0;
    for (int i = 0; i < 7; i++) {
        char *error = hours_error(spec, weekday_names[i], &spec->week[i]);
        if (error)
            return error;
        open += spec->week[i].count;
    }
    if (open == 0)
        return xasprintf("calendar %s: no weekday is ever open", spec_name(spec));
    return hours_error(spec, "hours of a make-up working day", &spec->work);
}

static char *day_error(const struct calendar_spec *spec, const struct calendar_day_spec *day)
{
    if (day->day < 0 || day->day >= CALENDAR_DAYS)
        return xasprintf("calendar %s: day number %d is outside of 1970..2199", spec_name(spec),
                         day->day);
    char date[CIVIL_DATE_SIZE];
    civil_format_date(day->day, date);
    if (day->kind == CALENDAR_DAY_CUSTOM) {
        if (day->hours.count == 0)
            return xasprintf("calendar %s: %s: a custom day needs hours; a closed one is off",
                             spec_name(spec), date);
        return hours_error(spec, date, &day->hours);
    }
    if (day->kind == CALENDAR_DAY_WORK && spec->work.count == 0)
        return xasprintf("calendar %s: %s: the hours of a make-up working day are not given",
                         spec_name(spec), date);
    if (day->kind != CALENDAR_DAY_WORK && day->kind != CALENDAR_DAY_OFF)
        return xasprintf("calendar %s: %s: unknown kind of day", spec_name(spec), date);
    return NULL;
}

static char *years_error(const struct calendar_spec *spec)
{
    int last = CALENDAR_FIRST_YEAR - 1;
    for (size_t i = 0; i < spec->published_count; i++) {
        int year = spec->published_years[i];
        if (year <= last || year >= CALENDAR_FIRST_YEAR + CALENDAR_YEARS)
            return xasprintf(
                "calendar %s: published year %d is out of order or outside of 1970..2199",
                spec_name(spec), year);
        last = year;
    }
    return NULL;
}

static char *spec_error(const struct calendar_spec *spec)
{
    if (spec->offset_min < -MAX_OFFSET_MIN || spec->offset_min > MAX_OFFSET_MIN)
        return xasprintf("calendar %s: UTC offset of %d minutes", spec_name(spec),
                         spec->offset_min);
    if (spec->day_close_min < -1 || spec->day_close_min == 0 ||
        spec->day_close_min > MINUTES_PER_DAY)
        return xasprintf("calendar %s: a day cannot close at minute %d", spec_name(spec),
                         spec->day_close_min);
    char *error = week_error(spec);
    for (size_t i = 0; !error && i < spec->day_count; i++)
        error = day_error(spec, &spec->days[i]);
    return error ? error : years_error(spec);
}

static int compare_overrides(const void *a, const void *b)
{
    const struct calendar_override *x = a, *y = b;
    return (x->day > y->day) - (x->day < y->day);
}

/* The text names a day that is listed twice; NULL if none is. */
static char *take_overrides(struct calendar *calendar, const struct calendar_spec *spec)
{
    calendar->overrides =
        xrealloc_array(NULL, spec->day_count ? spec->day_count : 1, sizeof(calendar->overrides[0]));
    for (size_t i = 0; i < spec->day_count; i++) {
        const struct calendar_day_spec *day = &spec->days[i];
        calendar->overrides[i] = (struct calendar_override){
            .day = day->day,
            .name = day->name ? xstrdup(day->name) : NULL,
            .hours = day->hours,
        };
    }
    calendar->override_count = spec->day_count;
    qsort(calendar->overrides, spec->day_count, sizeof(calendar->overrides[0]), compare_overrides);
    for (size_t i = 1; i < spec->day_count; i++) {
        if (calendar->overrides[i].day != calendar->overrides[i - 1].day)
            continue;
        char date[CIVIL_DATE_SIZE];
        civil_format_date(calendar->overrides[i].day, date);
        return xasprintf("calendar %s: %s is listed twice", spec_name(spec), date);
    }
    return NULL;
}

static int32_t latest_end(const struct calendar_spec *spec)
{
    if (spec->work.count > 0)
        return spec->work.open[spec->work.count - 1].to_min;
    int32_t end = 0;
    for (int i = 0; i < 7; i++) {
        const struct calendar_hours *hours = &spec->week[i];
        if (hours->count > 0 && hours->open[hours->count - 1].to_min > end)
            end = hours->open[hours->count - 1].to_min;
    }
    return end;
}

static void assign_patterns(struct calendar *calendar, const struct calendar_spec *spec)
{
    static const uint8_t of_kind[] = {
        [CALENDAR_DAY_OFF] = CALENDAR_PATTERN_CLOSED,
        [CALENDAR_DAY_WORK] = CALENDAR_PATTERN_MAKEUP,
        [CALENDAR_DAY_CUSTOM] = CALENDAR_PATTERN_CUSTOM,
    };
    memcpy(calendar->patterns, spec->week, sizeof(spec->week));
    calendar->patterns[CALENDAR_PATTERN_MAKEUP] = spec->work;
    calendar->patterns[CALENDAR_PATTERN_CLOSED] = (struct calendar_hours){.count = 0};
    for (int32_t day = 0; day < CALENDAR_DAYS; day++)
        calendar->pattern_of[day] = (uint8_t)civil_weekday(day);
    for (size_t i = 0; i < spec->day_count; i++)
        calendar->pattern_of[spec->days[i].day] = of_kind[spec->days[i].kind];
}

static int64_t hours_sum_us(const struct calendar_hours *hours)
{
    int64_t sum = 0;
    for (int i = 0; i < hours->count; i++)
        sum += (hours->open[i].to_min - hours->open[i].from_min) * CALENDAR_MINUTE_US;
    return sum;
}

static void sum_days(struct calendar *calendar)
{
    int64_t pattern_us[CALENDAR_PATTERN_CUSTOM];
    for (int i = 0; i < CALENDAR_PATTERN_CUSTOM; i++)
        pattern_us[i] = hours_sum_us(&calendar->patterns[i]);
    size_t next = 0; /* override; both lists ascend */
    for (int32_t day = 0; day < CALENDAR_DAYS; day++) {
        const struct calendar_override *override = NULL;
        if (next < calendar->override_count && calendar->overrides[next].day == day)
            override = &calendar->overrides[next++];
        int64_t us = calendar->pattern_of[day] == CALENDAR_PATTERN_CUSTOM
                         ? hours_sum_us(&override->hours)
                         : pattern_us[calendar->pattern_of[day]];
        calendar->us_before[day + 1] = calendar->us_before[day] + us;
        calendar->days_before[day + 1] = calendar->days_before[day] + (us > 0);
    }
}

static void sum_years(struct calendar *calendar, const struct calendar_spec *spec)
{
    for (size_t i = 0; i < spec->published_count; i++)
        calendar->published[spec->published_years[i] - CALENDAR_FIRST_YEAR] = true;
    for (int i = 0; i < CALENDAR_YEARS; i++)
        calendar->unpublished_before[i + 1] =
            calendar->unpublished_before[i] + !calendar->published[i];
}

struct calendar *calendar_build(const struct calendar_spec *spec, char **error_r)
{
    *error_r = spec_error(spec);
    if (*error_r)
        return NULL;
    struct calendar *calendar = xcalloc(1, sizeof(*calendar));
    *error_r = take_overrides(calendar, spec);
    if (*error_r) {
        calendar_free(&calendar);
        return NULL;
    }
    calendar->offset_min = spec->offset_min;
    calendar->day_close_min = spec->day_close_min;
    calendar->closed_day_close_min = latest_end(spec);
    assign_patterns(calendar, spec);
    sum_days(calendar);
    sum_years(calendar, spec);
    return calendar;
}

void calendar_free(struct calendar **calendar)
{
    if (!*calendar)
        return;
    for (size_t i = 0; i < (*calendar)->override_count; i++)
        free((*calendar)->overrides[i].name);
    free((*calendar)->overrides);
    free(*calendar);
    *calendar = NULL;
}
