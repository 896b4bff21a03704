/*
 * calendar.h - working time (DOMAIN 4), pure.
 *
 * A calendar is a weekly pattern of open intervals plus overrides of single days: off, work (a
 * make-up working weekend 调休 follows the pattern of an ordinary working day), custom intervals
 * (half days, split shifts). It is built once into prefix sums over all days of 1970..2199: working
 * days and working microseconds before each day. Every question is then a binary search: no loop
 * over days or minutes, whatever the limit.
 *
 * Half-open intervals [from, to). All arithmetic is in integers; instants in UTC microseconds.
 * due() and elapsed() are exact inverses:
 *     calendar_elapsed(c, unit, s, calendar_due(c, s, limit).due_us) == limit amount (in the unit's
 * base, see below) for every s, and due() is the earliest instant for which that holds, except the
 * days units, whose deadline is the close of their last day. A limit of 0 days ends at the close of
 * the start's own day if it is a working day (any day for CALENDAR_DAYS) that has not closed yet,
 * else at the start itself. A limit that runs beyond 2199 is cut there and provisional, whatever
 * its unit.
 */
#ifndef HOTLINE_CALENDAR_H
#define HOTLINE_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "hotline/vocabulary.h"

#define CALENDAR_MAX_INTERVALS 8 /* per day */
#define CALENDAR_MAX_LIMIT                                                                         \
    100000 /* days or minutes; larger limits are refused when a policy is loaded */

struct calendar_interval {
    int32_t from_min, to_min; /* minutes of the local day, 0 <= from < to <= 1440 */
};

struct calendar_hours {
    int count;                                             /* 0 = closed */
    struct calendar_interval open[CALENDAR_MAX_INTERVALS]; /* ascending, not touching */
};

enum calendar_day_kind { CALENDAR_DAY_OFF, CALENDAR_DAY_WORK, CALENDAR_DAY_CUSTOM };

struct calendar_day_spec {
    int32_t day; /* civil day */
    enum calendar_day_kind kind;
    const char *name;            /* 春节; may be NULL */
    struct calendar_hours hours; /* of CALENDAR_DAY_CUSTOM */
};

struct calendar_spec {
    const char *name;
    const char *region;            /* code of the subtree it holds for; NULL = the whole city */
    int offset_min;                /* local time, +480 */
    struct calendar_hours week[7]; /* 0 = Monday */
    struct calendar_hours work;    /* pattern of a make-up working day */
    /* Close of a day for the days units: minutes of the local day; -1 = end of that day's last
     * interval (DOMAIN default, 17:30; a half day closes at its own end, a closed day as a make-up
     * working day does); 1440 = midnight at its end. A fixed close holds for every day, half days
     * too. */
    int32_t day_close_min;
    const struct calendar_day_spec *days;
    size_t day_count;
    /* Years for which a holiday list was published, ascending. Outside of them deadlines are
     * provisional. */
    const int *published_years;
    size_t published_count;
};

struct calendar;

/* NULL and a text (caller frees) that names the offending day or interval. Copies all it needs. */
MUST_CHECK struct calendar *calendar_build(const struct calendar_spec *spec, char **error_r);
void calendar_free(struct calendar **calendar);

struct limit {
    int64_t amount; /* >= 0 */
    enum limit_unit unit;
};

struct deadline {
    int64_t due_us;
    bool provisional; /* touches a year without a published list (never for real minutes) */
};

/* The deadline of a limit that starts at start_us. */
struct deadline calendar_due(const struct calendar *calendar, int64_t start_us, struct limit limit);
/*
 * The instant at which `percent` (0..100) of the way from start to due has passed: of the working
 * time between them for working units, of real time otherwise (also if there is no working time
 * between them). Used for warnings. start <= result <= due.
 */
int64_t calendar_fraction(const struct calendar *calendar, int64_t start_us, int64_t due_us,
                          enum limit_unit unit, int percent);
/*
 * What passed between two instants (b < a gives the negative of the reverse): microseconds of real
 * time for MINUTES, microseconds of working time for WORKING_MINUTES, whole units consumed for the
 * days units: the number of (working) days d with day(a) < d <= day(b) whose close lies at or
 * before b.
 */
int64_t calendar_elapsed(const struct calendar *calendar, enum limit_unit unit, int64_t a_us,
                         int64_t b_us);
/*
 * start moved so that exactly `us` more of working (or real) time lies before the result: pauses
 * give time back. Negative `us` moves back and undoes it. Where nothing is worked the result stays
 * at the earliest such instant (the latest when moving back), except that WORKING_DAYS moves on
 * from the end of a day's hours to the day's close.
 */
int64_t calendar_shift(const struct calendar *calendar, enum limit_unit unit, int64_t instant_us,
                       int64_t us);

bool calendar_is_open(const struct calendar *calendar, int64_t instant_us);
bool calendar_is_working_day(const struct calendar *calendar, int32_t day);
/* A year whose list is published. */
bool calendar_year_published(const struct calendar *calendar, int year);
int calendar_offset_min(const struct calendar *calendar);

/*
 * The arithmetic of a deadline, day by day: one line per local day from start to due, in order. If
 * these are more than `max_lines` (at least 3), the days before the last one are folded into one
 * line so that it fits.
 */
enum calendar_line_kind {
    CALENDAR_LINE_START,   /* the start's own day */
    CALENDAR_LINE_COUNTED, /* counts as day n, or contributes counted_us */
    CALENDAR_LINE_OFF,     /* weekend or holiday (name) */
    CALENDAR_LINE_FOLDED,  /* days..day_to: `counted` working days not listed one by one */
};
struct calendar_line {
    enum calendar_line_kind kind;
    int32_t day, day_to; /* civil days; equal unless folded */
    bool is_makeup;      /* a worked weekend */
    const char *name;    /* holiday's name, or NULL */
    int64_t counted;     /* days unit: number of this day; folded: how many */
    int64_t counted_us;  /* working minutes: time taken from this day */
    int64_t total;       /* so far, days or microseconds */
};
void calendar_explain(const struct calendar *calendar, int64_t start_us, struct limit limit,
                      size_t max_lines, void (*line)(void *ctx, const struct calendar_line *line),
                      void *ctx);

#endif
