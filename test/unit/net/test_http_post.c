/* Which addresses and URLs a webhook may go to; calls that are cancelled. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_authorities_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
