/*
 * version_change.c - a draft comes in, becomes a version, is put in force or called off.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/activation.h"
#include "daemon/config.h"
#include "daemon/version.h"
#include "proto/version_json.h"
#include "sql_catalogue.h"

/* ---- a draft -----------------------------------------------------------------------------------
 */

struct drafting {
    enum city_part part;
    struct version_check check;
};

static void on_drafted(struct request *r, const struct pg_result *res)
{
    const struct drafting *dr = r->state;
    struct json_writer w;
    struct sbuf out;

    INVARIANT(pg_result_rows(res) == 1);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "part", city_part_words[dr->part].code);
    jw_int(&w, "draft", pg_result_int(res, 0, 0));
    jw_string(&w, "name", dr->check.head.name);
    jw_int(&w, "size", (int64_t)dr->check.head.size);
    import_report_write_warnings(&w, &dr->check.warnings);
    jw_object_end(&w);
    request_reply(r, 201, &out);
}

static void store_draft(struct request *r, const struct drafting *dr)
{
    size_t len;
    const char *text = http_request_body(r->http, &len);
    struct pg_params params;
    struct json_writer w;
    struct sbuf faults;

    sbuf_init(&faults, 0);
    jw_init(&w, &faults);
    jw_object(&w, NULL);
    import_report_write_warnings(&w, &dr->check.warnings);
    jw_object_end(&w);
    pg_params_init(&params, r->arena);
    pg_param_text(&params, city_part_words[dr->part].code);
    pg_param_text_n(&params, text, len); /* what json_parse() accepts PostgreSQL takes as it is */
    pg_param_text_n(&params, faults.data, faults.len);
    pg_param_instant(&params, r->now_us);
    pg_param_text(&params, r->account->name);
    pg_param_text(&params, http_request_peer(r->http));
    request_submit(r, r->d->work_pool, &SQL_DRAFT_ADD, &params, DAEMON_REPORT_TIMEOUT_US,
                   on_drafted);
    sbuf_free(&faults);
}

/* ?check=true: what is wrong with it, and nothing is stored. */
static void reply_check(struct request *r, struct drafting *dr)
{
    const struct import_report errors = {&r->faults, dr->check.faults};
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "part", city_part_words[dr->part].code);
    import_report_write_errors(&w, &errors);
    import_report_write_warnings(&w, &dr->check.warnings);
    jw_object_end(&w);
    city_unref(&dr->check.city);
    request_reply(r, 200, &out);
}

static bool has_city(struct request *r)
{
    if (!r->d->city)
        request_problem(r, PROBLEM_NO_CITY, NULL);
    return r->d->city != NULL;
}

void draft_post(struct request *r)
{
    static const struct word yes[] = {{"true", "是", "yes"}};
    struct drafting *dr = arena_alloc(r->arena, sizeof(*dr));
    bool is_check = request_query_word(r, "check", yes, ARRAY_LEN(yes)) == 0;

    if (!version_part_read(r, &dr->part) || !request_query_ok(r) || !has_city(r) ||
        !request_parse_body(r))
        return;
    r->state = dr;
    version_check_body(r, dr->part, json_root(r->body), &dr->check);
    if (is_check) {
        reply_check(r, dr);
        return;
    }
    if (!dr->check.city) {
        version_reply_errors(r, &dr->check);
        return;
    }
    city_unref(&dr->check.city);
    store_draft(r, dr);
}

/* ---- in force ----------------------------------------------------------------------------------
 */

/* Outlives the request if its peer goes: what is stored is put in force. */
struct change {
    struct daemon *d;
    struct request *r;
    enum city_part part;
    int64_t draft, version, activation, at_us;
    const char *state; /* NULL: by the clock */
};

static void on_abort(struct request *r)
{
    struct change *c = r->state;

    c->r = NULL;
}

static void change_begin(struct request *r, struct change *c)
{
    c->d = r->d;
    c->r = r;
    r->state = c;
    r->on_abort = on_abort;
}

static void reply_change(struct request *r, const struct change *c)
{
    const char *state = c->at_us > daemon_now_us(r->d) ? "scheduled" : "done";
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "part", city_part_words[c->part].code);
    if (c->draft)
        jw_int(&w, "draft", c->draft);
    jw_int(&w, "version", c->version);
    jw_int(&w, "activation", c->activation);
    jw_instant(&w, "at", c->at_us, version_offset_min(r->d));
    jw_string(&w, "state", c->state ? c->state : state);
    jw_int(&w, "in_force", version_in_force(r->d, c->part));
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static void end_change(void *ctx, bool ok)
{
    struct change *c = ctx;
    struct request *r = c->r;

    if (r) {
        r->on_abort = NULL;
        if (ok)
            reply_change(r, c);
        else
            request_problem(
                r, PROBLEM_UNAVAILABLE,
                "已保存，稍后生效 / stored; it comes into force as soon as the database "
                "answers again");
    }
    free(c);
}

static void on_known(void *ctx, bool ok)
{
    const struct change *c = ctx;

    if (ok && c->d->activation)
        activation_settle(c->d->activation, end_change, ctx);
    else
        end_change(ctx, false);
}

/* ---- activating --------------------------------------------------------------------------------
 */

struct activating {
    struct version_draft draft; /* first: version_draft_load() keeps it in r->state */
    int64_t at_us;
};

static void refuse_activation(struct request *r, const struct pg_result *res)
{
    if (strcmp(pg_result_constraint(res), "activation_scheduled") == 0)
        request_problem(r, PROBLEM_CONFLICT,
                        "该时刻已有生效计划 / something is planned for this instant already");
    else
        request_problem(
            r, pg_result_outcome(res) == PG_REJECTED ? PROBLEM_INTERNAL : PROBLEM_UNAVAILABLE,
            NULL);
}

static void on_activated(void *ctx, const struct pg_result *res)
{
    struct request *r = ctx;
    const struct activating *a = r->state;
    enum pg_outcome outcome = pg_result_outcome(res);

    r->op = NULL;
    if (outcome != PG_ROWS) {
        refuse_activation(r, res);
        return;
    }
    if (pg_result_rows(res) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    struct change *c = xcalloc(1, sizeof(*c));
    c->part = a->draft.part;
    c->draft = a->draft.id;
    c->version = pg_result_int(res, 0, 0);
    c->activation = pg_result_int(res, 0, 1);
    c->at_us = a->at_us;
    change_begin(r, c);
    config_load(r->d, on_known, c);
}

static void activate(struct request *r, struct version_draft *draft)
{
    struct activating *a = r->state;
    int64_t now_us = daemon_now_us(r->d);
    struct pg_params params;

    city_unref(&draft->city); /* it was only to see whether it builds */
    if (!a->at_us)
        a->at_us = now_us;
    pg_params_init(&params, r->arena);
    pg_param_text(&params, city_part_words[draft->part].code);
    pg_param_int(&params, draft->id);
    pg_param_instant(&params, a->at_us);
    pg_param_instant(&params, now_us);
    pg_param_text(&params, r->account->name);
    pg_param_text(&params, http_request_peer(r->http));
    r->op = pg_submit(r->d->work_pool, &SQL_DRAFT_ACTIVATE, &params, DAEMON_REPORT_TIMEOUT_US,
                      on_activated, r);
}

void draft_activate_post(struct request *r)
{
    struct activating *a = arena_alloc(r->arena, sizeof(*a));

    if (!version_part_read(r, &a->draft.part) || !version_id_read(r, 1, &a->draft.id) ||
        !request_query_ok(r) || !has_city(r) || !request_parse_body(r))
        return;
    if (version_json_decode_activation(json_root(r->body), r->arena, &a->at_us, &r->faults) &&
        a->at_us && a->at_us < r->now_us)
        faults_add(&r->faults, "at", "range");
    if (r->faults.count) {
        request_reply_faults(r);
        return;
    }
    a->draft.go = activate;
    version_draft_load(r, &a->draft);
}

/* ---- calling off -------------------------------------------------------------------------------
 */

static void on_cancelled(struct request *r, const struct pg_result *res)
{
    if (pg_result_rows(res) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    if (!pg_result_bool(res, 0, 3)) {
        struct request_problem_writer p;
        request_problem_begin(r, &p, PROBLEM_CONFLICT,
                              "已生效或已取消 / it is in force or was called off already");
        jw_string(&p.w, "state", pg_result_text(res, 0, 2));
        request_problem_end(r, &p);
        return;
    }
    struct change *c = r->state;
    struct change *kept = xcalloc(1, sizeof(*kept));
    *kept = *c;
    kept->version = pg_result_int(res, 0, 0);
    kept->at_us = pg_result_int(res, 0, 1);
    kept->state = "cancelled";
    change_begin(r, kept);
    config_load(r->d, on_known, kept);
}

void activation_cancel_post(struct request *r)
{
    struct change *c = arena_alloc(r->arena, sizeof(*c));
    struct pg_params params;
    int64_t none;

    if (!version_part_read(r, &c->part) || !version_id_read(r, 1, &c->activation) ||
        !request_query_ok(r) || !request_parse_body(r))
        return;
    if (!json_decode(json_root(r->body), NULL, 0, &none, r->arena, &r->faults)) {
        request_reply_faults(r);
        return;
    }
    r->state = c;
    pg_params_init(&params, r->arena);
    pg_param_text(&params, city_part_words[c->part].code);
    pg_param_int(&params, c->activation);
    pg_param_instant(&params, r->now_us);
    pg_param_text(&params, r->account->name);
    pg_param_text(&params, http_request_peer(r->http));
    request_submit(r, r->d->work_pool, &SQL_ACTIVATION_CANCEL, &params, DAEMON_WRITE_TIMEOUT_US,
                   on_cancelled);
}
