/*
 * open311_post.c - POST /open311/v2/requests: from a form to an order for the intake.
 *
 * We are synchronous: the answer has the number of a ticket that is stored. A client that sends an
 * Idempotency-Key may ask twice.
 */
#include <string.h>

#include "base/utf8.h"
#include "daemon/intake.h"
#include "daemon/open311.h"
#include "daemon/pii.h"
#include "hotline/ticket_number.h"

#define KEY_MAX 128
#define CONTACT_AAD "open311_request.contact"

struct post {
    struct open311_post form;
    enum open311_format format;
    const struct account *account;
    const char *key;
    struct intake_entry *entry; /* on its way */
};

/* ---- who may -----------------------------------------------------------------------------------
 */

/* The key stands in the form; some clients put it into the query. */
static const struct account *find_account(struct request *r, const struct open311_post *form)
{
    const char *in_query = query_get(&r->query, "api_key");
    const char *key = form->api_key ? form->api_key : in_query;

    if (!key)
        return NULL;
    const struct account *account = auth_find(r->d->auth, arena_printf(r->arena, "Bearer %s", key));
    return authorise(account, ROLE_BIT(WEB), NULL) == AUTHZ_ALLOW ? account : NULL;
}

static const char *read_key(struct request *r)
{
    const char *key = http1_header(http_request_head(r->http), "idempotency-key");
    size_t len = key ? strlen(key) : 0;

    if (!key)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        if (key[i] < 0x21 || key[i] > 0x7e) {
            faults_add(&r->faults, "Idempotency-Key", "format");
            return NULL;
        }
    }
    if (len == 0 || len > KEY_MAX)
        faults_add(&r->faults, "Idempotency-Key", len ? "too_long" : "too_short");
    return arena_printf(r->arena, "open311/%s", key);
}

/* ---- the answer --------------------------------------------------------------------------------
 */

static void reply_receipt(struct request *r, const char *number, const char *code)
{
    const struct post *post = r->state;
    struct sbuf out;

    sbuf_init(&out, 0);
    open311_write_receipt(&out, post->format, number,
                          arena_printf(r->arena, "查询码 / query code: %s", code),
                          post->form.account_id);
    open311_reply(r, post->format, &out);
}

static void reply_stored(struct request *r, const struct intake_entry *e)
{
    char number[TICKET_NUMBER_SIZE];

    ticket_number_format(e->change.after.number, number);
    reply_receipt(r, number, e->query_code);
}

/* The first answer was stored as POST /v1/tickets would have given it. */
static void reply_replay(struct request *r, const char *first_answer)
{
    struct faults faults;

    faults_init(&faults, r->arena);
    struct json_doc *doc = json_parse(first_answer, strlen(first_answer), &faults);
    INVARIANT(doc != NULL);
    const char *number = json_string(json_get(json_root(doc), "number"), NULL);
    const char *code = json_string(json_get(json_root(doc), "query_code"), NULL);
    INVARIANT(number && code);
    number = arena_strdup(r->arena, number);
    code = arena_strdup(r->arena, code);
    json_doc_free(&doc);
    http_reply_header(r->http, "Idempotent-Replay", "true");
    reply_receipt(r, number, code);
}

static void reply_refused(struct request *r, enum intake_end end)
{
    static const enum problem problems[] = {
        [INTAKE_KEY_REUSED] = PROBLEM_KEY_REUSED,   [INTAKE_IN_PROGRESS] = PROBLEM_IN_PROGRESS,
        [INTAKE_REFUSED] = PROBLEM_FORBIDDEN,       [INTAKE_BUSY] = PROBLEM_BUSY,
        [INTAKE_UNAVAILABLE] = PROBLEM_UNAVAILABLE, [INTAKE_BROKEN] = PROBLEM_INTERNAL,
    };

    request_problem(r, problems[end], NULL);
}

static void done(struct intake_entry *e, enum intake_end end, const char *first_answer)
{
    struct request *r = e->ctx;

    r->on_abort = NULL;
    if (end != INTAKE_STORED)
        throttle_give_back(r);
    if (end == INTAKE_STORED)
        reply_stored(r, e);
    else if (end == INTAKE_REPLAY)
        reply_replay(r, first_answer);
    else
        reply_refused(r, end);
}

static void on_abort(struct request *r)
{
    const struct post *post = r->state;

    post->entry->done = NULL; /* the ticket is stored all the same */
}

/* ---- from the form to a draft ------------------------------------------------------------------
 */

static bool is_ascii(const char *text)
{
    for (; text && *text; text++) {
        if ((unsigned char)*text >= 0x80)
            return false;
    }
    return true;
}

/* 张三, but John Smith. */
static const char *full_name(const struct open311_post *form, struct arena *arena)
{
    const char *first = form->first_name, *last = form->last_name;

    if (!first || !last)
        return first ? arena_strdup(arena, first) : last ? arena_strdup(arena, last) : NULL;
    return is_ascii(first) && is_ascii(last) ? arena_printf(arena, "%s %s", first, last)
                                             : arena_printf(arena, "%s%s", last, first);
}

/* What desk and units read: the words, then what a map would show. */
static const char *full_text(const struct open311_post *form, const char *service,
                             struct arena *arena)
{
    struct sbuf text;

    sbuf_init(&text, 0);
    sbuf_adds(&text, form->description ? form->description : service);
    if (form->has_place)
        sbuf_addf(&text, "\n位置 (WGS-84 纬度,经度): %.7g,%.8g", form->lat, form->lon);
    if (form->media_url)
        sbuf_addf(&text, "\n附件: %s", form->media_url);
    const char *copy = arena_strdup(arena, text.data);
    sbuf_free(&text);
    return copy;
}

static void fill_draft(const struct city *city, const struct open311_post *form,
                       struct arena *arena, struct ticket_draft *draft)
{
    const char *service = city_category(city, city_find_category(city, form->service_code))->name;

    *draft = (struct ticket_draft){
        .channel = CHANNEL_OPEN311,
        .kind = (int)form->kind,
        .urgency = URGENCY_NORMAL,
        .category = arena_strdup(arena, form->service_code),
        .region = form->address_id ? arena_strdup(arena, form->address_id) : NULL,
        .address = form->address_string ? arena_strdup(arena, form->address_string) : NULL,
        .title = arena_strdup(arena, service),
        .text = full_text(form, service, arena),
        .name = full_name(form, arena),
        .phone = form->phone ? arena_strdup(arena, form->phone) : NULL,
        .confidential = form->is_confidential,
    };
    draft->has_requester = draft->name || draft->phone;
}

/* {"email", "device_id", "account_id"} sealed, as hex; NULL if there is nothing. */
static const char *seal_contact(const struct daemon *d, const struct open311_post *form,
                                struct arena *arena)
{
    struct json_writer w;
    struct sbuf json;
    size_t len;

    if (!form->email && !form->device_id && !form->account_id)
        return NULL;
    sbuf_init(&json, 0);
    jw_init(&w, &json);
    jw_object(&w, NULL);
    jw_string(&w, "email", form->email);
    jw_string(&w, "device_id", form->device_id);
    jw_string(&w, "account_id", form->account_id);
    jw_object_end(&w);
    const uint8_t *sealed = pii_seal(d, CONTACT_AAD, json.data, arena, &len);
    sbuf_free(&json);
    char *hex = arena_alloc(arena, 2 * len + 1);
    crypto_hex(sealed, len, hex);
    return hex;
}

static const char *write_extra(const struct daemon *d, const struct open311_post *form,
                               struct arena *arena)
{
    struct json_writer w;
    struct sbuf json;

    sbuf_init(&json, 0);
    jw_init(&w, &json);
    jw_object(&w, NULL);
    jw_string(&w, "description", form->description);
    if (form->has_place) {
        jw_double(&w, "lat", form->lat);
        jw_double(&w, "long", form->lon);
    }
    jw_string(&w, "address_id", form->address_id);
    jw_string(&w, "media_url", form->media_url);
    jw_string(&w, "contact", seal_contact(d, form, arena));
    jw_object_end(&w);
    const char *copy = arena_strdup(arena, json.data);
    sbuf_free(&json);
    return copy;
}

/* ---- the order ---------------------------------------------------------------------------------
 */

static void submit(struct request *r, struct post *post)
{
    struct arena *arena = arena_new();
    struct ticket_draft draft;
    enum intake_end refused;
    size_t len;
    const char *body = http_request_body(r->http, &len);

    fill_draft(r->d->city, &post->form, arena, &draft);
    const struct intake_order order = {
        .arena = arena,
        .draft = &draft,
        .role = post->account->role,
        .received_by = post->account->name,
        .key = post->key ? arena_strdup(arena, post->key) : NULL,
        .matter = body,
        .matter_len = len,
        .open311 = write_extra(r->d, &post->form, arena),
        .now_us = r->now_us,
        .done = done,
        .ctx = r,
    };
    r->state = post;
    struct intake_entry *e = intake_submit(r->d, &order, &refused);
    if (!e) {
        throttle_give_back(r);
        reply_refused(r, refused);
        return;
    }
    post->entry = e;
    r->on_abort = on_abort;
}

static bool codes_ok(struct request *r, const struct open311_post *form)
{
    if (open311_find_service(r->d, form->service_code) < 0) {
        open311_not_found(r, "没有此服务 / service_code was not found");
        return false;
    }
    if (!form->address_id || city_find_region(r->d->city, form->address_id) >= 0)
        return true;
    faults_add(&r->faults, "address_id", "not_found");
    request_reply_faults(r);
    return false;
}

void open311_requests_post(struct request *r)
{
    struct post *post = arena_alloc(r->arena, sizeof(*post));
    size_t len;
    const char *body = http_request_body(r->http, &len);
    bool is_read = open311_read_post(body, len, r->arena, &post->form, &r->faults);
    const char *jurisdiction = post->form.jurisdiction_id;

    if (!open311_begin_list(r, &post->format) ||
        (jurisdiction && !open311_jurisdiction_ok(r, jurisdiction)))
        return;
    post->account = find_account(r, &post->form);
    post->key = read_key(r);
    if (post->form.is_form && !post->account)
        request_problem(r, PROBLEM_FORBIDDEN,
                        "缺少 api_key 或无效 / api_key is missing or not a valid one");
    else if (!is_read || r->faults.count)
        request_reply_faults(r);
    else if (codes_ok(r, &post->form) && throttle_take(r, THROTTLE_WEB))
        submit(r, post);
}
