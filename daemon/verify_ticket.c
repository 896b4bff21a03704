/*
 * verify_ticket.c - one ticket against its history.
 */
#include <string.h>

#include "base/crypto.h"
#include "daemon/ticket_record.h"
#include "daemon/verify.h"
#include "proto/event_detail_json.h"
#include "proto/json.h"

enum column {
    NUMBER,
    KIND,
    URGENCY,
    REGION,
    POLICY,
    SLA_SET,
    CALENDAR_SET,
    EVENT_COUNT,
    EVENT_HASH,
    EVENTS,
    CLOCKS
};
enum part { SEQ, TYPE, AT, ACTOR, ROLE, ASSIGNMENT, UNIT, DETAIL, TEXT, HASH };

#define HEX_SIZE (CRYPTO_SHA256_SIZE * 2 + 1)

/* The chain as far as it has been read. */
struct chain {
    uint8_t last[CRYPTO_SHA256_SIZE];
    char hex[HEX_SIZE];
    int seq;
    bool holds;
};

static const char *str_at(const struct json_value *v, enum part part)
{
    return json_string(json_at(v, (size_t)part), NULL);
}

static int64_t int_at(const struct json_value *v, enum part part)
{
    return json_int(json_at(v, (size_t)part));
}

/* Is it the link that follows, and does it say what was hashed? */
static void follow(struct chain *chain, int64_t number, const struct ticket_event *e,
                   const char *stored)
{
    ticket_event_hash(chain->last, number, e, chain->last);
    crypto_hex(chain->last, sizeof(chain->last), chain->hex);
    chain->seq++;
    chain->holds = chain->holds && e->seq == chain->seq && strcmp(chain->hex, stored) == 0;
}

/* History may have been changed by others: an unknown word is a finding, not a fault of ours. */
static bool read_event(const struct json_value *v, struct arena *arena, int64_t number,
                       struct chain *chain, struct recompute_event *event_r)
{
    int type = word_find(event_words, EVENT_TYPE_COUNT, str_at(v, TYPE));
    int role = word_find(role_words, ROLE_COUNT, str_at(v, ROLE));
    const char *detail = str_at(v, DETAIL);
    const char *unit = str_at(v, UNIT);

    if (type < 0 || role < 0) {
        chain->holds = false;
        return false;
    }
    const struct ticket_event e = {
        .seq = (int)int_at(v, SEQ),
        .type = (enum ticket_event_type)type,
        .at_us = int_at(v, AT),
        .actor = str_at(v, ACTOR),
        .role = (enum actor_role)role,
        .assignment = (int)int_at(v, ASSIGNMENT),
        .unit = unit,
        .detail = detail,
        .text = str_at(v, TEXT),
    };
    follow(chain, number, &e, str_at(v, HASH));
    *event_r = (struct recompute_event){
        e.seq, e.type, e.at_us, e.role, e.assignment, unit ? arena_strdup(arena, unit) : NULL, {0}};
    return event_detail_decode(detail, strlen(detail), arena, &event_r->detail);
}

static void read_events(const struct pg_result *res, int row, struct arena *arena,
                        struct verify_ticket *t)
{
    struct chain chain = {.holds = true};
    struct faults faults;

    faults_init(&faults, arena);
    t->is_readable = !pg_result_null(res, row, EVENTS);
    if (!t->is_readable)
        return;
    struct json_doc *doc =
        json_parse(pg_result_text(res, row, EVENTS), pg_result_length(res, row, EVENTS), &faults);
    INVARIANT(doc != NULL); /* PostgreSQL made it */
    size_t count = json_array_length(json_root(doc));
    t->events = arena_alloc(arena, sizeof(*t->events) * count);
    while (t->event_count < count && t->is_readable) {
        t->is_readable = read_event(json_at(json_root(doc), t->event_count), arena, t->number,
                                    &chain, &t->events[t->event_count]);
        t->event_count += t->is_readable;
    }
    json_doc_free(&doc);
    t->chain_holds = chain.holds && chain.seq == pg_result_int(res, row, EVENT_COUNT) &&
                     strcmp(chain.hex, pg_result_text(res, row, EVENT_HASH)) == 0;
}

void verify_ticket_read(const struct pg_result *res, int row, struct arena *arena,
                        struct verify_ticket *ticket_r)
{
    int kind = word_find(kind_words, KIND_COUNT, pg_result_text(res, row, KIND));
    int urgency = word_find(urgency_words, URGENCY_COUNT, pg_result_text(res, row, URGENCY));

    *ticket_r = (struct verify_ticket){
        .number = pg_result_int(res, row, NUMBER),
        .facts =
            {
                .kind = (enum ticket_kind)(kind < 0 ? 0 : kind),
                .urgency = (enum ticket_urgency)(urgency < 0 ? 0 : urgency),
                .calendar_set = pg_result_int(res, row, CALENDAR_SET),
            },
        .region = pg_result_null(res, row, REGION)
                      ? NULL
                      : arena_strdup(arena, pg_result_text(res, row, REGION)),
        .policy = arena_strdup(arena, pg_result_text(res, row, POLICY)),
        .sla_set = pg_result_int(res, row, SLA_SET),
    };
    read_events(res, row, arena, ticket_r);
    if (!pg_result_null(res, row, CLOCKS))
        ticket_r->clocks =
            ticket_record_clocks(pg_result_text(res, row, CLOCKS),
                                 pg_result_length(res, row, CLOCKS), arena, &ticket_r->clock_count);
}

/* ---- comparing ---------------------------------------------------------------------------------
 */

static void note(struct verify_difference *first, const char *field,
                 const struct ticket_clock *stored, const struct ticket_clock *recomputed)
{
    if (first->field)
        return;
    first->field = field;
    first->has_stored = stored != NULL;
    first->has_recomputed = recomputed != NULL;
    if (stored)
        first->stored = *stored;
    if (recomputed)
        first->recomputed = *recomputed;
}

size_t verify_ticket_compare(const struct verify_ticket *ticket,
                             const struct recompute_facts *facts, struct arena *arena,
                             struct verify_difference *first_r)
{
    struct recomputed again;
    size_t differing = 0;

    *first_r = (struct verify_difference){.number = ticket->number};
    ticket_recompute(facts, ticket->events, ticket->event_count, arena, &again);
    if (again.odd_seq || !ticket->is_readable) {
        first_r->seq = again.odd_seq ? again.odd_seq : (int)ticket->event_count + 1;
        note(first_r, "history", NULL, NULL);
        return 1;
    }
    for (size_t i = 0; i < ticket->clock_count || i < again.clock_count; i++) {
        const struct ticket_clock *stored = i < ticket->clock_count ? &ticket->clocks[i] : NULL;
        const struct ticket_clock *recomputed = i < again.clock_count ? &again.clocks[i] : NULL;
        const char *field =
            stored && recomputed ? recompute_difference(stored, recomputed) : "clocks";
        if (!field)
            continue;
        differing++;
        note(first_r, field, stored, recomputed);
    }
    if (!ticket->chain_holds)
        note(first_r, "chain", NULL, NULL);
    return differing;
}
