#include "base/sbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define SBUF_FIRST_BYTES ((size_t)64)

/* What an sbuf without memory of its own shows; cap is 0 then and nobody writes to it. */
static char empty[1];

void sbuf_init(struct sbuf *b, size_t max_bytes)
{
    *b = (struct sbuf){.data = empty, .max = max_bytes > 0 ? max_bytes : SBUF_DEFAULT_MAX};
}

void sbuf_free(struct sbuf *b)
{
    if (b->cap > 0)
        free(b->data);
    *b = (struct sbuf){0};
}

void sbuf_clear(struct sbuf *b)
{
    b->len = 0;
    b->overflow = false;
    if (b->cap > 0)
        b->data[0] = '\0';
}

/* Makes room for len more bytes and the NUL; false (and overflow) if the maximum forbids it. */
static bool sbuf_reserve(struct sbuf *b, size_t len)
{
    /* after the first loss nothing more is taken: a text with a hole is worse than a short one */
    if (b->overflow || len > b->max - b->len) {
        b->overflow = true;
        return false;
    }
    size_t need = b->len + len + 1;
    if (need <= b->cap)
        return true;
    size_t cap = b->cap > 0 ? b->cap : SBUF_FIRST_BYTES;
    while (cap < need)
        cap = cap > b->max / 2 ? b->max + 1 : cap * 2;
    b->data = xrealloc_array(b->cap > 0 ? b->data : NULL, cap, 1);
    b->cap = cap;
    return true;
}

void sbuf_add(struct sbuf *b, const void *data, size_t len)
{
    if (len == 0 || !sbuf_reserve(b, len))
        return;
    memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void sbuf_adds(struct sbuf *b, const char *s)
{
    sbuf_add(b, s, strlen(s));
}

void sbuf_addc(struct sbuf *b, char c)
{
    sbuf_add(b, &c, 1);
}

void sbuf_addi(struct sbuf *b, int64_t v)
{
    char digits[20]; /* of INT64_MIN: a sign and 19 */
    size_t at = sizeof(digits);
    uint64_t n = v < 0 ? -(uint64_t)v : (uint64_t)v;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    if (v < 0)
        digits[--at] = '-';
    sbuf_add(b, digits + at, sizeof(digits) - at);
}

void sbuf_addf(struct sbuf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    INVARIANT(n >= 0);

    size_t len = (size_t)n;
    if (len == 0 || !sbuf_reserve(b, len))
        return;
    va_start(args, fmt);
    vsnprintf(b->data + b->len, len + 1, fmt, args);
    va_end(args);
    b->len += len;
}

char *sbuf_steal(struct sbuf *b)
{
    char *data = b->cap > 0 ? b->data : xstrdup("");
    sbuf_init(b, b->max);
    return data;
}
