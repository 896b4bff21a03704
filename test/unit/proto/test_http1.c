/*
 * The HTTP/1.1 parsers against the probe matrix, in every way of cutting it, and the small print:
 * limits to the byte, forms of targets, dates, responses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "http1_probes.h"
#include "http1_trace.h"
#include "proto/http1.h"

#define CORPUS "test/fuzz/corpus/http1"

/* ---- probes ------------------------------------------------------------------------------------
 */

static void check_outcome(const struct http1_probe *p, const struct http1_trace *t)
{
    if (t->requests != p->requests || t->error.status != p->status || t->open != p->open ||
        (p->reason && strcmp(p->reason, t->error.reason) != 0))
        fail_msg("%s: %u requests, %d %s%s\n%s", p->name, t->requests, t->error.status,
                 t->error.reason ? t->error.reason : "", t->open ? ", open" : "", t->text.data);
}

static void test_http1_probes_have_their_outcome(void **state)
{
    size_t count;
    const struct http1_probe *probes = http1_probes(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct http1_trace t;
        http1_trace_requests(&t, probes[i].bytes, probes[i].len, NULL, 0);
        check_outcome(&probes[i], &t);
        http1_trace_free(&t);
    }
}

static void check_cuts(const struct http1_probe *p, const char *whole, const size_t *cuts,
                       size_t cut_count)
{
    struct http1_trace t;
    http1_trace_requests(&t, p->bytes, p->len, cuts, cut_count);
    if (strcmp(whole, t.text.data) != 0)
        fail_msg("%s cut at %zu (%zu cuts):\n%s\nbut whole:\n%s", p->name, cuts[0], cut_count,
                 t.text.data, whole);
    http1_trace_free(&t);
}

static void check_all_cuts(const struct http1_probe *p)
{
    struct http1_trace whole;
    size_t *cuts = xrealloc_array(NULL, p->len, sizeof(*cuts));
    http1_trace_requests(&whole, p->bytes, p->len, NULL, 0);
    for (size_t at = 1; at < p->len; at += at < 1500 ? 1 : 211)
        check_cuts(p, whole.text.data, &at, 1);
    for (size_t i = 0; i + 1 < p->len; i++)
        cuts[i] = i + 1;
    check_cuts(p, whole.text.data, cuts, p->len - 1);
    free(cuts);
    http1_trace_free(&whole);
}

static void test_http1_splits_do_not_matter(void **state)
{
    size_t count;
    const struct http1_probe *probes = http1_probes(&count);
    (void)state;
    for (size_t i = 0; i < count; i++)
        check_all_cuts(&probes[i]);
}

/* The corpus is the same matrix as files. HOTLINE_WRITE_CORPUS=1 writes it anew. */
static void check_corpus_file(const struct http1_probe *p)
{
    char path[256];
    char *bytes = xmalloc(p->len + 1);
    (void)snprintf(path, sizeof(path), "%s/%s", CORPUS, p->name);
    if (getenv("HOTLINE_WRITE_CORPUS")) {
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(p->bytes, 1, p->len, out), p->len);
        assert_int_equal(fclose(out), 0);
    }
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s is missing: run with HOTLINE_WRITE_CORPUS=1", path);
    else {
        assert_int_equal(fread(bytes, 1, p->len + 1, f), p->len);
        (void)fclose(f);
    }
    assert_int_equal(memcmp(bytes, p->bytes, p->len), 0);
    free(bytes);
}

static void test_http1_corpus_is_the_matrix(void **state)
{
    size_t count;
    const struct http1_probe *probes = http1_probes(&count);
    (void)state;
    for (size_t i = 0; i < count; i++)
        check_corpus_file(&probes[i]);
}

/* ---- what a request says -----------------------------------------------------------------------
 */

static struct http1_parser *parser_of(const char *text, struct http1_limits limits,
                                      enum http1_event *event_r)
{
    struct http1_parser *parser = http1_parser_new(&limits);
    const char *data;
    size_t used, len;
    *event_r = http1_parse(parser, text, strlen(text), &used, &data, &len);
    return parser;
}

static const struct {
    const char *line;
    const char *target, *path, *query, *host;
} targets[] = {
    {"GET / HTTP/1.1", "/", "/", "", "h"},
    {"GET /a%20b/%E5%8C%97?x=%20y?z HTTP/1.1", "/a%20b/%E5%8C%97?x=%20y?z", "/a b/\xe5\x8c\x97",
     "x=%20y?z", "h"},
    {"GET /? HTTP/1.1", "/?", "/", "", "h"},
    {"GET //x HTTP/1.1", "//x", "//x", "", "h"},
    {"GET /.well-known/... HTTP/1.1", "/.well-known/...", "/.well-known/...", "", "h"},
    {"GET http://H/a?b HTTP/1.1", "/a?b", "/a", "b", "H"},
    {"GET HTTPS://h HTTP/1.1", "/", "/", "", "h"},
    {"OPTIONS * HTTP/1.1", "*", "*", "", "h"},
};

static void test_http1_targets(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        enum http1_event event;
        char *text = xasprintf("%s\r\nHost: h\r\n\r\n", targets[i].line);
        struct http1_parser *parser = parser_of(text, HTTP1_LIMITS_DEFAULT, &event);
        const struct http1_request *req = http1_parser_request(parser);
        assert_int_equal(event, HTTP1_HEAD);
        assert_string_equal(req->target, targets[i].target);
        assert_string_equal(req->path, targets[i].path);
        assert_string_equal(req->query, targets[i].query);
        assert_string_equal(req->host, targets[i].host);
        http1_parser_free(&parser);
        free(text);
    }
}

static const struct {
    const char *head;
    bool keep;
} keeps[] = {
    {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", true},
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", false},
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: foo, CLOSE\r\n\r\n", false},
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: foo\r\nConnection: close\r\n\r\n", false},
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: closed\r\n\r\n", true},
    {"GET / HTTP/1.0\r\n\r\n", false},
    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
    {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
};

static void test_http1_keep_alive(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keeps); i++) {
        enum http1_event event;
        struct http1_parser *parser = parser_of(keeps[i].head, HTTP1_LIMITS_DEFAULT, &event);
        assert_int_equal(event, HTTP1_HEAD);
        assert_int_equal(http1_parser_request(parser)->keep_alive, keeps[i].keep);
        http1_parser_free(&parser);
    }
}

static void test_http1_header_lookup(void **state)
{
    enum http1_event event;
    struct http1_parser *parser = parser_of("GET / HTTP/1.1\r\nhOsT:h\r\nX-A: \t b c \t\r\n\r\n",
                                            HTTP1_LIMITS_DEFAULT, &event);
    const struct http1_request *req = http1_parser_request(parser);
    (void)state;
    assert_int_equal(event, HTTP1_HEAD);
    assert_string_equal(http1_header(req, "x-a"), "b c");
    assert_string_equal(http1_header(req, "Host"), "h");
    assert_null(http1_header(req, "X"));
    http1_parser_free(&parser);
}

/* A refused request shows what was understood, and never a NULL. */
static void test_http1_rejected_request_is_readable(void **state)
{
    enum http1_event event;
    struct http1_parser *parser =
        parser_of("POST /p?q HTTP/1.1\r\nX-A: 1\r\nX B: 2\r\n\r\n", HTTP1_LIMITS_DEFAULT, &event);
    const struct http1_request *req = http1_parser_request(parser);
    (void)state;
    assert_int_equal(event, HTTP1_REJECT);
    assert_int_equal(req->method, HTTP_POST);
    assert_string_equal(req->path, "/p");
    assert_string_equal(req->query, "q");
    assert_string_equal(http1_header(req, "x-a"), "1");
    assert_string_equal(req->host, "");
    http1_parser_next(parser); /* a rejection is final */
    const char *data;
    size_t used, len;
    assert_int_equal(http1_parse(parser, "G", 1, &used, &data, &len), HTTP1_REJECT);
    http1_parser_free(&parser);

    parser = parser_of("\x16", HTTP1_LIMITS_DEFAULT, &event);
    req = http1_parser_request(parser);
    assert_int_equal(req->method, HTTP_METHOD_UNKNOWN);
    assert_string_equal(req->target, "");
    assert_string_equal(req->path, "");
    assert_int_equal(req->header_count, 0);
    http1_parser_free(&parser);
}

static void test_http1_in_message_starts_after_the_empty_line(void **state)
{
    enum http1_event event;
    const char *data;
    size_t used, len;
    struct http1_parser *parser = parser_of("\r\n", HTTP1_LIMITS_DEFAULT, &event);
    (void)state;
    assert_int_equal(event, HTTP1_NEED_MORE);
    assert_false(http1_parser_in_message(parser));
    assert_int_equal(http1_parse(parser, "G", 1, &used, &data, &len), HTTP1_NEED_MORE);
    assert_true(http1_parser_in_message(parser));
    http1_parser_free(&parser);
}

/* ---- limits ------------------------------------------------------------------------------------
 */

static enum http1_event parse_under(const char *text, struct http1_limits limits, int *status_r)
{
    enum http1_event event;
    struct http1_parser *parser = parser_of(text, limits, &event);
    *status_r = event == HTTP1_REJECT ? http1_parser_error(parser).status : 0;
    http1_parser_free(&parser);
    return event;
}

static void test_http1_limits_to_the_byte(void **state)
{
    static const char text[] = "GET /abcdefgh HTTP/1.0\r\nA: b\r\nC: d\r\n\r\n";
    struct http1_limits exact = {4096, sizeof(text) - 1, 2}, less;
    int status;
    (void)state;
    assert_int_equal(parse_under(text, exact, &status), HTTP1_HEAD);
    less = exact;
    less.head_bytes--;
    assert_int_equal(parse_under(text, less, &status), HTTP1_REJECT);
    assert_int_equal(status, 431);
    less = exact;
    less.header_count--;
    assert_int_equal(parse_under(text, less, &status), HTTP1_REJECT);
    assert_int_equal(status, 431);
}

static void test_http1_request_line_limit(void **state)
{
    char text[512] = "GET /";
    struct http1_limits limits = {64, 16384, 64};
    int status;
    (void)state;
    memset(text + 5, 'a', 63);
    memcpy(text + 5 + 63, " HTTP/1.0\r\n\r\n", 14);
    assert_int_equal(parse_under(text, limits, &status), HTTP1_HEAD);
    memset(text + 5, 'a', 200);
    memcpy(text + 5 + 200, " HTTP/1.0\r\n\r\n", 14);
    assert_int_equal(parse_under(text, limits, &status), HTTP1_REJECT);
    assert_int_equal(status, 414);
    text[5 + 100] = '\0'; /* without its end it is refused as early */
    assert_int_equal(parse_under(text, limits, &status), HTTP1_REJECT);
    assert_int_equal(status, 414);
}

/* ---- names and dates ---------------------------------------------------------------------------
 */

static const struct {
    int64_t second;
    const char *text;
} dates[] = {
    {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},  {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
    {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},  {1798761599, "Thu, 31 Dec 2026 23:59:59 GMT"},
    {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
};

static void test_http1_dates(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        char out[HTTP_DATE_SIZE];
        http_format_date(dates[i].second * 1000000 + 999999, out);
        assert_string_equal(out, dates[i].text);
    }
}

static void test_http1_names(void **state)
{
    (void)state;
    assert_string_equal(http_method_name(HTTP_PATCH), "PATCH");
    assert_string_equal(http_status_text(201), "Created");
    assert_string_equal(http_status_text(431), "Request Header Fields Too Large");
    assert_string_equal(http_status_text(299), "Unknown");
}

/* ---- responses ---------------------------------------------------------------------------------
 */

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
    const char *text;
    bool to_head;
    int status;         /* of the answer; 0 = rejected */
    const char *detail; /* body, or reason of the rejection */
    bool keep;
} responses[] = {
    {OK "Content-Length: 2\r\n\r\nhi", false, 200, "hi", true},
    {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n", false, 200, "hi", true},
    {OK "\r\nup to the end", false, 200, "up to the end", false},
    {OK "Content-Length: 2\r\nConnection: close\r\n\r\nhi", false, 200, "hi", false},
    {OK "Content-Length: 2\r\n\r\n", true, 200, "", true},
    {"HTTP/1.1 204 No Content\r\n\r\n", false, 204, "", true},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, 304, "", true},
    {"HTTP/1.1 503 \r\nContent-Length: 0\r\n\r\n", false, 503, "", true},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, 200, "hi", false},
    {"HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 2\r\n\r\nhi", false, 200, "hi", true},
    {OK "Content-Length: 3\r\n\r\nhi", false, 0, "cut_short", false},
    {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", false, 0, "cut_short", false},
    {"HTTP/1.1 200", false, 0, "cut_short", false},
    {"", false, 0, "cut_short", false},
    {"HTTP/2 200 OK\r\n\r\n", false, 0, "bad_status_line", false},
    {"HTTP/1.1 200\r\n\r\n", false, 0, "bad_status_line", false},
    {"HTTP/1.1 999 X\r\n\r\n", false, 0, "bad_status_line", false},
    {"HTTP/1.1 101 Switching\r\n\r\n", false, 0, "unasked_upgrade", false},
    {OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", false, 0, "two_lengths", false},
    {OK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", false, 0, "length_and_encoding",
     false},
    {OK "A: b\n\r\n", false, 0, "bare_lf", false},
    {OK "A: b\r\n c\r\n\r\n", false, 0, "obs_fold", false},
};

static void check_response(size_t row, const char *text, size_t len, const struct http1_trace *t)
{
    char *end =
        responses[row].status
            ? xasprintf("BODY %zu %s\nEND\n", strlen(responses[row].detail), responses[row].detail)
            : xasprintf("REJECT\n%d %s\n", t->error.status, responses[row].detail);
    char *head = xasprintf("HEAD %d 1.", responses[row].status);
    char *keep = xasprintf(" keep=%d ", responses[row].keep);
    (void)len;
    size_t end_len = strlen(end);
    if (t->text.len < end_len || strcmp(t->text.data + t->text.len - end_len, end) != 0 ||
        (responses[row].status &&
         (strncmp(t->text.data, head, strlen(head)) != 0 || !strstr(t->text.data, keep))))
        fail_msg("%s\ngave\n%s", text, t->text.data);
    free(end);
    free(head);
    free(keep);
}

static void test_http1_responses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(responses); i++) {
        const char *text = responses[i].text;
        size_t len = strlen(text);
        struct http1_trace whole, part;
        http1_trace_response(&whole, text, len, responses[i].to_head, NULL, 0);
        check_response(i, text, len, &whole);
        for (size_t at = 0; at <= len; at++) {
            http1_trace_response(&part, text, len, responses[i].to_head, &at, 1);
            assert_string_equal(part.text.data, whole.text.data);
            http1_trace_free(&part);
        }
        http1_trace_free(&whole);
    }
}

static void test_http1_interim_responses_are_bounded(void **state)
{
    struct sbuf text;
    struct http1_trace t;
    (void)state;
    sbuf_init(&text, 0);
    for (int i = 0; i < 9; i++)
        sbuf_adds(&text, "HTTP/1.1 103 Early Hints\r\n\r\n");
    http1_trace_response(&t, text.data, text.len, false, NULL, 0);
    assert_int_equal(t.error.status, 400);
    assert_string_equal(t.error.reason, "too_many_interim");
    http1_trace_free(&t);
    sbuf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http1_probes_have_their_outcome),
        cmocka_unit_test(test_http1_splits_do_not_matter),
        cmocka_unit_test(test_http1_corpus_is_the_matrix),
        cmocka_unit_test(test_http1_targets),
        cmocka_unit_test(test_http1_keep_alive),
        cmocka_unit_test(test_http1_header_lookup),
        cmocka_unit_test(test_http1_rejected_request_is_readable),
        cmocka_unit_test(test_http1_in_message_starts_after_the_empty_line),
        cmocka_unit_test(test_http1_limits_to_the_byte),
        cmocka_unit_test(test_http1_request_line_limit),
        cmocka_unit_test(test_http1_dates),
        cmocka_unit_test(test_http1_names),
        cmocka_unit_test(test_http1_responses),
        cmocka_unit_test(test_http1_interim_responses_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
