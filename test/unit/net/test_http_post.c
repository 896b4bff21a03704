/* Which addresses and URLs a webhook may go to; calls that are cancelled. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <arpa/inet.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_post.h"

static bool is_public(const char *text)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_storage storage = {0};

    if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
        memcpy(&storage, &four, sizeof(four));
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
        memcpy(&storage, &six, sizeof(six));
    }
    return http_post_address_is_public((const struct sockaddr *)&storage);
}

static void test_addresses(void **state)
{
    static const char *const inside[] = {
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "2002:7f00:1::1",
        "3fff::1",
        "100::1",
    };
    static const char *const outside[] = {
        "1.1.1.1",       "9.255.255.255",   "11.0.0.0",       "100.63.255.255",   "100.128.0.0",
        "126.255.255.1", "128.0.0.1",       "172.15.255.255", "172.32.0.0",       "192.0.1.1",
        "192.167.1.1",   "198.17.255.1",    "198.20.0.1",     "223.255.255.1",    "2400:3200::1",
        "2606:4700::1",  "2002:101:101::1", "::ffff:1.1.1.1", "64:ff9b::101:101",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
        if (is_public(inside[i]))
            fail_msg("%s is not public", inside[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        if (!is_public(outside[i]))
            fail_msg("%s is public", outside[i]);
    }
}

static void test_urls(void **state)
{
    static const struct {
        const char *url;
        bool with_tls, plain; /* ok without, with allow_plain */
    } cases[] = {
        {"https://example.org", true, true},
        {"https://example.org:8443/a/b?c=d&e", true, true},
        {"https://example.org?x", true, true},
        {"https://[2400:3200::1]:443/", true, true},
        {"HTTPS://1.2.3.4/", true, true},
        {"http://example.org/", false, true},
        {"ftp://example.org/", false, false},
        {"https://", false, false},
        {"https:///x", false, false},
        {"https://:443/", false, false},
        {"https://a:/", false, false},
        {"https://a:123456/", false, false},
        {"https://a:12x/", false, false},
        {"https://user@a/", false, false},
        {"https://a/#f", false, false},
        {"https://a/ b", false, false},
        {"https://a/\r\nX: y", false, false},
        {"https://a\\b/", false, false},
        {"https://[::1", false, false},
        {"https://[::1]x/", false, false},
        {"https://\xe5\xb8\x82/", false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (http_post_url_ok(cases[i].url, false) != cases[i].with_tls ||
            http_post_url_ok(cases[i].url, true) != cases[i].plain)
            fail_msg("%s", cases[i].url);
    }
}

struct end {
    int count, end, status;
    struct event_base *base;
};

static void on_done(void *ctx, enum http_post_end why, int status)
{
    struct end *end = ctx;

    end->count++;
    end->end = (int)why;
    end->status = status;
    (void)event_base_loopbreak(end->base);
}

static struct http_post *begin(struct http_poster *poster, const char *url, struct end *end)
{
    const struct http_post_call call = {
        .url = url, .body = "{}", .body_len = 2, .timeout_us = 5000000};

    return http_post_begin(poster, &call, on_done, end);
}

static void test_ends(void **state)
{
    static const struct {
        const char *url;
        enum http_post_end end;
    } cases[] = {
        {"nonsense", HTTP_POST_BAD_URL},
        {"https://127.0.0.1:1/", HTTP_POST_PRIVATE},
        {"https://localhost:1/", HTTP_POST_PRIVATE},
    };
    struct event_base *base = event_base_new();
    char *why = NULL;
    struct http_poster *poster = http_poster_new(base, "", &why);

    (void)state;
    assert_non_null(poster);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct end end = {.base = base};
        (void)begin(poster, cases[i].url, &end);
        assert_int_equal(end.count, 0); /* never synchronous */
        (void)event_base_dispatch(base);
        assert_int_equal(end.count, 1);
        assert_int_equal(end.end, cases[i].end);
        assert_int_equal(end.status, 0);
    }
    struct end never = {.base = base};
    struct http_post *post = begin(poster, "https://127.0.0.1:1/", &never);
    http_post_cancel(&post);
    assert_null(post);
    http_post_cancel(&post);
    (void)begin(poster, "https://127.0.0.1:1/", &never);
    http_poster_free(&poster);
    (void)event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(never.count, 0);
    event_base_free(base);
}

static void test_authorities_that_are_not_there(void **state)
{
    struct event_base *base = event_base_new();
    char *why = NULL;

    (void)state;
    assert_null(http_poster_new(base, "/nonexistent/ca.pem", &why));
    assert_non_null(why);
    free(why);
    event_base_free(base);
}

/* ---- names that change what they mean ----------------------------------------------------------
 */

/* A name server whose every name has the addresses that the test says, and a web server. */
struct world {
    struct event_base *base;
    struct evdns_server_port *dns;
    struct evconnlistener *web;
    const char *four[2], *six; /* what A and AAAA are answered; NULL = no more */
    const char *then;          /* what A is answered after the first time */
    int asked_four, asked_six, visitors;
    char nameserver[32], url[64];
};

static void on_question(struct evdns_server_request *q, void *ctx)
{
    struct world *w = ctx;
    uint8_t address[16];

    for (int i = 0; i < q->nquestions; i++) {
        const char *name = q->questions[i]->name;
        if (q->questions[i]->type == EVDNS_TYPE_A) {
            const char *now[2] = {w->asked_four++ && w->then ? w->then : w->four[0], w->four[1]};
            for (size_t j = 0; j < ARRAY_LEN(now) && now[j]; j++) {
                assert_int_equal(inet_pton(AF_INET, now[j], address), 1);
                (void)evdns_server_request_add_a_reply(q, name, 1, address, 0);
            }
        } else if (q->questions[i]->type == EVDNS_TYPE_AAAA) {
            w->asked_six++;
            if (w->six) {
                assert_int_equal(inet_pton(AF_INET6, w->six, address), 1);
                (void)evdns_server_request_add_aaaa_reply(q, name, 1, address, 0);
            }
        }
    }
    (void)evdns_server_request_respond(q, 0);
}

static void on_visitor(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
                       int len, void *ctx)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    struct world *w = ctx;

    (void)listener;
    (void)from;
    (void)len;
    w->visitors++;
    assert_int_equal(send(fd, ok, sizeof(ok) - 1, MSG_NOSIGNAL), sizeof(ok) - 1);
    (void)shutdown(fd, SHUT_WR);
    (void)close(fd);
}

static unsigned port_of(evutil_socket_t fd)
{
    struct sockaddr_in at;
    socklen_t len = sizeof(at);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    return ntohs(at.sin_port);
}

static void world_begin(struct world *w)
{
    struct sockaddr_in loopback = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    memset(w, 0, sizeof(*w));
    w->base = event_base_new();
    assert_int_equal(bind(fd, (const struct sockaddr *)&loopback, sizeof(loopback)), 0);
    w->dns = evdns_add_server_port_with_base(w->base, fd, 0, on_question, w);
    assert_non_null(w->dns);
    (void)evutil_snprintf(w->nameserver, sizeof(w->nameserver), "127.0.0.1:%u", port_of(fd));
    w->web = evconnlistener_new_bind(w->base, on_visitor, w, LEV_OPT_CLOSE_ON_FREE, -1,
                                     (const struct sockaddr *)&loopback, sizeof(loopback));
    assert_non_null(w->web);
    (void)evutil_snprintf(w->url, sizeof(w->url), "http://receiver.example:%u/",
                          port_of(evconnlistener_get_fd(w->web)));
}

static struct end world_post(struct world *w, bool allow_private)
{
    struct end end = {.base = w->base};
    char *why = NULL;
    struct http_poster *poster = http_poster_new(w->base, "", &why);
    const struct http_post_call call = {.url = w->url,
                                        .body = "{}",
                                        .body_len = 2,
                                        .timeout_us = 30000000,
                                        .allow_private = allow_private};

    assert_non_null(poster);
    assert_true(http_poster_ask(poster, w->nameserver));
    w->asked_four = w->asked_six = w->visitors = 0;
    (void)http_post_begin(poster, &call, on_done, &end);
    (void)event_base_dispatch(w->base);
    assert_int_equal(end.count, 1);
    http_poster_free(&poster);
    return end;
}

static void world_end(struct world *w)
{
    evconnlistener_free(w->web);
    evdns_close_server_port(w->dns);
    (void)event_base_loop(w->base, EVLOOP_NONBLOCK);
    event_base_free(w->base);
}

/* What was looked at is what is connected to: there is no second look-up that could say otherwise.
 */
static void test_a_name_is_asked_once(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w);
    w.four[0] = "127.0.0.1";
    w.then = "127.9.9.9"; /* nobody is there */
    struct end end = world_post(&w, true);
    assert_int_equal(end.end, HTTP_POST_ANSWERED);
    assert_int_equal(end.status, 200);
    assert_int_equal(w.asked_four, 1);
    assert_int_equal(w.visitors, 1);
    world_end(&w);
}

static void test_names_that_point_inwards(void **state)
{
    static const struct {
        const char *four[2], *six;
    } inwards[] = {
        {{"127.0.0.1", NULL}, NULL},
        {{"10.0.0.1", "127.0.0.1"}, NULL},
        {{"169.254.169.254", NULL}, "::1"},
        {{NULL, NULL}, "::ffff:127.0.0.1"},
        {{"0.0.0.0", NULL}, "64:ff9b::7f00:1"},
        {{"192.168.1.1", NULL}, "fe80::1"},
    };
    struct world w;

    (void)state;
    world_begin(&w);
    for (size_t i = 0; i < ARRAY_LEN(inwards); i++) {
        w.four[0] = inwards[i].four[0];
        w.four[1] = inwards[i].four[1];
        w.six = inwards[i].six;
        const struct end end = world_post(&w, false);
        /* without IPv6 on this machine AAAA is not asked for, and there is no address at all */
        if (!w.four[0] && !w.asked_six)
            assert_int_equal(end.end, HTTP_POST_UNRESOLVED);
        else
            assert_int_equal(end.end, HTTP_POST_PRIVATE);
        assert_int_equal(w.visitors, 0);
    }
    world_end(&w);
}

static void test_nameserver_that_is_none(void **state)
{
    struct event_base *base = event_base_new();
    char *why = NULL;
    struct http_poster *poster = http_poster_new(base, "", &why);

    (void)state;
    assert_non_null(poster);
    assert_false(http_poster_ask(poster, "dns.example"));
    http_poster_free(&poster);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_authorities_that_are_not_there),
        cmocka_unit_test(test_a_name_is_asked_once),
        cmocka_unit_test(test_names_that_point_inwards),
        cmocka_unit_test(test_nameserver_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
