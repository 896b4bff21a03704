/*
 * explain_json.h - why: the walk over the rules, and the arithmetic of a deadline day by day. Pure.
 */
#ifndef PROTO_EXPLAIN_JSON_H
#define PROTO_EXPLAIN_JSON_H

#include "hotline/calendar.h"
#include "hotline/route.h"
#include "hotline/sla.h"
#include "proto/json.h"

/* More rules than these come near only in a set without categories; more days are folded. */
#define EXPLAIN_MAX_RULES 200
#define EXPLAIN_MAX_LINES 60

/* What POST /v1/explain is given. */
struct explain_case {
    int64_t draft; /* of rules; 0 = the rules in force */
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

/* One clock, of a ticket or supposed. */
struct explain_clock {
    enum clock_kind clock;
    const struct sla_rule *rule; /* NULL: not the rules in force, so there is no arithmetic */
    const char *unit;            /* code of the unit whose clock it is; NULL = the ticket's */
    int round;                   /* 0 = not said */
    int64_t started_us, due_us, warn_us;
    int64_t paused_us; /* given back so far */
    bool provisional;
};
/* {clock, start, limit, unit, started_at, due_at, warn_at, provisional, lines: [...]} */
void explain_json_write_clock(struct json_writer *w, const struct explain_clock *clock,
                              const struct calendar *calendar);

#endif
