/*
 * admin_scores.c - the city's score sets: GET and POST /v1/admin/scores.
 */
#include "daemon/admin.h"
#include "daemon/report_read.h"
#include "proto/score_json.h"
#include "sql_catalogue.h"

#define SCORE_SETS_SHOWN 200
/* Columns of score_set_list.sql behind those of score_set_at.sql. */
enum list_column { CREATED_AT = 4, CREATED_BY, IS_IN_FORCE };

static int offset_min(const struct request *r)
{
    return r->d->city ? city_offset_min(r->d->city) : 0;
}

/* ---- list --------------------------------------------------------------------------------------
 */

static void on_listed(struct request *r, const struct pg_result *res)
{
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (int i = 0; i < pg_result_rows(res); i++) {
        const struct score_set *set = report_score_set(r->arena, res, i);

        if (!set)
            continue;
        const struct score_set_item item = {*set, pg_result_int(res, i, CREATED_AT),
                                            pg_result_text(res, i, CREATED_BY),
                                            pg_result_bool(res, i, IS_IN_FORCE)};
        jw_object(&w, NULL);
        score_json_write_item(&w, &item, offset_min(r));
        jw_object_end(&w);
    }
    jw_array_end(&w);
    jw_null(&w, "next");
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

void admin_scores_get(struct request *r)
{
    struct pg_params params;

    if (!request_query_ok(r))
        return;
    pg_params_init(&params, r->arena);
    pg_param_instant(&params, r->now_us);
    pg_param_int(&params, SCORE_SETS_SHOWN);
    request_submit(r, r->d->report_pool, &SQL_SCORE_SET_LIST, &params, DAEMON_READ_TIMEOUT_US,
                   on_listed);
}

/* ---- add ---------------------------------------------------------------------------------------
 */

static void on_added(struct request *r, const struct pg_result *res)
{
    struct score_set *set = r->state;
    bool is_new = pg_result_bool(res, 0, 1);
    struct json_writer w;
    struct sbuf out;

    set->version = pg_result_int(res, 0, 0);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_int(&w, "version", set->version);
    jw_string(&w, "name", set->name);
    jw_instant(&w, "from", set->from_us, offset_min(r));
    score_json_write_scales(&w, "scales", set);
    jw_object_end(&w);
    request_reply(r, is_new ? 201 : 200, &out);
}

void admin_scores_post(struct request *r)
{
    struct score_set *set = arena_alloc(r->arena, sizeof(*set));
    struct pg_params params;
    struct json_writer w;
    struct sbuf scales;

    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    set->from_us = r->now_us;
    if (!score_json_decode(json_root(r->body), r->arena, set, &r->faults)) {
        request_reply_faults(r);
        return;
    }
    r->state = set;
    sbuf_init(&scales, 0);
    jw_init(&w, &scales);
    score_json_write_scales(&w, NULL, set);
    pg_params_init(&params, r->arena);
    pg_param_text(&params, set->name);
    pg_param_instant(&params, set->from_us);
    pg_param_text(&params, scales.data);
    pg_param_instant(&params, r->now_us);
    pg_param_text(&params, r->account->name);
    pg_param_text(&params, http_request_peer(r->http));
    request_submit(r, r->d->work_pool, &SQL_SCORE_SET_ADD, &params, DAEMON_WRITE_TIMEOUT_US,
                   on_added);
    sbuf_free(&scales);
}
