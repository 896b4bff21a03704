/*
 * The MQTT listener's connections with peers that are broken, hostile or slow, plain and with TLS.
 * Peers are one end of a socket pair in the same thread; nothing sleeps.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/mqtt_private.h"
#include "tls_files.h"

#define PEERS 64

struct peer {
    int fd;
    SSL *ssl;
    struct sbuf in;
    bool holds, eof, reset;
};

static struct rig {
    struct event_base *base;
    struct event *tick;
    struct mqtt_server_config config;
    struct mqtt_server *server;
    struct peer peers[PEERS];
    size_t peer_count;
    struct mqtt_conn *conn; /* that logged in last */
    enum mqtt_connack code; /* what log-ins get */
    bool holds;             /* PUBLISH packets are not done until the test says so */
    uint64_t tokens[MQTT_IN_FLIGHT_MOST];
    size_t connects, publishes, closes, clean;
    SSL_CTX *client_tls;
} rig;
static struct tls_files files;

/* ---- the rig -----------------------------------------------------------------------------------
 */

static void on_connect(void *ctx, struct mqtt_conn *conn, const struct mqtt_packet *packet)
{
    (void)ctx;
    (void)packet;
    rig.connects++;
    rig.conn = conn;
    mqtt_accept(conn, rig.code);
}

static void on_publish(void *ctx, struct mqtt_conn *conn, const struct mqtt_packet *packet,
                       uint64_t token)
{
    (void)ctx;
    (void)packet;
    rig.tokens[rig.publishes++ % MQTT_IN_FLIGHT_MOST] = token;
    if (!rig.holds)
        mqtt_done(conn, token);
}

static bool on_subscribe(void *ctx, struct mqtt_conn *conn, struct mqtt_text filter)
{
    (void)ctx;
    (void)conn;
    return filter.len == 1 && *filter.at == 't';
}

static void on_close(void *ctx, struct mqtt_conn *conn, bool is_clean)
{
    (void)ctx;
    rig.closes++;
    rig.clean += is_clean;
    if (rig.conn == conn)
        rig.conn = NULL;
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    (void)ctx;
}

static void begin(void)
{
    const struct mqtt_handler handler = {on_connect, on_publish, on_subscribe, on_close, &rig};
    rig.server = mqtt_server_new(rig.base, &rig.config, &handler);
}

static int set_up(void **state)
{
    static const struct timeval ms = {0, 1000};
    (void)state;
    memset(&rig, 0, sizeof(rig));
    log_set_level(LOG_LEVEL_ERROR);
    rig.base = event_base_new();
    rig.tick = event_new(rig.base, -1, EV_PERSIST, on_tick, NULL);
    if (!rig.tick)
        return -1;
    (void)event_add(rig.tick, &ms);
    mqtt_server_config_defaults(&rig.config);
    rig.code = MQTT_ACCEPTED;
    return 0;
}

static void hang_up(struct peer *peer)
{
    SSL_free(peer->ssl);
    peer->ssl = NULL;
    if (peer->fd >= 0)
        (void)close(peer->fd);
    peer->fd = -1;
}

static void forget_peers(void)
{
    for (size_t i = 0; i < rig.peer_count; i++) {
        hang_up(&rig.peers[i]);
        sbuf_free(&rig.peers[i].in);
    }
    rig.peer_count = 0;
}

static int tear_down(void **state)
{
    (void)state;
    mqtt_server_free(&rig.server);
    forget_peers();
    SSL_CTX_free(rig.client_tls);
    event_free(rig.tick);
    event_base_free(rig.base);
    return rig.connects == rig.closes ? 0 : -1;
}

static void pull(struct peer *peer)
{
    char buf[65536];

    for (;;) {
        ssize_t n;
        ERR_clear_error();
        if (peer->ssl && !SSL_is_init_finished(peer->ssl))
            n = SSL_do_handshake(peer->ssl) == 1 ? -2 : -1;
        else if (peer->ssl)
            n = SSL_read(peer->ssl, buf, sizeof(buf));
        else
            n = recv(peer->fd, buf, sizeof(buf), MSG_DONTWAIT);
        if (n == -2)
            continue;
        if (n > 0) {
            sbuf_add(&peer->in, buf, (size_t)n);
            continue;
        }
        int error = peer->ssl ? SSL_get_error(peer->ssl, (int)n) : SSL_ERROR_NONE;
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
            return;
        peer->eof |= n == 0;
        peer->reset |= n < 0 && (peer->ssl || (errno != EAGAIN && errno != EINTR));
        return;
    }
}

static void turn(void)
{
    (void)event_base_loop(rig.base, EVLOOP_ONCE);
    for (size_t i = 0; i < rig.peer_count; i++) {
        struct peer *peer = &rig.peers[i];
        if (peer->fd >= 0 && !peer->holds && !peer->eof && !peer->reset)
            pull(peer);
    }
}

#define WAIT(cond)                                                                                 \
    do {                                                                                           \
        int64_t until_ = clk_mono_us() + 30 * US_PER_SECOND;                                       \
        while (!(cond)) {                                                                          \
            turn();                                                                                \
            if (clk_mono_us() > until_)                                                            \
                fail_msg("never happened: %s", #cond);                                             \
        }                                                                                          \
    } while (0)

static struct peer *join(bool is_tls)
{
    int fds[2];

    assert_true(rig.peer_count < PEERS);
    struct peer *peer = &rig.peers[rig.peer_count++];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    memset(peer, 0, sizeof(*peer));
    sbuf_init(&peer->in, 0);
    peer->fd = fds[1];
    (void)mqtt_conn_new(rig.server, fds[0], is_tls ? rig.server->tls : NULL);
    if (!is_tls)
        return peer;
    peer->ssl = SSL_new(rig.client_tls);
    assert_non_null(peer->ssl);
    assert_int_equal(SSL_set_fd(peer->ssl, peer->fd), 1);
    SSL_set_connect_state(peer->ssl);
    return peer;
}

static size_t push(struct peer *peer, const char *data, size_t len)
{
    size_t n = 0;

    if (peer->ssl) {
        ERR_clear_error();
        return SSL_write_ex(peer->ssl, data, len, &n) == 1 ? n : 0;
    }
    ssize_t sent = send(peer->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent > 0 ? (size_t)sent : 0;
}

/* As much as the server takes, until it has closed. */
static void say(struct peer *peer, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0 && !peer->eof && !peer->reset) {
        size_t n = push(peer, at, len < 16000 ? len : 16000);
        at += n;
        len -= n;
        if (len)
            turn();
    }
}

static int64_t metric(const char *name)
{
    int64_t value = metrics_value(name, NULL);
    if (value < 0)
        fail_msg("no metric %s", name);
    return value;
}

/* ---- packets -----------------------------------------------------------------------------------
 */

#define CONNECT "\x10\x0d\0\4MQTT\4\2\0\x3c\0\1d"
#define CONNACK "\x20\2\0\0"
#define PUBLISH(id) "\x32\6\0\1t\0" id "x"
#define PING "\xc0\0"
#define PONG "\xd0\0"
#define SAY(peer, text) say((peer), (text), sizeof(text) - 1)
#define HEARD(peer, text)                                                                          \
    ((peer)->in.len == sizeof(text) - 1 && memcmp((peer)->in.data, (text), sizeof(text) - 1) == 0)

static struct peer *enter(bool is_tls)
{
    struct peer *peer = join(is_tls);
    if (is_tls)
        WAIT(SSL_is_init_finished(peer->ssl));
    SAY(peer, CONNECT);
    WAIT(HEARD(peer, CONNACK));
    sbuf_clear(&peer->in);
    return peer;
}

static bool ended(const struct peer *peer)
{
    return peer->eof || peer->reset;
}

static const char session[] = CONNECT PUBLISH("\1") "\x82\6\0\2\0\1t\1" PING "\xa2\5\0\3\0\1t"
                                                    "\xe0\0";
static const char replies[] = CONNACK "\x40\2\0\1"
                                      "\x90\3\0\2\0" PONG "\xb0\2\0\3";

/* ---- tests -------------------------------------------------------------------------------------
 */

static void test_mqtt_server_every_cut_and_every_byte(void **state)
{
    (void)state;
    begin();
    for (size_t n = 0; n < sizeof(session) - 1; n++) {
        struct peer *peer = join(false);
        say(peer, session, n);
        (void)shutdown(peer->fd, SHUT_WR);
        WAIT(ended(peer) && rig.server->count == 0);
        assert_true(peer->in.len < sizeof(replies));
        assert_int_equal(rig.connects, rig.closes);
        forget_peers();
    }
    assert_int_equal(rig.clean, 0);
    struct peer *peer = join(false);
    for (size_t n = 0; n < sizeof(session) - 1; n++) {
        say(peer, &session[n], 1);
        turn();
    }
    WAIT(HEARD(peer, replies) && peer->eof);
    hang_up(peer);
    WAIT(rig.server->count == 0);
    assert_int_equal(rig.clean, 1);
}

/* Each packet of the session with each wrong length: what follows is read as something else, or
 * waited for, or refused; nothing of it is taken for what it is not. */
static void test_mqtt_server_wrong_lengths(void **state)
{
    static const char packets[][12] = {PUBLISH("\1"), "\x82\6\0\2\0\1t\1", PING, "\xa2\5\0\3\0\1t",
                                       "\xe0\0"};
    (void)state;
    begin();
    for (size_t i = 0; i < ARRAY_LEN(packets); i++) {
        for (unsigned len = 0; len < 256; len += len < 16 ? 1 : 17) {
            char bad[16] = "";
            memcpy(bad, packets[i], sizeof(packets[i]));
            if (len == (unsigned char)bad[1])
                continue;
            bad[1] = (char)len;
            size_t before = rig.publishes;
            struct peer *peer = enter(false);
            say(peer, bad, sizeof(bad));
            (void)shutdown(peer->fd, SHUT_WR);
            WAIT(ended(peer) && rig.server->count == 0);
            assert_true(rig.publishes == before || (i == 0 && len >= 5 && len < 15));
            forget_peers();
        }
    }
}

static void test_mqtt_server_what_is_refused(void **state)
{
    static const struct {
        const char *data;
        size_t len;
        bool is_in; /* after CONNECT */
    } bad[] = {
#define BAD(text, is_in_) {(text), sizeof(text) - 1, (is_in_)}
        BAD(PUBLISH("\1"), false),
        BAD(PING, false),
        BAD("GET / HTTP/1.1\r\n\r\n", false),
        BAD("\x16\3\1\0\0", false),
        BAD("\x10\x0d\0\4MQTX\4\2\0\x3c\0\1d", false),
        BAD("\x10\x0d\0\4mqtt\4\2\0\x3c\0\1d", false),
        BAD("\x10\x0d\0\4MQTT\4\3\0\x3c\0\1d", false),
        BAD("\x10\xff\xff\xff\x7f", false),    /* 256 MB */
        BAD("\x30\xff\xff\xff\xff\x01", true), /* a length of five bytes */
        BAD("\x30\x80\x80\xc0\0", true),       /* 1 MB */
        BAD(CONNECT, true),                    /* twice */
        BAD("\x34\6\0\1t\0\1x", true),         /* QoS 2 */
        BAD("\x36\6\0\1t\0\1x", true),         /* QoS 3 */
        BAD("\x38\4\0\1tx", true),             /* DUP of QoS 0 */
        BAD("\x32\6\0\1t\0\0x", true),         /* packet id 0 */
        BAD("\x30\5\0\3t/#", true),            /* wildcards in a topic */
        BAD("\x30\5\0\3t/+", true),
        BAD("\x30\3\0\1\0", true),           /* NUL */
        BAD("\x30\4\0\2\xc3\x28", true),     /* no UTF-8 */
        BAD("\x30\5\0\3\xed\xa0\x80", true), /* a surrogate */
        BAD("\x30\2\0\0", true),             /* no topic */
        BAD("\x30\3\0\5t", true),            /* longer than its packet */
        BAD("\x82\2\0\1", true),             /* no filter */
        BAD("\x82\6\0\1\0\1#\3", true),      /* QoS 3 wanted */
        BAD("\x82\7\0\1\0\2t#\0", true),     /* '#' that is not alone */
        BAD("\x20\2\0\0", true),             /* what servers say */
        BAD("\xf0\0", true),
        BAD("\0\0", true),
        BAD("\xc1\0", true),
        BAD("\xc0\1\0", true),
    };
    (void)state;
    begin();
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t before = metric("hotlined_mqtt_bad_packets_total");
        struct peer *peer = bad[i].is_in ? enter(false) : join(false);
        say(peer, bad[i].data, bad[i].len);
        WAIT(ended(peer) && rig.server->count == 0);
        if (peer->in.len || metric("hotlined_mqtt_bad_packets_total") != before + 1)
            fail_msg("case %zu: %zu bytes answered", i, peer->in.len);
        forget_peers();
    }
    assert_int_equal(rig.publishes, 0);
}

/* More is on its way when the log-in is refused: closing at once would reset the connection before
 * the code is read. */
static void test_mqtt_server_refusals_are_heard(void **state)
{
    static char flood[20000];
    (void)state;
    begin();
    rig.code = MQTT_BAD_PASSWORD;
    struct peer *peer = join(false);
    SAY(peer, CONNECT PUBLISH("\1") PUBLISH("\2"));
    WAIT(peer->in.len == 4);
    say(peer, flood, sizeof(flood));
    WAIT(ended(peer));
    assert_true(HEARD(peer, "\x20\2\0\4") && !peer->reset);
    hang_up(peer);
    WAIT(rig.server->count == 0);
    struct peer *level = join(false);
    SAY(level, "\x10\x0d\0\4MQTT\5\2\0\x3c\0\1d");
    WAIT(HEARD(level, "\x20\2\0\1") && level->eof);
    assert_int_equal(rig.publishes, 0);
}

static void test_mqtt_server_deadlines(void **state)
{
    (void)state;
    rig.config.connect_timeout_us = 50 * US_PER_MS;
    begin();
    struct peer *silent = join(false), *slow = join(false), *in = enter(false);
    int64_t cut = metric("hotlined_mqtt_cut_total");
    for (size_t n = 0; !ended(slow); n++) { /* a byte now and then is no reprieve */
        if (n < sizeof(CONNECT) - 2 && n % 8 == 0)
            say(slow, &CONNECT[n / 8], 1);
        turn();
    }
    WAIT(ended(silent));
    assert_int_equal(metric("hotlined_mqtt_cut_total") - cut, 2);
    SAY(in, PING);
    WAIT(HEARD(in, PONG));
}

/* A refused peer that goes on talking is not listened to for ever. */
static void test_mqtt_server_lingers_not_for_ever(void **state)
{
    static char flood[200000];
    (void)state;
    begin();
    rig.code = MQTT_NOT_AUTHORISED;
    struct peer *loud = join(false), *mute = join(false);
    SAY(mute, CONNECT);
    SAY(loud, CONNECT);
    WAIT(loud->eof && mute->eof);
    while (rig.server->count > 1) {
        (void)push(loud, flood, sizeof(flood));
        turn();
    }
    WAIT(rig.server->count == 0);
}

static void test_mqtt_server_strangers_are_bounded(void **state)
{
    (void)state;
    rig.config.max_strangers = 10;
    begin();
    int64_t before = metric("hotlined_mqtt_strangers_cut_total");
    struct peer *in = enter(false), *strangers[30];
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        strangers[i] = join(false);
        if (i % 2)
            SAY(strangers[i], "\x10\x0d\0"); /* half open */
        turn();
    }
    WAIT(rig.server->count == 11);
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        if (i < 20)
            WAIT(ended(strangers[i]));
        else
            assert_false(ended(strangers[i]));
    }
    assert_int_equal(metric("hotlined_mqtt_strangers_cut_total") - before, 20);
    struct peer *late = enter(false);
    SAY(late, PUBLISH("\7"));
    SAY(in, PUBLISH("\7"));
    WAIT(HEARD(late, "\x40\2\0\7") && HEARD(in, "\x40\2\0\7"));
}

static void test_mqtt_server_connections_are_bounded(void **state)
{
    (void)state;
    rig.config.max_connections = 3;
    begin();
    int64_t before = metric("hotlined_mqtt_over_limit_total");
    struct peer *in[3] = {enter(false), enter(false), enter(false)};
    struct peer *over = join(false);
    WAIT(over->eof);
    assert_int_equal(metric("hotlined_mqtt_over_limit_total") - before, 1);
    hang_up(in[0]);
    WAIT(rig.server->count == 2);
    struct peer *next = enter(false);
    SAY(next, PING);
    WAIT(HEARD(next, PONG));
}

static void test_mqtt_server_acks_in_order(void **state)
{
    (void)state;
    begin();
    rig.holds = true;
    struct peer *peer = enter(false);
    SAY(peer, PUBLISH("\1") PUBLISH("\2") PUBLISH("\3"));
    WAIT(rig.publishes == 3);
    mqtt_done(rig.conn, rig.tokens[2]);
    mqtt_done(rig.conn, rig.tokens[1]);
    SAY(peer, PING);
    WAIT(peer->in.len == 2);
    mqtt_done(rig.conn, rig.tokens[0]);
    WAIT(HEARD(peer, PONG "\x40\2\0\1\x40\2\0\2\x40\2\0\3"));
}

/* So many under way, and the rest waits unread; it goes on when one is done. */
static void flood_waits(bool is_tls)
{
    struct peer *peer = enter(is_tls);
    size_t before = rig.publishes, count = 4 * MQTT_IN_FLIGHT_MOST;

    rig.holds = true;
    for (size_t i = 0; i < count; i++)
        SAY(peer, PUBLISH("\1"));
    WAIT(rig.publishes - before == MQTT_IN_FLIGHT_MOST);
    for (int i = 0; i < 20; i++)
        turn();
    assert_int_equal(rig.publishes - before, MQTT_IN_FLIGHT_MOST);
    rig.holds = false;
    for (size_t i = 0; i < MQTT_IN_FLIGHT_MOST; i++)
        mqtt_done(rig.conn, rig.tokens[(before + i) % MQTT_IN_FLIGHT_MOST]);
    WAIT(peer->in.len == 4 * count);
    assert_int_equal(rig.publishes - before, count);
}

static void test_mqtt_server_flood_waits(void **state)
{
    (void)state;
    begin();
    flood_waits(false);
}

/* A peer that asks without end and reads nothing: what it did not take stays bounded, others are
 * served, and it gets all of its answers when it reads. */
static void deaf_peer(bool is_tls)
{
    static char pings[40000];
    struct peer *deaf = enter(is_tls), *other = enter(is_tls);
    size_t sent = 0;

    for (size_t i = 0; i < sizeof(pings); i += 2)
        memcpy(&pings[i], PING, 2);
    deaf->holds = true;
    for (int i = 0; i < 600; i++) {
        sent += push(deaf, pings, 16000);
        turn();
    }
    struct mqtt_conn *conn;
    LIST_FOREACH(conn, &rig.server->conns, link)
    {
        assert_true(evbuffer_get_length(bufferevent_get_output(conn->bev)) <=
                    rig.config.max_output_bytes + 4096);
        assert_true(evbuffer_get_length(bufferevent_get_input(conn->bev)) <=
                    rig.config.max_packet_bytes + 20000);
    }
    SAY(other, PUBLISH("\5"));
    WAIT(HEARD(other, "\x40\2\0\5"));
    deaf->holds = false;
    WAIT(deaf->in.len == sent);
}

static void test_mqtt_server_deaf_peer(void **state)
{
    (void)state;
    rig.config.max_output_bytes = 2000;
    begin();
    deaf_peer(false);
}

/* ---- TLS ---------------------------------------------------------------------------------------
 */

static void begin_tls(void)
{
    char *error = NULL;

    begin();
    rig.client_tls = SSL_CTX_new(TLS_client_method());
    assert_non_null(rig.client_tls);
    if (!mqtt_server_load_tls(rig.server, files.cert, files.key, &error))
        fail_msg("%s", error);
}

static void test_mqtt_server_tls(void **state)
{
    char *error = NULL;
    (void)state;
    begin_tls();
    flood_waits(true);
    assert_false(mqtt_server_load_tls(rig.server, files.cert, files.other_key, &error));
    free(error);
    struct peer *peer = enter(true); /* the certificate from before is still good */
    SAY(peer, PUBLISH("\1") "\xe0\0");
    WAIT(peer->eof);
    assert_true(HEARD(peer, "\x40\2\0\1") && !peer->reset); /* ended with close_notify */
    rig.code = MQTT_BAD_PASSWORD;
    struct peer *refused = join(true);
    WAIT(SSL_is_init_finished(refused->ssl));
    SAY(refused, CONNECT PUBLISH("\1"));
    WAIT(HEARD(refused, "\x20\2\0\4") && refused->eof);
}

static void test_mqtt_server_tls_deaf_peer(void **state)
{
    (void)state;
    rig.config.max_output_bytes = 2000;
    begin_tls();
    deaf_peer(true);
}

static void test_mqtt_server_tls_that_is_none(void **state)
{
    static const struct {
        const char *data;
        size_t len;
    } words[] = {{CONNECT, sizeof(CONNECT) - 1},
                 {"GET / HTTP/1.1\r\n\r\n", 18},
                 {"\x16\3\1\0\4\2\0\0\0", 9}, /* what only servers say */
                 {"\x15\3\3\0\2\2\x28", 7}};  /* a fatal alert */
    (void)state;
    begin_tls();
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        int64_t before = metric("hotlined_mqtt_tls_failed_total");
        struct peer *peer = join(true);
        SSL_free(peer->ssl);
        peer->ssl = NULL;
        say(peer, words[i].data, words[i].len);
        WAIT(ended(peer));
        if (metric("hotlined_mqtt_tls_failed_total") != before + 1)
            fail_msg("case %zu", i);
        hang_up(peer);
    }
    assert_int_equal(rig.connects, 0);
}

static void test_mqtt_server_tls_protocols(void **state)
{
    (void)state;
    begin_tls();
    assert_int_equal(SSL_CTX_set_alpn_protos(rig.client_tls, (const unsigned char *)"\4mqtt", 5),
                     0);
    (void)enter(true);
    assert_int_equal(
        SSL_CTX_set_alpn_protos(rig.client_tls, (const unsigned char *)"\x08http/1.1", 9), 0);
    struct peer *browser = join(true);
    WAIT(ended(browser));
    assert_false(SSL_is_init_finished(browser->ssl));
}

static int make_files(void **state)
{
    (void)state;
    tls_files_make(&files);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    tls_files_remove(&files);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_mqtt_server_every_cut_and_every_byte),
        TEST(test_mqtt_server_wrong_lengths),
        TEST(test_mqtt_server_what_is_refused),
        TEST(test_mqtt_server_refusals_are_heard),
        TEST(test_mqtt_server_deadlines),
        TEST(test_mqtt_server_lingers_not_for_ever),
        TEST(test_mqtt_server_strangers_are_bounded),
        TEST(test_mqtt_server_connections_are_bounded),
        TEST(test_mqtt_server_acks_in_order),
        TEST(test_mqtt_server_flood_waits),
        TEST(test_mqtt_server_deaf_peer),
        TEST(test_mqtt_server_tls),
        TEST(test_mqtt_server_tls_deaf_peer),
        TEST(test_mqtt_server_tls_that_is_none),
        TEST(test_mqtt_server_tls_protocols),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
