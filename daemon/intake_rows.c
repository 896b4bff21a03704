/*
 * intake_rows.c - columns of a batch. Their order is that of the `in` lines of ticket_intake.sql.
 */
#include "daemon/intake_rows.h"

#include <string.h>

enum {
    TICKET_COLUMNS = 30,
    ASSIGNMENT_COLUMNS = 5,
    CLOCK_COLUMNS = 17,
    EVENT_COLUMNS = 12,
    TALLY_COLUMNS = 11,
};

struct columns {
    struct pg_array ticket[TICKET_COLUMNS];
    struct pg_array assignment[ASSIGNMENT_COLUMNS];
    struct pg_array clock[CLOCK_COLUMNS];
    struct pg_array event[EVENT_COLUMNS];
    struct pg_array tally[TALLY_COLUMNS];
    struct pg_array external, open311; /* of the ticket, but last of all parameters */
};

static void add_requester(struct pg_array *a, const struct intake_entry *e)
{
    pg_array_bool(a++, e->draft.anonymous);
    pg_array_bytea(a++, e->name, e->name_len);
    pg_array_bytea(a++, e->phone, e->phone_len);
    pg_array_bytea(a, e->phone_index, CRYPTO_SHA256_SIZE);
}

static void add_ticket(struct pg_array *a, const struct intake_entry *e)
{
    const struct ticket_view *t = &e->change.after;
    const char *deepest = t->deepest_tier == TIER_DESK ? NULL : tier_words[t->deepest_tier].code;
    const char *const texts[] = {
        e->query_code,
        ticket_state_words[t->state].code,
        channel_words[t->channel].code,
        kind_words[t->kind].code,
        urgency_words[t->urgency].code,
        t->category,
        t->region,
        e->draft.address,
        e->draft.title,
        e->draft.text,
        e->draft.call_id,
    };
    const char *const more[] = {e->received_by,  t->lead_unit, e->rule,
                                e->route_reason, t->policy,    deepest};

    pg_array_int(a++, t->number);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        pg_array_text(a++, texts[i]);
    pg_array_instant(a++, t->received_us);
    for (size_t i = 0; i < ARRAY_LEN(more); i++)
        pg_array_text(a++, more[i]);
    pg_array_bool(a++, e->draft.confidential);
    add_requester(a, e);
    a += 4;
    pg_array_int(a++, t->event_count);
    pg_array_bytea(a++, t->event_hash, sizeof(t->event_hash));
    pg_array_text(a++, e->key ? e->received_by : NULL);
    pg_array_text(a++, e->key);
    pg_array_bytea(a++, e->key ? e->fingerprint : NULL, sizeof(e->fingerprint));
    pg_array_text(a, e->key ? e->answer : NULL);
}

static void add_assignment(struct pg_array *a, const struct ticket_view *t,
                           const struct assignment *x)
{
    pg_array_int(a++, t->number);
    pg_array_int(a++, x->ordinal);
    pg_array_text(a++, x->unit);
    pg_array_text(a++, assignment_role_words[x->role].code);
    pg_array_instant(a, ticket_queue_due_us(t, x));
}

static void add_clock(struct pg_array *a, int64_t number, const struct ticket_clock *c)
{
    pg_array_int(a++, number);
    pg_array_int(a++, c->ordinal);
    pg_array_int(a++, c->assignment);
    pg_array_text(a++, clock_words[c->clock].code);
    pg_array_int(a++, c->round);
    pg_array_text(a++, clock_state_words[c->state].code);
    pg_array_text(a++, sla_event_words[c->stop].code);
    pg_array_text(a++, limit_unit_words[c->limit.unit].code);
    pg_array_bool(a++, c->pausable);
    pg_array_bool(a++, c->provisional);
    pg_array_instant(a++, c->started_us);
    pg_array_instant(a++, c->due_us);
    pg_array_instant(a++, c->warn_us);
    pg_array_instant(a++, c->met_us);
    pg_array_instant(a++, ticket_clock_next_us(c));
    pg_array_int(a++, c->limit.amount);
    pg_array_int(a, c->warn_percent);
}

/* Every unit that has an assignment hears of the ticket. The codes are joined by U+001F,
 * because arrays of one column cannot have different lengths. */
static const char *audience(struct arena *arena, const struct ticket_view *t)
{
    struct sbuf out;

    sbuf_init(&out, 0);
    for (size_t i = 0; i < t->assignment_count; i++) {
        bool is_first = true;
        for (size_t j = 0; j < i && is_first; j++)
            is_first = strcmp(t->assignments[j].unit, t->assignments[i].unit) != 0;
        if (!is_first)
            continue;
        if (out.len)
            sbuf_addc(&out, '\x1f');
        sbuf_adds(&out, t->assignments[i].unit);
    }
    char *copy = arena_strdup(arena, out.data);
    sbuf_free(&out);
    return copy;
}

static void add_event(struct pg_array *a, int64_t number, const struct ticket_event *e,
                      const char *units)
{
    pg_array_int(a++, number);
    pg_array_int(a++, e->seq);
    pg_array_text(a++, event_words[e->type].code);
    pg_array_instant(a++, e->at_us);
    pg_array_text(a++, e->actor);
    pg_array_text(a++, role_words[e->role].code);
    pg_array_int(a++, e->assignment);
    pg_array_text(a++, e->unit);
    pg_array_text(a++, units);
    pg_array_text(a++, e->detail);
    pg_array_text(a++, e->text);
    pg_array_bytea(a, e->hash, sizeof(e->hash));
}

static void add_tally(struct pg_array *a, int64_t number, const struct ticket_tally *t)
{
    pg_array_instant(a++, t->at_us);
    pg_array_int(a++, number);
    pg_array_text(a++, t->unit);
    pg_array_text(a++, t->is_closing ? tier_words[t->tier].code : "");
    pg_array_int(a++, t->received);
    pg_array_int(a++, t->desk);
    pg_array_int(a++, t->dispatched);
    pg_array_int(a++, t->open);
    pg_array_int(a++, t->closed);
    pg_array_int(a++, t->on_time);
    pg_array_int(a, t->overdue);
}

static void add_entry(struct columns *c, struct arena *arena, const struct intake_entry *e)
{
    const struct ticket_change *change = &e->change;
    const struct ticket_view *t = &change->after;
    const char *units = audience(arena, t);

    add_ticket(c->ticket, e);
    pg_array_text(&c->external, e->draft.external_number);
    pg_array_text(&c->open311, e->open311);
    for (size_t i = 0; i < t->assignment_count; i++)
        add_assignment(c->assignment, t, &t->assignments[i]);
    for (size_t i = 0; i < t->clock_count; i++)
        add_clock(c->clock, t->number, &t->clocks[i]);
    for (size_t i = 0; i < change->event_count; i++)
        add_event(c->event, t->number, &change->events[i], units);
    for (size_t i = 0; i < change->tally_count; i++)
        add_tally(c->tally, t->number, &change->tallies[i]);
}

static void add_versions(struct pg_params *params, struct arena *arena,
                         const struct intake_entry *e)
{
    struct pg_array versions;

    pg_array_init(&versions, arena);
    pg_array_int(&versions, e->rule_set);
    pg_array_int(&versions, e->sla_set);
    pg_array_int(&versions, e->calendar_set);
    pg_param_array(params, &versions);
}

static void init_all(struct pg_array *a, size_t count, struct arena *arena)
{
    for (size_t i = 0; i < count; i++)
        pg_array_init(&a[i], arena);
}

static void param_all(struct pg_params *params, struct pg_array *a, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pg_param_array(params, &a[i]);
}

void intake_rows(struct pg_params *params, struct arena *arena,
                 struct intake_entry *const entries[], size_t count)
{
    struct columns *c = arena_alloc(arena, sizeof(*c));

    init_all(c->ticket, TICKET_COLUMNS, arena);
    init_all(c->assignment, ASSIGNMENT_COLUMNS, arena);
    init_all(c->clock, CLOCK_COLUMNS, arena);
    init_all(c->event, EVENT_COLUMNS, arena);
    init_all(c->tally, TALLY_COLUMNS, arena);
    pg_array_init(&c->external, arena);
    pg_array_init(&c->open311, arena);
    for (size_t i = 0; i < count; i++)
        add_entry(c, arena, entries[i]);
    pg_params_init(params, arena);
    param_all(params, c->ticket, TICKET_COLUMNS);
    add_versions(params, arena, entries[0]);
    param_all(params, c->assignment, ASSIGNMENT_COLUMNS);
    param_all(params, c->clock, CLOCK_COLUMNS);
    param_all(params, c->event, EVENT_COLUMNS);
    param_all(params, c->tally, TALLY_COLUMNS);
    pg_param_array(params, &c->external);
    pg_param_array(params, &c->open311);
}
