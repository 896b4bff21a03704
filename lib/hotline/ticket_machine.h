/*
 * ticket_machine.h - what may happen to a ticket: one table (DOMAIN 2).
 *
 * Two machines: the ticket's, and one for each unit's handling of it, the assignment's. A row says:
 * in these ticket states this action by these roles, if the guard holds, leads to that ticket
 * state, moves these assignments, writes this event and tells the clocks this. Rows of one action
 * are tried from above; the first whose state, role, assignment and guard fit is taken. If none
 * fits, the refusal is that of the row that came nearest (state, then role, then assignment state,
 * then guard).
 *
 * The documentation, its diagram and the transition tables in the database are generated from or
 * compared with these rows; nothing else knows them.
 */
#ifndef HOTLINE_TICKET_MACHINE_H
#define HOTLINE_TICKET_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#include "hotline/sla.h"
#include "hotline/vocabulary.h"

enum ticket_action {
    ACTION_RECEIVE, /* intake */
    ACTION_ANSWER,
    ACTION_COMPLETE,
    ACTION_DISPATCH,
    ACTION_REJECT,
    ACTION_REFER,
    ACTION_WITHDRAW,
    ACTION_REVIEW,
    ACTION_CALLBACK,
    ACTION_NOTE,
    ACTION_URGE,
    ACTION_SUPERVISE,
    ACTION_ARCHIVE,
    ACTION_SIGN, /* from here on: by a unit, on one of its assignments */
    ACTION_CONTACT,
    ACTION_REPORT,
    ACTION_COUNT
};
extern const struct word action_words[ACTION_COUNT];
/* true: acts on one assignment of the acting unit. */
bool action_is_assignments(enum ticket_action action);

enum ticket_event_type {
    EVENT_RECEIVED,
    EVENT_DISPATCHED,
    EVENT_POOLED, /* no unit found: waits in the dispatch pool */
    EVENT_ANSWERED,
    EVENT_COMPLETED,
    EVENT_REJECTED,
    EVENT_REFERRED,
    EVENT_WITHDRAWN,
    EVENT_SIGNED,
    EVENT_CONTACTED,
    EVENT_REPORTED,
    EVENT_REVIEW_PASSED,
    EVENT_REVIEW_FAILED,
    EVENT_CALLED_BACK,
    EVENT_REDO,
    EVENT_PROBLEM, /* too many rounds: a problem ticket 问题工单 */
    EVENT_CLOSED,
    EVENT_ARCHIVED,
    EVENT_NOTED,
    EVENT_URGED,
    EVENT_SUPERVISED,
    EVENT_CLOCK_WARNED,
    EVENT_CLOCK_BREACHED,
    EVENT_TYPE_COUNT
};
/* code is what is sent and stored: "ticket.received", "assignment.signed", "clock.breached" ... */
extern const struct word event_words[EVENT_TYPE_COUNT];

/* Conditions on facts of the command and the ticket. GUARD_NONE always holds. */
enum ticket_guard {
    GUARD_NONE,
    GUARD_ROUTED,        /* the route found a lead unit */
    GUARD_NOBODY_SIGNED, /* no unit has begun: the desk can still take it back */
    GUARD_IS_LEAD_READY, /* the lead reports, and every co-unit has answered */
    GUARD_IS_CO,
    GUARD_PASS,
    GUARD_FAIL,
    GUARD_UNREACHED,         /* nobody answered and attempts are left */
    GUARD_UNREACHED_LAST,    /* nobody answered for the last time */
    GUARD_CONTENT,           /* solved and not dissatisfied */
    GUARD_REDO_LEFT,         /* not content, a further round is allowed */
    GUARD_REDO_SPENT,        /* not content, rounds used up */
    GUARD_NOT_PROBLEM,       /* an ordinary ticket */
    GUARD_PROBLEM,           /* a problem ticket */
    GUARD_UNSIGNED_ORDINARY, /* both: no unit has begun, and not a problem ticket */
    GUARD_COUNT
};
/* code = refusal word when only the guard failed ("already_signed", "co_units_pending" ...), with
 * texts for people. */
extern const struct word guard_words[GUARD_COUNT];

/* What happens to assignments of the current round. */
enum assignment_effect {
    EFFECT_NONE,
    EFFECT_CREATE,    /* lead and co-units named by the command: unsigned */
    EFFECT_REPLACE,   /* recall the live ones, then create */
    EFFECT_RECALL,    /* recall the live ones */
    EFFECT_SELF,      /* the acting assignment goes to `assignment_to` */
    EFFECT_PASS,      /* all reported ones: passed */
    EFFECT_LEAD_BACK, /* the lead's: working again, same round */
    EFFECT_REDO,      /* a new round for the unit whose result failed */
    EFFECT_COUNT
};

#define STATE_KEEP (-1)
#define STATE_NONE 31 /* bit for "does not exist yet" in `from` */

struct machine_row {
    unsigned from; /* bits 1 << enum ticket_state, or 1u << STATE_NONE */
    enum ticket_action action;
    unsigned roles;           /* bits 1 << enum actor_role */
    unsigned assignment_from; /* bits 1 << enum assignment_state; 0 = not on an assignment */
    enum ticket_guard guard;
    int to; /* enum ticket_state or STATE_KEEP */
    enum assignment_effect effect;
    int assignment_to; /* of EFFECT_SELF */
    enum ticket_event_type event;
    enum sla_event sla;  /* what the clocks hear; SLA_NEVER = nothing */
    const char *comment; /* for the generated document */
};
extern const struct machine_row machine_rows[];
extern const size_t machine_row_count;

bool ticket_state_is_open(enum ticket_state state);
bool assignment_state_is_live(enum assignment_state state); /* not passed, returned, recalled */

/* The assignment states an effect can lead to from `from`, for generated tables: calls edge(ctx,
 * from, to). */
void machine_each_ticket_edge(void (*edge)(void *ctx, enum ticket_state from, enum ticket_state to),
                              void *ctx);
void machine_each_assignment_edge(void (*edge)(void *ctx, enum assignment_state from,
                                               enum assignment_state to),
                                  void *ctx);
/* NULL or what is wrong with the table (duplicate rows, an unreachable row, a guard of another
 * action). */
const char *machine_check(void);

struct sbuf;
/* Markdown with a Mermaid diagram: proto/TICKET.md is this text. */
void machine_write_document(struct sbuf *out);

#endif
