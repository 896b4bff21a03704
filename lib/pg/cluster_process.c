/*
 * cluster_process.c - children that run as the cluster's owner. No shell, a fixed environment,
 * nothing inherited but stdin (/dev/null) and one pipe that collects what they say.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "pg/cluster_private.h"

#define OUTPUT_MAX 2048 /* the end of what a child said */
#define CALL_TIMEOUT_US (30 * US_PER_SECOND)
#define EXIT_CANNOT_BECOME 126
#define ARGS_MAX 24

struct job {
    int (*fn)(const void *arg);
    const void *arg;
    const char *const *argv; /* instead of fn */
};

/* ---- in the child -------------------------------------------------------------------------------
 */

static void child_signals(void)
{
    static const int reset[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGCHLD, SIGUSR1, SIGUSR2};
    sigset_t none;

    for (size_t i = 0; i < ARRAY_LEN(reset); i++)
        signal(reset[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool child_streams(int out_fd)
{
    int null_fd = open("/dev/null", O_RDONLY);

    if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(out_fd, 1) < 0 || dup2(out_fd, 2) < 0)
        return false;
    return close_range(3, ~0U, 0) == 0;
}

static bool child_become(const struct cluster_owner *owner)
{
    if (!owner->drop)
        return true;
    return setgroups(1, &owner->gid) == 0 && setgid(owner->gid) == 0 && setuid(owner->uid) == 0;
}

NORETURN static void child_exec(const struct pg_cluster *cluster, const char *const *argv)
{
    char path_variable[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale_variable[] = "LC_ALL=C";
    char *const environment[] = {path_variable, locale_variable, NULL};
    char *args[ARGS_MAX] = {NULL};

    /* PostgreSQL's programs find each other by the path they were called with. */
    args[0] = xasprintf("%s/%s", cluster->bin, argv[0]);
    for (size_t i = 1; argv[i] != NULL; i++) {
        INVARIANT(i < ARGS_MAX - 1);
        args[i] = xstrdup(argv[i]);
    }
    execve(args[0], args, environment);
    dprintf(2, "cannot run %s: %s\n", args[0], strerror(errno));
    _exit(EXIT_CANNOT_BECOME);
}

NORETURN static void child_main(const struct pg_cluster *cluster, const struct job *job, int out_fd)
{
    const struct cluster_owner *owner = &cluster->owner;

    child_signals();
    umask(077);
    if (!child_streams(out_fd))
        _exit(EXIT_CANNOT_BECOME);
    if (!child_become(owner)) {
        dprintf(2, "cannot become user %s: %s\n", owner->name, strerror(errno));
        _exit(EXIT_CANNOT_BECOME);
    }
    if (chdir(cluster->dir) != 0) {
        dprintf(2, "user %s cannot enter %s: %s (every folder above it needs the x permission)\n",
                owner->name, cluster->dir, strerror(errno));
        _exit(EXIT_CANNOT_BECOME);
    }
    if (job->argv != NULL)
        child_exec(cluster, job->argv);
    _exit(job->fn(job->arg));
}

/* ---- in the parent
 * ------------------------------------------------------------------------------- */

struct output {
    char text[2 * OUTPUT_MAX];
    size_t len;
};

/* Keeps the end. */
static bool output_read(struct output *out, int fd)
{
    ssize_t n;

    if (out->len > OUTPUT_MAX) {
        memmove(out->text, out->text + out->len - OUTPUT_MAX, OUTPUT_MAX);
        out->len = OUTPUT_MAX;
    }
    n = read(fd, out->text + out->len, sizeof(out->text) - 1 - out->len);
    if (n < 0)
        return errno == EINTR;
    out->len += (size_t)n;
    return n > 0;
}

/* Until the child closes its end or the time is up (false). */
static bool output_collect(struct output *out, int fd, int64_t deadline_us)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left_us = deadline_us - clk_mono_us();

        if (left_us <= 0)
            return false;
        if (poll(&p, 1, (int)(left_us / US_PER_MS) + 1) > 0 && !output_read(out, fd))
            return true;
    }
}

static char *output_text(struct output *out)
{
    while (out->len > 0 && strchr("\r\n ", out->text[out->len - 1]) != NULL)
        out->len--;
    return xstrndup(out->text, out->len);
}

static bool child_wait(pid_t pid, int *status_r)
{
    pid_t rc;

    do
        rc = waitpid(pid, status_r, 0);
    while (rc < 0 && errno == EINTR);
    return rc == pid;
}

static bool child_finish(pid_t pid, int fd, const char *what, int64_t timeout_us, char **error_r)
{
    struct output out = {.len = 0};
    bool in_time = output_collect(&out, fd, clk_mono_us() + timeout_us);
    int status = 0;
    bool reaped;
    char *text;

    if (!in_time)
        kill(pid, SIGKILL);
    reaped = child_wait(pid, &status);
    if (in_time && reaped && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    text = output_text(&out);
    if (!in_time)
        *error_r = xasprintf("%s did not end in time: %s", what, text);
    else if (reaped && WIFSIGNALED(status))
        *error_r = xasprintf("%s ended by signal %d: %s", what, WTERMSIG(status), text);
    else
        *error_r = xasprintf("%s failed: %s", what, text);
    free(text);
    return false;
}

static bool job_run(const struct pg_cluster *cluster, const struct job *job, const char *what,
                    int64_t timeout_us, char **error_r)
{
    int fds[2];
    pid_t pid;
    bool ok;

    if (pipe2(fds, O_CLOEXEC) != 0) {
        *error_r = xasprintf("%s: pipe: %s", what, strerror(errno));
        return false;
    }
    pid = fork();
    if (pid == 0)
        child_main(cluster, job, fds[1]);
    close(fds[1]);
    if (pid < 0) {
        *error_r = xasprintf("%s: fork: %s", what, strerror(errno));
        ok = false;
    } else {
        ok = child_finish(pid, fds[0], what, timeout_us, error_r);
    }
    close(fds[0]);
    return ok;
}

bool cluster_call(const struct pg_cluster *cluster, int (*fn)(const void *arg), const void *arg,
                  char **error_r)
{
    struct job job = {.fn = fn, .arg = arg};

    return job_run(cluster, &job, "preparing the private database", CALL_TIMEOUT_US, error_r);
}

bool cluster_run(const struct pg_cluster *cluster, const char *const argv[], int64_t timeout_us,
                 char **error_r)
{
    struct job job = {.argv = argv};

    return job_run(cluster, &job, argv[0], timeout_us, error_r);
}
