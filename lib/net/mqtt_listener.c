/*
 * mqtt_listener.c - where devices come in, plain and with TLS, and standing back when descriptors
 * run out.
 */
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/mqtt_private.h"
#include "net/net_private.h"

#define BACKLOG 1024
#define ACCEPT_PAUSE_S 1
#define ALPN_MQTT "\x04mqtt" /* as registered with IANA */

static void accept_cb(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa,
                      int sa_len, void *ctx)
{
    const struct mqtt_listener *l = ctx;

    (void)listener;
    (void)sa;
    (void)sa_len;
    (void)mqtt_conn_new(l->server, fd, l->is_tls ? l->server->tls : NULL);
}

/* Out of descriptors: the socket stays readable, so accepting at once again would spin. */
static void accept_error_cb(struct evconnlistener *listener, void *ctx)
{
    struct mqtt_listener *l = ctx;
    const struct timeval pause = {ACCEPT_PAUSE_S, 0};

    log_limited(LOG_LEVEL_WARN, "mqtt", "accept failed, pausing error=\"%s\" connections=%zu",
                evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()), l->server->count);
    (void)evconnlistener_disable(listener);
    (void)event_add(l->resume, &pause);
}

static void resume_cb(evutil_socket_t fd, short what, void *ctx)
{
    struct mqtt_listener *l = ctx;

    (void)fd;
    (void)what;
    (void)evconnlistener_enable(l->listener);
}

static struct evconnlistener *bind_to(struct mqtt_listener *l, const char *host, uint16_t port,
                                      char **error_r)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    const unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
    struct addrinfo *found = NULL;
    char service[8];

    (void)evutil_snprintf(service, sizeof(service), "%u", port);
    int rc = getaddrinfo(host, service, &hints, &found);
    if (rc != 0) {
        *error_r = xasprintf("%s is not an address: %s", host, gai_strerror(rc));
        return NULL;
    }
    struct evconnlistener *listener = evconnlistener_new_bind(
        l->server->base, accept_cb, l, flags, BACKLOG, found->ai_addr, (int)found->ai_addrlen);
    if (!listener)
        *error_r = xasprintf("cannot listen on %s port %u: %s", host, port, strerror(errno));
    freeaddrinfo(found);
    return listener;
}

bool mqtt_server_listen(struct mqtt_server *server, const char *host, uint16_t port, bool is_tls,
                        char **error_r)
{
    INVARIANT(server->listener_count < MQTT_LISTENERS && (!is_tls || server->tls));
    struct mqtt_listener *l = &server->listeners[server->listener_count];

    *l = (struct mqtt_listener){.server = server, .is_tls = is_tls};
    l->listener = bind_to(l, host, port, error_r);
    if (!l->listener)
        return false;
    l->resume = evtimer_new(server->base, resume_cb, l);
    INVARIANT(l->resume != NULL);
    evconnlistener_set_error_cb(l->listener, accept_error_cb);
    server->listener_count++;
    return true;
}

bool mqtt_server_load_tls(struct mqtt_server *server, const char *cert_path, const char *key_path,
                          char **error_r)
{
    SSL_CTX *ctx = tls_server_ctx(cert_path, key_path, ALPN_MQTT, error_r);

    if (!ctx)
        return false;
    SSL_CTX_free(server->tls); /* connections hold it as long as they live */
    server->tls = ctx;
    return true;
}

void mqtt_listeners_close(struct mqtt_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        evconnlistener_free(server->listeners[i].listener);
        event_free(server->listeners[i].resume);
    }
    server->listener_count = 0;
}
