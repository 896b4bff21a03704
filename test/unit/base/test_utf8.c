#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/attr.h"
#include "base/utf8.h"

/* Encodes without looking whether the number is allowed: the tests want the forbidden ones too. */
static size_t encode(uint32_t cp, char *out)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--, cp >>= 6)
        out[i] = (char)(0x80 | (cp & 0x3f));
    out[0] = (char)(marks[n] | cp);
    return n;
}

static void test_every_code_point(void **state)
{
    (void)state;
    char text[4];
    for (uint32_t cp = 0; cp < 0x1fffff; cp++) {
        size_t n = encode(cp, text);
        bool allowed = cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff);
        if (utf8_valid(text, n) != allowed)
            fail_msg("U+%04X: expected %s", cp, allowed ? "valid" : "invalid");
        if (!allowed)
            continue;
        uint32_t back;
        assert_int_equal(utf8_next(text, n, &back), n);
        assert_int_equal(back, cp);
        assert_int_equal(utf8_length(text, n), 1);
        for (size_t cut = 1; cut < n; cut++)
            assert_false(utf8_valid(text, cut));
    }
}

static void test_every_two_bytes(void **state)
{
    (void)state;
    char text[2];
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            text[0] = (char)a;
            text[1] = (char)b;
            bool allowed = (a < 0x80 && b < 0x80) || (a >= 0xc2 && a <= 0xdf && (b & 0xc0) == 0x80);
            assert_int_equal(utf8_valid(text, 2), allowed);
        }
    }
}

static void test_invalid_forms(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xed\xa0\xbd\xed\xb8\x80" /* CESU-8 */,
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xfc\x84\x80\x80\x80\x80",
        "\xfe",
        "\xff",
        "\x80",
        "\xbf",
        "\xe5\xb8",
        "\xe5\xb8x",
        "\xf0\x9f\x98",
        "a\xc3",
        "\xe5\xb8\x82\xb8",
        "\xc3\xc3\xa9",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (utf8_valid(bad[i], strlen(bad[i])))
            fail_msg("accepted row %zu", i);
    }
}

static void test_valid_texts(void **state)
{
    (void)state;
    static const char text[] = "12345 市民热线 é 😀 \U0010ffff\ufffe";
    assert_true(utf8_valid(text, sizeof(text) - 1));
    assert_true(utf8_valid("", 0));
    assert_true(utf8_valid("a\0b", 3));
    assert_int_equal(utf8_length("市民热线", 12), 4);
    assert_int_equal(utf8_length("a😀é", strlen("a😀é")), 3);
    uint32_t cp = 7;
    assert_int_equal(utf8_next("", 0, &cp), 0);
    assert_int_equal(cp, 7);
    /* misuse on invalid text still gets to the end */
    assert_int_equal(utf8_next("\xff", 1, &cp), 1);
    assert_int_equal(cp, 0xfffd);
}

static void test_width(void **state)
{
    (void)state;
    static const struct {
        uint32_t cp;
        int width;
    } rows[] = {
        {'a', 1},     {0xe9, 1},     {0x0301, 0},  {0x200d, 0}, {0x200b, 0}, {0xfe0f, 0},
        {0x4e00, 2},  {0x9fff, 2},   {0x3000, 2},  {0xff01, 2}, {0xff61, 1}, {0xac00, 2},
        {0x1f600, 2}, {0x20000, 2},  {0x2026, 1},  {0x3002, 2}, {0x0e31, 0}, {0x1100, 2},
        {0x303f, 1},  {0x10ffff, 1}, {0x2f800, 2}, {0x00ad, 1}, {0x0900, 0}, {0x20ac, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (utf8_cp_width(rows[i].cp) != rows[i].width)
            fail_msg("U+%04X is not %d wide", rows[i].cp, rows[i].width);
    }
    assert_int_equal(utf8_width("市民ab", strlen("市民ab")), 6);
    assert_int_equal(utf8_width("e\xcc\x81", 3), 1);
}

static void test_prefix_of_width(void **state)
{
    (void)state;
    static const char text[] = "a市e\xcc\x81民";
    static const size_t bytes[] = {0, 1, 1, 4, 7, 7, 10, 10};
    for (size_t columns = 0; columns < ARRAY_LEN(bytes); columns++)
        assert_int_equal(utf8_prefix_of_width(text, strlen(text), columns), bytes[columns]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_every_two_bytes),
        cmocka_unit_test(test_invalid_forms),
        cmocka_unit_test(test_valid_texts),
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_prefix_of_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
