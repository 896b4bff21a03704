/*
 * health.c - the three looks from outside.
 */
#include "daemon/health.h"

#include "base/metrics.h"

static void reply_state(struct request *r, int status, const char *state)
{
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "status", state);
    jw_object_end(&w);
    request_reply(r, status, &out);
}

void health_get(struct request *r)
{
    if (request_query_ok(r))
        reply_state(r, 200, "ok");
}

void ready_get(struct request *r)
{
    const struct daemon *d = r->d;

    if (!request_query_ok(r))
        return;
    if (!pg_pool_up(d->intake_pool) || d->is_stopping)
        request_problem(r, PROBLEM_UNAVAILABLE, NULL);
    else if (!d->city)
        request_problem(r, PROBLEM_NO_CITY, NULL);
    else
        reply_state(r, 200, "ready");
}

void metrics_get(struct request *r)
{
    struct http_request *http = r->http;
    struct sbuf out;

    if (!request_query_ok(r))
        return;
    sbuf_init(&out, 0);
    metrics_write(&out);
    request_forget(r);
    http_reply(http, 200, "text/plain; version=0.0.4; charset=utf-8", out.data, out.len);
    sbuf_free(&out);
}
