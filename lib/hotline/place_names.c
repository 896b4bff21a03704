/*
 * place_names.c - the names of the regions: the official one, what people make of it, aliases.
 *
 * All in the form of place_text.c. The words for kinds of places are those of the statistical
 * division of China; a region whose name has none of them has its official name and aliases only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "hotline/place_private.h"

struct piece {
    const char *bytes;
    size_t len;
};

/* A name taken to pieces: 文定社区居委会, 文定社区, 文定, 社区. */
struct parts {
    struct piece full, brief, stem;
    const char *kind_word; /* at the end of brief; NULL = none */
};

struct namer {
    const struct city *city;
    struct place_names *names;
    struct piece city_stem;
    int region;
};

static struct piece piece_of(struct arena *arena, const char *name)
{
    struct place_text text;
    place_text_read(&text, name, strlen(name));
    return (struct piece){arena_strndup(arena, text.bytes, text.byte_count), text.byte_count};
}

static size_t piece_chars(struct piece piece)
{
    return utf8_length(piece.bytes, piece.len);
}

static bool piece_equal(struct piece a, struct piece b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

static bool starts_with(struct piece piece, struct piece with)
{
    return piece.len >= with.len &&
           (with.len == 0 || memcmp(piece.bytes, with.bytes, with.len) == 0);
}

/* What stands before the word at its end; false if it does not end in it or there is nothing. */
static bool cut_end(struct piece piece, const char *word, struct piece *rest_r)
{
    size_t len = strlen(word);
    if (piece.len <= len || memcmp(piece.bytes + piece.len - len, word, len) != 0)
        return false;
    *rest_r = (struct piece){piece.bytes, piece.len - len};
    return true;
}

static struct piece join(struct namer *n, struct piece piece, const char *word)
{
    char *bytes = arena_printf(n->names->arena, "%.*s%s", (int)piece.len, piece.bytes, word);
    return (struct piece){bytes, strlen(bytes)};
}

/* ---- words --------------------------------------------------------------------------------- */

/* Committees, and the kind of place they stand for. */
static const struct {
    const char *word, *place, *usual;
} committees[] = {
    {"村民委员会", "村", "村委会"},
    {"居民委员会", "社区", "居委会"},
    {"村委会", "村", "村委会"},
    {"居委会", "社区", "居委会"},
};

/* What stands at the end of a name and says what it is; longer ones first. */
static const char *const place_kinds[] = {
    "经济技术开发区",
    "经济开发区",
    "工业园区",
    "开发区",
    "街道",
    "社区",
    "园区",
    "网格",
    "镇",
    "乡",
    "村",
    "区",
    "县",
    "市",
    "旗",
};

/* The same in a text, where more is written out. */
static const char *const spoken_kinds[] = {
    "街道办事处", "居民委员会", "村民委员会", "街道办", "居委会", "村委会", "街道",
    "社区",       "镇",         "乡",         "村",     "县",     "市",
};

static const uint32_t street_words[] = {0x8DEF /* 路 */, 0x8857 /* 街 */, 0x9053 /* 道 */,
                                        0x5DF7 /* 巷 */, 0x5F04 /* 弄 */};

/* Its characters if the word starts there, else 0. */
static size_t word_at(const struct place_text *text, size_t at, const char *word)
{
    size_t chars = 0, len = strlen(word);
    for (size_t used = 0; used < len; chars++) {
        uint32_t cp;
        used += utf8_next(word + used, len - used, &cp);
        if (at + chars >= text->count || text->cp[at + chars] != cp)
            return 0;
    }
    return chars;
}

size_t place_kind_word_at(const struct place_text *text, size_t at)
{
    size_t chars = 0;
    for (size_t i = 0; i < ARRAY_LEN(spoken_kinds) && chars == 0; i++)
        chars = word_at(text, at, spoken_kinds[i]);
    return chars;
}

bool place_ends_street(const struct place_text *text, size_t end)
{
    for (size_t i = 0; end > 0 && i < ARRAY_LEN(street_words); i++)
        if (text->cp[end - 1] == street_words[i])
            return true;
    return false;
}

/* ---- parts --------------------------------------------------------------------------------- */

/* 常泽桥村委会 leaves 常泽桥, which people call 常泽桥村; 幸福新村居委会 is 幸福新村. */
static bool take_committee(struct namer *n, struct parts *p)
{
    for (size_t i = 0; i < ARRAY_LEN(committees); i++) {
        struct piece rest;
        if (!cut_end(p->full, committees[i].word, &rest))
            continue;
        p->kind_word = committees[i].place;
        if (cut_end(rest, committees[i].place, &p->stem)) {
            p->brief = rest;
        } else {
            p->stem = rest;
            p->brief = join(n, rest, committees[i].place);
        }
        return true;
    }
    return false;
}

static struct parts parts_of(struct namer *n, int region)
{
    struct parts p = {.full = piece_of(n->names->arena, city_region(n->city, region)->name)};
    p.brief = p.full;
    if (take_committee(n, &p))
        return p;
    for (size_t i = 0; i < ARRAY_LEN(place_kinds); i++) {
        if (cut_end(p.full, place_kinds[i], &p.stem)) {
            p.kind_word = place_kinds[i];
            return p;
        }
    }
    return p;
}

/* ---- numbers ------------------------------------------------------------------------------- */

#define NUMBER_MAX 999
#define NUMBER_SIZE 32

static const char *const digits_zh[] = {"", "一", "二", "三", "四", "五", "六", "七", "八", "九"};

static int digit_of(uint32_t cp)
{
    for (int digit = 1; digit <= 9; digit++) {
        uint32_t own;
        (void)utf8_next(digits_zh[digit], strlen(digits_zh[digit]), &own);
        if (own == cp)
            return digit;
    }
    return cp >= '0' && cp <= '9' ? (int)(cp - '0') : -1;
}

/* 1..999 from 7, 07, 七, 十一, 二十; 0 = something else. */
static int number_read(struct piece piece)
{
    int number = 0, digit = 0;
    bool has_ten = false;
    for (size_t at = 0; at < piece.len;) {
        uint32_t cp;
        at += utf8_next(piece.bytes + at, piece.len - at, &cp);
        if (cp == 0x5341 /* 十 */) {
            if (has_ten || number > 9)
                return 0;
            has_ten = true;
            number = number == 0 ? 10 : number * 10;
            continue;
        }
        digit = digit_of(cp);
        if (digit < 0 || number > NUMBER_MAX / 10)
            return 0;
        number = has_ten ? number + digit : number * 10 + digit;
    }
    return number;
}

static void number_write_zh(int number, char out[NUMBER_SIZE])
{
    const char *tens = number < 20 ? "" : digits_zh[number / 10 % 10];
    (void)snprintf(out, NUMBER_SIZE, "%s%s%s", tens, number < 10 ? "" : "十",
                   digits_zh[number % 10]);
}

/* The numerals at its end: 华西 and 一 of 华西一. */
static struct piece numerals_at_end(struct piece piece)
{
    size_t start = piece.len;
    for (size_t at = 0; at < piece.len;) {
        uint32_t cp;
        size_t step = utf8_next(piece.bytes + at, piece.len - at, &cp);
        if (!place_is_numeral(cp))
            start = piece.len;
        else if (start == piece.len)
            start = at;
        at += step;
    }
    return (struct piece){piece.bytes + start, piece.len - start};
}

/* ---- names --------------------------------------------------------------------------------- */

static void emit(struct namer *n, struct piece piece, enum place_kind kind)
{
    struct place_names *names = n->names;
    size_t chars = piece_chars(piece);
    if (chars < 2 || chars > PLACE_NAME_MAX)
        return;
    if (names->count == names->room) {
        names->room = names->room == 0 ? 256 : names->room * 2;
        names->list = xrealloc_array(names->list, names->room, sizeof(*names->list));
    }
    names->list[names->count++] =
        (struct place_name){piece.bytes, (uint32_t)piece.len, n->region, kind};
}

static void emit_stem(struct namer *n, const struct parts *p)
{
    bool is_number = numerals_at_end(p->stem).len == p->stem.len;
    bool is_city = piece_equal(p->stem, n->city_stem) && !place_is_whole_city(n->city, n->region);
    if (p->stem.len > 0 && !is_number && !is_city)
        emit(n, p->stem, PLACE_STEM);
}

/* 华西一村 is 华西1村 too, and the other way round. */
static void emit_numbered(struct namer *n, const struct parts *p)
{
    struct piece numerals = numerals_at_end(p->stem);
    int number = number_read(numerals);
    char other[NUMBER_SIZE];
    if (number == 0 || number > 99 || numerals.len == p->stem.len)
        return;
    if (place_is_plain((unsigned char)numerals.bytes[0]))
        number_write_zh(number, other);
    else
        (void)snprintf(other, sizeof(other), "%d", number);
    struct piece before = {p->stem.bytes, p->stem.len - numerals.len};
    emit(n, join(n, join(n, before, other), p->kind_word), PLACE_SHORT);
}

/* The colloquial names that go with the kind of place. */
static void emit_usual(struct namer *n, const struct parts *p)
{
    if (p->kind_word == NULL || piece_chars(p->stem) < 2)
        return;
    if (strcmp(p->kind_word, "街道") == 0) {
        emit(n, join(n, p->brief, "办"), PLACE_SHORT);
        emit(n, join(n, p->brief, "办事处"), PLACE_SHORT);
    }
    for (size_t i = 0; i < ARRAY_LEN(committees); i++)
        if (strcmp(p->kind_word, committees[i].place) == 0)
            emit(n, join(n, p->stem, committees[i].usual), PLACE_SHORT);
    emit_numbered(n, p);
}

/* 江阴高新技术产业开发区: the zones of a city bear its name, which nobody repeats. */
static void emit_zone(struct namer *n, const struct parts *p)
{
    struct piece before;
    if (city_region(n->city, n->region)->level < TIER_TOWN || !cut_end(p->full, "区", &before) ||
        n->city_stem.len == 0 || !starts_with(p->full, n->city_stem))
        return;
    struct piece rest = {p->full.bytes + n->city_stem.len, p->full.len - n->city_stem.len};
    if (piece_chars(rest) >= 4)
        emit(n, rest, PLACE_SHORT);
}

static void emit_local_number(struct namer *n, int number)
{
    static const struct {
        const char *before;
        int width;
    } forms[] = {{"第", 1}, {"", 1}, {"", 2}, {"第", 2}, {"", 3}};
    char zh[NUMBER_SIZE], text[NUMBER_SIZE * 2];
    struct piece none = {"", 0};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        (void)snprintf(text, sizeof(text), "%s%0*d网格", forms[i].before, forms[i].width, number);
        emit(n, join(n, none, text), PLACE_LOCAL);
    }
    if (number > 99)
        return;
    number_write_zh(number, zh);
    (void)snprintf(text, sizeof(text), "第%s网格", zh);
    emit(n, join(n, none, text), PLACE_LOCAL);
    emit(n, join(n, none, text + strlen("第")), PLACE_LOCAL);
}

/* The number of 第3网格, 三网格; 0 = not of that form. */
static int local_number(struct piece local)
{
    struct piece rest;
    size_t ordinal = strlen("第");
    if (!cut_end(local, "网格", &rest))
        return 0;
    if (starts_with(rest, (struct piece){"第", ordinal}))
        rest = (struct piece){rest.bytes + ordinal, rest.len - ordinal};
    return number_read(rest);
}

/* Without the name of the village in front, in any of its forms. */
static struct piece local_name(struct namer *n, struct piece full)
{
    int parent = city_region(n->city, n->region)->parent;
    if (parent < 0)
        return full;
    struct parts above = parts_of(n, parent);
    const struct piece forms[] = {above.full, above.brief, above.stem};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (forms[i].len > 0 && full.len > forms[i].len && starts_with(full, forms[i]))
            return (struct piece){full.bytes + forms[i].len, full.len - forms[i].len};
    return full;
}

/* true: its own name says nothing without the village's (第1网格). */
static bool emit_grid(struct namer *n, const struct parts *p)
{
    struct piece local = local_name(n, p->full);
    int number = local_number(local);
    if (number > 0)
        emit_local_number(n, number);
    else if (local.len < p->full.len)
        emit(n, local, PLACE_LOCAL);
    return number > 0 && local.len == p->full.len;
}

static void name_region(struct namer *n)
{
    const struct region *region = city_region(n->city, n->region);
    struct parts p = parts_of(n, n->region);
    for (size_t i = 0; i < region->alias_count; i++)
        emit(n, piece_of(n->names->arena, region->aliases[i]), PLACE_GIVEN);
    if (region->level == TIER_GRID) {
        if (emit_grid(n, &p))
            return;
        emit(n, p.full, PLACE_FULL);
        return;
    }
    emit(n, p.full, PLACE_FULL);
    emit(n, p.brief, PLACE_SHORT);
    emit_stem(n, &p);
    emit_usual(n, &p);
    emit_zone(n, &p);
}

void place_names_collect(const struct city *city, struct place_names *names)
{
    struct namer n = {.city = city, .names = names};
    *names = (struct place_names){.arena = arena_new()};
    n.city_stem = parts_of(&n, city_root_region(city)).stem;
    for (size_t i = 0; i < city_region_count(city); i++) {
        n.region = (int)i;
        name_region(&n);
    }
}

bool place_is_whole_city(const struct city *city, int region)
{
    const char *name = city_region(city, city_root_region(city))->name;
    int at = region;
    while (at >= 0 && strcmp(city_region(city, at)->name, name) == 0)
        at = city_region(city, at)->parent;
    return at < 0;
}
