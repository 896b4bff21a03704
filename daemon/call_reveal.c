/*
 * call_reveal.c - POST /v1/calls/reveal: the numbers of a call as they came (DOMAIN 7), for whoever
 * has to call back.
 *
 * The line in the audit is in the transaction that reads them: what is not recorded is not shown.
 */
#include "daemon/calls.h"
#include "proto/ticket_json.h"
#include "sql_catalogue.h"

struct reveal {
    const char *gateway, *call_id, *reason;
};
static const struct field reveal_fields[] = {
    {.name = "gateway_id",
     .type = FIELD_STRING,
     .offset = offsetof(struct reveal, gateway),
     .min = 1,
     .max = CALL_GATEWAY_MAX,
     .flags = FIELD_REQUIRED},
    {.name = "call_id",
     .type = FIELD_STRING,
     .offset = offsetof(struct reveal, call_id),
     .min = 1,
     .max = CALL_ID_MAX,
     .flags = FIELD_REQUIRED},
    {.name = "reason",
     .type = FIELD_STRING,
     .offset = offsetof(struct reveal, reason),
     .min = 1,
     .max = TICKET_OPINION_MAX,
     .flags = FIELD_REQUIRED | FIELD_MULTILINE},
};

static void on_revealed(struct request *r, const struct pg_result *res)
{
    const struct reveal *reveal = r->state;
    struct call_numbers numbers;
    struct json_writer w;
    struct sbuf out;

    if (pg_result_rows(res) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    call_numbers_read(r->d, res, 0, 0, r->arena, &numbers);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "gateway_id", reveal->gateway);
    jw_string(&w, "call_id", reveal->call_id);
    jw_string(&w, "ani", numbers.ani);
    jw_string(&w, "dnis", numbers.dnis);
    jw_object_end(&w);
    http_reply_header(r->http, "Cache-Control", "no-store");
    request_reply(r, 200, &out);
}

void call_reveal_post(struct request *r)
{
    struct reveal *reveal = arena_alloc(r->arena, sizeof(*reveal));
    struct pg_params params;

    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    if (!json_decode(json_root(r->body), reveal_fields, ARRAY_LEN(reveal_fields), reveal, r->arena,
                     &r->faults)) {
        request_reply_faults(r);
        return;
    }
    r->state = reveal;
    pg_params_init(&params, r->arena);
    pg_param_text(&params, reveal->gateway);
    pg_param_text(&params, reveal->call_id);
    pg_param_instant(&params, r->now_us);
    pg_param_text(&params, r->account->name);
    pg_param_text(&params, http_request_peer(r->http));
    pg_param_text(&params, reveal->reason);
    request_submit(r, r->d->work_pool, &SQL_CALL_REVEAL, &params, DAEMON_WRITE_TIMEOUT_US,
                   on_revealed);
}
