/*
 * events_get.c - GET /v1/events: reads the query, then polls or streams.
 *
 * A poll reads the hub's memory, or pages of the table where that does not reach; with nothing new
 * it waits. What it has found goes out at once: a reader never waits for a full page.
 */
#include "daemon/events.h"

#include <string.h>

#include "base/metrics.h"
#include "sql_catalogue.h"

#define WAIT_MAX_S 55
#define LIMIT_DEFAULT 100
#define LIMIT_MAX 500
/* An answer stops growing here, whatever the limit. */
#define ANSWER_BYTES ((size_t)1 << 20)
/* A unit far behind gets an empty answer with its new place after this many pages: it goes on from
 * there. */
#define PAGES_MAX 16

struct poll {
    struct request *r;
    struct events_reader reader;
    struct push_cursor place;
    int limit;
    int64_t until_us; /* monotonic */
    bool is_stream;
    bool is_fresh; /* the database said: nothing more */
    int pages;
    struct push_waiter *waiter;
};

static struct metric polls = {.name = "hotlined_event_polls_total",
                              .help = "Answers to long polls for events."};
static struct metric paged = {.name = "hotlined_event_pages_total",
                              .help = "Pages of events read from the database for long polls."};

void events_register_metrics(void)
{
    metrics_register(&polls, 1);
    metrics_register(&paged, 1);
    events_stream_register_metrics();
    ticket_events_register_metrics();
}

/* ---- answering ----------------------------------------------------------------------------------
 */

struct answer {
    struct sbuf out;
    struct json_writer w;
    int left;
};

static void answer_begin(struct answer *answer, int limit)
{
    answer->left = limit;
    sbuf_init(&answer->out, 0);
    jw_init(&answer->w, &answer->out);
    jw_object(&answer->w, NULL);
    jw_array(&answer->w, "items");
}

static bool answer_take(void *ctx, const struct push_event *event)
{
    struct answer *answer = ctx;

    jw_raw(&answer->w, NULL, event->json, event->json_len);
    return --answer->left > 0 && answer->out.len < ANSWER_BYTES;
}

static void answer_send(struct answer *answer, struct poll *poll)
{
    char next[CURSOR_SIZE];

    events_place_format(&poll->reader, poll->place, next);
    jw_array_end(&answer->w);
    jw_string(&answer->w, "next", next);
    jw_object_end(&answer->w);
    metric_inc(&polls);
    http_reply_header(poll->r->http, "Cache-Control", "no-store");
    request_reply(poll->r, 200, &answer->out);
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static void poll_step(struct poll *poll);

static void on_page(struct request *r, const struct pg_result *res)
{
    struct poll *poll = r->state;
    struct events_page page;
    struct answer answer;
    bool goes_on = true;

    events_page_read(&poll->reader, res, poll->limit, &page);
    if (page.rows == 0) {
        poll->place = page.scanned;
        poll->is_fresh = page.is_fresh;
        poll_step(poll);
        return;
    }
    answer_begin(&answer, poll->limit);
    for (int i = 0; i < page.rows && goes_on; i++) {
        struct push_event *event = events_page_event(&page, i);
        goes_on = answer_take(&answer, event);
        poll->place = event->at;
        push_event_free(&event);
    }
    if (goes_on)
        poll->place = page.scanned;
    answer_send(&answer, poll);
}

static void read_page(struct poll *poll)
{
    struct pg_params params;

    poll->pages++;
    metric_inc(&paged);
    events_page_params(&params, &poll->reader, poll->place, poll->limit, poll->r->arena);
    request_submit(poll->r, poll->r->d->work_pool, &SQL_EVENT_PAGE, &params, DAEMON_READ_TIMEOUT_US,
                   on_page);
}

static void on_woken(void *ctx, bool by_event)
{
    struct poll *poll = ctx;

    poll->waiter = NULL;
    if (!request_is_allowed(poll->r)) { /* the token ended while it waited */
        request_problem(poll->r, PROBLEM_UNAUTHORIZED, NULL);
        return;
    }
    poll->is_fresh = !by_event;
    poll->pages = 0;
    poll_step(poll);
}

static bool may_wait(const struct poll *poll)
{
    return clk_mono_us() < poll->until_us && !push_is_stopping(poll->r->d->push);
}

static void wait_for_more(struct poll *poll)
{
    poll->waiter = push_wait(poll->r->d->push, poll->reader.who.unit,
                             poll->until_us - clk_mono_us(), on_woken, poll);
    if (!poll->waiter)
        request_problem(poll->r, PROBLEM_BUSY, NULL);
}

/*
 * Nothing in memory. Ask the database if it may know more: the memory does not reach, or a reader
 * who does not wait wants to see what was committed just now.
 */
static void poll_on(struct poll *poll, enum push_read read, struct answer *answer)
{
    bool is_known = poll->is_fresh || (read == PUSH_READ_TAIL && may_wait(poll));
    bool must_page = read == PUSH_READ_OLD || !is_known;

    if (must_page && poll->pages < PAGES_MAX) {
        sbuf_free(&answer->out);
        read_page(poll);
    } else if (must_page || !may_wait(poll)) {
        answer_send(answer, poll);
    } else {
        sbuf_free(&answer->out);
        wait_for_more(poll);
    }
}

static void poll_step(struct poll *poll)
{
    struct answer answer;

    answer_begin(&answer, poll->limit);
    enum push_read read =
        push_read(poll->r->d->push, &poll->place, &poll->reader.who, answer_take, &answer);
    if (answer.left < poll->limit)
        answer_send(&answer, poll);
    else
        poll_on(poll, read, &answer);
}

static void on_abort(struct request *r)
{
    struct poll *poll = r->state;

    push_unwait(&poll->waiter);
}

/* ---- the query
 * -----------------------------------------------------------------------------------------------
 */

static void begin(struct poll *poll)
{
    if (poll->is_stream)
        events_stream_begin(&poll->reader, poll->place);
    else
        poll_step(poll);
}

/* "From now on" is the horizon of this moment; what the hub knows may be a little older. */
static void on_now(struct request *r, const struct pg_result *res)
{
    struct poll *poll = r->state;
    struct events_page page;

    events_page_read(&poll->reader, res, 0, &page);
    poll->place = page.scanned;
    poll->is_fresh = true;
    begin(poll);
}

static void begin_now(struct poll *poll)
{
    struct pg_params params;

    events_page_params(&params, &poll->reader, (struct push_cursor){0}, 0, poll->r->arena);
    request_submit(poll->r, poll->r->d->work_pool, &SQL_EVENT_PAGE, &params, DAEMON_READ_TIMEOUT_US,
                   on_now);
}

static bool wants_stream(const struct request *r)
{
    const struct http1_request *head = http_request_head(r->http);
    const char *accept = http1_header(head, "accept");

    return head->method != HTTP_HEAD && accept && strstr(accept, "text/event-stream");
}

static bool read_place(struct poll *poll, bool *is_now_r)
{
    struct request *r = poll->r;
    const char *after = query_get(&r->query, "after"), *field = "after";
    const char *last = http1_header(http_request_head(r->http), "last-event-id");

    if (poll->is_stream && last) {
        after = last;
        field = "Last-Event-ID";
    }
    *is_now_r = !after || !*after;
    if (*is_now_r || strcmp(after, "0") == 0 || strcmp(after, "start") == 0)
        return true;
    if (events_place_parse(&poll->reader, after, &poll->place))
        return true;
    faults_add(&r->faults, field, "format");
    return false;
}

void events_get(struct request *r)
{
    struct poll *poll = arena_alloc(r->arena, sizeof(*poll));
    bool is_now = false;

    poll->r = r;
    poll->reader = events_reader_of(r);
    poll->is_stream = wants_stream(r);
    poll->limit = (int)request_query_int(r, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX);
    poll->until_us = clk_mono_us() + request_query_int(r, "wait", 0, 0, WAIT_MAX_S) * US_PER_SECOND;
    if (http_request_head(r->http)->method == HTTP_HEAD)
        poll->until_us = 0;
    (void)read_place(poll, &is_now);
    if (!request_query_ok(r))
        return;
    r->state = poll;
    r->on_abort = on_abort;
    if (is_now)
        begin_now(poll);
    else
        begin(poll);
}
