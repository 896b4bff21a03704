#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/clk.h"
#include "base/utf8.h"
#include "hotline/similar.h"
#include "unit/hotline/city_fixture.h"

#define DAY_US (86400 * US_PER_SECOND)
#define WINDOW_DAYS 90

struct rig {
    struct city *city;
    struct arena *arena;
};

static int set_up(void **state)
{
    static struct rig rig;
    struct city_fixture fixture;

    city_fixture_init(&fixture);
    rig.city = city_fixture_build(&fixture);
    rig.arena = arena_new();
    *state = &rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    city_unref(&rig->city);
    arena_free(&rig->arena);
    return 0;
}

static struct similar_matter matter(const struct rig *rig, const char *title, const char *text,
                                    int region, int category)
{
    struct similar_matter m;

    similar_matter_read(title, text, rig->arena, &m);
    m.region = region;
    m.category = category;
    m.received_us = 1000 * DAY_US;
    return m;
}

static int score(const struct rig *rig, const struct similar_matter *a,
                 const struct similar_matter *b, bool same_caller, struct similar_reasons *reasons)
{
    const struct similar_rarity all_alike = {NULL, 0};

    return similar_score(rig->city, a, &all_alike, b, same_caller, WINDOW_DAYS, reasons);
}

static void test_the_same_again(void **state)
{
    const struct rig *rig = *state;
    struct similar_matter m =
        matter(rig, "路灯不亮", "门口的路灯坏了", REGION_COM_A1, CATEGORY_NIGHT);
    struct similar_reasons reasons;

    assert_int_equal(score(rig, &m, &m, false, &reasons), 80);
    assert_int_equal(reasons.text, 100);
    assert_int_equal(reasons.days, 0);
    assert_int_equal(reasons.place, RELATION_SAME);
    assert_int_equal(reasons.category, RELATION_SAME);
    assert_false(reasons.same_caller);
    assert_int_equal(score(rig, &m, &m, true, &reasons), 100);
    assert_true(reasons.same_caller);
}

static void test_nothing_in_common(void **state)
{
    const struct rig *rig = *state;
    struct similar_matter a = matter(rig, "路灯不亮", "坏了", REGION_COM_A1, CATEGORY_NIGHT);
    struct similar_matter b = matter(rig, "社保咨询", "怎么办", REGION_COM_B1, CATEGORY_WATER);
    struct similar_reasons reasons;

    b.received_us -= WINDOW_DAYS * DAY_US;
    assert_int_equal(score(rig, &a, &b, false, &reasons), 0);
    assert_int_equal(reasons.days, WINDOW_DAYS);
    assert_int_equal(reasons.place, RELATION_NONE);
    assert_int_equal(reasons.category, RELATION_NONE);
}

static void test_relations(void **state)
{
    static const struct {
        int region_a, region_b;
        enum similar_relation place;
        int category_a, category_b;
        enum similar_relation category;
        int points; /* of both, with 5 for the same day */
    } rows[] = {
        {REGION_COM_A1, REGION_COM_A1, RELATION_SAME, CATEGORY_NIGHT, CATEGORY_NIGHT, RELATION_SAME,
         25},
        {REGION_TOWN_A, REGION_GRID_A1, RELATION_WITHIN, CATEGORY_NOISE, CATEGORY_NIGHT,
         RELATION_WITHIN, 21},
        {REGION_GRID_A1, REGION_TOWN_A, RELATION_WITHIN, CATEGORY_NIGHT, CATEGORY_BUILD,
         RELATION_WITHIN, 21},
        {REGION_COM_A1, REGION_COM_A2, RELATION_PARTS, CATEGORY_WATER, CATEGORY_HEAT,
         RELATION_PARTS, 15},
        {REGION_COM_A1, REGION_COM_B1, RELATION_NONE, CATEGORY_NIGHT, CATEGORY_DUST, RELATION_NONE,
         5},
        {-1, REGION_COM_B1, RELATION_UNKNOWN, -1, CATEGORY_DUST, RELATION_UNKNOWN, 11},
        {-1, -1, RELATION_UNKNOWN, CATEGORY_BUILD, CATEGORY_LIFE, RELATION_NONE, 11},
    };
    const struct rig *rig = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct similar_matter a = matter(rig, "路灯", "坏", rows[i].region_a, rows[i].category_a);
        struct similar_matter b = matter(rig, "社保", "办", rows[i].region_b, rows[i].category_b);
        struct similar_reasons reasons;
        int points = score(rig, &a, &b, false, &reasons);
        if (points != rows[i].points || reasons.place != rows[i].place ||
            reasons.category != rows[i].category)
            fail_msg("row %zu: %d points, place %d, category %d", i, points, reasons.place,
                     reasons.category);
        assert_int_equal(score(rig, &b, &a, false, &reasons), points);
    }
}

/* The title of the one in the text of the other: whoever writes short and whoever writes long. */
static void test_a_title_in_a_text(void **state)
{
    const struct rig *rig = *state;
    struct similar_matter brief =
        matter(rig, "丽发新城搅拌站", "太吵了", REGION_COM_A1, CATEGORY_DUST);
    struct similar_matter essay =
        matter(rig, "请求领导关注", "我住丽发新城，旁边的丽发新城搅拌站日夜不停。", REGION_COM_A1,
               CATEGORY_DUST);
    struct similar_reasons reasons;

    (void)score(rig, &brief, &essay, false, &reasons);
    assert_int_equal(reasons.text, 50);
    (void)score(rig, &essay, &brief, false, &reasons);
    assert_int_equal(reasons.text, 50);
}

static void test_rare_pairs_count_for_more(void **state)
{
    const struct rig *rig = *state;
    struct similar_matter fresh = matter(rig, "甲乙丙", "", -1, -1); /* 甲乙 and 乙丙 */
    struct similar_matter has_first = matter(rig, "甲乙", "", -1, -1);
    struct similar_matter has_second = matter(rig, "乙丙", "", -1, -1);
    int64_t seen[2] = {0, 0};
    struct similar_rarity rarity = {seen, 100};
    struct similar_reasons first, second;

    assert_int_equal(fresh.title.count, 2);
    /* grams are ascending: which of the two comes first is told by the set itself */
    bool is_first = fresh.title.grams[0] == has_first.title.grams[0];
    seen[is_first ? 0 : 1] = 100; /* 甲乙 is in every ticket, 乙丙 in none */
    (void)similar_score(rig->city, &fresh, &rarity, &has_first, false, WINDOW_DAYS, &first);
    (void)similar_score(rig->city, &fresh, &rarity, &has_second, false, WINDOW_DAYS, &second);
    /* 1 of 1 + (1 + ln 101), and the other's whole title */
    assert_int_equal(first.text, 58);
    assert_int_equal(second.text, 92);
    /* where everybody has everything, copies are copies all the same */
    seen[0] = seen[1] = 100;
    (void)similar_score(rig->city, &fresh, &rarity, &fresh, false, WINDOW_DAYS, &first);
    assert_int_equal(first.text, 100);
}

static void test_titles_without_pairs(void **state)
{
    const struct rig *rig = *state;
    struct similar_matter blank = matter(rig, "。", "！", -1, -1);
    struct similar_matter m = matter(rig, "路灯", "坏了", -1, -1);
    struct similar_reasons reasons;

    assert_int_equal(score(rig, &blank, &blank, false, &reasons), 11);
    assert_int_equal(score(rig, &blank, &m, false, &reasons), 11);
    assert_int_equal(score(rig, &m, &blank, false, &reasons), 11);
    assert_int_equal(reasons.text, 0);
}

static void test_long_texts_are_looked_at_in_part(void **state)
{
    const struct rig *rig = *state;
    size_t most = 3 * (SIMILAR_TEXT_MAX + 10);
    char *text = arena_alloc(rig->arena, most + 1);
    for (size_t i = 0; i < most; i += 3)
        memcpy(text + i, "字", 3);
    memcpy(text + most - 6, "末尾", 6);
    struct similar_matter m = matter(rig, "题", text, -1, -1);

    assert_int_equal(m.whole.count, 1); /* 字字 */
}

static void test_days_fall_to_nothing(void **state)
{
    const struct rig *rig = *state;
    struct similar_matter a = matter(rig, "路灯", "坏", -1, -1), b = a;
    struct similar_reasons reasons;
    int last = 66;

    for (int64_t days = 0; days <= 200; days++) {
        b.received_us = a.received_us + days * DAY_US + DAY_US / 2;
        int now = score(rig, &a, &b, false, &reasons);
        assert_int_equal(reasons.days, days);
        assert_true(now <= last);
        last = now;
    }
    assert_int_equal(last, 61);
}

static void test_the_words(void **state)
{
    (void)state;
    for (int i = 0; i < RELATION_COUNT; i++) {
        assert_non_null(relation_words[i].code);
        assert_true(utf8_valid(relation_words[i].zh, strlen(relation_words[i].zh)));
        assert_non_null(relation_words[i].en);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_again),
        cmocka_unit_test(test_nothing_in_common),
        cmocka_unit_test(test_relations),
        cmocka_unit_test(test_a_title_in_a_text),
        cmocka_unit_test(test_rare_pairs_count_for_more),
        cmocka_unit_test(test_titles_without_pairs),
        cmocka_unit_test(test_long_texts_are_looked_at_in_part),
        cmocka_unit_test(test_days_fall_to_nothing),
        cmocka_unit_test(test_the_words),
    };
    return cmocka_run_group_tests_name("similar", tests, set_up, tear_down);
}
