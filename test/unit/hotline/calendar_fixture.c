#include "unit/hotline/calendar_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"

static void fail(const char *what, const char *text)
{
    (void)fprintf(stderr, "calendar fixture: %s: %s\n", what, text);
    abort();
}

struct calendar_hours fixture_hours(const char *text)
{
    struct calendar_hours hours = {0};
    while (*text) {
        int from_hour, from_min, to_hour, to_min, used = 0;
        /* NOLINTNEXTLINE(cert-err34-c): our own literals */
        if (sscanf(text, "%2d:%2d-%2d:%2d%n", &from_hour, &from_min, &to_hour, &to_min, &used) != 4)
            fail("hours", text);
        hours.open[hours.count++] = (struct calendar_interval){
            .from_min = from_hour * 60 + from_min, .to_min = to_hour * 60 + to_min};
        text += used;
        text += strspn(text, " ");
    }
    return hours;
}

void fixture_office(struct calendar_fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    struct calendar_spec *spec = &fixture->spec;
    spec->name = "cn";
    spec->offset_min = CIVIL_OFFSET_SHANGHAI_MIN;
    spec->day_close_min = -1;
    spec->work = fixture_hours("08:30-12:00 14:00-17:30");
    for (int i = 0; i < 5; i++)
        spec->week[i] = spec->work;
    spec->days = fixture->days;
    spec->published_years = fixture->years;
}

void fixture_day(struct calendar_fixture *fixture, const char *date, enum calendar_day_kind kind,
                 const char *hours)
{
    size_t i = 0;
    int32_t day = day_of(date);
    while (i < fixture->spec.day_count && fixture->days[i].day != day)
        i++; /* a day of the file may be replaced */
    if (i == FIXTURE_MAX_DAYS)
        fail("too many days", date);
    if (i == fixture->spec.day_count)
        fixture->spec.day_count++;
    fixture->days[i] = (struct calendar_day_spec){.day = day, .kind = kind};
    if (hours)
        fixture->days[i].hours = fixture_hours(hours);
}

static void add_year(struct calendar_fixture *fixture, int year)
{
    size_t count = fixture->spec.published_count;
    if (count > 0 && fixture->years[count - 1] == year)
        return;
    fixture->years[count] = year;
    fixture->spec.published_count++;
}

static void add_row(struct calendar_fixture *fixture, char *row)
{
    row[strcspn(row, "\r\n")] = '\0';
    char *kind = strchr(row, ',');
    char *name = kind ? strchr(kind + 1, ',') : NULL;
    if (!name)
        fail("row", row);
    *kind++ = '\0';
    *name++ = '\0';
    bool works = strcmp(kind, "work") == 0;
    if (!works && strcmp(kind, "off") != 0)
        fail("kind", kind);
    size_t i = fixture->spec.day_count;
    fixture_day(fixture, row, works ? CALENDAR_DAY_WORK : CALENDAR_DAY_OFF, NULL);
    (void)snprintf(fixture->names[i], sizeof(fixture->names[i]), "%s", name);
    fixture->days[i].name = fixture->names[i];
    add_year(fixture, civil_date_from_day(fixture->days[i].day).year);
}

bool fixture_load(struct calendar_fixture *fixture, const char *path)
{
    fixture_office(fixture);
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return false;
    }
    char row[256];
    bool header = true;
    while (fgets(row, sizeof(row), file)) {
        if (!header)
            add_row(fixture, row);
        header = false;
    }
    (void)fclose(file);
    return fixture->spec.day_count > 0;
}

struct calendar *fixture_build(const struct calendar_fixture *fixture)
{
    char *error = NULL;
    struct calendar *calendar = calendar_build(&fixture->spec, &error);
    if (!calendar)
        fail("build", error);
    return calendar;
}

int32_t day_of(const char *date)
{
    int32_t day = 0;
    if (!civil_parse_date(date, strlen(date), &day))
        fail("date", date);
    return day;
}

int64_t at(const char *local_time)
{
    char text[48];
    int64_t instant = 0;
    bool seconds = strlen(local_time) > 16;
    int len = snprintf(text, sizeof(text), "%s%s+08:00", local_time, seconds ? "" : ":00");
    text[10] = 'T';
    if (!civil_parse_instant(text, (size_t)len, &instant))
        fail("instant", local_time);
    return instant;
}

const char *shown(int64_t instant_us)
{
    static char texts[4][CIVIL_INSTANT_SIZE];
    static unsigned next;
    char *text = texts[next++ % 4];
    civil_format_instant(instant_us, CIVIL_OFFSET_SHANGHAI_MIN, text);
    return text;
}

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t random_between(uint64_t *state, int64_t low, int64_t high)
{
    return low + (int64_t)(random_next(state) % (uint64_t)(high - low + 1));
}
