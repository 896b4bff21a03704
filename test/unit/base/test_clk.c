#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "base/clk.h"

static void test_real_clock_is_the_machines(void **state)
{
    (void)state;
    struct clk clk;
    clk_init_real(&clk);
    int64_t before_s = (int64_t)time(NULL);
    int64_t now_us = clk_now_us(&clk);
    /* time() may lag by a tick of the kernel */
    assert_true(now_us / US_PER_SECOND >= before_s - 1);
    assert_true(now_us / US_PER_SECOND <= (int64_t)time(NULL) + 1);
    assert_false(clk_move(&clk, now_us + US_PER_HOUR));
}

static void test_test_clock_stands_still(void **state)
{
    (void)state;
    struct clk clk;
    clk_init_test(&clk, 1000);
    assert_int_equal(clk_now_us(&clk), 1000);
    assert_int_equal(clk_now_us(&clk), 1000);
    assert_true(clk_move(&clk, 1000));
    assert_true(clk_move(&clk, 1000 + US_PER_DAY));
    assert_int_equal(clk_now_us(&clk), 1000 + US_PER_DAY);
    assert_false(clk_move(&clk, 1000));
    assert_int_equal(clk_now_us(&clk), 1000 + US_PER_DAY);
}

static void test_monotonic(void **state)
{
    (void)state;
    int64_t last_us = clk_mono_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now_us = clk_mono_us();
        assert_true(now_us >= last_us);
        last_us = now_us;
    }
    assert_true(last_us > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_clock_is_the_machines),
        cmocka_unit_test(test_test_clock_stands_still),
        cmocka_unit_test(test_monotonic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
