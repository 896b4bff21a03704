/*
 * similar.h - how likely two tickets are about the same matter: a score with its reasons, for an
 * operator to judge. Nothing is ever merged by it (DOMAIN 2: merging is an act of the desk).
 *
 *   points  reason
 *   55      text: the share of the one's title that the other's title and text also have, and the
 *           other way round, on average; in the title of the new one a pair of characters counts by
 *           its rarity, 1 + ln((n + 1) / (seen + 1)) over the n tickets before it
 *   20      same caller (known only if both left a phone)
 *   12      place: the same 12, one within the other 10, parts of one place 6, not known 6, else 0
 *   8       category: the same 8, one within the other 6, parts of one 4, else 0
 *   5       days apart: 5 on the same day, falling to 0 at the end of the window
 *
 * Measured on the samples (test_finding.py prints it): a title names place and trouble, a text much
 * else, and titles of the same matter share hardly a sentence. So titles are looked for in the
 * whole of the other, and the likeness of whole texts counts for nothing.
 */
#ifndef HOTLINE_SIMILAR_H
#define HOTLINE_SIMILAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hotline/bigram.h"
#include "hotline/city.h"

#define SIMILAR_TEXT_POINTS 55
#define SIMILAR_CALLER_POINTS 20
#define SIMILAR_PLACE_POINTS 12
#define SIMILAR_CATEGORY_POINTS 8
#define SIMILAR_DAYS_POINTS 5

/* Code points of a text that are looked at: whoever writes more repeats himself. */
#define SIMILAR_TEXT_MAX 2000

struct similar_matter {
    struct bigram_set title, whole; /* whole: title and text */
    int region, category;           /* of the city; -1 = not known, also retired ones */
    int64_t received_us;
};
/* The sets live in arena. title and text are valid UTF-8. */
void similar_matter_read(const char *title, const char *text, struct arena *arena,
                         struct similar_matter *matter_r);

/* How often the pairs of the new one's title were seen: seen[i] of title.grams[i], in `sample`
 * tickets. seen NULL = all the same. */
struct similar_rarity {
    const int64_t *seen;
    int64_t sample;
};

enum similar_relation { /* of two nodes of a tree */
                        RELATION_UNKNOWN,
                        RELATION_NONE,
                        RELATION_PARTS,  /* of the same node above */
                        RELATION_WITHIN, /* one in the other */
                        RELATION_SAME,
                        RELATION_COUNT
};
extern const struct word relation_words[RELATION_COUNT];

struct similar_reasons {
    bool same_caller;
    enum similar_relation place, category;
    int64_t days; /* apart, whole ones, never negative */
    int text;     /* per cent */
};

/* 0..100. `fresh` is the new one, to which the rarity belongs; same_caller is told by the database.
 * window_days > 0. */
int similar_score(const struct city *city, const struct similar_matter *fresh,
                  const struct similar_rarity *rarity, const struct similar_matter *other,
                  bool same_caller, int64_t window_days, struct similar_reasons *reasons_r);

#endif
