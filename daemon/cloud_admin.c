/*
 * cloud_admin.c - /v1/admin/clouds: accounts of operators' clouds.
 *
 * Tokens, AES keys and secret paths are shown once, in the answer that made them. A new one stands
 * beside the one before until that is retired, so that nothing is refused while the cloud's console
 * is being changed.
 */
#include <string.h>

#include "base/civil.h"
#include "daemon/account_names.h"
#include "daemon/cloud.h"
#include "daemon/pii.h"
#include "net/net_address.h"
#include "proto/onenet.h"
#include "sql_catalogue.h"

#define TOKEN_MIN 8
#define TOKEN_MAX 64
#define ADDRESSES_MAX 64
#define ADDRESS_MAX 60

struct body {
    const char *account, *token, *aes_key;
    int kind;
    struct json_strings addresses;
    bool has_addresses, encrypted, has_encrypted, rotate, retire, disabled, has_disabled;
};

#define FLAG_FIELD(name_)                                                                          \
    {                                                                                              \
        .name = #name_, .type = FIELD_BOOL, .offset = offsetof(struct body, name_)                 \
    }
#define GIVEN_FLAG_FIELD(name_)                                                                    \
    {                                                                                              \
        .name = #name_, .type = FIELD_BOOL, .offset = offsetof(struct body, name_),                \
        .present_offset = offsetof(struct body, has_##name_) + 1                                   \
    }
#define COMMON_FIELDS                                                                              \
    {.name = "token",                                                                              \
     .type = FIELD_STRING,                                                                         \
     .offset = offsetof(struct body, token),                                                       \
     .min = TOKEN_MIN,                                                                             \
     .max = TOKEN_MAX},                                                                            \
        {.name = "aes_key",                                                                        \
         .type = FIELD_STRING,                                                                     \
         .offset = offsetof(struct body, aes_key),                                                 \
         .min = ONENET_KEY_LENGTH,                                                                 \
         .max = ONENET_LONG_KEY_LENGTH},                                                           \
        GIVEN_FLAG_FIELD(encrypted),                                                               \
    {                                                                                              \
        .name = "addresses", .type = FIELD_STRINGS, .offset = offsetof(struct body, addresses),    \
        .max = ADDRESSES_MAX, .item_max = ADDRESS_MAX,                                             \
        .present_offset = offsetof(struct body, has_addresses) + 1                                 \
    }

static const struct field create_fields[] = {
    {.name = "account",
     .type = FIELD_STRING,
     .offset = offsetof(struct body, account),
     .min = 1,
     .max = CLOUD_ACCOUNT_MAX,
     .flags = FIELD_REQUIRED},
    {.name = "kind",
     .type = FIELD_ENUM,
     .offset = offsetof(struct body, kind),
     .names = cloud_kind_names,
     .flags = FIELD_REQUIRED},
    COMMON_FIELDS,
};
static const struct field change_fields[] = {
    COMMON_FIELDS,
    FLAG_FIELD(rotate),
    FLAG_FIELD(retire),
    GIVEN_FLAG_FIELD(disabled),
};

struct put {
    struct body body;
    const char *name;
    enum cloud_kind kind;
    const char *secret; /* of a CTWing path; NULL = as it was */
    bool is_new, is_plain;
};

/* ---- list --------------------------------------------------------------------------------------
 */

enum { ACCOUNT, KIND, ADDRESSES, ENCRYPTED, ROTATING, DISABLED, MAPPINGS, UNMAPPED, CREATED };
enum { CHANGED = 9 };

static void write_account(struct request *r, struct json_writer *w, const struct pg_result *res,
                          int row)
{
    int offset = r->d->city ? city_offset_min(r->d->city) : CIVIL_OFFSET_SHANGHAI_MIN;

    jw_object(w, NULL);
    jw_string(w, "account", pg_result_text(res, row, ACCOUNT));
    jw_string(w, "kind", pg_result_text(res, row, KIND));
    jw_raw(w, "addresses", pg_result_text(res, row, ADDRESSES),
           pg_result_length(res, row, ADDRESSES));
    jw_bool(w, "encrypted", pg_result_bool(res, row, ENCRYPTED));
    jw_bool(w, "rotating", pg_result_bool(res, row, ROTATING));
    jw_bool(w, "disabled", pg_result_bool(res, row, DISABLED));
    jw_int(w, "mappings", pg_result_int(res, row, MAPPINGS));
    jw_int(w, "unmapped", pg_result_int(res, row, UNMAPPED));
    jw_instant(w, "created_at", pg_result_int(res, row, CREATED), offset);
    jw_instant(w, "changed_at", pg_result_int(res, row, CHANGED), offset);
    jw_object_end(w);
}

static void on_listed(struct request *r, const struct pg_result *res)
{
    request_reply_rows(r, res, write_account);
}

void admin_clouds_get(struct request *r)
{
    struct pg_params none;

    if (!request_query_ok(r))
        return;
    pg_params_init(&none, r->arena);
    request_submit(r, r->d->report_pool, &SQL_CLOUD_LIST, &none, DAEMON_READ_TIMEOUT_US, on_listed);
}

/* ---- create and change -------------------------------------------------------------------------
 */

static void on_loaded(struct request *r, const struct pg_result *res)
{
    const struct put *put = r->state;
    struct json_writer w;
    struct sbuf out;

    clouds_take(r->d->clouds, r->asked, res);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "account", put->name);
    jw_string(&w, "kind", cloud_kind_names[put->kind]);
    if (put->kind == CLOUD_ONENET)
        jw_string(&w, "path", arena_printf(r->arena, "/v1/clouds/onenet/%s", put->name));
    else if (put->secret)
        jw_string(&w, "path", arena_printf(r->arena, "/v1/clouds/ctwing/%s", put->secret));
    if (put->body.token)
        jw_string(&w, "token", put->body.token);
    if (put->body.aes_key)
        jw_string(&w, "aes_key", put->body.aes_key);
    jw_object_end(&w);
    http_reply_header(r->http, "Cache-Control", "no-store");
    request_reply(r, put->is_new ? 201 : 200, &out);
}

static void on_put(struct request *r, const struct pg_result *res)
{
    const struct put *put = r->state;
    struct pg_params none;

    if (pg_result_rows(res) == 0 && put->is_new) {
        request_problem(r, PROBLEM_CONFLICT, "账号已存在 / account exists already");
        return;
    }
    if (pg_result_rows(res) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    pg_params_init(&none, r->arena);
    r->asked = clouds_ask(r->d->clouds);
    request_submit(r, r->d->work_pool, &SQL_CLOUD_LOAD, &none, DAEMON_READ_TIMEOUT_US, on_loaded);
}

static void param_sealed(struct pg_params *p, const struct request *r, const char *aad,
                         const char *text)
{
    size_t len;
    const uint8_t *sealed = pii_seal(r->d, aad, text, r->arena, &len);

    pg_param_bytea(p, sealed, len);
}

static void param_secret(struct pg_params *p, const struct request *r, const char *secret)
{
    uint8_t *hash = arena_alloc(r->arena, CRYPTO_SHA256_SIZE);

    if (secret)
        crypto_sha256(secret, strlen(secret), hash);
    pg_param_bytea(p, secret ? hash : NULL, CRYPTO_SHA256_SIZE);
}

static void param_addresses(struct pg_params *p, const struct request *r, const struct body *b)
{
    struct pg_array addresses;

    if (!b->has_addresses) {
        pg_param_null(p);
        return;
    }
    pg_array_init(&addresses, r->arena);
    for (size_t i = 0; i < b->addresses.count; i++)
        pg_array_text(&addresses, b->addresses.list[i]);
    pg_param_array(p, &addresses);
}

static void store(struct request *r, struct put *put)
{
    const struct body *b = &put->body;
    struct pg_params p;

    r->state = put;
    pg_params_init(&p, r->arena);
    pg_param_text(&p, put->name);
    pg_param_bool(&p, put->is_new);
    pg_param_text(&p, cloud_kind_names[put->kind]);
    param_sealed(&p, r, CLOUD_TOKEN_AAD, b->token);
    param_sealed(&p, r, CLOUD_KEY_AAD, b->aes_key);
    param_secret(&p, r, put->secret);
    param_addresses(&p, r, b);
    pg_param_bool(&p, b->retire);
    pg_param_bool(&p, put->is_plain);
    if (b->has_disabled)
        pg_param_bool(&p, b->disabled);
    else
        pg_param_null(&p);
    pg_param_instant(&p, r->now_us);
    pg_param_text(&p, r->account->name);
    pg_param_text(&p, http_request_peer(r->http));
    request_submit(r, r->d->work_pool, &SQL_CLOUD_PUT, &p, DAEMON_WRITE_TIMEOUT_US, on_put);
}

static bool is_letters_and_digits(const char *text)
{
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
           strlen(text);
}

static void check(struct request *r, const struct put *put)
{
    const struct body *b = &put->body;

    if (b->token && !is_letters_and_digits(b->token))
        faults_add(&r->faults, "token", "format");
    if (b->aes_key && !onenet_key_valid(b->aes_key))
        faults_add(&r->faults, "aes_key", "format");
    if (b->aes_key && b->has_encrypted && !b->encrypted)
        faults_add(&r->faults, "aes_key", "not_allowed");
    for (size_t i = 0; i < b->addresses.count; i++) {
        const char *one = b->addresses.list[i];
        if (!*one || strpbrk(one, ", ") || !net_networks_ok(one))
            faults_add(&r->faults, arena_printf(r->arena, "addresses[%zu]", i), "format");
    }
    if (put->kind == CLOUD_ONENET)
        return;
    if (b->token)
        faults_add(&r->faults, "token", "not_allowed");
    if (b->aes_key || b->has_encrypted)
        faults_add(&r->faults, b->aes_key ? "aes_key" : "encrypted", "not_allowed");
    /* It signs nothing: whoever means everybody says so ("0.0.0.0/0", "::/0"). */
    if (b->addresses.count == 0 && (put->is_new || b->has_addresses))
        faults_add(&r->faults, "addresses", b->has_addresses ? "too_short" : "required");
}

static const char *new_hex(struct arena *arena, size_t bytes)
{
    uint8_t random[CRYPTO_TOKEN_BYTES];
    char hex[CRYPTO_TOKEN_SIZE];

    INVARIANT(bytes <= sizeof(random));
    crypto_random(random, bytes);
    crypto_hex(random, bytes, hex);
    return arena_strdup(arena, hex);
}

/* 16 letters and digits, near 93 bits: hex of as many would be 64. */
static const char *new_key(struct arena *arena)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char key[ONENET_KEY_LENGTH + 1] = {0};

    for (size_t i = 0; i < ONENET_KEY_LENGTH;) {
        uint8_t byte;
        crypto_random(&byte, sizeof(byte));
        if ((byte & 63) < sizeof(letters) - 1)
            key[i++] = letters[byte & 63];
    }
    return arena_strdup(arena, key);
}

static void make_secrets(struct request *r, struct put *put, bool is_encrypted)
{
    struct body *b = &put->body;

    if (put->kind == CLOUD_CTWING) {
        put->secret = new_hex(r->arena, CRYPTO_TOKEN_BYTES);
        return;
    }
    b->token = b->token ? b->token : new_hex(r->arena, CRYPTO_TOKEN_BYTES);
    if (is_encrypted && !b->aes_key)
        b->aes_key = new_key(r->arena);
}

/* NULL: answered. */
static struct put *read_body(struct request *r, const struct field *fields, size_t count)
{
    struct put *put = arena_alloc(r->arena, sizeof(*put));

    put->body.kind = CLOUD_ONENET;
    if (!request_query_ok(r) || !request_parse_body(r))
        return NULL;
    if (json_decode(json_root(r->body), fields, count, &put->body, r->arena, &r->faults))
        return put;
    request_reply_faults(r);
    return NULL;
}

void admin_clouds_post(struct request *r)
{
    struct put *put = read_body(r, create_fields, ARRAY_LEN(create_fields));

    if (!put)
        return;
    put->is_new = true;
    put->name = put->body.account;
    put->kind = (enum cloud_kind)put->body.kind;
    if (!account_name_valid(put->name) || strchr(put->name, '@'))
        faults_add(&r->faults, "account", "format");
    check(r, put);
    if (r->faults.count) {
        request_reply_faults(r);
        return;
    }
    make_secrets(r, put, put->body.encrypted);
    store(r, put);
}

void admin_cloud_change_post(struct request *r)
{
    struct put *put = read_body(r, change_fields, ARRAY_LEN(change_fields));
    const struct cloud_account *a = cloud_by_name(r->d->clouds, r->param[0]);

    if (!put)
        return;
    if (!a) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    struct body *b = &put->body;
    put->name = r->param[0];
    put->kind = a->kind;
    put->is_plain = b->has_encrypted && !b->encrypted;
    check(r, put);
    if (b->retire && (b->rotate || b->token || b->aes_key))
        faults_add(&r->faults, "retire", "not_allowed"); /* the one before is still needed */
    if (r->faults.count) {
        request_reply_faults(r);
        return;
    }
    if (b->rotate)
        make_secrets(r, put, !put->is_plain && (a->key_count || b->encrypted));
    else if (b->encrypted && !b->aes_key && !a->key_count)
        b->aes_key = new_key(r->arena);
    store(r, put);
}
