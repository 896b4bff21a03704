/*
 * http_conn.c - the life of one connection: events of the socket, deadlines, closing.
 *
 * One timer per connection, and a lazy one: deadlines only move a field, the timer fires at the
 * earliest of them, looks at the field and goes back to sleep. A busy keep-alive connection
 * touches the timer heap about once per idle timeout.
 */
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "base/log.h"
#include "net/net_private.h"

size_t conn_pending(const struct http_conn *conn)
{
    return evbuffer_get_length(bufferevent_get_output(conn->bev));
}

/* ---- deadlines ---------------------------------------------------------------------------------
 */

void conn_deadline(struct http_conn *conn, int64_t deadline_us)
{
    conn->deadline_us = deadline_us;
    if (deadline_us >= conn->armed_us)
        return;
    int64_t left = deadline_us - clk_mono_us();
    if (left < US_PER_MS)
        left = US_PER_MS;
    const struct timeval tv = {left / US_PER_SECOND, left % US_PER_SECOND};
    conn->armed_us = deadline_us;
    (void)event_add(&conn->timer, &tv);
}

void conn_cut_later(struct http_conn *conn, enum close_reason why)
{
    if (conn->cut)
        return;
    conn->cut = true;
    conn->why = why;
    event_active(&conn->timer, EV_TIMEOUT, 0);
}

/* Bytes went out since the last look: the write deadline starts again. */
static bool write_progressed(struct http_conn *conn)
{
    uint64_t out = conn->queued_bytes - conn_pending(conn);
    if (out == conn->progress_bytes)
        return false;
    conn->progress_bytes = out;
    conn_deadline(conn, clk_mono_us() + conn->server->config.write_timeout_us);
    return true;
}

static void conn_expired(struct http_conn *conn)
{
    switch (conn->state) {
    case CONN_HANDSHAKE:
        conn_close(conn, CLOSE_HANDSHAKE_TIMEOUT);
        return;
    case CONN_NEW:
        if (!http1_parser_in_message(conn->parser)) {
            conn_close(conn, CLOSE_IDLE);
            return;
        }
        conn->why = CLOSE_HEAD_TIMEOUT;
        conn_refuse(conn, 408, "head_timeout", true);
        return;
    case CONN_BODY:
        conn->why = CLOSE_BODY_TIMEOUT;
        conn_refuse(conn, 408, "body_timeout", true);
        return;
    case CONN_REPLYING:
        if (!write_progressed(conn))
            conn_close(conn, CLOSE_WRITE_TIMEOUT);
        return;
    case CONN_STREAMING:
        if (conn_pending(conn) > 0 && !write_progressed(conn))
            conn_close(conn, CLOSE_WRITE_TIMEOUT);
        return;
    case CONN_DISCARD:
        conn_close(conn, CLOSE_BODY_TIMEOUT);
        return;
    case CONN_LINGER:
        conn_close(conn, conn->why);
        return;
    case CONN_PROCESSING: /* the daemon has deadlines of its own */
        return;
    }
}

/* The stream got its last words: its owner learns it here, from the loop. */
static void abort_after_bye(struct http_conn *conn)
{
    conn->stream.said_bye = false;
    if (conn->owned) {
        conn->owned = false;
        net_count(NET_ABORTED, 1);
        if (conn->server->handler.on_abort)
            conn->server->handler.on_abort(conn->server->handler.ctx, &conn->req);
    }
    conn_replied(conn);
}

static void timer_cb(evutil_socket_t fd, short what, void *ctx)
{
    struct http_conn *conn = ctx;
    (void)fd;
    (void)what;
    conn->armed_us = DEADLINE_NONE;
    if (conn->cut) {
        conn_close(conn, conn->why);
        return;
    }
    if (conn->stream.said_bye) {
        abort_after_bye(conn);
        return;
    }
    if (conn->deadline_us == DEADLINE_NONE)
        return;
    if (clk_mono_us() < conn->deadline_us)
        conn_deadline(conn, conn->deadline_us);
    else
        conn_expired(conn);
}

/* ---- closing -----------------------------------------------------------------------------------
 */

void conn_close(struct http_conn *conn, enum close_reason why)
{
    struct http_server *server = conn->server;
    INVARIANT(!conn->processing);
    if (conn->owned) {
        conn->owned = false;
        net_count(NET_ABORTED, 1);
        if (server->handler.on_abort)
            server->handler.on_abort(server->handler.ctx, &conn->req);
    }
    if (conn->state == CONN_STREAMING)
        net_count(NET_STREAMS, -1);
    log_debug("http", "closed connection=%" PRIu64 " reason=%d requests=%" PRIu64, conn->id,
              (int)why, conn->requests);
    net_count(NET_CLOSED_FIRST + why, 1);
    net_count(NET_CONNECTIONS, -1);
    if (conn->ssl && why != CLOSE_RESET && why != CLOSE_TLS_FAILED)
        tls_close_notify(conn->ssl);
    LIST_REMOVE(conn, link);
    server->count--;
    if (conn->peer)
        peer_release(server, conn->peer);
    else
        server->over--;
    (void)event_del(&conn->timer);
    bufferevent_free(conn->bev);
    http1_parser_free(&conn->parser);
    sbuf_free(&conn->body);
    sbuf_free(&conn->extra);
    free(conn->stream.bye);
    free(conn);
    if (server->draining && server->count == 0)
        event_active(server->drained, EV_TIMEOUT, 0);
}

/* Our side is done; closing at once could make an RST overtake the answer. */
static void conn_linger(struct http_conn *conn)
{
    struct evbuffer *in = bufferevent_get_input(conn->bev);
    conn->state = CONN_LINGER;
    if (conn->eof) {
        conn_cut_later(conn, conn->why);
        return;
    }
    if (conn->ssl)
        tls_close_notify(conn->ssl);
    (void)shutdown(conn->fd, SHUT_WR);
    (void)evbuffer_drain(in, evbuffer_get_length(in));
    (void)bufferevent_enable(conn->bev, EV_READ);
    conn_deadline(conn, clk_mono_us() + CONN_LINGER_US);
}

static void reply_done(struct http_conn *conn)
{
    if (conn->close || conn->server->draining)
        conn_linger(conn);
    else
        conn_next(conn);
}

void conn_replied(struct http_conn *conn)
{
    const struct http_server_config *config = &conn->server->config;
    if (conn->state == CONN_STREAMING)
        net_count(NET_STREAMS, -1);
    if (conn->discard && !conn->close) {
        conn->state = CONN_DISCARD;
        conn_deadline(conn, clk_mono_us() + config->body_timeout_us);
        return;
    }
    conn->state = CONN_REPLYING;
    if (conn_pending(conn) == 0) {
        reply_done(conn);
        return;
    }
    conn->progress_bytes = conn->queued_bytes - conn_pending(conn);
    conn_deadline(conn, clk_mono_us() + config->write_timeout_us);
}

/* ---- events of the socket ----------------------------------------------------------------------
 */

static void linger_read(struct http_conn *conn, struct evbuffer *in)
{
    size_t len = evbuffer_get_length(in);
    conn->linger_bytes += len;
    (void)evbuffer_drain(in, len);
    if (conn->linger_bytes > CONN_LINGER_BYTES)
        conn_close(conn, conn->why);
}

static void read_cb(struct bufferevent *bev, void *ctx)
{
    struct http_conn *conn = ctx;
    struct evbuffer *in = bufferevent_get_input(bev);
    if (conn->state == CONN_LINGER) {
        linger_read(conn, in);
        return;
    }
    conn_process(conn);
    /* What is left belongs to the next request. One buffer of it is enough to notice an EOF. */
    if (evbuffer_get_length(in) < CONN_READ_BYTES)
        return;
    (void)bufferevent_disable(bev, EV_READ);
    if (conn->state == CONN_STREAMING) /* nobody pipelines behind a stream for honest reasons */
        conn_cut_later(conn, CLOSE_FLOOD);
}

static void write_cb(struct bufferevent *bev, void *ctx)
{
    struct http_conn *conn = ctx;
    (void)bev;
    if (conn_pending(conn) > 0)
        return;
    if (conn->state == CONN_REPLYING) {
        reply_done(conn);
    } else if (conn->state == CONN_STREAMING) {
        conn_deadline(conn, DEADLINE_NONE);
        stream_drained(conn);
    }
}

static void handshake_done(struct http_conn *conn)
{
    net_count(NET_HANDSHAKES, 1);
    conn->state = CONN_NEW;
    conn_deadline(conn, clk_mono_us() + conn->server->config.head_timeout_us);
}

/* The answer is still going out: a peer that shut its side may well be reading. */
static bool finishes_answer(struct http_conn *conn)
{
    if ((conn->state != CONN_REPLYING && conn->state != CONN_DISCARD) || conn_pending(conn) == 0)
        return false;
    conn->eof = true;
    conn->close = true;
    conn->discard = false;
    conn->state = CONN_REPLYING;
    conn_deadline(conn, clk_mono_us() + conn->server->config.write_timeout_us);
    return true;
}

static enum close_reason lost_reason(const struct http_conn *conn, bool is_error)
{
    if (conn->state == CONN_HANDSHAKE)
        return CLOSE_TLS_FAILED;
    if (conn->state == CONN_LINGER)
        return conn->why;
    if (is_error)
        return CLOSE_RESET;
    if (conn->state == CONN_NEW && !http1_parser_in_message(conn->parser))
        return CLOSE_PEER;
    return CLOSE_PEER_EARLY;
}

static void event_cb(struct bufferevent *bev, short what, void *ctx)
{
    struct http_conn *conn = ctx;
    (void)bev;
    if (what & BEV_EVENT_CONNECTED) {
        handshake_done(conn);
        return;
    }
    bool is_error = (what & BEV_EVENT_ERROR) != 0;
    ERR_clear_error(); /* left over, it would be blamed on another connection */
    if (!is_error && finishes_answer(conn))
        return;
    conn_close(conn, lost_reason(conn, is_error));
}

/* ---- opening -----------------------------------------------------------------------------------
 */

static struct bufferevent *bufferevent_open(struct http_server *server, evutil_socket_t fd,
                                            SSL **ssl_r)
{
    *ssl_r = NULL;
    if (!server->tls)
        return bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
    SSL *ssl = SSL_new(server->tls);
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

static void conn_start(struct http_conn *conn)
{
    const struct http_server_config *config = &conn->server->config;
    conn->state = conn->ssl ? CONN_HANDSHAKE : CONN_NEW;
    bufferevent_setcb(conn->bev, read_cb, write_cb, event_cb, conn);
    /*
     * Under TLS libevent 2.1 stalls at a high watermark: what OpenSSL has decrypted already is not
     * asked for again when room is made. There one record is read at a time, and read_cb() stops.
     */
    if (!conn->ssl)
        bufferevent_setwatermark(conn->bev, EV_READ, 0, CONN_READ_BYTES);
    conn_deadline(conn, clk_mono_us() +
                            (conn->ssl ? config->handshake_timeout_us : config->head_timeout_us));
    (void)bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
}

struct http_conn *conn_new(struct http_server *server, evutil_socket_t fd, const char *peer_text,
                           struct peer_count *peer)
{
    static uint64_t last_id;
    SSL *ssl;
    struct bufferevent *bev = bufferevent_open(server, fd, &ssl);
    if (!bev) {
        log_limited(LOG_LEVEL_ERROR, "http", "cannot set up a connection");
        ERR_clear_error();
        (void)evutil_closesocket(fd);
        if (peer)
            peer_release(server, peer);
        return NULL;
    }
    struct http_conn *conn = xcalloc(1, sizeof(*conn));
    conn->server = server;
    conn->bev = bev;
    conn->ssl = ssl;
    conn->fd = fd;
    conn->id = ++last_id;
    conn->req.conn = conn;
    conn->stream.conn = conn;
    conn->parser = http1_parser_new(&server->config.limits);
    conn->armed_us = conn->deadline_us = DEADLINE_NONE;
    conn->why = CLOSE_DONE;
    conn->peer = peer;
    (void)evutil_snprintf(conn->peer_text, sizeof(conn->peer_text), "%s", peer_text);
    sbuf_init(&conn->body, 0);
    sbuf_init(&conn->extra, server->config.limits.head_bytes);
    (void)event_assign(&conn->timer, server->base, -1, 0, timer_cb, conn);
    LIST_INSERT_HEAD(&server->conns, conn, link);
    server->count++;
    server->over += peer == NULL;
    net_count(NET_CONNECTIONS, 1);
    conn_start(conn);
    return conn;
}
