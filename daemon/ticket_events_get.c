/*
 * ticket_events_get.c - GET /v1/tickets/{}/events: the history of one ticket and whether its hash
 * chain holds.
 */
#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "base/log.h"
#include "base/metrics.h"
#include "daemon/cursor.h"
#include "daemon/events.h"
#include "sql_catalogue.h"

#define LIMIT_DEFAULT 500
#define LIMIT_MAX 1000

enum column {
    COL_EVENT_COUNT,
    COL_EVENT_HASH,
    COL_PREVIOUS_HASH,
    COL_ID,
    COL_SEQ,
    COL_TYPE,
    COL_AT,
    COL_ACTOR,
    COL_ROLE,
    COL_ASSIGNMENT,
    COL_UNIT,
    COL_DETAIL,
    COL_TEXT,
    COL_HASH
};

struct history {
    int64_t number;
    int64_t after; /* seq */
    int64_t limit;
    uint8_t chain[CRYPTO_SHA256_SIZE]; /* hash of the event before the next one */
    int64_t seq;                       /* its number */
    bool chain_ok;
    char scope[40];
};

static struct metric broken = {.name = "hotlined_history_broken_total",
                               .help = "Histories read whose hash chain did not hold."};

void ticket_events_register_metrics(void)
{
    metrics_register(&broken, 1);
}

static const char *text_or_null(const struct pg_result *res, int row, enum column col)
{
    return pg_result_null(res, row, (int)col) ? NULL : pg_result_text(res, row, (int)col);
}

static struct event_view view_of(const struct pg_result *res, int row, int64_t number)
{
    return (struct event_view){
        .id = pg_result_int(res, row, COL_ID),
        .number = number,
        .seq = (int)pg_result_int(res, row, COL_SEQ),
        .type = pg_result_text(res, row, COL_TYPE),
        .at_us = pg_result_instant(res, row, COL_AT),
        .actor = pg_result_text(res, row, COL_ACTOR),
        .role = pg_result_text(res, row, COL_ROLE),
        .assignment = (int)pg_result_int(res, row, COL_ASSIGNMENT),
        .unit = text_or_null(res, row, COL_UNIT),
        .detail = pg_result_text(res, row, COL_DETAIL),
        .text = text_or_null(res, row, COL_TEXT),
    };
}

/* The next link: is it the one that follows, and does it say what was hashed? */
static bool link_holds(const struct history *h, const struct event_view *view,
                       const uint8_t stored[CRYPTO_SHA256_SIZE])
{
    int type = word_find(event_words, EVENT_TYPE_COUNT, view->type);
    int role = word_find(role_words, ROLE_COUNT, view->role);
    uint8_t hash[CRYPTO_SHA256_SIZE];

    if (type < 0 || role < 0 || view->seq != h->seq + 1)
        return false;
    struct ticket_event event = {
        .seq = view->seq,
        .type = (enum ticket_event_type)type,
        .at_us = view->at_us,
        .actor = view->actor,
        .role = (enum actor_role)role,
        .assignment = view->assignment,
        .unit = view->unit,
        .detail = view->detail,
        .text = view->text,
    };
    ticket_event_hash(h->chain, h->number, &event, hash);
    return memcmp(hash, stored, sizeof(hash)) == 0;
}

static void read_hash(struct request *r, const struct pg_result *res, int row, enum column col,
                      uint8_t out[CRYPTO_SHA256_SIZE])
{
    size_t len;
    const uint8_t *hash = pg_result_bytea(res, row, (int)col, r->arena, &len);

    memset(out, 0, CRYPTO_SHA256_SIZE);
    if (hash && len == CRYPTO_SHA256_SIZE)
        memcpy(out, hash, len);
}

static void write_item(struct request *r, struct history *h, const struct pg_result *res, int row,
                       struct json_writer *w)
{
    int offset = r->d->city ? city_offset_min(r->d->city) : CIVIL_OFFSET_SHANGHAI_MIN;
    struct event_view view = view_of(res, row, h->number);
    uint8_t stored[CRYPTO_SHA256_SIZE];
    char hex[CRYPTO_SHA256_SIZE * 2 + 1];

    read_hash(r, res, row, COL_HASH, stored);
    h->chain_ok = link_holds(h, &view, stored) && h->chain_ok;
    memcpy(h->chain, stored, sizeof(stored));
    h->seq = view.seq;
    crypto_hex(stored, sizeof(stored), hex);
    jw_object(w, NULL);
    event_json_write(w, &view, offset);
    jw_string(w, "hash", hex);
    jw_object_end(w);
}

/* The ticket knows how many events it has and the hash of the last: nothing was cut off. */
static bool end_holds(struct request *r, const struct history *h, const struct pg_result *res)
{
    uint8_t last[CRYPTO_SHA256_SIZE];

    read_hash(r, res, 0, COL_EVENT_HASH, last);
    return pg_result_int(res, 0, COL_EVENT_COUNT) == h->seq &&
           memcmp(last, h->chain, sizeof(last)) == 0;
}

static void write_end(struct request *r, struct history *h, const struct pg_result *res,
                      bool is_full, struct json_writer *w)
{
    bool has_more = is_full && pg_result_int(res, 0, COL_EVENT_COUNT) > h->seq;
    char next[CURSOR_SIZE];

    if (has_more)
        cursor_format(r->d->index_key, h->scope, &h->seq, 1, next);
    else
        h->chain_ok = end_holds(r, h, res) && h->chain_ok;
    jw_array_end(w);
    jw_bool(w, "chain_ok", h->chain_ok);
    jw_string(w, "next", has_more ? next : NULL);
    jw_object_end(w);
}

static void on_history(struct request *r, const struct pg_result *res)
{
    struct history *h = r->state;
    int rows = pg_result_rows(res);
    struct json_writer w;
    struct sbuf out;

    if (rows == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    if (pg_result_null(res, 0, COL_ID))
        rows = 0;
    h->chain_ok = true;
    h->seq = h->after;
    read_hash(r, res, 0, COL_PREVIOUS_HASH, h->chain);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (int i = 0; i < rows; i++)
        write_item(r, h, res, i, &w);
    write_end(r, h, res, rows == h->limit, &w);
    if (!h->chain_ok) {
        metric_inc(&broken);
        log_error("ticket", "the hash chain of a history does not hold number=%lld",
                  (long long)h->number);
    }
    request_reply(r, 200, &out);
}

void ticket_events_get(struct request *r)
{
    struct history *h = arena_alloc(r->arena, sizeof(*h));
    const char *after;
    struct pg_params params;

    if (!request_param_number(r, &h->number))
        return;
    (void)snprintf(h->scope, sizeof(h->scope), "history|%lld", (long long)h->number);
    h->limit = request_query_int(r, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX);
    after = query_get(&r->query, "after");
    if (after && !cursor_parse(r->d->index_key, h->scope, after, &h->after, 1))
        faults_add(&r->faults, "after", "format");
    if (!request_query_ok(r))
        return;
    r->state = h;
    pg_params_init(&params, r->arena);
    pg_param_int(&params, h->number);
    pg_param_int(&params, h->after);
    pg_param_int(&params, h->limit);
    pg_param_text(&params, r->account->role == ROLE_UNIT ? r->account->unit : NULL);
    request_submit(r, r->d->work_pool, &SQL_TICKET_EVENTS, &params, DAEMON_READ_TIMEOUT_US,
                   on_history);
}
