#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/clk.h"

/* One line, one write(2): lines of several processes on one pipe stay whole (PIPE_BUF is 4096). */
#define LOG_LINE_BYTES 2048
#define LOG_CUT "[cut]"

static enum log_level current_level = LOG_LEVEL_INFO;

static const struct {
    const char *name;  /* as a setting */
    const char *label; /* in the line */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", "ERROR"},
    [LOG_LEVEL_WARN] = {"warn", "WARN"},
    [LOG_LEVEL_INFO] = {"info", "INFO"},
    [LOG_LEVEL_DEBUG] = {"debug", "DEBUG"},
};

void log_set_level(enum log_level level)
{
    current_level = level;
}

enum log_level log_level(void)
{
    return current_level;
}

int log_level_parse(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (strcmp(levels[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

/* Nothing that gets into a message may start a line of its own or steer a terminal. */
static void mask_controls(char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
    }
}

/* Drops the bytes of a UTF-8 sequence that the end of the buffer cut in two. */
static size_t whole_characters(const char *s, size_t len)
{
    size_t start = len;
    while (start > 0 && len - start < 4 && ((unsigned char)s[start - 1] & 0xc0) == 0x80)
        start--;
    return start > 0 && (unsigned char)s[start - 1] >= 0xc0 ? start - 1 : len;
}

static void write_line(const char *line, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, line, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nobody is left to be told */
        line += n;
        len -= (size_t)n;
    }
}

static void log_vwrite(enum log_level level, uint64_t held, const char *module, const char *fmt,
                       va_list args) PRINTF_LIKE(4, 0);

static void log_vwrite(enum log_level level, uint64_t held, const char *module, const char *fmt,
                       va_list args)
{
    const int saved_errno = errno;
    const size_t room = LOG_LINE_BYTES - 64; /* for the count, the mark of a cut and the newline */
    char line[LOG_LINE_BYTES];
    char stamp[CIVIL_INSTANT_SIZE];
    struct timespec ts = {0};

    clock_gettime(CLOCK_REALTIME, &ts);
    int64_t now_us = (int64_t)ts.tv_sec * US_PER_SECOND + (int64_t)ts.tv_nsec / 1000;
    civil_format_instant(now_us, 0, stamp);
    int head = snprintf(line, room, "%s %s %s: ", stamp, levels[level].label, module);
    size_t len = head < 0 ? 0 : (size_t)head < room ? (size_t)head : room - 1;

    int body = vsnprintf(line + len, room - len, fmt, args);
    bool cut = body > 0 && (size_t)body >= room - len;
    len = strlen(line);
    if (cut)
        len = whole_characters(line, len);
    line[len] = '\0';
    mask_controls(line);
    if (cut)
        len += (size_t)snprintf(line + len, sizeof(line) - len, "%s", LOG_CUT);
    if (held > 0)
        len += (size_t)snprintf(line + len, sizeof(line) - len, " held_back=%llu",
                                (unsigned long long)held);
    line[len++] = '\n';
    write_line(line, len);
    errno = saved_errno;
}

void log_write(enum log_level level, const char *module, const char *fmt, ...)
{
    if (level > current_level)
        return;
    va_list args;
    va_start(args, fmt);
    log_vwrite(level, 0, module, fmt, args);
    va_end(args);
}

void log_write_limited(struct log_limit *site, enum log_level level, const char *module,
                       const char *fmt, ...)
{
    if (level > current_level)
        return;
    int64_t now_us = clk_mono_us();
    if (site->last_us != 0 && now_us - site->last_us < US_PER_SECOND) {
        site->held++;
        return;
    }
    va_list args;
    va_start(args, fmt);
    log_vwrite(level, site->held, module, fmt, args);
    va_end(args);
    site->last_us = now_us;
    site->held = 0;
}
