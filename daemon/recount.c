/*
 * recount.c - reading the recount, and POST /v1/admin/recount.
 */
#include "daemon/recount.h"

#include "base/log.h"
#include "base/metrics.h"
#include "daemon/reports.h"
#include "sql_catalogue.h"

enum column {
    GROUPS,
    DIFFERING,
    UNIT,
    TIER,
    REGION,
    CATEGORY,
    KIND,
    CHANNEL,
    FIGURE,
    COUNTED,
    RECOUNTED
};

void recount_params(struct pg_params *params, struct arena *arena)
{
    pg_params_init(params, arena);
    pg_param_int(params, RECOUNT_MAX_DIFFERENCES);
}

void recount_read(const struct pg_result *res, struct arena *arena, struct recount_report *report_r)
{
    int rows = pg_result_rows(res);
    struct recount_difference *list = arena_alloc(arena, sizeof(*list) * ((size_t)rows + 1));

    INVARIANT(rows > 0); /* the groups come even if nothing differs */
    *report_r = (struct recount_report){
        .rows = pg_result_int(res, 0, GROUPS),
        .differing = pg_result_int(res, 0, DIFFERING),
        .list = list,
    };
    for (int i = 0; i < rows; i++) {
        if (pg_result_null(res, i, FIGURE))
            continue;
        list[report_r->count++] = (struct recount_difference){
            .unit = arena_strdup(arena, pg_result_text(res, i, UNIT)),
            .tier = arena_strdup(arena, pg_result_text(res, i, TIER)),
            .region = arena_strdup(arena, pg_result_text(res, i, REGION)),
            .category = arena_strdup(arena, pg_result_text(res, i, CATEGORY)),
            .kind = arena_strdup(arena, pg_result_text(res, i, KIND)),
            .channel = arena_strdup(arena, pg_result_text(res, i, CHANNEL)),
            .figure = arena_strdup(arena, pg_result_text(res, i, FIGURE)),
            .counted = pg_result_int(res, i, COUNTED),
            .recounted = pg_result_int(res, i, RECOUNTED),
        };
    }
}

static void on_recounted(struct request *r, const struct pg_result *res)
{
    struct recount_report report;
    struct sbuf out;

    recount_read(res, r->arena, &report);
    if (report.differing)
        log_error("recount", "the count differs from the tickets groups=%lld differing=%lld",
                  (long long)report.rows, (long long)report.differing);
    sbuf_init(&out, 0);
    report_json_write_recount(&out, &report);
    request_reply(r, 200, &out);
}

static void refuse_member(void *ctx, const char *key, const struct json_value *v)
{
    (void)v;
    faults_add(ctx, key, "unknown");
}

void admin_recount_post(struct request *r)
{
    struct pg_params params;

    if (!request_parse_body(r))
        return;
    if (json_type(json_root(r->body)) != JSON_OBJECT)
        faults_add(&r->faults, "", "wrong_type");
    else
        json_each(json_root(r->body), refuse_member, &r->faults);
    if (!request_query_ok(r))
        return;
    recount_params(&params, r->arena);
    request_submit(r, r->d->report_pool, &SQL_RECOUNT, &params, DAEMON_REPORT_TIMEOUT_US,
                   on_recounted);
}
