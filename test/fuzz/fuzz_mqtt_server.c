/*
 * The MQTT connection as a whole: states, acknowledgements in order, ends. The first byte of the
 * input says what the handler does, the second in what pieces the rest arrives.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "net/mqtt_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TURNS_MOST 400

static struct rig {
    struct event_base *base;
    struct mqtt_server *server;
    struct mqtt_conn *conn;
    uint64_t held[MQTT_IN_FLIGHT_MOST];
    size_t held_count;
    unsigned connects, closes, publishes;
    bool is_late, is_held; /* log-in, PUBACK: later than the call, in another order */
    enum mqtt_connack code;
} rig;

static void on_connect(void *ctx, struct mqtt_conn *conn, const struct mqtt_packet *packet)
{
    (void)ctx;
    INVARIANT(packet->type == MQTT_CONNECT && packet->level == 4 && rig.connects == 0);
    rig.connects++;
    rig.conn = conn;
    if (!rig.is_late)
        mqtt_accept(conn, rig.code);
}

static void on_publish(void *ctx, struct mqtt_conn *conn, const struct mqtt_packet *packet,
                       uint64_t token)
{
    (void)ctx;
    INVARIANT(conn == rig.conn && rig.code == MQTT_ACCEPTED && token == rig.publishes);
    INVARIANT(packet->qos < 2 && (packet->qos == 0) == (packet->id == 0));
    rig.publishes++;
    if (!rig.is_held) {
        mqtt_done(conn, token);
        return;
    }
    INVARIANT(rig.held_count < MQTT_IN_FLIGHT_MOST);
    rig.held[rig.held_count++] = token;
}

static bool on_subscribe(void *ctx, struct mqtt_conn *conn, struct mqtt_text filter)
{
    (void)ctx;
    INVARIANT(conn == rig.conn && filter.len > 0);
    return filter.at[0] == 't';
}

static void on_close(void *ctx, struct mqtt_conn *conn, bool is_clean)
{
    (void)ctx;
    (void)is_clean;
    INVARIANT(conn == rig.conn && rig.closes == 0);
    rig.closes++;
    rig.conn = NULL;
    rig.held_count = 0;
}

static void begin(void)
{
    const struct mqtt_handler handler = {on_connect, on_publish, on_subscribe, on_close, NULL};
    struct mqtt_server_config config;

    log_set_level(LOG_LEVEL_ERROR);
    mqtt_server_config_defaults(&config);
    config.max_packet_bytes = 1024;
    config.max_output_bytes = 64;
    rig.base = event_base_new();
    rig.server = mqtt_server_new(rig.base, &config, &handler);
}

/* The youngest first: PUBACKs still go out in order. */
static void let_go(void)
{
    while (rig.conn && rig.held_count)
        mqtt_done(rig.conn, rig.held[--rig.held_count]);
}

static void turn(int fd)
{
    uint8_t answer[4096];

    (void)event_base_loop(rig.base, EVLOOP_NONBLOCK);
    if (rig.is_late && rig.conn && rig.conn->state == MQTT_STATE_LOGIN)
        mqtt_accept(rig.conn, rig.code);
    let_go();
    while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0) {
    }
}

static void play(int fd, const uint8_t *data, size_t size, size_t piece)
{
    int idle = 0;

    for (int turns = 0; turns < TURNS_MOST && idle < 4 && rig.server->count; turns++) {
        size_t len = size < piece ? size : piece;
        ssize_t n = len ? send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
        idle = n > 0 ? 0 : idle + 1;
        turn(fd);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fds[2];

    if (size < 2)
        return 0;
    if (!rig.server)
        begin();
    rig.connects = rig.closes = rig.publishes = 0;
    rig.is_late = data[0] & 1;
    rig.is_held = data[0] & 2;
    rig.code = data[0] & 4 ? MQTT_BAD_PASSWORD : MQTT_ACCEPTED;
    INVARIANT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    struct mqtt_conn *conn = mqtt_conn_new(rig.server, fds[0], NULL);
    INVARIANT(conn && rig.server->stranger_count == 1);
    play(fds[1], data + 2, size - 2, (size_t)data[1] + 1);
    (void)close(fds[1]);
    for (int i = 0; i < 16 && rig.server->count; i++)
        (void)event_base_loop(rig.base, EVLOOP_NONBLOCK);
    while (rig.server->count) { /* it does not read, so it does not see the end */
        mqtt_cut(LIST_FIRST(&rig.server->conns), "fuzz");
        (void)event_base_loop(rig.base, EVLOOP_ONCE);
    }
    INVARIANT(rig.connects == rig.closes && rig.server->stranger_count == 0);
    return 0;
}
