/*
 * http_listener.c - accepting, connection limits, and standing back when descriptors run out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/net_private.h"

/* ---- peers -------------------------------------------------------------------------------------
 */

struct address {
    unsigned char key[16];
    size_t key_len;
    char text[46];
};

/* IPv4 seen through an IPv6 socket counts and reads as IPv4. */
static void address_read(const struct sockaddr *sa, struct address *a)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    union {
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;
    const unsigned char *bytes = (const unsigned char *)&u.v4.sin_addr;
    size_t len = 4;
    memset(a, 0, sizeof(*a));
    memset(&u, 0, sizeof(u));
    if (sa->sa_family == AF_INET6) {
        memcpy(&u.v6, sa, sizeof(u.v6));
        bytes = u.v6.sin6_addr.s6_addr;
        len = 16;
        if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
            bytes += sizeof(mapped);
            len = 4;
        }
    } else {
        memcpy(&u.v4, sa, sizeof(u.v4));
    }
    memcpy(a->key, bytes, len);
    a->key_len = len;
    if (!inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, a->text, sizeof(a->text)))
        a->text[0] = '\0';
}

static struct peer_count *peer_take(struct http_server *server, const struct address *a)
{
    struct peer_count *peer = map_get(server->peers, a->key, a->key_len);
    if (peer && peer->count >= server->config.max_connections_per_address)
        return NULL;
    if (!peer) {
        peer = xcalloc(1, sizeof(*peer));
        memcpy(peer->key, a->key, a->key_len);
        peer->key_len = a->key_len;
        (void)map_put(server->peers, peer->key, peer->key_len, peer);
    }
    peer->count++;
    return peer;
}

void peer_release(struct http_server *server, struct peer_count *peer)
{
    if (--peer->count > 0)
        return;
    (void)map_remove(server->peers, peer->key, peer->key_len);
    free(peer);
}

/* ---- accept ------------------------------------------------------------------------------------
 */

/* Says 503 as long as not too many are being told; a TLS handshake for that is not worth it. */
static void refuse_connection(struct http_server *server, evutil_socket_t fd,
                              const struct address *a, const char *reason)
{
    if (server->tls || server->over >= SERVER_OVER_MAX) {
        net_count_refusal(503, reason);
        net_count(NET_CLOSED_FIRST + CLOSE_OVER_LIMIT, 1);
        (void)evutil_closesocket(fd);
        return;
    }
    struct http_conn *conn = conn_new(server, fd, a->text, NULL);
    if (!conn)
        return;
    conn->why = CLOSE_OVER_LIMIT;
    conn_refuse(conn, 503, reason, true);
}

static void accept_cb(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa,
                      int sa_len, void *ctx)
{
    struct http_server *server = ctx;
    struct address a;
    int on = 1;
    (void)listener;
    (void)sa_len;
    address_read(sa, &a);
    net_count(NET_ACCEPTED, 1);
    /* An answer is one write; waiting for the peer's ACK would only add 40 ms. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (server->count - server->over >= server->config.max_connections) {
        refuse_connection(server, fd, &a, "too_many_connections");
        return;
    }
    struct peer_count *peer = peer_take(server, &a);
    if (!peer) {
        refuse_connection(server, fd, &a, "too_many_from_address");
        return;
    }
    (void)conn_new(server, fd, a.text, peer);
}

/* Out of descriptors: the socket stays readable, so accepting at once again would spin. */
static void accept_error_cb(struct evconnlistener *listener, void *ctx)
{
    struct http_server *server = ctx;
    const struct timeval pause = {SERVER_ACCEPT_PAUSE_S, 0};
    int error = EVUTIL_SOCKET_ERROR();
    log_limited(LOG_LEVEL_WARN, "http", "accept failed, pausing error=\"%s\" connections=%zu",
                evutil_socket_error_to_string(error), server->count);
    net_count(NET_ACCEPT_PAUSED, 1);
    (void)evconnlistener_disable(listener);
    (void)event_add(server->resume, &pause);
}

static void resume_cb(evutil_socket_t fd, short what, void *ctx)
{
    struct http_server *server = ctx;
    (void)fd;
    (void)what;
    if (server->listener)
        (void)evconnlistener_enable(server->listener);
}

/* ---- listen ------------------------------------------------------------------------------------
 */

static uint16_t bound_port(evutil_socket_t fd)
{
    union {
        struct sockaddr_storage any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;
    socklen_t len = sizeof(u);
    memset(&u, 0, sizeof(u));
    if (getsockname(fd, (struct sockaddr *)&u, &len) != 0)
        return 0;
    return ntohs(u.any.ss_family == AF_INET6 ? u.v6.sin6_port : u.v4.sin_port);
}

bool http_server_listen(struct http_server *server, const char *host, uint16_t port, char **error_r)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    const unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
    struct addrinfo *found = NULL;
    char service[8];
    INVARIANT(!server->listener && !server->draining);
    (void)evutil_snprintf(service, sizeof(service), "%u", port);
    int rc = getaddrinfo(host, service, &hints, &found);
    if (rc != 0) {
        *error_r = xasprintf("%s is not an address: %s", host, gai_strerror(rc));
        return false;
    }
    server->listener =
        evconnlistener_new_bind(server->base, accept_cb, server, flags, SERVER_BACKLOG,
                                found->ai_addr, (int)found->ai_addrlen);
    if (!server->listener)
        *error_r = xasprintf("cannot listen on %s port %u: %s", host, port, strerror(errno));
    freeaddrinfo(found);
    if (!server->listener)
        return false;
    server->resume = event_new(server->base, -1, 0, resume_cb, server);
    INVARIANT(server->resume);
    evconnlistener_set_error_cb(server->listener, accept_error_cb);
    server->port = bound_port(evconnlistener_get_fd(server->listener));
    return true;
}

void listener_close(struct http_server *server)
{
    if (server->resume)
        event_free(server->resume);
    if (server->listener)
        evconnlistener_free(server->listener);
    server->resume = NULL;
    server->listener = NULL;
}
