/*
 * push_urgent.c - what a desk must not wait for: a screen pop goes to the streams of this daemon
 * when it is committed, ahead of its place in the order of events.
 *
 * The order has to wait for the oldest transaction that is still running; one that gives an order
 * for some hundred tickets may run longer than a telephone rings.
 */
#include "base/metrics.h"
#include "daemon/push_private.h"

static struct metric early = {.name = "hotlined_push_urgent_total",
                              .help = "Events of desks that went ahead of their place."};
static struct metric waiting = {.name = "hotlined_push_urgent_waiting",
                                .help = "Those of them whose place has not come yet.",
                                .type = METRIC_GAUGE};
static struct metric ordinary = {
    .name = "hotlined_push_urgent_full_total",
    .help = "Urgent events that went the ordinary way: too many waited for their place.",
};

void push_register_urgent_metrics(void)
{
    metrics_register(&early, 1);
    metrics_register(&waiting, 1);
    metrics_register(&ordinary, 1);
}

void push_urgent(struct push *push, struct push_event *event)
{
    bool is_wanted = push && push->is_awake && push->waiter_count > 0 &&
                     push_cursor_compare(event->at, push->position) > 0;

    if (!is_wanted || push->urgent_count == PUSH_URGENT_MAX) {
        if (is_wanted)
            metric_inc(&ordinary);
        push_event_free(&event);
        return;
    }
    push->urgent[push->urgent_count++] =
        (struct push_urgent){.event = event, .serial = ++push->urgent_serial};
    metric_inc(&early);
    metric_set(&waiting, (int64_t)push->urgent_count);
    push_subscribers_wake(push);
}

uint64_t push_urgent_serial(const struct push *push)
{
    return push->urgent_serial;
}

void push_urgent_read(const struct push *push, uint64_t *serial, const struct push_reader *reader,
                      void (*take)(void *ctx, const struct push_event *event), void *ctx)
{
    for (size_t i = 0; i < push->urgent_count; i++) {
        const struct push_urgent *urgent = &push->urgent[i];
        if (urgent->serial > *serial && push_event_concerns(urgent->event, reader))
            take(ctx, urgent->event);
    }
    *serial = push->urgent_serial;
}

void push_urgent_prune(struct push *push, bool all)
{
    size_t kept = 0;

    for (size_t i = 0; i < push->urgent_count; i++) {
        struct push_urgent urgent = push->urgent[i];
        if (all || push_cursor_compare(urgent.event->at, push->position) <= 0)
            push_event_free(&urgent.event);
        else
            push->urgent[kept++] = urgent;
    }
    if (kept != push->urgent_count)
        metric_set(&waiting, (int64_t)kept);
    push->urgent_count = kept;
}
