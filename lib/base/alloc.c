#include "base/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define MODULE "alloc"
#define ARENA_CHUNK_BYTES ((size_t)8192)

void invariant_failed(const char *cond, const char *file, int line)
{
    log_error("invariant", "failed: %s at %s:%d", cond, file, line);
    abort();
}

NORETURN static void out_of_memory(size_t size)
{
    log_error(MODULE, "out of memory, aborting: bytes=%zu", size);
    abort();
}

void *xmalloc(size_t size)
{
    void *p = malloc(size > 0 ? size : 1);
    if (p == NULL)
        out_of_memory(size);
    return p;
}

/* The product, at least 1; one that does not fit is as little to be had as the memory. */
static size_t total_size(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        out_of_memory(SIZE_MAX);
    return total > 0 ? total : 1;
}

void *xcalloc(size_t count, size_t size)
{
    size_t total = total_size(count, size);
    void *p = calloc(1, total);
    if (p == NULL)
        out_of_memory(total);
    return p;
}

void *xrealloc_array(void *old, size_t count, size_t size)
{
    size_t total = total_size(count, size);
    void *p = realloc(old, total);
    if (p == NULL)
        out_of_memory(total);
    return p;
}

char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *xstrndup(const char *s, size_t len)
{
    len = strnlen(s, len);
    char *copy = xmalloc(len + 1);
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *xasprintf(const char *fmt, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0 || text == NULL)
        out_of_memory(0);
    return text;
}

/* Chunks in a list, newest first; the first one is the one that is being filled. */
struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    size_t used;
    _Alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct arena_chunk *chunks;
    size_t used; /* over all chunks */
};

static struct arena_chunk *arena_chunk_new(size_t size)
{
    INVARIANT(size <= SIZE_MAX - sizeof(struct arena_chunk));
    struct arena_chunk *chunk = xmalloc(sizeof(*chunk) + size);
    *chunk = (struct arena_chunk){.size = size};
    return chunk;
}

struct arena *arena_new(void)
{
    return xcalloc(1, sizeof(struct arena));
}

void arena_free(struct arena **arena)
{
    if (*arena == NULL)
        return;
    struct arena_chunk *chunk = (*arena)->chunks;
    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    free(*arena);
    *arena = NULL;
}

void *arena_alloc_raw(struct arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    INVARIANT(size <= SIZE_MAX - align);
    size = (size > 0 ? size + align - 1 : align) / align * align;

    struct arena_chunk *first = arena->chunks;
    arena->used += size;
    if (first != NULL && first->size - first->used >= size) {
        void *p = first->data + first->used;
        first->used += size;
        return p;
    }
    struct arena_chunk *chunk =
        arena_chunk_new(size > ARENA_CHUNK_BYTES / 4 ? size : ARENA_CHUNK_BYTES);
    chunk->used = size;
    if (chunk->size == size && first != NULL) {
        /* a big one goes behind the chunk being filled, whose rest is not lost */
        chunk->next = first->next;
        first->next = chunk;
    } else {
        chunk->next = first;
        arena->chunks = chunk;
    }
    return chunk->data;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(arena_alloc_raw(arena, size), 0, size);
}

char *arena_strdup(struct arena *arena, const char *s)
{
    return arena_strndup(arena, s, strlen(s));
}

char *arena_strndup(struct arena *arena, const char *s, size_t len)
{
    len = strnlen(s, len);
    char *copy = arena_alloc_raw(arena, len + 1);
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    INVARIANT(n >= 0);

    size_t size = (size_t)n + 1;
    char *text = arena_alloc_raw(arena, size);
    va_start(args, fmt);
    vsnprintf(text, size, fmt, args);
    va_end(args);
    return text;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}
