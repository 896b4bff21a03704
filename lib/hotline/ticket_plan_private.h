/*
 * ticket_plan_private.h - the plan in the making, shared by ticket_plan.c and ticket_clocks.c.
 */
#ifndef HOTLINE_TICKET_PLAN_PRIVATE_H
#define HOTLINE_TICKET_PLAN_PRIVATE_H

#include "base/sbuf.h"
#include "hotline/route.h"
#include "hotline/ticket_plan.h"

/* New rows that one plan may add: lead and co-units, and their clocks. */
#define PLAN_ASSIGNMENT_ROOM (ROUTE_MAX_CO_UNITS + 1)
#define PLAN_CLOCK_ROOM (PLAN_ASSIGNMENT_ROOM * 4 + 4)

struct plan {
    const struct plan_context *ctx;
    const struct ticket_command *command; /* NULL for a tick */
    struct ticket_change *change;
    struct ticket_view *t; /* &change->after */
    const struct sla_policy *policy;
    const struct calendar *calendar;
    int64_t now_us;
};

void plan_begin(struct plan *p, const struct plan_context *ctx, const struct ticket_view *view,
                int64_t now_us, struct ticket_change *change);
/* Seals the change: version, hashes. */
void plan_end(struct plan *p);

/* detail is the inside of a JSON object without braces, or NULL. */
struct ticket_event *plan_event(struct plan *p, enum ticket_event_type type, int64_t at_us,
                                const struct assignment *assignment, const char *detail,
                                const char *text);
struct ticket_tally *plan_tally(struct plan *p, int64_t at_us, const char *unit);
/* "key":"value" with the value escaped; for details. */
void plan_json_string(struct sbuf *out, const char *key, const char *value);

/* Warnings and breaches up to now. */
void clocks_tick(struct plan *p);
/* Clocks that stop at this event: met. Those of one assignment, or with 0 of the ticket as a whole.
 */
void clocks_stop_at(struct plan *p, enum sla_event event, int assignment);
/* Clocks that start at this event; per-unit clocks only if an assignment is named. */
void clocks_start_at(struct plan *p, enum sla_event event, int assignment);
void clocks_start(struct plan *p, enum clock_kind clock, int assignment);
/* The resolve clock goes on where it stopped; the time in review is given back if it is pausable.
 */
void clocks_resume_resolve(struct plan *p);
/* All running clocks end unmet; with met_resolve the resolve clock counts as met now. assignment 0
 * = all. */
void clocks_end(struct plan *p, int assignment, bool met_resolve);

#endif
