/*
 * The fault proxy itself: does it break exactly what it is told to? Against an echoing server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "base/clk.h"
#include "fault/tcp_proxy.h"

#define WAIT_US (30 * US_PER_SECOND)

struct world {
    struct event_base *base;
    struct evconnlistener *server;
    struct tcp_proxy *proxy;
};

static void echo_read(struct bufferevent *bev, void *ctx)
{
    (void)ctx;
    bufferevent_write_buffer(bev, bufferevent_get_input(bev));
}

static void echo_event(struct bufferevent *bev, short what, void *ctx)
{
    (void)what;
    (void)ctx;
    bufferevent_free(bev);
}

static void echo_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr,
                        int len, void *ctx)
{
    struct world *w = ctx;
    struct bufferevent *bev = bufferevent_socket_new(w->base, fd, BEV_OPT_CLOSE_ON_FREE);

    (void)listener;
    (void)addr;
    (void)len;
    bufferevent_setcb(bev, echo_read, NULL, echo_event, NULL);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static int setup(void **state)
{
    static struct world w;
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t len = sizeof(addr);

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    w.base = event_base_new();
    w.server = evconnlistener_new_bind(w.base, echo_accept, &w, LEV_OPT_CLOSE_ON_FREE, -1,
                                       (struct sockaddr *)&addr, sizeof(addr));
    assert_non_null(w.server);
    assert_int_equal(getsockname(evconnlistener_get_fd(w.server), (struct sockaddr *)&addr, &len),
                     0);
    w.proxy = tcp_proxy_new(w.base, 0, ntohs(addr.sin_port));
    assert_non_null(w.proxy);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    tcp_proxy_free(&w->proxy);
    evconnlistener_free(w->server);
    event_base_loop(w->base, EVLOOP_NONBLOCK); /* the echoing ends see the end */
    event_base_loop(w->base, EVLOOP_NONBLOCK);
    event_base_free(w->base);
    return 0;
}

static int connect_client(struct world *w)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)tcp_proxy_port(w->proxy))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Turns the loop until `wanted` bytes came or the connection ended; returns bytes, *error_r the
 * errno. */
static size_t hear(struct world *w, int fd, char *text, size_t wanted, int *error_r)
{
    int64_t deadline_us = clk_mono_us() + WAIT_US;
    size_t len = 0;

    *error_r = 0;
    while (len < wanted) {
        ssize_t n = recv(fd, text + len, wanted - len, MSG_DONTWAIT);

        if (n > 0) {
            len += (size_t)n;
        } else if (n == 0) {
            break;
        } else if (errno != EAGAIN) {
            *error_r = errno;
            break;
        } else {
            assert_true(clk_mono_us() < deadline_us);
            event_base_loop(w->base, EVLOOP_NONBLOCK);
        }
    }
    text[len] = '\0';
    return len;
}

static void test_forwards(void **state)
{
    struct world *w = *state;
    uint64_t there = tcp_proxy_bytes(w->proxy, PROXY_TO_SERVER);
    uint64_t back = tcp_proxy_bytes(w->proxy, PROXY_TO_CLIENT);
    char text[32];
    int fd = connect_client(w), error;

    say(fd, "hello");
    assert_int_equal(hear(w, fd, text, 5, &error), 5);
    assert_string_equal(text, "hello");
    assert_int_equal(tcp_proxy_bytes(w->proxy, PROXY_TO_SERVER) - there, 5);
    assert_int_equal(tcp_proxy_bytes(w->proxy, PROXY_TO_CLIENT) - back, 5);
    assert_int_equal(tcp_proxy_connections(w->proxy), 1);
    shutdown(fd, SHUT_WR); /* half a close goes through, and comes back */
    assert_int_equal(hear(w, fd, text, 1, &error), 0);
    assert_int_equal(error, 0);
    close(fd);
}

static void test_cuts_after_exactly_so_many_bytes(void **state)
{
    struct world *w = *state;
    char text[32];
    int error;

    for (size_t n = 0; n <= 5; n++) {
        int fd = connect_client(w);

        tcp_proxy_cut_after(w->proxy, PROXY_TO_CLIENT, n, PROXY_FIN);
        say(fd, "hello");
        assert_int_equal(hear(w, fd, text, sizeof(text) - 1, &error), n);
        assert_int_equal(error, 0);
        assert_memory_equal(text, "hello", n);
        close(fd);
    }
    for (size_t n = 0; n <= 5; n++) {
        uint64_t before = tcp_proxy_bytes(w->proxy, PROXY_TO_SERVER);
        int fd = connect_client(w);

        tcp_proxy_cut_after(w->proxy, PROXY_TO_SERVER, n, PROXY_FIN);
        say(fd, "hello");
        (void)hear(w, fd, text, sizeof(text) - 1, &error);
        assert_int_equal(tcp_proxy_bytes(w->proxy, PROXY_TO_SERVER) - before, n);
        close(fd);
    }
    test_forwards(state); /* once only */
}

static void test_resets(void **state)
{
    struct world *w = *state;
    char text[32];
    int fd = connect_client(w), error;

    tcp_proxy_cut_after(w->proxy, PROXY_TO_SERVER, 2, PROXY_RST);
    say(fd, "hello");
    (void)hear(w, fd, text, 5, &error);
    assert_int_equal(error, ECONNRESET);
    close(fd);
    fd = connect_client(w);
    say(fd, "hello");
    assert_int_equal(hear(w, fd, text, 5, &error), 5);
    tcp_proxy_reset(w->proxy);
    assert_int_equal(tcp_proxy_connections(w->proxy), 0);
    (void)hear(w, fd, text, 5, &error);
    assert_int_equal(error, ECONNRESET);
    close(fd);
}

static void test_splits_into_pieces(void **state)
{
    struct world *w = *state;
    char text[8];
    int fd = connect_client(w), pieces = 0;
    size_t len = 0;

    tcp_proxy_split(w->proxy, PROXY_TO_CLIENT, 1);
    say(fd, "hello");
    while (len < 5) {
        ssize_t n;

        event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK); /* one turn */
        n = recv(fd, text, sizeof(text), MSG_DONTWAIT);
        if (n > 0) {
            pieces++;
            len += (size_t)n;
        }
    }
    assert_int_equal(pieces, 5);
    close(fd);
}

static void test_delays(void **state)
{
    struct world *w = *state;
    char text[8];
    int fd = connect_client(w), error;
    int64_t started_us = clk_mono_us();

    tcp_proxy_delay(w->proxy, PROXY_TO_SERVER, 60 * US_PER_MS);
    tcp_proxy_delay(w->proxy, PROXY_TO_CLIENT, 60 * US_PER_MS);
    say(fd, "hello");
    assert_int_equal(hear(w, fd, text, 5, &error), 5);
    assert_true(clk_mono_us() - started_us >= 120 * US_PER_MS);
    close(fd);
}

static void test_freezes_and_thaws(void **state)
{
    struct world *w = *state;
    char text[8];
    int fd = connect_client(w), error;

    tcp_proxy_freeze(w->proxy, PROXY_TO_CLIENT, true);
    say(fd, "hello");
    while (tcp_proxy_bytes(w->proxy, PROXY_TO_SERVER) < 5)
        event_base_loop(w->base, EVLOOP_ONCE);
    for (int i = 0; i < 100; i++)
        event_base_loop(w->base, EVLOOP_NONBLOCK);
    assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    tcp_proxy_clear(w->proxy);
    assert_int_equal(hear(w, fd, text, 5, &error), 5);
    close(fd);
}

static void test_refuses(void **state)
{
    struct world *w = *state;
    char text[8];
    int fd, error;

    tcp_proxy_refuse(w->proxy, true);
    fd = connect_client(w);
    assert_int_equal(hear(w, fd, text, 5, &error), 0);
    close(fd);
    assert_int_equal(tcp_proxy_connections(w->proxy), 0);
}

static void test_commands(void **state)
{
    static const struct {
        const char *line, *reply;
    } rows[] = {
        {"status", "ok to-server=0 to-client=0 connections=0"},
        {"cut to-server 12", "ok"},
        {"cut to-client 0 reset", "ok"},
        {"  delay both 5000 ", "ok"},
        {"split to-client 1", "ok"},
        {"freeze both on", "ok"},
        {"refuse off", "ok"},
        {"reset", "ok"},
        {"clear", "ok"},
        {"", "error empty line"},
        {"cut both 1", "error bad argument"},
        {"cut to-server -1", "error bad argument"},
        {"cut to-server 1 gently", "error bad argument"},
        {"cut to-server", "error wrong number of words"},
        {"cut to-server 1 reset now", "error wrong number of words"},
        {"freeze sideways on", "error bad argument"},
        {"freeze both perhaps", "error bad argument"},
        {"split both 99999999999999999999", "error bad argument"},
        {"melt", "error unknown command"},
    };
    struct world *w = *state;
    char reply[160];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tcp_proxy_command(w->proxy, rows[i].line, reply, sizeof(reply));
        assert_string_equal(reply, rows[i].reply);
    }
}

static void test_control_socket(void **state)
{
    struct world *w = *state;
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    char folder[] = "/tmp/test-tcp-proxy-XXXXXX", path[64], text[64];
    struct tcp_proxy_control *control;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/control", folder);
    control = tcp_proxy_control_new(w->base, w->proxy, path);
    assert_non_null(control);
    assert_null(tcp_proxy_control_new(w->base, w->proxy, path)); /* taken */
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    say(fd, "refuse on\nme");
    assert_int_equal(hear(w, fd, text, 3, &error), 3);
    assert_string_equal(text, "ok\n");
    say(fd, "lt\n");
    assert_int_equal(hear(w, fd, text, 22, &error), 22);
    assert_string_equal(text, "error unknown command\n");
    tcp_proxy_control_free(&control);
    assert_int_equal(hear(w, fd, text, 1, &error), 0);
    close(fd);
    assert_int_equal(rmdir(folder), 0); /* the socket was removed */
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_forwards),       CASE(test_cuts_after_exactly_so_many_bytes),
        CASE(test_resets),         CASE(test_splits_into_pieces),
        CASE(test_delays),         CASE(test_freezes_and_thaws),
        CASE(test_refuses),        CASE(test_commands),
        CASE(test_control_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
