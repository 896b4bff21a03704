#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/base64.h"

static void vectors_of_the_rfc(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    char text[16];
    char back[16];
    size_t len;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        base64_encode(pairs[i][0], strlen(pairs[i][0]), text);
        assert_string_equal(text, pairs[i][1]);
        assert_int_equal(strlen(text), BASE64_LENGTH(strlen(pairs[i][0])));
        assert_true(base64_decode(text, strlen(text), back, &len));
        assert_int_equal(len, strlen(pairs[i][0]));
        assert_memory_equal(back, pairs[i][0], len);
    }
}

static void every_byte_and_length_comes_back(void **state)
{
    uint8_t data[256 + 3], back[300];
    char text[BASE64_LENGTH(sizeof(data)) + 1];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    for (size_t n = 0; n <= sizeof(data); n++) {
        base64_encode(data, n, text);
        assert_true(BASE64_BYTES(strlen(text)) <= sizeof(back));
        assert_true(base64_decode(text, strlen(text), back, &len));
        assert_int_equal(len, n);
        assert_memory_equal(back, data, n);
    }
}

static void what_is_no_base64(void **state)
{
    static const char *const bad[] = {"A",     "AB",       "ABC",      "AB=C",
                                      "A===",  "====",     "AA==BBBB", " AAA",
                                      "AAA\n", "AAAA====", "AA-_",     "AA\xc3\xa9"};
    uint8_t out[16];
    size_t len;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(base64_decode(bad[i], strlen(bad[i]), out, &len));
}

static void spare_bits_are_let_through(void **state)
{
    uint8_t out[4];
    size_t len;

    (void)state;
    assert_true(base64_decode("Zh==", 4, out, &len)); /* canonical is Zg== */
    assert_int_equal(len, 1);
    assert_int_equal(out[0], 'f');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_rfc),
        cmocka_unit_test(every_byte_and_length_comes_back),
        cmocka_unit_test(what_is_no_base64),
        cmocka_unit_test(spare_bits_are_let_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
