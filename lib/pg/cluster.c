#include "pg/cluster.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "base/log.h"
#include "base/sbuf.h"
#include "pg/cluster_private.h"
#include "pg/pg_private.h"
#include "pg/pg_sync.h"

#define UNIX_PORT 5432 /* only a part of the socket's name */
#define PROBE_TIMEOUT_US (5 * US_PER_SECOND)
#define PROBE_INTERVAL_MS 50
#define UP_TIMEOUT_US (90 * US_PER_SECOND)
/* After a kill, orphans of the old server hold its shared memory for a moment. */
#define ORPHANS_TIMEOUT_US (20 * US_PER_SECOND)
#define CTL_WAIT_SECONDS "60"
#define CTL_TIMEOUT_US (75 * US_PER_SECOND)
#define SQL_TIMEOUT_US (30 * US_PER_SECOND)

/* ---- who
 * ------------------------------------------------------------------------------------------- */

static bool find_owner(struct cluster_owner *owner, char **error_r)
{
    const struct passwd *pw;

    owner->drop = geteuid() == 0;
    pw = owner->drop ? getpwnam(CLUSTER_ADMIN) : getpwuid(geteuid());
    if (pw == NULL) {
        *error_r = owner->drop ? xstrdup("there is no user postgres to run the private database "
                                         "as (package postgresql-common makes it)")
                               : xstrdup("the user we run as has no name in the user database");
        return false;
    }
    owner->uid = pw->pw_uid;
    owner->gid = pw->pw_gid;
    owner->name = xstrdup(pw->pw_name);
    return true;
}

/* A value of a connection string: quoted, quotes and backslashes escaped. */
static char *build_conninfo(const char *host, int port, const char *user, const char *database)
{
    struct sbuf out;

    sbuf_init(&out, 0);
    sbuf_adds(&out, "host='");
    for (; *host != '\0'; host++) {
        if (*host == '\'' || *host == '\\')
            sbuf_addc(&out, '\\');
        sbuf_addc(&out, *host);
    }
    sbuf_addf(&out, "' port=%d user=%s dbname=%s", port, user, database);
    return sbuf_steal(&out);
}

/* ---- is it up?
 * --------------------------------------------------------------------------------------- */

enum probe {
    PROBE_UP,
    PROBE_BUSY, /* starting, recovering or shutting down */
    PROBE_ABSENT,
    PROBE_FOREIGN,
};

static enum probe probe_connected(const struct pg_cluster *cluster, PGconn *conn, char **text_r)
{
    PGresult *res = pg_sync_query(conn, "SELECT current_setting('data_directory')", 0, NULL,
                                  clk_mono_us() + PROBE_TIMEOUT_US);
    enum probe found = PROBE_FOREIGN;

    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        found = PROBE_BUSY;
    else if (strcmp(PQgetvalue(res, 0, 0), cluster->data) == 0)
        found = PROBE_UP;
    else
        *text_r = xasprintf("the server on %s serves another folder", cluster->socket_dir);
    PQclear(res);
    return found;
}

static enum probe probe_failed(PGconn *conn, char **text_r)
{
    char sqlstate[PG_SQLSTATE_SIZE];

    pg_connect_sqlstate(PQerrorMessage(conn), sqlstate);
    if (sqlstate[0] == '\0')
        return PROBE_ABSENT;
    if (strcmp(sqlstate, "57P03") == 0 || strncmp(sqlstate, "53", 2) == 0)
        return PROBE_BUSY;
    *text_r = pg_sync_error(conn, NULL);
    return PROBE_FOREIGN;
}

static enum probe probe(const struct pg_cluster *cluster, char **text_r)
{
    PGconn *conn = pg_sync_connect(cluster->admin_conninfo, "hotlined/cluster",
                                   clk_mono_us() + PROBE_TIMEOUT_US);
    enum probe found = PQstatus(conn) == CONNECTION_OK ? probe_connected(cluster, conn, text_r)
                                                       : probe_failed(conn, text_r);

    PQfinish(conn);
    return found;
}

/* ---- start
 * --------------------------------------------------------------------------------------------- */

static bool has_pid_file(const struct pg_cluster *cluster)
{
    char *path = xasprintf("%s/postmaster.pid", cluster->data);
    bool found = access(path, F_OK) == 0;

    free(path);
    return found;
}

static bool start_server(const struct pg_cluster *cluster, char **error_r)
{
    const char *const argv[] = {"pg_ctl", "start",       "-s", "-w",         "-t", CTL_WAIT_SECONDS,
                                "-D",     cluster->data, "-l", cluster->log, NULL};
    char *why, *tail;

    if (cluster_run(cluster, argv, CTL_TIMEOUT_US, &why))
        return true;
    tail = cluster_files_log_tail(cluster);
    *error_r = xasprintf("%s; the end of %s: %s", why, cluster->log, tail);
    free(why);
    free(tail);
    return false;
}

/* A failed start is tried again only while remains of a killed server may be the cause. */
static bool start_or_retry(const struct pg_cluster *cluster, int64_t orphans_until_us,
                           char **error_r)
{
    bool remains = has_pid_file(cluster);
    char *why;

    if (start_server(cluster, &why))
        return true;
    if (remains && clk_mono_us() < orphans_until_us) {
        log_info("cluster", "remains of an earlier server are in the way, trying again");
        free(why);
        return true;
    }
    *error_r = why;
    return false;
}

static bool bring_up(const struct pg_cluster *cluster, char **error_r)
{
    int64_t started_us = clk_mono_us();

    while (clk_mono_us() - started_us < UP_TIMEOUT_US) {
        enum probe found = probe(cluster, error_r);

        if (found == PROBE_UP)
            return true;
        if (found == PROBE_FOREIGN)
            return false;
        if (found == PROBE_ABSENT &&
            !start_or_retry(cluster, started_us + ORPHANS_TIMEOUT_US, error_r))
            return false;
        poll(NULL, 0, PROBE_INTERVAL_MS);
    }
    *error_r = xasprintf("the private database in %s did not get ready in time", cluster->data);
    return false;
}

/* ---- role and database
 * ------------------------------------------------------------------------------------ */

static bool has_row(PGconn *conn, const char *sql)
{
    PGresult *res = pg_sync_query(conn, sql, 0, NULL, clk_mono_us() + SQL_TIMEOUT_US);
    bool found = PQntuples(res) > 0;

    PQclear(res);
    return found;
}

static bool set_password(const struct pg_cluster *cluster, PGconn *conn, char **error_r)
{
    char *sql;
    bool ok;

    if (cluster->tcp_password == NULL)
        return true;
    INVARIANT(strpbrk(cluster->tcp_password, "'\\") == NULL);
    sql = xasprintf("ALTER ROLE " CLUSTER_ROLE " PASSWORD '%s'", cluster->tcp_password);
    ok = pg_sync_exec(conn, sql, clk_mono_us() + SQL_TIMEOUT_US, error_r);
    free(sql);
    return ok;
}

/* Looked up at every start, so that an interrupted first one heals. */
static bool provision_connected(const struct pg_cluster *cluster, PGconn *conn, char **error_r)
{
    static const struct {
        const char *look, *make;
    } wanted[] = {
        {"SELECT 1 FROM pg_roles WHERE rolname = '" CLUSTER_ROLE "'",
         "CREATE ROLE " CLUSTER_ROLE " LOGIN"},
        {"SELECT 1 FROM pg_database WHERE datname = '" CLUSTER_DATABASE "'",
         "CREATE DATABASE " CLUSTER_DATABASE " OWNER " CLUSTER_ROLE " TEMPLATE template0"},
    };

    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        if (!has_row(conn, wanted[i].look) &&
            !pg_sync_exec(conn, wanted[i].make, clk_mono_us() + SQL_TIMEOUT_US, error_r))
            return false;
    /* A server that was taken over has not read the access rules just written. */
    return pg_sync_exec(conn, "SELECT pg_reload_conf()", clk_mono_us() + SQL_TIMEOUT_US, error_r) &&
           set_password(cluster, conn, error_r);
}

static bool provision(const struct pg_cluster *cluster, char **error_r)
{
    PGconn *conn = pg_sync_connect(cluster->admin_conninfo, "hotlined/cluster",
                                   clk_mono_us() + SQL_TIMEOUT_US);
    bool ok = PQstatus(conn) == CONNECTION_OK;

    if (ok)
        ok = provision_connected(cluster, conn, error_r);
    else
        *error_r = pg_sync_error(conn, NULL);
    PQfinish(conn);
    return ok;
}

/* ---- life ------------------------------------------------------------------------------------ */

void pg_cluster_forget(struct pg_cluster **cluster_p)
{
    struct pg_cluster *cluster = *cluster_p;

    *cluster_p = NULL;
    if (cluster == NULL)
        return;
    if (cluster->lock_fd >= 0)
        close(cluster->lock_fd);
    free(cluster->owner.name);
    free(cluster->dir);
    free(cluster->data);
    free(cluster->draft);
    free(cluster->log);
    free(cluster->socket_dir);
    free(cluster->bin);
    free(cluster->conninfo);
    free(cluster->admin_conninfo);
    free(cluster);
}

static bool stop_server(const struct pg_cluster *cluster, char **error_r)
{
    const char *const argv[] = {"pg_ctl", "stop", "-s", "-w",          "-t", CTL_WAIT_SECONDS,
                                "-m",     "fast", "-D", cluster->data, NULL};

    return cluster_run(cluster, argv, CTL_TIMEOUT_US, error_r);
}

/* The first error is the one to tell. */
static bool stop_after_failure(const struct pg_cluster *cluster)
{
    char *why = NULL;

    if (!stop_server(cluster, &why))
        log_warn("cluster", "the unusable server is still running: %s", why);
    free(why);
    return false;
}

static bool cluster_ready(struct pg_cluster *cluster, const char *dir, char **error_r)
{
    int major = 0;

    if (!find_owner(&cluster->owner, error_r) || !cluster_files_prepare(cluster, dir, error_r) ||
        !cluster_files_version(cluster, &major, error_r) ||
        !cluster_files_find_bin(cluster, major, error_r))
        return false;
    cluster->conninfo =
        build_conninfo(cluster->socket_dir, cluster->port, CLUSTER_ROLE, CLUSTER_DATABASE);
    cluster->admin_conninfo =
        build_conninfo(cluster->socket_dir, cluster->port, CLUSTER_ADMIN, "postgres");
    if (major == 0 ? !cluster_files_create(cluster, error_r)
                   : !cluster_files_configure(cluster, error_r))
        return false;
    if (!bring_up(cluster, error_r))
        return false;
    return provision(cluster, error_r) || stop_after_failure(cluster);
}

static struct pg_cluster *cluster_start(const char *dir, int port, const char *tcp_password,
                                        char **error_r)
{
    struct pg_cluster *cluster = xcalloc(1, sizeof(*cluster));

    cluster->lock_fd = -1;
    cluster->port = port;
    cluster->tcp_password = tcp_password;
    if (cluster_ready(cluster, dir, error_r)) {
        cluster->tcp_password = NULL; /* the caller's string */
        log_info("cluster", "private database runs in %s", cluster->data);
        return cluster;
    }
    pg_cluster_forget(&cluster);
    return NULL;
}

struct pg_cluster *pg_cluster_start(const char *dir, char **error_r)
{
    return cluster_start(dir, UNIX_PORT, NULL, error_r);
}

struct pg_cluster *pg_cluster_start_tcp(const char *dir, int port, const char *password,
                                        char **error_r)
{
    return cluster_start(dir, port, password, error_r);
}

bool pg_cluster_revive(const struct pg_cluster *cluster, char **error_r)
{
    return bring_up(cluster, error_r);
}

const char *pg_cluster_conninfo(const struct pg_cluster *cluster)
{
    return cluster->conninfo;
}

const char *pg_cluster_admin_conninfo(const struct pg_cluster *cluster)
{
    return cluster->admin_conninfo;
}

bool pg_cluster_stop(struct pg_cluster **cluster_p, char **error_r)
{
    const struct pg_cluster *cluster = *cluster_p;
    const char *const status[] = {"pg_ctl", "status", "-D", cluster->data, NULL};
    char *why = NULL, *not_running = NULL;
    bool stopped = stop_server(cluster, &why);

    if (!stopped) {
        /* Somebody else may have stopped or killed it; what counts is that it does not run. */
        stopped = !cluster_run(cluster, status, CTL_TIMEOUT_US, &not_running) &&
                  strstr(not_running, "no server running") != NULL;
        if (!stopped)
            *error_r = xstrdup(why);
    }
    free(why);
    free(not_running);
    pg_cluster_forget(cluster_p);
    return stopped;
}
