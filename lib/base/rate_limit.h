/*
 * rate_limit.h - token buckets by key, in a table of a fixed size.
 *
 * A bucket holds as many tokens as its rate allows in an hour and is full again an hour after it
 * was empty. Only the instant at which it will be full is kept (the generic cell rate algorithm of
 * ITU-T I.371), so a full bucket needs no memory. Keys share sets by a seeded hash; where a set is
 * full the bucket that is nearest to full is forgotten and counted, so whoever has many addresses
 * wins back a little of the rate, never memory.
 */
#ifndef BASE_RATE_LIMIT_H
#define BASE_RATE_LIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define RATE_LIMIT_KEY_SIZE 16

struct rate_limit;

/* sets: 8 buckets each, a power of two. */
RETURNS_NONNULL struct rate_limit *rate_limit_new(size_t sets);
void rate_limit_free(struct rate_limit **limit);
/*
 * Takes a token. 0: it was there, or per_hour is 0, which is no limit; otherwise microseconds until
 * one is. now_us may go back: a bucket never waits for more than its hour.
 */
MUST_CHECK int64_t rate_limit_take(struct rate_limit *limit, const uint8_t key[RATE_LIMIT_KEY_SIZE],
                                   int64_t per_hour, int64_t now_us);
/* Of what was taken and turned out not to count. */
void rate_limit_give_back(struct rate_limit *limit, const uint8_t key[RATE_LIMIT_KEY_SIZE],
                          int64_t per_hour, int64_t now_us);
/* Buckets forgotten before they were full. */
uint64_t rate_limit_forgotten(const struct rate_limit *limit);

#endif
