/*
 * pg.h - asynchronous PostgreSQL for one event loop: pipelined connections, a pool, prepared
 * statements known by name, outcomes that tell the truth.
 *
 * Life of an operation
 *   pg_submit() copies the parameters and queues; the callback runs later from the event loop,
 * never inside pg_submit(), exactly once, unless pg_cancel() came first: then never. The result is
 * valid only during the callback. From the callback everything is allowed, pg_submit() and
 * pg_cancel() of others included.
 *
 * One operation = one sync group = one implicit transaction (style facts 3, 4): BEGIN and COMMIT
 * are never sent. A group of several statements commits or fails as a whole.
 * A statement of the catalogue that controls transactions itself is refused by its command tag and
 * its connection given up. What a callback submits during pg_pool_free() ends RETRYABLE.
 *
 * Outcomes
 *   OK         committed, no rows
 *   ROWS       committed, rows (perhaps 0)
 *   REJECTED   the server said no (SQLSTATE of class 22, 23, 42, P0 ...): the same again gives the
 * same RETRYABLE  certainly not done: never sent, or rolled back (40001, 40P01, 53xxx, 55P03, 57014
 * ...) UNCERTAIN  sent, and the connection or the deadline went before the answer: ask again with
 * the same idempotency key, never by SELECT (an in-doubt row may still appear)
 *
 * Connections
 *   Set up by one path, first time and every time: GUCs, prepare and verify every statement of the
 *   catalogue, LISTEN, pipeline mode. Reconnect with decorrelated jitter. An operation that is past
 * its deadline ends as RETRYABLE (not sent) or UNCERTAIN (sent) and in the latter case its
 * connection is given up. The queue is bounded: beyond it pg_submit() answers RETRYABLE (from the
 * loop) and counts.
 */
#ifndef PG_PG_H
#define PG_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/attr.h"

struct event_base;
struct pg_pool;
struct pg_op;
struct pg_result;

/* ---- statements ---------------------------------------------------------------------------- */

/*
 * One file of daemon/sql. The build makes a table of them from the files' header comments:
 *   -- name: ticket_load
 *   -- in: number bigint, actor text
 *   -- out: number, state, version
 * Set-up prepares each and compares the number of parameters and the names of the columns with what
 * stands here.
 */
struct pg_stmt {
    const char *name;
    const char *sql;
    int param_count;
    int column_count;           /* 0 = returns nothing */
    const char *const *columns; /* names, column_count of them */
};

enum pg_outcome { PG_OK, PG_ROWS, PG_REJECTED, PG_RETRYABLE, PG_UNCERTAIN };
const char *pg_outcome_name(enum pg_outcome outcome);

/* ---- parameters: built in place, copied by pg_submit() ----------------------------------------
 */

#define PG_MAX_PARAMS 80
struct pg_params {
    struct arena *arena; /* owns converted values */
    int count;
    const char *value[PG_MAX_PARAMS]; /* NULL = SQL NULL */
    int length[PG_MAX_PARAMS];        /* bytes */
    int format[PG_MAX_PARAMS];        /* 0 text, 1 binary (bytea, arrays) */
};
void pg_params_init(struct pg_params *p, struct arena *arena);
void pg_param_text(struct pg_params *p,
                   const char *s); /* NULL = SQL NULL; not copied until submit */
void pg_param_text_n(struct pg_params *p, const char *s, size_t len);
void pg_param_int(struct pg_params *p, int64_t v);
void pg_param_bool(struct pg_params *p, bool v);
void pg_param_null(struct pg_params *p);
/* timestamptz from microseconds since the epoch; 0 = NULL. */
void pg_param_instant(struct pg_params *p, int64_t instant_us);
/* SQL date from a civil day (base/civil.h). */
void pg_param_day(struct pg_params *p, int32_t day);
void pg_param_bytea(struct pg_params *p, const void *data, size_t len); /* NULL data = SQL NULL */

/*
 * Arrays for unnest(): one column of a batch each, in the binary format, which neither side has to
 * spell out and read again. The first value that is not NULL says of which type the array is, and
 * the statement has to cast its parameter to that type: text[], bigint[] (also for what is stored
 * as a smaller integer), boolean[], timestamptz[], bytea[].
 */
struct pg_array {
    struct arena *arena;
    char *bytes;
    size_t len, cap;
    uint32_t type; /* OID of the elements; 0 = no value yet */
    uint32_t count, nulls;
};
void pg_array_init(struct pg_array *a, struct arena *arena);
void pg_array_text(struct pg_array *a, const char *s); /* NULL = NULL */
void pg_array_int(struct pg_array *a, int64_t v);
void pg_array_bool(struct pg_array *a, bool v);
void pg_array_instant(struct pg_array *a, int64_t instant_us); /* 0 = NULL */
void pg_array_bytea(struct pg_array *a, const void *data, size_t len);
void pg_array_null(struct pg_array *a);
/* Ends the array and adds it as one parameter. */
void pg_param_array(struct pg_params *p, struct pg_array *a);

/* ---- results ------------------------------------------------------------------------------------
 */

enum pg_outcome pg_result_outcome(const struct pg_result *res);
/* "" unless the server gave one. */
const char *pg_result_sqlstate(const struct pg_result *res);
const char *
pg_result_constraint(const struct pg_result *res); /* name of the violated constraint, or "" */
const char *pg_result_message(const struct pg_result *res); /* for the log, never for citizens */
int pg_result_rows(const struct pg_result *res);
bool pg_result_null(const struct pg_result *res, int row, int col);
const char *pg_result_text(const struct pg_result *res, int row, int col); /* "" if NULL */
size_t pg_result_length(const struct pg_result *res, int row, int col);
int64_t pg_result_int(const struct pg_result *res, int row,
                      int col); /* INVARIANT: it is an integer; NULL = 0 */
bool pg_result_bool(const struct pg_result *res, int row, int col);
/* Microseconds, NULL = 0: of a timestamptz of the years 0..9999, or of what a statement has made
 * of one, (extract(epoch from t) * 1000000)::bigint, which the server computes in decimals.
 */
int64_t pg_result_instant(const struct pg_result *res, int row, int col);
/* Decodes bytea (hex format) into arena. NULL if SQL NULL. */
const uint8_t *pg_result_bytea(const struct pg_result *res, int row, int col, struct arena *arena,
                               size_t *len_r);
/* Of a group: result of its i-th statement; pg_submit() has one. */
int pg_result_count(const struct pg_result *res);
const struct pg_result *pg_result_at(const struct pg_result *res, int i);

/* ---- operations
 * ----------------------------------------------------------------------------------- */

typedef void pg_callback(void *ctx, const struct pg_result *res);

/* timeout_us counts from now until the callback, waiting in the queue included. */
RETURNS_NONNULL struct pg_op *pg_submit(struct pg_pool *pool, const struct pg_stmt *stmt,
                                        const struct pg_params *params, int64_t timeout_us,
                                        pg_callback *callback, void *ctx);
struct pg_call {
    const struct pg_stmt *stmt;
    const struct pg_params *params;
};
RETURNS_NONNULL struct pg_op *pg_submit_group(struct pg_pool *pool, const struct pg_call *calls,
                                              int count, int64_t timeout_us, pg_callback *callback,
                                              void *ctx);
/* The callback will not run. What was already sent may still happen. Sets *op to NULL; NULL is
 * fine. */
void pg_cancel(struct pg_op **op);

/* ---- pool
 * ------------------------------------------------------------------------------------------- */

struct pg_pool_config {
    const char *name;             /* for logs, metrics and application_name */
    const char *conninfo;         /* never logged with a password */
    int connections;              /* default 2 */
    size_t max_queued;            /* operations waiting for a connection, default 4096 */
    size_t max_in_flight;         /* per connection, default 64 */
    int64_t connect_timeout_us;   /* default 5 s */
    int64_t statement_timeout_ms; /* server side, default 30 s; lock_timeout is the same */
    /* Plan each statement once per connection, not once per call: for statements by key, whose plan
     * does not depend on their values (planning took longer than running them). */
    bool is_generic;
    /* The statements of a group see one snapshot (REPEATABLE READ), so that figures of several
     * statements agree. For pools that only read: a write may then end RETRYABLE (40001). */
    bool is_snapshot;
    int work_mem_mb; /* memory of one sort or hash table; 0 = as the server has it */
    int64_t backoff_base_us, backoff_cap_us; /* default 50 ms, 5 s */
    const struct pg_stmt *const
        *stmts; /* the catalogue, prepared and verified on every connection */
    size_t stmt_count;
};
void pg_pool_config_defaults(struct pg_pool_config *config);

struct pg_pool_events {
    /* First connection ready / last connection lost. From the loop. */
    void (*on_up)(void *ctx);
    void (*on_down)(void *ctx);
    /* A statement does not fit the schema, or authentication failed: retrying goes on, but tell
     * people. */
    void (*on_config_error)(void *ctx, const char *text);
    /* A notification on a channel of pg_pool_listen(); also called once after every (re)LISTEN,
     * with payload NULL. */
    void (*on_notify)(void *ctx, const char *channel, const char *payload);
    void *ctx;
};
RETURNS_NONNULL struct pg_pool *pg_pool_new(struct event_base *base,
                                            const struct pg_pool_config *config,
                                            const struct pg_pool_events *events);
/* Before or after start; the first connection of the pool listens. */
void pg_pool_listen(struct pg_pool *pool, const char *channel);
void pg_pool_start(struct pg_pool *pool);
bool pg_pool_up(const struct pg_pool *pool);
size_t pg_pool_queued(const struct pg_pool *pool);
/* Every pending operation ends first: RETRYABLE or UNCERTAIN, callbacks run inside this call (the
 * one exception). */
void pg_pool_free(struct pg_pool **pool);

#endif
