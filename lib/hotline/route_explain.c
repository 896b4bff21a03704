/*
 * route_explain.c - why a rule won and the others did not.
 */
#include "hotline/route_private.h"

const struct word route_verdict_words[ROUTE_VERDICT_COUNT] = {
    [ROUTE_WON] = {"won", "命中", "won"},
    [ROUTE_LESS_SPECIFIC] = {"less_specific", "匹配, 但不如命中规则具体",
                             "matches, but is less specific"},
    [ROUTE_MISS_CATEGORY] = {"category", "诉求分类不符", "other category"},
    [ROUTE_MISS_REGION] = {"region", "区划不符", "other region"},
    [ROUTE_MISS_KIND] = {"kind", "诉求类型不符", "other kind"},
    [ROUTE_MISS_CHANNEL] = {"channel", "渠道不符", "other channel"},
    [ROUTE_MISS_URGENCY] = {"urgency", "紧急程度不符", "other urgency"},
    [ROUTE_MISS_KEYWORD] = {"keyword", "未含关键词", "keyword not found"},
    [ROUTE_MISS_WINDOW] = {"window", "不在规则时段内", "outside of its hours"},
};

static const char *const criterion_names[RANK_COUNT] = {
    [RANK_CATEGORY] = "category", [RANK_REGION] = "region",     [RANK_KEYWORD] = "keyword",
    [RANK_WINDOW] = "window",     [RANK_KIND] = "kind",         [RANK_CHANNEL] = "channel",
    [RANK_URGENCY] = "urgency",   [RANK_POSITION] = "position",
};

int route_compare(const struct city *city, int a, int b, const char **by_r)
{
    INVARIANT(a >= 0 && (size_t)a < city->rule_count && b >= 0 && (size_t)b < city->rule_count);
    enum rank_criterion by;
    int order = rank_compare(city, a, b, &by);
    if (by_r != NULL)
        *by_r = order == 0 ? NULL : criterion_names[by];
    return order;
}

enum route_verdict route_check(const struct city *city, const struct route_matter *matter, int rule)
{
    return route_check_all(city, city_rule(city, rule), matter, route_moment(city, matter->now_us));
}

struct explain {
    const struct city *city;
    const struct route_matter *matter;
    struct route_moment moment;
    int winner;
    void (*line)(void *ctx, int rule, enum route_verdict verdict, const char *lost_by);
    void *ctx;
};

static void explain_rule(const struct explain *e, int rule)
{
    if (rule == e->winner)
        return; /* stands at the top */
    const char *lost_by = NULL;
    enum route_verdict verdict =
        route_check_all(e->city, &e->city->rules[rule], e->matter, e->moment);
    if (verdict == ROUTE_WON) {
        verdict = ROUTE_LESS_SPECIFIC;
        (void)route_compare(e->city, e->winner, rule, &lost_by);
    }
    e->line(e->ctx, rule, verdict, lost_by);
}

static void explain_category(const struct explain *e, int category)
{
    for (int i = e->city->ranked_first[category + 1]; i < e->city->ranked_first[category + 2]; i++)
        explain_rule(e, e->city->ranked[i]);
}

void route_explain(const struct city *city, const struct route_matter *matter,
                   void (*line)(void *ctx, int rule, enum route_verdict verdict,
                                const char *lost_by),
                   void *ctx)
{
    struct route route;
    route_matter(city, matter, &route);
    struct explain e = {.city = city,
                        .matter = matter,
                        .moment = route_moment(city, matter->now_us),
                        .winner = route.rule,
                        .line = line,
                        .ctx = ctx};
    if (e.winner >= 0)
        line(ctx, e.winner, ROUTE_WON, NULL);
    for (int c = matter->category; c >= 0; c = city->categories[c].parent)
        explain_category(&e, c);
    explain_category(&e, -1);
}
