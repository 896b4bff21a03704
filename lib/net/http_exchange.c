/*
 * http_exchange.c - from buffered bytes to the handler's callbacks: heads, bodies, refusals.
 */
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "base/log.h"
#include "net/net_private.h"

/* A body buffer that grew beyond this is not kept between requests. */
#define BODY_KEEP_BYTES 16384

void conn_next(struct http_conn *conn)
{
    struct evbuffer *in = bufferevent_get_input(conn->bev);
    http1_parser_next(conn->parser);
    if (conn->body.cap > BODY_KEEP_BYTES) {
        sbuf_free(&conn->body);
        sbuf_init(&conn->body, 0);
    }
    sbuf_clear(&conn->body);
    sbuf_clear(&conn->extra);
    conn->req.user = NULL;
    conn->started_us = 0;
    conn->body_us = 0;
    conn->discard = false;
    conn->state = CONN_NEW;
    conn_deadline(conn, clk_mono_us() + conn->server->config.idle_timeout_us);
    if (!(bufferevent_get_enabled(conn->bev) & EV_READ))
        (void)bufferevent_enable(conn->bev, EV_READ);
    /* A pipelined request has no event of its own coming. */
    if (!conn->processing && evbuffer_get_length(in) > 0)
        bufferevent_trigger(conn->bev, EV_READ,
                            BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

void conn_refuse(struct http_conn *conn, int status, const char *reason, bool must_close)
{
    const struct http_handler *handler = &conn->server->handler;
    net_count_refusal(status, reason);
    log_limited(LOG_LEVEL_INFO, "http", "refused status=%d reason=%s connection=%" PRIu64, status,
                reason, conn->id);
    conn->close = conn->close || must_close;
    conn->may_answer = true;
    if (handler->on_refuse)
        handler->on_refuse(handler->ctx, &conn->req, status, reason);
    if (conn->may_answer)
        http_reply(&conn->req, status, NULL, NULL, 0);
}

/*
 * on_head said no. The rest of a small announced body is read and dropped, so that the connection
 * lives on; otherwise the only way to be rid of the body is to close.
 */
static void refuse_by_handler(struct http_conn *conn, int status)
{
    const struct http1_request *head = http1_parser_request(conn->parser);
    bool has_body = head->is_chunked || head->content_length > 0;
    bool can_drop =
        !head->is_chunked && !head->expect_continue && head->content_length <= CONN_DISCARD_BYTES;
    conn->discard = has_body && can_drop;
    conn_refuse(conn, status, "handler", has_body && !can_drop);
}

static void continue_if_expected(struct http_conn *conn, const struct http1_request *head)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    bool wants_body = head->is_chunked || head->content_length > 0;
    if (head->expect_continue && wants_body)
        conn_queue(conn, text, sizeof(text) - 1);
}

static void head_arrived(struct http_conn *conn)
{
    const struct http_handler *handler = &conn->server->handler;
    const struct http1_request *head = http1_parser_request(conn->parser);
    conn->requests++;
    int64_t limit = handler->on_head(handler->ctx, &conn->req);
    if (limit < 0) {
        refuse_by_handler(conn, (int)-limit);
        return;
    }
    if (head->content_length > limit) {
        conn_refuse(conn, 413, "body_too_large", true);
        return;
    }
    conn->body_limit = limit;
    conn->body.max = limit > 0 ? (size_t)limit : 1;
    conn->state = CONN_BODY;
    continue_if_expected(conn, head);
}

static void body_arrived(struct http_conn *conn, const char *data, size_t len)
{
    if (conn->state == CONN_DISCARD)
        return;
    if ((uint64_t)conn->body.len + len > (uint64_t)conn->body_limit) {
        conn_refuse(conn, 413, "body_too_large", true);
        return;
    }
    sbuf_add(&conn->body, data, len);
}

static void request_complete(struct http_conn *conn)
{
    const struct http_handler *handler = &conn->server->handler;
    if (conn->state == CONN_DISCARD) {
        conn->discard = false;
        conn_replied(conn); /* now only the answer has to go out */
        return;
    }
    conn->state = CONN_PROCESSING;
    conn->may_answer = true;
    conn->owned = true;
    conn_deadline(conn, DEADLINE_NONE);
    net_count(NET_REQUESTS, 1);
    handler->on_request(handler->ctx, &conn->req);
}

static void parser_rejected(struct http_conn *conn)
{
    struct http1_error error = http1_parser_error(conn->parser);
    if (conn->state == CONN_DISCARD) { /* answered already */
        conn->close = true;
        conn_replied(conn);
        return;
    }
    conn_refuse(conn, error.status, error.reason, true);
}

static void dispatch(struct http_conn *conn, enum http1_event event, const char *data, size_t len)
{
    switch (event) {
    case HTTP1_HEAD:
        head_arrived(conn);
        return;
    case HTTP1_BODY:
        body_arrived(conn, data, len);
        return;
    case HTTP1_END:
        request_complete(conn);
        return;
    case HTTP1_REJECT:
        parser_rejected(conn);
        return;
    case HTTP1_NEED_MORE:
        return;
    }
}

/* Something of the message is here but not all: from now on it has to hurry. */
static void arm_for_message(struct http_conn *conn)
{
    const struct http_server_config *config = &conn->server->config;
    if (conn->state == CONN_NEW && conn->started_us != 0) {
        conn_deadline(conn, conn->started_us + config->head_timeout_us);
    } else if (conn->state == CONN_BODY && conn->body_us == 0) {
        conn->body_us = clk_mono_us();
        conn_deadline(conn, conn->body_us + config->body_timeout_us);
    }
}

void conn_process(struct http_conn *conn)
{
    struct evbuffer *in = bufferevent_get_input(conn->bev);
    conn->processing = true;
    while (conn->state == CONN_NEW || conn->state == CONN_BODY || conn->state == CONN_DISCARD) {
        struct evbuffer_iovec first = {NULL, 0};
        const char *data;
        size_t used, len;
        (void)evbuffer_peek(in, -1, NULL, &first, 1);
        enum http1_event event =
            http1_parse(conn->parser, first.iov_base, first.iov_len, &used, &data, &len);
        if (conn->started_us == 0 && http1_parser_in_message(conn->parser))
            conn->started_us = clk_mono_us();
        dispatch(conn, event, data, len);
        (void)evbuffer_drain(in, used);
        if (event == HTTP1_NEED_MORE && evbuffer_get_length(in) == 0)
            break;
    }
    conn->processing = false;
    arm_for_message(conn);
}
