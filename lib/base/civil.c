#include "base/civil.h"

#include <string.h>

#include "base/clk.h"

#define YEAR_MIN 1970
#define YEAR_MAX 2199
#define DAYS_PER_400_YEARS 146097
/* Day 0 of the March-based count below, 0000-03-01, as days before 1970-01-01. */
#define EPOCH_SHIFT 719468

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return a % b < 0 ? q - 1 : q;
}

/* Years begin in March here, so that the leap day is the last one and months follow one formula. */
static int64_t day_number(int64_t year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t m = month > 2 ? month - 3 : month + 9;
    int64_t leap_days = floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400);
    return y * 365 + leap_days + (153 * m + 2) / 5 + day - 1 - EPOCH_SHIFT;
}

int32_t civil_day_from_date(struct civil_date d)
{
    return (int32_t)day_number(d.year, d.month, d.day);
}

struct civil_date civil_date_from_day(int32_t day)
{
    int64_t since = (int64_t)day + EPOCH_SHIFT;
    int64_t cycle = floor_div(since, DAYS_PER_400_YEARS);
    int64_t rest = since - cycle * DAYS_PER_400_YEARS; /* 0..146096 */

    int64_t century = rest / 36524;
    century = century > 3 ? 3 : century; /* the leap day that ends the cycle */
    rest -= century * 36524;
    int64_t four = rest / 1461;
    rest -= four * 1461;
    int64_t one = rest / 365;
    one = one > 3 ? 3 : one; /* the leap day that ends four years */
    rest -= one * 365;

    int64_t m = (5 * rest + 2) / 153; /* 0 = March */
    int64_t year = cycle * 400 + century * 100 + four * 4 + one + (m >= 10 ? 1 : 0);
    return (struct civil_date){
        .year = (int)year,
        .month = (int)(m < 10 ? m + 3 : m - 9),
        .day = (int)(rest - (153 * m + 2) / 5 + 1),
    };
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool on_calendar(struct civil_date d)
{
    return d.month >= 1 && d.month <= 12 && d.day >= 1 && d.day <= days_in_month(d.year, d.month);
}

bool civil_date_valid(struct civil_date d)
{
    return d.year >= YEAR_MIN && d.year <= YEAR_MAX && on_calendar(d);
}

int civil_weekday(int32_t day)
{
    int64_t from_monday = (int64_t)day + 3; /* 1970-01-01 was a Thursday */
    return (int)(from_monday - 7 * floor_div(from_monday, 7));
}

int32_t civil_local_day(int64_t instant_us, int offset_min)
{
    /* first the day, then the offset: instants at the ends of int64 must not overflow */
    int64_t day = floor_div(instant_us, US_PER_DAY);
    int64_t in_day = instant_us - day * US_PER_DAY + offset_min * US_PER_MINUTE;
    return (int32_t)(day + floor_div(in_day, US_PER_DAY));
}

int64_t civil_local_time_us(int64_t instant_us, int offset_min)
{
    int64_t in_day = instant_us - floor_div(instant_us, US_PER_DAY) * US_PER_DAY;
    in_day += offset_min * US_PER_MINUTE;
    return in_day - floor_div(in_day, US_PER_DAY) * US_PER_DAY;
}

int64_t civil_day_start_us(int32_t day, int offset_min)
{
    return (int64_t)day * US_PER_DAY - offset_min * US_PER_MINUTE;
}

/* ---- reading -------------------------------------------------------------------------------- */

struct cursor {
    const char *p;
    const char *end;
};

/* Exactly `count` digits. */
static bool take_digits(struct cursor *c, int count, int *value_r)
{
    if (c->end - c->p < count)
        return false;
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (c->p[i] < '0' || c->p[i] > '9')
            return false;
        value = value * 10 + (c->p[i] - '0');
    }
    c->p += count;
    *value_r = value;
    return true;
}

static bool take_char(struct cursor *c, char wanted)
{
    if (c->p == c->end || *c->p != wanted)
        return false;
    c->p++;
    return true;
}

static bool take_date(struct cursor *c, struct civil_date *d_r)
{
    return take_digits(c, 4, &d_r->year) && take_char(c, '-') && take_digits(c, 2, &d_r->month) &&
           take_char(c, '-') && take_digits(c, 2, &d_r->day) && on_calendar(*d_r);
}

bool civil_parse_date(const char *s, size_t len, int32_t *day_r)
{
    struct cursor c = {s, s + len};
    struct civil_date d;
    if (!take_date(&c, &d) || c.p != c.end || !civil_date_valid(d))
        return false;
    *day_r = civil_day_from_date(d);
    return true;
}

static bool take_fraction(struct cursor *c, int64_t *us_r)
{
    *us_r = 0;
    if (!take_char(c, '.'))
        return true;
    int64_t unit = US_PER_SECOND;
    int digit;
    while (unit > 1 && take_digits(c, 1, &digit)) {
        unit /= 10;
        *us_r += digit * unit;
    }
    return unit < US_PER_SECOND; /* at least one digit; a seventh one is left over and refused */
}

static bool take_time(struct cursor *c, int64_t *us_r)
{
    int hour, minute, second;
    int64_t fraction_us;
    if (!take_digits(c, 2, &hour) || !take_char(c, ':') || !take_digits(c, 2, &minute) ||
        !take_char(c, ':') || !take_digits(c, 2, &second) || !take_fraction(c, &fraction_us))
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *us_r = hour * US_PER_HOUR + minute * US_PER_MINUTE + second * US_PER_SECOND + fraction_us;
    return true;
}

static bool take_offset(struct cursor *c, int64_t *us_r)
{
    int hour, minute;
    *us_r = 0;
    if (take_char(c, 'Z'))
        return true;
    bool west = take_char(c, '-');
    if (!west && !take_char(c, '+'))
        return false;
    if (!take_digits(c, 2, &hour) || !take_char(c, ':') || !take_digits(c, 2, &minute) ||
        hour > 23 || minute > 59)
        return false;
    int64_t us = hour * US_PER_HOUR + minute * US_PER_MINUTE;
    *us_r = west ? -us : us;
    return true;
}

bool civil_parse_any_instant(const char *s, size_t len, int64_t *instant_us_r)
{
    struct cursor c = {s, s + len};
    struct civil_date d;
    int64_t time_us, offset_us;
    if (!take_date(&c, &d) || !take_char(&c, 'T') || !take_time(&c, &time_us) ||
        !take_offset(&c, &offset_us) || c.p != c.end)
        return false;
    *instant_us_r = day_number(d.year, d.month, d.day) * US_PER_DAY + time_us - offset_us;
    return true;
}

bool civil_parse_instant(const char *s, size_t len, int64_t *instant_us_r)
{
    int64_t us;

    if (!civil_parse_any_instant(s, len, &us) || us < CIVIL_MIN_US || us >= CIVIL_MAX_US)
        return false;
    *instant_us_r = us;
    return true;
}

/* ---- writing -------------------------------------------------------------------------------- */

static char *put_digits(char *out, int64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + count;
}

/* Years the format cannot hold show as its first or last one. */
static char *put_date(char *out, int32_t day)
{
    struct civil_date d = civil_date_from_day(day);
    if (d.year < 0)
        d = (struct civil_date){0, 1, 1};
    else if (d.year > 9999)
        d = (struct civil_date){9999, 12, 31};
    out = put_digits(out, d.year, 4);
    *out++ = '-';
    out = put_digits(out, d.month, 2);
    *out++ = '-';
    return put_digits(out, d.day, 2);
}

void civil_format_date(int32_t day, char *out)
{
    *put_date(out, day) = '\0';
}

static char *put_offset(char *out, int offset_min)
{
    if (offset_min == 0) {
        *out++ = 'Z';
        return out;
    }
    *out++ = offset_min < 0 ? '-' : '+';
    int minutes = offset_min < 0 ? -offset_min : offset_min;
    out = put_digits(out, minutes / 60, 2);
    *out++ = ':';
    return put_digits(out, minutes % 60, 2);
}

void civil_format_instant(int64_t instant_us, int offset_min, char *out)
{
    int64_t time_us = civil_local_time_us(instant_us, offset_min);
    out = put_date(out, civil_local_day(instant_us, offset_min));
    *out++ = 'T';
    out = put_digits(out, time_us / US_PER_HOUR, 2);
    *out++ = ':';
    out = put_digits(out, time_us / US_PER_MINUTE % 60, 2);
    *out++ = ':';
    out = put_digits(out, time_us / US_PER_SECOND % 60, 2);
    if (time_us % US_PER_SECOND != 0) {
        *out++ = '.';
        out = put_digits(out, time_us % US_PER_SECOND, 6);
    }
    *put_offset(out, offset_min) = '\0';
}
