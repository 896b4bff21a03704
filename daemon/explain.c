/*
 * explain.c - why this unit, why these deadlines: of a ticket, and of a matter that might come.
 *
 * A ticket keeps the versions it was judged by. As long as they are the ones in force the walk over
 * the rules and the arithmetic of the deadlines are shown; afterwards only what was decided and the
 * rule that did as it stood then, since other rules would explain something that never happened.
 */
#include <string.h>

#include "base/civil.h"
#include "daemon/places.h"
#include "daemon/ticket_read.h"
#include "daemon/version.h"
#include "proto/explain_json.h"
#include "proto/place_json.h"
#include "sql_catalogue.h"

/* ---- of a ticket -------------------------------------------------------------------------------
 */

/*
 * The ticket as it came in. A rule that won and changed kind or urgency saw them before: where it
 * asked for a certain one, it was that.
 */
static struct route_matter matter_of(const struct city *city, const struct ticket_record *record)
{
    const struct ticket_view *v = &record->view;
    int won = record->rule ? city_find_rule(city, record->rule) : -1;
    const struct rule *rule = won < 0 ? NULL : city_rule(city, won);
    struct route_matter matter = {
        .category = city_find_category(city, v->category),
        .region = v->region ? city_find_region(city, v->region) : -1,
        .kind = v->kind,
        .urgency = v->urgency,
        .channel = v->channel,
        .title = record->title,
        .text = record->text,
        .now_us = v->received_us,
    };

    if (rule && rule->set_kind >= 0 && rule->kind >= 0)
        matter.kind = (enum ticket_kind)rule->kind;
    if (rule && rule->set_urgency >= 0 && rule->urgency >= 0)
        matter.urgency = (enum ticket_urgency)rule->urgency;
    return matter;
}

static const struct sla_rule *rule_of(const struct daemon *d, const struct ticket_record *record,
                                      const struct ticket_clock *clock)
{
    const struct ticket_view *v = &record->view;
    const struct sla_policy *policy = city_policy_of(d->city, clock->sla_set, v->policy);

    return sla_rule_for(policy, clock->clock, v->kind, v->urgency, clock->round);
}

static const char *unit_of(const struct ticket_view *view, int ordinal)
{
    for (size_t i = 0; ordinal && i < view->assignment_count; i++) {
        if (view->assignments[i].ordinal == ordinal)
            return view->assignments[i].unit;
    }
    return NULL;
}

/* What is shown besides the ticket itself. */
struct why {
    const struct ticket_record *record;
    const char *rule; /* JSON of the rule as it stood in its version; NULL = none */
    struct explain_move *moves;
    size_t move_count;
};

static void write_clocks(struct json_writer *w, const struct daemon *d, const struct why *why)
{
    const struct ticket_record *record = why->record;
    const struct ticket_view *v = &record->view;
    int region = v->region ? city_find_region(d->city, v->region) : -1;
    const struct calendar *calendar = city_calendar(d->city, region);

    jw_array(w, "deadlines");
    for (size_t i = 0; i < v->clock_count; i++) {
        const struct ticket_clock *c = &v->clocks[i];
        const struct explain_clock clock = {
            .clock = c->clock,
            .rule = rule_of(d, record, c),
            .unit = unit_of(v, c->assignment),
            .round = c->round,
            .started_us = c->started_us,
            .due_us = c->due_us,
            .warn_us = c->warn_us,
            .paused_us = c->paused_us,
            .provisional = c->provisional,
            .stored = c,
            .moves = why->moves,
            .move_count = why->move_count,
        };
        explain_json_write_clock(w, &clock, calendar);
    }
    jw_array_end(w);
}

static void reply_why(struct request *r, const struct why *why)
{
    const struct ticket_record *record = why->record;
    const struct daemon *d = r->d;
    bool is_in_force = record->rule_set == d->rule_set;
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    ticket_json_write_stored_route(&w, record);
    if (why->rule)
        jw_raw(&w, "rule", why->rule, strlen(why->rule));
    else
        jw_null(&w, "rule");
    jw_bool(&w, "rule_set_in_force", is_in_force);
    if (is_in_force) {
        const struct route_matter matter = matter_of(d->city, record);
        explain_json_write_rules(&w, d->city, &matter);
    } else {
        jw_array(&w, "rules");
        jw_array_end(&w);
    }
    write_clocks(&w, d, why);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static int64_t instant_of(const struct json_value *v)
{
    size_t len = 0;
    const char *text = json_string(v, &len);
    int64_t us = 0;

    return text && civil_parse_instant(text, len, &us) ? us : 0;
}

/* The detail is ours: ticket_clocks.c wrote it. */
static void read_move(struct request *r, const struct pg_result *res, int row,
                      struct explain_move *move)
{
    struct json_doc *doc =
        json_parse(pg_result_text(res, row, 1), pg_result_length(res, row, 1), &r->faults);

    INVARIANT(doc != NULL);
    *move = (struct explain_move){
        .ordinal = (int)json_int(json_get(json_root(doc), "ordinal")),
        .at_us = pg_result_int(res, row, 0),
        .before_us = instant_of(json_get(json_root(doc), "due_before")),
        .after_us = instant_of(json_get(json_root(doc), "due_at")),
        .calendar_set = json_int(json_get(json_root(doc), "calendar_set")),
    };
    json_doc_free(&doc);
}

static void on_found(struct request *r, const struct pg_result *res)
{
    const struct pg_result *rule = pg_result_at(res, 0), *moves = pg_result_at(res, 1);
    struct why *why = r->state;
    size_t count = (size_t)pg_result_rows(moves);

    if (pg_result_rows(rule) == 1)
        why->rule = pg_result_text(rule, 0, 0);
    why->moves = arena_alloc(r->arena, (count + 1) * sizeof(*why->moves));
    why->move_count = count;
    for (size_t i = 0; i < count; i++)
        read_move(r, moves, (int)i, &why->moves[i]);
    reply_why(r, why);
}

static void show_why(struct request *r, const struct ticket_record *record)
{
    struct why *why = arena_alloc(r->arena, sizeof(*why));
    struct ticket_record *kept = arena_alloc(r->arena, sizeof(*kept));
    struct pg_params rule, moves;
    const struct pg_call calls[] = {{&SQL_RULE_GET, &rule}, {&SQL_CLOCK_MOVES, &moves}};

    *kept = *record; /* what it points to is of the arena as well */
    why->record = kept;
    r->state = why;
    pg_params_init(&rule, r->arena);
    pg_param_int(&rule, record->rule_set);
    pg_param_text(&rule, record->rule); /* NULL finds none */
    pg_params_init(&moves, r->arena);
    pg_param_int(&moves, record->view.number);
    request_submit_group(r, r->d->work_pool, calls, ARRAY_LEN(calls), DAEMON_READ_TIMEOUT_US,
                         on_found);
}

void ticket_explain_get(struct request *r)
{
    ticket_view_one(r, "ticket.explain", show_why);
}

/* ---- of a supposed matter ----------------------------------------------------------------------
 */

/* Clocks that would run from the first moment; one that the dispatch itself ends is over at once.
 */
static bool would_run(const struct sla_rule *rule, bool is_dispatched)
{
    if (rule->start == SLA_RECEIVED)
        return !(is_dispatched && rule->stop == SLA_DISPATCHED);
    return rule->start == SLA_DISPATCHED && is_dispatched;
}

static void write_supposed(struct json_writer *w, const struct city *city,
                           const struct route_matter *matter, const struct route *route)
{
    const struct sla_policy *policy = city_policy(city, route->policy);
    const struct calendar *calendar = city_calendar(city, matter->region);

    jw_array(w, "deadlines");
    for (int k = 0; k < CLOCK_COUNT; k++) {
        const struct sla_rule *rule =
            sla_rule_for(policy, (enum clock_kind)k, route->kind, route->urgency, 1);
        if (!rule || !would_run(rule, route->lead_unit >= 0))
            continue;
        const struct sla_clock s = sla_clock_start(rule, calendar, matter->now_us);
        const struct explain_clock clock = {
            .clock = s.clock,
            .rule = rule,
            .started_us = s.started_us,
            .due_us = s.due_us,
            .warn_us = s.warn_us,
            .provisional = s.provisional,
        };
        explain_json_write_clock(w, &clock, calendar);
    }
    jw_array_end(w);
}

/* false: answered. */
static bool read_matter(struct request *r, struct explain_case *supposed,
                        struct route_matter *matter)
{
    const struct city *city = r->d->city;

    if (!request_query_ok(r) || !request_parse_body(r))
        return false;
    if (explain_json_decode(json_root(r->body), r->arena, supposed, &r->faults)) {
        *matter = (struct route_matter){
            .category = city_find_category(city, supposed->category),
            .region = supposed->region ? city_find_region(city, supposed->region) : -1,
            .kind = (enum ticket_kind)supposed->kind,
            .urgency = (enum ticket_urgency)supposed->urgency,
            .channel = (enum ticket_channel)supposed->channel,
            .title = supposed->title,
            .text = supposed->text,
            .now_us = r->now_us,
        };
        if (matter->category < 0)
            faults_add(&r->faults, "category", "not_found");
        if (supposed->region && matter->region < 0)
            faults_add(&r->faults, "region", "not_found");
        if (!supposed->region) /* as intake does */
            matter->region = city_find_region(city, places_certain(city, supposed->address));
    }
    if (r->faults.count == 0)
        return true;
    request_reply_faults(r);
    return false;
}

/* What the address may mean, and the region that the matter was routed by. */
static void write_place(struct json_writer *w, const struct city *city,
                        const struct explain_case *supposed, const struct route_matter *matter)
{
    const char *address = supposed->address ? supposed->address : "";
    struct place_result places;

    jw_string(w, "region", matter->region < 0 ? NULL : city_region(city, matter->region)->code);
    if (matter->region >= 0 && !supposed->region)
        jw_string(w, "region_from", "address");
    place_find(city, address, strlen(address), &places);
    place_json_write(w, "places", city, address, &places);
}

struct explaining {
    struct version_draft draft; /* first: version_draft_load() keeps it in r->state */
    struct explain_case supposed;
    struct route_matter matter;
};

/* Under a draft of rules as well: regions, categories and units are the same there. */
static void reply_supposed(struct request *r, const struct explaining *e, const struct city *city)
{
    struct json_writer w;
    struct route route;
    struct sbuf out;

    route_matter(city, &e->matter, &route);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    if (e->supposed.draft)
        jw_int(&w, "draft", e->supposed.draft);
    ticket_json_write_route(&w, city, city_rule_set_version(city), &route);
    jw_string(&w, "kind", kind_words[route.kind].code);
    jw_string(&w, "urgency", urgency_words[route.urgency].code);
    jw_string(&w, "policy", sla_policy_name(city_policy(city, route.policy)));
    write_place(&w, city, &e->supposed, &e->matter);
    explain_json_write_rules(&w, city, &e->matter);
    write_supposed(&w, city, &e->matter, &route);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static void explain_draft(struct request *r, struct version_draft *draft)
{
    struct city *city = draft->city;

    reply_supposed(r, r->state, city);
    city_unref(&city);
}

void explain_post(struct request *r)
{
    struct explaining *e = arena_alloc(r->arena, sizeof(*e));

    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return;
    }
    e->matter.region = -1;
    if (!read_matter(r, &e->supposed, &e->matter))
        return;
    if (!e->supposed.draft) {
        reply_supposed(r, e, r->d->city);
        return;
    }
    e->draft.part = CITY_PART_RULES;
    e->draft.id = e->supposed.draft;
    e->draft.go = explain_draft;
    version_draft_load(r, &e->draft);
}
