/*
 * http_client.h - a small HTTP/1.1 client for the command line and for tests: one connection,
 * blocking calls, every wait with a deadline (only the resolver has its own).
 *
 * The connection is kept between calls. An idle connection that the server has closed meanwhile is
 * noticed and replaced; if it breaks before one byte of an answer came, the request is sent once
 * more, provided none of it had been sent or it may be repeated (GET, HEAD, `repeatable`).
 *
 * Errors are sentences for people; they name the server and never the headers. One thread.
 */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "proto/http1.h"

/* A body collected into memory is refused beyond this. */
#define HTTP_CLIENT_BODY_BYTES ((size_t)16 << 20)

struct http_client;

/*
 * base_url is "http://host[:port]" or "https://host[:port]". ca_file is a PEM file of the
 * authorities trusted instead of the system's, or NULL. NULL and a text (caller frees) if either is
 * wrong; the server is not asked yet.
 */
MUST_CHECK struct http_client *http_client_new(const char *base_url, const char *ca_file,
                                               char **error_r);
void http_client_free(struct http_client **client);

struct http_client_call {
    const char *method;
    const char *target; /* "/v1/queue?wait=10" */
    const struct http_header *headers;
    size_t header_count;
    const void *body; /* NULL: none */
    size_t body_len;
    int64_t timeout_us; /* connect, send and read the whole answer; of a stream: its head */
    bool repeatable;    /* may be sent twice, e.g. because it has an Idempotency-Key */
};

struct http_client_response {
    int status;
    size_t header_count;
    const struct http_header *headers;
    const char *body; /* NUL-terminated; "" for a stream that was taken by on_body */
    size_t body_len;
    struct arena *memory; /* of all of the above */
};
/* Zeroes it; a zeroed response is fine. */
void http_client_response_free(struct http_client_response *response);
/* NULL if absent; name in any case. */
const char *http_client_header(const struct http_client_response *response, const char *name);

/* true if an answer arrived, whatever its status. */
MUST_CHECK bool http_client_request(struct http_client *client, const struct http_client_call *call,
                                    struct http_client_response *response_r, char **error_r);

struct http_client_sink {
    /* One piece of body as it comes, cut anywhere; false ends the stream. */
    bool (*on_body)(void *ctx, const char *data, size_t len);
    void *ctx;
    int64_t read_timeout_us; /* longest silence */
};
/*
 * Like http_client_request(), but the body of a 2xx answer goes to the sink; other answers are
 * collected. true if the body ended properly or the sink ended it.
 */
MUST_CHECK bool http_client_stream(struct http_client *client, const struct http_client_call *call,
                                   const struct http_client_sink *sink,
                                   struct http_client_response *response_r, char **error_r);

#endif
