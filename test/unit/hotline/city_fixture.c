#include "city_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#define ROOT "620200000000"
#define TOWN_A "620201100000"
#define TOWN_B "620201101000"
#define COM_A1 "620201100001"
#define GRID_A1 "620201100001001"

static const char *const tiers[] = {"grid", "village", "town", "city"};
static const char *const general[] = {"general"};
static const char *const urban[] = {"urban_management"};
static const char *const general_urban[] = {"general", "urban_management"};
static const char *const water[] = {"water"};
static const char *const root[] = {ROOT};
static const char *const town_a[] = {TOWN_A};
static const char *const town_b[] = {TOWN_B};
static const char *const com_a1[] = {COM_A1};
static const char *const grid_a1[] = {GRID_A1};

#define REGION(code_, name_, level_, parent_)                                                      \
    {                                                                                              \
        .code = (code_), .name = (name_), .level = (level_), .parent = (parent_)                   \
    }

static const struct region_spec regions[FIXTURE_REGIONS] = {
    [REGION_ROOT] = REGION(ROOT, "嘉峪关市", "city", NULL),
    [REGION_COUNTY] = REGION("620201000000", "市辖区", "county", ROOT),
    [REGION_TOWN_A] = REGION(TOWN_A, "雄关", "town", "620201000000"),
    [REGION_TOWN_B] = REGION(TOWN_B, "钢城", "town", "620201000000"),
    [REGION_COM_A1] = REGION(COM_A1, "一社区", "village", TOWN_A),
    [REGION_COM_A2] = REGION("620201100002", "二社区", "village", TOWN_A),
    [REGION_COM_B1] = REGION("620201101001", "三社区", "village", TOWN_B),
    [REGION_GRID_A1] = REGION(GRID_A1, "第一网格", "grid", COM_A1),
    [REGION_COM_CITY] = REGION("620200000901", "市属社区", "village", ROOT),
};

static const struct unit_spec units[FIXTURE_UNITS] = {
    [UNIT_URBAN] = {"CG", "城管局", "city", "department", NULL, urban, 1, root, 1},
    [UNIT_CITY] = {"ZF", "市政府办", "city", "department", "", general, 1, root, 1},
    [UNIT_TOWN_A] = {"TA", "雄关街道", "town", "town", "ZF", general_urban, 2, town_a, 1},
    [UNIT_TOWN_B] = {"TB", "钢城街道", "town", "town", "ZF", general, 1, town_b, 1},
    [UNIT_COM_A1] = {"A1", "一社区居委会", "village", "village", "TA", general, 1, com_a1, 1},
    [UNIT_GRID_A1] = {"G1", "第一网格", "grid", "grid", "A1", general, 1, grid_a1, 1},
    [UNIT_WATER] = {"WATER", "水务公司", "city", "company", NULL, water, 1, root, 1},
};

static const struct category_spec categories[FIXTURE_CATEGORIES] = {
    [CATEGORY_BUILD] = {"01", "城乡建设", NULL},
    [CATEGORY_NOISE] = {"0101", "噪声", "01"},
    [CATEGORY_NIGHT] = {"010101", "夜间施工", "0101"},
    [CATEGORY_DUST] = {"0102", "扬尘", "01"},
    [CATEGORY_LIFE] = {"02", "民生", ""},
    [CATEGORY_WATER] = {"0201", "供水", "02"},
    [CATEGORY_HEAT] = {"0202", "供热", "02"},
};

static void fixture_calendars(struct city_fixture *fixture)
{
    for (int i = 0; i < 2; i++) {
        struct calendar_spec *calendar = &fixture->calendars[i];
        *calendar = (struct calendar_spec){.name = i == 0 ? "cn" : "town-b",
                                           .region = i == 0 ? NULL : TOWN_B,
                                           .offset_min = 480,
                                           .work = {.count = 1, .open = {{510, 1050}}},
                                           .day_close_min = -1};
        for (int day = 0; day < 5; day++)
            calendar->week[day] = calendar->work;
    }
    fixture->spec.calendars = fixture->calendars;
    fixture->spec.calendar_count = 2;
}

static void fixture_policies(struct city_fixture *fixture)
{
    fixture->clocks[0] = (struct sla_rule){.clock = CLOCK_RESOLVE,
                                           .kind = SLA_ANY,
                                           .urgency = SLA_ANY,
                                           .limit = {.amount = 5, .unit = LIMIT_WORKING_DAYS},
                                           .start = SLA_RECEIVED,
                                           .stop = SLA_REPORTED,
                                           .warn_percent = 75};
    fixture->policies[0] = (struct sla_policy_spec){"default", fixture->clocks, 1};
    fixture->policies[1] = (struct sla_policy_spec){"fast", fixture->clocks, 1};
    fixture->spec.sla_set = "sla";
    fixture->spec.policies = fixture->policies;
    fixture->spec.policy_count = 2;
}

static void fixture_rules(struct city_fixture *fixture)
{
    fixture->spec.rule_set = "rules";
    fixture->spec.rules = fixture->rules;
    struct rule_spec *rule = city_fixture_rule(fixture, "R-TOWN");
    rule->category = "01";
    rule->over_tier = "town";
    rule = city_fixture_rule(fixture, "R-NIGHT");
    rule->category = "010101";
    rule->over_tier = "town";
    rule->over_duty = "urban_management";
    rule = city_fixture_rule(fixture, "R-WATER");
    rule->category = "02";
    rule->unit = "WATER";
}

void city_fixture_init(struct city_fixture *fixture)
{
    *fixture = (struct city_fixture){.spec = {.code = "620200",
                                              .name = "嘉峪关市",
                                              .offset_min = 480,
                                              .tiers = tiers,
                                              .tier_count = 4,
                                              .region_count = FIXTURE_REGIONS,
                                              .unit_count = FIXTURE_UNITS,
                                              .category_count = FIXTURE_CATEGORIES,
                                              .rule_set_version = 3,
                                              .sla_version = 4,
                                              .calendar_version = 5}};
    for (int i = 0; i < FIXTURE_REGIONS; i++)
        fixture->regions[i] = regions[i];
    for (int i = 0; i < FIXTURE_UNITS; i++)
        fixture->units[i] = units[i];
    for (int i = 0; i < FIXTURE_CATEGORIES; i++)
        fixture->categories[i] = categories[i];
    fixture->spec.regions = fixture->regions;
    fixture->spec.units = fixture->units;
    fixture->spec.categories = fixture->categories;
    fixture_rules(fixture);
    fixture_policies(fixture);
    fixture_calendars(fixture);
}

struct rule_spec *city_fixture_rule(struct city_fixture *fixture, const char *code)
{
    assert_true(fixture->spec.rule_count < FIXTURE_MAX_RULES);
    struct rule_spec *rule = &fixture->rules[fixture->spec.rule_count++];
    *rule = (struct rule_spec){.code = code};
    return rule;
}

struct city *city_fixture_build(const struct city_fixture *fixture)
{
    static struct city_faults faults;
    struct city *city = city_build(&fixture->spec, &faults);
    for (size_t i = 0; city == NULL && i < faults.count; i++)
        print_message("%s %s %s\n", faults.list[i].field, faults.list[i].reason,
                      faults.list[i].detail);
    assert_non_null(city);
    return city;
}
