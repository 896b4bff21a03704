/*
 * What an actor wants: mostly what people would do next with a ticket as it is, sometimes anything.
 */
#include <string.h>

#include "unit/hotline/life_world.h"

#define HOUR_US INT64_C(3600000000)

static const char *any_unit(struct life *l)
{
    return city_unit(l->city, (int)life_pick(l, 0, FIXTURE_UNITS - 1))->code;
}

static void name_units(struct life *l, struct life_actor *actor)
{
    struct ticket_command *c = &actor->command;
    int first = (int)life_pick(l, 0, FIXTURE_UNITS - 1);

    c->lead_unit = city_unit(l->city, first)->code;
    c->co_unit_count = life_chance(l, 65) ? 0 : (size_t)life_pick(l, 1, 2);
    c->co_units = actor->co;
    for (int i = 0; i < 2; i++)
        actor->co[i] = city_unit(l->city, (first + 1 + i) % FIXTURE_UNITS)->code;
}

/* What was missing; the rule may find a unit now. */
static void complete(struct life *l, struct life_actor *actor)
{
    static const char *const categories[] = {"0102", "0202", NULL};
    static const char *const regions[] = {RIG_TOWN_A, RIG_TOWN_B, NULL};
    const struct ticket_view *t = &actor->loaded;
    struct ticket_command *c = &actor->command;

    actor->facts = (struct ticket_facts){
        .category = categories[life_pick(l, 0, 2)],
        .region = regions[life_pick(l, 0, 2)],
        .kind = (int)life_pick(l, -1, KIND_COUNT - 1),
        .urgency = (int)life_pick(l, -1, URGENCY_COUNT - 1),
    };
    const struct ticket_facts *f = &actor->facts;
    const char *region = f->region ? f->region : t->region;
    const struct route_matter matter = {
        .category = city_find_category(l->city, f->category ? f->category : t->category),
        .region = region ? city_find_region(l->city, region) : -1,
        .kind = f->kind >= 0 ? (enum ticket_kind)f->kind : t->kind,
        .urgency = f->urgency >= 0 ? (enum ticket_urgency)f->urgency : t->urgency,
        .title = "",
        .text = "",
        .now_us = l->now_us,
    };
    route_matter(l->city, &matter, &actor->route);
    c->facts = f;
    c->route = &actor->route;
}

/* Whatever an action may need; actions take what they know. */
static void fill(struct life *l, struct life_actor *actor)
{
    static const char *const grounds[] = {"wrong_district", "not_own_duty", "waits for parts"};
    struct ticket_command *c = &actor->command;

    name_units(l, actor);
    if (c->action == ACTION_DECIDE && life_chance(l, 50))
        c->lead_unit = NULL;
    if (c->action == ACTION_COMPLETE)
        complete(l, actor);
    c->text = "words";
    c->to = "110";
    c->pass = life_chance(l, 70);
    c->reached = life_chance(l, 75);
    c->contacted = (int)life_pick(l, -1, 1);
    c->solved = life_chance(l, 50) ? 1 : (int)life_pick(l, -1, 1);
    c->satisfied = (int)life_pick(l, 0, 5);
    c->internal = "for the desk";
    c->public_reply = "for the citizen";
    c->grant = life_chance(l, 65);
    c->days = life_chance(l, 40) ? 0 : (int)life_pick(l, 1, 12);
    if (c->action == ACTION_EXTEND)
        c->days = (int)life_pick(l, 1, 11);
    c->until_us = l->now_us + life_pick(l, -2, life_chance(l, 90) ? 400 : 5000) * HOUR_US;
    c->ground = grounds[life_pick(l, 0, 2)];
    c->proposed_unit = life_chance(l, 50) ? any_unit(l) : NULL;
    c->into = l->tickets[life_pick(l, 0, LIFE_TICKETS - 1)].rig.view.number;
    if (c->action != ACTION_MERGE)
        c->into = 0;
}

/* ---- what people would do next
 * ------------------------------------------------------------------ */

struct choice {
    enum ticket_action action;
    int weight;
};
#define CHOICES(...)                                                                               \
    __VA_ARGS__, {ACTION_NOTE, 2},                                                                 \
    {                                                                                              \
        ACTION_COUNT, 0                                                                            \
    }

static const struct choice of_states[TICKET_STATE_COUNT][10] = {
    [TICKET_INCOMPLETE] = {CHOICES({ACTION_COMPLETE, 60}, {ACTION_FALSE_ALARM, 6},
                                   {ACTION_REJECT, 6}, {ACTION_MERGE, 12}, {ACTION_URGE, 3})},
    [TICKET_ACCEPTED] = {CHOICES({ACTION_DISPATCH, 70}, {ACTION_ANSWER, 8}, {ACTION_REJECT, 3},
                                 {ACTION_MERGE, 8}, {ACTION_FALSE_ALARM, 3}, {ACTION_SUPERVISE, 3},
                                 {ACTION_WITHDRAW, 2})},
    [TICKET_HANDLING] = {CHOICES({ACTION_DECIDE, 70}, {ACTION_ADD_UNIT, 6}, {ACTION_URGE, 8},
                                 {ACTION_SUPERVISE, 4}, {ACTION_MERGE, 4}, {ACTION_DISPATCH, 6},
                                 {ACTION_REFER, 2}, {ACTION_ANSWER, 3})},
    [TICKET_REVIEW] = {CHOICES({ACTION_REVIEW, 90})},
    [TICKET_CALLBACK] = {CHOICES({ACTION_CALLBACK, 90}, {ACTION_WITHDRAW, 1})},
    [TICKET_CLOSED] = {CHOICES({ACTION_REOPEN, 50}, {ACTION_ARCHIVE, 8})},
    [TICKET_ARCHIVED] = {CHOICES({ACTION_NOTE, 1})},
    [TICKET_REJECTED] = {CHOICES({ACTION_REOPEN, 50})},
    [TICKET_REFERRED] = {CHOICES({ACTION_REOPEN, 50})},
    [TICKET_WITHDRAWN] = {CHOICES({ACTION_REOPEN, 50})},
    [TICKET_MERGED] = {CHOICES({ACTION_UNMERGE, 40}, {ACTION_CALLBACK, 30}, {ACTION_ANSWER, 20})},
    [TICKET_FALSE_ALARM] = {CHOICES({ACTION_REOPEN, 50})},
};

static const struct choice of_assignments[ASSIGNMENT_STATE_COUNT][10] = {
    [ASSIGNMENT_UNSIGNED] = {CHOICES({ACTION_SIGN, 80}, {ACTION_RETURN, 15})},
    [ASSIGNMENT_WORKING] = {CHOICES({ACTION_REPORT, 35}, {ACTION_CONTACT, 14}, {ACTION_RETURN, 9},
                                    {ACTION_EXTEND, 10}, {ACTION_SUSPEND, 10}, {ACTION_FORWARD, 9},
                                    {ACTION_ESCALATE, 7})},
    [ASSIGNMENT_REPORTED] = {CHOICES({ACTION_REPORT, 1})},
    [ASSIGNMENT_PASSED] = {CHOICES({ACTION_REPORT, 1})},
    [ASSIGNMENT_RETURN_REQUESTED] = {CHOICES({ACTION_CONTACT, 20}, {ACTION_RETURN, 5})},
    [ASSIGNMENT_RETURNED] = {CHOICES({ACTION_SIGN, 1})},
    [ASSIGNMENT_EXTENSION_REQUESTED] = {CHOICES({ACTION_REPORT, 10}, {ACTION_CONTACT, 10},
                                                {ACTION_EXTEND, 5})},
    [ASSIGNMENT_SUSPENDED] = {CHOICES({ACTION_RESUME, 15}, {ACTION_CONTACT, 15})},
    [ASSIGNMENT_RECALLED] = {CHOICES({ACTION_SIGN, 1})},
    [ASSIGNMENT_FORWARDED] = {CHOICES({ACTION_REPORT, 1})},
};

static enum ticket_action draw(struct life *l, const struct choice *choices)
{
    int total = 0, at = 0;

    while (choices[at].action != ACTION_COUNT)
        total += choices[at++].weight;
    int64_t n = life_pick(l, 1, total);
    for (at = 0; n > choices[at].weight; at++)
        n -= choices[at].weight;
    return choices[at].action;
}

/* The assignment whose unit has asked for something, else any. */
static int asked_ordinal(struct life *l, const struct ticket_view *t)
{
    for (size_t i = 0; i < t->assignment_count; i++) {
        if (t->assignments[i].request.kind != REQUEST_NONE)
            return t->assignments[i].ordinal;
    }
    return t->assignment_count ? (int)life_pick(l, 1, (int64_t)t->assignment_count) : 1;
}

/* One of the unit's own, live ones first; NULL = it has none. */
static const struct assignment *own_assignment(struct life *l, const struct ticket_view *t,
                                               const char *unit)
{
    const struct assignment *own = NULL;

    for (size_t i = 0; i < t->assignment_count; i++) {
        const struct assignment *a = &t->assignments[i];
        if (strcmp(a->unit, unit) == 0 && (!own || assignment_state_is_live(a->state)))
            own = a;
    }
    return own && life_chance(l, 97) ? own : NULL;
}

static void likely(struct life *l, struct life_actor *actor)
{
    const struct ticket_view *t = &actor->loaded;
    struct ticket_command *c = &actor->command;

    if (actor->role != ROLE_UNIT) {
        c->action = draw(l, of_states[t->state]);
        c->assignment = asked_ordinal(l, t);
        return;
    }
    const struct assignment *own = own_assignment(l, t, c->unit);
    c->action = ACTION_NOTE;
    c->assignment = own ? own->ordinal : 1;
    if (own)
        c->action = draw(l, of_assignments[own->state]);
}

static void wild(struct life *l, struct life_actor *actor)
{
    struct ticket_command *c = &actor->command;

    c->action = (enum ticket_action)life_pick(l, 0, ACTION_COUNT - 1);
    c->assignment = (int)life_pick(l, 0, 5);
    if (life_chance(l, 40))
        c->role = (enum actor_role)life_pick(l, 0, ROLE_COUNT - 1);
    if (c->role != ROLE_UNIT)
        c->unit = NULL;
    else if (!c->unit && life_chance(l, 90))
        c->unit = any_unit(l);
}

void life_decide(struct life *l, struct life_actor *actor)
{
    const struct ticket_view *t = &actor->loaded;
    const char *unit = actor->unit;

    if (actor->role == ROLE_UNIT && !unit && t->assignment_count && life_chance(l, 90))
        unit = t->assignments[life_pick(l, 0, (int64_t)t->assignment_count - 1)].unit;
    else if (actor->role == ROLE_UNIT && !unit)
        unit = any_unit(l);
    actor->command =
        (struct ticket_command){.role = actor->role, .actor = actor->name, .unit = unit};
    if (life_chance(l, 93))
        likely(l, actor);
    else
        wild(l, actor);
    fill(l, actor);
}
