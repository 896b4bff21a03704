/*
 * wechat_outbox.c - what needs an access_token: a bridge takes it, sends it to WeChat and reports.
 */
#include <string.h>

#include "base/civil.h"
#include "daemon/bridge.h"
#include "daemon/pii.h"
#include "daemon/wechat_private.h"
#include "sql_catalogue.h"

#define RETRY_US (60 * US_PER_SECOND)
/* Three hours of retries at the usual pace; what a bridge dies of is not handed out for ever. */
#define ATTEMPTS_MOST 200

/* ---- what goes in
 * ------------------------------------------------------------------------------------- */

static const uint8_t *seal_object(const struct daemon *d, const char *const members[][2],
                                  size_t count, struct arena *arena, size_t *len_r)
{
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    for (size_t i = 0; i < count; i++)
        jw_string(&w, members[i][0], members[i][1]);
    jw_object_end(&w);
    const uint8_t *sealed = pii_seal(d, WECHAT_OUTBOX_AAD, out.data, arena, len_r);
    sbuf_free(&out);
    return sealed;
}

const uint8_t *wechat_outbox_text(const struct daemon *d, const char *text, struct arena *arena,
                                  size_t *len_r)
{
    const char *const members[][2] = {{"text", text}};

    return seal_object(d, members, ARRAY_LEN(members), arena, len_r);
}

const uint8_t *wechat_outbox_template(const struct daemon *d, const struct wechat_account *account,
                                      const struct talk_ticket *ticket, struct arena *arena,
                                      size_t *len_r)
{
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    wechat_template_fill(&w, NULL, &account->template, &account->talk, ticket, arena);
    const uint8_t *sealed = pii_seal(d, WECHAT_OUTBOX_AAD, out.data, arena, len_r);
    sbuf_free(&out);
    return sealed;
}

const uint8_t *wechat_outbox_media(const struct daemon *d, const char *media, const char *type,
                                   struct arena *arena, size_t *len_r)
{
    const char *const members[][2] = {{"media_id", media}, {"type", type}};

    return seal_object(d, members, ARRAY_LEN(members), arena, len_r);
}

/* ---- claim
 * -------------------------------------------------------------------------------------------- */

static bool has_account(struct request *r)
{
    if (wechat_account_find(r->d->wechat->accounts, r->param[0]))
        return true;
    request_problem(r, PROBLEM_NOT_FOUND, NULL);
    return false;
}

static void write_item(struct request *r, struct json_writer *w, const struct pg_result *res,
                       int row)
{
    int offset = r->d->city ? city_offset_min(r->d->city) : CIVIL_OFFSET_SHANGHAI_MIN;
    size_t len;
    const uint8_t *sealed = pg_result_bytea(res, row, 2, r->arena, &len);
    const char *payload = pii_open(r->d, WECHAT_OUTBOX_AAD, sealed, len, r->arena);

    sealed = pg_result_bytea(res, row, 3, r->arena, &len);
    jw_object(w, NULL);
    jw_string(w, "id", pg_result_text(res, row, 0));
    jw_string(w, "kind", pg_result_text(res, row, 1));
    jw_string(w, "to", pii_open(r->d, WECHAT_OPENID_AAD, sealed, len, r->arena));
    jw_raw(w, "payload", payload ? payload : "{}", payload ? strlen(payload) : 2);
    jw_int(w, "attempts", pg_result_int(res, row, 4));
    jw_string(w, "lease", pg_result_text(res, row, 5));
    jw_instant(w, "created_at", pg_result_instant(res, row, 6), offset);
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
        if (strcmp(pg_result_text(res, i, 7), "taken") == 0)
            write_item(r, &w, res, i);
        else
            metric_inc(&wechat_metrics[WECHAT_METRIC_GIVEN_UP]);
    jw_array_end(&w);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

void wechat_outbox_claim_post(struct request *r)
{
    struct bridge_claim claim;
    struct pg_params p;

    if (!bridge_claim_read(r, &claim) || !has_account(r))
        return;
    pg_params_init(&p, r->arena);
    pg_param_text(&p, r->param[0]);
    pg_param_instant(&p, r->now_us);
    pg_param_instant(&p, r->now_us + claim.lease_seconds * US_PER_SECOND);
    pg_param_array(&p, &claim.leases);
    pg_param_int(&p, claim.limit);
    pg_param_int(&p, ATTEMPTS_MOST);
    request_submit(r, r->d->work_pool, &SQL_WECHAT_OUTBOX_CLAIM, &p, DAEMON_WRITE_TIMEOUT_US,
                   on_claimed);
}

/* ---- result
 * ------------------------------------------------------------------------------------------- */

struct media_body {
    const char *url, *sha256, *content_type;
    int64_t bytes;
};
struct result_body {
    struct bridge_report report;
    const char *remote_id;
    struct media_body media;
    bool has_media;
};
static const struct field media_fields[] = {
    {.name = "url",
     .type = FIELD_STRING,
     .offset = offsetof(struct media_body, url),
     .min = 8,
     .max = 2000,
     .flags = FIELD_REQUIRED},
    {.name = "sha256",
     .type = FIELD_STRING,
     .offset = offsetof(struct media_body, sha256),
     .min = 2 * CRYPTO_SHA256_SIZE,
     .max = 2 * CRYPTO_SHA256_SIZE},
    {.name = "bytes",
     .type = FIELD_INT,
     .offset = offsetof(struct media_body, bytes),
     .min = 0,
     .max = INT64_C(1) << 40},
    {.name = "content_type",
     .type = FIELD_STRING,
     .offset = offsetof(struct media_body, content_type),
     .min = 3,
     .max = 100},
};
static const struct field result_fields[] = {
    BRIDGE_REPORT_FIELDS(struct result_body),
    {.name = "remote_id",
     .type = FIELD_STRING,
     .offset = offsetof(struct result_body, remote_id),
     .min = 1,
     .max = 64},
    {.name = "media",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct result_body, media),
     .child = media_fields,
     .child_count = ARRAY_LEN(media_fields),
     .present_offset = offsetof(struct result_body, has_media) + 1},
};

static void on_result(struct request *r, const struct pg_result *res)
{
    bridge_result_reply(r, res, r->param[1]);
}

/* What the field table cannot say; sums in bytes. */
static void check_result(struct request *r, const struct result_body *body,
                         uint8_t lease[BRIDGE_LEASE_BYTES], uint8_t sum[CRYPTO_SHA256_SIZE])
{
    const struct media_body *media = &body->media;

    bridge_report_check(r, &body->report, lease);
    if (!body->has_media)
        return;
    if (body->report.result != BRIDGE_SENT)
        faults_add(&r->faults, "media", "not_allowed");
    if (strncmp(media->url, "https://", 8) != 0 && strncmp(media->url, "http://", 7) != 0)
        faults_add(&r->faults, "media.url", "format");
    if (media->sha256 && !crypto_unhex(media->sha256, strlen(media->sha256), sum))
        faults_add(&r->faults, "media.sha256", "format");
}

static void param_media(struct pg_params *p, const struct result_body *body, const uint8_t *sum)
{
    const struct media_body *media = &body->media;

    pg_param_text(p, media->url);
    pg_param_bytea(p, media->sha256 ? sum : NULL, media->sha256 ? CRYPTO_SHA256_SIZE : 0);
    if (media->bytes >= 0)
        pg_param_int(p, media->bytes);
    else
        pg_param_null(p);
    pg_param_text(p, media->content_type);
}

void wechat_outbox_result_post(struct request *r)
{
    struct result_body body = {.report.retry_seconds = RETRY_US / US_PER_SECOND, .media.bytes = -1};
    uint8_t lease[BRIDGE_LEASE_BYTES], sum[CRYPTO_SHA256_SIZE];
    struct pg_params p;
    int64_t id;

    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    if (json_decode(json_root(r->body), result_fields, ARRAY_LEN(result_fields), &body, r->arena,
                    &r->faults))
        check_result(r, &body, lease, sum);
    if (r->faults.count) {
        request_reply_faults(r);
        return;
    }
    if (!bridge_id_read(r->param[1], &id)) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    pg_params_init(&p, r->arena);
    pg_param_text(&p, r->param[0]);
    pg_param_int(&p, id);
    pg_param_bytea(&p, lease, sizeof(lease));
    pg_param_text(&p, bridge_result_states[body.report.result]);
    pg_param_text(&p, body.remote_id);
    pg_param_text(&p, body.report.outcome);
    pg_param_instant(&p, r->now_us + body.report.retry_seconds * US_PER_SECOND);
    pg_param_instant(&p, r->now_us);
    param_media(&p, &body, sum);
    request_submit(r, r->d->work_pool, &SQL_WECHAT_OUTBOX_RESULT, &p, DAEMON_WRITE_TIMEOUT_US,
                   on_result);
}
