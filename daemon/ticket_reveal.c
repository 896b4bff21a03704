/*
 * ticket_reveal.c - POST /v1/tickets/{}/reveal: a name or a number as it is (DOMAIN 7).
 *
 * The line in the audit comes first: what is not recorded is not shown.
 */
#include "daemon/audit.h"
#include "daemon/ticket_read.h"
#include "daemon/ticket_record.h"
#include "proto/json.h"
#include "sql_catalogue.h"

enum { REVEAL_NAME, REVEAL_PHONE };
static const char *const field_names[] = {"name", "phone", NULL};

struct reveal_order {
    int field;
    const char *reason;
};
static const struct field reveal_fields[] = {
    {.name = "field",
     .type = FIELD_ENUM,
     .offset = offsetof(struct reveal_order, field),
     .names = field_names,
     .flags = FIELD_REQUIRED},
    {.name = "reason",
     .type = FIELD_STRING,
     .offset = offsetof(struct reveal_order, reason),
     .min = 1,
     .max = TICKET_OPINION_MAX,
     .flags = FIELD_REQUIRED | FIELD_MULTILINE},
};

struct reveal {
    struct reveal_order order;
    int64_t number;
    const char *value;
};

static void on_recorded(struct request *r, const struct pg_result *res)
{
    const struct reveal *reveal = r->state;
    struct json_writer w;
    struct sbuf out;

    (void)res;
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "field", field_names[reveal->order.field]);
    jw_string(&w, "value", reveal->value);
    jw_object_end(&w);
    http_reply_header(r->http, "Cache-Control", "no-store");
    request_reply(r, 200, &out);
}

static void record(struct request *r, const struct reveal *reveal)
{
    struct json_writer w;
    struct sbuf detail;

    sbuf_init(&detail, 0);
    jw_init(&w, &detail);
    jw_object(&w, NULL);
    jw_string(&w, "field", field_names[reveal->order.field]);
    jw_string(&w, "reason", reveal->order.reason);
    jw_object_end(&w);
    audit_first(r, "ticket.reveal", reveal->number, detail.data, on_recorded);
    sbuf_free(&detail);
}

static void on_loaded(struct request *r, const struct pg_result *res)
{
    struct reveal *reveal = r->state;
    struct ticket_record *ticket = arena_alloc(r->arena, sizeof(*ticket));

    if (pg_result_rows(res) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    ticket_record_read(r->d, res, 0, r->arena, ticket);
    if (authorise(r->account, r->route->roles, &ticket->view) != AUTHZ_ALLOW) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    const struct ticket_sight sight = auth_sight(r->account, ticket);
    if (!sight.sees_identity || (ticket->is_confidential && sight.unit)) {
        request_problem(r, PROBLEM_FORBIDDEN, NULL);
        return;
    }
    reveal->value = reveal->order.field == REVEAL_NAME ? ticket->name : ticket->phone;
    record(r, reveal);
}

void ticket_reveal_post(struct request *r)
{
    struct reveal *reveal = arena_alloc(r->arena, sizeof(*reveal));
    struct pg_params params;

    if (!request_query_ok(r) || !request_parse_body(r) || !request_param_number(r, &reveal->number))
        return;
    if (!json_decode(json_root(r->body), reveal_fields, ARRAY_LEN(reveal_fields), &reveal->order,
                     r->arena, &r->faults)) {
        request_reply_faults(r);
        return;
    }
    r->state = reveal;
    ticket_record_params(&params, r->arena, &reveal->number, 1, 0);
    request_submit(r, r->d->work_pool, &SQL_TICKET_LOAD, &params, DAEMON_READ_TIMEOUT_US,
                   on_loaded);
}
