/*
 * push.h - the push hub: changes in commit order to whoever waits (CONTRACT 4, GET /v1/events;
 * queue and claim with wait).
 *
 * The event table is the truth. The hub follows it by the cursor (transaction id, event id) up to
 * the oldest transaction still running, so that nothing that commits late is skipped. It reads when
 * somebody hints: a commit of our own, a NOTIFY of another daemon, or a slow poll.
 */
#ifndef DAEMON_PUSH_H
#define DAEMON_PUSH_H

#include "daemon/daemon.h"

struct push *push_new(struct daemon *d);
void push_free(struct push **push);
/* Something was committed: look soon. NULL is fine. Coalesced; also tells other daemons by one
 * NOTIFY for many commits. */
void push_hint(struct push *push);
/* NOTIFY from elsewhere, or the connection came back. */
void push_look(struct push *push);

/*
 * Waiting for changes that concern `unit` (NULL = everything). woken runs once, from the loop, when
 * there is a new event for it or the time is over; after it, or push_unwait(), the waiter is gone.
 * NULL if there are too many.
 */
struct push_waiter;
struct push_waiter *push_wait(struct push *push, const char *unit, int64_t timeout_us,
                              void (*woken)(void *ctx, bool by_event), void *ctx);
void push_unwait(struct push_waiter **waiter);
/* Ends every wait now (shut-down): woken(ctx, false). */
void push_wake_all(struct push *push);
void push_register_metrics(void);

#endif
