/*
 * intake.c - new tickets, whichever door they come through: from a draft to an entry of a batch.
 */
#include "daemon/intake.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/config.h"
#include "daemon/pii.h"
#include "daemon/places.h"
#include "daemon/push.h"

void intake_check_codes(const struct city *city, const struct ticket_draft *draft,
                        struct faults *faults)
{
    if (draft->category && city_find_category(city, draft->category) < 0)
        faults_add(faults, "category", "not_found");
    if (draft->region && city_find_region(city, draft->region) < 0)
        faults_add(faults, "region", "not_found");
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

static enum plan_result plan_entry(struct intake_entry *e, int64_t number, struct route *route)
{
    struct daemon *d = e->d;
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
        .sla_set = e->sla_set,
        .received_us = e->now_us,
    };
    struct ticket_command command = {
        .action = ACTION_RECEIVE,
        .role = e->role,
        .actor = e->received_by,
        .route = route,
        .incomplete = e->draft.incomplete,
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

static struct intake_entry *new_entry(struct daemon *d, const struct intake_order *order)
{
    struct arena *arena = order->arena;
    struct intake_entry *e = arena_alloc_raw(arena, sizeof(*e));

    memset(e, 0, offsetof(struct intake_entry, change));
    e->d = d;
    e->arena = arena;
    e->done = order->done;
    e->ctx = order->ctx;
    e->role = order->role;
    e->draft = *order->draft;
    e->now_us = order->now_us;
    e->received_by = order->received_by;
    e->rule_set = d->rule_set;
    e->sla_set = d->sla_set;
    e->calendar_set = d->calendar_set;
    e->query_code = new_query_code(arena);
    e->key = order->key;
    e->open311 = order->open311;
    if (order->key) /* only its holder is asked for it again */
        crypto_sha256(order->matter, order->matter_len, e->fingerprint);
    seal_requester(d, e);
    return e;
}

static enum intake_end begin(struct intake_entry *e, struct intake *intake)
{
    struct daemon *d = e->d;
    struct route route;
    int64_t number;

    place_draft(e, d->city);
    route_draft(d, &e->draft, e->now_us, &route);
    if (!ticket_numbers_next(&d->numbers, e->now_us, &number)) {
        log_limited(LOG_LEVEL_ERROR, "intake", "no ticket numbers: the reservation is not durable");
        return INTAKE_UNAVAILABLE;
    }
    if (plan_entry(e, number, &route) != PLAN_OK)
        return INTAKE_REFUSED;
    e->rule = route.rule < 0 ? NULL : city_rule(d->city, route.rule)->code;
    e->rule = e->rule ? arena_strdup(e->arena, e->rule) : NULL;
    e->change.after.policy = arena_strdup(e->arena, e->change.after.policy);
    e->route_reason = route_reason_words[route.reason].code;
    write_answer(d, e, &route);
    return intake_add(intake, e) ? INTAKE_STORED : INTAKE_BUSY;
}

struct intake_entry *intake_submit(struct daemon *d, const struct intake_order *order,
                                   enum intake_end *refused_r)
{
    struct arena *arena = order->arena;

    INVARIANT(d->city != NULL);
    config_advance(d, order->now_us);
    struct intake *intake = order->intake ? order->intake : d->intake;
    if (order->key && intake_key_running(intake, order->received_by, order->key)) {
        *refused_r = INTAKE_IN_PROGRESS;
        arena_free(&arena);
        return NULL;
    }
    struct intake_entry *e = new_entry(d, order);
    enum intake_end end = begin(e, intake);
    if (end == INTAKE_STORED) /* queued, that is: what becomes of it is told to done */
        return e;
    *refused_r = end;
    arena_free(&arena);
    return NULL;
}

void intake_entry_end(struct intake_entry *e, enum intake_end end, const char *first_answer)
{
    struct arena *arena = e->arena;

    if (e->done)
        e->done(e, end, first_answer);
    arena_free(&arena);
}
