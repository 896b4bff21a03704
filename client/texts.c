/*
 * texts.c - looks up and fills in the texts of texts.def.
 */
#include "client/texts.h"

#include <stdarg.h>
#include <string.h>

#include "base/attr.h"

static const struct {
    const char *zh, *en;
} texts[TEXT_COUNT] = {
#define TEXT(id, zh, en) [T_##id] = {zh, en},
#include "client/texts.def"
#undef TEXT
};

const char *text_get(enum lang lang, enum text_id id)
{
    return lang == LANG_ZH ? texts[id].zh : texts[id].en;
}

void text_fill_in(struct sbuf *out, const char *text, const char *const *arguments, size_t count)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (p[0] == '{' && p[1] >= '1' && p[1] <= '9' && p[2] == '}') {
            size_t index = (size_t)(p[1] - '1');

            INVARIANT(index < count);
            sbuf_adds(out, arguments[index]);
            p += 2;
        } else {
            sbuf_addc(out, *p);
        }
    }
}

void text_fill(struct sbuf *out, enum lang lang, enum text_id id, ...)
{
    const char *arguments[9] = {NULL};
    size_t count = 0;
    va_list ap;

    va_start(ap, id);
    for (const char *s = va_arg(ap, const char *); s != NULL && count < ARRAY_LEN(arguments);
         s = va_arg(ap, const char *))
        arguments[count++] = s;
    va_end(ap);

    text_fill_in(out, text_get(lang, id), arguments, count);
}

int lang_parse(const char *name)
{
    if (strcmp(name, "zh") == 0)
        return LANG_ZH;
    if (strcmp(name, "en") == 0)
        return LANG_EN;
    return -1;
}

enum lang lang_choose(const char *lc_all, const char *lc_messages, const char *lang)
{
    const char *values[] = {lc_all, lc_messages, lang};

    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (values[i] != NULL && values[i][0] != '\0')
            return strncmp(values[i], "zh", 2) == 0 ? LANG_ZH : LANG_EN;
    return LANG_EN;
}

const char *word_text(enum lang lang, const struct word *words, size_t count, const char *code)
{
    int i = word_find(words, count, code);

    if (i < 0)
        return code == NULL ? "" : code;
    return lang == LANG_ZH ? words[i].zh : words[i].en;
}

struct code_text {
    const char *code;
    enum text_id text;
};

static const struct code_text reasons[] = {
    {"required", T_REASON_REQUIRED},
    {"unknown", T_REASON_UNKNOWN},
    {"wrong_type", T_REASON_TYPE},
    {"too_long", T_REASON_TOO_LONG},
    {"too_short", T_REASON_TOO_SHORT},
    {"range", T_REASON_RANGE},
    {"format", T_REASON_FORMAT},
    {"not_allowed", T_REASON_NOT_ALLOWED},
    {"duplicate", T_REASON_DUPLICATE},
    {"not_found", T_REASON_NOT_FOUND},
    {"syntax", T_REASON_SYNTAX},
    {"utf8", T_REASON_UTF8},
    {"nul", T_REASON_NUL},
    {"depth", T_REASON_DEPTH},
};

static const struct code_text figures[] = {
    {"received", T_FIGURE_RECEIVED},     {"desk", T_FIGURE_DESK},
    {"dispatched", T_FIGURE_DISPATCHED}, {"in_hand", T_FIGURE_IN_HAND},
    {"overdue", T_FIGURE_OVERDUE},       {"carried_over", T_FIGURE_CARRIED_OVER},
    {"closed", T_FIGURE_CLOSED},
};

static const char *code_text_get(enum lang lang, const struct code_text *table, size_t count,
                                 const char *code)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].code, code) == 0)
            return text_get(lang, table[i].text);
    return code;
}

const char *reason_text(enum lang lang, const char *reason)
{
    return code_text_get(lang, reasons, ARRAY_LEN(reasons), reason);
}

const char *figure_text(enum lang lang, const char *figure)
{
    return code_text_get(lang, figures, ARRAY_LEN(figures), figure);
}
