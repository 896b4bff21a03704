#include "random_city.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clk.h"

/* 2026-02-09T00:00:00+08:00, a Monday. */
#define SOME_MONDAY_US (INT64_C(1770566400) * US_PER_SECOND)

static const char *const duties[] = {"general", "urban_management", "water", "noise"};
static const char *const keywords[] = {"噪声", "夜间", "夜间施工", "水管", "pipe", "停水"};
static const char *const texts[] = {"夜间施工噪声扰民", "小区停水两天", "水管 pipe 破裂",
                                    "路灯不亮", ""};
static const char *const tiers[] = {"grid", "village", "town", "county", "city"};

int random_below(struct random *random, int below)
{
    random->state ^= random->state << 13;
    random->state ^= random->state >> 7;
    random->state ^= random->state << 17;
    return (int)((random->state >> 11) % (uint64_t)below);
}

bool random_one_in(struct random *random, int of)
{
    return random_below(random, of) == 0;
}

/* Every level of a child lies below its parent's, by one or more: ragged. */
static void add_regions(struct random *random, struct arena *arena, struct city_spec *spec,
                        int count)
{
    struct region_spec *regions = arena_alloc(arena, (size_t)count * sizeof(*regions));
    int *levels = arena_alloc(arena, (size_t)count * sizeof(*levels));
    regions[0] = (struct region_spec){.code = "320281000000", .name = "root", .level = "city"};
    levels[0] = TIER_CITY;
    for (int i = 1; i < count; i++) {
        int parent = random_below(random, i);
        while (levels[parent] == TIER_GRID)
            parent = random_below(random, parent);
        int drop = random_one_in(random, 4) ? 2 : 1;
        levels[i] = levels[parent] - drop < TIER_GRID ? TIER_GRID : levels[parent] - drop;
        regions[i].code = levels[i] == TIER_GRID ? arena_printf(arena, "%015d", i)
                                                 : arena_printf(arena, "%012d", i);
        regions[i].name = "place";
        regions[i].level = tier_words[levels[i]].code;
        regions[i].parent = regions[parent].code;
    }
    spec->regions = regions;
    spec->region_count = (size_t)count;
}

/* No two units over the same region, so nothing is ambiguous. */
static void add_units(struct random *random, struct arena *arena, struct city_spec *spec, int count)
{
    struct unit_spec *units = arena_alloc(arena, (size_t)count * sizeof(*units));
    int regions = (int)spec->region_count;
    int stride = regions / count > 0 ? regions / count : 1;
    for (int i = 0; i < count; i++) {
        const struct region_spec *region = &spec->regions[i * stride % regions];
        const char **regions_of = arena_alloc(arena, sizeof(*regions_of));
        regions_of[0] = region->code;
        int level = word_find(tier_words, TIER_COUNT, region->level);
        int tier = level + random_below(random, TIER_COUNT - level);
        int first = random_below(random, (int)ARRAY_LEN(duties));
        units[i].code = arena_printf(arena, "U%d", i);
        units[i].name = "unit";
        units[i].tier = tier_words[random_one_in(random, 3) ? tier : level].code;
        units[i].kind = "department";
        units[i].duties = &duties[first];
        units[i].duty_count = 1 + (size_t)random_below(random, (int)ARRAY_LEN(duties) - first);
        units[i].regions = regions_of;
        units[i].region_count = i < regions ? 1 : 0;
    }
    spec->units = units;
    spec->unit_count = (size_t)count;
}

static void add_categories(struct random *random, struct arena *arena, struct city_spec *spec,
                           int count)
{
    struct category_spec *categories = arena_alloc(arena, (size_t)count * sizeof(*categories));
    int *depths = arena_alloc(arena, (size_t)count * sizeof(*depths));
    for (int i = 0; i < count; i++) {
        categories[i].code = arena_printf(arena, "C%d", i);
        categories[i].name = "category";
        int parent = i == 0 || random_one_in(random, 8) ? -1 : random_below(random, i);
        if (parent >= 0 && depths[parent] < 3) {
            categories[i].parent = categories[parent].code;
            depths[i] = depths[parent] + 1;
        }
    }
    spec->categories = categories;
    spec->category_count = (size_t)count;
}

static void random_window(struct random *random, struct rule_spec *rule)
{
    rule->has_window = true;
    rule->window.weekdays = (unsigned)random_below(random, 128);
    rule->window.from_min = random_below(random, 1440);
    do
        rule->window.to_min = random_below(random, 1441);
    while (rule->window.to_min == rule->window.from_min);
}

static const char *maybe_word(struct random *random, int one_in, const struct word *words,
                              int count)
{
    return random_one_in(random, one_in) ? words[random_below(random, count)].code : NULL;
}

static void random_effect(struct random *random, const struct city_spec *spec,
                          struct rule_spec *rule)
{
    int effect = random_below(random, 5);
    if (effect < 2) {
        rule->unit = spec->units[random_below(random, (int)spec->unit_count)].code;
    } else if (effect < 4) {
        rule->over_tier = tiers[random_below(random, (int)ARRAY_LEN(tiers))];
        rule->over_duty = duties[random_below(random, (int)ARRAY_LEN(duties))];
    }
    rule->set_kind = maybe_word(random, 9, kind_words, KIND_COUNT);
    rule->set_urgency = maybe_word(random, 9, urgency_words, URGENCY_COUNT);
}

static void add_rules(struct random *random, struct arena *arena, struct city_spec *spec,
                      const struct random_city *shape)
{
    struct rule_spec *rules = arena_alloc(arena, ((size_t)shape->rules + 1) * sizeof(*rules));
    for (int i = 0; i < shape->rules; i++) {
        struct rule_spec *rule = &rules[i];
        int other = shape->other_one_in;
        rule->code = arena_printf(arena, "R%d", i);
        if (random_one_in(random, shape->category_one_in))
            rule->category = spec->categories[random_below(random, (int)spec->category_count)].code;
        if (random_one_in(random, shape->region_one_in))
            rule->region = spec->regions[random_below(random, (int)spec->region_count)].code;
        rule->kind = maybe_word(random, other, kind_words, KIND_COUNT);
        rule->channel = maybe_word(random, other, channel_words, CHANNEL_COUNT);
        rule->urgency = maybe_word(random, other, urgency_words, URGENCY_COUNT);
        if (random_one_in(random, other))
            rule->keyword = keywords[random_below(random, (int)ARRAY_LEN(keywords))];
        if (random_one_in(random, other))
            random_window(random, rule);
        random_effect(random, spec, rule);
    }
    spec->rules = rules;
    spec->rule_count = (size_t)shape->rules;
}

static void add_deadlines(struct arena *arena, struct city_spec *spec)
{
    struct sla_rule *rule = arena_alloc(arena, sizeof(*rule));
    *rule = (struct sla_rule){.clock = CLOCK_RESOLVE,
                              .kind = SLA_ANY,
                              .urgency = SLA_ANY,
                              .limit = {.amount = 5, .unit = LIMIT_WORKING_DAYS},
                              .start = SLA_RECEIVED,
                              .stop = SLA_REPORTED,
                              .warn_percent = 75};
    struct sla_policy_spec *policy = arena_alloc(arena, sizeof(*policy));
    *policy = (struct sla_policy_spec){.name = "default", .rules = rule, .rule_count = 1};
    struct calendar_spec *calendar = arena_alloc(arena, sizeof(*calendar));
    calendar->name = "cn";
    calendar->offset_min = 480;
    calendar->day_close_min = -1;
    calendar->work = (struct calendar_hours){.count = 1, .open = {{510, 1050}}};
    for (int day = 0; day < 5; day++)
        calendar->week[day] = calendar->work;
    spec->policies = policy;
    spec->calendars = calendar;
    spec->policy_count = spec->calendar_count = 1;
}

struct city_spec random_city_spec(struct random *random, struct arena *arena,
                                  const struct random_city *shape)
{
    struct city_spec spec = {.code = "320281",
                             .name = "random",
                             .offset_min = 480,
                             .tiers = tiers,
                             .tier_count = ARRAY_LEN(tiers),
                             .rule_set = "random",
                             .sla_set = "random"};
    add_regions(random, arena, &spec, shape->regions);
    add_units(random, arena, &spec, shape->units);
    add_categories(random, arena, &spec, shape->categories);
    add_rules(random, arena, &spec, shape);
    add_deadlines(arena, &spec);
    return spec;
}

struct city *random_city_build(const struct city_spec *spec)
{
    static struct city_faults faults;
    struct city *city = city_build(spec, &faults);
    for (size_t i = 0; city == NULL && i < faults.count; i++)
        (void)fprintf(stderr, "%s %s %s\n", faults.list[i].field, faults.list[i].reason,
                      faults.list[i].detail);
    INVARIANT(city != NULL);
    return city;
}

struct route_matter random_matter(struct random *random, const struct city *city)
{
    int regions = (int)city_region_count(city);
    return (struct route_matter){
        .category = random_below(random, (int)city_category_count(city)),
        .region = random_one_in(random, 10) ? -1 : random_below(random, regions),
        .kind = (enum ticket_kind)random_below(random, KIND_COUNT),
        .urgency = (enum ticket_urgency)random_below(random, URGENCY_COUNT),
        .channel = (enum ticket_channel)random_below(random, CHANNEL_COUNT),
        .title = texts[random_below(random, (int)ARRAY_LEN(texts))],
        .text =
            random_one_in(random, 5) ? NULL : texts[random_below(random, (int)ARRAY_LEN(texts))],
        .now_us = SOME_MONDAY_US + random_below(random, 21 * 1440) * US_PER_MINUTE +
                  random_below(random, 60) * US_PER_SECOND};
}
