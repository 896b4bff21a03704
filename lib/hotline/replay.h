/*
 * replay.h - what another set of rules would do with matters that came in: counted, pure.
 *
 * Both cities have the same regions, categories and units in the same order (they are built from
 * the same bundle and differ in their rules), so a matter's indexes and a unit's index hold in
 * both.
 *
 *   tickets = unchanged + moved; to_pool and from_pool are parts of moved
 *   sum of loses = moved - from_pool, sum of gains = moved - to_pool
 */
#ifndef HOTLINE_REPLAY_H
#define HOTLINE_REPLAY_H

#include "base/alloc.h"
#include "hotline/route.h"

#define REPLAY_MAX_SAMPLES 100

struct replay_sample {
    int64_t number;
    int from, to;           /* units, -1 = the pool */
    int rule_from, rule_to; /* -1 = none */
};

struct replay_unit {
    int64_t loses, gains;
};

struct replay {
    const struct city *before, *after;
    int64_t tickets;
    int64_t unchanged;     /* same lead */
    int64_t unchanged_but; /* of these: other co-units, kind, urgency or policy */
    int64_t moved;         /* another lead */
    int64_t to_pool, from_pool;
    struct replay_unit *units;                        /* by index */
    struct replay_sample samples[REPLAY_MAX_SAMPLES]; /* the first that moved */
    size_t sample_count, sample_max;
};

/* samples: how many to keep, at most REPLAY_MAX_SAMPLES. What it needs comes from the arena. */
void replay_init(struct replay *replay, struct arena *arena, const struct city *before,
                 const struct city *after, size_t samples);
void replay_matter(struct replay *replay, int64_t number, const struct route_matter *matter);
/* Units that lose or gain, the most affected first, then in the order of the city. */
RETURNS_NONNULL const int *replay_units(const struct replay *replay, struct arena *arena,
                                        size_t *count_r);

#endif
