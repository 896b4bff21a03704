/*
 * Routing against a reference that tries every rule, and the laws of the order, on random cities.
 * The reference shares no code with the router: it climbs parents, counts characters and lays
 * windows out as intervals on its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clk.h"
#include "random_city.h"

#define MINUTES_PER_DAY 1440
#define EPOCH_WEEKDAY 3 /* 1970-01-01 was a Thursday; 0 = Monday */

/* ---- the reference ------------------------------------------------------------------------- */

static int slow_region_depth(const struct city *city, int region)
{
    int depth = -1;
    for (; region >= 0; region = city_region(city, region)->parent)
        depth++;
    return depth;
}

static int slow_category_depth(const struct city *city, int category)
{
    int depth = -1;
    for (; category >= 0; category = city_category(city, category)->parent)
        depth++;
    return depth;
}

static int slow_characters(const char *s)
{
    int count = 0;
    for (; s != NULL && *s != '\0'; s++)
        count += ((unsigned char)*s & 0xC0) != 0x80;
    return count;
}

static bool slow_window(const struct rule_window *w, int64_t now_us, int offset_min)
{
    int64_t minute = (now_us / US_PER_MINUTE) + offset_min;
    int64_t today = minute / MINUTES_PER_DAY;
    int length = (w->to_min - w->from_min + MINUTES_PER_DAY) % MINUTES_PER_DAY;
    if (length == 0)
        length = MINUTES_PER_DAY; /* 00:00-24:00 */
    for (int64_t day = today - 1; day <= today; day++) {
        unsigned bit = 1U << ((day + EPOCH_WEEKDAY) % 7);
        int64_t from = day * MINUTES_PER_DAY + w->from_min;
        if ((w->weekdays == 0 || (w->weekdays & bit) != 0) && minute >= from &&
            minute < from + length)
            return true;
    }
    return false;
}

static bool slow_contains(const char *text, const char *keyword)
{
    size_t len = strlen(keyword);
    for (; text != NULL && *text != '\0'; text++)
        if (strncmp(text, keyword, len) == 0)
            return true;
    return false;
}

static bool slow_match(const struct city *city, const struct rule *rule,
                       const struct route_matter *m)
{
    int category = m->category, region = m->region;
    while (category >= 0 && category != rule->category)
        category = city_category(city, category)->parent;
    while (region >= 0 && region != rule->region)
        region = city_region(city, region)->parent;
    if ((rule->category >= 0 && category < 0) || (rule->region >= 0 && region < 0))
        return false;
    if ((rule->kind >= 0 && rule->kind != (int)m->kind) ||
        (rule->channel >= 0 && rule->channel != (int)m->channel) ||
        (rule->urgency >= 0 && rule->urgency != (int)m->urgency))
        return false;
    if (rule->keyword != NULL && !slow_contains(m->title, rule->keyword) &&
        !slow_contains(m->text, rule->keyword))
        return false;
    return !rule->has_window || slow_window(&rule->window, m->now_us, city_offset_min(city));
}

enum { KEYS = 8 };
static const char *const key_names[KEYS] = {"category", "region",  "keyword", "window",
                                            "kind",     "channel", "urgency", "position"};

static void slow_keys(const struct city *city, int rule, int keys[KEYS])
{
    const struct rule *r = city_rule(city, rule);
    const int values[KEYS] = {slow_category_depth(city, r->category),
                              slow_region_depth(city, r->region),
                              slow_characters(r->keyword),
                              r->has_window,
                              r->kind >= 0,
                              r->channel >= 0,
                              r->urgency >= 0,
                              -rule};
    memcpy(keys, values, sizeof(values));
}

/* The index of the key that decides; KEYS for the same rule. */
static int slow_compare(const struct city *city, int a, int b, bool *a_wins_r)
{
    int x[KEYS], y[KEYS], by = 0;
    slow_keys(city, a, x);
    slow_keys(city, b, y);
    while (by < KEYS && x[by] == y[by])
        by++;
    *a_wins_r = by < KEYS && x[by] > y[by];
    return by;
}

static int slow_winner(const struct city *city, const struct route_matter *m)
{
    int winner = -1;
    for (int i = 0; i < (int)city_rule_count(city); i++) {
        bool better = winner < 0;
        if (!slow_match(city, city_rule(city, i), m))
            continue;
        if (winner >= 0)
            (void)slow_compare(city, i, winner, &better);
        if (better)
            winner = i;
    }
    return winner;
}

/* ---- tests --------------------------------------------------------------------------------- */

static struct city *some_city(struct random *random, int rules)
{
    struct arena *arena = arena_new();
    struct random_city shape = {3 + random_below(random, 40), 10, 8, rules, 2, 2, 3};
    struct city_spec spec = random_city_spec(random, arena, &shape);
    struct city *city = random_city_build(&spec);
    arena_free(&arena);
    return city;
}

static void check_lead(const struct city *city, const struct route_matter *m,
                       const struct route *route)
{
    if (route->rule < 0) {
        assert_int_equal(route->reason, ROUTE_NO_RULE);
        assert_int_equal(route->lead_unit, -1);
        return;
    }
    const struct rule *rule = city_rule(city, route->rule);
    int lead = rule->unit;
    if (rule->over_tier >= 0 && m->region >= 0)
        lead = city_unit_over(city, m->region, (enum tier)rule->over_tier, rule->over_duty);
    assert_int_equal(route->lead_unit, lead);
    assert_int_equal(lead >= 0, route->reason == ROUTE_UNIT || route->reason == ROUTE_OVER_PLACE ||
                                    route->reason == ROUTE_TIER_ABOVE);
    assert_int_equal(route->kind, rule->set_kind >= 0 ? rule->set_kind : (int)m->kind);
    assert_int_equal(route->urgency, rule->set_urgency >= 0 ? rule->set_urgency : (int)m->urgency);
}

static void test_indexed_router_agrees_with_brute_force(void **state)
{
    (void)state;
    struct random random = {12345};
    int seen[ROUTE_REASON_COUNT] = {0};
    for (int round = 0; round < 40; round++) {
        struct city *city = some_city(&random, 1 + random_below(&random, 80));
        for (int i = 0; i < 300; i++) {
            struct route_matter m = random_matter(&random, city);
            struct route route;
            route_matter(city, &m, &route);
            assert_int_equal(route.rule, slow_winner(city, &m));
            check_lead(city, &m, &route);
            seen[route.reason]++;
        }
        city_unref(&city);
    }
    for (int reason = 0; reason < ROUTE_MANUAL; reason++)
        assert_true(seen[reason] > 20); /* every way out was really taken */
}

static void test_check_agrees_with_brute_force(void **state)
{
    (void)state;
    struct random random = {777};
    int seen[ROUTE_VERDICT_COUNT] = {0};
    for (int round = 0; round < 20; round++) {
        struct city *city = some_city(&random, 40);
        for (int i = 0; i < 50; i++) {
            struct route_matter m = random_matter(&random, city);
            for (int rule = 0; rule < (int)city_rule_count(city); rule++) {
                enum route_verdict verdict = route_check(city, &m, rule);
                assert_int_equal(verdict == ROUTE_WON, slow_match(city, city_rule(city, rule), &m));
                seen[verdict]++;
            }
        }
        city_unref(&city);
    }
    for (int verdict = 0; verdict < ROUTE_VERDICT_COUNT; verdict++)
        assert_true(verdict == ROUTE_LESS_SPECIFIC || seen[verdict] > 20);
}

/* Trichotomy and the criterion named, against the reference; then transitivity of every triple. */
static void test_order_is_strict_and_total(void **state)
{
    (void)state;
    enum { RULES = 60 };
    struct random random = {99};
    for (int round = 0; round < 10; round++) {
        struct city *city = some_city(&random, RULES);
        for (int a = 0; a < RULES; a++)
            for (int b = 0; b < RULES; b++) {
                const char *by = NULL;
                bool a_wins;
                int order = route_compare(city, a, b, &by);
                int key = slow_compare(city, a, b, &a_wins);
                assert_int_equal(order == 0, a == b);
                assert_int_equal(order < 0, a_wins);
                assert_int_equal(order<0, route_compare(city, b, a, NULL)> 0);
                if (a != b)
                    assert_string_equal(by, key_names[key]);
            }
        for (int a = 0; a < RULES; a++)
            for (int b = 0; b < RULES; b++)
                for (int c = 0; c < RULES; c++)
                    if (route_compare(city, a, b, NULL) < 0 && route_compare(city, b, c, NULL) < 0)
                        assert_true(route_compare(city, a, c, NULL) < 0);
        city_unref(&city);
    }
}

struct explained {
    const struct city *city;
    const struct route_matter *matter;
    int winner, lines, last;
    bool *seen;
};

static void check_line(void *ctx, int rule, enum route_verdict verdict, const char *lost_by)
{
    struct explained *e = ctx;
    assert_false(e->seen[rule]);
    e->seen[rule] = true;
    bool match = slow_match(e->city, city_rule(e->city, rule), e->matter);
    if (rule == e->winner) {
        assert_int_equal(e->lines, 0);
        assert_int_equal(verdict, ROUTE_WON);
    } else {
        bool a_wins;
        assert_int_equal(match, verdict == ROUTE_LESS_SPECIFIC);
        if (match)
            assert_string_equal(lost_by,
                                key_names[slow_compare(e->city, e->winner, rule, &a_wins)]);
        if (e->last >= 0)
            assert_true(route_compare(e->city, e->last, rule, NULL) < 0);
        e->last = rule;
    }
    e->lines++;
}

/* Every rule near the matter once, the winner first, the others in their order; every rule that
 * matches is among them. */
static void test_explain_is_complete_and_ordered(void **state)
{
    (void)state;
    struct random random = {31337};
    for (int round = 0; round < 20; round++) {
        struct city *city = some_city(&random, 50);
        for (int i = 0; i < 30; i++) {
            struct route_matter m = random_matter(&random, city);
            bool seen[50] = {false};
            struct explained e = {city, &m, slow_winner(city, &m), 0, -1, seen};
            route_explain(city, &m, check_line, &e);
            for (int rule = 0; rule < 50; rule++)
                if (slow_match(city, city_rule(city, rule), &m))
                    assert_true(seen[rule]);
        }
        city_unref(&city);
    }
}

static bool told_shadowed(const struct city_faults *faults, const char *code)
{
    char field[sizeof(faults->list[0].field)];
    (void)snprintf(field, sizeof(field), "rule_set.rules[%s]", code);
    bool told = false;
    for (size_t i = 0; i < faults->count; i++)
        told = told || (strcmp(faults->list[i].field, field) == 0 &&
                        strcmp(faults->list[i].reason, "shadowed") == 0);
    return told;
}

/* What is reported as shadowed never wins, whatever comes in. */
static void test_shadowed_rules_never_win(void **state)
{
    (void)state;
    static struct city_faults faults;
    struct random random = {4711};
    int shadowed = 0;
    for (int round = 0; round < 20; round++) {
        struct arena *arena = arena_new();
        struct random_city shape = {3, 2, 3, 120, 2, 3, 5}; /* crowded, so that rules collide */
        struct city_spec spec = random_city_spec(&random, arena, &shape);
        struct city *city = city_build(&spec, &faults);
        arena_free(&arena);
        assert_non_null(city);
        bool never[120] = {false};
        for (int rule = 0; rule < 120; rule++)
            never[rule] = told_shadowed(&faults, city_rule(city, rule)->code);
        for (int rule = 0; rule < 120; rule++)
            shadowed += never[rule];
        for (int i = 0; i < 3000; i++) {
            struct route_matter m = random_matter(&random, city);
            struct route route;
            route_matter(city, &m, &route);
            assert_false(route.rule >= 0 && never[route.rule]);
        }
        city_unref(&city);
    }
    assert_true(shadowed > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_indexed_router_agrees_with_brute_force),
        cmocka_unit_test(test_check_agrees_with_brute_force),
        cmocka_unit_test(test_order_is_strict_and_total),
        cmocka_unit_test(test_explain_is_complete_and_ordered),
        cmocka_unit_test(test_shadowed_rules_never_win),
    };
    return cmocka_run_group_tests_name("route, by property", tests, NULL, NULL);
}
