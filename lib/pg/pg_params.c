#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "base/crypto.h"
#include "pg/pg.h"

#define ARRAY_FIRST_CAP 256
#define INT64_TEXT_SIZE 21

static void param_add(struct pg_params *p, const char *value, size_t len, int format)
{
    INVARIANT(p->count < PG_MAX_PARAMS);
    INVARIANT(len <= INT32_MAX);
    p->value[p->count] = value;
    p->length[p->count] = (int)len;
    p->format[p->count] = format;
    p->count++;
}

void pg_params_init(struct pg_params *p, struct arena *arena)
{
    p->arena = arena;
    p->count = 0;
}

void pg_param_null(struct pg_params *p)
{
    param_add(p, NULL, 0, 0);
}

void pg_param_text(struct pg_params *p, const char *s)
{
    param_add(p, s, s == NULL ? 0 : strlen(s), 0);
}

void pg_param_text_n(struct pg_params *p, const char *s, size_t len)
{
    param_add(p, s, s == NULL ? 0 : len, 0);
}

void pg_param_int(struct pg_params *p, int64_t v)
{
    pg_param_text(p, arena_printf(p->arena, "%" PRId64, v));
}

void pg_param_bool(struct pg_params *p, bool v)
{
    pg_param_text(p, v ? "t" : "f");
}

void pg_param_instant(struct pg_params *p, int64_t instant_us)
{
    char text[CIVIL_INSTANT_SIZE];

    if (instant_us == 0) {
        pg_param_null(p);
        return;
    }
    civil_format_instant(instant_us, 0, text);
    pg_param_text(p, arena_strdup(p->arena, text));
}

void pg_param_day(struct pg_params *p, int32_t day)
{
    char text[CIVIL_DATE_SIZE];

    civil_format_date(day, text);
    pg_param_text(p, arena_strdup(p->arena, text));
}

void pg_param_bytea(struct pg_params *p, const void *data, size_t len)
{
    param_add(p, data, data == NULL ? 0 : len, 1);
}

/* ---- array literals -------------------------------------------------------------------------- */

static void array_reserve(struct pg_array *a, size_t more)
{
    size_t cap = a->cap;
    char *text;

    INVARIANT(more < SIZE_MAX / 4 && a->len < SIZE_MAX / 4);
    if (a->len + more <= cap)
        return;
    while (cap < a->len + more)
        cap *= 2;
    text = arena_alloc(a->arena, cap);
    memcpy(text, a->text, a->len);
    a->text = text;
    a->cap = cap;
}

static void array_put(struct pg_array *a, const char *s, size_t len)
{
    array_reserve(a, len);
    memcpy(a->text + a->len, s, len);
    a->len += len;
}

static void array_comma(struct pg_array *a)
{
    if (a->len > 1)
        array_put(a, ",", 1);
}

void pg_array_init(struct pg_array *a, struct arena *arena)
{
    a->arena = arena;
    a->cap = ARRAY_FIRST_CAP;
    a->text = arena_alloc(arena, a->cap);
    a->text[0] = '{';
    a->len = 1;
}

void pg_array_null(struct pg_array *a)
{
    array_comma(a);
    array_put(a, "NULL", 4);
}

void pg_array_text(struct pg_array *a, const char *s)
{
    if (s == NULL) {
        pg_array_null(a);
        return;
    }
    array_comma(a);
    array_reserve(a, 2 * strlen(s) + 2);
    a->text[a->len++] = '"';
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\')
            a->text[a->len++] = '\\';
        a->text[a->len++] = *s;
    }
    a->text[a->len++] = '"';
}

void pg_array_int(struct pg_array *a, int64_t v)
{
    char text[INT64_TEXT_SIZE];
    int len = snprintf(text, sizeof(text), "%" PRId64, v);

    array_comma(a);
    array_put(a, text, (size_t)len);
}

void pg_array_bool(struct pg_array *a, bool v)
{
    array_comma(a);
    array_put(a, v ? "t" : "f", 1);
}

void pg_array_instant(struct pg_array *a, int64_t instant_us)
{
    char text[CIVIL_INSTANT_SIZE];

    if (instant_us == 0) {
        pg_array_null(a);
        return;
    }
    civil_format_instant(instant_us, 0, text);
    pg_array_text(a, text);
}

void pg_array_bytea(struct pg_array *a, const void *data, size_t len)
{
    static const char prefix[] = "\"\\\\x"; /* the array's own escaping doubles the backslash */

    if (data == NULL) {
        pg_array_null(a);
        return;
    }
    array_comma(a);
    array_put(a, prefix, sizeof(prefix) - 1);
    array_reserve(a, 2 * len + 2);
    crypto_hex(data, len, a->text + a->len); /* writes a NUL too, which the quote replaces */
    a->len += 2 * len;
    a->text[a->len++] = '"';
}

void pg_param_array(struct pg_params *p, struct pg_array *a)
{
    array_put(a, "}", 2); /* with its NUL */
    pg_param_text_n(p, a->text, a->len - 1);
}
