/*
 * mqtt_server.c - connections: packets in, acknowledgements out, ends.
 */
#include "net/mqtt_server.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/mqtt_private.h"
#include "net/net_private.h"

#define PACKETS_AT_ONCE 32 /* of one connection in a turn of the loop */
#define FIXED_HEADER_MAX 5 /* [MQTT-2.2] */
/* After a refusal: closing over unread bytes resets the connection, and the reset may overtake the
 * CONNACK. */
#define LINGER_US US_PER_SECOND
#define LINGER_BYTES ((size_t)64 << 10)

enum {
    METRIC_ACCEPTED,
    METRIC_OPEN,
    METRIC_OVER,
    METRIC_PACKETS,
    METRIC_BAD,
    METRIC_CUT,
    METRIC_SLOW,
    METRIC_STRANGERS,
    METRIC_TLS_FAILED
};
static struct metric metrics[] = {
    [METRIC_ACCEPTED] = {"hotlined_mqtt_connections_total", NULL, "MQTT connections accepted.",
                         METRIC_COUNTER, 0},
    [METRIC_OPEN] = {"hotlined_mqtt_connections", NULL, "MQTT connections now.", METRIC_GAUGE, 0},
    [METRIC_OVER] = {"hotlined_mqtt_over_limit_total", NULL,
                     "MQTT connections closed because there were too many.", METRIC_COUNTER, 0},
    [METRIC_PACKETS] = {"hotlined_mqtt_packets_total", NULL, "MQTT packets read.", METRIC_COUNTER,
                        0},
    [METRIC_BAD] = {"hotlined_mqtt_bad_packets_total", NULL,
                    "MQTT packets that break the standard; their connections were closed.",
                    METRIC_COUNTER, 0},
    [METRIC_CUT] = {"hotlined_mqtt_cut_total", NULL,
                    "MQTT connections closed by us for another reason: deadline, log-in, topic.",
                    METRIC_COUNTER, 0},
    [METRIC_SLOW] = {"hotlined_mqtt_unsent_total", NULL,
                     "Messages not sent to clients that read too slowly.", METRIC_COUNTER, 0},
    [METRIC_STRANGERS] = {"hotlined_mqtt_strangers_cut_total", NULL,
                          "MQTT connections closed because too many had sent no CONNECT.",
                          METRIC_COUNTER, 0},
    [METRIC_TLS_FAILED] = {"hotlined_mqtt_tls_failed_total", NULL,
                           "MQTT connections that ended in their TLS handshake.", METRIC_COUNTER,
                           0},
};

void mqtt_server_config_defaults(struct mqtt_server_config *config)
{
    *config = (struct mqtt_server_config){
        .max_connections = 20000,
        .max_strangers = 2000,
        .max_packet_bytes = 8192,
        .connect_timeout_us = 10 * US_PER_SECOND,
        .write_timeout_us = 30 * US_PER_SECOND,
        .max_output_bytes = (size_t)64 << 10,
    };
}

/* ---- ends --------------------------------------------------------------------------------------
 */

static void no_stranger(struct mqtt_conn *conn)
{
    if (!conn->is_strange)
        return;
    conn->is_strange = false;
    TAILQ_REMOVE(&conn->server->strangers, conn, strange);
    conn->server->stranger_count--;
}

static void conn_free(struct mqtt_conn *conn)
{
    struct mqtt_server *server = conn->server;

    no_stranger(conn);
    if (conn->is_known) {
        conn->is_known = false;
        server->handler.on_close(server->handler.ctx, conn, conn->is_clean);
    }
    LIST_REMOVE(conn, link);
    server->count--;
    metric_set(&metrics[METRIC_OPEN], (int64_t)server->count);
    event_free(conn->turn);
    event_free(conn->deadline);
    if (conn->ssl)
        tls_close_notify(conn->ssl);
    bufferevent_free(conn->bev);
    free(conn);
}

static void die(struct mqtt_conn *conn)
{
    no_stranger(conn);
    conn->is_dead = true;
    (void)bufferevent_disable(conn->bev, EV_READ);
    event_active(conn->turn, EV_TIMEOUT, 0);
}

void mqtt_cut(struct mqtt_conn *conn, const char *why)
{
    if (conn->is_dead || conn->state == MQTT_STATE_CLOSING)
        return;
    metric_inc(&metrics[METRIC_CUT]);
    log_limited(LOG_LEVEL_INFO, "mqtt", "connection closed reason=%s", why);
    die(conn);
}

static void set_deadline(struct mqtt_conn *conn, int64_t delay_us)
{
    struct timeval tv = {(time_t)(delay_us / US_PER_SECOND),
                         (suseconds_t)(delay_us % US_PER_SECOND)};
    (void)event_add(conn->deadline, &tv);
}

static size_t unsent(const struct mqtt_conn *conn)
{
    return evbuffer_get_length(bufferevent_get_output(conn->bev));
}

/* Our last word is out; what the peer still says is read and thrown away until it has heard. */
static void linger(struct mqtt_conn *conn)
{
    struct evbuffer *in = bufferevent_get_input(conn->bev);

    (void)evbuffer_drain(in, evbuffer_get_length(in));
    if (conn->ssl)
        tls_close_notify(conn->ssl);
    (void)shutdown(bufferevent_getfd(conn->bev), SHUT_WR);
    (void)bufferevent_enable(conn->bev, EV_READ);
    set_deadline(conn, LINGER_US);
}

/* What is in the output still goes out, as long as the peer takes it. */
static void close_politely(struct mqtt_conn *conn)
{
    conn->state = MQTT_STATE_CLOSING;
    (void)bufferevent_disable(conn->bev, EV_READ);
    if (unsent(conn) == 0)
        linger(conn);
}

static void flush(struct mqtt_conn *conn)
{
    struct sbuf *out = &conn->server->scratch;

    if (out->len)
        (void)bufferevent_write(conn->bev, out->data, out->len);
    sbuf_clear(out);
}

/* ---- packets -----------------------------------------------------------------------------------
 */

static void bad(struct mqtt_conn *conn, const char *why)
{
    metric_inc(&metrics[METRIC_BAD]);
    log_limited(LOG_LEVEL_INFO, "mqtt", "bad packet reason=%s", why);
    die(conn);
}

static void on_connect(struct mqtt_conn *conn, const struct mqtt_packet *p)
{
    struct mqtt_server *server = conn->server;

    if (conn->state != MQTT_STATE_NEW) { /* [MQTT-3.1.0-2] */
        bad(conn, "second_connect");
        return;
    }
    no_stranger(conn);
    conn->state = MQTT_STATE_LOGIN;
    if (p->level != 4) {
        mqtt_accept(conn, MQTT_BAD_LEVEL);
        return;
    }
    conn->keep_alive_s = p->keep_alive_s;
    conn->is_known = true;
    server->handler.on_connect(server->handler.ctx, conn, p);
}

static void on_publish(struct mqtt_conn *conn, const struct mqtt_packet *p)
{
    struct mqtt_server *server = conn->server;
    uint64_t token = conn->next++;

    if (p->qos == 2) { /* not served; [MQTT-4.8] leaves closing */
        bad(conn, "qos2");
        return;
    }
    conn->flights[token % MQTT_IN_FLIGHT_MOST] = (struct mqtt_flight){.id = p->id};
    server->handler.on_publish(server->handler.ctx, conn, p, token);
}

static void on_subscribe(struct mqtt_conn *conn, const struct mqtt_packet *p)
{
    struct mqtt_server *server = conn->server;
    struct mqtt_text filter;
    struct sbuf codes;
    size_t at = 0;
    int qos;

    sbuf_init(&codes, 0);
    while (mqtt_next_filter(p, &at, &filter, &qos)) {
        bool may = server->handler.on_subscribe(server->handler.ctx, conn, filter);
        sbuf_addc(&codes, may ? 0 : (char)(unsigned char)MQTT_SUBSCRIBE_FAILED);
    }
    mqtt_write_suback(&server->scratch, p->id, (const uint8_t *)codes.data, codes.len);
    sbuf_free(&codes);
    flush(conn);
}

static void on_unsubscribe(struct mqtt_conn *conn, const struct mqtt_packet *p)
{
    mqtt_write_unsuback(&conn->server->scratch, p->id);
    flush(conn);
}

static void on_ping(struct mqtt_conn *conn, const struct mqtt_packet *p)
{
    (void)p;
    mqtt_write_pingresp(&conn->server->scratch);
    flush(conn);
}

static void on_disconnect(struct mqtt_conn *conn, const struct mqtt_packet *p)
{
    (void)p;
    conn->is_clean = true;
    close_politely(conn);
}

/* We send nothing that wants an answer: PUBACK and its like mean nothing, and harm nothing. */
static void on_ack(struct mqtt_conn *conn, const struct mqtt_packet *p)
{
    (void)conn;
    (void)p;
}

static void (*const packet_handlers[16])(struct mqtt_conn *conn, const struct mqtt_packet *p) = {
    [MQTT_CONNECT] = on_connect,     [MQTT_PUBLISH] = on_publish,
    [MQTT_PUBACK] = on_ack,          [MQTT_PUBREC] = on_ack,
    [MQTT_PUBREL] = on_ack,          [MQTT_PUBCOMP] = on_ack,
    [MQTT_SUBSCRIBE] = on_subscribe, [MQTT_UNSUBSCRIBE] = on_unsubscribe,
    [MQTT_PINGREQ] = on_ping,        [MQTT_DISCONNECT] = on_disconnect,
};

/* ---- reading -----------------------------------------------------------------------------------
 */

static bool may_read(const struct mqtt_conn *conn)
{
    return !conn->is_dead && (conn->state == MQTT_STATE_NEW || conn->state == MQTT_STATE_OPEN) &&
           conn->next - conn->oldest < MQTT_IN_FLIGHT_MOST &&
           unsent(conn) <= conn->server->config.max_output_bytes;
}

/* One packet of the input; false: there is none yet, or it was the last. */
static bool read_one(struct mqtt_conn *conn)
{
    struct evbuffer *in = bufferevent_get_input(conn->bev);
    size_t have = evbuffer_get_length(in), len = 0;
    const char *why = NULL;
    struct mqtt_packet p;

    if (!have)
        return false;
    const void *data = evbuffer_pullup(in, -1);
    enum mqtt_status status =
        mqtt_frame(data, have, conn->server->config.max_packet_bytes, &len, &why);
    if (status == MQTT_MORE)
        return false;
    if (status == MQTT_BAD || !mqtt_decode(data, len, &p, &why)) {
        bad(conn, why);
        return false;
    }
    if (conn->state == MQTT_STATE_NEW && p.type != MQTT_CONNECT) { /* [MQTT-3.1.0-1] */
        bad(conn, "no_connect");
        return false;
    }
    metric_inc(&metrics[METRIC_PACKETS]);
    conn->heard_us = clk_mono_us();
    packet_handlers[p.type](conn, &p);
    (void)evbuffer_drain(in, len);
    return true;
}

/* Under TLS nothing but this bounds the input, see mqtt_conn_new(). A packet that is not complete
 * is always below it. */
static bool has_room(const struct mqtt_conn *conn)
{
    return evbuffer_get_length(bufferevent_get_input(conn->bev)) <
           conn->server->config.max_packet_bytes + FIXED_HEADER_MAX;
}

static void read_packets(struct mqtt_conn *conn)
{
    for (int i = 0; i < PACKETS_AT_ONCE; i++) {
        if (!may_read(conn))
            break;
        if (!read_one(conn))
            break;
        if (i == PACKETS_AT_ONCE - 1 && evbuffer_get_length(bufferevent_get_input(conn->bev)))
            event_active(conn->turn, EV_TIMEOUT, 0);
    }
    if (conn->is_dead || conn->state == MQTT_STATE_CLOSING)
        return;
    if (may_read(conn) && has_room(conn))
        (void)bufferevent_enable(conn->bev, EV_READ);
    else
        (void)bufferevent_disable(conn->bev, EV_READ);
}

static void throw_away(struct mqtt_conn *conn)
{
    struct evbuffer *in = bufferevent_get_input(conn->bev);

    conn->linger_bytes += evbuffer_get_length(in);
    (void)evbuffer_drain(in, evbuffer_get_length(in));
    if (conn->linger_bytes > LINGER_BYTES)
        die(conn);
}

static void read_cb(struct bufferevent *bev, void *ctx)
{
    struct mqtt_conn *conn = ctx;

    (void)bev;
    if (conn->state == MQTT_STATE_CLOSING)
        throw_away(conn);
    else
        read_packets(conn);
}

static void turn_cb(evutil_socket_t fd, short what, void *ctx)
{
    struct mqtt_conn *conn = ctx;

    (void)fd;
    (void)what;
    if (conn->is_dead)
        conn_free(conn);
    else if (conn->state != MQTT_STATE_CLOSING)
        read_packets(conn);
}

static void write_cb(struct bufferevent *bev, void *ctx)
{
    struct mqtt_conn *conn = ctx;

    (void)bev;
    if (conn->is_dead || unsent(conn) > 0)
        return;
    if (conn->state == MQTT_STATE_CLOSING)
        linger(conn);
    else if (conn->state == MQTT_STATE_OPEN) /* which may have had too much to say to go on */
        event_active(conn->turn, EV_TIMEOUT, 0);
}

static void event_cb(struct bufferevent *bev, short what, void *ctx)
{
    struct mqtt_conn *conn = ctx;

    (void)bev;
    if (what & BEV_EVENT_CONNECTED) /* the handshake; CONNECT is still to come */
        return;
    ERR_clear_error(); /* left over, it would be blamed on another connection */
    if (conn->ssl && !SSL_is_init_finished(conn->ssl))
        metric_inc(&metrics[METRIC_TLS_FAILED]);
    die(conn); /* EOF, reset, no progress in writing */
}

/* Before the log-in: too late. After it: silence, or only a part of the time has gone by. */
static void deadline_cb(evutil_socket_t fd, short what, void *ctx)
{
    struct mqtt_conn *conn = ctx;

    (void)fd;
    (void)what;
    if (conn->state == MQTT_STATE_CLOSING) {
        die(conn);
        return;
    }
    if (conn->state != MQTT_STATE_OPEN) {
        mqtt_cut(conn, "connect_deadline");
        return;
    }
    int64_t limit_us = conn->keep_alive_s * US_PER_SECOND * 3 / 2;
    int64_t silent_us = clk_mono_us() - conn->heard_us;
    if (silent_us < limit_us)
        set_deadline(conn, limit_us - silent_us);
    else if (may_read(conn))
        mqtt_cut(conn, "keep_alive");
    else /* it is we who do not read */
        set_deadline(conn, limit_us);
}

/* ---- answers -----------------------------------------------------------------------------------
 */

void mqtt_conn_set_user(struct mqtt_conn *conn, void *user)
{
    conn->user = user;
}

void *mqtt_conn_user(const struct mqtt_conn *conn)
{
    return conn->user;
}

void mqtt_accept(struct mqtt_conn *conn, enum mqtt_connack code)
{
    if (conn->is_dead)
        return;
    INVARIANT(conn->state == MQTT_STATE_LOGIN);
    mqtt_write_connack(&conn->server->scratch, false, code);
    flush(conn);
    if (code != MQTT_ACCEPTED) {
        metric_inc(&metrics[METRIC_CUT]);
        close_politely(conn);
        return;
    }
    conn->state = MQTT_STATE_OPEN;
    conn->heard_us = clk_mono_us();
    (void)event_del(conn->deadline);
    if (conn->keep_alive_s)
        set_deadline(conn, conn->keep_alive_s * US_PER_SECOND * 3 / 2);
    event_active(conn->turn, EV_TIMEOUT, 0);
}

void mqtt_done(struct mqtt_conn *conn, uint64_t token)
{
    struct sbuf *out = &conn->server->scratch;
    bool was_full = conn->next - conn->oldest >= MQTT_IN_FLIGHT_MOST;

    if (conn->is_dead || conn->state == MQTT_STATE_CLOSING)
        return;
    INVARIANT(token >= conn->oldest && token < conn->next);
    conn->flights[token % MQTT_IN_FLIGHT_MOST].is_done = true;
    while (conn->oldest < conn->next && conn->flights[conn->oldest % MQTT_IN_FLIGHT_MOST].is_done) {
        uint16_t id = conn->flights[conn->oldest++ % MQTT_IN_FLIGHT_MOST].id;
        if (id)
            mqtt_write_puback(out, id);
    }
    flush(conn);
    if (was_full && may_read(conn))
        event_active(conn->turn, EV_TIMEOUT, 0);
}

void mqtt_send(struct mqtt_conn *conn, const char *topic, const void *payload, size_t len)
{
    if (conn->is_dead || conn->state != MQTT_STATE_OPEN)
        return;
    if (unsent(conn) > conn->server->config.max_output_bytes) {
        metric_inc(&metrics[METRIC_SLOW]);
        return;
    }
    mqtt_write_publish(&conn->server->scratch, topic, payload, len);
    flush(conn);
}

/* ---- opening -----------------------------------------------------------------------------------
 */

static struct bufferevent *open_bufferevent(struct mqtt_server *server, evutil_socket_t fd,
                                            SSL_CTX *tls, SSL **ssl_r)
{
    *ssl_r = NULL;
    if (!tls)
        return bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
    SSL *ssl = SSL_new(tls);
    if (!ssl)
        return NULL;
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        server->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (!bev) {
        SSL_free(ssl);
        return NULL;
    }
    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1); /* EOF, not an error */
    *ssl_r = ssl;
    return bev;
}

/* The new one may be a device that wants to press; the oldest had its time. */
static void make_room(struct mqtt_server *server)
{
    struct mqtt_conn *oldest = TAILQ_FIRST(&server->strangers);

    if (!oldest || server->stranger_count < server->config.max_strangers)
        return;
    metric_inc(&metrics[METRIC_STRANGERS]);
    die(oldest);
}

static void start(struct mqtt_conn *conn)
{
    struct mqtt_server *server = conn->server;
    const struct timeval write_timeout = {(time_t)(server->config.write_timeout_us / US_PER_SECOND),
                                          0};

    bufferevent_setcb(conn->bev, read_cb, write_cb, event_cb, conn);
    /*
     * Under TLS libevent 2.1 stalls at a high watermark: what OpenSSL has decrypted already is not
     * asked for again when room is made. There one record is read at a time, see has_room().
     */
    if (!conn->ssl)
        bufferevent_setwatermark(conn->bev, EV_READ, 0,
                                 server->config.max_packet_bytes + FIXED_HEADER_MAX);
    bufferevent_set_timeouts(conn->bev, NULL, &write_timeout);
    (void)bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
    set_deadline(conn, server->config.connect_timeout_us);
}

struct mqtt_conn *mqtt_conn_new(struct mqtt_server *server, evutil_socket_t fd, SSL_CTX *tls)
{
    int on = 1;
    SSL *ssl = NULL;
    bool is_full = server->count >= server->config.max_connections;
    struct bufferevent *bev = is_full ? NULL : open_bufferevent(server, fd, tls, &ssl);

    if (!bev) {
        metric_inc(&metrics[is_full ? METRIC_OVER : METRIC_TLS_FAILED]);
        ERR_clear_error();
        (void)evutil_closesocket(fd);
        return NULL;
    }
    make_room(server);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    struct mqtt_conn *conn = xcalloc(1, sizeof(*conn));
    conn->server = server;
    conn->bev = bev;
    conn->ssl = ssl;
    conn->turn = event_new(server->base, -1, 0, turn_cb, conn);
    conn->deadline = evtimer_new(server->base, deadline_cb, conn);
    INVARIANT(conn->turn && conn->deadline);
    LIST_INSERT_HEAD(&server->conns, conn, link);
    TAILQ_INSERT_TAIL(&server->strangers, conn, strange);
    conn->is_strange = true;
    server->stranger_count++;
    metric_inc(&metrics[METRIC_ACCEPTED]);
    metric_set(&metrics[METRIC_OPEN], (int64_t)++server->count);
    start(conn);
    return conn;
}

struct mqtt_server *mqtt_server_new(struct event_base *base,
                                    const struct mqtt_server_config *config,
                                    const struct mqtt_handler *handler)
{
    static bool is_registered;
    struct mqtt_server *server = xcalloc(1, sizeof(*server));

    if (!is_registered)
        metrics_register(metrics, ARRAY_LEN(metrics));
    is_registered = true;
    server->base = base;
    server->config = *config;
    server->handler = *handler;
    LIST_INIT(&server->conns);
    TAILQ_INIT(&server->strangers);
    sbuf_init(&server->scratch, 0);
    return server;
}

void mqtt_server_free(struct mqtt_server **server_p)
{
    struct mqtt_server *server = *server_p;

    if (!server)
        return;
    mqtt_listeners_close(server);
    while (!LIST_EMPTY(&server->conns))
        conn_free(LIST_FIRST(&server->conns));
    SSL_CTX_free(server->tls);
    sbuf_free(&server->scratch);
    free(server);
    *server_p = NULL;
}
