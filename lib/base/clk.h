/*
 * clk.h - what time it is, as a value that can be moved in tests.
 *
 * Wall instants are int64_t microseconds since 1970-01-01T00:00:00Z, names end in _us.
 * A `struct clk` is either the machine's clock or a test clock that stands still until it is
 * moved (CONTRACT 7). Everything the daemon *decides* by time asks a clk; network deadlines
 * (how long to wait for bytes) use the monotonic clock and never stand still.
 */
#ifndef BASE_CLK_H
#define BASE_CLK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#define US_PER_MS INT64_C(1000)
#define US_PER_SECOND INT64_C(1000000)
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR (60 * US_PER_MINUTE)
#define US_PER_DAY (24 * US_PER_HOUR)

struct clk {
    bool is_test;
    int64_t test_now_us; /* only if is_test */
};

void clk_init_real(struct clk *clk);
void clk_init_test(struct clk *clk, int64_t now_us);
int64_t clk_now_us(const struct clk *clk);
/* Moves a test clock forward. false (and nothing changed) if to_us lies before now or the clock is
 * real. */
MUST_CHECK bool clk_move(struct clk *clk, int64_t to_us);
/* CLOCK_MONOTONIC in microseconds. */
int64_t clk_mono_us(void);

#endif
