/*
 * device_lane.c - the lane: keys and signatures, then storing, many at once.
 *
 * Group commit as in the intake: what came meanwhile goes together, and a press waits for nothing
 * when idle. Heartbeats gather for a moment, since a statement for fifteen costs little more than
 * one for one. A batch is looked up (keys of those that still have to show their MAC) and stored by
 * two statements of one transaction, lock and store. It is sent again if its outcome is unknown:
 * presses are unique.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"
#include "daemon/desk_event.h"
#include "daemon/device.h"
#include "daemon/pii.h"
#include "daemon/push.h"
#include "sql_catalogue.h"

#define BATCH_MOST 512
#define BATCH_MAX_SENDS 4
#define QUEUE_MOST 100000 /* orders waiting, of each rank; some hundred bytes each */
#define LOGINS_MOST 20000 /* that many may be nobody */
#define BEATS_APART_US (50 * US_PER_MS)
#define IN_FLIGHT_MOST 2
#define ROUNDS_MOST 20 /* asking what became of a press whose ticket is being made */

enum { METRIC_PRESSES, METRIC_BEATS, METRIC_REPEATS, METRIC_REFUSED, METRIC_FULL, METRIC_QUEUED };
static struct metric metrics[] = {
    [METRIC_PRESSES] = {"hotlined_device_presses_total", NULL, "Presses stored.", METRIC_COUNTER,
                        0},
    [METRIC_BEATS] = {"hotlined_device_heartbeats_total", NULL, "Heartbeats stored.",
                      METRIC_COUNTER, 0},
    [METRIC_REPEATS] = {"hotlined_device_repeats_total", NULL,
                        "Presses that were stored before and got the same answer.", METRIC_COUNTER,
                        0},
    [METRIC_REFUSED] = {"hotlined_device_refused_total", NULL,
                        "Messages of unknown devices or with a wrong MAC.", METRIC_COUNTER, 0},
    [METRIC_FULL] = {"hotlined_device_full_total", NULL,
                     "Messages refused because too many were waiting.", METRIC_COUNTER, 0},
    [METRIC_QUEUED] = {"hotlined_device_queued", NULL, "Messages waiting for a batch.",
                       METRIC_GAUGE, 0},
};
static struct metric_histogram store_seconds = {
    .name = "hotlined_device_store_seconds",
    .help = "From the arrival of a press to its COMMIT.",
};

struct queue {
    struct device_order *first, **last;
    size_t count;
};

enum rank { RANK_URGENT, RANK_REST, RANK_LOGIN, RANK_COUNT }; /* in this order they are taken */

struct track { /* presses, or heartbeats */
    struct device_lane *lane;
    struct event *flush;
    struct queue queues[RANK_COUNT];
    size_t queued;
    int64_t flushed_us; /* monotonic */
    int in_flight;
    bool is_beats;
};

struct device_lane {
    struct daemon *d;
    struct track tracks[2];
    struct batch *batches;
};

struct batch {
    struct batch *next, **link;
    struct track *track;
    struct pg_op *op;
    size_t count;
    struct device_order *orders[BATCH_MOST]; /* NULL = ended */
};

void device_register_metrics(void)
{
    metrics_register(metrics, ARRAY_LEN(metrics));
    metrics_register_histograms(&store_seconds, 1);
}

void device_count_refused(void)
{
    metric_inc(&metrics[METRIC_REFUSED]);
}

/* ---- orders ------------------------------------------------------------------------------------
 */

struct device_order *device_order_new(struct daemon *d)
{
    struct arena *arena = arena_new();
    struct device_order *order = arena_alloc(arena, sizeof(*order));

    order->arena = arena;
    order->d = d;
    order->received_us = daemon_now_us(d);
    order->begun_us = clk_mono_us();
    return order;
}

void device_end(struct device_order *order, enum device_end end, const struct device_answer *answer)
{
    struct arena *arena = order->arena;

    if (order->done)
        order->done(order, end, answer);
    arena_free(&arena);
}

/* ---- batches -----------------------------------------------------------------------------------
 */

static void wake(struct track *track)
{
    int64_t wait_us = track->flushed_us + BEATS_APART_US - clk_mono_us();
    const struct timeval tv = {0, (suseconds_t)wait_us};

    if (!track->is_beats || track->queued >= BATCH_MOST || wait_us <= 0)
        event_active(track->flush, EV_TIMEOUT, 0);
    else if (!event_pending(track->flush, EV_TIMEOUT, NULL))
        (void)event_add(track->flush, &tv);
}

static void batch_free(struct batch *b)
{
    struct track *track = b->track;

    *b->link = b->next;
    if (b->next)
        b->next->link = b->link;
    pg_cancel(&b->op);
    track->in_flight--;
    if (track->flush && track->queued)
        wake(track);
    free(b);
}

static void batch_end(struct batch *b, enum device_end end)
{
    for (size_t i = 0; i < b->count; i++) {
        if (b->orders[i])
            device_end(b->orders[i], end, NULL);
    }
    batch_free(b);
}

static struct pg_pool *pool_of(const struct batch *b)
{
    const struct daemon *d = b->track->lane->d;
    return b->track->is_beats ? d->bulk_pool : d->device_pool;
}

/* ---- storing -----------------------------------------------------------------------------------
 */

static void end_stored(struct device_order *order)
{
    const struct device_answer answer = {.state = "noted", .at_us = order->stored_us};

    device_end(order, order->is_new ? DEVICE_STORED : DEVICE_REPEATED, &answer);
}

static void committed(struct device_order *order, bool is_new, int64_t stored_us)
{
    order->is_new = is_new;
    order->stored_us = stored_us;
    metric_inc(&metrics[is_new ? METRIC_PRESSES : METRIC_REPEATS]);
    metric_observe_us(&store_seconds, clk_mono_us() - order->begun_us);
    if (order->on_commit)
        order->on_commit(order);
}

/* n, is_known, is_new, received_us, matter, number, state */
static void press_stored(struct batch *b, const struct pg_result *res, int row)
{
    struct daemon *d = b->track->lane->d;
    size_t at = (size_t)pg_result_int(res, row, 0) - 1;

    INVARIANT(at < b->count && b->orders[at]);
    struct device_order *order = b->orders[at];
    b->orders[at] = NULL;
    order->matter = pg_result_int(res, row, 4);
    if (order->rounds++ == 0)
        committed(order, pg_result_bool(res, row, 2), pg_result_int(res, row, 3));
    if (!order->matter) {
        end_stored(order);
    } else if (pg_result_null(res, row, 5)) {
        device_matters_wait(d->device_matters, order);
    } else {
        const struct device_answer answer = {pg_result_int(res, row, 5),
                                             pg_result_text(res, row, 6), order->stored_us};
        device_end(order, order->is_new ? DEVICE_STORED : DEVICE_REPEATED, &answer);
    }
}

/* Those that do not come back are of devices that were retired this moment. */
static void presses_stored(struct batch *b, const struct pg_result *res)
{
    struct daemon *d = b->track->lane->d;
    int rows = pg_result_rows(res);

    for (int row = 0; row < rows; row++)
        press_stored(b, res, row);
    push_hint(d->push);
    device_matters_kick(d->device_matters);
    batch_end(b, DEVICE_REFUSED);
}

/* device, is_low */
static void beats_stored(struct batch *b, const struct pg_result *res)
{
    struct map *known = map_new();
    bool is_low = false;

    for (int row = 0; row < pg_result_rows(res); row++) {
        (void)map_puts(known, pg_result_text(res, row, 0), b);
        is_low |= pg_result_bool(res, row, 1);
    }
    for (size_t i = 0; i < b->count; i++) {
        struct device_order *order = b->orders[i];
        if (!order || !map_gets(known, order->device))
            continue;
        b->orders[i] = NULL;
        order->is_new = true;
        order->stored_us = order->received_us;
        metric_inc(&metrics[METRIC_BEATS]);
        if (order->on_commit)
            order->on_commit(order);
        end_stored(order);
    }
    map_free(&known);
    if (is_low)
        device_matters_kick(b->track->lane->d->device_matters);
    batch_end(b, DEVICE_REFUSED);
}

static void store(struct batch *b);

static bool may_resend(const struct batch *b, const struct pg_result *res)
{
    enum pg_outcome outcome = pg_result_outcome(res);

    return b->orders[0]->sends < BATCH_MAX_SENDS &&
           (outcome == PG_UNCERTAIN || pg_result_sqlstate(res)[0] == '4');
}

static void on_stored(void *ctx, const struct pg_result *res)
{
    struct batch *b = ctx;
    enum pg_outcome outcome = pg_result_outcome(res);

    b->op = NULL;
    if (outcome == PG_ROWS || outcome == PG_OK) {
        if (b->track->is_beats)
            beats_stored(b, pg_result_at(res, 1));
        else
            presses_stored(b, pg_result_at(res, 1));
    } else if (may_resend(b, res)) {
        store(b);
    } else {
        if (outcome == PG_REJECTED)
            log_error("device", "presses refused by the database sqlstate=%s %s",
                      pg_result_sqlstate(res), pg_result_message(res));
        batch_end(b, outcome == PG_REJECTED ? DEVICE_BROKEN : DEVICE_UNAVAILABLE);
    }
}

static void int_or_null(struct pg_array *a, int64_t v, bool is_given)
{
    if (is_given)
        pg_array_int(a, v);
    else
        pg_array_null(a);
}

static const char *place_text(const struct device_message *m, struct arena *arena)
{
    return m->has_location ? arena_printf(arena, "%.6f,%.6f %s", m->lat, m->lon, m->datum) : NULL;
}

enum {
    A_DEVICE,
    A_BOOT,
    A_SEQ,
    A_KEY,
    A_VIA,
    A_RECEIVED,
    A_PRESSED,
    A_BATTERY,
    A_PLACE,
    A_NOTE,
    A_FLAGS,
    A_SINCE, /* last of all parameters */
    A_COUNT
};

static void press_params(const struct batch *b, struct pg_params *params, struct arena *arena)
{
    const struct settings *s = &b->track->lane->d->settings;
    struct pg_array a[A_COUNT];

    for (size_t i = 0; i < A_COUNT; i++)
        pg_array_init(&a[i], arena);
    for (size_t i = 0; i < b->count; i++) {
        const struct device_order *o = b->orders[i];
        const struct device_message *m = &o->message;
        pg_array_text(&a[A_DEVICE], o->device);
        pg_array_text(&a[A_BOOT], m->boot_id);
        pg_array_int(&a[A_SEQ], m->seq);
        pg_array_text(&a[A_KEY], device_key_words[m->key].code);
        pg_array_text(&a[A_VIA], o->via);
        pg_array_instant(&a[A_RECEIVED], o->received_us);
        pg_array_instant(&a[A_PRESSED], m->pressed_us);
        int_or_null(&a[A_BATTERY], m->battery, m->battery >= 0);
        pg_array_text(&a[A_PLACE], place_text(m, arena));
        pg_array_text(&a[A_NOTE], m->note);
        pg_array_int(&a[A_FLAGS], m->flags);
        pg_array_instant(&a[A_SINCE], o->since_us);
    }
    for (size_t i = 0; i < A_SINCE; i++)
        pg_param_array(params, &a[i]);
    pg_param_int(params, s->device_coalesce_seconds * US_PER_SECOND);
    pg_param_int(params, s->device_cancel_seconds * US_PER_SECOND);
    pg_param_int(params, s->device_confirm_seconds * US_PER_SECOND);
    pg_param_int(params, s->device_low_battery_percent);
    pg_param_array(params, &a[A_SINCE]);
}

static void beat_params(const struct batch *b, struct pg_params *params, struct arena *arena)
{
    struct pg_array devices, boots, seqs, received, batteries, signals, since;
    struct pg_array *const all[] = {&devices, &boots, &seqs, &received, &batteries, &signals};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        pg_array_init(all[i], arena);
    pg_array_init(&since, arena);
    for (size_t i = 0; i < b->count; i++) {
        const struct device_order *o = b->orders[i];
        const struct device_message *m = &o->message;
        pg_array_text(&devices, o->device);
        pg_array_text(&boots, m->boot_id);
        pg_array_int(&seqs, m->seq);
        pg_array_instant(&received, o->received_us);
        int_or_null(&batteries, m->battery, m->battery >= 0);
        int_or_null(&signals, m->signal, m->signal != INT32_MIN);
        pg_array_instant(&since, o->since_us);
    }
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        pg_param_array(params, all[i]);
    pg_param_int(params, b->track->lane->d->settings.device_low_battery_percent);
    pg_param_array(params, &since);
}

static void ids_param(const struct batch *b, struct pg_params *params, struct arena *arena)
{
    struct pg_array ids;

    pg_array_init(&ids, arena);
    for (size_t i = 0; i < b->count; i++)
        pg_array_text(&ids, b->orders[i]->device);
    pg_params_init(params, arena);
    pg_param_array(params, &ids);
}

/* Only orders that are to be stored are left, and there is one at least. */
static void store(struct batch *b)
{
    struct arena *arena = arena_new();
    struct pg_params lock, params;
    const struct pg_call calls[] = {
        {&SQL_DEVICE_LOCK, &lock},
        {b->track->is_beats ? &SQL_DEVICE_BEAT : &SQL_DEVICE_PRESS, &params},
    };

    for (size_t i = 0; i < b->count; i++)
        b->orders[i]->sends++;
    ids_param(b, &lock, arena);
    pg_params_init(&params, arena);
    if (b->track->is_beats)
        beat_params(b, &params, arena);
    else
        press_params(b, &params, arena);
    b->op =
        pg_submit_group(pool_of(b), calls, ARRAY_LEN(calls), DAEMON_WRITE_TIMEOUT_US, on_stored, b);
    arena_free(&arena);
}

/* ---- who is it ---------------------------------------------------------------------------------
 */

static const char *open_key(const struct daemon *d, const struct pg_result *res, int row, int col,
                            struct arena *arena)
{
    size_t len = 0;
    const uint8_t *sealed = pg_result_bytea(res, row, col, arena, &len);
    const char *key = pii_open(d, "device.key", sealed, len, arena);

    return key && strlen(key) <= DEVICE_SECRET_MAX ? key : NULL;
}

static bool mac_fits(const struct device_order *o, const char *key)
{
    return key && device_mac_ok(key, o->mac_text, o->mac_len, o->mac);
}

/* Both keys are tried whatever the first one gave, so that the time tells nothing. */
static void check_mac(struct device_order *o, const struct pg_result *res, int row)
{
    struct arena *arena = arena_new();
    bool by_fresh = mac_fits(o, open_key(o->d, res, row, 1, arena));
    bool by_old = mac_fits(o, open_key(o->d, res, row, 2, arena));

    o->is_ours = true;
    o->is_checked = by_fresh || by_old;
    arena_free(&arena);
}

static void check_macs(struct batch *b, const struct pg_result *res)
{
    int rows = pg_result_rows(res);
    int *row_of = xrealloc_array(NULL, (size_t)rows + 1, sizeof(*row_of));
    struct map *found = map_new();

    for (int row = 0; row < rows; row++) {
        row_of[row] = row;
        (void)map_puts(found, pg_result_text(res, row, 0), &row_of[row]);
    }
    for (size_t i = 0; i < b->count; i++) {
        struct device_order *o = b->orders[i];
        const int *row = o->mac_text ? map_gets(found, o->device) : NULL;
        if (row)
            check_mac(o, res, *row);
    }
    map_free(&found);
    free(row_of);
}

static void refuse(struct device_order *o)
{
    metric_inc(&metrics[METRIC_REFUSED]);
    if (o->is_ours)
        desk_event_refused(o->d, "device", o->device, "signature");
    else
        desk_event_count_refused("device", "unknown");
    device_end(o, DEVICE_REFUSED, NULL);
}

/* Refused ones and log-ins end here; what has to be stored stays. */
static void sort_out(struct batch *b)
{
    size_t kept = 0;

    for (size_t i = 0; i < b->count; i++) {
        struct device_order *o = b->orders[i];
        if (o->mac_text && !o->is_checked)
            refuse(o);
        else if (o->kind == DEVICE_LOGIN)
            device_end(o, DEVICE_STORED, &(struct device_answer){.state = "noted"});
        else
            b->orders[kept++] = o;
    }
    b->count = kept;
    if (kept)
        store(b);
    else
        batch_free(b);
}

static void on_found(void *ctx, const struct pg_result *res)
{
    struct batch *b = ctx;

    b->op = NULL;
    if (pg_result_outcome(res) != PG_ROWS && pg_result_outcome(res) != PG_OK) {
        batch_end(b, DEVICE_UNAVAILABLE);
        return;
    }
    check_macs(b, res);
    sort_out(b);
}

static void begin(struct batch *b)
{
    bool is_known = true;

    for (size_t i = 0; i < b->count; i++)
        is_known &= !b->orders[i]->mac_text;
    if (is_known) {
        store(b);
        return;
    }
    struct arena *arena = arena_new();
    struct pg_params params;
    ids_param(b, &params, arena);
    b->op = pg_submit(pool_of(b), &SQL_DEVICE_FIND, &params, DAEMON_READ_TIMEOUT_US, on_found, b);
    arena_free(&arena);
}

/* ---- the queue ---------------------------------------------------------------------------------
 */

static struct device_order *take_one(struct track *track)
{
    struct queue *queue = track->queues;

    while (queue < track->queues + RANK_COUNT - 1 && !queue->first)
        queue++;
    struct device_order *order = queue->first;
    if (!order)
        return NULL;
    queue->first = order->next;
    if (!queue->first)
        queue->last = &queue->first;
    queue->count--;
    track->queued--;
    metric_add(&metrics[METRIC_QUEUED], -1);
    return order;
}

static void flush(evutil_socket_t fd, short what, void *ctx)
{
    struct track *track = ctx;
    struct device_lane *lane = track->lane;

    (void)fd;
    (void)what;
    track->flushed_us = clk_mono_us();
    while (track->queued && track->in_flight < IN_FLIGHT_MOST) {
        struct batch *b = xcalloc(1, sizeof(*b));
        struct device_order *order;
        b->track = track;
        b->next = lane->batches;
        b->link = &lane->batches;
        if (b->next)
            b->next->link = &b->next;
        lane->batches = b;
        track->in_flight++;
        while (b->count < BATCH_MOST && (order = take_one(track)) != NULL)
            b->orders[b->count++] = order;
        begin(b);
    }
}

static struct track *track_of(const struct device_order *order)
{
    return &order->d->device_lane->tracks[order->kind == DEVICE_HEARTBEAT];
}

static enum rank rank_of(const struct device_order *order)
{
    if (order->kind == DEVICE_LOGIN)
        return RANK_LOGIN;
    return order->kind == DEVICE_PRESS &&
                   device_key_is_emergency((enum device_key)order->message.key)
               ? RANK_URGENT
               : RANK_REST;
}

static void enqueue(struct device_order *order, enum rank rank)
{
    struct track *track = track_of(order);
    struct queue *queue = &track->queues[rank];

    order->next = NULL;
    *queue->last = order;
    queue->last = &order->next;
    queue->count++;
    track->queued++;
    metric_add(&metrics[METRIC_QUEUED], 1);
    if (track->in_flight < IN_FLIGHT_MOST)
        wake(track);
}

bool device_submit(struct device_order *order)
{
    const struct track *track = track_of(order);
    enum rank rank = rank_of(order);
    size_t most = rank == RANK_LOGIN ? LOGINS_MOST : QUEUE_MOST;

    if (track->queues[rank].count >= most || !track->flush) {
        metric_inc(&metrics[METRIC_FULL]);
        arena_free(&(struct arena *){order->arena});
        return false;
    }
    enqueue(order, rank);
    return true;
}

void device_again(struct device_order *order)
{
    order->sends = 0;
    if (order->rounds >= ROUNDS_MOST) {
        device_end(order, DEVICE_UNAVAILABLE, NULL);
        return;
    }
    order->mac_text = NULL;
    enqueue(order, RANK_REST);
}

/* ---- life --------------------------------------------------------------------------------------
 */

struct device_lane *device_lane_new(struct daemon *d)
{
    struct device_lane *lane = xcalloc(1, sizeof(*lane));

    lane->d = d;
    for (size_t i = 0; i < ARRAY_LEN(lane->tracks); i++) {
        struct track *track = &lane->tracks[i];
        track->lane = lane;
        track->is_beats = i == 1;
        for (size_t j = 0; j < RANK_COUNT; j++)
            track->queues[j].last = &track->queues[j].first;
        track->flush = event_new(d->base, -1, 0, flush, track);
        INVARIANT(track->flush != NULL);
    }
    return lane;
}

void device_lane_free(struct device_lane **lane_p)
{
    struct device_lane *lane = *lane_p;
    struct device_order *order;

    if (!lane)
        return;
    for (size_t i = 0; i < ARRAY_LEN(lane->tracks); i++) {
        event_free(lane->tracks[i].flush);
        lane->tracks[i].flush = NULL;
    }
    while (lane->batches)
        batch_end(lane->batches, DEVICE_UNAVAILABLE);
    for (size_t i = 0; i < ARRAY_LEN(lane->tracks); i++) {
        while ((order = take_one(&lane->tracks[i])) != NULL)
            device_end(order, DEVICE_UNAVAILABLE, NULL);
    }
    free(lane);
    *lane_p = NULL;
}
