/*
 * Answers that are streams, limits of connections and descriptors, and the drain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "http_rig.h"

#define HOST "HTTP/1.1\r\nHost: city\r\n"
#define GET_NOW "GET /now " HOST "\r\n"
#define GET_STREAM "GET /stream " HOST "\r\n"

static struct rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_init(&rig);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_free(&rig);
    return 0;
}

static struct peer *open_stream(const char *request)
{
    struct peer *peer = peer_connect(&rig);
    peer_says(&rig, peer, request);
    WAIT(&rig, rig.stream && rig.drains == 1);
    WAIT(&rig, peer_count_of(peer, "\r\n\r\n") == 1);
    return peer;
}

/* ---- streams -----------------------------------------------------------------------------------
 */

static void test_http_stream_chunks_and_goes_on(void **state)
{
    (void)state;
    rig_listen(&rig);
    struct peer *peer = open_stream(GET_STREAM);
    assert_int_equal(peer_count_of(peer, "Transfer-Encoding: chunked\r\n"), 1);
    assert_int_equal(peer_count_of(peer, "Content-Length"), 0);
    assert_true(http_stream_write(rig.stream, "data: 1\n\n", 9));
    assert_int_equal(rig.drains, 1); /* never inside our call */
    assert_true(http_stream_pending(rig.stream) > 0);
    WAIT(&rig, rig.drains == 2);
    assert_int_equal(http_stream_pending(rig.stream), 0);
    assert_true(http_stream_write(rig.stream, "", 0)); /* must not end the chunks */
    assert_true(http_stream_write(rig.stream, "data: 0123456789\n\n", 18));
    http_stream_end(rig.stream);
    WAIT(&rig, peer_count_of(
                   peer, "\r\n\r\n9\r\ndata: 1\n\n\r\n12\r\ndata: 0123456789\n\n\r\n0\r\n\r\n"));
    peer_says(&rig, peer, GET_NOW);
    WAIT(&rig, peer_count_of(peer, "\r\n\r\nok") == 1);
    assert_int_equal(rig.aborts, 0);
    assert_int_equal(rig_metric("hotlined_http_streams", NULL), 0);
}

static void test_http_stream_to_http_1_0_ends_with_the_connection(void **state)
{
    (void)state;
    rig_listen(&rig);
    struct peer *peer = open_stream("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_true(http_stream_write(rig.stream, "data", 4));
    http_stream_end(rig.stream);
    WAIT(&rig, peer->eof);
    assert_int_equal(peer_count_of(peer, "Transfer-Encoding"), 0);
    assert_int_equal(peer_count_of(peer, "Connection: close\r\n"), 1);
    assert_int_equal(peer_count_of(peer, "\r\n\r\ndata"), 1);
}

static void test_http_stream_to_head_has_no_body(void **state)
{
    (void)state;
    rig_listen(&rig);
    struct peer *peer = open_stream("HEAD /stream " HOST "\r\n");
    assert_true(http_stream_write(rig.stream, "data", 4));
    http_stream_end(rig.stream);
    peer_says(&rig, peer, GET_NOW);
    WAIT(&rig, peer_count_of(peer, "\r\n\r\nok") == 1);
    assert_int_equal(peer_count_of(peer, "data"), 0);
    assert_int_equal(peer_count_of(peer, "\r\n0\r\n"), 0);
}

static void leave_stream(void (*leave)(struct peer *peer))
{
    rig_listen(&rig);
    leave(open_stream(GET_STREAM));
    WAIT(&rig, rig.aborts == 1);
    rig_settle(&rig, 5);
    assert_int_equal(rig.aborts, 1);
    assert_int_equal(http_server_connections(rig.server), 0);
    assert_int_equal(rig_metric("hotlined_http_streams", NULL), 0);
}

static void test_http_stream_closed_by_the_peer(void **state)
{
    (void)state;
    leave_stream(peer_close);
}

static void test_http_stream_reset_by_the_peer(void **state)
{
    (void)state;
    leave_stream(peer_kill);
}

/* 20 MB into a stream's back: bounded memory, and out. */
static void test_http_stream_flooded(void **state)
{
    static char junk[65536];
    size_t sent = 0;
    (void)state;
    rig_listen(&rig);
    int64_t before = rig_closed("flood");
    struct peer *peer = open_stream(GET_STREAM);
    memset(junk, 'G', sizeof(junk));
    while (sent < (size_t)20 << 20 && !peer_ended(peer)) {
        sent += peer_push(peer, junk, sizeof(junk));
        rig_turn(&rig);
    }
    assert_true(sent < (size_t)20 << 20);
    WAIT(&rig, rig.aborts == 1);
    assert_int_equal(rig_closed("flood"), before + 1);
}

static void test_http_stream_slow_consumer(void **state)
{
    static char event[32768];
    bool fits = true;
    (void)state;
    rig_listen(&rig);
    int64_t before = rig_closed("slow_consumer");
    struct peer *peer = open_stream(GET_STREAM);
    peer->holds = true;
    memset(event, 'e', sizeof(event));
    for (size_t i = 0; i < 2000 && fits; i++) { /* 64 MB: more than any socket buffer */
        fits = http_stream_write(rig.stream, event, sizeof(event));
        assert_true(http_stream_pending(rig.stream) <= rig.config.stream_high_water_bytes + 64);
        if (fits)
            rig_settle(&rig, 1);
    }
    assert_false(fits);
    assert_int_equal(rig.aborts, 0); /* follows from the loop */
    assert_false(http_stream_write(rig.stream, "x", 1));
    WAIT(&rig, rig.aborts == 1);
    rig_settle(&rig, 5);
    assert_int_equal(rig.aborts, 1);
    assert_int_equal(rig_closed("slow_consumer"), before + 1);
}

/* The owner ends it in the same breath: then nothing follows. */
static void test_http_stream_ended_after_overflow(void **state)
{
    (void)state;
    rig.config.stream_high_water_bytes = 10;
    rig_listen(&rig);
    struct peer *peer = open_stream(GET_STREAM);
    assert_false(http_stream_write(rig.stream, "01234567890", 11));
    http_stream_end(rig.stream);
    WAIT(&rig, peer_ended(peer));
    assert_int_equal(rig.aborts, 0);
    assert_int_equal(peer_count_of(peer, "0123"), 0);
}

static void test_http_stream_write_deadline(void **state)
{
    static char event[65536];
    (void)state;
    rig.config.write_timeout_us = 60 * US_PER_MS;
    rig.config.stream_high_water_bytes = (size_t)64 << 20;
    rig_listen(&rig);
    int64_t before = rig_closed("write_timeout");
    struct peer *peer = open_stream(GET_STREAM);
    peer->holds = true;
    for (size_t i = 0; i < 500; i++)
        assert_true(http_stream_write(rig.stream, event, sizeof(event)));
    WAIT(&rig, rig.aborts == 1);
    assert_int_equal(rig_closed("write_timeout"), before + 1);
}

/* A quiet stream outlives every deadline of the server. */
static void test_http_stream_may_be_quiet(void **state)
{
    (void)state;
    rig.config.write_timeout_us = rig.config.head_timeout_us = 20 * US_PER_MS;
    rig.config.idle_timeout_us = rig.config.body_timeout_us = 20 * US_PER_MS;
    rig_listen(&rig);
    struct peer *peer = open_stream(GET_STREAM);
    rig_settle(&rig, 100);
    assert_false(peer_ended(peer));
    assert_int_equal(rig.aborts, 0);
}

/* ---- limits ------------------------------------------------------------------------------------
 */

static void test_http_server_connection_limit(void **state)
{
    (void)state;
    rig.config.max_connections = 3;
    rig_listen(&rig);
    struct peer *in[3], *out;
    for (size_t i = 0; i < ARRAY_LEN(in); i++) {
        in[i] = peer_connect(&rig);
        WAIT(&rig, http_server_connections(rig.server) == i + 1);
    }
    out = peer_connect(&rig);
    WAIT(&rig, out->eof);
    assert_int_equal(peer_count_of(out, "HTTP/1.1 503 "), 1);
    assert_int_equal(peer_count_of(out, "X-Refused: too_many_connections\r\n"), 1);
    assert_int_equal(peer_count_of(out, "Connection: close\r\n"), 1);
    peer_close(out);
    peer_close(in[0]);
    WAIT(&rig, http_server_connections(rig.server) == 2);
    out = peer_connect(&rig);
    peer_says(&rig, out, GET_NOW);
    WAIT(&rig, peer_count_of(out, "\r\n\r\nok") == 1);
}

static void test_http_server_limit_per_address(void **state)
{
    (void)state;
    rig.config.max_connections_per_address = 1;
    rig_listen(&rig);
    struct peer *first = peer_connect(&rig);
    WAIT(&rig, http_server_connections(rig.server) == 1);
    struct peer *second = peer_connect(&rig);
    WAIT(&rig, second->eof);
    assert_int_equal(peer_count_of(second, "X-Refused: too_many_from_address\r\n"), 1);
    peer_says(&rig, first, GET_NOW);
    WAIT(&rig, peer_count_of(first, "\r\n\r\nok") == 1);
    peer_close(first);
    peer_close(second);
    WAIT(&rig, http_server_connections(rig.server) == 0);
    first = peer_connect(&rig);
    peer_says(&rig, first, GET_NOW);
    WAIT(&rig, peer_count_of(first, "\r\n\r\nok") == 1);
}

static void test_http_server_requests_per_connection(void **state)
{
    (void)state;
    rig.config.max_requests_per_connection = 2;
    rig_listen(&rig);
    struct peer *peer = peer_connect(&rig);
    peer_says(&rig, peer, GET_NOW GET_NOW GET_NOW);
    WAIT(&rig, peer->eof);
    assert_int_equal(peer_count_of(peer, "\r\n\r\nok"), 2);
    assert_int_equal(peer_count_of(peer, "Connection: close\r\n"), 1);
}

/* No descriptor left: the server stands back instead of spinning, and comes back. */
static void test_http_server_out_of_descriptors(void **state)
{
    struct rlimit old, low;
    (void)state;
    rig_listen(&rig);
    int64_t paused = rig_metric("hotlined_http_accept_paused_total", NULL);
    struct peer *peers[8];
    for (size_t i = 0; i < ARRAY_LEN(peers); i++)
        peers[i] = peer_connect(&rig);
    int next = dup(peers[0]->fd); /* the lowest that is free */
    assert_true(next >= 0);
    (void)close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = (rlim_t)next + 3; /* room for three of the eight */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    for (size_t i = 0; i < ARRAY_LEN(peers); i++)
        peer_says(&rig, peers[i], GET_NOW);
    WAIT(&rig, rig.requests == 3);
    uint64_t ticks = rig.ticks, turns = rig.turns;
    rig_settle(&rig, 50);
    assert_true(rig.turns - turns < (rig.ticks - ticks) * 5);
    int64_t pauses = rig_metric("hotlined_http_accept_paused_total", NULL) - paused;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_true(pauses >= 1 && pauses <= 12); /* one a second at most */
    WAIT(&rig, rig.requests == ARRAY_LEN(peers));
}

/* ---- drain -------------------------------------------------------------------------------------
 */

static void on_drained(void *ctx)
{
    ((struct rig *)ctx)->drained++;
}

static void test_http_server_drains(void **state)
{
    (void)state;
    rig_listen(&rig);
    struct peer *idle = peer_connect(&rig), *busy = peer_connect(&rig), *half = peer_connect(&rig);
    struct peer *stream = open_stream(GET_STREAM);
    http_stream_set_bye(rig.stream, "event: bye\n\n", 12);
    peer_says(&rig, busy, "GET /later " HOST "\r\n");
    peer_says(&rig, half, "GET /now HTTP/1.1\r\n");
    WAIT(&rig, rig.pending && http_server_connections(rig.server) == 4);
    struct http_request *pending = rig.pending;
    http_server_drain(rig.server, 10 * US_PER_SECOND, on_drained, &rig);
    assert_int_equal(rig.aborts, 0);
    WAIT(&rig, idle->eof && stream->eof);
    assert_int_equal(peer_count_of(stream, "\r\nevent: bye\n\n\r\n0\r\n\r\n"), 1);
    assert_int_equal(rig.aborts, 1); /* of the stream: let go */
    assert_int_equal(rig.drained, 0);
    peer_says(&rig, half, "Host: city\r\n\r\n");
    WAIT(&rig, half->eof);
    assert_int_equal(peer_count_of(half, "Connection: close\r\n"), 1);
    http_reply(pending, 200, NULL, "late", 4);
    WAIT(&rig, busy->eof);
    assert_int_equal(peer_count_of(busy, "Connection: close\r\n"), 1);
    assert_int_equal(peer_count_of(busy, "\r\n\r\nlate"), 1);
    for (size_t i = 0; i < rig.peer_count; i++)
        peer_close(&rig.peers[i]);
    WAIT(&rig, rig.drained == 1);
    rig_settle(&rig, 5);
    assert_int_equal(rig.drained, 1);
}

static void test_http_server_drain_has_an_end(void **state)
{
    (void)state;
    rig_listen(&rig);
    struct peer *busy = peer_connect(&rig);
    peer_says(&rig, busy, "GET /later " HOST "\r\n");
    WAIT(&rig, rig.pending);
    (void)open_stream(GET_STREAM); /* without last words */
    http_server_drain(rig.server, 30 * US_PER_MS, on_drained, &rig);
    WAIT(&rig, rig.drained == 1);
    assert_int_equal(rig.aborts, 2);
    assert_int_equal(http_server_connections(rig.server), 0);
    WAIT(&rig, peer_ended(busy));
}

static void test_http_server_drain_of_nothing(void **state)
{
    (void)state;
    rig_listen(&rig);
    http_server_drain(rig.server, 10 * US_PER_SECOND, on_drained, &rig);
    assert_int_equal(rig.drained, 0); /* from the loop */
    WAIT(&rig, rig.drained == 1);
}

static int64_t never_asked(void *ctx, struct http_request *req)
{
    (void)ctx;
    (void)req;
    return -500;
}

static void never_called(void *ctx, struct http_request *req)
{
    (void)ctx;
    (void)req;
}

static void test_http_server_listen_errors_have_texts(void **state)
{
    const struct http_handler handler = {
        .on_head = never_asked, .on_request = never_called, .ctx = NULL};
    char *error = NULL;
    (void)state;
    rig_listen(&rig);
    struct http_server *other = http_server_new(rig.base, &rig.config, &handler);
    assert_false(http_server_listen(other, "127.0.0.1", http_server_port(rig.server), &error));
    assert_non_null(strstr(error, "cannot listen on 127.0.0.1 port "));
    free(error);
    error = NULL;
    assert_false(http_server_listen(other, "localhost", 0, &error)); /* no names here */
    assert_non_null(strstr(error, "localhost is not an address"));
    free(error);
    http_server_free(&other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_http_stream_chunks_and_goes_on),
        TEST(test_http_stream_to_http_1_0_ends_with_the_connection),
        TEST(test_http_stream_to_head_has_no_body),
        TEST(test_http_stream_closed_by_the_peer),
        TEST(test_http_stream_reset_by_the_peer),
        TEST(test_http_stream_flooded),
        TEST(test_http_stream_slow_consumer),
        TEST(test_http_stream_ended_after_overflow),
        TEST(test_http_stream_write_deadline),
        TEST(test_http_stream_may_be_quiet),
        TEST(test_http_server_connection_limit),
        TEST(test_http_server_limit_per_address),
        TEST(test_http_server_requests_per_connection),
        TEST(test_http_server_out_of_descriptors),
        TEST(test_http_server_drains),
        TEST(test_http_server_drain_has_an_end),
        TEST(test_http_server_drain_of_nothing),
        TEST(test_http_server_listen_errors_have_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
