/*
 * ticket_store.c - load, decide, apply, again if another daemon was faster.
 */
#include "daemon/ticket_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"
#include "daemon/change_json.h"
#include "daemon/deadlines.h"
#include "daemon/push.h"
#include "daemon/ticket_record.h"
#include "sql_catalogue.h"

/* Losing this often in a row means a ticket under siege, not bad luck. */
#define STORE_MAX_TRIES 8

static struct metric stored = {.name = "hotlined_ticket_changes_total",
                               .help = "Changes of tickets stored."};
static struct metric again = {.name = "hotlined_ticket_races_total",
                              .help = "Changes planned anew because somebody was faster."};
static struct metric resent = {.name = "hotlined_ticket_resent_total",
                               .help = "Changes sent again because their outcome was unknown."};

static struct metric queued = {.name = "hotlined_ticket_queued_total",
                               .help = "Changes that waited for another of the same ticket."};

void store_register_metrics(void)
{
    metrics_register(&queued, 1);
    metrics_register(&stored, 1);
    metrics_register(&again, 1);
    metrics_register(&resent, 1);
}

static void load(struct store_job *job);

struct plan_context store_plan_context(struct store_job *job)
{
    return (struct plan_context){job->city, &job->d->plan_rules, job->arena};
}

static void job_free(struct store_job *job)
{
    pg_cancel(&job->op);
    city_unref(&job->city);
    arena_free(&job->arena);
    free(job);
}

/* ---- one after the other ------------------------------------------------------------------------
 */

/* Jobs by ticket, the running one first. There are no more of them than open requests and the
 * sweeper's few. */
struct store {
    struct map *lines; /* number -> struct line */
};
struct line {
    struct store_job *first, **last;
};

struct store *store_new(void)
{
    struct store *store = xcalloc(1, sizeof(*store));

    store->lines = map_new();
    return store;
}

static void free_line(void *ctx, const char *key, size_t key_len, void *value)
{
    struct line *line = value;

    (void)ctx;
    (void)key;
    (void)key_len;
    while (line->first) {
        struct store_job *job = line->first;
        line->first = job->next;
        job_free(job);
    }
    free(line);
}

void store_free(struct store **store)
{
    if (!*store)
        return;
    map_each((*store)->lines, free_line, NULL);
    map_free(&(*store)->lines);
    free(*store);
    *store = NULL;
}

bool store_is_busy(const struct daemon *d, int64_t number)
{
    return map_get(d->store->lines, &number, sizeof(number)) != NULL;
}

/* true: it is the only one. */
static bool line_enter(struct store_job *job)
{
    struct map *lines = job->d->store->lines;
    struct line *line = map_get(lines, &job->number, sizeof(job->number));

    if (!line) {
        line = xcalloc(1, sizeof(*line));
        line->last = &line->first;
        map_put(lines, &job->number, sizeof(job->number), line);
    }
    *line->last = job;
    line->last = &job->next;
    return line->first == job;
}

static void line_leave(struct store_job *job)
{
    struct map *lines = job->d->store->lines;
    struct line *line = map_get(lines, &job->number, sizeof(job->number));
    struct store_job **at = &line->first;
    bool was_first = line->first == job;

    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    if (line->last == &job->next)
        line->last = at;
    if (!line->first) {
        map_remove(lines, &job->number, sizeof(job->number));
        free(line);
    } else if (was_first) {
        load(line->first);
    }
}

static void job_end(struct store_job *job)
{
    line_leave(job);
    job_free(job);
}

void store_cancel(struct store_job **job)
{
    if (!*job)
        return;
    if ((*job)->is_applying)
        (*job)->done =
            NULL; /* it may be stored: the clocks and those who wait have to hear of it */
    else
        job_end(*job);
    *job = NULL;
}

static void finish(struct store_job *job, enum store_outcome outcome)
{
    job->done(job, outcome);
    job_end(job);
}

/* ---- apply --------------------------------------------------------------------------------------
 */

static void apply(struct store_job *job);

/* The version moved. Was it this very change, sent before and answered by silence? */
static bool is_ours(const struct store_job *job)
{
    return job->is_resent && job->record.view.version == job->change.after.version &&
           memcmp(job->record.view.event_hash, job->change.after.event_hash, 32) == 0;
}

/* Others have changed it on top of ours, perhaps: only the history tells. */
static bool may_be_ours(const struct store_job *job)
{
    return job->is_resent && job->change.event_count &&
           job->record.view.version > job->change.after.version;
}

void store_announce(struct daemon *d, size_t changes, int64_t next_us)
{
    if (changes == 0)
        return;
    metric_add(&stored, (int64_t)changes);
    deadlines_hint(d->sweeper, next_us);
    push_hint(d->push);
}

static void announce(struct store_job *job)
{
    store_announce(job->d, 1, ticket_next_us(&job->change.after));
}

static void lost_race(struct store_job *job)
{
    if (++job->tries >= STORE_MAX_TRIES) {
        finish(job, STORE_UNAVAILABLE);
        return;
    }
    metric_inc(&again);
    load(job);
}

static void on_applied(void *ctx, const struct pg_result *res)
{
    struct store_job *job = ctx;
    enum pg_outcome outcome = pg_result_outcome(res);

    job->op = NULL;
    job->is_applying = false;
    if (!job->done) {
        if (outcome == PG_ROWS && pg_result_rows(res) == 1)
            announce(job);
        job_end(job);
    } else if (outcome == PG_ROWS && pg_result_rows(res) == 1) {
        announce(job);
        finish(job, STORE_DONE);
    } else if (outcome == PG_ROWS) {
        lost_race(job);
    } else if (outcome == PG_UNCERTAIN && !job->is_resent) {
        job->is_resent = true;
        metric_inc(&resent);
        apply(job);
    } else if (outcome == PG_REJECTED) {
        log_error("ticket", "change refused by the database sqlstate=%s constraint=%s %s",
                  pg_result_sqlstate(res), pg_result_constraint(res), pg_result_message(res));
        finish(job, STORE_FAILED);
    } else {
        finish(job, job->is_resent ? STORE_UNCERTAIN : STORE_UNAVAILABLE);
    }
}

static void apply(struct store_job *job)
{
    const struct change_guard guard = {
        .version = job->record.view.version,
        .lease = job->lease,
        .lease_ordinal = job->lease_ordinal,
        .into = job->change.after.merged_into ? job->into : 0,
    };
    struct pg_params params;
    struct json_writer w;
    struct sbuf json;

    sbuf_init(&json, 0);
    jw_init(&w, &json);
    jw_array(&w, NULL);
    change_json_write(&w, &job->change, &guard, job->city);
    jw_array_end(&w);
    pg_params_init(&params, job->arena);
    pg_param_text_n(&params, json.data, json.len);
    job->is_applying = true;
    job->op = pg_submit(job->d->work_pool, &SQL_TICKET_APPLY, &params, DAEMON_WRITE_TIMEOUT_US,
                        on_applied, job);
    sbuf_free(&json);
}

/* ---- load
 * ----------------------------------------------------------------------------------------- */

static void decide(struct store_job *job)
{
    enum store_verdict verdict = job->decide(job);

    if (verdict == STORE_VERDICT_REFUSE) {
        finish(job, STORE_REFUSED);
    } else if (verdict == STORE_VERDICT_READ || !job->change.is_changed) {
        finish(job, verdict == STORE_VERDICT_READ ? STORE_READ : STORE_DONE);
    } else {
        job->is_resent = false;
        apply(job);
    }
}

static void on_looked_back(void *ctx, const struct pg_result *res)
{
    struct store_job *job = ctx;
    size_t len = 0;
    const uint8_t *hash = NULL;

    job->op = NULL;
    if (pg_result_outcome(res) != PG_ROWS) {
        finish(job, STORE_UNCERTAIN);
        return;
    }
    if (pg_result_rows(res) == 1)
        hash = pg_result_bytea(res, 0, 0, job->arena, &len);
    if (hash && len == 32 && memcmp(hash, job->change.after.event_hash, 32) == 0) {
        announce(job);
        finish(job, STORE_DONE);
    } else {
        decide(job);
    }
}

/* The hash of the event that would be the last of our change: hashes are chained, so it is ours or
 * it is not. */
static void look_back(struct store_job *job)
{
    struct pg_params params;

    pg_params_init(&params, job->arena);
    pg_param_int(&params, job->number);
    pg_param_int(&params, job->change.after.event_count);
    job->op = pg_submit(job->d->work_pool, &SQL_TICKET_EVENT_HASH, &params, DAEMON_READ_TIMEOUT_US,
                        on_looked_back, job);
}

static void on_loaded(void *ctx, const struct pg_result *res)
{
    struct store_job *job = ctx;

    job->op = NULL;
    if (pg_result_outcome(res) == PG_REJECTED) {
        finish(job, STORE_FAILED);
    } else if (pg_result_outcome(res) != PG_ROWS) {
        finish(job, job->is_resent ? STORE_UNCERTAIN : STORE_UNAVAILABLE);
    } else if (pg_result_rows(res) == 0) {
        finish(job, STORE_ABSENT);
    } else {
        ticket_record_read(job->d, res, 0, job->arena, &job->record);
        if (is_ours(job)) {
            announce(job);
            finish(job, STORE_DONE);
        } else if (may_be_ours(job)) {
            look_back(job);
        } else {
            decide(job);
        }
    }
}

static void load(struct store_job *job)
{
    int64_t left_us = DAEMON_READ_TIMEOUT_US - (clk_mono_us() - job->since_us);
    struct pg_params params;

    ticket_record_params(&params, job->arena, &job->number, 1, job->into);
    job->since_us = clk_mono_us(); /* of a later try: not the wait in the line */
    job->op = pg_submit(job->d->work_pool, &SQL_TICKET_LOAD, &params, left_us > 1 ? left_us : 1,
                        on_loaded, job);
}

struct store_job *store_start(struct daemon *d, int64_t number, int64_t into,
                              enum store_verdict (*decide_fn)(struct store_job *job),
                              void (*done)(struct store_job *job, enum store_outcome outcome),
                              void *ctx)
{
    struct store_job *job = xcalloc(1, sizeof(*job));

    INVARIANT(d->city != NULL);
    job->d = d;
    job->arena = arena_new();
    job->city = city_ref(d->city);
    job->number = number;
    job->into = into;
    job->decide = decide_fn;
    job->done = done;
    job->ctx = ctx;
    job->since_us = clk_mono_us();
    if (line_enter(job))
        load(job);
    else
        metric_inc(&queued);
    return job;
}
