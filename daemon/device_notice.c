/*
 * device_notice.c - notices to guardians 监护人 of emergencies that nobody acted on (DOMAIN 6): a
 * bridge takes them, calls or writes, and reports. The rows are made with the step that they belong
 * to (device_alert.sql), once for a matter. A claim fails those that have become useless.
 */
#include <string.h>

#include "base/civil.h"
#include "base/metrics.h"
#include "daemon/bridge.h"
#include "daemon/devices.h"
#include "daemon/pii.h"
#include "hotline/ticket_number.h"
#include "sql_catalogue.h"

#define RETRY_SECONDS 30
/* Who is called about an alarm that is older is frightened and helps nobody: a bridge that was
 * away, or is connected for the first time, starts with what is fresh. */
#define AGE_MOST_US (60 * 60 * US_PER_SECOND)
/* Of a bridge that dies of one item: about what RETRY_SECONDS allow within AGE_MOST_US, with a
 * call's time. */
#define ATTEMPTS_MOST 50
/* Of one claim; a city's backlog is gone after a few. */
#define ENDED_MOST 1000

/* ---- claim -------------------------------------------------------------------------------------
 */

enum { ID, DEVICE, NAME, ADDRESS, KEY, NUMBER, AT, GUARDIANS, ATTEMPTS, LEASE, ENDED };

/* In the order of the columns from ENDED on. */
static struct metric ended[] = {
    {"hotlined_notices_ended_total", "outcome=\"expired\"",
     "Notices to guardians that were ended unsent.", METRIC_COUNTER, 0},
    {"hotlined_notices_ended_total", "outcome=\"answered\"",
     "Notices to guardians that were ended unsent.", METRIC_COUNTER, 0},
    {"hotlined_notices_ended_total", "outcome=\"attempts\"",
     "Notices to guardians that were ended unsent.", METRIC_COUNTER, 0},
};

void notices_register_metrics(void)
{
    metrics_register(ended, ARRAY_LEN(ended));
}

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

    for (size_t i = 0; i < ARRAY_LEN(ended); i++)
        metric_add(&ended[i], pg_result_int(res, 0, ENDED + (int)i));
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (int i = 0; i < pg_result_rows(res) && !pg_result_null(res, i, ID); i++)
        write_item(r, &w, res, i);
    jw_array_end(&w);
    jw_object_end(&w);
    http_reply_header(r->http, "Cache-Control", "no-store");
    request_reply(r, 200, &out);
}

void notices_claim_post(struct request *r)
{
    struct bridge_claim claim;
    struct pg_params p;

    if (!bridge_claim_read(r, &claim))
        return;
    pg_params_init(&p, r->arena);
    pg_param_instant(&p, r->now_us);
    pg_param_instant(&p, r->now_us + claim.lease_seconds * US_PER_SECOND);
    pg_param_array(&p, &claim.leases);
    pg_param_int(&p, claim.limit);
    pg_param_text(&p, r->account->name);
    pg_param_text(&p, http_request_peer(r->http));
    pg_param_instant(&p, r->now_us - AGE_MOST_US);
    pg_param_int(&p, ATTEMPTS_MOST);
    pg_param_int(&p, ENDED_MOST);
    request_submit(r, r->d->work_pool, &SQL_DEVICE_NOTICE_CLAIM, &p, DAEMON_WRITE_TIMEOUT_US,
                   on_claimed);
}

/* ---- result ------------------------------------------------------------------------------------
 */

struct result_body {
    struct bridge_report report;
};
static const struct field result_fields[] = {BRIDGE_REPORT_FIELDS(struct result_body)};

static void on_result(struct request *r, const struct pg_result *res)
{
    bridge_result_reply(r, res, r->param[0]);
}

void notice_result_post(struct request *r)
{
    struct result_body body = {.report.retry_seconds = RETRY_SECONDS};
    uint8_t lease[BRIDGE_LEASE_BYTES];
    struct pg_params p;
    int64_t id;

    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    if (json_decode(json_root(r->body), result_fields, ARRAY_LEN(result_fields), &body, r->arena,
                    &r->faults))
        bridge_report_check(r, &body.report, lease);
    if (r->faults.count) {
        request_reply_faults(r);
        return;
    }
    if (!bridge_id_read(r->param[0], &id)) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    pg_params_init(&p, r->arena);
    pg_param_int(&p, id);
    pg_param_bytea(&p, lease, sizeof(lease));
    pg_param_text(&p, bridge_result_states[body.report.result]);
    pg_param_text(&p, body.report.outcome);
    pg_param_instant(&p, r->now_us + body.report.retry_seconds * US_PER_SECOND);
    pg_param_instant(&p, r->now_us);
    request_submit(r, r->d->work_pool, &SQL_DEVICE_NOTICE_RESULT, &p, DAEMON_WRITE_TIMEOUT_US,
                   on_result);
}
