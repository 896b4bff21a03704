#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/attr.h"
#include "base/clk.h"
#include "base/rate_limit.h"

#define START_US (INT64_C(1800000000) * US_PER_SECOND)
#define MINUTE_US US_PER_MINUTE

static const uint8_t *key_of(uint32_t n)
{
    static uint8_t key[RATE_LIMIT_KEY_SIZE];

    memcpy(key, &n, sizeof(n));
    return key;
}

static int take_many(struct rate_limit *limit, uint32_t key, int64_t per_hour, int64_t now_us,
                     int most)
{
    int taken = 0;

    while (taken < most && rate_limit_take(limit, key_of(key), per_hour, now_us) == 0)
        taken++;
    return taken;
}

static void test_holds_an_hour_and_flows_back(void **state)
{
    struct rate_limit *limit = rate_limit_new(64);

    (void)state;
    assert_int_equal(take_many(limit, 1, 60, START_US, 1000), 60);
    assert_int_equal(rate_limit_take(limit, key_of(1), 60, START_US), MINUTE_US);
    assert_int_equal(rate_limit_take(limit, key_of(1), 60, START_US + MINUTE_US - 1), 1);
    assert_int_equal(take_many(limit, 1, 60, START_US + MINUTE_US, 1000), 1);
    assert_int_equal(take_many(limit, 1, 60, START_US + 11 * MINUTE_US, 1000), 10);
    assert_int_equal(take_many(limit, 1, 60, START_US + 500 * MINUTE_US, 1000), 60);
    assert_int_equal(take_many(limit, 2, 60, START_US, 1000), 60); /* nobody else pays */
    assert_int_equal(take_many(limit, 3, 0, START_US, 1000), 1000);
    rate_limit_free(&limit);
    assert_null(limit);
    rate_limit_free(&limit);
}

static void test_what_is_given_back_is_there_again(void **state)
{
    struct rate_limit *limit = rate_limit_new(64);

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(rate_limit_take(limit, key_of(1), 3, START_US), 0);
        rate_limit_give_back(limit, key_of(1), 3, START_US);
    }
    for (int i = 0; i < 10; i++) /* never more than it holds */
        rate_limit_give_back(limit, key_of(1), 3, START_US);
    assert_int_equal(take_many(limit, 1, 3, START_US, 1000), 3);
    rate_limit_free(&limit);
}

static void test_clock_and_rate_may_change(void **state)
{
    struct rate_limit *limit = rate_limit_new(64);

    (void)state;
    assert_int_equal(take_many(limit, 1, 60, START_US, 1000), 60);
    /* a year back: as empty as it was, not for a year */
    int64_t back_us = START_US - 365 * 24 * 60 * MINUTE_US;
    assert_int_equal(rate_limit_take(limit, key_of(1), 60, back_us), MINUTE_US);
    assert_int_equal(rate_limit_take(limit, key_of(1), 1, START_US), 60 * MINUTE_US);
    assert_int_equal(take_many(limit, 1, 1000000, START_US + MINUTE_US, 20000), 16666);
    rate_limit_free(&limit);
}

/* One set: those that took most are remembered, however many others come. */
static void test_is_bounded_and_remembers_the_worst(void **state)
{
    struct rate_limit *limit = rate_limit_new(1);

    (void)state;
    assert_int_equal(take_many(limit, 1, 60, START_US, 1000), 60);
    for (uint32_t i = 2; i < 10000; i++)
        assert_int_equal(rate_limit_take(limit, key_of(i), 60, START_US), 0);
    assert_int_equal(take_many(limit, 1, 60, START_US, 1000), 0);
    assert_int_equal(rate_limit_forgotten(limit), 9998 - 7);
    /* an hour later all are full, and nothing of them is in anybody's way */
    for (uint32_t i = 20000; i < 20008; i++)
        assert_int_equal(rate_limit_take(limit, key_of(i), 60, START_US + 60 * MINUTE_US), 0);
    assert_int_equal(rate_limit_forgotten(limit), 9998 - 7);
    rate_limit_free(&limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds_an_hour_and_flows_back),
        cmocka_unit_test(test_what_is_given_back_is_there_again),
        cmocka_unit_test(test_clock_and_rate_may_change),
        cmocka_unit_test(test_is_bounded_and_remembers_the_worst),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
