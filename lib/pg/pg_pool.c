/*
 * pg_pool.c - the queue in front of the connections, deadlines, and the outbox that calls back.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "base/log.h"
#include "pg/pg_private.h"

#define DEFAULT_CONNECTIONS 2
#define DEFAULT_MAX_QUEUED 4096
#define DEFAULT_MAX_IN_FLIGHT 64
#define DEFAULT_CONNECT_TIMEOUT_US (5 * US_PER_SECOND)
#define DEFAULT_STATEMENT_TIMEOUT_MS 30000
#define DEFAULT_BACKOFF_BASE_US (50 * US_PER_MS)
#define DEFAULT_BACKOFF_CAP_US (5 * US_PER_SECOND)
#define CHANNEL_MAX_LENGTH 63 /* NAMEDATALEN - 1 */
/* Callbacks that keep submitting to a pool being freed are a mistake; this is where it shows. */
#define CLOSING_DELIVERIES_MAX 1000000

/* ---- outbox ------------------------------------------------------------------------------------
 */

static void pool_kick(struct pg_pool *pool)
{
    static const struct timeval now = {0, 0};

    if (!pool->closed && !evtimer_pending(pool->kick, NULL))
        evtimer_add(pool->kick, &now);
}

void pg_pool_post(struct pg_pool *pool, struct pg_item *item)
{
    item->seq = pool->next_seq++;
    TAILQ_INSERT_TAIL(&pool->outbox, item, link);
}

void pg_pool_post_event(struct pg_pool *pool, enum pg_item_kind kind, const char *channel,
                        const char *text)
{
    struct pg_item *item;

    if (pool->closed)
        return;
    item = xcalloc(1, sizeof(*item));
    item->kind = kind;
    item->channel = channel == NULL ? NULL : xstrdup(channel);
    item->text = text == NULL ? NULL : xstrdup(text);
    pg_pool_post(pool, item);
}

/* Said once, not at every attempt: people have read it, and the log would fill. */
void pg_pool_post_config_error(struct pg_pool *pool, const char *text)
{
    if (pool->config_error != NULL && strcmp(pool->config_error, text) == 0)
        return;
    free(pool->config_error);
    pool->config_error = xstrdup(text);
    log_error("pg", "pool=%s not usable as configured: %s", pool->config.name, text);
    pg_pool_post_event(pool, ITEM_CONFIG_ERROR, NULL, text);
}

static void item_free(struct pg_item *item)
{
    free(item->channel);
    free(item->text);
    free(item);
}

static void event_deliver(struct pg_pool *pool, const struct pg_item *item)
{
    const struct pg_pool_events *on = &pool->events;

    if (item->kind == ITEM_UP && on->on_up != NULL)
        on->on_up(on->ctx);
    if (item->kind == ITEM_DOWN && on->on_down != NULL)
        on->on_down(on->ctx);
    if (item->kind == ITEM_CONFIG_ERROR && on->on_config_error != NULL)
        on->on_config_error(on->ctx, item->text);
    if (item->kind == ITEM_NOTIFY && on->on_notify != NULL)
        on->on_notify(on->ctx, item->channel, item->text);
}

static void item_deliver(struct pg_pool *pool, struct pg_item *item)
{
    TAILQ_REMOVE(&pool->outbox, item, link);
    if (item->kind == ITEM_OP) {
        struct pg_op *op = (struct pg_op *)(void *)item;

        op->state = OP_DELIVERING;
        op->callback(op->ctx, &op->result);
        pg_op_free(op);
    } else {
        if (!pool->closed)
            event_deliver(pool, item);
        item_free(item);
    }
}

static void pool_destroy(struct pg_pool *pool);

/* Everything that was in the outbox at the start; what callbacks add waits for the next turn of the
 * loop. */
static void pool_deliver(struct pg_pool *pool)
{
    uint64_t limit = pool->next_seq;
    struct pg_item *item;

    pool->depth++;
    while (!pool->closed && (item = TAILQ_FIRST(&pool->outbox)) != NULL && item->seq < limit)
        item_deliver(pool, item);
    pool->depth--;
    if (pool->closed) {
        if (pool->depth == 0)
            pool_destroy(pool);
        return;
    }
    if (!TAILQ_EMPTY(&pool->outbox))
        pool_kick(pool);
}

/* ---- deadlines
 * ------------------------------------------------------------------------------------ */

static void pool_arm(struct pg_pool *pool)
{
    const struct pg_op *first = pg_heap_first(&pool->deadlines);
    struct timeval tv;
    int64_t wait_us;

    if (first == NULL || (pool->armed_us != 0 && pool->armed_us <= first->deadline_us))
        return; /* an early wake-up finds nothing and arms anew */
    wait_us = first->deadline_us - clk_mono_us();
    if (wait_us < US_PER_MS)
        wait_us = US_PER_MS;
    tv.tv_sec = (time_t)(wait_us / US_PER_SECOND);
    tv.tv_usec = (suseconds_t)(wait_us % US_PER_SECOND);
    evtimer_add(pool->deadline_timer, &tv);
    pool->armed_us = first->deadline_us;
}

static void queue_remove(struct pg_pool *pool, struct pg_op *op)
{
    TAILQ_REMOVE(&pool->queue, op, link);
    pool->queued--;
    pg_metric_add(PG_METRIC_QUEUED, -1);
}

static void op_expire(struct pg_pool *pool, struct pg_op *op)
{
    struct pg_conn *conn = op->conn;

    if (op->state == OP_QUEUED) {
        pg_metric_add(PG_METRIC_DEADLINE_QUEUED, 1);
        queue_remove(pool, op);
        pg_op_settle(op, PG_RETRYABLE, "", "the deadline passed before it could be sent");
        return;
    }
    INVARIANT(conn != NULL);
    /* Were we the ones who slept? One more look at the socket before giving it up. */
    pg_conn_read(conn);
    if (pg_heap_first(&pool->deadlines) != op)
        return;
    pg_metric_add(PG_METRIC_DEADLINE_SENT, 1);
    pg_conn_lost(conn, "an operation's deadline passed without an answer");
}

static void pool_on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct pg_pool *pool = arg;
    int64_t now_us = clk_mono_us();
    struct pg_op *op;

    (void)fd;
    (void)what;
    pool->armed_us = 0;
    while ((op = pg_heap_first(&pool->deadlines)) != NULL && op->deadline_us <= now_us)
        op_expire(pool, op);
    pg_pool_settle(pool);
}

/* ---- dispatch
 * ----------------------------------------------------------------------------------------- */

static struct pg_conn *pool_pick(struct pg_pool *pool, int64_t now_us)
{
    struct pg_conn *best = NULL;

    for (int i = 0; i < pool->config.connections; i++) {
        struct pg_conn *conn = pool->conns[i];

        if (pg_conn_takes_work(conn, now_us) && (best == NULL || conn->in_flight < best->in_flight))
            best = conn;
    }
    return best;
}

static void pool_dispatch(struct pg_pool *pool)
{
    int64_t now_us = clk_mono_us();
    bool sent = false;
    struct pg_op *op;
    struct pg_conn *conn;

    while ((op = TAILQ_FIRST(&pool->queue)) != NULL && (conn = pool_pick(pool, now_us)) != NULL) {
        queue_remove(pool, op);
        pg_conn_send(conn, op);
        sent = true;
    }
    for (int i = 0; sent && i < pool->config.connections; i++)
        pg_conn_flush(pool->conns[i]);
}

void pg_pool_settle(struct pg_pool *pool)
{
    pool_dispatch(pool);
    pool_arm(pool);
    pool_deliver(pool); /* last: a callback may have freed the pool */
}

static void pool_on_kick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    pg_pool_settle(arg);
}

void pg_pool_count_ready(struct pg_pool *pool, int change)
{
    bool was_up = pool->ready > 0;

    pool->ready += change;
    pg_metric_add(PG_METRIC_READY, change);
    if (was_up == (pool->ready > 0))
        return;
    if (!was_up) {
        free(pool->config_error);
        pool->config_error = NULL;
    }
    pg_pool_post_event(pool, was_up ? ITEM_DOWN : ITEM_UP, NULL, NULL);
}

/* ---- operations
 * ------------------------------------------------------------------------------------------ */

static void calls_check(const struct pg_pool *pool, const struct pg_call *calls, int count)
{
    INVARIANT(count > 0);
    for (int i = 0; i < count; i++) {
        INVARIANT(map_gets(pool->stmts, calls[i].stmt->name) != NULL);
        INVARIANT((calls[i].params == NULL ? 0 : calls[i].params->count) ==
                  calls[i].stmt->param_count);
    }
}

static struct pg_op *op_refuse(struct pg_op *op, enum pg_metric metric, enum pg_outcome outcome,
                               const char *sqlstate, const char *message)
{
    pg_metric_add(metric, 1);
    pg_op_settle(op, outcome, sqlstate, message);
    pool_kick(op->pool);
    return op;
}

struct pg_op *pg_submit_group(struct pg_pool *pool, const struct pg_call *calls, int count,
                              int64_t timeout_us, pg_callback *callback, void *ctx)
{
    struct pg_op *op;

    calls_check(pool, calls, count);
    INVARIANT(callback != NULL);
    op = pg_op_new(pool, count, callback, ctx);
    if (pool->closed)
        return op_refuse(op, PG_METRIC_REFUSED_CLOSED, PG_RETRYABLE, "", "the pool is closing");
    if (pool->queued >= pool->config.max_queued)
        return op_refuse(op, PG_METRIC_REFUSED_QUEUE_FULL, PG_RETRYABLE, "", "the queue is full");
    /* 22021 is what the server says to a text it cannot hold. */
    if (!pg_op_copy_params(op, calls))
        return op_refuse(op, PG_METRIC_REFUSED_NUL_BYTE, PG_REJECTED, "22021",
                         "a text holds a NUL byte");
    op->deadline_us = op->submitted_us + timeout_us;
    op->state = OP_QUEUED;
    TAILQ_INSERT_TAIL(&pool->queue, op, link);
    pool->queued++;
    pg_metric_add(PG_METRIC_QUEUED, 1);
    pg_heap_add(&pool->deadlines, op);
    pool_arm(pool);
    pool_kick(pool);
    return op;
}

struct pg_op *pg_submit(struct pg_pool *pool, const struct pg_stmt *stmt,
                        const struct pg_params *params, int64_t timeout_us, pg_callback *callback,
                        void *ctx)
{
    struct pg_call call = {stmt, params};

    return pg_submit_group(pool, &call, 1, timeout_us, callback, ctx);
}

void pg_cancel(struct pg_op **op_p)
{
    struct pg_op *op = *op_p;

    *op_p = NULL;
    if (op == NULL || op->callback == NULL || op->state == OP_DELIVERING)
        return;
    pg_metric_add(PG_METRIC_CANCELLED, 1);
    op->callback = NULL;
    if (op->state == OP_SENT)
        return; /* its results are still to be taken in, and its deadline still guards the
                   connection */
    if (op->state == OP_QUEUED) {
        pg_heap_remove(&op->pool->deadlines, op);
        queue_remove(op->pool, op);
    } else {
        TAILQ_REMOVE(&op->pool->outbox, &op->item, link);
    }
    pg_op_free(op);
}

/* ---- life of the pool
 * --------------------------------------------------------------------------------------- */

void pg_pool_config_defaults(struct pg_pool_config *config)
{
    *config = (struct pg_pool_config){
        .name = "main",
        .conninfo = "",
        .connections = DEFAULT_CONNECTIONS,
        .max_queued = DEFAULT_MAX_QUEUED,
        .max_in_flight = DEFAULT_MAX_IN_FLIGHT,
        .connect_timeout_us = DEFAULT_CONNECT_TIMEOUT_US,
        .statement_timeout_ms = DEFAULT_STATEMENT_TIMEOUT_MS,
        .backoff_base_us = DEFAULT_BACKOFF_BASE_US,
        .backoff_cap_us = DEFAULT_BACKOFF_CAP_US,
    };
}

static struct map *stmts_map(const struct pg_pool_config *config)
{
    struct map *map = map_new();

    for (size_t i = 0; i < config->stmt_count; i++) {
        /* The map only tells presence, so one value serves every name. */
        void *old = map_puts(map, config->stmts[i]->name, map);

        INVARIANT(old == NULL);
    }
    return map;
}

struct pg_pool *pg_pool_new(struct event_base *base, const struct pg_pool_config *config,
                            const struct pg_pool_events *events)
{
    struct pg_pool *pool = xcalloc(1, sizeof(*pool));

    INVARIANT(config->connections > 0 && config->max_in_flight > 0);
    pg_metrics_register();
    pool->base = base;
    pool->config = *config;
    pool->config.name = xstrdup(config->name);
    pool->config.conninfo = xstrdup(config->conninfo);
    if (events != NULL)
        pool->events = *events;
    pool->stmts = stmts_map(config);
    TAILQ_INIT(&pool->queue);
    TAILQ_INIT(&pool->outbox);
    pool->kick = evtimer_new(base, pool_on_kick, pool);
    pool->deadline_timer = evtimer_new(base, pool_on_deadline, pool);
    INVARIANT(pool->kick != NULL && pool->deadline_timer != NULL);
    pool->conns = xcalloc((size_t)config->connections, sizeof(struct pg_conn *));
    for (int i = 0; i < config->connections; i++)
        pool->conns[i] = pg_conn_new(pool, i);
    return pool;
}

/* A channel name goes into the text of LISTEN, so it is held to what needs no quoting. */
static void channel_check(const char *channel)
{
    size_t len = strlen(channel);

    INVARIANT(len > 0 && len <= CHANNEL_MAX_LENGTH);
    INVARIANT(strspn(channel, "abcdefghijklmnopqrstuvwxyz0123456789_") == len);
    INVARIANT(channel[0] > '9');
}

void pg_pool_listen(struct pg_pool *pool, const char *channel)
{
    struct pg_channel *added;

    channel_check(channel);
    for (size_t i = 0; i < pool->channel_count; i++)
        if (strcmp(pool->channels[i]->name, channel) == 0)
            return;
    added = xcalloc(1, sizeof(*added));
    added->pool = pool;
    added->name = xstrdup(channel);
    pool->channels =
        xrealloc_array(pool->channels, pool->channel_count + 1, sizeof(struct pg_channel *));
    pool->channels[pool->channel_count++] = added;
    if (pool->conns[0]->state == CONN_READY) {
        pg_conn_listen(pool->conns[0]);
        pool_kick(pool);
    }
}

void pg_pool_start(struct pg_pool *pool)
{
    INVARIANT(!pool->started);
    pool->started = true;
    for (int i = 0; i < pool->config.connections; i++)
        pg_conn_start(pool->conns[i]);
}

bool pg_pool_up(const struct pg_pool *pool)
{
    return pool->ready > 0;
}

size_t pg_pool_queued(const struct pg_pool *pool)
{
    return pool->queued;
}

static void pool_settle_all(struct pg_pool *pool)
{
    struct pg_op *op;

    for (int i = 0; i < pool->config.connections; i++)
        pg_conn_lost(pool->conns[i], "the pool was closed");
    while ((op = TAILQ_FIRST(&pool->queue)) != NULL) {
        queue_remove(pool, op);
        pg_op_settle(op, PG_RETRYABLE, "", "the pool was closed");
    }
}

static void pool_destroy(struct pg_pool *pool)
{
    for (int i = 0; i < pool->config.connections; i++)
        pg_conn_free(pool->conns[i]);
    free(pool->conns);
    for (size_t i = 0; i < pool->channel_count; i++) {
        free(pool->channels[i]->name);
        free(pool->channels[i]);
    }
    free(pool->channels);
    free(pool->deadlines.item);
    event_free(pool->kick);
    event_free(pool->deadline_timer);
    map_free(&pool->stmts);
    free(pool->config_error);
    /* Both were copied by pg_pool_new(); the struct keeps them const for everybody else. */
    free((void *)(uintptr_t)pool->config.name);
    free((void *)(uintptr_t)pool->config.conninfo);
    free(pool);
}

void pg_pool_free(struct pg_pool **pool_p)
{
    struct pg_pool *pool = *pool_p;
    struct pg_item *item;
    long rounds = 0;

    *pool_p = NULL;
    if (pool == NULL || pool->closed)
        return;
    pool->closed = true;
    pool_settle_all(pool);
    pool->depth++;
    while ((item = TAILQ_FIRST(&pool->outbox)) != NULL) {
        INVARIANT(++rounds < CLOSING_DELIVERIES_MAX);
        item_deliver(pool, item);
    }
    pool->depth--;
    /* Inside a callback the frame that called it destroys the pool. */
    if (pool->depth == 0)
        pool_destroy(pool);
}
