/*
 * alloc.h - allocation policy.
 *
 * A daemon under a supervisor aborts when a small allocation fails: there is no state worth
 * saving that is not already durable. This holds because every size that comes from outside is
 * capped before it gets here. Nothing returns NULL.
 *
 * An arena owns everything that belongs to one request: allocate freely, free once.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stdarg.h>
#include <stddef.h>

#include "base/attr.h"

RETURNS_NONNULL void *xmalloc(size_t size);
RETURNS_NONNULL void *xcalloc(size_t count, size_t size);
/* Like reallocarray(3): aborts on overflow of count * size. */
RETURNS_NONNULL void *xrealloc_array(void *old, size_t count, size_t size);
RETURNS_NONNULL char *xstrdup(const char *s);
RETURNS_NONNULL char *xstrndup(const char *s, size_t len);
RETURNS_NONNULL char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);

struct arena;

RETURNS_NONNULL struct arena *arena_new(void);
/* Frees everything allocated from it and sets *arena to NULL; NULL is fine. */
void arena_free(struct arena **arena);
/* Zeroed, aligned for any type, valid until arena_free(). */
RETURNS_NONNULL void *arena_alloc(struct arena *arena, size_t size);
/* The same, but holding anything: for what the caller fills himself. */
RETURNS_NONNULL void *arena_alloc_raw(struct arena *arena, size_t size);
RETURNS_NONNULL char *arena_strdup(struct arena *arena, const char *s);
RETURNS_NONNULL char *arena_strndup(struct arena *arena, const char *s, size_t len);
RETURNS_NONNULL char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Bytes handed out so far, for bounds and metrics. */
size_t arena_used(const struct arena *arena);

#endif
