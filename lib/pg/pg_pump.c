/*
 * pg_pump.c - traffic of one connection: groups out, results in, first in first out.
 *
 * The server answers a group with `result, NULL` per statement and one PGRES_PIPELINE_SYNC
 * without a NULL. Only the Sync says that the group is committed, so only it completes an
 * operation.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "base/log.h"
#include "pg/pg_private.h"

/* One connection's share of a wake-up; the rest is taken in after the other sockets had theirs. */
#define RESULTS_PER_WAKE 256
/*
 * Nothing is pipelined behind an answer that is this late: what waits in our queue is certainly
 * not done when its deadline comes, what waits in the socket is in doubt.
 */
#define STALLED_US (250 * US_PER_MS)
/* A TLS record can leave up to 16 kB decrypted inside the library, of which epoll knows nothing. */
#define TLS_READS_PER_WAKE 4

static void conn_guard(struct pg_conn *conn, enum pg_metric metric, const char *reason)
{
    pg_metric_add(metric, 1);
    pg_conn_lost(conn, reason);
}

/* ---- out ---------------------------------------------------------------------------------------
 */

bool pg_conn_takes_work(const struct pg_conn *conn, int64_t now_us)
{
    const struct pg_op *oldest = TAILQ_FIRST(&conn->fifo);

    return conn->state == CONN_READY && conn->in_flight < conn->pool->config.max_in_flight &&
           (oldest == NULL || now_us - oldest->sent_us < STALLED_US);
}

static bool send_call(struct pg_conn *conn, const struct pg_op *op, int i)
{
    const struct pg_op_call *call;

    if (op->raw_sql != NULL)
        return PQsendQueryParams(conn->pg, op->raw_sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
    call = &op->calls[i];
    return PQsendQueryPrepared(conn->pg, call->stmt->name, call->count, call->value, call->length,
                               call->format, 0) == 1;
}

void pg_conn_push(struct pg_conn *conn, struct pg_op *op)
{
    op->state = OP_SENT;
    op->conn = conn;
    op->sent_us = clk_mono_us();
    TAILQ_INSERT_TAIL(&conn->fifo, op, link);
    conn->in_flight++;
    pg_metric_add(PG_METRIC_IN_FLIGHT, 1);
}

void pg_conn_pop(struct pg_conn *conn, struct pg_op *op)
{
    op->conn = NULL;
    TAILQ_REMOVE(&conn->fifo, op, link);
    conn->in_flight--;
    pg_metric_add(PG_METRIC_IN_FLIGHT, -1);
}

void pg_conn_send(struct pg_conn *conn, struct pg_op *op)
{
    pg_conn_push(conn, op);
    for (int i = 0; i < op->call_count; i++) {
        if (!send_call(conn, op, i)) {
            /* No Sync follows: the server rolls back whatever part of the group it has got. */
            pg_conn_lost(conn, PQerrorMessage(conn->pg));
            return;
        }
    }
    op->synced = true;
    if (PQpipelineSync(conn->pg) != 1) {
        pg_conn_lost(conn, PQerrorMessage(conn->pg));
        return;
    }
    pg_op_drop_params(op);
}

static void conn_pump(struct pg_conn *conn);

/* PQflush() reads when it cannot write, and epoll will not report those bytes again: so pump. */
void pg_conn_flush(struct pg_conn *conn)
{
    int rc;

    if (conn->state != CONN_READY && conn->state != CONN_SETUP)
        return;
    rc = PQflush(conn->pg);
    if (rc < 0) {
        pg_conn_lost(conn, PQerrorMessage(conn->pg));
        return;
    }
    if (rc == 1)
        event_add(conn->write_event, NULL);
    conn_pump(conn);
}

/* ---- in
 * ------------------------------------------------------------------------------------------ */

static void conn_synced(struct pg_conn *conn, struct pg_op *op)
{
    bool is_setup = op->is_setup, drop = false;

    pg_conn_pop(conn, op);
    if (op->error != NULL)
        (void)pg_outcome_of_error(op->error, &drop);
    pg_op_complete(op);
    if (drop)
        pg_conn_lost(conn, "the server's answer calls for a fresh connection");
    else if (is_setup)
        pg_conn_setup_done(conn);
}

/*
 * A catalogue statement that opens or ends a transaction would make every later Sync lie.
 * PQtransactionStatus() cannot tell while anything is in flight; the command tag always does.
 */
static bool is_transaction_control(PGresult *res)
{
    static const char *const tags[] = {"BEGIN",     "START TRANSACTION",   "COMMIT", "ROLLBACK",
                                       "SAVEPOINT", "PREPARE TRANSACTION", "RELEASE"};

    for (size_t i = 0; i < ARRAY_LEN(tags); i++)
        if (strcmp(PQcmdStatus(res), tags[i]) == 0)
            return true;
    return false;
}

static void refuse_transaction_control(struct pg_conn *conn, struct pg_op *op, PGresult *res)
{
    char tag = PQcmdStatus(res)[0];

    PQclear(res);
    pg_conn_pop(conn, op);
    /* BEGIN, START: closing the connection undoes it. Whatever ends a transaction may have
     * committed. */
    pg_op_settle(op, tag == 'B' || tag == 'S' ? PG_REJECTED : PG_UNCERTAIN, "25001",
                 "transaction control in a statement");
    conn_guard(conn, PG_METRIC_GUARD_OPEN_TRANSACTION, "transaction control in a statement");
}

static void conn_setup_failed(struct pg_conn *conn)
{
    if (conn->setup_permanent)
        pg_pool_post_config_error(conn->pool, conn->setup_error);
    pg_conn_lost(conn, conn->setup_error);
}

static void take_error(struct pg_conn *conn, struct pg_op *op, PGresult *res)
{
    op->has_result = true;
    if (op->error == NULL)
        op->error = res;
    else
        PQclear(res);
    if (op->is_setup) {
        pg_setup_error(conn, op->error, op->answered);
        conn_setup_failed(conn);
    }
}

/*
 * libpq 15 can present a lost connection as PGRES_COMMAND_OK without a command tag. The reading
 * rule of pg_private.h keeps us from it; this check makes sure.
 */
static bool is_plausible(const struct pg_op *op, PGresult *res)
{
    return op->is_setup || PQcmdStatus(res)[0] != '\0';
}

static void take_success(struct pg_conn *conn, struct pg_op *op, PGresult *res)
{
    if (op->answered >= op->call_count || op->has_result) {
        PQclear(res);
        conn_guard(conn, PG_METRIC_GUARD_PROTOCOL, "more answers than statements");
        return;
    }
    if (!is_plausible(op, res)) {
        PQclear(res);
        conn_guard(conn, PG_METRIC_GUARD_FALSE_SUCCESS, "success without a command tag");
        return;
    }
    if (is_transaction_control(res)) {
        refuse_transaction_control(conn, op, res);
        return;
    }
    op->has_result = true;
    if (op->is_setup) {
        bool fits = pg_setup_take(conn, op->answered, res);

        PQclear(res);
        if (!fits)
            conn_setup_failed(conn);
        return;
    }
    if (op->parts == NULL)
        op->parts = xcalloc((size_t)op->call_count, sizeof(*op->parts));
    op->parts[op->answered].res = res;
}

static void take_end(struct pg_conn *conn, struct pg_op *op)
{
    /* Without a result before it, NULL means that libpq expects nothing more, but we do. */
    if (!op->has_result) {
        conn_guard(conn, PG_METRIC_GUARD_PROTOCOL, "libpq has lost count of the answers");
        return;
    }
    op->has_result = false;
    if (op->answered < op->call_count)
        op->answered++;
}

static void take_sync(struct pg_conn *conn, struct pg_op *op)
{
    if (op->answered < op->call_count && op->error == NULL)
        conn_guard(conn, PG_METRIC_GUARD_PROTOCOL, "fewer answers than statements");
    else
        conn_synced(conn, op);
}

/* One result of the oldest operation. May lose the connection. */
static void conn_take(struct pg_conn *conn, PGresult *res)
{
    struct pg_op *op = TAILQ_FIRST(&conn->fifo);
    ExecStatusType status = PQresultStatus(res);

    if (res == NULL) {
        take_end(conn, op);
    } else if (status == PGRES_PIPELINE_SYNC) {
        PQclear(res);
        take_sync(conn, op);
    } else if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        take_success(conn, op, res);
    } else if (status == PGRES_FATAL_ERROR) {
        take_error(conn, op, res);
    } else if (status == PGRES_PIPELINE_ABORTED) {
        op->has_result = true;
        PQclear(res);
    } else {
        PQclear(res);
        conn_guard(conn, PG_METRIC_GUARD_PROTOCOL, "an answer of a kind we never ask for");
    }
}

static bool conn_alive(const struct pg_conn *conn)
{
    return conn->pg != NULL && PQstatus(conn->pg) == CONNECTION_OK;
}

static void conn_take_notifications(struct pg_conn *conn)
{
    PGnotify *notify;

    while (conn_alive(conn) && (notify = PQnotifies(conn->pg)) != NULL) {
        pg_metric_add(PG_METRIC_NOTIFICATIONS, 1);
        pg_pool_post_event(conn->pool, ITEM_NOTIFY, notify->relname, notify->extra);
        PQfreemem(notify);
    }
}

/* Reading stops until what was read is parsed. */
static void conn_resume_later(struct pg_conn *conn)
{
    static const struct timeval now = {0, 0};

    conn->resuming = true;
    event_del(conn->read_event);
    evtimer_add(conn->resume, &now);
}

static void conn_pump(struct pg_conn *conn)
{
    int budget = RESULTS_PER_WAKE;

    while (conn_alive(conn) && !TAILQ_EMPTY(&conn->fifo) && !PQisBusy(conn->pg)) {
        /* PQisBusy() parses and may find that the connection is broken. */
        if (!conn_alive(conn))
            break;
        if (budget-- == 0) {
            conn_resume_later(conn);
            break;
        }
        conn_take(conn, PQgetResult(conn->pg));
    }
    conn_take_notifications(conn);
    if (conn->pg != NULL && !conn_alive(conn))
        pg_conn_lost(conn, PQerrorMessage(conn->pg));
}

void pg_conn_read(struct pg_conn *conn)
{
    int reads = 1;

    if (conn->state != CONN_READY && conn->state != CONN_SETUP)
        return;
    if (PQsslInUse(conn->pg))
        reads = TLS_READS_PER_WAKE;
    while (reads-- > 0 && conn->pg != NULL && !conn->resuming) {
        if (PQconsumeInput(conn->pg) != 1) {
            pg_conn_lost(conn, PQerrorMessage(conn->pg));
            return;
        }
        conn_pump(conn);
    }
}

/* ---- events
 * ---------------------------------------------------------------------------------------- */

void pg_conn_on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct pg_conn *conn = arg;

    (void)fd;
    (void)what;
    pg_conn_read(conn);
    pg_pool_settle(conn->pool);
}

void pg_conn_on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct pg_conn *conn = arg;

    (void)fd;
    (void)what;
    pg_conn_flush(conn);
    pg_pool_settle(conn->pool);
}

void pg_conn_on_resume(evutil_socket_t fd, short what, void *arg)
{
    struct pg_conn *conn = arg;

    (void)fd;
    (void)what;
    conn->resuming = false;
    event_add(conn->read_event, NULL);
    conn_pump(conn);
    pg_pool_settle(conn->pool);
}

/* Called by libpq while it parses; must not call libpq on this connection. */
void pg_conn_on_notice(void *arg, const PGresult *res)
{
    struct pg_conn *conn = arg;
    struct pg_op *op = TAILQ_FIRST(&conn->fifo);
    const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    log_debug("pg", "pool=%s conn=%d notice sqlstate=%s %s", conn->pool->config.name, conn->index,
              sqlstate == NULL ? "-" : sqlstate, text == NULL ? "" : text);
    if (!pg_notice_is_unreplicated(res))
        return;
    pg_metric_add(PG_METRIC_GUARD_UNREPLICATED, 1);
    log_limited(LOG_LEVEL_WARN, "pg", "pool=%s conn=%d a commit may not be replicated",
                conn->pool->config.name, conn->index);
    if (op != NULL)
        op->in_doubt = true;
}

/* ---- LISTEN after start
 * ------------------------------------------------------------------------------ */

static void on_listening(void *ctx, const struct pg_result *res)
{
    const struct pg_channel *channel = ctx;
    struct pg_pool *pool = channel->pool;

    if (pg_result_outcome(res) == PG_OK)
        pg_pool_post_event(pool, ITEM_NOTIFY, channel->name, NULL);
    else if (!pool->closed && pool->conns[0]->state == CONN_READY)
        /* The set-up path listens again; if the connection was lost it does so anyway. */
        pg_conn_lost(pool->conns[0], pg_result_message(res));
}

void pg_conn_listen(struct pg_conn *conn)
{
    struct pg_pool *pool = conn->pool;

    while (conn->state == CONN_READY && conn->channels_sent < pool->channel_count) {
        struct pg_channel *channel = pool->channels[conn->channels_sent++];
        struct pg_op *op = pg_op_new(pool, 1, on_listening, channel);

        op->raw_sql = xasprintf("LISTEN %s", channel->name);
        op->deadline_us = op->submitted_us + pool->config.statement_timeout_ms * US_PER_MS;
        pg_heap_add(&pool->deadlines, op);
        pg_conn_send(conn, op);
    }
    pg_conn_flush(conn);
}
