/*
 * civil.h - calendar dates, local times of day and RFC 3339.
 *
 * A `civil_day` is the number of days since 1970-01-01 (proleptic Gregorian). Local time is a
 * fixed offset from UTC: China has had one zone without daylight saving since 1991-09-15
 * (DOMAIN 4), so +480 minutes serves; the offset is an argument, never a global.
 */
#ifndef BASE_CIVIL_H
#define BASE_CIVIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define CIVIL_OFFSET_SHANGHAI_MIN 480
/* Instants we accept: years 1970..2199. Everything else is refused at the door. */
#define CIVIL_MIN_US INT64_C(0)
#define CIVIL_MAX_US INT64_C(7258118400000000) /* 2200-01-01T00:00:00Z */

struct civil_date {
    int year;  /* 1970..2199 */
    int month; /* 1..12 */
    int day;   /* 1..31 */
};

int32_t civil_day_from_date(struct civil_date d);
struct civil_date civil_date_from_day(int32_t day);
bool civil_date_valid(struct civil_date d);
/* 0 = Monday .. 6 = Sunday. */
int civil_weekday(int32_t day);
/* Local day and microseconds into it of an instant (floor, correct before the epoch too). */
int32_t civil_local_day(int64_t instant_us, int offset_min);
int64_t civil_local_time_us(int64_t instant_us, int offset_min);
/* The instant at which a local day starts. */
int64_t civil_day_start_us(int32_t day, int offset_min);

/* Strict "YYYY-MM-DD". */
MUST_CHECK bool civil_parse_date(const char *s, size_t len, int32_t *day_r);
/* Buffer of CIVIL_DATE_SIZE. */
#define CIVIL_DATE_SIZE 11
void civil_format_date(int32_t day, char *out);

/*
 * Strict RFC 3339 date-time with an offset ("2026-02-13T10:00:00+08:00", "...Z", up to 6 digits
 * of fraction; more are refused, not rounded). Leap second 60 is refused. Only CIVIL_MIN..MAX.
 */
MUST_CHECK bool civil_parse_instant(const char *s, size_t len, int64_t *instant_us_r);
/* The same of any year 0..9999, as what was computed may be: a limit without an end is due at
 * CIVIL_MAX_US itself. */
MUST_CHECK bool civil_parse_any_instant(const char *s, size_t len, int64_t *instant_us_r);
/* Writes "2026-02-13T10:00:00+08:00" (with .123456 only if not whole seconds). CIVIL_INSTANT_SIZE
 * bytes. */
#define CIVIL_INSTANT_SIZE 40
void civil_format_instant(int64_t instant_us, int offset_min, char *out);

#endif
