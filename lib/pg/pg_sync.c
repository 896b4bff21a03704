#include "pg/pg_sync.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clk.h"

static void drop_notice(void *arg, const PGresult *res)
{
    (void)arg;
    (void)res;
}

/* false when the deadline has passed. */
static bool wait_for(int fd, short events, int64_t deadline_us)
{
    struct pollfd p = {.fd = fd, .events = events};

    for (;;) {
        int64_t left_us = deadline_us - clk_mono_us();
        int64_t left_ms = (left_us + US_PER_MS - 1) / US_PER_MS;
        int rc;

        if (left_us <= 0 || fd < 0)
            return false;
        rc = poll(&p, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
        if (rc > 0)
            return true;
        if (rc < 0 && errno != EINTR)
            return false;
    }
}

PGconn *pg_sync_connect(const char *conninfo, const char *application, int64_t deadline_us)
{
    const char *const keywords[] = {"keepalives_idle", "tcp_user_timeout", "dbname",
                                    "client_encoding", "application_name", NULL};
    const char *const values[] = {"30", "15000", conninfo, "UTF8", application, NULL};
    PGconn *conn = PQconnectStartParams(keywords, values, 1);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    INVARIANT(conn != NULL);
    PQsetNoticeReceiver(conn, drop_notice, NULL);
    PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
    while (PQstatus(conn) != CONNECTION_BAD && status != PGRES_POLLING_OK &&
           status != PGRES_POLLING_FAILED) {
        short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;

        if (!wait_for(PQsocket(conn), events, deadline_us))
            break;
        status = PQconnectPoll(conn);
    }
    return conn;
}

/* Everything of one query; waits until it is written and answered. */
static bool await_answer(PGconn *conn, int64_t deadline_us)
{
    for (;;) {
        int unsent = PQflush(conn);
        short events = unsent == 1 ? POLLIN | POLLOUT : POLLIN;

        /* A broken connection is not busy either, and libpq then makes up results (pg_private.h).
         */
        if (unsent < 0 || PQstatus(conn) == CONNECTION_BAD)
            return false;
        if (unsent == 0 && !PQisBusy(conn))
            return PQstatus(conn) == CONNECTION_OK;
        if (!wait_for(PQsocket(conn), events, deadline_us) || PQconsumeInput(conn) != 1)
            return false;
    }
}

PGresult *pg_sync_query(PGconn *conn, const char *sql, int count, const char *const *values,
                        int64_t deadline_us)
{
    PGresult *last = NULL, *res;
    int sent;

    if (PQsetnonblocking(conn, 1) != 0)
        return NULL;
    sent = count == 0 ? PQsendQuery(conn, sql)
                      : PQsendQueryParams(conn, sql, count, NULL, values, NULL, NULL, 0);
    if (sent != 1)
        return NULL;
    for (;;) {
        if (!await_answer(conn, deadline_us)) {
            PQclear(last);
            return NULL;
        }
        res = PQgetResult(conn);
        if (res == NULL)
            return last;
        PQclear(last);
        last = res;
    }
}

char *pg_sync_error(PGconn *conn, const PGresult *res)
{
    const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *message = PQerrorMessage(conn);
    size_t len = strcspn(message, "\n");

    if (sqlstate != NULL && text != NULL)
        return xasprintf("%s %s", sqlstate, text);
    if (len == 0)
        return xstrdup("no answer from the database in time");
    return xstrndup(message, len);
}

bool pg_sync_exec(PGconn *conn, const char *sql, int64_t deadline_us, char **error_r)
{
    PGresult *res = pg_sync_query(conn, sql, 0, NULL, deadline_us);
    ExecStatusType status = PQresultStatus(res);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;

    if (!ok)
        *error_r = pg_sync_error(conn, res);
    PQclear(res);
    return ok;
}
