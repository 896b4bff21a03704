#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "base/clk.h"
#include "pg/pg.h"

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

/* ---- arrays ------------------------------------------------------------------------------------
 * Big-endian: dimensions, whether there are NULLs, type; size and lower bound of each dimension;
 * then each value with its length in front, -1 for NULL.
 */

#define ARRAY_HEAD_BYTES 20
#define ARRAY_FIRST_CAP 236
#define NULL_LENGTH UINT32_MAX /* -1 */
/* The server counts time from 2000-01-01. */
#define PG_EPOCH_US (INT64_C(946684800) * US_PER_SECOND)

/* Numbers of built-in types, the same in every database. */
enum array_type {
    ARRAY_BOOL = 16,
    ARRAY_BYTEA = 17,
    ARRAY_INT8 = 20,
    ARRAY_TEXT = 25,
    ARRAY_TIMESTAMPTZ = 1184,
};

static void put_be32(char *at, uint32_t v)
{
    uint32_t be = htobe32(v);
    memcpy(at, &be, sizeof(be));
}

/* Room for `more` bytes at the end of the array. */
static char *array_grow(struct pg_array *a, size_t more)
{
    size_t cap = a->cap;

    INVARIANT(more < INT32_MAX && a->len < INT32_MAX);
    while (cap < a->len + more)
        cap *= 2;
    if (cap > a->cap) {
        char *bytes = arena_alloc_raw(a->arena, cap);
        memcpy(bytes, a->bytes, a->len);
        a->bytes = bytes;
        a->cap = cap;
    }
    a->len += more;
    return a->bytes + a->len - more;
}

static void array_put(struct pg_array *a, enum array_type type, const void *data, size_t len)
{
    char *at = array_grow(a, sizeof(uint32_t) + len);

    INVARIANT(a->type == 0 || a->type == type);
    a->type = type;
    a->count++;
    put_be32(at, (uint32_t)len);
    if (len > 0)
        memcpy(at + sizeof(uint32_t), data, len);
}

static void array_put_be64(struct pg_array *a, enum array_type type, int64_t v)
{
    uint64_t be = htobe64((uint64_t)v);
    array_put(a, type, &be, sizeof(be));
}

void pg_array_init(struct pg_array *a, struct arena *arena)
{
    *a = (struct pg_array){
        .arena = arena,
        .bytes = arena_alloc_raw(arena, ARRAY_FIRST_CAP),
        .len = ARRAY_HEAD_BYTES,
        .cap = ARRAY_FIRST_CAP,
    };
}

void pg_array_null(struct pg_array *a)
{
    put_be32(array_grow(a, sizeof(uint32_t)), NULL_LENGTH);
    a->count++;
    a->nulls++;
}

void pg_array_text(struct pg_array *a, const char *s)
{
    if (s == NULL)
        pg_array_null(a);
    else
        array_put(a, ARRAY_TEXT, s, strlen(s));
}

void pg_array_int(struct pg_array *a, int64_t v)
{
    array_put_be64(a, ARRAY_INT8, v);
}

void pg_array_bool(struct pg_array *a, bool v)
{
    array_put(a, ARRAY_BOOL, v ? "\1" : "", 1);
}

void pg_array_instant(struct pg_array *a, int64_t instant_us)
{
    if (instant_us == 0)
        pg_array_null(a);
    else
        array_put_be64(a, ARRAY_TIMESTAMPTZ, instant_us - PG_EPOCH_US);
}

void pg_array_bytea(struct pg_array *a, const void *data, size_t len)
{
    if (data == NULL)
        pg_array_null(a);
    else
        array_put(a, ARRAY_BYTEA, data, len);
}

/* Without a value there is no type to declare: such an array goes as text, which fits every type.
 */
static void param_untyped_array(struct pg_params *p, uint32_t count)
{
    static const char null[] = ",NULL";
    size_t each = sizeof(null) - 1;
    char *text = arena_alloc(p->arena, count * each + 3);
    size_t len = 0;

    text[len++] = '{';
    for (uint32_t i = 0; i < count; i++) {
        size_t skip = i == 0 ? 1 : 0; /* no comma before the first one */
        memcpy(text + len, null + skip, each - skip);
        len += each - skip;
    }
    text[len++] = '}';
    param_add(p, text, len, 0);
}

void pg_param_array(struct pg_params *p, struct pg_array *a)
{
    if (a->type == 0) {
        param_untyped_array(p, a->count);
        return;
    }
    put_be32(a->bytes, 1);
    put_be32(a->bytes + 4, a->nulls > 0);
    put_be32(a->bytes + 8, a->type);
    put_be32(a->bytes + 12, a->count);
    put_be32(a->bytes + 16, 1);
    param_add(p, a->bytes, a->len, 1);
}
