/*
 * batches.c - see batches.h.
 */
#include "daemon/batches.h"

#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "daemon/ticket_bulk.h"
#include "hotline/ticket_number.h"
#include "proto/batch_json.h"
#include "sql_catalogue.h"

/* Each holds its tickets' numbers and a few lanes; more at once only stand in each other's way. */
#define BATCHES_AT_ONCE 4

enum { METRIC_BATCHES, METRIC_DONE, METRIC_REFUSED };
static struct metric metrics[] = {
    [METRIC_BATCHES] = {"hotlined_batches_total", NULL, "Batches carried out.", METRIC_COUNTER, 0},
    [METRIC_DONE] = {"hotlined_batch_tickets_total", "outcome=\"done\"",
                     "Tickets of batches, by outcome.", METRIC_COUNTER, 0},
    [METRIC_REFUSED] = {"hotlined_batch_tickets_total", "outcome=\"refused\"", NULL, METRIC_COUNTER,
                        0},
};

struct batch {
    struct batch *next;
    struct daemon *d;
    struct request *r; /* NULL: its peer has gone */
    struct arena *arena;
    struct ticket_command command;
    struct bulk *bulk;
    int64_t *numbers;
    const char **reasons; /* NULL = done; words that live as long as the program */
    size_t count, done;
};

struct batches {
    struct batch *first;
    unsigned count;
};

/* What the request waits with before there is a batch; of the request. */
struct asking {
    struct batch_order order;
};

void batches_register_metrics(void)
{
    metrics_register(metrics, ARRAY_LEN(metrics));
}

/* ---- life --------------------------------------------------------------------------------------
 */

struct batches *batches_new(void)
{
    return xcalloc(1, sizeof(struct batches));
}

static void batch_free(struct batch *batch)
{
    bulk_cancel(&batch->bulk);
    arena_free(&batch->arena);
    free(batch);
}

void batches_free(struct batches **batches)
{
    if (!*batches)
        return;
    while ((*batches)->first) {
        struct batch *batch = (*batches)->first;
        (*batches)->first = batch->next;
        batch_free(batch);
    }
    free(*batches);
    *batches = NULL;
}

static void leave(struct batch *batch)
{
    struct batches *batches = batch->d->batches;
    struct batch **at = &batches->first;

    while (*at != batch)
        at = &(*at)->next;
    *at = batch->next;
    batches->count--;
    batch_free(batch);
}

/* ---- the answer --------------------------------------------------------------------------------
 */

static void reply(struct request *r, const struct batch *batch)
{
    char digits[TICKET_NUMBER_SIZE];
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_int(&w, "total", (int64_t)batch->count);
    jw_int(&w, "done", (int64_t)batch->done);
    jw_array(&w, "refused");
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->reasons[i])
            continue;
        ticket_number_format(batch->numbers[i], digits);
        jw_object(&w, NULL);
        jw_string(&w, "number", digits);
        jw_string(&w, "reason", batch->reasons[i]);
        jw_object_end(&w);
    }
    jw_array_end(&w);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static void on_done(void *ctx)
{
    struct batch *batch = ctx;
    struct request *r = batch->r;

    batch->bulk = NULL;
    metric_inc(&metrics[METRIC_BATCHES]);
    metric_add(&metrics[METRIC_DONE], (int64_t)batch->done);
    metric_add(&metrics[METRIC_REFUSED], (int64_t)(batch->count - batch->done));
    if (r) {
        r->on_abort = NULL;
        reply(r, batch);
    }
    leave(batch);
}

/* ---- one ticket --------------------------------------------------------------------------------
 */

static enum store_verdict decide(void *ctx, size_t index, struct store_job *job)
{
    struct batch *batch = ctx;
    struct plan_context plan = store_plan_context(job);
    struct ticket_command command = batch->command;
    struct plan_refusal refusal;

    command.now_us = daemon_now_us(job->d); /* others have gone on since the order was given */
    enum plan_result result =
        ticket_plan_action(&plan, &job->record.view, &command, &job->change, &refusal);

    batch->reasons[index] = NULL;
    if (result == PLAN_OK)
        return STORE_VERDICT_APPLY;
    batch->reasons[index] = result == PLAN_NOT_NOW ? refusal.reason : "not_allowed";
    return STORE_VERDICT_REFUSE;
}

static void on_one(void *ctx, size_t index, enum store_outcome outcome, bool is_changed)
{
    /* of what was not refused by the plan; uncertain: look at the ticket before asking again */
    static const char *const reasons[] = {
        [STORE_DONE] = NULL,
        [STORE_READ] = NULL,
        [STORE_ABSENT] = "not_found",
        [STORE_REFUSED] = NULL,
        [STORE_UNAVAILABLE] = "unavailable",
        [STORE_UNCERTAIN] = "uncertain",
        [STORE_FAILED] = "internal",
    };
    struct batch *batch = ctx;

    (void)is_changed;
    if (outcome != STORE_REFUSED)
        batch->reasons[index] = reasons[outcome];
    batch->done += batch->reasons[index] == NULL;
}

/* ---- the beginning -----------------------------------------------------------------------------
 */

static void on_abort(struct request *r)
{
    struct batch *batch = r->state;

    batch->r = NULL;
}

static void begin(struct request *r, const struct batch_order *order, const int64_t *numbers,
                  size_t count)
{
    const struct bulk_use use = {decide, on_one, on_done, NULL};
    struct batches *batches = r->d->batches;

    if (batches->count == BATCHES_AT_ONCE) {
        request_problem(r, PROBLEM_BUSY, NULL);
        return;
    }
    struct batch *batch = xcalloc(1, sizeof(*batch));
    batch->d = r->d;
    batch->r = r;
    batch->arena = arena_new();
    batch->count = count;
    batch->numbers = arena_alloc(batch->arena, (count + 1) * sizeof(*batch->numbers));
    batch->reasons = arena_alloc(batch->arena, (count + 1) * sizeof(*batch->reasons));
    if (count)
        memcpy(batch->numbers, numbers, count * sizeof(*numbers));
    batch->command = (struct ticket_command){
        .action = order->action,
        .role = r->account->role,
        .actor = arena_strdup(batch->arena, r->account->name),
        .text = arena_strdup(batch->arena, order->text),
    };
    batch->next = batches->first;
    batches->first = batch;
    batches->count++;
    r->state = batch;
    r->on_abort = on_abort;
    struct bulk_use own = use;
    own.ctx = batch;
    batch->bulk = bulk_start(r->d, batch->numbers, count, &own);
}

static void on_numbers(struct request *r, const struct pg_result *res)
{
    const struct asking *asking = r->state;
    size_t count = (size_t)pg_result_rows(res);

    if (count > BATCH_MAX_TICKETS) {
        faults_add(&r->faults, "filter", "range");
        request_reply_faults(r);
        return;
    }
    int64_t *numbers = arena_alloc(r->arena, (count + 1) * sizeof(*numbers));
    for (size_t i = 0; i < count; i++)
        numbers[i] = pg_result_int(res, (int)i, 0);
    begin(r, &asking->order, numbers, count);
}

static void check_code(struct request *r, const char *field, const char *code,
                       int (*find)(const struct city *city, const char *code))
{
    if (code && find(r->d->city, code) < 0)
        faults_add(&r->faults, field, "not_found");
}

static void find_tickets(struct request *r, const struct batch_filter *filter)
{
    struct pg_params params;
    struct pg_array states;

    pg_params_init(&params, r->arena);
    pg_array_init(&states, r->arena);
    for (int s = 0; s < TICKET_STATE_COUNT; s++) {
        bool is_meant =
            filter->state < 0 ? ticket_state_is_open((enum ticket_state)s) : filter->state == s;
        if (is_meant)
            pg_array_text(&states, ticket_state_words[s].code);
    }
    pg_param_array(&params, &states);
    pg_param_text(&params, filter->unit);
    pg_param_text(&params, filter->category);
    pg_param_text(&params, filter->region);
    if (filter->overdue < 0)
        pg_param_null(&params);
    else
        pg_param_bool(&params, filter->overdue == 1);
    pg_param_int(&params, BATCH_MAX_TICKETS + 1);
    request_submit(r, r->d->report_pool, &SQL_BATCH_NUMBERS, &params, DAEMON_READ_TIMEOUT_US,
                   on_numbers);
}

/* Some row of the machine lets this role do it to a ticket. */
static bool may(enum actor_role role, enum ticket_action action)
{
    for (size_t i = 0; i < machine_row_count; i++) {
        if (machine_rows[i].action == action && (machine_rows[i].roles & (1u << role)))
            return true;
    }
    return false;
}

void batches_post(struct request *r)
{
    struct asking *asking = arena_alloc(r->arena, sizeof(*asking));
    struct batch_order *order = &asking->order;

    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return;
    }
    if (batch_json_decode(json_root(r->body), r->arena, order, &r->faults)) {
        check_code(r, "filter.unit", order->filter.unit, city_find_unit);
        check_code(r, "filter.category", order->filter.category, city_find_category);
        check_code(r, "filter.region", order->filter.region, city_find_region);
    }
    if (r->faults.count) {
        request_reply_faults(r);
        return;
    }
    if (!may(r->account->role, order->action)) {
        request_problem(r, PROBLEM_FORBIDDEN, NULL);
        return;
    }
    r->state = asking;
    if (order->count)
        begin(r, order, order->numbers, order->count);
    else
        find_tickets(r, &order->filter);
}
