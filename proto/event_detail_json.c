/*
 * event_detail_json.c - reading event details back.
 */
#include "proto/event_detail_json.h"

#include <limits.h>

#include "proto/json.h"

struct reading {
    struct arena *arena;
    const struct json_value *root;
    bool is_sound;
};

static const char *read_code(struct reading *r, const struct json_value *v)
{
    const char *s = json_string(v, NULL);

    if (json_type(v) != JSON_NULL && !s)
        r->is_sound = false;
    return s ? arena_strdup(r->arena, s) : NULL;
}

static int64_t read_number(struct reading *r, const char *key, int64_t max)
{
    const struct json_value *v = json_get(r->root, key);

    if (json_type(v) == JSON_NULL)
        return 0;
    if (json_type(v) != JSON_INT || json_int(v) < 0 || json_int(v) > max) {
        r->is_sound = false;
        return 0;
    }
    return json_int(v);
}

static void read_co_units(struct reading *r, struct event_detail *detail)
{
    const struct json_value *list = json_get(r->root, "co_units");
    size_t count = json_array_length(list);

    if (json_type(list) == JSON_NULL)
        return;
    if (json_type(list) != JSON_ARRAY) {
        r->is_sound = false;
        return;
    }
    const char **codes = arena_alloc(r->arena, sizeof(*codes) * (count + 1));
    for (size_t i = 0; i < count; i++)
        codes[i] = read_code(r, json_at(list, i));
    detail->co_units = codes;
    detail->co_unit_count = count;
}

bool event_detail_decode(const char *text, size_t len, struct arena *arena,
                         struct event_detail *detail_r)
{
    struct faults faults;
    struct json_doc *doc;

    *detail_r = (struct event_detail){.lead_unit = NULL};
    faults_init(&faults, arena);
    doc = json_parse(text, len, &faults);
    if (!doc)
        return false;
    struct reading r = {arena, json_root(doc), json_type(json_root(doc)) == JSON_OBJECT};
    if (r.is_sound) {
        detail_r->lead_unit = read_code(&r, json_get(r.root, "lead_unit"));
        detail_r->unit = read_code(&r, json_get(r.root, "unit"));
        detail_r->days = (int)read_number(&r, "days", INT_MAX);
        detail_r->ordinal = (int)read_number(&r, "ordinal", INT_MAX);
        detail_r->calendar_set = read_number(&r, "calendar_set", INT64_MAX);
        read_co_units(&r, detail_r);
    }
    json_doc_free(&doc);
    return r.is_sound;
}
