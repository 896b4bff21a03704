/*
 * rate_limit.c - the table.
 */
#include "base/rate_limit.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "base/map.h"

#define WAYS 8
#define HOUR_US (3600 * US_PER_SECOND)

struct bucket {
    uint8_t key[RATE_LIMIT_KEY_SIZE];
    int64_t full_at_us; /* in the past: full, and the slot is free */
};

struct rate_limit {
    size_t sets;
    uint64_t forgotten;
    struct bucket (*buckets)[WAYS];
};

struct rate_limit *rate_limit_new(size_t sets)
{
    struct rate_limit *limit = xcalloc(1, sizeof(*limit));

    INVARIANT(sets > 0 && (sets & (sets - 1)) == 0);
    limit->sets = sets;
    limit->buckets = xcalloc(sets, sizeof(*limit->buckets));
    return limit;
}

void rate_limit_free(struct rate_limit **limit)
{
    if (*limit)
        free((*limit)->buckets);
    free(*limit);
    *limit = NULL;
}

uint64_t rate_limit_forgotten(const struct rate_limit *limit)
{
    return limit->forgotten;
}

static struct bucket *set_of(const struct rate_limit *limit, const uint8_t *key)
{
    return limit->buckets[map_hash(key, RATE_LIMIT_KEY_SIZE) & (limit->sets - 1)];
}

static struct bucket *find(struct bucket *set, const uint8_t *key)
{
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].full_at_us && memcmp(set[i].key, key, RATE_LIMIT_KEY_SIZE) == 0)
            return &set[i];
    }
    return NULL;
}

/* The one that is full first; to be full already is the ordinary case. */
static struct bucket *make_room(struct rate_limit *limit, struct bucket *set, int64_t now_us)
{
    struct bucket *first = &set[0];

    for (size_t i = 1; i < WAYS; i++) {
        if (set[i].full_at_us < first->full_at_us)
            first = &set[i];
    }
    limit->forgotten += first->full_at_us > now_us;
    return first;
}

int64_t rate_limit_take(struct rate_limit *limit, const uint8_t key[RATE_LIMIT_KEY_SIZE],
                        int64_t per_hour, int64_t now_us)
{
    if (per_hour <= 0)
        return 0;
    struct bucket *set = set_of(limit, key), *b = find(set, key);
    int64_t token_us = HOUR_US / per_hour;
    int64_t full_at_us = b && b->full_at_us > now_us ? b->full_at_us : now_us;

    if (full_at_us > now_us + HOUR_US) /* the clock was put back, or the rate was changed */
        full_at_us = now_us + HOUR_US;
    int64_t missing_us = full_at_us + token_us - (now_us + HOUR_US);
    if (missing_us > 0)
        return missing_us;
    if (!b) {
        b = make_room(limit, set, now_us);
        memcpy(b->key, key, RATE_LIMIT_KEY_SIZE);
    }
    b->full_at_us = full_at_us + token_us;
    return 0;
}

void rate_limit_give_back(struct rate_limit *limit, const uint8_t key[RATE_LIMIT_KEY_SIZE],
                          int64_t per_hour, int64_t now_us)
{
    struct bucket *b = find(set_of(limit, key), key);

    if (b && per_hour > 0 && b->full_at_us > now_us)
        b->full_at_us -= HOUR_US / per_hour;
}
