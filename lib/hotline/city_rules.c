/*
 * city_rules.c - rules: from words to indexes, their order of specificity, and the index that
 * routing walks.
 *
 * Category and region are the first two criteria. Along the path of a matter every category has
 * another depth, and so has every region; so the rules of one category and one region form a
 * bucket, and visiting the buckets from the deepest category and, within it, from the deepest
 * region upwards visits all rules that can hold in the order of specificity.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "hotline/city_private.h"

#define MINUTES_PER_DAY 1440

static void rule_fault(struct builder *b, size_t index, const char *reason, const char *detail,
                       const char *part)
{
    fault_row(b, reason, detail, "rule_set.rules", b->spec->rules[index].code, index, part);
}

/* ---- reading ------------------------------------------------------------------------------- */

static int rule_word(struct builder *b, size_t index, const char *part, const struct word *words,
                     size_t count, const char *word)
{
    if (!given(word))
        return -1;
    int found = word_find(words, count, word);
    if (found < 0)
        rule_fault(b, index, "unknown", word, part);
    return found;
}

static int rule_code(struct builder *b, size_t index, const char *part, const struct map *map,
                     const char *code)
{
    if (!given(code))
        return -1;
    int found = code_find(map, code);
    if (found < 0)
        rule_fault(b, index, "unknown", code, part);
    return found;
}

static void rule_window(struct builder *b, size_t index)
{
    const struct rule_spec *spec = &b->spec->rules[index];
    const struct rule_window *w = &spec->window;
    b->city->rules[index].has_window = spec->has_window;
    if (!spec->has_window)
        return;
    b->city->rules[index].window = *w;
    if (w->weekdays > 0x7F)
        rule_fault(b, index, "range", NULL, ".window.weekdays");
    if (w->from_min < 0 || w->from_min >= MINUTES_PER_DAY)
        rule_fault(b, index, "range", NULL, ".window.from");
    if (w->to_min < 0 || w->to_min > MINUTES_PER_DAY)
        rule_fault(b, index, "range", NULL, ".window.to");
    else if (w->to_min == w->from_min) /* no time at all, or the whole day? */
        rule_fault(b, index, "ambiguous", "from equals to", ".window.to");
}

static void rule_keyword(struct builder *b, size_t index)
{
    const char *keyword = b->spec->rules[index].keyword;
    if (!given(keyword))
        return;
    if (strnlen(keyword, CITY_MAX_KEYWORD_BYTES + 1) > CITY_MAX_KEYWORD_BYTES)
        rule_fault(b, index, "range", "too long", ".keyword");
    else if (!utf8_valid(keyword, strlen(keyword)))
        rule_fault(b, index, "format", NULL, ".keyword");
    else
        b->city->rules[index].keyword = arena_strdup(b->city->arena, keyword);
}

static void rule_conditions(struct builder *b, size_t index)
{
    const struct rule_spec *spec = &b->spec->rules[index];
    struct city *city = b->city;
    struct rule *rule = &city->rules[index];
    rule->category = rule_code(b, index, ".category", city->category_by_code, spec->category);
    rule->region = rule_code(b, index, ".region", city->region_by_code, spec->region);
    rule->kind = rule_word(b, index, ".kind", kind_words, KIND_COUNT, spec->kind);
    rule->channel = rule_word(b, index, ".channel", channel_words, CHANNEL_COUNT, spec->channel);
    rule->urgency = rule_word(b, index, ".urgency", urgency_words, URGENCY_COUNT, spec->urgency);
    rule_keyword(b, index);
    rule_window(b, index);
}

static void rule_over(struct builder *b, size_t index)
{
    const struct rule_spec *spec = &b->spec->rules[index];
    struct city *city = b->city;
    struct rule *rule = &city->rules[index];
    rule->over_tier = -1;
    rule->over_duty = DUTY_GENERAL;
    if (!given(spec->over_tier)) {
        if (given(spec->over_duty))
            rule_fault(b, index, "required", NULL, ".over.tier");
        return;
    }
    rule->over_tier = rule_word(b, index, ".over.tier", tier_words, TIER_COUNT, spec->over_tier);
    if (rule->over_tier == TIER_DESK || (rule->over_tier > 0 && !city->has_tier[rule->over_tier]))
        rule_fault(b, index, "range", "the city has no such tier", ".over.tier");
    if (!given(spec->over_duty))
        return;
    if (!code_well_formed(spec->over_duty)) {
        rule_fault(b, index, "format", NULL, ".over.duty");
        return;
    }
    rule->over_duty = city_intern_duty(city, spec->over_duty);
}

static void rule_co_units(struct builder *b, size_t index)
{
    const struct rule_spec *spec = &b->spec->rules[index];
    struct rule *rule = &b->city->rules[index];
    if (spec->co_unit_count == 0)
        return;
    if (spec->co_unit_count > CITY_MAX_CO_UNITS) {
        rule_fault(b, index, "range", "too many", ".co_units");
        return;
    }
    if (!given(spec->unit) && !given(spec->over_tier))
        rule_fault(b, index, "required", "co-units need a lead", ".unit");
    int *co_units = arena_alloc(b->city->arena, spec->co_unit_count * sizeof(*co_units));
    for (size_t i = 0; i < spec->co_unit_count; i++) {
        int unit = city_find_unit(b->city, spec->co_units[i]);
        bool twice = unit >= 0 && unit == rule->unit;
        for (size_t j = 0; j < rule->co_unit_count; j++)
            twice = twice || co_units[j] == unit;
        if (unit < 0)
            rule_fault(b, index, "unknown", spec->co_units[i], ".co_units");
        else if (twice)
            rule_fault(b, index, "duplicate", spec->co_units[i], ".co_units");
        else
            co_units[rule->co_unit_count++] = unit;
    }
    rule->co_units = co_units;
}

static void rule_effect(struct builder *b, size_t index)
{
    const struct rule_spec *spec = &b->spec->rules[index];
    struct city *city = b->city;
    struct rule *rule = &city->rules[index];
    rule->unit = rule_code(b, index, ".unit", city->unit_by_code, spec->unit);
    rule_over(b, index);
    if (given(spec->unit) && given(spec->over_tier))
        rule_fault(b, index, "ambiguous", "either a unit or the unit over the place", ".over");
    rule_co_units(b, index);
    rule->set_kind = rule_word(b, index, ".set_kind", kind_words, KIND_COUNT, spec->set_kind);
    rule->set_urgency =
        rule_word(b, index, ".set_urgency", urgency_words, URGENCY_COUNT, spec->set_urgency);
    rule->policy = city->default_policy;
    if (given(spec->sla))
        rule->policy = rule_code(b, index, ".sla", city->policy_by_name, spec->sla);
}

void city_build_rules(struct builder *b)
{
    struct city *city = b->city;
    size_t count = list_bound(b, "rule_set.rules", b->spec->rule_count, CITY_MAX_RULES);
    city->rules = arena_alloc(city->arena, (count + 1) * sizeof(*city->rules));
    city->rule_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *code = b->spec->rules[i].code;
        code_register(b, city->rule_by_code, "rule_set.rules", code, i, ".code", NULL);
        city->rules[i].code =
            given(code) && code_well_formed(code) ? arena_strdup(city->arena, code) : "";
        city->rules[i].position = (int)i;
        rule_conditions(b, i);
        rule_effect(b, i);
    }
}

/* ---- order --------------------------------------------------------------------------------- */

static void rank_fill(struct city *city, size_t index)
{
    const struct rule *rule = &city->rules[index];
    int *key = city->ranks[index].key;
    key[RANK_CATEGORY] = rule->category < 0 ? -1 : city->categories[rule->category].depth;
    key[RANK_REGION] = rule->region < 0 ? -1 : city->regions[rule->region].depth;
    key[RANK_KEYWORD] =
        rule->keyword == NULL ? 0 : (int)utf8_length(rule->keyword, strlen(rule->keyword));
    key[RANK_WINDOW] = rule->has_window;
    key[RANK_KIND] = rule->kind >= 0;
    key[RANK_CHANNEL] = rule->channel >= 0;
    key[RANK_URGENCY] = rule->urgency >= 0;
}

int rank_compare(const struct city *city, int a, int b, enum rank_criterion *by_r)
{
    const int *x = city->ranks[a].key, *y = city->ranks[b].key;
    int by = 0;
    while (by < RANK_POSITION && x[by] == y[by])
        by++;
    *by_r = (enum rank_criterion)by;
    if (by == RANK_POSITION)
        return (a > b) - (a < b);
    return x[by] > y[by] ? -1 : 1;
}

static int by_category(const void *a, const void *b, void *ctx)
{
    const struct city *city = ctx;
    int x = *(const int *)a, y = *(const int *)b;
    enum rank_criterion by;
    if (city->rules[x].category != city->rules[y].category)
        return city->rules[x].category < city->rules[y].category ? -1 : 1;
    return rank_compare(city, x, y, &by);
}

static int by_bucket(const void *a, const void *b, void *ctx)
{
    const struct city *city = ctx;
    const struct rule *x = &city->rules[*(const int *)a], *y = &city->rules[*(const int *)b];
    if (x->category == y->category && x->region != y->region)
        return x->region < y->region ? -1 : 1;
    return by_category(a, b, ctx);
}

static int *rules_sorted(struct city *city, int (*compare)(const void *, const void *, void *))
{
    int *rules = arena_alloc(city->arena, (city->rule_count + 1) * sizeof(*rules));
    for (size_t i = 0; i < city->rule_count; i++)
        rules[i] = (int)i;
    qsort_r(rules, city->rule_count, sizeof(*rules), compare, city);
    return rules;
}

static void index_by_category(struct city *city)
{
    city->ranked = rules_sorted(city, by_category);
    city->ranked_first = arena_alloc(city->arena, (city->category_count + 2) * sizeof(int));
    for (size_t i = 0; i < city->rule_count; i++)
        city->ranked_first[city->rules[i].category + 2]++;
    for (size_t i = 1; i < city->category_count + 2; i++)
        city->ranked_first[i] += city->ranked_first[i - 1];
}

static void index_by_bucket(struct city *city)
{
    city->bucket_rules = rules_sorted(city, by_bucket);
    city->buckets = arena_alloc(city->arena, (city->rule_count + 1) * sizeof(*city->buckets));
    index_init(&city->bucket_by_key, city->arena, city->rule_count);
    int count = 0;
    for (size_t i = 0; i < city->rule_count; i++) {
        const struct rule *rule = &city->rules[city->bucket_rules[i]];
        if (index_put(&city->bucket_by_key, bucket_key(rule->category, rule->region), count, NULL))
            city->buckets[count++].first = (int)i;
        city->buckets[count - 1].count++;
    }
}

void city_index_rules(struct city *city)
{
    city->ranks = arena_alloc(city->arena, (city->rule_count + 1) * sizeof(*city->ranks));
    for (size_t i = 0; i < city->rule_count; i++)
        rank_fill(city, i);
    index_by_category(city);
    index_by_bucket(city);
}

const struct rule_bucket *city_rule_bucket(const struct city *city, int category, int region)
{
    int index = index_get(&city->bucket_by_key, bucket_key(category, region));
    return index < 0 ? NULL : &city->buckets[index];
}
