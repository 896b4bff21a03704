/*
 * route.h - which unit a matter goes to, and why (DOMAIN 3), pure.
 *
 * Specificity is total and shown. Rules are compared by, in this order: depth of the category,
 * depth of the region, keyword given (longer first), time window given, kind given, channel given,
 * urgency given, and at last the position in the set (earlier wins). "Given" beats "any", deeper
 * beats shallower. The most specific matching rule wins; if it resolves to nobody
 * (no unit over the place) the reason says so and the matter goes to the pool: a less
 * specific rule is never tried in its stead, because a wrong unit costs more than a dispatcher's
 * look. No match: the pool.
 */
#ifndef HOTLINE_ROUTE_H
#define HOTLINE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hotline/city.h"

#define ROUTE_MAX_CO_UNITS CITY_MAX_CO_UNITS

struct route_matter {
    int category; /* index or -1: not known; only rules for any category count then */
    int region;   /* index or -1: the place is not known */
    enum ticket_kind kind;
    enum ticket_urgency urgency;
    enum ticket_channel channel;
    const char *title, *text;
    int64_t now_us; /* for duty hours */
};

enum route_reason {
    ROUTE_UNIT,       /* the rule names the unit */
    ROUTE_OVER_PLACE, /* the unit of the tier asked for */
    ROUTE_TIER_ABOVE, /* that tier has no such unit there: nearest tier above */
    ROUTE_POOL_RULE,  /* the rule sends it to the desk on purpose */
    ROUTE_NO_PLACE,   /* the rule needs a place and there is none */
    ROUTE_NOBODY,     /* no unit is over the place */
    ROUTE_NO_RULE,
    ROUTE_MANUAL, /* a dispatcher chose */
    ROUTE_REASON_COUNT
};
extern const struct word route_reason_words[ROUTE_REASON_COUNT];

struct route {
    enum route_reason reason;
    int rule;      /* index or -1 */
    int lead_unit; /* index or -1: the dispatch pool */
    int co_units[ROUTE_MAX_CO_UNITS];
    size_t co_unit_count;
    enum ticket_kind kind;       /* after overrides */
    enum ticket_urgency urgency; /* after overrides */
    int policy;
};

/*
 * Co-units are given only together with a lead, never the lead itself. Overrides and policy of the
 * rule hold even when it ends in the pool; without a rule the policy is "default".
 */
void route_matter(const struct city *city, const struct route_matter *matter,
                  struct route *route_r);

/* Why a rule did or did not count, for explain. */
enum route_verdict {
    ROUTE_WON,
    ROUTE_LESS_SPECIFIC, /* matches, but the winner is more specific */
    ROUTE_MISS_CATEGORY,
    ROUTE_MISS_REGION,
    ROUTE_MISS_KIND,
    ROUTE_MISS_CHANNEL,
    ROUTE_MISS_URGENCY,
    ROUTE_MISS_KEYWORD,
    ROUTE_MISS_WINDOW,
    ROUTE_VERDICT_COUNT
};
extern const struct word route_verdict_words[ROUTE_VERDICT_COUNT];
/* Does one rule hold for a matter, whatever the others? ROUTE_WON if it does, else the first
 * condition it misses. */
enum route_verdict route_check(const struct city *city, const struct route_matter *matter,
                               int rule);
/*
 * The winner first, then the other rules that come near (category condition on the path of the
 * matter's category, or none), most specific first. lost_by names the criterion that decided for
 * ROUTE_LESS_SPECIFIC ("category", "region", "keyword", "window", "kind", "channel", "urgency",
 * "position"); NULL otherwise.
 */
void route_explain(const struct city *city, const struct route_matter *matter,
                   void (*line)(void *ctx, int rule, enum route_verdict verdict,
                                const char *lost_by),
                   void *ctx);
/*
 * Negative if a is more specific than b, positive if b is, 0 only for the same rule: a strict total
 * order. *by_r (may be NULL) names the criterion that decided; NULL for the same rule.
 */
int route_compare(const struct city *city, int a, int b, const char **by_r);

#endif
