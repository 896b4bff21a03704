/*
 * queue_claim.c - POST /v1/queue/claim: the most urgent work nobody holds, under leases.
 */
#include <stddef.h>

#include "base/metrics.h"
#include "daemon/queue.h"
#include "sql_catalogue.h"

#define LIMIT_DEFAULT 10
#define LIMIT_MAX 100
#define LEASE_DEFAULT_S 300
#define LEASE_MIN_S 30
#define LEASE_MAX_S 3600

struct claim_order {
    int64_t limit, lease_seconds, wait;
};

static const struct field claim_fields[] = {
    {.name = "limit",
     .type = FIELD_INT,
     .offset = offsetof(struct claim_order, limit),
     .min = 1,
     .max = LIMIT_MAX},
    {.name = "lease_seconds",
     .type = FIELD_INT,
     .offset = offsetof(struct claim_order, lease_seconds),
     .min = LEASE_MIN_S,
     .max = LEASE_MAX_S},
    {.name = "wait",
     .type = FIELD_INT,
     .offset = offsetof(struct claim_order, wait),
     .min = 0,
     .max = QUEUE_WAIT_MAX_S},
};

struct claim {
    struct queue_wait wait; /* first: r->state */
    struct claim_order order;
};

static struct metric claimed = {.name = "hotlined_queue_claimed_total",
                                .help = "Assignments leased to units."};
static struct metric redelivered = {
    .name = "hotlined_queue_redelivered_total",
    .help = "Assignments leased again after an earlier lease ended or was given back."};
static struct metric nothing = {.name = "hotlined_queue_claims_empty_total",
                                .help = "Claims that ended without work."};

void queue_claim_register_metrics(void)
{
    metrics_register(&claimed, 1);
    metrics_register(&redelivered, 1);
    metrics_register(&nothing, 1);
}

static void count(const struct queue_entry *entry)
{
    metric_inc(&claimed);
    if (entry->deliveries > 1)
        metric_inc(&redelivered);
}

static void answer(struct request *r, const struct pg_result *res, int items)
{
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (int i = 0; i < items; i++) {
        struct queue_entry entry = queue_rows_read(r, res, i);
        count(&entry);
        queue_json_write(&w, &entry, r->d->city);
    }
    jw_array_end(&w);
    jw_object_end(&w);
    if (items == 0)
        metric_inc(&nothing);
    http_reply_header(r->http, "Cache-Control", "no-store");
    request_reply(r, 200, &out);
}

static void on_claimed(struct request *r, const struct pg_result *res)
{
    struct claim *claim = r->state;
    int items = queue_rows_count(res);

    if (items == 0 && queue_wait_more(&claim->wait, queue_rows_free_us(res)))
        return;
    answer(r, res, items);
}

/* One secret per item: signing, releasing and the count of deliveries go item by item. */
static void add_leases(struct pg_params *params, int64_t limit, struct arena *arena)
{
    uint8_t lease[QUEUE_LEASE_BYTES];
    struct pg_array leases;

    pg_array_init(&leases, arena);
    for (int64_t i = 0; i < limit; i++) {
        crypto_random(lease, sizeof(lease));
        pg_array_bytea(&leases, lease, sizeof(lease));
    }
    pg_param_array(params, &leases);
}

/*
 * If the outcome of this statement stays unknown the answer is 503 and what was leased, if it was,
 * comes back when the lease ends: the leases are secrets that nobody was told.
 */
static void ask(struct request *r)
{
    struct claim *claim = r->state;
    struct arena *arena = arena_new(); /* asked again and again while it waits */
    int64_t now = daemon_now_us(r->d);
    struct pg_params params;

    queue_wait_mark(&claim->wait);
    pg_params_init(&params, arena);
    pg_param_text(&params, r->account->unit);
    pg_param_instant(&params, now);
    pg_param_instant(&params, now + claim->order.lease_seconds * US_PER_SECOND);
    pg_param_text(&params, r->account->name);
    add_leases(&params, claim->order.limit, arena);
    pg_param_int(&params, claim->order.limit);
    request_submit(r, r->d->work_pool, &SQL_QUEUE_CLAIM, &params, DAEMON_WRITE_TIMEOUT_US,
                   on_claimed);
    arena_free(&arena);
}

void queue_claim_post(struct request *r)
{
    struct claim *claim = arena_alloc(r->arena, sizeof(*claim));

    if (!request_parse_body(r))
        return;
    claim->order = (struct claim_order){.limit = LIMIT_DEFAULT, .lease_seconds = LEASE_DEFAULT_S};
    if (!json_decode(json_root(r->body), claim_fields, ARRAY_LEN(claim_fields), &claim->order,
                     r->arena, &r->faults)) {
        request_reply_faults(r);
        return;
    }
    if (!request_query_ok(r))
        return;
    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return;
    }
    queue_wait_begin(&claim->wait, r, r->account->unit, claim->order.wait, ask);
    ask(r);
}
