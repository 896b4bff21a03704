#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "hotline/bigram.h"

static void check_fold(const char *text, const char *expected)
{
    struct sbuf out;

    sbuf_init(&out, 0);
    bigram_fold(text, strlen(text), &out);
    assert_string_equal(out.data, expected);
    sbuf_free(&out);
}

static void test_folding(void **state)
{
    (void)state;
    check_fold("", "");
    check_fold("路灯不亮", "路灯不亮");
    check_fold("ＡＢｃ１２３，Ｄ座", "abc123 d座");
    check_fold("BRT站", "brt站");
    check_fold("  停水！！（第3天）\n物业", " 停水 第3天 物业");
    check_fold("\t", " ");
    check_fold("。", " ");
    check_fold("人々・〇号線",
               "人々・〇号線");     /* signs that are parts of words, and ・ of katakana */
    check_fold("100%_\\'", "100 "); /* nothing is left that LIKE takes for a sign */
    check_fold("Ünïcode", "Ünïcode");
    check_fold("\xF0\xA0\x80\x80里", "\xF0\xA0\x80\x80里");
}

/* What is folded stays as it is, and a part of a text folds to a part of its folded text. */
static void test_folding_twice_and_of_parts(void **state)
{
    static const char *const texts[] = {"Ａ市　万科·魅力之城（二期）！！No.７栋", "，，a，B、c",
                                        "停水 停电\n\n", "123"};
    struct sbuf whole, part;

    (void)state;
    sbuf_init(&whole, 0);
    sbuf_init(&part, 0);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        size_t len = strlen(texts[i]), used_from, used_to;
        uint32_t cp;
        sbuf_clear(&whole);
        bigram_fold(texts[i], len, &whole);
        sbuf_clear(&part);
        bigram_fold(whole.data, whole.len, &part);
        assert_string_equal(part.data, whole.data);
        for (size_t from = 0; from < len; from += used_from) {
            used_from = utf8_next(texts[i] + from, len - from, &cp);
            for (size_t to = from; to < len; to += used_to) {
                used_to = utf8_next(texts[i] + to, len - to, &cp);
                sbuf_clear(&part);
                bigram_fold(texts[i] + from, to + used_to - from, &part);
                assert_non_null(strstr(whole.data, part.data));
            }
        }
    }
    sbuf_free(&whole);
    sbuf_free(&part);
}

static void check_grams(const char *text, const int64_t *expected, size_t count)
{
    struct arena *arena = arena_new();
    struct bigram_set set;

    bigram_set_of(text, arena, &set);
    assert_int_equal(set.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal((uint32_t)set.grams[i], expected[i]);
    arena_free(&arena);
}

static void test_pairs(void **state)
{
    (void)state;
    const int64_t lamp[] = {0x706F4E0D /* 灯不 */, (int64_t)0x8DEF706F /* 路灯 */};
    const int64_t abc[] = {(int64_t)0xD8000000 + (10 * 36 + 11) * 36 + 12, 0x00610062, 0x00620063};
    const int64_t ascending_lamp[] = {lamp[1], lamp[0]}; /* as signed numbers */

    check_grams("", NULL, 0);
    check_grams("灯", NULL, 0);
    check_grams("路 灯。不", NULL, 0);
    check_grams("路灯不", ascending_lamp, 2);
    check_grams("路灯不，路灯", ascending_lamp, 2);
    check_grams("abc", abc, 3);
    check_grams("ab", abc + 1, 1);
    /* no triple across characters that are not ASCII */
    const int64_t mixed[] = {0x0061706F, 0x706F0062};
    check_grams("a灯b", mixed, 2);
}

/* Random texts over few characters: whatever is a part of a text has no pair that the text has not.
 */
static void test_parts_have_no_other_pairs(void **state)
{
    static const char *const alphabet[] = {"路", "灯", "A", "b",
                                           "7",  "，", " ", "\xF0\xA0\x80\x80"};
    unsigned seed = 7;
    char text[400];

    (void)state;
    for (int round = 0; round < 2000; round++) {
        size_t starts[33], len = 0, count = 1 + (size_t)round % 32;
        struct arena *arena = arena_new();
        struct bigram_set whole, part;
        for (size_t i = 0; i < count; i++) {
            starts[i] = len;
            const char *c = alphabet[(unsigned)rand_r(&seed) % ARRAY_LEN(alphabet)];
            memcpy(text + len, c, strlen(c));
            len += strlen(c);
        }
        starts[count] = len;
        text[len] = '\0';
        bigram_set_of(text, arena, &whole);
        size_t from = (size_t)rand_r(&seed) % count;
        size_t to = from + 1 + (size_t)rand_r(&seed) % (count - from);
        bigram_set_of(arena_strndup(arena, text + starts[from], starts[to] - starts[from]), arena,
                      &part);
        assert_int_equal(bigram_set_shared(&whole, &part), part.count);
        assert_int_equal(bigram_set_shared(&part, &whole), part.count);
        for (size_t i = 1; i < whole.count; i++)
            assert_true(whole.grams[i - 1] < whole.grams[i]);
        arena_free(&arena);
    }
}

static void test_shared(void **state)
{
    struct arena *arena = arena_new();
    struct bigram_set a, b, none;

    (void)state;
    bigram_set_of("小区门口路灯不亮", arena, &a);
    bigram_set_of("路灯不亮三天了", arena, &b);
    bigram_set_of("。", arena, &none);
    assert_int_equal(bigram_set_shared(&a, &b), 3);
    assert_int_equal(bigram_set_shared(&a, &a), a.count);
    assert_int_equal(bigram_set_shared(&a, &none), 0);
    assert_int_equal(bigram_set_shared(&none, &b), 0);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folding), cmocka_unit_test(test_folding_twice_and_of_parts),
        cmocka_unit_test(test_pairs),   cmocka_unit_test(test_parts_have_no_other_pairs),
        cmocka_unit_test(test_shared),
    };
    return cmocka_run_group_tests_name("bigram", tests, NULL, NULL);
}
