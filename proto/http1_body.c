/*
 * http1_body.c - bodies of a known length, chunked, or up to the end of the connection.
 *
 * Chunk framing is read byte by byte (a few bytes per chunk), data is passed through untouched.
 */
#include "proto/http1_private.h"

/* 60 bits of chunk size: no overflow, and leading zeros cannot go on for ever. */
#define CHUNK_DIGITS_MAX 15

void http1_body_start(struct http1_body *body, const struct http1_framing *framing, bool until_eof)
{
    http1_head_reset(&body->trailer);
    body->is_chunked = framing->is_chunked;
    body->until_eof = until_eof;
    body->left = framing->content_length > 0 ? (uint64_t)framing->content_length : 0;
    body->digits = 0;
    if (framing->is_chunked)
        body->step = HTTP1_AT_SIZE;
    else
        body->step = until_eof || body->left > 0 ? HTTP1_AT_DATA : HTTP1_AT_DONE;
}

static bool size_byte(struct http1_body *body, char c, struct http1_error *error)
{
    int digit = http1_hex(c);
    if (digit >= 0) {
        if (++body->digits > CHUNK_DIGITS_MAX)
            return http1_fail(error, 413, "chunk_too_large");
        body->left = body->left << 4 | (unsigned)digit;
        return true;
    }
    if (c == ';' || c == ' ' || c == '\t')
        return http1_fail(error, 400, "chunk_extension");
    if (c != '\r' || body->digits == 0)
        return http1_fail(error, 400, c == '\n' ? "bare_lf" : "bad_chunk_size");
    body->step = HTTP1_AT_SIZE_LF;
    return true;
}

/* One byte of framing between the data of two chunks. */
static bool framing_byte(struct http1_body *body, char c, struct http1_error *error)
{
    switch (body->step) {
    case HTTP1_AT_SIZE:
        return size_byte(body, c, error);
    case HTTP1_AT_SIZE_LF:
        if (c != '\n')
            return http1_fail(error, 400, "bare_cr");
        body->step = body->left > 0 ? HTTP1_AT_DATA : HTTP1_AT_TRAILER;
        return true;
    case HTTP1_AT_DATA_CR:
        if (c != '\r')
            return http1_fail(error, 400, "bad_chunk_end");
        body->step = HTTP1_AT_DATA_LF;
        return true;
    case HTTP1_AT_DATA_LF:
        if (c != '\n')
            return http1_fail(error, 400, "bad_chunk_end");
        body->step = HTTP1_AT_SIZE;
        body->digits = 0;
        return true;
    case HTTP1_AT_DATA:
    case HTTP1_AT_TRAILER:
    case HTTP1_AT_DONE:
        break;
    }
    return http1_fail(error, 400, "bad_chunk_end");
}

/* Trailer fields are held to the rules of a head and then forgotten. */
static bool trailer_line(struct http1_body *body, const char *in, size_t len, size_t *used_r,
                         struct http1_error *error)
{
    const struct http1_error over = {431, "trailer_too_large"};
    char *line;
    size_t line_len;
    enum http1_line got = http1_head_line(&body->trailer, body->trailer.limits.head_bytes, over, in,
                                          len, used_r, &line, &line_len, error);
    if (got != HTTP1_LINE_FULL)
        return got == HTTP1_LINE_MORE;
    if (line_len > 0)
        return http1_head_field(&body->trailer, line, line_len, error);
    body->step = HTTP1_AT_DONE;
    return true;
}

static enum http1_event data_pass(struct http1_body *body, const char *in, size_t len,
                                  size_t *used_r, const char **data_r, size_t *len_r)
{
    size_t take = body->until_eof || body->left > len ? len : (size_t)body->left;
    *data_r = in + *used_r;
    *len_r = take;
    *used_r += take;
    if (body->until_eof)
        return HTTP1_BODY;
    body->left -= take;
    if (body->left == 0)
        body->step = body->is_chunked ? HTTP1_AT_DATA_CR : HTTP1_AT_DONE;
    return HTTP1_BODY;
}

enum http1_event http1_body_parse(struct http1_body *body, const char *in, size_t len,
                                  size_t *used_r, const char **data_r, size_t *len_r,
                                  struct http1_error *error)
{
    *used_r = 0;
    while (body->step != HTTP1_AT_DONE) {
        size_t left = len - *used_r;
        if (left == 0)
            return HTTP1_NEED_MORE;
        if (body->step == HTTP1_AT_DATA)
            return data_pass(body, in, left, used_r, data_r, len_r);
        bool ok;
        if (body->step == HTTP1_AT_TRAILER) {
            size_t used = 0;
            ok = trailer_line(body, in + *used_r, left, &used, error);
            *used_r += used;
        } else {
            ok = framing_byte(body, in[*used_r], error);
            *used_r += 1;
        }
        if (!ok)
            return HTTP1_REJECT;
    }
    return HTTP1_END;
}
