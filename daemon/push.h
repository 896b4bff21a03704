/*
 * push.h - the push hub: changes in commit order to whoever waits (CONTRACT 4, GET /v1/events;
 * queue and claim with wait).
 *
 * The event table is the truth. The hub follows it by the cursor (transaction id, event id) up to
 * the oldest transaction still running, so that nothing that commits late is skipped. It reads when
 * somebody hints: a commit of our own, a NOTIFY of another daemon, or a slow poll.
 *
 * While nobody waits, and nobody has for a while, the hub sleeps: intake then pays nothing for it.
 * The first waiter wakes it; it starts at the horizon of that moment and makes every waiter look
 * once more, because it cannot tell what happened while it slept.
 */
#ifndef DAEMON_PUSH_H
#define DAEMON_PUSH_H

#include "daemon/daemon.h"
#include "daemon/push_event.h"

struct push *push_new(struct daemon *d);
/* Waiters that are left go without a word. */
void push_free(struct push **push);
/* Something was committed: look soon. NULL is fine. Coalesced; also tells other daemons by one
 * NOTIFY for many commits. */
void push_hint(struct push *push);
/* NOTIFY from elsewhere, or the connection came back. */
void push_look(struct push *push);

/*
 * Waiting for changes that concern `unit` (NULL = everything). woken runs once, from the loop, when
 * there is a new event for it or the time is over; after it, or push_unwait(), the waiter is gone.
 * NULL if there are too many (settings.max_waiting, subscribers included).
 */
struct push_waiter;
struct push_waiter *push_wait(struct push *push, const char *unit, int64_t timeout_us,
                              void (*woken)(void *ctx, bool by_event), void *ctx);
/*
 * For those who look into the database themselves: take the mark, ask, and wait with the mark. An
 * event for the unit that the hub saw in between wakes at once.
 */
uint64_t push_mark(const struct push *push);
struct push_waiter *push_wait_since(struct push *push, const char *unit, uint64_t mark,
                                    int64_t timeout_us, void (*woken)(void *ctx, bool by_event),
                                    void *ctx);
/* Stays until push_unwait(): woken runs each time there may be something new, many events at once
 * counted as one. by_event = false: the daemon stops. */
struct push_waiter *push_subscribe(struct push *push, const char *unit,
                                   void (*woken)(void *ctx, bool by_event), void *ctx);
void push_unwait(struct push_waiter **waiter);
/* Lets the waiters of a unit (NULL: all waiters) look once more: a lease was given back, the test
 * clock was moved. They are woken by_event. */
void push_stir(struct push *push, const char *unit);
/* Ends every wait now (shut-down): woken(ctx, false). Later ones end in the next turn. */
void push_wake_all(struct push *push);
bool push_is_stopping(const struct push *push);
void push_register_metrics(void);

/* ---- reading from memory ----------------------------------------------------------------------
 */

enum push_read {
    PUSH_READ_TAIL,   /* read all there is; the place is now the hub's */
    PUSH_READ_ENOUGH, /* take said so; there may be more */
    PUSH_READ_OLD,    /* the place lies before what is in memory: ask the database */
    PUSH_READ_ASLEEP, /* the hub follows nothing now: ask the database; a waiter wakes it */
};
/* Where the hub stands: for those who have seen to everything before it in another way. */
struct push_cursor push_place(const struct push *push);
/* Events after *place that concern the reader, in order; moves the place behind each. take
 * returns false for "this one, and then no more". It must not call the hub. */
enum push_read push_read(struct push *push, struct push_cursor *place,
                         const struct push_reader *reader,
                         bool (*take)(void *ctx, const struct push_event *event), void *ctx);

/* ---- ahead of the others ----------------------------------------------------------------------
 */

/* As many may wait for their place in the order; more go the ordinary way only. */
#define PUSH_URGENT_MAX 64

/*
 * An event of the desks that was committed a moment ago. The streams of this daemon get it now;
 * in its order it comes by as well, and whoever has had it passes over it. Takes the event over.
 */
void push_urgent(struct push *push, struct push_event *event);
/* The last urgent event there was; 0 = none. */
uint64_t push_urgent_serial(const struct push *push);
/* Those after *serial that concern the reader; moves *serial to the last. */
void push_urgent_read(const struct push *push, uint64_t *serial, const struct push_reader *reader,
                      void (*take)(void *ctx, const struct push_event *event), void *ctx);

#endif
