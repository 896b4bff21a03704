/*
 * Random lives of many tickets. After every operation, taken or refused, the ticket has to agree
 * with itself: assignments, clocks, history and the count. HOTLINE_TEST_OPS and HOTLINE_TEST_SEED
 * choose how many and which; the seed is printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "unit/hotline/ticket_fixture.h"

#define MINUTE_US INT64_C(60000000)
#define DAY_US (1440 * MINUTE_US)
#define MAX_OPS_OF_A_TICKET 48

/* What the count should say of this ticket, from other witnesses than the tallies. */
struct witness {
    const char *received_by;
    bool is_closed;
    enum tier closed_tier;
    const char *closed_unit;
};

struct life {
    struct ticket_rig *rig;
    uint64_t random;
    struct witness witness;
    int changes; /* plans taken of this ticket */
    const char *co[2];
    size_t seen[EVENT_TYPE_COUNT], results[PLAN_ABSENT + 1];
    uint8_t hash[32]; /* over the histories of all tickets */
};

static int64_t pick(struct life *l, int64_t low, int64_t high)
{
    return random_between(&l->random, low, high);
}

static bool chance(struct life *l, int percent)
{
    return pick(l, 1, 100) <= percent;
}

/* ---- what must hold ------------------------------------------------------------------------ */

static void check_assignments(const struct life *l)
{
    const struct ticket_view *t = &l->rig->view;
    size_t leads = 0, live = 0;

    for (size_t i = 0; i < t->assignment_count; i++) {
        const struct assignment *a = &t->assignments[i];
        assert_int_equal(a->ordinal, (int)i + 1);
        assert_int_equal(a->ended_us != 0, !assignment_state_is_live(a->state));
        assert_int_equal(a->signed_us != 0, a->signed_by != NULL);
        if (!assignment_state_is_live(a->state))
            continue;
        live++;
        leads += a->role == ASSIGNMENT_LEAD;
        assert_int_equal(a->round, t->round);
        if (a->role == ASSIGNMENT_LEAD)
            assert_string_equal(a->unit, t->lead_unit);
    }
    bool is_handled = t->state == TICKET_HANDLING || t->state == TICKET_REVIEW;
    assert_int_equal(leads, is_handled);
    assert_true(is_handled || live == 0);
}

static void check_clock(const struct life *l, const struct ticket_clock *c)
{
    const struct ticket_rig *rig = l->rig;
    const struct ticket_view *t = &rig->view;
    int policy = city_find_policy(rig->city, t->policy);
    int region = t->region ? city_find_region(rig->city, t->region) : -1;
    const struct sla_rule *rule =
        sla_rule_for(city_policy(rig->city, policy), c->clock, t->kind, t->urgency, c->round);

    assert_non_null(rule);
    struct sla_clock pure = sla_clock_start(rule, city_calendar(rig->city, region), c->started_us);
    if (c->paused_us == 0) {
        assert_int_equal(c->due_us, pure.due_us);
        assert_int_equal(c->warn_us, pure.warn_us);
    } else {
        assert_true(c->due_us > pure.due_us);
    }
    assert_int_equal(c->provisional, pure.provisional);
    assert_true(c->breached_us == 0 || c->breached_us == c->due_us);
    assert_int_equal(c->met_us != 0, c->state == CLOCK_MET);
    /* whatever was due by now has happened */
    int64_t next = ticket_clock_next_us(c);
    assert_true(next == 0 || next > rig->now_us);
}

static bool check_clocks(const struct life *l)
{
    const struct ticket_view *t = &l->rig->view;
    size_t running = 0, resolve = 0;
    bool is_late = false;

    for (size_t i = 0; i < t->clock_count; i++) {
        const struct ticket_clock *c = &t->clocks[i];
        assert_int_equal(c->ordinal, (int)i + 1);
        check_clock(l, c);
        running += c->state == CLOCK_RUNNING;
        resolve += c->state == CLOCK_RUNNING && c->clock == CLOCK_RESOLVE;
        is_late = is_late || (c->clock == CLOCK_RESOLVE && c->breached_us);
    }
    assert_true(running == 0 || ticket_state_is_open(t->state));
    assert_true(resolve <= 1);
    assert_int_equal(t->was_late, is_late);
    assert_int_equal(t->is_overdue, is_late && ticket_state_is_open(t->state));
    return is_late;
}

static struct ticket_tally recount(const struct life *l, const char *unit, bool is_late)
{
    const struct ticket_view *t = &l->rig->view;
    const struct witness *w = &l->witness;
    bool is_holder = strcmp(t->lead_unit ? t->lead_unit : "", unit) == 0;
    bool is_closer = w->is_closed && strcmp(w->closed_unit ? w->closed_unit : "", unit) == 0;
    bool is_open = ticket_state_is_open(t->state);

    return (struct ticket_tally){
        .received = strcmp(w->received_by ? w->received_by : "", unit) == 0,
        .open = is_holder && is_open,
        .overdue = is_holder && is_open && is_late,
        .dispatched = is_holder && t->dispatched_us,
        .closed = is_closer,
        .desk = is_closer && w->closed_tier == TIER_DESK,
        .on_time = is_closer && !is_late,
    };
}

static void check_count(const struct life *l, bool is_late)
{
    const struct ticket_rig *rig = l->rig;

    for (int i = -1; i < FIXTURE_UNITS; i++) {
        const char *unit = i < 0 ? "" : city_unit(rig->city, i)->code;
        struct ticket_tally sum = rig_sum(rig, unit), real = recount(l, unit, is_late);
        assert_int_equal(sum.received, real.received);
        assert_int_equal(sum.desk, real.desk);
        assert_int_equal(sum.dispatched, real.dispatched);
        assert_int_equal(sum.open, real.open);
        assert_int_equal(sum.closed, real.closed);
        assert_int_equal(sum.on_time, real.on_time);
        assert_int_equal(sum.overdue, real.overdue);
    }
    struct ticket_tally all = rig_sum(rig, NULL);
    assert_int_equal(all.received, 1);
    assert_true(all.desk + all.dispatched <= 1);
}

static void check_history(const struct life *l)
{
    const struct ticket_rig *rig = l->rig;

    assert_int_equal(rig->view.event_count, rig->event_count);
    assert_int_equal(rig->view.version, l->changes);
    for (size_t i = 0; i < rig->event_count; i++) {
        assert_int_equal(rig->events[i].seq, (int)i + 1);
        assert_true(i == 0 || rig->events[i - 1].at_us <= rig->events[i].at_us);
        assert_true(rig->events[i].at_us <= rig->now_us);
    }
}

static void check_all(const struct life *l)
{
    check_assignments(l);
    bool is_late = check_clocks(l);
    check_count(l, is_late);
    check_history(l);
}

/* ---- what happens -------------------------------------------------------------------------- */

static const char *any_unit(struct life *l)
{
    return city_unit(l->rig->city, (int)pick(l, 0, FIXTURE_UNITS - 1))->code;
}

static void choose_units(struct life *l, struct ticket_command *c)
{
    int first = (int)pick(l, 0, FIXTURE_UNITS - 1);

    c->lead_unit = city_unit(l->rig->city, first)->code;
    c->co_unit_count = chance(l, 70) ? 0 : (size_t)pick(l, 1, 2);
    c->co_units = l->co;
    for (int i = 0; i < 2; i++)
        l->co[i] = city_unit(l->rig->city, (first + 1 + i) % FIXTURE_UNITS)->code;
}

static struct ticket_command wild_command(struct life *l)
{
    struct ticket_command c = rig_desk((enum ticket_action)pick(l, 0, ACTION_COUNT - 1));

    c.role = chance(l, 60) ? ROLE_SUPERVISOR : (enum actor_role)pick(l, 0, ROLE_COUNT - 1);
    if (action_is_assignments(c.action) && chance(l, 80))
        c.role = ROLE_UNIT;
    c.unit = c.role == ROLE_UNIT && chance(l, 95) ? any_unit(l) : NULL;
    c.assignment = (int)pick(l, 0, 4);
    c.pass = chance(l, 50);
    c.reached = chance(l, 60);
    c.solved = (int)pick(l, -1, 1);
    c.satisfied = (int)pick(l, 0, 5);
    c.to = "110";
    choose_units(l, &c);
    return c;
}

static struct ticket_command unit_step(struct life *l)
{
    const struct ticket_view *t = &l->rig->view;
    const struct assignment *a = &t->assignments[pick(l, 0, (int64_t)t->assignment_count - 1)];
    enum ticket_action action = a->state == ASSIGNMENT_UNSIGNED ? ACTION_SIGN
                                : chance(l, 30)                 ? ACTION_CONTACT
                                                                : ACTION_REPORT;
    return rig_unit(action, a->unit, a->ordinal);
}

/* What people would do next. */
static struct ticket_command likely_command(struct life *l)
{
    struct ticket_command c = rig_supervisor(ACTION_NOTE);

    switch (l->rig->view.state) { /* a step for each state with work to do */
    case TICKET_ACCEPTED:
        c.action = ACTION_DISPATCH;
        choose_units(l, &c);
        return c;
    case TICKET_HANDLING:
        return unit_step(l);
    case TICKET_REVIEW:
        return rig_review(chance(l, 75));
    case TICKET_CALLBACK:
        return rig_callback(chance(l, 75), chance(l, 40), (int)pick(l, 0, 5));
    case TICKET_CLOSED:
        c.action = chance(l, 20) ? ACTION_ARCHIVE : ACTION_NOTE;
        return c;
    case TICKET_INCOMPLETE:
    case TICKET_ARCHIVED:
    case TICKET_REJECTED:
    case TICKET_REFERRED:
    case TICKET_WITHDRAWN:
    case TICKET_MERGED:
    case TICKET_FALSE_ALARM:
    case TICKET_STATE_COUNT:
        break;
    }
    return c;
}

static void time_passes(struct life *l)
{
    int64_t longest = chance(l, 60) ? 60 * MINUTE_US : chance(l, 70) ? 2 * DAY_US : 9 * DAY_US;

    if (chance(l, 90))
        l->rig->now_us += pick(l, 0, longest);
}

static uint64_t fingerprint(const struct ticket_view *t)
{
    const struct {
        const void *data;
        size_t len;
    } parts[] = {
        {t, sizeof(*t)},
        {t->assignments, t->assignment_count * sizeof(*t->assignments)},
        {t->clocks, t->clock_count * sizeof(*t->clocks)},
    };
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t p = 0; p < ARRAY_LEN(parts); p++) {
        const unsigned char *bytes = parts[p].data;
        for (size_t i = 0; i < parts[p].len; i++)
            hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

static void note_change(struct life *l)
{
    const struct ticket_change *change = &l->rig->change;

    l->changes += change->is_changed;
    for (size_t i = 0; i < change->event_count; i++)
        l->seen[change->events[i].type]++;
    if (change->after.closed_us && !l->witness.is_closed) {
        assert_false(l->witness.is_closed);
        l->witness.is_closed = true;
        l->witness.closed_tier = change->after.closed_tier;
        l->witness.closed_unit = change->after.closed_unit;
    }
}

static void act(struct life *l)
{
    struct ticket_command c = chance(l, 75) ? likely_command(l) : wild_command(l);
    uint64_t before = fingerprint(&l->rig->view);
    enum plan_result result = rig_try(l->rig, c);

    l->results[result]++;
    if (result == PLAN_OK) {
        note_change(l);
        return;
    }
    assert_int_equal(fingerprint(&l->rig->view), before);
    rig_tick(l->rig); /* a refusal stores nothing, so time has passed for nobody */
    note_change(l);
}

static void one_operation(struct life *l)
{
    time_passes(l);
    if (chance(l, 10)) {
        rig_tick(l->rig);
        note_change(l);
    } else {
        act(l);
    }
    check_all(l);
}

static void receive(struct life *l)
{
    static const char *const categories[] = {"0101", "010101", "0102", "0201"};
    static const char *const regions[] = {RIG_TOWN_A, RIG_TOWN_B, RIG_VILLAGE_A1, NULL};
    struct ticket_rig *rig = l->rig;

    ticket_rig_renew_arena(rig);
    rig->policy = chance(l, 85) ? "default" : "fast";
    rig->now_us = at("2024-12-20 00:00") + pick(l, 0, 700 * 1440) * MINUTE_US;
    rig_receive(rig, categories[pick(l, 0, 3)], regions[pick(l, 0, 3)],
                (enum ticket_kind)pick(l, 0, KIND_COUNT - 1),
                (enum ticket_urgency)(chance(l, 70) ? URGENCY_NORMAL : pick(l, 1, 2)));
    l->changes = 0;
    l->witness = (struct witness){.received_by = rig->view.lead_unit};
    note_change(l);
    check_all(l);
}

static void finish(struct life *l)
{
    uint8_t both[64];

    assert_int_equal(rig_broken_link(l->rig), 0);
    memcpy(both, l->hash, 32);
    memcpy(both + 32, l->rig->view.event_hash, 32);
    crypto_sha256(both, sizeof(both), l->hash);
}

/* A whole run; the result is in l->hash. */
static void live(struct life *l, struct ticket_rig *rig, uint64_t seed, int64_t operations)
{
    *l = (struct life){.rig = rig, .random = seed};
    while (operations > 0) {
        receive(l);
        int64_t count = pick(l, 4, MAX_OPS_OF_A_TICKET);
        for (int64_t i = 0; i < count; i++)
            one_operation(l);
        operations -= count;
        finish(l);
    }
}

/* ---- the tests ----------------------------------------------------------------------------- */

static int64_t number_from(const char *variable, int64_t otherwise)
{
    const char *text = getenv(variable);
    int64_t number = text ? strtoll(text, NULL, 10) : 0;

    return number > 0 ? number : otherwise;
}

static void test_random_lives(void **state)
{
    static struct life l;
    int64_t operations = number_from("HOTLINE_TEST_OPS", 100000);
    int64_t seed = number_from("HOTLINE_TEST_SEED", 12345);

    print_message("HOTLINE_TEST_SEED=%lld HOTLINE_TEST_OPS=%lld\n", (long long)seed,
                  (long long)operations);
    live(&l, *state, (uint64_t)seed, operations);
    if (operations < 50000)
        return;
    /* the run was worth something: everything happened that can happen to a ticket here */
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        if (l.seen[type] == 0 && type != EVENT_COMPLETED)
            fail_msg("%s never happened", event_words[type].code);
    }
    for (int result = PLAN_OK; result <= PLAN_ABSENT; result++)
        assert_true(l.results[result] > 100);
}

static void test_equal_seeds_equal_histories(void **state)
{
    static struct life first, second, other;

    live(&first, *state, 77, 5000);
    live(&second, *state, 77, 5000);
    live(&other, *state, 78, 5000);
    assert_memory_equal(first.hash, second.hash, sizeof(first.hash));
    assert_memory_not_equal(first.hash, other.hash, sizeof(first.hash));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random_lives, ticket_rig_setup, ticket_rig_teardown),
        cmocka_unit_test_setup_teardown(test_equal_seeds_equal_histories, ticket_rig_setup,
                                        ticket_rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
