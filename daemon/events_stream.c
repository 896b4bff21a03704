/*
 * events_stream.c - events as text/event-stream.
 *
 * The reader's place is all there is to a stream: whatever it is behind by comes from memory or
 * from the table, as fast as it reads. Nothing is queued for a slow reader beyond the low-water
 * mark; it falls behind, and is cut by the HTTP layer only when it reads nothing at all.
 *
 * Urgent events (push_urgent) are written ahead, under the id of the place where the reader is: it
 * does not move. When they come by in their order only their id is written. Who loses the
 * connection between the two hears of them again, with the same member `id`.
 */
#include <event2/event.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metrics.h"
#include "daemon/events.h"
#include "sql_catalogue.h"

#define BEAT_S 15
#define RETRY_MS 2000
/* No more is written while so much waits to go out; one event fits well above it. */
#define LOW_WATER_BYTES ((size_t)64 << 10)
#define PAGE_ROWS 100
/* As many urgent events a reader may have had ahead of their place; more come in their order. */
#define AHEAD_MAX 16

static const char bye[] = "event: bye\ndata: {}\n\n";

struct stream {
    struct request *r; /* owns this */
    struct events_reader reader;
    struct http_stream *http;
    struct push_cursor place, told; /* told: the last id that went out */
    int64_t ahead[AHEAD_MAX];       /* ids of events that went out before their place */
    size_t ahead_count;
    uint64_t urgent_serial;
    struct push_waiter *waiter;
    struct event *beat;
    bool is_cut; /* the HTTP layer is closing it: on_abort is coming */
};

static struct metric streams = {
    .name = "hotlined_event_streams", .help = "Open event streams.", .type = METRIC_GAUGE};
static struct metric sent = {.name = "hotlined_event_stream_events_total",
                             .help = "Events written to streams."};
static struct metric broken = {
    .name = "hotlined_event_streams_ended_total",
    .labels = "reason=\"database\"",
    .help = "Event streams ended by us; readers come back and go on where they were.",
};
static struct metric revoked = {
    .name = "hotlined_event_streams_ended_total",
    .labels = "reason=\"revoked\"",
    .help = "Event streams ended by us; readers come back and go on where they were.",
};
static struct metric stopped = {
    .name = "hotlined_event_streams_ended_total",
    .labels = "reason=\"stopping\"",
    .help = "Event streams ended by us; readers come back and go on where they were.",
};

void events_stream_register_metrics(void)
{
    metrics_register(&streams, 1);
    metrics_register(&sent, 1);
    metrics_register(&broken, 1);
    metrics_register(&revoked, 1);
    metrics_register(&stopped, 1);
}

/* ---- ending -----------------------------------------------------------------------------------
 */

static void release(struct stream *stream)
{
    push_unwait(&stream->waiter);
    event_free(stream->beat);
    metric_add(&streams, -1);
}

static void on_abort(struct request *r)
{
    release(r->state);
}

/* The stream must not be touched afterwards. */
static void end(struct stream *stream)
{
    struct http_stream *http = stream->http;

    if (!stream->is_cut)
        (void)http_stream_write(http, bye, sizeof(bye) - 1);
    release(stream);
    request_forget(stream->r); /* frees the stream */
    http_stream_end(http);
}

/* ---- writing
 * ---------------------------------------------------------------------------------------
 */

static void put(struct stream *stream, struct sbuf *text)
{
    if (!stream->is_cut && !http_stream_write(stream->http, text->data, text->len))
        stream->is_cut = true;
    sbuf_free(text);
}

static bool is_full(const struct stream *stream)
{
    return stream->is_cut || http_stream_pending(stream->http) >= LOW_WATER_BYTES;
}

static bool went_ahead(struct stream *stream, int64_t id)
{
    for (size_t i = 0; i < stream->ahead_count; i++) {
        if (stream->ahead[i] == id) {
            stream->ahead[i] = stream->ahead[--stream->ahead_count];
            return true;
        }
    }
    return false;
}

static bool put_event(void *ctx, const struct push_event *event)
{
    struct stream *stream = ctx;
    char id[CURSOR_SIZE];
    struct sbuf text;

    events_place_format(&stream->reader, event->at, id);
    sbuf_init(&text, 0);
    if (went_ahead(stream, event->at.id)) {
        event_stream_write_place(&text, id);
    } else {
        event_stream_write(&text, id, event->type, event->json, event->json_len);
        metric_inc(&sent);
    }
    put(stream, &text);
    stream->told = event->at;
    return !is_full(stream);
}

static void put_ahead(void *ctx, const struct push_event *event)
{
    struct stream *stream = ctx;
    char id[CURSOR_SIZE];
    struct sbuf text;

    if (stream->ahead_count == AHEAD_MAX || push_cursor_compare(event->at, stream->place) <= 0)
        return;
    stream->ahead[stream->ahead_count++] = event->at.id;
    events_place_format(&stream->reader, stream->place, id);
    sbuf_init(&text, 0);
    event_stream_write(&text, id, event->type, event->json, event->json_len);
    put(stream, &text);
    metric_inc(&sent);
}

static void put_place(struct stream *stream, struct sbuf *text)
{
    char id[CURSOR_SIZE];

    events_place_format(&stream->reader, stream->place, id);
    event_stream_write_place(text, id);
    stream->told = stream->place;
}

/* Events of others move the place too: whoever comes back need not read them again. */
static void on_beat(evutil_socket_t fd, short what, void *ctx)
{
    struct stream *stream = ctx;
    struct sbuf text;

    (void)fd;
    (void)what;
    if (is_full(stream))
        return;
    sbuf_init(&text, 0);
    if (push_cursor_compare(stream->place, stream->told) != 0)
        put_place(stream, &text);
    else
        event_stream_write_beat(&text);
    put(stream, &text);
}

/* ---- reading
 * ---------------------------------------------------------------------------------------
 */

static void pump(struct stream *stream);

static void on_page(void *ctx, const struct pg_result *res)
{
    struct stream *stream = ctx;
    struct events_page page;
    bool goes_on = true;

    stream->r->op = NULL;
    if (pg_result_outcome(res) != PG_ROWS) {
        if (pg_result_outcome(res) == PG_REJECTED)
            log_limited(LOG_LEVEL_ERROR, "events", "page refused sqlstate=%s %s",
                        pg_result_sqlstate(res), pg_result_message(res));
        metric_inc(&broken);
        end(stream);
        return;
    }
    events_page_read(&stream->reader, res, PAGE_ROWS, &page);
    for (int i = 0; i < page.rows && goes_on; i++) {
        struct push_event *event = events_page_event(&page, i);
        goes_on = put_event(stream, event);
        stream->place = event->at;
        push_event_free(&event);
    }
    if (goes_on) {
        stream->place = page.scanned;
        pump(stream);
    }
}

static void read_page(struct stream *stream)
{
    struct arena *arena = arena_new(); /* a stream may read pages for days: not in the request's */
    struct pg_params params;

    events_page_params(&params, &stream->reader, stream->place, PAGE_ROWS, arena);
    stream->r->op = pg_submit(stream->r->d->work_pool, &SQL_EVENT_PAGE, &params,
                              DAEMON_READ_TIMEOUT_US, on_page, stream);
    arena_free(&arena);
}

/* Asleep: the subscription is waking the hub, and then we are called. */
static void pump(struct stream *stream)
{
    if (is_full(stream))
        return;
    push_urgent_read(stream->r->d->push, &stream->urgent_serial, &stream->reader.who, put_ahead,
                     stream);
    if (stream->r->op || is_full(stream))
        return;
    if (push_read(stream->r->d->push, &stream->place, &stream->reader.who, put_event, stream) ==
        PUSH_READ_OLD)
        read_page(stream);
}

static void on_drain(void *ctx)
{
    pump(ctx);
}

static void on_woken(void *ctx, bool by_event)
{
    struct stream *stream = ctx;

    if (by_event && request_is_allowed(stream->r)) {
        pump(stream);
        return;
    }
    metric_inc(by_event ? &revoked : &stopped);
    end(stream);
}

/* ---- beginning
 * -----------------------------------------------------------------------------------
 */

static void put_head(struct stream *stream)
{
    struct sbuf text;

    sbuf_init(&text, 0);
    event_stream_write_retry(&text, RETRY_MS);
    put_place(stream, &text);
    put(stream, &text);
}

void events_stream_begin(const struct events_reader *reader, struct push_cursor place)
{
    struct request *r = reader->r;
    static const struct timeval beat = {BEAT_S, 0};
    struct stream *stream = arena_alloc(r->arena, sizeof(*stream));

    *stream = (struct stream){
        .r = r, .reader = *reader, .place = place, .urgent_serial = push_urgent_serial(r->d->push)};
    stream->waiter = push_subscribe(r->d->push, stream->reader.who.unit, on_woken, stream);
    if (!stream->waiter) {
        request_problem(r, PROBLEM_BUSY, NULL);
        return;
    }
    stream->beat = event_new(r->d->base, -1, EV_PERSIST, on_beat, stream);
    INVARIANT(stream->beat != NULL);
    (void)event_add(stream->beat, &beat);
    r->state = stream;
    r->on_abort = on_abort;
    metric_inc(&streams);
    http_reply_header(r->http, "Cache-Control", "no-store");
    http_reply_header(r->http, "X-Accel-Buffering", "no");
    stream->http = http_reply_stream(r->http, 200, "text/event-stream", on_drain, stream);
    http_stream_set_bye(stream->http, bye, sizeof(bye) - 1);
    put_head(stream);
    pump(stream);
}
