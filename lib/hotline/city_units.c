/*
 * city_units.c - units, what they do and the places they are over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hotline/city_private.h"

static const char *const unit_kinds[] = {"department", "company", "town", "village", "grid"};

int city_intern_duty(struct city *city, const char *duty)
{
    int id = city_find_duty(city, duty);
    if (id >= 0)
        return id;
    city->duties[city->duty_count] = arena_strdup(city->arena, duty);
    (void)map_puts(city->duty_by_name, duty, (void *)(uintptr_t)(city->duty_count + 1));
    return (int)city->duty_count++;
}

static void unit_kind(struct builder *b, size_t index)
{
    const struct unit_spec *spec = &b->spec->units[index];
    b->city->units[index].kind = "";
    for (size_t i = 0; i < ARRAY_LEN(unit_kinds); i++)
        if (given(spec->kind) && strcmp(unit_kinds[i], spec->kind) == 0)
            b->city->units[index].kind = unit_kinds[i];
    if (b->city->units[index].kind[0] == '\0')
        fault_row(b, given(spec->kind) ? "unknown" : "required", NULL, "units", spec->code, index,
                  ".kind");
}

static void unit_tier(struct builder *b, size_t index)
{
    const struct unit_spec *spec = &b->spec->units[index];
    int tier = tier_parse(b, "units", spec->code, index, ".tier", spec->tier);
    b->city->units[index].tier = tier < 0 ? TIER_DESK : (enum tier)tier;
    if (tier >= 0 && !b->city->has_tier[tier])
        fault_row(b, "range", "the city has no such tier", "units", spec->code, index, ".tier");
}

static bool listed_before(const int *list, size_t count, int value)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == value)
            return true;
    return false;
}

static void unit_duties(struct builder *b, size_t index)
{
    const struct unit_spec *spec = &b->spec->units[index];
    struct unit *unit = &b->city->units[index];
    if (spec->duty_count > CITY_MAX_UNIT_DUTIES) {
        fault_row(b, "range", "too many", "units", spec->code, index, ".duties");
        return;
    }
    int *duties = arena_alloc(b->city->arena, (spec->duty_count + 1) * sizeof(*duties));
    for (size_t i = 0; i < spec->duty_count; i++) {
        const char *word = spec->duties[i];
        if (!given(word) || !code_well_formed(word)) {
            fault_row(b, "format", NULL, "units", spec->code, index, ".duties");
            continue;
        }
        int duty = city_intern_duty(b->city, word);
        if (listed_before(duties, unit->duty_count, duty))
            fault_row(b, "duplicate", word, "units", spec->code, index, ".duties");
        else
            duties[unit->duty_count++] = duty;
    }
    unit->duties = duties;
}

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static void unit_regions(struct builder *b, size_t index)
{
    const struct unit_spec *spec = &b->spec->units[index];
    struct unit *unit = &b->city->units[index];
    if (spec->region_count > CITY_MAX_UNIT_REGIONS) {
        fault_row(b, "range", "too many", "units", spec->code, index, ".regions");
        return;
    }
    int *regions = arena_alloc(b->city->arena, (spec->region_count + 1) * sizeof(*regions));
    for (size_t i = 0; i < spec->region_count; i++) {
        int region = city_find_region(b->city, spec->regions[i]);
        if (region < 0)
            fault_row(b, "unknown", spec->regions[i], "units", spec->code, index, ".regions");
        else
            regions[unit->region_count++] = region;
    }
    qsort(regions, unit->region_count, sizeof(*regions), compare_ints);
    for (size_t i = 1; i < unit->region_count; i++)
        if (regions[i] == regions[i - 1])
            fault_row(b, "duplicate", b->city->regions[regions[i]].code, "units", spec->code, index,
                      ".regions");
    unit->regions = regions;
}

static void unit_read(struct builder *b, size_t index)
{
    const struct unit_spec *spec = &b->spec->units[index];
    struct unit *unit = &b->city->units[index];
    code_register(b, b->city->unit_by_code, "units", spec->code, index, ".code", NULL);
    unit->code = given(spec->code) ? arena_strdup(b->city->arena, spec->code) : "";
    unit->name = name_copy(b, "units", spec->code, index, spec->name);
    unit_kind(b, index);
    unit_tier(b, index);
    unit_duties(b, index);
    unit_regions(b, index);
}

static void unit_parent(struct builder *b, size_t index)
{
    const struct unit_spec *spec = &b->spec->units[index];
    struct unit *unit = &b->city->units[index];
    unit->parent = -1;
    if (!given(spec->parent))
        return;
    unit->parent = city_find_unit(b->city, spec->parent);
    if (unit->parent < 0)
        fault_row(b, "orphan", NULL, "units", spec->code, index, ".parent");
    else if (b->city->units[unit->parent].tier < unit->tier)
        fault_row(b, "range", "the parent is of a lower tier", "units", spec->code, index,
                  ".parent");
}

/* One walk per unit, each marking its nodes with its own number: every node is passed twice at
 * most. */
static void unit_cycles(struct builder *b)
{
    struct city *city = b->city;
    int *seen = arena_alloc(city->arena, (city->unit_count + 1) * sizeof(*seen));
    for (size_t i = 0; i < city->unit_count; i++) {
        int walk = (int)i + 1;
        int at = (int)i;
        while (at >= 0 && seen[at] == 0) {
            seen[at] = walk;
            at = city->units[at].parent;
        }
        if (at >= 0 && seen[at] == walk)
            fault_row(b, "cycle", NULL, "units", b->spec->units[at].code, (size_t)at, ".parent");
    }
}

/* ---- places -------------------------------------------------------------------------------- */

static void place_put(struct builder *b, size_t index, int region, int duty)
{
    struct city *city = b->city;
    const struct unit *unit = &city->units[index];
    int other = -1;
    city->places[city->place_count++] = (struct place){.tier = (int)unit->tier,
                                                       .duty = duty,
                                                       .order = city->regions[region].order,
                                                       .unit = (int)index};
    if (index_put(&city->unit_over, place_key(region, (int)unit->tier, duty), (int)index, &other) ||
        other == (int)index)
        return;
    char detail[sizeof(((struct city_fault *)NULL)->detail)];
    (void)snprintf(detail, sizeof(detail), "%s over %s is %s already", city->duties[duty],
                   city->regions[region].code, city->units[other].code);
    fault_row(b, "ambiguous", detail, "units", unit->code, index, ".duties");
}

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->tier != y->tier)
        return x->tier < y->tier ? -1 : 1;
    if (x->duty != y->duty)
        return x->duty < y->duty ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static void build_places(struct builder *b)
{
    struct city *city = b->city;
    size_t count = 0;
    for (size_t i = 0; i < city->unit_count; i++)
        count += city->units[i].duty_count * city->units[i].region_count;
    if (list_bound(b, "units", count, CITY_MAX_PLACES) < count)
        count = 0;
    index_init(&city->unit_over, city->arena, count);
    city->places = arena_alloc(city->arena, (count + 1) * sizeof(*city->places));
    for (size_t i = 0; i < city->unit_count && count > 0; i++) {
        const struct unit *unit = &city->units[i];
        for (size_t d = 0; d < unit->duty_count; d++)
            for (size_t r = 0; r < unit->region_count; r++)
                place_put(b, i, unit->regions[r], unit->duties[d]);
    }
    qsort(city->places, city->place_count, sizeof(*city->places), compare_places);
}

void city_build_units(struct builder *b)
{
    struct city *city = b->city;
    size_t count = list_bound(b, "units", b->spec->unit_count, CITY_MAX_UNITS);
    /* Room for every duty that any unit or rule may name, so that ids and the array stand still. */
    size_t duties = 1 + b->spec->rule_count;
    if (b->spec->rule_count > CITY_MAX_RULES)
        duties = 1;
    for (size_t i = 0; i < count; i++)
        if (b->spec->units[i].duty_count <= CITY_MAX_UNIT_DUTIES)
            duties += b->spec->units[i].duty_count;
    city->duties = arena_alloc(city->arena, duties * sizeof(*city->duties));
    int general = city_intern_duty(city, "general");
    INVARIANT(general == DUTY_GENERAL);
    city->units = arena_alloc(city->arena, (count + 1) * sizeof(*city->units));
    city->unit_count = count;
    for (size_t i = 0; i < count; i++)
        unit_read(b, i);
    for (size_t i = 0; i < count; i++)
        unit_parent(b, i);
    unit_cycles(b);
    build_places(b);
}

/* The first place of (tier, duty) whose region's order is not below `order`. */
static size_t place_lower_bound(const struct city *city, int tier, int duty, int order)
{
    struct place key = {.tier = tier, .duty = duty, .order = order};
    size_t low = 0, high = city->place_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_places(&city->places[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool place_within(const struct city *city, int region, int tier, int duty)
{
    const struct region *r = &city->regions[region];
    size_t at = place_lower_bound(city, tier, duty, r->first);
    if (at == city->place_count)
        return false;
    const struct place *place = &city->places[at];
    return place->tier == tier && place->duty == duty && place->order <= r->last;
}

bool city_duty_served(const struct city *city, int region, int tier, int duty)
{
    if (city_unit_over(city, region, (enum tier)tier, duty) >= 0)
        return true;
    for (int t = tier; t < TIER_COUNT; t++)
        if (place_within(city, region, t, duty) || place_within(city, region, t, DUTY_GENERAL))
            return true;
    return false;
}
