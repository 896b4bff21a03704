/*
 * pg_heap.c - deadlines of operations as a binary heap, the nearest on top, so that one timer
 * serves them all. Each operation knows its place, which makes removal O(log n).
 */
#include <stdlib.h>

#include "pg/pg_private.h"

#define HEAP_FIRST_CAP 64

static void heap_place(struct pg_heap *heap, size_t i, struct pg_op *op)
{
    heap->item[i] = op;
    op->heap_index = i;
}

static void heap_up(struct pg_heap *heap, size_t i, struct pg_op *op)
{
    while (i > 0 && heap->item[(i - 1) / 2]->deadline_us > op->deadline_us) {
        heap_place(heap, i, heap->item[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    heap_place(heap, i, op);
}

static void heap_down(struct pg_heap *heap, size_t i, struct pg_op *op)
{
    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= heap->count)
            break;
        if (child + 1 < heap->count &&
            heap->item[child + 1]->deadline_us < heap->item[child]->deadline_us)
            child++;
        if (heap->item[child]->deadline_us >= op->deadline_us)
            break;
        heap_place(heap, i, heap->item[child]);
        i = child;
    }
    heap_place(heap, i, op);
}

void pg_heap_add(struct pg_heap *heap, struct pg_op *op)
{
    if (heap->count == heap->cap) {
        heap->cap = heap->cap == 0 ? HEAP_FIRST_CAP : heap->cap * 2;
        heap->item = xrealloc_array(heap->item, heap->cap, sizeof(*heap->item));
    }
    heap_up(heap, heap->count++, op);
}

void pg_heap_remove(struct pg_heap *heap, struct pg_op *op)
{
    size_t i = op->heap_index;
    struct pg_op *last;

    if (i == PG_NOT_IN_HEAP)
        return;
    INVARIANT(i < heap->count && heap->item[i] == op);
    op->heap_index = PG_NOT_IN_HEAP;
    last = heap->item[--heap->count];
    if (last == op)
        return;
    if (i > 0 && heap->item[(i - 1) / 2]->deadline_us > last->deadline_us)
        heap_up(heap, i, last);
    else
        heap_down(heap, i, last);
}

struct pg_op *pg_heap_first(const struct pg_heap *heap)
{
    return heap->count == 0 ? NULL : heap->item[0];
}
