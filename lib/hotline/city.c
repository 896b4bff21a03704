/*
 * city.c - look-ups in a built city; see city_build.c for how it comes about.
 */
#include "hotline/city.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hotline/city_private.h"
#include "hotline/place_private.h"

/* ---- index table --------------------------------------------------------------------------- */

/* The keys are our own indexes, so a fixed mixer serves (finaliser of splitmix64). */
static uint64_t key_mix(uint64_t key)
{
    key = (key ^ (key >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    key = (key ^ (key >> 27)) * UINT64_C(0x94d049bb133111eb);
    return key ^ (key >> 31);
}

void index_init(struct index_table *table, struct arena *arena, size_t max_entries)
{
    size_t slots = 16;
    while (slots < max_entries * 2)
        slots *= 2;
    table->slots = arena_alloc(arena, slots * sizeof(*table->slots));
    table->mask = slots - 1;
}

static struct index_slot *index_slot(const struct index_table *table, uint64_t key)
{
    size_t at = (size_t)key_mix(key) & table->mask;
    while (table->slots[at].key != 0 && table->slots[at].key != key)
        at = (at + 1) & table->mask;
    return &table->slots[at];
}

bool index_put(struct index_table *table, uint64_t key, int value, int *value_r)
{
    INVARIANT(key != 0);
    struct index_slot *slot = index_slot(table, key);
    if (slot->key == key) {
        if (value_r != NULL)
            *value_r = slot->value;
        return false;
    }
    *slot = (struct index_slot){.key = key, .value = value};
    return true;
}

int index_get(const struct index_table *table, uint64_t key)
{
    const struct index_slot *slot = index_slot(table, key);
    return slot->key == key ? slot->value : -1;
}

/* ---- life ---------------------------------------------------------------------------------- */

struct city *city_ref(struct city *city)
{
    city->refs++;
    return city;
}

static void free_older_sets(struct city *city)
{
    for (size_t i = 0; i < city->older_set_count; i++)
        for (size_t k = 0; k < city->older_sets[i].count; k++)
            sla_policy_free(&city->older_sets[i].policies[k]);
}

static void city_free(struct city *city)
{
    free_older_sets(city);
    for (size_t i = 0; i < city->policy_count; i++)
        sla_policy_free(&city->policies[i]);
    for (size_t i = 0; i < city->calendar_count; i++)
        calendar_free(&city->calendars[i]);
    map_free(&city->region_by_code);
    map_free(&city->category_by_code);
    map_free(&city->unit_by_code);
    map_free(&city->rule_by_code);
    map_free(&city->duty_by_name);
    map_free(&city->policy_by_name);
    place_index_free(&city->place_names);
    arena_free(&city->arena);
    free(city);
}

void city_unref(struct city **city)
{
    struct city *c = *city;
    *city = NULL;
    if (c == NULL)
        return;
    INVARIANT(c->refs > 0);
    if (--c->refs == 0)
        city_free(c);
}

/* ---- the city itself ----------------------------------------------------------------------- */

const char *city_code(const struct city *city)
{
    return city->code;
}

const char *city_name(const struct city *city)
{
    return city->name;
}

int city_offset_min(const struct city *city)
{
    return city->offset_min;
}

bool city_has_tier(const struct city *city, enum tier tier)
{
    return city->has_tier[tier];
}

int64_t city_rule_set_version(const struct city *city)
{
    return city->rule_set_version;
}

int64_t city_sla_version(const struct city *city)
{
    return city->sla_version;
}

int64_t city_calendar_version(const struct city *city)
{
    return city->calendar_version;
}

const char *city_rule_set_name(const struct city *city)
{
    return city->rule_set;
}

const char *city_sla_set_name(const struct city *city)
{
    return city->sla_set;
}

/* ---- by code and by index ------------------------------------------------------------------ */

int code_find(const struct map *map, const char *code)
{
    return code == NULL ? -1 : (int)(uintptr_t)map_gets(map, code) - 1;
}

int city_find_region(const struct city *city, const char *code)
{
    return code_find(city->region_by_code, code);
}

int city_find_unit(const struct city *city, const char *code)
{
    return code_find(city->unit_by_code, code);
}

int city_find_category(const struct city *city, const char *code)
{
    return code_find(city->category_by_code, code);
}

int city_find_rule(const struct city *city, const char *code)
{
    return code_find(city->rule_by_code, code);
}

int city_find_duty(const struct city *city, const char *duty)
{
    return code_find(city->duty_by_name, duty);
}

int city_find_policy(const struct city *city, const char *name)
{
    return code_find(city->policy_by_name, name);
}

size_t city_region_count(const struct city *city)
{
    return city->region_count;
}

size_t city_unit_count(const struct city *city)
{
    return city->unit_count;
}

size_t city_category_count(const struct city *city)
{
    return city->category_count;
}

size_t city_rule_count(const struct city *city)
{
    return city->rule_count;
}

size_t city_duty_count(const struct city *city)
{
    return city->duty_count;
}

size_t city_policy_count(const struct city *city)
{
    return city->policy_count;
}

const struct region *city_region(const struct city *city, int index)
{
    INVARIANT(index >= 0 && (size_t)index < city->region_count);
    return &city->regions[index];
}

const struct unit *city_unit(const struct city *city, int index)
{
    INVARIANT(index >= 0 && (size_t)index < city->unit_count);
    return &city->units[index];
}

const struct category *city_category(const struct city *city, int index)
{
    INVARIANT(index >= 0 && (size_t)index < city->category_count);
    return &city->categories[index];
}

const struct rule *city_rule(const struct city *city, int index)
{
    INVARIANT(index >= 0 && (size_t)index < city->rule_count);
    return &city->rules[index];
}

const char *city_duty_name(const struct city *city, int duty)
{
    INVARIANT(duty >= 0 && (size_t)duty < city->duty_count);
    return city->duties[duty];
}

const struct sla_policy *city_policy(const struct city *city, int index)
{
    INVARIANT(index >= 0 && (size_t)index < city->policy_count);
    return city->policies[index];
}

static const struct sla_policy *policy_in(const struct policy_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(sla_policy_name(set->policies[i]), name) == 0)
            return set->policies[i];
    return NULL;
}

const struct sla_policy *city_policy_of(const struct city *city, int64_t sla_set, const char *name)
{
    const struct sla_policy *policy = NULL;
    const char *wanted = name == NULL ? CITY_DEFAULT_POLICY : name;
    for (size_t i = 0; i < city->older_set_count && policy == NULL; i++) {
        const struct policy_set *set = &city->older_sets[i];
        if (set->version != sla_set || sla_set == city->sla_version)
            continue;
        policy = policy_in(set, wanted);
        if (policy == NULL)
            policy = policy_in(set, CITY_DEFAULT_POLICY);
    }
    if (policy != NULL)
        return policy;
    int index = city_find_policy(city, wanted);
    return city->policies[index < 0 ? city->default_policy : index];
}

/* ---- trees --------------------------------------------------------------------------------- */

int city_root_region(const struct city *city)
{
    return city->root;
}

int city_region_first_child(const struct city *city, int region)
{
    INVARIANT(region >= 0 && (size_t)region < city->region_count);
    return city->region_links.first_child[region];
}

int city_region_next_sibling(const struct city *city, int region)
{
    INVARIANT(region >= 0 && (size_t)region < city->region_count);
    return city->region_links.next_sibling[region];
}

int city_category_first_child(const struct city *city, int category)
{
    INVARIANT(category >= -1 && category < (int)city->category_count);
    return category < 0 ? city->category_links.first_root
                        : city->category_links.first_child[category];
}

int city_category_next_sibling(const struct city *city, int category)
{
    INVARIANT(category >= 0 && (size_t)category < city->category_count);
    return city->category_links.next_sibling[category];
}

size_t city_region_path(const struct city *city, int region, int path[CITY_MAX_DEPTH])
{
    size_t length = (size_t)city_region(city, region)->depth + 1;
    for (size_t i = length; i-- > 0; region = city->regions[region].parent)
        path[i] = region;
    return length;
}

size_t city_category_path(const struct city *city, int category, int path[CITY_MAX_DEPTH])
{
    size_t length = (size_t)city_category(city, category)->depth + 1;
    for (size_t i = length; i-- > 0; category = city->categories[category].parent)
        path[i] = category;
    return length;
}

bool city_region_within(const struct city *city, int inner, int outer)
{
    const struct region *in = city_region(city, inner);
    const struct region *out = city_region(city, outer);
    return in->order >= out->first && in->order <= out->last;
}

bool city_category_within(const struct city *city, int inner, int outer)
{
    const struct category *in = city_category(city, inner);
    const struct category *out = city_category(city, outer);
    return in->order >= out->first && in->order <= out->last;
}

bool city_unit_within(const struct city *city, int inner, int outer)
{
    int at = inner;
    while (at >= 0 && at != outer)
        at = city_unit(city, at)->parent;
    return at >= 0;
}

const struct place_index *city_places(const struct city *city)
{
    return city->place_names;
}

int city_region_at_level(const struct city *city, int region, enum tier level)
{
    int at = region;
    while (at >= 0 && city_region(city, at)->level != level)
        at = city->regions[at].parent;
    return at;
}

/* ---- who and when at a place --------------------------------------------------------------- */

static int unit_at_or_above(const struct city *city, int region, int tier, int duty)
{
    int unit = -1;
    for (int at = region; at >= 0 && unit < 0; at = city->regions[at].parent)
        unit = index_get(&city->unit_over, place_key(at, tier, duty));
    return unit;
}

int city_unit_over(const struct city *city, int region, enum tier tier, int duty)
{
    int unit = -1;
    for (int t = (int)tier; t < TIER_COUNT && unit < 0; t++) {
        if (duty >= 0)
            unit = unit_at_or_above(city, region, t, duty);
        if (unit < 0 && duty != DUTY_GENERAL)
            unit = unit_at_or_above(city, region, t, DUTY_GENERAL);
    }
    return unit;
}

const struct calendar *city_calendar(const struct city *city, int region)
{
    int index = city->city_calendar;
    if (region >= 0) {
        INVARIANT((size_t)region < city->region_count);
        index = city->region_calendar[region];
    }
    return city->calendars[index];
}
