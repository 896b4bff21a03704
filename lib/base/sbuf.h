/*
 * sbuf.h - a growing string of bytes, always NUL-terminated, with a hard maximum.
 *
 * Appending past the maximum drops the bytes and sets a sticky `overflow` flag: the writer
 * appends without checks and looks at the flag once at the end.
 */
#ifndef BASE_SBUF_H
#define BASE_SBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct sbuf {
    char *data; /* NUL-terminated; never NULL after sbuf_init() */
    size_t len; /* bytes without the NUL */
    size_t cap; /* 0: data is a constant empty string, not to be written to */
    size_t max; /* len never exceeds it */
    bool overflow;
};

/* max_bytes 0 means SBUF_DEFAULT_MAX. */
#define SBUF_DEFAULT_MAX ((size_t)64 << 20)
void sbuf_init(struct sbuf *b, size_t max_bytes);
void sbuf_free(struct sbuf *b);
void sbuf_clear(struct sbuf *b); /* keeps the memory, clears overflow */
void sbuf_add(struct sbuf *b, const void *data, size_t len);
void sbuf_adds(struct sbuf *b, const char *s);
void sbuf_addc(struct sbuf *b, char c);
void sbuf_addi(struct sbuf *b, int64_t v); /* decimal; much cheaper than sbuf_addf() */
void sbuf_addf(struct sbuf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Hands the string to the caller, who frees it; the sbuf is empty again and owns no memory. */
RETURNS_NONNULL char *sbuf_steal(struct sbuf *b);

#endif
