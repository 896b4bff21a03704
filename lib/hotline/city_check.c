/*
 * city_check.c - what is allowed in a rule set but hardly meant: shadowed and unreachable rules,
 * duties that no unit has, uncovered categories.
 */
#include <stdlib.h>
#include <string.h>

#include "hotline/city_private.h"

#define MINUTES_PER_DAY 1440
#define WEEK_MINUTES (7 * MINUTES_PER_DAY)
#define WEEK_WORDS ((WEEK_MINUTES + 63) / 64)
#define EVERY_DAY 0x7FU

/* ---- shadowed ------------------------------------------------------------------------------ */

/* The minutes of a week, Monday 00:00 first, as bits. */
struct week {
    uint64_t bits[WEEK_WORDS];
};

static void week_set(struct week *week, int from, int to)
{
    for (int at = from; at < to;) {
        int word = at / 64, low = at % 64;
        int high = to - word * 64 < 64 ? to - word * 64 : 64;
        uint64_t upto = high == 64 ? UINT64_MAX : (UINT64_C(1) << high) - 1;
        week->bits[word] |= upto & ~((UINT64_C(1) << low) - 1);
        at = (word + 1) * 64;
    }
}

static void week_of_rule(const struct rule *rule, struct week *week)
{
    memset(week, 0, sizeof(*week));
    if (!rule->has_window) {
        week_set(week, 0, WEEK_MINUTES);
        return;
    }
    const struct rule_window *w = &rule->window;
    unsigned days = w->weekdays == 0 ? EVERY_DAY : w->weekdays;
    int length = w->to_min - w->from_min + (w->to_min < w->from_min ? MINUTES_PER_DAY : 0);
    for (int day = 0; day < 7; day++) {
        if ((days >> day & 1) == 0)
            continue;
        int from = day * MINUTES_PER_DAY + w->from_min;
        int to = from + length;
        week_set(week, from, to < WEEK_MINUTES ? to : WEEK_MINUTES);
        if (to > WEEK_MINUTES) /* the night from Sunday to Monday */
            week_set(week, 0, to - WEEK_MINUTES);
    }
}

static bool week_within(const struct week *inner, const struct week *outer)
{
    for (size_t i = 0; i < WEEK_WORDS; i++)
        if ((inner->bits[i] & ~outer->bits[i]) != 0)
            return false;
    return true;
}

static void week_add(struct week *to, const struct week *what)
{
    for (size_t i = 0; i < WEEK_WORDS; i++)
        to->bits[i] |= what->bits[i];
}

static int compare_keywords(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b);
}

/* Orders by every condition but the window, so that rules which differ in it alone stand together.
 */
static int compare_conditions(const struct rule *x, const struct rule *y)
{
    const int pairs[][2] = {{x->category, y->category},
                            {x->region, y->region},
                            {x->kind, y->kind},
                            {x->channel, y->channel},
                            {x->urgency, y->urgency}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (pairs[i][0] != pairs[i][1])
            return pairs[i][0] < pairs[i][1] ? -1 : 1;
    return compare_keywords(x->keyword, y->keyword);
}

static int by_conditions(const void *a, const void *b, void *ctx)
{
    const struct city *city = ctx;
    int x = *(const int *)a, y = *(const int *)b;
    enum rank_criterion by;
    int order = compare_conditions(&city->rules[x], &city->rules[y]);
    return order != 0 ? order : rank_compare(city, x, y, &by);
}

static void check_shadowed(struct builder *b)
{
    const struct city *city = b->city;
    int *rules = xmalloc((city->rule_count + 1) * sizeof(*rules));
    memcpy(rules, city->ranked, city->rule_count * sizeof(*rules));
    qsort_r(rules, city->rule_count, sizeof(*rules), by_conditions, b->city);
    struct week covered = {{0}}, week;
    int first = 0; /* of the group: named as the one in the way */
    for (size_t i = 0; i < city->rule_count; i++) {
        const struct rule *rule = &city->rules[rules[i]];
        if (i == 0 || compare_conditions(&city->rules[first], rule) != 0) {
            memset(&covered, 0, sizeof(covered));
            first = rules[i];
        }
        week_of_rule(rule, &week);
        if (week_within(&week, &covered))
            fault_add(b, CITY_WARNING, "shadowed", city->rules[first].code, "rule_set.rules[%s]",
                      rule->code);
        week_add(&covered, &week);
    }
    free(rules);
}

/* ---- unreachable --------------------------------------------------------------------------- */

static void check_unreachable(struct builder *b)
{
    const struct city *city = b->city;
    for (size_t i = 0; i < city->rule_count; i++) {
        const struct rule *rule = &city->rules[i];
        int region = rule->region < 0 ? city->root : rule->region;
        if (rule->over_tier >= 0 &&
            !city_duty_served(city, region, rule->over_tier, rule->over_duty))
            fault_add(b, CITY_WARNING, "unreachable", NULL, "rule_set.rules[%s].over", rule->code);
    }
}

/* Such a rule falls back to "general", so it works; but more likely than not it is a slip of the
 * pen. */
static void check_duties(struct builder *b)
{
    const struct city *city = b->city;
    bool *has_unit = xcalloc(city->duty_count, sizeof(*has_unit));
    has_unit[DUTY_GENERAL] = true;
    for (size_t i = 0; i < city->unit_count; i++)
        for (size_t d = 0; d < city->units[i].duty_count; d++)
            has_unit[city->units[i].duties[d]] = true;
    for (size_t i = 0; i < city->rule_count; i++) {
        const struct rule *rule = &city->rules[i];
        if (rule->over_tier >= 0 && !has_unit[rule->over_duty])
            fault_add(b, CITY_WARNING, "unknown", city->duties[rule->over_duty],
                      "rule_set.rules[%s].over.duty", rule->code);
    }
    free(has_unit);
}

/* ---- uncovered ----------------------------------------------------------------------------- */

static bool has_rules(const struct city *city, int category)
{
    return city->ranked_first[category + 2] > city->ranked_first[category + 1];
}

/* at or above */
static bool covered_from_above(const struct city *city, int category)
{
    int at = category;
    while (at >= 0 && !has_rules(city, at))
        at = city->categories[at].parent;
    return at >= 0;
}

static void check_uncovered(struct builder *b)
{
    const struct city *city = b->city;
    if (city->ranked_first[1] > 0) /* rules for any category */
        return;
    bool *covered_below = xcalloc(city->category_count + 1, sizeof(*covered_below));
    for (size_t i = 0; i < city->category_count; i++)
        if (has_rules(city, (int)i))
            for (int at = (int)i; at >= 0 && !covered_below[at]; at = city->categories[at].parent)
                covered_below[at] = true;
    for (size_t i = 0; i < city->category_count; i++) {
        int parent = city->categories[i].parent;
        bool told_above = parent >= 0 && !covered_below[parent];
        if (!covered_below[i] && !told_above && !covered_from_above(city, (int)i))
            fault_add(b, CITY_WARNING, "uncovered", city->categories[i].name, "categories[%s]",
                      city->categories[i].code);
    }
    free(covered_below);
}

void city_check_rules(struct builder *b)
{
    check_shadowed(b);
    check_unreachable(b);
    check_duties(b);
    check_uncovered(b);
}
