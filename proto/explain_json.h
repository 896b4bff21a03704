/*
 * explain_json.h - why: the walk over the rules, and the arithmetic of a deadline day by day. Pure.
 */
#ifndef PROTO_EXPLAIN_JSON_H
#define PROTO_EXPLAIN_JSON_H

#include "hotline/calendar.h"
#include "hotline/route.h"
#include "hotline/sla.h"
#include "hotline/ticket_plan.h"
#include "proto/json.h"

/* More rules than these come near only in a set without categories; more days are folded. */
#define EXPLAIN_MAX_RULES 200
#define EXPLAIN_MAX_LINES 60

/* What POST /v1/explain is given. */
struct explain_case {
    int64_t draft;                 /* of rules; 0 = the rules in force */
    const char *category, *region; /* region NULL = not known */
    const char *address;           /* NULL = none */
    int kind, channel, urgency;    /* enums */
    const char *title, *text;      /* NULL = none */
};
MUST_CHECK bool explain_json_decode(const struct json_value *body, struct arena *arena,
                                    struct explain_case *case_r, struct faults *faults);

/* "rules": [{rule, verdict, lost_by, zh, en}], winner first; "rules_left_off": n */
void explain_json_write_rules(struct json_writer *w, const struct city *city,
                              const struct route_matter *matter);

/* Another calendar has moved a deadline. */
struct explain_move {
    int ordinal; /* of the clock */
    int64_t at_us, before_us, after_us;
    int64_t calendar_set; /* version that moved it */
};

/* One clock, of a ticket or supposed. */
struct explain_clock {
    enum clock_kind clock;
    const struct sla_rule *rule; /* NULL: not known any more (or there is no arithmetic) */
    const char *unit;            /* code of the unit whose clock it is; NULL = the ticket's */
    int round;                   /* 0 = not said */
    int64_t started_us, due_us, warn_us;
    int64_t paused_us; /* given back so far */
    bool provisional;
    /* Of a ticket, else NULL: limit, pauses and extensions are its own. */
    const struct ticket_clock *stored;
    const struct explain_move *moves; /* of all clocks of the ticket, oldest first */
    size_t move_count;
};
/*
 * {clock, start, limit, unit, started_at, due_at, warn_at, provisional, lines: [...]}, of a ticket
 * also {original_due_at, calendar_version, is_by_calendar, adjustments: [...], moves: [...]}.
 * is_by_calendar: the calendar given here leads to this deadline; if it does not (the clock was
 * judged by an older one) there are no lines.
 */
void explain_json_write_clock(struct json_writer *w, const struct explain_clock *clock,
                              const struct calendar *calendar);
/* explain_history.c: what the stored clock adds; is_by_calendar of it. */
bool explain_json_is_by_calendar(const struct ticket_clock *stored,
                                 const struct calendar *calendar);
void explain_json_write_history(struct json_writer *w, const struct explain_clock *clock,
                                const struct calendar *calendar);

#endif
