/*
 * ticket_plan.h - from a ticket as it is and a command to what has to be stored, pure.
 *
 *   view (loaded) + command + now  ->  change (to be stored in one statement)  or a refusal
 *
 * The plan first lets time pass: warnings and breaches that are due at `now` become part of the
 * change, whoever comes first, the sweeper or a user. The stored version guards the change: if
 * somebody else was faster it is discarded, the ticket loaded again and planned again. Nothing here
 * reads a clock, a database or a network. All memory is the arena's.
 */
#ifndef HOTLINE_TICKET_PLAN_H
#define HOTLINE_TICKET_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "hotline/city.h"
#include "hotline/ticket_machine.h"

/* ---- a ticket as it is ------------------------------------------------------------------------
 */

/* What a unit has asked for and the desk has not decided yet. */
struct assignment_request {
    enum request_kind kind; /* REQUEST_NONE: nothing waits; the rest is 0 then */
    int64_t at_us;
    const char *ground; /* return: code of return_ground_words; extension, suspension: text */
    const char *text;   /* evidence, NULL = none */
    const char *proposed_unit; /* return, NULL = none */
    int days;                  /* extension: working days */
    int64_t until_us;          /* suspension */
};

struct assignment {
    int ordinal; /* 1.. within the ticket; the id outside is "number-ordinal" */
    const char *unit;
    enum assignment_role role;
    int round; /* 1.. */
    enum assignment_state state;
    int64_t created_us, signed_us, contacted_us, reported_us, ended_us; /* 0 = not yet */
    const char *signed_by;               /* account; NULL = not yet */
    int solved;                          /* of the report: -1 unknown, 0, 1 */
    const char *internal, *public_reply; /* NULL = none */
    int parent;                          /* ordinal that handed it down or up; 0 = the desk's */
    struct assignment_request request;
    int extensions;             /* granted so far */
    int64_t suspended_until_us; /* of ASSIGNMENT_SUSPENDED, else 0 */
    bool is_changed, is_new;
};

struct ticket_clock {
    int ordinal;    /* 1.. within the ticket */
    int assignment; /* ordinal; 0 = of the ticket as a whole */
    enum clock_kind clock;
    int round;
    enum clock_state state;
    enum sla_event stop;
    struct limit limit;
    int warn_percent;
    bool pausable, provisional;
    int64_t sla_set, calendar_set; /* versions of policy and calendar it was computed by */
    int64_t started_us, due_us, warn_us;
    int64_t original_due_us;                /* without the extensions */
    int64_t warned_us, breached_us, met_us; /* 0 = not */
    int64_t paused_at_us;                   /* since when it stands still; 0 = it does not */
    int64_t paused_us;                      /* given back so far: working time for working units */
    int step;                               /* escalation steps taken after the breach */
    int64_t step_us;                        /* when the next one is due; 0 = none */
    /* In order of time; due = clock_compute(limit, started, these). */
    const struct clock_adjustment *adjustments;
    size_t adjustment_count;
    bool is_changed, is_new;
};

struct ticket_view {
    int64_t number;
    int version;
    enum ticket_state state;
    enum ticket_kind kind;
    enum ticket_urgency urgency;
    enum ticket_channel channel;
    const char *category, *region; /* codes; region NULL = not known */
    int round;
    bool is_problem, is_overdue;
    int callback_attempts; /* without an answer, in this round */
    const char *lead_unit; /* code or NULL */
    const char *policy;
    int64_t sla_set;                /* version of the policies it keeps */
    int transfers;                  /* returns granted to a lead */
    int64_t merged_into;            /* the master's number; 0 = not merged */
    enum ticket_state master_state; /* of merged_into, or of the master that a merge names */
    bool is_master;                 /* others are merged into it */
    int64_t received_us, dispatched_us;
    int64_t closed_us; /* 0 = not closed; the next three hold only then */
    enum tier closed_tier;
    const char *closed_unit; /* NULL = answered at the desk */
    bool closed_on_time;
    enum tier deepest_tier;
    bool was_late; /* some resolve clock was broken */
    struct assignment *assignments;
    size_t assignment_count;
    struct ticket_clock *clocks;
    size_t clock_count;
    int event_count;
    uint8_t event_hash[32];
    /* Of the last event, for "who changed it". */
    const char *last_actor;
    int64_t last_at_us;
};

/* ---- what somebody wants ------------------------------------------------------------------------
 */

/* What completing a ticket may set; NULL or -1 = as it was. */
struct ticket_facts {
    const char *category, *region, *address, *title, *text; /* codes checked to exist */
    int kind, urgency;
};

struct ticket_command {
    enum ticket_action action;
    enum actor_role role;
    const char *actor;     /* account name */
    const char *unit;      /* of ROLE_UNIT */
    int assignment;        /* ordinal, for actions on assignments */
    const char *text;      /* reply, ground, note, opinion ... as the action takes */
    const char *lead_unit; /* dispatch, forward, add-unit, decide; already checked to exist */
    const char *const *co_units;
    size_t co_unit_count;
    const char *to;                      /* refer */
    bool pass;                           /* review */
    bool reached;                        /* callback */
    int contacted, solved;               /* callback, report: -1 not said, 0, 1 */
    int satisfied;                       /* 1..5 (5 best), 0 = not rated */
    const char *internal, *public_reply; /* report */
    const struct route *route;           /* receive, complete */
    bool incomplete;                     /* receive */
    bool grant;                          /* decide */
    int days;                            /* forward, extend, decide: working days; 0 = not said */
    int64_t until_us;                    /* suspend */
    const char *ground, *proposed_unit;  /* return, extend, suspend */
    int64_t into;                        /* merge: the master's number */
    const struct ticket_facts *facts;    /* complete: what is known now; NULL = nothing new */
    int64_t now_us;
};

/* Numbers of the city that the guards use; defaults of DOMAIN 2. */
struct plan_rules {
    int max_rounds;            /* 3 */
    int max_callback_attempts; /* 3 */
    int satisfied_from;        /* 4: grades that count as satisfied */
    int dissatisfied_to;       /* 2: grades that start a redo */
    int max_transfers;         /* 3: this one makes a problem ticket */
    int max_extensions;        /* 1 of an assignment */
    int max_extension_days;    /* 10 working days */
    int max_suspension_days;   /* 180 calendar days; ours, DOMAIN names none */
};
#define PLAN_RULES_DEFAULT ((struct plan_rules){3, 3, 4, 2, 3, 1, 10, 180})

/* ---- what has to be stored
 * ------------------------------------------------------------------------ */

struct ticket_event {
    int seq; /* 1.. within the ticket */
    enum ticket_event_type type;
    int64_t at_us; /* a breach: when the clock ran out, not when it was noticed; never before the
                    * event before it */
    const char *actor;
    enum actor_role role;
    int assignment;     /* ordinal or 0 */
    const char *unit;   /* of the assignment, or NULL */
    const char *tell;   /* a unit that hears of it although it has no part in it; NULL = none */
    const char *detail; /* JSON object text made by the plan: {"clock":"resolve","due_at":...} */
    const char *text;   /* what people said: note, ground, opinion; NULL */
    uint8_t hash[32];   /* chain: see ticket_event_hash() */
};

/* One row of the count: differences, see DOMAIN 5. */
struct ticket_tally {
    int64_t at_us;
    const char *unit; /* lead or closing unit; "" = none */
    enum tier tier;   /* of a closing */
    bool is_closing;  /* tier holds; closed may be -1 (reopened) */
    /* The ticket's own after the change, unless these say otherwise (before it was completed). */
    const char *category, *region; /* NULL = the ticket's; region "" = none */
    int kind;                      /* -1 = the ticket's */
    int received, desk, dispatched, open, closed, on_time, overdue;
};

struct ticket_callback {
    bool reached;
    int contacted, solved, satisfied;
    const char *text;
};

#define PLAN_MAX_EVENTS 160
#define PLAN_MAX_TALLIES 12

struct ticket_change {
    /* The ticket after the change: version is the expected one + 1; arrays hold all rows, with
     * is_new / is_changed. */
    struct ticket_view after;
    size_t event_count, tally_count;
    bool is_changed; /* false: nothing to store (a tick that found nothing due) */
    /* Set by the transition, NULL or 0 otherwise */
    const struct ticket_facts *facts; /* of complete */
    const struct route *route;        /* of complete: rule and reason to be stored */
    const char *public_reply;         /* what the citizen may read now */
    const char *ground;               /* of reject */
    const char *referred_to;
    bool has_callback;
    struct ticket_callback callback;
    int callback_round; /* the round it was about */
    int64_t callback_us;
    /* Last, because only what the counts say is ever set. */
    struct ticket_event events[PLAN_MAX_EVENTS];
    struct ticket_tally tallies[PLAN_MAX_TALLIES];
};

enum plan_result {
    PLAN_OK,
    PLAN_NOT_NOW,     /* state, assignment state or guard: 409 */
    PLAN_NOT_ALLOWED, /* no row of this action is for this role: 403 */
    PLAN_ABSENT,      /* no such assignment, or not the unit's own: 404 */
};
struct plan_refusal {
    const char *reason; /* "state", "assignment_state", or the guard's word */
    enum ticket_state state;
    int assignment_state;   /* or -1 */
    const char *changed_by; /* account, NULL = unknown */
    int64_t changed_us;
};

struct plan_context {
    const struct city *city;
    const struct plan_rules *rules;
    struct arena *arena;
};

/* A new ticket: `draft` has number, kind, urgency, channel, category, region, policy and
 * received_us; the rest is 0. */
enum plan_result ticket_plan_intake(const struct plan_context *ctx, const struct ticket_view *draft,
                                    const struct ticket_command *command,
                                    struct ticket_change *change_r, struct plan_refusal *refusal_r);
enum plan_result ticket_plan_action(const struct plan_context *ctx, const struct ticket_view *view,
                                    const struct ticket_command *command,
                                    struct ticket_change *change_r, struct plan_refusal *refusal_r);
/* Lets time pass only: warnings, breaches and what follows them, ends of suspensions, and another
 * calendar. */
void ticket_plan_tick(const struct plan_context *ctx, const struct ticket_view *view,
                      int64_t now_us, struct ticket_change *change_r);
/* The next instant at which a tick has something to do for this clock; 0 = never. */
int64_t ticket_clock_next_us(const struct ticket_clock *clock);
/* The next instant at which a tick has something to do for this ticket; 0 = never. */
int64_t ticket_next_us(const struct ticket_view *view);
/* Deadline that orders an assignment in the queue of its unit: its own resolve clock or the
 * ticket's, whichever is first; else the earliest of those that run; 0 = none. */
int64_t ticket_queue_due_us(const struct ticket_view *view, const struct assignment *assignment);

/* hash = SHA-256(previous hash, then number, seq, at, type, actor, assignment, detail, text, each
 * with its length). */
void ticket_event_hash(const uint8_t previous[32], int64_t number, const struct ticket_event *event,
                       uint8_t out[32]);

#endif
