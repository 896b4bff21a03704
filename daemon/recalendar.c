/*
 * recalendar.c - see recalendar.h.
 *
 *   take -> those due soonest -> pass: (pages -> tickets that this calendar has not seen -> bulk ->
 *   beat)* -> again until a pass moves nothing
 *
 * A clock that was moved says by which calendar, so a later pass leaves its ticket out; what this
 * calendar does not move is looked at once more in each. Tickets that change their state while a
 * pass goes over the states may slip past it; the pass that finds nothing proves that none did.
 */
#include "daemon/recalendar.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/civil.h"
#include "base/log.h"
#include "base/metrics.h"
#include "daemon/ticket_bulk.h"
#include "hotline/ticket_machine.h"
#include "sql_catalogue.h"

#define RETRY_US US_PER_SECOND
#define WATCH_US (5 * US_PER_SECOND) /* a daemon whose beat stands still that long is relieved */
#define PAGE 2560                    /* tickets of a state looked through in one statement */
#define ENOUGH 2560                  /* for a bulk run: a third of a second, and then a beat */
#define ROOM (ENOUGH + PAGE)         /* tickets that wait for a bulk run */
#define PASSES_MOST 8                /* more would mean that a ticket moves for ever: a bug */

enum { METRIC_RUNNING, METRIC_TICKETS, METRIC_MOVED, METRIC_FAILED };
static struct metric metrics[] = {
    [METRIC_RUNNING] = {"hotlined_recalendar_running", NULL,
                        "1 while deadlines are computed again by another calendar.", METRIC_GAUGE,
                        0},
    [METRIC_TICKETS] = {"hotlined_recalendar_tickets_total", NULL,
                        "Open tickets looked at after a change of calendars.", METRIC_COUNTER, 0},
    [METRIC_MOVED] = {"hotlined_recalendar_moved_total", NULL,
                      "Tickets whose deadlines another calendar has moved.", METRIC_COUNTER, 0},
    [METRIC_FAILED] = {"hotlined_recalendar_failures_total", NULL,
                       "Times it was put off because the database did not answer.", METRIC_COUNTER,
                       0},
};

struct waiter {
    struct waiter *next;
    void (*done)(void *ctx, bool ok);
    void *ctx;
};

struct recalendar {
    struct daemon *d;
    struct event *timer;
    struct pg_op *op;
    struct bulk *bulk;
    int64_t calendar_set; /* that is being worked for */
    int64_t done_set;  /* every open deadline is known to follow it; 0 = the database has to say */
    int64_t seen_beat; /* of the daemon that does it; -1 = none seen */
    bool is_running;   /* asking, or at it */
    int state;         /* of the tickets being looked through */
    int64_t after;     /* the last of them that was seen */
    bool is_scanned;   /* the pass has seen all pages */
    int64_t numbers[ROOM];
    size_t count;
    size_t tickets; /* of the pass */
    size_t moved, pass_moved, failed;
    int passes;
    struct waiter *waiters;
};

void recalendar_register_metrics(void)
{
    metrics_register(metrics, ARRAY_LEN(metrics));
}

static void tell_waiters(struct recalendar *rc, bool ok)
{
    struct waiter *waiter = rc->waiters;

    rc->waiters = NULL;
    while (waiter) {
        struct waiter *next = waiter->next;
        waiter->done(waiter->ctx, ok);
        free(waiter);
        waiter = next;
    }
}

static void stop(struct recalendar *rc, int64_t again_us)
{
    rc->is_running = false;
    metric_set(&metrics[METRIC_RUNNING], 0);
    event_del(rc->timer);
    if (again_us) {
        struct timeval tv = {(time_t)(again_us / US_PER_SECOND), 0};
        event_add(rc->timer, &tv);
    }
}

static void put_off(struct recalendar *rc)
{
    metric_inc(&metrics[METRIC_FAILED]);
    stop(rc, RETRY_US);
    tell_waiters(rc, false);
}

static void take(struct recalendar *rc);
static void begin_pass(struct recalendar *rc);
static void next_page(struct recalendar *rc);

/* true: another calendar came into force meanwhile, and the work begins anew. */
static bool is_overtaken(struct recalendar *rc)
{
    if (rc->calendar_set == rc->d->calendar_set)
        return false;
    stop(rc, 0);
    take(rc);
    return true;
}

/* ---- the beat ----------------------------------------------------------------------------------
 */

static void all_follow(struct recalendar *rc)
{
    rc->done_set = rc->calendar_set;
    stop(rc, 0);
    tell_waiters(rc, true);
}

static void finish(struct recalendar *rc)
{
    log_info("recalendar", "calendar_set=%lld tickets=%zu moved=%zu passes=%d",
             (long long)rc->calendar_set, rc->tickets, rc->moved, rc->passes);
    all_follow(rc);
}

static void go_on(struct recalendar *rc)
{
    if (!rc->is_scanned)
        next_page(rc);
    else
        begin_pass(rc);
}

static void on_beat(void *ctx, const struct pg_result *res)
{
    struct recalendar *rc = ctx;

    rc->op = NULL;
    if (pg_result_outcome(res) != PG_ROWS) {
        put_off(rc);
        return;
    }
    if (is_overtaken(rc))
        return;
    if (pg_result_rows(res) == 0) { /* relieved */
        rc->seen_beat = -1;
        stop(rc, WATCH_US);
    } else if (rc->is_scanned && rc->pass_moved == 0) {
        finish(rc);
    } else {
        go_on(rc);
    }
}

static void beat(struct recalendar *rc)
{
    bool is_done = rc->is_scanned && rc->pass_moved == 0;
    struct arena *arena = arena_new();
    struct pg_params params;

    pg_params_init(&params, arena);
    pg_param_int(&params, rc->calendar_set);
    pg_param_int(&params, rc->d->settings.instance);
    pg_param_int(&params, (int64_t)rc->tickets);
    pg_param_int(&params, (int64_t)rc->moved);
    pg_param_bool(&params, is_done);
    pg_param_instant(&params, daemon_now_us(rc->d));
    rc->op = pg_submit(rc->d->bulk_pool, &SQL_RECALENDAR_BEAT, &params, DAEMON_WRITE_TIMEOUT_US,
                       on_beat, rc);
    arena_free(&arena);
}

/* ---- the tickets -------------------------------------------------------------------------------
 */

static void on_one(void *ctx, size_t index, enum store_outcome outcome, bool is_changed)
{
    struct recalendar *rc = ctx;

    (void)index;
    rc->moved += is_changed;
    rc->pass_moved += is_changed;
    rc->failed += outcome == STORE_UNAVAILABLE || outcome == STORE_UNCERTAIN;
    metric_add(&metrics[METRIC_MOVED], is_changed);
}

static void end_pass(struct recalendar *rc)
{
    metric_add(&metrics[METRIC_TICKETS], (int64_t)rc->tickets);
    if (rc->pass_moved && rc->passes == PASSES_MOST) {
        log_error("recalendar", "deadlines still move after %d passes", rc->passes);
        rc->pass_moved = 0;
    }
    beat(rc);
}

static void on_bulk(void *ctx)
{
    struct recalendar *rc = ctx;

    rc->bulk = NULL;
    rc->count = 0;
    if (rc->failed)
        put_off(rc);
    else if (rc->is_scanned)
        end_pass(rc);
    else
        beat(rc);
}

static void move(struct recalendar *rc)
{
    const struct bulk_use use = {NULL, on_one, on_bulk, rc};

    rc->bulk = bulk_start(rc->d, rc->numbers, rc->count, &use);
}

static bool next_state(struct recalendar *rc)
{
    rc->after = 0;
    do
        rc->state++;
    while (rc->state < TICKET_STATE_COUNT && !ticket_state_is_open((enum ticket_state)rc->state));
    return rc->state < TICKET_STATE_COUNT;
}

enum page_column { NUMBER, IS_STALE };

static void read_page(struct recalendar *rc, const struct pg_result *res)
{
    int rows = pg_result_rows(res);

    for (int i = 0; i < rows; i++) {
        rc->after = pg_result_int(res, i, NUMBER);
        if (pg_result_bool(res, i, IS_STALE)) {
            INVARIANT(rc->count < ROOM);
            rc->numbers[rc->count++] = rc->after;
        }
    }
    rc->tickets += (size_t)rows;
    if (rows < PAGE)
        rc->is_scanned = !next_state(rc);
}

static void on_page(void *ctx, const struct pg_result *res)
{
    struct recalendar *rc = ctx;

    rc->op = NULL;
    if (pg_result_outcome(res) != PG_ROWS) {
        put_off(rc);
        return;
    }
    if (is_overtaken(rc))
        return;
    read_page(rc, res);
    if (rc->count >= ENOUGH || (rc->is_scanned && rc->count))
        move(rc);
    else if (rc->is_scanned)
        end_pass(rc);
    else
        next_page(rc);
}

static void next_page(struct recalendar *rc)
{
    struct arena *arena = arena_new();
    struct pg_params params;

    pg_params_init(&params, arena);
    pg_param_text(&params, ticket_state_words[rc->state].code);
    pg_param_int(&params, rc->after);
    pg_param_int(&params, INT64_MAX);
    pg_param_int(&params, rc->calendar_set);
    pg_param_int(&params, PAGE);
    rc->op = pg_submit(rc->d->bulk_pool, &SQL_RECALENDAR_PAGE, &params, DAEMON_READ_TIMEOUT_US,
                       on_page, rc);
    arena_free(&arena);
}

/* A deadline of the next hours is looked at; that of next month can wait some seconds. */
static void on_soonest(void *ctx, const struct pg_result *res)
{
    struct recalendar *rc = ctx;

    rc->op = NULL;
    if (pg_result_outcome(res) != PG_ROWS) {
        put_off(rc);
        return;
    }
    if (is_overtaken(rc))
        return;
    for (int i = 0; i < pg_result_rows(res); i++)
        rc->numbers[rc->count++] = pg_result_int(res, i, NUMBER);
    if (rc->count)
        move(rc);
    else
        next_page(rc);
}

static void soonest_first(struct recalendar *rc)
{
    struct arena *arena = arena_new();
    struct pg_params params;

    pg_params_init(&params, arena);
    pg_param_instant(&params, daemon_now_us(rc->d));
    pg_param_int(&params, ENOUGH);
    rc->op = pg_submit(rc->d->bulk_pool, &SQL_RECALENDAR_SOONEST, &params, DAEMON_READ_TIMEOUT_US,
                       on_soonest, rc);
    arena_free(&arena);
}

static void begin_pass(struct recalendar *rc)
{
    rc->is_scanned = false;
    rc->count = rc->tickets = rc->pass_moved = rc->failed = 0;
    rc->passes++;
    rc->state = -1;
    (void)next_state(rc);
    if (rc->passes == 1)
        soonest_first(rc);
    else
        next_page(rc);
}

/* ---- taking it ---------------------------------------------------------------------------------
 */

enum taken_column { IS_TAKEN, IS_DONE, BEAT, MOVED_BEFORE };

static void on_taken(void *ctx, const struct pg_result *res)
{
    struct recalendar *rc = ctx;

    rc->op = NULL;
    if (pg_result_outcome(res) != PG_ROWS) {
        put_off(rc);
        return;
    }
    if (is_overtaken(rc))
        return;
    if (pg_result_bool(res, 0, IS_TAKEN)) {
        metric_set(&metrics[METRIC_RUNNING], 1);
        rc->passes = 0;
        rc->moved = (size_t)pg_result_int(res, 0, MOVED_BEFORE);
        begin_pass(rc);
    } else if (pg_result_bool(res, 0, IS_DONE)) {
        all_follow(rc);
    } else { /* another daemon is at it, or the database does not know of this calendar yet */
        rc->seen_beat = pg_result_null(res, 0, BEAT) ? -1 : pg_result_int(res, 0, BEAT);
        stop(rc, WATCH_US);
    }
}

static void take(struct recalendar *rc)
{
    struct arena *arena = arena_new();
    struct pg_params params;

    rc->is_running = true;
    rc->calendar_set = rc->d->calendar_set;
    pg_params_init(&params, arena);
    pg_param_int(&params, rc->calendar_set);
    pg_param_int(&params, rc->d->settings.instance);
    pg_param_int(&params, rc->seen_beat);
    pg_param_instant(&params, daemon_now_us(rc->d));
    rc->op = pg_submit(rc->d->bulk_pool, &SQL_RECALENDAR_TAKE, &params, DAEMON_WRITE_TIMEOUT_US,
                       on_taken, rc);
    arena_free(&arena);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct recalendar *rc = ctx;

    (void)fd;
    (void)what;
    if (rc->is_running)
        return;
    if (rc->d->city && rc->done_set != rc->d->calendar_set)
        take(rc);
    else
        tell_waiters(rc, true);
}

static void stir(struct recalendar *rc)
{
    if (!rc->is_running)
        event_active(rc->timer, EV_TIMEOUT, 0);
}

void recalendar_look(struct recalendar *rc)
{
    if (!rc)
        return;
    rc->done_set = 0;
    stir(rc);
}

void recalendar_settle(struct recalendar *rc, void (*done)(void *ctx, bool ok), void *ctx)
{
    struct waiter *waiter = xcalloc(1, sizeof(*waiter));

    waiter->done = done;
    waiter->ctx = ctx;
    waiter->next = rc->waiters;
    rc->waiters = waiter;
    stir(rc);
}

/* ---- telling -----------------------------------------------------------------------------------
 */

enum got_column { CALENDAR_SET, DONE, TICKETS, MOVED, STARTED, ENDED };

static void on_got(struct request *r, const struct pg_result *res)
{
    bool is_there =
        pg_result_rows(res) == 1 && pg_result_int(res, 0, CALENDAR_SET) == r->d->calendar_set;
    bool is_done = is_there && pg_result_bool(res, 0, DONE);
    int offset = r->d->city ? city_offset_min(r->d->city) : CIVIL_OFFSET_SHANGHAI_MIN;
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_int(&w, "calendar_version", r->d->calendar_set);
    jw_string(&w, "state", is_done ? "done" : is_there ? "running" : "waiting");
    jw_int(&w, "tickets", is_there ? pg_result_int(res, 0, TICKETS) : 0);
    jw_int(&w, "moved", is_there ? pg_result_int(res, 0, MOVED) : 0);
    jw_instant(&w, "started_at", is_there ? pg_result_instant(res, 0, STARTED) : 0, offset);
    jw_instant(&w, "ended_at", is_there ? pg_result_instant(res, 0, ENDED) : 0, offset);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

void recalendar_get(struct request *r)
{
    if (!request_query_ok(r))
        return;
    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return;
    }
    request_submit(r, r->d->work_pool, &SQL_RECALENDAR_GET, NULL, DAEMON_READ_TIMEOUT_US, on_got);
}

/* ---- life --------------------------------------------------------------------------------------
 */

struct recalendar *recalendar_new(struct daemon *d)
{
    struct recalendar *rc = xcalloc(1, sizeof(*rc));

    rc->d = d;
    rc->seen_beat = -1;
    rc->timer = evtimer_new(d->base, on_timer, rc);
    INVARIANT(rc->timer != NULL);
    return rc;
}

void recalendar_free(struct recalendar **recalendar)
{
    struct recalendar *rc = *recalendar;

    *recalendar = NULL;
    if (!rc)
        return;
    pg_cancel(&rc->op);
    bulk_cancel(&rc->bulk);
    tell_waiters(rc, false);
    event_free(rc->timer);
    free(rc);
}
