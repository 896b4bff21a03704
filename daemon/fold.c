/*
 * fold.c - one timer, one transaction at a time.
 */
#include "daemon/fold.h"

#include <stdlib.h>

#include <event2/event.h>

#include "base/log.h"
#include "base/metrics.h"
#include "sql_catalogue.h"

/* Rows a transaction sums at most; about a tenth of a second of the database's work. */
#define FOLD_BATCH_ROWS 20000
#define FOLD_PERIOD_US (60 * US_PER_SECOND)

static struct metric folded_rows = {.name = "hotlined_tally_folded_total",
                                    .help = "Rows of the count summed by day."};
static struct metric failures = {.name = "hotlined_tally_fold_failures_total",
                                 .help = "Folds that did not come through; tried again later."};

struct fold {
    struct daemon *d;
    struct event *timer;
    struct pg_op *op;
};

void fold_register_metrics(void)
{
    metrics_register(&folded_rows, 1);
    metrics_register(&failures, 1);
}

static void arm(struct fold *fold, int64_t us)
{
    struct timeval tv = {.tv_sec = (time_t)(us / US_PER_SECOND),
                         .tv_usec = (suseconds_t)(us % US_PER_SECOND)};

    event_add(fold->timer, &tv);
}

static void on_folded(void *ctx, const struct pg_result *res)
{
    struct fold *fold = ctx;
    int64_t rows = 0;

    fold->op = NULL;
    if (pg_result_outcome(res) == PG_ROWS || pg_result_outcome(res) == PG_OK) {
        rows = pg_result_int(pg_result_at(res, 0), 0, 0);
        metric_add(&folded_rows, rows);
    } else {
        metric_inc(&failures);
        log_limited(LOG_LEVEL_WARN, "fold", "folding the count failed outcome=%s sqlstate=%s %s",
                    pg_outcome_name(pg_result_outcome(res)), pg_result_sqlstate(res),
                    pg_result_message(res));
    }
    arm(fold, rows >= FOLD_BATCH_ROWS ? 0 : FOLD_PERIOD_US);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct fold *fold = ctx;
    struct daemon *d = fold->d;
    struct arena *arena;
    struct pg_params params;

    (void)fd;
    (void)what;
    if (d->is_stopping)
        return;
    if (!d->city || !pg_pool_up(d->work_pool)) { /* without a city nothing has been counted */
        arm(fold, FOLD_PERIOD_US);
        return;
    }
    arena = arena_new();
    pg_params_init(&params, arena);
    pg_param_int(&params, city_offset_min(d->city));
    pg_param_int(&params, FOLD_BATCH_ROWS);
    const struct pg_call calls[] = {{&SQL_TALLY_FOLD, &params}, {&SQL_TALLY_STOCK_TIDY, NULL}};
    fold->op = pg_submit_group(d->work_pool, calls, ARRAY_LEN(calls), DAEMON_REPORT_TIMEOUT_US,
                               on_folded, fold);
    arena_free(&arena);
}

struct fold *fold_new(struct daemon *d)
{
    struct fold *fold = xcalloc(1, sizeof(*fold));

    fold->d = d;
    fold->timer = event_new(d->base, -1, 0, on_timer, fold);
    INVARIANT(fold->timer != NULL);
    return fold;
}

void fold_start(struct fold *fold)
{
    if (!fold->op)
        arm(fold, 0);
}

void fold_free(struct fold **fold)
{
    if (!*fold)
        return;
    pg_cancel(&(*fold)->op);
    event_free((*fold)->timer);
    free(*fold);
    *fold = NULL;
}
