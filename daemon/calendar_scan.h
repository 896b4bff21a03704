/*
 * calendar_scan.h - what a calendar would make of every open deadline: page by page, nothing is
 * stored. For the preview of a draft.
 */
#ifndef DAEMON_CALENDAR_SCAN_H
#define DAEMON_CALENDAR_SCAN_H

#include "daemon/daemon.h"

/* Strings and the like are valid during the call. */
struct scanned_clock {
    int64_t number;
    enum clock_kind clock;
    const char *unit; /* whose clock it is; of the ticket's own the lead; NULL = nobody */
    int64_t due_us, warn_us;
    bool provisional;
    struct clock_due after; /* by the calendar of the scan */
    bool is_changed;        /* deadline, warning or whether it is provisional */
};

enum scan_event {
    SCAN_PAGE, /* a page was gone through: calendar_scan_next() when ready for another */
    SCAN_END,  /* that was the last */
    SCAN_FAILED,
};

struct calendar_scan {
    struct daemon *d;
    const struct city *city; /* its calendars; the caller's reference */
    struct pg_pool *pool;
    void (*clock)(void *ctx, const struct scanned_clock *clock);
    /* From the loop; the scan may be cleared in it. */
    void (*event)(void *ctx, enum scan_event event);
    void *ctx;
    size_t tickets, clocks; /* so far */
    /* internal */
    struct pg_op *op;
    int state;
    int64_t after;
};

/* The caller's struct with the members up to ctx set. Clears what was counted. */
void calendar_scan_begin(struct calendar_scan *scan);
void calendar_scan_next(struct calendar_scan *scan);
/* Nothing is called any more. */
void calendar_scan_clear(struct calendar_scan *scan);

#endif
