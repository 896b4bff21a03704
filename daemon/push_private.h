/*
 * push_private.h - what push.c (following the table) and push_wait.c (who is woken) share.
 */
#ifndef DAEMON_PUSH_PRIVATE_H
#define DAEMON_PUSH_PRIVATE_H

#include <event2/event.h>

#include "base/map.h"
#include "daemon/push.h"
#include "daemon/push_ring.h"

struct push_link {
    struct push_link *prev, *next;
};

/* Those who wait for one unit; unit NULL = for everything. */
struct push_group {
    struct push_link idle; /* waiters with nothing to hear yet */
    char *unit;
};

struct push_urgent {
    struct push_event *event;
    uint64_t serial;
};

struct push {
    struct daemon *d;
    struct push_ring ring;
    struct push_cursor position; /* all up to here is read; means nothing while asleep */
    bool is_awake;
    bool is_stopping;
    bool must_look_again; /* hinted while a look was under way */
    uint64_t total;       /* events seen, and one for each awakening */
    uint64_t awoken_at;   /* total at the last awakening: earlier marks know too little */
    int64_t interest_us;  /* monotonic: when somebody last waited or read */
    int64_t looked_us, look_due_us, notified_us, held_us;
    struct pg_op *look_op, *notify_op;
    struct event *look_timer, *poll_timer, *notify_timer;

    /* push_urgent.c: those whose place has not come yet */
    struct push_urgent urgent[PUSH_URGENT_MAX];
    size_t urgent_count;
    uint64_t urgent_serial;

    /* push_wait.c */
    struct push_group everybody;
    struct map *groups;     /* unit -> struct push_group */
    struct push_link ready; /* waiters to be called in the next turn */
    struct event *deliver_event;
    size_t waiter_count;
};

void push_waiters_init(struct push *push);
void push_waiters_free(struct push *push);
void push_register_waiter_metrics(void);
/* The waiters whom this event concerns become ready. */
void push_waiters_wake(struct push *push, const struct push_event *event);
/* Subscribers to everything become ready. */
void push_subscribers_wake(struct push *push);
void push_register_urgent_metrics(void);
/* Lets go of those that have come by in their order, or of all. */
void push_urgent_prune(struct push *push, bool all);
/* Looks soon, and wakes up if asleep. */
void push_want_look(struct push *push);

#endif
