/*
 * The arithmetic of a deadline as lines, one per local day.
 *
 * One sum serves all units: total(d), what is counted up to the end of day d. A line, folded or
 * not, is the difference of two of them, so the listing cannot disagree with the deadline.
 */
#include "base/civil.h"
#include "hotline/calendar.h"
#include "hotline/calendar_table.h"

#define MIN_LINES 3 /* start, fold, last day */

struct explanation {
    const struct calendar *calendar;
    enum limit_unit unit;
    int64_t start_us, due_us;
    int32_t first, last; /* local days of start and deadline */
    void (*line)(void *ctx, const struct calendar_line *line);
    void *ctx;
};

static int64_t total_through(const struct explanation *e, int32_t day)
{
    if (day < e->first)
        return 0;
    if (e->unit == LIMIT_CALENDAR_DAYS)
        return day - e->first;
    if (e->unit == LIMIT_WORKING_DAYS)
        return calendar_days_through(e->calendar, day) -
               calendar_days_through(e->calendar, e->first);
    int64_t end_us = civil_day_start_us(day + 1, e->calendar->offset_min);
    return calendar_elapsed(e->calendar, e->unit, e->start_us,
                            end_us < e->due_us ? end_us : e->due_us);
}

static enum calendar_line_kind line_kind(const struct explanation *e, int32_t from, int32_t to,
                                         int64_t part)
{
    if (from < to)
        return CALENDAR_LINE_FOLDED;
    if (from == e->first)
        return CALENDAR_LINE_START;
    return part > 0 ? CALENDAR_LINE_COUNTED : CALENDAR_LINE_OFF;
}

static void emit(const struct explanation *e, int32_t from, int32_t to)
{
    const bool in_days = e->unit == LIMIT_WORKING_DAYS || e->unit == LIMIT_CALENDAR_DAYS;
    struct calendar_line line = {.day = from, .day_to = to, .total = total_through(e, to)};
    int64_t part = line.total - total_through(e, from - 1);

    line.kind = line_kind(e, from, to, part);
    if (!in_days) {
        line.counted_us = part;
    } else if (line.kind == CALENDAR_LINE_FOLDED) {
        line.counted = part;
    } else if (part > 0) {
        line.counted = line.total;
    }
    if (from == to) {
        const struct calendar_override *override = calendar_override_of(e->calendar, from);
        line.name = override ? override->name : NULL;
        line.is_makeup = override && calendar_is_working_day(e->calendar, from) &&
                         e->calendar->patterns[civil_weekday(from)].count == 0;
    } else if (!in_days) {
        line.counted =
            calendar_days_through(e->calendar, to) - calendar_days_through(e->calendar, from - 1);
    }
    e->line(e->ctx, &line);
}

void calendar_explain(const struct calendar *calendar, int64_t start_us, struct limit limit,
                      size_t max_lines, void (*line)(void *ctx, const struct calendar_line *line),
                      void *ctx)
{
    struct explanation e = {
        .calendar = calendar,
        .unit = limit.unit,
        .start_us = start_us,
        .due_us = calendar_due(calendar, start_us, limit).due_us,
        .first = civil_local_day(start_us, calendar->offset_min),
        .line = line,
        .ctx = ctx,
    };
    /* A deadline at midnight ends its day and does not begin the next one. */
    e.last = e.due_us > start_us ? civil_local_day(e.due_us - 1, calendar->offset_min) : e.first;

    const int32_t days = e.last - e.first + 1;
    const int32_t lines = max_lines < MIN_LINES   ? MIN_LINES
                          : max_lines > INT32_MAX ? INT32_MAX
                                                  : (int32_t)max_lines;
    const int32_t listed = days <= lines ? days : lines - 2; /* before the fold */
    for (int32_t i = 0; i < listed; i++)
        emit(&e, e.first + i, e.first + i);
    if (listed < days) {
        emit(&e, e.first + listed, e.last - 1);
        emit(&e, e.last, e.last);
    }
}
