/*
 * number_reserve.c - a number in a file that survives a crash at any moment.
 */
#include "daemon/number_reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

bool number_reserve_read(const char *data, int64_t *tick_r, char **error_r)
{
    char *path = xasprintf("%s/number.reserve", data);
    char text[32] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    bool is_absent = fd < 0 && errno == ENOENT;
    size_t digits = strspn(text, "0123456789");
    bool is_good = is_absent || (got > 0 && digits > 0 && digits < 19 && text[digits] == '\n');

    *tick_r = is_good && !is_absent ? strtoll(text, NULL, 10) : 0;
    if (!is_good)
        *error_r = xasprintf("%s: %s", path, got < 0 ? strerror(errno) : "not a number");
    if (fd >= 0)
        (void)close(fd);
    free(path);
    return is_good;
}

static bool write_synced(const char *path, const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        return false;
    bool is_good = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
    return close(fd) == 0 && is_good;
}

static bool sync_folder(const char *data)
{
    int fd = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return false;
    bool is_good = fsync(fd) == 0;
    return close(fd) == 0 && is_good;
}

bool number_reserve_write(const char *data, int64_t tick)
{
    char *path = xasprintf("%s/number.reserve", data);
    char *temporary = xasprintf("%s.new", path);
    char *text = xasprintf("%" PRId64 "\n", tick);
    bool is_good = write_synced(temporary, text, strlen(text)) && rename(temporary, path) == 0 &&
                   sync_folder(data);

    free(path);
    free(temporary);
    free(text);
    return is_good;
}
