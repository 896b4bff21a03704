/*
 * cmd_watch.c - hotline queue watch: the event stream, one line per event, for as long as wanted.
 *
 * A broken stream is resumed after the last event that was printed; none is lost and none is
 * printed twice. It ends when the daemon refuses, when the reader of our output goes away, when
 * --count events have come, or when the very first connection fails.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "client/api.h"
#include "client/commands.h"
#include "client/sse.h"
#include "client/view.h"
#include "net/http_client.h"

#define SILENCE_US (INT64_C(60) * 1000000) /* the daemon's heart-beat comes every 15 s */
#define FIRST_PAUSE_MS 500
#define LONGEST_PAUSE_MS 30000

struct watch {
    struct client *client;
    int64_t left; /* events still to print; -1 = without end */
    bool heard;   /* something came over this connection: the next pause starts small again */
    bool out_gone;
    struct sse sse;
};

static void print_event(struct watch *watch, const struct sse_event *event)
{
    struct arena *arena = arena_new();
    struct faults faults;
    struct json_doc *doc;
    struct sbuf line;

    sbuf_init(&line, 0);
    faults_init(&faults, arena);
    doc = json_parse(event->data, event->data_len, &faults);
    if (doc == NULL)
        clean_add(&line, event->data, event->data_len, false);
    else if (watch->client->json)
        json_write_value(&line, json_root(doc));
    else
        view_event_line(watch->client, json_root(doc), &line);
    fprintf(watch->client->out, "%s\n", line.data);
    if (fflush(watch->client->out) != 0)
        watch->out_gone = true;
    json_doc_free(&doc);
    sbuf_free(&line);
    arena_free(&arena);
}

static bool on_event(void *ctx, const struct sse_event *event)
{
    struct watch *watch = ctx;

    if (strcmp(event->type, "bye") == 0) /* the daemon stops; it comes back */
        return true;
    print_event(watch, event);
    if (watch->left > 0)
        watch->left--;
    return watch->left != 0 && !watch->out_gone;
}

static bool on_body(void *ctx, const char *data, size_t len)
{
    struct watch *watch = ctx;

    watch->heard = true;
    return sse_feed(&watch->sse, data, len);
}

/* One connection, until it ends. Fills what api_check() wants to see. */
static void connect_once(struct watch *watch, const char *token, const char *path,
                         struct api_answer *answer)
{
    struct client *client = watch->client;
    struct arena *arena = arena_new();
    struct http_header headers[3] = {
        {"Accept", "text/event-stream"},
        {"Authorization", arena_printf(arena, "Bearer %s", token)},
        {"Last-Event-ID", watch->sse.id.data},
    };
    struct http_client_call call = {
        .method = "GET",
        .target = path,
        .headers = headers,
        .header_count = watch->sse.id.len > 0 ? 3 : 2,
        .timeout_us = client->timeout_us,
    };
    struct http_client_sink sink = {on_body, watch, SILENCE_US};
    struct http_client_response response = {0};
    struct faults faults;

    *answer = (struct api_answer){0};
    sse_restart(&watch->sse);
    if (client->http == NULL)
        client->http = http_client_new(client->url, NULL, &answer->error);
    if (client->http != NULL &&
        http_client_stream(client->http, &call, &sink, &response, &answer->error)) {
        answer->status = response.status;
        faults_init(&faults, arena);
        if (response.body_len > 0)
            answer->doc = json_parse(response.body, response.body_len, &faults);
    }
    http_client_response_free(&response);
    arena_free(&arena);
}

static void pause_ms(int64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

static int64_t next_pause_ms(const struct watch *watch, int64_t last_ms)
{
    if (watch->heard)
        return watch->sse.retry_ms > 0 && watch->sse.retry_ms < LONGEST_PAUSE_MS
                   ? watch->sse.retry_ms
                   : FIRST_PAUSE_MS;
    return last_ms * 2 < LONGEST_PAUSE_MS ? last_ms * 2 : LONGEST_PAUSE_MS;
}

static enum exit_code watch_until_end(struct watch *watch, const struct api_request *request,
                                      const char *token)
{
    int64_t pause = FIRST_PAUSE_MS / 2;

    for (bool first = true;; first = false) {
        struct api_answer answer;
        bool is_final;

        watch->heard = false;
        connect_once(watch, token, request->path, &answer);
        /* Refusals do not get better by asking again; faults and broken streams may. */
        is_final = (answer.status >= 400 && answer.status < 500 && answer.status != 429) ||
                   watch->client->http == NULL || (first && !watch->heard && answer.status != 200);
        if (watch->left == 0 || watch->out_gone) {
            api_answer_free(&answer);
            return watch->out_gone ? EXIT_USAGE : EXIT_DONE;
        }
        if (is_final) {
            enum exit_code code = api_check(watch->client, request, &answer);

            api_answer_free(&answer);
            return code;
        }
        api_answer_free(&answer);
        pause = next_pause_ms(watch, pause);
        pause_ms(pause);
    }
}

static enum exit_code run_watch(struct client *client, const struct args *args)
{
    struct watch watch = {.client = client, .left = args_int(args, "count", -1)};
    struct api_request request = {.method = "GET", .who = client_who(client, args)};
    const char *token = client_token(client, request.who), *after = args_get(args, "after");
    enum exit_code code;

    if (token == NULL) {
        struct api_answer none = {.has_no_token = true};

        return api_check(client, &request, &none);
    }
    request.path = "/v1/events";
    sse_init(&watch.sse, on_event, &watch);
    if (after != NULL)
        sse_resume_after(&watch.sse, after);
    code = watch_until_end(&watch, &request, token);
    if (watch.sse.dropped > 0)
        client_complain(client, T_EVENTS_DROPPED, NULL, NULL);
    sse_free(&watch.sse);
    return code;
}

static const struct option watch_options[] = {
    {.name = "after", .kind = OPTION_TEXT, .hint = "CURSOR", .help = T_OPT_WATCH_AFTER},
    {.name = "count",
     .kind = OPTION_INT,
     .hint = "N",
     .help = T_OPT_COUNT,
     .min = 1,
     .max = INT64_MAX},
};

const struct command watch_commands[] = {
    {.path = "queue watch",
     .operands = "",
     .summary = T_CMD_QUEUE_WATCH,
     .as = "unit",
     .options = watch_options,
     .option_count = ARRAY_LEN(watch_options),
     .run = run_watch},
};
const size_t watch_command_count = ARRAY_LEN(watch_commands);
