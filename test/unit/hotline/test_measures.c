/*
 * Rates against published figures, "none due", and scores of the two scales that DOMAIN 5 names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "hotline/measures.h"

static double rate_of(int64_t numerator, int64_t denominator)
{
    double rate = -1;

    assert_true(measure_rate((struct measure){numerator, denominator}, &rate));
    return rate;
}

static void test_rates_of_a_published_month(void **state)
{
    (void)state;
    /* Lianyungang, June 2019: 82.80 % on time and 88.34 % closed of 29,186 due */
    assert_true(rate_of(24165, 29186) == 0.8280);
    assert_true(rate_of(25783, 29186) == 0.8834);
}

static void test_rates_round_half_up_at_the_fourth_digit(void **state)
{
    (void)state;
    assert_true(rate_of(0, 5) == 0.0);
    assert_true(rate_of(5, 5) == 1.0);
    assert_true(rate_of(1, 3) == 0.3333);
    assert_true(rate_of(2, 3) == 0.6667);
    assert_true(rate_of(1, 20000) == 0.0001); /* exactly half */
    assert_true(rate_of(9999, 20000000) == 0.0005);
    assert_true(rate_of(1, 20001) == 0.0);
    assert_true(rate_of(3, 2) == 1.5); /* redone tickets may outnumber closed ones */
    assert_true(rate_of(INT64_C(200000000000000), INT64_C(200000000000001)) == 1.0);
}

static void test_nothing_due_is_no_rate_and_no_score(void **state)
{
    struct score_scale scale;
    double value = 42;

    (void)state;
    assert_false(measure_rate((struct measure){0, 0}, &value));
    assert_true(score_scale_falling(20, 95, 1, 0, &scale));
    assert_false(measure_score(&scale, (struct measure){0, 0}, &value));
    assert_true(value == 42);
}

static void check_score(const struct score_scale *scale, int64_t per_mille, double expected)
{
    double points = -1;

    assert_true(measure_score(scale, (struct measure){per_mille, 1000}, &points));
    assert_true(fabs(points - expected) < 1e-9);
}

static void test_score_on_time(void **state)
{
    struct score_scale scale;

    (void)state;
    assert_true(score_scale_falling(20, 95, 1, 0, &scale));
    check_score(&scale, 1000, 20);
    check_score(&scale, 950, 20);
    check_score(&scale, 940, 19);
    check_score(&scale, 945, 19.5);
    check_score(&scale, 750, 0);
    check_score(&scale, 751, 0.1);
    check_score(&scale, 100, 0);
    check_score(&scale, 0, 0);
}

static void test_score_satisfaction_has_a_floor(void **state)
{
    struct score_scale scale;

    (void)state;
    assert_true(score_scale_falling(25, 98, 0.5, 12.5, &scale));
    check_score(&scale, 980, 25);
    check_score(&scale, 960, 24);
    check_score(&scale, 730, 12.5);
    check_score(&scale, 740, 13);
    check_score(&scale, 20, 12.5);
}

static void test_score_whose_floor_is_never_reached(void **state)
{
    struct score_scale scale;

    (void)state;
    assert_true(score_scale_falling(20, 50, 0.1, 0, &scale));
    check_score(&scale, 500, 20);
    check_score(&scale, 0, 15);
    check_score(&scale, 250, 17.5);
    assert_true(score_scale_falling(7, 50, 1, 7, &scale)); /* nothing to lose */
    check_score(&scale, 0, 7);
}

static void test_score_of_several_pieces(void **state)
{
    const struct score_scale scale = {3, {{60, 0}, {80, 10}, {100, 12}}};

    (void)state;
    check_score(&scale, 590, 0);
    check_score(&scale, 700, 5);
    check_score(&scale, 800, 10);
    check_score(&scale, 900, 11);
    check_score(&scale, 1000, 12);
    /* a rate above 1 (redo) stays at the last knot */
    check_score(&scale, 1700, 12);
}

static void test_scales_that_are_none(void **state)
{
    struct score_scale scale;

    (void)state;
    assert_false(score_scale_falling(20, 101, 1, 0, &scale));
    assert_false(score_scale_falling(20, -1, 1, 0, &scale));
    assert_false(score_scale_falling(20, 95, 0, 0, &scale));
    assert_false(score_scale_falling(20, 95, 1, 21, &scale));
    assert_false(score_scale_falling(20, NAN, 1, 0, &scale));
    assert_false(score_scale_falling(INFINITY, 95, 1, 0, &scale));
    assert_false(score_scale_valid(&(struct score_scale){.count = 0}));
    assert_false(score_scale_valid(&(struct score_scale){2, {{50, 0}, {50, 1}}}));
    assert_false(score_scale_valid(&(struct score_scale){2, {{50, 0}, {40, 1}}}));
    assert_false(score_scale_valid(&(struct score_scale){1, {{101, 0}}}));
    assert_false(score_scale_valid(&(struct score_scale){.count = SCORE_MAX_KNOTS + 1}));
    assert_true(score_scale_valid(&(struct score_scale){1, {{50, 7}}}));
}

static void test_every_measure_has_a_name_and_a_definition(void **state)
{
    (void)state;
    for (int i = 0; i < MEASURE_COUNT; i++) {
        assert_non_null(measure_words[i].code);
        assert_non_null(measure_words[i].zh);
        assert_int_equal(word_find(measure_words, MEASURE_COUNT, measure_words[i].code), i);
        assert_non_null(strstr(measure_definitions[i].zh, " / "));
        assert_non_null(strstr(measure_definitions[i].en, " / "));
        assert_non_null(strstr(measure_definitions[i].code, " / "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates_of_a_published_month),
        cmocka_unit_test(test_rates_round_half_up_at_the_fourth_digit),
        cmocka_unit_test(test_nothing_due_is_no_rate_and_no_score),
        cmocka_unit_test(test_score_on_time),
        cmocka_unit_test(test_score_satisfaction_has_a_floor),
        cmocka_unit_test(test_score_whose_floor_is_never_reached),
        cmocka_unit_test(test_score_of_several_pieces),
        cmocka_unit_test(test_scales_that_are_none),
        cmocka_unit_test(test_every_measure_has_a_name_and_a_definition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
