/*
 * log.h - one line per event, key=value, to stderr.
 *
 *   2026-11-21T09:00:00.123456Z INFO intake: batch committed tickets=32 us=4100
 *
 * Never log what a citizen said or who he is: numbers of tickets and ids of accounts are fine,
 * names, phones, addresses and texts are not.
 *
 * log_limited(): for events that a hostile peer can cause at will. At most one line a second per
 * call site; the next line that gets through says how many were held back.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "base/attr.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);
enum log_level log_level(void);
/* Parses "error", "warn", "info", "debug"; -1 if it is none of them. */
int log_level_parse(const char *name);
void log_write(enum log_level level, const char *module, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_error(module, ...) log_write(LOG_LEVEL_ERROR, module, __VA_ARGS__)
#define log_warn(module, ...) log_write(LOG_LEVEL_WARN, module, __VA_ARGS__)
#define log_info(module, ...) log_write(LOG_LEVEL_INFO, module, __VA_ARGS__)
#define log_debug(module, ...)                                                                     \
    (log_level() >= LOG_LEVEL_DEBUG ? log_write(LOG_LEVEL_DEBUG, module, __VA_ARGS__) : (void)0)

struct log_limit {
    int64_t last_us; /* monotonic; 0 = never */
    uint64_t held;
};
void log_write_limited(struct log_limit *site, enum log_level level, const char *module,
                       const char *fmt, ...) PRINTF_LIKE(4, 5);
#define log_limited(level, module, ...)                                                            \
    do {                                                                                           \
        static struct log_limit site_;                                                             \
        log_write_limited(&site_, level, module, __VA_ARGS__);                                     \
    } while (0)

#endif
