/*
 * http_client.c - calls, retries and collected answers; see http_client.h.
 */
#include "net/http_client.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "net/http_client_socket.h"
#include "net/net_private.h"

/* What a server of ours may say in a head. */
#define CLIENT_LIMITS ((struct http1_limits){8192, 65536, 128})
#define READ_BYTES 16384

struct http_client {
    char *url; /* for error texts */
    char *host, *port, *authority;
    SSL_CTX *tls; /* NULL: plain */
    struct client_socket socket;
    struct http1_response_parser *parser;
    char buf[READ_BYTES];
    size_t buf_from, buf_to; /* bytes read but not parsed yet */
};

/* One call under way. */
struct exchange {
    struct http_client *client;
    const struct http_client_call *call;
    const struct http_client_sink *sink; /* NULL: collect */
    struct http_client_response *response;
    struct sbuf body;
    int64_t deadline_us;
    bool answered; /* a byte of the answer came */
    bool stopped;  /* by the sink */
    char *error;
};

/* ---- base URL ----------------------------------------------------------------------------------
 */

static bool url_fail(const char *url, char **error_r)
{
    *error_r = xasprintf("%s is not of the form http://host[:port] or https://host[:port]", url);
    return false;
}

static bool port_valid(const char *port)
{
    size_t len = strlen(port);
    return len >= 1 && len <= 5 && strspn(port, "0123456789") == len;
}

/* host, "1.2.3.4" or "[::1]", then perhaps ":port". */
static bool authority_split(struct http_client *client, const char *authority)
{
    const char *host = authority, *end;
    if (*authority == '[') {
        host++;
        end = strchr(host, ']');
    } else {
        end = authority + strcspn(authority, ":");
    }
    if (!end || end == host)
        return false;
    const char *rest = end + (*end == ']');
    if (*rest == ':') {
        if (!port_valid(rest + 1))
            return false;
        client->port = xstrdup(rest + 1);
    } else if (*rest) {
        return false;
    }
    client->host = xstrndup(host, (size_t)(end - host));
    return true;
}

static bool url_read(struct http_client *client, const char *url, bool *tls_r, char **error_r)
{
    *tls_r = strncasecmp(url, "https://", 8) == 0;
    if (!*tls_r && strncasecmp(url, "http://", 7) != 0)
        return url_fail(url, error_r);
    const char *authority = url + (*tls_r ? 8 : 7);
    size_t len = strcspn(authority, "/");
    if (authority[len] == '/' && authority[len + 1])
        return url_fail(url, error_r);
    if (strcspn(authority, "@?#% \t\r\n") < len)
        return url_fail(url, error_r);
    client->authority = xstrndup(authority, len);
    if (!authority_split(client, client->authority))
        return url_fail(url, error_r);
    if (!client->port)
        client->port = xstrdup(*tls_r ? "443" : "80");
    client->url = xstrndup(url, (size_t)(authority - url) + len);
    return true;
}

struct http_client *http_client_new(const char *base_url, const char *ca_file, char **error_r)
{
    const struct http1_limits limits = CLIENT_LIMITS;
    struct http_client *client = xcalloc(1, sizeof(*client));
    bool tls;
    client->socket.fd = -1;
    net_ignore_sigpipe(); /* OpenSSL writes without MSG_NOSIGNAL */
    bool ok = url_read(client, base_url, &tls, error_r);
    if (ok && tls) {
        client->tls = client_tls_ctx(ca_file, error_r);
        ok = client->tls != NULL;
    }
    if (!ok) {
        http_client_free(&client);
        return NULL;
    }
    client->parser = http1_response_parser_new(&limits);
    return client;
}

void http_client_free(struct http_client **client_p)
{
    struct http_client *client = *client_p;
    if (!client)
        return;
    client_socket_close(&client->socket);
    http1_response_parser_free(&client->parser);
    SSL_CTX_free(client->tls);
    free(client->url);
    free(client->host);
    free(client->port);
    free(client->authority);
    free(client);
    *client_p = NULL;
}

/* ---- request -----------------------------------------------------------------------------------
 */

static bool is_printable(const char *s, bool blanks)
{
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f || (!blanks && *s == ' '))
            return false;
    }
    return true;
}

/* Arguments may come from a command line: a line break in one must not become a header. */
static bool call_valid(const struct http_client_call *call, char **error_r)
{
    const char *wrong = NULL;
    if (!is_printable(call->method, false) || !*call->method)
        wrong = "method";
    else if (call->target[0] != '/' || !is_printable(call->target, false))
        wrong = "path";
    for (size_t i = 0; i < call->header_count && !wrong; i++) {
        if (!is_printable(call->headers[i].name, false) ||
            !is_printable(call->headers[i].value, true))
            wrong = call->headers[i].name;
    }
    if (wrong)
        *error_r = xasprintf("%s contains a character that cannot be sent", wrong);
    return !wrong;
}

static void call_write(const struct http_client *client, const struct http_client_call *call,
                       struct sbuf *out)
{
    sbuf_addf(out, "%s %s HTTP/1.1\r\nHost: %s\r\n", call->method, call->target, client->authority);
    for (size_t i = 0; i < call->header_count; i++)
        sbuf_addf(out, "%s: %s\r\n", call->headers[i].name, call->headers[i].value);
    if (call->body)
        sbuf_addf(out, "Content-Length: %zu\r\n", call->body_len);
    sbuf_adds(out, "\r\n");
    if (call->body)
        sbuf_add(out, call->body, call->body_len);
}

static bool is_repeatable(const struct http_client_call *call)
{
    return call->repeatable || strcmp(call->method, "GET") == 0 ||
           strcmp(call->method, "HEAD") == 0;
}

/* ---- response ----------------------------------------------------------------------------------
 */

static void head_keep(struct exchange *ex)
{
    const struct http1_response *res = http1_response_get(ex->client->parser);
    struct http_client_response *to = ex->response;
    struct http_header *headers =
        arena_alloc(to->memory, (res->header_count + 1) * sizeof(*headers));
    for (size_t i = 0; i < res->header_count; i++)
        headers[i] = (struct http_header){arena_strdup(to->memory, res->headers[i].name),
                                          arena_strdup(to->memory, res->headers[i].value)};
    to->status = res->status;
    to->headers = headers;
    to->header_count = res->header_count;
    if (ex->sink && res->status / 100 != 2)
        ex->sink = NULL; /* a problem, not the stream */
}

static bool body_take(struct exchange *ex, const char *data, size_t len)
{
    if (!ex->sink) {
        sbuf_add(&ex->body, data, len);
        if (ex->body.overflow)
            ex->error = xasprintf("answer of %s is larger than %zu bytes", ex->client->url,
                                  HTTP_CLIENT_BODY_BYTES);
        return !ex->body.overflow;
    }
    ex->stopped = !ex->sink->on_body(ex->sink->ctx, data, len);
    return !ex->stopped;
}

/* More bytes into the buffer. false: no more; EOF that ends the answer legally is *ended_r. */
static bool read_more(struct exchange *ex, bool *ended_r)
{
    struct http_client *client = ex->client;
    bool in_stream = ex->sink && ex->response->status != 0;
    int64_t deadline_us = in_stream ? clk_mono_us() + ex->sink->read_timeout_us : ex->deadline_us;
    char *why = NULL;
    ptrdiff_t n =
        client_socket_read(&client->socket, client->buf, sizeof(client->buf), deadline_us, &why);
    *ended_r = false;
    if (n > 0) {
        client->buf_from = 0;
        client->buf_to = (size_t)n;
        ex->answered = true;
        return true;
    }
    if (n == 0 && http1_response_eof(client->parser) == HTTP1_END)
        *ended_r = true;
    else if (n == 0)
        ex->error = xasprintf("%s closed the connection %s", client->url,
                              ex->answered ? "in the middle of its answer" : "without an answer");
    else
        ex->error = xasprintf("no answer from %s: %s", client->url, why);
    free(why);
    return false;
}

/* Reads one answer. true: complete, or stopped by the sink. */
static bool answer_read(struct exchange *ex)
{
    struct http_client *client = ex->client;
    for (;;) {
        const char *data;
        size_t used, len;
        bool ended;
        enum http1_event event =
            http1_response_parse(client->parser, client->buf + client->buf_from,
                                 client->buf_to - client->buf_from, &used, &data, &len);
        client->buf_from += used;
        if (event == HTTP1_HEAD)
            head_keep(ex);
        else if (event == HTTP1_BODY && !body_take(ex, data, len))
            return ex->stopped;
        else if (event == HTTP1_END)
            return true;
        else if (event == HTTP1_REJECT) {
            ex->error = xasprintf("%s answered in a way that is not HTTP/1.1 (%s)", client->url,
                                  http1_response_error(client->parser).reason);
            return false;
        } else if (event == HTTP1_NEED_MORE && !read_more(ex, &ended))
            return ended;
    }
}

/* ---- exchange ----------------------------------------------------------------------------------
 */

enum attempt { ATTEMPT_DONE, ATTEMPT_FAILED, ATTEMPT_STALE };

static bool ensure_connected(struct exchange *ex, bool *reused_r)
{
    struct http_client *client = ex->client;
    if (client->socket.fd >= 0 && client_socket_stale(&client->socket))
        client_socket_close(&client->socket);
    *reused_r = client->socket.fd >= 0;
    return *reused_r || client_socket_open(&client->socket, client->host, client->port, client->tls,
                                           ex->deadline_us, &ex->error);
}

static enum attempt try_once(struct exchange *ex, const struct sbuf *request)
{
    struct http_client *client = ex->client;
    bool reused;
    size_t sent;
    if (!ensure_connected(ex, &reused))
        return ATTEMPT_FAILED;
    http1_response_parser_start(client->parser, strcmp(ex->call->method, "HEAD") == 0);
    client->buf_from = client->buf_to = 0;
    char *write_error = NULL;
    bool written = client_socket_write(&client->socket, request->data, request->len,
                                       ex->deadline_us, &sent, &write_error);
    /* A server that refuses a body closes while we still write: its answer is worth reading. */
    bool ok = (written || sent > 0) && answer_read(ex);
    if (!ok && !written && !ex->answered) {
        free(ex->error);
        ex->error = xasprintf("cannot send to %s: %s", client->url, write_error);
    }
    free(write_error);
    if (ok)
        return ATTEMPT_DONE;
    bool in_time = clk_mono_us() < ex->deadline_us;
    bool safe = sent == 0 || is_repeatable(ex->call);
    return reused && !ex->answered && safe && in_time ? ATTEMPT_STALE : ATTEMPT_FAILED;
}

static enum attempt try_twice(struct exchange *ex, const struct sbuf *request)
{
    enum attempt result = try_once(ex, request);
    if (result != ATTEMPT_STALE)
        return result;
    client_socket_close(&ex->client->socket);
    free(ex->error);
    ex->error = NULL;
    return try_once(ex, request);
}

static void body_keep(struct exchange *ex)
{
    struct http_client_response *to = ex->response;
    to->body = arena_strndup(to->memory, ex->body.data, ex->body.len);
    to->body_len = ex->body.len;
}

bool http_client_stream(struct http_client *client, const struct http_client_call *call,
                        const struct http_client_sink *sink,
                        struct http_client_response *response_r, char **error_r)
{
    struct sbuf request;
    *response_r = (struct http_client_response){.body = ""};
    if (!call_valid(call, error_r))
        return false;
    struct exchange ex = {.client = client,
                          .call = call,
                          .sink = sink,
                          .response = response_r,
                          .deadline_us = clk_mono_us() + call->timeout_us};
    response_r->memory = arena_new();
    sbuf_init(&ex.body, HTTP_CLIENT_BODY_BYTES);
    sbuf_init(&request, 0);
    call_write(client, call, &request);
    bool ok = try_twice(&ex, &request) == ATTEMPT_DONE;
    if (ok)
        body_keep(&ex);
    if (!ok || ex.stopped || !http1_response_get(client->parser)->keep_alive)
        client_socket_close(&client->socket);
    if (!ok) {
        *error_r = ex.error;
        http_client_response_free(response_r);
    }
    sbuf_free(&ex.body);
    sbuf_free(&request);
    return ok;
}

bool http_client_request(struct http_client *client, const struct http_client_call *call,
                         struct http_client_response *response_r, char **error_r)
{
    return http_client_stream(client, call, NULL, response_r, error_r);
}

void http_client_response_free(struct http_client_response *response)
{
    arena_free(&response->memory);
    *response = (struct http_client_response){.body = ""};
}

const char *http_client_header(const struct http_client_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (strcasecmp(response->headers[i].name, name) == 0)
            return response->headers[i].value;
    }
    return NULL;
}
