/*
 * place_hits.c - the names in a text, and what stands around them.
 */
#include <stdlib.h>
#include <string.h>

#include "hotline/place_private.h"

struct found {
    uint32_t pattern;
    uint16_t from, to;
};

/* ---- names --------------------------------------------------------------------------------- */

/* Cut out of a longer number or word: 3房巷 of 13房巷, cbd of acbd. */
static bool is_cut(const struct place_text *text, size_t left)
{
    if (left == 0 || left == text->count)
        return false;
    uint32_t a = text->cp[left - 1], b = text->cp[left];
    if (place_is_plain(a) && place_is_plain(b))
        return place_is_numeral(a) == place_is_numeral(b);
    return !place_is_plain(a) && !place_is_plain(b) && place_is_numeral(a) && place_is_numeral(b);
}

static size_t find_all(const struct place_index *index, const struct place_text *text,
                       struct found *found)
{
    size_t count = 0;
    uint32_t state = 0;
    for (size_t i = 0; i < text->byte_count; i++) {
        state = place_index_step(index, state, (uint8_t)text->bytes[i]);
        for (uint32_t at = index->output[state]; at != 0 && count < PLACE_MAX_FOUND;
             at = index->output[index->fail[at]]) {
            uint32_t pattern = index->pattern_at[at] - 1;
            size_t to = text->char_of[i] + 1U;
            size_t from = to - index->patterns[pattern].chars;
            if (!is_cut(text, from) && !is_cut(text, to))
                found[count++] = (struct found){pattern, (uint16_t)from, (uint16_t)to};
        }
    }
    return count;
}

/* The longest first, then the first. */
static int compare_found(const void *x, const void *y)
{
    const struct found *a = x, *b = y;
    int long_a = a->to - a->from, long_b = b->to - b->from;
    return long_a != long_b ? long_b - long_a : a->from - b->from;
}

static int compare_hits(const void *x, const void *y)
{
    const struct place_hit *a = x, *b = y;
    return a->from - b->from;
}

static void take_longest(struct found *found, size_t count, struct place_hits *hits)
{
    bool is_taken[PLACE_TEXT_MAX] = {false};
    qsort(found, count, sizeof(*found), compare_found);
    hits->count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = found[i].from;
        while (at < found[i].to && !is_taken[at])
            at++;
        if (at < found[i].to)
            continue;
        memset(is_taken + found[i].from, true, (size_t)(found[i].to - found[i].from));
        hits->list[hits->count++] = (struct place_hit){
            .pattern = found[i].pattern, .from = found[i].from, .to = found[i].to};
    }
    qsort(hits->list, hits->count, sizeof(hits->list[0]), compare_hits);
}

/* ---- around them --------------------------------------------------------------------------- */

static bool is_one_of(uint32_t cp, const uint32_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == cp)
            return true;
    return false;
}

/* Characters after which a new name starts: ends of places, and little words of speech. */
static bool is_closing(uint32_t cp)
{
    static const uint32_t closing[] = {
        0x7701 /* 省 */, 0x5E02 /* 市 */, 0x533A /* 区 */, 0x53BF /* 县 */, 0x9547 /* 镇 */,
        0x4E61 /* 乡 */, 0x6751 /* 村 */, 0x793E /* 社 */, 0x8857 /* 街 */, 0x9053 /* 道 */,
        0x8DEF /* 路 */, 0x53F7 /* 号 */, 0x5E62 /* 幢 */, 0x680B /* 栋 */, 0x697C /* 楼 */,
        0x5BA4 /* 室 */, 0x5F04 /* 弄 */, 0x5DF7 /* 巷 */, 0x7EC4 /* 组 */, 0x5904 /* 处 */,
        0x529E /* 办 */, 0x4F1A /* 会 */, 0x5728 /* 在 */, 0x4E8E /* 于 */, 0x4F4F /* 住 */,
        0x5230 /* 到 */, 0x53BB /* 去 */, 0x5F80 /* 往 */, 0x4ECE /* 从 */, 0x81F3 /* 至 */,
        0x662F /* 是 */, 0x548C /* 和 */, 0x4E0E /* 与 */, 0x53CA /* 及 */, 0x6216 /* 或 */,
        0x7684 /* 的 */, 0x5BF9 /* 对 */, 0x8FD1 /* 近 */, 0x5740 /* 址 */, 0x4E3A /* 为 */,
        0x5BB6 /* 家 */, 0x53EB /* 叫 */};
    return cp == PLACE_MARK || place_is_plain(cp) || is_one_of(cp, closing, ARRAY_LEN(closing));
}

/* What may follow a bare stem without making another word of it; numbers and marks besides. */
static bool is_opening(uint32_t cp)
{
    static const uint32_t opening[] = {0x7684 /* 的 */, 0x91CC /* 里 */, 0x5185 /* 内 */,
                                       0x90A3 /* 那 */, 0x8FD9 /* 这 */, 0x9644 /* 附 */,
                                       0x65C1 /* 旁 */};
    return cp == PLACE_MARK || place_is_plain(cp) || place_is_numeral(cp) ||
           is_one_of(cp, opening, ARRAY_LEN(opening));
}

static bool is_street_at(const struct place_text *text, size_t at)
{
    return at < text->count && place_ends_street(text, at + 1);
}

/* 小区, 超市 and their like are no administrative areas. */
static bool is_area_word(const struct place_text *text, size_t end)
{
    static const uint32_t areas[] = {0x7701 /* 省 */, 0x5E02 /* 市 */, 0x533A /* 区 */,
                                     0x53BF /* 县 */, 0x9547 /* 镇 */, 0x4E61 /* 乡 */};
    static const uint32_t not_after[] = {
        0x5C0F /* 小 */, 0x56ED /* 园 */, 0x6821 /* 校 */, 0x9662 /* 院 */, 0x5B85 /* 宅 */,
        0x5382 /* 厂 */, 0x7247 /* 片 */, 0x5E93 /* 库 */, 0x8D85 /* 超 */, 0x83DC /* 菜 */,
        0x95E8 /* 门 */, 0x95F9 /* 闹 */, 0x591C /* 夜 */, 0x57CE /* 城 */, 0x672C /* 本 */,
        0x5168 /* 全 */, 0x6211 /* 我 */};
    if (end < 2)
        return false;
    uint32_t last = text->cp[end - 1], before = text->cp[end - 2];
    bool is_office = last == 0x9053 /* 道 */ && before == 0x8857 /* 街 */ && end > 2;
    return is_office || (is_one_of(last, areas, ARRAY_LEN(areas)) && !is_closing(before) &&
                         !is_one_of(before, not_after, ARRAY_LEN(not_after)));
}

/*
 * `end` is where the name before ends, with its word for a kind of place (南闸镇, though it is a
 * 街道 now): what stands between is nobody's.
 */
static void look_before(const struct city *city, const struct place_text *text,
                        struct place_hit *hit, size_t end)
{
    if (hit->from == end)
        return;
    hit->is_glued = !is_closing(text->cp[hit->from - 1]);
    if (place_reading_of(city_places(city), hit->pattern,
                         city_region(city, city_root_region(city))) != NULL)
        return; /* the province, the city above */
    size_t at = hit->from;
    while (at > end && text->cp[at - 1] == PLACE_MARK)
        at--;
    hit->is_foreign = at > end + 1 && is_area_word(text, at);
}

/* Returns where the name really ends; `end` as it was if it is hardly a name at all. */
static size_t look_after(const struct place_index *index, const struct place_text *text,
                         struct place_hit *hit, size_t next_from, size_t end)
{
    const struct place_pattern *pattern = &index->patterns[hit->pattern];
    size_t kind = hit->to == next_from ? 0 : place_kind_word_at(text, hit->to);
    bool is_word =
        hit->to == text->count || hit->to == next_from || kind > 0 || is_opening(text->cp[hit->to]);
    hit->stem_is_weak = !is_word || hit->is_glued || pattern->is_street;
    hit->short_is_weak = kind == 0 && hit->to != next_from && is_street_at(text, hit->to);
    if (hit->is_glued || place_hit_kind(hit, pattern->best) == PLACE_WEAK)
        return end;
    return hit->to + kind <= next_from ? hit->to + kind : hit->to;
}

/* A name said twice is said once; the better place of the two counts. */
static void drop_repeats(struct place_hits *hits)
{
    size_t kept = 0;
    for (size_t i = 0; i < hits->count; i++) {
        const struct place_hit *hit = &hits->list[i];
        size_t same = 0;
        while (same < kept && hits->list[same].pattern != hit->pattern)
            same++;
        if (same == kept) {
            hits->list[kept++] = *hit;
            continue;
        }
        struct place_hit *first = &hits->list[same];
        first->stem_is_weak &= hit->stem_is_weak;
        first->short_is_weak &= hit->short_is_weak;
        first->is_glued &= hit->is_glued;
        first->is_foreign |= hit->is_foreign; /* a machine rather asks */
    }
    hits->count = kept;
}

void place_hits_find(const struct city *city, const struct place_text *text,
                     struct place_hits *hits)
{
    const struct place_index *index = city_places(city);
    struct found found[PLACE_MAX_FOUND];
    take_longest(found, find_all(index, text, found), hits);
    size_t end = 0;
    for (size_t i = 0; i < hits->count; i++) {
        size_t next = i + 1 < hits->count ? hits->list[i + 1].from : text->count;
        look_before(city, text, &hits->list[i], end);
        end = look_after(index, text, &hits->list[i], next, end);
    }
    drop_repeats(hits);
}

enum place_kind place_hit_kind(const struct place_hit *hit, enum place_kind kind)
{
    if ((kind == PLACE_STEM && hit->stem_is_weak) || (kind == PLACE_SHORT && hit->short_is_weak))
        return PLACE_WEAK;
    return kind;
}
