/*
 * The demo day against a small daemon that knows the ticket machine's order of steps: every step
 * has to be one that is allowed, and every ticket has to end where its plan says. What the doors
 * themselves say is tried against the real daemon (test_simulate.py).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "canned_server.h"
#include "client/simulate.h"

#define MAX_FAKE 256

enum fake_state {
    FAKE_ACCEPTED,
    FAKE_UNSIGNED,
    FAKE_LEASED,
    FAKE_WORKING,
    FAKE_RETURNING,
    FAKE_EXTENDING,
    FAKE_REVIEW,
    FAKE_CALLBACK,
    FAKE_CLOSED,
    FAKE_STATES
};

struct fake_ticket {
    enum fake_state state;
    int unit; /* index of the lead */
    int round;
    bool co_answered; /* unit 2 helps with every fifth */
    bool has_co, co_claimed;
};

struct fake_daemon {
    struct fake_ticket tickets[MAX_FAKE];
    size_t count;
    size_t wrong; /* steps that the machine does not allow, except a lead's early report */
    size_t early_reports, returned, refused_returns, extended;
    size_t too_fast; /* 429 still to give */
    size_t from_web, from_desk, from_place, keys;
    size_t calls[4]; /* events offered, answered, ended, recording */
    size_t called_back;
    bool web_forbidden, reviewed_by_others;
    char last_key[160];
};

static const char city[] =
    "{\"city\":{\"code\":\"1\",\"name\":\"c\"},"
    "\"regions\":[{\"code\":\"R\",\"name\":\"测试市\",\"level\":\"city\"},"
    "{\"code\":\"R1\",\"name\":\"东街道\",\"level\":\"town\",\"parent\":\"R\"},"
    "{\"code\":\"R11\",\"name\":\"一社区居委会\",\"level\":\"village\",\"parent\":\"R1\"}],"
    "\"units\":[{\"code\":\"U0\",\"tier\":\"town\"},{\"code\":\"U1\",\"tier\":\"town\"},"
    "{\"code\":\"U2\",\"tier\":\"city\"}],"
    "\"categories\":[{\"code\":\"04\",\"name\":\"环境\"},{\"code\":\"0401\",\"name\":\"噪音污染\","
    "\"parent\":\"04\"},{\"code\":\"0402\",\"name\":\"户籍管理\",\"parent\":\"04\"}]}";

static void reply_text(struct canned_reply *reply, int status, const char *text)
{
    reply->status = status;
    snprintf(reply->body, sizeof(reply->body), "%s", text);
}

static void fake_create(struct fake_daemon *d, const struct canned_request *request,
                        struct canned_reply *reply)
{
    struct fake_ticket *t = &d->tickets[d->count];
    bool pooled = d->count % 7 == 3;

    if (strstr(request->body, "\"web\"") != NULL &&
        strstr(request->authorization, "web-t") != NULL) {
        if (d->web_forbidden) {
            reply_text(reply, 403, "{}");
            return;
        }
        d->from_web++;
    }
    if (strstr(request->authorization, "desk-t") != NULL)
        d->from_desk++;
    if (strstr(request->body, "东街道一社区") != NULL && strstr(request->body, "居委会") == NULL)
        d->from_place++;
    if (d->too_fast > 0) {
        d->too_fast--;
        snprintf(d->last_key, sizeof(d->last_key), "%s", request->idempotency_key);
        reply->headers = "Retry-After: 0\r\n";
        reply_text(reply, 429, "{}");
        return;
    }
    if (request->idempotency_key[0] != '\0' &&
        (d->last_key[0] == '\0' || strcmp(d->last_key, request->idempotency_key) == 0))
        d->keys++;
    d->last_key[0] = '\0';
    *t = (struct fake_ticket){.state = pooled ? FAKE_ACCEPTED : FAKE_UNSIGNED,
                              .unit = (int)(d->count % 2),
                              .round = 1,
                              .has_co = !pooled && d->count % 5 == 0};
    reply->status = 201;
    if (pooled)
        snprintf(reply->body, sizeof(reply->body),
                 "{\"number\":\"%zu\",\"route\":{\"lead_unit\":null,\"co_units\":[]}}", d->count);
    else
        snprintf(reply->body, sizeof(reply->body),
                 "{\"number\":\"%zu\",\"route\":{\"lead_unit\":\"U%d\",\"co_units\":[%s]}}",
                 d->count, t->unit, t->has_co ? "\"U2\"" : "");
    d->count++;
}

static bool fake_claimable(const struct fake_ticket *t, int unit)
{
    if (unit == 2 && t->unit != 2)
        return t->has_co && !t->co_claimed && t->state >= FAKE_UNSIGNED && t->state < FAKE_REVIEW;
    return t->unit == unit && t->state == FAKE_UNSIGNED;
}

static void fake_claim(struct fake_daemon *d, int unit, struct canned_reply *reply)
{
    struct sbuf items;

    sbuf_init(&items, 0);
    for (size_t i = 0; i < d->count; i++) {
        struct fake_ticket *t = &d->tickets[i];

        if (!fake_claimable(t, unit))
            continue;
        sbuf_addf(&items,
                  "%s{\"assignment\":\"%zu-%d\",\"lease\":\"L\",\"role\":\"%s\","
                  "\"ticket\":{\"number\":\"%zu\"}}",
                  items.len > 0 ? "," : "", i, unit, t->unit == unit ? "lead" : "co", i);
        if (unit == 2 && t->unit != 2)
            t->co_claimed = true;
        else
            t->state = FAKE_LEASED;
    }
    snprintf(reply->body, sizeof(reply->body), "{\"items\":[%s]}", items.data);
    sbuf_free(&items);
}

static bool fake_co_step(struct fake_ticket *t, const char *action)
{
    if (strcmp(action, "report") == 0)
        t->co_answered = true;
    return t->co_claimed;
}

static bool fake_unit_step(struct fake_daemon *d, struct fake_ticket *t, const char *action)
{
    if (strcmp(action, "release") == 0 && t->state == FAKE_LEASED) {
        t->state = FAKE_UNSIGNED;
        return true;
    }
    if (strcmp(action, "sign") == 0 && t->state == FAKE_LEASED) {
        t->state = FAKE_WORKING;
        return true;
    }
    if (strcmp(action, "contact") == 0)
        return t->state == FAKE_WORKING;
    if (t->state != FAKE_WORKING)
        return false;
    if (strcmp(action, "return") == 0 || strcmp(action, "extend") == 0) {
        t->state = action[0] == 'r' ? FAKE_RETURNING : FAKE_EXTENDING;
        return true;
    }
    if (strcmp(action, "report") != 0)
        return false;
    if (t->has_co && !t->co_answered) {
        d->early_reports++; /* the one refusal that is part of the game */
        return false;
    }
    t->state = FAKE_REVIEW;
    return true;
}

static bool fake_decide(struct fake_daemon *d, struct fake_ticket *t, const char *body)
{
    const char *lead = strstr(body, "\"lead_unit\":\"U");
    bool is_granted = strstr(body, "\"grant\":true") != NULL;

    if (t->state == FAKE_EXTENDING && strstr(body, "\"request\":\"extension\"") != NULL) {
        t->state = FAKE_WORKING;
        d->extended++;
        return is_granted;
    }
    if (t->state != FAKE_RETURNING || strstr(body, "\"request\":\"return\"") == NULL)
        return false;
    t->state = is_granted ? FAKE_UNSIGNED : FAKE_WORKING;
    if (!is_granted) {
        d->refused_returns++;
        return true;
    }
    d->returned++;
    t->has_co = false;
    return lead != NULL && sscanf(lead, "\"lead_unit\":\"U%d\"", &t->unit) == 1;
}

static bool fake_desk_step(struct fake_daemon *d, struct fake_ticket *t, const char *action,
                           const char *body)
{
    bool is_open = t->state == FAKE_ACCEPTED || t->state == FAKE_UNSIGNED;

    if (strcmp(action, "dispatch") == 0 && t->state == FAKE_ACCEPTED) {
        t->state = FAKE_UNSIGNED;
        return sscanf(body, "{\"lead_unit\":\"U%d\"}", &t->unit) == 1;
    }
    if (strcmp(action, "decide") == 0)
        return fake_decide(d, t, body);
    if (d->reviewed_by_others && strcmp(action, "review") == 0)
        return false;
    if (strcmp(action, "review") == 0 && t->state == FAKE_REVIEW) {
        t->state = strstr(body, "\"pass\":true") != NULL ? FAKE_CALLBACK : FAKE_WORKING;
        return true;
    }
    if (strcmp(action, "callback") == 0 && t->state == FAKE_CALLBACK) {
        if (strstr(body, "\"reached\":false") != NULL)
            return true;
        t->state = strstr(body, "\"solved\":true") != NULL ? FAKE_CLOSED : FAKE_UNSIGNED;
        t->round++;
        return true;
    }
    if (is_open) {
        t->state = FAKE_CLOSED;
        return strcmp(action, "answer") == 0 || strcmp(action, "reject") == 0 ||
               strcmp(action, "refer") == 0 || strcmp(action, "withdraw") == 0;
    }
    return false;
}

static void fake_step(struct fake_daemon *d, const struct canned_request *request,
                      struct canned_reply *reply)
{
    unsigned long number = MAX_FAKE;
    char action[32] = "";
    size_t early = d->early_reports;
    int unit = 0;
    bool ok = false;

    if (sscanf(request->target, "/v1/assignments/%lu-%d/%31s", &number, &unit, action) == 3 &&
        number < d->count)
        ok = unit != d->tickets[number].unit ? fake_co_step(&d->tickets[number], action)
                                             : fake_unit_step(d, &d->tickets[number], action);
    else if (sscanf(request->target, "/v1/tickets/%lu/%31s", &number, action) == 2 &&
             number < d->count)
        ok = fake_desk_step(d, &d->tickets[number], action, request->body);
    if (!ok && d->early_reports == early)
        d->wrong++;
    reply_text(reply, ok ? 200 : 409,
               d->early_reports > early ? "{\"reason\":\"co_units_pending\"}" : "{}");
}

static void fake_call(struct fake_daemon *d, const struct canned_request *request,
                      struct canned_reply *reply)
{
    static const char *const types[] = {"offered", "answered", "ended", "recording"};
    char member[32];

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        snprintf(member, sizeof(member), "\"type\":\"%s\"", types[i]);
        d->calls[i] += strstr(request->body, member) != NULL;
    }
    if (strcmp(request->target, "/v1/calls/returned") == 0)
        d->called_back++;
    reply_text(reply, 200, request->method[0] == 'G' ? "{\"items\":[{}]}" : "{}");
}

static void fake_daemon(void *ctx, const struct canned_request *request, struct canned_reply *reply)
{
    struct fake_daemon *d = ctx;
    int unit = 0;

    if (strcmp(request->target, "/v1/admin/export") == 0)
        reply_text(reply, 200, city);
    else if (strcmp(request->target, "/v1/test/clock") == 0)
        reply_text(reply, 404, "{}"); /* real time */
    else if (strncmp(request->target, "/v1/events?", 11) == 0)
        reply_text(reply, 200, "{\"items\":[],\"next\":\"c\"}");
    else if (strncmp(request->target, "/v1/public/tickets/", 19) == 0)
        reply_text(reply, 200, "{}");
    else if (strncmp(request->target, "/v1/calls", 9) == 0)
        fake_call(d, request, reply);
    else if (strcmp(request->target, "/v1/tickets") == 0)
        fake_create(d, request, reply);
    else if (strcmp(request->target, "/v1/queue/claim") == 0 &&
             sscanf(request->authorization, "Bearer U%d-t", &unit) == 1)
        fake_claim(d, unit, reply);
    else
        fake_step(d, request, reply);
}

static const char credentials[] = "{\"tokens\":{\"admin\":\"admin-t\",\"desk\":\"desk-t\","
                                  "\"phone\":\"phone-t\",\"web\":\"web-t\","
                                  "\"units\":{\"U0\":\"U0-t\",\"U1\":\"U1-t\",\"U2\":\"U2-t\"}}}";

static void run_day(struct fake_daemon *d, const char *doors, const char *tickets, const char *more,
                    struct client_run *run)
{
    char path[] = "/tmp/hotline-simulate-XXXXXX", url[64];
    struct canned_server *server = canned_server_start(fake_daemon, d);
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, credentials, strlen(credentials)), (ssize_t)strlen(credentials));
    close(fd);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", canned_server_port(server));
    run->url = url;
    client_run(run, "--credentials", path, "simulate", "--day", "--doors", doors, "--tickets",
               tickets, more, (char *)NULL);
    canned_server_stop(&server);
    unlink(path);
}

static void a_day_takes_only_steps_that_are_allowed(void **state)
{
    struct fake_daemon d = {.count = 0};
    struct client_run run = {.code = EXIT_USAGE};
    size_t left[FAKE_STATES] = {0};

    (void)state;
    run_day(&d, "web", "100", NULL, &run);
    assert_string_equal(strstr(run.err, "hotline: ") == NULL ? "" : run.err, "");
    assert_int_equal(run.code, EXIT_DONE);
    assert_int_equal(d.count, 100);
    assert_int_equal(d.wrong, 0);
    assert_int_equal(d.keys, 100);
    assert_true(d.early_reports > 0); /* the way through co-units was really taken */
    assert_int_equal(d.from_place, 100);
    assert_int_equal(d.from_web, 100);
    for (size_t i = 0; i < d.count; i++)
        left[d.tickets[i].state]++;
    /* the plan of a hundred: 26 + 53 by units + 2 + 3 + 1 end, 5 + 5 + 2 + 3 stay */
    assert_int_equal(left[FAKE_CLOSED], 85);
    assert_int_equal(left[FAKE_UNSIGNED], 5);
    assert_int_equal(left[FAKE_WORKING], 5);
    assert_int_equal(left[FAKE_REVIEW], 2);
    assert_int_equal(left[FAKE_CALLBACK], 3);
    assert_int_equal(d.returned, 2);
    assert_int_equal(d.refused_returns, 1);
    assert_true(d.extended <= 2); /* of what is urgent nobody asks for days */
    assert_non_null(strstr(run.out, "100 tickets\n"));
    assert_non_null(strstr(run.out, "still open 15\n"));
    assert_null(strstr(run.out, "not allowed"));
    client_run_free(&run);
}

static void every_call_is_told_from_ringing_to_recording(void **state)
{
    struct fake_daemon d = {.count = 0};
    struct client_run run = {.code = EXIT_USAGE};

    (void)state;
    run_day(&d, "phone,grid", "26", NULL, &run);
    assert_string_equal(strstr(run.err, "hotline: ") == NULL ? "" : run.err, "");
    assert_int_equal(run.code, EXIT_DONE);
    assert_int_equal(d.count, 26);
    assert_int_equal(d.from_desk, 26);
    assert_true(d.calls[1] > 13);
    assert_int_equal(d.calls[3], d.calls[1]);                 /* each that was answered */
    assert_int_equal(d.calls[2], d.calls[0]);                 /* each ends */
    assert_int_equal(d.calls[0], d.calls[1] + d.called_back); /* the rest is called back */
    assert_true(d.called_back > 0);
    client_run_free(&run);
}

static void progress_is_one_line_per_tenth(void **state)
{
    struct fake_daemon d = {.count = 0};
    struct client_run run = {.code = EXIT_USAGE};
    size_t lines = 0;

    (void)state;
    run_day(&d, "web,grid", "20", NULL, &run);
    for (const char *line = run.err; *line != '\0'; line = strchr(line, '\n') + 1) {
        unsigned hour, minute;

        assert_int_equal(sscanf(line, "demo day %u:%u  in ", &hour, &minute), 2);
        assert_true(hour < 24 && minute < 60);
        lines++;
    }
    assert_int_equal(lines, 10);
    assert_non_null(strstr(run.err, "in 20  ended "));
    client_run_free(&run);
}

static void the_summary_is_json_if_wanted(void **state)
{
    struct fake_daemon d = {.count = 0};
    struct client_run run = {.code = EXIT_USAGE};

    (void)state;
    run_day(&d, "web", "100", "--json", &run);
    assert_non_null(strstr(run.out, "{\"tickets\":100,\"channels\":"));
    assert_non_null(strstr(run.out, "\"channels\":{\"web\":100},\"doors\":{\"web\":{"
                                    "\"received\":100,\"ended\":85,\"open\":15}},\"tiers\":{"
                                    "\"desk\":26,\"town\":"));
    assert_non_null(strstr(run.out, "\"answered\":26,\"closed\":53,\"redone\":4,\"rejected\":2,"
                                    "\"referred\":1,\"withdrawn\":3,\"false_alarms\":0,"
                                    "\"open\":15,\"calls\":0,"));
    assert_non_null(strstr(run.out, "\"overtaken\":0,\"refused_steps\":0}"));
    client_run_free(&run);
}

static void too_fast_is_waited_out_with_the_same_key(void **state)
{
    struct fake_daemon d = {.too_fast = 3};
    struct client_run run = {.code = EXIT_USAGE};

    (void)state;
    run_day(&d, "web", "10", NULL, &run);
    assert_int_equal(run.code, EXIT_DONE);
    assert_int_equal(d.count, 10);
    assert_int_equal(d.keys, 10);
    client_run_free(&run);
}

static void what_should_not_be_refused_fails_the_day(void **state)
{
    struct fake_daemon d = {.web_forbidden = true};
    struct client_run run = {.code = EXIT_USAGE};
    size_t told = 0;

    (void)state;
    run_day(&d, "web,grid", "40", NULL, &run);
    assert_int_equal(run.code, EXIT_REFUSED);
    for (const char *at = run.err; (at = strstr(at, "refused: POST /v1/tickets: ")) != NULL; at++)
        told++;
    assert_int_equal(d.count + told, 40); /* the others went on */
    assert_true(d.count > 0 && told > 0);
    assert_int_equal(d.from_web, 0);
    client_run_free(&run);
}

static void what_others_did_first_is_no_failure_where_it_is_said(void **state)
{
    static const char *const more[] = {NULL, "--shared"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(more); i++) {
        struct fake_daemon d = {.reviewed_by_others = true};
        struct client_run run = {.code = EXIT_USAGE};

        run_day(&d, "web", "20", more[i], &run);
        assert_int_equal(run.code, more[i] == NULL ? EXIT_REFUSED : EXIT_DONE);
        assert_true(d.wrong > 0);
        assert_int_equal(strstr(run.err, "/review: ") != NULL, more[i] == NULL);
        assert_int_equal(strstr(run.out, "done by others first") != NULL, more[i] != NULL);
        client_run_free(&run);
    }
}

static void a_door_that_is_named_has_to_be_possible(void **state)
{
    struct fake_daemon d = {.count = 0};
    struct client_run run = {.code = EXIT_DONE};

    (void)state;
    run_day(&d, "web,device", "4", NULL, &run);
    assert_int_equal(run.code, EXIT_USAGE);
    assert_non_null(strstr(run.err, "--doors device: the credentials do not have what it needs"));
    assert_int_equal(d.count, 0);
    client_run_free(&run);
}

static void the_matters_are_whole(void **state)
{
    (void)state;
    assert_true(sim_case_count >= 20);
    for (size_t i = 0; i < sim_case_count; i++) {
        const struct sim_case *c = &sim_cases[i];
        static const char *const arguments[] = {"P", "3"};
        struct sbuf text;

        sbuf_init(&text, 0);
        text_fill_in(&text, c->title, arguments, 2);
        text_fill_in(&text, c->text, arguments, 2);
        assert_null(strchr(text.data, '{'));
        assert_non_null(c->public_reply);
        assert_int_equal(c->answer != NULL, c->kind == KIND_CONSULT);
        sbuf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_takes_only_steps_that_are_allowed),
        cmocka_unit_test(every_call_is_told_from_ringing_to_recording),
        cmocka_unit_test(progress_is_one_line_per_tenth),
        cmocka_unit_test(the_summary_is_json_if_wanted),
        cmocka_unit_test(too_fast_is_waited_out_with_the_same_key),
        cmocka_unit_test(what_should_not_be_refused_fails_the_day),
        cmocka_unit_test(what_others_did_first_is_no_failure_where_it_is_said),
        cmocka_unit_test(a_door_that_is_named_has_to_be_possible),
        cmocka_unit_test(the_matters_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
