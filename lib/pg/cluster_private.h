/*
 * cluster_private.h - the inside of the private cluster, and what only tests may ask for.
 */
#ifndef PG_CLUSTER_PRIVATE_H
#define PG_CLUSTER_PRIVATE_H

#include <stdint.h>
#include <sys/types.h>

#include "pg/cluster.h"

#define CLUSTER_ROLE "hotline"
#define CLUSTER_DATABASE "hotline"
#define CLUSTER_ADMIN "postgres"

/* Who owns the files and runs the server. */
struct cluster_owner {
    uid_t uid;
    gid_t gid;
    char *name;
    bool drop; /* we are root and have to become him */
};

struct pg_cluster {
    struct cluster_owner owner;
    char *dir;        /* DIR/pg, absolute */
    char *data;       /* DIR/pg/data */
    char *draft;      /* DIR/pg/data.new: initdb's, until it is complete */
    char *log;        /* DIR/pg/server.log */
    char *socket_dir; /* DIR/pg/socket, or a short one elsewhere if that is too long */
    char *bin;        /* where initdb, pg_ctl and postgres of the right version are */
    char *conninfo, *admin_conninfo;
    int lock_fd; /* DIR/pg, locked as long as we use the cluster; -1 */
    int port;
    const char *tcp_password; /* tests: also listen on 127.0.0.1; NULL otherwise */
};

/* Tests: a proxy can only be put in front of TCP. The password is that of role hotline (SCRAM). */
MUST_CHECK struct pg_cluster *pg_cluster_start_tcp(const char *dir, int port, const char *password,
                                                   char **error_r);
/* Tests: role postgres, for ALTER SYSTEM and the like. */
const char *pg_cluster_admin_conninfo(const struct pg_cluster *cluster);
/* Frees without stopping the server: what a killed daemon leaves behind. NULL is fine. */
void pg_cluster_forget(struct pg_cluster **cluster);

/* ---- cluster_process.c: doing things as the owner
 * ------------------------------------------------- */

/* Runs fn(arg) in a child that is the owner, in cluster->dir. What it prints becomes the text. */
MUST_CHECK bool cluster_call(const struct pg_cluster *cluster, int (*fn)(const void *arg),
                             const void *arg, char **error_r);
/* Runs cluster->bin/argv[0] likewise, bounded by a timeout. */
MUST_CHECK bool cluster_run(const struct pg_cluster *cluster, const char *const argv[],
                            int64_t timeout_us, char **error_r);

/* ---- cluster_files.c
 * -------------------------------------------------------------------------------- */

/* DIR, DIR/pg, the socket directory; fills in the paths and takes the lock. */
MUST_CHECK bool cluster_files_prepare(struct pg_cluster *cluster, const char *dir, char **error_r);
/* Major version of the cluster in DIR/pg/data, 0 if there is none yet; false if it cannot be used.
 */
MUST_CHECK bool cluster_files_version(const struct pg_cluster *cluster, int *major_r,
                                      char **error_r);
MUST_CHECK bool cluster_files_find_bin(struct pg_cluster *cluster, int major, char **error_r);
/* initdb into the draft, settings, rename. */
MUST_CHECK bool cluster_files_create(const struct pg_cluster *cluster, char **error_r);
/* Settings and access rules are ours: written before every start. */
MUST_CHECK bool cluster_files_configure(const struct pg_cluster *cluster, char **error_r);
/* The end of the server's log, for error texts. Caller frees. */
RETURNS_NONNULL char *cluster_files_log_tail(const struct pg_cluster *cluster);

#endif
