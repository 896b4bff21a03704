#include "fault/tcp_proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "base/clk.h"

#define CHUNK_BYTES 16384
/* Held per direction while the other side does not take it; reading pauses beyond. */
#define HELD_MAX ((size_t)1 << 20)
#define BACKLOG 64

struct chunk {
    TAILQ_ENTRY(chunk) link;
    int64_t due_us; /* monotonic */
    size_t len, done;
    char data[];
};

struct fault {
    uint64_t forwarded;
    uint64_t cut_at; /* value of forwarded; UINT64_MAX = no cut */
    enum tcp_proxy_end cut_end;
    int64_t delay_us;
    size_t piece;
    bool frozen;
};

struct pair;

/* One direction of one connection. */
struct flow {
    struct pair *pair;
    struct fault *fault;
    int from, to;
    struct event *readable, *writable, *timer;
    TAILQ_HEAD(, chunk) held;
    size_t held_bytes;
    bool ended; /* from has said all */
    bool shut;  /* ... and to has been told */
};

struct pair {
    LIST_ENTRY(pair) link;
    struct tcp_proxy *proxy;
    int client, server;
    struct flow flow[2];
    bool connected;
};

struct tcp_proxy {
    struct event_base *base;
    struct event *accept;
    int listener;
    int port, target_port;
    bool refuse;
    struct fault fault[2];
    LIST_HEAD(, pair) pairs;
    int pair_count;
};

/* ---- closing ----------------------------------------------------------------------------------
 */

static void flow_clear(struct flow *flow)
{
    struct chunk *chunk;

    event_free(flow->readable);
    event_free(flow->writable);
    event_free(flow->timer);
    while ((chunk = TAILQ_FIRST(&flow->held)) != NULL) {
        TAILQ_REMOVE(&flow->held, chunk, link);
        free(chunk);
    }
}

static void close_with(int fd, enum tcp_proxy_end end)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};

    if (end == PROXY_RST)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd);
}

static void pair_close(struct pair *pair, enum tcp_proxy_end end)
{
    flow_clear(&pair->flow[PROXY_TO_SERVER]);
    flow_clear(&pair->flow[PROXY_TO_CLIENT]);
    close_with(pair->client, end);
    close_with(pair->server, end);
    LIST_REMOVE(pair, link);
    pair->proxy->pair_count--;
    free(pair);
}

/* ---- forwarding
 * ---------------------------------------------------------------------------------- */

static void flow_arm(struct flow *flow, int64_t wait_us)
{
    struct timeval tv = {.tv_sec = (time_t)(wait_us / US_PER_SECOND),
                         .tv_usec = (suseconds_t)(wait_us % US_PER_SECOND)};

    evtimer_add(flow->timer, &tv);
}

static void flow_read_more(struct flow *flow)
{
    if (!flow->ended && !flow->fault->frozen && flow->pair->connected &&
        flow->held_bytes < HELD_MAX)
        event_add(flow->readable, NULL);
    else
        event_del(flow->readable);
}

static size_t flow_portion(const struct flow *flow, const struct chunk *chunk)
{
    const struct fault *fault = flow->fault;
    size_t n = chunk->len - chunk->done;

    if (fault->piece > 0 && n > fault->piece)
        n = fault->piece;
    if (n > fault->cut_at - fault->forwarded)
        n = (size_t)(fault->cut_at - fault->forwarded);
    return n;
}

static void chunk_advance(struct flow *flow, struct chunk *chunk, size_t n)
{
    chunk->done += n;
    flow->held_bytes -= n;
    flow->fault->forwarded += n;
    if (chunk->done == chunk->len) {
        TAILQ_REMOVE(&flow->held, chunk, link);
        free(chunk);
    }
}

/* True if the pair is gone. */
static bool flow_cut_reached(struct flow *flow)
{
    struct fault *fault = flow->fault;

    if (fault->forwarded != fault->cut_at)
        return false;
    fault->cut_at = UINT64_MAX;
    pair_close(flow->pair, fault->cut_end);
    return true;
}

/* True if there may be more to do now; false if waiting for something, or the pair is gone. */
static bool flow_step(struct flow *flow)
{
    struct chunk *chunk = TAILQ_FIRST(&flow->held);
    int64_t early_us;
    ssize_t n;

    if (chunk == NULL || flow->fault->frozen)
        return false;
    if (flow_cut_reached(flow))
        return false;
    early_us = chunk->due_us - clk_mono_us();
    if (early_us > 0) {
        flow_arm(flow, early_us);
        return false;
    }
    n = send(flow->to, chunk->data + chunk->done, flow_portion(flow, chunk), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) {
        pair_close(flow->pair, PROXY_RST);
        return false;
    }
    if (n < 0) {
        event_add(flow->writable, NULL);
        return false;
    }
    chunk_advance(flow, chunk, (size_t)n);
    if (flow_cut_reached(flow))
        return false;
    if (flow->fault->piece > 0)
        flow_arm(flow, 0); /* the next piece after a turn of the loop */
    return flow->fault->piece == 0;
}

static void flow_finish(struct flow *flow)
{
    const struct pair *pair = flow->pair;

    if (!flow->ended || flow->shut || !TAILQ_EMPTY(&flow->held))
        return;
    flow->shut = true;
    (void)shutdown(flow->to, SHUT_WR);
    if (pair->flow[0].shut && pair->flow[1].shut)
        pair_close(flow->pair, PROXY_FIN);
}

static void flow_run(struct flow *flow)
{
    struct tcp_proxy *proxy = flow->pair->proxy;
    int pairs = proxy->pair_count;

    while (flow_step(flow))
        continue;
    if (proxy->pair_count != pairs)
        return; /* the step closed it */
    flow_read_more(flow);
    flow_finish(flow);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    flow_run(arg);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct flow *flow = arg;

    (void)fd;
    (void)what;
    if (!flow->pair->connected) {
        flow->pair->connected = true;
        flow_read_more(&flow->pair->flow[PROXY_TO_CLIENT]);
    }
    flow_run(flow);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct flow *flow = arg;
    struct chunk *chunk = xmalloc(sizeof(*chunk) + CHUNK_BYTES);
    ssize_t n = recv(flow->from, chunk->data, CHUNK_BYTES, 0);

    (void)fd;
    (void)what;
    if (n > 0) {
        chunk->len = (size_t)n;
        chunk->done = 0;
        chunk->due_us = clk_mono_us() + flow->fault->delay_us;
        TAILQ_INSERT_TAIL(&flow->held, chunk, link);
        flow->held_bytes += (size_t)n;
        flow_run(flow);
        return;
    }
    free(chunk);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0) {
        pair_close(flow->pair, PROXY_RST);
        return;
    }
    flow->ended = true;
    flow_run(flow);
}

/* ---- accepting
 * ------------------------------------------------------------------------------------ */

static void flow_init(struct pair *pair, enum tcp_proxy_way way, int from, int to)
{
    struct flow *flow = &pair->flow[way];
    struct event_base *base = pair->proxy->base;

    flow->pair = pair;
    flow->fault = &pair->proxy->fault[way];
    flow->from = from;
    flow->to = to;
    TAILQ_INIT(&flow->held);
    flow->readable = event_new(base, from, EV_READ | EV_PERSIST, on_readable, flow);
    flow->writable = event_new(base, to, EV_WRITE, on_writable, flow);
    flow->timer = evtimer_new(base, on_timer, flow);
    INVARIANT(flow->readable != NULL && flow->writable != NULL && flow->timer != NULL);
}

static int stream_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    INVARIANT(fd >= 0);
    return fd;
}

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return addr;
}

/* What is forwarded in pieces must arrive in pieces. */
static void no_delay(int fd)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void pair_open(struct tcp_proxy *proxy, int client)
{
    struct sockaddr_in addr = loopback(proxy->target_port);
    struct pair *pair = xcalloc(1, sizeof(*pair));

    pair->proxy = proxy;
    pair->client = client;
    pair->server = stream_socket();
    no_delay(pair->client);
    no_delay(pair->server);
    LIST_INSERT_HEAD(&proxy->pairs, pair, link);
    proxy->pair_count++;
    flow_init(pair, PROXY_TO_SERVER, client, pair->server);
    flow_init(pair, PROXY_TO_CLIENT, pair->server, client);
    if (connect(pair->server, (struct sockaddr *)&addr, sizeof(addr)) != 0 &&
        errno != EINPROGRESS) {
        pair_close(pair, PROXY_RST);
        return;
    }
    event_add(pair->flow[PROXY_TO_SERVER].writable, NULL); /* tells when it is connected */
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
    struct tcp_proxy *proxy = arg;
    int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)what;
    if (client < 0)
        return;
    if (proxy->refuse)
        close(client);
    else
        pair_open(proxy, client);
}

struct tcp_proxy *tcp_proxy_new(struct event_base *base, int listen_port, int target_port)
{
    struct sockaddr_in addr = loopback(listen_port);
    socklen_t len = sizeof(addr);
    int fd = stream_socket(), on = 1;
    struct tcp_proxy *proxy;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) != 0) {
        close(fd);
        return NULL;
    }
    proxy = xcalloc(1, sizeof(*proxy));
    proxy->base = base;
    proxy->listener = fd;
    proxy->port = ntohs(addr.sin_port);
    proxy->target_port = target_port;
    LIST_INIT(&proxy->pairs);
    proxy->accept = event_new(base, fd, EV_READ | EV_PERSIST, on_accept, proxy);
    INVARIANT(proxy->accept != NULL);
    event_add(proxy->accept, NULL);
    tcp_proxy_clear(proxy);
    return proxy;
}

void tcp_proxy_free(struct tcp_proxy **proxy_p)
{
    struct tcp_proxy *proxy = *proxy_p;

    *proxy_p = NULL;
    if (proxy == NULL)
        return;
    while (!LIST_EMPTY(&proxy->pairs))
        pair_close(LIST_FIRST(&proxy->pairs), PROXY_FIN);
    event_free(proxy->accept);
    close(proxy->listener);
    free(proxy);
}

int tcp_proxy_port(const struct tcp_proxy *proxy)
{
    return proxy->port;
}

/* ---- faults
 * ------------------------------------------------------------------------------------------ */

/* A changed rule may let go what was held. Runs from the loop: flow_run() can close pairs. */
static void wake_all(struct tcp_proxy *proxy)
{
    struct pair *pair;

    LIST_FOREACH(pair, &proxy->pairs, link)
    {
        for (int way = 0; way < 2; way++) {
            flow_read_more(&pair->flow[way]);
            flow_arm(&pair->flow[way], 0);
        }
    }
}

void tcp_proxy_cut_after(struct tcp_proxy *proxy, enum tcp_proxy_way way, uint64_t bytes,
                         enum tcp_proxy_end end)
{
    proxy->fault[way].cut_at = proxy->fault[way].forwarded + bytes;
    proxy->fault[way].cut_end = end;
}

void tcp_proxy_delay(struct tcp_proxy *proxy, enum tcp_proxy_way way, int64_t delay_us)
{
    proxy->fault[way].delay_us = delay_us;
}

void tcp_proxy_split(struct tcp_proxy *proxy, enum tcp_proxy_way way, size_t piece_bytes)
{
    proxy->fault[way].piece = piece_bytes;
    wake_all(proxy);
}

void tcp_proxy_freeze(struct tcp_proxy *proxy, enum tcp_proxy_way way, bool frozen)
{
    proxy->fault[way].frozen = frozen;
    wake_all(proxy);
}

void tcp_proxy_refuse(struct tcp_proxy *proxy, bool refuse)
{
    proxy->refuse = refuse;
}

void tcp_proxy_reset(struct tcp_proxy *proxy)
{
    while (!LIST_EMPTY(&proxy->pairs))
        pair_close(LIST_FIRST(&proxy->pairs), PROXY_RST);
}

void tcp_proxy_clear(struct tcp_proxy *proxy)
{
    for (int way = 0; way < 2; way++)
        proxy->fault[way] =
            (struct fault){.forwarded = proxy->fault[way].forwarded, .cut_at = UINT64_MAX};
    proxy->refuse = false;
    wake_all(proxy);
}

uint64_t tcp_proxy_bytes(const struct tcp_proxy *proxy, enum tcp_proxy_way way)
{
    return proxy->fault[way].forwarded;
}

int tcp_proxy_connections(const struct tcp_proxy *proxy)
{
    return proxy->pair_count;
}
