/*
 * queue_release.c - POST /v1/assignments/{}/release: gives a leased assignment back before its
 * time.
 */
#include <stddef.h>
#include <string.h>

#include "base/metrics.h"
#include "daemon/queue.h"
#include "sql_catalogue.h"

struct release {
    const char *lease; /* hex */
    int64_t number;
    int ordinal;
    uint8_t secret[QUEUE_LEASE_BYTES];
};

static const struct field release_fields[] = {
    {.name = "lease",
     .type = FIELD_STRING,
     .offset = offsetof(struct release, lease),
     .min = 2 * QUEUE_LEASE_BYTES,
     .max = 2 * QUEUE_LEASE_BYTES,
     .flags = FIELD_REQUIRED},
};

static struct metric released = {.name = "hotlined_queue_released_total",
                                 .help = "Leased assignments given back by units."};

void queue_release_register_metrics(void)
{
    metrics_register(&released, 1);
}

static void on_released(struct request *r, const struct pg_result *res)
{
    const struct release *release = r->state;
    char id[ASSIGNMENT_ID_SIZE];
    struct json_writer w;
    struct sbuf out;

    if (pg_result_rows(res) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    if (!pg_result_bool(res, 0, 0)) {
        request_problem(r, PROBLEM_CONFLICT,
                        "租约不符或已结束 / not the lease that holds it, or it has ended");
        return;
    }
    metric_inc(&released);
    push_stir(r->d->push, r->account->unit);
    assignment_id_format(release->number, release->ordinal, id);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "assignment", id);
    jw_bool(&w, "released", true);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static bool read_input(struct request *r, struct release *release)
{
    if (!assignment_id_parse(r->param[0], &release->number, &release->ordinal)) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return false;
    }
    if (!request_parse_body(r))
        return false;
    if (json_decode(json_root(r->body), release_fields, ARRAY_LEN(release_fields), release,
                    r->arena, &r->faults) &&
        !crypto_unhex(release->lease, strlen(release->lease), release->secret))
        faults_add(&r->faults, "lease", "format");
    return request_query_ok(r);
}

void assignment_release_post(struct request *r)
{
    struct release *release = arena_alloc(r->arena, sizeof(*release));
    struct pg_params params;

    if (!read_input(r, release))
        return;
    r->state = release;
    pg_params_init(&params, r->arena);
    pg_param_int(&params, release->number);
    pg_param_int(&params, release->ordinal);
    pg_param_text(&params, r->account->unit);
    pg_param_bytea(&params, release->secret, sizeof(release->secret));
    pg_param_instant(&params, daemon_now_us(r->d));
    request_submit(r, r->d->work_pool, &SQL_QUEUE_RELEASE, &params, DAEMON_WRITE_TIMEOUT_US,
                   on_released);
}
