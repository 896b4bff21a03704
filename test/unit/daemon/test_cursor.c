/* Cursors: what goes out comes back, and nothing else does. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "base/attr.h"
#include "daemon/cursor.h"

static const uint8_t key[CRYPTO_KEY_SIZE] = {1, 2, 3};

static void test_cursor_round_trip(void **state)
{
    static const int64_t cases[][3] = {
        {0, 0, 0}, {1, -1, INT64_MAX}, {INT64_MIN, 260213100000000017, 3}};
    int64_t back[3];
    char text[CURSOR_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t count = 1; count <= 3; count++) {
            memset(back, 0, sizeof(back));
            cursor_format(key, "list", cases[i], count, text);
            assert_int_equal(strlen(text), (count * 8 + CURSOR_TAG_BYTES) * 2);
            assert_true(cursor_parse(key, "list", text, back, count));
            assert_true(memcmp(back, cases[i], count * sizeof(int64_t)) == 0);
        }
    }
}

static void test_cursor_of_another_query_is_refused(void **state)
{
    static const uint8_t other_key[CRYPTO_KEY_SIZE] = {1, 2, 4};
    const int64_t fields[] = {77, 12};
    char text[CURSOR_SIZE];
    int64_t back[3];

    (void)state;
    cursor_format(key, "events|unit|A", fields, 2, text);
    assert_true(cursor_parse(key, "events|unit|A", text, back, 2));
    assert_false(cursor_parse(key, "events|unit|B", text, back, 2));
    assert_false(cursor_parse(key, "events|unit|", text, back, 2));
    assert_false(cursor_parse(key, "events|all", text, back, 2));
    assert_false(cursor_parse(key, "events|unit|A", text, back, 1));
    assert_false(cursor_parse(key, "events|unit|A", text, back, 3));
    assert_false(cursor_parse(other_key, "events|unit|A", text, back, 2));
}

/* A scope that ends in the bytes of a number must not pass for a shorter scope with that number. */
static void test_cursor_scope_and_fields_do_not_run_together(void **state)
{
    const int64_t two[] = {0x4141414141414141, 5}, one[] = {5};
    char text[CURSOR_SIZE], joined[CURSOR_SIZE];

    (void)state;
    cursor_format(key, "q", two, 2, text);
    cursor_format(key, "qAAAAAAAA", one, 1, joined);
    assert_string_not_equal(text + 32, joined + 16);
}

static void test_cursor_every_changed_digit_is_refused(void **state)
{
    const int64_t fields[] = {1234567, 89};
    char text[CURSOR_SIZE];
    int64_t back[2];

    (void)state;
    cursor_format(key, "s", fields, 2, text);
    for (size_t i = 0; text[i]; i++) {
        char kept = text[i];
        text[i] = kept == '0' ? '1' : '0';
        assert_false(cursor_parse(key, "s", text, back, 2));
        text[i] = 'g';
        assert_false(cursor_parse(key, "s", text, back, 2));
        text[i] = '\0';
        assert_false(cursor_parse(key, "s", text, back, 2));
        text[i] = kept;
    }
    assert_true(cursor_parse(key, "s", text, back, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cursor_round_trip),
        cmocka_unit_test(test_cursor_of_another_query_is_refused),
        cmocka_unit_test(test_cursor_scope_and_fields_do_not_run_together),
        cmocka_unit_test(test_cursor_every_changed_digit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
