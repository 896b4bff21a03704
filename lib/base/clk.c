#include "base/clk.h"

#include <time.h>

static int64_t read_clock_us(clockid_t id)
{
    struct timespec ts;
    INVARIANT(clock_gettime(id, &ts) == 0);
    return (int64_t)ts.tv_sec * US_PER_SECOND + (int64_t)ts.tv_nsec / 1000;
}

void clk_init_real(struct clk *clk)
{
    *clk = (struct clk){.is_test = false};
}

void clk_init_test(struct clk *clk, int64_t now_us)
{
    *clk = (struct clk){.is_test = true, .test_now_us = now_us};
}

int64_t clk_now_us(const struct clk *clk)
{
    return clk->is_test ? clk->test_now_us : read_clock_us(CLOCK_REALTIME);
}

bool clk_move(struct clk *clk, int64_t to_us)
{
    if (!clk->is_test || to_us < clk->test_now_us)
        return false;
    clk->test_now_us = to_us;
    return true;
}

int64_t clk_mono_us(void)
{
    return read_clock_us(CLOCK_MONOTONIC);
}
