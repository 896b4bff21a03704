/*
 * tcp_proxy_control.c - the proxy's line protocol, by text and on a unix socket.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "fault/tcp_proxy.h"

#define LINE_MAX_BYTES 256
#define WORDS_MAX 5
#define REPLY_SIZE 160

/* ---- commands ---------------------------------------------------------------------------------
 */

struct command {
    struct tcp_proxy *proxy;
    int argc;
    char *argv[WORDS_MAX];
    bool way[2]; /* which ones the second word names */
    const char *error;
};

static bool parse_number(const char *text, uint64_t *number_r)
{
    char *end;

    errno = 0;
    *number_r = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *text != '-' && *number_r <= INT64_MAX;
}

static bool parse_way(struct command *c)
{
    const char *word = c->argv[1];

    c->way[PROXY_TO_SERVER] = strcmp(word, "to-server") == 0 || strcmp(word, "both") == 0;
    c->way[PROXY_TO_CLIENT] = strcmp(word, "to-client") == 0 || strcmp(word, "both") == 0;
    return c->way[0] || c->way[1];
}

static bool parse_switch(const char *word, bool *on_r)
{
    *on_r = strcmp(word, "on") == 0;
    return *on_r || strcmp(word, "off") == 0;
}

static bool do_cut(struct command *c)
{
    bool reset = c->argc == 4 && strcmp(c->argv[3], "reset") == 0;
    uint64_t bytes;

    if (!parse_way(c) || (c->way[0] && c->way[1]) || !parse_number(c->argv[2], &bytes) ||
        (c->argc == 4 && !reset))
        return false;
    tcp_proxy_cut_after(c->proxy, c->way[PROXY_TO_SERVER] ? PROXY_TO_SERVER : PROXY_TO_CLIENT,
                        bytes, reset ? PROXY_RST : PROXY_FIN);
    return true;
}

static bool do_delay(struct command *c)
{
    uint64_t us;

    if (!parse_way(c) || !parse_number(c->argv[2], &us))
        return false;
    for (int way = 0; way < 2; way++)
        if (c->way[way])
            tcp_proxy_delay(c->proxy, (enum tcp_proxy_way)way, (int64_t)us);
    return true;
}

static bool do_split(struct command *c)
{
    uint64_t bytes;

    if (!parse_way(c) || !parse_number(c->argv[2], &bytes))
        return false;
    for (int way = 0; way < 2; way++)
        if (c->way[way])
            tcp_proxy_split(c->proxy, (enum tcp_proxy_way)way, bytes);
    return true;
}

static bool do_freeze(struct command *c)
{
    bool on;

    if (!parse_way(c) || !parse_switch(c->argv[2], &on))
        return false;
    for (int way = 0; way < 2; way++)
        if (c->way[way])
            tcp_proxy_freeze(c->proxy, (enum tcp_proxy_way)way, on);
    return true;
}

static bool do_refuse(struct command *c)
{
    bool on;

    if (!parse_switch(c->argv[1], &on))
        return false;
    tcp_proxy_refuse(c->proxy, on);
    return true;
}

static bool do_reset(struct command *c)
{
    tcp_proxy_reset(c->proxy);
    return true;
}

static bool do_clear(struct command *c)
{
    tcp_proxy_clear(c->proxy);
    return true;
}

static bool do_status(struct command *c)
{
    (void)c;
    return true;
}

static const struct {
    const char *name;
    int argc_min, argc_max; /* the name included */
    bool (*run)(struct command *c);
} commands[] = {
    {"cut", 3, 4, do_cut},       {"delay", 3, 3, do_delay},   {"split", 3, 3, do_split},
    {"freeze", 3, 3, do_freeze}, {"refuse", 2, 2, do_refuse}, {"reset", 1, 1, do_reset},
    {"clear", 1, 1, do_clear},   {"status", 1, 1, do_status},
};

static void split_words(struct command *c, char *line)
{
    char *rest = line, *word;

    while ((word = strsep(&rest, " \t\r")) != NULL && c->argc < WORDS_MAX)
        if (*word != '\0')
            c->argv[c->argc++] = word;
}

static const char *run_command(struct command *c)
{
    if (c->argc == 0)
        return "empty line";
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, c->argv[0]) != 0)
            continue;
        if (c->argc < commands[i].argc_min || c->argc > commands[i].argc_max)
            return "wrong number of words";
        return commands[i].run(c) ? NULL : "bad argument";
    }
    return "unknown command";
}

void tcp_proxy_command(struct tcp_proxy *proxy, const char *line, char *reply, size_t reply_size)
{
    struct command c = {.proxy = proxy};
    char copy[LINE_MAX_BYTES];
    const char *error;
    bool status;

    snprintf(copy, sizeof(copy), "%s", line);
    split_words(&c, copy);
    error = strlen(line) < sizeof(copy) ? run_command(&c) : "line too long";
    status = error == NULL && strcmp(c.argv[0], "status") == 0;
    if (error != NULL)
        snprintf(reply, reply_size, "error %s", error);
    else if (status)
        snprintf(reply, reply_size, "ok to-server=%" PRIu64 " to-client=%" PRIu64 " connections=%d",
                 tcp_proxy_bytes(proxy, PROXY_TO_SERVER), tcp_proxy_bytes(proxy, PROXY_TO_CLIENT),
                 tcp_proxy_connections(proxy));
    else
        snprintf(reply, reply_size, "ok");
}

/* ---- socket
 * --------------------------------------------------------------------------------------- */

struct peer {
    LIST_ENTRY(peer) link;
    struct tcp_proxy_control *control;
    struct event *event;
    int fd;
    char line[LINE_MAX_BYTES];
    size_t len;
};

struct tcp_proxy_control {
    struct event_base *base;
    struct tcp_proxy *proxy;
    struct event *accept;
    int fd;
    char *path;
    LIST_HEAD(, peer) peers;
};

static void peer_close(struct peer *peer)
{
    event_free(peer->event);
    close(peer->fd);
    LIST_REMOVE(peer, link);
    free(peer);
}

/* Replies are short and one per line: whoever does not read them loses the connection. */
static bool peer_run_line(struct peer *peer, const char *line)
{
    char reply[REPLY_SIZE + 1];
    size_t len;

    tcp_proxy_command(peer->control->proxy, line, reply, REPLY_SIZE);
    len = strlen(reply);
    reply[len++] = '\n';
    return send(peer->fd, reply, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len;
}

static bool peer_run_lines(struct peer *peer)
{
    char *end;

    while ((end = memchr(peer->line, '\n', peer->len)) != NULL) {
        size_t used = (size_t)(end - peer->line) + 1;

        *end = '\0';
        if (!peer_run_line(peer, peer->line))
            return false;
        memmove(peer->line, peer->line + used, peer->len - used);
        peer->len -= used;
    }
    return peer->len < sizeof(peer->line);
}

static void on_peer(evutil_socket_t fd, short what, void *arg)
{
    struct peer *peer = arg;
    ssize_t n = recv(fd, peer->line + peer->len, sizeof(peer->line) - peer->len, 0);

    (void)what;
    if (n > 0)
        peer->len += (size_t)n;
    if (n <= 0 || !peer_run_lines(peer))
        peer_close(peer);
}

static void on_control_accept(evutil_socket_t fd, short what, void *arg)
{
    struct tcp_proxy_control *control = arg;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    struct peer *peer;

    (void)what;
    if (client < 0)
        return;
    peer = xcalloc(1, sizeof(*peer));
    peer->control = control;
    peer->fd = client;
    peer->event = event_new(control->base, client, EV_READ | EV_PERSIST, on_peer, peer);
    INVARIANT(peer->event != NULL);
    event_add(peer->event, NULL);
    LIST_INSERT_HEAD(&control->peers, peer, link);
}

struct tcp_proxy_control *tcp_proxy_control_new(struct event_base *base, struct tcp_proxy *proxy,
                                                const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct tcp_proxy_control *control;

    INVARIANT(fd >= 0);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    if (strlen(path) >= sizeof(addr.sun_path) ||
        bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(fd, 8) != 0) {
        close(fd);
        return NULL;
    }
    control = xcalloc(1, sizeof(*control));
    control->base = base;
    control->proxy = proxy;
    control->fd = fd;
    control->path = xstrdup(path);
    LIST_INIT(&control->peers);
    control->accept = event_new(base, fd, EV_READ | EV_PERSIST, on_control_accept, control);
    INVARIANT(control->accept != NULL);
    event_add(control->accept, NULL);
    return control;
}

void tcp_proxy_control_free(struct tcp_proxy_control **control_p)
{
    struct tcp_proxy_control *control = *control_p;

    *control_p = NULL;
    if (control == NULL)
        return;
    while (!LIST_EMPTY(&control->peers))
        peer_close(LIST_FIRST(&control->peers));
    event_free(control->accept);
    close(control->fd);
    unlink(control->path);
    free(control->path);
    free(control);
}
