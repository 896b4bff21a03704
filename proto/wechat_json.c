#include "proto/wechat_json.h"

#include "hotline/vocabulary.h"

/* ---- states and matters
 * -------------------------------------------------------------------------------- */

static void write_kind(struct json_writer *w, int kind)
{
    if (kind >= 0)
        jw_string(w, "kind", kind_words[kind].code);
}

static void write_text(struct json_writer *w, const char *key, const char *text)
{
    if (text)
        jw_string(w, key, text);
}

static int read_kind(const struct json_value *v)
{
    return word_find(kind_words, KIND_COUNT, json_string(json_get(v, "kind"), NULL));
}

static const char *read_text(const struct json_value *v, const char *key, struct arena *arena)
{
    const char *text = json_string(json_get(v, key), NULL);

    return text ? arena_strdup(arena, text) : NULL;
}

void wechat_json_write_state(struct json_writer *w, const char *key, const struct talk_state *s)
{
    jw_object(w, key);
    if (s->is_gathering) {
        write_kind(w, s->kind);
        write_text(w, "category", s->category);
        write_text(w, "title", s->title);
        write_text(w, "text", s->text);
        write_text(w, "address", s->address);
        write_text(w, "region", s->region);
        write_text(w, "asked_region", s->asked_region);
        jw_int(w, "parts", s->parts);
        jw_int(w, "begun_us", s->begun_us);
        jw_int(w, "over_us", s->over_us);
    }
    jw_object_end(w);
}

bool wechat_json_read_state(const struct json_value *v, struct arena *arena,
                            struct talk_state *state_r)
{
    *state_r = (struct talk_state){.kind = -1};
    if (json_type(v) != JSON_OBJECT)
        return false;
    if (json_type(json_get(v, "over_us")) != JSON_INT) /* nothing is gathered */
        return true;
    *state_r = (struct talk_state){
        .is_gathering = true,
        .kind = read_kind(v),
        .category = read_text(v, "category", arena),
        .title = read_text(v, "title", arena),
        .text = read_text(v, "text", arena),
        .address = read_text(v, "address", arena),
        .region = read_text(v, "region", arena),
        .asked_region = read_text(v, "asked_region", arena),
        .parts = (int)json_int(json_get(v, "parts")),
        .begun_us = json_int(json_get(v, "begun_us")),
        .over_us = json_int(json_get(v, "over_us")),
    };
    return state_r->parts == 0 || state_r->text;
}

void wechat_json_write_matter(struct json_writer *w, const char *key, const struct talk_matter *m)
{
    jw_object(w, key);
    write_kind(w, m->kind);
    write_text(w, "category", m->category);
    jw_string(w, "title", m->title);
    jw_string(w, "text", m->text);
    write_text(w, "address", m->address);
    write_text(w, "region", m->region);
    jw_int(w, "begun_us", m->begun_us);
    jw_bool(w, "unasked", m->is_unasked);
    jw_object_end(w);
}

bool wechat_json_read_matter(const struct json_value *v, struct arena *arena,
                             struct talk_matter *matter_r)
{
    *matter_r = (struct talk_matter){
        .kind = read_kind(v),
        .category = read_text(v, "category", arena),
        .title = read_text(v, "title", arena),
        .text = read_text(v, "text", arena),
        .address = read_text(v, "address", arena),
        .region = read_text(v, "region", arena),
        .begun_us = json_int(json_get(v, "begun_us")),
        .is_unasked = json_bool(json_get(v, "unasked")),
    };
    return matter_r->kind >= 0 && matter_r->title && matter_r->text;
}

/* ---- menus
 * -------------------------------------------------------------------------------------------- */

void wechat_json_write_menu(struct json_writer *w, const char *key,
                            const struct talk_menu_entry *menu, size_t count)
{
    jw_array(w, key);
    for (size_t i = 0; i < count; i++) {
        jw_object(w, NULL);
        jw_string(w, "key", menu[i].key);
        write_kind(w, menu[i].kind);
        write_text(w, "category", menu[i].category);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static const char *const kind_names[] = {"consult",    "help",   "complaint", "report",
                                         "suggestion", "praise", NULL};
static const struct field menu_fields[] = {
    {.name = "key",
     .type = FIELD_STRING,
     .offset = offsetof(struct talk_menu_entry, key),
     .min = 1,
     .max = 128,
     .flags = FIELD_REQUIRED},
    {.name = "kind",
     .type = FIELD_ENUM,
     .offset = offsetof(struct talk_menu_entry, kind),
     .names = kind_names},
    {.name = "category",
     .type = FIELD_STRING,
     .offset = offsetof(struct talk_menu_entry, category),
     .min = 1,
     .max = 64},
};
_Static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == KIND_COUNT + 1, "kinds");

bool wechat_json_read_menu(const struct json_value *v, const char *field, struct arena *arena,
                           const struct talk_menu_entry **menu_r, size_t *count_r,
                           struct faults *faults)
{
    size_t count = json_array_length(v);
    struct talk_menu_entry *menu;

    *count_r = 0;
    *menu_r = NULL;
    if (json_type(v) == JSON_NULL)
        return true;
    if (json_type(v) != JSON_ARRAY || count > WECHAT_MENU_MAX) {
        faults_add(faults, field, count > WECHAT_MENU_MAX ? "range" : "wrong_type");
        return false;
    }
    menu = arena_alloc(arena, (count ? count : 1) * sizeof(*menu));
    for (size_t i = 0; i < count; i++) {
        struct faults own;
        faults_init(&own, arena);
        menu[i].kind = -1;
        if (json_decode(json_at(v, i), menu_fields, ARRAY_LEN(menu_fields), &menu[i], arena, &own))
            continue;
        for (size_t f = 0; f < own.count; f++)
            faults_add(faults, arena_printf(arena, "%s[%zu].%s", field, i, own.list[f].field),
                       own.list[f].reason);
        return false;
    }
    *menu_r = menu;
    *count_r = count;
    return true;
}
