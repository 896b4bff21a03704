/*
 * device_registry.c - the registered devices: who has one, how it is, its keys.
 */
#include <string.h>

#include "daemon/devices.h"
#include "daemon/pii.h"
#include "proto/device_json.h"
#include "sql_catalogue.h"

#define KEY_BYTES 32

enum {
    C_ID,
    C_NAME,
    C_REGION,
    C_ADDRESS,
    C_KEYS,
    C_SEEN,
    C_BATTERY,
    C_SIGNAL,
    C_SILENT,
    C_RETIRED,
    C_PERSON,
    C_PHONE,
    C_GUARDIANS,
    C_NOTES
};

static void write_int(struct json_writer *w, const char *key, const struct pg_result *res, int row,
                      int col)
{
    if (pg_result_null(res, row, col))
        jw_null(w, key);
    else
        jw_int(w, key, pg_result_int(res, row, col));
}

static const char *opened(struct request *r, const struct pg_result *res, int row, int col,
                          const char *aad)
{
    size_t len = 0;
    const uint8_t *sealed = pg_result_bytea(res, row, col, r->arena, &len);
    return pii_open(r->d, aad, sealed, len, r->arena);
}

static void write_masked(struct json_writer *w, const char *key, const char *phone)
{
    char canonical[PHONE_SIZE], masked[PHONE_SIZE];

    if (!phone || !phone_normalise(phone, canonical)) {
        jw_null(w, key);
        return;
    }
    phone_mask(canonical, masked);
    jw_string(w, key, masked);
}

static void write_guardians(struct request *r, struct json_writer *w, const char *text)
{
    struct faults faults;

    faults_init(&faults, r->arena);
    struct json_doc *doc = text ? json_parse(text, strlen(text), &faults) : NULL;
    const struct json_value *list = doc ? json_root(doc) : NULL;
    jw_array(w, "guardians");
    for (size_t i = 0; i < json_array_length(list); i++) {
        const struct json_value *one = json_at(list, i);
        jw_object(w, NULL);
        jw_string(w, "name", json_string(json_get(one, "name"), NULL));
        write_masked(w, "phone", json_string(json_get(one, "phone"), NULL));
        jw_string(w, "relation", json_string(json_get(one, "relation"), NULL));
        jw_object_end(w);
    }
    jw_array_end(w);
    json_doc_free(&doc);
}

static void write_device(struct request *r, struct json_writer *w, const struct pg_result *res,
                         int row)
{
    int offset = r->d->city ? city_offset_min(r->d->city) : 0;

    jw_object(w, NULL);
    jw_string(w, "id", pg_result_text(res, row, C_ID));
    jw_string(w, "name", pg_result_text(res, row, C_NAME));
    jw_string(w, "region", pg_result_text(res, row, C_REGION));
    jw_string(w, "address", pg_result_text(res, row, C_ADDRESS));
    jw_string(w, "person", opened(r, res, row, C_PERSON, "device.person"));
    write_masked(w, "phone", opened(r, res, row, C_PHONE, "device.phone"));
    write_guardians(r, w, opened(r, res, row, C_GUARDIANS, "device.guardians"));
    jw_string(w, "notes", opened(r, res, row, C_NOTES, "device.notes"));
    jw_int(w, "keys", pg_result_int(res, row, C_KEYS));
    jw_instant(w, "last_seen_at", pg_result_int(res, row, C_SEEN), offset);
    write_int(w, "battery", res, row, C_BATTERY);
    write_int(w, "signal", res, row, C_SIGNAL);
    jw_instant(w, "silent_since", pg_result_int(res, row, C_SILENT), offset);
    jw_bool(w, "retired", pg_result_bool(res, row, C_RETIRED));
    jw_object_end(w);
}

static void on_listed(struct request *r, const struct pg_result *res)
{
    const int64_t *most = r->state;
    int rows = pg_result_rows(res);
    bool has_more = rows > *most;
    int shown = has_more ? (int)*most : rows;
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (int row = 0; row < shown; row++)
        write_device(r, &w, res, row);
    jw_array_end(&w);
    jw_string(&w, "next", has_more ? pg_result_text(res, shown - 1, C_ID) : NULL);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

void devices_list_get(struct request *r)
{
    int64_t *most = arena_alloc(r->arena, sizeof(*most));
    struct pg_params params;

    *most = request_query_int(r, "limit", 100, 1, DEVICES_PAGE_MAX);
    const char *after = query_get(&r->query, "after");
    if (after && !device_id_valid(after, strlen(after)))
        faults_add(&r->faults, "after", "format");
    if (!request_query_ok(r))
        return;
    r->state = most;
    pg_params_init(&params, r->arena);
    pg_param_text(&params, after ? after : "");
    pg_param_null(&params);
    pg_param_int(&params, *most + 1);
    request_submit(r, r->d->report_pool, &SQL_DEVICE_LIST, &params, DAEMON_READ_TIMEOUT_US,
                   on_listed);
}

static void on_one(struct request *r, const struct pg_result *res)
{
    struct json_writer w;
    struct sbuf out;

    if (pg_result_rows(res) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    write_device(r, &w, res, 0);
    request_reply(r, 200, &out);
}

void device_get(struct request *r)
{
    struct pg_params params;

    if (!request_query_ok(r))
        return;
    pg_params_init(&params, r->arena);
    pg_param_text(&params, "");
    pg_param_text(&params, r->param[0]);
    pg_param_int(&params, 1);
    request_submit(r, r->d->work_pool, &SQL_DEVICE_LIST, &params, DAEMON_READ_TIMEOUT_US, on_one);
}

/* ---- keys --------------------------------------------------------------------------------------
 */

static void reply_changed(struct request *r, const struct pg_result *res)
{
    const char *key = r->state;
    struct json_writer w;
    struct sbuf out;

    if (pg_result_rows(res) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "id", pg_result_text(res, 0, 0));
    if (key)
        jw_string(&w, "key", key);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static void param_author(struct request *r, struct pg_params *params)
{
    pg_param_instant(params, r->now_us);
    pg_param_text(params, r->account->name);
    pg_param_text(params, http_request_peer(r->http));
}

void device_rotate_post(struct request *r)
{
    struct body {
        bool sudden;
    } body = {false};
    static const struct field fields[] = {{.name = "sudden", .type = FIELD_BOOL}};
    uint8_t bytes[KEY_BYTES];
    char *key = arena_alloc(r->arena, 2 * KEY_BYTES + 1);
    struct pg_params params;
    size_t len;

    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    if (!json_decode(json_root(r->body), fields, ARRAY_LEN(fields), &body, r->arena, &r->faults)) {
        request_reply_faults(r);
        return;
    }
    crypto_random(bytes, sizeof(bytes));
    crypto_hex(bytes, sizeof(bytes), key);
    r->state = key;
    pg_params_init(&params, r->arena);
    pg_param_text(&params, r->param[0]);
    const uint8_t *sealed = pii_seal(r->d, "device.key", key, r->arena, &len);
    pg_param_bytea(&params, sealed, len);
    pg_param_bool(&params, body.sudden);
    param_author(r, &params);
    request_submit(r, r->d->work_pool, &SQL_DEVICE_ROTATE, &params, DAEMON_WRITE_TIMEOUT_US,
                   reply_changed);
}

void device_retire_post(struct request *r)
{
    struct pg_params params;
    char nothing;

    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    if (!json_decode(json_root(r->body), NULL, 0, &nothing, r->arena, &r->faults)) {
        request_reply_faults(r);
        return;
    }
    pg_params_init(&params, r->arena);
    pg_param_text(&params, r->param[0]);
    param_author(r, &params);
    request_submit(r, r->d->work_pool, &SQL_DEVICE_RETIRE, &params, DAEMON_WRITE_TIMEOUT_US,
                   reply_changed);
}
