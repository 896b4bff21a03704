/*
 * http_server.h - HTTP/1.1 origin over libevent bufferevents.
 *
 * Life of a request
 *   NEW         head is being read (head deadline: whole head, not per byte)
 *   ROUTED      head complete, on_head() decided the body limit or refused
 *   PAYLOAD_IN  body is being read (body deadline: whole body)
 *   PROCESSING  on_request() was called; the handler owns the request until it answers
 *   REPLYING    answer given, being written (write-progress deadline)
 *   STREAMING   answer is a stream (SSE); ends by http_stream_end() or disconnect
 *   DONE        next request or close
 *
 * Callbacks
 *   on_head and on_request run from the event loop, never inside a call of yours.
 *   on_abort runs exactly once, and only if the peer vanished (EOF after the whole request, RST,
 *   write deadline) or the server is being freed between on_request and the answer: http_reply() or
 *   http_stream_end() hand the request back, nothing follows them. After on_abort the request must
 *   not be touched again. Half-close of a client that still reads counts as vanished.
 *   A request that only on_head has seen (refused, or its body never complete) gets no on_abort:
 *   on_head must leave nothing behind that would need one.
 *   Answering is allowed inside on_request and at any later time.
 *
 * Bounds, each with a counter in /metrics: connections (total, per address), head, header count,
 * target, body, requests per connection, handshake/head/body/idle/write deadlines, stream
 * high-water mark, pipelining depth 1 (the next request waits unread). EMFILE/ENFILE: the listener
 * pauses for a second, log throttled.
 *
 * Answers to what is refused here are written by on_refuse (RFC 9457 problems are the daemon's).
 * One thread; sockets and TLS stay inside this room.
 */
#ifndef NET_HTTP_SERVER_H
#define NET_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/sbuf.h"
#include "proto/http1.h"

struct event_base;
struct http_server;
struct http_request;
struct http_stream;

struct http_server_config {
    struct http1_limits limits;
    size_t max_connections;             /* total, default 4096 -> accepted, answered 503, closed */
    size_t max_connections_per_address; /* default 1024; loopback counts too */
    size_t max_requests_per_connection; /* default 0 = unlimited */
    int64_t handshake_timeout_us;       /* default 10 s */
    int64_t head_timeout_us;            /* default 10 s, whole head -> 408 */
    int64_t body_timeout_us;            /* default 30 s, whole body -> 408 */
    int64_t idle_timeout_us;            /* default 75 s between requests, silent close */
    int64_t write_timeout_us;           /* default 30 s without progress */
    size_t stream_high_water_bytes;     /* default 256 KiB -> "slow consumer", closed */
};
void http_server_config_defaults(struct http_server_config *config);

struct http_handler {
    /*
     * Head is complete. Returns the number of body bytes allowed (0 = none); a negative HTTP status
     * (-404, -405, -401 ...) refuses now: on_refuse() is then asked to write the answer. `Expect:
     * 100-continue` is answered only after this said yes.
     */
    int64_t (*on_head)(void *ctx, struct http_request *req);
    /*
     * Head or body was refused by on_head, by limits or by deadlines, or the connection is one too
     * many (503). Call http_reply() before returning, else an empty answer is sent; NULL: always
     * that. The head may be known in part or not at all: then strings are "" and the method is
     * HTTP_METHOD_UNKNOWN. reason is a stable word, "handler" if on_head said no. May come after
     * on_head has said yes (body too large, body deadline).
     */
    void (*on_refuse)(void *ctx, struct http_request *req, int status, const char *reason);
    void (*on_request)(void *ctx, struct http_request *req);
    void (*on_abort)(void *ctx, struct http_request *req);
    void *ctx;
};

/* The base must outlive the server. */
RETURNS_NONNULL struct http_server *http_server_new(struct event_base *base,
                                                    const struct http_server_config *config,
                                                    const struct http_handler *handler);
/* host is an address literal. port 0 picks one. false and a text (caller frees) on failure. */
MUST_CHECK bool http_server_listen(struct http_server *server, const char *host, uint16_t port,
                                   char **error_r);
uint16_t http_server_port(const struct http_server *server);
/* Loads PEM files and uses them for connections accepted from now on; the old ones stay if they are
 * wrong. */
MUST_CHECK bool http_server_load_tls(struct http_server *server, const char *cert_path,
                                     const char *key_path, char **error_r);
/*
 * Stops accepting; idle connections close, running requests finish with `Connection: close`,
 * streams get their `bye`. on_drained runs once, from the loop, when nothing is left or the
 * deadline passed (rest is cut).
 */
void http_server_drain(struct http_server *server, int64_t timeout_us,
                       void (*on_drained)(void *ctx), void *ctx);
/* Cuts what is left (on_abort runs) and frees. */
void http_server_free(struct http_server **server);
size_t http_server_connections(const struct http_server *server);

/* ---- a request, between on_head and its answer ------------------------------------------------
 */

const struct http1_request *http_request_head(const struct http_request *req);
/* NUL-terminated; complete from on_request on. */
const char *http_request_body(const struct http_request *req, size_t *len_r);
/* Text form of the peer's address without port. */
const char *http_request_peer(const struct http_request *req);
void http_request_set_user(struct http_request *req, void *user);
void *http_request_user(const struct http_request *req);
/* Monotonic instant at which the first byte of the head arrived, for latency metrics. */
int64_t http_request_started_us(const struct http_request *req);
/* Connection id, unique in the process, for logs. */
uint64_t http_request_connection_id(const struct http_request *req);

/* Extra answer header; name and value are copied, value must not contain control bytes (INVARIANT).
 */
void http_reply_header(struct http_request *req, const char *name, const char *value);
/*
 * Answers with a complete body (copied). HEAD requests and 204/304 send no body. Exactly once.
 * Date, Content-Length, Connection are made here; Content-Type is `type` if not NULL.
 */
void http_reply(struct http_request *req, int status, const char *type, const void *body,
                size_t len);

/*
 * Turns the request into a stream of chunks (HTTP/1.1) or until close (1.0). on_drain runs when
 * what was queued has gone out, on_abort (of the handler) when the peer is gone or too slow.
 */
RETURNS_NONNULL struct http_stream *http_reply_stream(struct http_request *req, int status,
                                                      const char *type, void (*on_drain)(void *ctx),
                                                      void *ctx);
/* false: over the high-water mark; the stream is being closed as a slow consumer, on_abort follows
 * from the loop. */
bool http_stream_write(struct http_stream *stream, const void *data, size_t len);
size_t http_stream_pending(const struct http_stream *stream);
/*
 * Last words (copied): http_server_drain() sends them, ends the stream cleanly and runs on_abort
 * from the loop, so that the owner lets go. A stream without them is left to its owner.
 */
void http_stream_set_bye(struct http_stream *stream, const void *data, size_t len);
/* Clean end (last chunk). The request is over; no on_abort. */
void http_stream_end(struct http_stream *stream);

#endif
