/*
 * net_private.h - the inside of the HTTP server: connections, their states and who closes them.
 *
 * A connection is freed only by conn_close(), and conn_close() is called only from callbacks of
 * the loop that belong to that connection, from a drain (idle ones) or when the server is freed;
 * never below http_reply() or http_stream_*(), so that a handler cannot pull it away under a
 * caller.
 */
#ifndef NET_PRIVATE_H
#define NET_PRIVATE_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/listener.h>
#include <inttypes.h>
#include <openssl/ssl.h>
#include <sys/queue.h>

#include "base/map.h"
#include "base/metrics.h"
#include "net/http_server.h"

/* Unparsed bytes kept per connection; a pipelining client waits in its own socket buffer. */
#define CONN_READ_BYTES ((size_t)16384)
/* A refused body up to this size is read and dropped, so that the connection can go on. */
#define CONN_DISCARD_BYTES 65536
/* After our last byte: how long and how much we still read, so that no RST overtakes the answer. */
#define CONN_LINGER_US (2 * INT64_C(1000000))
#define CONN_LINGER_BYTES ((size_t)1 << 20)
/* Connections over the limit that are being told so at the same time; more are closed unheard. */
#define SERVER_OVER_MAX 64
#define SERVER_ACCEPT_PAUSE_S 1
#define SERVER_BACKLOG 1024
#define DEADLINE_NONE INT64_MAX

enum conn_state {
    CONN_HANDSHAKE,  /* TLS */
    CONN_NEW,        /* head, or nothing yet */
    CONN_BODY,       /* PAYLOAD_IN */
    CONN_PROCESSING, /* the handler's turn */
    CONN_REPLYING,   /* complete answer going out */
    CONN_STREAMING,
    CONN_DISCARD, /* refused; answer going out, small body being dropped */
    CONN_LINGER   /* our side is shut, reading to EOF */
};

/* Why a connection was closed: a label in /metrics. */
enum close_reason {
    CLOSE_DONE,
    CLOSE_PEER,       /* EOF between requests */
    CLOSE_PEER_EARLY, /* EOF inside a request or before its answer */
    CLOSE_RESET,
    CLOSE_IDLE,
    CLOSE_HANDSHAKE_TIMEOUT,
    CLOSE_HEAD_TIMEOUT,
    CLOSE_BODY_TIMEOUT,
    CLOSE_WRITE_TIMEOUT,
    CLOSE_TLS_FAILED,
    CLOSE_SLOW_CONSUMER,
    CLOSE_FLOOD,
    CLOSE_OVER_LIMIT,
    CLOSE_DRAIN,
    CLOSE_COUNT
};

struct http_stream {
    struct http_conn *conn;
    bool chunked;
    bool mute; /* HEAD: nothing is sent */
    void (*on_drain)(void *ctx);
    void *ctx;
    char *bye; /* last words when the server drains; owned */
    size_t bye_len;
    bool said_bye; /* and ended; on_abort follows from the loop */
};

struct http_request {
    struct http_conn *conn;
    void *user;
};

struct peer_count {
    size_t count;
    size_t key_len;
    unsigned char key[16];
};

struct http_conn {
    LIST_ENTRY(http_conn) link;
    struct http_server *server;
    struct bufferevent *bev;
    SSL *ssl; /* owned by bev; NULL without TLS */
    evutil_socket_t fd;
    uint64_t id;
    enum conn_state state;
    struct http1_parser *parser;
    struct http_request req;
    struct http_stream stream;
    struct sbuf body;
    struct sbuf extra; /* header lines of the answer */
    int64_t body_limit;
    int64_t started_us; /* first byte of this head; 0 = none yet */
    int64_t body_us;    /* when the wait for the body began; 0 = not waiting */
    uint64_t requests;

    struct event timer;
    int64_t deadline_us; /* what counts; the timer may fire earlier and looks again */
    int64_t armed_us;
    uint64_t queued_bytes, progress_bytes; /* into the output buffer; out of it at the last look */
    size_t linger_bytes;

    bool processing; /* conn_process() is on the stack */
    bool may_answer;
    bool owned;   /* by the handler: on_abort is due if the connection goes */
    bool close;   /* after this answer */
    bool discard; /* the rest of the body is to be dropped */
    bool eof;     /* the peer is done; only the answer is still written */
    bool cut;     /* to be closed from the loop, for the reason below */
    enum close_reason why;

    struct peer_count *peer; /* NULL if over the limits */
    char peer_text[46];
};

struct http_server {
    struct event_base *base;
    struct http_server_config config;
    struct http_handler handler;
    struct evconnlistener *listener;
    struct event *resume; /* accepting again after EMFILE */
    struct event *drained;
    uint16_t port;
    SSL_CTX *tls;
    LIST_HEAD(, http_conn) conns;
    size_t count, over;
    struct map *peers; /* address bytes -> struct peer_count */
    struct sbuf scratch;
    char date_line[48]; /* "Date: ...\r\n" of date_second */
    int64_t date_second;
    bool draining;
    void (*on_drained)(void *ctx);
    void *drain_ctx;
};

/* ---- http_conn.c -------------------------------------------------------------------------------
 */

/* Takes the socket. NULL if TLS could not be set up (socket closed). */
struct http_conn *conn_new(struct http_server *server, evutil_socket_t fd, const char *peer_text,
                           struct peer_count *peer);
void conn_close(struct http_conn *conn, enum close_reason why);
/* Closes from the loop: safe below any call of the handler. */
void conn_cut_later(struct http_conn *conn, enum close_reason why);
void conn_deadline(struct http_conn *conn, int64_t deadline_us);
/* The answer is complete in the output buffer, or already gone. */
void conn_replied(struct http_conn *conn);
size_t conn_pending(const struct http_conn *conn);

/* ---- http_exchange.c ---------------------------------------------------------------------------
 */

/* Parses what is buffered and calls the handler, as far as the state allows. */
void conn_process(struct http_conn *conn);
void conn_refuse(struct http_conn *conn, int status, const char *reason, bool must_close);
/* Ready for the next request. */
void conn_next(struct http_conn *conn);

/* ---- http_stream.c -----------------------------------------------------------------------------
 */

void stream_drained(struct http_conn *conn);
/* The server drains: last words, if there are any, then the end. */
void stream_bye(struct http_conn *conn);

/* ---- http_reply.c ------------------------------------------------------------------------------
 */

/* Status line and headers into the scratch buffer; length < 0: no Content-Length. */
void reply_head(struct http_conn *conn, int status, const char *type, int64_t length, bool chunked);
void conn_queue(struct http_conn *conn, const void *data, size_t len);

/* ---- http_listener.c ---------------------------------------------------------------------------
 */

void listener_close(struct http_server *server);
void peer_release(struct http_server *server, struct peer_count *peer);

/* ---- net_tls.c ---------------------------------------------------------------------------------
 */

/* alpn: the one protocol, a byte with its length before it; a literal, it is kept. */
SSL_CTX *tls_server_ctx(const char *cert_path, const char *key_path, const char *alpn,
                        char **error_r);
/* A peer that left shows as an error of the write; the signal would end the process. */
void net_ignore_sigpipe(void);
/* Tells the peer that nothing follows; no answer is waited for. */
void tls_close_notify(SSL *ssl);
/* Text of the oldest queued error, and clears the queue. Caller frees. */
char *tls_error_text(const char *what);

/* ---- net_metrics.c -----------------------------------------------------------------------------
 */

enum net_metric {
    NET_CONNECTIONS,
    NET_STREAMS,
    NET_ACCEPTED,
    NET_ACCEPT_PAUSED,
    NET_HANDSHAKES,
    NET_REQUESTS,
    NET_ABORTED,
    NET_SENT_BYTES,
    NET_RESPONSES_2XX,
    NET_RESPONSES_3XX,
    NET_RESPONSES_4XX,
    NET_RESPONSES_5XX,
    NET_REFUSED_FIRST, /* see net_count_refusal() */
    NET_REFUSED_LAST = NET_REFUSED_FIRST + 10,
    NET_CLOSED_FIRST,
    NET_METRIC_COUNT = NET_CLOSED_FIRST + CLOSE_COUNT
};
extern struct metric net_metrics[NET_METRIC_COUNT];

void net_metrics_register(void);
void net_count_refusal(int status, const char *reason);
void net_count_response(int status);
static inline void net_count(enum net_metric m, int64_t n)
{
    metric_add(&net_metrics[m], n);
}

#endif
