/*
 * wechat_door.c - GET and POST /v1/wechat/{account}: is it WeChat, what does it say, what is it
 * answered.
 *
 * Plain messages are vouched for by `signature`, which does not cover the body; encrypted ones by
 * `msg_signature` as well; WeCom has only the latter. What does not fit is refused without saying
 * why, counted, and told to the desks.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "daemon/desk_event.h"
#include "daemon/pii.h"
#include "daemon/wechat_private.h"
#include "proto/wechat_crypto.h"
#include "proto/wechat_push.h"
#include "sql_catalogue.h"

const struct request_dialect wechat_dialect = {.prefix = "/v1/wechat/"};

struct push_in {
    struct request *r;
    struct wechat *w;
    struct wechat_accounts *accounts;
    const struct wechat_account *account;
    const char *signature, *msg_signature, *timestamp, *nonce;
    size_t token; /* the one that fitted */
    size_t key;
    bool is_encrypted, is_wecom;
    enum wechat_format envelope, format; /* of the body, of the message in it */
    const char *inner;                   /* the message as it was written */
    size_t inner_len;
    struct wechat_message message;
    struct wechat_run *run;
};

/* ---- answers
 * ------------------------------------------------------------------------------------------ */

static void answer(struct push_in *in, const char *type, struct sbuf *content)
{
    struct request *r = in->r;

    r->on_abort = NULL;
    wechat_accounts_unref(&in->accounts);
    request_reply_content(r, type, content);
}

static void problem(struct push_in *in, enum problem which, const char *detail)
{
    struct request *r = in->r;

    r->on_abort = NULL;
    wechat_accounts_unref(&in->accounts);
    request_problem(r, which, detail);
}

static void refuse(struct push_in *in, const char *reason)
{
    desk_event_refused(in->r->d, "wechat", in->r->param[0], reason);
    problem(in, PROBLEM_FORBIDDEN, NULL);
}

/* Acknowledged, with nothing said. */
static void answer_nothing(struct push_in *in)
{
    struct sbuf out;

    sbuf_init(&out, 0);
    if (!in->is_wecom)
        sbuf_adds(&out, "success");
    answer(in, "text/plain; charset=utf-8", &out);
}

static void encrypt_reply(const struct push_in *in, struct sbuf *out)
{
    const struct wechat_account *a = in->account;
    struct arena *arena = in->r->arena;
    char signature[WECHAT_SIGNATURE_SIZE];
    uint8_t random[WECHAT_RANDOM_SIZE], nonce_bytes[8];
    char nonce[2 * sizeof(nonce_bytes) + 1];

    crypto_random(random, sizeof(random));
    crypto_random(nonce_bytes, sizeof(nonce_bytes));
    crypto_hex(nonce_bytes, sizeof(nonce_bytes), nonce);
    const int64_t now_s = in->r->now_us / US_PER_SECOND;
    const char *cipher =
        wechat_encrypt(a->key[in->key], a->app_id, random, out->data, out->len, arena);
    wechat_sign(a->token[in->token], arena_printf(arena, "%lld", (long long)now_s), nonce, cipher,
                signature);
    sbuf_clear(out);
    wechat_push_write_encrypted(out, in->envelope, cipher, signature, now_s, nonce);
}

static void answer_text(struct push_in *in, const char *text)
{
    const struct wechat_message *m = &in->message;
    struct sbuf out;

    sbuf_init(&out, 0);
    wechat_push_write_text(&out, in->format, m->from_user, m->to_user ? m->to_user : "",
                           in->r->now_us / US_PER_SECOND, text);
    if (in->is_encrypted)
        encrypt_reply(in, &out);
    answer(in, in->envelope == WECHAT_JSON ? "application/json" : "text/xml; charset=utf-8", &out);
}

/* ---- is it WeChat
 * ------------------------------------------------------------------------------------- */

static bool token_fits(struct push_in *in, const char *signature, const char *encrypt)
{
    bool fits = false;

    for (size_t i = 0; i < in->account->token_count; i++) {
        if (!fits && wechat_signature_fits(signature, in->account->token[i], in->timestamp,
                                           in->nonce, encrypt)) {
            in->token = i;
            fits = true;
        }
    }
    return fits;
}

static bool is_in_time(const struct push_in *in)
{
    size_t digits = strspn(in->timestamp, "0123456789");

    if (digits == 0 || digits > 11 || in->timestamp[digits])
        return false;
    int64_t skew = strtoll(in->timestamp, NULL, 10) * US_PER_SECOND - in->r->now_us;
    return skew <= WECHAT_SKEW_US && skew >= -WECHAT_SKEW_US;
}

/* The same nonce may come again with the same message, never with another. */
static bool is_replay(struct push_in *in)
{
    struct arena *arena = in->r->arena;
    const char *id = arena_printf(arena, "%s\n%s\n%s", in->account->name, in->timestamp, in->nonce);
    uint64_t nonce = map_hash(id, strlen(id));
    uint64_t message = map_hash(in->inner, in->inner_len);
    struct wechat_seen *set = in->w->seen[nonce % WECHAT_SEEN_SETS], *oldest = set;

    for (size_t i = 0; i < WECHAT_SEEN_WAYS; i++) {
        bool is_fresh = set[i].at_us > in->r->now_us - 2 * WECHAT_SKEW_US;
        if (set[i].nonce == nonce && is_fresh)
            return set[i].message != message;
        if (set[i].at_us < oldest->at_us)
            oldest = &set[i];
    }
    *oldest = (struct wechat_seen){nonce, message, in->r->now_us};
    return false;
}

static bool decrypt(struct push_in *in, const char *encrypt)
{
    const struct wechat_account *a = in->account;

    for (in->key = 0; in->key < a->key_count; in->key++) {
        in->inner =
            wechat_decrypt(a->key[in->key], a->app_id, encrypt, in->r->arena, &in->inner_len);
        if (in->inner)
            return true;
    }
    return false;
}

/* NULL: answered. */
static struct push_in *begin(struct request *r)
{
    struct push_in *in = arena_alloc(r->arena, sizeof(*in));

    in->r = r;
    in->w = r->d->wechat;
    in->account = wechat_account_find(in->w->accounts, r->param[0]);
    if (!in->account || in->account->is_disabled) {
        metric_inc(&wechat_metrics[WECHAT_METRIC_UNKNOWN]);
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return NULL;
    }
    in->is_wecom = in->account->is_wecom;
    in->accounts = in->w->accounts;
    in->accounts->refs++;
    in->signature = query_get(&r->query, "signature");
    in->msg_signature = query_get(&r->query, "msg_signature");
    in->timestamp = query_get(&r->query, "timestamp");
    in->nonce = query_get(&r->query, "nonce");
    if (!in->timestamp || !in->nonce ||
        (!in->account->is_wecom && !token_fits(in, in->signature, NULL))) {
        refuse(in, "signature");
        return NULL;
    }
    if (is_in_time(in))
        return in;
    refuse(in, "timestamp");
    return NULL;
}

/* ---- verification
 * ------------------------------------------------------------------------------------- */

/* Base64 has no blanks: one is a '+' that nobody escaped. */
static char *with_plus(const char *text, struct arena *arena)
{
    char *copy = arena_strdup(arena, text);

    for (char *c = copy; *c; c++) {
        if (*c == ' ')
            *c = '+';
    }
    return copy;
}

void wechat_get(struct request *r)
{
    const char *echo = query_get(&r->query, "echostr");
    struct push_in *in = begin(r);
    struct sbuf out;

    if (!in)
        return;
    if (!echo) {
        refuse(in, "signature");
        return;
    }
    if (in->account->is_wecom) {
        echo = with_plus(echo, r->arena);
        if (!token_fits(in, in->msg_signature, echo) || !decrypt(in, echo)) {
            refuse(in, "signature");
            return;
        }
        echo = in->inner;
    }
    sbuf_init(&out, 0);
    sbuf_adds(&out, echo);
    http_reply_header(r->http, "X-Content-Type-Options", "nosniff");
    answer(in, "text/plain; charset=utf-8", &out);
}

/* ---- what it says
 * ------------------------------------------------------------------------------------- */

static const struct {
    const char *type;
    enum talk_input_type input;
} message_types[] = {
    {"text", TALK_TEXT},   {"image", TALK_IMAGE},      {"voice", TALK_VOICE},
    {"video", TALK_VIDEO}, {"shortvideo", TALK_VIDEO}, {"location", TALK_LOCATION},
    {"link", TALK_LINK},   {"file", TALK_FILE},
};

static const struct {
    const char *event;
    enum talk_input_type input;
} event_types[] = {
    {"subscribe", TALK_SUBSCRIBE}, {"unsubscribe", TALK_UNSUBSCRIBE},  {"SCAN", TALK_GREETING},
    {"CLICK", TALK_CLICK},         {"scancode_waitmsg", TALK_SCANNED},
};

/* Where somebody is while he has us open, and which of our pages he opens, is not ours to keep. */
static const char *const ignored_events[] = {"LOCATION", "VIEW", "view_miniprogram"};

static bool is_event(const struct wechat_message *m)
{
    return m->type && strcmp(m->type, "event") == 0;
}

static bool is_ignored(const struct wechat_message *m)
{
    for (size_t i = 0; i < ARRAY_LEN(ignored_events); i++) {
        if (m->event && strcasecmp(m->event, ignored_events[i]) == 0)
            return true;
    }
    return false;
}

static enum talk_input_type event_input(const struct wechat_message *m)
{
    for (size_t i = 0; i < ARRAY_LEN(event_types); i++) {
        if (m->event && strcasecmp(m->event, event_types[i].event) == 0)
            return event_types[i].input;
    }
    return TALK_SILENT;
}

static enum talk_input_type message_input(const struct wechat_message *m)
{
    for (size_t i = 0; i < ARRAY_LEN(message_types); i++) {
        if (m->type && strcmp(m->type, message_types[i].type) == 0)
            return message_types[i].input;
    }
    return TALK_OTHER;
}

static const char *first_of(const char *a, const char *b)
{
    return a && *a ? a : b && *b ? b : NULL;
}

static struct talk_input input_of(const struct wechat_message *m)
{
    struct talk_input input = {
        .type = is_event(m) ? event_input(m) : message_input(m),
        .text = first_of(m->content, m->recognition),
        .url = first_of(m->pic_url, m->url),
        .media = first_of(m->media_id, NULL),
        .latitude = m->latitude,
        .longitude = m->longitude,
        .key = m->event_key,
    };

    if (input.type == TALK_LOCATION)
        input.text = m->label;
    else if (input.type == TALK_SCANNED)
        input.text = m->scan_result;
    else if (input.type == TALK_OTHER)
        input.text = m->type;
    else if (!input.text)
        input.text = first_of(m->title, m->description);
    return input;
}

/* MsgId, or what tells an event from others of the same user in the same second. */
static const char *key_of(const struct push_in *in)
{
    const struct wechat_message *m = &in->message;
    struct arena *arena = in->r->arena;
    uint8_t digest[CRYPTO_SHA256_SIZE];
    char hex[2 * CRYPTO_SHA256_SIZE + 1];

    if (m->msg_id && *m->msg_id && strlen(m->msg_id) <= 40)
        return arena_printf(arena, "m:%s", m->msg_id);
    const char *id = arena_printf(arena, "%s\n%s\n%s\n%s\n%s\n%s",
                                  m->create_time ? m->create_time : "", m->type ? m->type : "",
                                  m->event ? m->event : "", m->event_key ? m->event_key : "",
                                  m->content ? m->content : "", m->media_id ? m->media_id : "");
    crypto_sha256(id, strlen(id), digest);
    crypto_hex(digest, sizeof(digest), hex);
    return arena_printf(arena, "e:%.40s", hex);
}

static void on_run(void *ctx, bool ok, const char *reply)
{
    struct push_in *in = ctx;

    in->run = NULL;
    if (!ok) {
        metric_inc(&wechat_metrics[WECHAT_METRIC_UNSTORED]);
        problem(in, PROBLEM_UNAVAILABLE, NULL);
    } else if (reply) {
        answer_text(in, reply);
    } else {
        answer_nothing(in);
    }
}

static void on_abort(struct request *r)
{
    struct push_in *in = r->state;

    wechat_run_cancel(&in->run);
    wechat_accounts_unref(&in->accounts);
}

static void converse(struct push_in *in)
{
    const struct wechat_message *m = &in->message;
    const struct daemon *d = in->r->d;
    struct wechat_run *run = wechat_run_new(in->w, in->account);
    uint8_t *openid = arena_alloc(run->arena, CRYPTO_SHA256_SIZE);

    crypto_hmac_sha256(d->index_key, sizeof(d->index_key), m->from_user, strlen(m->from_user),
                       openid);
    run->event = (struct wechat_event){
        .key = key_of(in),
        .openid = openid,
        .who = m->from_user,
        .type = is_event(m) ? arena_printf(in->r->arena, "event.%.40s", m->event ? m->event : "")
                            : arena_printf(in->r->arena, "%.40s", m->type ? m->type : ""),
        .content = in->inner,
        .input = input_of(m),
    };
    in->run = run;
    in->r->state = in;
    in->r->on_abort = on_abort;
    wechat_run_start(run, WECHAT_ANSWER_US, on_run, in);
}

/* ---- how a delivery ended
 * ------------------------------------------------------------------------------ */

static void on_finished(struct request *r, const struct pg_result *res)
{
    (void)res; /* none of ours: sent by somebody else with the same account */
    answer_nothing(r->state);
}

static void finish_delivery(struct push_in *in)
{
    const struct wechat_message *m = &in->message;
    struct request *r = in->r;
    struct pg_params p;

    pg_params_init(&p, r->arena);
    pg_param_text(&p, in->account->name);
    pg_param_text(&p, m->sent_msg_id);
    pg_param_bool(&p, m->status && strcmp(m->status, "success") == 0);
    pg_param_text(&p, m->status);
    pg_param_instant(&p, r->now_us);
    r->state = in;
    wechat_accounts_unref(&in->accounts);
    request_submit(r, r->d->work_pool, &SQL_WECHAT_OUTBOX_FINISH, &p, WECHAT_ANSWER_US,
                   on_finished);
}

/* ---- a push
 * ------------------------------------------------------------------------------------------- */

static bool read_push(struct push_in *in, const char *text, size_t len)
{
    enum wechat_parsed parsed = wechat_push_parse(text, len, in->r->arena, &in->message);

    if (parsed == WECHAT_PARSED)
        return true;
    metric_inc(
        &wechat_metrics[parsed == WECHAT_DOCTYPE ? WECHAT_METRIC_DOCTYPE : WECHAT_METRIC_BAD_XML]);
    faults_add(&in->r->faults, "", parsed == WECHAT_DOCTYPE ? "not_allowed" : "syntax");
    in->r->on_abort = NULL;
    wechat_accounts_unref(&in->accounts);
    request_reply_faults(in->r);
    return false;
}

/* false: answered. */
static bool read_message(struct push_in *in)
{
    const char *type = query_get(&in->r->query, "encrypt_type");

    in->inner = http_request_body(in->r->http, &in->inner_len);
    in->is_encrypted = in->account->is_wecom || (type && strcmp(type, "aes") == 0);
    if (!in->is_encrypted && in->account->mode == WECHAT_SAFE) {
        refuse(in, "plain");
        return false;
    }
    in->envelope = in->format = wechat_push_format(in->inner, in->inner_len);
    if (!read_push(in, in->inner, in->inner_len))
        return false;
    if (!in->is_encrypted)
        return true;
    const char *encrypt = in->message.encrypt;
    if (!encrypt || !token_fits(in, in->msg_signature, encrypt) || !decrypt(in, encrypt)) {
        refuse(in, "msg_signature");
        return false;
    }
    in->format = wechat_push_format(in->inner, in->inner_len);
    return read_push(in, in->inner, in->inner_len);
}

void wechat_post(struct request *r)
{
    struct push_in *in = begin(r);

    if (!in || !read_message(in))
        return;
    if (is_replay(in)) {
        refuse(in, "replay");
        return;
    }
    const struct wechat_message *m = &in->message;
    metric_inc(&wechat_metrics[WECHAT_METRIC_MESSAGES]);
    if (is_event(m) && m->event && strcmp(m->event, "TEMPLATESENDJOBFINISH") == 0 &&
        m->sent_msg_id) {
        finish_delivery(in);
    } else if (is_ignored(m) || !m->from_user || !*m->from_user) {
        metric_inc(&wechat_metrics[WECHAT_METRIC_IGNORED]);
        answer_nothing(in);
    } else {
        converse(in);
    }
}
