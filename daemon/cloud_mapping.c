/*
 * cloud_mapping.c - /v1/admin/clouds/{account}/mappings and /unmapped: which device and key a
 * cloud's signal is, and which nobody has said anything about.
 */
#include <string.h>

#include "base/civil.h"
#include "base/map.h"
#include "daemon/audit.h"
#include "daemon/cloud.h"
#include "daemon/pii.h"
#include "proto/cloud_json.h"
#include "proto/device_json.h"
#include "sql_catalogue.h"

#define MAPPINGS_MAX 1000 /* of a call, and of a page */
#define UNMAPPED_MAX 500

struct mapping {
    const char *cloud_device, *stream, *value, *device;
    int key; /* index of key_names; -1 = none */
    bool remove;
};
/* In the order of enum device_key; a battery's level is no key of a device. */
static const char *const key_names[] = {"emergency", "fall",        "health",  "service", "family",
                                        "cancel",    "low_battery", "battery", NULL};
_Static_assert(ARRAY_LEN(key_names) == DEVICE_KEY_COUNT + 2, "every key of a device");

#define TEXT_FIELD(name_, max_)                                                                    \
    {                                                                                              \
        .name = #name_, .type = FIELD_STRING, .offset = offsetof(struct mapping, name_),           \
        .max = (max_)                                                                              \
    }
static const struct field mapping_fields[] = {
    TEXT_FIELD(cloud_device, CLOUD_NAME_MAX),
    TEXT_FIELD(stream, CLOUD_NAME_MAX),
    TEXT_FIELD(value, CLOUD_VALUE_MAX),
    TEXT_FIELD(device, DEVICE_ID_MAX),
    {.name = "key",
     .type = FIELD_ENUM,
     .offset = offsetof(struct mapping, key),
     .names = key_names},
    {.name = "remove", .type = FIELD_BOOL, .offset = offsetof(struct mapping, remove)},
};

struct order {
    size_t count;
    struct mapping *list;
};

/* ---- put ---------------------------------------------------------------------------------------
 */

static void fault_at(struct request *r, size_t at, const char *field, const char *reason)
{
    faults_add(&r->faults,
               arena_printf(r->arena, "mappings[%zu]%s%s", at, *field ? "." : "", field), reason);
}

static const char *or_any(const char *text)
{
    return text ? text : "";
}

static void check(struct request *r, struct mapping *m, size_t at, struct map *seen)
{
    bool is_rule = !*m->cloud_device;

    if (is_rule && !*m->stream)
        fault_at(r, at, "cloud_device", "required");
    if (!m->remove && is_rule && m->device)
        fault_at(r, at, "device", "not_allowed"); /* whose device it is, cloud_device tells */
    if (!m->remove && !is_rule && !m->device)
        fault_at(r, at, "device", "required");
    if (m->device && !device_id_valid(m->device, strlen(m->device)))
        fault_at(r, at, "device", "format");
    if (map_puts(seen, arena_printf(r->arena, "%s\n%s\n%s", m->cloud_device, m->stream, m->value),
                 m))
        fault_at(r, at, "", "duplicate");
}

static void decode_one(struct request *r, const struct json_value *v, size_t at, struct mapping *m,
                       struct map *seen)
{
    struct faults faults;

    m->key = -1;
    faults_init(&faults, r->arena);
    if (json_decode(v, mapping_fields, ARRAY_LEN(mapping_fields), m, r->arena, &faults)) {
        m->cloud_device = or_any(m->cloud_device);
        m->stream = or_any(m->stream);
        m->value = or_any(m->value);
        check(r, m, at, seen);
    }
    for (size_t i = 0; i < faults.count; i++)
        fault_at(r, at, faults.list[i].field, faults.list[i].reason);
}

/* NULL: answered. */
static struct order *decode(struct request *r)
{
    struct body {
        const struct json_value *mappings;
    } body = {NULL};
    static const struct field fields[] = {
        {.name = "mappings", .type = FIELD_VALUE, .flags = FIELD_REQUIRED},
    };
    struct order *order = arena_alloc(r->arena, sizeof(*order));

    if (!request_query_ok(r) || !request_parse_body(r))
        return NULL;
    if (json_decode(json_root(r->body), fields, ARRAY_LEN(fields), &body, r->arena, &r->faults)) {
        order->count = json_array_length(body.mappings);
        if (json_type(body.mappings) != JSON_ARRAY)
            faults_add(&r->faults, "mappings", "wrong_type");
        else if (order->count < 1 || order->count > MAPPINGS_MAX)
            faults_add(&r->faults, "mappings", "range");
    }
    if (r->faults.count == 0) {
        struct map *seen = map_new();
        order->list = arena_alloc(r->arena, order->count * sizeof(*order->list));
        for (size_t i = 0; i < order->count; i++)
            decode_one(r, json_at(body.mappings, i), i, &order->list[i], seen);
        map_free(&seen);
    }
    if (r->faults.count == 0)
        return order;
    request_reply_faults(r);
    return NULL;
}

/* missing, put, removed */
static void on_put(struct request *r, const struct pg_result *res)
{
    struct json_writer w;
    struct sbuf out;

    if (!pg_result_null(res, 0, 0)) {
        int64_t place = pg_result_int(res, 0, 0);
        if (place == 0) {
            request_problem(r, PROBLEM_NOT_FOUND, NULL);
            return;
        }
        fault_at(r, (size_t)place - 1, "device", "not_found");
        request_reply_faults(r);
        return;
    }
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_int(&w, "put", pg_result_int(res, 0, 1));
    jw_int(&w, "removed", pg_result_int(res, 0, 2));
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

void admin_cloud_mappings_post(struct request *r)
{
    const struct order *order = decode(r);
    struct pg_array cloud_devices, streams, values, devices, keys, removed;
    struct pg_array *const all[] = {&cloud_devices, &streams, &values, &devices, &keys, &removed};
    struct pg_params p;

    if (!order)
        return;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        pg_array_init(all[i], r->arena);
    for (size_t i = 0; i < order->count; i++) {
        const struct mapping *m = &order->list[i];
        pg_array_text(&cloud_devices, m->cloud_device);
        pg_array_text(&streams, m->stream);
        pg_array_text(&values, m->value);
        pg_array_text(&devices, m->device);
        pg_array_text(&keys, m->key < 0 ? NULL : key_names[m->key]);
        pg_array_bool(&removed, m->remove);
    }
    pg_params_init(&p, r->arena);
    pg_param_text(&p, r->param[0]);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        pg_param_array(&p, all[i]);
    pg_param_instant(&p, r->now_us);
    pg_param_text(&p, r->account->name);
    pg_param_text(&p, http_request_peer(r->http));
    request_submit(r, r->d->bulk_pool, &SQL_CLOUD_MAP_PUT, &p, DAEMON_WRITE_TIMEOUT_US, on_put);
}

/* ---- lists -------------------------------------------------------------------------------------
 */

static bool has_account(struct request *r)
{
    if (cloud_by_name(r->d->clouds, r->param[0]))
        return true;
    request_problem(r, PROBLEM_NOT_FOUND, NULL);
    return false;
}

static const char *text_or_null(const struct pg_result *res, int row, int col)
{
    return pg_result_null(res, row, col) ? NULL : pg_result_text(res, row, col);
}

/* id, cloud_device, stream, value, device, key */
static void on_listed(struct request *r, const struct pg_result *res)
{
    static const char *const names[] = {"cloud_device", "stream", "value", "device", "key"};
    const int64_t *most = r->state;
    int rows = pg_result_rows(res);
    int shown = rows > *most ? (int)*most : rows;
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (int row = 0; row < shown; row++) {
        jw_object(&w, NULL);
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            jw_string(&w, names[i], text_or_null(res, row, (int)i + 1));
        jw_object_end(&w);
    }
    jw_array_end(&w);
    jw_string(&w, "next", rows > shown ? pg_result_text(res, shown - 1, 0) : NULL);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

void admin_cloud_mappings_get(struct request *r)
{
    int64_t *most = arena_alloc(r->arena, sizeof(*most));
    int64_t after = request_query_int(r, "after", 0, 0, INT64_MAX);
    struct pg_params p;

    *most = request_query_int(r, "limit", 100, 1, MAPPINGS_MAX);
    if (!request_query_ok(r) || !has_account(r))
        return;
    r->state = most;
    pg_params_init(&p, r->arena);
    pg_param_text(&p, r->param[0]);
    pg_param_int(&p, after);
    pg_param_int(&p, *most + 1);
    request_submit(r, r->d->report_pool, &SQL_CLOUD_MAP_LIST, &p, DAEMON_READ_TIMEOUT_US,
                   on_listed);
}

/* cloud_device, stream, is_known, count, first_us, last_us, value */
static void write_unmapped(struct request *r, struct json_writer *w, const struct pg_result *res,
                           int row)
{
    int offset = r->d->city ? city_offset_min(r->d->city) : CIVIL_OFFSET_SHANGHAI_MIN;
    size_t len = 0;
    const uint8_t *sealed = pg_result_bytea(res, row, 6, r->arena, &len);

    jw_object(w, NULL);
    jw_string(w, "cloud_device", pg_result_text(res, row, 0));
    jw_string(w, "stream", pg_result_text(res, row, 1));
    jw_bool(w, "known", pg_result_bool(res, row, 2));
    jw_int(w, "count", pg_result_int(res, row, 3));
    jw_instant(w, "first_at", pg_result_int(res, row, 4), offset);
    jw_instant(w, "last_at", pg_result_int(res, row, 5), offset);
    jw_string(w, "value", pii_open(r->d, CLOUD_VALUE_AAD, sealed, len, r->arena));
    jw_object_end(w);
}

static void on_unmapped(struct request *r, const struct pg_result *res)
{
    audit_view(r, "cloud.unmapped", 0, NULL);
    request_reply_rows(r, res, write_unmapped);
}

void admin_cloud_unmapped_get(struct request *r)
{
    int64_t most = request_query_int(r, "limit", 100, 1, UNMAPPED_MAX);
    struct pg_params p;

    if (!request_query_ok(r) || !has_account(r))
        return;
    pg_params_init(&p, r->arena);
    pg_param_text(&p, r->param[0]);
    pg_param_int(&p, most);
    request_submit(r, r->d->report_pool, &SQL_CLOUD_UNMAPPED_LIST, &p, DAEMON_READ_TIMEOUT_US,
                   on_unmapped);
}
