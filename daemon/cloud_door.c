/*
 * cloud_door.c - /v1/clouds/onenet/{account} and /v1/clouds/ctwing/{secret}: is it that cloud, what
 * has it got to say, and when is it answered.
 */
#include "daemon/cloud.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"
#include "base/utf8.h"
#include "daemon/desk_event.h"
#include "daemon/device.h"
#include "daemon/pii.h"
#include "daemon/push.h"
#include "net/net_address.h"
#include "proto/cloud_json.h"
#include "proto/onenet.h"
#include "sql_catalogue.h"

#define UNMAPPED_MOST 20000 /* rows of an account */
#define UNMAPPED_APART_US (10 * US_PER_SECOND)
#define UNMAPPED_AGAIN_US (60 * US_PER_MINUTE)
#define UNMAPPED_VALUE_MAX 4096 /* bytes that are kept */
#define LIFE_PERIODS 3          /* as silence, DOMAIN 6: what is older is no sign of life */
#define BOOT_HASH_BYTES 16
/* What comes without a time is told from its repeats by when it came: OneNET tries 16 times in 2 h
 * 45 min, so its repeats cross one boundary at the most and make one matter more, unless coalesced.
 * The same key pressed later than that is a press. */
#define REPEAT_WINDOW_US (3 * 60 * US_PER_MINUTE)

const struct request_dialect cloud_dialect = {.prefix = "/v1/clouds/"};

enum {
    METRIC_ONENET,
    METRIC_CTWING,
    METRIC_PRESS,
    METRIC_LIFE,
    METRIC_UNMAPPED,
    METRIC_OFFLINE,
    METRIC_PUT_OFF,
    METRIC_NOT_KEPT,
    METRIC_CUT
};
static struct metric metrics[] = {
    [METRIC_ONENET] = {"hotlined_cloud_pushes_total", "cloud=\"onenet\"",
                       "Pushes of operators' clouds that were genuine.", METRIC_COUNTER, 0},
    [METRIC_CTWING] = {"hotlined_cloud_pushes_total", "cloud=\"ctwing\"", NULL, METRIC_COUNTER, 0},
    [METRIC_PRESS] = {"hotlined_cloud_signals_total", "as=\"press\"",
                      "What operators' clouds told, by what it was taken for.", METRIC_COUNTER, 0},
    [METRIC_LIFE] = {"hotlined_cloud_signals_total", "as=\"life\"", NULL, METRIC_COUNTER, 0},
    [METRIC_UNMAPPED] = {"hotlined_cloud_signals_total", "as=\"unmapped\"", NULL, METRIC_COUNTER,
                         0},
    [METRIC_OFFLINE] = {"hotlined_cloud_signals_total", "as=\"offline\"", NULL, METRIC_COUNTER, 0},
    [METRIC_PUT_OFF] = {"hotlined_cloud_put_off_total", NULL,
                        "Pushes not acknowledged because not all of it was stored.", METRIC_COUNTER,
                        0},
    [METRIC_NOT_KEPT] = {"hotlined_cloud_unmapped_dropped_total", NULL,
                         "Unmapped signals not kept because the account has too many.",
                         METRIC_COUNTER, 0},
    [METRIC_CUT] = {"hotlined_cloud_cut_total", NULL,
                    "Pushes with too many values, of which only the first were taken.",
                    METRIC_COUNTER, 0},
};

void clouds_register_metrics(void)
{
    metrics_register(metrics, ARRAY_LEN(metrics));
}

/* A push that was genuine. It outlives the request: what was begun is finished. */
struct push_in {
    struct push_in *next, **link; /* all that have not ended */
    struct request *r;            /* NULL: the cloud has gone */
    struct daemon *d;
    struct pg_op *op; /* finding, then keeping */
    struct arena *arena;
    const char *account;
    struct cloud_signals signals;
    uint8_t whole[CRYPTO_SHA256_SIZE]; /* of the message: identity of signals without a time */
    int64_t now_us;
    size_t waiting; /* orders and statements that have not ended; one more while it begins */
    bool is_put_off;
};

/* ---- the end -----------------------------------------------------------------------------------
 */

static void reply_ok(struct request *r, const char *text)
{
    struct sbuf out;

    sbuf_init(&out, 0);
    sbuf_adds(&out, text);
    http_reply_header(r->http, "X-Content-Type-Options", "nosniff");
    request_reply_content(r, "text/plain; charset=utf-8", &out);
}

static void push_in_free(struct push_in *in)
{
    *in->link = in->next;
    if (in->next)
        in->next->link = in->link;
    pg_cancel(&in->op);
    arena_free(&(struct arena *){in->arena});
    free(in);
}

void cloud_pushes_free(struct push_in **list)
{
    while (*list)
        push_in_free(*list);
}

static void ended(struct push_in *in, bool is_good)
{
    struct request *r = in->r;

    in->is_put_off |= !is_good;
    if (--in->waiting > 0)
        return;
    if (r) {
        r->on_abort = NULL;
        if (in->is_put_off)
            request_problem(r, PROBLEM_UNAVAILABLE, NULL);
        else
            reply_ok(r, "ok");
    }
    metric_add(&metrics[METRIC_PUT_OFF], in->is_put_off);
    push_in_free(in);
}

static void on_abort(struct request *r)
{
    struct push_in *in = r->state;
    in->r = NULL;
}

/* An order of the lane: the cloud waits for its COMMIT, not for the ticket. */
struct flight {
    struct push_in *in; /* NULL: told already */
};

static void land(struct device_order *order, bool is_good)
{
    struct flight *flight = order->ctx;
    struct push_in *in = flight->in;

    flight->in = NULL;
    if (in)
        ended(in, is_good);
}

static void on_commit(struct device_order *order)
{
    land(order, true);
}

static void done(struct device_order *order, enum device_end end,
                 const struct device_answer *answer)
{
    (void)answer;
    land(order, end == DEVICE_STORED || end == DEVICE_REPEATED);
}

/* ---- what it means -----------------------------------------------------------------------------
 */

static struct device_order *new_order(struct push_in *in, enum device_kind kind, const char *device)
{
    struct device_order *order = device_order_new(in->d);
    struct flight *flight = arena_alloc(order->arena, sizeof(*flight));

    flight->in = in;
    order->kind = kind;
    order->device = arena_strdup(order->arena, device);
    order->via = arena_strdup(order->arena, in->account);
    order->message.key = -1;
    order->message.battery = -1;
    order->message.signal = INT32_MIN;
    order->on_commit = on_commit;
    order->done = done;
    order->ctx = flight;
    return order;
}

static void submit(struct push_in *in, struct device_order *order)
{
    in->waiting++;
    if (!device_submit(order))
        ended(in, false);
}

/* Of what was signed, and of nothing else: what comes again under another id is the same. Without
 * a time in it, also of when it came, or the same key would be a press once and never again. */
static const char *identity_of(const struct push_in *in, const struct cloud_signal *s, size_t at,
                               struct arena *arena)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    char hex[2 * CRYPTO_SHA256_SIZE + 1], whole[2 * CRYPTO_SHA256_SIZE + 1];
    struct sbuf text;

    sbuf_init(&text, 0);
    sbuf_addf(&text, "%s\n%s\n%s\n%s\n%" PRId64, in->account, s->device, s->stream,
              s->value ? s->value : "", s->at_us);
    if (!s->at_us) {
        crypto_hex(in->whole, sizeof(in->whole), whole);
        sbuf_addf(&text, "\n%s\n%zu\n%" PRId64, whole, at, in->now_us / REPEAT_WINDOW_US);
    }
    crypto_sha256(text.data, text.len, hash);
    sbuf_free(&text);
    crypto_hex(hash, BOOT_HASH_BYTES, hex);
    return arena_printf(arena, "cloud-%s", hex);
}

static void press(struct push_in *in, size_t at, const char *device, int key)
{
    const struct cloud_signal *s = &in->signals.list[at];
    struct device_order *order = new_order(in, DEVICE_PRESS, device);
    int64_t off = s->at_us - in->now_us;

    order->message.key = key;
    order->message.boot_id = identity_of(in, s, at, order->arena);
    order->message.seq = s->at_us / (US_PER_SECOND / 1000);
    order->message.pressed_us = s->at_us;
    if (s->at_us && (off > DEVICE_SKEW_US || off < -DEVICE_SKEW_US))
        order->message.flags |= DEVICE_FLAG_CLOCK;
    metric_inc(&metrics[METRIC_PRESS]);
    submit(in, order);
}

struct life { /* of one device in this push */
    int64_t at_us;
    int battery; /* -1 = not said */
};

static int percent(const char *text)
{
    size_t digits = text ? strspn(text, "0123456789") : 0;
    long value = digits && digits <= 3 ? strtol(text, NULL, 10) : -1;

    return value <= 100 && (!text || !text[digits] || text[digits] == '.' || text[digits] == '%')
               ? (int)value
               : -1;
}

/* One a device and push. Old news is no sign of life: a push may be hours late, or a replay. */
static void alive(struct push_in *in, struct map *lives, const char *device,
                  const struct cloud_signal *s, bool is_battery)
{
    int64_t heard_us = s->at_us && s->at_us < in->now_us ? s->at_us : in->now_us;
    struct life *life = map_gets(lives, device);

    metric_inc(&metrics[METRIC_LIFE]);
    if (heard_us <
        in->now_us - LIFE_PERIODS * in->d->settings.device_heartbeat_seconds * US_PER_SECOND)
        return;
    if (!life) {
        life = arena_alloc(in->arena, sizeof(*life));
        life->battery = -1;
        (void)map_puts(lives, arena_strdup(in->arena, device), life);
    }
    if (heard_us > life->at_us)
        life->at_us = heard_us;
    if (is_battery && percent(s->value) >= 0)
        life->battery = percent(s->value);
}

static void beat(struct push_in *in, const char *device, const struct life *life)
{
    struct device_order *order = new_order(in, DEVICE_HEARTBEAT, device);

    order->received_us = life->at_us;
    order->message.boot_id = "cloud";
    order->message.seq = life->at_us / (US_PER_SECOND / 1000);
    order->message.battery = life->battery;
    submit(in, order);
}

/* ---- what is not mapped ------------------------------------------------------------------------
 */

struct strangers {
    struct pg_array devices, streams, known, values;
    int64_t count;
};

static void add_stranger(struct push_in *in, struct strangers *x, const struct cloud_signal *s,
                         bool is_known)
{
    size_t len = 0;
    const char *value = s->value ? s->value : "";

    if (strlen(value) > UNMAPPED_VALUE_MAX) { /* whole characters */
        size_t most = UNMAPPED_VALUE_MAX;
        while (most > 0 && ((unsigned char)value[most] & 0xc0) == 0x80)
            most--;
        value = arena_strndup(in->arena, value, most);
    }
    const uint8_t *sealed = pii_seal(in->d, CLOUD_VALUE_AAD, value, in->arena, &len);
    pg_array_text(&x->devices, s->device);
    pg_array_text(&x->streams, s->stream);
    pg_array_bool(&x->known, is_known);
    pg_array_bytea(&x->values, sealed, len);
    x->count++;
    metric_inc(&metrics[METRIC_UNMAPPED]);
}

static void on_kept(void *ctx, const struct pg_result *res)
{
    struct push_in *in = ctx;
    bool is_good = pg_result_outcome(res) == PG_ROWS;

    in->op = NULL;
    if (is_good && pg_result_int(res, 0, 0) == 0)
        metric_inc(&metrics[METRIC_NOT_KEPT]);
    if (is_good && pg_result_int(res, 0, 1))
        push_hint(in->d->push);
    ended(in, is_good);
}

static void keep(struct push_in *in, struct strangers *x)
{
    struct pg_params p;

    if (!x->count)
        return;
    in->waiting++;
    pg_params_init(&p, in->arena);
    pg_param_text(&p, in->account);
    pg_param_array(&p, &x->devices);
    pg_param_array(&p, &x->streams);
    pg_param_array(&p, &x->known);
    pg_param_array(&p, &x->values);
    pg_param_instant(&p, in->now_us);
    pg_param_int(&p, UNMAPPED_APART_US);
    pg_param_int(&p, UNMAPPED_AGAIN_US);
    pg_param_int(&p, UNMAPPED_MOST);
    in->op = pg_submit(in->d->work_pool, &SQL_CLOUD_UNMAPPED_ADD, &p, DAEMON_WRITE_TIMEOUT_US,
                       on_kept, in);
}

/* ---- from signals to orders --------------------------------------------------------------------
 */

static int find_key(const char *code)
{
    for (int i = 0; i < DEVICE_KEY_COUNT; i++) {
        if (strcmp(device_key_words[i].code, code) == 0)
            return i;
    }
    return -1;
}

/* n, device, key, is_ruled */
static void take_row(struct push_in *in, const struct pg_result *res, int row, struct map *lives,
                     struct strangers *strangers)
{
    size_t at = (size_t)pg_result_int(res, row, 0) - 1;
    bool is_known = !pg_result_null(res, row, 1), is_ruled = pg_result_bool(res, row, 3);
    const char *device = pg_result_text(res, row, 1), *word = pg_result_text(res, row, 2);

    INVARIANT(at < in->signals.count);
    const struct cloud_signal *s = &in->signals.list[at];
    int key = find_key(word);
    if (is_known && key >= 0)
        press(in, at, device, key);
    else if (is_known && s->sign != CLOUD_OFFLINE)
        alive(in, lives, device, s, strcmp(word, "battery") == 0);
    if (is_known && !is_ruled && s->sign == CLOUD_OFFLINE)
        metric_inc(&metrics[METRIC_OFFLINE]);
    else if (!is_ruled && (!is_known || s->sign == CLOUD_DATA))
        add_stranger(in, strangers, s, is_known);
}

static void beat_each(void *ctx, const char *device, size_t len, void *life)
{
    (void)len;
    beat(ctx, device, life);
}

static void on_found(void *ctx, const struct pg_result *res)
{
    struct push_in *in = ctx;
    struct map *lives = map_new();
    struct strangers strangers = {.count = 0};

    in->op = NULL;
    if (pg_result_outcome(res) != PG_ROWS && pg_result_outcome(res) != PG_OK) {
        map_free(&lives);
        ended(in, false);
        return;
    }
    pg_array_init(&strangers.devices, in->arena);
    pg_array_init(&strangers.streams, in->arena);
    pg_array_init(&strangers.known, in->arena);
    pg_array_init(&strangers.values, in->arena);
    for (int row = 0; row < pg_result_rows(res); row++)
        take_row(in, res, row, lives, &strangers);
    map_each(lives, beat_each, in);
    map_free(&lives);
    keep(in, &strangers);
    ended(in, true);
}

static void find(struct push_in *in)
{
    struct pg_array devices, aliases, streams, values;
    struct pg_params p;

    pg_array_init(&devices, in->arena);
    pg_array_init(&aliases, in->arena);
    pg_array_init(&streams, in->arena);
    pg_array_init(&values, in->arena);
    for (size_t i = 0; i < in->signals.count; i++) {
        const struct cloud_signal *s = &in->signals.list[i];
        bool is_mappable = s->value && *s->value && strlen(s->value) <= CLOUD_VALUE_MAX;
        pg_array_text(&devices, s->device);
        pg_array_text(&aliases, s->alias);
        pg_array_text(&streams, s->stream);
        pg_array_text(&values, is_mappable ? s->value : NULL);
    }
    pg_params_init(&p, in->arena);
    pg_param_text(&p, in->account);
    pg_param_array(&p, &devices);
    pg_param_array(&p, &aliases);
    pg_param_array(&p, &streams);
    pg_param_array(&p, &values);
    in->op =
        pg_submit(in->d->device_pool, &SQL_CLOUD_FIND, &p, DAEMON_READ_TIMEOUT_US, on_found, in);
}

/* ---- is it that cloud --------------------------------------------------------------------------
 */

static void refuse(struct request *r, enum problem problem, const char *door, const char *name,
                   const char *reason)
{
    desk_event_refused(r->d, door, name, reason);
    request_problem(r, problem, NULL);
}

static bool is_from(const struct request *r, const struct cloud_account *a)
{
    struct net_address address = throttle_address(r);

    return !*a->addresses || net_networks_contain(a->addresses, &address);
}

static bool is_text(const char *text, size_t len)
{
    return utf8_valid(text, len) && !memchr(text, '\0', len);
}

static struct push_in *push_in_new(struct request *r, const struct cloud_account *a)
{
    struct push_in *in = xcalloc(1, sizeof(*in)), **list = clouds_pushes(r->d->clouds);

    in->next = *list;
    in->link = list;
    if (in->next)
        in->next->link = &in->next;
    *list = in;
    in->r = r;
    in->d = r->d;
    in->arena = arena_new();
    in->account = arena_strdup(in->arena, a->name);
    in->now_us = r->now_us;
    in->waiting = 1;
    r->state = in;
    r->on_abort = on_abort;
    return in;
}

/* text: the message, NUL-terminated if it is text at all. Answers when it is stored. */
static void take(struct request *r, const struct cloud_account *a, const char *text, size_t len,
                 const char *signed_text, size_t signed_len)
{
    struct push_in *in = push_in_new(r, a);
    struct faults faults;

    crypto_sha256(signed_text, signed_len, in->whole);
    faults_init(&faults, in->arena);
    struct json_doc *doc = json_parse(text, len, &faults);
    if (!doc)
        cloud_json_unreadable(is_text(text, len) ? text : "", &in->signals, in->arena);
    else if (a->kind == CLOUD_ONENET)
        cloud_json_read_onenet(json_root(doc), &in->signals, in->arena);
    else
        cloud_json_read_ctwing(json_root(doc), &in->signals, in->arena);
    json_doc_free(&doc);
    metric_inc(&metrics[a->kind == CLOUD_ONENET ? METRIC_ONENET : METRIC_CTWING]);
    if (in->signals.is_cut) { /* refused, it would come again and again, as long as it is */
        metric_inc(&metrics[METRIC_CUT]);
        log_limited(LOG_LEVEL_WARN, "cloud", "only the first %d values of a push account=%s",
                    CLOUD_SIGNALS_MAX, in->account);
    }
    find(in);
}

static bool signature_fits(const struct cloud_account *a, const char *signature, const char *nonce,
                           const char *text, size_t len)
{
    bool fits = false;

    for (size_t i = 0; i < a->token_count; i++)
        fits |= onenet_signature_fits(signature, a->token[i], nonce, text, len);
    return fits;
}

/* NULL: answered. */
static const struct cloud_account *onenet_account(struct request *r)
{
    const struct cloud_account *a = cloud_by_name(r->d->clouds, r->param[0]);

    if (!a || a->kind != CLOUD_ONENET || a->is_disabled) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return NULL;
    }
    if (is_from(r, a))
        return a;
    refuse(r, PROBLEM_FORBIDDEN, "onenet", a->name, "address");
    return NULL;
}

void cloud_onenet_get(struct request *r)
{
    const char *msg = query_get(&r->query, "msg"), *nonce = query_get(&r->query, "nonce");
    const char *signature = query_get(&r->query, "signature");
    const struct cloud_account *a = onenet_account(r);

    if (!a)
        return;
    if (!msg || !signature_fits(a, signature, nonce, msg, strlen(msg)))
        refuse(r, PROBLEM_FORBIDDEN, "onenet", a->name, "signature");
    else
        reply_ok(r, msg);
}

/* NULL: none of the keys fits. */
static const char *decrypt(struct request *r, const struct cloud_account *a,
                           const struct onenet_push *push, size_t *len_r)
{
    const char *text = NULL;

    for (size_t i = 0; i < a->key_count && !text; i++) {
        text = onenet_decrypt(a->key[i], push->text, push->len, r->arena, len_r);
        if (text && onenet_is_cipher(text, *len_r)) /* the padding was right by chance */
            text = NULL;
    }
    return text;
}

void cloud_onenet_post(struct request *r)
{
    const struct cloud_account *a = onenet_account(r);
    struct onenet_push push;
    size_t len;

    if (!a)
        return;
    const char *body = http_request_body(r->http, &len);
    if (!onenet_push_parse(body, len, r->arena, &push, &r->faults)) {
        request_reply_faults(r);
        return;
    }
    if (!signature_fits(a, push.signature, push.nonce, push.text, push.len)) {
        refuse(r, PROBLEM_FORBIDDEN, "onenet", a->name, "signature");
        return;
    }
    const char *text = push.text;
    len = push.len;
    if (a->key_count && onenet_is_cipher(text, len))
        text = decrypt(r, a, &push, &len);
    if (!text) /* ours is the wrong key: OneNET has hours of patience */
        refuse(r, PROBLEM_FORBIDDEN, "onenet", a->name, "decryption");
    else
        take(r, a, text, len, push.text, push.len);
}

void cloud_ctwing_post(struct request *r)
{
    const struct cloud_account *a = cloud_by_secret(r->d->clouds, r->param[0]);
    size_t len;

    if (!a || a->kind != CLOUD_CTWING) {
        refuse(r, PROBLEM_NOT_FOUND, "ctwing", "?", "secret");
        return;
    }
    if (!is_from(r, a)) {
        refuse(r, PROBLEM_FORBIDDEN, "ctwing", a->name, "address");
        return;
    }
    const char *body = http_request_body(r->http, &len);
    struct json_doc *doc = json_parse(body, len, &r->faults);
    json_doc_free(&doc);
    if (r->faults.count)
        request_reply_faults(r); /* what is no JSON does not come from there */
    else
        take(r, a, body, len, body, len);
}
