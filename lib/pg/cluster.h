/*
 * cluster.h - a private PostgreSQL cluster for a daemon that has no database configured.
 *
 * DIR/pg/data and DIR/pg/socket belong to an unprivileged user (if we are root: `postgres`, else
 * ourselves). Unix socket only, no TCP; data checksums; UTF8, C locale for collation. Started by
 * pg_ctl as that user, stopped cleanly (fast) with us. A cluster of another major version, a
 * foreign owner or a half-made one is refused with a clear text; initdb happens in a temporary
 * folder that is renamed when complete, so nothing is left half-done. A server still running from a
 * killed daemon is taken over, not started twice. Synchronous: used before the loop runs and after
 * it ended.
 */
#ifndef PG_CLUSTER_H
#define PG_CLUSTER_H

#include <stdbool.h>

#include "base/attr.h"

struct pg_cluster;

/* NULL and a text (caller frees). */
MUST_CHECK struct pg_cluster *pg_cluster_start(const char *dir, char **error_r);
const char *pg_cluster_conninfo(const struct pg_cluster *cluster);
/*
 * Starts the server again if it does not run (somebody killed it). Blocks until it accepts
 * connections or a timeout: call it in a child process. false and a text.
 */
MUST_CHECK bool pg_cluster_revive(const struct pg_cluster *cluster, char **error_r);
/* Clean stop (pg_ctl stop -m fast -w), bounded by a timeout; frees. false and a text if it did not
 * stop. */
MUST_CHECK bool pg_cluster_stop(struct pg_cluster **cluster, char **error_r);

#endif
