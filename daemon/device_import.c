/*
 * device_import.c - POST /v1/admin/devices: devices into the registry, up to DEVICES_IMPORT_MAX a
 * call. A key is made for those that bring none and have none; it is shown in the answer, once.
 */
#include <string.h>

#include "base/map.h"
#include "daemon/devices.h"
#include "daemon/pii.h"
#include "proto/device_json.h"
#include "sql_catalogue.h"

#define KEY_BYTES 32

struct fresh {
    const char *id, *name, *region, *address, *person, *phone, *notes, *key;
    const struct json_value *guardians;
    const char *sealed_guardians; /* JSON text, before it is sealed */
    bool is_made;                 /* the key is ours */
};

struct guardian {
    const char *name, *phone, *relation;
};

struct import {
    size_t count;
    struct fresh *list;
    struct map *by_id;
};

#define TEXT_FIELD(struct_, name_, min_, max_, flags_)                                             \
    {                                                                                              \
        .name = #name_, .type = FIELD_STRING, .offset = offsetof(struct struct_, name_),           \
        .min = (min_), .max = (max_), .flags = (flags_)                                            \
    }
static const struct field device_fields[] = {
    TEXT_FIELD(fresh, id, 1, DEVICE_ID_MAX, FIELD_REQUIRED),
    TEXT_FIELD(fresh, name, 1, 60, 0),
    TEXT_FIELD(fresh, region, 12, 20, FIELD_REQUIRED),
    TEXT_FIELD(fresh, address, 0, 200, 0),
    TEXT_FIELD(fresh, person, 1, 60, 0),
    TEXT_FIELD(fresh, phone, 3, 30, 0),
    TEXT_FIELD(fresh, notes, 1, 500, FIELD_MULTILINE),
    TEXT_FIELD(fresh, key, 16, DEVICE_SECRET_MAX, 0),
    {.name = "guardians", .type = FIELD_VALUE, .offset = offsetof(struct fresh, guardians)},
};
static const struct field guardian_fields[] = {
    TEXT_FIELD(guardian, name, 1, 60, FIELD_REQUIRED),
    TEXT_FIELD(guardian, phone, 3, 30, FIELD_REQUIRED),
    TEXT_FIELD(guardian, relation, 1, 30, 0),
};
#define GUARDIANS_MAX 10

static void fault_at(struct request *r, size_t index, const char *field, const char *reason)
{
    faults_add(&r->faults,
               arena_printf(r->arena, "devices[%zu]%s%s", index, *field ? "." : "", field), reason);
}

static bool decode_into(struct request *r, const struct json_value *v, const struct field *fields,
                        size_t count, void *out, size_t index, const char *prefix)
{
    struct faults faults;

    faults_init(&faults, r->arena);
    if (json_decode(v, fields, count, out, r->arena, &faults))
        return true;
    for (size_t i = 0; i < faults.count; i++)
        fault_at(r, index, arena_printf(r->arena, "%s%s", prefix, faults.list[i].field),
                 faults.list[i].reason);
    return false;
}

static void check_guardians(struct request *r, struct fresh *fresh, size_t index)
{
    struct sbuf text;
    size_t count = json_array_length(fresh->guardians);

    if (json_type(fresh->guardians) == JSON_NULL)
        return;
    if (json_type(fresh->guardians) != JSON_ARRAY || count > GUARDIANS_MAX) {
        fault_at(r, index, "guardians",
                 json_type(fresh->guardians) == JSON_ARRAY ? "range" : "wrong_type");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct guardian guardian = {NULL, NULL, NULL};
        char phone[PHONE_SIZE];
        const char *prefix = arena_printf(r->arena, "guardians[%zu].", i);
        if (decode_into(r, json_at(fresh->guardians, i), guardian_fields,
                        ARRAY_LEN(guardian_fields), &guardian, index, prefix) &&
            !phone_normalise(guardian.phone, phone))
            fault_at(r, index, arena_printf(r->arena, "%sphone", prefix), "format");
    }
    sbuf_init(&text, 0);
    json_write_value(&text, fresh->guardians);
    fresh->sealed_guardians = arena_strdup(r->arena, text.data);
    sbuf_free(&text);
}

static bool key_ok(const char *key)
{
    for (; *key; key++) {
        if (*key < 0x21 || *key > 0x7e)
            return false;
    }
    return true;
}

static void decode_device(struct request *r, const struct json_value *v, size_t index,
                          struct import *import)
{
    struct fresh *fresh = &import->list[index];
    char phone[PHONE_SIZE];

    if (!decode_into(r, v, device_fields, ARRAY_LEN(device_fields), fresh, index, ""))
        return;
    if (!device_id_valid(fresh->id, strlen(fresh->id)))
        fault_at(r, index, "id", "format");
    else if (map_puts(import->by_id, fresh->id, fresh))
        fault_at(r, index, "id", "duplicate");
    if (!r->d->city || city_find_region(r->d->city, fresh->region) < 0)
        fault_at(r, index, "region", "not_found");
    if (fresh->phone && !phone_normalise(fresh->phone, phone))
        fault_at(r, index, "phone", "format");
    if (fresh->key && !key_ok(fresh->key))
        fault_at(r, index, "key", "format");
    check_guardians(r, fresh, index);
}

/* ---- storing -----------------------------------------------------------------------------------
 */

static void add_sealed(struct request *r, struct pg_array *a, const char *aad, const char *text)
{
    size_t len = 0;
    const uint8_t *sealed = pii_seal(r->d, aad, text, r->arena, &len);
    pg_array_bytea(a, sealed, len);
}

static void make_key(struct request *r, struct fresh *fresh)
{
    uint8_t bytes[KEY_BYTES];
    char *hex = arena_alloc(r->arena, 2 * KEY_BYTES + 1);

    if (fresh->key)
        return;
    crypto_random(bytes, sizeof(bytes));
    crypto_hex(bytes, sizeof(bytes), hex);
    fresh->key = hex;
    fresh->is_made = true;
}

static void add_phone(struct request *r, const struct fresh *fresh, struct pg_array *phones,
                      struct pg_array *indexes)
{
    char phone[PHONE_SIZE];
    uint8_t *index = arena_alloc(r->arena, CRYPTO_SHA256_SIZE);

    if (!fresh->phone || !phone_normalise(fresh->phone, phone)) {
        pg_array_null(phones);
        pg_array_null(indexes);
        return;
    }
    pii_phone_index(r->d, phone, index);
    add_sealed(r, phones, "device.phone", phone);
    pg_array_bytea(indexes, index, CRYPTO_SHA256_SIZE);
}

enum {
    A_ID,
    A_NAME,
    A_REGION,
    A_ADDRESS,
    A_PERSON,
    A_PHONE,
    A_INDEX,
    A_GUARDIANS,
    A_NOTES,
    A_KEY,
    A_COUNT
};

static void import_params(struct request *r, struct import *import, struct pg_params *params)
{
    struct pg_array a[A_COUNT];

    for (size_t i = 0; i < A_COUNT; i++)
        pg_array_init(&a[i], r->arena);
    for (size_t i = 0; i < import->count; i++) {
        struct fresh *fresh = &import->list[i];
        make_key(r, fresh);
        pg_array_text(&a[A_ID], fresh->id);
        pg_array_text(&a[A_NAME], fresh->name ? fresh->name : fresh->id);
        pg_array_text(&a[A_REGION], fresh->region);
        pg_array_text(&a[A_ADDRESS], fresh->address ? fresh->address : "");
        add_sealed(r, &a[A_PERSON], "device.person", fresh->person);
        add_phone(r, fresh, &a[A_PHONE], &a[A_INDEX]);
        add_sealed(r, &a[A_GUARDIANS], "device.guardians", fresh->sealed_guardians);
        add_sealed(r, &a[A_NOTES], "device.notes", fresh->notes);
        add_sealed(r, &a[A_KEY], "device.key", fresh->key);
    }
    pg_params_init(params, r->arena);
    for (size_t i = 0; i < A_COUNT; i++)
        pg_param_array(params, &a[i]);
    pg_param_instant(params, r->now_us);
    pg_param_text(params, r->account->name);
    pg_param_text(params, http_request_peer(r->http));
}

/* A device that had a key keeps it: the one in the order is not its key then, and is not shown. */
static void on_imported(struct request *r, const struct pg_result *res)
{
    const struct import *import = r->state;
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (int row = 0; row < pg_result_rows(res); row++) {
        const char *id = pg_result_text(res, row, 0);
        bool has_key = pg_result_bool(res, row, 2);
        for (size_t i = 0; i < import->count; i++) {
            const struct fresh *fresh = &import->list[i];
            if (strcmp(fresh->id, id) != 0)
                continue;
            jw_object(&w, NULL);
            jw_string(&w, "id", id);
            jw_bool(&w, "new", pg_result_bool(res, row, 1));
            if (fresh->is_made && !has_key)
                jw_string(&w, "key", fresh->key);
            jw_object_end(&w);
            break;
        }
    }
    jw_array_end(&w);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

/* NULL: answered. */
static struct import *decode_import(struct request *r)
{
    struct body {
        const struct json_value *devices;
    } body = {NULL};
    static const struct field fields[] = {
        {.name = "devices", .type = FIELD_VALUE, .flags = FIELD_REQUIRED},
    };
    struct import *import = arena_alloc(r->arena, sizeof(*import));

    if (!request_query_ok(r) || !request_parse_body(r))
        return NULL;
    if (json_decode(json_root(r->body), fields, ARRAY_LEN(fields), &body, r->arena, &r->faults)) {
        import->count = json_array_length(body.devices);
        if (json_type(body.devices) != JSON_ARRAY)
            faults_add(&r->faults, "devices", "wrong_type");
        else if (import->count < 1 || import->count > DEVICES_IMPORT_MAX)
            faults_add(&r->faults, "devices", "range");
    }
    if (r->faults.count == 0) {
        import->list = arena_alloc(r->arena, import->count * sizeof(*import->list));
        import->by_id = map_new();
        for (size_t i = 0; i < import->count; i++)
            decode_device(r, json_at(body.devices, i), i, import);
        map_free(&import->by_id);
    }
    if (r->faults.count == 0)
        return import;
    request_reply_faults(r);
    return NULL;
}

void devices_import_post(struct request *r)
{
    struct import *import = decode_import(r);
    struct pg_params params;

    if (!import)
        return;
    import_params(r, import, &params);
    r->state = import;
    request_submit(r, r->d->bulk_pool, &SQL_DEVICE_IMPORT, &params, DAEMON_WRITE_TIMEOUT_US,
                   on_imported);
}
