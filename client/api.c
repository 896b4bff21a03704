/*
 * api.c - builds requests, reads answers, tells people what went wrong.
 */
#include "client/api.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "net/http_client.h"

#define MAX_HEADERS (5 + API_MOST_HEADERS)

void path_segment(struct sbuf *path, const char *segment)
{
    for (const char *p = segment; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;

        if (isalnum(c) || strchr("-._~", c) != NULL)
            sbuf_addc(path, (char)c);
        else
            sbuf_addf(path, "%%%02X", c);
    }
}

const struct json_value *api_root(const struct api_answer *answer)
{
    return answer->doc == NULL ? NULL : json_root(answer->doc);
}

void api_answer_free(struct api_answer *answer)
{
    json_doc_free(&answer->doc);
    free(answer->error);
    free(answer->body);
    *answer = (struct api_answer){0};
}

struct headers {
    struct http_header list[MAX_HEADERS];
    size_t count;
    struct arena *arena;
};

static void add_header(struct headers *h, const char *name, const char *value)
{
    INVARIANT(h->count < MAX_HEADERS);
    h->list[h->count++] = (struct http_header){name, value};
}

static void make_headers(struct headers *h, const struct api_request *request, const char *token)
{
    add_header(h, "Accept", "application/json");
    if (token != NULL)
        add_header(h, "Authorization", arena_printf(h->arena, "Bearer %s", token));
    if (request->body != NULL)
        add_header(h, "Content-Type",
                   request->content_type == NULL ? "application/json" : request->content_type);
    if (request->key != NULL)
        add_header(h, "Idempotency-Key", request->key);
    if (request->if_match != NULL)
        add_header(h, "If-Match", arena_printf(h->arena, "\"%s\"", request->if_match));
    for (size_t i = 0; i < request->header_count; i++)
        add_header(h, request->headers[i].name, request->headers[i].value);
}

static bool connect_to(struct client *client, struct api_answer *answer)
{
    if (client->http == NULL)
        client->http = http_client_new(client->url, NULL, &answer->error);
    return client->http != NULL;
}

struct collector {
    struct sbuf body;
};

static bool collect(void *ctx, const char *data, size_t len)
{
    struct collector *c = ctx;

    sbuf_add(&c->body, data, len);
    return !c->body.overflow;
}

/* An export may be far larger than what one would take from anybody without looking. */
static bool exchange_large(struct client *client, const struct http_client_call *call,
                           struct http_client_response *response, struct api_answer *answer)
{
    struct collector c;
    struct http_client_sink sink = {collect, &c, client->timeout_us};
    bool ok;

    sbuf_init(&c.body, CLIENT_MAX_ANSWER_BYTES);
    ok = http_client_stream(client->http, call, &sink, response, &answer->error);
    if (ok && c.body.overflow) {
        answer->error = xstrdup(client_text(client, T_ERR_FILE_TOO_LARGE));
        ok = false;
    }
    if (ok && c.body.len > 0) {
        answer->body_len = c.body.len;
        answer->body = sbuf_steal(&c.body);
    }
    sbuf_free(&c.body);
    return ok;
}

static void take_answer(const struct http_client_response *response, struct api_answer *answer)
{
    const char *retry = http_client_header(response, "Retry-After");
    struct arena *arena = arena_new();
    struct faults faults;

    answer->status = response->status;
    answer->retry_after_s = retry == NULL ? 1 : (int64_t)strtoll(retry, NULL, 10);
    if (answer->body == NULL) {
        answer->body = xstrndup(response->body == NULL ? "" : response->body, response->body_len);
        answer->body_len = response->body_len;
    }
    faults_init(&faults, arena);
    if (answer->body_len > 0)
        answer->doc = json_parse(answer->body, answer->body_len, &faults);
    arena_free(&arena);
}

static void exchange_once(struct client *client, const struct api_request *request,
                          struct api_answer *answer)
{
    const char *token = request->who == NULL ? NULL : client_token(client, request->who);
    struct headers headers = {.arena = arena_new()};
    struct http_client_response response = {0};
    struct http_client_call call = {
        .method = request->method,
        .target = request->path,
        .headers = headers.list,
        .body = request->body,
        .body_len = request->body_len,
        .timeout_us = client->timeout_us,
        .repeatable = request->key != NULL,
    };
    bool ok;

    *answer = (struct api_answer){.has_no_token = request->who != NULL && token == NULL};
    make_headers(&headers, request, token);
    call.header_count = headers.count;
    if (!answer->has_no_token && connect_to(client, answer)) {
        if (request->is_large)
            ok = exchange_large(client, &call, &response, answer);
        else
            ok = http_client_request(client->http, &call, &response, &answer->error);
        if (ok)
            take_answer(&response, answer);
        http_client_response_free(&response);
    }
    arena_free(&headers.arena);
}

static void pause_seconds(int64_t seconds)
{
    struct timespec left = {.tv_sec = (time_t)seconds};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

void api_exchange(struct client *client, const struct api_request *request,
                  struct api_answer *answer)
{
    for (int attempt = 1;; attempt++) {
        int64_t pause_s;

        exchange_once(client, request, answer);
        if (!request->is_patient || attempt == API_PATIENT_TRIES ||
            (answer->status != 429 && answer->status != 503))
            return;
        pause_s = answer->retry_after_s;
        if (pause_s < 0 || pause_s > API_PATIENT_MAX_PAUSE_S)
            pause_s = API_PATIENT_MAX_PAUSE_S;
        api_answer_free(answer);
        pause_seconds(pause_s);
    }
}

static enum exit_code complain_no_token(const struct client *client, const char *who)
{
    if (strcmp(who, "unit") == 0)
        client_complain(client, T_ERR_NEEDS_UNIT, NULL, NULL);
    else
        client_complain(client, T_ERR_NO_TOKEN, who, NULL);
    return EXIT_USAGE;
}

enum exit_code api_check(const struct client *client, const struct api_request *request,
                         const struct api_answer *answer)
{
    struct sbuf text;

    if (answer->has_no_token)
        return complain_no_token(client, request->who);
    if (client->http == NULL) {
        client_complain(client, T_ERR_BAD_URL, client->url, answer->error);
        return EXIT_USAGE;
    }
    if (answer->status == 0) {
        client_complain(client, T_ERR_UNREACHABLE, client->url, answer->error);
        return EXIT_UNREACHABLE;
    }
    if (exit_of_status(answer->status) == EXIT_DONE) {
        if (answer->doc != NULL)
            return EXIT_DONE;
        client_complain(client, T_ERR_NO_SENSE, client->url, NULL);
        return EXIT_DAEMON_FAULT;
    }
    sbuf_init(&text, 0);
    problem_write(&text, client->lang, answer->status, api_root(answer));
    fprintf(client->err, "hotline: %s", text.data);
    sbuf_free(&text);
    return exit_of_status(answer->status);
}

enum exit_code api_call(struct client *client, const struct api_request *request,
                        struct api_answer *answer)
{
    enum exit_code code;

    api_exchange(client, request, answer);
    code = api_check(client, request, answer);
    if (code != EXIT_DONE)
        api_answer_free(answer);
    return code;
}

bool api_print_raw(const struct client *client, const struct api_answer *answer)
{
    if (!client->json)
        return false;
    fwrite(answer->body, 1, answer->body_len, client->out);
    if (answer->body_len == 0 || answer->body[answer->body_len - 1] != '\n')
        fputc('\n', client->out);
    return true;
}
