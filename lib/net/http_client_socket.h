/*
 * http_client_socket.h - the client's side of a connection: non-blocking socket, poll(), deadlines,
 * TLS with the name of the server checked. Private to lib/net.
 */
#ifndef NET_HTTP_CLIENT_SOCKET_H
#define NET_HTTP_CLIENT_SOCKET_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct client_socket {
    int fd; /* -1: closed */
    SSL *ssl;
};

/* Client context that trusts ca_file, or the system's authorities if NULL. */
SSL_CTX *client_tls_ctx(const char *ca_file, char **error_r);
/* The certificate has to be for this name or address; the name is told to the server. */
MUST_CHECK bool client_tls_expect_host(SSL *ssl, const char *host);
/* Deadlines are instants of clk_mono_us(). tls NULL: plain. */
MUST_CHECK bool client_socket_open(struct client_socket *s, const char *host, const char *port,
                                   SSL_CTX *tls, int64_t deadline_us, char **error_r);
void client_socket_close(struct client_socket *s);
/* The peer has closed it, or sent what nobody asked for. */
bool client_socket_stale(struct client_socket *s);
/* Bytes read, 0 at EOF, -1 and a text. */
MUST_CHECK ptrdiff_t client_socket_read(struct client_socket *s, void *buf, size_t len,
                                        int64_t deadline_us, char **error_r);
/* *sent_r says how much left even if it fails. */
MUST_CHECK bool client_socket_write(struct client_socket *s, const void *data, size_t len,
                                    int64_t deadline_us, size_t *sent_r, char **error_r);

#endif
