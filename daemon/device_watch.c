/*
 * device_watch.c - one timer for all devices: emergencies that nobody acts on (15 s, 60 s), and
 * devices that fell silent. Both are statements that do everything that is due at an instant; they
 * tell when to look again.
 */
#include <event2/event.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metrics.h"
#include "daemon/device.h"
#include "daemon/push.h"
#include "sql_catalogue.h"

#define LOOK_US US_PER_MINUTE /* what other daemons started is found by then */
#define RETRY_US US_PER_SECOND
#define ALERTS_MOST 200
#define SILENT_MOST 500
#define SILENT_PERIODS 3 /* DOMAIN 6 */

enum { METRIC_UNANSWERED, METRIC_SILENT, METRIC_FAILED };
static struct metric metrics[] = {
    [METRIC_UNANSWERED] = {"hotlined_device_unanswered_total", NULL,
                           "Steps taken because nobody acted on an emergency.", METRIC_COUNTER, 0},
    [METRIC_SILENT] = {"hotlined_device_silent_total", NULL, "Devices that fell silent.",
                       METRIC_COUNTER, 0},
    [METRIC_FAILED] = {"hotlined_device_watch_failures_total", NULL,
                       "Looks put off because the database did not answer.", METRIC_COUNTER, 0},
};

struct waiter {
    struct waiter *next;
    void (*done)(void *ctx, bool ok);
    void *ctx;
};

struct device_watch {
    struct daemon *d;
    struct event *timer;
    struct pg_op *op;
    int64_t armed_us; /* 0 = not */
    int64_t next_us;  /* of this look */
    int64_t hinted_us;
    int64_t back_us; /* since then devices can be heard */
    int64_t away_us; /* since then they cannot; 0 = they can */
    bool is_running, again;
    bool is_settled; /* nothing is due; the waiters still wait for tickets */
    struct waiter *waiters;
};

/* ---- the timer ---------------------------------------------------------------------------------
 */

static void set_timer(struct device_watch *w, int64_t delay_us)
{
    struct timeval tv = {(time_t)(delay_us / US_PER_SECOND),
                         (suseconds_t)(delay_us % US_PER_SECOND)};
    (void)event_add(w->timer, &tv);
}

static void arm(struct device_watch *w, int64_t at_us)
{
    int64_t delay = at_us - daemon_now_us(w->d);

    if (w->d->clk.is_test && (at_us == 0 || delay > 0)) /* stands still: moving it comes here */
        return;
    if (delay < 0)
        delay = 0;
    if (at_us == 0 || delay > LOOK_US)
        delay = LOOK_US;
    w->armed_us = daemon_now_us(w->d) + delay;
    set_timer(w, delay);
}

void device_watch_hint(struct device_watch *w, int64_t at_us)
{
    if (!w || !at_us)
        return;
    if (w->is_running && (!w->hinted_us || at_us < w->hinted_us))
        w->hinted_us = at_us;
    else if (!w->is_running && (!w->armed_us || at_us < w->armed_us))
        arm(w, at_us);
}

static void tell_waiters(struct device_watch *w, bool ok)
{
    struct waiter *waiter = w->waiters;

    w->waiters = NULL;
    w->is_settled = false;
    while (waiter) {
        struct waiter *next = waiter->next;
        waiter->done(waiter->ctx, ok);
        free(waiter);
        waiter = next;
    }
}

/* ---- one look ----------------------------------------------------------------------------------
 */

static void look_at_alerts(struct device_watch *w);
static void look_at_silence(struct device_watch *w);

static void put_off(struct device_watch *w)
{
    metric_inc(&metrics[METRIC_FAILED]);
    w->is_running = false;
    w->armed_us = daemon_now_us(w->d) + RETRY_US;
    set_timer(w, RETRY_US);
    tell_waiters(w, false);
}

static void earlier(int64_t *at_us, int64_t other_us)
{
    if (other_us && (!*at_us || other_us < *at_us))
        *at_us = other_us;
}

/* Silent devices have become matters: the settled state is theirs too. */
void device_watch_idle(struct device_watch *w, bool ok)
{
    if (!w || !w->waiters || w->is_running)
        return;
    if (w->is_settled || !ok)
        tell_waiters(w, ok);
}

static void end_look(struct device_watch *w)
{
    if (w->again) {
        w->again = false;
        look_at_alerts(w);
        return;
    }
    w->is_running = false;
    earlier(&w->next_us, w->hinted_us);
    arm(w, w->next_us);
    if (!w->waiters)
        return;
    w->is_settled = true;
    device_matters_kick(w->d->device_matters); /* its end tells the waiters */
}

static bool is_good(const struct pg_result *res)
{
    return pg_result_outcome(res) == PG_ROWS && pg_result_rows(res) == 1;
}

static void on_silence(void *ctx, const struct pg_result *res)
{
    struct device_watch *w = ctx;

    w->op = NULL;
    if (!is_good(res)) {
        put_off(w);
        return;
    }
    int64_t silent = pg_result_int(res, 0, 0);
    metric_add(&metrics[METRIC_SILENT], silent);
    if (silent)
        device_matters_kick(w->d->device_matters);
    if (silent == SILENT_MOST) {
        look_at_silence(w);
        return;
    }
    /* One microsecond behind: silence is more than three periods. */
    earlier(&w->next_us, pg_result_null(res, 0, 1) ? 0 : pg_result_int(res, 0, 1) + 1);
    end_look(w);
}

static void look_at_silence(struct device_watch *w)
{
    const struct settings *s = &w->d->settings;
    const int64_t since_us = w->back_us + s->device_heartbeat_seconds * US_PER_SECOND;
    struct arena *arena;
    struct pg_params params;

    if (daemon_now_us(w->d) < since_us) { /* whoever is well has not had the time to say so */
        earlier(&w->next_us, since_us);
        end_look(w);
        return;
    }
    arena = arena_new();
    pg_params_init(&params, arena);
    pg_param_instant(&params, daemon_now_us(w->d));
    pg_param_int(&params, SILENT_PERIODS * s->device_heartbeat_seconds * US_PER_SECOND);
    pg_param_int(&params, SILENT_MOST);
    w->op = pg_submit(w->d->bulk_pool, &SQL_DEVICE_SILENCE, &params, DAEMON_READ_TIMEOUT_US,
                      on_silence, w);
    arena_free(&arena);
}

static void on_alerts(void *ctx, const struct pg_result *res)
{
    struct device_watch *w = ctx;

    w->op = NULL;
    if (!is_good(res)) {
        put_off(w);
        return;
    }
    metric_add(&metrics[METRIC_UNANSWERED], pg_result_int(res, 0, 1));
    if (pg_result_int(res, 0, 1))
        push_hint(w->d->push);
    if (pg_result_int(res, 0, 0)) { /* the next step may be due already */
        look_at_alerts(w);
        return;
    }
    earlier(&w->next_us, pg_result_int(res, 0, 2));
    look_at_silence(w);
}

static void look_at_alerts(struct device_watch *w)
{
    const struct settings *s = &w->d->settings;
    struct arena *arena = arena_new();
    struct pg_params params;

    w->is_running = true;
    w->is_settled = false;
    w->hinted_us = 0;
    w->next_us = 0;
    pg_params_init(&params, arena);
    pg_param_instant(&params, daemon_now_us(w->d));
    pg_param_int(&params, s->device_escalate_seconds * US_PER_SECOND);
    pg_param_int(&params, ALERTS_MOST);
    w->op = pg_submit(w->d->device_pool, &SQL_DEVICE_ALERT, &params, DAEMON_READ_TIMEOUT_US,
                      on_alerts, w);
    arena_free(&arena);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    device_watch_kick(ctx);
}

void device_watch_kick(struct device_watch *w)
{
    (void)event_del(w->timer);
    w->armed_us = 0;
    if (!w->d->city)
        return;
    if (w->is_running)
        w->again = true;
    else
        look_at_alerts(w);
}

void device_watch_away(struct device_watch *w)
{
    if (w && !w->away_us)
        w->away_us = daemon_now_us(w->d);
}

void device_watch_back(struct device_watch *w)
{
    const int64_t now_us = daemon_now_us(w->d);
    const int64_t period_us = w->d->settings.device_heartbeat_seconds * US_PER_SECOND;

    if (!w->back_us || (w->away_us && now_us - w->away_us >= period_us))
        w->back_us = now_us;
    w->away_us = 0;
}

void device_watch_settle(struct device_watch *w, void (*done)(void *ctx, bool ok), void *ctx)
{
    struct waiter *waiter = xcalloc(1, sizeof(*waiter));

    waiter->done = done;
    waiter->ctx = ctx;
    waiter->next = w->waiters;
    w->waiters = waiter;
    device_watch_kick(w);
}

/* ---- life --------------------------------------------------------------------------------------
 */

struct device_watch *device_watch_new(struct daemon *d)
{
    static bool is_registered;
    struct device_watch *w = xcalloc(1, sizeof(*w));

    if (!is_registered)
        metrics_register(metrics, ARRAY_LEN(metrics));
    is_registered = true;
    w->d = d;
    w->timer = evtimer_new(d->base, on_timer, w);
    INVARIANT(w->timer != NULL);
    return w;
}

void device_watch_free(struct device_watch **watch)
{
    struct device_watch *w = *watch;

    if (!w)
        return;
    pg_cancel(&w->op);
    tell_waiters(w, false);
    event_free(w->timer);
    free(w);
    *watch = NULL;
}
