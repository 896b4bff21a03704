/*
 * device_notice.c - notices to guardians 监护人 of emergencies that nobody acted on (DOMAIN 6): a
 * bridge takes them, calls or writes, and reports. The rows are made with the step that they belong
 * to (device_alert.sql), once for a matter.
 */
#include <string.h>

#include "base/civil.h"
#include "daemon/devices.h"
#include "daemon/pii.h"
#include "daemon/push.h"
#include "hotline/ticket_number.h"
#include "sql_catalogue.h"

#define CLAIM_MAX 100
#define LEASE_BYTES 16
#define RETRY_SECONDS 30

/* ---- claim -------------------------------------------------------------------------------------
 */

enum { ID, DEVICE, NAME, ADDRESS, KEY, NUMBER, AT, GUARDIANS, ATTEMPTS, LEASE };

static void write_item(struct request *r, struct json_writer *w, const struct pg_result *res,
                       int row)
{
    int offset = r->d->city ? city_offset_min(r->d->city) : CIVIL_OFFSET_SHANGHAI_MIN;
    char number[TICKET_NUMBER_SIZE];
    size_t len = 0;
    const uint8_t *sealed = pg_result_bytea(res, row, GUARDIANS, r->arena, &len);
    const char *guardians = pii_open(r->d, "device.guardians", sealed, len, r->arena);

    ticket_number_format(pg_result_int(res, row, NUMBER), number);
    jw_object(w, NULL);
    jw_string(w, "id", pg_result_text(res, row, ID));
    jw_string(w, "device", pg_result_text(res, row, DEVICE));
    jw_string(w, "name", pg_result_text(res, row, NAME));
    jw_string(w, "address", pg_result_text(res, row, ADDRESS));
    jw_string(w, "key", pg_result_text(res, row, KEY));
    jw_string(w, "number", number);
    jw_instant(w, "at", pg_result_int(res, row, AT), offset);
    jw_raw(w, "guardians", guardians ? guardians : "[]", guardians ? strlen(guardians) : 2);
    jw_int(w, "attempts", pg_result_int(res, row, ATTEMPTS));
    jw_string(w, "lease", pg_result_text(res, row, LEASE));
    jw_object_end(w);
}

static void on_claimed(struct request *r, const struct pg_result *res)
{
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (int i = 0; i < pg_result_rows(res); i++)
        write_item(r, &w, res, i);
    jw_array_end(&w);
    jw_object_end(&w);
    http_reply_header(r->http, "Cache-Control", "no-store");
    request_reply(r, 200, &out);
}

void notices_claim_post(struct request *r)
{
    struct body {
        int64_t limit, lease_seconds;
    } body = {20, 60};
    static const struct field fields[] = {
        {.name = "limit",
         .type = FIELD_INT,
         .offset = offsetof(struct body, limit),
         .min = 1,
         .max = CLAIM_MAX},
        {.name = "lease_seconds",
         .type = FIELD_INT,
         .offset = offsetof(struct body, lease_seconds),
         .min = 5,
         .max = 3600},
    };
    struct pg_array leases;
    struct pg_params p;

    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    if (!json_decode(json_root(r->body), fields, ARRAY_LEN(fields), &body, r->arena, &r->faults)) {
        request_reply_faults(r);
        return;
    }
    pg_array_init(&leases, r->arena);
    for (int64_t i = 0; i < body.limit; i++) {
        uint8_t lease[LEASE_BYTES];
        crypto_random(lease, sizeof(lease));
        pg_array_bytea(&leases, lease, sizeof(lease));
    }
    pg_params_init(&p, r->arena);
    pg_param_instant(&p, r->now_us);
    pg_param_instant(&p, r->now_us + body.lease_seconds * US_PER_SECOND);
    pg_param_array(&p, &leases);
    pg_param_int(&p, body.limit);
    pg_param_text(&p, r->account->name);
    pg_param_text(&p, http_request_peer(r->http));
    request_submit(r, r->d->work_pool, &SQL_DEVICE_NOTICE_CLAIM, &p, DAEMON_WRITE_TIMEOUT_US,
                   on_claimed);
}

/* ---- result ------------------------------------------------------------------------------------
 */

static const char *const result_names[] = {"sent", "retry", "failed", NULL};

struct result_body {
    const char *lease, *outcome;
    int result;
    int64_t retry_seconds;
};
static const struct field result_fields[] = {
    {.name = "lease",
     .type = FIELD_STRING,
     .offset = offsetof(struct result_body, lease),
     .min = 2 * LEASE_BYTES,
     .max = 2 * LEASE_BYTES,
     .flags = FIELD_REQUIRED},
    {.name = "result",
     .type = FIELD_ENUM,
     .offset = offsetof(struct result_body, result),
     .names = result_names,
     .flags = FIELD_REQUIRED},
    {.name = "outcome",
     .type = FIELD_STRING,
     .offset = offsetof(struct result_body, outcome),
     .min = 1,
     .max = 500},
    {.name = "retry_seconds",
     .type = FIELD_INT,
     .offset = offsetof(struct result_body, retry_seconds),
     .min = 0,
     .max = 86400},
};

static void on_result(struct request *r, const struct pg_result *res)
{
    struct json_writer w;
    struct sbuf out;

    if (pg_result_rows(res) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    if (!pg_result_bool(res, 0, 1)) {
        request_problem(r, PROBLEM_CONFLICT, "租约已失效 / the lease is not the present one");
        return;
    }
    push_hint(r->d->push);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "id", r->param[0]);
    jw_string(&w, "state", pg_result_text(res, 0, 0));
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static bool read_id(const char *text, int64_t *id_r)
{
    size_t digits = strspn(text, "0123456789");

    *id_r = 0;
    for (size_t i = 0; i < digits && digits <= 18; i++)
        *id_r = *id_r * 10 + (text[i] - '0');
    return digits > 0 && digits <= 18 && !text[digits];
}

void notice_result_post(struct request *r)
{
    static const char *const states[] = {"sent", "queued", "failed"};
    struct result_body body = {.retry_seconds = RETRY_SECONDS};
    uint8_t lease[LEASE_BYTES];
    struct pg_params p;
    int64_t id;

    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    if (json_decode(json_root(r->body), result_fields, ARRAY_LEN(result_fields), &body, r->arena,
                    &r->faults) &&
        !crypto_unhex(body.lease, strlen(body.lease), lease))
        faults_add(&r->faults, "lease", "format");
    if (r->faults.count) {
        request_reply_faults(r);
        return;
    }
    if (!read_id(r->param[0], &id)) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    pg_params_init(&p, r->arena);
    pg_param_int(&p, id);
    pg_param_bytea(&p, lease, sizeof(lease));
    pg_param_text(&p, states[body.result]);
    pg_param_text(&p, body.outcome);
    pg_param_instant(&p, r->now_us + body.retry_seconds * US_PER_SECOND);
    pg_param_instant(&p, r->now_us);
    request_submit(r, r->d->work_pool, &SQL_DEVICE_NOTICE_RESULT, &p, DAEMON_WRITE_TIMEOUT_US,
                   on_result);
}
