/*
 * http1.h - HTTP/1.1 messages, pure: bytes in, events out; no sockets, no clock.
 *
 * A strict subset (RFC 9112 where it says SHOULD or MUST reject): HTTP/1.0 and 1.1, CRLF only,
 * exactly one Host in 1.1, at most one Content-Length of digits only, Transfer-Encoding exactly
 * "chunked" and never with Content-Length or in HTTP/1.0, no obs-fold, field names are tokens, no
 * control bytes in values, chunk sizes plain hex, no chunk extensions, trailers are read within the
 * head limits and dropped. Feeding the same bytes in any split gives the same events
 * (property-tested, fuzzed). Rejections are final: the caller answers with `status` and closes.
 */
#ifndef PROTO_HTTP1_H
#define PROTO_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/sbuf.h"

struct http1_limits {
    size_t request_line_bytes; /* method, target, version; default 4096 + slack -> 414 */
    size_t head_bytes;         /* whole head, default 16384 -> 431 */
    size_t header_count;       /* default 64 -> 431 */
};
#define HTTP1_LIMITS_DEFAULT ((struct http1_limits){4096, 16384, 64})

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_PATCH,
    HTTP_METHOD_UNKNOWN /* a valid token that we do not know: 501 */
};
const char *http_method_name(enum http_method m);

struct http_header {
    const char *name;  /* as sent; compare without case */
    const char *value; /* trimmed */
};

struct http1_request {
    enum http_method method;
    int minor;          /* 0 or 1 */
    const char *target; /* origin-form as sent ("/a/b?c=d"); absolute-form is reduced to it */
    const char
        *path; /* percent-decoded, no NUL, no control bytes, valid UTF-8, no "." or ".." segments */
    const char *query; /* raw text after '?', "" if none */
    const char *host;
    size_t header_count;
    const struct http_header *headers;
    bool keep_alive; /* what the client wants */
    bool expect_continue;
    bool is_chunked;
    int64_t content_length; /* -1 if not given */
};
/* NULL if absent; name in any case. Second occurrence of a singleton header is rejected while
 * parsing (host, content-length, transfer-encoding, authorization, content-type, idempotency-key,
 * expect). */
const char *http1_header(const struct http1_request *req, const char *name);

enum http1_event {
    HTTP1_NEED_MORE, /* feed more bytes */
    HTTP1_HEAD,      /* request is complete up to the body; look at it, then go on feeding */
    HTTP1_BODY,      /* body bytes: data_r, len_r (inside the caller's input) */
    HTTP1_END,       /* request complete; http1_parser_next() starts the following one */
    HTTP1_REJECT,    /* see http1_parser_error() */
};

struct http1_parser;
RETURNS_NONNULL struct http1_parser *http1_parser_new(const struct http1_limits *limits);
void http1_parser_free(struct http1_parser **parser);
/*
 * Consumes from in[0..len), returns one event and how many bytes it used. After HTTP1_HEAD the
 * request is valid until http1_parser_next(). Body bytes are passed through without copying.
 */
enum http1_event http1_parse(struct http1_parser *parser, const char *in, size_t len,
                             size_t *used_r, const char **data_r, size_t *len_r);
const struct http1_request *http1_parser_request(const struct http1_parser *parser);
void http1_parser_next(struct http1_parser *parser);
/* true once any byte of a head has arrived (leading CRLF does not count): head deadline vs idle. */
bool http1_parser_in_message(const struct http1_parser *parser);

struct http1_error {
    int status;         /* 400, 413, 414, 431, 501, 505 ... */
    const char *reason; /* stable word for logs, metrics and the problem type: "bare_lf",
                           "two_lengths" ... */
};
struct http1_error http1_parser_error(const struct http1_parser *parser);

/* ---- response head --------------------------------------------------------------------------- */

const char *http_status_text(int status);
/* "Sun, 06 Nov 1994 08:49:37 GMT" */
#define HTTP_DATE_SIZE 32
void http_format_date(int64_t instant_us, char out[HTTP_DATE_SIZE]);

/* ---- responses as a client reads them (the same strictness) ------------------------------------
 */

struct http1_response {
    int status;
    int minor;
    size_t header_count;
    const struct http_header *headers;
    bool keep_alive;
    bool is_chunked;
    int64_t content_length;
};
struct http1_response_parser;
RETURNS_NONNULL struct http1_response_parser *
http1_response_parser_new(const struct http1_limits *limits);
void http1_response_parser_free(struct http1_response_parser **parser);
/* head_request: the answer to a HEAD has no body whatever its headers say. */
void http1_response_parser_start(struct http1_response_parser *parser, bool head_request);
/* Same events as http1_parse(); at EOF call http1_response_eof(). 1xx heads are skipped. */
enum http1_event http1_response_parse(struct http1_response_parser *parser, const char *in,
                                      size_t len, size_t *used_r, const char **data_r,
                                      size_t *len_r);
/* HTTP1_END if EOF ends the body legally, HTTP1_REJECT if the message is cut. */
enum http1_event http1_response_eof(struct http1_response_parser *parser);
const struct http1_response *http1_response_get(const struct http1_response_parser *parser);
const char *http1_response_header(const struct http1_response *res, const char *name);
struct http1_error http1_response_error(const struct http1_response_parser *parser);

#endif
