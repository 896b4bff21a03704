/*
 * http_stream.c - answers without a known end: event streams and exports.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "net/net_private.h"

struct http_stream *http_reply_stream(struct http_request *req, int status, const char *type,
                                      void (*on_drain)(void *ctx), void *ctx)
{
    struct http_conn *conn = req->conn;
    struct http_stream *stream = &conn->stream;
    const struct http1_request *head = http1_parser_request(conn->parser);
    INVARIANT(conn->may_answer && conn->owned && status >= 200 && status <= 599);
    conn->may_answer = false;
    stream->chunked = head->minor == 1;
    stream->mute = head->method == HTTP_HEAD;
    stream->on_drain = on_drain;
    stream->ctx = ctx;
    if (!stream->chunked) /* only the end of the connection ends it */
        conn->close = true;
    reply_head(conn, status, type, -1, stream->chunked);
    conn->state = CONN_STREAMING;
    net_count(NET_STREAMS, 1);
    conn_queue(conn, conn->server->scratch.data, conn->server->scratch.len);
    conn->progress_bytes = conn->queued_bytes - conn_pending(conn);
    conn_deadline(conn, clk_mono_us() + conn->server->config.write_timeout_us);
    return stream;
}

void http_stream_set_bye(struct http_stream *stream, const void *data, size_t len)
{
    free(stream->bye);
    stream->bye = xmalloc(len);
    memcpy(stream->bye, data, len);
    stream->bye_len = len;
}

static void queue_chunk(struct http_stream *stream, const void *data, size_t len)
{
    struct http_conn *conn = stream->conn;
    struct sbuf *out = &conn->server->scratch;
    if (stream->mute || len == 0)
        return;
    if (!stream->chunked) {
        conn_queue(conn, data, len);
        return;
    }
    char size[24];
    int size_len = snprintf(size, sizeof(size), "%zx\r\n", len);
    sbuf_clear(out);
    sbuf_add(out, size, (size_t)size_len);
    sbuf_add(out, data, len);
    sbuf_adds(out, "\r\n");
    conn_queue(conn, out->data, out->len);
}

static void queue_end(struct http_stream *stream)
{
    if (stream->chunked && !stream->mute)
        conn_queue(stream->conn, "0\r\n\r\n", 5);
}

/* Last words are said and the end is queued; on_abort is on its way. */
static bool is_over(const struct http_conn *conn)
{
    return conn->cut || conn->state != CONN_STREAMING || conn->stream.said_bye;
}

bool http_stream_write(struct http_stream *stream, const void *data, size_t len)
{
    struct http_conn *conn = stream->conn;
    if (is_over(conn))
        return false;
    size_t pending = conn_pending(conn);
    if (len > conn->server->config.stream_high_water_bytes ||
        pending > conn->server->config.stream_high_water_bytes - len) {
        conn_cut_later(conn, CLOSE_SLOW_CONSUMER);
        return false;
    }
    queue_chunk(stream, data, len);
    if (pending == 0 && conn_pending(conn) > 0) {
        conn->progress_bytes = conn->queued_bytes - conn_pending(conn);
        conn_deadline(conn, clk_mono_us() + conn->server->config.write_timeout_us);
    }
    return true;
}

size_t http_stream_pending(const struct http_stream *stream)
{
    return conn_pending(stream->conn);
}

static void stream_release(struct http_stream *stream)
{
    free(stream->bye);
    stream->bye = NULL;
    stream->bye_len = 0;
}

void http_stream_end(struct http_stream *stream)
{
    struct http_conn *conn = stream->conn;
    INVARIANT(conn->state == CONN_STREAMING && conn->owned);
    conn->owned = false;
    if (conn->cut) /* it goes from the loop, without a word to a handler that is done with it */
        return;
    if (!stream->said_bye)
        queue_end(stream);
    stream->said_bye = false;
    stream_release(stream);
    conn_replied(conn);
}

void stream_drained(struct http_conn *conn)
{
    struct http_stream *stream = &conn->stream;
    if (!is_over(conn) && stream->on_drain)
        stream->on_drain(stream->ctx);
}

void stream_bye(struct http_conn *conn)
{
    struct http_stream *stream = &conn->stream;
    if (is_over(conn) || !stream->bye)
        return;
    queue_chunk(stream, stream->bye, stream->bye_len);
    queue_end(stream);
    stream_release(stream);
    stream->said_bye = true;
    conn->close = true;
    event_active(&conn->timer, EV_TIMEOUT, 0);
}
