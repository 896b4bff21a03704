/*
 * push_wait.c - who waits for what, and calling them.
 *
 * State is membership: a waiter is in the idle list of its group or in the ready list. Ready ones
 * are called from the loop, a bounded number a turn; a callback may add and remove waiters as it
 * likes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metrics.h"
#include "daemon/push_private.h"

/* Callbacks a turn of the loop, so that a crowd of readers does not stand before a citizen. */
#define CALLS_PER_TURN 128

struct push_waiter {
    struct push_link link; /* first: a link is its waiter */
    struct push *push;
    struct push_group *group;
    struct event *timer; /* NULL of a subscriber */
    void (*woken)(void *ctx, bool by_event);
    void *ctx;
    bool is_ready, by_event;
};

static struct metric waiting = {.name = "hotlined_waiting",
                                .help = "Long polls and event streams that wait.",
                                .type = METRIC_GAUGE};
static struct metric refused = {.name = "hotlined_waiting_refused_total",
                                .help = "Long polls and event streams refused: too many wait."};
static struct metric woken_total = {.name = "hotlined_waiting_woken_total",
                                    .help = "Waits ended or interrupted by something new."};

void push_register_waiter_metrics(void)
{
    metrics_register(&waiting, 1);
    metrics_register(&refused, 1);
    metrics_register(&woken_total, 1);
}

/* ---- lists
 * ------------------------------------------------------------------------------------------------------
 */

static void list_init(struct push_link *head)
{
    head->prev = head->next = head;
}

static bool list_empty(const struct push_link *head)
{
    return head->next == head;
}

static void list_append(struct push_link *head, struct push_link *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static void list_remove(struct push_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
}

static struct push_waiter *waiter_of(struct push_link *link)
{
    return (struct push_waiter *)link;
}

/* ---- groups
 * -----------------------------------------------------------------------------------------------------
 */

static struct push_group *group_find(struct push *push, const char *unit)
{
    return unit ? map_gets(push->groups, unit) : &push->everybody;
}

/* Kept for good: there are no more of them than units. */
static struct push_group *group_get(struct push *push, const char *unit)
{
    struct push_group *group = group_find(push, unit);

    if (group)
        return group;
    group = xcalloc(1, sizeof(*group));
    list_init(&group->idle);
    group->unit = xstrdup(unit);
    map_puts(push->groups, unit, group);
    return group;
}

/* ---- waking
 * --------------------------------------------------------------------------------------------------
 */

static void make_ready(struct push_waiter *waiter, bool by_event)
{
    struct push *push = waiter->push;

    list_remove(&waiter->link);
    list_append(&push->ready, &waiter->link);
    waiter->is_ready = true;
    waiter->by_event = by_event;
    event_active(push->deliver_event, EV_TIMEOUT, 0);
}

static void wake_group(struct push_group *group, bool by_event)
{
    while (group && !list_empty(&group->idle))
        make_ready(waiter_of(group->idle.next), by_event);
}

void push_waiters_wake(struct push *push, const struct push_event *event)
{
    const char *end;

    wake_group(&push->everybody, true);
    for (const char *at = event->audience; (end = strchr(at, PUSH_AUDIENCE_END)) != NULL;
         at = end + 1)
        wake_group(map_get(push->groups, at, (size_t)(end - at)), true);
}

void push_subscribers_wake(struct push *push)
{
    struct push_link *head = &push->everybody.idle, *next;

    for (struct push_link *link = head->next; link != head; link = next) {
        next = link->next;
        if (!waiter_of(link)->timer)
            make_ready(waiter_of(link), true);
    }
}

static void wake_entry(void *ctx, const char *key, size_t key_len, void *value)
{
    const bool *by_event = ctx;

    (void)key;
    (void)key_len;
    wake_group(value, *by_event);
}

static void wake_everybody(struct push *push, bool by_event)
{
    wake_group(&push->everybody, by_event);
    map_each(push->groups, wake_entry, &by_event);
}

void push_stir(struct push *push, const char *unit)
{
    if (!push)
        return;
    if (unit)
        wake_group(group_find(push, unit), true);
    else
        wake_everybody(push, true);
}

void push_wake_all(struct push *push)
{
    if (!push)
        return;
    push->is_stopping = true;
    wake_everybody(push, false);
}

bool push_is_stopping(const struct push *push)
{
    return push->is_stopping;
}

/* ---- calling
 * ---------------------------------------------------------------------------------------------------
 */

static void waiter_free(struct push_waiter *waiter)
{
    struct push *push = waiter->push;

    list_remove(&waiter->link);
    if (waiter->timer)
        event_free(waiter->timer);
    push->waiter_count--;
    push->interest_us = clk_mono_us();
    metric_add(&waiting, -1);
    free(waiter);
}

static void call(struct push_waiter *waiter, bool by_event)
{
    void (*woken)(void *ctx, bool by_event) = waiter->woken;
    void *ctx = waiter->ctx;

    if (by_event)
        metric_inc(&woken_total);
    if (waiter->timer) {
        waiter_free(waiter);
    } else {
        waiter->is_ready = false;
        list_remove(&waiter->link);
        list_append(&waiter->group->idle, &waiter->link);
    }
    woken(ctx, by_event);
}

static void on_deliver(evutil_socket_t fd, short what, void *ctx)
{
    struct push *push = ctx;

    (void)fd;
    (void)what;
    for (int i = 0; i < CALLS_PER_TURN && !list_empty(&push->ready); i++) {
        struct push_waiter *waiter = waiter_of(push->ready.next);
        call(waiter, waiter->by_event);
    }
    if (!list_empty(&push->ready))
        event_active(push->deliver_event, EV_TIMEOUT, 0);
}

static void on_timeout(evutil_socket_t fd, short what, void *ctx)
{
    struct push_waiter *waiter = ctx;

    (void)fd;
    (void)what;
    call(waiter, waiter->is_ready && waiter->by_event);
}

/* ---- waiting
 * -----------------------------------------------------------------------------------------------------
 */

static struct push_waiter *waiter_new(struct push *push, const char *unit,
                                      void (*woken)(void *ctx, bool by_event), void *ctx)
{
    if ((int64_t)push->waiter_count >= push->d->settings.max_waiting) {
        metric_inc(&refused);
        return NULL;
    }
    struct push_waiter *waiter = xcalloc(1, sizeof(*waiter));
    waiter->push = push;
    waiter->group = group_get(push, unit);
    waiter->woken = woken;
    waiter->ctx = ctx;
    list_append(&waiter->group->idle, &waiter->link);
    push->waiter_count++;
    metric_inc(&waiting);
    push_want_look(push);
    if (push->is_stopping)
        make_ready(waiter, false);
    return waiter;
}

struct push_waiter *push_subscribe(struct push *push, const char *unit,
                                   void (*woken)(void *ctx, bool by_event), void *ctx)
{
    return waiter_new(push, unit, woken, ctx);
}

/* Asleep now: the awakening stirs everybody anyway. */
static bool changed_since(const struct push *push, const char *unit, uint64_t mark)
{
    if (!push->is_awake || mark >= push->total)
        return false;
    uint64_t fresh = push->total - mark;
    if (mark < push->awoken_at || fresh > push->ring.count)
        return true;
    for (size_t i = push->ring.count - (size_t)fresh; i < push->ring.count; i++) {
        if (!unit ||
            push_event_concerns(push_ring_at(&push->ring, i), &(struct push_reader){.unit = unit}))
            return true;
    }
    return false;
}

uint64_t push_mark(const struct push *push)
{
    return push->total;
}

struct push_cursor push_place(const struct push *push)
{
    return push->position;
}

struct push_waiter *push_wait_since(struct push *push, const char *unit, uint64_t mark,
                                    int64_t timeout_us, void (*woken)(void *ctx, bool by_event),
                                    void *ctx)
{
    struct push_waiter *waiter = waiter_new(push, unit, woken, ctx);
    struct timeval tv;

    if (!waiter)
        return NULL;
    if (timeout_us < 0)
        timeout_us = 0;
    tv.tv_sec = (time_t)(timeout_us / US_PER_SECOND);
    tv.tv_usec = (suseconds_t)(timeout_us % US_PER_SECOND);
    waiter->timer = evtimer_new(push->d->base, on_timeout, waiter);
    INVARIANT(waiter->timer != NULL);
    (void)event_add(waiter->timer, &tv);
    if (!waiter->is_ready && changed_since(push, unit, mark))
        make_ready(waiter, true);
    return waiter;
}

struct push_waiter *push_wait(struct push *push, const char *unit, int64_t timeout_us,
                              void (*woken)(void *ctx, bool by_event), void *ctx)
{
    return push_wait_since(push, unit, push->total, timeout_us, woken, ctx);
}

void push_unwait(struct push_waiter **waiter)
{
    if (!*waiter)
        return;
    waiter_free(*waiter);
    *waiter = NULL;
}

/* ---- life
 * --------------------------------------------------------------------------------------------------
 */

void push_waiters_init(struct push *push)
{
    list_init(&push->everybody.idle);
    list_init(&push->ready);
    push->groups = map_new();
    push->deliver_event = event_new(push->d->base, -1, 0, on_deliver, push);
    INVARIANT(push->deliver_event != NULL);
}

static void drop_list(struct push_link *head)
{
    while (!list_empty(head))
        waiter_free(waiter_of(head->next));
}

static void free_group(void *ctx, const char *key, size_t key_len, void *value)
{
    struct push_group *group = value;

    (void)ctx;
    (void)key;
    (void)key_len;
    drop_list(&group->idle);
    free(group->unit);
    free(group);
}

void push_waiters_free(struct push *push)
{
    drop_list(&push->ready);
    drop_list(&push->everybody.idle);
    map_each(push->groups, free_group, NULL);
    map_free(&push->groups);
    event_free(push->deliver_event);
}
