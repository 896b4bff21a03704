/*
 * ticket_plan.c - what follows from the row that is taken: assignments, clocks, count, history.
 */
#include "hotline/ticket_plan.h"

#include <string.h>

#include "base/crypto.h"
#include "hotline/route.h"
#include "hotline/ticket_plan_private.h"

/* ---- assignments
 * ---------------------------------------------------------------------------------- */

/* Of a unit that the city has given up since: the depth the ticket went to when it was sent there.
 */
static enum tier unit_tier(const struct plan *p, const char *unit)
{
    int index = city_find_unit(p->ctx->city, unit);
    enum tier gone = p->t->deepest_tier == TIER_DESK ? TIER_CITY : p->t->deepest_tier;
    return index < 0 ? gone : city_unit(p->ctx->city, index)->tier;
}

static struct assignment *add_assignment(struct plan *p, const char *unit,
                                         enum assignment_role role)
{
    struct assignment *a = &p->t->assignments[p->t->assignment_count++];
    enum tier tier = unit_tier(p, unit);

    *a = (struct assignment){
        .ordinal = (int)p->t->assignment_count,
        .unit = arena_strdup(p->ctx->arena, unit),
        .role = role,
        .round = p->t->round,
        .state = ASSIGNMENT_UNSIGNED,
        .created_us = p->now_us,
        .solved = -1,
        .is_new = true,
    };
    if (p->t->deepest_tier == TIER_DESK || tier < p->t->deepest_tier)
        p->t->deepest_tier = tier;
    return a;
}

static void set_assignment_state(struct plan *p, struct assignment *a, enum assignment_state state)
{
    a->state = state;
    a->is_changed = true;
    if (state != ASSIGNMENT_SUSPENDED)
        a->suspended_until_us = 0;
    if (!assignment_state_is_live(state)) {
        a->request = (struct assignment_request){.kind = REQUEST_NONE};
        a->ended_us = p->now_us;
        clocks_end(p, a->ordinal, false);
    }
}

static void recall_live(struct plan *p)
{
    for (size_t i = 0; i < p->t->assignment_count; i++) {
        struct assignment *a = &p->t->assignments[i];
        if (assignment_state_is_live(a->state))
            set_assignment_state(p, a, ASSIGNMENT_RECALLED);
    }
}

static void move_all(struct plan *p, enum assignment_state from, enum assignment_state to,
                     bool lead_only)
{
    for (size_t i = 0; i < p->t->assignment_count; i++) {
        struct assignment *a = &p->t->assignments[i];
        if (plan_is_current(p, a) && a->state == from && (!lead_only || a->role == ASSIGNMENT_LEAD))
            set_assignment_state(p, a, to);
    }
}

static void create_assignments(struct plan *p)
{
    const struct ticket_command *c = p->command;

    add_assignment(p, c->lead_unit, ASSIGNMENT_LEAD);
    for (size_t i = 0; i < c->co_unit_count && i < ROUTE_MAX_CO_UNITS; i++)
        add_assignment(p, c->co_units[i], ASSIGNMENT_CO);
}

/* ---- what a unit asks for -----------------------------------------------------------------------
 */

static const enum request_kind asked_by[ACTION_COUNT] = {
    [ACTION_RETURN] = REQUEST_RETURN,
    [ACTION_EXTEND] = REQUEST_EXTENSION,
    [ACTION_SUSPEND] = REQUEST_SUSPENSION,
};

static void ask(struct plan *p, struct assignment *a)
{
    const struct ticket_command *c = p->command;

    a->request = (struct assignment_request){
        .kind = asked_by[c->action],
        .at_us = p->now_us,
        .ground = c->ground,
        .text = c->text,
        .proposed_unit = c->proposed_unit,
        .days = c->days,
        .until_us = c->until_us,
    };
    a->is_changed = true;
    if (c->action == ACTION_RETURN) /* the desk's time is not the unit's */
        clocks_pause(p, a, false);
}

static void decided(struct plan *p, struct assignment *a, enum ticket_event_type event)
{
    const struct assignment_request request = a->request;

    a->request = (struct assignment_request){.kind = REQUEST_NONE};
    a->is_changed = true;
    if (event == EVENT_RETURN_REFUSED) {
        clocks_resume(p, a, p->now_us);
    } else if (event == EVENT_EXTENDED) {
        clocks_extend(p, a, plan_granted_days(p, &request));
        a->extensions++;
    } else if (event == EVENT_SUSPENDED) {
        a->suspended_until_us = request.until_us;
        clocks_pause(p, a, true);
    }
}

/* ---- the acting assignment ----------------------------------------------------------------------
 */

static void take_report(struct plan *p, struct assignment *a)
{
    const struct ticket_command *c = p->command;

    a->reported_us = p->now_us;
    a->solved = c->solved;
    a->internal = c->internal;
    a->public_reply = c->public_reply;
    a->request = (struct assignment_request){.kind = REQUEST_NONE}; /* needed no more */
}

static void change_self(struct plan *p, const struct machine_row *row)
{
    struct assignment *a = plan_self(p);

    if (row->assignment_to != ASSIGNMENT_SAME)
        set_assignment_state(p, a, (enum assignment_state)row->assignment_to);
    if (row->action == ACTION_SIGN) {
        a->signed_us = p->now_us;
        a->signed_by = p->command->actor;
    } else if (row->action == ACTION_CONTACT) {
        a->contacted_us = a->contacted_us ? a->contacted_us : p->now_us;
        a->is_changed = true;
    } else if (row->action == ACTION_REPORT) {
        take_report(p, a);
    } else if (row->action == ACTION_RESUME) {
        clocks_resume(p, a, p->now_us);
    } else if (row->action == ACTION_DECIDE) {
        decided(p, a, row->event);
    } else if (asked_by[row->action]) {
        ask(p, a);
    }
}

/* Actor and role of a tick are the system's, whoever's command comes after it. */
void plan_end_suspension(struct plan *p, struct assignment *a, int64_t at_us)
{
    struct sbuf detail;

    a->suspended_until_us = 0;
    set_assignment_state(p, a, ASSIGNMENT_WORKING);
    clocks_resume(p, a, at_us);
    sbuf_init(&detail, 0);
    plan_write_calendar(&detail, p);
    struct ticket_event *e = plan_event(p, EVENT_RESUMED, at_us, a, detail.data, NULL);
    e->actor = "system";
    e->role = ROLE_SYSTEM;
    sbuf_free(&detail);
}

/* ---- changes of hand
 * -----------------------------------------------------------------------------
 */

static void change_lead(struct plan *p, const char *unit)
{
    const char *before = p->t->lead_unit;

    p->t->lead_unit = arena_strdup(p->ctx->arena, unit);
    tally_move(p, before, p->t->lead_unit);
    p->t->dispatched_us = p->now_us;
}

static void hand_over(struct plan *p, const struct machine_row *row)
{
    const struct ticket_command *c = p->command;
    struct assignment *a = plan_self(p);
    const char *unit = row->action == ACTION_ESCALATE ? plan_unit_above(p, a->unit) : c->lead_unit;
    int parent = a->ordinal;
    enum assignment_role role = a->role;

    set_assignment_state(p, a, (enum assignment_state)row->assignment_to);
    struct assignment *next = add_assignment(p, unit, role);
    next->parent = parent;
    if (role == ASSIGNMENT_LEAD)
        change_lead(p, next->unit);
}

/* A co-unit that is made the lead stops being one. */
static void transfer(struct plan *p, const struct machine_row *row)
{
    const char *unit = p->command->lead_unit;

    set_assignment_state(p, plan_self(p), (enum assignment_state)row->assignment_to);
    struct assignment *co = plan_find_live(p, unit);
    if (co)
        set_assignment_state(p, co, ASSIGNMENT_RECALLED);
    p->t->transfers++;
    change_lead(p, add_assignment(p, unit, ASSIGNMENT_LEAD)->unit);
}

static void to_pool(struct plan *p, const struct machine_row *row)
{
    set_assignment_state(p, plan_self(p), (enum assignment_state)row->assignment_to);
    recall_live(p);
    p->t->transfers++;
    tally_unhand(p, p->t->lead_unit);
    clocks_start(p, CLOCK_DISPATCH, 0);
}

static void next_round(struct plan *p)
{
    p->t->round++;
    p->t->callback_attempts = 0;
}

/* ---- effects of a row
 * --------------------------------------------------------------------------------- */

/* This round has had its result: a problem ticket whose rounds are used up. */
static bool has_passed(const struct plan *p)
{
    for (size_t i = 0; i < p->t->assignment_count; i++) {
        const struct assignment *a = &p->t->assignments[i];
        if (plan_is_current(p, a) && a->state == ASSIGNMENT_PASSED)
            return true;
    }
    return false;
}

static void apply_dispatch(struct plan *p, const struct machine_row *row)
{
    if (row->effect == EFFECT_REPLACE)
        recall_live(p);
    if (has_passed(p)) { /* sent elsewhere before anybody has begun, it stays the same round */
        next_round(p);
        clocks_start_at(p, SLA_REDO, 0);
    }
    create_assignments(p);
    if (row->action != ACTION_RECEIVE) {
        change_lead(p, p->command->lead_unit);
        return;
    }
    p->t->lead_unit = arena_strdup(p->ctx->arena, p->command->lead_unit);
    p->t->dispatched_us = p->now_us;
}

static void effect_recall(struct plan *p, const struct machine_row *row)
{
    (void)row;
    recall_live(p);
}

static void effect_pass(struct plan *p, const struct machine_row *row)
{
    (void)row;
    move_all(p, ASSIGNMENT_REPORTED, ASSIGNMENT_PASSED, false);
}

static void effect_lead_back(struct plan *p, const struct machine_row *row)
{
    (void)row;
    move_all(p, ASSIGNMENT_REPORTED, ASSIGNMENT_WORKING, true);
}

static void effect_redo(struct plan *p, const struct machine_row *row)
{
    (void)row;
    next_round(p);
    add_assignment(p, p->t->lead_unit, ASSIGNMENT_LEAD);
}

static void effect_add_co(struct plan *p, const struct machine_row *row)
{
    (void)row;
    add_assignment(p, p->command->lead_unit, ASSIGNMENT_CO);
}

static void (*const effects[EFFECT_COUNT])(struct plan *p, const struct machine_row *row) = {
    [EFFECT_CREATE] = apply_dispatch, [EFFECT_REPLACE] = apply_dispatch,
    [EFFECT_RECALL] = effect_recall,  [EFFECT_SELF] = change_self,
    [EFFECT_PASS] = effect_pass,      [EFFECT_LEAD_BACK] = effect_lead_back,
    [EFFECT_REDO] = effect_redo,      [EFFECT_ADD_CO] = effect_add_co,
    [EFFECT_HAND_OVER] = hand_over,   [EFFECT_TRANSFER] = transfer,
    [EFFECT_TO_POOL] = to_pool,
};

static void clocks_hear(struct plan *p, enum sla_event event, int assignment)
{
    if (event == SLA_NEVER)
        return;
    clocks_stop_at(p, event, assignment);
    clocks_start_at(p, event, assignment);
}

static void start_new_units(struct plan *p)
{
    for (size_t i = 0; i < p->t->assignment_count; i++) {
        const struct assignment *a = &p->t->assignments[i];
        bool is_forwarded = a->parent && p->command->action == ACTION_FORWARD;
        if (a->is_new)
            clocks_start_unit(p, a, is_forwarded ? p->command->days : 0);
    }
}

static void tell_clocks(struct plan *p, const struct machine_row *row)
{
    const struct assignment *own = effect_is_on_self(row->effect) ? plan_self(p) : NULL;

    if (row->guard == GUARD_FAIL) { /* what follows a good review does not begin */
        clocks_stop_at(p, row->sla, 0);
        clocks_resume_resolve(p);
        return;
    }
    /* What a co-unit does is heard by its own clocks only. */
    if (!own || own->role == ASSIGNMENT_LEAD)
        clocks_hear(p, row->sla, 0);
    if (own)
        clocks_hear(p, row->sla, own->ordinal);
    if (row->action == ACTION_COMPLETE && row->effect == EFFECT_CREATE)
        clocks_hear(p, SLA_DISPATCHED, 0);
    if (row->effect == EFFECT_REDO)
        clocks_start_at(p, SLA_REDO, 0);
    start_new_units(p);
}

static void close_ticket(struct plan *p, const struct machine_row *row)
{
    struct sbuf detail;
    bool at_desk = row->action == ACTION_ANSWER;
    enum tier tier = at_desk ? TIER_DESK : unit_tier(p, p->t->lead_unit);

    tally_close(p, tier, at_desk ? NULL : p->t->lead_unit);
    sbuf_init(&detail, 0);
    sbuf_addf(&detail, "\"tier\":\"%s\",\"on_time\":%s", tier_words[tier].code,
              p->t->closed_on_time ? "true" : "false");
    plan_event(p, EVENT_CLOSED, p->now_us, NULL, detail.data, NULL);
    sbuf_free(&detail);
}

static void end_ticket(struct plan *p, const struct machine_row *row)
{
    bool at_desk = row->action == ACTION_ANSWER;

    if (row->to == TICKET_CLOSED)
        clocks_stop_at(p, SLA_CLOSED, 0);
    clocks_end(p, 0, at_desk);
    /* Each matter counts once: answered at the desk or dispatched, also a problem ticket. */
    tally_end(p, at_desk || row->guard == GUARD_NOBODY_SIGNED || row->to == TICKET_MERGED);
    if (row->to == TICKET_CLOSED)
        close_ticket(p, row);
}

/* Closed, ended or merged before; the event of it is written already. */
static void open_again(struct plan *p, const struct machine_row *row)
{
    bool is_merged = row->action == ACTION_UNMERGE;
    bool to_units = row->effect == EFFECT_REDO;

    tally_reopen(p, !to_units);
    p->t->merged_into = 0;
    p->t->callback_attempts = 0; /* of a merged ticket's call-backs none counts for this life */
    if (is_merged) {
        clocks_revive_resolve(p);
        if (p->t->clock_count == 0) /* merged before it was complete */
            clocks_start_at(p, SLA_RECEIVED, 0);
    } else if (!to_units) { /* the redo has its round and its clock already */
        next_round(p);
        clocks_start_at(p, SLA_REDO, 0);
    }
    if (!to_units)
        clocks_start(p, CLOCK_DISPATCH, 0);
}

static void become_problem(struct plan *p)
{
    p->t->is_problem = true;
    clocks_start(p, CLOCK_DISPATCH, 0);
    plan_event(p, EVENT_PROBLEM, p->now_us, NULL, NULL, NULL);
}

static void note_callback(struct plan *p)
{
    const struct ticket_command *c = p->command;

    p->change->has_callback = true;
    p->change->callback =
        (struct ticket_callback){c->reached, c->contacted, c->solved, c->satisfied, c->text};
    p->change->callback_round = p->t->round;
    p->change->callback_us = p->now_us;
    p->t->callback_attempts += !c->reached;
}

/* What the citizen may read from now on. */
static const char *reply_for_citizen(const struct plan *p, const struct machine_row *row)
{
    if (row->action == ACTION_ANSWER)
        return p->command->text;
    if (row->guard != GUARD_PASS)
        return NULL;
    for (size_t i = p->t->assignment_count; i-- > 0;) {
        const struct assignment *a = &p->t->assignments[i];
        if (a->role == ASSIGNMENT_LEAD && plan_is_current(p, a) && a->state == ASSIGNMENT_PASSED)
            return a->public_reply;
    }
    return NULL;
}

/* The one place that sets the state of a ticket. */
static void set_state(struct plan *p, int to)
{
    if (to != STATE_KEEP)
        p->t->state = (enum ticket_state)to;
}

static void take_row(struct plan *p, const struct machine_row *row)
{
    bool was_open = row->action == ACTION_RECEIVE || ticket_state_is_open(p->t->state);

    if (row->action == ACTION_CALLBACK)
        note_callback(p);
    plan_write_event(p, row);
    if (effects[row->effect])
        effects[row->effect](p, row);
    tell_clocks(p, row);
    set_state(p, row->to);
    if (row->action == ACTION_COMPLETE && row->effect == EFFECT_CREATE)
        plan_write_dispatched(p);
    if (row->action == ACTION_MERGE)
        p->t->merged_into = p->command->into;
    if (row->effect == EFFECT_REDO)
        plan_event(p, EVENT_REDO, p->now_us, &p->t->assignments[p->t->assignment_count - 1], NULL,
                   NULL);
    if (row->guard == GUARD_REDO_SPENT || row->guard == GUARD_GRANTED_LAST)
        become_problem(p);
    if (!was_open && ticket_state_is_open(p->t->state))
        open_again(p, row);
    if (was_open && !ticket_state_is_open(p->t->state))
        end_ticket(p, row);
    p->change->public_reply = reply_for_citizen(p, row);
    p->change->ground = row->action == ACTION_REJECT ? p->command->text : NULL;
    p->change->referred_to = row->action == ACTION_REFER ? p->command->to : NULL;
}

/* ---- entry points
 * ----------------------------------------------------------------------------------- */

static struct ticket_command routed_command(const struct plan *p,
                                            const struct ticket_command *command)
{
    const struct city *city = p->ctx->city;
    const struct route *route = command->route;
    struct ticket_command c = *command;

    if (!route || route->lead_unit < 0)
        return c;
    const char **co = arena_alloc(p->ctx->arena, sizeof(*co) * (route->co_unit_count + 1));
    for (size_t i = 0; i < route->co_unit_count; i++)
        co[i] = city_unit(city, route->co_units[i])->code;
    c.lead_unit = city_unit(city, route->lead_unit)->code;
    c.co_units = co;
    c.co_unit_count = route->co_unit_count;
    return c;
}

enum plan_result ticket_plan_intake(const struct plan_context *ctx, const struct ticket_view *draft,
                                    const struct ticket_command *command,
                                    struct ticket_change *change_r, struct plan_refusal *refusal_r)
{
    struct plan p;
    enum plan_result result = PLAN_OK;

    plan_begin(&p, ctx, draft, command->now_us, change_r);
    p.t->round = 1;
    p.t->state = TICKET_ACCEPTED;
    struct ticket_command routed = routed_command(&p, command);
    p.command = &routed;
    const struct machine_row *row = plan_choose_row(&p, 1u << STATE_NONE, refusal_r, &result);
    if (!row)
        return result;
    plan_event(&p, EVENT_RECEIVED, command->now_us, NULL, NULL, NULL);
    if (!command->incomplete) /* nothing can be promised yet */
        clocks_start_at(&p, SLA_RECEIVED, 0);
    take_row(&p, row);
    tally_receive(&p);
    plan_end(&p);
    return PLAN_OK;
}

/* ---- completing --------------------------------------------------------------------------------
 */

/* What is known now is the ticket's own before anything is decided by it. */
static void take_facts(struct plan *p, const struct ticket_view *before)
{
    const struct ticket_facts *f = p->command->facts;
    const struct route *route = p->command->route;

    p->change->facts = f;
    p->change->route = route;
    if (f) {
        p->t->category = f->category ? f->category : p->t->category;
        p->t->region = f->region ? f->region : p->t->region;
        p->t->kind = f->kind >= 0 ? (enum ticket_kind)f->kind : p->t->kind;
        p->t->urgency = f->urgency >= 0 ? (enum ticket_urgency)f->urgency : p->t->urgency;
    }
    if (route) { /* a rule may override them */
        p->t->kind = route->kind;
        p->t->urgency = route->urgency;
        p->t->policy = sla_policy_name(city_policy(p->ctx->city, route->policy));
        p->t->sla_set = city_sla_version(p->ctx->city);
    }
    tally_refile(p, before);
    plan_look_up(p);
}

static bool is_units_own(const struct plan *p)
{
    const struct ticket_command *c = p->command;
    const struct assignment *a = plan_find_self(p);

    if (c->action == ACTION_DECIDE && c->role != ROLE_UNIT)
        return a != NULL;
    if (action_is_assignments(c->action))
        return a && (c->role != ROLE_UNIT || (c->unit && strcmp(a->unit, c->unit) == 0));
    if (c->role != ROLE_UNIT)
        return true;
    for (size_t i = 0; c->unit && i < p->t->assignment_count; i++) {
        if (strcmp(p->t->assignments[i].unit, c->unit) == 0)
            return true;
    }
    return false;
}

enum plan_result ticket_plan_action(const struct plan_context *ctx, const struct ticket_view *view,
                                    const struct ticket_command *command,
                                    struct ticket_change *change_r, struct plan_refusal *refusal_r)
{
    struct plan p;
    enum plan_result result = PLAN_OK;

    plan_begin(&p, ctx, view, command->now_us, change_r);
    struct ticket_command routed = routed_command(&p, command);
    p.command = &routed;
    if (!is_units_own(&p))
        return PLAN_ABSENT;
    clocks_tick(&p); /* guards see what is due by now; of a refusal nothing is stored */
    const struct machine_row *row = plan_choose_row(&p, 1u << view->state, refusal_r, &result);
    if (!row)
        return result;
    if (row->action == ACTION_COMPLETE)
        take_facts(&p, view);
    take_row(&p, row);
    plan_end(&p);
    return PLAN_OK;
}

void ticket_plan_tick(const struct plan_context *ctx, const struct ticket_view *view,
                      int64_t now_us, struct ticket_change *change_r)
{
    struct plan p;

    plan_begin(&p, ctx, view, now_us, change_r);
    clocks_tick(&p);
    if (change_r->event_count)
        plan_end(&p);
}
