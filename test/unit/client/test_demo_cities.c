/*
 * The cities that come with the project are what they say: complete, free of errors, and every
 * matter finds a unit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "city_folder.h"
#include "client/csv_file.h"
#include "hotline/route.h"

#define JIANGYIN "daemon/cities/jiangyin"
#define JIANGYIN_GRID "daemon/cities/jiangyin-grid"
#define JIAYUGUAN "daemon/cities/jiayuguan"
#define LEAVES 517

static void open_city(struct loaded_city *c, const char *folder)
{
    loaded_city_open(c, &folder, 1);
}

static int64_t instant(const char *text)
{
    int64_t us;
    assert_true(civil_parse_instant(text, strlen(text), &us));
    return us;
}

static struct route route_of(const struct loaded_city *c, const char *category, const char *region,
                             const char *title, const char *when)
{
    struct route route;
    struct route_matter matter = {
        .category = city_find_category(c->city, category),
        .region = city_find_region(c->city, region),
        .kind = KIND_COMPLAINT,
        .urgency = URGENCY_NORMAL,
        .channel = CHANNEL_PHONE,
        .title = title,
        .text = "",
        .now_us = instant(when),
    };
    assert_true(matter.category >= 0);
    assert_true(matter.region >= 0);
    route_matter(c->city, &matter, &route);
    return route;
}

static const char *lead_of(const struct loaded_city *c, const struct route *route)
{
    return route->lead_unit < 0 ? "pool" : city_unit(c->city, route->lead_unit)->code;
}

#define assert_lead(c, category, region, title, when, unit)                                        \
    do {                                                                                           \
        struct route route_ = route_of(c, category, region, title, when);                          \
        assert_string_equal(lead_of(c, &route_), unit);                                            \
    } while (0)

#define NOON "2026-03-04T12:00:00+08:00"
#define NIGHT "2026-03-04T23:30:00+08:00"
#define SMALL_HOURS "2026-03-04T05:59:59+08:00"
#define MORNING "2026-03-04T06:00:00+08:00"

/* ---- both ------------------------------------------------------------------------------------ */

static size_t count_level(const struct loaded_city *c, enum tier level)
{
    size_t count = 0;
    for (size_t i = 0; i < city_region_count(c->city); i++)
        count += city_region(c->city, (int)i)->level == level;
    return count;
}

static size_t count_leaves(const struct loaded_city *c)
{
    size_t count = 0;
    for (size_t i = 0; i < city_category_count(c->city); i++)
        count += city_category(c->city, (int)i)->depth == 2;
    return count;
}

/* Every leaf in every village, as every kind, at noon and at night. Returns how many found nobody.
 */
static size_t count_unrouted(const struct loaded_city *c, size_t *total_r)
{
    const int64_t moments[] = {instant(NOON), instant(NIGHT)};
    size_t unrouted = 0;
    *total_r = 0;
    for (size_t r = 0; r < city_region_count(c->city); r++) {
        if (city_region(c->city, (int)r)->level != TIER_VILLAGE)
            continue;
        for (size_t k = 0; k < city_category_count(c->city); k++) {
            if (city_category(c->city, (int)k)->depth != 2)
                continue;
            for (int kind = 0; kind < KIND_COUNT; kind++) {
                struct route_matter matter = {
                    .category = (int)k,
                    .region = (int)r,
                    .kind = (enum ticket_kind)kind,
                    .title = "",
                    .text = "",
                    .now_us = moments[(r + k) % ARRAY_LEN(moments)],
                };
                struct route route;
                route_matter(c->city, &matter, &route);
                unrouted += route.lead_unit < 0 || route.rule < 0;
                ++*total_r;
            }
        }
    }
    return unrouted;
}

static void check_all_matters_routed(const char *folder, size_t villages)
{
    struct loaded_city c;
    size_t total;
    open_city(&c, folder);
    assert_int_equal(c.faults->warnings, 0); /* nothing shadowed, unreachable or uncovered */
    assert_int_equal(count_leaves(&c), LEAVES);
    assert_int_equal(count_level(&c, TIER_VILLAGE), villages);
    assert_int_equal(count_unrouted(&c, &total), 0);
    assert_int_equal(total, villages * LEAVES * KIND_COUNT);
    loaded_city_close(&c);
}

static void test_demo_cities_route_every_matter(void **state)
{
    (void)state;
    check_all_matters_routed(JIANGYIN, 282);
    check_all_matters_routed(JIAYUGUAN, 48);
}

/* The same days in each city as in the table of the whole country. */
static void check_calendar_days(const char *folder)
{
    struct sbuf messages;
    struct arena *arena = arena_new();
    sbuf_init(&messages, 0);
    struct csv_errors errors = {.text = &messages};
    struct csv_file country, city;
    assert_true(csv_file_read("daemon/cities/workdays-cn.csv", arena, &country, &errors));
    assert_true(
        csv_file_read(arena_printf(arena, "%s/calendar_days.csv", folder), arena, &city, &errors));
    assert_int_equal(country.row_count, 345);
    assert_int_equal(city.row_count, country.row_count);
    for (size_t i = 0; i < country.row_count; i++)
        for (size_t k = 0; k < 3; k++) /* date, kind, name; the city's rows start with its name */
            assert_string_equal(city.rows[i].cells[k + 1].text, country.rows[i].cells[k].text);
    sbuf_free(&messages);
    arena_free(&arena);
}

static void test_demo_cities_share_the_countrys_calendar(void **state)
{
    (void)state;
    check_calendar_days(JIANGYIN);
    check_calendar_days(JIAYUGUAN);
}

/* DOMAIN's receipt date + n working days, counted on a city's own calendar. */
static void check_deadlines(const char *folder)
{
    static const struct {
        const char *received;
        int64_t days;
        const char *due;
    } vectors[] = {
        {"2025-01-24T10:00:00+08:00", 5, "2025-02-07T17:30:00+08:00"},
        {"2025-12-31T10:00:00+08:00", 1, "2026-01-04T17:30:00+08:00"},
        {"2026-02-13T10:00:00+08:00", 1, "2026-02-14T17:30:00+08:00"},
        {"2026-02-13T10:00:00+08:00", 15, "2026-03-12T17:30:00+08:00"},
        {"2026-10-09T10:00:00+08:00", 2, "2026-10-12T17:30:00+08:00"},
    };
    struct loaded_city c;
    open_city(&c, folder);
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct deadline d = calendar_due(city_calendar(c.city, -1), instant(vectors[i].received),
                                         (struct limit){vectors[i].days, LIMIT_WORKING_DAYS});
        assert_int_equal(d.due_us, instant(vectors[i].due));
        assert_false(d.provisional);
    }
    loaded_city_close(&c);
}

static void test_demo_cities_count_working_days(void **state)
{
    (void)state;
    check_deadlines(JIANGYIN);
    check_deadlines(JIAYUGUAN);
}

/* ---- Jiangyin -------------------------------------------------------------------------------- */

static void test_jiangyin_has_100_linked_units(void **state)
{
    (void)state;
    struct loaded_city c;
    size_t linked = 0, villages = 0;
    open_city(&c, JIANGYIN);
    for (size_t i = 0; i < city_unit_count(c.city); i++) {
        const char *kind = city_unit(c.city, (int)i)->kind;
        linked += strcmp(kind, "department") == 0 || strcmp(kind, "company") == 0 ||
                  strcmp(kind, "town") == 0;
        villages += strcmp(kind, "village") == 0;
    }
    assert_int_equal(linked, 100);
    assert_int_equal(villages, 282);
    assert_int_equal(count_level(&c, TIER_TOWN), 21);
    assert_int_equal(city_unit_count(c.city), 382);
    loaded_city_close(&c);
}

/* Noise by day goes to the town's environment duty, by night to its 城管: both are the town here,
 * the rule differs. */
static void test_jiangyin_noise_at_night(void **state)
{
    (void)state;
    struct loaded_city c;
    open_city(&c, JIANGYIN);
    int noise = city_find_category(c.city, "040203");
    assert_string_equal(city_category(c.city, noise)->name, "噪音污染");
    const struct {
        const char *when, *duty;
    } hours[] = {{NOON, "environment"},
                 {NIGHT, "urban_management"},
                 {SMALL_HOURS, "urban_management"},
                 {MORNING, "environment"}};
    for (size_t i = 0; i < ARRAY_LEN(hours); i++) {
        struct route route = route_of(&c, "040203", "320281001001", "楼下太吵", hours[i].when);
        assert_string_equal(lead_of(&c, &route), "JY-T001");
        assert_int_equal(route.reason, ROUTE_OVER_PLACE);
        const struct rule *rule = city_rule(c.city, route.rule);
        assert_int_equal(rule->over_tier, TIER_TOWN);
        assert_int_equal(rule->over_duty, city_find_duty(c.city, hours[i].duty));
    }
    assert_lead(&c, "040203", "320281001001", "广场舞太吵", NOON, "JY-V001001");
    assert_lead(&c, "040203", "320281001001", "广场舞太吵", NIGHT, "JY-T001");
    loaded_city_close(&c);
}

static void test_jiangyin_utilities_run_against_their_own_clocks(void **state)
{
    (void)state;
    struct loaded_city c;
    open_city(&c, JIANGYIN);
    int utilities = city_find_policy(c.city, "utilities");
    assert_true(utilities >= 0);
    struct route route = route_of(&c, "010216", "320281001001", "小区停水", NOON);
    assert_string_equal(lead_of(&c, &route), "JY-SW");
    assert_int_equal(route.policy, utilities);
    assert_int_equal(route.urgency, URGENCY_URGENT);
    route = route_of(&c, "010216", "320281001001", "水费", NOON);
    assert_int_equal(route.urgency, URGENCY_NORMAL);
    const struct sla_rule *rule =
        sla_rule_for(city_policy(c.city, utilities), CLOCK_RESOLVE, KIND_HELP, URGENCY_NORMAL, 1);
    assert_int_equal(rule->limit.amount, 1440);
    assert_int_equal(rule->limit.unit, LIMIT_MINUTES);
    route = route_of(&c, "010204", "320281001001", "路灯漏电", NOON);
    assert_string_equal(lead_of(&c, &route), "JY-GD");
    assert_int_equal(route.urgency, URGENCY_CRITICAL);
    assert_int_equal(route.co_unit_count, 1);
    loaded_city_close(&c);
}

/* A rule that makes a matter urgent raises: what came in as critical stays critical. */
static void test_demo_cities_never_lower_the_urgency(void **state)
{
    (void)state;
    static const char *const folders[] = {JIANGYIN, JIAYUGUAN};
    static const char *const words[] = {"", "停水", "停电", "井盖", "电梯", "欠薪", "停暖"};
    for (size_t f = 0; f < ARRAY_LEN(folders); f++) {
        struct loaded_city c;
        size_t raised = 0;
        open_city(&c, folders[f]);
        for (size_t k = 0; k < city_category_count(c.city); k++)
            for (size_t w = 0; w < ARRAY_LEN(words); w++)
                for (int urgency = 0; urgency < URGENCY_COUNT; urgency++) {
                    struct route_matter matter = {.category = (int)k,
                                                  .region = 0,
                                                  .kind = KIND_HELP,
                                                  .urgency = (enum ticket_urgency)urgency,
                                                  .title = words[w],
                                                  .text = ""};
                    struct route route;
                    route_matter(c.city, &matter, &route);
                    assert_true((int)route.urgency >= urgency);
                    raised += (int)route.urgency > urgency;
                }
        assert_true(raised > 0);
        loaded_city_close(&c);
    }
}

static void test_jiangyin_consultations_go_to_the_office_that_knows(void **state)
{
    (void)state;
    struct loaded_city c;
    struct route route;
    open_city(&c, JIANGYIN);
    struct route_matter matter = {
        .category = city_find_category(c.city, "150205"),
        .region = city_find_region(c.city, "320281001001"),
        .kind = KIND_CONSULT,
        .title = "",
        .text = "",
    };
    route_matter(c.city, &matter, &route);
    assert_string_equal(lead_of(&c, &route), "JY-RSJ");
    matter.kind = KIND_COMPLAINT;
    route_matter(c.city, &matter, &route);
    assert_string_equal(lead_of(&c, &route), "JY-T001");
    loaded_city_close(&c);
}

/* The grid tier is data: laid over the city, some matters go to the grid, and to the village where
 * there is none. */
static void test_jiangyin_grid_tier_can_be_switched_on(void **state)
{
    (void)state;
    static const char *const both[] = {JIANGYIN, JIANGYIN_GRID};
    struct loaded_city c;
    open_city(&c, JIANGYIN);
    assert_false(city_has_tier(c.city, TIER_GRID));
    assert_lead(&c, "010214", "320281001001", "", NOON, "JY-V001001");
    loaded_city_close(&c);

    loaded_city_open(&c, both, 2);
    assert_int_equal(c.faults->warnings, 0);
    assert_true(city_has_tier(c.city, TIER_GRID));
    assert_int_equal(count_level(&c, TIER_GRID), 375);
    assert_string_equal(city_rule_set_name(c.city), "jiangyin-2026-grid");
    assert_lead(&c, "010214", "320281001001002", "", NOON, "JY-G001001002");
    struct route route = route_of(&c, "010214", "320281004001", "", NOON);
    assert_string_equal(lead_of(&c, &route), "JY-V004001");
    assert_int_equal(route.reason, ROUTE_TIER_ABOVE);
    assert_lead(&c, "040203", "320281001001002", "", NOON, "JY-T001");
    loaded_city_close(&c);
}

/* ---- Jiayuguan ------------------------------------------------------------------------------- */

static void test_jiayuguan_is_ragged(void **state)
{
    (void)state;
    struct loaded_city c;
    open_city(&c, JIAYUGUAN);
    assert_false(city_has_tier(c.city, TIER_COUNTY));
    int village = city_find_region(c.city, "620201001001");
    assert_int_equal(city_region(c.city, village)->depth, 3);
    assert_int_equal(city_region_at_level(c.city, village, TIER_COUNTY),
                     city_find_region(c.city, "620201000000"));
    assert_int_equal(city_region_at_level(c.city, village, TIER_TOWN),
                     city_find_region(c.city, "620201001000"));
    assert_int_equal(city_region_at_level(c.city, village, TIER_GRID), -1);
    assert_true(city_region_within(c.city, village, city_find_region(c.city, "620200000000")));

    int general = city_find_duty(c.city, "general");
    int over = city_unit_over(c.city, village, TIER_TOWN, general);
    assert_string_equal(city_unit(c.city, over)->code, "JYG-T001");
    over = city_unit_over(c.city, village, TIER_COUNTY, general); /* no such tier: the next above */
    assert_string_equal(city_unit(c.city, over)->code, "JYG-YXZX");
    over = city_unit_over(c.city, city_find_region(c.city, "620201000000"), TIER_VILLAGE, general);
    assert_string_equal(city_unit(c.city, over)->code, "JYG-YXZX");
    loaded_city_close(&c);
}

static void test_jiayuguan_devices_stand_in_communities(void **state)
{
    (void)state;
    struct loaded_city c;
    open_city(&c, JIAYUGUAN);
    assert_int_equal(c.bundle.device_count, 200);
    for (size_t i = 0; i < c.bundle.device_count; i++) {
        int region = city_find_region(c.city, c.bundle.devices[i].region);
        assert_true(region >= 0);
        assert_int_equal(city_region(c.city, region)->level, TIER_VILLAGE);
        assert_non_null(c.bundle.devices[i].address);
    }
    struct route_matter matter = {
        .category = city_find_category(c.city, "090102"),
        .region = city_find_region(c.city, c.bundle.devices[0].region),
        .kind = KIND_HELP,
        .channel = CHANNEL_DEVICE,
        .title = "",
        .text = "",
    };
    struct route route;
    route_matter(c.city, &matter, &route);
    assert_int_equal(city_unit(c.city, route.lead_unit)->tier, TIER_VILLAGE);
    assert_int_equal(route.urgency, URGENCY_URGENT);
    assert_int_equal(route.policy, city_find_policy(c.city, "one_key"));
    loaded_city_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demo_cities_route_every_matter),
        cmocka_unit_test(test_demo_cities_share_the_countrys_calendar),
        cmocka_unit_test(test_demo_cities_count_working_days),
        cmocka_unit_test(test_demo_cities_never_lower_the_urgency),
        cmocka_unit_test(test_jiangyin_has_100_linked_units),
        cmocka_unit_test(test_jiangyin_noise_at_night),
        cmocka_unit_test(test_jiangyin_utilities_run_against_their_own_clocks),
        cmocka_unit_test(test_jiangyin_consultations_go_to_the_office_that_knows),
        cmocka_unit_test(test_jiangyin_grid_tier_can_be_switched_on),
        cmocka_unit_test(test_jiayuguan_is_ragged),
        cmocka_unit_test(test_jiayuguan_devices_stand_in_communities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
