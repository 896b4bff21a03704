/*
 * ticket_plan.c - which row of the machine is taken, and what follows from it.
 */
#include "hotline/ticket_plan.h"

#include <string.h>

#include "base/crypto.h"
#include "hotline/route.h"
#include "hotline/ticket_plan_private.h"

/* ---- guards ---------------------------------------------------------------------------------- */

static bool is_current(const struct plan *p, const struct assignment *a)
{
    return a->round == p->t->round;
}

static struct assignment *find_self(const struct plan *p)
{
    for (size_t i = 0; i < p->t->assignment_count; i++) {
        struct assignment *a = &p->t->assignments[i];
        if (a->ordinal == p->command->assignment)
            return a;
    }
    return NULL;
}

/* The acting assignment: entry checks made sure that it is there. */
static struct assignment *self(const struct plan *p)
{
    struct assignment *a = find_self(p);

    INVARIANT(a != NULL);
    return a;
}

static bool guard_routed(const struct plan *p)
{
    return p->command->route && p->command->route->lead_unit >= 0;
}

static bool guard_nobody_signed(const struct plan *p)
{
    for (size_t i = 0; i < p->t->assignment_count; i++) {
        const struct assignment *a = &p->t->assignments[i];
        if (is_current(p, a) && a->state != ASSIGNMENT_UNSIGNED && a->state != ASSIGNMENT_RECALLED)
            return false;
    }
    return p->t->round == 1 || p->t->is_problem;
}

static bool co_units_answered(const struct plan *p)
{
    for (size_t i = 0; i < p->t->assignment_count; i++) {
        const struct assignment *a = &p->t->assignments[i];
        if (is_current(p, a) && a->role == ASSIGNMENT_CO && assignment_state_is_live(a->state) &&
            a->state != ASSIGNMENT_REPORTED)
            return false;
    }
    return true;
}

static bool guard_is_lead_ready(const struct plan *p)
{
    return self(p)->role == ASSIGNMENT_LEAD && co_units_answered(p);
}

static bool guard_is_co(const struct plan *p)
{
    return self(p)->role == ASSIGNMENT_CO;
}

static bool guard_pass(const struct plan *p)
{
    return p->command->pass;
}

static bool guard_fail(const struct plan *p)
{
    return !p->command->pass;
}

static bool guard_unreached(const struct plan *p)
{
    return !p->command->reached &&
           p->t->callback_attempts + 1 < p->ctx->rules->max_callback_attempts;
}

static bool guard_unreached_last(const struct plan *p)
{
    return !p->command->reached;
}

static bool guard_content(const struct plan *p)
{
    const struct ticket_command *c = p->command;
    bool is_dissatisfied = c->satisfied > 0 && c->satisfied <= p->ctx->rules->dissatisfied_to;
    return c->reached && c->solved == 1 && !is_dissatisfied;
}

static bool guard_redo_left(const struct plan *p)
{
    return p->command->reached && p->t->round < p->ctx->rules->max_rounds;
}

static bool guard_redo_spent(const struct plan *p)
{
    return p->command->reached;
}

static bool guard_not_problem(const struct plan *p)
{
    return !p->t->is_problem;
}

static bool guard_problem(const struct plan *p)
{
    return p->t->is_problem;
}

static bool guard_unsigned_ordinary(const struct plan *p)
{
    return guard_nobody_signed(p) && !p->t->is_problem;
}

static bool (*const guards[GUARD_COUNT])(const struct plan *p) = {
    [GUARD_ROUTED] = guard_routed,
    [GUARD_NOBODY_SIGNED] = guard_nobody_signed,
    [GUARD_IS_LEAD_READY] = guard_is_lead_ready,
    [GUARD_IS_CO] = guard_is_co,
    [GUARD_PASS] = guard_pass,
    [GUARD_FAIL] = guard_fail,
    [GUARD_UNREACHED] = guard_unreached,
    [GUARD_UNREACHED_LAST] = guard_unreached_last,
    [GUARD_CONTENT] = guard_content,
    [GUARD_REDO_LEFT] = guard_redo_left,
    [GUARD_REDO_SPENT] = guard_redo_spent,
    [GUARD_NOT_PROBLEM] = guard_not_problem,
    [GUARD_PROBLEM] = guard_problem,
    [GUARD_UNSIGNED_ORDINARY] = guard_unsigned_ordinary,
};

static bool guard_holds(const struct plan *p, enum ticket_guard guard)
{
    return !guards[guard] || guards[guard](p);
}

/* ---- choosing the row --------------------------------------------------------------------------
 */

enum nearness { NEAR_NOTHING, NEAR_ROLE, NEAR_STATE, NEAR_ASSIGNMENT, NEAR_TAKEN };

static enum nearness row_nearness(const struct plan *p, const struct machine_row *row,
                                  unsigned state_bit)
{
    if (row->action != p->command->action || !(row->roles & (1u << p->command->role)))
        return NEAR_NOTHING;
    if (!(row->from & state_bit))
        return NEAR_ROLE;
    if (row->assignment_from && !(row->assignment_from & (1u << self(p)->state)))
        return NEAR_STATE;
    return guard_holds(p, row->guard) ? NEAR_TAKEN : NEAR_ASSIGNMENT;
}

/* Why the guard does not hold: of two conditions the one that is missing. */
static const char *guard_reason(const struct plan *p, enum ticket_guard guard)
{
    if (guard == GUARD_UNSIGNED_ORDINARY && !guard_nobody_signed(p))
        guard = GUARD_NOBODY_SIGNED;
    return guard_words[guard].code;
}

static void fill_refusal(const struct plan *p, const struct machine_row *row, enum nearness near,
                         struct plan_refusal *refusal)
{
    const struct assignment *a = row && row->assignment_from ? self(p) : NULL;

    *refusal = (struct plan_refusal){
        .reason = row && near == NEAR_ASSIGNMENT ? guard_reason(p, row->guard)
                  : near == NEAR_STATE           ? "assignment_state"
                                                 : "state",
        .state = p->t->state,
        .assignment_state = a ? (int)a->state : -1,
        .changed_by = p->t->last_actor,
        .changed_us = p->t->last_at_us,
    };
    if (near == NEAR_STATE && row->action == ACTION_SIGN && a->signed_by) { /* won the race */
        refusal->changed_by = a->signed_by;
        refusal->changed_us = a->signed_us;
    }
}

static const struct machine_row *choose_row(const struct plan *p, unsigned state_bit,
                                            struct plan_refusal *refusal,
                                            enum plan_result *result_r)
{
    const struct machine_row *nearest = NULL;
    enum nearness best = NEAR_NOTHING;

    for (size_t i = 0; i < machine_row_count; i++) {
        enum nearness near = row_nearness(p, &machine_rows[i], state_bit);
        if (near == NEAR_TAKEN)
            return &machine_rows[i];
        if (near > best) {
            best = near;
            nearest = &machine_rows[i];
        }
    }
    *result_r = best == NEAR_NOTHING ? PLAN_NOT_ALLOWED : PLAN_NOT_NOW;
    fill_refusal(p, nearest, best, refusal);
    return NULL;
}

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
    if (!assignment_state_is_live(state)) {
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
        if (is_current(p, a) && a->state == from && (!lead_only || a->role == ASSIGNMENT_LEAD))
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

static void change_self(struct plan *p, const struct machine_row *row)
{
    struct assignment *a = self(p);
    const struct ticket_command *c = p->command;

    set_assignment_state(p, a, (enum assignment_state)row->assignment_to);
    if (row->action == ACTION_SIGN) {
        a->signed_us = p->now_us;
        a->signed_by = c->actor;
    } else if (row->action == ACTION_CONTACT) {
        a->contacted_us = a->contacted_us ? a->contacted_us : p->now_us;
    } else if (row->action == ACTION_REPORT) {
        a->reported_us = p->now_us;
        a->solved = c->solved;
        a->internal = c->internal;
        a->public_reply = c->public_reply;
    }
}

static void next_round(struct plan *p)
{
    p->t->round++;
    p->t->callback_attempts = 0;
}

static void redo(struct plan *p)
{
    next_round(p);
    add_assignment(p, p->t->lead_unit, ASSIGNMENT_LEAD);
}

/* ---- the count
 * -------------------------------------------------------------------------------------- */

/* The ticket leaves one unit's hand for another's: `dispatched` follows only if it had been
 * dispatched before. */
static void tally_move(struct plan *p, const char *from, const char *to)
{
    struct ticket_tally *minus = plan_tally(p, p->now_us, from);
    struct ticket_tally *plus = plan_tally(p, p->now_us, to);

    minus->open = -1;
    minus->dispatched = p->t->dispatched_us ? -1 : 0;
    minus->overdue = p->t->is_overdue ? -1 : 0;
    plus->open = 1;
    plus->dispatched = 1;
    plus->overdue = p->t->is_overdue ? 1 : 0;
}

static void tally_end(struct plan *p, bool undo_dispatch)
{
    struct ticket_tally *t = plan_tally(p, p->now_us, p->t->lead_unit);

    t->open = -1;
    t->overdue = p->t->is_overdue ? -1 : 0;
    if (undo_dispatch && p->t->dispatched_us) {
        t->dispatched = -1;
        p->t->dispatched_us = 0;
    }
    p->t->is_overdue = false;
}

static void tally_close(struct plan *p, enum tier tier, const char *unit)
{
    struct ticket_change *change = p->change;
    struct ticket_tally *t = plan_tally(p, p->now_us, unit);

    t->closed = 1;
    t->tier = tier;
    t->desk = tier == TIER_DESK;
    t->on_time = !p->t->was_late;
    change->closed_us = p->now_us;
    change->closed_tier = tier;
    change->closed_unit = unit;
    change->closed_on_time = !p->t->was_late;
}

/* ---- effects of a row
 * --------------------------------------------------------------------------------- */

static void apply_dispatch(struct plan *p, const struct machine_row *row)
{
    const char *before = p->t->lead_unit;

    if (row->effect == EFFECT_REPLACE)
        recall_live(p);
    if (p->t->is_problem && row->effect == EFFECT_CREATE) {
        next_round(p); /* sent elsewhere before anybody has begun, it stays the same round */
        clocks_start_at(p, SLA_REDO, 0);
    }
    create_assignments(p);
    p->t->lead_unit = arena_strdup(p->ctx->arena, p->command->lead_unit);
    if (row->action != ACTION_RECEIVE)
        tally_move(p, before, p->t->lead_unit);
    p->t->dispatched_us = p->now_us;
}

static void apply_effect(struct plan *p, const struct machine_row *row)
{
    static const bool is_dispatch[EFFECT_COUNT] = {[EFFECT_CREATE] = true, [EFFECT_REPLACE] = true};

    if (is_dispatch[row->effect])
        apply_dispatch(p, row);
    else if (row->effect == EFFECT_RECALL)
        recall_live(p);
    else if (row->effect == EFFECT_SELF)
        change_self(p, row);
    else if (row->effect == EFFECT_PASS)
        move_all(p, ASSIGNMENT_REPORTED, ASSIGNMENT_PASSED, false);
    else if (row->effect == EFFECT_LEAD_BACK)
        move_all(p, ASSIGNMENT_REPORTED, ASSIGNMENT_WORKING, true);
    else if (row->effect == EFFECT_REDO)
        redo(p);
}

static void clocks_hear(struct plan *p, enum sla_event event, int assignment)
{
    if (event == SLA_NEVER)
        return;
    clocks_stop_at(p, event, assignment);
    clocks_start_at(p, event, assignment);
}

static void tell_clocks(struct plan *p, const struct machine_row *row)
{
    const struct assignment *own = row->effect == EFFECT_SELF ? self(p) : NULL;

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
    if (row->effect == EFFECT_REDO)
        clocks_start_at(p, SLA_REDO, 0);
    for (size_t i = 0; i < p->t->assignment_count; i++) {
        if (p->t->assignments[i].is_new)
            clocks_start_at(p, SLA_DISPATCHED, p->t->assignments[i].ordinal);
    }
}

static void write_units(struct sbuf *out, const struct ticket_command *c)
{
    plan_json_string(out, "lead_unit", c->lead_unit);
    if (c->co_unit_count == 0)
        return;
    sbuf_adds(out, ",\"co_units\":[");
    for (size_t i = 0; i < c->co_unit_count; i++) {
        if (i)
            sbuf_addc(out, ',');
        plan_json_string(out, NULL, c->co_units[i]);
    }
    sbuf_addc(out, ']');
}

static void write_flag(struct sbuf *out, const char *key, int value)
{
    if (value >= 0)
        sbuf_addf(out, ",\"%s\":%s", key, value ? "true" : "false");
}

static void write_detail(struct sbuf *out, const struct plan *p, const struct machine_row *row)
{
    const struct ticket_command *c = p->command;

    if (row->event == EVENT_DISPATCHED)
        write_units(out, c);
    else if (row->event == EVENT_POOLED && c->route)
        plan_json_string(out, "reason", route_reason_words[c->route->reason].code);
    else if (row->event == EVENT_REFERRED)
        plan_json_string(out, "to", c->to);
    if (row->event == EVENT_REPORTED)
        sbuf_addf(out, "\"role\":\"%s\"", assignment_role_words[self(p)->role].code);
    if (row->event == EVENT_REPORTED)
        write_flag(out, "solved", c->solved);
    if (row->event != EVENT_CALLED_BACK)
        return;
    sbuf_addf(out, "\"reached\":%s", c->reached ? "true" : "false");
    write_flag(out, "contacted", c->contacted);
    write_flag(out, "solved", c->solved);
    if (c->satisfied)
        sbuf_addf(out, ",\"satisfied\":%d", c->satisfied);
}

static void write_event(struct plan *p, const struct machine_row *row)
{
    struct sbuf detail;

    sbuf_init(&detail, 0);
    write_detail(&detail, p, row);
    plan_event(p, row->event, p->now_us, row->effect == EFFECT_SELF ? self(p) : NULL, detail.data,
               p->command->text);
    sbuf_free(&detail);
}

static void close_ticket(struct plan *p, const struct machine_row *row)
{
    struct sbuf detail;
    bool at_desk = row->action == ACTION_ANSWER;
    enum tier tier = at_desk ? TIER_DESK : unit_tier(p, p->t->lead_unit);

    tally_close(p, tier, at_desk ? NULL : p->t->lead_unit);
    sbuf_init(&detail, 0);
    sbuf_addf(&detail, "\"tier\":\"%s\",\"on_time\":%s", tier_words[tier].code,
              p->change->closed_on_time ? "true" : "false");
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
    tally_end(p, at_desk || row->guard == GUARD_NOBODY_SIGNED);
    if (row->to == TICKET_CLOSED)
        close_ticket(p, row);
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
        if (a->role == ASSIGNMENT_LEAD && is_current(p, a) && a->state == ASSIGNMENT_PASSED)
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
    write_event(p, row);
    apply_effect(p, row);
    tell_clocks(p, row);
    set_state(p, row->to);
    if (row->effect == EFFECT_REDO)
        plan_event(p, EVENT_REDO, p->now_us, &p->t->assignments[p->t->assignment_count - 1], NULL,
                   NULL);
    if (row->guard == GUARD_REDO_SPENT)
        become_problem(p);
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
    const struct machine_row *row = choose_row(&p, 1u << STATE_NONE, refusal_r, &result);
    if (!row)
        return result;
    plan_event(&p, EVENT_RECEIVED, command->now_us, NULL, NULL, NULL);
    clocks_start_at(&p, SLA_RECEIVED, 0);
    take_row(&p, row);
    struct ticket_tally *t = plan_tally(&p, command->now_us, p.t->lead_unit);
    t->received = 1;
    t->open = 1;
    t->dispatched = p.t->lead_unit != NULL;
    plan_end(&p);
    return PLAN_OK;
}

static bool is_units_own(const struct plan *p)
{
    const struct ticket_command *c = p->command;
    const struct assignment *a = find_self(p);

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
    p.command = command;
    if (!is_units_own(&p))
        return PLAN_ABSENT;
    const struct machine_row *row = choose_row(&p, 1u << view->state, refusal_r, &result);
    if (!row)
        return result;
    clocks_tick(&p);
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
