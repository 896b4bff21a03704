/*
 * webhook_admin.c - who is told where: making, listing, rotating, switching and replaying webhooks.
 *
 * A secret is shown once, in the answer that made it; the database has it sealed, because it signs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "daemon/pii.h"
#include "daemon/webhook.h"
#include "net/http_post.h"
#include "sql_catalogue.h"

#define EVENTS_MAX 64
#define ROTATION_US (24 * 3600 * US_PER_SECOND)
#define REPLAY_MAX 10000

enum column {
    COL_ID,
    COL_UNIT,
    COL_URL,
    COL_EVENTS,
    COL_DISABLED,
    COL_REASON,
    COL_FAILURES,
    COL_RETRY,
    COL_CREATED,
    COL_CREATED_BY,
    COL_PENDING,
    COL_DEAD,
    COL_LAST_STATUS,
    COL_LAST_ERROR
};

static void param_author(struct request *r, struct pg_params *params)
{
    pg_param_instant(params, r->now_us);
    pg_param_text(params, r->account->name);
    pg_param_text(params, http_request_peer(r->http));
}

/* ---- list --------------------------------------------------------------------------------------
 */

static const char *text_or_null(const struct pg_result *res, int row, int col)
{
    return pg_result_null(res, row, col) ? NULL : pg_result_text(res, row, col);
}

static void write_webhook(struct request *r, struct json_writer *w, const struct pg_result *res,
                          int row)
{
    int offset_min = r->d->city ? city_offset_min(r->d->city) : 0;

    jw_object(w, NULL);
    jw_int(w, "id", pg_result_int(res, row, COL_ID));
    jw_string(w, "unit", text_or_null(res, row, COL_UNIT));
    jw_string(w, "url", pg_result_text(res, row, COL_URL));
    jw_raw(w, "events", pg_result_text(res, row, COL_EVENTS),
           pg_result_length(res, row, COL_EVENTS));
    jw_bool(w, "disabled", pg_result_bool(res, row, COL_DISABLED));
    jw_string(w, "reason", text_or_null(res, row, COL_REASON));
    jw_int(w, "failures", pg_result_int(res, row, COL_FAILURES));
    jw_instant(w, "retry_at", pg_result_instant(res, row, COL_RETRY), offset_min);
    jw_instant(w, "created_at", pg_result_instant(res, row, COL_CREATED), offset_min);
    jw_string(w, "created_by", pg_result_text(res, row, COL_CREATED_BY));
    jw_int(w, "pending", pg_result_int(res, row, COL_PENDING));
    jw_int(w, "dead", pg_result_int(res, row, COL_DEAD));
    if (pg_result_null(res, row, COL_LAST_STATUS))
        jw_null(w, "last_status");
    else
        jw_int(w, "last_status", pg_result_int(res, row, COL_LAST_STATUS));
    jw_string(w, "last_error", text_or_null(res, row, COL_LAST_ERROR));
    jw_object_end(w);
}

static void on_listed(struct request *r, const struct pg_result *res)
{
    request_reply_rows(r, res, write_webhook);
}

void webhooks_get(struct request *r)
{
    struct pg_params params;

    if (!request_query_ok(r))
        return;
    pg_params_init(&params, r->arena);
    pg_param_text(&params, r->account->role == ROLE_UNIT ? r->account->unit : NULL);
    request_submit(r, r->d->work_pool, &SQL_WEBHOOK_LIST, &params, DAEMON_READ_TIMEOUT_US,
                   on_listed);
}

/* ---- secrets -----------------------------------------------------------------------------------
 */

/* Kept in r->state for the answer. */
static void make_secret(struct request *r, struct pg_params *params)
{
    char *secret = arena_alloc(r->arena, WEBHOOK_SECRET_SIZE);
    uint8_t key[WEBHOOK_SECRET_BYTES];
    size_t len;

    crypto_random(key, sizeof(key));
    memcpy(secret, "whsec_", 6);
    base64_encode(key, sizeof(key), secret + 6);
    r->state = secret;
    const uint8_t *sealed = pii_seal(r->d, WEBHOOK_SECRET_AAD, secret, r->arena, &len);
    pg_param_bytea(params, sealed, len);
}

static void reply_secret(struct request *r, int status, const struct pg_result *res)
{
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_int(&w, "id", pg_result_int(res, 0, 0));
    jw_string(&w, "secret", r->state);
    jw_object_end(&w);
    http_reply_header(r->http, "Cache-Control", "no-store");
    request_reply(r, status, &out);
}

/* ---- make --------------------------------------------------------------------------------------
 */

struct order {
    const char *unit, *url;
    struct json_strings events;
};

static const struct field order_fields[] = {
    {.name = "unit",
     .type = FIELD_STRING,
     .offset = offsetof(struct order, unit),
     .min = 1,
     .max = TICKET_CODE_MAX},
    {.name = "url",
     .type = FIELD_STRING,
     .offset = offsetof(struct order, url),
     .min = 1,
     .max = HTTP_POST_URL_MAX,
     .flags = FIELD_REQUIRED},
    {.name = "events",
     .type = FIELD_STRINGS,
     .offset = offsetof(struct order, events),
     .max = EVENTS_MAX,
     .item_max = 64},
};

static void check_order(struct request *r, const struct order *order)
{
    if (order->url && !http_post_url_ok(order->url, r->d->settings.webhook_private))
        faults_add(&r->faults, "url", "format");
    if (order->unit && (!r->d->city || city_find_unit(r->d->city, order->unit) < 0))
        faults_add(&r->faults, "unit", "not_found");
    for (size_t i = 0; i < order->events.count; i++) {
        if (word_find(event_words, EVENT_TYPE_COUNT, order->events.list[i]) < 0)
            faults_add(&r->faults, arena_printf(r->arena, "events[%zu]", i), "not_allowed");
    }
}

static void on_added(struct request *r, const struct pg_result *res)
{
    reply_secret(r, 201, res);
}

void webhooks_post(struct request *r)
{
    struct order order = {NULL, NULL, {NULL, 0}};
    struct pg_params params;
    struct pg_array events;

    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    if (json_decode(json_root(r->body), order_fields, ARRAY_LEN(order_fields), &order, r->arena,
                    &r->faults))
        check_order(r, &order);
    if (r->faults.count) {
        request_reply_faults(r);
        return;
    }
    pg_params_init(&params, r->arena);
    pg_param_text(&params, order.unit);
    pg_param_text(&params, order.url);
    pg_array_init(&events, r->arena);
    for (size_t i = 0; i < order.events.count; i++)
        pg_array_text(&events, order.events.list[i]);
    if (order.events.count)
        pg_param_array(&params, &events);
    else
        pg_param_null(&params);
    make_secret(r, &params);
    param_author(r, &params);
    request_submit(r, r->d->work_pool, &SQL_WEBHOOK_ADD, &params, DAEMON_WRITE_TIMEOUT_US,
                   on_added);
}

/* ---- one of them -------------------------------------------------------------------------------
 */

/* false: answered. */
static bool read_id(struct request *r, int64_t *id_r)
{
    const char *text = r->param[0];
    size_t len = strlen(text);

    if (len <= 18 && strspn(text, "0123456789") == len) {
        *id_r = strtoll(text, NULL, 10);
        return true;
    }
    request_problem(r, PROBLEM_NOT_FOUND, NULL);
    return false;
}

/* For actions without arguments. */
static bool body_is_empty(struct request *r)
{
    char nothing;

    if (!request_query_ok(r) || !request_parse_body(r))
        return false;
    if (json_decode(json_root(r->body), NULL, 0, &nothing, r->arena, &r->faults))
        return true;
    request_reply_faults(r);
    return false;
}

static void on_rotated(struct request *r, const struct pg_result *res)
{
    if (pg_result_rows(res) == 0)
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
    else
        reply_secret(r, 200, res);
}

void webhook_rotate_post(struct request *r)
{
    struct pg_params params;
    int64_t id;

    if (!read_id(r, &id) || !body_is_empty(r))
        return;
    pg_params_init(&params, r->arena);
    pg_param_int(&params, id);
    make_secret(r, &params);
    pg_param_instant(&params, r->now_us + ROTATION_US);
    param_author(r, &params);
    request_submit(r, r->d->work_pool, &SQL_WEBHOOK_ROTATE, &params, DAEMON_WRITE_TIMEOUT_US,
                   on_rotated);
}

static void on_switched(struct request *r, const struct pg_result *res)
{
    const bool *is_disabled = r->state;
    struct json_writer w;
    struct sbuf out;

    if (pg_result_rows(res) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_int(&w, "id", pg_result_int(res, 0, 0));
    jw_bool(&w, "disabled", *is_disabled);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static void switch_it(struct request *r, bool is_disabled)
{
    bool *kept = arena_alloc(r->arena, sizeof(*kept));
    struct pg_params params;
    int64_t id;

    if (!read_id(r, &id) || !body_is_empty(r))
        return;
    *kept = is_disabled;
    r->state = kept;
    pg_params_init(&params, r->arena);
    pg_param_int(&params, id);
    pg_param_bool(&params, is_disabled);
    param_author(r, &params);
    request_submit(r, r->d->work_pool, &SQL_WEBHOOK_SWITCH, &params, DAEMON_WRITE_TIMEOUT_US,
                   on_switched);
}

void webhook_disable_post(struct request *r)
{
    switch_it(r, true);
}

void webhook_enable_post(struct request *r)
{
    switch_it(r, false);
}

/* ---- once more ---------------------------------------------------------------------------------
 */

static void on_replayed(struct request *r, const struct pg_result *res)
{
    struct json_writer w;
    struct sbuf out;

    if (pg_result_int(res, 0, 0) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_int(&w, "replayed", pg_result_int(res, 0, 1));
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

void webhook_replay_post(struct request *r)
{
    struct body {
        int64_t after_us;
    } body = {0};
    static const struct field fields[] = {{.name = "after", .type = FIELD_INSTANT}};
    struct pg_params params;
    int64_t id;

    if (!read_id(r, &id) || !request_query_ok(r) || !request_parse_body(r))
        return;
    if (!json_decode(json_root(r->body), fields, ARRAY_LEN(fields), &body, r->arena, &r->faults)) {
        request_reply_faults(r);
        return;
    }
    pg_params_init(&params, r->arena);
    pg_param_int(&params, id);
    pg_param_instant(&params, body.after_us);
    param_author(r, &params);
    pg_param_int(&params, REPLAY_MAX);
    request_submit(r, r->d->work_pool, &SQL_WEBHOOK_REPLAY, &params, DAEMON_WRITE_TIMEOUT_US,
                   on_replayed);
}
