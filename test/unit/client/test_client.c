/*
 * The whole client against a server that answers as the test wants: what is sent, what is printed
 * where, and the exit codes that scripts rely on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "canned_server.h"
#include "client/api.h"

#define MAX_SEEN 8
#define DESK_TOKEN "d0d0d0d0d0d0d0d0"

/* Answers every request with the next reply, the last one for ever; remembers what came. */
struct script {
    struct canned_reply replies[4];
    size_t reply_count;
    struct canned_request seen[MAX_SEEN];
    size_t seen_count;
};

static void play(void *ctx, const struct canned_request *request, struct canned_reply *reply)
{
    struct script *s = ctx;
    size_t n = s->seen_count < s->reply_count ? s->seen_count : s->reply_count - 1;

    if (s->seen_count < MAX_SEEN) {
        s->seen[s->seen_count] = *request;
        s->seen[s->seen_count].body = xstrdup(request->body);
    }
    s->seen_count++;
    *reply = s->replies[n];
}

struct rig {
    struct script script;
    struct canned_server *server;
    struct client_run run;
    char url[64];
};

static void rig_reply(struct rig *rig, int status, const char *body)
{
    struct canned_reply *r = &rig->script.replies[rig->script.reply_count++];

    r->status = status;
    assert_true(strlen(body) < sizeof(r->body));
    memcpy(r->body, body, strlen(body) + 1);
}

static struct rig *rig_new(int status, const char *body)
{
    struct rig *rig = xcalloc(1, sizeof(*rig));

    rig_reply(rig, status, body);
    rig->run.token = DESK_TOKEN;
    return rig;
}

static void rig_start(struct rig *rig)
{
    rig->server = canned_server_start(play, &rig->script);
    snprintf(rig->url, sizeof(rig->url), "http://127.0.0.1:%u/", canned_server_port(rig->server));
    rig->run.url = rig->url;
}

static void rig_free(struct rig *rig)
{
    if (rig->server != NULL)
        canned_server_stop(&rig->server);
    for (size_t i = 0; i < rig->script.seen_count && i < MAX_SEEN; i++)
        free(rig->script.seen[i].body);
    client_run_free(&rig->run);
    free(rig);
}

#define RUN(rig, ...)                                                                              \
    do {                                                                                           \
        rig_start(rig);                                                                            \
        client_run(&(rig)->run, __VA_ARGS__, (char *)NULL);                                        \
        canned_server_stop(&(rig)->server);                                                        \
    } while (0)

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void assert_hasnt(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" should not be in:\n%s", part, text);
}

/* ---- exit codes --------------------------------------------------------------------------------
 */

static void exit_codes_tell_who_is_to_blame(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum exit_code code;
    } cases[] = {
        {200, "{\"number\":\"1\",\"state\":\"closed\"}", EXIT_DONE},
        {202, "{\"number\":\"1\"}", EXIT_DONE},
        {400, "{\"title\":\"Invalid input\"}", EXIT_REFUSED},
        {404, "{}", EXIT_REFUSED},
        {409, "not even json", EXIT_REFUSED},
        {429, "{}", EXIT_REFUSED},
        {500, "{}", EXIT_DAEMON_FAULT},
        {503, "", EXIT_DAEMON_FAULT},
        {302, "{}", EXIT_DAEMON_FAULT},
        {200, "<html>", EXIT_DAEMON_FAULT},
        {200, "{\"a\":1,\"a\":2}", EXIT_DAEMON_FAULT},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rig *rig = rig_new(cases[i].status, cases[i].body);

        RUN(rig, "ticket", "show", "1");
        assert_int_equal(rig->run.code, cases[i].code);
        if (cases[i].code == EXIT_DONE) {
            assert_string_equal(rig->run.err, "");
        } else {
            assert_string_equal(rig->run.out, "");
            assert_has(rig->run.err, "hotline: ");
        }
        rig_free(rig);
    }
}

static void nobody_there(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0); /* bound but not listening: refused */
    struct client_run run = {.token = "t"};
    char url[64];

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(address.sin_port));
    run.url = url;
    client_run(&run, "ticket", "show", "1", (char *)NULL);
    assert_int_equal(run.code, EXIT_UNREACHABLE);
    assert_has(run.err, url);
    client_run(&run, "queue", "watch", (char *)NULL);
    assert_int_equal(run.code, EXIT_UNREACHABLE);
    close(fd);
    client_run_free(&run);
}

static void broken_servers_count_as_unreachable(void **state)
{
    static const enum canned_fate fates[] = {CANNED_HANG, CANNED_GARBAGE, CANNED_CUT};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fates); i++) {
        struct rig *rig = rig_new(200, "{}");

        rig->script.replies[0].fate = fates[i];
        RUN(rig, "--timeout", "1", "ticket", "show", "1");
        assert_int_equal(rig->run.code, EXIT_UNREACHABLE);
        rig_free(rig);
    }
}

static void wrong_usage_sends_nothing(void **state)
{
    struct rig *rig = rig_new(200, "{}");

    (void)state;
    RUN(rig, "ticket", "answer", "1");
    assert_int_equal(rig->run.code, EXIT_USAGE);
    assert_string_equal(rig->run.err, "hotline: --reply is missing\n"
                                      "see: hotline help ticket answer\n");
    assert_int_equal(rig->script.seen_count, 0);
    rig_free(rig);
}

static void a_bad_address_is_wrong_usage(void **state)
{
    struct client_run run = {.url = "gopher://nowhere", .token = "t"};

    (void)state;
    client_run(&run, "ticket", "show", "1", (char *)NULL);
    assert_int_equal(run.code, EXIT_USAGE);
    assert_has(run.err, "gopher://nowhere");
    client_run_free(&run);
}

/* ---- refusals ----------------------------------------------------------------------------------
 */

static const char invalid[] =
    "{\"type\":\"urn:hotline:invalid\",\"title\":\"Invalid input\",\"status\":400,"
    "\"detail\":\"见 errors / see "
    "errors\",\"errors\":[{\"field\":\"requester.phone\",\"reason\":\"format\"},"
    "{\"field\":\"\",\"reason\":\"new\\u001b[2Jreason\"}]}";

static void refusals_name_the_fields(void **state)
{
    struct rig *rig = rig_new(400, invalid);

    (void)state;
    RUN(rig, "ticket", "note", "1", "--text", "x");
    assert_string_equal(rig->run.err, "hotline: bad request (400): see errors\n"
                                      "  requester.phone: wrong format\n"
                                      "  the request: new?[2Jreason\n");
    rig_free(rig);

    rig = rig_new(400, invalid);
    rig->run.lang = "zh_CN.UTF-8";
    RUN(rig, "ticket", "note", "1", "--text", "x");
    assert_has(rig->run.err, "  requester.phone: 格式不对\n");
    rig_free(rig);
}

static void conflicts_say_what_is_in_the_way(void **state)
{
    struct rig *rig = rig_new(
        409,
        "{\"title\":\"Not now\",\"status\":409,\"detail\":\"已签收 / signed\",\"state\":\"closed\","
        "\"changed_by\":\"desk-2\"}");

    (void)state;
    rig->run.lang = "zh_CN";
    RUN(rig, "ticket", "withdraw", "1");
    assert_string_equal(rig->run.err, "hotline: 当前状态不允许 (409): 已签收\n"
                                      "  state: 已办结\n"
                                      "  changed_by: desk-2\n");
    rig_free(rig);
}

/* ---- what is sent ------------------------------------------------------------------------------
 */

static void a_new_ticket_can_be_repeated_safely(void **state)
{
    struct rig *rig =
        rig_new(201, "{\"number\":\"N1\",\"query_code\":\"Q1\",\"state\":\"handling\","
                     "\"route\":{\"rule_set\":\"r\",\"rule\":\"R1\",\"lead_unit\":\"U1\","
                     "\"co_units\":[\"U2\"],\"reason\":\"b\"},\"deadlines\":[{\"clock\":"
                     "\"resolve\",\"due_at\":\"2026-02-27T17:30:00+08:00\","
                     "\"warn_at\":null,\"provisional\":true}]}");
    const struct canned_request *seen = rig->script.seen;

    (void)state;
    RUN(rig, "ticket", "new", "--kind", "help", "--category", "010101", "--title", "t", "--text",
        "路灯坏了", "--phone", "13800000000");
    assert_int_equal(rig->run.code, EXIT_DONE);
    assert_string_equal(seen->method, "POST");
    assert_string_equal(seen->target, "/v1/tickets");
    assert_string_equal(seen->authorization, "Bearer " DESK_TOKEN);
    assert_int_equal(strlen(seen->idempotency_key), 32);
    assert_string_equal(
        seen->body, "{\"channel\":\"phone\",\"kind\":\"help\",\"category\":\"010101\",\"title\":"
                    "\"t\",\"text\":\"路灯坏了\",\"requester\":{\"phone\":\"13800000000\"}}");
    assert_has(rig->run.out, "N1");
    assert_has(rig->run.out, "Q1");
    assert_has(rig->run.out, "U2");
    assert_has(rig->run.out, "2026-02-27 17:30");
    assert_has(rig->run.out, "provisional");
    rig_free(rig);
}

static void a_spooled_ticket_is_a_receipt(void **state)
{
    struct rig *rig = rig_new(202, "{\"number\":\"N1\",\"query_code\":\"Q1\"}");

    (void)state;
    RUN(rig, "ticket", "new", "--kind", "help", "--category", "1", "--title", "t", "--text", "x",
        "--key", "k1");
    assert_int_equal(rig->run.code, EXIT_DONE);
    assert_string_equal(rig->script.seen[0].idempotency_key, "k1");
    assert_has(rig->run.out, "kept safely");
    rig_free(rig);
}

static void versions_and_numbers_are_passed_on(void **state)
{
    struct rig *rig = rig_new(200, "{\"number\":\"a b/c\",\"state\":\"closed\"}");

    (void)state;
    RUN(rig, "ticket", "answer", "a b/c", "--reply", "r", "--if-version", "7");
    assert_string_equal(rig->script.seen[0].target, "/v1/tickets/a%20b%2Fc/answer");
    assert_string_equal(rig->script.seen[0].if_match, "\"7\"");
    assert_string_equal(rig->script.seen[0].body, "{\"reply\":\"r\"}");
    assert_string_equal(rig->run.out, "a b/c is now: closed\n");
    rig_free(rig);
}

static void raw_answers_are_left_alone(void **state)
{
    static const char body[] = "{\"number\":\"1\",\"new\":[1,2.50,null]}";
    struct rig *rig = rig_new(200, body);

    (void)state;
    RUN(rig, "--json", "ticket", "show", "1");
    assert_string_equal(rig->run.out, "{\"number\":\"1\",\"new\":[1,2.50,null]}\n");
    rig_free(rig);
}

/* ---- who speaks --------------------------------------------------------------------------------
 */

static char *write_credentials(const char *text)
{
    char *path = xstrdup("/tmp/hotline-credentials-XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

static void tokens_follow_the_command(void **state)
{
    static const struct {
        const char *as, *words[4], *bearer;
    } cases[] = {
        {NULL, {"ticket", "show", "1"}, "Bearer desk-t"},
        {NULL, {"report", "tiers"}, "Bearer super-t"},
        {NULL, {"admin", "accounts"}, "Bearer admin-t"},
        {"unit:JY-CG", {"queue", "list"}, "Bearer unit-t"},
        {"supervisor", {"ticket", "list"}, "Bearer super-t"},
    };
    char *path = write_credentials("{\"tokens\":{\"admin\":\"admin-t\",\"desk\":\"desk-t\","
                                   "\"supervisor\":\"super-t\",\"units\":{\"JY-CG\":\"unit-t\"}}}");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rig *rig = rig_new(200, "{\"items\":[],\"tiers\":[]}");

        rig->run.token = cases[i].as == NULL ? NULL : "environment-t";
        RUN(rig, "--credentials", path, cases[i].as == NULL ? "--no-color" : "--as",
            cases[i].as == NULL ? cases[i].words[0] : cases[i].as,
            cases[i].as == NULL ? cases[i].words[1] : cases[i].words[0],
            cases[i].as == NULL ? cases[i].words[2] : cases[i].words[1],
            cases[i].as == NULL ? NULL : cases[i].words[2]);
        assert_int_equal(rig->run.code, EXIT_DONE);
        assert_string_equal(rig->script.seen[0].authorization, cases[i].bearer);
        assert_hasnt(rig->run.out, "-t");
        rig_free(rig);
    }
    unlink(path);
    free(path);
}

static void a_missing_token_is_told_and_nothing_sent(void **state)
{
    char *path = write_credentials("{\"tokens\":{\"desk\":\"secret-desk\"}}");
    struct rig *rig = rig_new(200, "{}");

    (void)state;
    rig->run.token = NULL;
    RUN(rig, "--credentials", path, "queue", "list");
    assert_int_equal(rig->run.code, EXIT_USAGE);
    assert_has(rig->run.err, "--as unit:CODE");
    RUN(rig, "--credentials", path, "--as", "unit:NO", "queue", "list");
    assert_int_equal(rig->run.code, EXIT_USAGE);
    assert_has(rig->run.err, "unit:NO");
    assert_hasnt(rig->run.err, "secret");
    assert_int_equal(rig->script.seen_count, 0);
    rig_free(rig);
    unlink(path);
    free(path);
}

static void unusable_credentials_are_told(void **state)
{
    struct client_run run = {.token = "t"};
    char *path = write_credentials("{\"tokens\":");

    (void)state;
    client_run(&run, "--credentials", "/nonexistent/file", "ticket", "show", "1", (char *)NULL);
    assert_int_equal(run.code, EXIT_USAGE);
    assert_has(run.err, "/nonexistent/file");
    client_run(&run, "--credentials", path, "ticket", "show", "1", (char *)NULL);
    assert_int_equal(run.code, EXIT_USAGE);
    /* the environment may name the file, and it is refused the same way */
    run.credentials = "/nonexistent/other";
    client_run(&run, "ticket", "show", "1", (char *)NULL);
    assert_int_equal(run.code, EXIT_USAGE);
    assert_has(run.err, "/nonexistent/other");
    run.credentials = NULL;
    /* what needs no daemon works all the same */
    client_run(&run, "--credentials", path, "version", (char *)NULL);
    assert_int_equal(run.code, EXIT_DONE);
    assert_has(run.out, "hotline ");
    client_run_free(&run);
    unlink(path);
    free(path);
}

/* ---- accounts and configuration ----------------------------------------------------------------
 */

static void a_new_account_prints_its_token_alone(void **state)
{
    struct rig *rig = rig_new(201, "{\"items\":[{\"name\":\"u\",\"role\":\"unit\",\"unit\":\"JY\","
                                   "\"token\":\"abc123\"}]}");

    (void)state;
    RUN(rig, "admin", "account", "add", "--role", "unit", "--name", "u", "--unit", "JY");
    assert_string_equal(rig->run.out, "abc123\n");
    assert_string_equal(rig->script.seen[0].body,
                        "{\"accounts\":[{\"role\":\"unit\",\"name\":\"u\",\"unit\":\"JY\"}]}");
    rig_free(rig);
}

static void accounts_of_units_are_one_object(void **state)
{
    struct rig *rig =
        rig_new(200, "{\"items\":[{\"name\":\"unit-A\",\"role\":\"unit\",\"unit\":\"A\","
                     "\"token\":\"t1\"},{\"name\":\"unit-B\",\"role\":\"unit\","
                     "\"unit\":\"B\",\"token\":\"t2\"}]}");

    (void)state;
    RUN(rig, "admin", "account", "add-units");
    assert_string_equal(rig->run.out, "{\"A\":\"t1\",\"B\":\"t2\"}\n");
    assert_string_equal(rig->script.seen[0].target, "/v1/admin/accounts/units");
    rig_free(rig);
}

static void errors_found_by_validate_are_a_refusal(void **state)
{
    struct rig *rig = rig_new(200, "{\"errors\":[{\"field\":\"units[3].parent\",\"reason\":"
                                   "\"not_found\"}],\"warnings\":[]}");
    char *path = write_credentials("{\"city\":{}}");

    (void)state;
    RUN(rig, "admin", "validate", path);
    assert_int_equal(rig->run.code, EXIT_REFUSED);
    assert_string_equal(rig->script.seen[0].body, "{\"city\":{}}");
    assert_has(rig->run.out, "units[3].parent: not found");
    assert_has(rig->run.out, "1 errors, 0 warnings");
    rig_free(rig);
    unlink(path);
    free(path);
}

/* ---- tables on a terminal ----------------------------------------------------------------------
 */

static void lists_fit_the_terminal(void **state)
{
    struct rig *rig =
        rig_new(200, "{\"items\":[{\"number\":\"20261121-000001\",\"state\":"
                     "\"handling\",\"kind\":\"complaint\",\"urgency\":\"urgent\","
                     "\"category\":\"040203\",\"lead_unit\":\"JY-CG\",\"received_at\":"
                     "\"2026-11-21T09:00:00+08:00\",\"title\":\"夜间施工噪声扰民夜间施工"
                     "噪声扰民夜间施工噪声扰民\"}],\"next\":\"c1\"}");

    (void)state;
    rig->run.lang = "zh_CN.UTF-8";
    rig->run.columns = 80;
    RUN(rig, "--no-color", "ticket", "list", "--state", "handling");
    assert_string_equal(rig->script.seen[0].target, "/v1/tickets?state=handling");
    assert_has(rig->run.out,
               "20261121-000001  办理中  投诉  紧急  040203  JY-CG  2026-11-21 09:00");
    assert_has(rig->run.out, "…");
    assert_has(rig->run.out, "--after c1");
    assert_hasnt(rig->run.out, "\033");
    rig_free(rig);
}

static void figures_show_shares_and_none_due(void **state)
{
    struct rig *rig = rig_new(
        200,
        "{\"basis\":{\"from\":\"2026-01-01T00:00:00+08:00\",\"to\":"
        "\"2026-02-01T00:00:00+08:00\"},\"received\":4,\"desk\":1,\"dispatched\":3,\"in_hand\":1,"
        "\"overdue\":0,\"carried_over\":0,\"closed\":3,\"tiers\":[{\"tier\":\"village\",\"name\":"
        "\"v\",\"closed\":2,\"share\":0.66667,\"on_time\":2},{\"tier\":\"town\",\"name\":\"t\","
        "\"closed\":0,\"share\":null,\"on_time\":0}]}");

    (void)state;
    RUN(rig, "report", "tiers", "--from", "2026-01-01T00:00:00+08:00");
    assert_string_equal(rig->script.seen[0].target,
                        "/v1/reports/tiers?from=2026-01-01T00%3A00%3A00%2B08%3A00");
    assert_has(rig->run.out, "village or community       2     66.7%        2");
    assert_has(rig->run.out, "none due");
    assert_has(rig->run.out, "2026-01-01 00:00 to 2026-02-01 00:00\n");
    rig_free(rig);
}

static void rates_stand_beside_their_counts(void **state)
{
    struct rig *rig = rig_new(
        200, "{\"basis\":{},\"total\":{\"closing\":{\"numerator\":25783,\"denominator\":29186,"
             "\"rate\":0.8834}},\"items\":[{\"key\":\"A\",\"name\":\"城管局\",\"closing\":{"
             "\"numerator\":0,\"denominator\":0,\"rate\":null}}],\"next\":null}");

    (void)state;
    rig->run.lang = "zh_CN";
    RUN(rig, "report", "measures");
    assert_string_equal(rig->script.seen[0].target, "/v1/reports/measures?by=unit");
    assert_string_equal(rig->run.out, "名称               办结率\n"
                                      "城管局             无应办\n"
                                      "合计    88.3% 25783/29186\n");
    rig_free(rig);
}

static void deadlines_are_explained_day_by_day(void **state)
{
    struct rig *rig = rig_new(
        200, "{\"route\":{\"rule_set\":\"3\",\"rule\":\"R1\",\"lead_unit\":null,\"co_units\":[],"
             "\"reason\":\"no_rule\"},\"rules\":[{\"rule\":\"R2\",\"verdict\":\"region\","
             "\"lost_by\":null}],\"deadlines\":[{\"clock\":\"resolve\",\"due_at\":"
             "\"2026-02-27T17:30:00+08:00\",\"provisional\":false,\"lines\":[{\"zh\":\"一\","
             "\"en\":\"day 1\"}]}]}");

    (void)state;
    RUN(rig, "explain", "--category", "010101", "--region", "320281");
    assert_string_equal(rig->script.seen[0].body,
                        "{\"kind\":\"complaint\",\"channel\":\"phone\",\"category\":\"010101\","
                        "\"region\":\"320281\"}");
    assert_has(rig->run.out, "(dispatch pool)");
    assert_has(rig->run.out, "no rule matches");
    assert_has(rig->run.out, "resolution: 2026-02-27 17:30\n    day 1\n");
    rig_free(rig);
}

/* ---- the stream --------------------------------------------------------------------------------
 */

static void a_broken_stream_is_resumed(void **state)
{
    struct rig *rig =
        rig_new(200, "retry: 1\n\nid: 4\ndata: {\"type\":\"x.a\",\"number\":\"N1\"}\n\n"
                     "id: 5\ndata: {\"type\":");

    (void)state;
    rig_reply(rig, 200,
              "id: 5\ndata: {\"type\":\"x.b\",\"number\":\"N2\",\"at\":"
              "\"2026-11-21T09:00:00+08:00\",\"detail\":{\"unit\":\"U\"}}\n\n"
              "id: 6\ndata: {\"type\":\"x.c\"}\n\n");
    rig->script.replies[0].type = "text/event-stream";
    rig->script.replies[0].fate = CANNED_CUT;
    rig->script.replies[1].type = "text/event-stream";
    RUN(rig, "queue", "watch", "--after", "3", "--count", "3");
    assert_int_equal(rig->run.code, EXIT_DONE);
    assert_int_equal(rig->script.seen_count, 2);
    assert_string_equal(rig->script.seen[0].last_event_id, "3");
    assert_string_equal(rig->script.seen[1].last_event_id, "4");
    assert_string_equal(rig->run.out, "N1  x.a\n"
                                      "2026-11-21 09:00  N2  x.b unit=U\n"
                                      "x.c\n");
    rig_free(rig);
}

static void a_refused_stream_is_not_tried_again(void **state)
{
    struct rig *rig = rig_new(403, "{\"title\":\"Forbidden\"}");

    (void)state;
    RUN(rig, "queue", "watch");
    assert_int_equal(rig->run.code, EXIT_REFUSED);
    assert_int_equal(rig->script.seen_count, 1);
    assert_has(rig->run.err, "not permitted (403): Forbidden");
    rig_free(rig);
}

/* ---- the clock ---------------------------------------------------------------------------------
 */

static void durations_have_units(void **state)
{
    static const struct {
        const char *text, *body; /* NULL: refused here */
    } cases[] = {
        {"90", "{\"advance_seconds\":90}"},
        {"15m", "{\"advance_seconds\":900}"},
        {"2h", "{\"advance_seconds\":7200}"},
        {"3d", "{\"advance_seconds\":259200}"},
        {"-1", NULL},
        {"1w", NULL},
        {"", NULL},
        {"99999999999999999999", NULL},
        {"9223372036854775807d", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rig *rig = rig_new(200, "{\"now\":\"2026-02-13T10:00:00+08:00\"}");

        RUN(rig, "clock", "advance", cases[i].text);
        assert_int_equal(rig->run.code, cases[i].body != NULL ? EXIT_DONE : EXIT_USAGE);
        assert_int_equal(rig->script.seen_count, cases[i].body != NULL ? 1 : 0);
        if (cases[i].body != NULL)
            assert_string_equal(rig->script.seen[0].body, cases[i].body);
        rig_free(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_tell_who_is_to_blame),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(broken_servers_count_as_unreachable),
        cmocka_unit_test(wrong_usage_sends_nothing),
        cmocka_unit_test(a_bad_address_is_wrong_usage),
        cmocka_unit_test(refusals_name_the_fields),
        cmocka_unit_test(conflicts_say_what_is_in_the_way),
        cmocka_unit_test(a_new_ticket_can_be_repeated_safely),
        cmocka_unit_test(a_spooled_ticket_is_a_receipt),
        cmocka_unit_test(versions_and_numbers_are_passed_on),
        cmocka_unit_test(raw_answers_are_left_alone),
        cmocka_unit_test(tokens_follow_the_command),
        cmocka_unit_test(a_missing_token_is_told_and_nothing_sent),
        cmocka_unit_test(unusable_credentials_are_told),
        cmocka_unit_test(a_new_account_prints_its_token_alone),
        cmocka_unit_test(accounts_of_units_are_one_object),
        cmocka_unit_test(errors_found_by_validate_are_a_refusal),
        cmocka_unit_test(lists_fit_the_terminal),
        cmocka_unit_test(figures_show_shares_and_none_due),
        cmocka_unit_test(rates_stand_beside_their_counts),
        cmocka_unit_test(deadlines_are_explained_day_by_day),
        cmocka_unit_test(a_broken_stream_is_resumed),
        cmocka_unit_test(a_refused_stream_is_not_tried_again),
        cmocka_unit_test(durations_have_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
