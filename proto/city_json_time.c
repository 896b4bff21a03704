/*
 * city_json_time.c - the working calendars of a city bundle.
 */
#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "proto/city_json_internal.h"

#define MAX_PATH 64          /* calendars[n] */
#define MAX_PART_PATH 128    /* calendars[n].days[n].open */
#define MAX_INTERVAL_TEXT 11 /* HH:MM-HH:MM */
#define MIN_YEAR 1970
#define MAX_YEAR 2199
#define MINUTES_OF_DAY 1440

#define HOURS_FIELD(owner, key, member)                                                            \
    {                                                                                              \
        .name = (key), .type = FIELD_STRINGS, .offset = offsetof(owner, member),                   \
        .max = CALENDAR_MAX_INTERVALS, .item_max = MAX_INTERVAL_TEXT                               \
    }

static bool parse_interval(const char *s, struct calendar_interval *interval_r)
{
    int from, to;
    if (strlen(s) != MAX_INTERVAL_TEXT || s[5] != '-')
        return false;
    if (!city_parse_time(s, 5, MINUTES_OF_DAY - 1, &from) ||
        !city_parse_time(s + 6, 5, MINUTES_OF_DAY, &to))
        return false;
    *interval_r = (struct calendar_interval){.from_min = from, .to_min = to};
    return from < to;
}

static void decode_hours(struct city_decoder *d, const char *path, const struct json_strings *raw,
                         struct calendar_hours *hours_r)
{
    size_t count = raw->count < CALENDAR_MAX_INTERVALS ? raw->count : CALENDAR_MAX_INTERVALS;
    for (size_t i = 0; i < count; i++) {
        if (raw->list[i] == NULL)
            continue; /* reported already */
        if (!parse_interval(raw->list[i], &hours_r->open[i]))
            city_fault(d, "format", "%s[%zu]", path, i);
        else if (i > 0 && hours_r->open[i].from_min <= hours_r->open[i - 1].to_min)
            city_fault(d, "range", "%s[%zu]", path, i);
    }
    hours_r->count = (int)count;
}

/* ---- single days ----------------------------------------------------------------------------- */

struct day_raw {
    const char *date, *kind, *name;
    struct json_strings open;
};
static const struct field day_fields[] = {
    {.name = "date",
     .type = FIELD_STRING,
     .offset = offsetof(struct day_raw, date),
     .min = 1,
     .max = 10,
     .flags = FIELD_REQUIRED},
    {.name = "kind",
     .type = FIELD_STRING,
     .offset = offsetof(struct day_raw, kind),
     .min = 1,
     .max = CITY_JSON_MAX_CODE,
     .flags = FIELD_REQUIRED},
    {.name = "name",
     .type = FIELD_STRING,
     .offset = offsetof(struct day_raw, name),
     .max = CITY_JSON_MAX_NAME},
    HOURS_FIELD(struct day_raw, "open", open),
};
static const struct city_table day_table = {
    .fields = day_fields,
    .field_count = ARRAY_LEN(day_fields),
    .item_size = sizeof(struct day_raw),
    .max_items = CITY_JSON_MAX_DAYS,
};
static const struct word day_kind_words[] = {
    [CALENDAR_DAY_OFF] = {"off", "休", "off"},
    [CALENDAR_DAY_WORK] = {"work", "班", "work"},
    [CALENDAR_DAY_CUSTOM] = {"custom", "自定", "custom"},
};

static void decode_day(struct city_decoder *d, const char *path, const struct day_raw *raw,
                       struct calendar_day_spec *day_r)
{
    if (raw->date == NULL || raw->kind == NULL)
        return; /* reported already */
    if (!civil_parse_date(raw->date, strlen(raw->date), &day_r->day))
        city_fault(d, "format", "%s.date", path);
    int kind =
        city_decode_word(d, path, "kind", day_kind_words, ARRAY_LEN(day_kind_words), raw->kind);
    if (kind < 0)
        return;
    day_r->kind = (enum calendar_day_kind)kind;
    day_r->name = raw->name;
    if (kind == CALENDAR_DAY_CUSTOM && raw->open.count == 0)
        city_fault(d, "required", "%s.open", path);
    if (kind != CALENDAR_DAY_CUSTOM && raw->open.count > 0)
        city_fault(d, "not_allowed", "%s.open", path);
    char open_path[MAX_PART_PATH + 8];
    snprintf(open_path, sizeof(open_path), "%s.open", path);
    decode_hours(d, open_path, &raw->open, &day_r->hours);
}

static void decode_days(struct city_decoder *d, const char *calendar_path,
                        const struct json_value *v, struct calendar_spec *calendar)
{
    char path[MAX_PART_PATH];
    snprintf(path, sizeof(path), "%s.days", calendar_path);
    const struct day_raw *raw = city_decode_list(d, path, v, &day_table, &calendar->day_count);
    struct calendar_day_spec *days =
        arena_alloc(d->arena, (calendar->day_count + 1) * sizeof(*days));
    for (size_t i = 0; i < calendar->day_count; i++) {
        snprintf(path, sizeof(path), "%s.days[%zu]", calendar_path, i);
        decode_day(d, path, &raw[i], &days[i]);
    }
    calendar->days = days;
}

/* ---- the week -------------------------------------------------------------------------------- */

struct week_raw {
    struct json_strings day[7];
};
static const struct field week_fields[] = {
    HOURS_FIELD(struct week_raw, "mon", day[0]), HOURS_FIELD(struct week_raw, "tue", day[1]),
    HOURS_FIELD(struct week_raw, "wed", day[2]), HOURS_FIELD(struct week_raw, "thu", day[3]),
    HOURS_FIELD(struct week_raw, "fri", day[4]), HOURS_FIELD(struct week_raw, "sat", day[5]),
    HOURS_FIELD(struct week_raw, "sun", day[6]),
};

static void decode_week(struct city_decoder *d, const char *calendar_path,
                        const struct json_value *v, struct calendar_spec *calendar)
{
    char path[MAX_PART_PATH];
    struct week_raw raw = {0};
    snprintf(path, sizeof(path), "%s.week", calendar_path);
    if (!city_decode_object(d, path, v, week_fields, ARRAY_LEN(week_fields), &raw))
        return;
    for (size_t i = 0; i < ARRAY_LEN(raw.day); i++) {
        snprintf(path, sizeof(path), "%s.week.%s", calendar_path, week_fields[i].name);
        decode_hours(d, path, &raw.day[i], &calendar->week[i]);
    }
}

/* ---- a calendar ------------------------------------------------------------------------------ */

struct calendar_raw {
    const char *name, *region, *day_close;
    int64_t utc_offset_minutes;
    struct json_strings work;
    const struct json_value *week, *days, *published_years;
};
static const struct field calendar_fields[] = {
    {.name = "name",
     .type = FIELD_STRING,
     .offset = offsetof(struct calendar_raw, name),
     .min = 1,
     .max = CITY_JSON_MAX_CODE,
     .flags = FIELD_REQUIRED},
    {.name = "region",
     .type = FIELD_STRING,
     .offset = offsetof(struct calendar_raw, region),
     .min = 1,
     .max = CITY_JSON_MAX_CODE},
    {.name = "utc_offset_minutes",
     .type = FIELD_INT,
     .offset = offsetof(struct calendar_raw, utc_offset_minutes),
     .min = -720,
     .max = 840},
    {.name = "week",
     .type = FIELD_VALUE,
     .offset = offsetof(struct calendar_raw, week),
     .flags = FIELD_REQUIRED},
    HOURS_FIELD(struct calendar_raw, "work", work),
    {.name = "day_close",
     .type = FIELD_STRING,
     .offset = offsetof(struct calendar_raw, day_close),
     .min = 1,
     .max = 5},
    {.name = "published_years",
     .type = FIELD_VALUE,
     .offset = offsetof(struct calendar_raw, published_years)},
    {.name = "days", .type = FIELD_VALUE, .offset = offsetof(struct calendar_raw, days)},
};
static const struct calendar_raw calendar_initial = {.utc_offset_minutes =
                                                         CIVIL_OFFSET_SHANGHAI_MIN};
static const struct city_table calendar_table = {
    .fields = calendar_fields,
    .field_count = ARRAY_LEN(calendar_fields),
    .item_size = sizeof(struct calendar_raw),
    .max_items = CITY_MAX_CALENDARS,
    .initial = &calendar_initial,
};

static const char *year_fault(const struct json_value *v, int previous)
{
    if (json_type(v) != JSON_INT)
        return "wrong_type";
    int64_t year = json_int(v);
    return year < MIN_YEAR || year > MAX_YEAR || year <= previous ? "range" : NULL;
}

static void decode_years(struct city_decoder *d, const char *path, const struct json_value *v,
                         struct calendar_spec *calendar)
{
    if (json_type(v) == JSON_NULL)
        return;
    if (json_type(v) != JSON_ARRAY || json_array_length(v) > MAX_YEAR - MIN_YEAR + 1) {
        city_fault(d, json_type(v) != JSON_ARRAY ? "wrong_type" : "too_long", "%s.published_years",
                   path);
        return;
    }
    size_t count = json_array_length(v);
    int *years = arena_alloc(d->arena, (count + 1) * sizeof(*years));
    for (size_t i = 0; i < count; i++) {
        const char *reason = year_fault(json_at(v, i), i > 0 ? years[i - 1] : 0);
        if (reason != NULL) {
            city_fault(d, reason, "%s.published_years[%zu]", path, i);
            return;
        }
        years[i] = (int)json_int(json_at(v, i));
    }
    calendar->published_years = years;
    calendar->published_count = count;
}

static void decode_calendar(struct city_decoder *d, const char *path,
                            const struct calendar_raw *raw, struct calendar_spec *calendar_r)
{
    calendar_r->name = raw->name;
    calendar_r->region = raw->region;
    calendar_r->offset_min = (int)raw->utc_offset_minutes;
    calendar_r->day_close_min = -1;
    decode_week(d, path, raw->week, calendar_r);
    char work_path[MAX_PART_PATH];
    snprintf(work_path, sizeof(work_path), "%s.work", path);
    decode_hours(d, work_path, &raw->work, &calendar_r->work);
    if (raw->day_close != NULL) {
        int close = -1;
        if (!city_parse_time(raw->day_close, strlen(raw->day_close), MINUTES_OF_DAY, &close))
            city_fault(d, "format", "%s.day_close", path);
        calendar_r->day_close_min = close;
    }
    decode_years(d, path, raw->published_years, calendar_r);
    decode_days(d, path, raw->days, calendar_r);
}

void city_decode_calendars(struct city_decoder *d, const struct json_value *v,
                           struct city_spec *spec)
{
    size_t before = d->faults->count;
    const struct calendar_raw *raw =
        city_decode_list(d, "calendars", v, &calendar_table, &spec->calendar_count);
    struct calendar_spec *calendars =
        arena_alloc(d->arena, (spec->calendar_count + 1) * sizeof(*calendars));
    if (d->faults->count == before)
        for (size_t i = 0; i < spec->calendar_count; i++) {
            char path[MAX_PATH];
            snprintf(path, sizeof(path), "calendars[%zu]", i);
            decode_calendar(d, path, &raw[i], &calendars[i]);
        }
    spec->calendars = calendars;
}
