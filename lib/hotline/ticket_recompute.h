/*
 * ticket_recompute.h - the clocks of a ticket, computed again from its history alone (DOMAIN 4:
 * "recompute is a pure function of the events").
 *
 * A second opinion: it shares with the plan the calendar, clock_compute() and the choice of a rule,
 * and nothing else. What the plan stored row by row while the ticket lived has to come out again
 * when its events are read from the first to the last. The wall clock is not asked; a warning or a
 * breach is an event, but its instant is the deadline that is computed here.
 */
#ifndef HOTLINE_TICKET_RECOMPUTE_H
#define HOTLINE_TICKET_RECOMPUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "hotline/ticket_plan.h"

/* What the detail of an event tells of clocks and assignments; 0, -1 or NULL = not told. */
struct event_detail {
    const char *lead_unit; /* dispatched */
    const char *const *co_units;
    size_t co_unit_count;
    const char *unit; /* unit_added, forwarded, escalated; returned: who leads now */
    int days;         /* forwarded, extended */
    int ordinal;      /* of the clock: clock.* */
    /* Version of the calendar in force: wherever a deadline may be set or moved. */
    int64_t calendar_set;
};

struct recompute_event {
    int seq; /* 1.. */
    enum ticket_event_type type;
    int64_t at_us;
    enum actor_role role;
    int assignment;   /* ordinal or 0 */
    const char *unit; /* of the assignment, or NULL */
    struct event_detail detail;
};

/*
 * The facts of receipt. Completing a ticket may change them, but no clock has run until then: the
 * last ones hold for all clocks.
 */
struct recompute_facts {
    enum ticket_kind kind;
    enum ticket_urgency urgency;
    const struct sla_policy *policy; /* that the ticket keeps, see city_policy_of() */
    int64_t calendar_set;            /* version in force at receipt */
    /* The calendar of that version at the ticket's place; NULL = not known. */
    const struct calendar *(*calendar)(void *ctx, int64_t version);
    void *ctx;
};

struct recomputed {
    /* Of these rows the recompute fills what recompute_difference() compares, and the terms. */
    struct ticket_clock *clocks;
    size_t clock_count;
    int odd_seq; /* the first event that does not fit what came before it; 0 = none */
};

/* All memory is the arena's. Reading stops at an odd event. */
void ticket_recompute(const struct recompute_facts *facts, const struct recompute_event *events,
                      size_t count, struct arena *arena, struct recomputed *result_r);
/* Name of the first field in which the two differ ("due_at", "state" ...), NULL = equal. */
const char *recompute_difference(const struct ticket_clock *stored,
                                 const struct ticket_clock *recomputed);

#endif
