#include "unit/hotline/life_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

int64_t life_pick(struct life *l, int64_t low, int64_t high)
{
    return random_between(&l->random, low, high);
}

bool life_chance(struct life *l, int percent)
{
    return life_pick(l, 1, 100) <= percent;
}

/* ---- cities
 * ------------------------------------------------------------------------------------- */

#define RULE(clock_, redo_, amount_, unit_, start_, stop_, pausable_)                              \
    {                                                                                              \
        .clock = CLOCK_##clock_, .kind = SLA_ANY, .urgency = SLA_ANY, .redo = (redo_),             \
        .limit = {(amount_), LIMIT_##unit_}, .start = SLA_##start_, .stop = SLA_##stop_,           \
        .pausable = (pausable_), .warn_percent = 60, .step_count = 1, .steps = {                   \
            {{2, LIMIT_CALENDAR_DAYS}, 1}                                                          \
        }                                                                                          \
    }
/* Starts and stops that the default profile does not have. */
static const struct sla_rule odd_rules[] = {
    RULE(RESOLVE, false, 7, CALENDAR_DAYS, DISPATCHED, CLOSED, true),
    RULE(SIGN, false, 90, WORKING_MINUTES, DISPATCHED, SIGNED, true),
    RULE(FIRST_CONTACT, false, 2, CALENDAR_DAYS, SIGNED, CONTACTED, true),
    RULE(REVIEW, false, 300, MINUTES, REPORTED, CALLED_BACK, true),
    RULE(DISPATCH, true, 3, CALENDAR_DAYS, REDO, DISPATCHED, false),
};
static const struct sla_rule by_signature[] = {
    RULE(RESOLVE, false, 2000, MINUTES, SIGNED, CLOSED, true),
    RULE(RESOLVE, true, 900, MINUTES, REDO, CLOSED, true),
    RULE(RETURN, false, 60, MINUTES, CONTACTED, REPORTED, false),
    RULE(CALLBACK, false, 1, WORKING_DAYS, REVIEWED, CALLED_BACK, false),
};

struct city_draft {
    struct city_fixture fixture;
    struct calendar_fixture days;
    struct sla_rule profile[64];
    struct sla_policy_spec policies[3];
};

/* The default profile, and who is told after a breach (DOMAIN 4). */
static void draft_policies(struct city_draft *d)
{
    assert_true(ticket_rig_profile_count <= ARRAY_LEN(d->profile));
    for (size_t i = 0; i < ticket_rig_profile_count; i++) {
        d->profile[i] = ticket_rig_profile[i];
        if (d->profile[i].clock != CLOCK_RESOLVE)
            continue;
        d->profile[i].step_count = 2;
        d->profile[i].steps[0] = (struct sla_step){{1, LIMIT_WORKING_DAYS}, 1};
        d->profile[i].steps[1] = (struct sla_step){{5, LIMIT_WORKING_DAYS}, 2};
    }
    d->policies[0] = (struct sla_policy_spec){"default", d->profile, ticket_rig_profile_count};
    d->policies[1] = (struct sla_policy_spec){"fast", by_signature, ARRAY_LEN(by_signature)};
    d->policies[2] = (struct sla_policy_spec){"odd", odd_rules, ARRAY_LEN(odd_rules)};
    d->fixture.spec.policies = d->policies;
    d->fixture.spec.policy_count = ARRAY_LEN(d->policies);
}

/* Holidays come and go, half days, a fixed close, a list that is not published yet. */
static void draft_calendars(struct city_draft *d, int version)
{
    static const char *const holidays[] = {"2025-03-10", "2025-06-18", "2025-09-09",
                                           "2026-03-17", "2026-05-20", "2026-08-12"};
    struct calendar_spec *town = &d->fixture.calendars[1];

    fixture_office(&d->days);
    assert_true(fixture_load(&d->days, FIXTURE_CN_DAYS));
    for (size_t i = 0; version >= 1 && i < ARRAY_LEN(holidays); i++)
        fixture_day(&d->days, holidays[i], version == 2 ? CALENDAR_DAY_CUSTOM : CALENDAR_DAY_OFF,
                    version == 2 ? "08:30-11:00" : NULL);
    if (version == 1) /* the newest list is not published yet */
        d->days.spec.published_count--;
    if (version == 3)
        d->days.spec.day_close_min = 1440;
    d->fixture.calendars[0] = d->days.spec;
    if (version >= 2) {
        town->published_years = d->days.spec.published_years;
        town->published_count = d->days.spec.published_count;
        town->week[5] = town->work; /* Saturdays too */
    }
}

static struct city *build(int version)
{
    struct city_draft *d = calloc(1, sizeof(*d));

    assert_non_null(d);
    city_fixture_init(&d->fixture);
    draft_policies(d);
    draft_calendars(d, version);
    d->fixture.spec.calendar_version = LIFE_FIRST_CALENDAR + version;
    struct city *city = city_fixture_build(&d->fixture);
    free(d);
    return city;
}

const struct city *life_city(const struct life *l, int64_t calendar_version)
{
    int64_t index = calendar_version - LIFE_FIRST_CALENDAR;
    return index >= 0 && index < LIFE_CALENDARS ? l->cities[index] : NULL;
}

/* ---- the world
 * ---------------------------------------------------------------------------------- */

static const struct life_actor actors[LIFE_ACTORS] = {
    {.role = ROLE_DESK, .name = "desk-1"},
    {.role = ROLE_DESK, .name = "desk-2"},
    {.role = ROLE_SUPERVISOR, .name = "supervisor-1"},
    {.role = ROLE_UNIT, .name = "ta-1", .unit = "TA"},
    {.role = ROLE_UNIT, .name = "tb-1", .unit = "TB"},
    {.role = ROLE_UNIT, .name = "water", .unit = "WATER"},
    {.role = ROLE_UNIT, .name = "a1-handheld", .unit = "A1"},
    {.role = ROLE_UNIT, .name = "whoever"}, /* of any unit, another one each time */
};

struct life *life_new(uint64_t seed)
{
    struct life *l = calloc(1, sizeof(*l));

    assert_non_null(l);
    for (int i = 0; i < LIFE_CALENDARS; i++)
        l->cities[i] = build(i);
    l->tickets = calloc(LIFE_TICKETS, sizeof(*l->tickets));
    assert_non_null(l->tickets);
    memcpy(l->actors, actors, sizeof(actors));
    l->city = l->cities[0];
    l->rules = PLAN_RULES_DEFAULT;
    l->random = seed;
    return l;
}

void life_free(struct life **life)
{
    struct life *l = *life;

    if (!l)
        return;
    for (int i = 0; i < LIFE_TICKETS; i++)
        arena_free(&l->tickets[i].rig.context.arena);
    for (int i = 0; i < LIFE_CALENDARS; i++)
        city_unref(&l->cities[i]);
    free(l->tickets);
    free(l);
    *life = NULL;
}

/* ---- storing
 * ------------------------------------------------------------------------------------ */

static void add_figures(struct life *l, struct life_ticket *ticket, const struct ticket_tally *t)
{
    int unit = t->unit[0] ? city_find_unit(l->city, t->unit) : -1;
    int *sum = ticket->figures[unit + 1];

    assert_true(!t->unit[0] || unit >= 0);
    sum[FIGURE_RECEIVED] += t->received;
    sum[FIGURE_DESK] += t->desk;
    sum[FIGURE_DISPATCHED] += t->dispatched;
    sum[FIGURE_OPEN] += t->open;
    sum[FIGURE_CLOSED] += t->closed;
    sum[FIGURE_ON_TIME] += t->on_time;
    sum[FIGURE_OVERDUE] += t->overdue;
}

/* Tallies are kept with the facts that they were counted under. */
static void file_tally(struct ticket_tally *t, const struct ticket_view *after)
{
    const char *region = t->region ? t->region : after->region;

    t->category = t->category ? t->category : after->category;
    t->region = region ? region : "";
    t->kind = t->kind >= 0 ? t->kind : (int)after->kind;
}

static void witness_event(struct life_ticket *ticket, const struct ticket_event *e)
{
    struct life_witness *w = &ticket->witness;

    if (e->type == EVENT_REOPENED)
        w->is_closed = false;
    if (e->type != EVENT_CLOSED)
        return;
    bool at_desk = strstr(e->detail, "\"tier\":\"desk\"") != NULL;
    *w = (struct life_witness){
        .received_by = w->received_by,
        .is_closed = true,
        .closed_tier = TIER_DESK,
        .closed_unit = at_desk ? NULL : ticket->rig.view.lead_unit,
    };
    for (int tier = 0; !at_desk && tier < TIER_COUNT; tier++) {
        char wanted[40];
        (void)snprintf(wanted, sizeof(wanted), "\"tier\":\"%s\"", tier_words[tier].code);
        if (strstr(e->detail, wanted))
            w->closed_tier = (enum tier)tier;
    }
}

/* The order of the history is the order of time. */
static void check_order(struct life_ticket *ticket, const struct ticket_event *e)
{
    if (e->at_us < ticket->last_at_us) {
        life_print(ticket);
        fail_msg("%s of %s comes after %s", event_words[e->type].code, shown(e->at_us),
                 shown(ticket->last_at_us));
    }
    ticket->last_at_us = e->at_us;
}

static void note_events(struct life *l, struct life_ticket *ticket)
{
    const struct ticket_change *change = &ticket->rig.change;
    uint8_t both[64];

    for (size_t i = 0; i < change->event_count; i++) {
        const struct ticket_event *e = &change->events[i];
        l->seen[e->type]++;
        assert_true(e->at_us <= l->now_us);
        check_order(ticket, e);
        witness_event(ticket, e);
        memcpy(both, l->hash, 32);
        memcpy(both + 32, e->hash, 32);
        crypto_sha256(both, sizeof(both), l->hash);
    }
}

static void store(struct life *l, struct life_ticket *ticket)
{
    struct ticket_rig *rig = &ticket->rig;
    size_t first = rig->tally_count;

    ticket->changes += rig->change.is_changed;
    rig_carry(rig);
    for (size_t i = first; i < rig->tally_count; i++) {
        file_tally(&rig->tallies[i], &rig->view);
        add_figures(l, ticket, &rig->tallies[i]);
    }
    note_events(l, ticket);
}

/* ---- what happens
 * ------------------------------------------------------------------------------- */

static const struct life_ticket *find(const struct life *l, int64_t number)
{
    for (int i = 0; i < LIFE_TICKETS; i++) {
        if (l->tickets[i].rig.view.number == number)
            return &l->tickets[i];
    }
    return NULL;
}

/* What loading finds out about others. */
static void look_around(const struct life *l, struct life_ticket *ticket, int64_t into)
{
    struct ticket_view *t = &ticket->rig.view;
    const struct life_ticket *master = find(l, into ? into : t->merged_into);

    t->is_master = false;
    for (int i = 0; i < LIFE_TICKETS; i++)
        t->is_master = t->is_master || l->tickets[i].rig.view.merged_into == t->number;
    if (master)
        ticket->master_state = master->rig.view.state;
    t->master_state = ticket->master_state;
}

void life_receive(struct life *l, struct life_ticket *ticket)
{
    static const char *const categories[] = {"0101", "010101", "0102", "0201"};
    static const char *const regions[] = {RIG_TOWN_A, RIG_TOWN_B, RIG_VILLAGE_A1, NULL};
    static const char *const policies[] = {"default", "default", "fast", "odd"};
    struct ticket_rig *rig = &ticket->rig;

    ticket_rig_renew_arena(rig);
    rig->city = l->city;
    rig->rules = l->rules;
    rig->context.city = l->city;
    rig->context.rules = &rig->rules;
    rig->number = ++l->number;
    rig->now_us = l->now_us;
    rig->is_incomplete = life_chance(l, 15);
    rig->policy = policies[life_pick(l, 0, ARRAY_LEN(policies) - 1)];
    ticket->generation++;
    ticket->changes = 0;
    ticket->last_at_us = 0;
    ticket->received_calendar = city_calendar_version(l->city);
    ticket->witness = (struct life_witness){.received_by = NULL};
    memset(ticket->figures, 0, sizeof(ticket->figures));
    size_t category = (size_t)life_pick(l, 0, 3), region = (size_t)life_pick(l, 0, 3);
    enum ticket_kind kind = (enum ticket_kind)life_pick(l, 0, KIND_COUNT - 1);
    enum ticket_urgency urgency =
        life_chance(l, 70) ? URGENCY_NORMAL : (enum ticket_urgency)life_pick(l, 1, 2);
    rig_plan_receipt(rig, categories[category], regions[region], kind, urgency);
    store(l, ticket);
    ticket->witness.received_by = rig->view.lead_unit;
    l->born++;
}

void life_tick(struct life *l, struct life_ticket *ticket)
{
    struct ticket_rig *rig = &ticket->rig;

    rig->context.city = l->city;
    rig->now_us = l->now_us;
    ticket_plan_tick(&rig->context, &rig->view, l->now_us, &rig->change);
    assert_int_equal(rig->change.is_changed, rig->change.event_count > 0);
    store(l, ticket);
}

static struct life_ticket *choose(struct life *l, const struct life_actor *actor)
{
    struct life_ticket *ticket = NULL;

    for (int tries = 0; tries < 6; tries++) {
        ticket = &l->tickets[life_pick(l, 0, LIFE_TICKETS - 1)];
        if (actor->role != ROLE_UNIT || !actor->unit)
            return ticket;
        for (size_t i = 0; i < ticket->rig.view.assignment_count; i++) {
            const struct assignment *a = &ticket->rig.view.assignments[i];
            if (assignment_state_is_live(a->state) && strcmp(a->unit, actor->unit) == 0)
                return ticket;
        }
    }
    return ticket;
}

void life_read(struct life *l, struct life_actor *actor)
{
    actor->ticket = choose(l, actor);
    actor->generation = actor->ticket->generation;
    actor->loaded = actor->ticket->rig.view;
    life_decide(l, actor);
    look_around(l, actor->ticket, actor->command.into);
    actor->loaded = actor->ticket->rig.view;
}

static enum plan_result plan(struct life *l, struct life_actor *actor)
{
    struct ticket_rig *rig = &actor->ticket->rig;

    rig->context.city = l->city;
    rig->now_us = l->now_us;
    actor->command.now_us = l->now_us;
    return ticket_plan_action(&rig->context, &actor->loaded, &actor->command, &rig->change,
                              &rig->refusal);
}

struct life_ticket *life_store(struct life *l, struct life_actor *actor)
{
    struct life_ticket *ticket = actor->ticket;

    actor->ticket = NULL;
    if (actor->generation != ticket->generation)
        return ticket; /* long gone */
    actor->ticket = ticket;
    enum plan_result result = plan(l, actor);
    if (actor->loaded.version != ticket->rig.view.version) { /* somebody was faster */
        l->conflicts++;
        look_around(l, ticket, actor->command.into);
        actor->loaded = ticket->rig.view;
        result = plan(l, actor);
    }
    actor->ticket = NULL;
    l->results[result]++;
    if (result == PLAN_OK) {
        l->taken[actor->command.action]++;
        store(l, ticket);
        if (ticket_next_us(&ticket->rig.view) <= l->now_us) /* what runs again is late already */
            life_tick(l, ticket);
    } else {
        life_tick(l, ticket); /* a refusal stores nothing, so time has passed for nobody */
    }
    return ticket;
}
