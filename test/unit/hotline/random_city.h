/*
 * random_city.h - reproducible random configurations without errors: ragged region trees, units of
 * all tiers, rules with every mixture of conditions. For property tests against brute force, and
 * for the bench.
 */
#ifndef TEST_RANDOM_CITY_H
#define TEST_RANDOM_CITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "hotline/city.h"
#include "hotline/route.h"

struct random {
    uint64_t state;
};
/* 0 .. below - 1 */
int random_below(struct random *random, int below);
/* true in one of `of` cases */
bool random_one_in(struct random *random, int of);

struct random_city {
    int regions, units, categories, rules;
    /* A condition is given in one of so many rules; 1 = in every. */
    int category_one_in, region_one_in, other_one_in;
};

/* Everything the spec points to lives in the arena. */
struct city_spec random_city_spec(struct random *random, struct arena *arena,
                                  const struct random_city *shape);
/* Builds it; aborts with the faults on stderr if there are errors. */
struct city *random_city_build(const struct city_spec *spec);
/* A matter anywhere in the city, at any time of some weeks; sometimes without a place. */
struct route_matter random_matter(struct random *random, const struct city *city);

#endif
