/*
 * test_clock.c - POST /v1/test/clock: move, let everything follow, answer.
 */
#include "daemon/test_clock.h"

#include <stdlib.h>

#include "base/civil.h"
#include "daemon/activation.h"
#include "daemon/deadlines.h"
#include "daemon/device.h"
#include "daemon/push.h"
#include "daemon/recalendar.h"
#include "daemon/wechat.h"

struct clock_body {
    int64_t now_us, advance_seconds;
    bool has_now, has_advance;
};

static const struct field fields[] = {
    {.name = "now",
     .type = FIELD_INSTANT,
     .offset = offsetof(struct clock_body, now_us),
     .present_offset = offsetof(struct clock_body, has_now) + 1},
    {.name = "advance_seconds",
     .type = FIELD_INT,
     .offset = offsetof(struct clock_body, advance_seconds),
     .min = INT32_MIN,
     .max = INT64_C(10000000000),
     .present_offset = offsetof(struct clock_body, has_advance) + 1},
};

/* Outlives the request if its peer goes while the deadlines follow. */
struct move {
    struct daemon *d;
    struct request *r;
};

static void on_abort(struct request *r)
{
    struct move *m = r->state;
    m->r = NULL;
}

static void reply(struct request *r)
{
    int offset = r->d->city ? city_offset_min(r->d->city) : CIVIL_OFFSET_SHANGHAI_MIN;
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_instant(&w, "now", daemon_now_us(r->d), offset);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static void settled(void *ctx, bool ok)
{
    struct move *m = ctx;
    struct request *r = m->r;

    push_stir(m->d->push, NULL); /* a lease may have ended: who waits for work looks again */
    free(m);
    if (!r)
        return;
    r->on_abort = NULL;
    if (ok)
        reply(r);
    else
        request_problem(r, PROBLEM_UNAVAILABLE, NULL);
}

/* Last: what the others did to tickets their citizens are told. */
static void watched(void *ctx, bool ok)
{
    struct move *m = ctx;

    if (ok)
        wechat_settle(m->d->wechat, settled, m);
    else
        settled(m, false);
}

static void swept(void *ctx, bool ok)
{
    struct move *m = ctx;

    if (ok)
        device_watch_settle(m->d->device_watch, watched, m);
    else
        settled(m, false);
}

static void recomputed(void *ctx, bool ok)
{
    struct move *m = ctx;

    if (ok)
        sweeper_settle(m->d->sweeper, swept, m);
    else
        settled(m, false);
}

/* What comes into force by then does so before the deadlines follow. */
static void in_force(void *ctx, bool ok)
{
    struct move *m = ctx;

    if (ok)
        recalendar_settle(m->d->recalendar, recomputed, m);
    else
        settled(m, false);
}

static void follow(struct request *r)
{
    struct move *m = xcalloc(1, sizeof(*m));

    m->d = r->d;
    m->r = r;
    r->state = m;
    r->on_abort = on_abort;
    activation_settle(r->d->activation, in_force, m);
}

static int64_t target_us(struct request *r, const struct clock_body *body)
{
    int64_t now = daemon_now_us(r->d);

    if (body->has_now == body->has_advance)
        faults_add(&r->faults, body->has_now ? "advance_seconds" : "now",
                   body->has_now ? "not_allowed" : "required");
    int64_t to = body->has_now ? body->now_us : now + body->advance_seconds * US_PER_SECOND;
    if (to > CIVIL_MAX_US)
        faults_add(&r->faults, body->has_now ? "now" : "advance_seconds", "range");
    return to;
}

void test_clock_post(struct request *r)
{
    struct clock_body body = {0};

    if (!r->d->clk.is_test) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    bool is_good =
        json_decode(json_root(r->body), fields, ARRAY_LEN(fields), &body, r->arena, &r->faults);
    int64_t to = is_good ? target_us(r, &body) : 0;
    if (r->faults.count)
        request_reply_faults(r);
    else if (!clk_move(&r->d->clk, to))
        request_problem(r, PROBLEM_CLOCK, NULL);
    else if (!r->d->city)
        reply(r);
    else
        follow(r);
}
