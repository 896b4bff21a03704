#include "proto/wechat_push.h"

#include <string.h>

#include "proto/json.h"
#include "proto/wechat_crypto.h"
#include "proto/wechat_fields.h"

static size_t skip_blanks(const char *text, size_t len)
{
    size_t at = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    while (at < len && strchr(" \t\r\n", text[at]) && text[at])
        at++;
    return at;
}

enum wechat_format wechat_push_format(const char *text, size_t len)
{
    size_t at = skip_blanks(text, len);

    return at < len && text[at] == '{' ? WECHAT_JSON : WECHAT_XML;
}

/* ---- JSON
 * --------------------------------------------------------------------------------------------- */

struct reading {
    struct arena *arena;
    struct wechat_message *message;
    const char *parent;
    unsigned count;
};

static const char *scalar_text(const struct json_value *v, struct arena *arena)
{
    size_t len;
    const char *text = json_string(v, &len);
    struct sbuf out;

    if (text)
        return arena_strndup(arena, text, len);
    if (json_type(v) != JSON_INT && json_type(v) != JSON_DOUBLE)
        return NULL;
    sbuf_init(&out, 0);
    json_write_value(&out, v);
    text = arena_strdup(arena, out.data);
    sbuf_free(&out);
    return text;
}

static void on_member(void *ctx, const char *name, const struct json_value *v)
{
    struct reading *r = ctx;

    r->count++;
    if (json_type(v) == JSON_OBJECT && !r->parent) {
        r->parent = name;
        json_each(v, on_member, r);
        r->parent = NULL;
        return;
    }
    const char **field = wechat_field_find(r->message, r->parent, name);
    if (field && !*field)
        *field = scalar_text(v, r->arena);
}

static enum wechat_parsed parse_json(const char *text, size_t len, struct arena *arena,
                                     struct wechat_message *message_r)
{
    struct reading r = {.arena = arena, .message = message_r};
    struct faults faults;

    *message_r = (struct wechat_message){0};
    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(text, len, &faults);
    if (!doc || json_type(json_root(doc)) != JSON_OBJECT) {
        json_doc_free(&doc);
        return WECHAT_SYNTAX;
    }
    json_each(json_root(doc), on_member, &r);
    json_doc_free(&doc);
    if (r.count <= WECHAT_XML_ELEMENTS)
        return WECHAT_PARSED;
    *message_r = (struct wechat_message){0};
    return WECHAT_BOUNDS;
}

/* ---- reading
 * ------------------------------------------------------------------------------------------ */

/* NUL stays what it is: nobody types that. */
static const char *without_controls(const char *text, size_t len, struct arena *arena)
{
    char *copy = NULL;

    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 || c == '\0' || c == '\t' || c == '\n' || c == '\r')
            continue;
        copy = copy ? copy : arena_strndup(arena, text, len);
        copy[i] = ' ';
    }
    return copy ? copy : text;
}

enum wechat_parsed wechat_push_parse(const char *text, size_t len, struct arena *arena,
                                     struct wechat_message *message_r)
{
    *message_r = (struct wechat_message){0};
    if (len > WECHAT_BODY_MAX)
        return WECHAT_BOUNDS;
    if (wechat_push_format(text, len) == WECHAT_JSON) {
        size_t at = skip_blanks(text, len);
        return parse_json(text + at, len - at, arena, message_r);
    }
    return wechat_xml_parse(without_controls(text, len, arena), len, arena, message_r);
}

/* ---- writing
 * ------------------------------------------------------------------------------------------ */

void wechat_push_write_text(struct sbuf *out, enum wechat_format format, const char *to,
                            const char *from, int64_t unix_seconds, const char *text)
{
    struct json_writer w;

    if (format == WECHAT_XML) {
        wechat_xml_write_text(out, to, from, unix_seconds, text);
        return;
    }
    jw_init(&w, out);
    jw_object(&w, NULL);
    jw_string(&w, "ToUserName", to);
    jw_string(&w, "FromUserName", from);
    jw_int(&w, "CreateTime", unix_seconds);
    jw_string(&w, "MsgType", "text");
    jw_string_n(&w, "Content", text, wechat_reply_length(text));
    jw_object_end(&w);
}

void wechat_push_write_encrypted(struct sbuf *out, enum wechat_format format, const char *encrypt,
                                 const char *signature, int64_t unix_seconds, const char *nonce)
{
    struct json_writer w;

    if (format == WECHAT_XML) {
        wechat_xml_write_encrypted(out, encrypt, signature, unix_seconds, nonce);
        return;
    }
    jw_init(&w, out);
    jw_object(&w, NULL);
    jw_string(&w, "Encrypt", encrypt);
    jw_string(&w, "MsgSignature", signature);
    jw_int(&w, "TimeStamp", unix_seconds);
    jw_string(&w, "Nonce", nonce);
    jw_object_end(&w);
}
