/*
 * route.c - finding the rule and the unit.
 */
#include "hotline/route.h"

#include <string.h>

#include "base/civil.h"
#include "base/clk.h"
#include "hotline/route_private.h"

const struct word route_reason_words[ROUTE_REASON_COUNT] = {
    [ROUTE_UNIT] = {"unit", "规则指定单位", "the rule names the unit"},
    [ROUTE_OVER_PLACE] = {"over_place", "属地单位", "the unit of that tier over the place"},
    [ROUTE_TIER_ABOVE] = {"tier_above", "属地无此层级单位, 派至上一级",
                          "the nearest tier above over the place"},
    [ROUTE_POOL_RULE] = {"pool_rule", "规则指定人工派单", "the rule sends it to the dispatch pool"},
    [ROUTE_NO_PLACE] = {"no_place", "缺少地点, 转人工派单",
                        "the rule needs a place and there is none"},
    [ROUTE_NOBODY] = {"nobody", "该地点无对应单位, 转人工派单", "no unit is over the place"},
    [ROUTE_NO_RULE] = {"no_rule", "无匹配规则, 转人工派单", "no rule matches"},
    [ROUTE_MANUAL] = {"manual", "人工派单", "a dispatcher chose"},
};

/* ---- conditions ---------------------------------------------------------------------------- */

struct route_moment route_moment(const struct city *city, int64_t now_us)
{
    int32_t day = civil_local_day(now_us, city->offset_min);
    int64_t time_us = civil_local_time_us(now_us, city->offset_min);
    return (struct route_moment){.weekday = civil_weekday(day),
                                 .minute = (int)(time_us / US_PER_MINUTE)};
}

/* A window that runs over midnight belongs to the day on which it opened. */
static bool window_open(const struct rule_window *window, struct route_moment moment)
{
    int opened = moment.weekday;
    if (window->from_min < window->to_min) {
        if (moment.minute < window->from_min || moment.minute >= window->to_min)
            return false;
    } else if (moment.minute < window->to_min) {
        opened = (moment.weekday + 6) % 7;
    } else if (moment.minute < window->from_min) {
        return false;
    }
    return window->weekdays == 0 || (window->weekdays >> opened & 1) != 0;
}

static bool keyword_found(const char *keyword, const struct route_matter *matter)
{
    /* Bytes will do: in UTF-8 no character begins inside another. */
    return (matter->title != NULL && strstr(matter->title, keyword) != NULL) ||
           (matter->text != NULL && strstr(matter->text, keyword) != NULL);
}

enum route_verdict route_check_rest(const struct rule *rule, const struct route_matter *matter,
                                    struct route_moment moment)
{
    if (rule->kind >= 0 && rule->kind != (int)matter->kind)
        return ROUTE_MISS_KIND;
    if (rule->channel >= 0 && rule->channel != (int)matter->channel)
        return ROUTE_MISS_CHANNEL;
    if (rule->urgency >= 0 && rule->urgency != (int)matter->urgency)
        return ROUTE_MISS_URGENCY;
    if (rule->has_window && !window_open(&rule->window, moment))
        return ROUTE_MISS_WINDOW;
    if (rule->keyword != NULL && !keyword_found(rule->keyword, matter)) /* the dearest comes last */
        return ROUTE_MISS_KEYWORD;
    return ROUTE_WON;
}

enum route_verdict route_check_all(const struct city *city, const struct rule *rule,
                                   const struct route_matter *matter, struct route_moment moment)
{
    if (rule->category >= 0 &&
        (matter->category < 0 || !city_category_within(city, matter->category, rule->category)))
        return ROUTE_MISS_CATEGORY;
    if (rule->region >= 0 &&
        (matter->region < 0 || !city_region_within(city, matter->region, rule->region)))
        return ROUTE_MISS_REGION;
    return route_check_rest(rule, matter, moment);
}

/* ---- the winner ---------------------------------------------------------------------------- */

static int winner_in_bucket(const struct city *city, const struct rule_bucket *bucket,
                            const struct route_matter *matter, struct route_moment moment)
{
    const int *rules = &city->bucket_rules[bucket->first];
    for (int i = 0; i < bucket->count; i++)
        if (route_check_rest(&city->rules[rules[i]], matter, moment) == ROUTE_WON)
            return rules[i];
    return -1;
}

/* From the matter's region upwards; -1, the rules for any region, comes last. */
static int winner_at_category(const struct city *city, int category,
                              const struct route_matter *matter, struct route_moment moment)
{
    if (city->ranked_first[category + 1] == city->ranked_first[category + 2])
        return -1;
    int winner = -1;
    int region = matter->region;
    for (bool more = true; more && winner < 0;) {
        const struct rule_bucket *bucket = city_rule_bucket(city, category, region);
        if (bucket != NULL)
            winner = winner_in_bucket(city, bucket, matter, moment);
        more = region >= 0;
        region = more ? city->regions[region].parent : -1;
    }
    return winner;
}

static int find_winner(const struct city *city, const struct route_matter *matter)
{
    struct route_moment moment = route_moment(city, matter->now_us);
    int winner = -1;
    for (int c = matter->category; c >= 0 && winner < 0; c = city->categories[c].parent)
        winner = winner_at_category(city, c, matter, moment);
    return winner >= 0 ? winner : winner_at_category(city, -1, matter, moment);
}

/* ---- the effect ---------------------------------------------------------------------------- */

static void lead_over_place(const struct city *city, const struct rule *rule, int region,
                            struct route *route)
{
    if (region < 0) {
        route->reason = ROUTE_NO_PLACE;
        return;
    }
    route->lead_unit = city_unit_over(city, region, (enum tier)rule->over_tier, rule->over_duty);
    if (route->lead_unit < 0)
        route->reason = ROUTE_NOBODY;
    else if ((int)city->units[route->lead_unit].tier == rule->over_tier)
        route->reason = ROUTE_OVER_PLACE;
    else
        route->reason = ROUTE_TIER_ABOVE;
}

static void apply_rule(const struct city *city, const struct rule *rule,
                       const struct route_matter *matter, struct route *route)
{
    route->policy = rule->policy;
    if (rule->set_kind >= 0)
        route->kind = (enum ticket_kind)rule->set_kind;
    if (rule->set_urgency >= 0)
        route->urgency = (enum ticket_urgency)rule->set_urgency;
    if (rule->unit >= 0) {
        route->reason = ROUTE_UNIT;
        route->lead_unit = rule->unit;
    } else if (rule->over_tier >= 0) {
        lead_over_place(city, rule, matter->region, route);
    } else {
        route->reason = ROUTE_POOL_RULE;
    }
    for (size_t i = 0; i < rule->co_unit_count && route->lead_unit >= 0; i++)
        if (rule->co_units[i] != route->lead_unit)
            route->co_units[route->co_unit_count++] = rule->co_units[i];
}

void route_matter(const struct city *city, const struct route_matter *matter, struct route *route_r)
{
    *route_r = (struct route){.reason = ROUTE_NO_RULE,
                              .rule = find_winner(city, matter),
                              .lead_unit = -1,
                              .kind = matter->kind,
                              .urgency = matter->urgency,
                              .policy = city->default_policy};
    if (route_r->rule >= 0)
        apply_rule(city, &city->rules[route_r->rule], matter, route_r);
}
