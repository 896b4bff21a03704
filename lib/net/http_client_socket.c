/*
 * http_client_socket.c - see http_client_socket.h.
 */
#include "net/http_client_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "net/net_private.h"

/* Waits for an event of poll(); false if the deadline came first. */
static bool wait_for(int fd, short events, int64_t deadline_us)
{
    struct pollfd p = {.fd = fd, .events = events};
    for (;;) {
        int64_t left_ms = (deadline_us - clk_mono_us() + US_PER_MS - 1) / US_PER_MS;
        if (left_ms < 0)
            left_ms = 0;
        int n = poll(&p, 1, left_ms < INT32_MAX ? (int)left_ms : INT32_MAX);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return true; /* the call that follows will say what is wrong */
        if (n == 0 && clk_mono_us() >= deadline_us)
            return false;
    }
}

static bool fail(char **error_r, const char *what)
{
    *error_r = xstrdup(what);
    return false;
}

/* ---- TLS ---------------------------------------------------------------------------------------
 */

SSL_CTX *client_tls_ctx(const char *ca_file, char **error_r)
{
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx) {
        *error_r = tls_error_text("TLS");
        return NULL;
    }
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    int loaded =
        ca_file ? SSL_CTX_load_verify_file(ctx, ca_file) : SSL_CTX_set_default_verify_paths(ctx);
    if (loaded == 1)
        return ctx;
    char *what = xasprintf("cannot read the certificates of %s", ca_file ? ca_file : "the system");
    *error_r = tls_error_text(what);
    free(what);
    SSL_CTX_free(ctx);
    return NULL;
}

/* Waits until OpenSSL can go on after rc. false: it cannot; the text says why. */
static bool tls_wait(struct client_socket *s, int rc, int64_t deadline_us, char **error_r)
{
    int error = SSL_get_error(s->ssl, rc);
    short events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return wait_for(s->fd, events, deadline_us) || fail(error_r, "timed out");
    long verify = SSL_get_verify_result(s->ssl);
    if (verify != X509_V_OK)
        *error_r =
            xasprintf("certificate is not trusted: %s", X509_verify_cert_error_string(verify));
    else if (error == SSL_ERROR_SYSCALL)
        *error_r = xstrdup(errno ? strerror(errno) : "connection closed");
    else
        *error_r = tls_error_text("TLS");
    ERR_clear_error();
    return false;
}

bool client_tls_expect_host(SSL *ssl, const char *host)
{
    unsigned char address[16];
    bool is_address =
        inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
    if (is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    char name[NI_MAXHOST];
    (void)evutil_snprintf(name, sizeof(name), "%s", host);
    /* what SSL_set_tlsext_host_name() stands for, without its cast */
    return SSL_set1_host(ssl, host) == 1 &&
           SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) == 1;
}

static bool tls_connect(struct client_socket *s, const char *host, SSL_CTX *tls,
                        int64_t deadline_us, char **error_r)
{
    static const unsigned char alpn[] = "\x08http/1.1";
    int rc;
    ERR_clear_error();
    s->ssl = SSL_new(tls);
    if (!s->ssl || SSL_set_fd(s->ssl, s->fd) != 1 || !client_tls_expect_host(s->ssl, host) ||
        SSL_set_alpn_protos(s->ssl, alpn, sizeof(alpn) - 1) != 0) {
        *error_r = tls_error_text("TLS");
        return false;
    }
    while ((rc = SSL_connect(s->ssl)) != 1) {
        if (!tls_wait(s, rc, deadline_us, error_r))
            return false;
    }
    return true;
}

/* ---- connect -----------------------------------------------------------------------------------
 */

static bool connect_to(struct client_socket *s, const struct addrinfo *to, int64_t deadline_us,
                       char **error_r)
{
    int on = 1, error = 0;
    socklen_t len = sizeof(error);
    s->fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        return fail(error_r, strerror(errno));
    (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(s->fd, to->ai_addr, to->ai_addrlen) == 0)
        return true;
    if (errno != EINPROGRESS)
        return fail(error_r, strerror(errno));
    if (!wait_for(s->fd, POLLOUT, deadline_us))
        return fail(error_r, "timed out");
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0)
        return fail(error_r, strerror(error));
    return true;
}

bool client_socket_open(struct client_socket *s, const char *host, const char *port, SSL_CTX *tls,
                        int64_t deadline_us, char **error_r)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char *why = NULL;
    bool ok = false;
    *s = (struct client_socket){.fd = -1};
    int rc = getaddrinfo(host, port, &hints, &found);
    if (rc != 0) {
        *error_r = xasprintf("cannot find %s: %s", host, gai_strerror(rc));
        return false;
    }
    for (const struct addrinfo *to = found; to && !ok; to = to->ai_next) {
        free(why);
        why = NULL;
        ok = connect_to(s, to, deadline_us, &why);
        if (!ok)
            client_socket_close(s);
    }
    freeaddrinfo(found);
    if (ok && tls)
        ok = tls_connect(s, host, tls, deadline_us, &why);
    if (ok)
        return true;
    client_socket_close(s);
    *error_r = xasprintf("cannot connect to %s port %s: %s", host, port, why ? why : "no address");
    free(why);
    return false;
}

void client_socket_close(struct client_socket *s)
{
    if (s->ssl) {
        tls_close_notify(s->ssl);
        SSL_free(s->ssl);
    }
    if (s->fd >= 0)
        (void)close(s->fd);
    *s = (struct client_socket){.fd = -1};
}

/* ---- bytes -------------------------------------------------------------------------------------
 */

bool client_socket_stale(struct client_socket *s)
{
    char byte;
    if (!s->ssl) {
        ssize_t n = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        return n >= 0 || (errno != EAGAIN && errno != EINTR);
    }
    ERR_clear_error();
    int rc = SSL_peek(s->ssl, &byte, 1); /* swallows session tickets */
    bool quiet = rc <= 0 && SSL_get_error(s->ssl, rc) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    return !quiet;
}

static ptrdiff_t tls_read(struct client_socket *s, void *buf, size_t len, int64_t deadline_us,
                          char **error_r)
{
    for (;;) {
        size_t got = 0;
        ERR_clear_error();
        int rc = SSL_read_ex(s->ssl, buf, len, &got);
        if (rc == 1)
            return (ptrdiff_t)got;
        if (SSL_get_error(s->ssl, rc) == SSL_ERROR_ZERO_RETURN)
            return 0;
        if (!tls_wait(s, rc, deadline_us, error_r))
            return -1;
    }
}

ptrdiff_t client_socket_read(struct client_socket *s, void *buf, size_t len, int64_t deadline_us,
                             char **error_r)
{
    if (s->ssl)
        return tls_read(s, buf, len, deadline_us, error_r);
    for (;;) {
        ssize_t n = recv(s->fd, buf, len, 0);
        if (n >= 0)
            return n;
        if (errno != EAGAIN && errno != EINTR) {
            (void)fail(error_r, strerror(errno));
            return -1;
        }
        if (!wait_for(s->fd, POLLIN, deadline_us)) {
            (void)fail(error_r, "timed out");
            return -1;
        }
    }
}

static bool tls_write(struct client_socket *s, const char *data, size_t len, int64_t deadline_us,
                      size_t *sent_r, char **error_r)
{
    while (*sent_r < len) {
        size_t n = 0;
        ERR_clear_error();
        int rc = SSL_write_ex(s->ssl, data + *sent_r, len - *sent_r, &n);
        *sent_r += n;
        if (rc != 1 && !tls_wait(s, rc, deadline_us, error_r))
            return false;
    }
    return true;
}

bool client_socket_write(struct client_socket *s, const void *data, size_t len, int64_t deadline_us,
                         size_t *sent_r, char **error_r)
{
    const char *bytes = data;
    *sent_r = 0;
    if (s->ssl)
        return tls_write(s, bytes, len, deadline_us, sent_r, error_r);
    while (*sent_r < len) {
        ssize_t n = send(s->fd, bytes + *sent_r, len - *sent_r, MSG_NOSIGNAL);
        if (n > 0)
            *sent_r += (size_t)n;
        else if (n < 0 && errno != EAGAIN && errno != EINTR)
            return fail(error_r, strerror(errno));
        else if (!wait_for(s->fd, POLLOUT, deadline_us))
            return fail(error_r, "timed out");
    }
    return true;
}
