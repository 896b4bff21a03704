/*
 * Scores: the two scales that DOMAIN 5 names, floors, scales that lose above, what 0/0 does to a
 * total, ranks, and a property against the same sum in rational steps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "hotline/score.h"

#define MICRO(x) ((int64_t)((x)*SCORE_MICRO))

static const struct score_scale on_time = {
    MEASURE_ON_TIME_CLOSING, SCORE_BELOW, MICRO(20), MICRO(95), MICRO(1), 0};
static const struct score_scale satisfied = {
    MEASURE_SATISFIED_FINAL, SCORE_BELOW, MICRO(25), MICRO(98), MICRO(0.5), MICRO(12.5)};
static const struct score_scale returned = {MEASURE_RETURN, SCORE_ABOVE, MICRO(10),
                                            MICRO(5),       MICRO(2),    MICRO(1)};

static void check(const struct score_scale *scale, int64_t n, int64_t d, int64_t expected_micro)
{
    int64_t points = -1;

    assert_true(score_of(scale, (struct measure){n, d}, &points));
    assert_int_equal(points, expected_micro);
}

static void test_on_time(void **state)
{
    (void)state;
    check(&on_time, 1000, 1000, MICRO(20));
    check(&on_time, 950, 1000, MICRO(20));
    check(&on_time, 940, 1000, MICRO(19));
    check(&on_time, 945, 1000, MICRO(19.5));
    check(&on_time, 751, 1000, MICRO(0.1));
    check(&on_time, 750, 1000, 0);
    check(&on_time, 100, 1000, 0);
    check(&on_time, 0, 1000, 0);
    /* Lianyungang, June 2019: 82.7965... %, 12.2035... below; of the exact ratio, not of 82.80 % */
    check(&on_time, 24165, 29186, 7796546);
}

static void test_satisfaction_has_a_floor(void **state)
{
    (void)state;
    check(&satisfied, 98, 100, MICRO(25));
    check(&satisfied, 96, 100, MICRO(24));
    check(&satisfied, 74, 100, MICRO(13));
    check(&satisfied, 73, 100, MICRO(12.5));
    check(&satisfied, 2, 100, MICRO(12.5));
}

static void test_a_scale_may_lose_above(void **state)
{
    (void)state;
    check(&returned, 0, 7, MICRO(10));
    check(&returned, 5, 100, MICRO(10));
    check(&returned, 6, 100, MICRO(8));
    check(&returned, 50, 100, MICRO(1));
    check(&returned, 3, 2, MICRO(1)); /* more than one */
}

static void test_a_floor_that_is_never_reached(void **state)
{
    const struct score_scale scale = {MEASURE_SOLVED, SCORE_BELOW, MICRO(20),
                                      MICRO(50),      MICRO(0.1),  0};

    (void)state;
    check(&scale, 0, 3, MICRO(15));
    check(&scale, 1, 4, MICRO(17.5));
}

static void test_rounded_once_half_up_to_a_millionth(void **state)
{
    (void)state;
    check(&on_time, 2, 3, 0);        /* 66.66 % */
    check(&on_time, 5, 6, 8333333);  /* 83.33... -> 8.33... */
    check(&on_time, 8, 9, 13888889); /* 13.888888... */
    const struct score_scale half = {MEASURE_SOLVED, SCORE_BELOW, MICRO(1), MICRO(100), 1, 0};
    check(&half, 1, 2, 999950);      /* 50 points below, a millionth each */
    check(&half, 199, 200, 1000000); /* half a millionth lost: up again */
    check(&half, 198, 200, 999999);
}

static void test_counts_of_any_size(void **state)
{
    (void)state;
    check(&on_time, SCORE_MAX_COUNT, SCORE_MAX_COUNT, MICRO(20));
    check(&on_time, SCORE_MAX_COUNT / 10 * 9, SCORE_MAX_COUNT / 10 * 10, MICRO(15));
    check(&returned, SCORE_MAX_COUNT, 1, MICRO(1));
}

/* Against sums in whole steps: with d = 100 a percentage point is one ticket. */
static void test_every_percent(void **state)
{
    (void)state;
    for (int64_t n = 0; n <= 100; n++) {
        int64_t below = n < 98 ? 98 - n : 0, above = n > 5 ? n - 5 : 0;
        int64_t s = MICRO(25) - below * MICRO(0.5), r = MICRO(10) - above * MICRO(2);

        check(&satisfied, n, 100, s < MICRO(12.5) ? MICRO(12.5) : s);
        check(&returned, n, 100, r < MICRO(1) ? MICRO(1) : r);
    }
}

static void test_more_is_never_worse(void **state)
{
    int64_t before = -1, points;

    (void)state;
    for (int64_t n = 0; n <= 977; n++) {
        assert_true(score_of(&on_time, (struct measure){n, 977}, &points));
        assert_true(points >= before && points <= on_time.points_micro);
        before = points;
    }
}

static const struct score_set set = {
    .name = "test",
    .count = 3,
    .scales = {
        {MEASURE_ON_TIME_CLOSING, SCORE_BELOW, MICRO(20), MICRO(95), MICRO(1), 0},
        {MEASURE_SATISFIED_FINAL, SCORE_BELOW, MICRO(25), MICRO(98), MICRO(0.5), MICRO(12.5)},
        {MEASURE_RETURN, SCORE_ABOVE, MICRO(10), MICRO(5), MICRO(2), MICRO(1)}}};

static struct score_row rate(struct measure due, struct measure rated, struct measure sent)
{
    struct measure all[MEASURE_COUNT] = {{0, 0}};
    struct score_row row;

    all[MEASURE_ON_TIME_CLOSING] = due;
    all[MEASURE_SATISFIED_FINAL] = rated;
    all[MEASURE_RETURN] = sent;
    score_rate(&set, all, &row);
    return row;
}

static void test_nothing_due_leaves_a_scale_out(void **state)
{
    struct score_row row =
        rate((struct measure){94, 100}, (struct measure){96, 100}, (struct measure){6, 100});

    (void)state;
    assert_int_equal(score_set_full_micro(&set), MICRO(55));
    assert_int_equal(row.sum_micro, MICRO(51)); /* 19 + 24 + 8 */
    assert_int_equal(row.out_of_micro, MICRO(55));
    assert_int_equal(row.total_micro, MICRO(51));
    row = rate((struct measure){94, 100}, (struct measure){0, 0}, (struct measure){6, 100});
    assert_true(row.is_due[0]);
    assert_false(row.is_due[1]);
    assert_int_equal(row.sum_micro, MICRO(27));
    assert_int_equal(row.out_of_micro, MICRO(30));
    assert_int_equal(row.total_micro, MICRO(49.5)); /* 27 of 30 is 49.5 of 55 */
    row = rate((struct measure){0, 0}, (struct measure){0, 0}, (struct measure){0, 0});
    assert_false(row.has_total);
    assert_int_equal(row.out_of_micro, 0);
}

static void test_ranks_are_shared_and_skipped(void **state)
{
    const struct measure none = {0, 0};
    struct score_row rows[] = {
        rate((struct measure){90, 100}, none, none), rate(none, none, none),
        rate((struct measure){95, 100}, none, none), rate((struct measure){9, 10}, none, none),
        rate((struct measure){80, 100}, none, none),
    };
    static const int ranks[] = {2, 0, 1, 2, 4};
    static const size_t sorted[] = {2, 0, 3, 4, 1};
    size_t order[5];

    (void)state;
    score_rank(rows, order, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(rows[i].rank, ranks[i]);
        assert_int_equal(order[i], sorted[i]);
    }
    score_rank(rows, order, 0);
}

static void test_scales_that_are_none(void **state)
{
    static const struct {
        struct score_scale scale;
        const char *fault;
    } cases[] = {
        {{MEASURE_CLOSING, SCORE_BELOW, 0, 0, 1, 0}, "points"},
        {{MEASURE_CLOSING, SCORE_BELOW, MICRO(1001), 0, 1, 0}, "points"},
        {{MEASURE_CLOSING, SCORE_BELOW, 1, -1, 1, 0}, "full_at"},
        {{MEASURE_CLOSING, SCORE_BELOW, 1, MICRO(100) + 1, 1, 0}, "full_at"},
        {{MEASURE_CLOSING, SCORE_BELOW, 1, 0, 0, 0}, "per_point"},
        {{MEASURE_CLOSING, SCORE_BELOW, 1, 0, MICRO(1001), 0}, "per_point"},
        {{MEASURE_CLOSING, SCORE_BELOW, 5, 0, 1, -1}, "floor"},
        {{MEASURE_CLOSING, SCORE_BELOW, 5, 0, 1, 6}, "floor"},
    };
    int64_t points = 42;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(score_scale_fault(&cases[i].scale), cases[i].fault);
    assert_null(score_scale_fault(&on_time));
    assert_false(score_of(&on_time, (struct measure){0, 0}, &points));
    assert_int_equal(points, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_on_time),
        cmocka_unit_test(test_satisfaction_has_a_floor),
        cmocka_unit_test(test_a_scale_may_lose_above),
        cmocka_unit_test(test_a_floor_that_is_never_reached),
        cmocka_unit_test(test_rounded_once_half_up_to_a_millionth),
        cmocka_unit_test(test_counts_of_any_size),
        cmocka_unit_test(test_every_percent),
        cmocka_unit_test(test_more_is_never_worse),
        cmocka_unit_test(test_nothing_due_leaves_a_scale_out),
        cmocka_unit_test(test_ranks_are_shared_and_skipped),
        cmocka_unit_test(test_scales_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
