/*
 * wechat_sweep.c - what nobody waits for: conversations whose time is over, matters without a
 * ticket, effects that a crash left behind, tickets whose citizens were not told at once.
 *
 * The state is in the database; here is only a timer for the first conversation that will be over,
 * and a look every few seconds for what else there is.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/wechat_private.h"
#include "sql_catalogue.h"

#define SWEEP_MOST 200
#define SWEEP_AT_ONCE 16
#define SWEEP_LOOK_US (20 * US_PER_SECOND)
#define SWEEP_RUN_US (10 * US_PER_SECOND)
/* Who pushed a message may still wait for it: it is not taken up before. */
#define SWEEP_ABANDONED_US (10 * US_PER_SECOND)

/* Deliveries that nobody reported within this time were not ours. */
#define TIDY_AFTER_US (24 * 3600 * US_PER_SECOND)
#define TIDY_EACH_US (60 * US_PER_SECOND)
#define TIDY_MOST 5000
/* When what waits in the outbox is of no use any more: WeChat takes a text for 48 hours after the
 * citizen wrote and keeps media for three days; news in a template are old after a week. */
#define HOUR_US (3600 * US_PER_SECOND)
#define TEXT_LIFE_US (48 * HOUR_US)
#define MEDIA_LIFE_US (72 * HOUR_US)
#define TEMPLATE_LIFE_US (7 * 24 * HOUR_US)

enum task { TASK_OVER, TASK_MATTER, TASK_MESSAGE, TASKS };
static const char *const task_words[TASKS] = {"over", "matter", "message"};

struct item {
    enum task task;
    const char *account, *key;
    const uint8_t *openid;
    int64_t id;
};

struct waiter {
    struct waiter *next;
    void (*done)(void *ctx, bool ok);
    void *ctx;
};

struct wechat_sweep;
struct slot {
    struct wechat_sweep *s;
    struct wechat_run *run;
    struct pg_op *op; /* putting off what failed */
    const struct item *item;
};

struct wechat_sweep {
    struct wechat *w;
    struct event *timer;
    struct pg_op *op;
    struct arena *arena; /* of the items */
    bool is_running, again, is_first;
    int64_t next_us, armed_us;
    int64_t tidied_us;
    struct item items[3 * SWEEP_MOST];
    size_t count, at, running, worked;
    bool is_broken; /* the database did not take something */
    struct slot slots[SWEEP_AT_ONCE];
    struct waiter *waiters;
};

static void sweep(struct wechat_sweep *s);

/* ---- the timer
 * ---------------------------------------------------------------------------------------- */

static void arm(struct wechat_sweep *s, int64_t at_us)
{
    int64_t delay = at_us ? at_us - daemon_now_us(s->w->d) : SWEEP_LOOK_US;

    if (delay > SWEEP_LOOK_US || (s->w->d->clk.is_test && delay > 0)) /* it stands still */
        delay = SWEEP_LOOK_US;
    if (delay < 0)
        delay = 0;
    struct timeval tv = {(time_t)(delay / US_PER_SECOND), (suseconds_t)(delay % US_PER_SECOND)};
    s->armed_us = daemon_now_us(s->w->d) + delay;
    (void)event_add(s->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    wechat_sweep_kick(ctx);
}

void wechat_sweep_hint(struct wechat_sweep *s, int64_t at_us)
{
    if (s->next_us == 0 || at_us < s->next_us)
        s->next_us = at_us;
    if (!s->is_running && at_us < s->armed_us)
        arm(s, at_us);
}

/* ---- the end
 * ------------------------------------------------------------------------------------------ */

static void tell_waiters(struct wechat_sweep *s, bool ok)
{
    struct waiter *waiter = s->waiters;

    s->waiters = NULL;
    while (waiter) {
        struct waiter *next = waiter->next;
        waiter->done(waiter->ctx, ok);
        free(waiter);
        waiter = next;
    }
}

static void end_sweep(struct wechat_sweep *s, bool ok)
{
    ok = ok && !s->is_broken; /* what failed was put off, and hinders nobody */
    arena_free(&s->arena);
    if (ok && (s->again || s->worked > 0)) {
        sweep(s);
        return;
    }
    s->is_running = false;
    arm(s, s->next_us);
    tell_waiters(s, ok);
}

/* ---- tickets that moved
 * -------------------------------------------------------------------------------- */

static void on_told(void *ctx, const struct pg_result *res)
{
    struct wechat_sweep *s = ctx;
    bool ok = pg_result_outcome(res) == PG_ROWS;

    s->op = NULL;
    if (ok) {
        s->worked += (size_t)pg_result_rows(res);
        metric_add(&wechat_metrics[WECHAT_METRIC_NEWS_LATE], pg_result_rows(res));
    }
    end_sweep(s, ok);
}

static void on_moved(void *ctx, const struct pg_result *res)
{
    struct wechat_sweep *s = ctx;

    s->op = NULL;
    if (pg_result_outcome(res) == PG_ROWS && pg_result_rows(res) > 0)
        s->op = wechat_news_tell(s->w, res, s->arena, on_told, s);
    else
        end_sweep(s, pg_result_outcome(res) == PG_ROWS);
}

static void find_moved(struct wechat_sweep *s)
{
    struct pg_params p;

    wechat_news_watch(s->w->news); /* there may have been too many who wait */
    pg_params_init(&p, s->arena);
    pg_param_int(&p, SWEEP_MOST);
    s->op =
        pg_submit(s->w->d->work_pool, &SQL_WECHAT_MOVED, &p, DAEMON_READ_TIMEOUT_US, on_moved, s);
}

/* ---- what is somebody else's
 * ----------------------------------------------------------------------------- */

static void on_tidied(void *ctx, const struct pg_result *res)
{
    struct wechat_sweep *s = ctx;

    s->op = NULL;
    if (pg_result_outcome(res) == PG_ROWS) /* the next one takes what this one left */
        metric_add(&wechat_metrics[WECHAT_METRIC_EXPIRED], pg_result_int(res, 0, 1));
    find_moved(s);
}

static void tidy(struct wechat_sweep *s)
{
    int64_t now_us = daemon_now_us(s->w->d), since_us = now_us - s->tidied_us;
    struct pg_params p;

    if (since_us >= 0 && since_us < TIDY_EACH_US) {
        find_moved(s);
        return;
    }
    s->tidied_us = now_us;
    pg_params_init(&p, s->arena);
    pg_param_instant(&p, now_us - TIDY_AFTER_US);
    pg_param_int(&p, TIDY_MOST);
    pg_param_instant(&p, now_us - TEXT_LIFE_US);
    pg_param_instant(&p, now_us - MEDIA_LIFE_US);
    pg_param_instant(&p, now_us - TEMPLATE_LIFE_US);
    pg_param_instant(&p, now_us);
    s->op =
        pg_submit(s->w->d->work_pool, &SQL_WECHAT_TIDY, &p, DAEMON_WRITE_TIMEOUT_US, on_tidied, s);
}

/* ---- one by one
 * --------------------------------------------------------------------------------------- */

static void fill_slots(struct wechat_sweep *s);

static void end_slot(struct slot *slot)
{
    slot->item = NULL;
    slot->s->running--;
    fill_slots(slot->s);
}

static void on_put_off(void *ctx, const struct pg_result *res)
{
    struct slot *slot = ctx;

    slot->op = NULL;
    if (pg_result_outcome(res) == PG_ROWS) {
        metric_inc(&wechat_metrics[WECHAT_METRIC_PUT_OFF]);
        slot->s->worked += pg_result_int(res, 0, 0) > 0; /* there may be more behind it */
        log_limited(LOG_LEVEL_WARN, "wechat", "put off what=%s account=%s id=%lld failures=%lld",
                    task_words[slot->item->task], slot->item->account, (long long)slot->item->id,
                    (long long)pg_result_int(res, 0, 0));
    } else {
        slot->s->is_broken = true;
    }
    end_slot(slot);
}

/* What fails once more each time must not stand in front of what follows. */
static void put_off(struct slot *slot)
{
    struct wechat_sweep *s = slot->s;
    const struct item *item = slot->item;
    struct pg_params p;

    pg_params_init(&p, s->arena);
    pg_param_text(&p, item->account);
    pg_param_bytea(&p, item->openid, CRYPTO_SHA256_SIZE);
    pg_param_text(&p, item->key);
    if (item->task == TASK_MATTER)
        pg_param_int(&p, item->id);
    else
        pg_param_null(&p);
    pg_param_instant(&p, daemon_now_us(s->w->d));
    slot->op = pg_submit(s->w->d->work_pool, &SQL_WECHAT_PUT_OFF, &p, DAEMON_WRITE_TIMEOUT_US,
                         on_put_off, slot);
}

static void on_run(void *ctx, bool ok, const char *reply)
{
    struct slot *slot = ctx;

    (void)reply;
    slot->run = NULL;
    slot->s->worked += ok;
    if (ok)
        end_slot(slot);
    else
        put_off(slot);
}

static void start(struct slot *slot, const struct item *item)
{
    struct wechat *w = slot->s->w;
    const struct wechat_account *account = wechat_account_find(w->accounts, item->account);

    if (!account) /* not loaded yet: another daemon made it */
        return;
    struct wechat_run *run = wechat_run_new(w, account);
    slot->run = run;
    slot->item = item;
    slot->s->running++;
    if (item->task == TASK_MATTER) {
        wechat_run_matter(run, item->id, SWEEP_RUN_US, on_run, slot);
        return;
    }
    uint8_t *openid = arena_alloc(run->arena, CRYPTO_SHA256_SIZE);
    memcpy(openid, item->openid, CRYPTO_SHA256_SIZE);
    run->event = (struct wechat_event){
        .key = item->key ? arena_strdup(run->arena, item->key) : NULL,
        .openid = openid,
        .type = "time",
        .input = {.type = TALK_TIME_OVER},
    };
    wechat_run_start(run, SWEEP_RUN_US, on_run, slot);
}

static void fill_slots(struct wechat_sweep *s)
{
    for (size_t i = 0; i < SWEEP_AT_ONCE; i++) {
        while (!s->slots[i].item && s->at < s->count)
            start(&s->slots[i], &s->items[s->at++]);
    }
    if (s->running == 0)
        tidy(s);
}

static void take_row(struct wechat_sweep *s, const struct pg_result *res, int row, int64_t now_us)
{
    struct item *item = &s->items[s->count];
    const char *what = pg_result_text(res, row, 0);
    int64_t at_us = pg_result_int(res, row, 5);
    size_t len;
    int task = 0;

    while (task < TASKS && strcmp(task_words[task], what) != 0)
        task++;
    if (task == TASKS) {
        s->next_us = s->next_us == 0 || at_us < s->next_us ? at_us : s->next_us;
        return;
    }
    if (task == TASK_MESSAGE && !s->is_first && at_us > now_us - SWEEP_ABANDONED_US)
        return;
    *item = (struct item){
        .task = (enum task)task,
        .account = arena_strdup(s->arena, pg_result_text(res, row, 1)),
        .key = pg_result_null(res, row, 3) ? NULL
                                           : arena_strdup(s->arena, pg_result_text(res, row, 3)),
        .openid = pg_result_bytea(res, row, 2, s->arena, &len),
        .id = pg_result_int(res, row, 4),
    };
    s->count++;
}

static void on_due(void *ctx, const struct pg_result *res)
{
    struct wechat_sweep *s = ctx;
    int64_t now = daemon_now_us(s->w->d);

    s->op = NULL;
    if (pg_result_outcome(res) != PG_ROWS) {
        end_sweep(s, false);
        return;
    }
    for (int i = 0; i < pg_result_rows(res); i++)
        take_row(s, res, i, now);
    s->is_first = false;
    fill_slots(s);
}

static void sweep(struct wechat_sweep *s)
{
    struct pg_params p;

    s->is_running = true;
    s->again = false;
    s->next_us = 0;
    s->count = s->at = s->worked = 0;
    s->is_broken = false;
    s->arena = arena_new();
    pg_params_init(&p, s->arena);
    pg_param_instant(&p, daemon_now_us(s->w->d));
    pg_param_int(&p, SWEEP_MOST);
    s->op = pg_submit(s->w->d->work_pool, &SQL_WECHAT_DUE, &p, DAEMON_READ_TIMEOUT_US, on_due, s);
}

void wechat_sweep_kick(struct wechat_sweep *s)
{
    if (s->is_running || !s->w->accounts || !s->w->d->city) {
        s->again = s->is_running;
        if (!s->is_running)
            tell_waiters(s, true);
        return;
    }
    (void)event_del(s->timer);
    sweep(s);
}

void wechat_sweep_settle(struct wechat_sweep *s, void (*done)(void *ctx, bool ok), void *ctx)
{
    struct waiter *waiter = xcalloc(1, sizeof(*waiter));

    waiter->done = done;
    waiter->ctx = ctx;
    waiter->next = s->waiters;
    s->waiters = waiter;
    wechat_sweep_kick(s);
}

/* ---- life
 * -------------------------------------------------------------------------------------------- */

struct wechat_sweep *wechat_sweep_new(struct wechat *w)
{
    struct wechat_sweep *s = xcalloc(1, sizeof(*s));

    s->w = w;
    s->is_first = true;
    for (size_t i = 0; i < SWEEP_AT_ONCE; i++)
        s->slots[i].s = s;
    s->timer = evtimer_new(w->d->base, on_timer, s);
    INVARIANT(s->timer != NULL);
    return s;
}

void wechat_sweep_free(struct wechat_sweep **sweep_r)
{
    struct wechat_sweep *s = *sweep_r;

    if (!s)
        return;
    pg_cancel(&s->op);
    for (size_t i = 0; i < SWEEP_AT_ONCE; i++) {
        wechat_run_cancel(&s->slots[i].run);
        pg_cancel(&s->slots[i].op);
    }
    arena_free(&s->arena);
    tell_waiters(s, false);
    event_free(s->timer);
    free(s);
    *sweep_r = NULL;
}
