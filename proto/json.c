/* json-c has types where we have functions of the same name; its own go by another name here. */
#define json_bool jsonc_bool
#define json_type jsonc_type
#include <json-c/json.h>
#undef json_bool
#undef json_type

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/utf8.h"
#include "proto/json.h"
#include "proto/json_check.h"

#define MODULE "json"
/* A path is shown to a client; names in it come from him. */
#define FAULT_PATH_BYTES ((size_t)160)

/* ---- faults --------------------------------------------------------------------------------- */

void faults_init(struct faults *f, struct arena *arena)
{
    f->arena = arena;
    f->count = 0;
}

/* Cut between characters, never inside one. */
static size_t path_length(const char *field)
{
    size_t len = strlen(field);
    if (len <= FAULT_PATH_BYTES)
        return len;
    len = FAULT_PATH_BYTES;
    while (len > 0 && ((unsigned char)field[len] & 0xc0) == 0x80)
        len--;
    return len;
}

void faults_add(struct faults *f, const char *field, const char *reason)
{
    if (f->count == JSON_MAX_FAULTS)
        return;
    size_t len = path_length(field);
    char *path = arena_strndup(f->arena, field, utf8_valid(field, len) ? len : 0);
    for (char *p = path; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    }
    f->list[f->count++] = (struct field_fault){.field = path, .reason = reason};
}

/* ---- documents ------------------------------------------------------------------------------ */

struct json_doc {
    struct json_object *root; /* NULL is the document `null` */
};

/* json-c's getters want a pointer to non-const even where they only read. */
static struct json_object *object_of(const struct json_value *v)
{
    return (struct json_object *)(uintptr_t)v;
}

static const struct json_value *value_of(const struct json_object *o)
{
    return (const struct json_value *)o;
}

static struct json_object *build_tree(struct json_span value, bool *ok_r)
{
    /* json-c counts a scalar as a level of its own; the limit is the checker's business */
    struct json_tokener *tokener = json_tokener_new_ex(JSON_MAX_DEPTH + 2);
    INVARIANT(tokener != NULL);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);

    struct json_object *root = json_tokener_parse_ex(tokener, value.start, (int)value.len);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    if (error == json_tokener_continue) {
        /* a number or word at the top is over only when it is told so */
        root = json_tokener_parse_ex(tokener, "", 1);
        error = json_tokener_get_error(tokener);
    } else if (json_tokener_get_parse_end(tokener) != value.len) {
        error = json_tokener_error_parse_unexpected;
    }
    *ok_r = error == json_tokener_success;
    if (!*ok_r) {
        /* a release of json-c with another idea of JSON (0.18 refuses all non-ASCII text) */
        log_limited(LOG_LEVEL_ERROR, MODULE, "json-c %s refused a checked text: %s",
                    json_c_version(), json_tokener_error_desc(error));
        json_object_put(root);
        root = NULL;
    }
    json_tokener_free(tokener);
    return root;
}

struct json_doc *json_parse(const char *text, size_t len, struct faults *faults)
{
    struct json_span value;
    bool ok;
    if (!json_check(text, len, faults, &value))
        return NULL;
    struct json_object *root = build_tree(value, &ok);
    if (!ok) {
        faults_add(faults, "", "syntax");
        return NULL;
    }
    struct json_doc *doc = xcalloc(1, sizeof(*doc));
    doc->root = root;
    return doc;
}

void json_doc_free(struct json_doc **doc)
{
    if (*doc == NULL)
        return;
    json_object_put((*doc)->root);
    free(*doc);
    *doc = NULL;
}

const struct json_value *json_root(const struct json_doc *doc)
{
    return value_of(doc->root);
}

enum json_type json_type(const struct json_value *v)
{
    static const enum json_type types[] = {
        [json_type_null] = JSON_NULL,     [json_type_boolean] = JSON_BOOL,
        [json_type_double] = JSON_DOUBLE, [json_type_int] = JSON_INT,
        [json_type_object] = JSON_OBJECT, [json_type_array] = JSON_ARRAY,
        [json_type_string] = JSON_STRING,
    };
    return types[json_object_get_type(object_of(v))];
}

const char *json_string(const struct json_value *v, size_t *len_r)
{
    const bool is_string = json_type(v) == JSON_STRING;
    if (len_r != NULL)
        *len_r = is_string ? (size_t)json_object_get_string_len(object_of(v)) : 0;
    return is_string ? json_object_get_string(object_of(v)) : NULL;
}

int64_t json_int(const struct json_value *v)
{
    return json_type(v) == JSON_INT ? json_object_get_int64(object_of(v)) : 0;
}

double json_double(const struct json_value *v)
{
    if (json_type(v) == JSON_INT)
        return (double)json_int(v);
    return json_type(v) == JSON_DOUBLE ? json_object_get_double(object_of(v)) : 0;
}

bool json_bool(const struct json_value *v)
{
    return json_type(v) == JSON_BOOL && json_object_get_boolean(object_of(v));
}

const struct json_value *json_get(const struct json_value *v, const char *key)
{
    struct json_object *member = NULL;
    if (json_type(v) == JSON_OBJECT)
        json_object_object_get_ex(object_of(v), key, &member);
    return value_of(member);
}

size_t json_array_length(const struct json_value *v)
{
    return json_type(v) == JSON_ARRAY ? json_object_array_length(object_of(v)) : 0;
}

const struct json_value *json_at(const struct json_value *v, size_t index)
{
    if (index >= json_array_length(v))
        return NULL;
    return value_of(json_object_array_get_idx(object_of(v), index));
}

void json_each(const struct json_value *object,
               void (*fn)(void *ctx, const char *key, const struct json_value *v), void *ctx)
{
    if (json_type(object) != JSON_OBJECT)
        return;
    struct json_object *o = object_of(object);
    struct json_object_iterator it = json_object_iter_begin(o);
    struct json_object_iterator end = json_object_iter_end(o);
    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it))
        fn(ctx, json_object_iter_peek_name(&it), value_of(json_object_iter_peek_value(&it)));
}
