/*
 * push.c - following the event table, and telling other daemons.
 */
#include "daemon/push.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metrics.h"
#include "daemon/push_private.h"
#include "sql_catalogue.h"

#define RING_EVENTS 16384
#define RING_BYTES ((size_t)32 << 20)
/* Rows of one look. */
#define LOOK_ROWS 1000
/* Under a storm of commits the looks are this far apart at least; the first is immediate. */
#define LOOK_SPACING_US (4 * US_PER_MS)
/* Our events wait for an older transaction: look again after this, doubled up to the longest. */
#define HELD_FIRST_US (5 * US_PER_MS)
#define HELD_LONGEST_US (100 * US_PER_MS)
/* What no hint told of: the NOTIFY of another daemon was lost. */
#define POLL_US (1 * US_PER_SECOND)
#define RETRY_US (1 * US_PER_SECOND)
/* Between two long polls of one reader nobody waits: this long the hub stays awake. */
#define LINGER_US (10 * US_PER_SECOND)
#define NOTIFY_SPACING_US (50 * US_PER_MS)

static struct metric looks = {.name = "hotlined_push_looks_total",
                              .help = "Looks of the push hub at the event table."};
static struct metric held = {
    .name = "hotlined_push_held_total",
    .help = "Looks that found committed events waiting for an older transaction.",
};
static struct metric failed = {.name = "hotlined_push_look_failures_total",
                               .help = "Looks that the database did not answer."};
static struct metric seen = {.name = "hotlined_push_events_total",
                             .help = "Events that the push hub has read."};
static struct metric awakenings = {.name = "hotlined_push_awakenings_total",
                                   .help = "Times the push hub woke because somebody waits."};
static struct metric notifies = {.name = "hotlined_push_notifies_total",
                                 .help = "Notifications sent to other daemons."};
static struct metric ring_events = {.name = "hotlined_push_events",
                                    .help = "Events in the memory of the push hub.",
                                    .type = METRIC_GAUGE};

static void register_own_metrics(void)
{
    metrics_register(&looks, 1);
    metrics_register(&held, 1);
    metrics_register(&failed, 1);
    metrics_register(&seen, 1);
    metrics_register(&awakenings, 1);
    metrics_register(&notifies, 1);
    metrics_register(&ring_events, 1);
}

/* ---- looking ------------------------------------------------------------------------------------
 */

static bool has_interest(const struct push *push)
{
    return push->waiter_count > 0;
}

static void arm(struct event *timer, int64_t delay_us)
{
    struct timeval tv;

    if (delay_us < 0)
        delay_us = 0;
    tv.tv_sec = (time_t)(delay_us / US_PER_SECOND);
    tv.tv_usec = (suseconds_t)(delay_us % US_PER_SECOND);
    (void)event_add(timer, &tv);
}

/* Replaces a later look, never a sooner one. */
static void look_in(struct push *push, int64_t delay_us)
{
    int64_t due_us = clk_mono_us() + delay_us;

    if (push->look_op) {
        push->must_look_again = true;
        return;
    }
    if (event_pending(push->look_timer, EV_TIMEOUT, NULL) && push->look_due_us <= due_us)
        return;
    push->look_due_us = due_us;
    arm(push->look_timer, delay_us);
}

static void look_soon(struct push *push)
{
    look_in(push, push->looked_us + LOOK_SPACING_US - clk_mono_us());
}

static void fall_asleep(struct push *push)
{
    push->is_awake = false;
    push_urgent_prune(push, true);
    push_ring_reset(&push->ring, push->position);
    metric_set(&ring_events, 0);
    (void)event_del(push->poll_timer);
    (void)event_del(push->look_timer);
}

static void awake(struct push *push, int64_t horizon)
{
    static const struct timeval poll = {POLL_US / US_PER_SECOND, POLL_US % US_PER_SECOND};

    push->is_awake = true;
    push->position = (struct push_cursor){horizon, 0};
    push_ring_reset(&push->ring, push->position);
    push->awoken_at = ++push->total;
    metric_inc(&awakenings);
    (void)event_add(push->poll_timer, &poll);
    push_stir(push, NULL);
}

/* Columns of event_tail before those of the event. */
enum { TAIL_HORIZON, TAIL_IS_HELD, TAIL_EVENT };

static int take_rows(struct push *push, const struct pg_result *res)
{
    int taken = 0;

    for (int i = 0; i < pg_result_rows(res) && !pg_result_null(res, i, TAIL_EVENT); i++, taken++) {
        struct push_event *event = push_event_read(push->d, res, i, TAIL_EVENT);
        push_waiters_wake(push, event);
        push->position = event->at;
        push_ring_add(&push->ring, event);
        push->total++;
    }
    metric_add(&seen, taken);
    metric_set(&ring_events, (int64_t)push->ring.count);
    return taken;
}

static void look_again(struct push *push, bool is_full, bool is_held)
{
    bool is_wanted = push->must_look_again;

    push->must_look_again = false;
    push->held_us = !is_held || is_full ? 0 : push->held_us ? push->held_us * 2 : HELD_FIRST_US;
    if (push->held_us > HELD_LONGEST_US)
        push->held_us = HELD_LONGEST_US;
    if (is_held)
        metric_inc(&held);
    if (is_full)
        look_in(push, 0);
    else if (is_wanted)
        look_soon(push);
    else if (is_held && has_interest(push))
        look_in(push, push->held_us);
}

static void take_look(struct push *push, const struct pg_result *res)
{
    int64_t horizon = pg_result_int(res, 0, TAIL_HORIZON);

    if (!push->is_awake) {
        awake(push, horizon);
        look_again(push, true, false);
        return;
    }
    if (horizon < push->position.xid) { /* another server, restored from a copy */
        log_warn("push", "the transaction horizon went back: starting anew");
        awake(push, horizon);
        return;
    }
    bool is_full = take_rows(push, res) == LOOK_ROWS;
    if (!is_full)
        push->position = (struct push_cursor){horizon, 0};
    push_urgent_prune(push, false);
    look_again(push, is_full, pg_result_bool(res, 0, TAIL_IS_HELD));
}

static void on_looked(void *ctx, const struct pg_result *res)
{
    struct push *push = ctx;

    push->look_op = NULL;
    if (pg_result_outcome(res) == PG_ROWS && pg_result_rows(res) > 0) {
        take_look(push, res);
        return;
    }
    metric_inc(&failed);
    if (pg_result_outcome(res) == PG_REJECTED)
        log_limited(LOG_LEVEL_ERROR, "push", "look refused sqlstate=%s %s", pg_result_sqlstate(res),
                    pg_result_message(res));
    push->must_look_again = false;
    if (has_interest(push))
        look_in(push, RETRY_US);
}

static void on_look_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct push *push = ctx;
    struct arena *arena = arena_new();
    struct pg_params params;
    char xid[24];

    (void)fd;
    (void)what;
    (void)snprintf(xid, sizeof(xid), "%lld", (long long)(push->is_awake ? push->position.xid : 0));
    pg_params_init(&params, arena);
    pg_param_text(&params, xid);
    pg_param_int(&params, push->position.id);
    pg_param_int(&params, push->is_awake ? LOOK_ROWS : 0);
    metric_inc(&looks);
    push->looked_us = clk_mono_us();
    push->look_op = pg_submit(push->d->event_pool, &SQL_EVENT_TAIL, &params, DAEMON_READ_TIMEOUT_US,
                              on_looked, push);
    arena_free(&arena);
}

static void on_poll(evutil_socket_t fd, short what, void *ctx)
{
    struct push *push = ctx;

    (void)fd;
    (void)what;
    if (has_interest(push))
        look_soon(push);
    else if (!push->look_op && clk_mono_us() - push->interest_us > LINGER_US)
        fall_asleep(push);
}

void push_want_look(struct push *push)
{
    push->interest_us = clk_mono_us();
    if (!push->is_awake && !push->look_op)
        look_in(push, 0);
}

void push_look(struct push *push)
{
    if (push && (push->is_awake || has_interest(push)))
        look_soon(push);
}

/* ---- telling other daemons
 * ------------------------------------------------------------------------ */

static void on_notified(void *ctx, const struct pg_result *res)
{
    struct push *push = ctx;

    (void)res; /* lost is lost: their slow poll finds it */
    push->notify_op = NULL;
}

static void on_notify_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct push *push = ctx;
    struct arena *arena;
    struct pg_params params;

    (void)fd;
    (void)what;
    if (push->notify_op) {
        arm(push->notify_timer, NOTIFY_SPACING_US);
        return;
    }
    arena = arena_new();
    pg_params_init(&params, arena);
    push->notified_us = clk_mono_us();
    metric_inc(&notifies);
    push->notify_op = pg_submit(push->d->event_pool, &SQL_EVENT_NOTIFY, &params,
                                DAEMON_WRITE_TIMEOUT_US, on_notified, push);
    arena_free(&arena);
}

void push_hint(struct push *push)
{
    if (!push)
        return;
    push_look(push);
    if (!event_pending(push->notify_timer, EV_TIMEOUT, NULL))
        arm(push->notify_timer, push->notified_us + NOTIFY_SPACING_US - clk_mono_us());
}

/* ---- reading
 * --------------------------------------------------------------------------------------------------
 */

enum push_read push_read(struct push *push, struct push_cursor *place,
                         const struct push_reader *reader,
                         bool (*take)(void *ctx, const struct push_event *event), void *ctx)
{
    const struct push_ring *ring = &push->ring;

    push->interest_us = clk_mono_us();
    if (!push->is_awake)
        return PUSH_READ_ASLEEP;
    if (!push_ring_covers(ring, *place))
        return PUSH_READ_OLD;
    for (size_t i = push_ring_after(ring, *place); i < ring->count; i++) {
        const struct push_event *event = push_ring_at(ring, i);
        *place = event->at;
        if (push_event_concerns(event, reader) && !take(ctx, event))
            return PUSH_READ_ENOUGH;
    }
    if (push_cursor_compare(push->position, *place) > 0)
        *place = push->position;
    return PUSH_READ_TAIL;
}

/* ---- life
 * ----------------------------------------------------------------------------------------------------
 */

struct push *push_new(struct daemon *d)
{
    struct push *push = xcalloc(1, sizeof(*push));

    push->d = d;
    push->looked_us = push->notified_us = clk_mono_us() - US_PER_SECOND;
    push_ring_init(&push->ring, RING_EVENTS, RING_BYTES);
    push->look_timer = evtimer_new(d->base, on_look_timer, push);
    push->notify_timer = evtimer_new(d->base, on_notify_timer, push);
    push->poll_timer = event_new(d->base, -1, EV_PERSIST, on_poll, push);
    INVARIANT(push->look_timer && push->notify_timer && push->poll_timer);
    push_waiters_init(push);
    return push;
}

void push_free(struct push **push)
{
    struct push *p = *push;

    if (!p)
        return;
    pg_cancel(&p->look_op);
    pg_cancel(&p->notify_op);
    event_free(p->look_timer);
    event_free(p->notify_timer);
    event_free(p->poll_timer);
    push_waiters_free(p);
    push_urgent_prune(p, true);
    push_ring_free(&p->ring);
    free(p);
    *push = NULL;
}

void push_register_metrics(void)
{
    register_own_metrics();
    push_register_waiter_metrics();
    push_register_urgent_metrics();
}
