/*
 * intake_batch.c - group commit of new tickets.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"
#include "daemon/deadlines.h"
#include "daemon/intake.h"
#include "daemon/intake_rows.h"
#include "daemon/push.h"
#include "sql_catalogue.h"

/* A batch of unknown outcome is sent again this often, each time with the whole write timeout. */
#define BATCH_MAX_SENDS 3

enum {
    METRIC_QUEUED,
    METRIC_STORED,
    METRIC_BATCHES,
    METRIC_SPLITS,
    METRIC_RESENT,
    METRIC_REPLAYS,
    METRIC_FULL,
    METRIC_BAD
};
static struct metric metrics[] = {
    [METRIC_QUEUED] = {"hotlined_intake_queued", NULL, "Tickets waiting for a batch.", METRIC_GAUGE,
                       0},
    [METRIC_STORED] = {"hotlined_intake_stored_total", NULL, "Tickets stored.", METRIC_COUNTER, 0},
    [METRIC_BATCHES] = {"hotlined_intake_batches_total", NULL, "Transactions that stored tickets.",
                        METRIC_COUNTER, 0},
    [METRIC_SPLITS] = {"hotlined_intake_splits_total", NULL,
                       "Batches split because the database refused one of their tickets.",
                       METRIC_COUNTER, 0},
    [METRIC_RESENT] = {"hotlined_intake_resent_total", NULL,
                       "Batches sent again because their outcome was unknown.", METRIC_COUNTER, 0},
    [METRIC_REPLAYS] = {"hotlined_intake_replays_total", NULL,
                        "Requests answered with the first answer of their idempotency key.",
                        METRIC_COUNTER, 0},
    [METRIC_FULL] = {"hotlined_intake_full_total", NULL,
                     "Tickets refused because too many were waiting.", METRIC_COUNTER, 0},
    [METRIC_BAD] = {"hotlined_intake_bad_total", NULL,
                    "Tickets that the database refused although we accepted them.", METRIC_COUNTER,
                    0},
};

struct intake {
    struct daemon *d;
    struct pg_pool *pool;
    int batches_most;
    struct event *flush; /* end of this loop turn: what arrived together goes together */
    struct intake_entry *first, **last;
    size_t queued;
    int in_flight;
    struct map *running; /* account NUL key -> entry */
    struct batch *batches;
};

struct batch {
    struct batch *next, **link; /* of intake->batches */
    struct intake *intake;
    struct pg_op *op;
    struct intake_entry **entries;
    size_t count;
    size_t confirm_at; /* entry whose key is being looked up */
    bool is_own_slot;  /* counts in in_flight */
};

void intake_register_metrics(void)
{
    metrics_register(metrics, ARRAY_LEN(metrics));
}

/* ---- keys under way
 * ------------------------------------------------------------------------------ */

static size_t running_key(const char *account, const char *key, char out[256])
{
    size_t a = strlen(account), k = strlen(key);

    INVARIANT(a + 1 + k <= 256);
    memcpy(out, account, a + 1);
    memcpy(out + a + 1, key, k);
    return a + 1 + k;
}

bool intake_key_running(const struct intake *intake, const char *account, const char *key)
{
    char buffer[256];
    size_t len = running_key(account, key, buffer);

    return map_get(intake->running, buffer, len) != NULL;
}

static void end_entry(struct intake *intake, struct intake_entry *e, enum intake_end end,
                      const char *first_answer)
{
    char buffer[256];

    if (e->key)
        map_remove(intake->running, buffer, running_key(e->received_by, e->key, buffer));
    if (end == INTAKE_STORED) {
        metric_inc(&metrics[METRIC_STORED]);
        deadlines_hint(intake->d->sweeper, ticket_next_us(&e->change.after));
    }
    if (end == INTAKE_REPLAY)
        metric_inc(&metrics[METRIC_REPLAYS]);
    if (end == INTAKE_BROKEN)
        metric_inc(&metrics[METRIC_BAD]);
    intake_entry_end(e, end, first_answer);
}

/* ---- sending
 * ---------------------------------------------------------------------------------------------- */

static void on_batch(void *ctx, const struct pg_result *res);

static void send_batch(struct batch *b)
{
    struct arena *arena = arena_new();
    struct pg_params params;

    for (size_t i = 0; i < b->count; i++)
        b->entries[i]->sends++;
    intake_rows(&params, arena, b->entries, b->count);
    metric_inc(&metrics[METRIC_BATCHES]);
    b->op = pg_submit(b->intake->pool, &SQL_TICKET_INTAKE, &params, DAEMON_WRITE_TIMEOUT_US,
                      on_batch, b);
    arena_free(&arena);
}

/* ---- life of a batch
 * ------------------------------------------------------------------------------------ */

static struct batch *batch_new(struct intake *intake, struct intake_entry **entries, size_t count,
                               bool is_own_slot)
{
    struct batch *b = xcalloc(1, sizeof(*b));

    b->intake = intake;
    b->entries = xrealloc_array(NULL, count, sizeof(*entries));
    memcpy(b->entries, entries, count * sizeof(*entries));
    b->count = count;
    b->is_own_slot = is_own_slot;
    intake->in_flight += is_own_slot;
    b->next = intake->batches;
    b->link = &intake->batches;
    if (b->next)
        b->next->link = &b->next;
    intake->batches = b;
    return b;
}

static void batch_free(struct batch *b)
{
    struct intake *intake = b->intake;

    intake->in_flight -= b->is_own_slot;
    *b->link = b->next;
    if (b->next)
        b->next->link = b->link;
    pg_cancel(&b->op);
    free(b->entries);
    free(b);
    if (intake->first && intake->flush)
        event_active(intake->flush, EV_TIMEOUT, 0);
}

static void batch_end_all(struct batch *b, enum intake_end end)
{
    for (size_t i = 0; i < b->count; i++) {
        if (b->entries[i])
            end_entry(b->intake, b->entries[i], end, NULL);
    }
    batch_free(b);
}

/* What did not come back: its key was taken before, or it was stored by an earlier sending. */

static void confirm_next(struct batch *b);

static void on_key(void *ctx, const struct pg_result *res)
{
    struct batch *b = ctx;
    struct intake_entry *e = b->entries[b->confirm_at];
    struct arena *scratch = arena_new();
    size_t len = 0;

    b->op = NULL;
    b->entries[b->confirm_at] = NULL;
    if (pg_result_outcome(res) != PG_ROWS || pg_result_rows(res) != 1) {
        end_entry(b->intake, e, INTAKE_UNAVAILABLE, NULL);
    } else if (pg_result_int(res, 0, 1) == e->change.after.number &&
               strcmp(pg_result_text(res, 0, 2), e->answer) == 0) {
        end_entry(b->intake, e, INTAKE_STORED, NULL);
    } else {
        const uint8_t *fingerprint = pg_result_bytea(res, 0, 0, scratch, &len);
        bool is_same = len == sizeof(e->fingerprint) &&
                       memcmp(fingerprint, e->fingerprint, sizeof(e->fingerprint)) == 0;
        end_entry(b->intake, e, is_same ? INTAKE_REPLAY : INTAKE_KEY_REUSED,
                  is_same ? pg_result_text(res, 0, 2) : NULL);
    }
    arena_free(&scratch);
    confirm_next(b);
}

static void on_stored(void *ctx, const struct pg_result *res)
{
    struct batch *b = ctx;
    struct intake_entry *e = b->entries[b->confirm_at];
    bool is_stored = pg_result_outcome(res) == PG_ROWS && pg_result_rows(res) == 1;

    b->op = NULL;
    b->entries[b->confirm_at] = NULL;
    end_entry(b->intake, e, is_stored ? INTAKE_STORED : INTAKE_UNAVAILABLE, NULL);
    confirm_next(b);
}

static void confirm_next(struct batch *b)
{
    struct intake_entry *e = NULL;
    struct pg_params params;

    while (b->confirm_at < b->count && !(e = b->entries[b->confirm_at]))
        b->confirm_at++;
    if (!e) {
        batch_free(b);
        return;
    }
    pg_params_init(&params, e->arena);
    if (e->key) {
        pg_param_text(&params, e->received_by);
        pg_param_text(&params, e->key);
        b->op = pg_submit(b->intake->pool, &SQL_INTAKE_KEY_FIND, &params, DAEMON_READ_TIMEOUT_US,
                          on_key, b);
        return;
    }
    struct pg_array numbers;
    pg_array_init(&numbers, e->arena);
    pg_array_int(&numbers, e->change.after.number);
    pg_param_array(&params, &numbers);
    b->op = pg_submit(b->intake->pool, &SQL_TICKET_STORED, &params, DAEMON_READ_TIMEOUT_US,
                      on_stored, b);
}

static int compare_int64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void batch_stored(struct batch *b, const struct pg_result *res)
{
    size_t rows = (size_t)pg_result_rows(res);
    int64_t *numbers = xrealloc_array(NULL, rows + 1, sizeof(*numbers));

    for (size_t i = 0; i < rows; i++)
        numbers[i] = pg_result_int(res, (int)i, 0);
    qsort(numbers, rows, sizeof(*numbers), compare_int64);
    if (rows)
        push_hint(b->intake->d->push);
    for (size_t i = 0; i < b->count; i++) {
        struct intake_entry *e = b->entries[i];
        if (!bsearch(&e->change.after.number, numbers, rows, sizeof(*numbers), compare_int64))
            continue;
        b->entries[i] = NULL;
        end_entry(b->intake, e, INTAKE_STORED, NULL);
    }
    free(numbers);
    confirm_next(b);
}

/* One of them is bad: halve until it stands alone. */
static void batch_refused(struct batch *b, const struct pg_result *res)
{
    if (b->count == 1 && strcmp(pg_result_constraint(res), "ticket_pkey") == 0) {
        log_limited(LOG_LEVEL_ERROR, "intake",
                    "a number is taken: does another daemon have the same instance digit?");
        batch_end_all(b, INTAKE_UNAVAILABLE);
        return;
    }
    if (b->count == 1) {
        log_error("intake", "ticket refused by the database sqlstate=%s constraint=%s %s",
                  pg_result_sqlstate(res), pg_result_constraint(res), pg_result_message(res));
        batch_end_all(b, INTAKE_BROKEN);
        return;
    }
    size_t half = b->count / 2;
    for (size_t i = 0; i < b->count; i++)
        b->entries[i]->sends = 0; /* refused is certain: the halves have their own tries */
    struct batch *first = batch_new(b->intake, b->entries, half, false);
    struct batch *second = batch_new(b->intake, b->entries + half, b->count - half, b->is_own_slot);
    metric_inc(&metrics[METRIC_SPLITS]);
    b->count = 0;
    batch_free(b);
    send_batch(first);
    send_batch(second);
}

static void on_batch(void *ctx, const struct pg_result *res)
{
    struct batch *b = ctx;
    enum pg_outcome outcome = pg_result_outcome(res);
    bool may_resend = b->entries[0]->sends < BATCH_MAX_SENDS;

    b->op = NULL;
    if (outcome == PG_OK || outcome == PG_ROWS) {
        batch_stored(b, res);
    } else if (outcome == PG_REJECTED) {
        batch_refused(b, res);
    } else if (may_resend && (outcome == PG_UNCERTAIN || pg_result_sqlstate(res)[0] == '4')) {
        metric_inc(&metrics[METRIC_RESENT]);
        send_batch(b);
    } else {
        batch_end_all(b, INTAKE_UNAVAILABLE);
    }
}

/* ---- queue
 * --------------------------------------------------------------------------------------------------
 */

/* Entries of one batch share the versions of the configuration: a swap in between starts a new one.
 */
static size_t take_entries(struct intake *intake, struct intake_entry **out, size_t most)
{
    const struct intake_entry *head = intake->first;
    size_t count = 0;

    while (intake->first && count < most && intake->first->rule_set == head->rule_set &&
           intake->first->sla_set == head->sla_set &&
           intake->first->calendar_set == head->calendar_set) {
        out[count++] = intake->first;
        intake->first = intake->first->next;
        if (count == 1)
            head = out[0];
    }
    if (!intake->first)
        intake->last = &intake->first;
    intake->queued -= count;
    metric_add(&metrics[METRIC_QUEUED], -(int64_t)count);
    return count;
}

static void flush(evutil_socket_t fd, short what, void *ctx)
{
    struct intake *intake = ctx;
    const struct settings *s = &intake->d->settings;
    size_t most = (size_t)s->intake_batch;
    struct intake_entry **taken = xrealloc_array(NULL, most, sizeof(struct intake_entry *));

    (void)fd;
    (void)what;
    while (intake->first && intake->in_flight < intake->batches_most) {
        size_t count = take_entries(intake, taken, most);
        send_batch(batch_new(intake, taken, count, true));
    }
    free(taken);
}

bool intake_add(struct intake *intake, struct intake_entry *e)
{
    char buffer[256];

    if (intake->queued >= (size_t)intake->d->settings.intake_queued) {
        metric_inc(&metrics[METRIC_FULL]);
        return false;
    }
    if (e->key)
        map_put(intake->running, buffer, running_key(e->received_by, e->key, buffer), e);
    e->next = NULL;
    *intake->last = e;
    intake->last = &e->next;
    intake->queued++;
    metric_inc(&metrics[METRIC_QUEUED]);
    if (intake->in_flight < intake->batches_most)
        event_active(intake->flush, EV_TIMEOUT, 0);
    return true;
}

struct intake *intake_new(struct daemon *d, struct pg_pool *pool, int batches)
{
    struct intake *intake = xcalloc(1, sizeof(*intake));

    intake->d = d;
    intake->pool = pool;
    intake->batches_most = batches;
    intake->last = &intake->first;
    intake->running = map_new();
    intake->flush = event_new(d->base, -1, 0, flush, intake);
    INVARIANT(intake->flush != NULL);
    return intake;
}

void intake_free(struct intake **intake_p)
{
    struct intake *intake = *intake_p;

    if (!intake)
        return;
    event_free(intake->flush);
    intake->flush = NULL;
    while (intake->batches)
        batch_end_all(intake->batches, INTAKE_UNAVAILABLE);
    while (intake->first) {
        struct intake_entry *e = intake->first;
        intake->first = e->next;
        end_entry(intake, e, INTAKE_UNAVAILABLE, NULL);
    }
    map_free(&intake->running);
    free(intake);
    *intake_p = NULL;
}
