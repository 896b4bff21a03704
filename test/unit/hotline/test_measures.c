/*
 * Rates against published figures, and "none due".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

static void test_nothing_due_is_no_rate(void **state)
{
    double value = 42;

    (void)state;
    assert_false(measure_rate((struct measure){0, 0}, &value));
    assert_true(value == 42);
    assert_true(rate_of(0, 1) == 0.0); /* which is not the same */
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
        cmocka_unit_test(test_nothing_due_is_no_rate),
        cmocka_unit_test(test_every_measure_has_a_name_and_a_definition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
