#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sbuf.h"

static void test_appends(void **state)
{
    (void)state;
    struct sbuf b;
    sbuf_init(&b, 0);
    assert_string_equal(b.data, "");
    sbuf_adds(&b, "ab");
    sbuf_addc(&b, 'c');
    sbuf_add(&b, "de\0f", 4);
    sbuf_addf(&b, "%d", 12345);
    sbuf_addf(&b, "%s", "");
    assert_int_equal(b.len, 12);
    assert_memory_equal(b.data, "abcde\0f12345", 13);
    assert_false(b.overflow);
    sbuf_clear(&b);
    assert_int_equal(b.len, 0);
    assert_string_equal(b.data, "");
    sbuf_free(&b);
    assert_null(b.data);
    sbuf_free(&b);
}

static void test_whole_numbers(void **state)
{
    static const int64_t numbers[] = {0, 7, 10, -1, 1234567890123, INT64_MAX, INT64_MIN};
    struct sbuf b;

    (void)state;
    sbuf_init(&b, 0);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        char wanted[32];

        sbuf_clear(&b);
        sbuf_addi(&b, numbers[i]);
        snprintf(wanted, sizeof(wanted), "%" PRId64, numbers[i]);
        assert_string_equal(b.data, wanted);
    }
    sbuf_free(&b);
}

static void test_grows_bytewise(void **state)
{
    (void)state;
    struct sbuf b;
    sbuf_init(&b, 0);
    for (int i = 0; i < 100000; i++)
        sbuf_addc(&b, (char)('a' + i % 26));
    assert_int_equal(b.len, 100000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(b.data[i], 'a' + i % 26);
    assert_int_equal(b.data[100000], '\0');
    sbuf_free(&b);
}

static void test_maximum_is_sticky(void **state)
{
    (void)state;
    for (size_t max = 1; max < 200; max++) {
        struct sbuf b;
        sbuf_init(&b, max);
        for (size_t i = 0; i < max; i++)
            sbuf_addc(&b, 'x');
        assert_false(b.overflow);
        assert_int_equal(b.len, max);
        sbuf_addc(&b, 'y');
        assert_true(b.overflow);
        assert_int_equal(b.len, max);
        sbuf_clear(&b);
        assert_false(b.overflow);
        sbuf_adds(&b, "x");
        assert_string_equal(b.data, "x");
        sbuf_free(&b);
    }
}

static void test_nothing_after_a_loss(void **state)
{
    (void)state;
    struct sbuf b;
    sbuf_init(&b, 8);
    sbuf_adds(&b, "12345");
    sbuf_addf(&b, "%s", "6789");
    assert_true(b.overflow);
    sbuf_addc(&b, '6');
    assert_string_equal(b.data, "12345");
    sbuf_free(&b);
}

static void test_steal(void **state)
{
    (void)state;
    struct sbuf b;
    sbuf_init(&b, 100);
    sbuf_adds(&b, "mine");
    char *s = sbuf_steal(&b);
    assert_string_equal(s, "mine");
    assert_int_equal(b.len, 0);
    assert_int_equal(b.max, 100);
    sbuf_adds(&b, "new");
    assert_string_equal(s, "mine");
    assert_string_equal(b.data, "new");
    free(s);
    free(sbuf_steal(&b));
    s = sbuf_steal(
        &b); /* of an empty one: still the caller's own memory; nothing is left to free */
    s[0] = '\0';
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_grows_bytewise),
        cmocka_unit_test(test_maximum_is_sticky),
        cmocka_unit_test(test_nothing_after_a_loss),
        cmocka_unit_test(test_steal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
