/*
 * route_private.h - the conditions of a rule, shared by routing and its explanation.
 */
#ifndef HOTLINE_ROUTE_PRIVATE_H
#define HOTLINE_ROUTE_PRIVATE_H

#include "hotline/city_private.h"
#include "hotline/route.h"

/* A matter's instant in local time, computed once. */
struct route_moment {
    int weekday, minute;
};

struct route_moment route_moment(const struct city *city, int64_t now_us);
/* All conditions but category and region. ROUTE_WON = none is missed. */
enum route_verdict route_check_rest(const struct rule *rule, const struct route_matter *matter,
                                    struct route_moment moment);
enum route_verdict route_check_all(const struct city *city, const struct rule *rule,
                                   const struct route_matter *matter, struct route_moment moment);

#endif
