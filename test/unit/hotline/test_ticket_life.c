/*
 * Random lives of many tickets under eight actors. After every operation, taken or refused, the
 * ticket has to agree with itself: assignments, clocks, the count; at the end of each life its
 * clocks have to follow from its history alone. HOTLINE_TEST_OPS and HOTLINE_TEST_SEED choose how
 * many and which; the seed is printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "unit/hotline/life_world.h"

#define MINUTE_US INT64_C(60000000)
#define HOUR_US (60 * MINUTE_US)
#define EPOCH_OPS 3000 /* then all end, and another year begins */
#define SMALLEST_FULL_RUN 50000

static void time_passes(struct life *l)
{
    if (life_chance(l, 80))
        l->now_us += life_pick(l, 0, 15 * MINUTE_US);
    else if (life_chance(l, 10))
        l->now_us += life_pick(l, 0, 40 * HOUR_US);
}

/* A new list of holidays, or the old one again. */
static void calendar_changes(struct life *l)
{
    if (life_pick(l, 1, 700) == 1)
        l->city = l->cities[life_pick(l, 0, LIFE_CALENDARS - 1)];
}

static void receive(struct life *l, struct life_ticket *ticket, int most_ops)
{
    life_receive(l, ticket);
    ticket->ops_left = (int)life_pick(l, 4, most_ops);
    life_check(l, ticket);
}

static void done_with(struct life *l, struct life_ticket *ticket)
{
    l->ops++;
    ticket->ops_left--;
    life_check(l, ticket);
}

static void one_operation(struct life *l, int most_ops)
{
    struct life_actor *actor = &l->actors[life_pick(l, 0, LIFE_ACTORS - 1)];
    struct life_ticket *ticket = NULL;

    time_passes(l);
    calendar_changes(l);
    if (life_chance(l, 8)) {
        ticket = &l->tickets[life_pick(l, 0, LIFE_TICKETS - 1)];
        life_tick(l, ticket);
    } else if (!actor->ticket) {
        life_read(l, actor);
        ticket = life_chance(l, 60) ? life_store(l, actor) : NULL; /* or others come first */
    } else {
        ticket = life_store(l, actor);
    }
    if (!ticket)
        return;
    done_with(l, ticket);
    if (ticket->ops_left > 0)
        return;
    life_check_history(l, ticket);
    receive(l, ticket, most_ops);
}

static void live(struct life *l, int64_t operations, int most_ops)
{
    while (l->ops < (size_t)operations) {
        size_t until = l->ops + EPOCH_OPS;
        l->now_us = at("2024-12-20 00:00") + life_pick(l, 0, 560 * 24) * HOUR_US;
        l->city = l->cities[life_pick(l, 0, LIFE_CALENDARS - 1)];
        for (int i = 0; i < LIFE_TICKETS; i++)
            receive(l, &l->tickets[i], most_ops);
        while (l->ops < until)
            one_operation(l, most_ops);
        for (int i = 0; i < LIFE_TICKETS; i++)
            life_check_history(l, &l->tickets[i]);
        for (int i = 0; i < LIFE_ACTORS; i++)
            l->actors[i].ticket = NULL;
    }
}

/* ---- the tests
 * ---------------------------------------------------------------------------------- */

static int64_t number_from(const char *variable, int64_t otherwise)
{
    const char *text = getenv(variable);
    int64_t number = text ? strtoll(text, NULL, 10) : 0;

    return number > 0 ? number : otherwise;
}

/* The run was worth something: everything happened that can happen to a ticket. */
static void check_worth(const struct life *l)
{
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        if (l->seen[type] == 0)
            fail_msg("%s never happened", event_words[type].code);
    }
    for (int action = ACTION_RECEIVE + 1; action < ACTION_COUNT; action++) {
        if (l->taken[action] == 0)
            fail_msg("%s was never taken", action_words[action].code);
    }
    for (int result = PLAN_OK; result <= PLAN_ABSENT; result++)
        assert_true(l->results[result] > 100);
    assert_true(l->conflicts > 100);
}

static void test_random_lives(void **state)
{
    int64_t operations = number_from("HOTLINE_TEST_OPS", 100000);
    int64_t seed = number_from("HOTLINE_TEST_SEED", 12345);
    int64_t since_us = clk_mono_us();

    print_message("HOTLINE_TEST_SEED=%lld HOTLINE_TEST_OPS=%lld\n", (long long)seed,
                  (long long)operations);
    struct life *l = *state = life_new((uint64_t)seed);
    /* a long run is one of many tickets, a short one of long lives */
    live(l, operations, operations > 500000 ? 16 : LIFE_MAX_OPS);
    print_message("%zu operations, %zu tickets, %zu taken, %zu refused, %zu conflicts, "
                  "%zu clocks recomputed, %lld ms\n",
                  l->ops, l->born, l->results[PLAN_OK],
                  l->results[PLAN_NOT_NOW] + l->results[PLAN_NOT_ALLOWED] + l->results[PLAN_ABSENT],
                  l->conflicts, l->recomputed, (long long)((clk_mono_us() - since_us) / 1000));
    if (operations >= SMALLEST_FULL_RUN)
        check_worth(l);
}

/* Also after a failure. */
static int teardown(void **state)
{
    life_free((struct life **)state);
    return 0;
}

static void history_of(struct life **life, uint64_t seed, uint8_t hash[32])
{
    *life = life_new(seed);
    live(*life, 4000, LIFE_MAX_OPS);
    memcpy(hash, (*life)->hash, 32);
    life_free(life);
}

static void test_equal_seeds_equal_histories(void **state)
{
    uint8_t first[32], second[32], other[32];

    history_of((struct life **)state, 77, first);
    history_of((struct life **)state, 77, second);
    history_of((struct life **)state, 78, other);
    assert_memory_equal(first, second, sizeof(first));
    assert_memory_not_equal(first, other, sizeof(first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_random_lives, teardown),
        cmocka_unit_test_teardown(test_equal_seeds_equal_histories, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
