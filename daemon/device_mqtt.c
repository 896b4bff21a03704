/*
 * device_mqtt.c - sessions of devices: log-in by MAC, own topics only, each PUBLISH an order for
 * the lane; PUBACK when that is committed, the short answer on down/ack when its ticket is there.
 */
#include "daemon/device_mqtt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"
#include "daemon/desk_event.h"
#include "daemon/device.h"
#include "hotline/ticket_number.h"
#include "net/mqtt_server.h"

#define TOPIC_PREFIX "hotline/v1/"
#define TOPIC_MAX (sizeof(TOPIC_PREFIX) + DEVICE_ID_MAX + sizeof("/up/heartbeat"))
#define PAYLOAD_MAX 4096
#define WILL_MAX 1024

enum { METRIC_LOGINS, METRIC_UNREADABLE, METRIC_WILLS };
static struct metric metrics[] = {
    [METRIC_LOGINS] = {"hotlined_device_mqtt_logins_total", NULL, "Devices that logged in.",
                       METRIC_COUNTER, 0},
    [METRIC_UNREADABLE] = {"hotlined_device_mqtt_unreadable_total", NULL,
                           "Messages that were no press and no heartbeat; acknowledged, so that "
                           "they do not come for ever.",
                           METRIC_COUNTER, 0},
    [METRIC_WILLS] = {"hotlined_device_mqtt_wills_total", NULL,
                      "Last wills of devices taken as messages of theirs.", METRIC_COUNTER, 0},
};

struct session {
    struct device_mqtt *owner;
    struct mqtt_conn *conn; /* NULL: closed */
    size_t refs;            /* the connection and each order under way */
    char device[DEVICE_ID_MAX + 1];
    bool is_in, is_subscribed;
    int64_t since_us; /* log-in; a key that is changed later ends the session */
    enum device_kind will_kind;
    char *will; /* NULL = none */
    size_t will_len;
};

/* A PUBLISH under way. Lives in the order's arena. */
struct flight {
    struct session *session;
    uint64_t token;
    const char *boot_id;
    int64_t seq;
    bool is_acknowledged;
};

struct device_mqtt {
    struct daemon *d;
    struct mqtt_server *server;
    struct map *sessions; /* device id -> session that is logged in */
};

static void session_unref(struct session *s)
{
    if (--s->refs > 0)
        return;
    free(s->will);
    free(s);
}

/* ---- topics ------------------------------------------------------------------------------------
 */

static bool text_is(struct mqtt_text text, const char *wanted)
{
    return text.len == strlen(wanted) && memcmp(text.at, wanted, text.len) == 0;
}

static bool topic_is(const struct session *s, struct mqtt_text topic, const char *tail)
{
    char own[TOPIC_MAX + 16];
    int len = snprintf(own, sizeof(own), TOPIC_PREFIX "%s%s", s->device, tail);

    INVARIANT(len > 0 && (size_t)len < sizeof(own));
    return text_is(topic, own);
}

static bool kind_of(const struct session *s, struct mqtt_text topic, enum device_kind *kind_r)
{
    bool is_press = topic_is(s, topic, "/up/press");

    *kind_r = is_press ? DEVICE_PRESS : DEVICE_HEARTBEAT;
    return is_press || topic_is(s, topic, "/up/heartbeat");
}

/* ---- messages ----------------------------------------------------------------------------------
 */

static void on_commit(struct device_order *order)
{
    struct flight *flight = order->ctx;

    if (flight->session->conn)
        mqtt_done(flight->session->conn, flight->token);
    flight->is_acknowledged = true;
}

static void send_answer(const struct flight *flight, const struct device_answer *answer)
{
    struct session *s = flight->session;
    char number[TICKET_NUMBER_SIZE], topic[TOPIC_MAX + 16];
    struct json_writer w;
    struct sbuf out;

    if (!s->conn || !s->is_subscribed)
        return;
    if (answer->number)
        ticket_number_format(answer->number, number);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "boot_id", flight->boot_id);
    jw_int(&w, "seq", flight->seq);
    jw_string(&w, "n", answer->number ? number : NULL);
    jw_string(&w, "s", answer->state);
    jw_int(&w, "t", answer->at_us / US_PER_SECOND);
    jw_object_end(&w);
    (void)snprintf(topic, sizeof(topic), TOPIC_PREFIX "%s/down/ack", s->device);
    mqtt_send(s->conn, topic, out.data, out.len);
    sbuf_free(&out);
}

/* Not stored: without a PUBACK the device sends it again when it is back. */
static void on_done(struct device_order *order, enum device_end end,
                    const struct device_answer *answer)
{
    struct flight *flight = order->ctx;
    struct session *s = flight->session;

    if (end == DEVICE_STORED || end == DEVICE_REPEATED)
        send_answer(flight, answer);
    else if (!flight->is_acknowledged && s->conn)
        mqtt_cut(s->conn, end == DEVICE_REFUSED ? "retired" : "not_stored");
    session_unref(s);
}

static bool decode(struct device_order *order, const char *text, size_t len)
{
    struct faults faults;
    bool is_good = false;

    faults_init(&faults, order->arena);
    struct json_doc *doc = len <= PAYLOAD_MAX ? json_parse(text, len, &faults) : NULL;
    if (doc && order->kind == DEVICE_PRESS)
        is_good = device_json_decode_press(json_root(doc), order->arena, &order->message, &faults);
    else if (doc)
        is_good =
            device_json_decode_heartbeat(json_root(doc), order->arena, &order->message, &faults);
    json_doc_free(&doc);
    int64_t off = order->message.pressed_us - order->received_us;
    if (is_good && order->message.pressed_us && (off > DEVICE_SKEW_US || off < -DEVICE_SKEW_US))
        order->message.flags |= DEVICE_FLAG_CLOCK;
    return is_good;
}

/* false: it is not a message. conn and token of a will are NULL and 0. */
static bool submit(struct session *s, enum device_kind kind, const char *text, size_t len,
                   uint64_t token)
{
    struct device_order *order = device_order_new(s->owner->d);
    struct flight *flight = arena_alloc(order->arena, sizeof(*flight));

    order->kind = kind;
    order->device = arena_strdup(order->arena, s->device);
    order->via = "mqtt";
    order->since_us = s->since_us;
    if (!decode(order, text, len)) {
        arena_free(&(struct arena *){order->arena});
        return false;
    }
    *flight = (struct flight){s, token, order->message.boot_id, order->message.seq, false};
    order->ctx = flight;
    order->on_commit = on_commit;
    order->done = on_done;
    s->refs++;
    if (!device_submit(order)) {
        if (s->conn)
            mqtt_cut(s->conn, "busy");
        session_unref(s);
    }
    return true;
}

static void on_publish(void *ctx, struct mqtt_conn *conn, const struct mqtt_packet *packet,
                       uint64_t token)
{
    struct session *s = mqtt_conn_user(conn);
    enum device_kind kind;

    (void)ctx;
    if (!kind_of(s, packet->topic, &kind)) {
        mqtt_cut(conn, "topic");
        return;
    }
    if (submit(s, kind, packet->payload.at, packet->payload.len, token))
        return;
    metric_inc(&metrics[METRIC_UNREADABLE]);
    desk_event_refused(s->owner->d, "mqtt", s->device, "unreadable");
    mqtt_done(conn, token);
}

static bool on_subscribe(void *ctx, struct mqtt_conn *conn, struct mqtt_text filter)
{
    struct session *s = mqtt_conn_user(conn);
    bool is_own = topic_is(s, filter, "/down/ack") || topic_is(s, filter, "/down/#") ||
                  topic_is(s, filter, "/#");

    (void)ctx;
    s->is_subscribed |= is_own;
    return is_own;
}

/* ---- log-in ------------------------------------------------------------------------------------
 */

/* The same device once more: the older connection goes [MQTT-3.1.4-2]. */
static void take_over(struct session *s)
{
    struct session *older = map_puts(s->owner->sessions, s->device, s);

    if (older && older->conn)
        mqtt_cut(older->conn, "taken_over");
    if (older)
        older->is_in = false;
    s->is_in = true;
}

static void on_login(struct device_order *order, enum device_end end,
                     const struct device_answer *answer)
{
    struct session *s = order->ctx;

    (void)answer;
    if (s->conn && end == DEVICE_STORED) {
        metric_inc(&metrics[METRIC_LOGINS]);
        s->since_us = order->received_us;
        take_over(s);
        mqtt_accept(s->conn, MQTT_ACCEPTED);
    } else if (s->conn) {
        mqtt_accept(s->conn, end == DEVICE_REFUSED ? MQTT_BAD_PASSWORD : MQTT_SERVER_UNAVAILABLE);
    }
    session_unref(s);
}

static bool keep_will(struct session *s, const struct mqtt_packet *packet)
{
    if (!packet->has_will)
        return true;
    if (packet->will.len > WILL_MAX || !kind_of(s, packet->will_topic, &s->will_kind))
        return false;
    s->will = xstrndup(packet->will.at, packet->will.len);
    s->will_len = packet->will.len;
    return true;
}

static void ask_for(struct session *s, const struct mqtt_packet *packet)
{
    struct device_order *order = device_order_new(s->owner->d);
    struct sbuf text;

    order->kind = DEVICE_LOGIN;
    order->device = arena_strdup(order->arena, s->device);
    order->via = "mqtt";
    sbuf_init(&text, 0);
    bool is_good = packet->user.at && packet->password.at && text_is(packet->user, s->device) &&
                   device_password_parse(s->device, packet->password.at, packet->password.len,
                                         &text, order->mac);
    order->mac_text = arena_strndup(order->arena, text.data, text.len);
    order->mac_len = text.len;
    sbuf_free(&text);
    if (!is_good) {
        device_count_refused();
        arena_free(&(struct arena *){order->arena});
        mqtt_accept(s->conn, MQTT_BAD_PASSWORD);
        return;
    }
    order->ctx = s;
    order->done = on_login;
    s->refs++;
    if (!device_submit(order)) {
        mqtt_accept(s->conn, MQTT_SERVER_UNAVAILABLE);
        session_unref(s);
    }
}

static void on_connect(void *ctx, struct mqtt_conn *conn, const struct mqtt_packet *packet)
{
    struct session *s = xcalloc(1, sizeof(*s));

    s->owner = ctx;
    s->conn = conn;
    s->refs = 1;
    mqtt_conn_set_user(conn, s);
    if (!device_id_valid(packet->client_id.at, packet->client_id.len)) {
        mqtt_accept(conn, MQTT_BAD_CLIENT_ID);
        return;
    }
    memcpy(s->device, packet->client_id.at, packet->client_id.len);
    if (!keep_will(s, packet))
        mqtt_accept(conn, MQTT_NOT_AUTHORISED);
    else
        ask_for(s, packet);
}

static void on_close(void *ctx, struct mqtt_conn *conn, bool is_clean)
{
    struct device_mqtt *mqtt = ctx;
    struct session *s = mqtt_conn_user(conn);

    s->conn = NULL;
    if (s->is_in) {
        (void)map_removes(mqtt->sessions, s->device);
        if (s->will && !is_clean && !mqtt->d->is_stopping) {
            metric_inc(&metrics[METRIC_WILLS]);
            (void)submit(s, s->will_kind, s->will, s->will_len, 0);
        }
    }
    session_unref(s);
}

/* ---- life --------------------------------------------------------------------------------------
 */

struct device_mqtt *device_mqtt_new(struct daemon *d)
{
    struct device_mqtt *mqtt = xcalloc(1, sizeof(*mqtt));
    const struct mqtt_handler handler = {on_connect, on_publish, on_subscribe, on_close, mqtt};
    struct mqtt_server_config config;

    metrics_register(metrics, ARRAY_LEN(metrics));
    mqtt_server_config_defaults(&config);
    config.max_connections = (size_t)d->settings.mqtt_max_connections;
    config.max_strangers = (size_t)d->settings.mqtt_max_strangers;
    mqtt->d = d;
    mqtt->sessions = map_new();
    mqtt->server = mqtt_server_new(d->base, &config, &handler);
    return mqtt;
}

bool device_mqtt_load_tls(struct device_mqtt *mqtt, char **error_r)
{
    const struct settings *s = &mqtt->d->settings;
    bool is_own = s->mqtt_tls_cert[0] != '\0';
    const char *cert = is_own ? s->mqtt_tls_cert : s->tls_cert;

    if (!s->mqtt_tls_port)
        return true;
    if (!cert[0]) {
        *error_r = xstrdup("mqtt_tls_port needs a certificate: mqtt_tls_cert or tls_cert");
        return false;
    }
    return mqtt_server_load_tls(mqtt->server, cert, is_own ? s->mqtt_tls_key : s->tls_key, error_r);
}

static bool listen_on(struct device_mqtt *mqtt, int64_t port, bool is_tls, char **error_r)
{
    const struct settings *s = &mqtt->d->settings;
    const char *host = s->mqtt_listen[0] ? s->mqtt_listen : s->listen;

    if (!port)
        return true;
    if (!mqtt_server_listen(mqtt->server, host, (uint16_t)port, is_tls, error_r))
        return false;
    log_info("mqtt", "ready port=%d tls=%d", (int)port, is_tls);
    return true;
}

bool device_mqtt_listen(struct device_mqtt *mqtt, char **error_r)
{
    const struct settings *s = &mqtt->d->settings;

    return device_mqtt_load_tls(mqtt, error_r) && listen_on(mqtt, s->mqtt_port, false, error_r) &&
           listen_on(mqtt, s->mqtt_tls_port, true, error_r);
}

void device_mqtt_free(struct device_mqtt **mqtt_p)
{
    struct device_mqtt *mqtt = *mqtt_p;

    if (!mqtt)
        return;
    mqtt_server_free(&mqtt->server);
    map_free(&mqtt->sessions);
    free(mqtt);
    *mqtt_p = NULL;
}
