#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "city_fixture.h"
#include "hotline/replay.h"

/* Noise leaves for the city's department, water for the pool, heat (which had no rule of its own
 * but that of 02) gets another policy; building matters stay. */
static struct city *build_after(void)
{
    struct city_fixture fixture;
    city_fixture_init(&fixture);
    struct rule_spec *noise = city_fixture_rule(&fixture, "R-NOISE-CITY");
    noise->category = "0101";
    noise->unit = "CG";
    struct rule_spec *water = city_fixture_rule(&fixture, "R-WATER-POOL");
    water->category = "0201";
    struct rule_spec *heat = city_fixture_rule(&fixture, "R-HEAT-FAST");
    heat->category = "0202";
    heat->unit = "WATER";
    heat->sla = "fast";
    return city_fixture_build(&fixture);
}

struct cities {
    struct arena *arena;
    struct city *before, *after;
    struct replay replay;
};

static int setup(void **state)
{
    static struct cities cities;
    struct city_fixture fixture;
    city_fixture_init(&fixture);
    cities.arena = arena_new();
    cities.before = city_fixture_build(&fixture);
    cities.after = build_after();
    replay_init(&cities.replay, cities.arena, cities.before, cities.after, 3);
    *state = &cities;
    return 0;
}

static int teardown(void **state)
{
    struct cities *cities = *state;
    city_unref(&cities->before);
    city_unref(&cities->after);
    arena_free(&cities->arena);
    return 0;
}

static void take(struct cities *cities, int64_t number, int category, int region)
{
    const struct route_matter matter = {
        .category = category,
        .region = region,
        .title = "",
        .text = "",
    };
    replay_matter(&cities->replay, number, &matter);
}

static void test_moves_are_counted_where_they_come_from_and_go(void **state)
{
    struct cities *cities = *state;
    const struct replay *r = &cities->replay;
    take(cities, 1, CATEGORY_DUST, REGION_COM_A1);  /* stays with the town */
    take(cities, 2, CATEGORY_NOISE, REGION_COM_A1); /* town A -> URBAN */
    take(cities, 3, CATEGORY_NOISE, REGION_COM_A2);
    take(cities, 4, CATEGORY_NOISE, REGION_COM_B1); /* town B -> URBAN */
    take(cities, 5, CATEGORY_WATER, -1);            /* WATER -> pool */
    take(cities, 6, CATEGORY_NOISE, -1);            /* pool: no place -> URBAN */
    take(cities, 7, CATEGORY_HEAT, -1);             /* stays, other policy */
    assert_int_equal(r->tickets, 7);
    assert_int_equal(r->unchanged, 2);
    assert_int_equal(r->unchanged_but, 1);
    assert_int_equal(r->moved, 5);
    assert_int_equal(r->to_pool, 1);
    assert_int_equal(r->from_pool, 1);
    assert_int_equal(r->units[UNIT_TOWN_A].loses, 2);
    assert_int_equal(r->units[UNIT_TOWN_B].loses, 1);
    assert_int_equal(r->units[UNIT_WATER].loses, 1);
    assert_int_equal(r->units[UNIT_URBAN].gains, 4);
    int64_t loses = 0, gains = 0;
    for (size_t i = 0; i < city_unit_count(cities->before); i++) {
        loses += r->units[i].loses;
        gains += r->units[i].gains;
    }
    assert_int_equal(loses, r->moved - r->from_pool);
    assert_int_equal(gains, r->moved - r->to_pool);
}

static void test_the_most_affected_come_first(void **state)
{
    struct cities *cities = *state;
    size_t count;
    for (int64_t i = 0; i < 3; i++)
        take(cities, i, CATEGORY_NOISE, REGION_COM_A1);
    take(cities, 9, CATEGORY_NOISE, REGION_COM_B1);
    const int *units = replay_units(&cities->replay, cities->arena, &count);
    assert_int_equal(count, 3);
    assert_int_equal(units[0], UNIT_URBAN);
    assert_int_equal(units[1], UNIT_TOWN_A);
    assert_int_equal(units[2], UNIT_TOWN_B);
}

static void test_samples_are_the_first_that_moved(void **state)
{
    struct cities *cities = *state;
    const struct replay *r = &cities->replay;
    take(cities, 10, CATEGORY_DUST, REGION_COM_A1);
    for (int64_t i = 11; i < 20; i++)
        take(cities, i, CATEGORY_NOISE, REGION_COM_A1);
    assert_int_equal(r->sample_count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct replay_sample *s = &r->samples[i];
        assert_int_equal(s->number, 11 + (int64_t)i);
        assert_int_equal(s->from, UNIT_TOWN_A);
        assert_int_equal(s->to, UNIT_URBAN);
        assert_string_equal(city_rule(r->after, s->rule_to)->code, "R-NOISE-CITY");
    }
}

static void test_the_same_rules_move_nothing(void **state)
{
    struct cities *cities = *state;
    size_t count;
    replay_init(&cities->replay, cities->arena, cities->before, cities->before, 3);
    for (int category = -1; category < FIXTURE_CATEGORIES; category++)
        for (int region = -1; region < FIXTURE_REGIONS; region++)
            take(cities, 1, category, region);
    assert_int_equal(cities->replay.tickets, (FIXTURE_CATEGORIES + 1) * (FIXTURE_REGIONS + 1));
    assert_int_equal(cities->replay.unchanged, cities->replay.tickets);
    assert_int_equal(cities->replay.unchanged_but, 0);
    (void)replay_units(&cities->replay, cities->arena, &count);
    assert_int_equal(count, 0);
}

int main(void)
{
#define REPLAY_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        REPLAY_TEST(test_moves_are_counted_where_they_come_from_and_go),
        REPLAY_TEST(test_the_most_affected_come_first),
        REPLAY_TEST(test_samples_are_the_first_that_moved),
        REPLAY_TEST(test_the_same_rules_move_nothing),
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
