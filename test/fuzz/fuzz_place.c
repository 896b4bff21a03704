/*
 * Whatever is typed as an address: the pieces that matched lie in it and in order, scores stand in
 * their range and fall, and only the first may be certain.
 */
#include <stdint.h>
#include <string.h>

#include "hotline/place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A tree with namesakes, ancestors of the same name, numbers, an alias and grids. */
static struct city *make_city(void)
{
    static const char *const aliases[] = {"老城厢", "CBD"};
    static const struct region_spec regions[] = {
        {.code = "320281000000", .name = "江阴市", .level = "city"},
        {.code = "320281100000", .name = "江阴市", .level = "county", .parent = "320281000000"},
        {.code = "320281001000", .name = "澄江街道", .level = "town", .parent = "320281100000"},
        {.code = "320281109000", .name = "新桥镇", .level = "town", .parent = "320281100000"},
        {.code = "320281400000",
         .name = "江阴高新技术产业开发区",
         .level = "town",
         .parent = "320281000000"},
        {.code = "320281001001",
         .name = "文定社区居委会",
         .level = "village",
         .parent = "320281001000",
         .aliases = aliases,
         .alias_count = 2},
        {.code = "320281001225",
         .name = "花园村村委会",
         .level = "village",
         .parent = "320281001000"},
        {.code = "320281109203",
         .name = "新桥村村委会",
         .level = "village",
         .parent = "320281109000"},
        {.code = "320281109204",
         .name = "花园村村委会",
         .level = "village",
         .parent = "320281109000"},
        {.code = "320281109205",
         .name = "华西十一村村委会",
         .level = "village",
         .parent = "320281109000"},
        {.code = "320281001001001",
         .name = "文定社区居委会第1网格",
         .level = "grid",
         .parent = "320281001001"},
        {.code = "320281001225001", .name = "第一网格", .level = "grid", .parent = "320281001225"},
    };
    static const char *const tiers[] = {"grid", "village", "town", "city"};
    static const struct category_spec category = {.code = "01", .name = "市政"};
    static const struct sla_policy_spec policy = {.name = "default"};
    static const struct calendar_spec calendar = {.name = "cn",
                                                  .offset_min = 480,
                                                  .week = {{.count = 1, .open = {{510, 1050}}}},
                                                  .work = {.count = 1, .open = {{510, 1050}}},
                                                  .day_close_min = -1};
    static struct city_faults faults;
    const struct city_spec spec = {.code = "320281",
                                   .name = "江阴市",
                                   .offset_min = 480,
                                   .tiers = tiers,
                                   .tier_count = ARRAY_LEN(tiers),
                                   .regions = regions,
                                   .region_count = ARRAY_LEN(regions),
                                   .categories = &category,
                                   .category_count = 1,
                                   .rule_set = "fuzz",
                                   .sla_set = "fuzz",
                                   .policies = &policy,
                                   .policy_count = 1,
                                   .calendars = &calendar,
                                   .calendar_count = 1};
    struct city *city = city_build(&spec, &faults);
    INVARIANT(city != NULL);
    return city;
}

static void check_candidate(const struct place_candidate *c, size_t size)
{
    INVARIANT(c->score >= PLACE_OFFERED && c->score <= 100);
    INVARIANT(c->span_count > 0 && c->span_count <= CITY_MAX_DEPTH);
    for (size_t i = 0; i < c->span_count; i++) {
        INVARIANT(c->spans[i].from < c->spans[i].to && c->spans[i].to <= size);
        INVARIANT(i == 0 || c->spans[i].from >= c->spans[i - 1].to);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct city *city;
    struct place_result result;
    if (city == NULL)
        city = make_city();
    place_find(city, (const char *)data, size, &result);
    INVARIANT(result.count <= PLACE_MAX_CANDIDATES);
    for (size_t i = 0; i < result.count; i++) {
        const struct place_candidate *c = &result.list[i];
        check_candidate(c, size);
        INVARIANT(i == 0 || c->score <= result.list[i - 1].score);
        INVARIANT(!c->is_certain || (i == 0 && c->score >= PLACE_CERTAIN));
    }
    return 0;
}
