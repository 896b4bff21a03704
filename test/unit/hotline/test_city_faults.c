/*
 * Every kind of fault, one change of a good city at a time. Each change must give its fault and,
 * unless the case says otherwise, no other error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/utf8.h"
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

/* ---- errors -------------------------------------------------------------------------------- */

/* clang-format off: one change a line */
#define CHANGE(name) static void name(struct city_fixture *f)
#define LONG_100                                                                                   \
    "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901" \
    "23456789"

static const char *const words_bad[] = {"two words"};
static const char *const words_twice[] = {"general", "general"};
static const char *const regions_bad[] = {"999999999999"};
static const char *const regions_twice[] = {"620201100000", "620201100000"};
static const char *const tiers_bad[] = {"grid", "galaxy", "village", "town", "city"};
static const char *const tiers_down[] = {"city", "grid", "village", "town"};
static const char *const tiers_twice[] = {"grid", "village", "town", "town", "city"};
static const char *const tiers_few[] = {"village", "town", "city"};
static const char *const units_bad[] = {"NOBODY"};
static const char *const units_twice[] = {"TA", "TB", "TA"};
static const char *const units_water[] = {"WATER"};

CHANGE(city_code_short)
{
    f->spec.code = "62020";
}
CHANGE(city_name_missing)
{
    f->spec.name = NULL;
}
CHANGE(city_offset)
{
    f->spec.offset_min = 15 * 60;
}
CHANGE(city_no_tiers)
{
    f->spec.tier_count = 0;
}
CHANGE(city_tier_unknown)
{
    f->spec.tiers = tiers_bad, f->spec.tier_count = 5;
}
CHANGE(city_tier_order)
{
    f->spec.tiers = tiers_down;
}
CHANGE(city_tier_twice)
{
    f->spec.tiers = tiers_twice, f->spec.tier_count = 5;
}
CHANGE(rule_set_unnamed)
{
    f->spec.rule_set = "";
}

CHANGE(region_code_missing)
{
    f->regions[REGION_COM_B1].code = NULL;
}
CHANGE(region_code_letters)
{
    f->regions[REGION_COM_B1].code = "62020110100x";
}
CHANGE(region_code_13)
{
    f->regions[REGION_COM_B1].code = "6202011010011";
}
CHANGE(region_code_21)
{
    f->regions[REGION_COM_B1].code = "620201101001001001001";
}
CHANGE(region_grid_of_12)
{
    f->regions[REGION_COM_B1].level = "grid";
}
CHANGE(region_village_of_15)
{
    f->regions[REGION_GRID_A1].level = "village";
}
CHANGE(region_code_twice)
{
    f->regions[REGION_COM_B1].code = "620201100002";
}
CHANGE(region_name_missing)
{
    f->regions[REGION_COM_B1].name = "";
}
CHANGE(region_level_unknown)
{
    f->regions[REGION_COM_B1].level = "hamlet";
}
CHANGE(region_level_desk)
{
    f->regions[REGION_COM_B1].level = "desk";
}
CHANGE(region_level_missing)
{
    f->regions[REGION_COM_B1].level = NULL;
}
CHANGE(region_orphan)
{
    f->regions[REGION_COM_B1].parent = "620201109000";
}
CHANGE(region_second_root)
{
    f->regions[REGION_COM_CITY].parent = NULL;
}
CHANGE(region_below_lower)
{
    f->regions[REGION_TOWN_B].parent = "620201100001";
}
CHANGE(region_cycle)
{
    f->regions[REGION_COUNTY].parent = "620201000000";
}

CHANGE(category_code_missing)
{
    f->categories[CATEGORY_HEAT].code = "";
}
CHANGE(category_code_blank)
{
    f->categories[CATEGORY_HEAT].code = "02 02";
}
CHANGE(category_code_long)
{
    f->categories[CATEGORY_HEAT].code = LONG_100;
}
CHANGE(category_code_twice)
{
    f->categories[CATEGORY_HEAT].code = "0201";
}
CHANGE(category_orphan)
{
    f->categories[CATEGORY_HEAT].parent = "03";
}
CHANGE(category_cycle)
{
    f->categories[CATEGORY_LIFE].parent = "0201";
}
CHANGE(category_none)
{
    f->spec.category_count = 0, f->spec.rule_count = 0;
}

CHANGE(unit_code_twice)
{
    f->units[UNIT_WATER].code = "CG", f->rules[2].unit = "CG";
}
CHANGE(unit_name_long)
{
    f->units[UNIT_CITY].name = LONG_100 LONG_100 LONG_100;
}
CHANGE(unit_tier_unknown)
{
    f->units[UNIT_WATER].tier = "province";
}
CHANGE(unit_tier_desk)
{
    f->units[UNIT_WATER].tier = "desk";
}
CHANGE(unit_tier_not_of_city)
{
    f->units[UNIT_WATER].tier = "county";
}
CHANGE(unit_tier_dropped)
{
    f->spec.tiers = tiers_few, f->spec.tier_count = 3;
}
CHANGE(unit_kind_unknown)
{
    f->units[UNIT_WATER].kind = "club";
}
CHANGE(unit_kind_missing)
{
    f->units[UNIT_WATER].kind = NULL;
}
CHANGE(unit_parent_unknown)
{
    f->units[UNIT_WATER].parent = "NOBODY";
}
CHANGE(unit_parent_lower)
{
    f->units[UNIT_WATER].parent = "TA";
}
CHANGE(unit_cycle)
{
    f->units[UNIT_URBAN].parent = "ZF", f->units[UNIT_CITY].parent = "CG";
}
CHANGE(unit_duty_form)
{
    f->units[UNIT_WATER].duties = words_bad;
}
CHANGE(unit_duty_twice)
{
    f->units[UNIT_CITY].duties = words_twice, f->units[UNIT_CITY].duty_count = 2;
}
CHANGE(unit_region_unknown)
{
    f->units[UNIT_WATER].regions = regions_bad;
}
CHANGE(unit_region_twice)
{
    f->units[UNIT_TOWN_A].regions = regions_twice, f->units[UNIT_TOWN_A].region_count = 2;
}
CHANGE(unit_too_many_duties)
{
    f->units[UNIT_WATER].duty_count = CITY_MAX_UNIT_DUTIES + 1;
}
CHANGE(unit_ambiguous)
{
    f->units[UNIT_TOWN_B].regions = f->units[UNIT_TOWN_A].regions;
}

CHANGE(rule_code_twice)
{
    (void)city_fixture_rule(f, "R-TOWN");
}
CHANGE(rule_code_missing)
{
    (void)city_fixture_rule(f, NULL);
}
CHANGE(rule_category_unknown)
{
    f->rules[0].category = "09";
}
CHANGE(rule_region_unknown)
{
    f->rules[0].region = "620299000000";
}
CHANGE(rule_kind_unknown)
{
    f->rules[0].kind = "投诉";
}
CHANGE(rule_channel_unknown)
{
    f->rules[0].channel = "fax";
}
CHANGE(rule_urgency_unknown)
{
    f->rules[0].urgency = "soon";
}
CHANGE(rule_keyword_long)
{
    f->rules[0].keyword = LONG_100 LONG_100;
}
CHANGE(rule_keyword_bytes)
{
    f->rules[0].keyword = "\xff\xfe";
}
CHANGE(rule_unit_unknown)
{
    f->rules[2].unit = "NOBODY";
}
CHANGE(rule_unit_and_over)
{
    f->rules[2].over_tier = "town";
}
CHANGE(rule_duty_without_tier)
{
    f->rules[2].over_duty = "water";
}
CHANGE(rule_tier_unknown)
{
    f->rules[0].over_tier = "province";
}
CHANGE(rule_tier_desk)
{
    f->rules[0].over_tier = "desk";
}
CHANGE(rule_tier_not_of_city)
{
    f->rules[0].over_tier = "county";
}
CHANGE(rule_duty_form)
{
    f->rules[0].over_duty = "two words";
}
CHANGE(rule_co_unknown)
{
    f->rules[0].co_units = units_bad, f->rules[0].co_unit_count = 1;
}
CHANGE(rule_co_twice)
{
    f->rules[0].co_units = units_twice, f->rules[0].co_unit_count = 3;
}
CHANGE(rule_co_is_lead)
{
    f->rules[2].co_units = units_water, f->rules[2].co_unit_count = 1;
}
CHANGE(rule_co_too_many)
{
    f->rules[0].co_unit_count = CITY_MAX_CO_UNITS + 1;
}
CHANGE(rule_co_in_pool)
{
    f->rules[2].unit = NULL, f->rules[2].co_units = units_water, f->rules[2].co_unit_count = 1;
}
CHANGE(rule_set_kind_unknown)
{
    f->rules[0].set_kind = "joke";
}
CHANGE(rule_set_urgency_unknown)
{
    f->rules[0].set_urgency = "soon";
}
CHANGE(rule_sla_unknown)
{
    f->rules[0].sla = "slow";
}

static void window(struct city_fixture *f, unsigned weekdays, int from_min, int to_min)
{
    f->rules[0].has_window = true;
    f->rules[0].window = (struct rule_window){weekdays, from_min, to_min};
}
CHANGE(rule_window_days)
{
    window(f, 0x80, 0, 60);
}
CHANGE(rule_window_from)
{
    window(f, 0, 1440, 60);
}
CHANGE(rule_window_before)
{
    window(f, 0, -1, 60);
}
CHANGE(rule_window_to)
{
    window(f, 0, 60, 1441);
}
CHANGE(rule_window_nothing)
{
    window(f, 0, 60, 60);
}

CHANGE(policy_no_default)
{
    f->policies[0].name = "normal";
}
CHANGE(policy_twice)
{
    f->policies[1].name = "default";
}
CHANGE(policy_bad_clock)
{
    f->clocks[0].warn_percent = 101;
}
CHANGE(calendar_none)
{
    f->spec.calendar_count = 0;
}
CHANGE(calendar_only_local)
{
    f->calendars[0].region = "620201100000";
}
CHANGE(calendar_two_for_city)
{
    f->calendars[1].region = NULL;
}
CHANGE(calendar_region_unknown)
{
    f->calendars[1].region = "620201109000";
}
CHANGE(calendar_two_for_region)
{
    f->calendars[0].region = f->calendars[1].region;
}
CHANGE(calendar_name_twice)
{
    f->calendars[1].name = "cn";
}
CHANGE(calendar_bad_week)
{
    f->calendars[1].week[0].open[0].to_min = 1441;
}
CHANGE(too_many_rules)
{
    f->spec.rule_count = CITY_MAX_RULES + 1;
}
CHANGE(too_many_regions)
{
    f->spec.region_count = CITY_MAX_REGIONS + 1;
}

/* clang-format on */

static const struct fault_case {
    const char *name;
    void (*change)(struct city_fixture *fixture);
    const char *field, *reason;
    bool others; /* other errors follow from it */
} error_cases[] = {
#define CASE(change, ...)                                                                          \
    {                                                                                              \
#change, change, __VA_ARGS__                                                               \
    }
    CASE(city_code_short, "city.code", "format", false),
    CASE(city_name_missing, "city.name", "required", false),
    CASE(city_offset, "city.utc_offset_minutes", "range", false),
    CASE(city_no_tiers, "city.tiers", "required", true),
    CASE(city_tier_unknown, "city.tiers[1]", "unknown", false),
    CASE(city_tier_order, "city.tiers[1]", "range", false),
    CASE(city_tier_twice, "city.tiers[3]", "duplicate", false),
    CASE(rule_set_unnamed, "rule_set.name", "required", false),
    CASE(region_code_missing, "regions[#6].code", "required", false),
    CASE(region_code_letters, "regions[62020110100x].code", "format", false),
    CASE(region_code_13, "regions[6202011010011].code", "format", false),
    CASE(region_code_21, "regions[620201101001001001001].code", "format", false),
    CASE(region_grid_of_12, "regions[620201101001].code", "format", false),
    CASE(region_village_of_15, "regions[620201100001001].code", "format", false),
    CASE(region_code_twice, "regions[620201100002].code", "duplicate", false),
    CASE(region_name_missing, "regions[620201101001].name", "required", false),
    CASE(region_level_unknown, "regions[620201101001].level", "unknown", false),
    CASE(region_level_desk, "regions[620201101001].level", "range", false),
    CASE(region_level_missing, "regions[620201101001].level", "required", false),
    CASE(region_orphan, "regions[620201101001].parent", "orphan", false),
    CASE(region_second_root, "regions[620200000901].parent", "ambiguous", false),
    CASE(region_below_lower, "regions[620201101000].level", "range", false),
    CASE(region_cycle, "regions[620201000000].parent", "cycle", true),
    CASE(region_cycle, "regions[620201100001001].parent", "cycle", true), /* hangs below it */
    CASE(category_code_missing, "categories[#6].code", "required", false),
    CASE(category_code_blank, "categories[#6].code", "format", false),
    CASE(category_code_long, "categories[#6].code", "format", false),
    CASE(category_code_twice, "categories[0201].code", "duplicate", false),
    CASE(category_orphan, "categories[0202].parent", "orphan", false),
    CASE(category_cycle, "categories[02].parent", "cycle", true),
    CASE(category_none, "categories", "required", false),
    CASE(unit_code_twice, "units[CG].code", "duplicate", false),
    CASE(unit_name_long, "units[ZF].name", "range", false),
    CASE(unit_tier_unknown, "units[WATER].tier", "unknown", false),
    CASE(unit_tier_desk, "units[WATER].tier", "range", false),
    CASE(unit_tier_not_of_city, "units[WATER].tier", "range", false),
    CASE(unit_tier_dropped, "units[G1].tier", "range", false),
    CASE(unit_kind_unknown, "units[WATER].kind", "unknown", false),
    CASE(unit_kind_missing, "units[WATER].kind", "required", false),
    CASE(unit_parent_unknown, "units[WATER].parent", "orphan", false),
    CASE(unit_parent_lower, "units[WATER].parent", "range", false),
    CASE(unit_cycle, "units[CG].parent", "cycle", false),
    CASE(unit_duty_form, "units[WATER].duties", "format", false),
    CASE(unit_duty_twice, "units[ZF].duties", "duplicate", false),
    CASE(unit_region_unknown, "units[WATER].regions", "unknown", false),
    CASE(unit_region_twice, "units[TA].regions", "duplicate", false),
    CASE(unit_too_many_duties, "units[WATER].duties", "range", false),
    CASE(unit_ambiguous, "units[TB].duties", "ambiguous", false),
    CASE(rule_code_twice, "rule_set.rules[R-TOWN].code", "duplicate", false),
    CASE(rule_code_missing, "rule_set.rules[#3].code", "required", false),
    CASE(rule_category_unknown, "rule_set.rules[R-TOWN].category", "unknown", false),
    CASE(rule_region_unknown, "rule_set.rules[R-TOWN].region", "unknown", false),
    CASE(rule_kind_unknown, "rule_set.rules[R-TOWN].kind", "unknown", false),
    CASE(rule_channel_unknown, "rule_set.rules[R-TOWN].channel", "unknown", false),
    CASE(rule_urgency_unknown, "rule_set.rules[R-TOWN].urgency", "unknown", false),
    CASE(rule_keyword_long, "rule_set.rules[R-TOWN].keyword", "range", false),
    CASE(rule_keyword_bytes, "rule_set.rules[R-TOWN].keyword", "format", false),
    CASE(rule_unit_unknown, "rule_set.rules[R-WATER].unit", "unknown", false),
    CASE(rule_unit_and_over, "rule_set.rules[R-WATER].over", "ambiguous", false),
    CASE(rule_duty_without_tier, "rule_set.rules[R-WATER].over.tier", "required", false),
    CASE(rule_tier_unknown, "rule_set.rules[R-TOWN].over.tier", "unknown", false),
    CASE(rule_tier_desk, "rule_set.rules[R-TOWN].over.tier", "range", false),
    CASE(rule_tier_not_of_city, "rule_set.rules[R-TOWN].over.tier", "range", false),
    CASE(rule_duty_form, "rule_set.rules[R-TOWN].over.duty", "format", false),
    CASE(rule_co_unknown, "rule_set.rules[R-TOWN].co_units", "unknown", false),
    CASE(rule_co_twice, "rule_set.rules[R-TOWN].co_units", "duplicate", false),
    CASE(rule_co_is_lead, "rule_set.rules[R-WATER].co_units", "duplicate", false),
    CASE(rule_co_too_many, "rule_set.rules[R-TOWN].co_units", "range", false),
    CASE(rule_co_in_pool, "rule_set.rules[R-WATER].unit", "required", false),
    CASE(rule_set_kind_unknown, "rule_set.rules[R-TOWN].set_kind", "unknown", false),
    CASE(rule_set_urgency_unknown, "rule_set.rules[R-TOWN].set_urgency", "unknown", false),
    CASE(rule_sla_unknown, "rule_set.rules[R-TOWN].sla", "unknown", false),
    CASE(rule_window_days, "rule_set.rules[R-TOWN].window.weekdays", "range", false),
    CASE(rule_window_from, "rule_set.rules[R-TOWN].window.from", "range", false),
    CASE(rule_window_before, "rule_set.rules[R-TOWN].window.from", "range", false),
    CASE(rule_window_to, "rule_set.rules[R-TOWN].window.to", "range", false),
    CASE(rule_window_nothing, "rule_set.rules[R-TOWN].window.to", "ambiguous", false),
    CASE(policy_no_default, "sla_set.policies[default]", "required", false),
    CASE(policy_twice, "sla_set.policies[default].name", "duplicate", false),
    CASE(policy_bad_clock, "sla_set.policies[fast]", "format", true),
    CASE(calendar_none, "calendars", "required", false),
    CASE(calendar_only_local, "calendars", "required", false),
    CASE(calendar_two_for_city, "calendars[town-b].region", "duplicate", false),
    CASE(calendar_region_unknown, "calendars[town-b].region", "unknown", false),
    CASE(calendar_two_for_region, "calendars[town-b].region", "duplicate", true),
    CASE(calendar_name_twice, "calendars[cn].name", "duplicate", false),
    CASE(calendar_bad_week, "calendars[town-b]", "format", false),
    CASE(too_many_rules, "rule_set.rules", "range", false),
    CASE(too_many_regions, "regions", "range", true),
};

static void test_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(error_cases); i++) {
        const struct fault_case *c = &error_cases[i];
        struct city_fixture fixture;
        city_fixture_init(&fixture);
        c->change(&fixture);
        struct city *city = city_build(&fixture.spec, &faults);
        bool right =
            has_fault(c->field, c->reason, CITY_ERROR) && (c->others || faults.errors == 1);
        if (city != NULL || !right) {
            print_faults();
            fail_msg("%s: expected %s %s", c->name, c->field, c->reason);
        }
    }
}

static void test_a_good_city_has_no_faults(void **state)
{
    (void)state;
    struct city_fixture fixture;
    city_fixture_init(&fixture);
    struct city *city = city_build(&fixture.spec, &faults);
    print_faults();
    assert_non_null(city);
    assert_int_equal(faults.count, 0);
    assert_int_equal(faults.errors + faults.warnings, 0);
    city_unref(&city);
}

static void test_details_name_what_collides(void **state)
{
    (void)state;
    struct city_fixture fixture;
    city_fixture_init(&fixture);
    unit_ambiguous(&fixture);
    assert_null(city_build(&fixture.spec, &faults));
    assert_string_equal(faults.list[0].detail, "general over 620201100000 is TA already");
}

/* All faults of all lists in one go; beyond the list they are still counted. */
static void test_faults_beyond_the_list_are_counted(void **state)
{
    (void)state;
    struct city_fixture fixture;
    city_fixture_init(&fixture);
    size_t many = CITY_MAX_FAULTS + 50;
    struct category_spec *categories = calloc(many, sizeof(*categories));
    assert_non_null(categories);
    fixture.spec.categories = categories;
    fixture.spec.category_count = many;
    fixture.spec.rule_count = 0;
    assert_null(city_build(&fixture.spec, &faults));
    free(categories);
    assert_int_equal(faults.count, CITY_MAX_FAULTS);
    assert_int_equal(faults.errors, 2 * many); /* code and name of each */
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    struct city_fixture fixture;
    city_fixture_init(&fixture);
    static const char *const codes[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i",
                                        "j", "k", "l", "m", "n", "o", "p", "q"};
    struct category_spec deep[ARRAY_LEN(codes)];
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        deep[i] = (struct category_spec){codes[i], codes[i], i == 0 ? NULL : codes[i - 1]};
    fixture.spec.rule_count = 0;
    fixture.spec.categories = deep;
    fixture.spec.category_count = CITY_MAX_DEPTH;
    struct city *city = city_build(&fixture.spec, &faults);
    assert_non_null(city);
    city_unref(&city);
    fixture.spec.category_count = CITY_MAX_DEPTH + 1;
    assert_null(city_build(&fixture.spec, &faults));
    assert_true(has_fault("categories[q].parent", "range", CITY_ERROR));
}

static void test_texts_for_people(void **state)
{
    (void)state;
    struct city_fault fault = {CITY_ERROR, "rule_set.rules[R1].unit", "unknown", "NOBODY"};
    struct sbuf out;
    sbuf_init(&out, 0);
    city_fault_text(&fault, "zh", &out);
    assert_string_equal(out.data, "rule_set.rules[R1].unit: 引用了不存在的代码 (NOBODY)");
    sbuf_clear(&out);
    fault.detail[0] = '\0';
    city_fault_text(&fault, NULL, &out);
    assert_string_equal(out.data, "rule_set.rules[R1].unit: names something that does not exist");
    sbuf_free(&out);
}

/* A detail from outside is cut between characters, never inside one. */
static void test_cut_details_stay_valid(void **state)
{
    (void)state;
    struct city_fixture fixture;
    for (int shift = 0; shift < 3; shift++) {
        char unit[301] = "";
        for (size_t at = (size_t)shift; at + 3 < sizeof(unit); at += 3)
            memcpy(unit + at, "噪", 3);
        memset(unit, 'x', (size_t)shift);
        city_fixture_init(&fixture);
        fixture.rules[2].unit = unit;
        assert_null(city_build(&fixture.spec, &faults));
        const char *detail = faults.list[0].detail;
        assert_true(strlen(detail) >= sizeof(faults.list[0].detail) - 4);
        assert_true(utf8_valid(detail, strlen(detail)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_city_has_no_faults),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_details_name_what_collides),
        cmocka_unit_test(test_faults_beyond_the_list_are_counted),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_texts_for_people),
        cmocka_unit_test(test_cut_details_stay_valid),
    };
    return cmocka_run_group_tests_name("city faults", tests, NULL, NULL);
}
