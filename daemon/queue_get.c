/*
 * queue_get.c - GET /v1/queue: a unit's assignments, most urgent deadline first.
 */
#include <string.h>

#include "base/metrics.h"
#include "daemon/cursor.h"
#include "daemon/queue.h"
#include "sql_catalogue.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 500

struct listing {
    struct queue_wait wait; /* first: r->state */
    struct request *r;
    const char *unit;
    const char *state; /* NULL = unsigned and working */
    const char *scope;
    int64_t limit;
    bool has_after;
    int64_t after[3]; /* deadline or NEVER, number, ordinal */
};
#define NEVER INT64_MAX

static struct metric listed = {.name = "hotlined_queue_lists_total",
                               .help = "Queues of units listed."};

void queue_register_metrics(void)
{
    metrics_register(&listed, 1);
    queue_claim_register_metrics();
    queue_wait_register_metrics();
    queue_release_register_metrics();
}

/* ---- answering ----------------------------------------------------------------------------------
 */

static void write_next(struct listing *l, const struct queue_entry *last, struct json_writer *w)
{
    const int64_t fields[] = {last->due_us ? last->due_us : NEVER, last->number, last->ordinal};
    char next[CURSOR_SIZE];

    cursor_format(l->r->d->index_key, l->scope, fields, ARRAY_LEN(fields), next);
    jw_string(w, "next", next);
}

static void answer(struct listing *l, const struct pg_result *res, int count)
{
    struct queue_entry entry = {0};
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (int i = 0; i < count; i++) {
        entry = queue_rows_read(l->r, res, i);
        queue_json_write(&w, &entry, l->r->d->city);
    }
    jw_array_end(&w);
    if (count == l->limit)
        write_next(l, &entry, &w);
    else
        jw_null(&w, "next");
    jw_object_end(&w);
    metric_inc(&listed);
    http_reply_header(l->r->http, "Cache-Control", "no-store");
    request_reply(l->r, 200, &out);
}

static void on_listed(struct request *r, const struct pg_result *res)
{
    struct listing *l = r->state;
    int count = queue_rows_count(res);

    if (count == 0 && !l->has_after && queue_wait_more(&l->wait, queue_rows_free_us(res)))
        return;
    answer(l, res, count);
}

/* ---- asking ------------------------------------------------------------------------------------
 */

static void add_states(const struct listing *l, struct pg_params *params, struct arena *arena)
{
    struct pg_array states;

    pg_array_init(&states, arena);
    if (l->state) {
        pg_array_text(&states, l->state);
    } else {
        pg_array_text(&states, assignment_state_words[ASSIGNMENT_UNSIGNED].code);
        pg_array_text(&states, assignment_state_words[ASSIGNMENT_WORKING].code);
    }
    pg_param_array(params, &states);
}

static void add_place(const struct listing *l, struct pg_params *params)
{
    if (!l->has_after) {
        for (int i = 0; i < 3; i++)
            pg_param_null(params);
        return;
    }
    pg_param_instant(params, l->after[0] == NEVER ? 0 : l->after[0]);
    pg_param_int(params, l->after[1]);
    pg_param_int(params, l->after[2]);
}

static void ask(struct request *r)
{
    struct listing *l = r->state;
    struct arena *arena = arena_new(); /* asked again and again while it waits */
    struct pg_params params;

    queue_wait_mark(&l->wait);
    pg_params_init(&params, arena);
    pg_param_text(&params, l->unit);
    add_states(l, &params, arena);
    pg_param_instant(&params, daemon_now_us(r->d));
    add_place(l, &params);
    pg_param_int(&params, l->limit);
    request_submit(r, r->d->work_pool, &SQL_QUEUE_LIST, &params, DAEMON_READ_TIMEOUT_US, on_listed);
    arena_free(&arena);
}

/* ---- the query
 * -----------------------------------------------------------------------------------------------
 */

/* A unit has its own queue and no other; the desk has to say whose. false: answered. */
static bool read_unit(struct listing *l)
{
    struct request *r = l->r;
    const char *unit = query_get(&r->query, "unit");

    if (r->account->role == ROLE_UNIT) {
        l->unit = r->account->unit;
        if (!unit || strcmp(unit, l->unit) == 0)
            return true;
        request_problem(r, PROBLEM_FORBIDDEN, NULL);
        return false;
    }
    l->unit = unit;
    if (!unit)
        faults_add(&r->faults, "unit", "required");
    else if (city_find_unit(r->d->city, unit) < 0)
        faults_add(&r->faults, "unit", "not_found");
    return true;
}

static void read_state(struct listing *l)
{
    struct request *r = l->r;
    int state = request_query_word(r, "state", assignment_state_words, ASSIGNMENT_STATE_COUNT);

    if (state < 0)
        return;
    l->state = assignment_state_words[state].code;
    if (!assignment_state_is_live((enum assignment_state)state))
        faults_add(&r->faults, "state", "not_allowed"); /* over: no longer in a queue */
}

static void read_place(struct listing *l)
{
    struct request *r = l->r;
    const char *after = query_get(&r->query, "after");

    l->scope =
        arena_printf(r->arena, "queue|%s|%s", l->state ? l->state : "", l->unit ? l->unit : "");
    l->has_after = after != NULL;
    if (after && !cursor_parse(r->d->index_key, l->scope, after, l->after, ARRAY_LEN(l->after)))
        faults_add(&r->faults, "after", "format");
}

void queue_get(struct request *r)
{
    struct listing *l = arena_alloc(r->arena, sizeof(*l));
    int64_t wait = request_query_int(r, "wait", 0, 0, QUEUE_WAIT_MAX_S);

    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return;
    }
    l->r = r;
    if (!read_unit(l))
        return;
    read_state(l);
    read_place(l);
    l->limit = request_query_int(r, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX);
    if (!request_query_ok(r))
        return;
    if (http_request_head(r->http)->method == HTTP_HEAD)
        wait = 0;
    queue_wait_begin(&l->wait, r, l->unit, wait, ask);
    ask(r);
}
