/*
 * pg_sync.h - blocking use of libpq with a deadline, for migrations and for making a cluster:
 * before the event loop runs and in subcommands. libpq's own connect_timeout counts whole seconds
 * and its PQexec() waits forever, so both are done here over poll(2).
 */
#ifndef PG_SYNC_H
#define PG_SYNC_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/* Never NULL; look at PQstatus(). deadline_us is monotonic. Notices are dropped. */
RETURNS_NONNULL PGconn *pg_sync_connect(const char *conninfo, const char *application,
                                        int64_t deadline_us);
/*
 * The last result of sql, or NULL if the deadline or the connection went. Without parameters
 * several statements may be given; the first error ends them.
 */
PGresult *pg_sync_query(PGconn *conn, const char *sql, int count, const char *const *values,
                        int64_t deadline_us);
/* true if it ended in rows or in "done"; else *error_r says why (caller frees). */
MUST_CHECK bool pg_sync_exec(PGconn *conn, const char *sql, int64_t deadline_us, char **error_r);
/* One line that says what went wrong; res may be NULL. Caller frees. */
RETURNS_NONNULL char *pg_sync_error(PGconn *conn, const PGresult *res);

#endif
