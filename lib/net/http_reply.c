/*
 * http_reply.c - what a handler sees of a request, and complete answers.
 */
#include <event2/buffer.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clk.h"
#include "net/net_private.h"

/* Up to this size the body is copied behind the head and goes out in one write. */
#define REPLY_ONE_WRITE_BYTES ((size_t)64 << 10)

/* ---- request -----------------------------------------------------------------------------------
 */

const struct http1_request *http_request_head(const struct http_request *req)
{
    return http1_parser_request(req->conn->parser);
}

const char *http_request_body(const struct http_request *req, size_t *len_r)
{
    *len_r = req->conn->body.len;
    return req->conn->body.data;
}

const char *http_request_peer(const struct http_request *req)
{
    return req->conn->peer_text;
}

void http_request_set_user(struct http_request *req, void *user)
{
    req->user = user;
}

void *http_request_user(const struct http_request *req)
{
    return req->user;
}

int64_t http_request_started_us(const struct http_request *req)
{
    return req->conn->started_us;
}

uint64_t http_request_connection_id(const struct http_request *req)
{
    return req->conn->id;
}

/* ---- head --------------------------------------------------------------------------------------
 */

static bool is_clean(const char *s)
{
    for (; *s; s++) {
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
            return false;
    }
    return true;
}

void http_reply_header(struct http_request *req, const char *name, const char *value)
{
    struct sbuf *extra = &req->conn->extra;
    INVARIANT(*name && is_clean(name) && !strpbrk(name, ": \t") && is_clean(value));
    sbuf_adds(extra, name);
    sbuf_adds(extra, ": ");
    sbuf_adds(extra, value);
    sbuf_adds(extra, "\r\n");
    INVARIANT(!extra->overflow);
}

static const char *date_line(struct http_server *server)
{
    int64_t second = (int64_t)time(NULL);
    if (second != server->date_second) {
        char date[HTTP_DATE_SIZE];
        http_format_date(second * US_PER_SECOND, date);
        (void)evutil_snprintf(server->date_line, sizeof(server->date_line), "Date: %s\r\n", date);
        server->date_second = second;
    }
    return server->date_line;
}

static void add_number(struct sbuf *out, uint64_t n)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    sbuf_add(out, digits + at, sizeof(digits) - at);
}

static void decide_close(struct http_conn *conn)
{
    const struct http_server *server = conn->server;
    uint64_t max = server->config.max_requests_per_connection;
    if (!http1_parser_request(conn->parser)->keep_alive || server->draining ||
        (max > 0 && conn->requests >= max))
        conn->close = true;
}

void reply_head(struct http_conn *conn, int status, const char *type, int64_t length, bool chunked)
{
    struct sbuf *out = &conn->server->scratch;
    decide_close(conn);
    net_count_response(status);
    sbuf_clear(out);
    sbuf_adds(out, "HTTP/1.1 ");
    add_number(out, (uint64_t)status);
    sbuf_addc(out, ' ');
    sbuf_adds(out, http_status_text(status));
    sbuf_adds(out, "\r\n");
    sbuf_adds(out, date_line(conn->server));
    if (type) {
        sbuf_adds(out, "Content-Type: ");
        sbuf_adds(out, type);
        sbuf_adds(out, "\r\n");
    }
    if (length >= 0) {
        sbuf_adds(out, "Content-Length: ");
        add_number(out, (uint64_t)length);
        sbuf_adds(out, "\r\n");
    }
    if (chunked)
        sbuf_adds(out, "Transfer-Encoding: chunked\r\n");
    if (conn->close)
        sbuf_adds(out, "Connection: close\r\n");
    else if (http1_parser_request(conn->parser)->minor == 0)
        sbuf_adds(out, "Connection: keep-alive\r\n");
    sbuf_add(out, conn->extra.data, conn->extra.len);
    sbuf_adds(out, "\r\n");
}

/* ---- writing -----------------------------------------------------------------------------------
 */

void conn_queue(struct http_conn *conn, const void *data, size_t len)
{
    conn->queued_bytes += len;
    net_count(NET_SENT_BYTES, (int64_t)len);
    (void)bufferevent_write(conn->bev, data, len);
}

/*
 * Tries the socket at once: nearly every answer fits, which spares two epoll_ctl() and a turn of
 * the loop. What does not go, errors included, is left to the bufferevent.
 */
static void conn_send(struct http_conn *conn, const char *data, size_t len, int flags)
{
    size_t sent = 0;
    if (!conn->ssl && conn_pending(conn) == 0) {
        ssize_t n = send(conn->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL | flags);
        if (n > 0) {
            sent = (size_t)n;
            net_count(NET_SENT_BYTES, n);
        }
    }
    if (sent < len)
        conn_queue(conn, data + sent, len - sent);
}

void http_reply(struct http_request *req, int status, const char *type, const void *body,
                size_t len)
{
    struct http_conn *conn = req->conn;
    struct sbuf *out = &conn->server->scratch;
    bool no_body = status == 204 || status == 304;
    INVARIANT(conn->may_answer && status >= 200 && status <= 599 && (!type || is_clean(type)));
    conn->may_answer = false;
    conn->owned = false;
    reply_head(conn, status, type, no_body ? -1 : (int64_t)len, false);
    if (no_body || http1_parser_request(conn->parser)->method == HTTP_HEAD)
        len = 0;
    if (len <= REPLY_ONE_WRITE_BYTES) {
        sbuf_add(out, body, len);
        conn_send(conn, out->data, out->len, 0);
    } else {
        conn_send(conn, out->data, out->len, MSG_MORE);
        conn_send(conn, body, len, 0);
    }
    conn_replied(conn);
}
