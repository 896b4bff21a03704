/*
 * json.h - strict JSON in, JSON out. The only place that knows json-c.
 *
 * Reading: json_parse() checks the whole text before json-c sees it: UTF-8 by table 3-7, no NUL
 * and no \u0000, no raw control characters in strings, no lone surrogates (\ud800), no duplicate
 * keys, depth <= 16, RFC 8259 grammar (no NaN, no single quotes, no comments, no trailing bytes),
 * integers within int64. What passes here, PostgreSQL takes as text and as jsonb.
 *
 * Decoding: a table of fields fills a struct; every fault is collected as {field, reason} and
 * nothing is coerced: "12" is not 12, 1.5 is not an integer, null is "absent".
 *
 * Writing: an append-only writer over a sbuf that places commas itself.
 */
#ifndef PROTO_JSON_H
#define PROTO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/sbuf.h"

#define JSON_MAX_DEPTH 16

/* ---- faults of an input ------------------------------------------------------------------- */

#define JSON_MAX_FAULTS 32

/* reason is one of the stable words below; detail texts for people are made at the edge. */
struct field_fault {
    const char *field;  /* path: "requester.phone", "items[3].code"; "" = the document */
    const char *reason; /* "required", "unknown", "wrong_type", "too_long", "too_short", "range",
                           "format", "not_allowed", "duplicate", "not_found", "syntax", "utf8",
                           "nul", "depth" */
};

struct faults {
    struct arena *arena; /* owns the paths */
    size_t count;        /* entries in list; more than the maximum are dropped */
    struct field_fault list[JSON_MAX_FAULTS];
};
void faults_init(struct faults *f, struct arena *arena);
void faults_add(struct faults *f, const char *field, const char *reason);

/* ---- documents ------------------------------------------------------------------------------ */

struct json_doc;   /* owns a parsed document */
struct json_value; /* borrowed from a document */

enum json_type {
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,
    JSON_DOUBLE,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

/* NULL and one fault (field = "" or the path where known) if the text is not acceptable. */
MUST_CHECK struct json_doc *json_parse(const char *text, size_t len, struct faults *faults);
void json_doc_free(struct json_doc **doc);
const struct json_value *json_root(const struct json_doc *doc);

/* All take NULL as "absent" (type JSON_NULL). */
enum json_type json_type(const struct json_value *v);
/* A string's bytes (UTF-8, no NUL inside, NUL-terminated); NULL if it is not a string. */
const char *json_string(const struct json_value *v, size_t *len_r);
/* Valid only for the type asked for; 0/false otherwise. */
int64_t json_int(const struct json_value *v);
double json_double(const struct json_value *v); /* of JSON_INT too */
bool json_bool(const struct json_value *v);
/* NULL if absent or v is no object. */
const struct json_value *json_get(const struct json_value *v, const char *key);
size_t json_array_length(const struct json_value *v);
const struct json_value *json_at(const struct json_value *v, size_t index);
void json_each(const struct json_value *object,
               void (*fn)(void *ctx, const char *key, const struct json_value *v), void *ctx);
/* Serialises v (compact, slashes unescaped) so that json_parse() gives the same again. */
void json_write_value(struct sbuf *out, const struct json_value *v);

/* ---- decoding through a table -----------------------------------------------------------------
 */

enum field_type {
    FIELD_STRING,  /* const char *; min/max count code points */
    FIELD_INT,     /* int64_t; min/max are the range */
    FIELD_BOOL,    /* bool */
    FIELD_ENUM,    /* int: index into names[] */
    FIELD_INSTANT, /* int64_t microseconds, from RFC 3339 */
    FIELD_OBJECT,  /* nested struct at offset, described by child[] */
    FIELD_STRINGS, /* struct json_strings; min/max count the strings, item_max code points each */
    FIELD_VALUE,   /* const struct json_value *, any type, valid while the doc lives */
};

struct json_strings {
    const char **list;
    size_t count;
};

enum field_flags {
    FIELD_REQUIRED = 1,
    FIELD_MULTILINE = 2, /* keeps \n and \t; other strings with control characters are "format" */
};

struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    int64_t min, max;
    unsigned flags;
    const char *const *names; /* FIELD_ENUM: NULL-terminated */
    const struct field *child;
    size_t child_count;
    size_t item_max;
    size_t present_offset; /* offset + 1 of a bool "was given", 0 = not wanted */
};

/*
 * Fills *out (zeroed by the caller) from object v. Unknown keys are faults. Strings are copied into
 * arena. Enum fields that are absent keep the value the caller preset. Returns faults->count == 0.
 */
MUST_CHECK bool json_decode(const struct json_value *v, const struct field *fields, size_t count,
                            void *out, struct arena *arena, struct faults *faults);

/* ---- writing ------------------------------------------------------------------------------------
 */

struct json_writer {
    struct sbuf *out;
    unsigned depth;
    uint32_t has_items; /* bit per level */
};

void jw_init(struct json_writer *w, struct sbuf *out);
/* key is NULL inside arrays and at the top. */
void jw_object(struct json_writer *w, const char *key);
void jw_object_end(struct json_writer *w);
void jw_array(struct json_writer *w, const char *key);
void jw_array_end(struct json_writer *w);
void jw_string(struct json_writer *w, const char *key, const char *s); /* NULL writes null */
void jw_string_n(struct json_writer *w, const char *key, const char *s, size_t len);
void jw_int(struct json_writer *w, const char *key, int64_t v);
/* Shortest text that reads back the same; not finite writes null. */
void jw_double(struct json_writer *w, const char *key, double v);
void jw_bool(struct json_writer *w, const char *key, bool v);
void jw_null(struct json_writer *w, const char *key);
/* RFC 3339 with the offset; instant 0 writes null. */
void jw_instant(struct json_writer *w, const char *key, int64_t instant_us, int offset_min);
/* Text that is known to be one JSON value (from PostgreSQL or json_write_value()). */
void jw_raw(struct json_writer *w, const char *key, const char *json, size_t len);

#endif
