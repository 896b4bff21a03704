/*
 * http1_request.c - request heads; see http1.h.
 *
 * Every check depends on the bytes up to the end of a line (or on the limit being hit) and never
 * on how they were cut into reads: that makes the parser indifferent to splits.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "proto/http1_private.h"

/* Method, two blanks, version and CRLF next to a target of request_line_bytes. */
#define REQUEST_LINE_SLACK 32

enum parser_step {
    AT_START,    /* before a request; one empty line is forgiven here (RFC 9112, 2.2) */
    AT_START_LF, /* CR of that empty line seen */
    AT_HEAD,
    AT_BODY,
    AT_END,
    AT_REJECT
};

struct http1_parser {
    struct http1_head head;
    struct http1_body body;
    enum parser_step step;
    bool skipped_line;               /* the forgiven empty line */
    bool has_line;                   /* request line is understood: the offsets below count */
    size_t target, query, authority; /* offsets into head.bytes; authority 0 = none */
    char *path;
    size_t path_cap;
    struct http1_request req;
    struct http1_error error;
};

static const struct http1_request no_request = {
    .method = HTTP_METHOD_UNKNOWN,
    .target = "",
    .path = "",
    .query = "",
    .host = "",
    .content_length = -1,
};

struct http1_parser *http1_parser_new(const struct http1_limits *limits)
{
    struct http1_parser *parser = xcalloc(1, sizeof(*parser));
    http1_head_init(&parser->head, limits);
    http1_head_init(&parser->body.trailer, limits);
    parser->req = no_request;
    return parser;
}

void http1_parser_free(struct http1_parser **parser)
{
    if (!*parser)
        return;
    http1_head_free(&(*parser)->head);
    http1_head_free(&(*parser)->body.trailer);
    free((*parser)->path);
    free(*parser);
    *parser = NULL;
}

void http1_parser_next(struct http1_parser *parser)
{
    if (parser->step == AT_REJECT)
        return; /* final */
    http1_head_reset(&parser->head);
    parser->step = AT_START;
    parser->skipped_line = false;
    parser->has_line = false;
    parser->req = no_request;
}

const struct http1_request *http1_parser_request(const struct http1_parser *parser)
{
    return &parser->req;
}

bool http1_parser_in_message(const struct http1_parser *parser)
{
    return parser->step != AT_START && parser->step != AT_START_LF;
}

struct http1_error http1_parser_error(const struct http1_parser *parser)
{
    return parser->error;
}

const char *http1_header(const struct http1_request *req, const char *name)
{
    return http1_find(req->headers, req->header_count, name);
}

/* ---- request line ------------------------------------------------------------------------------
 */

static bool version_read(const char *s, int *minor_r, struct http1_error *error)
{
    if (strlen(s) != 8 || memcmp(s, "HTTP/", 5) != 0 || s[5] < '0' || s[5] > '9' || s[6] != '.' ||
        s[7] < '0' || s[7] > '9')
        return http1_fail(error, 400, "bad_version");
    if (s[5] != '1' || s[7] > '1')
        return http1_fail(error, 505, "unknown_version");
    *minor_r = s[7] - '0';
    return true;
}

static bool method_read(const char *s, enum http_method *method_r, struct http1_error *error)
{
    for (enum http_method m = HTTP_GET; m < HTTP_METHOD_UNKNOWN; m++) {
        if (strcmp(s, http_method_name(m)) == 0) {
            *method_r = m;
            return true;
        }
    }
    return http1_fail(error, 501, "unknown_method");
}

/* reg-name, IPv4 or bracketed IPv6, then an optional port; what routes on it may not be fooled. */
static bool host_valid(const char *host, struct http1_error *error)
{
    size_t len = 0;
    if (host[0] == '[') {
        len = 1 + strspn(host + 1, "0123456789abcdefABCDEF:.");
        if (len < 3 || host[len] != ']')
            return http1_fail(error, 400, "bad_host");
        len++;
    } else {
        while (http1_is(host[len], HTTP1_REGNAME))
            len++;
        if (len == 0)
            return http1_fail(error, 400, "bad_host");
    }
    if (host[len] == '\0')
        return true;
    size_t digits = strspn(host + len + 1, "0123456789");
    if (host[len] != ':' || digits > 5 || host[len + 1 + digits] != '\0')
        return http1_fail(error, 400, "bad_host");
    return true;
}

static bool has_dot_segment(const char *path)
{
    for (const char *at = path; at; at = strchr(at, '/')) {
        at++;
        size_t len = strcspn(at, "/");
        if ((len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.'))
            return true;
    }
    return false;
}

/* One "%XX"; what would change the structure of the path or hide in a log is refused. */
static bool escape_decode(const char *raw, size_t left, char *out, struct http1_error *error)
{
    int high = left >= 3 ? http1_hex(raw[1]) : -1;
    int low = left >= 3 ? http1_hex(raw[2]) : -1;
    if (high < 0 || low < 0)
        return http1_fail(error, 400, "bad_escape");
    int byte = high * 16 + low;
    if (byte < 0x20 || byte == 0x7f)
        return http1_fail(error, 400, "escaped_control");
    if (byte == '/')
        return http1_fail(error, 400, "escaped_slash");
    *out = (char)byte;
    return true;
}

static bool path_decode(const char *raw, size_t len, char *out, struct http1_error *error)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++, n++) {
        if (!http1_is(raw[i], HTTP1_PATH))
            return http1_fail(error, 400, "bad_target");
        out[n] = raw[i];
        if (raw[i] != '%')
            continue;
        if (!escape_decode(raw + i, len - i, out + n, error))
            return false;
        i += 2;
    }
    out[n] = '\0';
    if (!utf8_valid(out, n))
        return http1_fail(error, 400, "path_not_utf8");
    if (has_dot_segment(out))
        return http1_fail(error, 400, "dot_segment");
    return true;
}

/* "http://host/path" becomes "/path"; the host moves into the room of the scheme. */
static bool absolute_reduce(struct http1_parser *parser, char **target, struct http1_error *error)
{
    char *start = *target;
    size_t scheme = strncasecmp(start, "http://", 7) == 0    ? 7
                    : strncasecmp(start, "https://", 8) == 0 ? 8
                                                             : 0;
    char *authority = start + scheme;
    size_t len = strcspn(authority, "/?");
    if (scheme == 0 || authority[len] == '?')
        return http1_fail(error, 400, "bad_target");
    if (authority[len] == '/') {
        *target = authority + len;
    } else {
        *target = start + len + 1; /* shorter than the scheme: no overlap with what is moved */
    }
    memmove(start, authority, len);
    start[len] = '\0';
    if (*target == start + len + 1)
        memcpy(*target, "/", 2);
    parser->authority = (size_t)(start - parser->head.bytes);
    return host_valid(start, error);
}

static bool target_read(struct http1_parser *parser, char *target, struct http1_error *error)
{
    bool asterisk = strcmp(target, "*") == 0 && parser->req.method == HTTP_OPTIONS;
    if (!asterisk && target[0] != '/' && !absolute_reduce(parser, &target, error))
        return false;
    size_t path_len = strcspn(target, "?");
    if (parser->path_cap < path_len + 1) {
        parser->path_cap = path_len + 64;
        parser->path = xrealloc_array(parser->path, parser->path_cap, 1);
    }
    if (!path_decode(target, path_len, parser->path, error))
        return false;
    const char *query = target + path_len + (target[path_len] == '?');
    for (const char *q = query; *q; q++) {
        if (!http1_is(*q, HTTP1_QUERY))
            return http1_fail(error, 400, "bad_target");
    }
    parser->target = (size_t)(target - parser->head.bytes);
    parser->query = (size_t)(query - parser->head.bytes);
    return true;
}

static bool request_line(struct http1_parser *parser, char *line, size_t len)
{
    struct http1_error *error = &parser->error;
    if (!http1_text_valid(line, len, error))
        return false;
    char *target = strchr(line, ' ');
    char *version = target ? strchr(target + 1, ' ') : NULL;
    if (!version)
        return http1_fail(error, 400, "bad_request_line");
    *target++ = '\0';
    *version++ = '\0';
    for (const char *m = line; *m; m++) {
        if (!http1_is(*m, HTTP1_TOKEN))
            return http1_fail(error, 400, "bad_method");
    }
    parser->authority = 0;
    parser->has_line = version_read(version, &parser->req.minor, error) &&
                       method_read(line, &parser->req.method, error) &&
                       target_read(parser, target, error);
    return parser->has_line;
}

/* ---- head --------------------------------------------------------------------------------------
 */

/* Offsets become pointers: at the end of the head, or as far as it was understood on a rejection.
 */
static void request_publish(struct http1_parser *parser)
{
    struct http1_request *req = &parser->req;
    http1_head_publish(&parser->head);
    req->headers = parser->head.headers;
    req->header_count = parser->head.count;
    if (!parser->has_line)
        return;
    req->target = parser->head.bytes + parser->target;
    req->query = parser->head.bytes + parser->query;
    req->path = parser->path;
}

static bool host_read(struct http1_parser *parser, const char *host)
{
    const char *authority = parser->authority ? parser->head.bytes + parser->authority : NULL;
    if (host && !host_valid(host, &parser->error))
        return false;
    if (!host && parser->req.minor == 1)
        return http1_fail(&parser->error, 400, "no_host");
    if (host && authority && strcasecmp(host, authority) != 0)
        return http1_fail(&parser->error, 400, "host_mismatch");
    parser->req.host = authority ? authority : host ? host : "";
    return true;
}

static bool head_complete(struct http1_parser *parser)
{
    const char *known[HTTP1_KNOWN_COUNT] = {NULL};
    struct http1_framing framing;
    struct http1_request *req = &parser->req;
    request_publish(parser);
    if (!http1_framing_read(&parser->head, req->minor, known, &framing, &parser->error) ||
        !host_read(parser, known[HTTP1_KNOWN_HOST]))
        return false;
    /* An expectation of an HTTP/1.0 client means nothing (RFC 9110, 10.1.1). */
    const char *expect = req->minor == 1 ? known[HTTP1_KNOWN_EXPECT] : NULL;
    if (expect && strcasecmp(expect, "100-continue") != 0)
        return http1_fail(&parser->error, 417, "unknown_expectation");
    req->expect_continue = expect != NULL;
    req->keep_alive = framing.keep_alive;
    req->is_chunked = framing.is_chunked;
    req->content_length = framing.content_length;
    http1_body_start(&parser->body, &framing, false);
    return true;
}

static enum http1_event reject(struct http1_parser *parser)
{
    parser->step = AT_REJECT;
    request_publish(parser);
    return HTTP1_REJECT;
}

/* The byte in front of a request, or of its forgiven empty line. false: rejected. */
static bool start_byte(struct http1_parser *parser, char c, size_t *used_r)
{
    struct http1_error *error = &parser->error;
    if (parser->step == AT_START_LF) {
        if (c != '\n')
            return http1_fail(error, 400, "bare_cr");
        parser->step = AT_START;
        parser->skipped_line = true;
        *used_r = 1;
        return true;
    }
    if (c == '\r' && !parser->skipped_line) {
        parser->step = AT_START_LF;
        *used_r = 1;
        return true;
    }
    /* Before waiting for a line end: TLS and other protocols show themselves in the first byte. */
    if (!http1_is(c, HTTP1_TOKEN))
        return http1_fail(error, 400,
                          c == '\n'   ? "bare_lf"
                          : c == '\r' ? "empty_line"
                                      : "bad_method");
    parser->step = AT_HEAD;
    return true;
}

static enum http1_event head_line(struct http1_parser *parser, const char *in, size_t len,
                                  size_t *used_r)
{
    struct http1_head *head = &parser->head;
    bool is_first = head->line == 0;
    size_t first_max = head->limits.request_line_bytes + REQUEST_LINE_SLACK;
    size_t limit = head->limits.head_bytes;
    struct http1_error over = {431, "head_too_large"};
    if (is_first) {
        limit = limit < first_max ? limit : first_max;
        over = (struct http1_error){414, "request_line_too_long"};
    }
    char *line;
    size_t line_len;
    enum http1_line got =
        http1_head_line(head, limit, over, in, len, used_r, &line, &line_len, &parser->error);
    if (got == HTTP1_LINE_MORE)
        return HTTP1_NEED_MORE;
    if (got == HTTP1_LINE_REJECT)
        return reject(parser);
    if (!is_first && line_len == 0) {
        if (!head_complete(parser))
            return reject(parser);
        parser->step = AT_BODY;
        return HTTP1_HEAD;
    }
    bool ok = is_first ? request_line(parser, line, line_len)
                       : http1_head_field(head, line, line_len, &parser->error);
    return ok ? HTTP1_NEED_MORE : reject(parser);
}

static enum http1_event head_parse(struct http1_parser *parser, const char *in, size_t len,
                                   size_t *used_r)
{
    while (*used_r < len) {
        size_t used = 0;
        enum http1_event event = HTTP1_NEED_MORE;
        if (parser->step == AT_HEAD)
            event = head_line(parser, in + *used_r, len - *used_r, &used);
        else if (!start_byte(parser, in[*used_r], &used))
            event = reject(parser);
        *used_r += used;
        if (event != HTTP1_NEED_MORE)
            return event;
    }
    return HTTP1_NEED_MORE;
}

enum http1_event http1_parse(struct http1_parser *parser, const char *in, size_t len,
                             size_t *used_r, const char **data_r, size_t *len_r)
{
    *used_r = 0;
    *data_r = NULL;
    *len_r = 0;
    if (parser->step == AT_REJECT)
        return HTTP1_REJECT;
    if (parser->step == AT_END)
        return HTTP1_END;
    if (parser->step != AT_BODY)
        return head_parse(parser, in, len, used_r);
    enum http1_event event =
        http1_body_parse(&parser->body, in, len, used_r, data_r, len_r, &parser->error);
    if (event == HTTP1_END)
        parser->step = AT_END;
    return event == HTTP1_REJECT ? reject(parser) : event;
}
