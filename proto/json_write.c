#include "proto/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/utf8.h"

#define WRITER_MAX_DEPTH 31U

void jw_init(struct json_writer *w, struct sbuf *out)
{
    *w = (struct json_writer){.out = out};
}

/* ---- strings -------------------------------------------------------------------------------- */

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

static void write_escaped(struct sbuf *out, char c)
{
    static const char bytes[] = "\"\\\b\f\n\r\t";
    static const char names[] = "\"\\bfnrt";
    const char *at = memchr(bytes, c, sizeof(bytes) - 1);
    if (at == NULL) {
        sbuf_addf(out, "\\u%04x", (unsigned)(unsigned char)c);
        return;
    }
    sbuf_addc(out, '\\');
    sbuf_addc(out, names[at - bytes]);
}

static void write_text(struct sbuf *out, const char *s, size_t len)
{
    size_t i = 0;
    while (i < len) {
        size_t run = i;
        while (i < len && is_plain(s[i]))
            i++;
        sbuf_add(out, s + run, i - run);
        if (i < len)
            write_escaped(out, s[i++]);
    }
}

/* Our own texts are valid; one that is not must still not spoil the whole answer. */
static void write_repaired_text(struct sbuf *out, const char *s, size_t len)
{
    uint32_t cp;
    for (size_t i = 0, n; (n = utf8_next(s + i, len - i, &cp)) > 0; i += n) {
        if (utf8_valid(s + i, n))
            write_text(out, s + i, n);
        else
            sbuf_adds(out, "\xef\xbf\xbd");
    }
}

static void write_quoted(struct sbuf *out, const char *s, size_t len)
{
    sbuf_addc(out, '"');
    if (utf8_valid(s, len))
        write_text(out, s, len);
    else
        write_repaired_text(out, s, len);
    sbuf_addc(out, '"');
}

/* ---- structure ------------------------------------------------------------------------------ */

/* What stands before a value: the comma, if one is due, and the key. */
static void write_head(struct json_writer *w, const char *key)
{
    const uint32_t bit = UINT32_C(1) << w->depth;
    if (w->depth > 0 && (w->has_items & bit) != 0)
        sbuf_addc(w->out, ',');
    w->has_items |= bit;
    if (key != NULL) {
        write_quoted(w->out, key, strlen(key));
        sbuf_addc(w->out, ':');
    }
}

static void open_level(struct json_writer *w, const char *key, char bracket)
{
    write_head(w, key);
    INVARIANT(w->depth < WRITER_MAX_DEPTH);
    w->depth++;
    w->has_items &= ~(UINT32_C(1) << w->depth);
    sbuf_addc(w->out, bracket);
}

static void close_level(struct json_writer *w, char bracket)
{
    INVARIANT(w->depth > 0);
    w->depth--;
    sbuf_addc(w->out, bracket);
}

void jw_object(struct json_writer *w, const char *key)
{
    open_level(w, key, '{');
}

void jw_object_end(struct json_writer *w)
{
    close_level(w, '}');
}

void jw_array(struct json_writer *w, const char *key)
{
    open_level(w, key, '[');
}

void jw_array_end(struct json_writer *w)
{
    close_level(w, ']');
}

/* ---- scalars -------------------------------------------------------------------------------- */

void jw_string(struct json_writer *w, const char *key, const char *s)
{
    if (s == NULL)
        jw_null(w, key);
    else
        jw_string_n(w, key, s, strlen(s));
}

void jw_string_n(struct json_writer *w, const char *key, const char *s, size_t len)
{
    write_head(w, key);
    write_quoted(w->out, s, len);
}

void jw_int(struct json_writer *w, const char *key, int64_t v)
{
    write_head(w, key);
    sbuf_addi(w->out, v);
}

void jw_double(struct json_writer *w, const char *key, double v)
{
    char text[40];
    if (!isfinite(v)) {
        jw_null(w, key);
        return;
    }
    /* 15 digits always survive, 17 always suffice; tiny numbers have fewer digits than that */
    int digits = fabs(v) < DBL_MIN ? 1 : DBL_DIG;
    for (; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    write_head(w, key);
    sbuf_adds(w->out, text);
    if (strpbrk(text, ".e") == NULL)
        sbuf_adds(w->out, ".0"); /* it is to be read as a double again */
}

void jw_bool(struct json_writer *w, const char *key, bool v)
{
    write_head(w, key);
    sbuf_adds(w->out, v ? "true" : "false");
}

void jw_null(struct json_writer *w, const char *key)
{
    write_head(w, key);
    sbuf_adds(w->out, "null");
}

void jw_instant(struct json_writer *w, const char *key, int64_t instant_us, int offset_min)
{
    char text[CIVIL_INSTANT_SIZE];
    if (instant_us == 0) {
        jw_null(w, key);
        return;
    }
    civil_format_instant(instant_us, offset_min, text);
    jw_string(w, key, text);
}

void jw_raw(struct json_writer *w, const char *key, const char *json, size_t len)
{
    write_head(w, key);
    sbuf_add(w->out, json, len);
}

/* ---- whole values --------------------------------------------------------------------------- */

static void write_value(struct json_writer *w, const char *key, const struct json_value *v);

static void write_member(void *ctx, const char *key, const struct json_value *v)
{
    write_value(ctx, key, v);
}

static void write_null(struct json_writer *w, const char *key, const struct json_value *v UNUSED)
{
    jw_null(w, key);
}

static void write_bool(struct json_writer *w, const char *key, const struct json_value *v)
{
    jw_bool(w, key, json_bool(v));
}

static void write_int(struct json_writer *w, const char *key, const struct json_value *v)
{
    jw_int(w, key, json_int(v));
}

static void write_double(struct json_writer *w, const char *key, const struct json_value *v)
{
    jw_double(w, key, json_double(v));
}

static void write_string(struct json_writer *w, const char *key, const struct json_value *v)
{
    size_t len;
    const char *s = json_string(v, &len);
    jw_string_n(w, key, s, len);
}

static void write_array(struct json_writer *w, const char *key, const struct json_value *v)
{
    jw_array(w, key);
    for (size_t i = 0; i < json_array_length(v); i++)
        write_value(w, NULL, json_at(v, i));
    jw_array_end(w);
}

static void write_object(struct json_writer *w, const char *key, const struct json_value *v)
{
    jw_object(w, key);
    json_each(v, write_member, w);
    jw_object_end(w);
}

static void write_value(struct json_writer *w, const char *key, const struct json_value *v)
{
    static void (*const writers[])(struct json_writer * w, const char *key,
                                   const struct json_value *v) = {
        [JSON_NULL] = write_null,     [JSON_BOOL] = write_bool,     [JSON_INT] = write_int,
        [JSON_DOUBLE] = write_double, [JSON_STRING] = write_string, [JSON_ARRAY] = write_array,
        [JSON_OBJECT] = write_object,
    };
    writers[json_type(v)](w, key, v);
}

void json_write_value(struct sbuf *out, const struct json_value *v)
{
    struct json_writer w;
    jw_init(&w, out);
    write_value(&w, NULL, v);
}
