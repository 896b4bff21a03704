/*
 * calendar_table.h - the inside of a calendar, shared by calendar.c and calendar_explain.c only.
 */
#ifndef HOTLINE_CALENDAR_TABLE_H
#define HOTLINE_CALENDAR_TABLE_H

#include "base/civil.h"
#include "hotline/calendar.h"

#define CALENDAR_FIRST_YEAR 1970
#define CALENDAR_YEARS 230
#define CALENDAR_DAYS 84006 /* civil days 0..84005 are 1970-01-01..2199-12-31 */
#define CALENDAR_MINUTE_US INT64_C(60000000)

/* Which hours a day has; one byte a day. 0..6 are those of the weekday. */
enum {
    CALENDAR_PATTERN_MAKEUP = 7,
    CALENDAR_PATTERN_CLOSED,
    CALENDAR_PATTERN_CUSTOM, /* the hours stand in the day's override */
    CALENDAR_PATTERN_COUNT
};

struct calendar_override {
    int32_t day;
    char *name; /* may be NULL */
    struct calendar_hours hours;
};

struct calendar {
    int offset_min;
    int32_t day_close_min;        /* as in the spec */
    int32_t closed_day_close_min; /* close of a day without hours when day_close_min is -1 */
    struct calendar_hours patterns[CALENDAR_PATTERN_CUSTOM]; /* week, make-up, closed */
    struct calendar_override *overrides;                     /* ascending by day */
    size_t override_count;
    bool published[CALENDAR_YEARS];
    int32_t unpublished_before[CALENDAR_YEARS + 1];
    uint8_t pattern_of[CALENDAR_DAYS];
    /* Entry d sums the days before d; the last entry is the sum of all. */
    int32_t days_before[CALENDAR_DAYS + 1];
    int64_t us_before[CALENDAR_DAYS + 1];
};

/* NULL if the day is an ordinary one. */
const struct calendar_override *calendar_override_of(const struct calendar *calendar, int32_t day);
/* Working days from 1970-01-01 up to and with this day. Any day; outside of the table nothing is
 * worked. */
int64_t calendar_days_through(const struct calendar *calendar, int32_t day);
/* Working microseconds from 1970-01-01 to the instant. Any instant. */
int64_t calendar_working_us(const struct calendar *calendar, int64_t instant_us);

#endif
