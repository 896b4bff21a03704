/*
 * bigram.h - Chinese text as pairs of neighbouring characters: the index of words (DOMAIN 2) and
 * the likeness of two matters are made of them.
 *
 * Chinese is written without blanks, so a word cannot be cut out without a dictionary, and every
 * dictionary misses the name of the newest estate. Pairs miss nothing: if a text contains a term of
 * two or more characters, it contains all pairs of the term. The reverse does not hold, so what the
 * pairs find is looked at once more with the term as a whole.
 *
 *   "３号楼 停电！" -> folded "3号楼 停电 " -> 3号 号楼 停电
 *
 * Folding maps single characters only, so a part of a text folds to a part of the folded text:
 * letters and digits of full width become ASCII, capitals small, and every run of blanks,
 * punctuation and symbols one blank. The database has the same as search_fold().
 */
#ifndef HOTLINE_BIGRAM_H
#define HOTLINE_BIGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/sbuf.h"

/* Appends the folded text. Valid UTF-8 without NUL in, valid UTF-8 out, never longer than it was.
 */
void bigram_fold(const char *text, size_t len, struct sbuf *out);

/*
 * Pairs as numbers: both characters, 16 bits each. Runs of ASCII letters and digits have triples
 * besides, because there are only 1,296 pairs of them and every telephone number has ten.
 * Characters beyond 16 bits share their number with others; as said, the text is looked at once
 * more.
 */
struct bigram_set {
    int32_t *grams; /* ascending, each once */
    size_t count;
};
/* Of a folded text; the set lives in arena. Nothing reaches across a blank, a single character
 * between blanks has no pair. */
void bigram_set_build(const char *folded, size_t len, struct arena *arena,
                      struct bigram_set *set_r);
/* Fold and build in one. */
void bigram_set_of(const char *text, struct arena *arena, struct bigram_set *set_r);
/* How many both have. */
size_t bigram_set_shared(const struct bigram_set *a, const struct bigram_set *b);

#endif
