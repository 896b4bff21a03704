/*
 * ticket_plan_change.c - building the change: copies of the rows, events with their hash chain,
 * tallies.
 */
#include <string.h>

#include "base/civil.h"
#include "base/crypto.h"
#include "hotline/ticket_plan_private.h"

static void *copy_rows(struct arena *arena, const void *rows, size_t count, size_t size,
                       size_t room)
{
    char *copy = arena_alloc(arena, (count + room) * size);

    if (count)
        memcpy(copy, rows, count * size);
    return copy;
}

void plan_begin(struct plan *p, const struct plan_context *ctx, const struct ticket_view *view,
                int64_t now_us, struct ticket_change *change)
{
    struct arena *arena = ctx->arena;
    memset(change, 0, offsetof(struct ticket_change, events));
    change->after = *view;
    change->after.assignments = copy_rows(arena, view->assignments, view->assignment_count,
                                          sizeof(struct assignment), PLAN_ASSIGNMENT_ROOM);
    change->after.clocks = copy_rows(arena, view->clocks, view->clock_count,
                                     sizeof(struct ticket_clock), PLAN_CLOCK_ROOM);
    *p = (struct plan){.ctx = ctx, .change = change, .t = &change->after, .now_us = now_us};
    plan_look_up(p);
}

/* The policies are those of the version that the ticket was received under. */
void plan_look_up(struct plan *p)
{
    const struct city *city = p->ctx->city;
    int region = p->t->region ? city_find_region(city, p->t->region) : -1;

    p->policy = city_policy_of(city, p->t->sla_set, p->t->policy ? p->t->policy : "default");
    p->calendar = city_calendar(city, region);
}

void plan_end(struct plan *p)
{
    struct ticket_change *change = p->change;
    struct ticket_view *t = p->t;
    const uint8_t *previous = t->event_hash;

    for (size_t i = 0; i < change->event_count; i++) {
        ticket_event_hash(previous, t->number, &change->events[i], change->events[i].hash);
        previous = change->events[i].hash;
    }
    if (change->event_count) {
        memmove(t->event_hash, previous, sizeof(t->event_hash));
        t->last_actor = change->events[change->event_count - 1].actor;
        t->last_at_us = change->events[change->event_count - 1].at_us;
    }
    t->version++;
    change->is_changed = true;
}

void plan_json_string(struct sbuf *out, const char *key, const char *value)
{
    if (key)
        sbuf_addf(out, "\"%s\":", key);
    sbuf_addc(out, '"');
    for (const char *s = value ? value : ""; *s; s++) {
        if ((unsigned char)*s < 0x20)
            sbuf_addf(out, "\\u%04x", (unsigned)(unsigned char)*s);
        else if (*s == '"' || *s == '\\')
            sbuf_addf(out, "\\%c", *s);
        else
            sbuf_addc(out, *s);
    }
    sbuf_addc(out, '"');
}

void plan_json_instant(struct sbuf *out, const struct plan *p, const char *key, int64_t us)
{
    char text[CIVIL_INSTANT_SIZE];

    civil_format_instant(us, city_offset_min(p->ctx->city), text);
    plan_json_string(out, key, text);
}

struct ticket_event *plan_event(struct plan *p, enum ticket_event_type type, int64_t at_us,
                                const struct assignment *assignment, const char *detail,
                                const char *text)
{
    struct ticket_change *change = p->change;

    INVARIANT(change->event_count < PLAN_MAX_EVENTS);
    struct ticket_event *e = &change->events[change->event_count++];
    bool is_clock = type >= EVENT_CLOCK_WARNED;
    *e = (struct ticket_event){
        .seq = ++p->t->event_count,
        .type = type,
        .at_us = at_us,
        .actor = is_clock || !p->command ? "system" : p->command->actor,
        .role = is_clock || !p->command ? ROLE_SYSTEM : p->command->role,
        .assignment = assignment ? assignment->ordinal : 0,
        .unit = assignment ? assignment->unit : NULL,
        .detail = arena_printf(p->ctx->arena, "{%s}", detail ? detail : ""),
        .text = text,
    };
    return e;
}

struct ticket_tally *plan_tally(struct plan *p, int64_t at_us, const char *unit)
{
    struct ticket_change *change = p->change;

    INVARIANT(change->tally_count < PLAN_MAX_TALLIES);
    struct ticket_tally *t = &change->tallies[change->tally_count++];
    *t = (struct ticket_tally){.at_us = at_us, .unit = unit ? unit : "", .kind = -1};
    return t;
}

static void add_field(struct sbuf *b, const char *s)
{
    /* the length in front makes the text unambiguous; absent differs from empty */
    size_t len = s ? strlen(s) : 0;
    if (s)
        sbuf_addi(b, (int64_t)len);
    else
        sbuf_addc(b, '-');
    sbuf_addc(b, ':');
    sbuf_add(b, s, len);
}

void ticket_event_hash(const uint8_t previous[32], int64_t number, const struct ticket_event *event,
                       uint8_t out[32])
{
    struct sbuf b;

    sbuf_init(&b, 0);
    sbuf_add(&b, previous, 32);
    const int64_t numbers[] = {number, event->seq, event->at_us, event->assignment};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        sbuf_addi(&b, numbers[i]);
        sbuf_addc(&b, '|');
    }
    add_field(&b, event_words[event->type].code);
    add_field(&b, event->actor);
    add_field(&b, role_words[event->role].code);
    add_field(&b, event->unit);
    add_field(&b, event->detail);
    add_field(&b, event->text);
    crypto_sha256(b.data, b.len, out);
    sbuf_free(&b);
}
