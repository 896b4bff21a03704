#include "proto/mqtt.h"

#include <string.h>

#include "base/utf8.h"

#define REMAINING_BYTES_MAX 4 /* [MQTT-2.2.3] */

/* ---- frames -----------------------------------------------------------------------------------
 */

/* Flags that the fixed header of each type must have; -1: they mean something, -2: no client sends
 * it. */
static const int type_flags[16] = {
    [0] = -2,
    [MQTT_CONNECT] = 0,
    [MQTT_CONNACK] = -2,
    [MQTT_PUBLISH] = -1,
    [MQTT_PUBACK] = 0,
    [MQTT_PUBREC] = 0,
    [MQTT_PUBREL] = 2,
    [MQTT_PUBCOMP] = 0,
    [MQTT_SUBSCRIBE] = 2,
    [MQTT_SUBACK] = -2,
    [MQTT_UNSUBSCRIBE] = 2,
    [MQTT_UNSUBACK] = -2,
    [MQTT_PINGREQ] = 0,
    [MQTT_PINGRESP] = -2,
    [MQTT_DISCONNECT] = 0,
    [15] = -2,
};

static const char *check_first(uint8_t first)
{
    int flags = type_flags[first >> 4];

    if (flags == -2)
        return "type";
    if (flags >= 0 && flags != (first & 15))
        return "reserved_flags";
    if (first >> 4 != MQTT_PUBLISH)
        return NULL;
    if ((first & 6) == 6)
        return "qos";                        /* [MQTT-3.3.1-4] */
    return (first & 14) == 8 ? "dup" : NULL; /* [MQTT-3.3.1-2] */
}

enum mqtt_status mqtt_frame(const void *data, size_t len, size_t max_remaining, size_t *len_r,
                            const char **why_r)
{
    const uint8_t *p = data;
    size_t remaining = 0, used = 1;

    if (len == 0)
        return MQTT_MORE;
    *why_r = check_first(p[0]);
    if (*why_r)
        return MQTT_BAD;
    for (;; used++) {
        if (used > REMAINING_BYTES_MAX) {
            *why_r = "remaining_length";
            return MQTT_BAD;
        }
        if (used >= len)
            return MQTT_MORE;
        remaining |= (size_t)(p[used] & 0x7f) << (7 * (used - 1));
        if (remaining > max_remaining) {
            *why_r = "too_large";
            return MQTT_BAD;
        }
        if (!(p[used] & 0x80))
            break;
    }
    used++;
    if (len < used + remaining)
        return MQTT_MORE;
    *len_r = used + remaining;
    return MQTT_READY;
}

/* ---- a reader of bodies: sticky fault ----------------------------------------------------------
 */

struct reader {
    const uint8_t *at;
    size_t left;
    const char *why; /* first fault */
};

static void fail(struct reader *r, const char *why)
{
    if (!r->why)
        r->why = why;
    r->left = 0;
}

static uint8_t read_u8(struct reader *r)
{
    if (r->left < 1) {
        fail(r, "truncated");
        return 0;
    }
    r->left--;
    return *r->at++;
}

static uint16_t read_u16(struct reader *r)
{
    unsigned high = read_u8(r);
    unsigned low = read_u8(r);
    return (uint16_t)(high << 8 | low);
}

static struct mqtt_text read_bytes(struct reader *r)
{
    size_t len = read_u16(r);
    struct mqtt_text text = {(const char *)r->at, len};

    if (r->why || len > r->left) {
        fail(r, "truncated");
        return (struct mqtt_text){"", 0};
    }
    r->at += len;
    r->left -= len;
    return text;
}

/* [MQTT-1.5.3]: well-formed UTF-8 without U+0000. */
static struct mqtt_text read_text(struct reader *r)
{
    struct mqtt_text text = read_bytes(r);

    if (text.len && (!utf8_valid(text.at, text.len) || memchr(text.at, 0, text.len))) {
        fail(r, "utf8");
        return (struct mqtt_text){"", 0};
    }
    return text;
}

static uint16_t read_id(struct reader *r)
{
    uint16_t id = read_u16(r);

    if (!r->why && id == 0) /* [MQTT-2.3.1-1] */
        fail(r, "packet_id");
    return id;
}

static struct mqtt_text read_topic(struct reader *r)
{
    struct mqtt_text topic = read_text(r);

    if (!r->why && (topic.len == 0 || memchr(topic.at, '+', topic.len) ||
                    memchr(topic.at, '#', topic.len))) /* [MQTT-3.3.2-2], [MQTT-4.7.3-1] */
        fail(r, "topic");
    return topic;
}

/* ---- bodies ------------------------------------------------------------------------------------
 */

static void take_connect_flags(struct reader *r, unsigned flags, struct mqtt_packet *p)
{
    p->is_clean = flags & 2;
    p->has_will = flags & 4;
    p->will_qos = (int)(flags >> 3 & 3);
    p->will_retain = flags & 32;
    if (flags & 1)
        fail(r, "reserved_flags"); /* [MQTT-3.1.2-3] */
    if (p->will_qos == 3 || (!p->has_will && (p->will_qos || p->will_retain)))
        fail(r, "will"); /* [MQTT-3.1.2-11], -13, -15 */
    if ((flags & 64) && !(flags & 128))
        fail(r, "password_without_user"); /* [MQTT-3.1.2-22] */
}

static void decode_connect(struct reader *r, uint8_t first, struct mqtt_packet *p)
{
    struct mqtt_text name = read_text(r);

    (void)first;
    if (!r->why && !(name.len == 4 && memcmp(name.at, "MQTT", 4) == 0) &&
        !(name.len == 6 && memcmp(name.at, "MQIsdp", 6) == 0))
        fail(r, "protocol_name");
    p->level = read_u8(r);
    if (!r->why && (p->level != 4 || name.len != 4)) {
        p->level = p->level == 4 ? 3 : p->level;
        r->left = 0; /* another version's layout: not read */
        return;
    }
    unsigned flags = read_u8(r);
    take_connect_flags(r, flags, p);
    p->keep_alive_s = read_u16(r);
    p->client_id = read_text(r);
    if (p->has_will) {
        p->will_topic = read_topic(r);
        p->will = read_bytes(r);
    }
    if (flags & 128)
        p->user = read_text(r);
    if (flags & 64)
        p->password = read_bytes(r);
}

static void decode_publish(struct reader *r, uint8_t first, struct mqtt_packet *p)
{
    p->qos = first >> 1 & 3;
    p->is_dup = first & 8;
    p->is_retained = first & 1;
    p->topic = read_topic(r);
    if (p->qos > 0)
        p->id = read_id(r);
    if (r->why)
        return;
    p->payload = (struct mqtt_text){(const char *)r->at, r->left};
    r->left = 0;
}

static void decode_id(struct reader *r, uint8_t first, struct mqtt_packet *p)
{
    (void)first;
    p->id = read_id(r);
}

static void decode_nothing(struct reader *r, uint8_t first, struct mqtt_packet *p)
{
    (void)r;
    (void)first;
    (void)p;
}

/* '#' alone at the end of a level of its own, '+' alone in its level [MQTT-4.7.1]. */
static bool filter_ok(struct mqtt_text filter)
{
    for (size_t i = 0; i < filter.len; i++) {
        bool starts = i == 0 || filter.at[i - 1] == '/';
        bool ends = i + 1 == filter.len || filter.at[i + 1] == '/';
        if (filter.at[i] == '+' && !(starts && ends))
            return false;
        if (filter.at[i] == '#' && !(starts && i + 1 == filter.len))
            return false;
    }
    return filter.len > 0;
}

static void decode_filters(struct reader *r, uint8_t first, struct mqtt_packet *p)
{
    p->id = read_id(r);
    p->filters = (struct mqtt_text){(const char *)r->at, r->left};
    if (r->left == 0)
        fail(r, "no_filter"); /* [MQTT-3.8.3-3] */
    while (r->left) {
        struct mqtt_text filter = read_text(r);
        unsigned qos = first >> 4 == MQTT_SUBSCRIBE ? read_u8(r) : 0;
        if (!r->why && (!filter_ok(filter) || qos > 2))
            fail(r, qos > 2 ? "qos" : "filter");
    }
}

static void (*const decoders[16])(struct reader *r, uint8_t first, struct mqtt_packet *p) = {
    [MQTT_CONNECT] = decode_connect,   [MQTT_PUBLISH] = decode_publish,
    [MQTT_PUBACK] = decode_id,         [MQTT_PUBREC] = decode_id,
    [MQTT_PUBREL] = decode_id,         [MQTT_PUBCOMP] = decode_id,
    [MQTT_SUBSCRIBE] = decode_filters, [MQTT_UNSUBSCRIBE] = decode_filters,
    [MQTT_PINGREQ] = decode_nothing,   [MQTT_DISCONNECT] = decode_nothing,
};

bool mqtt_decode(const void *frame, size_t len, struct mqtt_packet *packet_r, const char **why_r)
{
    const uint8_t *p = frame;
    size_t head = 1;

    while (p[head] & 0x80)
        head++;
    head++;
    INVARIANT(head <= len);
    struct reader r = {.at = p + head, .left = len - head, .why = check_first(p[0])};
    memset(packet_r, 0, sizeof(*packet_r));
    packet_r->type = (enum mqtt_type)(p[0] >> 4);
    if (!r.why)
        decoders[packet_r->type](&r, p[0], packet_r);
    if (!r.why && r.left)
        r.why = "left_over";
    *why_r = r.why;
    return r.why == NULL;
}

bool mqtt_next_filter(const struct mqtt_packet *packet, size_t *at, struct mqtt_text *filter_r,
                      int *qos_r)
{
    struct reader r = {.at = (const uint8_t *)packet->filters.at + *at,
                       .left = packet->filters.len - *at};

    if (r.left == 0)
        return false;
    *filter_r = read_text(&r);
    *qos_r = packet->type == MQTT_SUBSCRIBE ? read_u8(&r) : 0;
    INVARIANT(!r.why); /* decode_filters() has seen it */
    *at = packet->filters.len - r.left;
    return true;
}

/* ---- writing -----------------------------------------------------------------------------------
 */

static void put_u8(struct sbuf *out, unsigned v)
{
    sbuf_addc(out, (char)(unsigned char)v);
}

static void put_u16(struct sbuf *out, unsigned v)
{
    put_u8(out, v >> 8);
    put_u8(out, v & 0xff);
}

static void put_head(struct sbuf *out, unsigned first, size_t remaining)
{
    put_u8(out, first);
    do {
        unsigned digit = remaining & 0x7f;
        remaining >>= 7;
        put_u8(out, remaining ? digit | 0x80 : digit);
    } while (remaining);
}

void mqtt_write_connack(struct sbuf *out, bool has_session, enum mqtt_connack code)
{
    put_head(out, MQTT_CONNACK << 4, 2);
    put_u8(out, has_session && code == MQTT_ACCEPTED); /* [MQTT-3.2.2-4] */
    put_u8(out, code);
}

static void put_id(struct sbuf *out, enum mqtt_type type, uint16_t id)
{
    put_head(out, (unsigned)type << 4, 2);
    put_u16(out, id);
}

void mqtt_write_puback(struct sbuf *out, uint16_t id)
{
    put_id(out, MQTT_PUBACK, id);
}

void mqtt_write_unsuback(struct sbuf *out, uint16_t id)
{
    put_id(out, MQTT_UNSUBACK, id);
}

void mqtt_write_suback(struct sbuf *out, uint16_t id, const uint8_t *codes, size_t count)
{
    put_head(out, MQTT_SUBACK << 4, 2 + count);
    put_u16(out, id);
    sbuf_add(out, codes, count);
}

void mqtt_write_pingresp(struct sbuf *out)
{
    put_head(out, MQTT_PINGRESP << 4, 0);
}

void mqtt_write_publish(struct sbuf *out, const char *topic, const void *payload, size_t len)
{
    size_t topic_len = strlen(topic);

    INVARIANT(topic_len <= UINT16_MAX);
    put_head(out, MQTT_PUBLISH << 4, 2 + topic_len + len);
    put_u16(out, (unsigned)topic_len);
    sbuf_add(out, topic, topic_len);
    sbuf_add(out, payload, len);
}
