/*
 * wechat_admin.c - accounts of WeChat's door: /v1/admin/wechat.
 *
 * Token and EncodingAESKey are shown once, in the answer that made or changed them. A new one
 * stands beside the one before until that is retired, so that nothing is refused while the console
 * is being changed.
 */
#include <string.h>

#include "base/base64.h"
#include "base/civil.h"
#include "daemon/account_names.h"
#include "daemon/pii.h"
#include "daemon/wechat_private.h"
#include "proto/wechat_crypto.h"
#include "proto/wechat_json.h"
#include "sql_catalogue.h"

struct body {
    const char *account, *app_id, *category, *token, *aes_key;
    int kind, mode, language; /* -1 = as it was */
    int64_t gather_seconds;   /* 0 = as it was */
    const struct json_value *menu, *template;
    bool rotate, retire, disabled, has_disabled;
};

static const char *const kind_names[] = {"official", "wecom", NULL};
static const char *const language_names[] = {"zh", "en", NULL};

#define TEXT_FIELD(name_, min_, max_)                                                              \
    {                                                                                              \
        .name = #name_, .type = FIELD_STRING, .offset = offsetof(struct body, name_),              \
        .min = (min_), .max = (max_)                                                               \
    }
#define WORD_FIELD(name_, names_)                                                                  \
    {                                                                                              \
        .name = #name_, .type = FIELD_ENUM, .offset = offsetof(struct body, name_),                \
        .names = (names_)                                                                          \
    }
#define COMMON_FIELDS                                                                              \
    TEXT_FIELD(app_id, 1, 64), TEXT_FIELD(category, 1, 64), TEXT_FIELD(token, 3, 32),              \
        TEXT_FIELD(aes_key, WECHAT_AES_KEY_LENGTH, WECHAT_AES_KEY_LENGTH),                         \
        WORD_FIELD(mode, wechat_mode_names), WORD_FIELD(language, language_names),                 \
        {.name = "gather_seconds",                                                                 \
         .type = FIELD_INT,                                                                        \
         .offset = offsetof(struct body, gather_seconds),                                          \
         .min = 60,                                                                                \
         .max = 86400},                                                                            \
        {.name = "menu", .type = FIELD_VALUE, .offset = offsetof(struct body, menu)},              \
    {                                                                                              \
        .name = "template", .type = FIELD_VALUE, .offset = offsetof(struct body, template)         \
    }

static const struct field create_fields[] = {TEXT_FIELD(account, 1, WECHAT_NAME_MAX),
                                             WORD_FIELD(kind, kind_names), COMMON_FIELDS};
static const struct field change_fields[] = {
    COMMON_FIELDS,
    {.name = "rotate", .type = FIELD_BOOL, .offset = offsetof(struct body, rotate)},
    {.name = "retire", .type = FIELD_BOOL, .offset = offsetof(struct body, retire)},
    {.name = "disabled",
     .type = FIELD_BOOL,
     .offset = offsetof(struct body, disabled),
     .present_offset = offsetof(struct body, has_disabled) + 1},
};

struct put {
    struct body body;
    const char *name, *menu, *template;
    bool is_new;
};

/* ---- list
 * -------------------------------------------------------------------------------------------- */

static void write_account(struct json_writer *w, const struct wechat_account *a, int offset_min)
{
    jw_object(w, NULL);
    jw_string(w, "account", a->name);
    jw_string(w, "app_id", a->app_id);
    jw_string(w, "kind", kind_names[a->is_wecom]);
    jw_string(w, "mode", wechat_mode_names[a->mode]);
    jw_string(w, "category", a->category);
    jw_string(w, "language", language_names[a->talk.is_english]);
    jw_int(w, "gather_seconds", a->talk.gather_us / US_PER_SECOND);
    wechat_json_write_menu(w, "menu", a->talk.menu, a->talk.menu_count);
    if (a->template.id)
        wechat_template_write(w, "template", &a->template);
    else
        jw_null(w, "template");
    jw_int(w, "tokens", (int64_t)a->token_count);
    jw_int(w, "aes_keys", (int64_t)a->key_count);
    jw_bool(w, "disabled", a->is_disabled);
    jw_instant(w, "changed_at", a->changed_us, offset_min);
    jw_object_end(w);
}

void admin_wechat_get(struct request *r)
{
    const struct wechat_accounts *accounts = r->d->wechat->accounts;
    int offset = r->d->city ? city_offset_min(r->d->city) : CIVIL_OFFSET_SHANGHAI_MIN;
    struct json_writer w;
    struct sbuf out;

    if (!request_query_ok(r))
        return;
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (size_t i = 0; i < accounts->count; i++)
        write_account(&w, accounts->list[i], offset);
    jw_array_end(&w);
    jw_null(&w, "next");
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

/* ---- create and change
 * --------------------------------------------------------------------------------- */

static void on_loaded(struct request *r, const struct pg_result *res)
{
    const struct put *put = r->state;
    struct json_writer w;
    struct sbuf out;

    wechat_take(r->d->wechat, r->asked, res);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "account", put->name);
    jw_string(&w, "path", arena_printf(r->arena, "/v1/wechat/%s", put->name));
    if (put->body.token)
        jw_string(&w, "token", put->body.token);
    if (put->body.aes_key)
        jw_string(&w, "aes_key", put->body.aes_key);
    jw_object_end(&w);
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
    r->asked = wechat_ask(r->d->wechat);
    request_submit(r, r->d->work_pool, &SQL_WECHAT_ACCOUNT_LOAD, &none, DAEMON_READ_TIMEOUT_US,
                   on_loaded);
}

static void param_sealed(struct pg_params *p, const struct request *r, const char *aad,
                         const char *text)
{
    size_t len;
    const uint8_t *sealed = pii_seal(r->d, aad, text, r->arena, &len);

    pg_param_bytea(p, sealed, len);
}

static const char *word_or_null(const char *const *names, int index)
{
    return index < 0 ? NULL : names[index];
}

static void store(struct request *r, const struct put *put)
{
    const struct body *b = &put->body;
    struct pg_params p;

    pg_params_init(&p, r->arena);
    pg_param_text(&p, put->name);
    pg_param_bool(&p, put->is_new);
    pg_param_text(&p, b->app_id);
    pg_param_text(&p, word_or_null(kind_names, b->kind));
    pg_param_text(&p, word_or_null(wechat_mode_names, b->mode));
    pg_param_text(&p, b->category);
    pg_param_text(&p, word_or_null(language_names, b->language));
    if (b->gather_seconds)
        pg_param_int(&p, b->gather_seconds);
    else
        pg_param_null(&p);
    pg_param_text(&p, put->menu);
    param_sealed(&p, r, WECHAT_TOKEN_AAD, b->token);
    param_sealed(&p, r, WECHAT_KEY_AAD, b->aes_key);
    pg_param_bool(&p, b->retire);
    if (b->has_disabled)
        pg_param_bool(&p, b->disabled);
    else
        pg_param_null(&p);
    pg_param_instant(&p, r->now_us);
    pg_param_text(&p, r->account->name);
    pg_param_text(&p, http_request_peer(r->http));
    pg_param_text(&p, put->template);
    request_submit(r, r->d->work_pool, &SQL_WECHAT_ACCOUNT_PUT, &p, DAEMON_WRITE_TIMEOUT_US,
                   on_put);
}

static bool is_letters_and_digits(const char *text)
{
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
           strlen(text);
}

static void check_template(struct request *r, struct put *put)
{
    struct wechat_template template;
    struct json_writer w;
    struct sbuf out;

    if (!put->body.template ||
        !wechat_template_read(put->body.template, "template", r->arena, &template, &r->faults))
        return;
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    wechat_template_write(&w, NULL, &template);
    put->template = arena_strdup(r->arena, out.data);
    sbuf_free(&out);
}

static void check(struct request *r, struct put *put)
{
    const struct body *b = &put->body;
    const struct talk_menu_entry *menu;
    uint8_t key[CRYPTO_KEY_SIZE];
    size_t count;

    if (b->token && !is_letters_and_digits(b->token))
        faults_add(&r->faults, "token", "format");
    if (b->aes_key && !wechat_key_decode(b->aes_key, key))
        faults_add(&r->faults, "aes_key", "format");
    if (b->category && city_find_category(r->d->city, b->category) < 0)
        faults_add(&r->faults, "category", "not_found");
    if (!wechat_json_read_menu(b->menu, "menu", r->arena, &menu, &count, &r->faults))
        return;
    for (size_t i = 0; i < count; i++) {
        if (menu[i].category && city_find_category(r->d->city, menu[i].category) < 0)
            faults_add(&r->faults, arena_printf(r->arena, "menu[%zu].category", i), "not_found");
    }
    if (b->menu) {
        struct json_writer w;
        struct sbuf out;
        sbuf_init(&out, 0);
        jw_init(&w, &out);
        wechat_json_write_menu(&w, NULL, menu, count);
        put->menu = arena_strdup(r->arena, out.data);
        sbuf_free(&out);
    }
}

static const char *new_token(struct arena *arena)
{
    char token[CRYPTO_TOKEN_SIZE];

    crypto_token(token);
    return arena_strdup(arena, token);
}

/* 43 letters and digits: bytes whose base64 has others are drawn again. */
static const char *new_key(struct arena *arena)
{
    uint8_t bytes[CRYPTO_KEY_SIZE];
    char text[BASE64_LENGTH(CRYPTO_KEY_SIZE) + 1];

    do {
        crypto_random(bytes, sizeof(bytes));
        base64_encode(bytes, sizeof(bytes), text);
        text[WECHAT_AES_KEY_LENGTH] = '\0';
    } while (!is_letters_and_digits(text));
    return arena_strdup(arena, text);
}

/* NULL: answered. */
static struct put *read_body(struct request *r, const struct field *fields, size_t count)
{
    struct put *put = arena_alloc(r->arena, sizeof(*put));

    put->body.kind = put->body.mode = put->body.language = -1;
    if (!request_query_ok(r) || !request_parse_body(r))
        return NULL;
    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return NULL;
    }
    if (json_decode(json_root(r->body), fields, count, &put->body, r->arena, &r->faults)) {
        check(r, put);
        check_template(r, put);
    }
    r->state = put;
    return put;
}

void admin_wechat_post(struct request *r)
{
    struct put *put = read_body(r, create_fields, ARRAY_LEN(create_fields));

    if (!put)
        return;
    struct body *b = &put->body;
    if (!b->account)
        faults_add(&r->faults, "account", "required");
    else if (!account_name_valid(b->account) || strchr(b->account, '@'))
        faults_add(&r->faults, "account", "format");
    if (!b->app_id)
        faults_add(&r->faults, "app_id", "required");
    if (!b->category)
        faults_add(&r->faults, "category", "required");
    if (r->faults.count) {
        request_reply_faults(r);
        return;
    }
    put->is_new = true;
    put->name = b->account;
    b->kind = b->kind < 0 ? 0 : b->kind;
    b->mode = b->mode < 0 ? WECHAT_SAFE : b->mode;
    b->language = b->language < 0 ? 0 : b->language;
    b->gather_seconds = b->gather_seconds ? b->gather_seconds : 600;
    b->token = b->token ? b->token : new_token(r->arena);
    b->aes_key = b->aes_key ? b->aes_key : new_key(r->arena);
    store(r, put);
}

void admin_wechat_change_post(struct request *r)
{
    struct put *put = read_body(r, change_fields, ARRAY_LEN(change_fields));

    if (!put)
        return;
    if (put->body.retire && (put->body.rotate || put->body.token || put->body.aes_key))
        faults_add(&r->faults, "retire", "not_allowed"); /* the one before is still needed */
    if (r->faults.count) {
        request_reply_faults(r);
        return;
    }
    put->name = r->param[0];
    if (put->body.rotate && !put->body.token)
        put->body.token = new_token(r->arena);
    if (put->body.rotate && !put->body.aes_key)
        put->body.aes_key = new_key(r->arena);
    store(r, put);
}
