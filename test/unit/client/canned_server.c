#include "canned_server.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/sbuf.h"
#include "client/client.h"

#define PATIENCE_MS 20000

struct canned_server {
    pthread_t thread;
    int listener, stop[2];
    uint16_t port;
    canned_handler handler;
    void *ctx;
};

static void copy_header(const char *head, const char *name, char *out, size_t size)
{
    const char *p = strcasestr(head, name);
    size_t len;

    out[0] = '\0';
    if (p == NULL)
        return;
    p += strlen(name);
    p += strspn(p, " ");
    len = strcspn(p, "\r\n");
    INVARIANT(len < size);
    memcpy(out, p, len);
    out[len] = '\0';
}

/* More bytes into b; false at the end, on stop, or when nothing comes. */
static bool read_more(const struct canned_server *s, int fd, struct sbuf *b)
{
    struct pollfd fds[2] = {{fd, POLLIN, 0}, {s->stop[0], POLLIN, 0}};
    char chunk[4096];
    ssize_t n;

    if (poll(fds, 2, PATIENCE_MS) <= 0 || fds[1].revents != 0)
        return false;
    n = read(fd, chunk, sizeof(chunk));
    if (n <= 0)
        return false;
    sbuf_add(b, chunk, (size_t)n);
    return true;
}

static bool read_request(const struct canned_server *s, int fd, struct sbuf *bytes,
                         struct canned_request *request)
{
    char length[32];
    const char *end;
    size_t head, body;

    while ((end = strstr(bytes->data, "\r\n\r\n")) == NULL)
        if (!read_more(s, fd, bytes))
            return false;
    head = (size_t)(end - bytes->data) + 4;
    if (sscanf(bytes->data, "%7s %511s", request->method, request->target) != 2)
        return false;
    copy_header(bytes->data, "\nauthorization:", request->authorization,
                sizeof(request->authorization));
    copy_header(bytes->data, "\nidempotency-key:", request->idempotency_key,
                sizeof(request->idempotency_key));
    copy_header(bytes->data, "\nif-match:", request->if_match, sizeof(request->if_match));
    copy_header(bytes->data, "\nlast-event-id:", request->last_event_id,
                sizeof(request->last_event_id));
    copy_header(bytes->data, "\ncontent-length:", length, sizeof(length));
    body = (size_t)strtoul(length, NULL, 10);
    while (bytes->len < head + body)
        if (!read_more(s, fd, bytes))
            return false;
    request->body = bytes->data + head;
    return true;
}

static void write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        data += n;
        len -= (size_t)n;
    }
}

static void write_reply(const struct canned_server *s, int fd, const struct canned_reply *reply)
{
    struct sbuf out, nothing;
    size_t len = strlen(reply->body);

    if (reply->fate == CANNED_GARBAGE) {
        write_all(fd, "nonsense\r\n\r\n", 12);
        return;
    }
    if (reply->fate == CANNED_HANG) {
        sbuf_init(&nothing, 0);
        while (read_more(s, fd, &nothing))
            ;
        sbuf_free(&nothing);
        return;
    }
    sbuf_init(&out, 0);
    sbuf_addf(&out, "HTTP/1.1 %d X\r\nContent-Type: %s\r\nConnection: close\r\n%s", reply->status,
              reply->type != NULL ? reply->type : "application/json",
              reply->headers != NULL ? reply->headers : "");
    sbuf_addf(&out, "Content-Length: %zu\r\n\r\n%s", reply->fate == CANNED_CUT ? len + 10 : len,
              reply->body);
    write_all(fd, out.data, out.len);
    sbuf_free(&out);
}

static void serve(const struct canned_server *s, int fd)
{
    struct canned_reply *reply = xcalloc(1, sizeof(*reply));
    struct canned_request request = {.body = NULL};
    struct sbuf bytes;

    reply->status = 200;
    sbuf_init(&bytes, 0);
    if (read_request(s, fd, &bytes, &request)) {
        s->handler(s->ctx, &request, reply);
        write_reply(s, fd, reply);
    }
    sbuf_free(&bytes);
    free(reply);
    close(fd);
}

static void *run_server(void *arg)
{
    struct canned_server *s = arg;

    for (;;) {
        struct pollfd fds[2] = {{s->listener, POLLIN, 0}, {s->stop[0], POLLIN, 0}};
        int fd;

        if (poll(fds, 2, -1) < 0 || fds[1].revents != 0)
            return NULL;
        fd = accept(s->listener, NULL, NULL);
        if (fd >= 0)
            serve(s, fd);
    }
}

struct canned_server *canned_server_start(canned_handler handler, void *ctx)
{
    struct canned_server *s = xcalloc(1, sizeof(*s));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    s->handler = handler;
    s->ctx = ctx;
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    INVARIANT(s->listener >= 0);
    INVARIANT(bind(s->listener, (struct sockaddr *)&address, len) == 0);
    INVARIANT(listen(s->listener, 16) == 0);
    INVARIANT(getsockname(s->listener, (struct sockaddr *)&address, &len) == 0);
    s->port = ntohs(address.sin_port);
    INVARIANT(pipe(s->stop) == 0);
    INVARIANT(pthread_create(&s->thread, NULL, run_server, s) == 0);
    return s;
}

void canned_server_stop(struct canned_server **server)
{
    struct canned_server *s = *server;

    INVARIANT(write(s->stop[1], "", 1) == 1);
    pthread_join(s->thread, NULL);
    close(s->listener);
    close(s->stop[0]);
    close(s->stop[1]);
    free(s);
    *server = NULL;
}

uint16_t canned_server_port(const struct canned_server *server)
{
    return server->port;
}

void client_run(struct client_run *run, ...)
{
    char *argv[32] = {xstrdup("hotline")};
    size_t out_len, err_len;
    FILE *out, *err;
    int argc = 1;
    va_list ap;

    va_start(ap, run);
    for (const char *s = va_arg(ap, const char *); s != NULL; s = va_arg(ap, const char *))
        argv[argc++] = xstrdup(s);
    va_end(ap);
    free(run->out);
    free(run->err);
    out = open_memstream(&run->out, &out_len);
    err = open_memstream(&run->err, &err_len);
    INVARIANT(out != NULL && err != NULL);
    run->code = client_main(argc, argv,
                            &(struct client_environment){.url = run->url,
                                                         .token = run->token,
                                                         .credentials = run->credentials,
                                                         .lang = run->lang,
                                                         .out_columns = run->columns,
                                                         .out = out,
                                                         .err = err});
    fclose(out);
    fclose(err);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
}

void client_run_free(struct client_run *run)
{
    free(run->out);
    free(run->err);
    run->out = NULL;
    run->err = NULL;
}
