/*
 * ticket_fixture.h - a small city with the default deadlines of the field and China's working days,
 * and one ticket that is carried from plan to plan as a database would.
 */
#ifndef TEST_TICKET_FIXTURE_H
#define TEST_TICKET_FIXTURE_H

#include "hotline/route.h"
#include "hotline/ticket_plan.h"
#include "unit/hotline/calendar_fixture.h"
#include "unit/hotline/city_fixture.h"

/* Regions and units of the city fixture. */
#define RIG_TOWN_A "620201100000" /* 0101 -> unit TA */
#define RIG_TOWN_B "620201101000" /* 0101 -> unit TB; a calendar of its own */
#define RIG_VILLAGE_A1 "620201100001"
#define RIG_MAX_EVENTS 600
#define RIG_MAX_TALLIES 400

struct ticket_rig {
    struct city_fixture city_spec;
    struct calendar_fixture days;
    struct city *city;
    struct plan_rules rules;
    struct plan_context context;
    struct ticket_change change;
    struct plan_refusal refusal;
    const char *policy;      /* of the next ticket */
    int64_t number;          /* the same; 1 */
    bool is_incomplete;      /* the same: something is missing */
    struct ticket_view view; /* the ticket as it is now */
    int64_t now_us;
    /* All that was planned and taken, as it would have been stored. */
    struct ticket_event events[RIG_MAX_EVENTS];
    size_t event_count;
    struct ticket_tally tallies[RIG_MAX_TALLIES];
    size_t tally_count;
};

/* The default profile of DOMAIN 4. The policy "fast" counts from the lead's signature to the close
 * and, per unit, from contact to report. */
extern const struct sla_rule ticket_rig_profile[];
extern const size_t ticket_rig_profile_count;

int ticket_rig_setup(void **state);
int ticket_rig_teardown(void **state);
/* Forgets the ticket and frees what its plans allocated. */
void ticket_rig_renew_arena(struct ticket_rig *rig);

/* The rules of the policy "fast" from now on; they have to outlive the rig. */
void ticket_rig_use_rules(struct ticket_rig *rig, const struct sla_rule *rules, size_t count);

/* Another calendar of the city from now on, under this version; copied. */
void ticket_rig_use_calendar(struct ticket_rig *rig, const struct calendar_spec *calendar,
                             int64_t version);

/* The clock of the test: "2026-02-13 10:00". */
void rig_at(struct ticket_rig *rig, const char *local_time);
/* Routes and plans a new ticket; kind and urgency as given. region NULL = not known. */
void rig_receive(struct ticket_rig *rig, const char *category, const char *region,
                 enum ticket_kind kind, enum ticket_urgency urgency);
/* The same, planned only. */
void rig_plan_receipt(struct ticket_rig *rig, const char *category, const char *region,
                      enum ticket_kind kind, enum ticket_urgency urgency);
/* The change becomes what is stored and loaded again. */
void rig_carry(struct ticket_rig *rig);
/* Plans an action now; the view moves on if it was taken. */
enum plan_result rig_try(struct ticket_rig *rig, struct ticket_command command);
/* The same, but it has to be taken. */
void rig_do(struct ticket_rig *rig, struct ticket_command command);
/* The same, but it has to be refused as not now, for this reason. */
void rig_refused(struct ticket_rig *rig, struct ticket_command command, const char *reason);
void rig_tick(struct ticket_rig *rig);

/* Commands. */
struct ticket_command rig_desk(enum ticket_action action);
struct ticket_command rig_supervisor(enum ticket_action action);
struct ticket_command rig_unit(enum ticket_action action, const char *unit, int assignment);
struct ticket_command rig_dispatch(enum actor_role role, const char *lead, const char *const *co,
                                   size_t co_count);
struct ticket_command rig_review(bool pass);
struct ticket_command rig_callback(bool reached, int solved, int satisfied);
/* The desk decides what an assignment has asked for. */
struct ticket_command rig_decide(int assignment, bool grant);

/* The newest clock of this kind (of any assignment); fails if there is none. */
const struct ticket_clock *rig_clock(const struct ticket_rig *rig, enum clock_kind clock);
size_t rig_running(const struct ticket_rig *rig, enum clock_kind clock);
/* How often an event of this type was written; *last_r (may be NULL) gets the newest. */
size_t rig_events(const struct ticket_rig *rig, enum ticket_event_type type,
                  const struct ticket_event **last_r);
/* Sum of all tallies of a unit; "" = none, NULL = all. */
struct ticket_tally rig_sum(const struct ticket_rig *rig, const char *unit);
/* Recomputes the chain of all events: the number of the first one that is wrong, 0 = none. */
int rig_broken_link(const struct ticket_rig *rig);

#endif
