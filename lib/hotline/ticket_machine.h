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
    ACTION_ADD_UNIT,
    ACTION_DECIDE, /* on a unit's request; acts on that assignment */
    ACTION_MERGE,
    ACTION_UNMERGE,
    ACTION_REOPEN,
    ACTION_FALSE_ALARM,
    ACTION_SIGN, /* from here on: by a unit, on one of its assignments */
    ACTION_CONTACT,
    ACTION_REPORT,
    ACTION_FORWARD,
    ACTION_ESCALATE,
    ACTION_RETURN,
    ACTION_EXTEND,
    ACTION_SUSPEND,
    ACTION_RESUME,
    ACTION_COUNT
};
extern const struct word action_words[ACTION_COUNT];
/* true: acts on one assignment of the acting unit. */
bool action_is_assignments(enum ticket_action action);
/* true: its rows name assignment states: the units' actions, and the decision about a request. */
bool action_is_on_assignment(enum ticket_action action);

/* What a unit may ask the desk for; at most one at a time of an assignment. */
enum request_kind {
    REQUEST_NONE,
    REQUEST_RETURN,     /* 退单 */
    REQUEST_EXTENSION,  /* 延期 */
    REQUEST_SUSPENSION, /* 挂起 */
    REQUEST_COUNT
};
extern const struct word request_words[REQUEST_COUNT];

/* Why a unit gives a ticket back (DOMAIN 2). */
enum return_ground {
    GROUND_WRONG_DISTRICT, /* 不属本辖区 */
    GROUND_NOT_OWN_DUTY,   /* 不属本单位职责 */
    GROUND_OVERLAPPING,    /* 职责交叉 */
    GROUND_LACKS_INFORMATION,
    GROUND_COUNT
};
extern const struct word return_ground_words[GROUND_COUNT];

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
    EVENT_INCOMPLETE, /* received, but something is missing */
    EVENT_UNIT_ADDED,
    EVENT_MERGED,
    EVENT_UNMERGED,
    EVENT_REOPENED,
    EVENT_FALSE_ALARM,
    EVENT_FORWARDED,
    EVENT_ESCALATED,
    EVENT_RETURN_REQUESTED,
    EVENT_RETURNED,
    EVENT_RETURN_REFUSED,
    EVENT_EXTENSION_REQUESTED,
    EVENT_EXTENDED,
    EVENT_EXTENSION_REFUSED,
    EVENT_SUSPENSION_REQUESTED,
    EVENT_SUSPENDED,
    EVENT_SUSPENSION_REFUSED,
    EVENT_RESUMED,
    EVENT_CLOCK_WARNED,
    EVENT_CLOCK_BREACHED,
    EVENT_CLOCK_ESCALATED,  /* a step after the breach: somebody higher is told */
    EVENT_CLOCK_RECOMPUTED, /* another calendar gives another deadline */
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
    GUARD_DRAFT,             /* received as incomplete */
    GUARD_ELSEWHERE,         /* the unit named has no live assignment here, and there is room */
    GUARD_MAY_RETURN,        /* window open, not a problem ticket */
    GUARD_MAY_EXTEND,        /* a deadline runs, is kept so far, and extensions are left */
    GUARD_MAY_SUSPEND,       /* nothing else asked for, until lies ahead and not too far */
    GUARD_BELOW,             /* the unit named is under the acting one */
    GUARD_ABOVE,             /* there is a unit above the acting one */
    GUARD_REFUSED_UNSIGNED,  /* refused, and the unit had not signed yet */
    GUARD_REFUSED,
    GUARD_GRANTED_CO,   /* granted, to a co-unit */
    GUARD_GRANTED_LAST, /* granted, and that was the last transfer */
    GUARD_GRANTED_TO,   /* granted, and the new lead is named */
    GUARD_GRANTED,
    GUARD_SUSPENSION_GRANTED, /* a suspension was asked for; its end still lies ahead */
    GUARD_SUSPENSION_REFUSED,
    GUARD_MAY_MERGE,       /* another, open ticket; itself nobody's master */
    GUARD_MASTER_ANSWERED, /* merged, and the master's result has passed */
    GUARD_WAS_UNITS,       /* it had been closed by a unit */
    GUARD_COUNT
};
/* code = refusal word when only the guard failed ("already_signed", "co_units_pending" ...), with
 * texts for people. */
extern const struct word guard_words[GUARD_COUNT];
/* Words of refusals that are finer than the guard they come from. */
enum { REFUSAL_WORD_COUNT = 17 };
extern const struct word refusal_words[REFUSAL_WORD_COUNT];

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
    EFFECT_ADD_CO,    /* one more co-unit, named by the command */
    EFFECT_HAND_OVER, /* the acting one goes to `assignment_to`, the named unit has its role */
    EFFECT_TRANSFER,  /* the acting one goes to `assignment_to`, the named unit leads */
    EFFECT_TO_POOL,   /* the acting one goes to `assignment_to`, the other live ones are recalled */
    EFFECT_COUNT
};

#define STATE_KEEP (-1)
#define ASSIGNMENT_SAME (-2) /* of `assignment_to`: the acting assignment stays as it is */
#define STATE_NONE 31        /* bit for "does not exist yet" in `from` */

struct machine_row {
    unsigned from; /* bits 1 << enum ticket_state, or 1u << STATE_NONE */
    enum ticket_action action;
    unsigned roles;           /* bits 1 << enum actor_role */
    unsigned assignment_from; /* bits 1 << enum assignment_state; 0 = not on an assignment */
    enum ticket_guard guard;
    int to; /* enum ticket_state or STATE_KEEP */
    enum assignment_effect effect;
    int assignment_to; /* of effects on the acting assignment */
    enum ticket_event_type event;
    enum sla_event sla;  /* what the clocks hear; SLA_NEVER = nothing */
    const char *comment; /* for the generated document */
};
extern const struct machine_row machine_rows[];
extern const size_t machine_row_count;

bool ticket_state_is_open(enum ticket_state state);
/* not passed, returned, recalled, forwarded */
bool assignment_state_is_live(enum assignment_state state);
/* The effects that move the acting assignment. */
bool effect_is_on_self(enum assignment_effect effect);

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
/* Promela: vocabulary and rows, for test/model. */
void machine_write_promela(struct sbuf *out);

#endif
