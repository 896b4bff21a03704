/*
 * pg_conn.c - the life of one connection: connect, set up, lose, try again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "base/crypto.h"
#include "base/log.h"
#include "pg/pg_private.h"

/* Name resolution inside PQconnectStartParams() blocks the loop; longer than this is worth a line.
 */
#define SLOW_RESOLVE_US (500 * US_PER_MS)
#define BACKOFF_GROWTH 3

static const char *const state_names[] = {
    [CONN_DOWN] = "down",
    [CONN_CONNECTING] = "connecting",
    [CONN_SETUP] = "setup",
    [CONN_READY] = "ready",
};

static void conn_set_state(struct pg_conn *conn, enum pg_conn_state state)
{
    enum pg_conn_state old = conn->state;

    if (old == state)
        return;
    log_debug("pg", "pool=%s conn=%d %s -> %s", conn->pool->config.name, conn->index,
              state_names[old], state_names[state]);
    conn->state = state;
    if (old == CONN_READY)
        pg_pool_count_ready(conn->pool, -1);
    if (state == CONN_READY)
        pg_pool_count_ready(conn->pool, 1);
}

static void conn_arm(struct pg_conn *conn, int64_t wait_us)
{
    struct timeval tv = {.tv_sec = (time_t)(wait_us / US_PER_SECOND),
                         .tv_usec = (suseconds_t)(wait_us % US_PER_SECOND)};

    evtimer_add(conn->timer, &tv);
}

/* Decorrelated jitter: anything between the base and three times the last wait, capped. */
static int64_t conn_next_backoff(struct pg_conn *conn)
{
    const struct pg_pool_config *config = &conn->pool->config;
    int64_t base = config->backoff_base_us, top = conn->backoff_us * BACKOFF_GROWTH;
    uint32_t random;

    if (top > config->backoff_cap_us)
        top = config->backoff_cap_us;
    crypto_random(&random, sizeof(random));
    if (top > base)
        conn->backoff_us = base + (int64_t)random % (top - base + 1);
    else
        conn->backoff_us = base;
    return conn->backoff_us;
}

/* Events first: a closed descriptor's number is reused, and libevent would watch a stranger. */
static void conn_drop_events(struct pg_conn *conn)
{
    if (conn->read_event != NULL)
        event_free(conn->read_event);
    if (conn->write_event != NULL)
        event_free(conn->write_event);
    conn->read_event = NULL;
    conn->write_event = NULL;
    evtimer_del(conn->resume);
    conn->resuming = false;
}

static void conn_count_loss(struct pg_conn *conn, enum pg_conn_state was, const char *reason)
{
    static const enum pg_metric metric[] = {
        [CONN_DOWN] = PG_METRIC_CONNECT_FAILED,
        [CONN_CONNECTING] = PG_METRIC_CONNECT_FAILED,
        [CONN_SETUP] = PG_METRIC_SETUP_FAILED,
        [CONN_READY] = PG_METRIC_LOST,
    };
    size_t len = strcspn(reason, "\n");

    pg_metric_add(metric[was], 1);
    log_limited(LOG_LEVEL_WARN, "pg", "pool=%s conn=%d lost while %s: %.*s",
                conn->pool->config.name, conn->index, state_names[was], (int)len, reason);
}

void pg_conn_lost(struct pg_conn *conn, const char *reason)
{
    enum pg_conn_state was = conn->state;
    struct pg_op *op;

    evtimer_del(conn->timer);
    if (was != CONN_DOWN && !conn->pool->closed)
        conn_count_loss(conn, was, reason);
    conn_drop_events(conn);
    conn_set_state(conn, CONN_DOWN);
    while ((op = TAILQ_FIRST(&conn->fifo)) != NULL) {
        pg_conn_pop(conn, op);
        pg_op_abandon(op, "the connection was lost before the answer");
    }
    /* Last: reason may be PQerrorMessage(). */
    PQfinish(conn->pg);
    conn->pg = NULL;
    free(conn->setup_error);
    conn->setup_error = NULL;
    if (!conn->pool->closed)
        conn_arm(conn, conn_next_backoff(conn));
}

/* ---- set-up
 * -------------------------------------------------------------------------------------- */

static void conn_setup(struct pg_conn *conn)
{
    evutil_socket_t fd = PQsocket(conn->pg);

    conn_set_state(conn, CONN_SETUP);
    PQsetErrorVerbosity(conn->pg, PQERRORS_DEFAULT);
    if (PQsetnonblocking(conn->pg, 1) != 0 || PQenterPipelineMode(conn->pg) != 1 || fd < 0) {
        pg_conn_lost(conn, PQerrorMessage(conn->pg));
        return;
    }
    conn->read_event =
        event_new(conn->pool->base, fd, EV_READ | EV_PERSIST, pg_conn_on_readable, conn);
    conn->write_event = event_new(conn->pool->base, fd, EV_WRITE, pg_conn_on_writable, conn);
    INVARIANT(conn->read_event != NULL && conn->write_event != NULL);
    event_add(conn->read_event, NULL);
    conn->setup_permanent = false;
    if (!pg_setup_send(conn)) {
        pg_conn_lost(conn, PQerrorMessage(conn->pg));
        return;
    }
    pg_conn_flush(conn);
}

void pg_conn_setup_done(struct pg_conn *conn)
{
    struct pg_pool *pool = conn->pool;

    evtimer_del(conn->timer);
    conn->backoff_us = pool->config.backoff_base_us;
    pg_metric_add(PG_METRIC_CONNECTED, 1);
    log_info("pg", "pool=%s conn=%d ready server=%d statements=%zu", pool->config.name, conn->index,
             PQserverVersion(conn->pg), pool->config.stmt_count);
    conn_set_state(conn, CONN_READY);
    for (size_t i = 0; i < conn->channels_sent; i++)
        pg_pool_post_event(pool, ITEM_NOTIFY, pool->channels[i]->name, NULL);
    if (conn->index == 0)
        pg_conn_listen(conn);
}

/* ---- connecting
 * ------------------------------------------------------------------------------------- */

/* Would the next attempt fail the same way until somebody changes something? */
static bool is_config_sqlstate(const char *sqlstate)
{
    return strncmp(sqlstate, "28", 2) == 0 || strcmp(sqlstate, "3D000") == 0 ||
           strcmp(sqlstate, "42501") == 0;
}

static void conn_failed(struct pg_conn *conn)
{
    const char *message = PQerrorMessage(conn->pg);
    char sqlstate[PG_SQLSTATE_SIZE];

    pg_connect_sqlstate(message, sqlstate);
    if (is_config_sqlstate(sqlstate) || PQconnectionNeedsPassword(conn->pg)) {
        char *text = xstrndup(message, strcspn(message, "\n"));

        pg_pool_post_config_error(conn->pool, text);
        free(text);
    }
    pg_conn_lost(conn, message);
}

static void conn_on_connecting(evutil_socket_t fd, short what, void *arg);

/* One-shot, on the socket of this moment: it changes with every address libpq tries. */
static void conn_await(struct pg_conn *conn, PostgresPollingStatusType status)
{
    evutil_socket_t fd = PQsocket(conn->pg);

    if (status == PGRES_POLLING_FAILED || fd < 0) {
        conn_failed(conn);
        return;
    }
    conn->read_event =
        event_new(conn->pool->base, fd, status == PGRES_POLLING_READING ? EV_READ : EV_WRITE,
                  conn_on_connecting, conn);
    INVARIANT(conn->read_event != NULL);
    event_add(conn->read_event, NULL);
}

static void conn_poll(struct pg_conn *conn)
{
    PostgresPollingStatusType status;

    conn_drop_events(conn); /* the socket may be closed inside */
    status = PQconnectPoll(conn->pg);
    if (status == PGRES_POLLING_OK)
        conn_setup(conn);
    else
        conn_await(conn, status);
}

static void conn_on_connecting(evutil_socket_t fd, short what, void *arg)
{
    struct pg_conn *conn = arg;

    (void)fd;
    (void)what;
    conn_poll(conn);
    pg_pool_settle(conn->pool);
}

/* libpq's own text would quote from the string, perhaps the password. */
static bool conninfo_is_nonsense(const char *conninfo)
{
    PQconninfoOption *options;

    if (strchr(conninfo, '=') == NULL && strncmp(conninfo, "postgres", 8) != 0)
        return false; /* the mere name of a database */
    options = PQconninfoParse(conninfo, NULL);
    if (options == NULL)
        return true;
    PQconninfoFree(options);
    return false;
}

static void conn_failed_at_once(struct pg_conn *conn)
{
    static const char nonsense[] = "the connection string cannot be parsed";

    if (conninfo_is_nonsense(conn->pool->config.conninfo)) {
        pg_pool_post_config_error(conn->pool, nonsense);
        pg_conn_lost(conn, nonsense);
    } else {
        conn_failed(conn);
    }
}

static PGconn *conn_start_params(struct pg_conn *conn, const char *application)
{
    /* What stands before dbname the conninfo may override; what stands behind it is ours. */
    const char *const keywords[] = {"keepalives",       "keepalives_idle",  "keepalives_interval",
                                    "keepalives_count", "tcp_user_timeout", "dbname",
                                    "client_encoding",  "application_name", NULL};
    const char *const values[] = {
        "1", "30", "10", "3", "15000", conn->pool->config.conninfo, "UTF8", application, NULL};

    return PQconnectStartParams(keywords, values, 1);
}

static void conn_connect(struct pg_conn *conn)
{
    char *application = xasprintf("hotlined/%s", conn->pool->config.name);
    int64_t started_us = clk_mono_us(), took_us;

    conn_set_state(conn, CONN_CONNECTING);
    conn->pg = conn_start_params(conn, application);
    free(application);
    INVARIANT(conn->pg != NULL); /* only without memory */
    took_us = clk_mono_us() - started_us;
    if (took_us > SLOW_RESOLVE_US)
        log_limited(LOG_LEVEL_WARN, "pg",
                    "pool=%s starting to connect blocked the loop us=%lld: give an address as host",
                    conn->pool->config.name, (long long)took_us);
    PQsetNoticeReceiver(conn->pg, pg_conn_on_notice, conn);
    PQsetErrorVerbosity(conn->pg, PQERRORS_VERBOSE);
    conn_arm(conn, conn->pool->config.connect_timeout_us);
    if (PQstatus(conn->pg) == CONNECTION_BAD)
        conn_failed_at_once(conn);
    else
        conn_await(conn, PGRES_POLLING_WRITING);
}

static void conn_on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct pg_conn *conn = arg;

    (void)fd;
    (void)what;
    if (conn->state == CONN_DOWN)
        conn_connect(conn);
    else
        pg_conn_lost(conn, "connecting and setting up took too long");
    pg_pool_settle(conn->pool);
}

/* ---- life
 * -----------------------------------------------------------------------------------------------
 */

struct pg_conn *pg_conn_new(struct pg_pool *pool, int index)
{
    struct pg_conn *conn = xcalloc(1, sizeof(*conn));

    conn->pool = pool;
    conn->index = index;
    conn->backoff_us = pool->config.backoff_base_us;
    conn->timer = evtimer_new(pool->base, conn_on_timer, conn);
    conn->resume = evtimer_new(pool->base, pg_conn_on_resume, conn);
    INVARIANT(conn->timer != NULL && conn->resume != NULL);
    TAILQ_INIT(&conn->fifo);
    return conn;
}

void pg_conn_start(struct pg_conn *conn)
{
    conn_arm(conn, 0);
}

void pg_conn_free(struct pg_conn *conn)
{
    INVARIANT(conn->pg == NULL && TAILQ_EMPTY(&conn->fifo));
    event_free(conn->timer);
    event_free(conn->resume);
    free(conn);
}
