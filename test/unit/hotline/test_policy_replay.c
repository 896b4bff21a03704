/*
 * Clocks that ran under another set of policies: what cannot be compared is told apart, and only
 * what can be judged is judged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hotline/policy_replay.h"
#include "unit/hotline/calendar_fixture.h"
#include "unit/hotline/city_fixture.h"

static const struct sla_rule resolve = {.clock = CLOCK_RESOLVE,
                                        .kind = SLA_ANY,
                                        .urgency = SLA_ANY,
                                        .limit = {60, LIMIT_MINUTES},
                                        .start = SLA_RECEIVED,
                                        .stop = SLA_REPORTED,
                                        .warn_percent = 75};
static const struct sla_rule window = {.clock = CLOCK_RETURN,
                                       .kind = SLA_ANY,
                                       .urgency = SLA_ANY,
                                       .limit = {60, LIMIT_MINUTES},
                                       .start = SLA_DISPATCHED,
                                       .stop = SLA_NEVER,
                                       .warn_percent = 100};

struct bench {
    struct arena *arena;
    struct city *before, *after;
    struct policy_replay replay;
    struct past_ticket ticket;
    struct past_clock clock;
};

#define NOW_US at("2026-03-02 12:00")

/* The fixture's city with these two clocks in its default policy. */
static struct city *build(struct sla_rule first, struct sla_rule second, size_t count)
{
    static struct sla_rule rules[2];
    struct city_fixture fixture;

    city_fixture_init(&fixture);
    rules[0] = first;
    rules[1] = second;
    fixture.policies[0].rules = rules;
    fixture.policies[0].rule_count = count;
    return city_fixture_build(&fixture);
}

static void begin(struct bench *b, struct city *after)
{
    b->before = build(resolve, window, 2);
    b->after = after;
    policy_replay_init(&b->replay, b->arena, b->before, b->after, NOW_US, 2);
    b->ticket = (struct past_ticket){.number = 7, .policy = "default", .sla_set = 4, .region = -1};
    b->clock = (struct past_clock){
        .clock = CLOCK_RESOLVE,
        .round = 1,
        .state = CLOCK_RUNNING,
        .unit = "TA",
        .terms = {.limit = {60, LIMIT_MINUTES},
                  .warn_percent = 75,
                  .started_us = at("2026-03-02 10:30")},
    };
}

static int setup(void **state)
{
    static struct bench bench;

    bench = (struct bench){.arena = arena_new()};
    *state = &bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;

    city_unref(&b->before);
    city_unref(&b->after);
    arena_free(&b->arena);
    return 0;
}

static struct sla_rule in_minutes(int minutes)
{
    struct sla_rule rule = resolve;

    rule.limit.amount = minutes;
    return rule;
}

/* 10:30 and an hour is over at noon, with two hours it is not. */
static void test_running_ones_are_judged_by_now(void **state)
{
    struct bench *b = *state;
    const struct policy_figures *f = &b->replay.total;

    begin(b, build(in_minutes(120), window, 2));
    assert_true(policy_replay_ticket(&b->replay, &b->ticket));
    policy_replay_clock(&b->replay, &b->ticket, &b->clock);
    assert_int_equal(f->later, 1);
    assert_int_equal(f->late_before, 1);
    assert_int_equal(f->late_after, 0);
    size_t count;
    const int *units = policy_replay_units(&b->replay, b->arena, &count);
    assert_int_equal(count, 1);
    assert_int_equal(units[0], UNIT_TOWN_A);
    assert_int_equal(b->replay.samples[0].due_after_us, at("2026-03-02 12:30"));
}

static void test_only_what_can_be_judged_is(void **state)
{
    struct bench *b = *state;
    const struct policy_figures *f = &b->replay.total;

    begin(b, build(in_minutes(120), window, 2));
    b->clock.state = CLOCK_PAUSED; /* its deadline is still moving */
    policy_replay_clock(&b->replay, &b->ticket, &b->clock);
    b->clock.state = CLOCK_STOPPED;
    policy_replay_clock(&b->replay, &b->ticket, &b->clock);
    b->clock.clock = CLOCK_RETURN; /* nobody is late when a window closes */
    b->clock.state = CLOCK_RUNNING;
    policy_replay_clock(&b->replay, &b->ticket, &b->clock);
    assert_int_equal(f->clocks, 3);
    assert_int_equal(f->later, 2);
    assert_int_equal(f->same, 1);
    assert_int_equal(f->late_before + f->late_after, 0);
    b->clock.clock = CLOCK_RESOLVE;
    b->clock.state = CLOCK_MET; /* at its last instant, and after it */
    b->clock.met_us = at("2026-03-02 11:30");
    policy_replay_clock(&b->replay, &b->ticket, &b->clock);
    assert_int_equal(f->late_before, 0);
    b->clock.met_us++;
    policy_replay_clock(&b->replay, &b->ticket, &b->clock);
    assert_int_equal(f->late_before, 1);
    assert_int_equal(f->late_after, 0);
}

static void test_pauses_and_extensions_stay(void **state)
{
    struct bench *b = *state;
    const struct clock_adjustment pause = {.kind = CLOCK_ADJUST_PAUSE,
                                           .from_us = at("2026-03-02 10:40"),
                                           .until_us = at("2026-03-02 10:50")};

    begin(b, build(in_minutes(30), window, 2));
    b->clock.terms.adjustments = &pause;
    b->clock.terms.adjustment_count = 1;
    policy_replay_clock(&b->replay, &b->ticket, &b->clock);
    assert_int_equal(b->replay.total.earlier, 1);
    assert_int_equal(b->replay.samples[0].due_before_us, at("2026-03-02 11:40"));
    assert_int_equal(b->replay.samples[0].due_after_us, at("2026-03-02 11:10"));
}

static void test_what_cannot_be_compared(void **state)
{
    struct bench *b = *state;
    const struct policy_figures *f = &b->replay.total;
    struct sla_rule elsewhere = resolve, review = resolve;

    elsewhere.start = SLA_DISPATCHED;
    review.clock = CLOCK_REVIEW;
    begin(b, build(elsewhere, review, 2));
    assert_true(policy_replay_ticket(&b->replay, &b->ticket));
    assert_int_equal(f->added, 1);
    assert_int_equal(b->replay.by_clock[CLOCK_REVIEW].added, 1);
    policy_replay_clock(&b->replay, &b->ticket, &b->clock);
    assert_int_equal(f->restarted, 1);
    b->clock.clock = CLOCK_RETURN;
    policy_replay_clock(&b->replay, &b->ticket, &b->clock);
    assert_int_equal(f->removed, 1);
    b->clock.clock = CLOCK_RESOLVE;
    b->clock.terms.limit = (struct limit){2, LIMIT_WORKING_DAYS}; /* days of a forward */
    policy_replay_clock(&b->replay, &b->ticket, &b->clock);
    assert_int_equal(f->own, 1);
    assert_int_equal(f->clocks, 3);
    assert_int_equal(f->late_before + f->late_after, 0);
    b->ticket.policy = "gone";
    assert_false(policy_replay_ticket(&b->replay, &b->ticket));
    assert_int_equal(b->replay.unknown, 1);
    assert_int_equal(b->replay.tickets, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_running_ones_are_judged_by_now),
        TEST(test_only_what_can_be_judged_is),
        TEST(test_pauses_and_extensions_stay),
        TEST(test_what_cannot_be_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
