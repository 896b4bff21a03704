#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "base/clk.h"
#include "city_fixture.h"
#include "hotline/route.h"

/* Local instants of the fixture's city; 2026-11-20 is a Friday. */
static int64_t at(const char *local)
{
    char text[CIVIL_INSTANT_SIZE];
    int64_t us = 0;
    (void)snprintf(text, sizeof(text), "%s+08:00", local);
    assert_true(civil_parse_instant(text, strlen(text), &us));
    return us;
}

static struct route_matter matter(int category, int region)
{
    return (struct route_matter){.category = category,
                                 .region = region,
                                 .kind = KIND_COMPLAINT,
                                 .urgency = URGENCY_NORMAL,
                                 .channel = CHANNEL_PHONE,
                                 .title = "工地夜间施工",
                                 .text = "每晚噪声很大",
                                 .now_us = at("2026-11-20T10:00:00")};
}

static struct route route_in(const struct city_fixture *fixture, const struct route_matter *m)
{
    struct city *city = city_fixture_build(fixture);
    struct route route;
    route_matter(city, m, &route);
    city_unref(&city);
    return route;
}

static struct rule_spec *unit_rule(struct city_fixture *fixture, const char *code,
                                   const char *category)
{
    struct rule_spec *rule = city_fixture_rule(fixture, code);
    rule->category = category;
    rule->unit = "CG";
    return rule;
}

/* ---- effects and reasons ------------------------------------------------------------------- */

static void expect_route(const struct city_fixture *fixture, struct route_matter m, int rule,
                         enum route_reason reason, int lead)
{
    struct route route = route_in(fixture, &m);
    assert_int_equal(route.rule, rule);
    assert_string_equal(route_reason_words[route.reason].code, route_reason_words[reason].code);
    assert_int_equal(route.lead_unit, lead);
}

static void test_reasons(void **state)
{
    (void)state;
    struct city_fixture f;
    city_fixture_init(&f);
    expect_route(&f, matter(CATEGORY_WATER, REGION_COM_A1), 2, ROUTE_UNIT, UNIT_WATER);
    expect_route(&f, matter(CATEGORY_WATER, -1), 2, ROUTE_UNIT, UNIT_WATER);
    expect_route(&f, matter(CATEGORY_DUST, REGION_COM_B1), 0, ROUTE_OVER_PLACE, UNIT_TOWN_B);
    expect_route(&f, matter(CATEGORY_NIGHT, REGION_GRID_A1), 1, ROUTE_OVER_PLACE, UNIT_TOWN_A);
    expect_route(&f, matter(CATEGORY_NIGHT, REGION_COM_CITY), 1, ROUTE_TIER_ABOVE, UNIT_URBAN);
    expect_route(&f, matter(CATEGORY_DUST, -1), 0, ROUTE_NO_PLACE, -1);
    expect_route(&f, matter(-1, REGION_COM_A1), -1, ROUTE_NO_RULE, -1);
    f.rules[2].unit = NULL;
    expect_route(&f, matter(CATEGORY_WATER, REGION_COM_A1), 2, ROUTE_POOL_RULE, -1);
}

/* A wrong unit costs more than a look: the less specific rule for 01 is not tried in its stead. */
static void test_nobody_goes_to_the_pool(void **state)
{
    (void)state;
    struct city_fixture f;
    city_fixture_init(&f);
    f.units[UNIT_CITY].region_count = 0;
    struct rule_spec *rule = city_fixture_rule(&f, "R-DUST");
    rule->category = "0102";
    rule->over_tier = "town";
    f.rules[0].over_tier = NULL;
    f.rules[0].unit = "TA";
    expect_route(&f, matter(CATEGORY_DUST, REGION_COM_CITY), 3, ROUTE_NOBODY, -1);
    expect_route(&f, matter(CATEGORY_DUST, REGION_COM_B1), 3, ROUTE_OVER_PLACE, UNIT_TOWN_B);
}

static void test_no_rule_keeps_what_was_given(void **state)
{
    (void)state;
    struct city_fixture f;
    city_fixture_init(&f);
    f.spec.rule_count = 0;
    struct route_matter m = matter(CATEGORY_DUST, REGION_COM_B1);
    m.urgency = URGENCY_CRITICAL;
    struct route route = route_in(&f, &m);
    assert_int_equal(route.reason, ROUTE_NO_RULE);
    assert_int_equal(route.rule, -1);
    assert_int_equal(route.kind, KIND_COMPLAINT);
    assert_int_equal(route.urgency, URGENCY_CRITICAL);
    assert_int_equal(route.policy, 0); /* default */
    assert_int_equal(route.co_unit_count, 0);
}

static void test_overrides_policy_and_co_units(void **state)
{
    (void)state;
    static const char *const co_units[] = {"WATER", "TA", "CG"};
    struct city_fixture f;
    city_fixture_init(&f);
    f.rules[0].co_units = co_units;
    f.rules[0].co_unit_count = 3;
    f.rules[0].set_kind = "report";
    f.rules[0].set_urgency = "critical";
    f.rules[0].sla = "fast";
    struct route_matter m = matter(CATEGORY_DUST, REGION_COM_B1);
    struct route route = route_in(&f, &m);
    assert_int_equal(route.kind, KIND_REPORT);
    assert_int_equal(route.urgency, URGENCY_CRITICAL);
    assert_int_equal(route.policy, 1);
    assert_int_equal(route.co_unit_count, 3);
    assert_int_equal(route.co_units[0], UNIT_WATER);
    m.region = REGION_COM_A1; /* town A leads here, so it is no co-unit */
    route = route_in(&f, &m);
    assert_int_equal(route.lead_unit, UNIT_TOWN_A);
    assert_int_equal(route.co_unit_count, 2);
    assert_int_equal(route.co_units[1], UNIT_URBAN);
    m.region = -1; /* pool: nobody to help, but the rule's words hold */
    route = route_in(&f, &m);
    assert_int_equal(route.co_unit_count, 0);
    assert_int_equal(route.kind, KIND_REPORT);
    assert_int_equal(route.policy, 1);
}

/* ---- conditions ---------------------------------------------------------------------------- */

static bool rule_holds(struct city_fixture *fixture, const struct route_matter *m,
                       enum route_verdict *verdict_r)
{
    struct city *city = city_fixture_build(fixture);
    struct route route;
    route_matter(city, m, &route);
    int rule = (int)fixture->spec.rule_count - 1;
    *verdict_r = route_check(city, m, rule);
    city_unref(&city);
    assert_int_equal(*verdict_r == ROUTE_WON, route.rule == rule);
    return route.rule == rule;
}

#define CHANGE(name) static void name(struct rule_spec *rule, struct route_matter *m)
/* clang-format off: one change a line */
CHANGE(any)
{
    (void)rule;
    (void)m;
}
CHANGE(category_itself)
{
    rule->category = "0102";
    (void)m;
}
CHANGE(category_below)
{
    rule->category = "010101";
    (void)m;
}
CHANGE(category_unknown)
{
    (void)rule;
    m->category = -1;
}
CHANGE(region_itself)
{
    rule->region = "620201101001";
    (void)m;
}
CHANGE(region_above)
{
    rule->region = "620201000000";
    (void)m;
}
CHANGE(region_below)
{
    rule->region = "620201101001";
    m->region = REGION_TOWN_B;
}
CHANGE(region_beside)
{
    rule->region = "620201100000";
    (void)m;
}
CHANGE(region_unknown)
{
    rule->region = "620200000000";
    m->region = -1;
}
CHANGE(kind_same)
{
    rule->kind = "complaint";
    (void)m;
}
CHANGE(kind_other)
{
    rule->kind = "consult";
    (void)m;
}
CHANGE(channel_same)
{
    rule->channel = "phone";
    (void)m;
}
CHANGE(channel_other)
{
    rule->channel = "wechat";
    (void)m;
}
CHANGE(urgency_same)
{
    rule->urgency = "normal";
    (void)m;
}
CHANGE(urgency_other)
{
    rule->urgency = "urgent";
    (void)m;
}
CHANGE(keyword_in_title)
{
    rule->keyword = "夜间施工";
    (void)m;
}
CHANGE(keyword_in_text)
{
    rule->keyword = "噪声";
    (void)m;
}
CHANGE(keyword_across)
{
    rule->keyword = "施工每晚";
    (void)m;
}
CHANGE(keyword_absent)
{
    rule->keyword = "扬尘";
    (void)m;
}
CHANGE(keyword_no_title)
{
    rule->keyword = "噪声";
    m->title = NULL;
}
CHANGE(keyword_no_text)
{
    rule->keyword = "噪声";
    m->text = NULL;
}
CHANGE(keyword_nothing)
{
    rule->keyword = "噪声";
    m->title = m->text = NULL;
}
CHANGE(keyword_part_of_a_character)
{
    rule->keyword = "é";
    m->title = "\xc3\xa8";
}
/* clang-format on */

static void test_conditions(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*change)(struct rule_spec *rule, struct route_matter *m);
        enum route_verdict verdict;
    } cases[] = {
#define CASE(change, verdict) {#change, change, verdict}
        CASE(any, ROUTE_WON),
        CASE(category_itself, ROUTE_WON),
        CASE(category_below, ROUTE_MISS_CATEGORY),
        CASE(category_unknown, ROUTE_MISS_CATEGORY),
        CASE(region_itself, ROUTE_WON),
        CASE(region_above, ROUTE_WON),
        CASE(region_below, ROUTE_MISS_REGION),
        CASE(region_beside, ROUTE_MISS_REGION),
        CASE(region_unknown, ROUTE_MISS_REGION),
        CASE(kind_same, ROUTE_WON),
        CASE(kind_other, ROUTE_MISS_KIND),
        CASE(channel_same, ROUTE_WON),
        CASE(channel_other, ROUTE_MISS_CHANNEL),
        CASE(urgency_same, ROUTE_WON),
        CASE(urgency_other, ROUTE_MISS_URGENCY),
        CASE(keyword_in_title, ROUTE_WON),
        CASE(keyword_in_text, ROUTE_WON),
        CASE(keyword_across, ROUTE_MISS_KEYWORD),
        CASE(keyword_absent, ROUTE_MISS_KEYWORD),
        CASE(keyword_no_title, ROUTE_WON),
        CASE(keyword_no_text, ROUTE_MISS_KEYWORD),
        CASE(keyword_nothing, ROUTE_MISS_KEYWORD),
        CASE(keyword_part_of_a_character, ROUTE_MISS_KEYWORD),
#undef CASE
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct city_fixture f;
        city_fixture_init(&f);
        struct rule_spec *rule = unit_rule(&f, "R-X", "0102");
        struct route_matter m = matter(CATEGORY_DUST, REGION_COM_B1);
        cases[i].change(rule, &m);
        enum route_verdict verdict;
        (void)rule_holds(&f, &m, &verdict);
        if (verdict != cases[i].verdict)
            fail_msg("%s: %s", cases[i].name, route_verdict_words[verdict].code);
    }
}

/* ---- windows ------------------------------------------------------------------------------- */

#define MONDAY (1U << 0)
#define FRIDAY (1U << 4)
#define SATURDAY (1U << 5)
#define SUNDAY (1U << 6)

static void test_windows(void **state)
{
    (void)state;
    static const struct {
        struct rule_window window;
        const char *local;
        bool open;
    } cases[] = {
        /* 08:30-12:00 on any day: half open */
        {{0, 510, 720}, "2026-11-20T08:29:59.999999", false},
        {{0, 510, 720}, "2026-11-20T08:30:00", true},
        {{0, 510, 720}, "2026-11-20T11:59:59.999999", true},
        {{0, 510, 720}, "2026-11-20T12:00:00", false},
        {{FRIDAY, 510, 720}, "2026-11-20T09:00:00", true},
        {{SATURDAY | SUNDAY, 510, 720}, "2026-11-20T09:00:00", false},
        /* 22:00-06:00 of a Friday: until Saturday's morning, and not Friday's */
        {{FRIDAY, 1320, 360}, "2026-11-20T21:59:59", false},
        {{FRIDAY, 1320, 360}, "2026-11-20T22:00:00", true},
        {{FRIDAY, 1320, 360}, "2026-11-21T00:00:00", true},
        {{FRIDAY, 1320, 360}, "2026-11-21T05:59:59", true},
        {{FRIDAY, 1320, 360}, "2026-11-21T06:00:00", false},
        {{FRIDAY, 1320, 360}, "2026-11-20T05:00:00", false},
        {{FRIDAY, 1320, 360}, "2026-11-21T22:00:00", false},
        {{0, 1320, 360}, "2026-11-20T05:00:00", true},
        {{0, 1320, 360}, "2026-11-20T12:00:00", false},
        /* Sunday's night reaches into Monday */
        {{SUNDAY, 1320, 360}, "2026-11-23T01:00:00", true},
        {{MONDAY, 1320, 360}, "2026-11-23T01:00:00", false},
        {{MONDAY, 1320, 360}, "2026-11-23T23:00:00", true},
        /* ends at midnight, written either way */
        {{FRIDAY, 1320, 1440}, "2026-11-20T23:59:59", true},
        {{FRIDAY, 1320, 1440}, "2026-11-21T00:00:00", false},
        {{FRIDAY, 1320, 0}, "2026-11-20T23:59:59", true},
        {{FRIDAY, 1320, 0}, "2026-11-21T00:00:00", false},
        {{FRIDAY, 0, 1440}, "2026-11-20T00:00:00", true},
        {{FRIDAY, 0, 1440}, "2026-11-21T00:00:00", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct city_fixture f;
        city_fixture_init(&f);
        struct rule_spec *rule = unit_rule(&f, "R-X", "0102");
        rule->has_window = true;
        rule->window = cases[i].window;
        struct route_matter m = matter(CATEGORY_DUST, REGION_COM_B1);
        m.now_us = at(cases[i].local);
        enum route_verdict verdict;
        if (rule_holds(&f, &m, &verdict) != cases[i].open)
            fail_msg("window case %zu at %s", i, cases[i].local);
        assert_int_equal(verdict, cases[i].open ? ROUTE_WON : ROUTE_MISS_WINDOW);
    }
}

/* The same instant is another hour elsewhere. */
static void test_windows_are_local(void **state)
{
    (void)state;
    struct city_fixture f;
    city_fixture_init(&f);
    struct rule_spec *rule = unit_rule(&f, "R-X", "0102");
    rule->has_window = true;
    rule->window = (struct rule_window){0, 8 * 60, 9 * 60};
    struct route_matter m = matter(CATEGORY_DUST, REGION_COM_B1);
    m.now_us = at("2026-11-20T08:30:00");
    enum route_verdict verdict;
    assert_true(rule_holds(&f, &m, &verdict));
    f.spec.offset_min = 420;
    assert_false(rule_holds(&f, &m, &verdict));
    m.now_us += US_PER_HOUR;
    assert_true(rule_holds(&f, &m, &verdict));
}

/* ---- specificity --------------------------------------------------------------------------- */

/*
 * Rows from the most specific to the least: each beats all below it, by the criterion given for the
 * next one. They stand in the set in the opposite order, so that nothing is won by position.
 */
static const struct {
    struct rule_spec rule;
    const char *beats_next_by;
} ladder[] = {
    {{.category = "0102"}, "category"},
    {{.category = "01", .region = "620201101001"}, "region"},
    {{.category = "01", .region = "620201101000", .keyword = "夜间施工"}, "keyword"},
    {{.category = "01",
      .region = "620201101000",
      .keyword = "噪声",
      .has_window = true,
      .window = {0, 0, 1440}},
     "window"},
    {{.category = "01", .region = "620201101000", .keyword = "夜间", .kind = "complaint"}, "kind"},
    {{.category = "01",
      .region = "620201101000",
      .keyword = "夜间",
      .channel = "phone",
      .urgency = "normal"},
     "channel"},
    {{.category = "01", .region = "620201101000", .keyword = "夜间", .urgency = "normal"},
     "urgency"},
    {{.category = "01", .region = "620201101000", .keyword = "夜间"}, "keyword"},
    {{.category = "01",
      .region = "620201101000",
      .has_window = true,
      .window = {0, 0, 1440},
      .kind = "complaint",
      .channel = "phone",
      .urgency = "normal"},
     "region"},
    {{.category = "01", .keyword = "夜间施工"}, "keyword"},
    {{.category = "01", .kind = "complaint"}, "kind"},
    {{.category = "01"}, "category"},
    {{.region = "620201101001", .keyword = "夜间施工"}, NULL},
};
#define LADDER ((int)(sizeof(ladder) / sizeof(ladder[0])))

static struct city *ladder_city(void)
{
    static const char *const codes[] = {"L0", "L1", "L2", "L3",  "L4",  "L5", "L6",
                                        "L7", "L8", "L9", "L10", "L11", "L12"};
    struct city_fixture f;
    city_fixture_init(&f);
    f.spec.rule_count = 0;
    for (int i = LADDER - 1; i >= 0; i--) {
        struct rule_spec *rule = city_fixture_rule(&f, codes[i]);
        *rule = ladder[i].rule;
        rule->code = codes[i];
        rule->unit = "CG";
    }
    return city_fixture_build(&f);
}

static void test_ladder_of_specificity(void **state)
{
    (void)state;
    struct city *city = ladder_city();
    for (int i = 0; i < LADDER; i++)
        for (int j = i + 1; j < LADDER; j++) {
            const char *by = NULL;
            int a = LADDER - 1 - i, b = LADDER - 1 - j; /* positions */
            assert_true(route_compare(city, a, b, &by) < 0);
            assert_true(route_compare(city, b, a, NULL) > 0);
            if (j == i + 1)
                assert_string_equal(by, ladder[i].beats_next_by);
        }
    const char *by = "";
    assert_int_equal(route_compare(city, 3, 3, &by), 0);
    assert_null(by);
    city_unref(&city);
}

static void test_equals_are_decided_by_position(void **state)
{
    (void)state;
    struct city_fixture f;
    city_fixture_init(&f);
    (void)unit_rule(&f, "R-FIRST", "0102");
    (void)unit_rule(&f, "R-SECOND", "0102");
    struct city *city = city_fixture_build(&f);
    const char *by = NULL;
    assert_true(route_compare(city, 3, 4, &by) < 0);
    assert_string_equal(by, "position");
    struct route_matter m = matter(CATEGORY_DUST, REGION_COM_B1);
    struct route route;
    route_matter(city, &m, &route);
    assert_int_equal(route.rule, 3);
    city_unref(&city);
}

/* ---- explain ------------------------------------------------------------------------------- */

struct lines {
    int count;
    struct {
        int rule;
        enum route_verdict verdict;
        const char *lost_by;
    } line[32];
};

static void keep_line(void *ctx, int rule, enum route_verdict verdict, const char *lost_by)
{
    struct lines *lines = ctx;
    assert_true(lines->count < 32);
    lines->line[lines->count].rule = rule;
    lines->line[lines->count].verdict = verdict;
    lines->line[lines->count++].lost_by = lost_by;
}

static void test_explain_names_winner_first_and_criteria(void **state)
{
    (void)state;
    struct city *city = ladder_city();
    struct route_matter m = matter(CATEGORY_DUST, REGION_COM_B1);
    struct lines lines = {0};
    route_explain(city, &m, keep_line, &lines);
    assert_int_equal(lines.count, LADDER);
    assert_int_equal(lines.line[0].verdict, ROUTE_WON);
    assert_null(lines.line[0].lost_by);
    for (int i = 0; i < LADDER; i++) {
        assert_int_equal(lines.line[i].rule, LADDER - 1 - i);
        if (i > 0) {
            assert_int_equal(lines.line[i].verdict, ROUTE_LESS_SPECIFIC);
            assert_string_equal(lines.line[i].lost_by, "category");
        }
    }
    city_unref(&city);
}

static void test_explain_of_misses(void **state)
{
    (void)state;
    struct city *city = ladder_city();
    struct route_matter m = matter(CATEGORY_NIGHT, REGION_COM_A1); /* town A; not below 0102 */
    m.kind = KIND_HELP;
    struct lines lines = {0};
    route_explain(city, &m, keep_line, &lines);
    assert_int_equal(lines.count, LADDER - 1); /* 0102 is on another branch */
    static const struct {
        int row;
        enum route_verdict verdict;
        const char *lost_by;
    } expected[] = {
        {9, ROUTE_WON, NULL},
        {1, ROUTE_MISS_REGION, NULL},
        {2, ROUTE_MISS_REGION, NULL},
        {3, ROUTE_MISS_REGION, NULL},
        {4, ROUTE_MISS_REGION, NULL},
        {5, ROUTE_MISS_REGION, NULL},
        {6, ROUTE_MISS_REGION, NULL},
        {7, ROUTE_MISS_REGION, NULL},
        {8, ROUTE_MISS_REGION, NULL},
        {10, ROUTE_MISS_KIND, NULL},
        {11, ROUTE_LESS_SPECIFIC, "keyword"},
        {12, ROUTE_MISS_REGION, NULL},
    };
    for (int i = 0; i < lines.count; i++) {
        assert_int_equal(lines.line[i].rule, LADDER - 1 - expected[i].row);
        assert_int_equal(lines.line[i].verdict, expected[i].verdict);
        if (expected[i].lost_by == NULL)
            assert_null(lines.line[i].lost_by);
        else
            assert_string_equal(lines.line[i].lost_by, expected[i].lost_by);
    }
    city_unref(&city);
}

static void test_explain_without_a_winner(void **state)
{
    (void)state;
    struct city_fixture f;
    city_fixture_init(&f);
    f.rules[2].kind = "consult";
    struct city *city = city_fixture_build(&f);
    struct route_matter m = matter(CATEGORY_HEAT, REGION_COM_A1);
    struct lines lines = {0};
    route_explain(city, &m, keep_line, &lines);
    assert_int_equal(lines.count, 1);
    assert_int_equal(lines.line[0].rule, 2);
    assert_int_equal(lines.line[0].verdict, ROUTE_MISS_KIND);
    city_unref(&city);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_nobody_goes_to_the_pool),
        cmocka_unit_test(test_no_rule_keeps_what_was_given),
        cmocka_unit_test(test_overrides_policy_and_co_units),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_windows_are_local),
        cmocka_unit_test(test_ladder_of_specificity),
        cmocka_unit_test(test_equals_are_decided_by_position),
        cmocka_unit_test(test_explain_names_winner_first_and_criteria),
        cmocka_unit_test(test_explain_of_misses),
        cmocka_unit_test(test_explain_without_a_winner),
    };
    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
