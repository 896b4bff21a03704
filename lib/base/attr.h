/*
 * attr.h - compiler attributes and tiny macros every room uses.
 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <stddef.h>

/* The caller has to look at the result. */
#define MUST_CHECK __attribute__((warn_unused_result))
/* printf-like: FMT is the index of the format, ARGS of the first argument (both from 1). */
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
#define RETURNS_NONNULL __attribute__((returns_nonnull))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/*
 * An invariant of ours. Stays in release builds: prints file, line and the
 * condition to the log and aborts. Never used on anything that came from outside.
 */
#define INVARIANT(cond) ((cond) ? (void)0 : invariant_failed(#cond, __FILE__, __LINE__))
NORETURN void invariant_failed(const char *cond, const char *file, int line);

#endif
