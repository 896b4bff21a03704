/*
 * ticket_json.c - tickets going out.
 */
#include "proto/ticket_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hotline/ticket_number.h"

void assignment_id_format(int64_t number, int ordinal, char out[ASSIGNMENT_ID_SIZE])
{
    char digits[TICKET_NUMBER_SIZE];

    ticket_number_format(number, digits);
    (void)snprintf(out, ASSIGNMENT_ID_SIZE, "%s-%d", digits, ordinal);
}

bool assignment_id_parse(const char *id, int64_t *number_r, int *ordinal_r)
{
    const char *dash = strchr(id, '-');
    int ordinal = 0;

    if (!dash || !ticket_number_parse(id, (size_t)(dash - id), number_r))
        return false;
    size_t digits = strspn(dash + 1, "0123456789");
    if (digits == 0 || digits > 4 || dash[1 + digits] != '\0' || dash[1] == '0')
        return false;
    for (const char *s = dash + 1; *s; s++)
        ordinal = ordinal * 10 + (*s - '0');
    *ordinal_r = ordinal;
    return true;
}

static void write_number(struct json_writer *w, const char *key, int64_t number)
{
    char digits[TICKET_NUMBER_SIZE];

    ticket_number_format(number, digits);
    jw_string(w, key, digits);
}

static void write_flag(struct json_writer *w, const char *key, int value)
{
    if (value < 0)
        jw_null(w, key);
    else
        jw_bool(w, key, value != 0);
}

static const char *unit_name(const struct city *city, const char *code)
{
    int index = code ? city_find_unit(city, code) : -1;
    return index < 0 ? NULL : city_unit(city, index)->name;
}

static const char *region_name(const struct city *city, const char *code)
{
    int index = code ? city_find_region(city, code) : -1;
    return index < 0 ? NULL : city_region(city, index)->name;
}

static const char *category_name(const struct city *city, const char *code)
{
    int index = code ? city_find_category(city, code) : -1;
    return index < 0 ? NULL : city_category(city, index)->name;
}

static void write_lease(struct json_writer *w, const struct assignment_lease *lease, int offset_min)
{
    if (!lease)
        return;
    jw_int(w, "deliveries", lease->deliveries);
    jw_instant(w, "lease_until", lease->until_us, offset_min);
}

/* What waits for the desk's decision; its id is the assignment's, since at most one waits. */
static void write_request(struct json_writer *w, const char *id, const struct assignment *a,
                          int offset_min)
{
    const struct assignment_request *r = &a->request;

    if (r->kind == REQUEST_NONE)
        return;
    jw_object(w, "request");
    jw_string(w, "id", id);
    jw_string(w, "kind", request_words[r->kind].code);
    jw_instant(w, "at", r->at_us, offset_min);
    jw_string(w, "ground", r->ground);
    if (r->kind == REQUEST_RETURN) {
        jw_string(w, "proposed_unit", r->proposed_unit);
        jw_string(w, "text", r->text);
    } else if (r->kind == REQUEST_EXTENSION) {
        jw_int(w, "days", r->days);
    } else {
        jw_instant(w, "until", r->until_us, offset_min);
    }
    jw_object_end(w);
}

static void write_handed_on(struct json_writer *w, int64_t number, const struct assignment *a)
{
    char id[ASSIGNMENT_ID_SIZE];

    if (!a->parent)
        return;
    assignment_id_format(number, a->parent, id);
    jw_string(w, "handed_on_by", id);
}

static void write_assignment(struct json_writer *w, int64_t number, const struct assignment *a,
                             const struct assignment_lease *lease, const struct city *city,
                             const struct ticket_sight *sight)
{
    int offset = city_offset_min(city);
    bool is_own = !sight->unit || strcmp(sight->unit, a->unit) == 0;
    char id[ASSIGNMENT_ID_SIZE];

    assignment_id_format(number, a->ordinal, id);
    jw_object(w, NULL);
    jw_string(w, "id", id);
    jw_string(w, "unit", a->unit);
    jw_string(w, "unit_name", unit_name(city, a->unit));
    jw_string(w, "role", assignment_role_words[a->role].code);
    jw_int(w, "round", a->round);
    jw_string(w, "state", assignment_state_words[a->state].code);
    jw_instant(w, "dispatched_at", a->created_us, offset);
    jw_instant(w, "signed_at", a->signed_us, offset);
    jw_string(w, "signed_by", a->signed_by);
    jw_instant(w, "contacted_at", a->contacted_us, offset);
    jw_instant(w, "reported_at", a->reported_us, offset);
    jw_instant(w, "ended_at", a->ended_us, offset);
    write_flag(w, "solved", a->solved);
    if (is_own)
        jw_string(w, "internal", a->internal);
    jw_string(w, "public_reply", a->public_reply);
    write_handed_on(w, number, a);
    jw_int(w, "extensions", a->extensions);
    jw_instant(w, "suspended_until", a->suspended_until_us, offset);
    if (is_own)
        write_request(w, id, a, offset);
    if (is_own)
        write_lease(w, lease, offset);
    jw_object_end(w);
}

void ticket_json_write_assignments(struct json_writer *w, const struct ticket_view *view,
                                   const struct assignment_lease *leases, const struct city *city,
                                   const struct ticket_sight *sight)
{
    jw_array(w, "assignments");
    for (size_t i = 0; i < view->assignment_count; i++)
        write_assignment(w, view->number, &view->assignments[i], leases ? &leases[i] : NULL, city,
                         sight);
    jw_array_end(w);
}

static const char *clock_unit(const struct ticket_view *view, const struct ticket_clock *clock)
{
    for (size_t i = 0; clock->assignment && i < view->assignment_count; i++) {
        if (view->assignments[i].ordinal == clock->assignment)
            return view->assignments[i].unit;
    }
    return NULL;
}

void ticket_json_write_clocks(struct json_writer *w, const struct ticket_view *view, int offset_min)
{
    jw_array(w, "clocks");
    for (size_t i = 0; i < view->clock_count; i++) {
        const struct ticket_clock *c = &view->clocks[i];
        jw_object(w, NULL);
        jw_string(w, "clock", clock_words[c->clock].code);
        jw_string(w, "state", clock_state_words[c->state].code);
        jw_int(w, "round", c->round);
        jw_string(w, "unit", clock_unit(view, c));
        jw_instant(w, "started_at", c->started_us, offset_min);
        jw_instant(w, "due_at", c->due_us, offset_min);
        jw_instant(w, "warn_at", c->warn_us, offset_min);
        jw_instant(w, "warned_at", c->warned_us, offset_min);
        jw_instant(w, "breached_at", c->breached_us, offset_min);
        jw_instant(w, "met_at", c->met_us, offset_min);
        jw_instant(w, "original_due_at", c->original_due_us, offset_min);
        jw_instant(w, "paused_at", c->paused_at_us, offset_min);
        jw_int(w, "paused_seconds", c->paused_us / INT64_C(1000000));
        jw_int(w, "steps", c->step);
        jw_bool(w, "provisional", c->provisional);
        jw_object_end(w);
    }
    jw_array_end(w);
}

void ticket_json_write_deadlines(struct json_writer *w, const struct ticket_view *view,
                                 int offset_min)
{
    jw_array(w, "deadlines");
    for (size_t i = 0; i < view->clock_count; i++) {
        const struct ticket_clock *c = &view->clocks[i];
        if (c->state != CLOCK_RUNNING)
            continue;
        jw_object(w, NULL);
        jw_string(w, "clock", clock_words[c->clock].code);
        if (c->assignment)
            jw_string(w, "unit", clock_unit(view, c));
        jw_instant(w, "due_at", c->due_us, offset_min);
        jw_instant(w, "warn_at", c->warn_us, offset_min);
        jw_bool(w, "provisional", c->provisional);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void write_set(struct json_writer *w, int64_t version)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%lld", (long long)version);
    jw_string(w, "rule_set", text);
}

void ticket_json_write_route(struct json_writer *w, const struct city *city, int64_t rule_set,
                             const struct route *route)
{
    jw_object(w, "route");
    write_set(w, rule_set);
    jw_string(w, "rule", route->rule < 0 ? NULL : city_rule(city, route->rule)->code);
    jw_string(w, "lead_unit",
              route->lead_unit < 0 ? NULL : city_unit(city, route->lead_unit)->code);
    jw_array(w, "co_units");
    for (size_t i = 0; i < route->co_unit_count; i++)
        jw_string(w, NULL, city_unit(city, route->co_units[i])->code);
    jw_array_end(w);
    jw_string(w, "reason", route_reason_words[route->reason].code);
    jw_object_end(w);
}

void ticket_json_write_stored_route(struct json_writer *w, const struct ticket_record *record)
{
    jw_object(w, "route");
    write_set(w, record->rule_set);
    jw_string(w, "rule", record->rule);
    jw_string(w, "lead_unit", record->view.lead_unit);
    jw_array(w, "co_units");
    for (size_t i = 0; i < record->view.assignment_count; i++) {
        const struct assignment *a = &record->view.assignments[i];
        if (a->role == ASSIGNMENT_CO && a->round == record->view.round &&
            a->state != ASSIGNMENT_RECALLED)
            jw_string(w, NULL, a->unit);
    }
    jw_array_end(w);
    jw_string(w, "reason", record->route_reason);
    jw_object_end(w);
}

static void write_requester(struct json_writer *w, const struct ticket_record *r,
                            const struct ticket_sight *sight)
{
    char masked[PHONE_SIZE];

    jw_object(w, "requester");
    jw_bool(w, "anonymous", r->is_anonymous);
    jw_bool(w, "confidential", r->is_confidential);
    /* Below the hotline a confidential ticket has no name, whatever else the reader may see. */
    if (sight->sees_identity && !(r->is_confidential && sight->unit)) {
        jw_string(w, "name", r->name);
        if (r->phone)
            phone_mask(r->phone, masked);
        jw_string(w, "phone", r->phone ? masked : NULL);
    }
    jw_object_end(w);
}

static void write_matter(struct json_writer *w, const struct ticket_record *r,
                         const struct city *city)
{
    const struct ticket_view *v = &r->view;

    jw_string(w, "channel", channel_words[v->channel].code);
    jw_string(w, "kind", kind_words[v->kind].code);
    jw_string(w, "urgency", urgency_words[v->urgency].code);
    jw_string(w, "category", v->category);
    jw_string(w, "category_name", category_name(city, v->category));
    jw_string(w, "region", v->region);
    jw_string(w, "region_name", region_name(city, v->region));
    jw_string(w, "address", r->address);
    jw_string(w, "title", r->title);
    jw_string(w, "text", r->text);
    jw_string(w, "call_id", r->call_id);
    jw_string(w, "external_number", r->external_number);
}

static void write_ending(struct json_writer *w, const struct ticket_record *r, int offset)
{
    bool has_depth = r->view.deepest_tier != TIER_DESK;
    const struct ticket_view *v = &r->view;

    jw_instant(w, "closed_at", v->closed_us, offset);
    jw_string(w, "closed_tier", v->closed_us ? tier_words[v->closed_tier].code : NULL);
    jw_string(w, "closed_unit", v->closed_unit);
    write_flag(w, "closed_on_time", v->closed_us ? v->closed_on_time : -1);
    jw_string(w, "deepest_tier", has_depth ? tier_words[r->view.deepest_tier].code : NULL);
    jw_string(w, "public_reply", r->public_reply);
    jw_string(w, "ground", r->ground);
    jw_string(w, "referred_to", r->referred_to);
}

/* What only the desks see: the code a citizen asks with, and where to hear him. */
static void write_for_desk(struct json_writer *w, const struct ticket_record *record)
{
    jw_string(w, "query_code", record->query_code);
    if (record->call)
        jw_raw(w, "call", record->call, strlen(record->call));
    else
        jw_null(w, "call");
}

void ticket_json_write(struct json_writer *w, const struct ticket_record *record,
                       const struct city *city, const struct ticket_sight *sight)
{
    const struct ticket_view *v = &record->view;
    int offset = city_offset_min(city);

    write_number(w, "number", v->number);
    if (sight->sees_query_code)
        write_for_desk(w, record);
    jw_string(w, "state", ticket_state_words[v->state].code);
    jw_int(w, "version", v->version);
    write_matter(w, record, city);
    write_requester(w, record, sight);
    jw_instant(w, "received_at", v->received_us, offset);
    jw_instant(w, "dispatched_at", v->dispatched_us, offset);
    jw_int(w, "round", v->round);
    jw_bool(w, "problem", v->is_problem);
    jw_bool(w, "overdue", v->is_overdue);
    jw_int(w, "transfers", v->transfers);
    if (v->merged_into)
        write_number(w, "merged_into", v->merged_into);
    ticket_json_write_stored_route(w, record);
    write_ending(w, record, offset);
    ticket_json_write_assignments(w, v, record->leases, city, sight);
    ticket_json_write_clocks(w, v, offset);
}
