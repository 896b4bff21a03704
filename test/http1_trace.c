#include "http1_trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* One of the two parsers under the same hand. */
struct feeder {
    struct http1_trace *trace;
    struct http1_parser *requests;
    struct http1_response_parser *response;
    struct sbuf body;
    bool stopped; /* nothing more is read */
};

static void write_headers(struct sbuf *out, const struct http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sbuf_addf(out, " [%s|%s]", headers[i].name, headers[i].value);
    sbuf_addc(out, '\n');
}

static void write_head(struct feeder *f)
{
    struct sbuf *out = &f->trace->text;
    if (f->requests) {
        const struct http1_request *r = http1_parser_request(f->requests);
        sbuf_addf(out, "HEAD %s 1.%d target=%s path=%s query=%s host=%s keep=%d expect=%d cl=%lld",
                  http_method_name(r->method), r->minor, r->target, r->path, r->query, r->host,
                  r->keep_alive, r->expect_continue, (long long)r->content_length);
        write_headers(out, r->headers, r->header_count);
    } else {
        const struct http1_response *r = http1_response_get(f->response);
        sbuf_addf(out, "HEAD %d 1.%d keep=%d chunked=%d cl=%lld", r->status, r->minor,
                  r->keep_alive, r->is_chunked, (long long)r->content_length);
        write_headers(out, r->headers, r->header_count);
    }
}

static void write_body(struct feeder *f, const char *why)
{
    sbuf_addf(&f->trace->text, "BODY %zu ", f->body.len);
    sbuf_add(&f->trace->text, f->body.data, f->body.len);
    sbuf_addf(&f->trace->text, "\n%s\n", why);
    sbuf_clear(&f->body);
}

static void write_rejection(struct feeder *f)
{
    f->trace->error =
        f->requests ? http1_parser_error(f->requests) : http1_response_error(f->response);
    write_body(f, "REJECT");
    sbuf_addf(&f->trace->text, "%d %s\n", f->trace->error.status, f->trace->error.reason);
    f->stopped = true;
}

static void message_end(struct feeder *f)
{
    write_body(f, "END");
    f->trace->requests++;
    if (f->requests)
        http1_parser_next(f->requests);
    else
        f->stopped = true;
}

static void feed(struct feeder *f, const char *in, size_t len)
{
    while (!f->stopped) {
        const char *data;
        size_t used, data_len;
        enum http1_event event =
            f->requests ? http1_parse(f->requests, in, len, &used, &data, &data_len)
                        : http1_response_parse(f->response, in, len, &used, &data, &data_len);
        INVARIANT(used <= len);
        if (event == HTTP1_HEAD)
            write_head(f);
        else if (event == HTTP1_BODY)
            sbuf_add(&f->body, data, data_len);
        else if (event == HTTP1_END)
            message_end(f);
        else if (event == HTTP1_REJECT)
            write_rejection(f);
        in += used;
        len -= used;
        if (event == HTTP1_NEED_MORE)
            INVARIANT(len == 0);
        if (event == HTTP1_NEED_MORE)
            return;
    }
}

static void feed_pieces(struct feeder *f, const char *bytes, size_t len, const size_t *cuts,
                        size_t cut_count)
{
    size_t from = 0;
    for (size_t i = 0; i <= cut_count; i++) {
        size_t to = i < cut_count ? cuts[i] : len;
        char *piece = malloc(to > from ? to - from : 1);
        INVARIANT(piece && to >= from && to <= len);
        memcpy(piece, bytes + from, to - from);
        feed(f, piece, to - from);
        free(piece);
        from = to;
    }
}

void http1_trace_requests(struct http1_trace *trace, const char *bytes, size_t len,
                          const size_t *cuts, size_t cut_count)
{
    const struct http1_limits limits = HTTP1_LIMITS_DEFAULT;
    struct feeder f = {.trace = trace, .requests = http1_parser_new(&limits)};
    *trace = (struct http1_trace){0};
    sbuf_init(&trace->text, 0);
    sbuf_init(&f.body, 0);
    feed_pieces(&f, bytes, len, cuts, cut_count);
    trace->open = !f.stopped && http1_parser_in_message(f.requests);
    if (trace->open)
        write_body(&f, "OPEN");
    sbuf_free(&f.body);
    http1_parser_free(&f.requests);
}

void http1_trace_response(struct http1_trace *trace, const char *bytes, size_t len, bool to_head,
                          const size_t *cuts, size_t cut_count)
{
    const struct http1_limits limits = HTTP1_LIMITS_DEFAULT;
    struct feeder f = {.trace = trace, .response = http1_response_parser_new(&limits)};
    *trace = (struct http1_trace){0};
    sbuf_init(&trace->text, 0);
    sbuf_init(&f.body, 0);
    http1_response_parser_start(f.response, to_head);
    feed_pieces(&f, bytes, len, cuts, cut_count);
    if (!f.stopped && http1_response_eof(f.response) == HTTP1_END)
        message_end(&f);
    else if (!f.stopped)
        write_rejection(&f);
    sbuf_free(&f.body);
    http1_response_parser_free(&f.response);
}

void http1_trace_free(struct http1_trace *trace)
{
    sbuf_free(&trace->text);
}

size_t http1_trace_choose_cuts(const uint8_t *data, size_t size, size_t cuts[HTTP1_TRACE_CUTS_MAX])
{
    uint64_t mix = 0x9e3779b97f4a7c15u ^ size;
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        mix = (mix ^ data[i]) * 0x100000001b3u;
    for (size_t at = 0; count < HTTP1_TRACE_CUTS_MAX; count++) {
        mix ^= mix << 13;
        mix ^= mix >> 7;
        mix ^= mix << 17;
        at += mix % (1 + size / 8);
        if (at > size)
            break;
        cuts[count] = at;
    }
    return count;
}
