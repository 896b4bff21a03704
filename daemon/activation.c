/*
 * activation.c - see activation.h.
 */
#include "daemon/activation.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metrics.h"
#include "daemon/config.h"
#include "sql_catalogue.h"

#define RETRY_US US_PER_SECOND
/* A timer that is far away is set anew: the wall clock may be set meanwhile. */
#define LOOK_US US_PER_MINUTE

enum { METRIC_DONE, METRIC_FAILED, METRIC_WRITTEN_OFF };
static struct metric metrics[] = {
    [METRIC_DONE] = {"hotlined_activations_total", NULL,
                     "Planned changes that came into force here first.", METRIC_COUNTER, 0},
    [METRIC_FAILED] = {"hotlined_activation_retries_total", NULL,
                       "Times the database did not note a planned change.", METRIC_COUNTER, 0},
    [METRIC_WRITTEN_OFF] = {"hotlined_activations_written_off_total", NULL,
                            "Planned changes that the city does not build with.", METRIC_COUNTER,
                            0},
};

struct waiter {
    struct waiter *next;
    void (*done)(void *ctx, bool ok);
    void *ctx;
};

struct activation {
    struct daemon *d;
    struct event *timer;
    struct pg_op *op;
    bool is_running; /* being noted, or loading what comes after */
    bool is_loading; /* of these the second: it cannot be called off */
    bool is_freed;
    bool writes_off;
    struct waiter *waiters;
};

void activation_register_metrics(void)
{
    metrics_register(metrics, ARRAY_LEN(metrics));
}

static void tell_waiters(struct activation *a, bool ok)
{
    struct waiter *waiter = a->waiters;

    a->waiters = NULL;
    while (waiter) {
        struct waiter *next = waiter->next;
        waiter->done(waiter->ctx, ok);
        free(waiter);
        waiter = next;
    }
}

static void set_timer(struct activation *a, int64_t delay_us)
{
    struct timeval tv = {(time_t)(delay_us / US_PER_SECOND),
                         (suseconds_t)(delay_us % US_PER_SECOND)};
    event_add(a->timer, &tv);
}

static bool is_due(const struct daemon *d)
{
    return d->next.at_us && daemon_now_us(d) >= d->next.at_us;
}

/* ---- noting it ---------------------------------------------------------------------------------
 */

static void put_off(struct activation *a)
{
    metric_inc(&metrics[METRIC_FAILED]);
    a->is_running = false;
    set_timer(a, RETRY_US);
    tell_waiters(a, false);
}

static void on_loaded(void *ctx, bool ok)
{
    struct activation *a = ctx;

    a->is_loading = false;
    if (a->is_freed) {
        free(a);
        return;
    }
    if (!ok) {
        put_off(a);
        return;
    }
    a->is_running = false;
    activation_look(a);
}

static void load_next(struct activation *a)
{
    a->is_loading = true;
    config_load(a->d, on_loaded, a);
}

static void on_applied(void *ctx, const struct pg_result *res)
{
    struct activation *a = ctx;
    enum pg_outcome outcome = pg_result_outcome(res);

    a->op = NULL;
    if (outcome != PG_ROWS && outcome != PG_OK) {
        log_warn("activation", "a planned change could not be noted: %s %s",
                 pg_outcome_name(outcome), pg_result_message(res));
        put_off(a);
        return;
    }
    if (pg_result_rows(pg_result_at(res, 1)) == 1) {
        metric_inc(&metrics[a->writes_off ? METRIC_WRITTEN_OFF : METRIC_DONE]);
        log_info("activation", "%s config=%s",
                 a->writes_off ? "does not build, written off" : "in force",
                 pg_result_text(pg_result_at(res, 1), 0, 0));
    }
    load_next(a);
}

static void note(struct activation *a)
{
    const struct config_next *next = &a->d->next;
    struct arena *arena = arena_new();
    struct pg_params none, params;
    const struct pg_call calls[] = {{&SQL_CONFIG_LOCK, &none}, {&SQL_ACTIVATION_APPLY, &params}};

    a->writes_off = next->why != NULL;
    pg_params_init(&none, arena);
    pg_params_init(&params, arena);
    pg_param_instant(&params, next->at_us);
    pg_param_int(&params, next->base);
    pg_param_instant(&params, daemon_now_us(a->d));
    pg_param_text(&params, next->why);
    a->op = pg_submit_group(a->d->work_pool, calls, ARRAY_LEN(calls), DAEMON_WRITE_TIMEOUT_US,
                            on_applied, a);
    arena_free(&arena);
}

/* ---- the timer ---------------------------------------------------------------------------------
 */

static void arm(struct activation *a)
{
    int64_t at = a->d->next.at_us;
    int64_t delay = at - daemon_now_us(a->d);

    event_del(a->timer);
    if (at == 0 || (a->d->clk.is_test && delay > 0)) /* moving the test clock comes here */
        return;
    set_timer(a, delay < 0 ? 0 : delay < LOOK_US ? delay : LOOK_US);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct activation *a = ctx;

    (void)fd;
    (void)what;
    if (a->is_running)
        return;
    if (!is_due(a->d)) {
        arm(a);
        tell_waiters(a, true);
        return;
    }
    a->is_running = true;
    config_advance(a->d, daemon_now_us(a->d));
    if (a->d->next.is_stored)
        load_next(a);
    else
        note(a);
}

void activation_look(struct activation *a)
{
    if (!a || a->is_running)
        return;
    if (a->waiters)
        event_active(a->timer, EV_TIMEOUT, 0);
    else
        arm(a);
}

void activation_settle(struct activation *a, void (*done)(void *ctx, bool ok), void *ctx)
{
    struct waiter *waiter = xcalloc(1, sizeof(*waiter));

    waiter->done = done;
    waiter->ctx = ctx;
    waiter->next = a->waiters;
    a->waiters = waiter;
    activation_look(a);
}

/* ---- life --------------------------------------------------------------------------------------
 */

struct activation *activation_new(struct daemon *d)
{
    struct activation *a = xcalloc(1, sizeof(*a));

    a->d = d;
    a->timer = evtimer_new(d->base, on_timer, a);
    INVARIANT(a->timer != NULL);
    return a;
}

void activation_free(struct activation **activation)
{
    struct activation *a = *activation;

    *activation = NULL;
    if (!a)
        return;
    pg_cancel(&a->op);
    tell_waiters(a, false);
    event_free(a->timer);
    a->is_freed = true;
    if (!a->is_loading) /* else the end of the loading frees it */
        free(a);
}
