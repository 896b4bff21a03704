/*
 * call_list.c - calls for the desks: all of them, one, or those nobody answered; and the call-back
 * of the latter.
 */
#include <string.h>

#include "base/civil.h"
#include "daemon/calls.h"
#include "daemon/cursor.h"
#include "proto/ticket_json.h"
#include "sql_catalogue.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 200
/* Whoever was not called back in this time does not expect it any more, whatever the holidays. */
#define MISSED_US (30 * 24 * 3600 * US_PER_SECOND)

enum column {
    COL_ID,
    COL_GATEWAY,
    COL_CALL_ID,
    COL_STATE,
    COL_DIRECTION,
    COL_NUMBERS,
    COL_QUEUE,
    COL_AGENT,
    COL_EXTENSION,
    COL_CAUSE,
    COL_STARTED,
    COL_OFFERED,
    COL_RETURNED = COL_OFFERED + CALL_STATE_COUNT,
    COL_RETURNED_BY,
    COL_RECORDINGS,
    COL_TICKETS
};

struct list {
    int64_t below;
    int limit;
    bool is_missed;
    const char *call_id;
    const char *scope;
};

static const char *text_or_null(const struct pg_result *res, int row, int col)
{
    return pg_result_null(res, row, col) ? NULL : pg_result_text(res, row, col);
}

/* missed: a desk's telephone rang; abandoned: the caller gave up before one did. */
static const char *fate(const struct pg_result *res, int row)
{
    const char *direction = text_or_null(res, row, COL_DIRECTION);

    if (direction && strcmp(direction, call_direction_codes[CALL_OUTBOUND]) == 0)
        return NULL;
    if (pg_result_null(res, row, COL_OFFERED + CALL_ENDED) ||
        !pg_result_null(res, row, COL_OFFERED + CALL_ANSWERED))
        return NULL;
    return pg_result_null(res, row, COL_OFFERED + CALL_RINGING) ? "abandoned" : "missed";
}

static const char *copy_member(const struct json_doc *doc, const char *name, struct arena *arena)
{
    const char *text = json_string(json_get(json_root(doc), name), NULL);

    return text ? arena_strdup(arena, text) : NULL;
}

void call_numbers_read(const struct daemon *d, const struct pg_result *res, int row, int col,
                       struct arena *arena, struct call_numbers *numbers_r)
{
    const char *text = call_numbers_open(d, res, row, col, arena);
    struct faults faults;

    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(text, strlen(text), &faults);
    numbers_r->ani = copy_member(doc, "ani", arena);
    numbers_r->dnis = copy_member(doc, "dnis", arena);
    json_doc_free(&doc);
}

/* 138****1234, whatever form it came in; of what is no telephone number every digit. */
static const char *mask(const char *number, struct arena *arena)
{
    char canonical[PHONE_SIZE], masked[PHONE_SIZE];

    if (!number)
        return NULL;
    if (phone_normalise(number, canonical)) {
        phone_mask(canonical, masked);
        return arena_strdup(arena, masked);
    }
    char *text = arena_strdup(arena, number);
    for (char *at = text; *at; at++) {
        if (*at >= '0' && *at <= '9')
            *at = '*';
    }
    return text;
}

/* The citizen's is masked, as everywhere (DOMAIN 7); that of the hotline is no secret. */
static void write_numbers(const struct request *r, struct json_writer *w,
                          const struct pg_result *res, int row)
{
    const char *direction = text_or_null(res, row, COL_DIRECTION);
    bool is_out = direction && strcmp(direction, call_direction_codes[CALL_OUTBOUND]) == 0;
    struct call_numbers numbers;

    call_numbers_read(r->d, res, row, COL_NUMBERS, r->arena, &numbers);
    jw_string(w, "ani", is_out ? numbers.ani : mask(numbers.ani, r->arena));
    jw_string(w, "dnis", is_out ? mask(numbers.dnis, r->arena) : numbers.dnis);
}

static void write_call(const struct request *r, struct json_writer *w, const struct pg_result *res,
                       int row)
{
    int offset = r->d->city ? city_offset_min(r->d->city) : CIVIL_OFFSET_SHANGHAI_MIN;
    const char *recordings = pg_result_text(res, row, COL_RECORDINGS);
    const char *tickets = pg_result_text(res, row, COL_TICKETS);

    jw_object(w, NULL);
    jw_string(w, "gateway_id", pg_result_text(res, row, COL_GATEWAY));
    jw_string(w, "call_id", pg_result_text(res, row, COL_CALL_ID));
    jw_string(w, "state", call_state_words[call_state_read(res, row, COL_STATE)].code);
    jw_string(w, "fate", fate(res, row));
    jw_string(w, "direction", text_or_null(res, row, COL_DIRECTION));
    write_numbers(r, w, res, row);
    jw_string(w, "queue", text_or_null(res, row, COL_QUEUE));
    jw_string(w, "agent_id", text_or_null(res, row, COL_AGENT));
    jw_string(w, "extension", text_or_null(res, row, COL_EXTENSION));
    jw_string(w, "cause", text_or_null(res, row, COL_CAUSE));
    jw_instant(w, "started_at", pg_result_instant(res, row, COL_STARTED), offset);
    for (int i = 0; i < CALL_STATE_COUNT; i++)
        jw_instant(w, arena_printf(r->arena, "%s_at", call_state_words[i].code),
                   pg_result_instant(res, row, COL_OFFERED + i), offset);
    jw_instant(w, "returned_at", pg_result_instant(res, row, COL_RETURNED), offset);
    jw_string(w, "returned_by", text_or_null(res, row, COL_RETURNED_BY));
    jw_raw(w, "recordings", recordings, strlen(recordings));
    jw_raw(w, "tickets", tickets, strlen(tickets));
    jw_object_end(w);
}

static void on_listed(struct request *r, const struct pg_result *res)
{
    const struct list *list = r->state;
    int rows = pg_result_rows(res), shown = rows > list->limit ? list->limit : rows;
    char next[CURSOR_SIZE];
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (int i = 0; i < shown; i++)
        write_call(r, &w, res, i);
    jw_array_end(&w);
    if (rows > shown) {
        int64_t last = pg_result_int(res, shown - 1, COL_ID);
        cursor_format(r->d->index_key, list->scope, &last, 1, next);
        jw_string(&w, "next", next);
    } else {
        jw_null(&w, "next");
    }
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static bool read_bool(struct request *r, const char *name)
{
    const char *text = query_get(&r->query, name);

    if (text && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        faults_add(&r->faults, name, "not_allowed");
    return text && strcmp(text, "true") == 0;
}

void call_list_get(struct request *r)
{
    struct list *list = arena_alloc(r->arena, sizeof(*list));
    const char *after = query_get(&r->query, "after");
    struct pg_params params;

    list->below = INT64_MAX;
    list->limit = (int)request_query_int(r, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX);
    list->is_missed = read_bool(r, "missed");
    list->call_id = query_get(&r->query, "call_id");
    list->scope =
        arena_printf(r->arena, "calls|%d|%s", list->is_missed, list->call_id ? list->call_id : "");
    if (after && !cursor_parse(r->d->index_key, list->scope, after, &list->below, 1))
        faults_add(&r->faults, "after", "format");
    if (!request_query_ok(r))
        return;
    r->state = list;
    pg_params_init(&params, r->arena);
    pg_param_int(&params, list->below);
    pg_param_int(&params, list->limit + 1);
    pg_param_bool(&params, list->is_missed);
    pg_param_text(&params, list->call_id);
    pg_param_instant(&params, r->now_us - MISSED_US);
    request_submit(r, r->d->report_pool, &SQL_CALL_LIST, &params, DAEMON_REPORT_TIMEOUT_US,
                   on_listed);
}

/* ---- called back -------------------------------------------------------------------------------
 */

struct returned {
    const char *gateway, *call_id;
};

static void on_returned(struct request *r, const struct pg_result *res)
{
    const struct returned *returned = r->state;
    int offset = r->d->city ? city_offset_min(r->d->city) : CIVIL_OFFSET_SHANGHAI_MIN;
    struct json_writer w;
    struct sbuf out;

    if (pg_result_rows(res) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    if (!pg_result_bool(res, 0, 2)) {
        request_problem(r, PROBLEM_CONFLICT, "不是未接来电 / not a missed call");
        return;
    }
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "gateway_id", returned->gateway);
    jw_string(&w, "call_id", returned->call_id);
    jw_instant(&w, "returned_at", pg_result_instant(res, 0, 0), offset);
    jw_string(&w, "returned_by", pg_result_text(res, 0, 1));
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

void call_returned_post(struct request *r)
{
    static const struct field fields[] = {
        {.name = "gateway_id",
         .type = FIELD_STRING,
         .offset = offsetof(struct returned, gateway),
         .min = 1,
         .max = CALL_GATEWAY_MAX,
         .flags = FIELD_REQUIRED},
        {.name = "call_id",
         .type = FIELD_STRING,
         .offset = offsetof(struct returned, call_id),
         .min = 1,
         .max = CALL_ID_MAX,
         .flags = FIELD_REQUIRED},
    };
    struct returned *returned = arena_alloc(r->arena, sizeof(*returned));
    struct pg_params params;

    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    if (!json_decode(json_root(r->body), fields, ARRAY_LEN(fields), returned, r->arena,
                     &r->faults)) {
        request_reply_faults(r);
        return;
    }
    r->state = returned;
    pg_params_init(&params, r->arena);
    pg_param_text(&params, returned->gateway);
    pg_param_text(&params, returned->call_id);
    pg_param_instant(&params, r->now_us);
    pg_param_text(&params, r->account->name);
    pg_param_text(&params, http_request_peer(r->http));
    request_submit(r, r->d->work_pool, &SQL_CALL_RETURNED, &params, DAEMON_WRITE_TIMEOUT_US,
                   on_returned);
}
