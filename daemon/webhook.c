/*
 * webhook.c - follows the events, claims what is due, posts it, notes how it ended.
 */
#include "daemon/webhook.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/metrics.h"
#include "daemon/pii.h"
#include "daemon/push_event.h"
#include "net/http_post.h"
#include "sql_catalogue.h"

#define PERIOD_US (500 * INT64_C(1000))
#define TIDY_EVERY_US US_PER_MINUTE
#define TIDY_ROWS 2000
#define FEED_EVENTS 500
#define EACH_AT_ONCE 8 /* of one webhook */
#define ALL_AT_ONCE 64
/* What was claimed and not heard of is claimed again. Longer than a call may take. */
#define LEASE_US (120 * US_PER_SECOND)
#define LIFE_US (3 * 24 * 3600 * US_PER_SECOND)
/* A webhook that failed is left in peace for twice as long each time. */
#define PAUSE_MAX_DOUBLINGS 6
#define DAY_US (24 * 3600 * US_PER_SECOND)

enum column {
    COL_WEBHOOK,
    COL_EVENT,
    COL_URL,
    COL_SECRET,
    COL_OLD_SECRET,
    COL_ATTEMPTS,
    COL_WAIT,
    COL_CREATED,
    COL_FAILURES,
    COL_FIRST_OF_EVENT
};

struct call {
    LIST_ENTRY(call) link;
    struct webhooks *w;
    struct http_post *post;
    struct pg_op *op; /* noting the end */
    int64_t webhook, event, attempts, wait_ms, created_us, failures;
};

struct webhooks {
    struct daemon *d;
    struct http_poster *poster;
    struct event *timer;
    struct pg_op *op;
    int64_t tidied_us; /* of the daemon's clock */
    bool has_more, has_more_old;
    size_t in_flight;
    LIST_HEAD(, call) calls;
};

enum { SENT, FAILED, DEAD, FED, IN_FLIGHT, BROKEN };
static struct metric metrics[] = {
    [SENT] = {"hotlined_webhook_sent_total", NULL, "Deliveries that were taken.", METRIC_COUNTER,
              0},
    [FAILED] = {"hotlined_webhook_failed_total", NULL, "Attempts that failed.", METRIC_COUNTER, 0},
    [DEAD] = {"hotlined_webhook_dead_total", NULL, "Deliveries that were given up.", METRIC_COUNTER,
              0},
    [FED] = {"hotlined_webhook_deliveries_total", NULL, "Deliveries that were begun.",
             METRIC_COUNTER, 0},
    [IN_FLIGHT] = {"hotlined_webhook_in_flight", NULL, "Deliveries under way.", METRIC_GAUGE, 0},
    [BROKEN] = {"hotlined_webhook_storage_failures_total", NULL,
                "Steps of the webhooks that the database did not take; again later.",
                METRIC_COUNTER, 0},
};

void webhooks_register_metrics(void)
{
    metrics_register(metrics, ARRAY_LEN(metrics));
}

static void arm(struct webhooks *w, int64_t us)
{
    const struct timeval tv = {.tv_sec = (time_t)(us / US_PER_SECOND),
                               .tv_usec = (suseconds_t)(us % US_PER_SECOND)};

    (void)event_add(w->timer, &tv);
}

static bool came_through(const struct pg_result *res, const char *what)
{
    enum pg_outcome outcome = pg_result_outcome(res);

    if (outcome == PG_ROWS || outcome == PG_OK)
        return true;
    metric_inc(&metrics[BROKEN]);
    log_limited(LOG_LEVEL_WARN, "webhook", "%s failed outcome=%s sqlstate=%s %s", what,
                pg_outcome_name(outcome), pg_result_sqlstate(res), pg_result_message(res));
    return false;
}

/* ---- how it ended ------------------------------------------------------------------------------
 */

static void call_free(struct call *c)
{
    LIST_REMOVE(c, link);
    c->w->in_flight--;
    metric_add(&metrics[IN_FLIGHT], -1);
    http_post_cancel(&c->post);
    pg_cancel(&c->op);
    free(c);
}

/* Not noted: the lease ends and it is sent once more, which the receiver tells by its id. */
static void on_noted(void *ctx, const struct pg_result *res)
{
    struct call *c = ctx;
    struct webhooks *w = c->w;

    c->op = NULL;
    (void)came_through(res, "noting an attempt");
    call_free(c);
    if (!w->op && !w->d->is_stopping)
        arm(w, 0); /* there is room again */
}

static int64_t pause_us(const struct call *c)
{
    int64_t doublings = c->failures < PAUSE_MAX_DOUBLINGS ? c->failures : PAUSE_MAX_DOUBLINGS;

    return US_PER_SECOND << doublings;
}

static bool is_over(const struct call *c, int64_t now_us)
{
    return c->attempts >= c->w->d->settings.webhook_tries || now_us - c->created_us > LIFE_US;
}

static void param_retry(struct pg_params *params, const struct call *c, int64_t now_us,
                        bool is_sent)
{
    if (is_sent)
        pg_param_null(params);
    else
        pg_param_instant(params, now_us + pause_us(c));
}

static void note(struct call *c, enum http_post_end end, int status)
{
    int64_t now_us = daemon_now_us(c->w->d);
    bool is_sent = end == HTTP_POST_ANSWERED && status >= 200 && status < 300;
    bool is_dead = !is_sent && (is_over(c, now_us) || status == 410);
    struct arena *arena = arena_new();
    struct pg_params params;
    uint32_t random;

    crypto_random(&random, sizeof(random));
    c->wait_ms = webhook_next_wait_ms(c->wait_ms, random);
    pg_params_init(&params, arena);
    pg_param_int(&params, c->webhook);
    pg_param_int(&params, c->event);
    pg_param_int(&params, c->attempts);
    pg_param_text(&params, is_sent ? "sent" : is_dead ? "dead" : "pending");
    if (is_sent || is_dead)
        pg_param_null(&params);
    else
        pg_param_instant(&params, now_us + c->wait_ms * 1000);
    pg_param_int(&params, c->wait_ms);
    if (status)
        pg_param_int(&params, status);
    else
        pg_param_null(&params);
    pg_param_text(&params, end == HTTP_POST_ANSWERED ? NULL : http_post_end_word(end));
    pg_param_instant(&params, now_us);
    param_retry(&params, c, now_us, is_sent);
    pg_param_text(&params, status == 410 ? "gone" : NULL);
    pg_param_int(&params, c->failures);
    metric_inc(&metrics[is_sent ? SENT : FAILED]);
    if (is_dead)
        metric_inc(&metrics[DEAD]);
    c->op = pg_submit(c->w->d->work_pool, &SQL_WEBHOOK_DONE, &params, DAEMON_WRITE_TIMEOUT_US,
                      on_noted, c);
    arena_free(&arena);
}

static void on_posted(void *ctx, enum http_post_end end, int status)
{
    struct call *c = ctx;

    c->post = NULL;
    note(c, end, status);
}

/* ---- sending -----------------------------------------------------------------------------------
 */

/* {"type", "timestamp", "data"} with the event as GET /v1/events tells it. */
static void write_payload(const struct daemon *d, const struct pg_result *res, int row,
                          struct sbuf *out)
{
    struct push_event *event = push_event_read(d, res, row, COL_FIRST_OF_EVENT);
    int offset = d->city ? city_offset_min(d->city) : 0;
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w, NULL);
    jw_string(&w, "type", event->type);
    jw_instant(&w, "timestamp", pg_result_instant(res, row, COL_FIRST_OF_EVENT + 5), offset);
    jw_raw(&w, "data", event->json, event->json_len);
    jw_object_end(&w);
    push_event_free(&event);
}

static void add_signature(struct daemon *d, const struct pg_result *res, int row, int col,
                          const char *id, int64_t now_s, const struct sbuf *body,
                          struct arena *arena, struct sbuf *out)
{
    char signature[WEBHOOK_SIGNATURE_SIZE];
    size_t len;
    const uint8_t *sealed = pg_result_bytea(res, row, col, arena, &len);
    const char *secret = pii_open(d, WEBHOOK_SECRET_AAD, sealed, len, arena);

    if (secret && webhook_sign(secret, id, now_s, body->data, body->len, signature))
        sbuf_addf(out, "%s%s", out->len ? " " : "", signature);
}

static void post(struct call *c, const struct pg_result *res, int row)
{
    struct daemon *d = c->w->d;
    struct arena *arena = arena_new();
    int64_t now_s = daemon_now_us(d) / US_PER_SECOND;
    const char *id =
        arena_printf(arena, "msg_%lld_%lld", (long long)c->webhook, (long long)c->event);
    struct sbuf body, signatures;

    sbuf_init(&body, 0);
    sbuf_init(&signatures, 0);
    write_payload(d, res, row, &body);
    add_signature(d, res, row, COL_SECRET, id, now_s, &body, arena, &signatures);
    add_signature(d, res, row, COL_OLD_SECRET, id, now_s, &body, arena, &signatures);
    const struct http_header headers[] = {
        {"Content-Type", "application/json"},
        {"User-Agent", "hotlined"},
        {"webhook-id", id},
        {"webhook-timestamp", arena_printf(arena, "%lld", (long long)now_s)},
        {"webhook-signature", signatures.data},
    };
    const struct http_post_call call = {
        .url = pg_result_text(res, row, COL_URL),
        .headers = headers,
        .header_count = ARRAY_LEN(headers),
        .body = body.data,
        .body_len = body.len,
        .timeout_us = d->settings.webhook_timeout_seconds * US_PER_SECOND,
        .allow_private = d->settings.webhook_private,
    };
    c->post = http_post_begin(c->w->poster, &call, on_posted, c);
    sbuf_free(&body);
    sbuf_free(&signatures);
    arena_free(&arena);
}

static void begin_call(struct webhooks *w, const struct pg_result *res, int row)
{
    struct call *c = xcalloc(1, sizeof(*c));

    c->w = w;
    c->webhook = pg_result_int(res, row, COL_WEBHOOK);
    c->event = pg_result_int(res, row, COL_EVENT);
    c->attempts = pg_result_int(res, row, COL_ATTEMPTS);
    c->wait_ms = pg_result_int(res, row, COL_WAIT);
    c->created_us = pg_result_instant(res, row, COL_CREATED);
    c->failures = pg_result_int(res, row, COL_FAILURES);
    LIST_INSERT_HEAD(&w->calls, c, link);
    w->in_flight++;
    metric_inc(&metrics[IN_FLIGHT]);
    post(c, res, row);
}

static void on_claimed(void *ctx, const struct pg_result *res)
{
    struct webhooks *w = ctx;

    w->op = NULL;
    if (came_through(res, "claiming") && !w->d->is_stopping) {
        for (int i = 0; i < pg_result_rows(res); i++)
            begin_call(w, res, i);
    }
    arm(w, w->has_more ? 0 : PERIOD_US);
}

/* A webhook whose calls are under way is not asked for more. */
static void claim(struct webhooks *w)
{
    struct arena *arena = arena_new();
    int64_t now_us = daemon_now_us(w->d);
    const struct call *c;
    struct pg_params params;
    struct pg_array busy;

    pg_params_init(&params, arena);
    pg_param_instant(&params, now_us);
    pg_param_instant(&params, now_us + LEASE_US);
    pg_param_int(&params, EACH_AT_ONCE);
    pg_param_int(&params, (int64_t)(ALL_AT_ONCE - w->in_flight));
    pg_array_init(&busy, arena);
    pg_array_int(&busy, 0);
    LIST_FOREACH(c, &w->calls, link)
    pg_array_int(&busy, c->webhook);
    pg_param_array(&params, &busy);
    w->op = pg_submit(w->d->work_pool, &SQL_WEBHOOK_CLAIM, &params, DAEMON_WRITE_TIMEOUT_US,
                      on_claimed, w);
    arena_free(&arena);
}

/* ---- following ---------------------------------------------------------------------------------
 */

static void on_fed(void *ctx, const struct pg_result *res)
{
    struct webhooks *w = ctx;

    w->op = NULL;
    w->has_more = false;
    if (!came_through(res, "following the events") || w->d->is_stopping) {
        arm(w, PERIOD_US);
        return;
    }
    w->has_more = pg_result_int(res, 0, 0) == FEED_EVENTS;
    metric_add(&metrics[FED], pg_result_int(res, 0, 1));
    if (w->in_flight < ALL_AT_ONCE)
        claim(w);
    else
        arm(w, PERIOD_US);
}

static void feed(struct webhooks *w)
{
    struct arena *arena = arena_new();
    struct pg_params params;

    pg_params_init(&params, arena);
    pg_param_instant(&params, daemon_now_us(w->d));
    pg_param_int(&params, FEED_EVENTS);
    w->op =
        pg_submit(w->d->work_pool, &SQL_WEBHOOK_FEED, &params, DAEMON_WRITE_TIMEOUT_US, on_fed, w);
    arena_free(&arena);
}

static void on_tidied(void *ctx, const struct pg_result *res)
{
    struct webhooks *w = ctx;

    w->op = NULL;
    if (came_through(res, "tidying"))
        w->has_more_old |= pg_result_int(res, 0, 0) == TIDY_ROWS;
    if (!w->d->is_stopping)
        feed(w);
}

static void on_expired(void *ctx, const struct pg_result *res)
{
    struct webhooks *w = ctx;
    struct arena *arena;
    struct pg_params params;

    w->op = NULL;
    if (!came_through(res, "giving up what is old") || w->d->is_stopping) {
        arm(w, PERIOD_US);
        return;
    }
    metric_add(&metrics[DEAD], pg_result_int(res, 0, 0));
    w->has_more_old = pg_result_int(res, 0, 0) == TIDY_ROWS;
    arena = arena_new();
    pg_params_init(&params, arena);
    pg_param_instant(&params, daemon_now_us(w->d) - w->d->settings.webhook_keep_days * DAY_US);
    pg_param_int(&params, TIDY_ROWS);
    w->op = pg_submit(w->d->work_pool, &SQL_WEBHOOK_TIDY, &params, DAEMON_WRITE_TIMEOUT_US,
                      on_tidied, w);
    arena_free(&arena);
}

static void tidy(struct webhooks *w)
{
    int64_t now_us = daemon_now_us(w->d);
    struct arena *arena = arena_new();
    struct pg_params params;

    w->tidied_us = now_us;
    pg_params_init(&params, arena);
    pg_param_instant(&params, now_us - LIFE_US);
    pg_param_instant(&params, now_us);
    pg_param_int(&params, TIDY_ROWS);
    w->op = pg_submit(w->d->work_pool, &SQL_WEBHOOK_EXPIRE, &params, DAEMON_WRITE_TIMEOUT_US,
                      on_expired, w);
    arena_free(&arena);
}

/* As long as there is more one batch goes before each look at what is due, never two. */
static bool is_tidy_due(const struct webhooks *w)
{
    int64_t since_us = daemon_now_us(w->d) - w->tidied_us;

    return w->has_more_old || since_us < 0 || since_us >= TIDY_EVERY_US;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct webhooks *w = ctx;

    (void)fd;
    (void)what;
    if (w->d->is_stopping || w->op)
        return;
    if (!pg_pool_up(w->d->work_pool))
        arm(w, PERIOD_US);
    else if (is_tidy_due(w))
        tidy(w);
    else
        feed(w);
}

/* ---- life --------------------------------------------------------------------------------------
 */

struct webhooks *webhooks_new(struct daemon *d, char **error_r)
{
    const char *nameserver = d->settings.webhook_nameserver;
    struct http_poster *poster = http_poster_new(d->base, d->settings.webhook_ca, error_r);

    if (!poster)
        return NULL;
    if (*nameserver && !http_poster_ask(poster, nameserver)) {
        *error_r = xstrdup("webhook_nameserver is no address");
        http_poster_free(&poster);
        return NULL;
    }
    struct webhooks *w = xcalloc(1, sizeof(*w));
    w->d = d;
    w->poster = poster;
    w->timer = evtimer_new(d->base, on_timer, w);
    INVARIANT(w->timer != NULL);
    LIST_INIT(&w->calls);
    return w;
}

void webhooks_start(struct webhooks *webhooks)
{
    arm(webhooks, 0);
}

void webhooks_free(struct webhooks **webhooks)
{
    struct webhooks *w = *webhooks;

    if (!w)
        return;
    while (!LIST_EMPTY(&w->calls))
        call_free(LIST_FIRST(&w->calls));
    pg_cancel(&w->op);
    event_free(w->timer);
    http_poster_free(&w->poster);
    free(w);
    *webhooks = NULL;
}
