/*
 * deadlines.c - the sweeper.
 */
#include "daemon/deadlines.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metrics.h"
#include "daemon/ticket_bulk.h"
#include "sql_catalogue.h"

#define SWEEP_MOST 5000             /* clocks looked at in one sweep */
#define SWEEP_AT_ONCE 16            /* tickets ticked one by one; if more are due, in bulk */
#define SWEEP_LOOK_US US_PER_MINUTE /* what other daemons started is found by then */
#define SWEEP_RETRY_US US_PER_SECOND

enum { METRIC_SWEEPS, METRIC_TICKED, METRIC_FAILED, METRIC_REFUSED };
static struct metric metrics[] = {
    [METRIC_SWEEPS] = {"hotlined_sweeps_total", NULL, "Looks for due clocks.", METRIC_COUNTER, 0},
    [METRIC_TICKED] = {"hotlined_sweep_tickets_total", NULL,
                       "Tickets whose warnings or breaches were recorded.", METRIC_COUNTER, 0},
    [METRIC_FAILED] = {"hotlined_sweep_failures_total", NULL,
                       "Sweeps put off because the database did not answer.", METRIC_COUNTER, 0},
    [METRIC_REFUSED] = {"hotlined_sweep_refused_total", NULL,
                        "Tickets whose warnings or breaches the database refused.", METRIC_COUNTER,
                        0},
};

struct settle_waiter {
    struct settle_waiter *next;
    void (*done)(void *ctx, bool ok);
    void *ctx;
};

struct sweeper {
    struct daemon *d;
    struct event *timer;
    struct pg_op *op;
    int64_t armed_us; /* wall instant the timer is set for; 0 = not set */
    bool is_running;  /* a sweep is under way */
    bool again;       /* kicked meanwhile */
    int64_t numbers[SWEEP_MOST];
    size_t count, at;
    int64_t future_us; /* next clock after now, 0 = none */
    int64_t hinted_us; /* of what was stored while a sweep was under way; it may not have seen it */
    struct store_job *jobs[SWEEP_AT_ONCE];
    struct bulk *bulk;
    size_t running, changed, failed;
    struct settle_waiter *waiters;
};

void sweeper_register_metrics(void)
{
    metrics_register(metrics, ARRAY_LEN(metrics));
}

static void sweep(struct sweeper *s);

/* ---- the timer
 * ------------------------------------------------------------------------------------ */

static void set_timer(struct sweeper *s, int64_t delay_us)
{
    struct timeval tv = {(time_t)(delay_us / US_PER_SECOND),
                         (suseconds_t)(delay_us % US_PER_SECOND)};
    event_add(s->timer, &tv);
}

static void arm(struct sweeper *s, int64_t at_us)
{
    int64_t delay = at_us - daemon_now_us(s->d);

    if (s->d->clk.is_test && (at_us == 0 || delay > 0)) /* stands still: moving it comes here */
        return;
    if (delay < 0)
        delay = 0;
    if (at_us == 0 || delay > SWEEP_LOOK_US)
        delay = SWEEP_LOOK_US;
    s->armed_us = daemon_now_us(s->d) + delay;
    set_timer(s, delay);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    sweeper_kick(ctx);
}

void deadlines_hint(struct sweeper *s, int64_t first)
{
    if (!s || !first)
        return;
    if (!s->is_running && (s->armed_us == 0 || first < s->armed_us))
        arm(s, first);
    else if (s->is_running && (s->hinted_us == 0 || first < s->hinted_us))
        s->hinted_us = first;
}

/* ---- one sweep
 * --------------------------------------------------------------------------------------- */

static void tell_waiters(struct sweeper *s, bool ok)
{
    struct settle_waiter *waiter = s->waiters;

    s->waiters = NULL;
    while (waiter) {
        struct settle_waiter *next = waiter->next;
        waiter->done(waiter->ctx, ok);
        free(waiter);
        waiter = next;
    }
}

static void put_off(struct sweeper *s)
{
    metric_inc(&metrics[METRIC_FAILED]);
    s->is_running = false;
    s->armed_us = daemon_now_us(s->d) + SWEEP_RETRY_US; /* so that a hint does not put it off */
    set_timer(s, SWEEP_RETRY_US);
    tell_waiters(s, false);
}

static void end_sweep(struct sweeper *s)
{
    if (s->failed) {
        put_off(s);
        return;
    }
    if (s->again || (s->count && s->changed)) {
        sweep(s);
        return;
    }
    if (s->count)
        log_error("deadlines", "clocks are due but nothing follows from them tickets=%zu",
                  s->count);
    s->is_running = false;
    bool is_hinted = s->hinted_us && (s->future_us == 0 || s->hinted_us < s->future_us);
    arm(s, is_hinted ? s->hinted_us : s->future_us);
    tell_waiters(s, true);
}

static void count_one(void *ctx, size_t index, enum store_outcome outcome, bool is_changed)
{
    struct sweeper *s = ctx;

    (void)index;
    if (outcome == STORE_DONE) {
        s->changed += is_changed;
        metric_add(&metrics[METRIC_TICKED], is_changed);
    } else if (outcome == STORE_FAILED) { /* logged there; the others need not wait for it */
        metric_inc(&metrics[METRIC_REFUSED]);
    } else if (outcome != STORE_ABSENT) {
        s->failed++;
    }
}

/* ---- one by one --------------------------------------------------------------------------------
 */

static enum store_verdict decide(struct store_job *job)
{
    struct plan_context plan = store_plan_context(job);

    ticket_plan_tick(&plan, &job->record.view, daemon_now_us(job->d), &job->change);
    return STORE_VERDICT_APPLY;
}

static void next_ticket(struct sweeper *s, size_t slot);

static void done(struct store_job *job, enum store_outcome outcome)
{
    struct sweeper *s = job->ctx;
    size_t slot = 0;

    while (s->jobs[slot] != job)
        slot++;
    s->jobs[slot] = NULL;
    s->running--;
    count_one(s, 0, outcome, outcome == STORE_DONE && job->change.is_changed);
    next_ticket(s, slot);
    if (s->running == 0)
        end_sweep(s);
}

static void next_ticket(struct sweeper *s, size_t slot)
{
    if (s->at == s->count || s->failed)
        return;
    s->running++;
    s->jobs[slot] = store_start(s->d, s->numbers[s->at++], 0, decide, done, s);
}

/* ---- in bulk -----------------------------------------------------------------------------------
 */

static void bulk_done(void *ctx)
{
    struct sweeper *s = ctx;

    s->bulk = NULL;
    end_sweep(s);
}

static void start(struct sweeper *s)
{
    const struct bulk_use use = {NULL, count_one, bulk_done, s};

    if (s->count > SWEEP_AT_ONCE) {
        s->bulk = bulk_start(s->d, s->numbers, s->count, &use);
        return;
    }
    for (size_t slot = 0; slot < SWEEP_AT_ONCE; slot++)
        next_ticket(s, slot);
    if (s->running == 0)
        end_sweep(s);
}

static void take_due(struct sweeper *s, const struct pg_result *res)
{
    int64_t now = daemon_now_us(s->d);

    s->count = s->at = s->changed = s->failed = 0;
    s->future_us = 0;
    for (int i = 0; i < pg_result_rows(res); i++) {
        int64_t next = pg_result_int(res, i, 1);
        if (next > now)
            s->future_us = next;
        else if (s->count < SWEEP_MOST)
            s->numbers[s->count++] = pg_result_int(res, i, 0);
    }
}

static void on_due(void *ctx, const struct pg_result *res)
{
    struct sweeper *s = ctx;

    s->op = NULL;
    if (pg_result_outcome(res) != PG_ROWS) {
        put_off(s);
        return;
    }
    take_due(s, res);
    start(s);
}

static void sweep(struct sweeper *s)
{
    struct arena *arena = arena_new();
    struct pg_params params;

    s->is_running = true;
    s->again = false;
    s->hinted_us = 0;
    metric_inc(&metrics[METRIC_SWEEPS]);
    pg_params_init(&params, arena);
    pg_param_instant(&params, daemon_now_us(s->d));
    pg_param_int(&params, SWEEP_MOST);
    s->op = pg_submit(s->d->work_pool, &SQL_CLOCK_DUE, &params, DAEMON_READ_TIMEOUT_US, on_due, s);
    arena_free(&arena);
}

void sweeper_kick(struct sweeper *s)
{
    event_del(s->timer);
    s->armed_us = 0;
    if (!s->d->city)
        return;
    if (s->is_running)
        s->again = true;
    else
        sweep(s);
}

void sweeper_settle(struct sweeper *s, void (*settled)(void *ctx, bool ok), void *ctx)
{
    struct settle_waiter *waiter = xcalloc(1, sizeof(*waiter));

    waiter->done = settled;
    waiter->ctx = ctx;
    waiter->next = s->waiters;
    s->waiters = waiter;
    sweeper_kick(s);
}

/* ---- life
 * -------------------------------------------------------------------------------------------- */

struct sweeper *sweeper_new(struct daemon *d)
{
    struct sweeper *s = xcalloc(1, sizeof(*s));

    s->d = d;
    s->timer = evtimer_new(d->base, on_timer, s);
    INVARIANT(s->timer != NULL);
    return s;
}

void sweeper_free(struct sweeper **sweeper)
{
    struct sweeper *s = *sweeper;

    if (!s)
        return;
    pg_cancel(&s->op);
    bulk_cancel(&s->bulk);
    for (size_t i = 0; i < SWEEP_AT_ONCE; i++)
        store_cancel(&s->jobs[i]);
    tell_waiters(s, false);
    event_free(s->timer);
    free(s);
    *sweeper = NULL;
}
