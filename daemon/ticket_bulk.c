/*
 * ticket_bulk.c - see ticket_bulk.h.
 */
#include "daemon/ticket_bulk.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "daemon/change_json.h"
#include "daemon/ticket_record.h"
#include "daemon/ticket_tick.h"
#include "sql_catalogue.h"

/* Measured (test/bench/README.md): larger statements gain nothing, larger pages hold the loop. */
#define BULK_SLICE 320 /* tickets of a statement */
#define BULK_PAGE 40   /* tickets loaded and decided in one turn */
#define TICK_PAGE 80   /* the same on the narrow way */
#define BULK_LANES 3   /* slices under way */
#define BULK_SINGLES 8 /* tickets on the single way at the same time */
#define BULK_WRITE_TIMEOUT_US (30 * US_PER_SECOND)

enum { METRIC_TICKETS, METRIC_STATEMENTS, METRIC_SINGLES };
static struct metric metrics[] = {
    [METRIC_TICKETS] = {"hotlined_bulk_tickets_total", NULL, "Tickets looked at by bulk runs.",
                        METRIC_COUNTER, 0},
    [METRIC_STATEMENTS] = {"hotlined_bulk_statements_total", NULL,
                           "Statements that stored changes of bulk runs.", METRIC_COUNTER, 0},
    [METRIC_SINGLES] = {"hotlined_bulk_singles_total", NULL,
                        "Tickets of bulk runs that took the single way.", METRIC_COUNTER, 0},
};

/* Where a ticket is; item_move() knows which may follow which. */
enum item_place {
    ITEM_WAITING, /* to be decided, perhaps for the second time */
    ITEM_SENT,    /* in the statement under way */
    ITEM_SINGLE,  /* on the single way, or waiting for it */
    ITEM_OVER,    /* told */
    ITEM_PLACE_COUNT
};

struct item {
    int64_t number;
    size_t index;
    enum item_place place;
    int row;          /* in the page being read; -1 = not there */
    int version;      /* after the change that was planned; 0 = none was */
    uint8_t hash[32]; /* of its last event */
    bool is_unsure;   /* that change may be stored */
};

/* A slice on its way: items [from, to). */
struct lane {
    struct bulk *b;
    struct pg_op *op;
    size_t from, to, at, page_end;
    bool is_again;    /* second try after the database did not answer */
    struct sbuf json; /* what is to be stored; on the narrow way batch */
    struct json_writer w;
    struct tick_batch *batch;
    size_t changes;
    int64_t next_us;       /* earliest of what was planned; 0 = none */
    struct store_job *job; /* a ticket as the decision sees it; never in a line */
};

struct single {
    struct bulk *b;
    struct store_job *job; /* NULL: free */
    size_t item;
    bool was_ours;
};

struct bulk {
    struct daemon *d;
    struct city *city;
    struct bulk_use use;
    struct item *items; /* by number, so that statements lock in one order */
    size_t count, next; /* next: the first item of no slice yet */
    struct lane lanes[BULK_LANES];
    struct single singles[BULK_SINGLES];
    size_t *waiting; /* for the single way: items */
    size_t waiting_count, waiting_at;
    size_t running; /* lanes and singles */
    bool is_down;   /* the database did not answer twice: the rest is not tried */
    struct event *begin;
};

void bulk_register_metrics(void)
{
    metrics_register(metrics, ARRAY_LEN(metrics));
}

static void lane_next(struct lane *lane);
static void singles_go(struct bulk *b);

static bool is_tick(const struct bulk *b)
{
    return b->use.decide == NULL;
}

static void item_move(struct item *item, enum item_place to)
{
    static const unsigned may[ITEM_PLACE_COUNT] = {
        [ITEM_WAITING] = 1u << ITEM_SENT | 1u << ITEM_SINGLE | 1u << ITEM_OVER,
        [ITEM_SENT] = 1u << ITEM_WAITING | 1u << ITEM_SINGLE | 1u << ITEM_OVER,
        [ITEM_SINGLE] = 1u << ITEM_OVER,
    };

    INVARIANT(may[item->place] & 1u << to);
    item->place = to;
}

/* ---- the end -----------------------------------------------------------------------------------
 */

static void lane_clear(struct lane *lane)
{
    pg_cancel(&lane->op);
    sbuf_free(&lane->json);
    tick_batch_free(&lane->batch);
    free(lane->job);
    lane->job = NULL;
}

static void bulk_free(struct bulk *b)
{
    for (size_t i = 0; i < BULK_LANES; i++)
        lane_clear(&b->lanes[i]);
    for (size_t i = 0; i < BULK_SINGLES; i++)
        store_cancel(&b->singles[i].job);
    event_free(b->begin);
    city_unref(&b->city);
    free(b->items);
    free(b->waiting);
    free(b);
}

void bulk_cancel(struct bulk **bulk)
{
    if (*bulk)
        bulk_free(*bulk);
    *bulk = NULL;
}

static void item_over(struct bulk *b, struct item *item, enum store_outcome outcome,
                      bool is_changed)
{
    item_move(item, ITEM_OVER);
    metric_inc(&metrics[METRIC_TICKETS]);
    if (b->use.one)
        b->use.one(b->use.ctx, item->index, outcome, is_changed);
}

/* Whatever ends comes here last: it must not touch the run afterwards. */
static void look_for_end(struct bulk *b)
{
    if (b->running)
        return;
    INVARIANT(b->next == b->count && b->waiting_at == b->waiting_count);
    void (*done)(void *ctx) = b->use.done;
    void *ctx = b->use.ctx;
    bulk_free(b);
    done(ctx);
}

/* ---- the single way ----------------------------------------------------------------------------
 */

static void to_single(struct bulk *b, struct item *item)
{
    item_move(item, ITEM_SINGLE);
    b->waiting[b->waiting_count++] = (size_t)(item - b->items);
}

static enum store_verdict decide_on(struct bulk *b, const struct item *item, struct store_job *job)
{
    if (!is_tick(b))
        return b->use.decide(b->use.ctx, item->index, job);
    struct plan_context plan = store_plan_context(job);
    ticket_plan_tick(&plan, &job->record.view, daemon_now_us(b->d), &job->change);
    return STORE_VERDICT_APPLY;
}

static enum store_verdict single_decide(struct store_job *job)
{
    struct single *single = job->ctx;
    struct bulk *b = single->b;
    const struct item *item = &b->items[single->item];
    const struct ticket_view *v = &job->record.view;

    single->was_ours = item->is_unsure && v->version == item->version &&
                       memcmp(v->event_hash, item->hash, sizeof(item->hash)) == 0;
    if (single->was_ours)
        return STORE_VERDICT_READ;
    /* Others went on from it, or from what was there before: nothing here can tell. */
    if (item->is_unsure && v->version > item->version)
        return STORE_VERDICT_READ;
    return decide_on(b, item, job);
}

static void single_done(struct store_job *job, enum store_outcome outcome)
{
    struct single *single = job->ctx;
    struct bulk *b = single->b;
    struct item *item = &b->items[single->item];
    bool is_changed = outcome == STORE_DONE && job->change.is_changed;

    single->job = NULL;
    if (outcome == STORE_READ && single->was_ours)
        item_over(b, item, STORE_DONE, true);
    else if (outcome == STORE_READ && item->is_unsure)
        item_over(b, item, STORE_UNCERTAIN, false);
    else
        item_over(b, item, outcome, is_changed);
    b->running--;
    singles_go(b);
    look_for_end(b);
}

static void singles_go(struct bulk *b)
{
    for (size_t i = 0; i < BULK_SINGLES && b->waiting_at < b->waiting_count; i++) {
        struct single *single = &b->singles[i];
        if (single->job)
            continue;
        single->b = b;
        single->item = b->waiting[b->waiting_at++];
        b->running++;
        metric_inc(&metrics[METRIC_SINGLES]);
        single->job =
            store_start(b->d, b->items[single->item].number, 0, single_decide, single_done, single);
    }
}

/* ---- apply -------------------------------------------------------------------------------------
 */

static struct item *find_item(const struct lane *lane, size_t from, size_t to, int64_t number)
{
    struct item *items = lane->b->items;
    size_t low = from, high = to;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (items[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < to && items[low].number == number ? &items[low] : NULL;
}

static void lane_over(struct lane *lane)
{
    struct bulk *b = lane->b;

    lane->from = lane->to;
    lane_next(lane);
    singles_go(b);
    look_for_end(b);
}

/* What the statement did not store was changed by somebody meanwhile. */
static void take_stored(struct lane *lane, const struct pg_result *res)
{
    struct bulk *b = lane->b;
    int rows = pg_result_rows(res);

    for (int i = 0; i < rows; i++) {
        struct item *item = find_item(lane, lane->from, lane->to, pg_result_int(res, i, 0));
        INVARIANT(item && item->place == ITEM_SENT);
        item_over(b, item, STORE_DONE, true);
    }
    store_announce(b->d, (size_t)rows, lane->next_us);
    for (size_t i = lane->from; i < lane->to; i++) {
        if (b->items[i].place == ITEM_SENT)
            to_single(b, &b->items[i]);
    }
}

/* is_unsure: the statement may have been stored as a whole. */
static void all_to_single(struct lane *lane, bool is_unsure)
{
    struct bulk *b = lane->b;

    for (size_t i = lane->from; i < lane->to; i++) {
        if (b->items[i].place != ITEM_SENT)
            continue;
        b->items[i].is_unsure = is_unsure;
        to_single(b, &b->items[i]);
    }
}

static void load(struct lane *lane);

/* Nothing was done. Once more from the beginning, then it is given up. */
static void lane_failed(struct lane *lane)
{
    struct bulk *b = lane->b;

    if (!lane->is_again) {
        lane->is_again = true;
        lane->at = lane->from;
        for (size_t i = lane->from; i < lane->to; i++) {
            if (b->items[i].place == ITEM_SENT) /* it may be decided otherwise this time */
                item_move(&b->items[i], ITEM_WAITING);
        }
        load(lane);
        return;
    }
    b->is_down = true;
    for (size_t i = lane->from; i < lane->to; i++) {
        if (b->items[i].place == ITEM_WAITING || b->items[i].place == ITEM_SENT)
            item_over(b, &b->items[i], STORE_UNAVAILABLE, false);
    }
    lane_over(lane);
}

static void on_applied(void *ctx, const struct pg_result *res)
{
    struct lane *lane = ctx;
    enum pg_outcome outcome = pg_result_outcome(res);

    lane->op = NULL;
    if (outcome == PG_RETRYABLE) {
        lane_failed(lane);
        return;
    }
    if (outcome == PG_ROWS)
        take_stored(lane, res);
    else
        all_to_single(lane, outcome == PG_UNCERTAIN);
    lane_over(lane);
}

static void apply(struct lane *lane)
{
    struct bulk *b = lane->b;
    struct arena *arena = arena_new();
    const struct pg_stmt *stmt = is_tick(b) ? &SQL_TICK_APPLY : &SQL_TICKET_APPLY;
    struct pg_params params;

    metric_inc(&metrics[METRIC_STATEMENTS]);
    if (is_tick(b)) {
        tick_batch_params(lane->batch, &params);
    } else {
        jw_array_end(&lane->w);
        pg_params_init(&params, arena);
        pg_param_text_n(&params, lane->json.data, lane->json.len);
    }
    lane->op = pg_submit(b->d->bulk_pool, stmt, &params, BULK_WRITE_TIMEOUT_US, on_applied, lane);
    tick_batch_free(&lane->batch);
    arena_free(&arena);
}

/* ---- load and decide ---------------------------------------------------------------------------
 */

/* Which rows of the answer a page is read from. */
struct page {
    const struct pg_result *res; /* of the tickets */
    struct tick_rows rows;       /* on the narrow way */
};

/* false: the narrow way cannot store this. */
static bool add_change(struct lane *lane, const struct store_job *job)
{
    const struct change_guard guard = {.version = job->record.view.version};

    if (is_tick(lane->b))
        return tick_batch_add(lane->batch, &job->record.view, &job->change);
    change_json_write(&lane->w, &job->change, &guard, lane->b->city);
    return true;
}

static void store_change(struct lane *lane, struct item *item)
{
    const struct store_job *job = lane->job;

    if (!add_change(lane, job)) {
        to_single(lane->b, item);
        return;
    }
    int64_t next = ticket_next_us(&job->change.after);
    item->version = job->change.after.version;
    memcpy(item->hash, job->change.after.event_hash, sizeof(item->hash));
    item_move(item, ITEM_SENT);
    lane->changes++;
    if (next && (lane->next_us == 0 || next < lane->next_us))
        lane->next_us = next;
}

static void plan(struct lane *lane, struct item *item, struct page *page, struct arena *arena)
{
    struct store_job *job = lane->job;
    struct bulk *b = lane->b;

    job->number = item->number;
    job->arena = arena;
    if (is_tick(b))
        tick_rows_read(&page->rows, item->row, arena, &job->record.view);
    else
        ticket_record_read(b->d, page->res, item->row, arena, &job->record);
    enum store_verdict verdict = decide_on(b, item, job);
    if (verdict == STORE_VERDICT_REFUSE)
        item_over(b, item, STORE_REFUSED, false);
    else if (verdict == STORE_VERDICT_READ)
        item_over(b, item, STORE_READ, false);
    else if (!job->change.is_changed)
        item_over(b, item, STORE_DONE, false);
    else
        store_change(lane, item);
}

static void page_done(struct lane *lane)
{
    lane->at = lane->page_end;
    if (lane->at < lane->to)
        load(lane);
    else if (lane->changes)
        apply(lane);
    else
        lane_over(lane);
}

static void find_rows(struct lane *lane, const struct pg_result *res)
{
    for (size_t i = lane->at; i < lane->page_end; i++)
        lane->b->items[i].row = -1;
    for (int i = 0; i < pg_result_rows(res); i++) {
        struct item *item = find_item(lane, lane->at, lane->page_end, pg_result_int(res, i, 0));
        if (item)
            item->row = i;
    }
}

static void plan_page(struct lane *lane, struct page *page)
{
    struct bulk *b = lane->b;

    find_rows(lane, page->res);
    for (size_t i = lane->at; i < lane->page_end; i++) {
        struct item *item = &b->items[i];
        bool is_twice = i > 0 && item->number == b->items[i - 1].number;
        if (item->place != ITEM_WAITING)
            continue;
        if (is_twice || (item->row >= 0 && store_is_busy(b->d, item->number))) {
            to_single(b, item);
        } else if (item->row < 0) {
            item_over(b, item, STORE_ABSENT, false);
        } else {
            struct arena *arena = arena_new();
            plan(lane, item, page, arena);
            arena_free(&arena);
        }
    }
}

static void on_loaded(void *ctx, const struct pg_result *res)
{
    struct lane *lane = ctx;
    struct page page = {.res = res};

    lane->op = NULL;
    if (pg_result_outcome(res) != PG_ROWS) {
        lane_failed(lane);
        return;
    }
    if (is_tick(lane->b)) {
        tick_rows_init(&page.rows, res);
        page.res = page.rows.tickets;
    }
    plan_page(lane, &page);
    page_done(lane);
}

static void begin_changes(struct lane *lane)
{
    lane->changes = 0;
    lane->next_us = 0;
    if (is_tick(lane->b)) {
        tick_batch_free(&lane->batch);
        lane->batch = tick_batch_new();
        return;
    }
    sbuf_clear(&lane->json);
    jw_init(&lane->w, &lane->json);
    jw_array(&lane->w, NULL);
}

static void load(struct lane *lane)
{
    struct bulk *b = lane->b;
    struct arena *arena = arena_new();
    struct pg_call calls[TICK_LOAD_CALLS];
    struct pg_params params;
    int64_t numbers[TICK_PAGE];
    size_t count = 0, most = is_tick(b) ? TICK_PAGE : BULK_PAGE;

    if (lane->at == lane->from)
        begin_changes(lane);
    for (size_t i = lane->at; i < lane->to && count < most; i++)
        numbers[count++] = b->items[i].number;
    lane->page_end = lane->at + count;
    if (is_tick(b)) {
        tick_load_calls(&params, arena, numbers, count, calls);
        lane->op = pg_submit_group(b->d->bulk_pool, calls, TICK_LOAD_CALLS, DAEMON_READ_TIMEOUT_US,
                                   on_loaded, lane);
    } else {
        ticket_record_params(&params, arena, numbers, count, 0);
        lane->op = pg_submit(b->d->bulk_pool, &SQL_TICKET_LOAD, &params, DAEMON_READ_TIMEOUT_US,
                             on_loaded, lane);
    }
    arena_free(&arena);
}

/* ---- slices ------------------------------------------------------------------------------------
 */

static void give_up_rest(struct bulk *b)
{
    while (b->next < b->count)
        item_over(b, &b->items[b->next++], STORE_UNAVAILABLE, false);
}

/* Another slice, or the lane ends. */
static void lane_next(struct lane *lane)
{
    struct bulk *b = lane->b;

    if (b->is_down)
        give_up_rest(b);
    if (b->next == b->count) {
        b->running--;
        return;
    }
    size_t left = b->count - b->next;
    lane->from = lane->at = b->next;
    lane->to = b->next += left < BULK_SLICE ? left : BULK_SLICE;
    lane->is_again = false;
    load(lane);
}

static void on_begin(evutil_socket_t fd, short what, void *ctx)
{
    struct bulk *b = ctx;

    (void)fd;
    (void)what;
    b->running = BULK_LANES;
    for (size_t i = 0; i < BULK_LANES; i++)
        lane_next(&b->lanes[i]);
    look_for_end(b);
}

static int by_number(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static void lane_init(struct bulk *b, struct lane *lane)
{
    lane->b = b;
    sbuf_init(&lane->json, SIZE_MAX / 2); /* bounded by the slice */
    lane->job = xcalloc(1, sizeof(*lane->job));
    lane->job->d = b->d;
    lane->job->city = b->city;
}

struct bulk *bulk_start(struct daemon *d, const int64_t *numbers, size_t count,
                        const struct bulk_use *use)
{
    struct bulk *b = xcalloc(1, sizeof(*b));

    INVARIANT(d->city != NULL);
    b->d = d;
    b->city = city_ref(d->city);
    b->use = *use;
    b->items = xcalloc(count ? count : 1, sizeof(*b->items));
    b->waiting = xcalloc(count ? count : 1, sizeof(*b->waiting));
    b->count = count;
    for (size_t i = 0; i < count; i++)
        b->items[i] = (struct item){.number = numbers[i], .index = i};
    qsort(b->items, count, sizeof(*b->items), by_number);
    for (size_t i = 0; i < BULK_LANES; i++)
        lane_init(b, &b->lanes[i]);
    b->begin = evtimer_new(d->base, on_begin, b);
    INVARIANT(b->begin != NULL);
    event_active(b->begin, EV_TIMEOUT, 0);
    return b;
}
