/*
 * http1_response.c - responses as a client reads them; see http1.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "proto/http1_private.h"

/* "100 Continue" and hints; more of them in front of one answer is nonsense. */
#define INTERIM_MAX 8

enum response_step { AT_HEAD, AT_BODY, AT_END, AT_REJECT };

struct http1_response_parser {
    struct http1_head head;
    struct http1_body body;
    enum response_step step;
    bool head_request;
    unsigned interim; /* 1xx heads skipped */
    struct http1_response res;
    struct http1_error error;
};

struct http1_response_parser *http1_response_parser_new(const struct http1_limits *limits)
{
    struct http1_response_parser *parser = xcalloc(1, sizeof(*parser));
    http1_head_init(&parser->head, limits);
    http1_head_init(&parser->body.trailer, limits);
    http1_response_parser_start(parser, false);
    return parser;
}

void http1_response_parser_free(struct http1_response_parser **parser)
{
    if (!*parser)
        return;
    http1_head_free(&(*parser)->head);
    http1_head_free(&(*parser)->body.trailer);
    free(*parser);
    *parser = NULL;
}

void http1_response_parser_start(struct http1_response_parser *parser, bool head_request)
{
    http1_head_reset(&parser->head);
    parser->step = AT_HEAD;
    parser->head_request = head_request;
    parser->interim = 0;
    parser->res = (struct http1_response){.content_length = -1};
}

const struct http1_response *http1_response_get(const struct http1_response_parser *parser)
{
    return &parser->res;
}

const char *http1_response_header(const struct http1_response *res, const char *name)
{
    return http1_find(res->headers, res->header_count, name);
}

struct http1_error http1_response_error(const struct http1_response_parser *parser)
{
    return parser->error;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK"; the reason may be empty and is not kept. */
static bool status_line(struct http1_response_parser *parser, const char *line, size_t len)
{
    if (!http1_text_valid(line, len, &parser->error))
        return false;
    if (len < 13 || memcmp(line, "HTTP/1.", 7) != 0 || (line[7] != '0' && line[7] != '1') ||
        line[8] != ' ' || line[9] < '1' || line[9] > '5' || !digit(line[10]) || !digit(line[11]) ||
        line[12] != ' ')
        return http1_fail(&parser->error, 400, "bad_status_line");
    parser->res.minor = line[7] - '0';
    parser->res.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    return true;
}

static bool head_complete(struct http1_response_parser *parser)
{
    const char *known[HTTP1_KNOWN_COUNT] = {NULL};
    struct http1_framing framing;
    struct http1_response *res = &parser->res;
    http1_head_publish(&parser->head);
    res->headers = parser->head.headers;
    res->header_count = parser->head.count;
    if (!http1_framing_read(&parser->head, res->minor, known, &framing, &parser->error))
        return false;
    if (res->status == 101) /* never asked for */
        return http1_fail(&parser->error, 400, "unasked_upgrade");
    res->is_chunked = framing.is_chunked;
    res->content_length = framing.content_length;
    bool no_body = parser->head_request || res->status == 204 || res->status == 304;
    bool until_eof = !no_body && !framing.is_chunked && framing.content_length < 0;
    res->keep_alive = framing.keep_alive && !until_eof;
    if (no_body)
        framing = (struct http1_framing){.content_length = 0};
    http1_body_start(&parser->body, &framing, until_eof);
    return true;
}

static enum http1_event reject(struct http1_response_parser *parser)
{
    parser->step = AT_REJECT;
    return HTTP1_REJECT;
}

/* The blank line: of an interim head, then the next one follows, or of the answer itself. */
static enum http1_event blank_line(struct http1_response_parser *parser)
{
    if (!head_complete(parser))
        return reject(parser);
    if (parser->res.status >= 200) {
        parser->step = AT_BODY;
        return HTTP1_HEAD;
    }
    if (++parser->interim > INTERIM_MAX) {
        (void)http1_fail(&parser->error, 400, "too_many_interim");
        return reject(parser);
    }
    http1_head_reset(&parser->head);
    parser->res = (struct http1_response){.content_length = -1};
    return HTTP1_NEED_MORE;
}

static enum http1_event head_line(struct http1_response_parser *parser, const char *in, size_t len,
                                  size_t *used_r)
{
    struct http1_head *head = &parser->head;
    const struct http1_error over = {431, "head_too_large"};
    bool is_first = head->line == 0;
    char *line;
    size_t line_len;
    enum http1_line got = http1_head_line(head, head->limits.head_bytes, over, in, len, used_r,
                                          &line, &line_len, &parser->error);
    if (got == HTTP1_LINE_MORE)
        return HTTP1_NEED_MORE;
    if (got == HTTP1_LINE_REJECT)
        return reject(parser);
    if (!is_first && line_len == 0)
        return blank_line(parser);
    bool ok = is_first ? status_line(parser, line, line_len)
                       : http1_head_field(head, line, line_len, &parser->error);
    return ok ? HTTP1_NEED_MORE : reject(parser);
}

enum http1_event http1_response_parse(struct http1_response_parser *parser, const char *in,
                                      size_t len, size_t *used_r, const char **data_r,
                                      size_t *len_r)
{
    *used_r = 0;
    *data_r = NULL;
    *len_r = 0;
    while (parser->step == AT_HEAD && *used_r < len) {
        size_t used = 0;
        enum http1_event event = head_line(parser, in + *used_r, len - *used_r, &used);
        *used_r += used;
        if (event != HTTP1_NEED_MORE)
            return event;
    }
    if (parser->step == AT_HEAD)
        return HTTP1_NEED_MORE;
    if (parser->step != AT_BODY)
        return parser->step == AT_END ? HTTP1_END : HTTP1_REJECT;
    enum http1_event event =
        http1_body_parse(&parser->body, in, len, used_r, data_r, len_r, &parser->error);
    if (event == HTTP1_END)
        parser->step = AT_END;
    return event == HTTP1_REJECT ? reject(parser) : event;
}

enum http1_event http1_response_eof(struct http1_response_parser *parser)
{
    if (parser->step == AT_BODY && (parser->body.until_eof || parser->body.step == HTTP1_AT_DONE))
        parser->step = AT_END;
    if (parser->step == AT_END)
        return HTTP1_END;
    if (parser->step != AT_REJECT)
        (void)http1_fail(&parser->error, 400, "cut_short");
    return reject(parser);
}
