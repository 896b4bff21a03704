/*
 * pg_private.h - the inside of lib/pg's pool: one connection, one operation, the outbox.
 *
 * Re-entrancy. Nothing here calls a caller's function while it works on a connection or a list.
 * What callers are to be told is posted to the pool's outbox; every event handler ends with
 * pg_pool_settle(), which hands queued operations to connections and then empties the outbox.
 * A callback may therefore submit, cancel anything, or free the pool: the frames above touch
 * nothing afterwards.
 *
 * Reading. libpq 15 reports success for a statement that never ran when it reads end-of-file
 * before it has parsed what it read earlier. So: whatever is read is parsed before the next read,
 * and once PQstatus() is bad no further result is asked for.
 */
#ifndef PG_PRIVATE_H
#define PG_PRIVATE_H

#include <sys/queue.h>

#include <event2/event.h>
#include <libpq-fe.h>

#include "base/map.h"
#include "pg/pg.h"

#define PG_SQLSTATE_SIZE 6 /* five characters and NUL */

struct pg_result {
    enum pg_outcome outcome;
    PGresult *res; /* rows; NULL if there are none */
    char sqlstate[PG_SQLSTATE_SIZE];
    const char *message;    /* static or inside the operation's error result */
    const char *constraint; /* same */
    const struct pg_result *parts;
    int count;
};

/* ---- outbox ---------------------------------------------------------------------------------- */

enum pg_item_kind { ITEM_OP, ITEM_UP, ITEM_DOWN, ITEM_CONFIG_ERROR, ITEM_NOTIFY };

struct pg_item {
    TAILQ_ENTRY(pg_item) link;
    uint64_t seq; /* one delivery round takes only what was there when it began */
    enum pg_item_kind kind;
    char *channel; /* ITEM_NOTIFY */
    char *text;    /* payload (may be NULL) or error text */
};
TAILQ_HEAD(pg_item_list, pg_item);

/* ---- operations ------------------------------------------------------------------------------ */

enum pg_op_state {
    OP_QUEUED,     /* in pool->queue: nothing was sent */
    OP_SENT,       /* in conn->fifo */
    OP_DONE,       /* in pool->outbox */
    OP_DELIVERING, /* its callback is running */
};

struct pg_op_call {
    const struct pg_stmt *stmt; /* NULL: the operation's raw_sql */
    int count;
    const char **value;
    int *length;
    int *format;
};

#define PG_NOT_IN_HEAP SIZE_MAX

struct pg_op {
    struct pg_item item; /* first member: an ITEM_OP is the operation */
    TAILQ_ENTRY(pg_op) link;
    struct pg_pool *pool;
    struct pg_conn *conn; /* of OP_SENT */
    enum pg_op_state state;
    pg_callback *callback; /* NULL: cancelled */
    void *ctx;
    int64_t submitted_us, sent_us, deadline_us; /* monotonic */
    size_t heap_index;
    struct pg_op_call *calls; /* one block with the parameters; freed when sent */
    char *raw_sql;            /* LISTEN; owned */
    int call_count;
    int answered;    /* statements whose terminating NULL has come */
    bool is_setup;   /* results go to pg_setup_take() */
    bool has_result; /* a result came since the last NULL */
    bool synced;     /* the Sync went into libpq's buffer: from here on it may commit */
    bool in_doubt;   /* the server warned that the commit may not be replicated */
    PGresult *error; /* the first error of the group */
    struct pg_result result;
    struct pg_result *parts;
};
TAILQ_HEAD(pg_op_list, pg_op);

struct pg_op *pg_op_new(struct pg_pool *pool, int call_count, pg_callback *callback, void *ctx);
/* Copies the parameters. false if a text holds a NUL byte, which no text of PostgreSQL can. */
MUST_CHECK bool pg_op_copy_params(struct pg_op *op, const struct pg_call *calls);
void pg_op_drop_params(struct pg_op *op);
/* The operation is in no list any more: fills in the result and posts it, or frees it if cancelled.
 */
void pg_op_settle(struct pg_op *op, enum pg_outcome outcome, const char *sqlstate,
                  const char *message);
/* All results and the Sync have come. */
void pg_op_complete(struct pg_op *op);
/* Its connection is gone. */
void pg_op_abandon(struct pg_op *op, const char *reason);
void pg_op_free(struct pg_op *op);

/* ---- outcomes ----------------------------------------------------------------------------------
 */

/* What an error result of the server means for the operation; drop_r: the connection is of no more
 * use. */
enum pg_outcome pg_outcome_of_error(const PGresult *error, bool *drop_r);
enum pg_outcome pg_outcome_of_sqlstate(const char *sqlstate);
/* A failed commit wait for a synchronous standby, announced as a mere warning. */
bool pg_notice_is_unreplicated(const PGresult *notice);
/* SQLSTATE out of a verbose connection error; "" if there is none in it. */
void pg_connect_sqlstate(const char *message, char sqlstate_r[PG_SQLSTATE_SIZE]);

/* ---- deadlines: a binary heap of operations
 * ------------------------------------------------------ */

struct pg_heap {
    struct pg_op **item;
    size_t count, cap;
};
void pg_heap_add(struct pg_heap *heap, struct pg_op *op);
void pg_heap_remove(struct pg_heap *heap, struct pg_op *op); /* fine if it is not in */
struct pg_op *pg_heap_first(const struct pg_heap *heap);     /* NULL if empty */

/* ---- connections
 * ----------------------------------------------------------------------------------- */

enum pg_conn_state {
    CONN_DOWN,       /* no PGconn; the timer says when to try again */
    CONN_CONNECTING, /* PQconnectPoll() is under way; the timer bounds it */
    CONN_SETUP,      /* the set-up group is in flight; the same timer */
    CONN_READY,      /* takes operations */
};

struct pg_conn {
    struct pg_pool *pool;
    int index; /* 0 listens */
    enum pg_conn_state state;
    PGconn *pg;
    struct event *read_event, *write_event; /* of this PGconn's socket; freed before PQfinish() */
    struct event *timer;
    struct event *resume;
    bool
        resuming; /* results of the last wake-up are left: nothing is read before they are parsed */
    int64_t backoff_us;
    struct pg_op_list fifo; /* sent, in the order of sending */
    size_t in_flight;
    size_t channels_sent; /* how many of pool->channels it listens to, or has asked to */
    char *setup_error;    /* the first misfit found while setting up */
    bool setup_permanent; /* ... which waiting will not heal */
};

struct pg_conn *pg_conn_new(struct pg_pool *pool, int index);
void pg_conn_start(struct pg_conn *conn);
void pg_conn_free(struct pg_conn *conn);
/* Gives the connection up, settles what is in flight, tries again later (unless the pool closes).
 */
void pg_conn_lost(struct pg_conn *conn, const char *reason);
bool pg_conn_takes_work(const struct pg_conn *conn, int64_t now_us);
/* Puts the group and its Sync into libpq's buffer; on failure the connection is lost. */
void pg_conn_send(struct pg_conn *conn, struct pg_op *op);
/* Into and out of the FIFO. */
void pg_conn_push(struct pg_conn *conn, struct pg_op *op);
void pg_conn_pop(struct pg_conn *conn, struct pg_op *op);
/* Pushes what is buffered and takes in what came meanwhile. */
void pg_conn_flush(struct pg_conn *conn);
void pg_conn_read(struct pg_conn *conn);
void pg_conn_on_readable(evutil_socket_t fd, short what, void *arg);
void pg_conn_on_writable(evutil_socket_t fd, short what, void *arg);
void pg_conn_on_resume(evutil_socket_t fd, short what, void *arg);
void pg_conn_on_notice(void *arg, const PGresult *res);
/* LISTENs to the channels it does not listen to yet. */
void pg_conn_listen(struct pg_conn *conn);

/* The one path by which a connection becomes usable. */
bool pg_setup_send(struct pg_conn *conn);
/* Step i of the set-up answered. false: misfit, conn->setup_error says why. */
bool pg_setup_take(struct pg_conn *conn, int step, const PGresult *res);
void pg_setup_error(struct pg_conn *conn, const PGresult *res, int step);
void pg_conn_setup_done(struct pg_conn *conn);

/* ---- the pool
 * ---------------------------------------------------------------------------------------- */

struct pg_channel {
    struct pg_pool *pool;
    char *name;
};

struct pg_pool {
    struct event_base *base;
    struct pg_pool_config config; /* strings owned */
    struct pg_pool_events events;
    struct map *stmts; /* name -> const struct pg_stmt */
    struct pg_conn **conns;
    struct pg_op_list queue;
    size_t queued;
    struct pg_heap deadlines;
    int64_t armed_us; /* what the deadline timer is set to; 0 = not set */
    struct event *deadline_timer;
    struct event
        *kick; /* a timer of 0: unlike event_active() it lets other sockets be polled first */
    struct pg_item_list outbox;
    uint64_t next_seq;
    int ready; /* connections in CONN_READY */
    int depth; /* running callbacks */
    bool started;
    bool closed; /* pg_pool_free() was called */
    struct pg_channel **channels;
    size_t channel_count;
    char *config_error; /* last one told */
};

void pg_pool_post(struct pg_pool *pool, struct pg_item *item);
void pg_pool_post_event(struct pg_pool *pool, enum pg_item_kind kind, const char *channel,
                        const char *text);
void pg_pool_post_config_error(struct pg_pool *pool, const char *text);
void pg_pool_count_ready(struct pg_pool *pool, int change);
void pg_pool_settle(struct pg_pool *pool);

/* ---- metrics
 * -------------------------------------------------------------------------------------------- */

enum pg_metric {
    PG_METRIC_OK,
    PG_METRIC_ROWS,
    PG_METRIC_REJECTED,
    PG_METRIC_RETRYABLE,
    PG_METRIC_UNCERTAIN,
    PG_METRIC_CANCELLED,
    PG_METRIC_REFUSED_QUEUE_FULL,
    PG_METRIC_REFUSED_NUL_BYTE,
    PG_METRIC_REFUSED_CLOSED,
    PG_METRIC_DEADLINE_QUEUED,
    PG_METRIC_DEADLINE_SENT,
    PG_METRIC_CONNECTED,
    PG_METRIC_CONNECT_FAILED,
    PG_METRIC_SETUP_FAILED,
    PG_METRIC_LOST,
    PG_METRIC_GUARD_FALSE_SUCCESS,
    PG_METRIC_GUARD_PROTOCOL,
    PG_METRIC_GUARD_OPEN_TRANSACTION,
    PG_METRIC_GUARD_UNREPLICATED,
    PG_METRIC_NOTIFICATIONS,
    PG_METRIC_READY,
    PG_METRIC_QUEUED,
    PG_METRIC_IN_FLIGHT,
    PG_METRIC_COUNT
};
void pg_metrics_register(void); /* once per process, however often it is called */
void pg_metric_add(enum pg_metric metric, int64_t n);
void pg_metric_outcome(enum pg_outcome outcome, int64_t duration_us);

#endif
