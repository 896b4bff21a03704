/*
 * place_private.h - what the files of place share.
 *
 * place_text.c   a text in the form in which names are compared
 * place_names.c  the names of the regions
 * place_index.c  all names as one automaton
 * place_hits.c   the names in a text, and what stands around them
 * place.c        from names to scores
 */
#ifndef HOTLINE_PLACE_PRIVATE_H
#define HOTLINE_PLACE_PRIVATE_H

#include "base/alloc.h"
#include "hotline/place.h"

/* ---- text ---------------------------------------------------------------------------------- */

#define PLACE_MARK ((uint32_t)',') /* stands for every mark */

/* Lower case, plain width, no blanks, every mark the same one. */
struct place_text {
    size_t count; /* characters */
    uint32_t cp[PLACE_TEXT_MAX];
    struct place_span source[PLACE_TEXT_MAX]; /* of each character, in the text as given */
    size_t byte_count;
    char bytes[PLACE_TEXT_MAX * 4]; /* UTF-8 of cp */
    uint16_t char_of[PLACE_TEXT_MAX * 4];
};
void place_text_read(struct place_text *text, const char *s, size_t len);
bool place_is_numeral(uint32_t cp); /* 0-9 or 〇 零 一 .. 十 百 */
bool place_is_plain(uint32_t cp);   /* ASCII letter or digit */

/* ---- names --------------------------------------------------------------------------------- */

/* In the order of their weight. */
enum place_kind {
    PLACE_WEAK, /* never of a name as such: made of STEM and SHORT by what stands around */
    PLACE_STEM,
    PLACE_LOCAL,
    PLACE_SHORT,
    PLACE_GIVEN,
    PLACE_FULL,
    PLACE_KIND_COUNT
};
#define PLACE_NAME_MAX 40 /* characters; nobody writes longer ones, they are not looked for */

struct place_name {
    const char *bytes; /* in the arena, not terminated */
    uint32_t len;
    int region;
    enum place_kind kind;
};
struct place_names {
    struct arena *arena;
    struct place_name *list; /* malloc */
    size_t count, room;
};
/* All names of all regions; a name comes up more than once for a region. */
void place_names_collect(const struct city *city, struct place_names *names);
/* Is the region the city itself, or the same once more? */
bool place_is_whole_city(const struct city *city, int region);
/* 路 街 ...: a name with it at its end is a street's. */
bool place_ends_street(const struct place_text *text, size_t end);
/* Characters of a word for a kind of place (镇, 街道办事处, 社区 ...) that starts there, 0 = none.
 */
size_t place_kind_word_at(const struct place_text *text, size_t at);

/* ---- index --------------------------------------------------------------------------------- */

struct place_reading {
    int region;
    int order; /* of the region; a pattern's readings are sorted by it, one each */
    enum place_kind kind;
};
struct place_pattern {
    uint32_t first, count; /* readings */
    uint16_t chars;
    enum place_kind best; /* of its readings */
    bool is_street;       /* 西大街, 澄江路: STEM readings are WEAK */
};

/*
 * A trie whose states are numbered breadth first, so that the children of s are the states
 * [first_child[s], first_child[s + 1]), sorted by their byte; 17 bytes a state.
 */
struct place_index {
    uint32_t state_count;
    uint32_t *first_child; /* state_count + 1 */
    uint32_t *fail;
    uint32_t *output; /* the state itself or the nearest one by fail that ends a name; 0 = none */
    uint32_t *pattern_at; /* pattern + 1 of the state, 0 = ends no name */
    uint8_t *label;
    uint32_t root_next[256];
    struct place_pattern *patterns;
    struct place_reading *readings;
    size_t pattern_count, reading_count;
};
/* NULL is fine. */
void place_index_free(struct place_index **index);
MUST_CHECK struct place_index *place_index_build(const struct city *city);
const struct place_index *city_places(const struct city *city);

/* The state after one more byte; what ends there: output[state], then by fail to the next. */
uint32_t place_index_step(const struct place_index *index, uint32_t state, uint8_t byte);
/* The reading of the pattern that is this very region, NULL if none. */
const struct place_reading *place_reading_of(const struct place_index *index, uint32_t pattern,
                                             const struct region *region);
/* The first reading whose order is `order` or more; as an offset into the pattern's readings. */
uint32_t place_reading_from(const struct place_index *index, uint32_t pattern, int order);

/* ---- hits ---------------------------------------------------------------------------------- */

#define PLACE_MAX_FOUND 1024 /* names in a text, overlapping ones and all */

struct place_hit {
    uint32_t pattern;
    uint16_t from, to;  /* characters */
    bool stem_is_weak;  /* its STEM readings count as WEAK */
    bool short_is_weak; /* likewise */
    bool is_glued, is_foreign;
};
struct place_hits {
    size_t count;
    struct place_hit list[PLACE_TEXT_MAX]; /* by position, not overlapping, a pattern once */
};
void place_hits_find(const struct city *city, const struct place_text *text,
                     struct place_hits *hits);
enum place_kind place_hit_kind(const struct place_hit *hit, enum place_kind kind);

#endif
