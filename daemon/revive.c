/*
 * revive.c - a timer while the database is down, one child at a time.
 */
#include "daemon/revive.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/log.h"
#include "base/metrics.h"
#include "pg/cluster.h"

/* A restart of the server by somebody else gets this long before we interfere. */
#define FIRST_LOOK_SECONDS 1
#define LATER_LOOK_SECONDS 5

static struct metric revived = {
    .name = "hotlined_cluster_revivals_total",
    .help = "Times the server of the private cluster had to be looked after.",
};

struct revive {
    const struct pg_cluster *cluster;
    struct event *timer, *child_ended;
    pid_t child; /* 0 = none */
};

void revive_register_metrics(void)
{
    metrics_register(&revived, 1);
}

static void look_in(struct revive *r, time_t seconds)
{
    const struct timeval tv = {seconds, 0};
    (void)event_add(r->timer, &tv);
}

/*
 * In the child: nothing of the parent's loop is touched, and it leaves without its exit handlers.
 * The handlers of signals that it has from its parent would write into the parent's loop.
 */
static void run_child(const struct pg_cluster *cluster)
{
    static const int handled[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    char *why = NULL;

    for (size_t i = 0; i < ARRAY_LEN(handled); i++)
        (void)signal(handled[i], SIG_DFL);
    bool is_up = pg_cluster_revive(cluster, &why);

    if (!is_up)
        log_error("cluster", "the private database does not start again: %s",
                  why ? why : "unknown");
    _exit(is_up ? 0 : 1);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct revive *r = ctx;

    (void)fd;
    (void)what;
    look_in(r, LATER_LOOK_SECONDS);
    if (r->child)
        return;
    log_warn("cluster", "the private database is down, looking after it");
    metric_inc(&revived);
    pid_t child = fork();
    if (child == 0)
        run_child(r->cluster);
    if (child > 0)
        r->child = child;
}

static void on_child(evutil_socket_t number, short what, void *ctx)
{
    struct revive *r = ctx;

    (void)number;
    (void)what;
    if (r->child && waitpid(r->child, NULL, WNOHANG) == r->child)
        r->child = 0;
}

void revive_down(struct revive *r)
{
    if (r->cluster)
        look_in(r, FIRST_LOOK_SECONDS);
}

void revive_up(struct revive *r)
{
    (void)event_del(r->timer);
}

struct revive *revive_new(struct event_base *base, const struct pg_cluster *cluster)
{
    struct revive *r = xcalloc(1, sizeof(*r));

    r->cluster = cluster;
    r->timer = evtimer_new(base, on_timer, r);
    r->child_ended = evsignal_new(base, SIGCHLD, on_child, r);
    INVARIANT(r->timer && r->child_ended && event_add(r->child_ended, NULL) == 0);
    return r;
}

void revive_free(struct revive **revive)
{
    struct revive *r = *revive;

    if (!r)
        return;
    event_free(r->timer);
    event_free(r->child_ended);
    /* Cut short it would leave a server behind that starts after we have stopped it; it has a
     * deadline of its own. */
    if (r->child)
        (void)waitpid(r->child, NULL, 0);
    free(r);
    *revive = NULL;
}
