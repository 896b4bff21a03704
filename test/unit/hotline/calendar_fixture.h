/*
 * calendar_fixture.h - calendars to test with: China's office hours and real days, and ways to say
 * an instant.
 */
#ifndef TEST_CALENDAR_FIXTURE_H
#define TEST_CALENDAR_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "hotline/calendar.h"

#define FIXTURE_MAX_DAYS 1024
#define FIXTURE_CN_DAYS "daemon/cities/workdays-cn.csv" /* from the project's folder */

/* A spec that may be changed before it is built; it points into itself, so it must not be copied.
 */
struct calendar_fixture {
    struct calendar_spec spec;
    struct calendar_day_spec days[FIXTURE_MAX_DAYS];
    char names[FIXTURE_MAX_DAYS][32];
    int years[64]; /* those that the file has days of */
};

/* Mon-Fri 08:30-12:00, 14:00-17:30, +08:00; no days, no published years. */
void fixture_office(struct calendar_fixture *fixture);
/* The same with the days of a file `date,kind,name`; false and a line on stderr if it cannot be
 * read. */
bool fixture_load(struct calendar_fixture *fixture, const char *path);
/* Adds a day; hours "08:30-12:00 14:00-17:30" only for CALENDAR_DAY_CUSTOM, else NULL. */
void fixture_day(struct calendar_fixture *fixture, const char *date, enum calendar_day_kind kind,
                 const char *hours);
struct calendar_hours fixture_hours(const char *text);
/* Aborts with the reason if it cannot be built. */
struct calendar *fixture_build(const struct calendar_fixture *fixture);

/* "2026-02-13" -> civil day; "2026-02-13 10:00" or "2026-02-13 10:00:00.000001" -> instant at
 * +08:00. */
int32_t day_of(const char *date);
int64_t at(const char *local_time);
/* The instant as local time at +08:00, for messages and comparisons; one of four static buffers. */
const char *shown(int64_t instant_us);

/* splitmix64: the same numbers on every machine. */
uint64_t random_next(uint64_t *state);
int64_t random_between(uint64_t *state, int64_t low, int64_t high); /* both inclusive */

#endif
