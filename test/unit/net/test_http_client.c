/*
 * The client against servers that run in a child process: a scripted one that answers (or breaks)
 * exactly as told, and the real one for TLS and streams.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "http_rig.h"
#include "net/http_client.h"
#include "tls_files.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define OK_HI OK "Content-Length: 2\r\n\r\nhi"
#define HANG "hang"   /* says nothing until the client gives up */
#define FLOOD "flood" /* a body without end */
#define CLOSE NULL
#define LAST "\1" /* in front of an answer: the connection ends behind it */
#define STEPS 6

/* One row per connection: an answer to each request, then it is closed. */
typedef const char *const script_row[STEPS];

struct counts {
    unsigned connections, requests, closed;
};

static volatile struct counts *seen; /* shared with the child */
static pid_t child;
static struct http_client *client;
static struct tls_files files;

/* ---- servers -----------------------------------------------------------------------------------
 */

/* Up to the blank line and what Content-Length announces. false: the client is gone. */
static bool read_request(int fd)
{
    char text[8192];
    size_t len = 0, wanted = 0;
    for (;;) {
        ssize_t n = recv(fd, text + len, sizeof(text) - 1 - len, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
        text[len] = '\0';
        const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
        if (!end)
            continue;
        wanted = (size_t)(end - text) + 4 + (length ? (size_t)strtol(length + 16, NULL, 10) : 0);
        if (len >= wanted)
            return true;
    }
}

static void say(int fd, const char *text)
{
    char byte;
    static char block[65536];
    if (strcmp(text, HANG) == 0) {
        (void)recv(fd, &byte, 1, 0);
        return;
    }
    if (strcmp(text, FLOOD) != 0) {
        (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
        return;
    }
    (void)send(fd, OK "\r\n", sizeof(OK "\r\n") - 1, MSG_NOSIGNAL);
    while (send(fd, block, sizeof(block), MSG_NOSIGNAL) > 0)
        ;
}

NORETURN static void serve_script(int listener, script_row *rows, size_t row_count)
{
    for (size_t i = 0;; i++) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            _exit(1);
        seen->connections++;
        for (size_t step = 0; step < STEPS && i < row_count; step++) {
            if (!read_request(fd))
                break;
            seen->requests++;
            if (!rows[i][step])
                break;
            bool is_last = rows[i][step][0] == LAST[0];
            say(fd, rows[i][step] + is_last);
            if (is_last)
                break;
        }
        (void)close(fd);
        seen->closed++;
    }
}

static void connect_client(const char *scheme, const char *host, uint16_t port, const char *ca_file)
{
    char *url = xasprintf("%s://%s:%u", scheme, host, port), *error = NULL;
    client = http_client_new(url, ca_file, &error);
    if (!client)
        fail_msg("%s", error);
    free(url);
}

static void start_script(script_row *rows, size_t row_count)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        serve_script(fd, rows, row_count);
    (void)close(fd);
    connect_client("http", "127.0.0.1", ntohs(at.sin_port), NULL);
}

NORETURN static void serve_rig(int port_fd, const char *cert, const char *key)
{
    static struct rig rig;
    char *error = NULL;
    rig_init(&rig);
    rig_listen(&rig);
    if (cert && !http_server_load_tls(rig.server, cert, key, &error))
        _exit(1);
    uint16_t port = http_server_port(rig.server);
    if (write(port_fd, &port, sizeof(port)) != sizeof(port))
        _exit(1);
    for (;;) {
        rig_turn(&rig);
        seen->connections = (unsigned)http_server_connections(rig.server);
        seen->requests = rig.requests;
        if (rig.stream)
            (void)http_stream_write(rig.stream, "data: 1\n\n", 9);
    }
}

static uint16_t start_rig(const char *cert, const char *key)
{
    int fds[2];
    uint16_t port = 0;
    assert_int_equal(pipe(fds), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        serve_rig(fds[1], cert, key);
    (void)close(fds[1]);
    assert_int_equal(read(fds[0], &port, sizeof(port)), sizeof(port));
    (void)close(fds[0]);
    return port;
}

static int set_up(void **state)
{
    (void)state;
    *seen = (struct counts){0};
    client = NULL;
    child = -1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_client_free(&client);
    if (child > 0) {
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
    }
    return 0;
}

/* ---- calls -------------------------------------------------------------------------------------
 */

static struct http_client_call call_of(const char *method, const char *target)
{
    return (struct http_client_call){
        .method = method, .target = target, .timeout_us = 10 * US_PER_SECOND};
}

static void assert_answer(const struct http_client_call *call, int status, const char *body)
{
    struct http_client_response response;
    char *error = NULL;
    if (!http_client_request(client, call, &response, &error))
        fail_msg("%s", error);
    assert_int_equal(response.status, status);
    assert_string_equal(response.body, body);
    assert_int_equal(response.body_len, strlen(body));
    http_client_response_free(&response);
    assert_null(response.memory);
}

static void assert_error(const struct http_client_call *call, const char *text)
{
    struct http_client_response response;
    char *error = NULL;
    assert_false(http_client_request(client, call, &response, &error));
    assert_non_null(error);
    if (!strstr(error, text))
        fail_msg("\"%s\" does not say \"%s\"", error, text);
    assert_null(response.memory);
    free(error);
}

static void test_http_client_calls_on_one_connection(void **state)
{
    static script_row rows[] = {
        {OK_HI, OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n",
         "HTTP/1.1 100 Continue\r\n\r\n" OK_HI,
         "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", OK "Content-Length: 9\r\n\r\n",
         OK_HI},
    };
    struct http_client_call get = call_of("GET", "/a"), post = call_of("POST", "/b"),
                            head = call_of("HEAD", "/c");
    (void)state;
    start_script(rows, ARRAY_LEN(rows));
    post.body = "{}";
    post.body_len = 2;
    assert_answer(&get, 200, "hi");
    assert_answer(&get, 200, "hi!");
    assert_answer(&post, 200, "hi");
    assert_answer(&get, 404, "no");
    assert_answer(&head, 200, "");
    assert_answer(&get, 200, "hi");
    assert_int_equal(seen->connections, 1);
    assert_int_equal(seen->requests, 6);
}

static void test_http_client_headers(void **state)
{
    static script_row rows[] = {{OK "X-Answer: forty two\r\nContent-Length: 0\r\n\r\n"}};
    const struct http_header sent[] = {{"Authorization", "Bearer x"}};
    struct http_client_call get = call_of("GET", "/");
    struct http_client_response response;
    char *error = NULL;
    (void)state;
    start_script(rows, ARRAY_LEN(rows));
    get.headers = sent;
    get.header_count = 1;
    assert_true(http_client_request(client, &get, &response, &error));
    assert_string_equal(http_client_header(&response, "x-answer"), "forty two");
    assert_null(http_client_header(&response, "x-question"));
    http_client_response_free(&response);
}

static void test_http_client_answer_up_to_the_end(void **state)
{
    static script_row rows[] = {{LAST OK "\r\nall"}, {LAST "HTTP/1.0 200 OK\r\n\r\nall"}, {OK_HI}};
    struct http_client_call get = call_of("GET", "/");
    (void)state;
    start_script(rows, ARRAY_LEN(rows));
    assert_answer(&get, 200, "all");
    assert_answer(&get, 200, "all");
    assert_answer(&get, 200, "hi");
    assert_int_equal(seen->connections, 3);
}

/* ---- stale connections -------------------------------------------------------------------------
 */

static const struct {
    const char *method;
    bool repeatable;
    bool twice; /* may be sent again when the server drops it unanswered */
} drops[] = {
    {"GET", false, true}, {"HEAD", false, true}, {"POST", true, true}, {"POST", false, false}};

static void test_http_client_repeats_only_what_it_may(void **state)
{
    static script_row rows[] = {{OK_HI, CLOSE}, {"HTTP/1.1 204 No Content\r\n\r\n"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(drops); i++) {
        struct http_client_call get = call_of("GET", "/"), call = call_of(drops[i].method, "/");
        (void)set_up(NULL);
        start_script(rows, ARRAY_LEN(rows));
        assert_answer(&get, 200, "hi");
        call.repeatable = drops[i].repeatable;
        if (drops[i].twice)
            assert_answer(&call, 204, "");
        else
            assert_error(&call, "closed the connection without an answer");
        assert_int_equal(seen->requests, drops[i].twice ? 3 : 2);
        (void)tear_down(NULL);
    }
    (void)set_up(NULL);
}

/* The server closed while the connection was idle: nothing was sent yet, so even a POST is safe. */
static void test_http_client_replaces_a_closed_idle_connection(void **state)
{
    static script_row rows[] = {{LAST OK_HI}, {OK_HI}};
    struct http_client_call get = call_of("GET", "/"), post = call_of("POST", "/");
    int64_t until_us = clk_mono_us() + 10 * US_PER_SECOND;
    (void)state;
    start_script(rows, ARRAY_LEN(rows));
    assert_answer(&get, 200, "hi");
    while (seen->closed == 0 && clk_mono_us() < until_us)
        ;
    assert_answer(&post, 200, "hi");
    assert_int_equal(seen->requests, 2);
}

static void test_http_client_first_attempt_is_not_repeated(void **state)
{
    static script_row rows[] = {{CLOSE}, {OK_HI}};
    struct http_client_call get = call_of("GET", "/");
    (void)state;
    start_script(rows, ARRAY_LEN(rows));
    assert_error(&get, "closed the connection without an answer");
    assert_int_equal(seen->connections, 1);
}

/* ---- errors ------------------------------------------------------------------------------------
 */

static const struct {
    const char *answer;
    const char *error;
} broken[] = {
    {"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP/1.1 (bad_status_line)"},
    {OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\nhi", "not HTTP/1.1 (two_lengths)"},
    {HANG, "timed out"},
    {OK "Content-Length: 5\r\n\r\nhi", "timed out"},
    {FLOOD, "is larger than 16777216 bytes"},
};

static void test_http_client_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        script_row row[] = {{broken[i].answer}};
        struct http_client_call get = call_of("GET", "/");
        (void)set_up(NULL);
        start_script(row, 1);
        if (strstr(broken[i].error, "timed out"))
            get.timeout_us = 100 * US_PER_MS;
        assert_error(&get, broken[i].error);
        (void)tear_down(NULL);
    }
    (void)set_up(NULL);
}

static void test_http_client_cut_answer(void **state)
{
    static script_row rows[] = {
        {OK_HI, OK_HI, OK_HI, OK_HI, OK_HI, OK "Content-Length: 5\r\n\r\nhi"}};
    struct http_client_call get = call_of("GET", "/");
    (void)state;
    start_script(rows, ARRAY_LEN(rows));
    for (int i = 0; i < 5; i++)
        assert_answer(&get, 200, "hi");
    assert_error(&get, "in the middle of its answer"); /* and not tried again */
    assert_int_equal(seen->requests, 6);
}

static const char *const bad_urls[] = {
    "",
    "city",
    "ftp://city",
    "http://",
    "http:///",
    "http://city/path",
    "http://a@city",
    "http://city:",
    "http://city:x",
    "http://city:123456",
    "http://[::1",
    "http://ci ty",
    "http://city?x",
    "https://[]:1",
    "http://[::1]x",
};

static void test_http_client_bad_urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_urls); i++) {
        char *error = NULL;
        client = http_client_new(bad_urls[i], NULL, &error);
        if (client)
            fail_msg("%s was taken", bad_urls[i]);
        assert_non_null(strstr(error, "is not of the form http://host[:port]"));
        free(error);
    }
}

static void test_http_client_good_urls(void **state)
{
    static const char *const good[] = {"http://city", "HTTP://city:80/", "http://[::1]:12345",
                                       "https://city", "http://127.0.0.1:1"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char *error = NULL;
        client = http_client_new(good[i], NULL, &error);
        if (!client)
            fail_msg("%s", error);
        http_client_free(&client);
    }
}

/* A line break from the command line must not become a header. */
static void test_http_client_refuses_to_send_controls(void **state)
{
    const struct http_header bad = {"X-A", "b\r\nX-Evil: 1"};
    struct http_client_call get = call_of("GET", "/a b");
    (void)state;
    connect_client("http", "127.0.0.1", 1, NULL);
    assert_error(&get, "path contains a character");
    get.target = "/\r\nHost: evil";
    assert_error(&get, "path contains a character");
    get.target = "/";
    get.method = "G\n";
    assert_error(&get, "method contains a character");
    get.method = "GET";
    get.headers = &bad;
    get.header_count = 1;
    assert_error(&get, "X-A contains a character");
}

/* ---- streams -----------------------------------------------------------------------------------
 */

struct sink_state {
    size_t bytes, stop_at;
};

static bool on_body(void *ctx, const char *data, size_t len)
{
    struct sink_state *s = ctx;
    (void)data;
    s->bytes += len;
    return s->bytes < s->stop_at;
}

static bool stream(const char *target, struct sink_state *s, int64_t silence_us,
                   struct http_client_response *response, char **error_r)
{
    const struct http_client_sink sink = {on_body, s, silence_us};
    struct http_client_call get = call_of("GET", target);
    return http_client_stream(client, &get, &sink, response, error_r);
}

static void test_http_client_stream_until_the_sink_stops(void **state)
{
    struct sink_state s = {0, 90};
    struct http_client_response response;
    char *error = NULL;
    (void)state;
    connect_client("http", "127.0.0.1", start_rig(NULL, NULL), NULL);
    assert_true(stream("/stream", &s, 5 * US_PER_SECOND, &response, &error));
    assert_true(s.bytes >= 90);
    assert_string_equal(response.body, "");
    assert_string_equal(http_client_header(&response, "content-type"), "text/event-stream");
    http_client_response_free(&response);
    struct http_client_call now = call_of("GET", "/now");
    assert_answer(&now, 200, "ok"); /* on a new connection */
}

static void test_http_client_stream_refused(void **state)
{
    struct sink_state s = {0, 90};
    struct http_client_response response;
    char *error = NULL;
    (void)state;
    connect_client("http", "127.0.0.1", start_rig(NULL, NULL), NULL);
    assert_true(stream("/deny", &s, 5 * US_PER_SECOND, &response, &error));
    assert_int_equal(response.status, 401);
    assert_string_equal(response.body, "no");
    assert_int_equal(s.bytes, 0);
    http_client_response_free(&response);
}

static void test_http_client_stream_falls_silent(void **state)
{
    static script_row rows[] = {{OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", HANG}};
    struct sink_state s = {0, 90};
    struct http_client_response response;
    char *error = NULL;
    (void)state;
    start_script(rows, ARRAY_LEN(rows));
    assert_false(stream("/", &s, 50 * US_PER_MS, &response, &error));
    assert_int_equal(s.bytes, 3);
    assert_non_null(strstr(error, "timed out"));
    free(error);
}

/* ---- TLS ---------------------------------------------------------------------------------------
 */

static void test_http_client_tls(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    struct http_client_call get = call_of("GET", "/now"), post = call_of("POST", "/now");
    (void)state;
    uint16_t port = start_rig(files.cert, files.key);
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        connect_client("https", hosts[i], port, files.cert);
        for (int n = 0; n < 3; n++) /* session tickets are not taken for junk */
            assert_answer(n == 1 ? &post : &get, 200, "ok");
        assert_int_equal(seen->connections, 1);
        http_client_free(&client);
        int64_t until_us = clk_mono_us() + 10 * US_PER_SECOND;
        while (seen->connections > 0 && clk_mono_us() < until_us)
            ;
    }
    assert_int_equal(seen->requests, 6);
}

static void test_http_client_tls_trusts_only_its_authorities(void **state)
{
    struct http_client_call get = call_of("GET", "/now");
    (void)state;
    uint16_t port = start_rig(files.cert, files.key);
    connect_client("https", "127.0.0.1", port, files.other_cert);
    assert_error(&get, "certificate is not trusted");
    http_client_free(&client);
    connect_client("https", "127.0.0.1", port, NULL);
    assert_error(&get, "certificate is not trusted");
    assert_int_equal(seen->requests, 0);
}

static void test_http_client_tls_checks_the_name(void **state)
{
    struct http_client_call get = call_of("GET", "/now");
    (void)state;
    uint16_t port = start_rig(files.far_cert, files.far_key);
    connect_client("https", "localhost", port, files.far_cert);
    assert_error(&get, "certificate is not trusted");
    http_client_free(&client);
    connect_client("https", "127.0.0.1", port, files.far_cert);
    assert_error(&get, "certificate is not trusted");
    assert_int_equal(seen->requests, 0);
}

static void test_http_client_tls_to_a_plain_port(void **state)
{
    struct http_client_call get = call_of("GET", "/now");
    (void)state;
    connect_client("https", "127.0.0.1", start_rig(NULL, NULL), files.cert);
    assert_error(&get, "cannot connect to 127.0.0.1 port ");
}

static void test_http_client_tls_needs_its_file(void **state)
{
    char *error = NULL;
    (void)state;
    client = http_client_new("https://city", "/nonexistent.pem", &error);
    assert_null(client);
    assert_non_null(strstr(error, "/nonexistent.pem"));
    free(error);
}

static int group_set_up(void **state)
{
    (void)state;
    tls_files_make(&files);
    void *shared =
        mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    seen = shared;
    return shared == MAP_FAILED ? -1 : 0;
}

static int group_tear_down(void **state)
{
    (void)state;
    tls_files_remove(&files);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_http_client_calls_on_one_connection),
        TEST(test_http_client_headers),
        TEST(test_http_client_answer_up_to_the_end),
        TEST(test_http_client_repeats_only_what_it_may),
        TEST(test_http_client_replaces_a_closed_idle_connection),
        TEST(test_http_client_first_attempt_is_not_repeated),
        TEST(test_http_client_errors),
        TEST(test_http_client_cut_answer),
        TEST(test_http_client_bad_urls),
        TEST(test_http_client_good_urls),
        TEST(test_http_client_refuses_to_send_controls),
        TEST(test_http_client_stream_until_the_sink_stops),
        TEST(test_http_client_stream_refused),
        TEST(test_http_client_stream_falls_silent),
        TEST(test_http_client_tls),
        TEST(test_http_client_tls_trusts_only_its_authorities),
        TEST(test_http_client_tls_checks_the_name),
        TEST(test_http_client_tls_to_a_plain_port),
        TEST(test_http_client_tls_needs_its_file),
    };
    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
