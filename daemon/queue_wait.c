/*
 * queue_wait.c - the loop of ask, wait, ask again.
 *
 * An event of the unit wakes through the hub. Leases are no events: while something is leased the
 * database is asked again when the first lease ends, at the latest every other second, because
 * another daemon may take a release, and the test clock may be moved. So it is if rows were locked:
 * whether they end as leases or come back no event tells.
 */
#include "base/metrics.h"
#include "daemon/queue.h"

#define LOOK_LEASED_US (2 * US_PER_SECOND)
/* Ends of leases that lie in the past by now, and rows that another claim holds at this moment. */
#define LOOK_SOONEST_US (100 * US_PER_MS)

static struct metric looks = {.name = "hotlined_queue_wait_looks_total",
                              .help = "Looks into a unit's queue by those who wait for work."};

void queue_wait_register_metrics(void)
{
    metrics_register(&looks, 1);
}

static void on_abort(struct request *r)
{
    struct queue_wait *wait = r->state;

    push_unwait(&wait->waiter);
}

void queue_wait_begin(struct queue_wait *wait, struct request *r, const char *unit, int64_t seconds,
                      void (*again)(struct request *r))
{
    *wait = (struct queue_wait){
        .r = r,
        .unit = unit,
        .until_us = clk_mono_us() + seconds * US_PER_SECOND,
        .again = again,
    };
    r->state = wait;
    r->on_abort = on_abort;
}

void queue_wait_mark(struct queue_wait *wait)
{
    wait->mark = push_mark(wait->r->d->push);
}

static void on_woken(void *ctx, bool by_event)
{
    struct queue_wait *wait = ctx;

    (void)by_event;
    wait->waiter = NULL;
    if (!request_is_allowed(wait->r)) { /* the token ended while it waited */
        request_problem(wait->r, PROBLEM_UNAUTHORIZED, NULL);
        return;
    }
    metric_inc(&looks);
    wait->again(wait->r);
}

static int64_t next_look_us(const struct queue_wait *wait, int64_t left_us, int64_t free_us)
{
    int64_t delay = left_us;

    if (free_us) {
        int64_t until_free = free_us - daemon_now_us(wait->r->d);
        delay = until_free < LOOK_LEASED_US ? until_free : LOOK_LEASED_US;
        delay = delay > LOOK_SOONEST_US ? delay : LOOK_SOONEST_US;
    }
    return delay < left_us ? delay : left_us;
}

bool queue_wait_more(struct queue_wait *wait, int64_t free_us)
{
    struct push *push = wait->r->d->push;
    int64_t left = wait->until_us - clk_mono_us();

    if (left <= 0 || push_is_stopping(push))
        return false;
    wait->waiter = push_wait_since(push, wait->unit, wait->mark, next_look_us(wait, left, free_us),
                                   on_woken, wait);
    if (!wait->waiter)
        request_problem(wait->r, PROBLEM_BUSY, NULL);
    return true;
}
