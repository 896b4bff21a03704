/*
 * What is allowed in a rule set but reported: shadowed and unreachable rules, uncovered categories,
 * slips in duties.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/attr.h"
#include "city_fixture.h"

static struct city_faults faults; /* too large for the stack */

static bool has_fault(const char *field, const char *reason, enum city_severity severity)
{
    for (size_t i = 0; i < faults.count; i++)
        if (strcmp(faults.list[i].field, field) == 0 &&
            strcmp(faults.list[i].reason, reason) == 0 && faults.list[i].severity == severity)
            return true;
    return false;
}

static void print_faults(void)
{
    for (size_t i = 0; i < faults.count; i++)
        print_message("  %s %s (%s)\n", faults.list[i].field, faults.list[i].reason,
                      faults.list[i].detail);
}

struct condition {
    const char *region, *kind, *keyword;
    bool has_window;
    struct rule_window window;
};

static void add_rule(struct city_fixture *f, const char *code, struct condition c)
{
    struct rule_spec *rule = city_fixture_rule(f, code);
    rule->category = "0102";
    rule->region = c.region;
    rule->kind = c.kind;
    rule->keyword = c.keyword;
    rule->has_window = c.has_window;
    rule->window = c.window;
    rule->unit = "CG";
}

#define NIGHT                                                                                      \
    {                                                                                              \
        .has_window = true, .window = { 0, 22 * 60, 6 * 60 }                                       \
    }
#define EVENING                                                                                    \
    {                                                                                              \
        .has_window = true, .window = { 0, 22 * 60, 1440 }                                         \
    }
#define MORNING                                                                                    \
    {                                                                                              \
        .has_window = true, .window = { 0, 0, 6 * 60 }                                             \
    }
#define DAY                                                                                        \
    {                                                                                              \
        .has_window = true, .window = { 0, 6 * 60, 22 * 60 }                                       \
    }
#define SUNDAY_NIGHT                                                                               \
    {                                                                                              \
        .has_window = true, .window = { 1U << 6, 22 * 60, 6 * 60 }                                 \
    }
#define MONDAY_EARLY                                                                               \
    {                                                                                              \
        .has_window = true, .window = { 1U << 0, 60, 120 }                                         \
    }
#define TUESDAY_EARLY                                                                              \
    {                                                                                              \
        .has_window = true, .window = { 1U << 1, 60, 120 }                                         \
    }

/* Two or three rules in the order of the set; `shadowed` is the number of the one that never wins,
 * 0 = none. */
static const struct {
    const char *name;
    struct condition rules[3];
    int count, shadowed;
} shadow_cases[] = {
    {"same conditions", {{.kind = "help"}, {.kind = "help"}}, 2, 2},
    {"no conditions", {{0}, {0}}, 2, 2},
    {"same keyword", {{.keyword = "尘"}, {.keyword = "尘"}}, 2, 2},
    {"same region", {{.region = "620201100000"}, {.region = "620201100000"}}, 2, 2},
    {"wider is less specific", {{0}, {.kind = "help"}}, 2, 0},
    {"other kind", {{.kind = "help"}, {.kind = "report"}}, 2, 0},
    {"parent region", {{.region = "620201000000"}, {.region = "620201100000"}}, 2, 0},
    {"shorter keyword", {{.keyword = "尘"}, {.keyword = "扬尘"}}, 2, 0},
    {"window in window", {NIGHT, EVENING}, 2, 2},
    {"window over midnight", {NIGHT, MORNING}, 2, 2},
    {"wider window", {EVENING, NIGHT}, 2, 0},
    {"windows that overlap", {NIGHT, DAY}, 2, 0},
    {"two windows together", {EVENING, MORNING, NIGHT}, 3, 3},
    {"whole day of two windows", {{0}, NIGHT, DAY}, 3, 1},
    {"window after none is still more specific", {{0}, NIGHT}, 2, 0},
    {"Sunday night reaches Monday", {SUNDAY_NIGHT, MONDAY_EARLY}, 2, 2},
    {"but not Tuesday", {SUNDAY_NIGHT, TUESDAY_EARLY}, 2, 0},
};

static void test_shadowed_rules(void **state)
{
    (void)state;
    static const char *const codes[] = {"S1", "S2", "S3"};
    for (size_t i = 0; i < ARRAY_LEN(shadow_cases); i++) {
        struct city_fixture fixture;
        city_fixture_init(&fixture);
        for (int r = 0; r < shadow_cases[i].count; r++)
            add_rule(&fixture, codes[r], shadow_cases[i].rules[r]);
        struct city *city = city_build(&fixture.spec, &faults);
        assert_non_null(city);
        city_unref(&city);
        char field[64] = "rule_set.rules[S0]";
        field[16] = (char)('0' + shadow_cases[i].shadowed);
        size_t expected = shadow_cases[i].shadowed > 0 ? 1 : 0;
        if (faults.warnings != expected ||
            (expected > 0 && !has_fault(field, "shadowed", CITY_WARNING))) {
            print_faults();
            fail_msg("%s: shadowed %d", shadow_cases[i].name, shadow_cases[i].shadowed);
        }
    }
}

static void expect_warning(struct city_fixture *fixture, const char *field, const char *reason)
{
    struct city *city = city_build(&fixture->spec, &faults);
    print_faults();
    assert_non_null(city);
    city_unref(&city);
    assert_int_equal(faults.warnings, 1);
    assert_true(has_fault(field, reason, CITY_WARNING));
}

static void expect_no_warning(struct city_fixture *fixture)
{
    struct city *city = city_build(&fixture->spec, &faults);
    print_faults();
    assert_non_null(city);
    city_unref(&city);
    assert_int_equal(faults.count, 0);
}

static void test_unreachable_over(void **state)
{
    (void)state;
    struct city_fixture fixture;
    city_fixture_init(&fixture);
    fixture.units[UNIT_CITY].region_count = 0; /* nobody general over the whole city any more */
    expect_no_warning(&fixture);               /* but somewhere in it there is */
    fixture.rules[0].region = "620200000901";
    expect_warning(&fixture, "rule_set.rules[R-TOWN].over", "unreachable");
    fixture.rules[0].over_duty = "water";
    expect_no_warning(&fixture);
    fixture.rules[0].over_duty = NULL;
    fixture.rules[0].region = "620201000000"; /* units below the region count */
    expect_no_warning(&fixture);
}

/* Only in the very last place of the rule's subtree is anybody. */
static void test_reachable_at_the_edge_of_the_subtree(void **state)
{
    (void)state;
    static const char *const last_of_town_b[] = {"620201101001"};
    struct city_fixture fixture;
    city_fixture_init(&fixture);
    fixture.units[UNIT_CITY].region_count = 0;
    fixture.units[UNIT_TOWN_B].regions = last_of_town_b;
    fixture.rules[0].region = "620201101000";
    expect_no_warning(&fixture);
    fixture.units[UNIT_TOWN_B].region_count = 0;
    expect_warning(&fixture, "rule_set.rules[R-TOWN].over", "unreachable");
}

static void test_duty_that_nobody_has(void **state)
{
    (void)state;
    struct city_fixture fixture;
    city_fixture_init(&fixture);
    fixture.rules[0].over_duty = "urban_managment";
    expect_warning(&fixture, "rule_set.rules[R-TOWN].over.duty", "unknown");
}

static void test_uncovered_categories(void **state)
{
    (void)state;
    struct city_fixture fixture;
    city_fixture_init(&fixture);
    fixture.rules[2].category = "01";
    fixture.rules[2].kind = "consult";
    expect_warning(&fixture, "categories[02]", "uncovered"); /* not each of those below it too */
    fixture.rules[2].category = "0201";
    expect_warning(&fixture, "categories[0202]", "uncovered"); /* its sister has a rule */
    fixture.rules[2].category = NULL;
    expect_no_warning(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shadowed_rules),
        cmocka_unit_test(test_unreachable_over),
        cmocka_unit_test(test_reachable_at_the_edge_of_the_subtree),
        cmocka_unit_test(test_duty_that_nobody_has),
        cmocka_unit_test(test_uncovered_categories),
    };
    return cmocka_run_group_tests_name("city warnings", tests, NULL, NULL);
}
