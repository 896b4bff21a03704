/*
 * ticket_action.c - decode the order, plan it on the ticket as it is, store it, tell what became of
 * it.
 *
 * What may happen is told by lib/hotline/ticket_machine.c alone; this file knows only how it looks
 * outside.
 */
#include "daemon/ticket_action.h"

#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "daemon/ticket_store.h"
#include "hotline/route.h"
#include "hotline/ticket_number.h"

struct action {
    struct request *r;
    struct store_job *job;
    struct ticket_command command;
    struct ticket_order order;
    struct plan_refusal refusal;
    enum plan_result result;
    int if_match;              /* version; 0 = not given */
    bool is_mismatch;          /* 412 */
    const char *lease_refusal; /* reason word */
    struct ticket_facts facts; /* of complete */
};

/* ---- the decision
 * ---------------------------------------------------------------------------------- */

static const struct assignment_lease *lease_of(const struct store_job *job, int ordinal)
{
    for (size_t i = 0; i < job->record.view.assignment_count; i++) {
        if (job->record.view.assignments[i].ordinal == ordinal)
            return &job->record.leases[i];
    }
    return NULL;
}

/*
 * A lease that is shown must be the present one (a fencing token: who was too slow has lost it).
 * Without one a signature is taken unless somebody else of the unit holds the assignment right now.
 */
static const char *check_lease(const struct action *a, const struct assignment_lease *lease)
{
    const char *given = a->order.lease;

    if (a->command.action != ACTION_SIGN || !lease)
        return NULL;
    if (given)
        return lease->lease && strcmp(given, lease->lease) == 0 ? NULL : "lease";
    bool is_live = lease->lease && lease->until_us > a->command.now_us;
    bool is_other = lease->leased_by && strcmp(lease->leased_by, a->command.actor) != 0;
    return is_live && is_other ? "leased" : NULL;
}

/* Which assignment a decision is about: by the id of the request, or the only one of its kind. */
static const char *find_request(struct action *a, const struct ticket_view *view)
{
    int kind = word_find(request_words, REQUEST_COUNT, a->order.request);
    int64_t number;

    a->command.assignment = 0;
    if (kind <= REQUEST_NONE)
        return assignment_id_parse(a->order.request, &number, &a->command.assignment) &&
                       number == view->number
                   ? NULL
                   : "no_request";
    for (size_t i = 0; i < view->assignment_count; i++) {
        if ((int)view->assignments[i].request.kind != kind)
            continue;
        if (a->command.assignment)
            return "ambiguous";
        a->command.assignment = view->assignments[i].ordinal;
    }
    return a->command.assignment ? NULL : "no_request";
}

/* Where the rules send a ticket that is complete now. */
static void route_completed(struct action *a, struct store_job *job)
{
    const struct ticket_view *v = &job->record.view;
    const struct ticket_facts *f = &a->facts;
    struct route *route = arena_alloc(job->arena, sizeof(*route));
    const char *region = f->region ? f->region : v->region;
    const struct route_matter matter = {
        .category = city_find_category(job->city, f->category ? f->category : v->category),
        .region = region ? city_find_region(job->city, region) : -1,
        .kind = f->kind >= 0 ? (enum ticket_kind)f->kind : v->kind,
        .urgency = f->urgency >= 0 ? (enum ticket_urgency)f->urgency : v->urgency,
        .channel = v->channel,
        .title = f->title ? f->title : job->record.title,
        .text = f->text ? f->text : job->record.text,
        .now_us = a->command.now_us,
    };

    route_matter(job->city, &matter, route);
    a->command.route = route;
    a->command.facts = f;
}

static const char *prepare(struct action *a, struct store_job *job)
{
    if (a->command.action == ACTION_COMPLETE)
        route_completed(a, job);
    return a->command.action == ACTION_DECIDE ? find_request(a, &job->record.view) : NULL;
}

static enum store_verdict refuse_before_plan(struct action *a, const struct ticket_view *view,
                                             const char *reason)
{
    bool is_handled = view->state == TICKET_HANDLING; /* elsewhere nobody can have asked */

    a->result = PLAN_NOT_NOW;
    a->refusal = (struct plan_refusal){
        .reason = is_handled ? reason : "state",
        .state = view->state,
        .assignment_state = -1,
        .changed_by = view->last_actor,
        .changed_us = view->last_at_us,
    };
    return STORE_VERDICT_REFUSE;
}

static enum store_verdict decide(struct store_job *job)
{
    struct action *a = job->ctx;
    struct plan_context ctx = store_plan_context(job);
    const struct ticket_view *view = &job->record.view;

    const char *reason = prepare(a, job);

    a->is_mismatch = a->if_match && a->if_match != view->version;
    if (reason && a->command.role != ROLE_UNIT) /* a unit may not even know the ticket */
        return refuse_before_plan(a, view, reason);
    a->result = ticket_plan_action(&ctx, view, &a->command, &job->change, &a->refusal);
    if (a->result != PLAN_OK)
        return STORE_VERDICT_REFUSE;
    a->lease_refusal = check_lease(a, lease_of(job, a->command.assignment));
    if (a->is_mismatch || a->lease_refusal)
        return STORE_VERDICT_REFUSE;
    job->lease = a->command.action == ACTION_SIGN ? a->order.lease : NULL;
    job->lease_ordinal = a->command.assignment;
    return STORE_VERDICT_APPLY;
}

/* ---- answers
 * ------------------------------------------------------------------------------------------ */

static void reply_changed(struct request *r, const struct store_job *job)
{
    const struct ticket_view *t = &job->change.after;
    struct ticket_sight sight = auth_sight(r->account, &job->record);
    char number[TICKET_NUMBER_SIZE];
    struct json_writer w;
    struct sbuf out;

    ticket_number_format(t->number, number);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "number", number);
    jw_string(&w, "state", ticket_state_words[t->state].code);
    jw_int(&w, "version", t->version);
    jw_int(&w, "round", t->round);
    jw_bool(&w, "problem", t->is_problem);
    ticket_json_write_assignments(&w, t, NULL, job->city, &sight);
    ticket_json_write_clocks(&w, t, city_offset_min(job->city));
    jw_object_end(&w);
    http_reply_header(r->http, "ETag", arena_printf(r->arena, "\"%d\"", t->version));
    request_reply(r, 200, &out);
}

static const char *reason_detail(struct request *r, const char *reason)
{
    int guard = word_find(guard_words, GUARD_COUNT, reason);
    int finer = word_find(refusal_words, REFUSAL_WORD_COUNT, reason);
    const struct word *word = guard >= 0   ? &guard_words[guard]
                              : finer >= 0 ? &refusal_words[finer]
                                           : NULL;

    return word ? arena_printf(r->arena, "%s / %s", word->zh, word->en) : NULL;
}

static void reply_conflict(struct request *r, const struct action *a, const struct store_job *job)
{
    const struct plan_refusal *refusal = &a->refusal;
    const struct assignment_lease *lease = lease_of(job, a->command.assignment);
    const char *reason = a->lease_refusal ? a->lease_refusal : refusal->reason;
    const struct ticket_view *view = &job->record.view;
    int offset = city_offset_min(job->city);
    struct request_problem_writer p;

    request_problem_begin(r, &p, PROBLEM_CONFLICT, reason_detail(r, reason));
    jw_string(&p.w, "reason", reason);
    jw_string(&p.w, "state", ticket_state_words[view->state].code);
    jw_int(&p.w, "version", view->version);
    if (a->lease_refusal) {
        jw_string(&p.w, "changed_by", lease->leased_by);
        jw_instant(&p.w, "lease_until", lease->until_us, offset);
    } else {
        if (refusal->assignment_state >= 0)
            jw_string(&p.w, "assignment_state",
                      assignment_state_words[refusal->assignment_state].code);
        jw_string(&p.w, "changed_by", refusal->changed_by);
        jw_instant(&p.w, "changed_at", refusal->changed_us, offset);
    }
    request_problem_end(r, &p);
}

static void reply_refused(struct request *r, const struct action *a, const struct store_job *job)
{
    static const enum problem problems[] = {
        [PLAN_OK] = PROBLEM_CONFLICT,
        [PLAN_NOT_NOW] = PROBLEM_CONFLICT,
        [PLAN_NOT_ALLOWED] = PROBLEM_FORBIDDEN,
        [PLAN_ABSENT] = PROBLEM_NOT_FOUND,
    };
    bool is_visible = a->result != PLAN_ABSENT && a->result != PLAN_NOT_ALLOWED;

    if (is_visible && a->is_mismatch)
        request_problem(r, PROBLEM_MISMATCH, NULL);
    else if (problems[a->result] == PROBLEM_CONFLICT)
        reply_conflict(r, a, job);
    else
        request_problem(r, problems[a->result], NULL);
}

static void done(struct store_job *job, enum store_outcome outcome)
{
    static const enum problem problems[] = {
        [STORE_ABSENT] = PROBLEM_NOT_FOUND,
        [STORE_UNAVAILABLE] = PROBLEM_UNAVAILABLE,
        [STORE_UNCERTAIN] = PROBLEM_UNAVAILABLE,
        [STORE_FAILED] = PROBLEM_INTERNAL,
    };
    struct action *a = job->ctx;
    struct request *r = a->r;

    r->on_abort = NULL;
    if (outcome == STORE_DONE || outcome == STORE_READ)
        reply_changed(r, job);
    else if (outcome == STORE_REFUSED)
        reply_refused(r, a, job);
    else
        request_problem(r, problems[outcome], NULL);
}

/* ---- the order
 * ------------------------------------------------------------------------------------------- */

static void check_code(struct request *r, const char *field, const char *code,
                       int (*find)(const struct city *city, const char *code))
{
    if (code && find(r->d->city, code) < 0)
        faults_add(&r->faults, field, "not_found");
}

static void check_codes(struct request *r, const struct ticket_order *order)
{
    check_code(r, "lead_unit", order->lead_unit, city_find_unit);
    check_code(r, "unit", order->unit, city_find_unit);
    check_code(r, "proposed_unit", order->proposed_unit, city_find_unit);
    check_code(r, "category", order->category, city_find_category);
    check_code(r, "region", order->region, city_find_region);
}

static void check_units(struct request *r, const struct ticket_order *order)
{
    const struct city *city = r->d->city;

    check_codes(r, order);
    for (size_t i = 0; i < order->co_units.count; i++) {
        const char *unit = order->co_units.list[i];
        bool is_twice = order->lead_unit && strcmp(unit, order->lead_unit) == 0;
        for (size_t j = 0; j < i; j++)
            is_twice = is_twice || strcmp(unit, order->co_units.list[j]) == 0;
        const char *field = arena_printf(r->arena, "co_units[%zu]", i);
        if (is_twice)
            faults_add(&r->faults, field, "duplicate");
        else if (city_find_unit(city, unit) < 0)
            faults_add(&r->faults, field, "not_found");
    }
}

/* An instant, or a date: then its first moment in the city. */
static int64_t read_until(struct request *r, const char *until)
{
    size_t len = until ? strlen(until) : 0;
    int64_t us = 0;
    int32_t day;

    if (!until || civil_parse_instant(until, len, &us))
        return us;
    if (civil_parse_date(until, len, &day))
        return civil_day_start_us(day, city_offset_min(r->d->city));
    faults_add(&r->faults, "until", "format");
    return 0;
}

static int64_t read_into(struct request *r, const char *into)
{
    int64_t number = 0;

    if (into && !ticket_number_parse(into, strlen(into), &number))
        faults_add(&r->faults, "into", "format");
    return number;
}

static int read_if_match(struct request *r)
{
    const char *text = http1_header(http_request_head(r->http), "if-match");

    if (!text || strcmp(text, "*") == 0)
        return 0;
    size_t digits = text[0] == '"' ? strspn(text + 1, "0123456789") : 0;
    if (digits == 0 || digits > 9 || strcmp(text + 1 + digits, "\"") != 0) {
        faults_add(&r->faults, "If-Match", "format");
        return 0;
    }
    return (int)strtol(text + 1, NULL, 10);
}

static void on_abort(struct request *r)
{
    struct action *a = r->state;
    store_cancel(&a->job);
}

/* A ticket merges into another: whether that one is there is seen when it is loaded along. */
static void fill_more(struct action *a)
{
    const struct ticket_order *o = &a->order;
    struct ticket_command *c = &a->command;

    c->lead_unit = o->unit ? o->unit : o->lead_unit;
    c->grant = o->grant;
    c->days = (int)o->days;
    c->ground = o->ground;
    c->proposed_unit = o->proposed_unit;
    a->facts = (struct ticket_facts){
        .category = o->category,
        .region = o->region,
        .address = o->address,
        .title = o->title,
        .text = o->matter,
        .kind = o->kind,
        .urgency = o->urgency,
    };
}

static void fill_command(struct action *a)
{
    const struct ticket_order *o = &a->order;
    struct ticket_command *c = &a->command;
    const struct request *r = a->r;

    c->role = r->account->role;
    c->actor = r->account->name;
    c->unit = r->account->unit;
    c->text = o->text;
    c->co_units = o->co_units.list;
    c->co_unit_count = o->co_units.count;
    c->to = o->to;
    c->pass = o->pass;
    c->reached = o->reached;
    c->contacted = o->contacted;
    c->solved = o->solved;
    c->satisfied = (int)o->satisfied;
    c->internal = o->internal;
    c->public_reply = o->public_reply;
    c->now_us = r->now_us;
    fill_more(a);
}

static void start(struct request *r, int64_t number, enum ticket_action action, int ordinal)
{
    struct action *a = arena_alloc(r->arena, sizeof(*a));

    a->r = r;
    a->command.action = action;
    a->command.assignment = ordinal;
    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return;
    }
    if (ticket_json_decode_order(action, json_root(r->body), r->arena, &a->order, &r->faults))
        check_units(r, &a->order);
    a->command.until_us = read_until(r, a->order.until);
    a->command.into = read_into(r, a->order.into);
    a->if_match = read_if_match(r);
    if (r->faults.count) {
        request_reply_faults(r);
        return;
    }
    fill_command(a);
    r->state = a;
    r->on_abort = on_abort;
    a->job = store_start(r->d, number, a->command.into, decide, done, a);
}

void ticket_action_post(struct request *r)
{
    int action = word_find(action_words, ACTION_COUNT, r->param[1]);
    int64_t number;

    if (action < 0 || action == ACTION_RECEIVE ||
        action_is_assignments((enum ticket_action)action)) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    if (request_param_number(r, &number))
        start(r, number, (enum ticket_action)action, 0);
}

void assignment_action_post(struct request *r)
{
    int action = word_find(action_words, ACTION_COUNT, r->param[1]);
    int64_t number;
    int ordinal;

    if (action < 0 || !action_is_assignments((enum ticket_action)action) ||
        !assignment_id_parse(r->param[0], &number, &ordinal))
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
    else
        start(r, number, (enum ticket_action)action, ordinal);
}
