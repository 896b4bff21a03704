/*
 * What a part of a text folds to is a part of what the text folds to, folding again changes
 * nothing, and no part has a pair that the whole has not. The last byte says where the text is cut
 * in two.
 */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "hotline/bigram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_set(const struct bigram_set *set, size_t len)
{
    INVARIANT(set->count <= 2 * len);
    for (size_t i = 1; i < set->count; i++)
        INVARIANT(set->grams[i - 1] < set->grams[i]);
}

static void check_part(const char *part, size_t len, const struct sbuf *whole,
                       const struct bigram_set *whole_set, struct arena *arena)
{
    struct bigram_set set;
    struct sbuf folded;

    sbuf_init(&folded, 0);
    bigram_fold(part, len, &folded);
    INVARIANT(strstr(whole->data, folded.data) != NULL);
    bigram_set_build(folded.data, folded.len, arena, &set);
    check_set(&set, len);
    INVARIANT(bigram_set_shared(&set, whole_set) == set.count);
    sbuf_free(&folded);
}

static void check_text(const char *text, size_t len, size_t from, struct arena *arena)
{
    struct bigram_set set;
    struct sbuf folded, again;

    sbuf_init(&folded, 0);
    sbuf_init(&again, 0);
    bigram_fold(text, len, &folded);
    INVARIANT(folded.len <= len && utf8_valid(folded.data, folded.len));
    INVARIANT(strpbrk(folded.data, "%_\\'\n") == NULL && strstr(folded.data, "  ") == NULL);
    bigram_fold(folded.data, folded.len, &again);
    INVARIANT(strcmp(folded.data, again.data) == 0);
    bigram_set_build(folded.data, folded.len, arena, &set);
    check_set(&set, len);
    check_part(text + from, len - from, &folded, &set, arena);
    check_part(text, from, &folded, &set, arena);
    sbuf_free(&folded);
    sbuf_free(&again);
}

/* The begin of the code point at or before `at`. */
static size_t boundary(const char *text, size_t at)
{
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    char *text = arena_strndup(arena, (const char *)data, strnlen((const char *)data, size));
    size_t len = strlen(text);

    if (utf8_valid(text, len) && len > 0)
        check_text(text, len, boundary(text, (size_t)(data[size - 1]) % len), arena);
    arena_free(&arena);
    return 0;
}
