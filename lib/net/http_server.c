/*
 * http_server.c - the server as a whole: settings, TLS files, drain, the end; see http_server.h.
 */
#include "net/http_server.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "net/net_private.h"

#define ALPN_HTTP "\x08http/1.1"

void http_server_config_defaults(struct http_server_config *config)
{
    *config = (struct http_server_config){
        .limits = HTTP1_LIMITS_DEFAULT,
        .max_connections = 4096,
        .max_connections_per_address = 1024,
        .max_requests_per_connection = 0,
        .handshake_timeout_us = 10 * US_PER_SECOND,
        .head_timeout_us = 10 * US_PER_SECOND,
        .body_timeout_us = 30 * US_PER_SECOND,
        .idle_timeout_us = 75 * US_PER_SECOND,
        .write_timeout_us = 30 * US_PER_SECOND,
        .stream_high_water_bytes = (size_t)256 << 10,
    };
}

static void cut_all(struct http_server *server, enum close_reason why)
{
    for (struct http_conn *conn; (conn = LIST_FIRST(&server->conns));)
        conn_close(conn, why);
}

/* Nothing is left, or the time is over. */
static void drained_cb(evutil_socket_t fd, short what, void *ctx)
{
    struct http_server *server = ctx;
    (void)fd;
    (void)what;
    if (!server->on_drained)
        return;
    void (*on_drained)(void *) = server->on_drained;
    cut_all(server, CLOSE_DRAIN);
    server->on_drained = NULL;
    (void)event_del(server->drained); /* the last cut has activated it again */
    on_drained(server->drain_ctx);
}

struct http_server *http_server_new(struct event_base *base,
                                    const struct http_server_config *config,
                                    const struct http_handler *handler)
{
    struct http_server *server = xcalloc(1, sizeof(*server));
    INVARIANT(handler->on_head && handler->on_request);
    net_ignore_sigpipe();
    net_metrics_register();
    server->base = base;
    server->config = *config;
    server->handler = *handler;
    server->peers = map_new();
    server->date_second = -1;
    server->drained = event_new(base, -1, 0, drained_cb, server);
    INVARIANT(server->drained);
    sbuf_init(&server->scratch, 0);
    LIST_INIT(&server->conns);
    return server;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

size_t http_server_connections(const struct http_server *server)
{
    return server->count;
}

bool http_server_load_tls(struct http_server *server, const char *cert_path, const char *key_path,
                          char **error_r)
{
    SSL_CTX *ctx = tls_server_ctx(cert_path, key_path, ALPN_HTTP, error_r);
    if (!ctx)
        return false;
    SSL_CTX_free(server->tls); /* connections hold it as long as they live */
    server->tls = ctx;
    return true;
}

static void conn_drain(struct http_conn *conn)
{
    bool idle = conn->state == CONN_HANDSHAKE ||
                (conn->state == CONN_NEW && !http1_parser_in_message(conn->parser));
    if (conn->processing)
        return; /* the caller is inside its request: it will see that we drain */
    if (idle)
        conn_close(conn, CLOSE_DRAIN);
    else if (conn->state == CONN_STREAMING)
        stream_bye(conn);
}

void http_server_drain(struct http_server *server, int64_t timeout_us,
                       void (*on_drained)(void *ctx), void *ctx)
{
    INVARIANT(!server->draining && on_drained);
    struct timeval timeout = {timeout_us / US_PER_SECOND, timeout_us % US_PER_SECOND};
    server->draining = true;
    server->on_drained = on_drained;
    server->drain_ctx = ctx;
    listener_close(server);
    (void)event_add(server->drained, &timeout);
    for (struct http_conn *conn = LIST_FIRST(&server->conns), *next; conn; conn = next) {
        next = LIST_NEXT(conn, link);
        conn_drain(conn);
    }
    if (server->count == 0)
        event_active(server->drained, EV_TIMEOUT, 0);
}

void http_server_free(struct http_server **server_p)
{
    struct http_server *server = *server_p;
    if (!server)
        return;
    listener_close(server);
    server->on_drained = NULL;
    cut_all(server, CLOSE_DRAIN);
    event_free(server->drained);
    map_free(&server->peers);
    SSL_CTX_free(server->tls);
    sbuf_free(&server->scratch);
    free(server);
    *server_p = NULL;
}
