#include "net/mqtt_server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "base/log.h"
#include "base/metrics.h"

#define BACKLOG 1024
#define ACCEPT_PAUSE_S 1
#define PACKETS_AT_ONCE 32 /* of one connection in a turn of the loop */

enum {
    METRIC_ACCEPTED,
    METRIC_OPEN,
    METRIC_OVER,
    METRIC_PACKETS,
    METRIC_BAD,
    METRIC_CUT,
    METRIC_SLOW
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
};

enum state { STATE_NEW, STATE_LOGIN, STATE_OPEN, STATE_CLOSING };

/* PUBLISH packets in the order they came. */
struct flight {
    uint16_t id; /* 0 = QoS 0 */
    bool is_done;
};

struct mqtt_conn {
    LIST_ENTRY(mqtt_conn) link;
    struct mqtt_server *server;
    struct bufferevent *bev;
    struct event *turn;     /* goes on reading, or frees */
    struct event *deadline; /* of the log-in, or the keep-alive */
    enum state state;
    void *user;
    uint16_t keep_alive_s;
    int64_t heard_us;      /* monotonic, last whole packet */
    uint64_t next, oldest; /* tokens */
    struct flight flights[MQTT_IN_FLIGHT_MOST];
    bool is_known; /* on_connect was called: on_close is due */
    bool is_clean; /* DISCONNECT came */
    bool is_dead;  /* to be freed in the next turn */
};

struct mqtt_server {
    struct event_base *base;
    struct mqtt_server_config config;
    struct mqtt_handler handler;
    struct evconnlistener *listener;
    struct event *resume;
    LIST_HEAD(, mqtt_conn) conns;
    size_t count;
    struct sbuf scratch;
};

void mqtt_server_config_defaults(struct mqtt_server_config *config)
{
    *config = (struct mqtt_server_config){
        .max_connections = 20000,
        .max_packet_bytes = 8192,
        .connect_timeout_us = 10 * US_PER_SECOND,
        .write_timeout_us = 30 * US_PER_SECOND,
        .max_output_bytes = (size_t)64 << 10,
    };
}

/* ---- ends --------------------------------------------------------------------------------------
 */

static void conn_free(struct mqtt_conn *conn)
{
    struct mqtt_server *server = conn->server;

    if (conn->is_known) {
        conn->is_known = false;
        server->handler.on_close(server->handler.ctx, conn, conn->is_clean);
    }
    LIST_REMOVE(conn, link);
    server->count--;
    metric_set(&metrics[METRIC_OPEN], (int64_t)server->count);
    event_free(conn->turn);
    event_free(conn->deadline);
    bufferevent_free(conn->bev);
    free(conn);
}

static void die(struct mqtt_conn *conn)
{
    conn->is_dead = true;
    (void)bufferevent_disable(conn->bev, EV_READ);
    event_active(conn->turn, EV_TIMEOUT, 0);
}

void mqtt_cut(struct mqtt_conn *conn, const char *why)
{
    if (conn->is_dead || conn->state == STATE_CLOSING)
        return;
    metric_inc(&metrics[METRIC_CUT]);
    log_limited(LOG_LEVEL_INFO, "mqtt", "connection closed reason=%s", why);
    die(conn);
}

/* What is in the output still goes out, as long as the peer takes it. */
static void close_politely(struct mqtt_conn *conn)
{
    conn->state = STATE_CLOSING;
    (void)bufferevent_disable(conn->bev, EV_READ);
    if (evbuffer_get_length(bufferevent_get_output(conn->bev)) == 0)
        die(conn);
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

static void set_deadline(struct mqtt_conn *conn, int64_t delay_us)
{
    struct timeval tv = {(time_t)(delay_us / US_PER_SECOND),
                         (suseconds_t)(delay_us % US_PER_SECOND)};
    (void)event_add(conn->deadline, &tv);
}

static void on_connect(struct mqtt_conn *conn, const struct mqtt_packet *p)
{
    struct mqtt_server *server = conn->server;

    if (conn->state != STATE_NEW) { /* [MQTT-3.1.0-2] */
        bad(conn, "second_connect");
        return;
    }
    conn->state = STATE_LOGIN;
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
    conn->flights[token % MQTT_IN_FLIGHT_MOST] = (struct flight){.id = p->id};
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
    return !conn->is_dead && (conn->state == STATE_NEW || conn->state == STATE_OPEN) &&
           conn->next - conn->oldest < MQTT_IN_FLIGHT_MOST;
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
    if (conn->state == STATE_NEW && p.type != MQTT_CONNECT) { /* [MQTT-3.1.0-1] */
        bad(conn, "no_connect");
        return false;
    }
    metric_inc(&metrics[METRIC_PACKETS]);
    conn->heard_us = clk_mono_us();
    packet_handlers[p.type](conn, &p);
    (void)evbuffer_drain(in, len);
    return true;
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
    if (conn->is_dead)
        return;
    if (may_read(conn))
        (void)bufferevent_enable(conn->bev, EV_READ);
    else
        (void)bufferevent_disable(conn->bev, EV_READ);
}

static void read_cb(struct bufferevent *bev, void *ctx)
{
    (void)bev;
    read_packets(ctx);
}

static void turn_cb(evutil_socket_t fd, short what, void *ctx)
{
    struct mqtt_conn *conn = ctx;

    (void)fd;
    (void)what;
    if (conn->is_dead)
        conn_free(conn);
    else
        read_packets(conn);
}

static void write_cb(struct bufferevent *bev, void *ctx)
{
    struct mqtt_conn *conn = ctx;

    (void)bev;
    if (conn->state == STATE_CLOSING)
        die(conn);
}

static void event_cb(struct bufferevent *bev, short what, void *ctx)
{
    (void)bev;
    (void)what; /* EOF, reset, no progress in writing */
    die(ctx);
}

/* Before the log-in: too late. After it: silence, or only a part of the time has gone by. */
static void deadline_cb(evutil_socket_t fd, short what, void *ctx)
{
    struct mqtt_conn *conn = ctx;

    (void)fd;
    (void)what;
    if (conn->state != STATE_OPEN) {
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
    INVARIANT(conn->state == STATE_LOGIN);
    mqtt_write_connack(&conn->server->scratch, false, code);
    flush(conn);
    if (code != MQTT_ACCEPTED) {
        metric_inc(&metrics[METRIC_CUT]);
        close_politely(conn);
        return;
    }
    conn->state = STATE_OPEN;
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

    if (conn->is_dead)
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
    if (conn->is_dead || conn->state != STATE_OPEN)
        return;
    if (evbuffer_get_length(bufferevent_get_output(conn->bev)) >
        conn->server->config.max_output_bytes) {
        metric_inc(&metrics[METRIC_SLOW]);
        return;
    }
    mqtt_write_publish(&conn->server->scratch, topic, payload, len);
    flush(conn);
}

/* ---- listening ---------------------------------------------------------------------------------
 */

static void accept_cb(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa,
                      int sa_len, void *ctx)
{
    struct mqtt_server *server = ctx;
    const struct timeval write_timeout = {(time_t)(server->config.write_timeout_us / US_PER_SECOND),
                                          0};
    int on = 1;

    (void)listener;
    (void)sa;
    (void)sa_len;
    if (server->count >= server->config.max_connections) {
        metric_inc(&metrics[METRIC_OVER]);
        (void)evutil_closesocket(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    struct mqtt_conn *conn = xcalloc(1, sizeof(*conn));
    conn->server = server;
    conn->bev = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
    conn->turn = event_new(server->base, -1, 0, turn_cb, conn);
    conn->deadline = evtimer_new(server->base, deadline_cb, conn);
    INVARIANT(conn->bev && conn->turn && conn->deadline);
    LIST_INSERT_HEAD(&server->conns, conn, link);
    metric_inc(&metrics[METRIC_ACCEPTED]);
    metric_set(&metrics[METRIC_OPEN], (int64_t)++server->count);
    bufferevent_setcb(conn->bev, read_cb, write_cb, event_cb, conn);
    bufferevent_setwatermark(conn->bev, EV_READ, 0, server->config.max_packet_bytes + 16);
    bufferevent_set_timeouts(conn->bev, NULL, &write_timeout);
    (void)bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
    set_deadline(conn, server->config.connect_timeout_us);
}

static void accept_error_cb(struct evconnlistener *listener, void *ctx)
{
    struct mqtt_server *server = ctx;
    const struct timeval pause = {ACCEPT_PAUSE_S, 0};

    log_limited(LOG_LEVEL_WARN, "mqtt", "accept failed, pausing error=\"%s\" connections=%zu",
                evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()), server->count);
    (void)evconnlistener_disable(listener);
    (void)event_add(server->resume, &pause);
}

static void resume_cb(evutil_socket_t fd, short what, void *ctx)
{
    struct mqtt_server *server = ctx;

    (void)fd;
    (void)what;
    (void)evconnlistener_enable(server->listener);
}

bool mqtt_server_listen(struct mqtt_server *server, const char *host, uint16_t port, char **error_r)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    const unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
    struct addrinfo *found = NULL;
    char service[8];

    INVARIANT(!server->listener);
    (void)evutil_snprintf(service, sizeof(service), "%u", port);
    int rc = getaddrinfo(host, service, &hints, &found);
    if (rc != 0) {
        *error_r = xasprintf("%s is not an address: %s", host, gai_strerror(rc));
        return false;
    }
    server->listener = evconnlistener_new_bind(server->base, accept_cb, server, flags, BACKLOG,
                                               found->ai_addr, (int)found->ai_addrlen);
    if (!server->listener)
        *error_r = xasprintf("cannot listen on %s port %u: %s", host, port, strerror(errno));
    freeaddrinfo(found);
    if (!server->listener)
        return false;
    evconnlistener_set_error_cb(server->listener, accept_error_cb);
    return true;
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
    sbuf_init(&server->scratch, 0);
    server->resume = evtimer_new(base, resume_cb, server);
    INVARIANT(server->resume != NULL);
    return server;
}

void mqtt_server_free(struct mqtt_server **server_p)
{
    struct mqtt_server *server = *server_p;

    if (!server)
        return;
    if (server->listener)
        evconnlistener_free(server->listener);
    while (!LIST_EMPTY(&server->conns))
        conn_free(LIST_FIRST(&server->conns));
    event_free(server->resume);
    sbuf_free(&server->scratch);
    free(server);
    *server_p = NULL;
}
