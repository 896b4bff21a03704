#include "unit/hotline/ticket_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define RULE(clock_, kind_, urgency_, redo_, amount_, unit_, start_, stop_, pausable_)             \
    {                                                                                              \
        .clock = CLOCK_##clock_, .kind = (kind_), .urgency = (urgency_), .redo = (redo_),          \
        .limit = {(amount_), LIMIT_##unit_}, .start = SLA_##start_, .stop = SLA_##stop_,           \
        .pausable = (pausable_), .warn_percent = 75                                                \
    }
#define ANY SLA_ANY
#define RESOLVE(kind_, days_)                                                                      \
    RULE(RESOLVE, kind_, ANY, false, days_, WORKING_DAYS, RECEIVED, REPORTED, true)
#define URGENT(clock_, urgency_, minutes_, start_, stop_, pausable_)                               \
    RULE(clock_, ANY, URGENCY_##urgency_, false, minutes_, MINUTES, start_, stop_, pausable_)

const struct sla_rule ticket_rig_profile[] = {
    RULE(DISPATCH, ANY, ANY, false, 30, MINUTES, RECEIVED, DISPATCHED, false),
    RULE(SIGN, ANY, ANY, false, 240, WORKING_MINUTES, DISPATCHED, SIGNED, false),
    URGENT(SIGN, URGENT, 15, DISPATCHED, SIGNED, false),
    URGENT(SIGN, CRITICAL, 5, DISPATCHED, SIGNED, false),
    RULE(FIRST_CONTACT, ANY, ANY, false, 1, WORKING_DAYS, DISPATCHED, CONTACTED, true),
    URGENT(FIRST_CONTACT, URGENT, 30, DISPATCHED, CONTACTED, true),
    URGENT(FIRST_CONTACT, CRITICAL, 30, DISPATCHED, CONTACTED, true),
    RULE(RETURN, ANY, ANY, false, 2, WORKING_DAYS, DISPATCHED, NEVER, true),
    RESOLVE(KIND_CONSULT, 2),
    RESOLVE(KIND_HELP, 5),
    RESOLVE(KIND_COMPLAINT, 5),
    RESOLVE(KIND_REPORT, 15),
    RESOLVE(KIND_SUGGESTION, 5),
    RESOLVE(KIND_PRAISE, 5),
    URGENT(RESOLVE, URGENT, 1440, RECEIVED, REPORTED, true),
    URGENT(RESOLVE, CRITICAL, 120, RECEIVED, REPORTED, true),
    RULE(RESOLVE, ANY, ANY, true, 3, WORKING_DAYS, REDO, REPORTED, true),
    RULE(REVIEW, ANY, ANY, false, 1, WORKING_DAYS, REPORTED, REVIEWED, false),
    RULE(CALLBACK, ANY, ANY, false, 2, WORKING_DAYS, REVIEWED, CALLED_BACK, false),
};
const size_t ticket_rig_profile_count = ARRAY_LEN(ticket_rig_profile);

static const struct sla_rule from_signature[] = {
    RULE(RESOLVE, ANY, ANY, false, 600, MINUTES, SIGNED, CLOSED, true),
    RULE(RESOLVE, ANY, ANY, true, 300, MINUTES, REDO, CLOSED, true),
    RULE(RETURN, ANY, ANY, false, 60, MINUTES, CONTACTED, REPORTED, false),
};

/* ---- the rig ------------------------------------------------------------------------------- */

static void build_city(struct ticket_rig *rig)
{
    city_fixture_init(&rig->city_spec);
    fixture_office(&rig->days);
    assert_true(fixture_load(&rig->days, FIXTURE_CN_DAYS));
    rig->city_spec.calendars[0] = rig->days.spec;
    rig->city_spec.policies[0].rules = ticket_rig_profile;
    rig->city_spec.policies[0].rule_count = ticket_rig_profile_count;
    rig->city_spec.policies[1].rules = from_signature;
    rig->city_spec.policies[1].rule_count = ARRAY_LEN(from_signature);
    rig->city = city_fixture_build(&rig->city_spec);
}

void ticket_rig_use_rules(struct ticket_rig *rig, const struct sla_rule *rules, size_t count)
{
    city_unref(&rig->city);
    rig->city_spec.policies[1].rules = rules;
    rig->city_spec.policies[1].rule_count = count;
    rig->city = city_fixture_build(&rig->city_spec);
    rig->context.city = rig->city;
    rig->policy = "fast";
}

void ticket_rig_use_calendar(struct ticket_rig *rig, const struct calendar_spec *calendar,
                             int64_t version)
{
    city_unref(&rig->city);
    rig->city_spec.calendars[0] = *calendar;
    rig->city_spec.spec.calendar_version = version;
    rig->city = city_fixture_build(&rig->city_spec);
    rig->context.city = rig->city;
}

int ticket_rig_setup(void **state)
{
    struct ticket_rig *rig = calloc(1, sizeof(*rig));

    assert_non_null(rig);
    build_city(rig);
    rig->rules = PLAN_RULES_DEFAULT;
    rig->policy = "default";
    rig->number = 1;
    rig->context =
        (struct plan_context){.city = rig->city, .rules = &rig->rules, .arena = arena_new()};
    *state = rig;
    return 0;
}

int ticket_rig_teardown(void **state)
{
    struct ticket_rig *rig = *state;

    arena_free(&rig->context.arena);
    city_unref(&rig->city);
    free(rig);
    return 0;
}

void ticket_rig_renew_arena(struct ticket_rig *rig)
{
    arena_free(&rig->context.arena);
    rig->context.arena = arena_new();
    rig->event_count = rig->tally_count = 0;
    memset(&rig->view, 0, sizeof(rig->view));
}

void rig_at(struct ticket_rig *rig, const char *local_time)
{
    rig->now_us = at(local_time);
}

/* ---- carrying the ticket on ---------------------------------------------------------------- */

/* What storing and loading again would do. */
void rig_carry(struct ticket_rig *rig)
{
    const struct ticket_change *change = &rig->change;

    rig->view = change->after;
    for (size_t i = 0; i < rig->view.assignment_count; i++)
        rig->view.assignments[i].is_new = rig->view.assignments[i].is_changed = false;
    for (size_t i = 0; i < rig->view.clock_count; i++)
        rig->view.clocks[i].is_new = rig->view.clocks[i].is_changed = false;
    assert_true(rig->event_count + change->event_count <= RIG_MAX_EVENTS);
    for (size_t i = 0; i < change->event_count; i++)
        rig->events[rig->event_count++] = change->events[i];
    assert_true(rig->tally_count + change->tally_count <= RIG_MAX_TALLIES);
    for (size_t i = 0; i < change->tally_count; i++)
        rig->tallies[rig->tally_count++] = change->tallies[i];
}

void rig_plan_receipt(struct ticket_rig *rig, const char *category, const char *region,
                      enum ticket_kind kind, enum ticket_urgency urgency)
{
    struct route route;
    struct route_matter matter = {.category = city_find_category(rig->city, category),
                                  .region = region ? city_find_region(rig->city, region) : -1,
                                  .kind = kind,
                                  .urgency = urgency,
                                  .title = "",
                                  .text = "",
                                  .now_us = rig->now_us};
    struct ticket_view draft = {.number = rig->number,
                                .kind = kind,
                                .urgency = urgency,
                                .category = category,
                                .region = region,
                                .policy = rig->policy,
                                .received_us = rig->now_us};
    struct ticket_command command = {.action = ACTION_RECEIVE,
                                     .role = ROLE_DESK,
                                     .actor = "desk-1",
                                     .route = &route,
                                     .incomplete = rig->is_incomplete,
                                     .now_us = rig->now_us};

    route_matter(rig->city, &matter, &route);
    enum plan_result result =
        ticket_plan_intake(&rig->context, &draft, &command, &rig->change, &rig->refusal);
    assert_int_equal(result, PLAN_OK);
}

void rig_receive(struct ticket_rig *rig, const char *category, const char *region,
                 enum ticket_kind kind, enum ticket_urgency urgency)
{
    rig_plan_receipt(rig, category, region, kind, urgency);
    rig_carry(rig);
}

enum plan_result rig_try(struct ticket_rig *rig, struct ticket_command command)
{
    command.now_us = rig->now_us;
    enum plan_result result =
        ticket_plan_action(&rig->context, &rig->view, &command, &rig->change, &rig->refusal);
    if (result == PLAN_OK)
        rig_carry(rig);
    return result;
}

void rig_do(struct ticket_rig *rig, struct ticket_command command)
{
    enum plan_result result = rig_try(rig, command);

    if (result != PLAN_OK)
        fail_msg("%s: refused (%d), %s", action_words[command.action].code, result,
                 rig->refusal.reason ? rig->refusal.reason : "");
}

void rig_refused(struct ticket_rig *rig, struct ticket_command command, const char *reason)
{
    assert_int_equal(rig_try(rig, command), PLAN_NOT_NOW);
    assert_string_equal(rig->refusal.reason, reason);
    assert_int_equal(rig->refusal.state, rig->view.state);
}

void rig_tick(struct ticket_rig *rig)
{
    int version = rig->view.version;

    ticket_plan_tick(&rig->context, &rig->view, rig->now_us, &rig->change);
    assert_int_equal(rig->change.is_changed, rig->change.event_count > 0);
    assert_int_equal(rig->change.after.version, version + rig->change.is_changed);
    rig_carry(rig);
}

/* ---- commands ------------------------------------------------------------------------------ */

struct ticket_command rig_desk(enum ticket_action action)
{
    return (struct ticket_command){.action = action,
                                   .role = ROLE_DESK,
                                   .actor = "desk-1",
                                   .text = "words",
                                   .contacted = -1,
                                   .solved = -1};
}

struct ticket_command rig_supervisor(enum ticket_action action)
{
    struct ticket_command c = rig_desk(action);

    c.role = ROLE_SUPERVISOR;
    c.actor = "supervisor-1";
    return c;
}

struct ticket_command rig_unit(enum ticket_action action, const char *unit, int assignment)
{
    struct ticket_command c = rig_desk(action);

    c.role = ROLE_UNIT;
    c.actor = unit;
    c.unit = unit;
    c.assignment = assignment;
    if (action == ACTION_REPORT) {
        c.solved = 1;
        c.internal = "for the desk";
        c.public_reply = "for the citizen";
    }
    return c;
}

struct ticket_command rig_dispatch(enum actor_role role, const char *lead, const char *const *co,
                                   size_t co_count)
{
    struct ticket_command c =
        role == ROLE_SUPERVISOR ? rig_supervisor(ACTION_DISPATCH) : rig_desk(ACTION_DISPATCH);

    c.role = role;
    c.lead_unit = lead;
    c.co_units = co;
    c.co_unit_count = co_count;
    return c;
}

struct ticket_command rig_review(bool pass)
{
    struct ticket_command c = rig_desk(ACTION_REVIEW);

    c.pass = pass;
    return c;
}

struct ticket_command rig_callback(bool reached, int solved, int satisfied)
{
    struct ticket_command c = rig_desk(ACTION_CALLBACK);

    c.reached = reached;
    c.solved = solved;
    c.satisfied = satisfied;
    return c;
}

struct ticket_command rig_decide(int assignment, bool grant)
{
    struct ticket_command c = rig_desk(ACTION_DECIDE);

    c.assignment = assignment;
    c.grant = grant;
    return c;
}

/* ---- looking ------------------------------------------------------------------------------- */

const struct ticket_clock *rig_clock(const struct ticket_rig *rig, enum clock_kind clock)
{
    for (size_t i = rig->view.clock_count; i-- > 0;) {
        if (rig->view.clocks[i].clock == clock)
            return &rig->view.clocks[i];
    }
    fail_msg("no clock %s", clock_words[clock].code);
    return NULL;
}

size_t rig_running(const struct ticket_rig *rig, enum clock_kind clock)
{
    size_t count = 0;

    for (size_t i = 0; i < rig->view.clock_count; i++) {
        const struct ticket_clock *c = &rig->view.clocks[i];
        count += c->clock == clock && c->state == CLOCK_RUNNING;
    }
    return count;
}

size_t rig_events(const struct ticket_rig *rig, enum ticket_event_type type,
                  const struct ticket_event **last_r)
{
    size_t count = 0;

    for (size_t i = 0; i < rig->event_count; i++) {
        if (rig->events[i].type != type)
            continue;
        count++;
        if (last_r)
            *last_r = &rig->events[i];
    }
    return count;
}

struct ticket_tally rig_sum(const struct ticket_rig *rig, const char *unit)
{
    struct ticket_tally sum = {.unit = unit};

    for (size_t i = 0; i < rig->tally_count; i++) {
        const struct ticket_tally *t = &rig->tallies[i];
        if (unit && strcmp(t->unit, unit) != 0)
            continue;
        sum.received += t->received;
        sum.desk += t->desk;
        sum.dispatched += t->dispatched;
        sum.open += t->open;
        sum.closed += t->closed;
        sum.on_time += t->on_time;
        sum.overdue += t->overdue;
        sum.tier = t->closed ? t->tier : sum.tier;
    }
    return sum;
}

int rig_broken_link(const struct ticket_rig *rig)
{
    uint8_t previous[32] = {0}, hash[32];

    for (size_t i = 0; i < rig->event_count; i++) {
        ticket_event_hash(previous, rig->view.number, &rig->events[i], hash);
        if (memcmp(hash, rig->events[i].hash, sizeof(hash)) != 0)
            return (int)i + 1;
        memcpy(previous, hash, sizeof(previous));
    }
    return memcmp(previous, rig->view.event_hash, sizeof(previous)) == 0
               ? 0
               : (int)rig->event_count + 1;
}
