#include "proto/json.h"

#include <string.h>

#include "base/civil.h"
#include "base/utf8.h"

struct decoder {
    struct arena *arena;
    struct faults *faults;
};

/* One field on its way: what it is, where it came from, where it goes. */
struct target {
    const struct field *field;
    const struct json_value *value; /* never NULL */
    void *out;                      /* of the field's type */
    const char *path;
};

static void decode_object(struct decoder *d, const struct json_value *v, const struct field *fields,
                          size_t count, void *out, const char *path);

static const char *join_path(struct decoder *d, const char *path, const char *name)
{
    return *path != '\0' ? arena_printf(d->arena, "%s.%s", path, name) : name;
}

static const char *limit_fault(size_t have, int64_t min, int64_t max)
{
    if (max > 0 && have > (uint64_t)max)
        return "too_long";
    return min > 0 && have < (uint64_t)min ? "too_short" : NULL;
}

static bool has_bad_controls(const char *s, size_t len, bool multiline)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)s[i] >= 0x20 && s[i] != 0x7f)
            continue;
        if (!multiline || strchr("\n\r\t", s[i]) == NULL)
            return true;
    }
    return false;
}

static bool is_blank_cp(uint32_t cp)
{
    static const uint32_t blanks[] = {' ',    '\t',   '\n',   '\r',   0xa0,   0x1680, 0x2028,
                                      0x2029, 0x202f, 0x205f, 0x2060, 0x3000, 0xfeff};

    for (size_t i = 0; i < ARRAY_LEN(blanks); i++) {
        if (cp == blanks[i])
            return true;
    }
    return cp >= 0x2000 && cp <= 0x200d; /* blanks of all widths, down to none */
}

/* Nothing to read in it: what must be said is not said by blanks. */
static bool is_blank(const char *s, size_t len)
{
    uint32_t cp;

    for (size_t at = 0, used; at < len; at += used) {
        used = utf8_next(s + at, len - at, &cp);
        if (used == 0 || !is_blank_cp(cp))
            return false;
    }
    return true;
}

/* Copies a string that keeps the limits; NULL and a fault if it does not. */
static const char *take_text(struct decoder *d, const struct json_value *v, int64_t min,
                             int64_t max, bool multiline, const char *path)
{
    size_t len;
    const char *s = json_string(v, &len);
    if (s == NULL) {
        faults_add(d->faults, path, "wrong_type");
        return NULL;
    }
    const char *fault = limit_fault(utf8_length(s, len), min, max);
    if (fault == NULL && has_bad_controls(s, len, multiline))
        fault = "format";
    if (fault == NULL && min > 0 && is_blank(s, len))
        fault = "too_short";
    if (fault != NULL) {
        faults_add(d->faults, path, fault);
        return NULL;
    }
    return arena_strndup(d->arena, s, len);
}

/* ---- one function for each type ------------------------------------------------------------- */

static void decode_string(struct decoder *d, const struct target *t)
{
    const struct field *f = t->field;
    const char *s =
        take_text(d, t->value, f->min, f->max, (f->flags & FIELD_MULTILINE) != 0, t->path);
    if (s != NULL)
        *(const char **)t->out = s;
}

static void decode_int(struct decoder *d, const struct target *t)
{
    int64_t n = json_int(t->value);
    if (json_type(t->value) != JSON_INT)
        faults_add(d->faults, t->path, "wrong_type");
    else if (n < t->field->min || n > t->field->max)
        faults_add(d->faults, t->path, "range");
    else
        *(int64_t *)t->out = n;
}

static void decode_bool(struct decoder *d, const struct target *t)
{
    if (json_type(t->value) != JSON_BOOL)
        faults_add(d->faults, t->path, "wrong_type");
    else
        *(bool *)t->out = json_bool(t->value);
}

static void decode_enum(struct decoder *d, const struct target *t)
{
    const char *s = json_string(t->value, NULL);
    if (s == NULL) {
        faults_add(d->faults, t->path, "wrong_type");
        return;
    }
    for (int i = 0; t->field->names[i] != NULL; i++) {
        if (strcmp(t->field->names[i], s) == 0) {
            *(int *)t->out = i;
            return;
        }
    }
    faults_add(d->faults, t->path, "not_allowed");
}

static void decode_instant(struct decoder *d, const struct target *t)
{
    size_t len;
    const char *s = json_string(t->value, &len);
    if (s == NULL)
        faults_add(d->faults, t->path, "wrong_type");
    else if (!civil_parse_instant(s, len, t->out))
        faults_add(d->faults, t->path, "format");
}

static void decode_child(struct decoder *d, const struct target *t)
{
    decode_object(d, t->value, t->field->child, t->field->child_count, t->out, t->path);
}

static void decode_strings(struct decoder *d, const struct target *t)
{
    const struct field *f = t->field;
    const size_t count = json_array_length(t->value);
    if (json_type(t->value) != JSON_ARRAY) {
        faults_add(d->faults, t->path, "wrong_type");
        return;
    }
    const char *fault = limit_fault(count, f->min, f->max);
    if (fault != NULL) {
        faults_add(d->faults, t->path, fault);
        return;
    }
    const char **list = arena_alloc(d->arena, (count + 1) * sizeof(*list));
    for (size_t i = 0; i < count && d->faults->count < JSON_MAX_FAULTS; i++) {
        const char *path = arena_printf(d->arena, "%s[%zu]", t->path, i);
        list[i] = take_text(d, json_at(t->value, i), 0, (int64_t)f->item_max,
                            (f->flags & FIELD_MULTILINE) != 0, path);
    }
    *(struct json_strings *)t->out = (struct json_strings){list, count};
}

static void decode_value(struct decoder *d UNUSED, const struct target *t)
{
    *(const struct json_value **)t->out = t->value;
}

static void (*const decoders[])(struct decoder *d, const struct target *t) = {
    [FIELD_STRING] = decode_string,   [FIELD_INT] = decode_int,
    [FIELD_BOOL] = decode_bool,       [FIELD_ENUM] = decode_enum,
    [FIELD_INSTANT] = decode_instant, [FIELD_OBJECT] = decode_child,
    [FIELD_STRINGS] = decode_strings, [FIELD_VALUE] = decode_value,
};

/* ---- objects -------------------------------------------------------------------------------- */

struct key_check {
    struct decoder *d;
    const struct field *fields;
    size_t count;
    const char *path;
};

static void check_key(void *ctx, const char *key, const struct json_value *v UNUSED)
{
    const struct key_check *k = ctx;
    if (k->d->faults->count == JSON_MAX_FAULTS)
        return;
    for (size_t i = 0; i < k->count; i++) {
        if (strcmp(k->fields[i].name, key) == 0)
            return;
    }
    faults_add(k->d->faults, join_path(k->d, k->path, key), "unknown");
}

static void decode_field(struct decoder *d, const struct json_value *v, const struct field *f,
                         void *out, const char *path)
{
    if (v == NULL) {
        if ((f->flags & FIELD_REQUIRED) != 0)
            faults_add(d->faults, join_path(d, path, f->name), "required");
        return;
    }
    if (f->present_offset != 0)
        *(bool *)((char *)out + f->present_offset - 1) = true;
    const struct target t = {
        .field = f,
        .value = v,
        .out = (char *)out + f->offset,
        .path = join_path(d, path, f->name),
    };
    decoders[f->type](d, &t);
}

static void decode_object(struct decoder *d, const struct json_value *v, const struct field *fields,
                          size_t count, void *out, const char *path)
{
    if (json_type(v) != JSON_OBJECT) {
        faults_add(d->faults, path, "wrong_type");
        return;
    }
    struct key_check keys = {.d = d, .fields = fields, .count = count, .path = path};
    for (size_t i = 0; i < count; i++)
        decode_field(d, json_get(v, fields[i].name), &fields[i], out, path);
    json_each(v, check_key, &keys);
}

bool json_decode(const struct json_value *v, const struct field *fields, size_t count, void *out,
                 struct arena *arena, struct faults *faults)
{
    struct decoder d = {.arena = arena, .faults = faults};
    decode_object(&d, v, fields, count, out, "");
    return faults->count == 0;
}
