/*
 * The server against peers that behave and peers that do not: requests, refusals, deadlines,
 * disconnects. Streams, limits and TLS have files of their own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "http1_probes.h"
#include "http_rig.h"

#define HOST "HTTP/1.1\r\nHost: city\r\n"
#define GET_NOW "GET /now " HOST "\r\n"

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

/* ---- the probe matrix over sockets -------------------------------------------------------------
 */

static void check_probe(const struct http1_probe *p)
{
    struct peer *peer = peer_connect(&rig);
    char status[32];
    (void)snprintf(status, sizeof(status), "HTTP/1.1 %d ", p->status);
    peer_send(&rig, peer, p->bytes, p->len);
    if (p->status) {
        WAIT(&rig, peer_ended(peer));
        if (peer_count_of(peer, status) != 1 || peer_count_of(peer, "Connection: close\r\n") != 1)
            fail_msg("%s: %s", p->name, peer->in.data);
        assert_string_equal(rig.refused_reason, p->reason);
    }
    WAIT(&rig, peer_count_of(peer, "HTTP/1.1 200 OK\r\n") == p->requests);
    if (p->open) {
        rig_settle(&rig, 5);
        assert_false(peer_ended(peer));
        assert_int_equal(peer->in.len, 0);
    }
    assert_false(peer->reset);
    peer_close(peer);
    sbuf_free(&peer->in);
    rig.peer_count = 0;
}

static void test_http_server_answers_the_probes(void **state)
{
    size_t count;
    const struct http1_probe *probes = http1_probes(&count);
    (void)state;
    rig_listen(&rig);
    for (size_t i = 0; i < count; i++)
        check_probe(&probes[i]);
    WAIT(&rig, http_server_connections(rig.server) == 0);
    assert_int_equal(rig.aborts, 0);
}

/* ---- requests ----------------------------------------------------------------------------------
 */

static void test_http_server_keeps_alive(void **state)
{
    (void)state;
    rig_listen(&rig);
    struct peer *peer = peer_connect(&rig);
    for (unsigned i = 1; i <= 3; i++) {
        peer_says(&rig, peer, "POST /now " HOST "Content-Length: 5\r\n\r\nhello");
        WAIT(&rig, peer_count_of(peer, "\r\n\r\nok") == i);
        assert_string_equal(rig.last_body, "hello");
    }
    assert_int_equal(peer_count_of(peer, "\r\nDate: "), 3);
    assert_int_equal(peer_count_of(peer, "\r\nContent-Length: 2\r\n"), 3);
    assert_int_equal(peer_count_of(peer, "Connection:"), 0);
    assert_int_equal(peer_count_of(peer, "Server:"), 0);
    assert_string_equal(rig.peer_text, "127.0.0.1");
    assert_int_equal(http_server_connections(rig.server), 1);
}

static const struct {
    const char *request;
    const char *connection; /* header of the answer; NULL = none */
    bool ends;
} persistence[] = {
    {"GET /now HTTP/1.1\r\nHost: c\r\n\r\n", NULL, false},
    {"GET /now HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n", "Connection: close\r\n", true},
    {"GET /now HTTP/1.0\r\n\r\n", "Connection: close\r\n", true},
    {"GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "Connection: keep-alive\r\n", false},
};

static void test_http_server_persistence(void **state)
{
    (void)state;
    rig_listen(&rig);
    for (size_t i = 0; i < ARRAY_LEN(persistence); i++) {
        struct peer *peer = peer_connect(&rig);
        peer_says(&rig, peer, persistence[i].request);
        WAIT(&rig, peer_count_of(peer, "\r\n\r\nok") == 1);
        if (persistence[i].ends)
            WAIT(&rig, peer->eof);
        else
            rig_settle(&rig, 3);
        assert_int_equal(peer->eof, persistence[i].ends);
        if (persistence[i].connection)
            assert_int_equal(peer_count_of(peer, persistence[i].connection), 1);
        else
            assert_int_equal(peer_count_of(peer, "Connection:"), 0);
    }
}

static void test_http_server_head_and_empty_answers(void **state)
{
    (void)state;
    rig_listen(&rig);
    struct peer *peer = peer_connect(&rig);
    peer_says(&rig, peer, "HEAD /now " HOST "\r\n" GET_NOW);
    WAIT(&rig, peer_count_of(peer, "\r\n\r\nok") == 1);
    assert_int_equal(peer_count_of(peer, "Content-Length: 2\r\n"), 2);
    assert_int_equal(peer_count_of(peer, "ok"), 1);
    peer = peer_connect(&rig);
    peer_says(&rig, peer,
              "DELETE /empty " HOST "\r\n"
              "OPTIONS * " HOST "\r\n");
    WAIT(&rig, peer_count_of(peer, "\r\n\r\nok") == 1);
    assert_int_equal(peer_count_of(peer, "HTTP/1.1 204 No Content\r\n"), 1);
    assert_int_equal(peer_count_of(peer, "Content-Length:"), 1); /* of OPTIONS only */
}

static void test_http_server_pipelines_one_at_a_time(void **state)
{
    (void)state;
    rig_listen(&rig);
    struct peer *peer = peer_connect(&rig);
    peer_says(&rig, peer, "GET /later " HOST "\r\n" GET_NOW GET_NOW);
    WAIT(&rig, rig.pending);
    rig_settle(&rig, 5);
    assert_int_equal(rig.heads, 1); /* the others wait unread */
    http_reply(rig.pending, 201, NULL, "first", 5);
    assert_int_equal(rig.requests, 1); /* never inside our call */
    WAIT(&rig, peer_count_of(peer, "\r\n\r\nok") == 2);
    assert_ptr_equal(strstr(peer->in.data, "HTTP/1.1 201 Created"), peer->in.data);
    assert_int_equal(rig.requests, 3);
}

/* More than one buffer waits behind a slow answer: back-pressure, and nothing gets lost. */
static void test_http_server_flood_behind_a_pending_answer(void **state)
{
    size_t len = strlen(GET_NOW), wanted = 4000, done = 0;
    struct sbuf many;
    (void)state;
    rig_listen(&rig);
    sbuf_init(&many, 0);
    for (size_t i = 0; i < wanted; i++)
        sbuf_adds(&many, GET_NOW);
    struct peer *peer = peer_connect(&rig);
    peer_says(&rig, peer, "GET /later " HOST "\r\n");
    WAIT(&rig, rig.pending);
    done = peer_push(peer, many.data, many.len);
    rig_settle(&rig, 5);
    uint64_t ticks = rig.ticks, turns = rig.turns;
    rig_settle(&rig, 20);
    assert_true(rig.turns - turns < (rig.ticks - ticks) * 5); /* asleep, not spinning */
    http_reply(rig.pending, 200, NULL, "", 0);
    rig.pending = NULL;
    peer_send(&rig, peer, many.data + done, many.len - done);
    WAIT(&rig, peer_count_of(peer, "\r\n\r\nok") == wanted);
    assert_int_equal(many.len, wanted * len);
    sbuf_free(&many);
}

static void test_http_server_large_answer(void **state)
{
    (void)state;
    rig_listen(&rig);
    struct peer *peer = peer_connect(&rig);
    peer_says(&rig, peer, "GET /big " HOST "\r\n" GET_NOW);
    WAIT(&rig, peer->in.len > BIG_BYTES);
    WAIT(&rig, peer_count_of(peer, "\r\n\r\nok") == 1);
    const char *body = strstr(peer->in.data, "\r\n\r\n");
    assert_non_null(body);
    assert_int_equal(strspn(body + 4, "b"), BIG_BYTES);
}

/* ---- bodies and refusals -----------------------------------------------------------------------
 */

static const struct {
    const char *request;
    int status;
    const char *reason; /* NULL: not refused */
    bool ends;
    bool continued;
} bodies[] = {
    {"POST /small " HOST "Content-Length: 10\r\n\r\n0123456789", 200, NULL, false, false},
    {"POST /small " HOST "Content-Length: 11\r\n\r\n0123456789a", 413, "body_too_large", true,
     false},
    {"POST /small " HOST "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n", 200,
     NULL, false, false},
    {"POST /small " HOST "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n6\r\n56789a\r\n", 413,
     "body_too_large", true, false},
    {"POST /small " HOST "Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n0123456789a", 413,
     "body_too_large", true, false},
    {"POST /none " HOST "Content-Length: 0\r\n\r\n", 200, NULL, false, false},
    {"POST /none " HOST "Content-Length: 1\r\n\r\nx", 413, "body_too_large", true, false},
    {"GET /deny " HOST "\r\n", 401, "handler", false, false},
    {"POST /deny " HOST "Content-Length: 5\r\n\r\nhello", 401, "handler", false, false},
    {"POST /deny " HOST "Content-Length: 70000\r\n\r\n", 401, "handler", true, false},
    {"POST /deny " HOST "Transfer-Encoding: chunked\r\n\r\n", 401, "handler", true, false},
    {"GET /mute " HOST "\r\n", 403, "handler", false, false},
    {"POST /now " HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi", 200, NULL, false,
     true},
    {"POST /deny " HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n", 401, "handler", true,
     false},
    {"POST /small " HOST "Expect: 100-continue\r\nContent-Length: 11\r\n\r\n", 413,
     "body_too_large", true, false},
    {"POST /now " HOST "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n", 200, NULL, false,
     false},
    {"POST /now " HOST "Expect: the-moon\r\nContent-Length: 2\r\n\r\nhi", 417,
     "unknown_expectation", true, false},
};

static void check_body(size_t i)
{
    struct peer *peer = peer_connect(&rig);
    char status[32];
    unsigned refusals = rig.refusals;
    (void)snprintf(status, sizeof(status), "HTTP/1.1 %d ", bodies[i].status);
    peer_says(&rig, peer, bodies[i].request);
    WAIT(&rig, peer_count_of(peer, status) == 1);
    assert_int_equal(peer_count_of(peer, "HTTP/1.1 100 Continue\r\n\r\n"), bodies[i].continued);
    assert_int_equal(rig.refusals - refusals, bodies[i].reason ? 1 : 0);
    if (bodies[i].reason)
        assert_string_equal(rig.refused_reason, bodies[i].reason);
    if (bodies[i].ends) {
        WAIT(&rig, peer->eof);
        assert_int_equal(peer_count_of(peer, "Connection: close\r\n"), 1);
        return;
    }
    peer_says(&rig, peer, GET_NOW); /* the connection is in step */
    WAIT(&rig, peer_count_of(peer, "HTTP/1.1 200 OK\r\n") == (bodies[i].status == 200 ? 2 : 1));
}

static void test_http_server_body_limits_and_expectations(void **state)
{
    (void)state;
    rig_listen(&rig);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        check_body(i);
    assert_int_equal(rig.aborts, 0);
}

static void test_http_server_waits_for_the_continue(void **state)
{
    (void)state;
    rig_listen(&rig);
    struct peer *peer = peer_connect(&rig);
    peer_says(&rig, peer, "POST /now " HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    WAIT(&rig, peer_count_of(peer, "HTTP/1.1 100 Continue\r\n\r\n") == 1);
    assert_int_equal(rig.requests, 0);
    peer_says(&rig, peer, "hi");
    WAIT(&rig, peer_count_of(peer, "\r\n\r\nok") == 1);
    assert_string_equal(rig.last_body, "hi");
}

/* A body that arrives after the refusal: dropped, and the next request is understood. */
static void test_http_server_drops_a_late_refused_body(void **state)
{
    char body[60000];
    (void)state;
    rig_listen(&rig);
    memset(body, 'x', sizeof(body));
    struct peer *peer = peer_connect(&rig);
    peer_says(&rig, peer, "POST /deny " HOST "Content-Length: 60000\r\n\r\n");
    WAIT(&rig, peer_count_of(peer, "HTTP/1.1 401 ") == 1);
    peer_send(&rig, peer, body, sizeof(body));
    peer_says(&rig, peer, GET_NOW);
    WAIT(&rig, peer_count_of(peer, "\r\n\r\nok") == 1);
}

/* The client is still sending when it is refused: it has to be able to read the answer. */
static void test_http_server_lingers_for_a_busy_sender(void **state)
{
    static char body[400000];
    (void)state;
    rig_listen(&rig);
    memset(body, 'x', sizeof(body));
    struct peer *peer = peer_connect(&rig);
    peer->holds = true;
    peer_says(&rig, peer, "POST /small " HOST "Content-Length: 400000\r\n\r\n");
    WAIT(&rig, rig.refusals == 1);
    for (size_t sent = 0; sent < sizeof(body);) {
        sent += peer_push(peer, body + sent, sizeof(body) - sent);
        rig_turn(&rig);
    }
    peer->holds = false;
    WAIT(&rig, peer_ended(peer));
    assert_false(peer->reset);
    assert_int_equal(peer_count_of(peer, "HTTP/1.1 413 "), 1);
}

/* ---- deadlines ---------------------------------------------------------------------------------
 */

static void test_http_server_slow_head_ends_at_the_deadline(void **state)
{
    (void)state;
    rig.config.head_timeout_us = 60 * US_PER_MS;
    rig_listen(&rig);
    int64_t before = rig_closed("head_timeout");
    struct peer *peer = peer_connect(&rig);
    peer_says(&rig, peer, "GET /now " HOST "X-Slow: ");
    while (peer_count_of(peer, "HTTP/1.1 408 ") == 0) { /* a byte now and then is no excuse */
        (void)peer_push(peer, "a", 1);
        rig_settle(&rig, 2);
        assert_true(rig.ticks < 10000);
    }
    WAIT(&rig, peer_ended(peer));
    assert_string_equal(rig.refused_reason, "head_timeout");
    peer_close(peer);
    WAIT(&rig, rig_closed("head_timeout") == before + 1);
    assert_int_equal(rig.heads, 0);
}

static void test_http_server_idle_connections_end_in_silence(void **state)
{
    (void)state;
    rig.config.head_timeout_us = 200 * US_PER_MS;
    rig.config.idle_timeout_us = 30 * US_PER_MS;
    rig_listen(&rig);
    int64_t before = rig_closed("idle");
    struct peer *fresh = peer_connect(&rig), *used = peer_connect(&rig);
    peer_says(&rig, used, GET_NOW "\r\n"); /* an empty line is no beginning of a request */
    WAIT(&rig, used->eof);
    assert_int_equal(peer_count_of(used, "HTTP/1.1"), 1);
    WAIT(&rig, fresh->eof);
    assert_int_equal(fresh->in.len, 0);
    assert_int_equal(rig_closed("idle"), before + 2);
    assert_int_equal(rig.refusals, 0);
}

static void test_http_server_slow_body_ends_at_the_deadline(void **state)
{
    (void)state;
    rig.config.body_timeout_us = 60 * US_PER_MS;
    rig_listen(&rig);
    struct peer *peer = peer_connect(&rig);
    peer_says(&rig, peer, "POST /now " HOST "Content-Length: 10000\r\n\r\n");
    while (peer_count_of(peer, "HTTP/1.1 408 ") == 0) {
        (void)peer_push(peer, "a", 1);
        rig_settle(&rig, 2);
        assert_true(rig.ticks < 10000);
    }
    WAIT(&rig, peer_ended(peer));
    assert_string_equal(rig.refused_reason, "body_timeout");
    assert_int_equal(rig.requests, 0);
    assert_int_equal(rig.aborts, 0);
}

static void test_http_server_refused_body_that_never_comes(void **state)
{
    (void)state;
    rig.config.body_timeout_us = 40 * US_PER_MS;
    rig_listen(&rig);
    struct peer *peer = peer_connect(&rig);
    peer_says(&rig, peer, "POST /deny " HOST "Content-Length: 100\r\n\r\n");
    WAIT(&rig, peer_ended(peer));
    assert_int_equal(peer_count_of(peer, "HTTP/1.1 401 "), 1);
    assert_int_equal(peer_count_of(peer, "HTTP/1.1"), 1);
}

static void test_http_server_answer_nobody_reads(void **state)
{
    (void)state;
    rig.config.write_timeout_us = 50 * US_PER_MS;
    rig_listen(&rig);
    int64_t before = rig_closed("write_timeout");
    struct peer *peer = peer_connect(&rig);
    peer->holds = true;
    peer_says(&rig, peer, "GET /big " HOST "\r\n");
    WAIT(&rig, rig_closed("write_timeout") == before + 1);
    assert_int_equal(rig.aborts, 0); /* it was answered: the handler had let go */
    assert_int_equal(http_server_connections(rig.server), 0);
}

/* Slow but alive: every byte that goes out starts the write deadline again. */
static void test_http_server_answer_read_slowly(void **state)
{
    (void)state;
    rig.config.write_timeout_us = 3000 * US_PER_MS; /* a busy machine may stop us for a while */
    rig_listen(&rig);
    struct peer *peer = peer_connect(&rig);
    int64_t start_us = rig_now_us();
    peer->quota = (size_t)2 << 20;
    peer->holds = true;
    peer_says(&rig, peer, "GET /big " HOST "\r\n");
    while (rig_now_us() - start_us < rig.config.write_timeout_us * 3 / 2) {
        rig_settle(&rig, 200);
        peer->holds = false;
        rig_turn(&rig);
        peer->holds = true;
    }
    peer->quota = 0;
    peer->holds = false;
    WAIT(&rig, peer->in.len > BIG_BYTES);
    assert_false(peer_ended(peer));
}

/* ---- disconnects -------------------------------------------------------------------------------
 */

static void leave_pending(void (*leave)(struct peer *peer))
{
    rig_listen(&rig);
    struct peer *peer = peer_connect(&rig);
    peer_says(&rig, peer, "GET /later " HOST "\r\n");
    WAIT(&rig, rig.pending);
    leave(peer);
    WAIT(&rig, rig.aborts == 1);
    rig_settle(&rig, 5);
    assert_int_equal(rig.aborts, 1);
    assert_int_equal(http_server_connections(rig.server), 0);
}

static void test_http_server_close_while_pending(void **state)
{
    (void)state;
    leave_pending(peer_close);
}

static void test_http_server_reset_while_pending(void **state)
{
    (void)state;
    leave_pending(peer_kill);
}

static void test_http_server_half_close_while_pending(void **state)
{
    (void)state;
    leave_pending(peer_shutdown);
}

static void test_http_server_half_close_with_the_request(void **state)
{
    (void)state;
    rig_listen(&rig);
    struct peer *peer = peer_connect(&rig);
    peer_says(&rig, peer, "GET /big " HOST "\r\n");
    peer_shutdown(peer);
    WAIT(&rig, peer->eof);
    assert_true(peer->in.len > BIG_BYTES);
    assert_int_equal(rig.aborts, 0);
}

static void test_http_server_disconnects_without_a_request(void **state)
{
    (void)state;
    rig_listen(&rig);
    int64_t early = rig_closed("peer_early"), idle = rig_closed("peer");
    struct peer *a = peer_connect(&rig), *b = peer_connect(&rig), *c = peer_connect(&rig);
    peer_says(&rig, b, "GET /no");
    peer_says(&rig, c, "POST /now " HOST "Content-Length: 5\r\n\r\nhel");
    WAIT(&rig, http_server_connections(rig.server) == 3 && rig.heads == 1);
    peer_close(a);
    peer_close(b);
    peer_close(c);
    WAIT(&rig, http_server_connections(rig.server) == 0);
    assert_int_equal(rig.aborts, 0);
    assert_int_equal(rig_closed("peer_early"), early + 2);
    assert_int_equal(rig_closed("peer"), idle + 1);
}

static void test_http_server_free_aborts_what_is_pending(void **state)
{
    (void)state;
    rig_listen(&rig);
    struct peer *peer = peer_connect(&rig);
    peer_says(&rig, peer, "GET /later " HOST "\r\n");
    WAIT(&rig, rig.pending);
    http_server_free(&rig.server);
    assert_null(rig.server);
    assert_int_equal(rig.aborts, 1);
    WAIT(&rig, peer_ended(peer));
    http_server_free(&rig.server);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_http_server_answers_the_probes),
        TEST(test_http_server_keeps_alive),
        TEST(test_http_server_persistence),
        TEST(test_http_server_head_and_empty_answers),
        TEST(test_http_server_pipelines_one_at_a_time),
        TEST(test_http_server_flood_behind_a_pending_answer),
        TEST(test_http_server_large_answer),
        TEST(test_http_server_body_limits_and_expectations),
        TEST(test_http_server_waits_for_the_continue),
        TEST(test_http_server_drops_a_late_refused_body),
        TEST(test_http_server_lingers_for_a_busy_sender),
        TEST(test_http_server_slow_head_ends_at_the_deadline),
        TEST(test_http_server_idle_connections_end_in_silence),
        TEST(test_http_server_slow_body_ends_at_the_deadline),
        TEST(test_http_server_refused_body_that_never_comes),
        TEST(test_http_server_answer_nobody_reads),
        TEST(test_http_server_answer_read_slowly),
        TEST(test_http_server_close_while_pending),
        TEST(test_http_server_reset_while_pending),
        TEST(test_http_server_half_close_while_pending),
        TEST(test_http_server_half_close_with_the_request),
        TEST(test_http_server_disconnects_without_a_request),
        TEST(test_http_server_free_aborts_what_is_pending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
