/*
 * indexer.c - one timer, one batch at a time: read what changed, cut it into pairs, store.
 */
#include "daemon/indexer.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/log.h"
#include "base/metrics.h"
#include "hotline/bigram.h"
#include "sql_catalogue.h"

/* Events of a batch: with 200 characters each a few ten thousand entries of the index, about a
 * tenth of a second of the database's work. */
#define BATCH_EVENTS 400
#define PERIOD_US US_PER_SECOND
/* While there is more, the index gets as much time as it leaves to others. */
#define PAUSE_MIN_US (10 * INT64_C(1000))
#define PAUSE_MAX_US US_PER_SECOND

enum {
    COL_XID,
    COL_ID,
    COL_TO_XID,
    COL_TO_ID,
    COL_EVENTS,
    COL_WAITING,
    COL_NUMBER,
    COL_FOLDED,
    COL_WORDS
};

static struct metric tickets = {.name = "hotlined_text_indexed_total",
                                .help = "Tickets whose words were put into the index."};
static struct metric events = {.name = "hotlined_text_events_total",
                               .help = "Events the index of words has followed."};
static struct metric failures = {
    .name = "hotlined_text_failures_total",
    .help = "Batches of the index that did not come through; again later."};

struct indexer {
    struct daemon *d;
    struct event *timer;
    struct pg_op *op;
    int64_t began_us; /* of the batch, monotonic */
    bool has_more;
    int64_t batch_events, batch_tickets;
};

void indexer_register_metrics(void)
{
    metrics_register(&tickets, 1);
    metrics_register(&events, 1);
    metrics_register(&failures, 1);
}

static void arm(struct indexer *x, int64_t us)
{
    struct timeval tv = {.tv_sec = (time_t)(us / US_PER_SECOND),
                         .tv_usec = (suseconds_t)(us % US_PER_SECOND)};

    event_add(x->timer, &tv);
}

static void arm_next(struct indexer *x)
{
    int64_t took_us = clk_mono_us() - x->began_us;

    if (!x->has_more)
        took_us = PERIOD_US;
    else if (took_us < PAUSE_MIN_US)
        took_us = PAUSE_MIN_US;
    arm(x, took_us < PAUSE_MAX_US ? took_us : PAUSE_MAX_US);
}

static bool came_through(struct indexer *x, const struct pg_result *res, const char *what)
{
    enum pg_outcome outcome = pg_result_outcome(res);

    if (outcome == PG_ROWS || outcome == PG_OK)
        return true;
    metric_inc(&failures);
    log_limited(LOG_LEVEL_WARN, "index", "%s the words failed outcome=%s sqlstate=%s %s", what,
                pg_outcome_name(outcome), pg_result_sqlstate(res), pg_result_message(res));
    x->has_more = false;
    arm_next(x);
    return false;
}

/* ---- storing -----------------------------------------------------------------------------------
 */

static void on_stored(void *ctx, const struct pg_result *res)
{
    struct indexer *x = ctx;

    x->op = NULL;
    if (!came_through(x, res, "storing"))
        return;
    if (pg_result_rows(res)) { /* else another daemon was faster */
        metric_add(&events, x->batch_events);
        metric_add(&tickets, x->batch_tickets);
    }
    arm_next(x);
}

static const char *spell_grams(const struct bigram_set *set, struct arena *arena)
{
    struct sbuf out;

    sbuf_init(&out, 0);
    sbuf_addc(&out, '{');
    for (size_t i = 0; i < set->count; i++) {
        if (i)
            sbuf_addc(&out, ',');
        sbuf_addi(&out, set->grams[i]);
    }
    sbuf_addc(&out, '}');
    const char *text = arena_strndup(arena, out.data, out.len);
    sbuf_free(&out);
    return text;
}

struct batch {
    struct arena *arena;
    struct pg_array numbers, folded, grams;
    int64_t count;
};

/* Most events leave the words as they are. */
static void add_ticket(struct batch *b, const struct pg_result *res, int row)
{
    const char *words = pg_result_text(res, row, COL_WORDS);
    struct bigram_set set;
    struct sbuf folded;

    sbuf_init(&folded, 0);
    bigram_fold(words, strlen(words), &folded);
    if (pg_result_null(res, row, COL_FOLDED) ||
        strcmp(folded.data, pg_result_text(res, row, COL_FOLDED)) != 0) {
        bigram_set_build(folded.data, folded.len, b->arena, &set);
        pg_array_int(&b->numbers, pg_result_int(res, row, COL_NUMBER));
        pg_array_text(&b->folded, arena_strndup(b->arena, folded.data, folded.len));
        pg_array_text(&b->grams, spell_grams(&set, b->arena));
        b->count++;
    }
    sbuf_free(&folded);
}

static void store(struct indexer *x, const struct pg_result *res)
{
    struct batch b = {.arena = arena_new()};
    struct pg_params params;

    pg_array_init(&b.numbers, b.arena);
    pg_array_init(&b.folded, b.arena);
    pg_array_init(&b.grams, b.arena);
    for (int row = 0; row < pg_result_rows(res); row++) {
        if (!pg_result_null(res, row, COL_NUMBER))
            add_ticket(&b, res, row);
    }
    x->batch_tickets = b.count;
    pg_params_init(&params, b.arena);
    pg_param_text(&params, pg_result_text(res, 0, COL_XID));
    pg_param_int(&params, pg_result_int(res, 0, COL_ID));
    pg_param_text(&params, pg_result_text(res, 0, COL_TO_XID));
    pg_param_int(&params, pg_result_int(res, 0, COL_TO_ID));
    pg_param_array(&params, &b.numbers);
    pg_param_array(&params, &b.folded);
    pg_param_array(&params, &b.grams);
    x->op = pg_submit(x->d->report_pool, &SQL_TEXT_STORE, &params, DAEMON_REPORT_TIMEOUT_US,
                      on_stored, x);
    arena_free(&b.arena);
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static void on_changes(void *ctx, const struct pg_result *res)
{
    struct indexer *x = ctx;

    x->op = NULL;
    x->has_more = false;
    if (!came_through(x, res, "reading"))
        return;
    if (pg_result_rows(res) == 0 || x->d->is_stopping) {
        arm_next(x);
        return;
    }
    x->has_more = pg_result_bool(res, 0, COL_WAITING);
    x->batch_events = pg_result_int(res, 0, COL_EVENTS);
    store(x, res);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct indexer *x = ctx;
    struct daemon *d = x->d;
    struct arena *arena;
    struct pg_params params;

    (void)fd;
    (void)what;
    if (d->is_stopping)
        return;
    x->began_us = clk_mono_us();
    if (!pg_pool_up(d->report_pool)) {
        x->has_more = false;
        arm_next(x);
        return;
    }
    arena = arena_new();
    pg_params_init(&params, arena);
    pg_param_int(&params, BATCH_EVENTS);
    x->op = pg_submit(d->report_pool, &SQL_TEXT_CHANGES, &params, DAEMON_REPORT_TIMEOUT_US,
                      on_changes, x);
    arena_free(&arena);
}

/* ---- life --------------------------------------------------------------------------------------
 */

struct indexer *indexer_new(struct daemon *d)
{
    struct indexer *x = xcalloc(1, sizeof(*x));

    x->d = d;
    x->timer = event_new(d->base, -1, 0, on_timer, x);
    INVARIANT(x->timer != NULL);
    return x;
}

void indexer_start(struct indexer *indexer)
{
    if (!indexer->op)
        arm(indexer, 0);
}

void indexer_free(struct indexer **indexer)
{
    if (!*indexer)
        return;
    pg_cancel(&(*indexer)->op);
    event_free((*indexer)->timer);
    free(*indexer);
    *indexer = NULL;
}
