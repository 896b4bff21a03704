#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "city_fixture.h"
#include "random_city.h"

static int setup_fixture(void **state)
{
    struct city_fixture fixture;
    city_fixture_init(&fixture);
    *state = city_fixture_build(&fixture);
    return 0;
}

static int teardown_city(void **state)
{
    struct city *city = *state;
    city_unref(&city);
    return 0;
}

static void test_head_and_versions(void **state)
{
    const struct city *city = *state;
    assert_string_equal(city_code(city), "620200");
    assert_string_equal(city_name(city), "嘉峪关市");
    assert_int_equal(city_offset_min(city), 480);
    assert_string_equal(city_rule_set_name(city), "rules");
    assert_string_equal(city_sla_set_name(city), "sla");
    assert_int_equal(city_rule_set_version(city), 3);
    assert_int_equal(city_sla_version(city), 4);
    assert_int_equal(city_calendar_version(city), 5);
    static const bool has[TIER_COUNT] = {true, true, true, true, false, true};
    for (int tier = 0; tier < TIER_COUNT; tier++)
        assert_int_equal(city_has_tier(city, (enum tier)tier), has[tier]);
}

static void test_look_up_by_code(void **state)
{
    const struct city *city = *state;
    assert_int_equal(city_find_region(city, "620201100001"), REGION_COM_A1);
    assert_int_equal(city_find_unit(city, "WATER"), UNIT_WATER);
    assert_int_equal(city_find_category(city, "0101"), CATEGORY_NOISE);
    assert_int_equal(city_find_rule(city, "R-NIGHT"), 1);
    assert_string_equal(sla_policy_name(city_policy(city, city_find_policy(city, "fast"))), "fast");
    assert_int_equal(city_find_duty(city, "general"), 0);
    assert_string_equal(city_duty_name(city, city_find_duty(city, "water")), "water");
    assert_int_equal(city_duty_count(city), 3);
    assert_int_equal(city_find_region(city, "62020110000"), -1);
    assert_int_equal(city_find_unit(city, NULL), -1);
    assert_int_equal(city_find_category(city, ""), -1);
    assert_int_equal(city_find_rule(city, "r-night"), -1);
    assert_int_equal(city_find_duty(city, "fire"), -1);
    assert_int_equal(city_find_policy(city, "slow"), -1);
}

static void test_rows_are_resolved(void **state)
{
    const struct city *city = *state;
    const struct region *grid = city_region(city, REGION_GRID_A1);
    assert_int_equal(grid->parent, REGION_COM_A1);
    assert_int_equal(grid->depth, 4);
    assert_int_equal(grid->level, TIER_GRID);
    const struct unit *town = city_unit(city, UNIT_TOWN_A);
    assert_int_equal(town->parent, UNIT_CITY);
    assert_int_equal(town->duty_count, 2);
    assert_int_equal(town->regions[0], REGION_TOWN_A);
    const struct rule *rule = city_rule(city, 1);
    assert_int_equal(rule->category, CATEGORY_NIGHT);
    assert_int_equal(rule->region, -1);
    assert_int_equal(rule->kind, -1);
    assert_int_equal(rule->unit, -1);
    assert_int_equal(rule->over_tier, TIER_TOWN);
    assert_int_equal(rule->over_duty, city_find_duty(city, "urban_management"));
    assert_int_equal(rule->policy, city_find_policy(city, "default"));
}

static void test_tree_downwards(void **state)
{
    const struct city *city = *state;
    assert_int_equal(city_root_region(city), REGION_ROOT);
    assert_int_equal(city_region_first_child(city, REGION_ROOT), REGION_COUNTY);
    assert_int_equal(city_region_next_sibling(city, REGION_COUNTY), REGION_COM_CITY);
    assert_int_equal(city_region_next_sibling(city, REGION_COM_CITY), -1);
    assert_int_equal(city_region_first_child(city, REGION_COUNTY), REGION_TOWN_A);
    assert_int_equal(city_region_first_child(city, REGION_GRID_A1), -1);
    assert_int_equal(city_region_next_sibling(city, REGION_ROOT), -1);
    assert_int_equal(city_category_first_child(city, -1), CATEGORY_BUILD);
    assert_int_equal(city_category_next_sibling(city, CATEGORY_BUILD), CATEGORY_LIFE);
    assert_int_equal(city_category_first_child(city, CATEGORY_LIFE), CATEGORY_WATER);
    assert_int_equal(city_category_next_sibling(city, CATEGORY_WATER), CATEGORY_HEAT);
}

static void test_paths_start_at_the_top(void **state)
{
    const struct city *city = *state;
    int path[CITY_MAX_DEPTH];
    static const int region[] = {REGION_ROOT, REGION_COUNTY, REGION_TOWN_A, REGION_COM_A1,
                                 REGION_GRID_A1};
    assert_int_equal(city_region_path(city, REGION_GRID_A1, path), 5);
    assert_memory_equal(path, region, sizeof(region));
    static const int category[] = {CATEGORY_BUILD, CATEGORY_NOISE, CATEGORY_NIGHT};
    assert_int_equal(city_category_path(city, CATEGORY_NIGHT, path), 3);
    assert_memory_equal(path, category, sizeof(category));
    assert_int_equal(city_region_path(city, REGION_ROOT, path), 1);
}

static bool region_below(const struct city *city, int inner, int outer)
{
    while (inner >= 0 && inner != outer)
        inner = city_region(city, inner)->parent;
    return inner >= 0;
}

static bool category_below(const struct city *city, int inner, int outer)
{
    while (inner >= 0 && inner != outer)
        inner = city_category(city, inner)->parent;
    return inner >= 0;
}

static void check_subtrees(const struct city *city)
{
    for (int a = 0; a < (int)city_region_count(city); a++)
        for (int b = 0; b < (int)city_region_count(city); b++)
            assert_int_equal(city_region_within(city, a, b), region_below(city, a, b));
    for (int a = 0; a < (int)city_category_count(city); a++)
        for (int b = 0; b < (int)city_category_count(city); b++)
            assert_int_equal(city_category_within(city, a, b), category_below(city, a, b));
}

static void test_subtrees(void **state)
{
    const struct city *city = *state;
    check_subtrees(city);
    assert_true(city_region_within(city, REGION_GRID_A1, REGION_COUNTY));
    assert_false(city_region_within(city, REGION_COM_CITY, REGION_COUNTY));
    assert_true(city_unit_within(city, UNIT_GRID_A1, UNIT_CITY));
    assert_true(city_unit_within(city, UNIT_TOWN_A, UNIT_TOWN_A));
    assert_false(city_unit_within(city, UNIT_CITY, UNIT_TOWN_A));
    assert_false(city_unit_within(city, UNIT_GRID_A1, UNIT_TOWN_B));
}

static void test_region_at_level_of_a_ragged_tree(void **state)
{
    const struct city *city = *state;
    assert_int_equal(city_region_at_level(city, REGION_GRID_A1, TIER_TOWN), REGION_TOWN_A);
    assert_int_equal(city_region_at_level(city, REGION_TOWN_A, TIER_TOWN), REGION_TOWN_A);
    assert_int_equal(city_region_at_level(city, REGION_COM_CITY, TIER_TOWN), -1);
    assert_int_equal(city_region_at_level(city, REGION_COM_CITY, TIER_CITY), REGION_ROOT);
    assert_int_equal(city_region_at_level(city, REGION_TOWN_A, TIER_VILLAGE), -1);
}

static void test_unit_over_the_place(void **state)
{
    const struct city *city = *state;
    static const struct {
        int region;
        enum tier tier;
        const char *duty;
        int unit;
    } cases[] = {
        {REGION_COM_A1, TIER_VILLAGE, "general", UNIT_COM_A1},
        {REGION_GRID_A1, TIER_GRID, "general", UNIT_GRID_A1},
        {REGION_GRID_A1, TIER_VILLAGE, "general", UNIT_COM_A1}, /* from an ancestor */
        {REGION_GRID_A1, TIER_TOWN, "urban_management", UNIT_TOWN_A},
        {REGION_COM_A1, TIER_GRID, "general", UNIT_COM_A1}, /* no grid there: one tier up */
        {REGION_COM_B1, TIER_VILLAGE, "general", UNIT_TOWN_B},
        {REGION_COM_B1, TIER_TOWN, "urban_management",
         UNIT_TOWN_B}, /* general before the tier above */
        {REGION_COM_CITY, TIER_TOWN, "urban_management", UNIT_URBAN}, /* no town at all */
        {REGION_COM_CITY, TIER_VILLAGE, "general", UNIT_CITY},
        {REGION_TOWN_A, TIER_COUNTY, "general", UNIT_CITY}, /* a tier that the city has not */
        {REGION_ROOT, TIER_CITY, "water", UNIT_WATER},
        {REGION_ROOT, TIER_TOWN, "general", UNIT_CITY},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(city_unit_over(city, cases[i].region, cases[i].tier,
                                        city_find_duty(city, cases[i].duty)),
                         cases[i].unit);
    assert_int_equal(city_unit_over(city, REGION_COM_A1, TIER_VILLAGE, -1), UNIT_COM_A1);
}

static void test_nobody_over_the_place(void **state)
{
    (void)state;
    struct city_fixture fixture;
    city_fixture_init(&fixture);
    fixture.units[UNIT_CITY].region_count = 0;
    struct city *city = city_fixture_build(&fixture);
    assert_int_equal(city_unit_over(city, REGION_COM_CITY, TIER_VILLAGE, 0), -1);
    int urban = city_find_duty(city, "urban_management");
    assert_int_equal(city_unit_over(city, REGION_COM_CITY, TIER_VILLAGE, urban), UNIT_URBAN);
    city_unref(&city);
    assert_null(city);
}

static void test_calendar_of_the_place(void **state)
{
    const struct city *city = *state;
    const struct calendar *whole = city_calendar(city, -1);
    const struct calendar *town_b = city_calendar(city, REGION_TOWN_B);
    assert_non_null(whole);
    assert_ptr_not_equal(whole, town_b);
    assert_ptr_equal(city_calendar(city, REGION_COM_B1), town_b);
    assert_ptr_equal(city_calendar(city, REGION_ROOT), whole);
    assert_ptr_equal(city_calendar(city, REGION_GRID_A1), whole);
    assert_ptr_equal(city_calendar(city, REGION_COM_CITY), whole);
}

/* Parents may stand behind their children in the import. */
static void test_order_of_the_rows_does_not_matter(void **state)
{
    (void)state;
    struct city_fixture fixture;
    city_fixture_init(&fixture);
    struct region_spec backwards[FIXTURE_REGIONS];
    for (int i = 0; i < FIXTURE_REGIONS; i++)
        backwards[i] = fixture.regions[FIXTURE_REGIONS - 1 - i];
    fixture.spec.regions = backwards;
    struct city *city = city_fixture_build(&fixture);
    check_subtrees(city);
    assert_int_equal(city_root_region(city), FIXTURE_REGIONS - 1);
    int grid = city_find_region(city, "620201100001001");
    assert_int_equal(city_unit_over(city, grid, TIER_VILLAGE, 0), UNIT_COM_A1);
    assert_ptr_equal(city_calendar(city, city_find_region(city, "620201101001")),
                     city_calendar(city, city_find_region(city, "620201101000")));
    city_unref(&city);
}

static void test_built_city_owns_its_strings(void **state)
{
    (void)state;
    struct city_fixture fixture;
    city_fixture_init(&fixture);
    char name[] = "雄关", keyword[] = "噪声", code[] = "TA", duty[] = "noise";
    const char *duties[] = {duty};
    fixture.regions[REGION_TOWN_A].name = name;
    fixture.rules[1].keyword = keyword;
    fixture.units[UNIT_TOWN_A].code = code;
    fixture.units[UNIT_TOWN_A].duties = duties;
    fixture.units[UNIT_TOWN_A].duty_count = 1;
    struct city *city = city_fixture_build(&fixture);
    memset(name, 'x', sizeof(name) - 1);
    memset(keyword, 'x', sizeof(keyword) - 1);
    memset(code, 'x', sizeof(code) - 1);
    memset(duty, 'x', sizeof(duty) - 1);
    assert_string_equal(city_region(city, REGION_TOWN_A)->name, "雄关");
    assert_string_equal(city_rule(city, 1)->keyword, "噪声");
    assert_string_equal(city_unit(city, UNIT_TOWN_A)->code, "TA");
    assert_int_equal(city_find_unit(city, "TA"), UNIT_TOWN_A);
    assert_true(city_find_duty(city, "noise") > 0);
    city_unref(&city);
}

static void test_snapshot_lives_as_long_as_it_is_held(void **state)
{
    (void)state;
    struct city_fixture fixture;
    city_fixture_init(&fixture);
    struct city *city = city_fixture_build(&fixture);
    struct city *held = city_ref(city);
    city_unref(&city);
    assert_null(city);
    assert_string_equal(city_code(held), "620200"); /* a sanitizer would see a freed one */
    city_unref(&held);
    city_unref(&held); /* NULL is fine */
}

/* ---- against brute force ------------------------------------------------------------------- */

static bool unit_has(const struct unit *unit, int tier, int duty, int region)
{
    bool has_duty = false, has_region = false;
    for (size_t i = 0; i < unit->duty_count; i++)
        has_duty = has_duty || unit->duties[i] == duty;
    for (size_t i = 0; i < unit->region_count; i++)
        has_region = has_region || unit->regions[i] == region;
    return (int)unit->tier == tier && has_duty && has_region;
}

static int slow_unit_at(const struct city *city, int region, int tier, int duty)
{
    for (int at = region; at >= 0; at = city_region(city, at)->parent)
        for (int u = 0; u < (int)city_unit_count(city); u++)
            if (unit_has(city_unit(city, u), tier, duty, at))
                return u;
    return -1;
}

static int slow_unit_over(const struct city *city, int region, int tier, int duty)
{
    for (int t = tier; t < TIER_COUNT; t++)
        for (int fallback = 0; fallback < 2; fallback++) {
            int unit = slow_unit_at(city, region, t, fallback == 0 ? duty : 0);
            if (unit >= 0)
                return unit;
        }
    return -1;
}

static void test_random_cities_agree_with_brute_force(void **state)
{
    (void)state;
    struct random random = {20260213};
    int found = 0, missed = 0;
    for (int round = 0; round < 30; round++) {
        struct arena *arena = arena_new();
        struct random_city shape = {2 + random_below(&random, 60), 12, 25, 5, 1, 1, 2};
        struct city_spec spec = random_city_spec(&random, arena, &shape);
        struct city *city = random_city_build(&spec);
        arena_free(&arena);
        check_subtrees(city);
        for (int region = 0; region < (int)city_region_count(city); region++)
            for (int tier = TIER_GRID; tier < TIER_COUNT; tier++)
                for (int duty = 0; duty < (int)city_duty_count(city); duty++) {
                    int unit = city_unit_over(city, region, (enum tier)tier, duty);
                    assert_int_equal(unit, slow_unit_over(city, region, tier, duty));
                    *(unit >= 0 ? &found : &missed) += 1;
                }
        city_unref(&city);
    }
    assert_true(found > 1000 && missed > 100); /* both outcomes were really tried */
}

/* ---- policies that are no longer in force ---------------------------------------------------- */

static int32_t resolve_limit(const struct sla_policy *policy)
{
    return (int32_t)sla_rule_for(policy, CLOCK_RESOLVE, (enum ticket_kind)0, (enum ticket_urgency)0,
                                 1)
        ->limit.amount;
}

static void test_a_ticket_finds_the_policy_of_its_set(void **state)
{
    (void)state;
    struct city_fixture fixture;
    city_fixture_init(&fixture);
    fixture.clocks[0].clock = CLOCK_RESOLVE;
    fixture.clocks[0].limit.amount = 9;
    struct sla_rule was = fixture.clocks[0], broken = fixture.clocks[0];
    was.limit.amount = 5;
    broken.warn_percent = 0;
    const struct sla_policy_spec second[] = {{"default", &was, 1}, {"gone", &was, 1}};
    const struct sla_policy_spec first[] = {{"default", &broken, 1}};
    const struct sla_set_spec older[] = {{2, second, 2}, {1, first, 1}};
    fixture.spec.older_sets = older;
    fixture.spec.older_set_count = 2;
    struct city *city = city_fixture_build(&fixture);
    assert_int_equal(resolve_limit(city_policy_of(city, 4, "default")), 9);
    assert_int_equal(resolve_limit(city_policy_of(city, 2, "default")), 5);
    assert_string_equal(sla_policy_name(city_policy_of(city, 2, "gone")), "gone");
    /* The set has no such name: its own "default". */
    assert_int_equal(resolve_limit(city_policy_of(city, 2, "fast")), 5);
    /* What does not build, and what is not known, is what is in force. */
    assert_int_equal(resolve_limit(city_policy_of(city, 1, "default")), 9);
    assert_string_equal(sla_policy_name(city_policy_of(city, 0, "fast")), "fast");
    assert_string_equal(sla_policy_name(city_policy_of(city, 77, "gone")), "default");
    assert_string_equal(sla_policy_name(city_policy_of(city, 77, NULL)), "default");
    city_unref(&city);
}

static void test_older_sets_are_bounded(void **state)
{
    (void)state;
    struct city_fixture fixture;
    struct sla_set_spec older[CITY_MAX_OLDER_SETS + 5];
    city_fixture_init(&fixture);
    struct sla_rule was = fixture.clocks[0];
    was.limit.amount = fixture.clocks[0].limit.amount + 1;
    const struct sla_policy_spec policy = {"old", &was, 1};
    for (size_t i = 0; i < sizeof(older) / sizeof(older[0]); i++)
        older[i] = (struct sla_set_spec){1000 - (int64_t)i, &policy, 1};
    fixture.spec.older_sets = older;
    fixture.spec.older_set_count = sizeof(older) / sizeof(older[0]);
    struct city *city = city_fixture_build(&fixture);
    assert_string_equal(sla_policy_name(city_policy_of(city, 801, "old")), "old");
    assert_string_equal(sla_policy_name(city_policy_of(city, 800, "old")), "default");
    city_unref(&city);
}

int main(void)
{
#define CITY_TEST(test) cmocka_unit_test_setup_teardown(test, setup_fixture, teardown_city)
    const struct CMUnitTest tests[] = {
        CITY_TEST(test_head_and_versions),
        CITY_TEST(test_look_up_by_code),
        CITY_TEST(test_rows_are_resolved),
        CITY_TEST(test_tree_downwards),
        CITY_TEST(test_paths_start_at_the_top),
        CITY_TEST(test_subtrees),
        CITY_TEST(test_region_at_level_of_a_ragged_tree),
        CITY_TEST(test_unit_over_the_place),
        CITY_TEST(test_calendar_of_the_place),
        cmocka_unit_test(test_nobody_over_the_place),
        cmocka_unit_test(test_order_of_the_rows_does_not_matter),
        cmocka_unit_test(test_built_city_owns_its_strings),
        cmocka_unit_test(test_snapshot_lives_as_long_as_it_is_held),
        cmocka_unit_test(test_a_ticket_finds_the_policy_of_its_set),
        cmocka_unit_test(test_older_sets_are_bounded),
        cmocka_unit_test(test_random_cities_agree_with_brute_force),
    };
    return cmocka_run_group_tests_name("city", tests, NULL, NULL);
}
