/*
 * call_door.c - the three doors of phone gateways: who is there, and what he says.
 */
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/metrics.h"
#include "daemon/calls.h"
#include "daemon/desk_event.h"
#include "daemon/signing.h"
#include "proto/freeswitch_cdr.h"

#define BASIC "Basic "
#define BASIC_USER "hotline:"

static struct metric of_events = {.name = "hotlined_call_events_total",
                                  .labels = "door=\"events\"",
                                  .help = "What phone gateways told of calls."};
static struct metric of_cti = {.name = "hotlined_call_events_total",
                               .labels = "door=\"cti\"",
                               .help = "What phone gateways told of calls."};
static struct metric of_freeswitch = {.name = "hotlined_call_events_total",
                                      .labels = "door=\"freeswitch\"",
                                      .help = "What phone gateways told of calls."};
static struct metric unreadable = {.name = "hotlined_call_unreadable_total",
                                   .help = "Bodies of phone gateways that say nothing of a call."};

const struct request_dialect call_cti_dialect = {.prefix = "/v1/cti/"};
const struct request_dialect call_freeswitch_dialect = {.prefix = "/v1/calls/freeswitch"};

void call_door_register_metrics(void)
{
    metrics_register(&of_events, 1);
    metrics_register(&of_cti, 1);
    metrics_register(&of_freeswitch, 1);
    metrics_register(&unreadable, 1);
}

/* ---- who is there ------------------------------------------------------------------------------
 */

/* Problems of these doors have a member `error` too, as Zammad's connectors expect. */
static void refuse(struct request *r, enum problem problem, const char *detail)
{
    struct request_problem_writer p;

    request_problem_begin(r, &p, problem, detail);
    jw_string(&p.w, "error", detail);
    if (r->faults.count)
        problem_write_faults(&p.w, &r->faults);
    request_problem_end(r, &p);
}

/* An account that is known but no gateway's may not; anybody else is told to the desks. */
static bool admit(struct request *r, const struct account *account, const char *door,
                  const char *reason)
{
    r->account = account;
    if (account && authorise(account, ROLE_BIT(GATEWAY), NULL) == AUTHZ_ALLOW)
        return true;
    if (account) {
        refuse(r, PROBLEM_FORBIDDEN, "不是话务网关账号 / not the account of a phone gateway");
        return false;
    }
    desk_event_refused(r->d, door, http_request_peer(r->http), reason);
    refuse(r, PROBLEM_UNAUTHORIZED, "令牌或签名无效 / no valid token or signature");
    return false;
}

static const struct account *account_of_token(const struct request *r, const char *token)
{
    return auth_find(r->d->auth, arena_printf(r->arena, "Bearer %s", token));
}

static bool admit_events(struct request *r)
{
    static const char *const reasons[] = {"", "token", "signature", "timestamp"};
    const struct account *account = r->account;
    enum signing signing = SIGNING_ABSENT;

    if (!account)
        signing = signing_check(r, ROLE_GATEWAY, &account);
    return admit(r, account, "calls", reasons[signing]);
}

static bool admit_freeswitch(struct request *r)
{
    const char *header = http1_header(http_request_head(r->http), "authorization");
    size_t user = sizeof(BASIC_USER) - 1, len = header ? strlen(header) : 0, text_len;
    const struct account *account = r->account;

    if (!account && len > sizeof(BASIC) - 1 && len < 1024 &&
        strncasecmp(header, BASIC, sizeof(BASIC) - 1) == 0) {
        const char *code = header + sizeof(BASIC) - 1;
        char *text = arena_alloc(r->arena, BASE64_BYTES(strlen(code)) + 1);
        if (base64_decode(code, strlen(code), text, &text_len)) {
            text[text_len] = '\0';
            if (strncmp(text, BASIC_USER, user) == 0)
                account = account_of_token(r, text + user);
        }
    }
    return admit(r, account, "freeswitch", "password");
}

/* ---- our own -----------------------------------------------------------------------------------
 */

static void answer_events(struct request *r, const struct call_news *news, enum call_state state,
                          bool is_repeat)
{
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "call_id", news->call_id);
    jw_string(&w, "state", call_state_words[state].code);
    jw_bool(&w, "repeated", is_repeat);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

void call_events_post(struct request *r)
{
    struct call_news news;

    if (!admit_events(r) || !request_query_ok(r) || !request_parse_body(r))
        return;
    metric_inc(&of_events);
    if (call_json_decode(json_root(r->body), r->arena, &news, &r->faults)) {
        call_news_take(r, news.gateway, &news, answer_events);
        return;
    }
    metric_inc(&unreadable);
    request_reply_faults(r);
}

/* ---- CTI ---------------------------------------------------------------------------------------
 */

static void answer_empty(struct request *r, const struct call_news *news, enum call_state state,
                         bool is_repeat)
{
    struct sbuf out;

    (void)news;
    (void)state;
    (void)is_repeat;
    sbuf_init(&out, 0);
    sbuf_adds(&out, "{}");
    request_reply(r, 200, &out);
}

void call_cti_post(struct request *r)
{
    struct call_news news;
    size_t len;
    const char *body = http_request_body(r->http, &len);

    if (!admit(r, account_of_token(r, r->param[0]), "cti", "token"))
        return;
    metric_inc(&of_cti);
    if (call_cti_decode(body, len, r->now_us, r->arena, &news, &r->faults)) {
        call_news_take(r, r->account->name, &news, answer_empty);
        return;
    }
    metric_inc(&unreadable);
    refuse(r, PROBLEM_UNREADABLE,
           "不是newCall、answer或hangup / neither newCall, answer nor hangup");
}

/* ---- FreeSWITCH --------------------------------------------------------------------------------
 */

static const char *const cdr_texts[] = {
    [CDR_GOOD] = "",
    [CDR_TWICE_ENCODED] =
        "mod_json_cdr同时启用了encode与encode-values，内容无法还原；请在json_cdr.conf."
        "xml中将encode-values"
        "设为false，或将encode设为false / encode and encode-values of mod_json_cdr are both true: "
        "such "
        "a body cannot be read; set encode-values=false, or encode=false, in json_cdr.conf.xml",
    [CDR_NOT_JSON] = "不是mod_json_cdr的内容 / not a body of mod_json_cdr",
    [CDR_NO_CALL] = "话单缺少uuid或结束时间 / the record has no uuid or no end",
};

void call_freeswitch_post(struct request *r)
{
    struct call_news news;
    size_t len;
    const char *body = http_request_body(r->http, &len);

    if (!admit_freeswitch(r))
        return;
    metric_inc(&of_freeswitch);
    enum cdr_end end = freeswitch_cdr_decode(body, len, r->arena, &news);
    if (end == CDR_GOOD) {
        call_news_take(r, r->account->name, &news, answer_empty);
        return;
    }
    metric_inc(&unreadable);
    refuse(r, PROBLEM_UNREADABLE, cdr_texts[end]);
}
