/*
 * intake.c - POST /v1/tickets: from a body to an entry of a batch, and from its end to the answer.
 */
#include "daemon/intake.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/pii.h"
#include "daemon/places.h"
#include "daemon/push.h"

#define KEY_MAX 128

/* ---- checks ------------------------------------------------------------------------------------
 */

static const char *idempotency_key(struct request *r)
{
    const char *key = http1_header(http_request_head(r->http), "idempotency-key");

    if (!key)
        return NULL;
    size_t len = strlen(key);
    for (size_t i = 0; i < len; i++) {
        if (key[i] < 0x21 || key[i] > 0x7e) {
            faults_add(&r->faults, "Idempotency-Key", "format");
            return NULL;
        }
    }
    if (len == 0 || len > KEY_MAX)
        faults_add(&r->faults, "Idempotency-Key", len ? "too_long" : "too_short");
    return key;
}

static void check_place(struct request *r, const struct ticket_draft *draft)
{
    if (draft->category && city_find_category(r->d->city, draft->category) < 0)
        faults_add(&r->faults, "category", "not_found");
    if (draft->region && city_find_region(r->d->city, draft->region) < 0)
        faults_add(&r->faults, "region", "not_found");
}

/* Who knows the place says so; of an address only what is certain is taken. */
static void place_draft(struct intake_entry *e, const struct city *city)
{
    const char *region = e->draft.region ? NULL : places_certain(city, e->draft.address);

    e->is_region_from_address = region != NULL;
    if (region)
        e->draft.region = arena_strdup(e->arena, region);
}

/* ---- from draft to plan
 * --------------------------------------------------------------------------- */

static void route_draft(const struct daemon *d, const struct ticket_draft *draft, int64_t now_us,
                        struct route *route_r)
{
    struct route_matter matter = {
        .category = city_find_category(d->city, draft->category),
        .region = draft->region ? city_find_region(d->city, draft->region) : -1,
        .kind = (enum ticket_kind)draft->kind,
        .urgency = (enum ticket_urgency)draft->urgency,
        .channel = (enum ticket_channel)draft->channel,
        .title = draft->title,
        .text = draft->text,
        .now_us = now_us,
    };

    route_matter(d->city, &matter, route_r);
}

static enum plan_result plan_entry(struct request *r, struct intake_entry *e, int64_t number,
                                   struct route *route)
{
    struct daemon *d = r->d;
    struct plan_context ctx = {d->city, &d->plan_rules, e->arena};
    struct plan_refusal refusal;
    struct ticket_view draft = {
        .number = number,
        .kind = route->kind,
        .urgency = route->urgency,
        .channel = (enum ticket_channel)e->draft.channel,
        .category = e->draft.category,
        .region = e->draft.region,
        .policy = sla_policy_name(city_policy(d->city, route->policy)),
        .received_us = e->now_us,
    };
    struct ticket_command command = {
        .action = ACTION_RECEIVE,
        .role = r->account->role,
        .actor = r->account->name,
        .route = route,
        .now_us = e->now_us,
    };

    return ticket_plan_intake(&ctx, &draft, &command, &e->change, &refusal);
}

static void write_answer(const struct daemon *d, struct intake_entry *e, const struct route *route)
{
    const struct ticket_view *t = &e->change.after;
    int offset = city_offset_min(d->city);
    char number[TICKET_NUMBER_SIZE];
    struct json_writer w;
    struct sbuf out;

    ticket_number_format(t->number, number);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "number", number);
    jw_string(&w, "query_code", e->query_code);
    jw_string(&w, "state", ticket_state_words[t->state].code);
    jw_int(&w, "version", t->version);
    jw_string(&w, "channel", channel_words[t->channel].code);
    jw_string(&w, "kind", kind_words[t->kind].code);
    jw_string(&w, "urgency", urgency_words[t->urgency].code);
    jw_string(&w, "category", t->category);
    jw_string(&w, "region", t->region);
    if (e->is_region_from_address)
        jw_string(&w, "region_from", "address");
    jw_instant(&w, "received_at", t->received_us, offset);
    ticket_json_write_route(&w, d->city, e->rule_set, route);
    ticket_json_write_deadlines(&w, t, offset);
    jw_object_end(&w);
    e->answer = arena_strdup(e->arena, out.data);
    sbuf_free(&out);
}

static void seal_requester(const struct daemon *d, struct intake_entry *e)
{
    char phone[PHONE_SIZE];

    e->name = pii_seal(d, "requester.name", e->draft.name, e->arena, &e->name_len);
    if (!e->draft.phone || !phone_normalise(e->draft.phone, phone))
        return;
    uint8_t *index = arena_alloc(e->arena, CRYPTO_SHA256_SIZE);
    pii_phone_index(d, phone, index);
    e->phone_index = index;
    e->phone = pii_seal(d, "requester.phone", phone, e->arena, &e->phone_len);
}

static const char *new_query_code(struct arena *arena)
{
    char *code = arena_alloc(arena, TICKET_QUERY_CODE_SIZE);
    uint8_t random[5];

    crypto_random(random, sizeof(random));
    ticket_query_code(random, code);
    return code;
}

static struct intake_entry *new_entry(struct request *r, struct arena *arena,
                                      const struct ticket_draft *draft, const char *key)
{
    struct intake_entry *e = arena_alloc_raw(arena, sizeof(*e));
    size_t len;
    const char *body = http_request_body(r->http, &len);

    memset(e, 0, offsetof(struct intake_entry, change));
    e->arena = arena;
    e->r = r;
    e->draft = *draft;
    e->now_us = r->now_us;
    e->received_by = r->account->name;
    e->rule_set = r->d->rule_set;
    e->sla_set = r->d->sla_set;
    e->calendar_set = r->d->calendar_set;
    e->query_code = new_query_code(arena);
    e->key = key ? arena_strdup(arena, key) : NULL;
    if (key) /* only its holder is asked for it again */
        crypto_sha256(body, len, e->fingerprint);
    seal_requester(r->d, e);
    return e;
}

static void on_abort(struct request *r)
{
    struct intake_entry *e = r->state;
    e->r = NULL; /* the ticket is stored all the same */
}

static void submit_entry(struct request *r, struct intake_entry *e)
{
    struct route route;
    int64_t number;

    place_draft(e, r->d->city);
    route_draft(r->d, &e->draft, e->now_us, &route);
    if (!ticket_numbers_next(&r->d->numbers, e->now_us, &number)) {
        log_limited(LOG_LEVEL_ERROR, "intake", "no ticket numbers: the reservation is not durable");
        intake_entry_end(e, INTAKE_UNAVAILABLE, NULL);
        return;
    }
    if (plan_entry(r, e, number, &route) != PLAN_OK) {
        struct arena *arena = e->arena;
        request_problem(r, PROBLEM_FORBIDDEN, NULL);
        arena_free(&arena);
        return;
    }
    e->rule = route.rule < 0 ? NULL : city_rule(r->d->city, route.rule)->code;
    e->rule = e->rule ? arena_strdup(e->arena, e->rule) : NULL;
    e->change.after.policy = arena_strdup(e->arena, e->change.after.policy);
    e->route_reason = route_reason_words[route.reason].code;
    write_answer(r->d, e, &route);
    r->state = e;
    r->on_abort = on_abort;
    if (!intake_add(r->d->intake, e)) {
        struct arena *arena = e->arena;
        request_problem(r, PROBLEM_BUSY, NULL);
        arena_free(&arena);
    }
}

void ticket_create_post(struct request *r)
{
    struct ticket_draft draft;
    const char *key = idempotency_key(r);

    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return;
    }
    struct arena *arena = arena_new();
    if (ticket_json_decode_draft(json_root(r->body), arena, &draft, &r->faults))
        check_place(r, &draft);
    if (r->faults.count) {
        arena_free(&arena);
        request_reply_faults(r);
    } else if (key && intake_key_running(r->d->intake, r->account->name, key)) {
        arena_free(&arena);
        request_problem(r, PROBLEM_IN_PROGRESS, NULL);
    } else {
        submit_entry(r, new_entry(r, arena, &draft, key));
    }
}

/* ---- the end of an entry
 * ------------------------------------------------------------------------------ */

static void reply_stored(struct request *r, const struct intake_entry *e)
{
    char number[TICKET_NUMBER_SIZE];
    struct sbuf out;

    ticket_number_format(e->change.after.number, number);
    http_reply_header(r->http, "Location", arena_printf(r->arena, "/v1/tickets/%s", number));
    http_reply_header(r->http, "ETag", arena_printf(r->arena, "\"%d\"", e->change.after.version));
    sbuf_init(&out, 0);
    sbuf_adds(&out, e->answer);
    request_reply(r, 201, &out);
}

static void reply_replay(struct request *r, const char *first_answer)
{
    struct sbuf out;

    http_reply_header(r->http, "Idempotent-Replay", "true");
    sbuf_init(&out, 0);
    sbuf_adds(&out, first_answer);
    request_reply(r, 200, &out);
}

void intake_entry_end(struct intake_entry *e, enum intake_end end, const char *first_answer)
{
    static const enum problem problems[] = {
        [INTAKE_KEY_REUSED] = PROBLEM_KEY_REUSED,
        [INTAKE_UNAVAILABLE] = PROBLEM_UNAVAILABLE,
        [INTAKE_BROKEN] = PROBLEM_INTERNAL,
    };
    struct request *r = e->r;
    struct arena *arena = e->arena;

    if (r) {
        r->on_abort = NULL;
        if (end == INTAKE_STORED)
            reply_stored(r, e);
        else if (end == INTAKE_REPLAY)
            reply_replay(r, first_answer);
        else
            request_problem(r, problems[end], NULL);
    }
    arena_free(&arena);
}
