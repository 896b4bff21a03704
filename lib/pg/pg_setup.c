/*
 * pg_setup.c - what makes a fresh connection usable, first time and every time: session settings,
 * every statement of the catalogue prepared and compared with what the program expects of it, and
 * LISTEN. All of it is one pipelined group, i.e. one round trip, whatever the catalogue's size.
 *
 * Steps: 0 the settings; then PREPARE and DESCRIBE of each statement; then one LISTEN per channel.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pg/pg_private.h"

/*
 * Durability is the product's promise: a role or database that turned synchronous_commit off is
 * overruled, any stronger setting is left alone. client_connection_check_interval lets the server
 * notice that we gave a connection up, so that an abandoned statement does not run for long.
 */
static const char session_sql[] =
    "SELECT set_config('statement_timeout', $1, false),"
    " set_config('lock_timeout', $1, false),"
    " set_config('idle_in_transaction_session_timeout', '10s', false),"
    " set_config('client_connection_check_interval', '2s', false),"
    " set_config('TimeZone', 'UTC', false),"
    " set_config('DateStyle', 'ISO, YMD', false),"
    " set_config('IntervalStyle', 'postgres', false),"
    " set_config('bytea_output', 'hex', false),"
    " set_config('jit', 'off', false),"
    " set_config('plan_cache_mode', $2, false),"
    " set_config('default_transaction_isolation', $3, false),"
    " set_config('work_mem', coalesce(nullif($4, '0') || 'MB', current_setting('work_mem')), "
    "false),"
    " CASE current_setting('synchronous_commit') WHEN 'off'"
    " THEN set_config('synchronous_commit', 'on', false) END,"
    " current_setting('fsync'), current_setting('server_encoding')";
#define SESSION_COLUMN_FSYNC 13
#define SESSION_COLUMN_ENCODING 14

enum step_kind { STEP_SESSION, STEP_PREPARE, STEP_DESCRIBE, STEP_LISTEN };

static enum step_kind step_kind(const struct pg_pool *pool, int step, size_t *index_r)
{
    size_t i = (size_t)step;

    *index_r = 0;
    if (i == 0)
        return STEP_SESSION;
    i--;
    if (i < 2 * pool->config.stmt_count) {
        *index_r = i / 2;
        return i % 2 == 0 ? STEP_PREPARE : STEP_DESCRIBE;
    }
    *index_r = i - 2 * pool->config.stmt_count;
    return STEP_LISTEN;
}

static bool send_session(struct pg_conn *conn)
{
    char timeout[24], work_mem[24];
    const char *value[] = {timeout, conn->pool->config.is_generic ? "force_generic_plan" : "auto",
                           conn->pool->config.is_snapshot ? "repeatable read" : "read committed",
                           work_mem};

    snprintf(timeout, sizeof(timeout), "%" PRId64, conn->pool->config.statement_timeout_ms);
    snprintf(work_mem, sizeof(work_mem), "%d", conn->pool->config.work_mem_mb);
    return PQsendQueryParams(conn->pg, session_sql, 4, NULL, value, NULL, NULL, 0) == 1;
}

static bool send_step(struct pg_conn *conn, int step)
{
    struct pg_pool *pool = conn->pool;
    size_t i;
    enum step_kind kind = step_kind(pool, step, &i);
    char sql[128];

    if (kind == STEP_SESSION)
        return send_session(conn);
    if (kind == STEP_PREPARE)
        return PQsendPrepare(conn->pg, pool->config.stmts[i]->name, pool->config.stmts[i]->sql, 0,
                             NULL) == 1;
    if (kind == STEP_DESCRIBE)
        return PQsendDescribePrepared(conn->pg, pool->config.stmts[i]->name) == 1;
    snprintf(sql, sizeof(sql), "LISTEN %s", pool->channels[i]->name);
    return PQsendQueryParams(conn->pg, sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

bool pg_setup_send(struct pg_conn *conn)
{
    struct pg_pool *pool = conn->pool;
    size_t channels = conn->index == 0 ? pool->channel_count : 0;
    int steps = (int)(1 + 2 * pool->config.stmt_count + channels);
    struct pg_op *op = pg_op_new(pool, steps, NULL, NULL);

    op->is_setup = true;
    pg_conn_push(conn, op);
    conn->channels_sent = channels;
    for (int i = 0; i < steps; i++)
        if (!send_step(conn, i))
            return false;
    op->synced = true;
    return PQpipelineSync(conn->pg) == 1;
}

/* ---- answers
 * ------------------------------------------------------------------------------------- */

static bool misfit(struct pg_conn *conn, char *text)
{
    free(conn->setup_error);
    conn->setup_error = text;
    conn->setup_permanent = true;
    return false;
}

static bool take_session(struct pg_conn *conn, const PGresult *res)
{
    const char *encoding;

    if (PQresultStatus(res) != PGRES_TUPLES_OK || PQntuples(res) != 1 ||
        PQnfields(res) <= SESSION_COLUMN_ENCODING)
        return misfit(conn, xstrdup("the session settings gave an unexpected answer"));
    encoding = PQgetvalue(res, 0, SESSION_COLUMN_ENCODING);
    if (strcmp(encoding, "UTF8") != 0)
        return misfit(conn, xasprintf("the database's encoding is %s, not UTF8", encoding));
    if (strcmp(PQgetvalue(res, 0, SESSION_COLUMN_FSYNC), "on") != 0)
        log_limited(LOG_LEVEL_WARN, "pg",
                    "pool=%s the server runs with fsync=off: a crash loses acknowledged tickets",
                    conn->pool->config.name);
    return true;
}

static bool take_description(struct pg_conn *conn, const struct pg_stmt *stmt, const PGresult *res)
{
    int params = PQnparams(res), columns = PQnfields(res);

    if (params != stmt->param_count)
        return misfit(conn, xasprintf("statement %s has %d parameters, expected %d", stmt->name,
                                      params, stmt->param_count));
    if (columns != stmt->column_count)
        return misfit(conn, xasprintf("statement %s returns %d columns, expected %d", stmt->name,
                                      columns, stmt->column_count));
    for (int i = 0; i < columns; i++)
        if (strcmp(PQfname(res, i), stmt->columns[i]) != 0)
            return misfit(conn, xasprintf("statement %s: column %d is %s, expected %s", stmt->name,
                                          i + 1, PQfname(res, i), stmt->columns[i]));
    return true;
}

bool pg_setup_take(struct pg_conn *conn, int step, const PGresult *res)
{
    size_t i;
    enum step_kind kind = step_kind(conn->pool, step, &i);

    if (kind == STEP_SESSION)
        return take_session(conn, res);
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        return misfit(conn,
                      xasprintf("set-up step %d gave %s", step, PQresStatus(PQresultStatus(res))));
    if (kind == STEP_DESCRIBE)
        return take_description(conn, conn->pool->config.stmts[i], res);
    return true;
}

void pg_setup_error(struct pg_conn *conn, const PGresult *res, int step)
{
    const struct pg_pool *pool = conn->pool;
    const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    size_t i;
    enum step_kind kind = step_kind(pool, step, &i);
    const char *what = "session settings";
    bool drop;

    if (conn->setup_error != NULL)
        return;
    if (kind == STEP_PREPARE || kind == STEP_DESCRIBE)
        what = pool->config.stmts[i]->name;
    else if (kind == STEP_LISTEN)
        what = pool->channels[i]->name;
    conn->setup_error = xasprintf("%s: %s %s", what, sqlstate == NULL ? "-" : sqlstate,
                                  text == NULL ? "no text" : text);
    conn->setup_permanent = pg_outcome_of_error(res, &drop) == PG_REJECTED;
}
