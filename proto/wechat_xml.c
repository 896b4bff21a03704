#include "proto/wechat_xml.h"

#include <expat.h>
#include <string.h>

#include "base/utf8.h"
#include "proto/wechat_crypto.h"
#include "proto/wechat_fields.h"

/* ---- reading
 * ------------------------------------------------------------------------------------------ */

#define AT(name) offsetof(struct wechat_message, name)

/* parent NULL: right below <xml>. */
static const struct element {
    const char *parent, *name;
    size_t offset;
} elements[] = {
    {NULL, "ToUserName", AT(to_user)},
    {NULL, "FromUserName", AT(from_user)},
    {NULL, "CreateTime", AT(create_time)},
    {NULL, "MsgType", AT(type)},
    {NULL, "MsgId", AT(msg_id)},
    {NULL, "Content", AT(content)},
    {NULL, "PicUrl", AT(pic_url)},
    {NULL, "MediaId", AT(media_id)},
    {NULL, "ThumbMediaId", AT(thumb_media_id)},
    {NULL, "Format", AT(format)},
    {NULL, "Recognition", AT(recognition)},
    {NULL, "Location_X", AT(latitude)},
    {NULL, "Location_Y", AT(longitude)},
    {NULL, "Label", AT(label)},
    {NULL, "Title", AT(title)},
    {NULL, "Description", AT(description)},
    {NULL, "Url", AT(url)},
    {NULL, "Event", AT(event)},
    {NULL, "EventKey", AT(event_key)},
    {NULL, "Ticket", AT(ticket)},
    {NULL, "MsgID", AT(sent_msg_id)},
    {NULL, "Status", AT(status)},
    {NULL, "AgentID", AT(agent_id)},
    {NULL, "Encrypt", AT(encrypt)},
    {"SendLocationInfo", "Location_X", AT(latitude)},
    {"SendLocationInfo", "Location_Y", AT(longitude)},
    {"SendLocationInfo", "Label", AT(label)},
    {"ScanCodeInfo", "ScanResult", AT(scan_result)},
};

struct reading {
    XML_Parser parser;
    struct arena *arena;
    struct wechat_message *message;
    enum wechat_parsed result;
    unsigned depth, count;
    const char *parent; /* name of the element right below the root, of the arena */
    const char **into;  /* the text that is being read; NULL = nobody's */
    unsigned into_depth;
    struct sbuf text;
};

static void stop(struct reading *r, enum wechat_parsed why)
{
    r->result = why;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

const char **wechat_field_find(struct wechat_message *message, const char *parent, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(elements); i++) {
        const struct element *e = &elements[i];
        bool is_here = e->parent ? parent && strcmp(e->parent, parent) == 0 : !parent;
        if (is_here && strcmp(e->name, name) == 0)
            return (const char **)((char *)message + e->offset);
    }
    return NULL;
}

static const char **find_field(const struct reading *r, const char *name)
{
    if (r->depth != 1 && r->depth != 2)
        return NULL;
    return wechat_field_find(r->message, r->depth == 2 ? r->parent : NULL, name);
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct reading *r = ctx;

    (void)attributes;
    if (r->depth == 0 && strcmp(name, "xml") != 0) {
        stop(r, WECHAT_SYNTAX);
        return;
    }
    if (r->depth == WECHAT_XML_DEPTH || r->count == WECHAT_XML_ELEMENTS) {
        stop(r, WECHAT_BOUNDS);
        return;
    }
    const char **field = r->into ? NULL : find_field(r, name);
    if (r->depth == 1)
        r->parent = arena_strdup(r->arena, name);
    if (field && !*field) { /* the first one counts */
        r->into = field;
        r->into_depth = r->depth;
        sbuf_clear(&r->text);
    }
    r->depth++;
    r->count++;
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
    struct reading *r = ctx;

    (void)name;
    r->depth--;
    if (!r->into || r->depth != r->into_depth)
        return;
    *r->into = arena_strndup(r->arena, r->text.data, r->text.len);
    r->into = NULL;
    if (!utf8_valid(r->text.data, r->text.len))
        stop(r, WECHAT_SYNTAX);
}

static void XMLCALL on_text(void *ctx, const XML_Char *text, int len)
{
    struct reading *r = ctx;

    if (r->into && r->depth == r->into_depth + 1)
        sbuf_add(&r->text, text, (size_t)len);
}

static void XMLCALL on_doctype(void *ctx, const XML_Char *name, const XML_Char *system,
                               const XML_Char *public, int has_internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)has_internal;
    stop(ctx, WECHAT_DOCTYPE);
}

static void run(struct reading *r, const char *text, size_t len)
{
    /* whatever the document says of itself: WeChat sends UTF-8 */
    r->parser = XML_ParserCreate("UTF-8");
    INVARIANT(r->parser != NULL);
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    if (XML_Parse(r->parser, text, (int)len, XML_TRUE) != XML_STATUS_OK &&
        r->result == WECHAT_PARSED)
        r->result = WECHAT_SYNTAX;
    XML_ParserFree(r->parser);
}

enum wechat_parsed wechat_xml_parse(const char *text, size_t len, struct arena *arena,
                                    struct wechat_message *message_r)
{
    struct reading r = {.arena = arena, .message = message_r, .result = WECHAT_PARSED};

    *message_r = (struct wechat_message){0};
    if (len > WECHAT_BODY_MAX)
        return WECHAT_BOUNDS;
    sbuf_init(&r.text, WECHAT_BODY_MAX);
    run(&r, text, len);
    sbuf_free(&r.text);
    if (r.result != WECHAT_PARSED)
        *message_r = (struct wechat_message){0};
    return r.result;
}

/* ---- writing
 * ------------------------------------------------------------------------------------------ */

/* What may stand in a document: control characters may not, and U+FFFE, U+FFFF neither. */
static bool is_xml(uint32_t cp)
{
    return cp == '\t' || cp == '\n' || cp == '\r' || (cp >= 0x20 && cp != 0xfffe && cp != 0xffff);
}

static void add_cdata(struct sbuf *out, const char *name, const char *text, size_t len)
{
    uint32_t cp;
    size_t bytes;

    sbuf_addf(out, "<%s><![CDATA[", name);
    for (size_t at = 0; (bytes = utf8_next(text + at, len - at, &cp)) > 0; at += bytes) {
        if (strncmp(text + at, "]]>", 3) == 0) { /* ends here and goes on in the next */
            sbuf_adds(out, "]]]]><![CDATA[>");
            at += 2;
        } else if (is_xml(cp)) {
            sbuf_add(out, text + at, bytes);
        }
    }
    sbuf_addf(out, "]]></%s>", name);
}

size_t wechat_reply_length(const char *text)
{
    size_t len = strlen(text), max = WECHAT_REPLY_MAX;

    if (len <= max)
        return len;
    while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
        max--;
    return max;
}

void wechat_xml_write_text(struct sbuf *out, const char *to, const char *from, int64_t unix_seconds,
                           const char *text)
{
    sbuf_adds(out, "<xml>");
    add_cdata(out, "ToUserName", to, strlen(to));
    add_cdata(out, "FromUserName", from, strlen(from));
    sbuf_addf(out, "<CreateTime>%lld</CreateTime>", (long long)unix_seconds);
    add_cdata(out, "MsgType", "text", 4);
    add_cdata(out, "Content", text, wechat_reply_length(text));
    sbuf_adds(out, "</xml>");
}

void wechat_xml_write_encrypted(struct sbuf *out, const char *encrypt, const char *signature,
                                int64_t unix_seconds, const char *nonce)
{
    sbuf_adds(out, "<xml>");
    add_cdata(out, "Encrypt", encrypt, strlen(encrypt));
    add_cdata(out, "MsgSignature", signature, strlen(signature));
    sbuf_addf(out, "<TimeStamp>%lld</TimeStamp>", (long long)unix_seconds);
    add_cdata(out, "Nonce", nonce, strlen(nonce));
    sbuf_adds(out, "</xml>");
}
