/*
 * mqtt.h - MQTT 3.1.1 packets between a client and us as the server, pure.
 *
 * Strict as the standard [MQTT-x.y.z] has it: reserved bits, UTF-8 without NUL, packet ids, no
 * bytes left over, no wildcards in topic names. What is wrong has a stable word for the log and the
 * metrics; the standard then wants the connection closed.
 *
 * Reading is in two steps: mqtt_frame() says whether a whole packet is there, and refuses what can
 * never become a good one as soon as its bytes tell; mqtt_decode() takes the packet apart. Strings
 * of a packet point into the bytes given.
 */
#ifndef PROTO_MQTT_H
#define PROTO_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/sbuf.h"

enum mqtt_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT
};

enum mqtt_status { MQTT_MORE, MQTT_READY, MQTT_BAD };

struct mqtt_text {
    const char *at; /* not NUL-terminated; NULL = not there */
    size_t len;
};

struct mqtt_packet {
    enum mqtt_type type;
    uint16_t id; /* of QoS > 0, SUBSCRIBE and its like */
    /* CONNECT */
    int level; /* 4; another one wants CONNACK 1, and nothing else is read then */
    bool is_clean, has_will, will_retain;
    int will_qos;
    uint16_t keep_alive_s;
    struct mqtt_text client_id, will_topic, will, user, password;
    /* PUBLISH */
    int qos;
    bool is_dup, is_retained;
    struct mqtt_text topic, payload;
    /* SUBSCRIBE, UNSUBSCRIBE: for mqtt_next_filter() */
    struct mqtt_text filters;
};

/* A fixed header and its body of at most max_remaining bytes. MQTT_READY: *len_r bytes are one
 * packet. MQTT_BAD: *why_r. */
enum mqtt_status mqtt_frame(const void *data, size_t len, size_t max_remaining, size_t *len_r,
                            const char **why_r);
/* Of the bytes that mqtt_frame() found. Packets that only a server sends are bad. */
MUST_CHECK bool mqtt_decode(const void *frame, size_t len, struct mqtt_packet *packet_r,
                            const char **why_r);
/* The filters of a decoded SUBSCRIBE or UNSUBSCRIBE one by one; *at starts at 0. qos is 0 of
 * UNSUBSCRIBE. false: no more. */
MUST_CHECK bool mqtt_next_filter(const struct mqtt_packet *packet, size_t *at,
                                 struct mqtt_text *filter_r, int *qos_r);

enum mqtt_connack {
    MQTT_ACCEPTED,
    MQTT_BAD_LEVEL,
    MQTT_BAD_CLIENT_ID,
    MQTT_SERVER_UNAVAILABLE,
    MQTT_BAD_PASSWORD,
    MQTT_NOT_AUTHORISED
};
#define MQTT_SUBSCRIBE_FAILED 0x80

void mqtt_write_connack(struct sbuf *out, bool has_session, enum mqtt_connack code);
void mqtt_write_puback(struct sbuf *out, uint16_t id);
void mqtt_write_suback(struct sbuf *out, uint16_t id, const uint8_t *codes, size_t count);
void mqtt_write_unsuback(struct sbuf *out, uint16_t id);
void mqtt_write_pingresp(struct sbuf *out);
/* QoS 0. */
void mqtt_write_publish(struct sbuf *out, const char *topic, const void *payload, size_t len);

#endif
