/*
 * push_ring.h - the newest events in memory, in order, bounded in number and bytes.
 *
 * The ring is complete after `from`: a reader whose place is there or later misses nothing by
 * reading it; one whose place is earlier has to ask the database.
 */
#ifndef DAEMON_PUSH_RING_H
#define DAEMON_PUSH_RING_H

#include "daemon/push_event.h"

struct push_ring {
    struct push_event **slots;
    size_t capacity, first, count;
    size_t bytes, max_bytes;
    struct push_cursor from;
};

void push_ring_init(struct push_ring *ring, size_t capacity, size_t max_bytes);
void push_ring_free(struct push_ring *ring);
/* Forgets everything; complete after `from` again. */
void push_ring_reset(struct push_ring *ring, struct push_cursor from);
/* Takes over the event, which must come after the last one; the oldest make room. */
void push_ring_add(struct push_ring *ring, struct push_event *event);
const struct push_event *push_ring_at(const struct push_ring *ring, size_t index);
/* Index of the first event after the place; count if there is none. */
size_t push_ring_after(const struct push_ring *ring, struct push_cursor place);
static inline bool push_ring_covers(const struct push_ring *ring, struct push_cursor place)
{
    return push_cursor_compare(place, ring->from) >= 0;
}

#endif
