/*
 * desk_event.c - telling the desks what belongs to no ticket.
 */
#include "daemon/desk_event.h"

#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"
#include "daemon/pii.h"
#include "daemon/push.h"
#include "sql_catalogue.h"

#define SEALED_AAD "desk_event.sealed"
#define MAX_PENDING 64
/* The desks hear of the same door and name this rarely: an attack must not bury the screen pops. */
#define REFUSAL_SPACING_US (60 * US_PER_SECOND)
/* And of one door, whatever the names: those are the attacker's to invent. */
#define DOOR_TOLD_MOST 10
/* Refusals are kept this long; each that is stored takes some older ones away. */
#define REFUSAL_KEEP_US (30 * 24 * 3600 * US_PER_SECOND)
#define TIDY_MOST 16
/* What somebody unknown calls himself is cut here, in bytes. */
#define NAME_MAX_BYTES 64

static struct metric pending = {.name = "hotlined_desk_events_pending",
                                .help = "Events of desks on their way to the database.",
                                .type = METRIC_GAUGE};
static struct metric lost = {.name = "hotlined_desk_events_lost_total",
                             .help = "Events of desks that were not stored."};
static struct metric refused = {
    .name = "hotlined_door_refusals_total",
    .help = "Wrong tokens, signatures and replays at doors with an authentication of their own."};

static struct metric untold = {
    .name = "hotlined_door_refusals_untold_total",
    .help = "Refusals that the desks did not hear of: their door had too many in that minute."};

void desk_event_register_metrics(void)
{
    metrics_register(&untold, 1);
    metrics_register(&pending, 1);
    metrics_register(&lost, 1);
    metrics_register(&refused, 1);
}

const uint8_t *desk_event_seal(const struct daemon *d, const char *object, struct arena *arena,
                               size_t *len_r)
{
    return pii_seal(d, SEALED_AAD, object, arena, len_r);
}

const char *desk_event_open(const struct daemon *d, const uint8_t *sealed, size_t len,
                            struct arena *arena)
{
    const char *object = sealed ? pii_open(d, SEALED_AAD, sealed, len, arena) : NULL;

    return object ? object : "{}";
}

void desk_event_params(struct pg_params *params, const struct daemon *d,
                       const struct desk_event *event, struct arena *arena)
{
    size_t len;
    const uint8_t *sealed = desk_event_seal(d, event->sealed, arena, &len);

    pg_params_init(params, arena);
    pg_param_text(params, event->type);
    pg_param_instant(params, event->at_us);
    pg_param_text(params, event->agent);
    pg_param_text(params, event->detail);
    pg_param_bytea(params, sealed, len);
    pg_param_instant(params, event->at_us - REFUSAL_KEEP_US);
    pg_param_int(params, TIDY_MOST);
}

static void on_added(void *ctx, const struct pg_result *res)
{
    struct daemon *d = ctx;

    metric_add(&pending, -1);
    if (pg_result_outcome(res) == PG_ROWS) {
        push_hint(d->push);
        return;
    }
    metric_inc(&lost);
    log_limited(LOG_LEVEL_ERROR, "desk_event", "not stored why=%s sqlstate=%s",
                pg_outcome_name(pg_result_outcome(res)), pg_result_sqlstate(res));
}

void desk_event_add(struct daemon *d, const struct desk_event *event)
{
    struct pg_params params;
    struct arena *arena;

    if (pending.value >= MAX_PENDING) {
        metric_inc(&lost);
        return;
    }
    arena = arena_new();
    desk_event_params(&params, d, event, arena);
    metric_inc(&pending);
    (void)pg_submit(d->work_pool, &SQL_DESK_EVENT_ADD, &params, DAEMON_WRITE_TIMEOUT_US, on_added,
                    d);
    arena_free(&arena);
}

static bool is_within(int64_t since_us, int64_t now_us)
{
    return now_us >= since_us && now_us - since_us < REFUSAL_SPACING_US;
}

/* One slot a pair; two pairs that share one only hear of each other's more often. */
static bool was_told(struct daemon *d, const char *door, const char *name, int64_t now_us)
{
    uint64_t key = map_hash(door, strlen(door)) * 31 + map_hash(name, strlen(name));
    struct desk_refusal *slot = &d->refusals_told[key % ARRAY_LEN(d->refusals_told)];

    if (slot->key == key && is_within(slot->told_us, now_us))
        return true;
    *slot = (struct desk_refusal){key, now_us};
    return false;
}

void desk_event_count_refused(const char *door, const char *reason)
{
    metric_inc(&refused);
    log_limited(LOG_LEVEL_WARN, "door", "refused door=%s reason=%s", door, reason);
}

/* false: the desks have heard enough of this door for this minute. */
static bool may_tell(struct daemon *d, const char *door, int64_t now_us)
{
    struct desk_door *slot = d->doors;

    while (slot->door && strcmp(slot->door, door) != 0) {
        slot++;
        INVARIANT(slot < d->doors + ARRAY_LEN(d->doors));
    }
    if (!slot->door || !is_within(slot->since_us, now_us))
        *slot = (struct desk_door){door, now_us, 0};
    return slot->told++ < DOOR_TOLD_MOST;
}

void desk_event_refused(struct daemon *d, const char *door, const char *name, const char *reason)
{
    int64_t now_us = daemon_now_us(d);
    struct json_writer w;
    struct sbuf detail;

    desk_event_count_refused(door, reason);
    if (was_told(d, door, name, now_us))
        return;
    if (!may_tell(d, door, now_us)) {
        metric_inc(&untold);
        return;
    }
    sbuf_init(&detail, 0);
    jw_init(&w, &detail);
    jw_object(&w, NULL);
    jw_string(&w, "door", door);
    jw_string_n(&w, "name", name, strnlen(name, NAME_MAX_BYTES));
    jw_string(&w, "reason", reason);
    jw_object_end(&w);
    desk_event_add(
        d, &(struct desk_event){.type = "door.refused", .at_us = now_us, .detail = detail.data});
    sbuf_free(&detail);
}
