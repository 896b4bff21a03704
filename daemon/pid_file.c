/*
 * pid_file.c - a locked file; the lock goes with the process, whatever kills it.
 */
#include "daemon/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

struct pid_file {
    int fd;
    char *path;
};

/* Whoever had it may have unlinked it between our open and our lock: then we hold nothing. */
static bool is_at_path(int fd, const char *path)
{
    struct stat ours, there;

    return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

/* A locked descriptor; -1 and errno, EWOULDBLOCK if somebody else holds it. */
static int open_locked(const char *path)
{
    for (int tries = 0; tries < 100; tries++) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0)
            return -1;
        bool is_locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (is_locked && is_at_path(fd, path))
            return fd;
        int error = errno;
        (void)close(fd);
        errno = error;
        if (!is_locked)
            return -1;
    }
    errno = EWOULDBLOCK;
    return -1;
}

struct pid_file *pid_file_lock(const char *data, char **error_r)
{
    char *path = xasprintf("%s/hotlined.pid", data);
    int fd = open_locked(path);

    if (fd < 0) {
        *error_r = xasprintf("%s: %s", path,
                             errno == EWOULDBLOCK ? "held by a running process" : strerror(errno));
        free(path);
        return NULL;
    }
    struct pid_file *file = xcalloc(1, sizeof(*file));
    file->fd = fd;
    file->path = path;
    if (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
        *error_r = xasprintf("%s: %s", path, strerror(errno));
        pid_file_unlock(&file);
    }
    return file;
}

bool pid_file_note(struct pid_file *file, const char *conninfo)
{
    return dprintf(file->fd, "%s\n", conninfo) > 0;
}

char *pid_file_read_note(const char *data)
{
    char *path = xasprintf("%s/hotlined.pid", data);
    char text[2048];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0)
        (void)close(fd);
    free(path);
    text[got > 0 ? got : 0] = '\0';
    const char *line = strchr(text, '\n');
    size_t len = line ? strcspn(line + 1, "\n") : 0;
    return len ? xstrndup(line + 1, len) : NULL;
}

void pid_file_unlock(struct pid_file **file)
{
    if (!*file)
        return;
    (void)unlink((*file)->path);
    (void)close((*file)->fd);
    free((*file)->path);
    free(*file);
    *file = NULL;
}
