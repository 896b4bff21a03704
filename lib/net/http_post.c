/*
 * http_post.c - one call: look up, connect to what was looked at, send, read a status.
 */
#include "net/http_post.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "net/http_client_socket.h"
#include "net/net_private.h"

#define MAX_ADDRESSES 4 /* tried one after the other, within the one deadline */
#define ANSWER_LIMITS ((struct http1_limits){4096, 16384, 64})

struct http_poster {
    struct event_base *base;
    struct evdns_base *dns;
    SSL_CTX *tls;
    LIST_HEAD(, http_post) posts;
};

struct address {
    struct sockaddr_storage at;
    int len;
};

struct http_post {
    LIST_ENTRY(http_post) link;
    struct http_poster *poster;
    void (*done)(void *ctx, enum http_post_end end, int status);
    void *ctx;
    bool is_tls, allow_private;
    char *host, *port;
    struct sbuf request;
    struct event *timer; /* first the start, then the deadline */
    bool has_begun, is_in_lookup;
    int64_t timeout_us;
    struct evdns_getaddrinfo_request *lookup;
    struct address addresses[MAX_ADDRESSES];
    size_t address_count, address_at;
    enum http_post_end why; /* if no address is left */
    struct bufferevent *bev;
    SSL *ssl; /* owned by bev */
    struct http1_response_parser *parser;
};

const char *http_post_end_word(enum http_post_end end)
{
    static const char *const words[HTTP_POST_END_COUNT] = {
        [HTTP_POST_ANSWERED] = "answered",       [HTTP_POST_BAD_URL] = "bad_url",
        [HTTP_POST_UNRESOLVED] = "unresolved",   [HTTP_POST_PRIVATE] = "private_address",
        [HTTP_POST_UNREACHABLE] = "unreachable", [HTTP_POST_UNTRUSTED] = "untrusted",
        [HTTP_POST_TIMEOUT] = "timeout",         [HTTP_POST_BROKEN] = "broken",
    };
    return words[end];
}

/* ---- URLs --------------------------------------------------------------------------------------
 */

struct url {
    bool is_tls;
    const char *authority, *host, *port, *target;
    size_t authority_len, host_len, port_len;
};

static bool split_authority(struct url *u)
{
    const char *end = u->authority + u->authority_len, *at;

    u->host = u->authority;
    if (u->authority_len && *u->authority == '[') {
        u->host++;
        at = memchr(u->host, ']', (size_t)(end - u->host));
    } else {
        at = memchr(u->host, ':', u->authority_len);
        at = at ? at : end;
    }
    if (!at || at == u->host)
        return false;
    u->host_len = (size_t)(at - u->host);
    at += at < end && *at == ']';
    if (at == end)
        return true;
    u->port = at + 1;
    u->port_len = (size_t)(end - u->port);
    return *at == ':' && u->port_len >= 1 && u->port_len <= 5 &&
           strspn(u->port, "0123456789") >= u->port_len;
}

static bool split_url(const char *text, struct url *u)
{
    *u = (struct url){.is_tls = strncasecmp(text, "https://", 8) == 0};
    if ((!u->is_tls && strncasecmp(text, "http://", 7) != 0) || strlen(text) > HTTP_POST_URL_MAX)
        return false;
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f || *c == '#' || *c == '\\')
            return false;
    }
    u->authority = text + (u->is_tls ? 8 : 7);
    u->authority_len = strcspn(u->authority, "/?");
    u->target = u->authority + u->authority_len;
    return !memchr(u->authority, '@', u->authority_len) && split_authority(u);
}

bool http_post_url_ok(const char *url, bool allow_plain)
{
    struct url u;

    return split_url(url, &u) && (u.is_tls || allow_plain);
}

/* ---- ends --------------------------------------------------------------------------------------
 */

static void drop_connection(struct http_post *p)
{
    if (p->ssl)
        tls_close_notify(p->ssl);
    if (p->bev)
        bufferevent_free(p->bev);
    p->bev = NULL;
    p->ssl = NULL;
    http1_response_parser_free(&p->parser);
}

/* A look-up that is called off still comes back once: the memory waits for it. */
static void post_free(struct http_post *p)
{
    LIST_REMOVE(p, link);
    drop_connection(p);
    event_free(p->timer);
    sbuf_free(&p->request);
    free(p->host);
    free(p->port);
    p->done = NULL;
    if (p->lookup)
        evdns_getaddrinfo_cancel(p->lookup);
    else
        free(p);
}

static void end(struct http_post *p, enum http_post_end why, int status)
{
    void (*done)(void *ctx, enum http_post_end end, int status) = p->done;
    void *ctx = p->ctx;

    post_free(p);
    done(ctx, why, status);
}

void http_post_cancel(struct http_post **post)
{
    if (*post)
        post_free(*post);
    *post = NULL;
}

/* ---- the connection ----------------------------------------------------------------------------
 */

static void connect_next(struct http_post *p);

static void on_read(struct bufferevent *bev, void *ctx)
{
    struct http_post *p = ctx;
    struct evbuffer *in = bufferevent_get_input(bev);
    size_t len, used, data_len;

    while ((len = evbuffer_get_length(in)) > 0) {
        const char *data, *bytes = (const char *)evbuffer_pullup(in, -1);
        enum http1_event event =
            http1_response_parse(p->parser, bytes, len, &used, &data, &data_len);
        evbuffer_drain(in, used);
        if (event == HTTP1_NEED_MORE)
            return;
        if (event == HTTP1_REJECT)
            end(p, HTTP_POST_BROKEN, 0);
        else
            end(p, HTTP_POST_ANSWERED, http1_response_get(p->parser)->status);
        return;
    }
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    struct http_post *p = ctx;

    (void)bev;
    if (what & BEV_EVENT_CONNECTED) {
        p->why = HTTP_POST_BROKEN; /* it was reached: another address would only hear it twice */
        return;
    }
    if (p->ssl && SSL_get_verify_result(p->ssl) != X509_V_OK)
        end(p, HTTP_POST_UNTRUSTED, 0);
    else if (p->why == HTTP_POST_BROKEN)
        end(p, HTTP_POST_BROKEN, 0);
    else
        connect_next(p);
}

static struct bufferevent *new_bufferevent(struct http_post *p)
{
    if (!p->is_tls)
        return bufferevent_socket_new(p->poster->base, -1, BEV_OPT_CLOSE_ON_FREE);
    p->ssl = SSL_new(p->poster->tls);
    INVARIANT(p->ssl != NULL);
    if (!client_tls_expect_host(p->ssl, p->host)) {
        SSL_free(p->ssl);
        p->ssl = NULL;
        return NULL;
    }
    return bufferevent_openssl_socket_new(p->poster->base, -1, p->ssl, BUFFEREVENT_SSL_CONNECTING,
                                          BEV_OPT_CLOSE_ON_FREE);
}

static void connect_next(struct http_post *p)
{
    const struct http1_limits limits = ANSWER_LIMITS;

    drop_connection(p);
    while (p->address_at < p->address_count) {
        struct address *to = &p->addresses[p->address_at++];
        p->why = HTTP_POST_UNREACHABLE;
        p->bev = new_bufferevent(p);
        if (!p->bev)
            break;
        p->parser = http1_response_parser_new(&limits);
        http1_response_parser_start(p->parser, false);
        bufferevent_setcb(p->bev, on_read, NULL, on_event, p);
        bufferevent_setwatermark(p->bev, EV_READ, 0, ANSWER_LIMITS.head_bytes);
        (void)bufferevent_write(p->bev, p->request.data, p->request.len);
        (void)bufferevent_enable(p->bev, EV_READ | EV_WRITE);
        if (bufferevent_socket_connect(p->bev, (struct sockaddr *)&to->at, to->len) == 0)
            return;
        drop_connection(p);
    }
    end(p, p->why, 0);
}

/* ---- the look-up -------------------------------------------------------------------------------
 */

static void take_addresses(struct http_post *p, const struct evutil_addrinfo *found)
{
    if (found)
        p->why = HTTP_POST_PRIVATE;
    for (; found && p->address_count < MAX_ADDRESSES; found = found->ai_next) {
        if (found->ai_addrlen > sizeof(struct sockaddr_storage) ||
            (!p->allow_private && !http_post_address_is_public(found->ai_addr)))
            continue;
        struct address *a = &p->addresses[p->address_count++];
        memcpy(&a->at, found->ai_addr, found->ai_addrlen);
        a->len = (int)found->ai_addrlen;
    }
}

static void on_found(int error, struct evutil_addrinfo *found, void *ctx)
{
    struct http_post *p = ctx;

    p->lookup = NULL;
    if (!p->done) { /* called off */
        if (found)
            evutil_freeaddrinfo(found);
        free(p);
        return;
    }
    p->why = HTTP_POST_UNRESOLVED;
    if (error == 0)
        take_addresses(p, found);
    if (found)
        evutil_freeaddrinfo(found);
    if (!p->is_in_lookup)
        connect_next(p);
}

static void look_up(struct http_post *p)
{
    struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_protocol = IPPROTO_TCP,
                                    .ai_flags = EVUTIL_AI_ADDRCONFIG};

    p->is_in_lookup = true;
    struct evdns_getaddrinfo_request *lookup =
        evdns_getaddrinfo(p->poster->dns, p->host, p->port, &hints, on_found, p);
    p->is_in_lookup = false;
    if (lookup)
        p->lookup = lookup;
    else
        connect_next(p); /* a literal, or one of /etc/hosts: on_found has run */
}

static void arm(struct http_post *p, int64_t us)
{
    const struct timeval tv = {.tv_sec = (time_t)(us / US_PER_SECOND),
                               .tv_usec = (suseconds_t)(us % US_PER_SECOND)};

    (void)event_add(p->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct http_post *p = ctx;

    (void)fd;
    (void)what;
    if (p->has_begun) {
        end(p, HTTP_POST_TIMEOUT, 0);
    } else if (!p->host) {
        end(p, HTTP_POST_BAD_URL, 0);
    } else {
        p->has_begun = true;
        arm(p, p->timeout_us);
        look_up(p);
    }
}

/* ---- begin -------------------------------------------------------------------------------------
 */

static void write_request(struct http_post *p, const struct url *u,
                          const struct http_post_call *call)
{
    struct sbuf *out = &p->request;

    sbuf_addf(out, "POST %s%s HTTP/1.1\r\nHost: %.*s\r\n", *u->target == '/' ? "" : "/", u->target,
              (int)u->authority_len, u->authority);
    for (size_t i = 0; i < call->header_count; i++) {
        INVARIANT(!strpbrk(call->headers[i].name, "\r\n: ") &&
                  !strpbrk(call->headers[i].value, "\r\n"));
        sbuf_addf(out, "%s: %s\r\n", call->headers[i].name, call->headers[i].value);
    }
    sbuf_addf(out, "Content-Length: %zu\r\nConnection: close\r\n\r\n", call->body_len);
    sbuf_add(out, call->body, call->body_len);
}

struct http_post *http_post_begin(struct http_poster *poster, const struct http_post_call *call,
                                  void (*done)(void *ctx, enum http_post_end end, int status),
                                  void *ctx)
{
    struct http_post *p = xcalloc(1, sizeof(*p));
    struct url u;

    p->poster = poster;
    p->done = done;
    p->ctx = ctx;
    p->timeout_us = call->timeout_us;
    p->allow_private = call->allow_private;
    sbuf_init(&p->request, 0);
    LIST_INSERT_HEAD(&poster->posts, p, link);
    p->timer = evtimer_new(poster->base, on_timer, p);
    INVARIANT(p->timer != NULL);
    if (split_url(call->url, &u)) {
        p->is_tls = u.is_tls;
        p->host = xstrndup(u.host, u.host_len);
        p->port = u.port ? xstrndup(u.port, u.port_len) : xstrdup(u.is_tls ? "443" : "80");
        write_request(p, &u, call);
    }
    arm(p, 0);
    return p;
}

struct http_poster *http_poster_new(struct event_base *base, const char *ca_file, char **error_r)
{
    SSL_CTX *tls = client_tls_ctx(ca_file && *ca_file ? ca_file : NULL, error_r);

    if (!tls)
        return NULL;
    struct http_poster *poster = xcalloc(1, sizeof(*poster));
    net_ignore_sigpipe(); /* OpenSSL writes without MSG_NOSIGNAL */
    poster->base = base;
    poster->tls = tls;
    poster->dns =
        evdns_base_new(base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (!poster->dns) /* no resolv.conf: literals and /etc/hosts still work */
        poster->dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    INVARIANT(poster->dns != NULL);
    LIST_INIT(&poster->posts);
    return poster;
}

bool http_poster_ask(struct http_poster *poster, const char *nameserver)
{
    if (evdns_base_clear_nameservers_and_suspend(poster->dns) != 0 ||
        evdns_base_nameserver_ip_add(poster->dns, nameserver) != 0)
        return false;
    (void)evdns_base_resume(poster->dns);
    return true;
}

void http_poster_free(struct http_poster **poster_p)
{
    struct http_poster *poster = *poster_p;

    if (!poster)
        return;
    while (!LIST_EMPTY(&poster->posts))
        post_free(LIST_FIRST(&poster->posts));
    evdns_base_free(poster->dns, 1);
    SSL_CTX_free(poster->tls);
    free(poster);
    *poster_p = NULL;
}
