/*
 * pg_rig.h - what the tests of lib/pg share: a private cluster per executable, a loop, and a
 * callback that keeps what it was told.
 */
#ifndef TEST_PG_RIG_H
#define TEST_PG_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>

#include "base/clk.h"
#include "pg/cluster_private.h"
#include "pg/pg.h"

/* ---- the cluster of this executable ------------------------------------------------------------
 */

struct rig {
    char *dir; /* removed at the end */
    struct pg_cluster *cluster;
    int guardian_fd; /* a child stops the server should we die */
    int port;        /* 0 = unix socket only */
};
#define RIG_TCP_PASSWORD "only-for-tests"

/* Fails the test run loudly if there is no cluster. */
void rig_start(struct rig *rig);
void rig_start_tcp(struct rig *rig);
void rig_stop(struct rig *rig);
const char *rig_conninfo(const struct rig *rig);
/* Runs SQL as role hotline (or postgres); must succeed. */
void rig_sql(const struct rig *rig, const char *sql);
void rig_admin_sql(const struct rig *rig, const char *sql);
/* The first cell, or "" if there is no row; must succeed. Caller frees. */
char *rig_scalar(const struct rig *rig, const char *sql);
int64_t rig_count(const struct rig *rig, const char *sql);
/* An empty folder below the build folder; caller frees. */
char *rig_make_folder(void);
void rig_remove_folder(const char *dir);

/* ---- the loop
 * ------------------------------------------------------------------------------------- */

/* One turn: what is due now, e.g. the sending of what was just submitted. EVLOOP_NONBLOCK alone
 * goes on as long as there is something to do, answers included. */
void rig_turn(struct event_base *base);
#define RIG_WAIT_US (120 * US_PER_SECOND) /* of a machine that others load, too */
/* Runs the loop until *flag (or count reaches at_least); fails the test after RIG_WAIT_US. */
void rig_run_until(struct event_base *base, const bool *flag);
void rig_run_until_count(struct event_base *base, const int *count, int at_least);
/* Lets the loop turn for a while, for "nothing happens" checks. */
void rig_run_for(struct event_base *base, int64_t us);

/* ---- answers
 * ---------------------------------------------------------------------------------------- */

struct answer {
    bool done;
    int calls;
    enum pg_outcome outcome;
    char sqlstate[6];
    char message[160];
    char constraint[64];
    int rows, parts;
    char text[64]; /* start of the first cell */
    size_t length; /* of the first cell */
};
void answer_keep(void *ctx, const struct pg_result *res);

/* ---- a pool with what it told
 * ------------------------------------------------------------------------- */

struct told {
    int up, down, config_errors, listening, notified;
    bool is_up; /* last word of on_up and on_down */
    char config_text[256];
    char payload[64];
};

struct bench {
    struct event_base *base;
    struct pg_pool *pool;
    struct told told;
};
/* A config for rig's cluster with the given statements and short back-off. */
struct pg_pool_config bench_config(const struct rig *rig, const struct pg_stmt *const *stmts,
                                   size_t count);
/* Pool made and started; not yet up. */
void bench_open(struct bench *bench, const struct pg_pool_config *config);
void bench_wait_up(struct bench *bench);
void bench_close(struct bench *bench);
/* Submits and waits for the answer. */
struct answer bench_ask(struct bench *bench, const struct pg_stmt *stmt,
                        const struct pg_params *params);
/* The same with one or two text parameters (NULL ends them). */
struct answer bench_ask_text(struct bench *bench, const struct pg_stmt *stmt, const char *a,
                             const char *b);

#endif
