/*
 * http_rig.h - a server, its handler and hostile peers in one thread: peers are non-blocking
 * sockets on loopback, WAIT() turns the loop until something is true or ten seconds have passed.
 *
 * What the handler does depends on the path:
 *   /now     answers 200 "ok"            /later   is kept in rig->pending for the test
 *   /stream  becomes rig->stream         /big     answers BIG_BYTES bytes
 *   /empty   answers 204                 /deny    is refused in on_head with 401
 *   /small   may have 10 bytes of body   /mute    is refused, and on_refuse does not answer
 */
#ifndef TEST_HTTP_RIG_H
#define TEST_HTTP_RIG_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sbuf.h"
#include "net/http_server.h"

#define BIG_BYTES ((size_t)16 << 20)
#define RIG_PEERS 64

struct event;

struct peer {
    int fd; /* -1: closed by us */
    SSL *ssl;
    struct sbuf in;
    bool holds;    /* does not read */
    size_t quota;  /* reads at most this much in a turn; 0 = all there is */
    bool eof;      /* in order */
    bool reset;    /* any other end */
    bool tls_done; /* close_notify came */
    bool tls_failed;
};

struct rig {
    struct event_base *base;
    struct http_server *server;
    struct http_server_config config;
    struct peer peers[RIG_PEERS];
    size_t peer_count;
    SSL_CTX *client_tls;
    struct event *tick;
    uint64_t ticks, turns; /* of the 1 ms timer; of the loop */

    struct http_request *pending;
    struct http_stream *stream;
    unsigned heads, requests, refusals, aborts, drains, drained;
    int refused_status;
    char refused_reason[64];
    char last_body[256];
    size_t last_body_len;
    const char *peer_text;
};

/* Starts with config as it stands in the rig: rig_init(), change it, rig_listen(). */
void rig_init(struct rig *rig);
void rig_listen(struct rig *rig);
void rig_free(struct rig *rig);
/* One turn of the loop and of every peer; blocks at most a millisecond. */
void rig_turn(struct rig *rig);
int64_t rig_now_us(void);

#define WAIT(rig, cond)                                                                            \
    do {                                                                                           \
        int64_t until_ = rig_now_us() + 10000000;                                                  \
        while (!(cond)) {                                                                          \
            rig_turn(rig);                                                                         \
            if (rig_now_us() > until_)                                                             \
                fail_msg("never happened: %s", #cond);                                             \
        }                                                                                          \
    } while (0)

/* Turns the loop until n ticks passed: enough for anything that wants to happen. */
void rig_settle(struct rig *rig, uint64_t ticks);

struct peer *peer_connect(struct rig *rig);
/* client_tls of the rig has to be set. */
struct peer *peer_connect_tls(struct rig *rig);
/* Sends all of it, turning the loop while the socket is full. */
void peer_send(struct rig *rig, struct peer *peer, const char *data, size_t len);
void peer_says(struct rig *rig, struct peer *peer, const char *text);
/* As much as goes without waiting; 0 if nothing does. */
size_t peer_push(struct peer *peer, const char *data, size_t len);
void peer_shutdown(struct peer *peer); /* half-close */
void peer_close(struct peer *peer);
void peer_kill(struct peer *peer); /* RST */
bool peer_ended(const struct peer *peer);
/* How often the text stands in what was received. */
unsigned peer_count_of(const struct peer *peer, const char *text);

/* Value of a counter of the server. */
int64_t rig_metric(const char *name, const char *labels);
int64_t rig_closed(const char *reason);

#endif
