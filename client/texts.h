/*
 * texts.h - everything the client says, in Chinese and English, from one table.
 *
 * A text may hold {1}, {2} ... which text_fill() replaces, so each language keeps its own order.
 */
#ifndef CLIENT_TEXTS_H
#define CLIENT_TEXTS_H

#include <stddef.h>

#include "base/sbuf.h"
#include "hotline/vocabulary.h"

enum lang { LANG_EN, LANG_ZH, LANG_COUNT };

enum text_id {
#define TEXT(id, zh, en) T_##id,
#include "client/texts.def"
#undef TEXT
    TEXT_COUNT
};

const char *text_get(enum lang lang, enum text_id id);
/* Appends the text with {1} ... {9} replaced by the arguments up to a NULL. */
void text_fill(struct sbuf *out, enum lang lang, enum text_id id, ...) __attribute__((sentinel));

/* The same for a text that is not in the table; count arguments. */
void text_fill_in(struct sbuf *out, const char *text, const char *const *arguments, size_t count);

/* "zh" or "en"; -1 for anything else. */
int lang_parse(const char *name);
/* By the usual variables, the first that is set and not empty wins; NULL = not set. */
enum lang lang_choose(const char *lc_all, const char *lc_messages, const char *lang);

/* A code word for people: its text in the vocabulary, or the code itself if it is not known. */
const char *word_text(enum lang lang, const struct word *words, size_t count, const char *code);

/* What a reason of a field fault means ("required", "too_long", ...), or the word itself. */
const char *reason_text(enum lang lang, const char *reason);
/* The name of a figure of GET /v1/reports/tiers, or the word itself. */
const char *figure_text(enum lang lang, const char *figure);

#endif
