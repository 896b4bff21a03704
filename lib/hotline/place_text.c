/*
 * place_text.c - a text in the form in which names are compared.
 */
#include <string.h>

#include "base/utf8.h"
#include "hotline/place_private.h"

#define FULLWIDTH_FIRST 0xFF01U
#define FULLWIDTH_LAST 0xFF5EU
#define FULLWIDTH_SHIFT 0xFEE0U

struct cp_range {
    uint32_t first, last;
};

static bool in_ranges(const struct cp_range *ranges, size_t count, uint32_t cp)
{
    for (size_t i = 0; i < count; i++)
        if (cp >= ranges[i].first && cp <= ranges[i].last)
            return true;
    return false;
}

/* Dictation and forms put them anywhere: 澄江 街道. */
static bool is_blank(uint32_t cp)
{
    static const struct cp_range blanks[] = {
        {'\t', '\r'},     {' ', ' '},       {0x85, 0x85},     {0xA0, 0xA0},     {0x2000, 0x200F},
        {0x2028, 0x202F}, {0x2060, 0x2060}, {0x3000, 0x3000}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF},
    };
    return in_ranges(blanks, ARRAY_LEN(blanks), cp);
}

static bool is_letter(uint32_t cp)
{
    static const struct cp_range letters[] = {
        {'0', '9'},       {'a', 'z'},       {0xC0, 0x1FFF},   {0x3005, 0x3007},   {0x3041, 0x312F},
        {0x3400, 0x9FFF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0x20000, 0x3FFFF},
    };
    return in_ranges(letters, ARRAY_LEN(letters), cp);
}

bool place_is_plain(uint32_t cp)
{
    return (cp >= '0' && cp <= '9') || (cp >= 'a' && cp <= 'z');
}

bool place_is_numeral(uint32_t cp)
{
    static const uint32_t numerals[] = {
        0x3007 /* 〇 */, 0x96F6 /* 零 */, 0x4E00 /* 一 */, 0x4E8C /* 二 */, 0x4E09 /* 三 */,
        0x56DB /* 四 */, 0x4E94 /* 五 */, 0x516D /* 六 */, 0x4E03 /* 七 */, 0x516B /* 八 */,
        0x4E5D /* 九 */, 0x5341 /* 十 */, 0x767E /* 百 */};
    if (cp >= '0' && cp <= '9')
        return true;
    for (size_t i = 0; i < ARRAY_LEN(numerals); i++)
        if (cp == numerals[i])
            return true;
    return false;
}

static uint32_t normalise(uint32_t cp)
{
    if (cp >= FULLWIDTH_FIRST && cp <= FULLWIDTH_LAST)
        cp -= FULLWIDTH_SHIFT;
    if (cp >= 'A' && cp <= 'Z')
        cp += 'a' - 'A';
    return is_letter(cp) ? cp : PLACE_MARK;
}

static size_t put_utf8(char *out, uint32_t cp)
{
    size_t len = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    static const uint32_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = len; i-- > 1; cp >>= 6)
        out[i] = (char)(unsigned char)(0x80U | (cp & 0x3FU));
    out[0] = (char)(unsigned char)(lead[len] | cp);
    return len;
}

/* One character, or one byte of what is not UTF-8 as a mark. */
static size_t read_char(const char *s, size_t len, uint32_t *cp_r)
{
    unsigned char lead = (unsigned char)s[0];
    size_t want = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (want <= len && utf8_valid(s, want))
        return utf8_next(s, want, cp_r);
    *cp_r = PLACE_MARK;
    return 1;
}

static void put_char(struct place_text *text, uint32_t cp, struct place_span source)
{
    size_t i = text->count++;
    text->cp[i] = cp;
    text->source[i] = source;
    size_t bytes = put_utf8(text->bytes + text->byte_count, cp);
    for (size_t b = 0; b < bytes; b++)
        text->char_of[text->byte_count++] = (uint16_t)i;
}

void place_text_read(struct place_text *text, const char *s, size_t len)
{
    size_t at = 0;
    struct place_span blank = {0, 0};
    text->count = text->byte_count = 0;
    for (int read = 0; read < PLACE_TEXT_MAX && at < len; read++) {
        uint32_t cp;
        size_t step = read_char(s + at, len - at, &cp);
        struct place_span source = {(uint32_t)at, (uint32_t)(at + step)};
        at += step;
        if (is_blank(cp)) {
            blank = source;
            continue;
        }
        cp = normalise(cp);
        /* Between Latin words and numbers a blank is one; it was counted as read. */
        if (blank.to > 0 && text->count > 0 && place_is_plain(text->cp[text->count - 1]) &&
            place_is_plain(cp))
            put_char(text, PLACE_MARK, blank);
        put_char(text, cp, source);
        blank.to = 0;
    }
}
