/*
 * ticket_create.c - POST /v1/tickets: from a body to an order for the intake, and from its end to
 * the answer.
 */
#include <string.h>

#include "daemon/intake.h"
#include "hotline/ticket_number.h"

#define KEY_MAX 128

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

/* ---- answers
 * ------------------------------------------------------------------------------------------ */

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
    struct intake_entry *e = r->state;
    e->done = NULL; /* the ticket is stored all the same */
}

/* ---- the order
 * ------------------------------------------------------------------------------------------ */

static void submit(struct request *r, struct arena *arena, const struct ticket_draft *draft,
                   const char *key)
{
    size_t len;
    const char *body = http_request_body(r->http, &len);
    const struct intake_order order = {
        .arena = arena,
        .draft = draft,
        .role = r->account->role,
        .received_by = r->account->name,
        .key = key ? arena_strdup(arena, key) : NULL,
        .matter = body,
        .matter_len = len,
        .now_us = r->now_us,
        .done = done,
        .ctx = r,
    };
    enum intake_end refused;
    struct intake_entry *e = intake_submit(r->d, &order, &refused);

    if (!e) {
        throttle_give_back(r);
        reply_refused(r, refused);
        return;
    }
    r->state = e;
    r->on_abort = on_abort;
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
        intake_check_codes(r->d->city, &draft, &r->faults);
    if (r->faults.count) {
        arena_free(&arena);
        request_reply_faults(r);
        return;
    }
    if (draft.channel == CHANNEL_WEB && !throttle_take(r, THROTTLE_WEB)) {
        arena_free(&arena);
        return;
    }
    submit(r, arena, &draft, key);
}
