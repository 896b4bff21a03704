/*
 * push_ring.c - a circular array; the oldest goes first.
 */
#include "daemon/push_ring.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/attr.h"

void push_ring_init(struct push_ring *ring, size_t capacity, size_t max_bytes)
{
    *ring = (struct push_ring){
        .slots = xcalloc(capacity, sizeof(struct push_event *)),
        .capacity = capacity,
        .max_bytes = max_bytes,
    };
}

static void drop_oldest(struct push_ring *ring)
{
    struct push_event *event = ring->slots[ring->first];

    INVARIANT(ring->capacity > 0);
    ring->from = event->at;
    ring->bytes -= event->bytes;
    ring->slots[ring->first] = NULL;
    ring->first = (ring->first + 1) % ring->capacity;
    ring->count--;
    push_event_free(&event);
}

void push_ring_reset(struct push_ring *ring, struct push_cursor from)
{
    while (ring->count > 0)
        drop_oldest(ring);
    ring->from = from;
}

void push_ring_free(struct push_ring *ring)
{
    push_ring_reset(ring, ring->from);
    free(ring->slots);
    *ring = (struct push_ring){0};
}

void push_ring_add(struct push_ring *ring, struct push_event *event)
{
    struct push_cursor last = ring->count ? push_ring_at(ring, ring->count - 1)->at : ring->from;

    INVARIANT(push_cursor_compare(event->at, last) > 0);
    while (ring->count == ring->capacity ||
           (ring->count > 0 && ring->bytes + event->bytes > ring->max_bytes))
        drop_oldest(ring);
    ring->slots[(ring->first + ring->count) % ring->capacity] = event;
    ring->count++;
    ring->bytes += event->bytes;
}

const struct push_event *push_ring_at(const struct push_ring *ring, size_t index)
{
    INVARIANT(index < ring->count);
    return ring->slots[(ring->first + index) % ring->capacity];
}

size_t push_ring_after(const struct push_ring *ring, struct push_cursor place)
{
    size_t low = 0, high = ring->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (push_cursor_compare(push_ring_at(ring, middle)->at, place) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
