/*
 * pg_op.c - one operation from its parameters to its outcome.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "pg/pg_private.h"

struct pg_op *pg_op_new(struct pg_pool *pool, int call_count, pg_callback *callback, void *ctx)
{
    struct pg_op *op = xcalloc(1, sizeof(*op));

    op->item.kind = ITEM_OP;
    op->pool = pool;
    op->callback = callback;
    op->ctx = ctx;
    op->call_count = call_count;
    op->heap_index = PG_NOT_IN_HEAP;
    op->submitted_us = clk_mono_us();
    return op;
}

/* ---- parameters --------------------------------------------------------------------------------
 */

static int params_count(const struct pg_call *call)
{
    return call->params == NULL ? 0 : call->params->count;
}

/* Values are kept with a NUL behind them: libpq takes the length of texts by strlen(). */
static size_t params_bytes(const struct pg_call *call)
{
    size_t bytes = 0;

    for (int i = 0; i < params_count(call); i++)
        bytes += (size_t)call->params->length[i] + 1;
    return bytes;
}

static bool params_have_nul(const struct pg_call *call)
{
    for (int i = 0; i < params_count(call); i++) {
        const struct pg_params *p = call->params;

        if (p->value[i] != NULL && p->format[i] == 0 &&
            memchr(p->value[i], '\0', (size_t)p->length[i]) != NULL)
            return true;
    }
    return false;
}

struct copy_place {
    const char **value;
    int *number; /* lengths and formats */
    char *bytes;
};

static void call_copy(struct pg_op_call *to, const struct pg_call *from, struct copy_place *at)
{
    int count = params_count(from);

    to->stmt = from->stmt;
    to->count = count;
    to->value = at->value;
    to->length = at->number;
    to->format = at->number + count;
    at->value += count;
    at->number += 2 * count;
    for (int i = 0; i < count; i++) {
        size_t len = (size_t)from->params->length[i];

        to->length[i] = from->params->length[i];
        to->format[i] = from->params->format[i];
        if (from->params->value[i] == NULL)
            continue; /* the block is zeroed: NULL */
        if (len > 0)
            memcpy(at->bytes, from->params->value[i], len);
        to->value[i] = at->bytes;
        at->bytes += len + 1;
    }
}

bool pg_op_copy_params(struct pg_op *op, const struct pg_call *calls)
{
    size_t params = 0, bytes = 0;
    size_t calls_size = (size_t)op->call_count * sizeof(*op->calls);
    struct copy_place at;

    for (int i = 0; i < op->call_count; i++) {
        if (params_have_nul(&calls[i]))
            return false;
        params += (size_t)params_count(&calls[i]);
        bytes += params_bytes(&calls[i]);
    }
    op->calls = xcalloc(1, calls_size + params * (sizeof(char *) + 2 * sizeof(int)) + bytes);
    at.value = (const char **)(void *)((char *)op->calls + calls_size);
    at.number = (int *)(void *)(at.value + params);
    at.bytes = (char *)(at.number + 2 * params);
    for (int i = 0; i < op->call_count; i++)
        call_copy(&op->calls[i], &calls[i], &at);
    return true;
}

void pg_op_drop_params(struct pg_op *op)
{
    free(op->calls);
    op->calls = NULL;
}

void pg_op_free(struct pg_op *op)
{
    if (op->parts != NULL)
        for (int i = 0; i < op->call_count; i++)
            PQclear(op->parts[i].res);
    free(op->parts);
    PQclear(op->error);
    pg_op_drop_params(op);
    free(op->raw_sql);
    free(op);
}

/* ---- outcome
 * ------------------------------------------------------------------------------------- */

static void result_set(struct pg_result *result, enum pg_outcome outcome, const char *sqlstate,
                       const char *message, const char *constraint)
{
    size_t len = sqlstate == NULL ? 0 : strnlen(sqlstate, PG_SQLSTATE_SIZE - 1);

    result->outcome = outcome;
    if (len > 0)
        memcpy(result->sqlstate, sqlstate, len);
    result->sqlstate[len] = '\0';
    result->message = message;
    result->constraint = constraint;
}

/* What every statement of the group and the group itself say: all succeeded or none. */
static void op_set_result(struct pg_op *op, enum pg_outcome outcome, const char *sqlstate,
                          const char *message, const char *constraint)
{
    bool committed = outcome == PG_OK || outcome == PG_ROWS;

    if (op->parts == NULL)
        op->parts = xcalloc((size_t)op->call_count, sizeof(*op->parts));
    for (int i = 0; i < op->call_count; i++) {
        struct pg_result *part = &op->parts[i];

        if (!committed) {
            PQclear(part->res);
            part->res = NULL;
            result_set(part, outcome, sqlstate, message, constraint);
        } else {
            result_set(part, PQresultStatus(part->res) == PGRES_TUPLES_OK ? PG_ROWS : PG_OK, "",
                       NULL, NULL);
        }
        part->parts = part;
        part->count = 1;
    }
    /* The group speaks with its last statement's rows; pg_result_at() gives the others. */
    op->result = op->parts[op->call_count - 1];
    op->result.parts = op->parts;
    op->result.count = op->call_count;
}

static void op_post(struct pg_op *op)
{
    pg_heap_remove(&op->pool->deadlines, op);
    if (op->is_setup || op->callback == NULL) {
        pg_op_free(op);
        return;
    }
    pg_metric_outcome(op->result.outcome, clk_mono_us() - op->submitted_us);
    op->state = OP_DONE;
    pg_pool_post(op->pool, &op->item);
}

void pg_op_settle(struct pg_op *op, enum pg_outcome outcome, const char *sqlstate,
                  const char *message)
{
    if (!op->is_setup)
        op_set_result(op, outcome, sqlstate, message, NULL);
    op_post(op);
}

static void op_settle_error(struct pg_op *op, enum pg_outcome outcome)
{
    const PGresult *error = op->error;

    op_set_result(op, outcome, PQresultErrorField(error, PG_DIAG_SQLSTATE),
                  PQresultErrorField(error, PG_DIAG_MESSAGE_PRIMARY),
                  PQresultErrorField(error, PG_DIAG_CONSTRAINT_NAME));
    op_post(op);
}

void pg_op_complete(struct pg_op *op)
{
    bool drop;

    if (op->is_setup)
        op_post(op);
    else if (op->error != NULL)
        op_settle_error(op, pg_outcome_of_error(op->error, &drop));
    else if (op->in_doubt)
        pg_op_settle(op, PG_UNCERTAIN, "01000", "committed here, perhaps not on a standby");
    else
        pg_op_settle(op, PG_OK, "", NULL);
}

void pg_op_abandon(struct pg_op *op, const char *reason)
{
    bool drop;

    /* An error that the server did answer stays certain, although the Sync never came back. */
    if (op->error != NULL && !op->is_setup && !op->in_doubt)
        op_settle_error(op, pg_outcome_of_error(op->error, &drop));
    else if (op->synced)
        pg_op_settle(op, PG_UNCERTAIN, "", reason);
    else
        pg_op_settle(op, PG_RETRYABLE, "", reason);
}
