/*
 * similar.c - the score.
 */
#include "hotline/similar.h"

#include <math.h>
#include <string.h>

#include "base/clk.h"
#include "base/utf8.h"

#define DAY_US (86400 * US_PER_SECOND)

const struct word relation_words[RELATION_COUNT] = {
    [RELATION_UNKNOWN] = {"unknown", "不详", "unknown"},
    [RELATION_NONE] = {"none", "无关", "none"},
    [RELATION_PARTS] = {"near", "相邻", "near"},
    [RELATION_WITHIN] = {"within", "上下级", "within"},
    [RELATION_SAME] = {"same", "相同", "same"},
};

/* ---- what is compared --------------------------------------------------------------------------
 */

static size_t prefix_bytes(const char *text, size_t code_points)
{
    size_t len = strlen(text), at = 0, used;
    uint32_t cp;

    while (code_points-- > 0 && (used = utf8_next(text + at, len - at, &cp)) > 0)
        at += used;
    return at;
}

void similar_matter_read(const char *title, const char *text, struct arena *arena,
                         struct similar_matter *matter_r)
{
    struct sbuf folded;

    *matter_r = (struct similar_matter){.region = -1, .category = -1};
    bigram_set_of(title, arena, &matter_r->title);
    sbuf_init(&folded, 0);
    bigram_fold(title, strlen(title), &folded);
    sbuf_addc(&folded, ' ');
    bigram_fold(text, prefix_bytes(text, SIMILAR_TEXT_MAX), &folded);
    bigram_set_build(folded.data, folded.len, arena, &matter_r->whole);
    sbuf_free(&folded);
}

/* ---- text --------------------------------------------------------------------------------------
 */

static double weight(const struct similar_rarity *rarity, size_t i)
{
    if (!rarity->seen)
        return 1;
    return 1 + log((double)(rarity->sample + 1) / (double)(rarity->seen[i] + 1));
}

/* Share of the title, by weight, that `whole` has too; 0 of a title without pairs. */
static double share_by_rarity(const struct bigram_set *title, const struct similar_rarity *rarity,
                              const struct bigram_set *whole)
{
    double all = 0, shared = 0;

    for (size_t i = 0, j = 0; i < title->count; i++) {
        double w = weight(rarity, i);
        while (j < whole->count && whole->grams[j] < title->grams[i])
            j++;
        all += w;
        if (j < whole->count && whole->grams[j] == title->grams[i])
            shared += w;
    }
    return all > 0 ? shared / all : 0;
}

static double share(const struct bigram_set *title, const struct bigram_set *whole)
{
    return title->count ? (double)bigram_set_shared(title, whole) / (double)title->count : 0;
}

static double text_likeness(const struct similar_matter *fresh, const struct similar_rarity *rarity,
                            const struct similar_matter *other)
{
    return (share_by_rarity(&fresh->title, rarity, &other->whole) +
            share(&other->title, &fresh->whole)) /
           2;
}

/* ---- place, category, days ---------------------------------------------------------------------
 */

static enum similar_relation relate(const struct city *city, int a, int b,
                                    bool (*within)(const struct city *, int inner, int outer),
                                    int parent_a, int parent_b)
{
    if (a < 0 || b < 0)
        return RELATION_UNKNOWN;
    if (a == b)
        return RELATION_SAME;
    if (within(city, a, b) || within(city, b, a))
        return RELATION_WITHIN;
    return parent_a >= 0 && parent_a == parent_b ? RELATION_PARTS : RELATION_NONE;
}

static int region_parent(const struct city *city, int region)
{
    return region < 0 ? -1 : city_region(city, region)->parent;
}

static int category_parent(const struct city *city, int category)
{
    return category < 0 ? -1 : city_category(city, category)->parent;
}

static const int place_points[RELATION_COUNT] = {
    [RELATION_UNKNOWN] = 6,
    [RELATION_NONE] = 0,
    [RELATION_PARTS] = 6,
    [RELATION_WITHIN] = 10,
    [RELATION_SAME] = SIMILAR_PLACE_POINTS,
};
static const int category_points[RELATION_COUNT] = {
    [RELATION_UNKNOWN] = 0,
    [RELATION_NONE] = 0,
    [RELATION_PARTS] = 4,
    [RELATION_WITHIN] = 6,
    [RELATION_SAME] = SIMILAR_CATEGORY_POINTS,
};

static double days_points(int64_t days, int64_t window_days)
{
    if (days >= window_days)
        return 0;
    return SIMILAR_DAYS_POINTS * (1 - (double)days / (double)window_days);
}

int similar_score(const struct city *city, const struct similar_matter *fresh,
                  const struct similar_rarity *rarity, const struct similar_matter *other,
                  bool same_caller, int64_t window_days, struct similar_reasons *reasons_r)
{
    int64_t apart_us = fresh->received_us - other->received_us;
    double text = text_likeness(fresh, rarity, other);

    *reasons_r = (struct similar_reasons){
        .same_caller = same_caller,
        .place = relate(city, fresh->region, other->region, city_region_within,
                        region_parent(city, fresh->region), region_parent(city, other->region)),
        .category =
            relate(city, fresh->category, other->category, city_category_within,
                   category_parent(city, fresh->category), category_parent(city, other->category)),
        .days = (apart_us < 0 ? -apart_us : apart_us) / DAY_US,
        .text = (int)lround(text * 100),
    };
    double points = SIMILAR_TEXT_POINTS * text + place_points[reasons_r->place] +
                    category_points[reasons_r->category] +
                    days_points(reasons_r->days, window_days) +
                    (same_caller ? SIMILAR_CALLER_POINTS : 0);
    return (int)lround(points);
}
