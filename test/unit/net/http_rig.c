#include "http_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "base/log.h"
#include "base/metrics.h"

/* ---- handler -----------------------------------------------------------------------------------
 */

static const struct {
    const char *path;
    int64_t limit; /* what on_head says */
} routes[] = {
    {"/deny", -401},
    {"/mute", -403},
    {"/small", 10},
    {"/none", 0},
};

static int64_t on_head(void *ctx, struct http_request *req)
{
    struct rig *rig = ctx;
    const char *path = http_request_head(req)->path;
    rig->heads++;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (strcmp(path, routes[i].path) == 0)
            return routes[i].limit;
    }
    return 100000;
}

static void on_refuse(void *ctx, struct http_request *req, int status, const char *reason)
{
    struct rig *rig = ctx;
    rig->refusals++;
    rig->refused_status = status;
    (void)snprintf(rig->refused_reason, sizeof(rig->refused_reason), "%s", reason);
    if (strcmp(http_request_head(req)->path, "/mute") == 0)
        return;
    http_reply_header(req, "X-Refused", reason);
    http_reply(req, status, "text/plain", "no", 2);
}

static void on_drain(void *ctx)
{
    ((struct rig *)ctx)->drains++;
}

static void reply_big(struct http_request *req)
{
    char *big = xmalloc(BIG_BYTES);
    memset(big, 'b', BIG_BYTES);
    http_reply(req, 200, "text/plain", big, BIG_BYTES);
    free(big);
}

static void on_request(void *ctx, struct http_request *req)
{
    struct rig *rig = ctx;
    const char *path = http_request_head(req)->path;
    const char *body = http_request_body(req, &rig->last_body_len);
    (void)snprintf(rig->last_body, sizeof(rig->last_body), "%s", body);
    rig->requests++;
    rig->peer_text = http_request_peer(req);
    if (strcmp(path, "/later") == 0)
        rig->pending = req;
    else if (strcmp(path, "/stream") == 0)
        rig->stream = http_reply_stream(req, 200, "text/event-stream", on_drain, rig);
    else if (strcmp(path, "/big") == 0)
        reply_big(req);
    else if (strcmp(path, "/empty") == 0)
        http_reply(req, 204, NULL, NULL, 0);
    else
        http_reply(req, 200, "text/plain", "ok", 2);
}

static void on_abort(void *ctx, struct http_request *req)
{
    struct rig *rig = ctx;
    (void)req;
    rig->aborts++;
    rig->pending = NULL;
    rig->stream = NULL;
}

/* ---- rig ---------------------------------------------------------------------------------------
 */

int64_t rig_now_us(void)
{
    return clk_mono_us();
}

static void tick_cb(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    ((struct rig *)ctx)->ticks++;
}

void rig_init(struct rig *rig)
{
    const struct timeval ms = {0, 1000};
    memset(rig, 0, sizeof(*rig));
    log_set_level(LOG_LEVEL_ERROR);
    rig->base = event_base_new();
    rig->tick = event_new(rig->base, -1, EV_PERSIST, tick_cb, rig);
    assert_non_null(rig->tick);
    (void)event_add(rig->tick, &ms);
    http_server_config_defaults(&rig->config);
}

void rig_listen(struct rig *rig)
{
    const struct http_handler handler = {on_head, on_refuse, on_request, on_abort, rig};
    char *error = NULL;
    rig->server = http_server_new(rig->base, &rig->config, &handler);
    if (!http_server_listen(rig->server, "127.0.0.1", 0, &error))
        fail_msg("%s", error);
}

void rig_free(struct rig *rig)
{
    http_server_free(&rig->server);
    for (size_t i = 0; i < rig->peer_count; i++) {
        peer_close(&rig->peers[i]);
        sbuf_free(&rig->peers[i].in);
    }
    SSL_CTX_free(rig->client_tls);
    event_free(rig->tick);
    event_base_free(rig->base);
}

static void peer_end(struct peer *peer, ssize_t n)
{
    if (n == 0)
        peer->eof = true;
    else if (errno != EAGAIN && errno != EINTR)
        peer->reset = true;
}

static void pull_plain(struct peer *peer)
{
    static char buf[65536];
    size_t before = peer->in.len;
    while (peer->quota == 0 || peer->in.len - before < peer->quota) {
        ssize_t n = recv(peer->fd, buf, sizeof(buf), MSG_DONTWAIT);
        if (n <= 0) {
            peer_end(peer, n);
            return;
        }
        sbuf_add(&peer->in, buf, (size_t)n);
    }
}

static void pull_tls(struct peer *peer)
{
    static char buf[65536];
    for (;;) {
        bool connecting = !SSL_is_init_finished(peer->ssl);
        ERR_clear_error();
        int n = connecting ? SSL_connect(peer->ssl) : SSL_read(peer->ssl, buf, sizeof(buf));
        int error = SSL_get_error(peer->ssl, n);
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
            return;
        if (error != SSL_ERROR_NONE) {
            peer->tls_done = error == SSL_ERROR_ZERO_RETURN;
            peer->tls_failed = !peer->tls_done;
            peer->eof = true;
            return;
        }
        if (!connecting)
            sbuf_add(&peer->in, buf, (size_t)n);
    }
}

void rig_turn(struct rig *rig)
{
    (void)event_base_loop(rig->base, EVLOOP_ONCE);
    rig->turns++;
    for (size_t i = 0; i < rig->peer_count; i++) {
        struct peer *peer = &rig->peers[i];
        if (peer->fd < 0 || peer->holds || peer_ended(peer))
            continue;
        if (peer->ssl)
            pull_tls(peer);
        else
            pull_plain(peer);
    }
}

void rig_settle(struct rig *rig, uint64_t ticks)
{
    uint64_t until = rig->ticks + ticks;
    while (rig->ticks < until)
        rig_turn(rig);
}

/* ---- peers -------------------------------------------------------------------------------------
 */

struct peer *peer_connect(struct rig *rig)
{
    assert_true(rig->peer_count < RIG_PEERS);
    struct peer *peer = &rig->peers[rig->peer_count++];
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(http_server_port(rig->server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    memset(peer, 0, sizeof(*peer));
    sbuf_init(&peer->in, 0);
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(peer->fd >= 0);
    /* the backlog completes it, nobody has to accept yet */
    assert_int_equal(connect(peer->fd, (struct sockaddr *)&to, sizeof(to)), 0);
    (void)setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    assert_int_equal(fcntl(peer->fd, F_SETFL, O_NONBLOCK), 0);
    return peer;
}

struct peer *peer_connect_tls(struct rig *rig)
{
    struct peer *peer = peer_connect(rig);
    peer->ssl = SSL_new(rig->client_tls);
    assert_non_null(peer->ssl);
    SSL_set_connect_state(peer->ssl);
    assert_int_equal(SSL_set_fd(peer->ssl, peer->fd), 1);
    return peer;
}

size_t peer_push(struct peer *peer, const char *data, size_t len)
{
    if (peer->ssl) {
        size_t n = 0;
        ERR_clear_error();
        return SSL_write_ex(peer->ssl, data, len, &n) == 1 ? n : 0;
    }
    ssize_t n = send(peer->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n > 0 ? (size_t)n : 0;
}

void peer_send(struct rig *rig, struct peer *peer, const char *data, size_t len)
{
    int64_t until = rig_now_us() + 10000000;
    while (len > 0) {
        size_t n = peer_push(peer, data, len);
        data += n;
        len -= n;
        if (len > 0)
            rig_turn(rig);
        if (peer_ended(peer))
            return; /* the answer says why */
        if (rig_now_us() > until)
            fail_msg("the server takes no more");
    }
}

void peer_says(struct rig *rig, struct peer *peer, const char *text)
{
    peer_send(rig, peer, text, strlen(text));
}

void peer_shutdown(struct peer *peer)
{
    assert_int_equal(shutdown(peer->fd, SHUT_WR), 0);
}

void peer_close(struct peer *peer)
{
    SSL_free(peer->ssl);
    peer->ssl = NULL;
    if (peer->fd >= 0)
        (void)close(peer->fd);
    peer->fd = -1;
}

void peer_kill(struct peer *peer)
{
    const struct linger now = {1, 0};
    assert_int_equal(setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    peer_close(peer);
}

bool peer_ended(const struct peer *peer)
{
    return peer->eof || peer->reset;
}

/* By hand: under a sanitizer strstr() looks at the whole rest for every hit. */
unsigned peer_count_of(const struct peer *peer, const char *text)
{
    unsigned n = 0;
    size_t len = strlen(text);
    for (size_t at = 0; at + len <= peer->in.len; at++) {
        if (peer->in.data[at] == text[0] && memcmp(peer->in.data + at, text, len) == 0)
            n++;
    }
    return n;
}

int64_t rig_metric(const char *name, const char *labels)
{
    int64_t value = metrics_value(name, labels);
    if (value < 0)
        fail_msg("no metric %s{%s}", name, labels ? labels : "");
    return value;
}

int64_t rig_closed(const char *reason)
{
    char labels[64];
    (void)snprintf(labels, sizeof(labels), "reason=\"%s\"", reason);
    return rig_metric("hotlined_http_closed_total", labels);
}
