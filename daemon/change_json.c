/*
 * change_json.c - rows of a change as JSON records.
 */
#include "daemon/change_json.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "hotline/city.h"
#include "hotline/route.h"

static void write_instant(struct json_writer *w, const char *key, int64_t us)
{
    if (us)
        jw_instant(w, key, us, 0);
}

static void write_flag(struct json_writer *w, const char *key, int value)
{
    if (value >= 0)
        jw_bool(w, key, value != 0);
}

static void write_hash(struct json_writer *w, const char *key, const uint8_t hash[32])
{
    char hex[65];

    crypto_hex(hash, 32, hex);
    jw_string(w, key, hex);
}

/* Absent members are NULL to jsonb_to_recordset. */
static void write_text(struct json_writer *w, const char *key, const char *s)
{
    if (s)
        jw_string(w, key, s);
}

static void write_queue_due(struct json_writer *w, const struct ticket_view *t,
                            const struct assignment *a)
{
    write_instant(w, "due", ticket_queue_due_us(t, a));
}

static void write_new_assignment(struct json_writer *w, const struct ticket_view *t,
                                 const struct assignment *a)
{
    jw_object(w, NULL);
    jw_int(w, "ordinal", a->ordinal);
    jw_string(w, "unit", a->unit);
    jw_string(w, "role", assignment_role_words[a->role].code);
    jw_int(w, "round", a->round);
    jw_string(w, "state", assignment_state_words[a->state].code);
    jw_int(w, "parent", a->parent);
    write_queue_due(w, t, a);
    write_instant(w, "created", a->created_us);
    jw_object_end(w);
}

static void write_request(struct json_writer *w, const struct assignment_request *request)
{
    if (request->kind == REQUEST_NONE)
        return;
    jw_string(w, "request", request_words[request->kind].code);
    jw_object(w, "request_detail");
    jw_int(w, "at_us", request->at_us);
    write_text(w, "ground", request->ground);
    write_text(w, "text", request->text);
    write_text(w, "proposed_unit", request->proposed_unit);
    if (request->days)
        jw_int(w, "days", request->days);
    if (request->until_us)
        jw_int(w, "until_us", request->until_us);
    jw_object_end(w);
}

static void write_changed_assignment(struct json_writer *w, const struct assignment *a)
{
    jw_object(w, NULL);
    jw_int(w, "ordinal", a->ordinal);
    jw_string(w, "state", assignment_state_words[a->state].code);
    jw_bool(w, "live", assignment_state_is_live(a->state));
    write_instant(w, "signed", a->signed_us);
    write_text(w, "signed_by", a->signed_by);
    write_instant(w, "contacted", a->contacted_us);
    write_instant(w, "reported", a->reported_us);
    write_instant(w, "ended", a->ended_us);
    write_flag(w, "solved", a->solved);
    write_text(w, "internal", a->internal);
    write_text(w, "public_reply", a->public_reply);
    write_request(w, &a->request);
    jw_int(w, "extensions", a->extensions);
    write_instant(w, "suspended_until", a->suspended_until_us);
    jw_object_end(w);
}

/* [0, from, until] a pause, [1, days] an extension. */
static void write_adjustments(struct json_writer *w, const struct ticket_clock *c)
{
    jw_array(w, "adjustments");
    for (size_t i = 0; i < c->adjustment_count; i++) {
        const struct clock_adjustment *x = &c->adjustments[i];
        jw_array(w, NULL);
        jw_int(w, NULL, x->kind);
        if (x->kind == CLOCK_ADJUST_PAUSE) {
            jw_int(w, NULL, x->from_us);
            jw_int(w, NULL, x->until_us);
        } else {
            jw_int(w, NULL, x->limit.amount);
        }
        jw_array_end(w);
    }
    jw_array_end(w);
}

static void write_clock(struct json_writer *w, const struct ticket_clock *c)
{
    jw_object(w, NULL);
    jw_int(w, "ordinal", c->ordinal);
    jw_int(w, "assignment", c->assignment);
    jw_string(w, "clock", clock_words[c->clock].code);
    jw_int(w, "round", c->round);
    jw_string(w, "state", clock_state_words[c->state].code);
    jw_string(w, "stop", sla_event_words[c->stop].code);
    jw_string(w, "unit", limit_unit_words[c->limit.unit].code);
    jw_int(w, "amount", c->limit.amount);
    jw_int(w, "warn_percent", c->warn_percent);
    jw_bool(w, "pausable", c->pausable);
    jw_bool(w, "provisional", c->provisional);
    jw_int(w, "sla_set", c->sla_set);
    jw_int(w, "calendar_set", c->calendar_set);
    write_instant(w, "started", c->started_us);
    write_instant(w, "due", c->due_us);
    write_instant(w, "warn", c->warn_us);
    write_instant(w, "original", c->original_due_us);
    write_instant(w, "warned", c->warned_us);
    write_instant(w, "breached", c->breached_us);
    write_instant(w, "met", c->met_us);
    write_instant(w, "paused", c->paused_at_us);
    jw_int(w, "paused_us", c->paused_us);
    jw_int(w, "step", c->step);
    write_instant(w, "step_at", c->step_us);
    write_adjustments(w, c);
    write_instant(w, "next", ticket_clock_next_us(c));
    jw_object_end(w);
}

/* Every unit that has or had an assignment hears of the ticket. */
static void write_audience(struct json_writer *w, const struct ticket_view *t)
{
    jw_array(w, "audience");
    for (size_t i = 0; i < t->assignment_count; i++) {
        bool is_first = true;
        for (size_t j = 0; j < i && is_first; j++)
            is_first = strcmp(t->assignments[j].unit, t->assignments[i].unit) != 0;
        if (is_first)
            jw_string(w, NULL, t->assignments[i].unit);
    }
    jw_array_end(w);
}

static void write_event(struct json_writer *w, const struct ticket_event *e)
{
    jw_object(w, NULL);
    jw_int(w, "seq", e->seq);
    jw_string(w, "type", event_words[e->type].code);
    write_instant(w, "at", e->at_us);
    jw_string(w, "actor", e->actor);
    jw_string(w, "role", role_words[e->role].code);
    jw_int(w, "assignment", e->assignment);
    write_text(w, "unit", e->unit);
    write_text(w, "tell", e->tell);
    jw_string(w, "detail", e->detail);
    write_text(w, "text", e->text);
    write_hash(w, "hash", e->hash);
    jw_object_end(w);
}

static void write_tally(struct json_writer *w, const struct ticket_tally *t)
{
    jw_object(w, NULL);
    write_instant(w, "at", t->at_us);
    jw_string(w, "unit", t->unit);
    jw_string(w, "tier", t->is_closing ? tier_words[t->tier].code : "");
    write_text(w, "region", t->region);
    write_text(w, "category", t->category);
    if (t->kind >= 0)
        jw_string(w, "kind", kind_words[t->kind].code);
    jw_int(w, "received", t->received);
    jw_int(w, "desk", t->desk);
    jw_int(w, "dispatched", t->dispatched);
    jw_int(w, "open", t->open);
    jw_int(w, "closed", t->closed);
    jw_int(w, "on_time", t->on_time);
    jw_int(w, "overdue", t->overdue);
    jw_object_end(w);
}

static void write_callbacks(struct json_writer *w, const struct ticket_change *change,
                            const char *actor)
{
    const struct ticket_callback *c = &change->callback;

    jw_array(w, "callbacks");
    if (change->has_callback) {
        jw_object(w, NULL);
        jw_int(w, "seq", change->after.event_count);
        jw_int(w, "round", change->callback_round);
        write_instant(w, "at", change->callback_us);
        jw_string(w, "account", actor);
        jw_bool(w, "reached", c->reached);
        write_flag(w, "contacted", c->contacted);
        write_flag(w, "solved", c->solved);
        if (c->satisfied)
            jw_int(w, "satisfied", c->satisfied);
        write_text(w, "text", c->text);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void write_scalars(struct json_writer *w, const struct ticket_change *change, int version)
{
    const struct ticket_view *t = &change->after;

    jw_int(w, "number", t->number);
    jw_int(w, "version", version);
    jw_string(w, "state", ticket_state_words[t->state].code);
    jw_int(w, "round", t->round);
    jw_bool(w, "is_problem", t->is_problem);
    jw_bool(w, "is_overdue", t->is_overdue);
    jw_bool(w, "was_late", t->was_late);
    jw_int(w, "callback_attempts", t->callback_attempts);
    write_text(w, "lead_unit", t->lead_unit);
    write_instant(w, "dispatched_at", t->dispatched_us);
    if (t->deepest_tier != TIER_DESK)
        jw_string(w, "deepest_tier", tier_words[t->deepest_tier].code);
    jw_int(w, "event_count", t->event_count);
    write_hash(w, "event_hash", t->event_hash);
    if (t->closed_us) {
        write_instant(w, "closed_at", t->closed_us);
        jw_string(w, "closed_tier", tier_words[t->closed_tier].code);
        write_text(w, "closed_unit", t->closed_unit);
        jw_bool(w, "closed_on_time", t->closed_on_time);
    }
    jw_int(w, "transfers", t->transfers);
    if (t->merged_into)
        jw_int(w, "merged_into", t->merged_into);
    write_text(w, "public_reply", change->public_reply);
    write_text(w, "ground", change->ground);
    write_text(w, "referred_to", change->referred_to);
}

/* Of a ticket that was completed: what is known now, and where the rules send it. */
static void write_facts(struct json_writer *w, const struct ticket_change *change,
                        const struct city *city)
{
    const struct ticket_view *t = &change->after;
    const struct ticket_facts *f = change->facts;
    const struct route *route = change->route;

    if (!f && !route)
        return;
    jw_string(w, "kind", kind_words[t->kind].code);
    jw_string(w, "urgency", urgency_words[t->urgency].code);
    jw_string(w, "category", t->category);
    write_text(w, "region", t->region);
    write_text(w, "policy", t->policy);
    jw_int(w, "sla_set", t->sla_set);
    if (f) {
        write_text(w, "address", f->address);
        write_text(w, "title", f->title);
        write_text(w, "text", f->text);
    }
    if (route) {
        jw_int(w, "rule_set", city_rule_set_version(city));
        jw_string(w, "rule", route->rule < 0 ? NULL : city_rule(city, route->rule)->code);
        jw_string(w, "route_reason", route_reason_words[route->reason].code);
    }
}

static void write_assignments(struct json_writer *w, const struct ticket_view *t)
{
    jw_array(w, "new_assignments");
    for (size_t i = 0; i < t->assignment_count; i++) {
        if (t->assignments[i].is_new)
            write_new_assignment(w, t, &t->assignments[i]);
    }
    jw_array_end(w);
    jw_array(w, "assignments");
    for (size_t i = 0; i < t->assignment_count; i++) {
        if (t->assignments[i].is_changed && !t->assignments[i].is_new)
            write_changed_assignment(w, &t->assignments[i]);
    }
    jw_array_end(w);
    jw_array(w, "queue"); /* live ones that were there before: their place in the queue may move */
    for (size_t i = 0; i < t->assignment_count; i++) {
        const struct assignment *a = &t->assignments[i];
        if (a->is_new || !assignment_state_is_live(a->state))
            continue;
        jw_object(w, NULL);
        jw_int(w, "ordinal", a->ordinal);
        write_queue_due(w, t, a);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void write_clocks(struct json_writer *w, const struct ticket_view *t)
{
    for (int is_new = 1; is_new >= 0; is_new--) {
        jw_array(w, is_new ? "new_clocks" : "clocks");
        for (size_t i = 0; i < t->clock_count; i++) {
            const struct ticket_clock *c = &t->clocks[i];
            if (is_new ? c->is_new : c->is_changed && !c->is_new)
                write_clock(w, c);
        }
        jw_array_end(w);
    }
}

/* The last who did something himself; a tick alone is the system's. */
static const char *actor_of(const struct ticket_change *change)
{
    const char *actor = change->event_count ? change->events[0].actor : "system";

    for (size_t i = 0; i < change->event_count; i++) {
        if (change->events[i].role != ROLE_SYSTEM)
            actor = change->events[i].actor;
    }
    return actor;
}

void change_json_write(struct json_writer *w, const struct ticket_change *change,
                       const struct change_guard *guard, const struct city *city)
{
    jw_object(w, NULL);
    write_scalars(w, change, guard->version);
    write_facts(w, change, city);
    if (guard->lease) {
        jw_string(w, "lease", guard->lease);
        jw_int(w, "lease_ordinal", guard->lease_ordinal);
    }
    if (guard->into)
        jw_int(w, "into", guard->into);
    write_assignments(w, &change->after);
    write_clocks(w, &change->after);
    write_audience(w, &change->after);
    jw_array(w, "events");
    for (size_t i = 0; i < change->event_count; i++)
        write_event(w, &change->events[i]);
    jw_array_end(w);
    write_callbacks(w, change, actor_of(change));
    jw_array(w, "tallies");
    for (size_t i = 0; i < change->tally_count; i++)
        write_tally(w, &change->tallies[i]);
    jw_array_end(w);
    jw_object_end(w);
}
