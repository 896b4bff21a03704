/*
 * ticket_plan_private.h - the plan in the making: shared by ticket_guards.c (which row),
 * ticket_plan.c (what follows from it), ticket_clocks.c (what the clocks hear), ticket_tally.c (the
 * count) and ticket_plan_change.c (the change and its history).
 */
#ifndef HOTLINE_TICKET_PLAN_PRIVATE_H
#define HOTLINE_TICKET_PLAN_PRIVATE_H

#include "base/sbuf.h"
#include "hotline/route.h"
#include "hotline/ticket_plan.h"

/* New rows that one plan may add: lead and co-units, and their clocks. */
#define PLAN_ASSIGNMENT_ROOM (ROUTE_MAX_CO_UNITS + 1)
#define PLAN_CLOCK_ROOM (PLAN_ASSIGNMENT_ROOM * 5 + 4)

struct plan {
    const struct plan_context *ctx;
    const struct ticket_command *command; /* NULL for a tick */
    struct ticket_change *change;
    struct ticket_view *t; /* &change->after */
    const struct sla_policy *policy;
    const struct calendar *calendar;
    int64_t now_us;
};

/* ---- the change (ticket_plan_change.c) ---- */

void plan_begin(struct plan *p, const struct plan_context *ctx, const struct ticket_view *view,
                int64_t now_us, struct ticket_change *change);
/* Region, kind or policy of the ticket are others now: takes policy and calendar anew. */
void plan_look_up(struct plan *p);
/* Seals the change: version, hashes. */
void plan_end(struct plan *p);

/* detail is the inside of a JSON object without braces, or NULL. */
struct ticket_event *plan_event(struct plan *p, enum ticket_event_type type, int64_t at_us,
                                const struct assignment *assignment, const char *detail,
                                const char *text);
struct ticket_tally *plan_tally(struct plan *p, int64_t at_us, const char *unit);
/* "key":"value" with the value escaped; for details. */
void plan_json_string(struct sbuf *out, const char *key, const char *value);
/* "key":"instant" in the city's time. */
void plan_json_instant(struct sbuf *out, const struct plan *p, const char *key, int64_t us);

/* ---- what events tell (ticket_plan_details.c) ---- */

/* The event of a row, written before its effects. */
void plan_write_event(struct plan *p, const struct machine_row *row);
/* ticket.dispatched with the units that the command names. */
void plan_write_dispatched(struct plan *p);
/* "calendar_set":version of the calendar that deadlines are computed by now. */
void plan_write_calendar(struct sbuf *out, const struct plan *p);
/* Days that the desk grants: those it says, else those that were asked for. */
int plan_granted_days(const struct plan *p, const struct assignment_request *request);

/* ---- choosing (ticket_guards.c) ---- */

const struct machine_row *plan_choose_row(const struct plan *p, unsigned state_bit,
                                          struct plan_refusal *refusal, enum plan_result *result_r);
bool plan_is_current(const struct plan *p, const struct assignment *a);
/* The assignment that the command is about; NULL = none such. */
struct assignment *plan_find_self(const struct plan *p);
/* The same where entry checks made sure that it is there. */
struct assignment *plan_self(const struct plan *p);
/* The live assignment of a unit, NULL = none. */
struct assignment *plan_find_live(const struct plan *p, const char *unit);
/* Code of the unit above, NULL = none. */
const char *plan_unit_above(const struct plan *p, const char *unit);

/* ---- the count (ticket_tally.c) ---- */

void tally_receive(struct plan *p);
/* From one unit's hand into another's. */
void tally_move(struct plan *p, const char *from, const char *to);
/* Nobody's again: back in the pool, not dispatched. */
void tally_unhand(struct plan *p, const char *from);
/* Not open any more. */
void tally_end(struct plan *p, bool undo);
void tally_close(struct plan *p, enum tier tier, const char *unit);
/* Open again; undoes a closing if there was one. to_pool: nobody has it, not dispatched. */
void tally_reopen(struct plan *p, bool to_pool);
/* What was counted under the facts of `before` is counted under those of now. */
void tally_refile(struct plan *p, const struct ticket_view *before);

/* ---- clocks (ticket_clocks.c) ---- */

/* Lets time pass up to now: another calendar, warnings, breaches, steps, ends of suspensions. */
void clocks_tick(struct plan *p);
/* The running or paused clock of that kind; NULL = none. */
struct ticket_clock *clocks_find(const struct plan *p, enum clock_kind clock, int assignment);
/* The resolve clock that an assignment has to keep: its own, or the ticket's. NULL = none runs. */
struct ticket_clock *clocks_find_resolve(const struct plan *p, const struct assignment *a);
/* Clocks that stop at this event: met. Those of one assignment, or with 0 of the ticket as a whole.
 */
void clocks_stop_at(struct plan *p, enum sla_event event, int assignment);
/* Clocks that start at this event; per-unit clocks only if an assignment is named. */
void clocks_start_at(struct plan *p, enum sla_event event, int assignment);
void clocks_start(struct plan *p, enum clock_kind clock, int assignment);
/* The clocks of a new assignment: sign, contact, return; of a co-unit its own resolve clock; with
 * days a resolve clock of so many working days. */
void clocks_start_unit(struct plan *p, const struct assignment *a, int days);
/* The pausable clocks of one assignment stand still; the lead's with_ticket also the ticket's. */
void clocks_pause(struct plan *p, const struct assignment *a, bool with_ticket);
void clocks_resume(struct plan *p, const struct assignment *a, int64_t at_us);
/* Moves the deadline that the assignment has to keep by working days. */
void clocks_extend(struct plan *p, const struct assignment *a, int days);
/* The resolve clock goes on where it stopped; the time in review is given back if it is pausable.
 */
void clocks_resume_resolve(struct plan *p);
/* The resolve clock runs again as if it had never been stopped. */
void clocks_revive_resolve(struct plan *p);
/* All running clocks end unmet; with met_resolve the resolve clock counts as met now. assignment 0
 * = all. */
void clocks_end(struct plan *p, int assignment, bool met_resolve);

/* ---- what follows from a row (ticket_plan.c) ---- */

/* A suspension ends by itself at its date; from a tick. */
void plan_end_suspension(struct plan *p, struct assignment *a, int64_t at_us);

#endif
