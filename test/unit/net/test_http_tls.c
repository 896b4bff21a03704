/*
 * The server behind TLS: versions, ALPN, renewal of certificates, ends that are ends, and peers
 * that speak something else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "http_rig.h"
#include "tls_files.h"

#define HOST "HTTP/1.1\r\nHost: city\r\n"
#define GET_NOW "GET /now " HOST "\r\n"

static struct rig rig;
static struct tls_files files;

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

static int set_up(void **state)
{
    (void)state;
    rig_init(&rig);
    rig.client_tls = SSL_CTX_new(TLS_client_method());
    return rig.client_tls ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    rig_free(&rig);
    return 0;
}

static void load(const char *cert, const char *key)
{
    char *error = NULL;
    if (!http_server_load_tls(rig.server, cert, key, &error))
        fail_msg("%s", error);
}

static void listen_tls(void)
{
    rig_listen(&rig);
    load(files.cert, files.key);
}

static struct peer *connect_tls(void)
{
    struct peer *peer = peer_connect_tls(&rig);
    WAIT(&rig, SSL_is_init_finished(peer->ssl));
    return peer;
}

static void assert_certificate(const struct peer *peer, const char *name)
{
    char cn[64] = "";
    X509 *cert = SSL_get1_peer_certificate(peer->ssl);
    assert_non_null(cert);
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, cn, sizeof(cn));
    X509_free(cert);
    assert_string_equal(cn, name);
}

/* ---- requests ----------------------------------------------------------------------------------
 */

static void test_http_tls_serves(void **state)
{
    static char body[90000];
    const unsigned char *alpn;
    unsigned alpn_len;
    (void)state;
    listen_tls();
    assert_int_equal(
        SSL_CTX_set_alpn_protos(rig.client_tls, (const unsigned char *)"\x02h2\x08http/1.1", 12),
        0);
    struct peer *peer = connect_tls();
    SSL_get0_alpn_selected(peer->ssl, &alpn, &alpn_len);
    assert_int_equal(alpn_len, 8);
    assert_memory_equal(alpn, "http/1.1", 8);
    memset(body, 'x', sizeof(body));
    peer_says(&rig, peer, GET_NOW "POST /now " HOST "Content-Length: 90000\r\n\r\n");
    peer_send(&rig, peer, body, sizeof(body));
    WAIT(&rig, peer_count_of(peer, "\r\n\r\nok") == 2);
    assert_int_equal(rig.last_body_len, sizeof(body));
    peer_says(&rig, peer, "GET /big " HOST "\r\n");
    WAIT(&rig, peer->in.len > BIG_BYTES);
    peer_says(&rig, peer, GET_NOW);
    WAIT(&rig, peer_count_of(peer, "\r\n\r\nok") == 3);
}

static void test_http_tls_says_goodbye(void **state)
{
    (void)state;
    rig.config.idle_timeout_us = 30 * US_PER_MS;
    listen_tls();
    struct peer *done = connect_tls(), *idle = connect_tls(), *bad = connect_tls();
    peer_says(&rig, done, "GET /now " HOST "Connection: close\r\n\r\n");
    peer_says(&rig, idle, GET_NOW);
    peer_says(&rig, bad, "GET / HTTP/1.1\r\n\r\n");
    WAIT(&rig, done->eof && idle->eof && bad->eof);
    assert_true(done->tls_done && idle->tls_done && bad->tls_done);
    assert_int_equal(peer_count_of(done, "\r\n\r\nok"), 1);
    assert_int_equal(peer_count_of(bad, "HTTP/1.1 400 "), 1);
}

static void test_http_tls_disconnect_while_pending(void **state)
{
    (void)state;
    listen_tls();
    for (unsigned i = 1; i <= 2; i++) {
        struct peer *peer = connect_tls();
        peer_says(&rig, peer, "GET /later " HOST "\r\n");
        WAIT(&rig, rig.pending);
        if (i == 1)
            peer_kill(peer);
        else
            peer_close(peer); /* without close_notify */
        WAIT(&rig, rig.aborts == i);
    }
    rig_settle(&rig, 5);
    assert_int_equal(rig.aborts, 2);
}

static void test_http_tls_flood_behind_a_pending_answer(void **state)
{
    unsigned wanted = 4000;
    struct sbuf many;
    (void)state;
    listen_tls();
    sbuf_init(&many, 0);
    for (unsigned i = 0; i < wanted; i++)
        sbuf_adds(&many, GET_NOW);
    struct peer *peer = connect_tls();
    peer_says(&rig, peer, "GET /later " HOST "\r\n");
    WAIT(&rig, rig.pending);
    size_t done = peer_push(peer, many.data, many.len);
    rig_settle(&rig, 10);
    uint64_t ticks = rig.ticks, turns = rig.turns;
    rig_settle(&rig, 20);
    assert_true(rig.turns - turns < (rig.ticks - ticks) * 5); /* asleep, not spinning */
    http_reply(rig.pending, 200, NULL, "", 0);
    rig.pending = NULL;
    peer_send(&rig, peer, many.data + done, many.len - done);
    WAIT(&rig, rig.requests == wanted + 1);
    WAIT(&rig, peer_count_of(peer, "\r\n\r\nok") == wanted);
    sbuf_free(&many);
}

static void test_http_tls_slow_consumer(void **state)
{
    static char event[32768];
    bool fits = true;
    (void)state;
    listen_tls();
    struct peer *peer = connect_tls();
    peer_says(&rig, peer, "GET /stream " HOST "\r\n");
    WAIT(&rig, rig.stream);
    peer->holds = true;
    for (size_t i = 0; i < 2000 && fits; i++) {
        fits = http_stream_write(rig.stream, event, sizeof(event));
        assert_true(http_stream_pending(rig.stream) <= rig.config.stream_high_water_bytes + 64);
        if (fits)
            rig_settle(&rig, 1);
    }
    assert_false(fits);
    WAIT(&rig, rig.aborts == 1);
}

/* ---- handshakes --------------------------------------------------------------------------------
 */

static void assert_no_handshake(void)
{
    int64_t before = rig_closed("tls_failed");
    struct peer *peer = peer_connect_tls(&rig);
    WAIT(&rig, peer_ended(peer));
    assert_true(peer->tls_failed);
    WAIT(&rig, rig_closed("tls_failed") == before + 1);
    assert_int_equal(rig.heads, 0);
}

static void test_http_tls_refuses_old_versions(void **state)
{
    (void)state;
    listen_tls();
    SSL_CTX_set_security_level(rig.client_tls, 0); /* the client would, if only it could */
    assert_int_equal(SSL_CTX_set_min_proto_version(rig.client_tls, TLS1_VERSION), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(rig.client_tls, TLS1_1_VERSION), 1);
    assert_no_handshake();
}

static void test_http_tls_refuses_other_protocols(void **state)
{
    (void)state;
    listen_tls();
    assert_int_equal(SSL_CTX_set_alpn_protos(rig.client_tls, (const unsigned char *)"\x02h2", 3),
                     0);
    assert_no_handshake();
}

static void test_http_tls_refuses_renegotiation(void **state)
{
    (void)state;
    listen_tls();
    assert_int_equal(SSL_CTX_set_max_proto_version(rig.client_tls, TLS1_2_VERSION), 1);
    struct peer *peer = connect_tls();
    peer_says(&rig, peer, GET_NOW);
    WAIT(&rig, peer_count_of(peer, "\r\n\r\nok") == 1);
    assert_int_equal(SSL_renegotiate(peer->ssl), 1);
    ERR_clear_error();
    (void)SSL_do_handshake(peer->ssl);
    WAIT(&rig, peer_ended(peer));
    assert_true(peer->tls_failed);
}

static void test_http_tls_port_hears_plain_bytes(void **state)
{
    (void)state;
    listen_tls();
    int64_t before = rig_closed("tls_failed");
    struct peer *peer = peer_connect(&rig);
    peer_says(&rig, peer, GET_NOW);
    WAIT(&rig, peer_ended(peer));
    assert_int_equal(rig_closed("tls_failed"), before + 1);
    assert_int_equal(rig.heads + rig.refusals, 0);
    struct peer *good = connect_tls(); /* the error of one is not another's */
    peer_says(&rig, good, GET_NOW);
    WAIT(&rig, peer_count_of(good, "\r\n\r\nok") == 1);
}

static void test_http_tls_handshake_has_a_deadline(void **state)
{
    (void)state;
    rig.config.handshake_timeout_us = 30 * US_PER_MS;
    listen_tls();
    int64_t before = rig_closed("handshake_timeout");
    struct peer *silent = peer_connect(&rig), *slow = peer_connect(&rig);
    peer_send(&rig, slow, "\x16\x03\x01\x02", 4);
    WAIT(&rig, peer_ended(silent) && peer_ended(slow));
    assert_int_equal(rig_closed("handshake_timeout"), before + 2);
    assert_int_equal(rig.refusals, 0);
}

/* ---- files -------------------------------------------------------------------------------------
 */

static void test_http_tls_reloads(void **state)
{
    (void)state;
    listen_tls();
    struct peer *old = connect_tls();
    assert_certificate(old, "first");
    load(files.other_cert, files.other_key);
    struct peer *new = connect_tls();
    assert_certificate(new, "second");
    peer_says(&rig, old, GET_NOW);
    peer_says(&rig, new, GET_NOW);
    WAIT(&rig, peer_count_of(old, "\r\n\r\nok") == 1 && peer_count_of(new, "\r\n\r\nok") == 1);
}

static void test_http_tls_keeps_the_old_if_the_new_is_wrong(void **state)
{
    const struct {
        const char *cert, *key, *text;
    } wrong[] = {
        {"/nonexistent.crt", files.key, "/nonexistent.crt"},
        {files.key, files.key, files.key}, /* no certificate in it */
        {files.cert, "/nonexistent.key", "/nonexistent.key"},
        {files.cert, files.other_key, files.other_key}, /* of another */
    };
    (void)state;
    listen_tls();
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char *error = NULL;
        assert_false(http_server_load_tls(rig.server, wrong[i].cert, wrong[i].key, &error));
        assert_non_null(strstr(error, wrong[i].text));
        free(error);
        assert_certificate(connect_tls(), "first");
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_http_tls_serves),
        TEST(test_http_tls_says_goodbye),
        TEST(test_http_tls_disconnect_while_pending),
        TEST(test_http_tls_flood_behind_a_pending_answer),
        TEST(test_http_tls_slow_consumer),
        TEST(test_http_tls_refuses_old_versions),
        TEST(test_http_tls_refuses_other_protocols),
        TEST(test_http_tls_refuses_renegotiation),
        TEST(test_http_tls_port_hears_plain_bytes),
        TEST(test_http_tls_handshake_has_a_deadline),
        TEST(test_http_tls_reloads),
        TEST(test_http_tls_keeps_the_old_if_the_new_is_wrong),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
