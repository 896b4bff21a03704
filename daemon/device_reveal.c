/*
 * device_reveal.c - POST /v1/devices/{}/reveal: telephone numbers of whoever has a device, and of
 * those who look after him, as they are (DOMAIN 7).
 *
 * The line in the audit comes first: what is not recorded is not shown.
 */
#include <string.h>

#include "daemon/audit.h"
#include "daemon/devices.h"
#include "daemon/pii.h"
#include "proto/device_json.h"
#include "proto/ticket_json.h"
#include "sql_catalogue.h"

enum { REVEAL_PHONE, REVEAL_GUARDIANS };
static const char *const field_names[] = {"phone", "guardians", NULL};
/* Columns of device_list. */
enum { C_PHONE = 11, C_GUARDIANS };

struct reveal {
    int field;
    const char *reason;
    const char *value;
};
static const struct field reveal_fields[] = {
    {.name = "field",
     .type = FIELD_ENUM,
     .offset = offsetof(struct reveal, field),
     .names = field_names,
     .flags = FIELD_REQUIRED},
    {.name = "reason",
     .type = FIELD_STRING,
     .offset = offsetof(struct reveal, reason),
     .min = 1,
     .max = TICKET_OPINION_MAX,
     .flags = FIELD_REQUIRED | FIELD_MULTILINE},
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
    jw_string(&w, "field", field_names[reveal->field]);
    if (reveal->value && reveal->field == REVEAL_GUARDIANS)
        jw_raw(&w, "value", reveal->value, strlen(reveal->value));
    else
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
    jw_string(&w, "device", r->param[0]);
    jw_string(&w, "field", field_names[reveal->field]);
    jw_string(&w, "reason", reveal->reason);
    jw_object_end(&w);
    audit_first(r, "device.reveal", 0, detail.data, on_recorded);
    sbuf_free(&detail);
}

static void on_loaded(struct request *r, const struct pg_result *res)
{
    static const struct {
        int col;
        const char *aad;
    } columns[] = {{C_PHONE, "device.phone"}, {C_GUARDIANS, "device.guardians"}};
    struct reveal *reveal = r->state;
    size_t len = 0;

    if (pg_result_rows(res) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    const uint8_t *sealed = pg_result_bytea(res, 0, columns[reveal->field].col, r->arena, &len);
    reveal->value = pii_open(r->d, columns[reveal->field].aad, sealed, len, r->arena);
    record(r, reveal);
}

void device_reveal_post(struct request *r)
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
    pg_param_text(&params, "");
    pg_param_text(&params, r->param[0]);
    pg_param_int(&params, 1);
    request_submit(r, r->d->work_pool, &SQL_DEVICE_LIST, &params, DAEMON_READ_TIMEOUT_US,
                   on_loaded);
}
