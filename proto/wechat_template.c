#include "proto/wechat_template.h"

#include <string.h>

#include "base/utf8.h"
#include "hotline/vocabulary.h"

enum filling { FILL_NUMBER, FILL_TITLE, FILL_STATE, FILL_RECEIVED, FILL_REPLY };
static const char *const filling_names[] = {"number", "title", "state", "received", "reply", NULL};

/* ---- reading
 * ------------------------------------------------------------------------------------------ */

struct reading {
    const char *field;
    struct arena *arena;
    struct wechat_template *template;
    struct faults *faults;
};

static bool is_name(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= 32 &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static void on_field(void *ctx, const char *name, const struct json_value *v)
{
    struct reading *r = ctx;
    struct wechat_template *t = r->template;
    const char *word = json_string(v, NULL);
    const char *path = arena_printf(r->arena, "%s.fields.%.40s", r->field, name);
    int filling = 0;

    while (filling_names[filling] && !(word && strcmp(filling_names[filling], word) == 0))
        filling++;
    if (!is_name(name) || !filling_names[filling]) {
        faults_add(r->faults, path, is_name(name) ? "not_allowed" : "format");
    } else if (t->count == WECHAT_TEMPLATE_FIELDS) {
        faults_add(r->faults, path, "range");
    } else {
        t->fields[t->count].name = arena_strdup(r->arena, name);
        t->fields[t->count++].word = filling;
    }
}

static void count_member(void *ctx, const char *name, const struct json_value *v)
{
    size_t *count = ctx;

    (void)name;
    (void)v;
    (*count)++;
}

bool wechat_template_read(const struct json_value *v, const char *field, struct arena *arena,
                          struct wechat_template *template_r, struct faults *faults)
{
    struct body {
        const char *id, *url;
        const struct json_value *fields;
    } body = {0};
    static const struct field known[] = {
        {.name = "id",
         .type = FIELD_STRING,
         .offset = offsetof(struct body, id),
         .min = 1,
         .max = 64,
         .flags = FIELD_REQUIRED},
        {.name = "url",
         .type = FIELD_STRING,
         .offset = offsetof(struct body, url),
         .min = 8,
         .max = 1000},
        {.name = "fields",
         .type = FIELD_VALUE,
         .offset = offsetof(struct body, fields),
         .flags = FIELD_REQUIRED},
    };
    struct reading r = {field, arena, template_r, faults};
    struct faults own;
    size_t members = 0;

    *template_r = (struct wechat_template){0};
    if (json_type(v) == JSON_OBJECT)
        json_each(v, count_member, &members);
    if (json_type(v) == JSON_NULL || (json_type(v) == JSON_OBJECT && members == 0))
        return true;
    faults_init(&own, arena);
    if (json_decode(v, known, ARRAY_LEN(known), &body, arena, &own)) {
        template_r->id = body.id;
        template_r->url = body.url;
        if (body.url && strncmp(body.url, "http://", 7) != 0 &&
            strncmp(body.url, "https://", 8) != 0)
            faults_add(&own, "url", "format");
        if (json_type(body.fields) != JSON_OBJECT)
            faults_add(&own, "fields", "wrong_type");
    }
    for (size_t i = 0; i < own.count; i++)
        faults_add(faults,
                   *own.list[i].field ? arena_printf(arena, "%s.%s", field, own.list[i].field)
                                      : field,
                   own.list[i].reason);
    if (own.count)
        return false;
    json_each(body.fields, on_field, &r);
    return faults->count == 0;
}

/* ---- writing
 * ------------------------------------------------------------------------------------------ */

void wechat_template_write(struct json_writer *w, const char *key, const struct wechat_template *t)
{
    jw_object(w, key);
    if (t->id) {
        jw_string(w, "id", t->id);
        if (t->url)
            jw_string(w, "url", t->url);
        jw_object(w, "fields");
        for (size_t i = 0; i < t->count; i++)
            jw_string(w, t->fields[i].name, filling_names[t->fields[i].word]);
        jw_object_end(w);
    }
    jw_object_end(w);
}

static const char *filled(const struct talk_settings *s, const struct talk_ticket *t, int word)
{
    const struct word *state = &ticket_state_words[t->state];
    const char *reply = t->public_reply ? t->public_reply : t->ground;
    const char *const texts[] = {
        [FILL_NUMBER] = t->number,     [FILL_TITLE] = t->title,
        [FILL_RECEIVED] = t->received, [FILL_STATE] = s->is_english ? state->en : state->zh,
        [FILL_REPLY] = reply,
    };

    return texts[word] && *texts[word] ? texts[word] : "-";
}

/* Characters that WeChat takes in a field of this name. */
static size_t room_of(const char *name)
{
    static const struct {
        const char *prefix;
        size_t most;
    } rooms[] = {{"thing", 20}, {"phrase", 5}, {"character_string", 32}, {"const", 20}};

    for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
        if (strncmp(name, rooms[i].prefix, strlen(rooms[i].prefix)) == 0)
            return rooms[i].most;
    }
    return 200;
}

static size_t cut(const char *text, size_t most)
{
    size_t len = strlen(text), at = 0, bytes;
    uint32_t cp;

    while (most-- > 0 && (bytes = utf8_next(text + at, len - at, &cp)) > 0)
        at += bytes;
    return at;
}

static const char *address_of(const struct wechat_template *t, const char *number,
                              struct arena *arena)
{
    const char *place = strstr(t->url, WECHAT_TEMPLATE_NUMBER);

    return place ? arena_printf(arena, "%.*s%s%s", (int)(place - t->url), t->url, number,
                                place + strlen(WECHAT_TEMPLATE_NUMBER))
                 : t->url;
}

void wechat_template_fill(struct json_writer *w, const char *key, const struct wechat_template *t,
                          const struct talk_settings *settings, const struct talk_ticket *ticket,
                          struct arena *arena)
{
    jw_object(w, key);
    jw_string(w, "template_id", t->id);
    if (t->url)
        jw_string(w, "url", address_of(t, ticket->number, arena));
    jw_object(w, "data");
    for (size_t i = 0; i < t->count; i++) {
        const char *text = filled(settings, ticket, t->fields[i].word);
        jw_object(w, t->fields[i].name);
        jw_string_n(w, "value", text, cut(text, room_of(t->fields[i].name)));
        jw_object_end(w);
    }
    jw_object_end(w);
    jw_object_end(w);
}
