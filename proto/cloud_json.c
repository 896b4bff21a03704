/*
 * cloud_json.c - from messages of OneNET and CTWing to signals.
 */
#include "proto/cloud_json.h"

#include <string.h>

#include "base/clk.h"

#define DEPTH_MAX 4 /* of names within names */
/* Milliseconds that are an instant: 2000 to 2100. */
#define MS_MIN INT64_C(946684800000)
#define MS_MAX INT64_C(4102444800000)

struct reader {
    struct cloud_signals *out;
    const struct json_value *message;
    struct cloud_signal common; /* of all signals of this message */
    const char *const *skipped; /* members that are no data; NULL at the end */
};

/* ---- values ------------------------------------------------------------------------------------
 */

/* Bytes of the longest prefix that is whole characters. */
static size_t cut_length(const char *text, size_t max)
{
    size_t len = strlen(text);

    if (len <= max)
        return len;
    for (len = max; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
        len--;
    return len;
}

static const char *name_of(const char *text, struct arena *arena)
{
    return text && *text ? arena_strndup(arena, text, cut_length(text, CLOUD_NAME_MAX)) : NULL;
}

/* NULL if it is null. */
static const char *text_of(const struct json_value *v, struct arena *arena)
{
    const char *text = json_string(v, NULL);
    struct sbuf out;

    if (text)
        return arena_strdup(arena, text);
    if (json_type(v) == JSON_NULL)
        return NULL;
    sbuf_init(&out, 0);
    json_write_value(&out, v);
    text = arena_strndup(arena, out.data, out.len);
    sbuf_free(&out);
    return text;
}

static const char *name_in(const struct json_value *v, const char *const *names,
                           struct arena *arena)
{
    const char *name = NULL;

    for (; *names && !name; names++)
        name = name_of(text_of(json_get(v, *names), arena), arena);
    return name;
}

static int64_t instant_of(const struct json_value *v)
{
    int64_t ms = json_type(v) == JSON_INT ? json_int(v) : 0;
    return ms >= MS_MIN && ms <= MS_MAX ? ms * (US_PER_SECOND / 1000) : 0;
}

/* ---- signals -----------------------------------------------------------------------------------
 */

static void begin(struct cloud_signals *out, struct arena *arena)
{
    *out = (struct cloud_signals){.arena = arena};
    out->list = arena_alloc(arena, CLOUD_SIGNALS_MAX * sizeof(*out->list));
}

static void add(struct reader *in, const char *stream, const char *value)
{
    struct cloud_signals *out = in->out;

    if (out->count == CLOUD_SIGNALS_MAX) {
        out->is_cut = true;
        return;
    }
    const char *name = name_of(stream, out->arena);
    struct cloud_signal *signal = &out->list[out->count++];
    *signal = in->common;
    signal->stream = name ? name : "?";
    signal->value = value;
}

struct level {
    struct reader *in;
    const char *prefix; /* NULL = none */
    int depth;
    size_t members;
};

static void add_value(struct reader *in, const char *stream, const struct json_value *v, int depth);

static bool is_skipped(const struct level *level, const char *key)
{
    const char *const *skipped = level->prefix ? NULL : level->in->skipped;

    for (; skipped && *skipped; skipped++) {
        if (strcmp(*skipped, key) == 0)
            return true;
    }
    return false;
}

static void add_member(void *ctx, const char *key, const struct json_value *v)
{
    struct level *level = ctx;
    struct arena *arena = level->in->out->arena;

    if (is_skipped(level, key) || level->in->out->is_cut)
        return;
    level->members++;
    if (level->prefix)
        key = arena_printf(arena, "%s.%.*s", level->prefix, CLOUD_NAME_MAX, key);
    add_value(level->in, key, v, level->depth + 1);
}

/* Members become streams; an object that is empty, or too deep, is a value. stream NULL: at the
 * top. */
static void add_value(struct reader *in, const char *stream, const struct json_value *v, int depth)
{
    struct level level = {in, stream, depth, 0};

    if (json_type(v) == JSON_OBJECT && depth < DEPTH_MAX)
        json_each(v, add_member, &level);
    if (level.members == 0 && stream)
        add(in, stream,
            json_type(v) == JSON_OBJECT && depth < DEPTH_MAX ? NULL : text_of(v, in->out->arena));
}

static bool is_object(struct reader *in, const struct json_value *message)
{
    if (json_type(message) == JSON_OBJECT)
        return true;
    in->common = (struct cloud_signal){.device = "?"};
    add(in, "unreadable", text_of(message, in->out->arena));
    return false;
}

static void identify(struct reader *in, const char *const *names, const char *const *aliases,
                     const char *time_name)
{
    struct arena *arena = in->out->arena;
    const char *device = name_in(in->message, names, arena);
    const char *alias = name_in(in->message, aliases, arena);

    in->common = (struct cloud_signal){
        .device = device  ? device
                  : alias ? alias
                          : "?",
        .alias = device ? alias : NULL,
        .at_us = instant_of(json_get(in->message, time_name)),
    };
}

/* Each message of an array, or the only one; an array inside of one is no message. */
static void each_message(const struct json_value *message, struct cloud_signals *out,
                         struct arena *arena, void (*read)(struct reader *in))
{
    struct reader in = {.out = out, .message = message};

    begin(out, arena);
    if (json_type(message) != JSON_ARRAY) {
        if (is_object(&in, message))
            read(&in);
        return;
    }
    for (size_t i = 0; i < json_array_length(message) && !out->is_cut; i++) {
        in = (struct reader){.out = out, .message = json_at(message, i)};
        if (is_object(&in, in.message))
            read(&in);
    }
}

/* ---- OneNET ------------------------------------------------------------------------------------
 */

static enum cloud_sign sign_of(const struct json_value *status)
{
    const char *text = json_string(status, NULL);

    if (json_type(status) == JSON_INT)
        return json_int(status) ? CLOUD_ONLINE : CLOUD_OFFLINE;
    if (text && (strcmp(text, "1") == 0 || strcmp(text, "online") == 0))
        return CLOUD_ONLINE;
    if (text && (strcmp(text, "0") == 0 || strcmp(text, "offline") == 0))
        return CLOUD_OFFLINE;
    return CLOUD_DATA;
}

/* {"value": v, "time": ms}, or the value itself. */
static void add_param(void *ctx, const char *key, const struct json_value *v)
{
    struct reader *in = ctx;
    const struct json_value *value = json_get(v, "value");
    int64_t common_us = in->common.at_us, own_us = instant_of(json_get(v, "time"));

    if (own_us)
        in->common.at_us = own_us;
    add_value(in, key, value ? value : v, 1);
    in->common.at_us = common_us;
}

static void read_onenet(struct reader *in)
{
    static const char *const names[] = {"dev_id", "deviceId", NULL};
    static const char *const aliases[] = {"imei", "deviceName", NULL};
    static const char *const skipped[] = {"type",        "dev_id",    "deviceId",   "imei",
                                          "deviceName",  "productId", "notifyType", "at",
                                          "messageType", "status",    "login_type", NULL};
    const struct json_value *params = json_get(json_get(in->message, "data"), "params");
    const char *stream = json_string(json_get(in->message, "ds_id"), NULL);
    const struct json_value *status = json_get(in->message, "status");
    size_t before = in->out->count;

    identify(in, names, aliases, "at");
    if (json_type(status) != JSON_NULL) {
        in->common.sign = sign_of(status);
        add(in, "status", text_of(status, in->out->arena));
    } else if (stream) {
        add_value(in, *stream ? stream : "?", json_get(in->message, "value"), 1);
    } else if (json_type(params) == JSON_OBJECT) {
        json_each(params, add_param, in);
    } else {
        in->skipped = skipped;
        add_value(in, NULL, in->message, 0);
    }
    if (in->out->count == before) { /* nothing was said but that it is there */
        const char *what = text_of(json_get(in->message, "notifyType"), in->out->arena);
        add(in, what ? what : "type", text_of(json_get(in->message, "type"), in->out->arena));
    }
}

void cloud_json_read_onenet(const struct json_value *message, struct cloud_signals *signals_r,
                            struct arena *arena)
{
    each_message(message, signals_r, arena, read_onenet);
}

/* ---- CTWing ------------------------------------------------------------------------------------
 */

static void read_ctwing(struct reader *in)
{
    static const char *const names[] = {"deviceId", NULL};
    static const char *const aliases[] = {"IMEI", "imei", NULL};
    static const char *const skipped[] = {"serviceId", NULL};
    const struct json_value *m = in->message, *payload = json_get(m, "payload");
    const struct json_value *inner = json_get(payload, "serviceData");
    const struct json_value *content = json_get(m, "eventContent");
    const char *type = json_string(json_get(m, "messageType"), NULL);
    struct arena *arena = in->out->arena;
    size_t before = in->out->count;

    identify(in, names, aliases, "timestamp");
    in->skipped = skipped;
    if (type && strcmp(type, "deviceOnlineOfflineReport") == 0) {
        in->common.sign = sign_of(json_get(m, "eventType"));
        add(in, "online", text_of(json_get(m, "eventType"), arena));
        return;
    }
    if (type && strcmp(type, "eventReport") == 0)
        add(in, "event", text_of(json_get(m, "serviceId"), arena));
    if (json_type(content) == JSON_OBJECT)
        add_value(in, NULL, content, 0);
    if (json_type(inner) == JSON_OBJECT)
        add_value(in, NULL, inner, 0);
    else if (json_type(payload) == JSON_OBJECT)
        add_value(in, NULL, payload, 0);
    else if (json_type(payload) != JSON_NULL)
        add(in, "payload", text_of(payload, arena));
    if (in->out->count == before)
        add(in, type ? type : "?", NULL);
}

void cloud_json_read_ctwing(const struct json_value *message, struct cloud_signals *signals_r,
                            struct arena *arena)
{
    each_message(message, signals_r, arena, read_ctwing);
}

void cloud_json_unreadable(const char *text, struct cloud_signals *signals_r, struct arena *arena)
{
    struct reader in = {.out = signals_r, .common = {.device = "?"}};

    begin(signals_r, arena);
    add(&in, "unreadable", arena_strdup(arena, text));
}
