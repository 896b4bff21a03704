/*
 * bigram.c - folding and pairs.
 */
#include "hotline/bigram.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* ---- folding -----------------------------------------------------------------------------------
 */

/* What stands between words, besides control characters: ascending, both ends included. The same
 * list stands in search_fold() of migration 0007. */
static const struct {
    uint32_t first, last;
} breaks[] = {
    {0x0001, 0x002F}, {0x003A, 0x0040}, {0x005B, 0x0060}, {0x007B, 0x00BF}, {0x2000, 0x206F},
    {0x2E00, 0x2E7F}, {0x3000, 0x3004}, {0x3008, 0x3020}, {0x302A, 0x3037}, {0x303D, 0x303F},
    {0xFE10, 0xFE1F}, {0xFE30, 0xFE6F}, {0xFEFF, 0xFEFF}, {0xFF00, 0xFF0F}, {0xFF1A, 0xFF20},
    {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0xFFE0, 0xFFFF},
};

/* Of a character that is no capital and not of full width. */
static bool is_break(uint32_t cp)
{
    if (cp >= 0x3400 && cp < 0xFE10) /* nearly all there is */
        return false;
    for (size_t i = 0; i < ARRAY_LEN(breaks) && breaks[i].first <= cp; i++) {
        if (cp <= breaks[i].last)
            return true;
    }
    return false;
}

static uint32_t fold_letter(uint32_t cp)
{
    if ((cp >= 0xFF10 && cp <= 0xFF19) || (cp >= 0xFF21 && cp <= 0xFF3A) ||
        (cp >= 0xFF41 && cp <= 0xFF5A)) /* full width stands 0xFEE0 behind ASCII */
        cp -= 0xFEE0;
    return cp >= 'A' && cp <= 'Z' ? cp + ('a' - 'A') : cp;
}

void bigram_fold(const char *text, size_t len, struct sbuf *out)
{
    bool is_after_break = false;
    uint32_t cp;
    size_t used;

    for (size_t at = 0; (used = utf8_next(text + at, len - at, &cp)) > 0; at += used) {
        uint32_t folded = fold_letter(cp);
        if (!is_break(folded)) {
            if (folded == cp)
                sbuf_add(out, text + at, used);
            else
                sbuf_addc(out, (char)folded); /* only ASCII comes out changed */
            is_after_break = false;
        } else if (!is_after_break) {
            sbuf_addc(out, ' ');
            is_after_break = true;
        }
    }
}

/* ---- pairs -------------------------------------------------------------------------------------
 */

/* 0..35 of a folded ASCII letter or digit, -1 of everything else. */
static int ascii_symbol(uint32_t cp)
{
    if (cp >= '0' && cp <= '9')
        return (int)(cp - '0');
    return cp >= 'a' && cp <= 'z' ? (int)(cp - 'a') + 10 : -1;
}

static int32_t pair(uint32_t a, uint32_t b)
{
    uint32_t bits = (a & 0xFFFF) << 16 | (b & 0xFFFF);
    int32_t gram;

    memcpy(&gram, &bits, sizeof(gram));
    return gram;
}

/* Triples of ASCII stand where no pair can: no character is 0xD800, a surrogate. -1: not all three
 * are ASCII. */
static int triple_symbol(const uint32_t window[3])
{
    int symbol = 0;

    for (int i = 0; i < 3; i++) {
        int one = ascii_symbol(window[i]);
        if (one < 0)
            return -1;
        symbol = symbol * 36 + one;
    }
    return symbol;
}

static int compare(const void *a, const void *b)
{
    const int32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static size_t sort_unique(int32_t *grams, size_t count)
{
    size_t kept = 0;

    if (count)
        qsort(grams, count, sizeof(*grams), compare);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || grams[i] != grams[kept - 1])
            grams[kept++] = grams[i];
    }
    return kept;
}

void bigram_set_build(const char *folded, size_t len, struct arena *arena, struct bigram_set *set_r)
{
    /* A character of ASCII gives two at most, one of Chinese has three bytes and gives one. */
    int32_t *grams = arena_alloc_raw(arena, (2 * len + 1) * sizeof(*grams));
    uint32_t window[3] = {' ', ' ', ' '}; /* the last three characters */
    size_t count = 0, used;

    for (size_t at = 0; (used = utf8_next(folded + at, len - at, &window[2])) > 0; at += used) {
        int symbol = triple_symbol(window);
        if (window[1] != ' ' && window[2] != ' ')
            grams[count++] = pair(window[1], window[2]);
        if (symbol >= 0)
            grams[count++] = pair(0xD800, (uint32_t)symbol);
        window[0] = window[1];
        window[1] = window[2];
    }
    set_r->grams = grams;
    set_r->count = sort_unique(grams, count);
}

void bigram_set_of(const char *text, struct arena *arena, struct bigram_set *set_r)
{
    struct sbuf folded;

    sbuf_init(&folded, 0);
    bigram_fold(text, strlen(text), &folded);
    bigram_set_build(folded.data, folded.len, arena, set_r);
    sbuf_free(&folded);
}

size_t bigram_set_shared(const struct bigram_set *a, const struct bigram_set *b)
{
    size_t shared = 0;

    for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
        if (a->grams[i] == b->grams[j])
            shared++, i++, j++;
        else if (a->grams[i] < b->grams[j])
            i++;
        else
            j++;
    }
    return shared;
}
