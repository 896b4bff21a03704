/*
 * ticket_guards.c - which row of the machine is taken, and if none, why not.
 *
 * A guard says NULL or the word of what is missing; the word is told outside as the `reason`.
 */
#include <string.h>

#include "hotline/ticket_plan_private.h"

#define DAY_US (INT64_C(86400) * 1000000)

bool plan_is_current(const struct plan *p, const struct assignment *a)
{
    return a->round == p->t->round;
}

struct assignment *plan_find_self(const struct plan *p)
{
    for (size_t i = 0; i < p->t->assignment_count; i++) {
        struct assignment *a = &p->t->assignments[i];
        if (a->ordinal == p->command->assignment)
            return a;
    }
    return NULL;
}

struct assignment *plan_self(const struct plan *p)
{
    struct assignment *a = plan_find_self(p);

    INVARIANT(a != NULL);
    return a;
}

struct assignment *plan_find_live(const struct plan *p, const char *unit)
{
    for (size_t i = 0; unit && i < p->t->assignment_count; i++) {
        struct assignment *a = &p->t->assignments[i];
        if (assignment_state_is_live(a->state) && strcmp(a->unit, unit) == 0)
            return a;
    }
    return NULL;
}

/* ---- conditions --------------------------------------------------------------------------------
 */

static bool is_routed(const struct plan *p)
{
    return p->command->route && p->command->route->lead_unit >= 0;
}

/* What was handed on had been signed before: work has begun, whoever has it now. */
static bool has_begun(const struct plan *p, const struct assignment *a)
{
    bool is_live = plan_is_current(p, a) && assignment_state_is_live(a->state);
    return is_live && (a->signed_us != 0 || a->parent != 0);
}

static bool nobody_signed(const struct plan *p)
{
    for (size_t i = 0; i < p->t->assignment_count; i++) {
        if (has_begun(p, &p->t->assignments[i]))
            return false;
    }
    return p->t->round == 1 || p->t->is_problem;
}

static bool co_units_answered(const struct plan *p)
{
    for (size_t i = 0; i < p->t->assignment_count; i++) {
        const struct assignment *a = &p->t->assignments[i];
        if (plan_is_current(p, a) && a->role == ASSIGNMENT_CO &&
            assignment_state_is_live(a->state) && a->state != ASSIGNMENT_REPORTED)
            return false;
    }
    return true;
}

static bool lead_is_ready(const struct plan *p)
{
    return plan_self(p)->role == ASSIGNMENT_LEAD && co_units_answered(p);
}

static bool is_content(const struct ticket_command *c, const struct plan_rules *rules)
{
    bool is_dissatisfied = c->satisfied > 0 && c->satisfied <= rules->dissatisfied_to;
    return c->reached && c->solved == 1 && !is_dissatisfied;
}

static const char *unless(bool holds, enum ticket_guard guard)
{
    return holds ? NULL : guard_words[guard].code;
}

/* ---- guards
 * ------------------------------------------------------------------------------------------- */

static const char *guard_routed(const struct plan *p)
{
    return unless(is_routed(p), GUARD_ROUTED);
}

static const char *guard_nobody_signed(const struct plan *p)
{
    return unless(nobody_signed(p), GUARD_NOBODY_SIGNED);
}

static const char *guard_is_lead_ready(const struct plan *p)
{
    return unless(lead_is_ready(p), GUARD_IS_LEAD_READY);
}

static const char *guard_is_co(const struct plan *p)
{
    return unless(plan_self(p)->role == ASSIGNMENT_CO, GUARD_IS_CO);
}

static const char *guard_pass(const struct plan *p)
{
    return unless(p->command->pass, GUARD_PASS);
}

static const char *guard_fail(const struct plan *p)
{
    return unless(!p->command->pass, GUARD_FAIL);
}

static const char *guard_unreached(const struct plan *p)
{
    bool is_left = p->t->callback_attempts + 1 < p->ctx->rules->max_callback_attempts;
    return unless(!p->command->reached && is_left, GUARD_UNREACHED);
}

static const char *guard_unreached_last(const struct plan *p)
{
    return unless(!p->command->reached, GUARD_UNREACHED_LAST);
}

static const char *guard_content(const struct plan *p)
{
    return unless(is_content(p->command, p->ctx->rules), GUARD_CONTENT);
}

static const char *guard_redo_left(const struct plan *p)
{
    bool is_left = p->t->round < p->ctx->rules->max_rounds;
    return unless(p->command->reached && is_left, GUARD_REDO_LEFT);
}

static const char *guard_redo_spent(const struct plan *p)
{
    return unless(p->command->reached, GUARD_REDO_SPENT);
}

static const char *guard_not_problem(const struct plan *p)
{
    return unless(!p->t->is_problem, GUARD_NOT_PROBLEM);
}

static const char *guard_problem(const struct plan *p)
{
    return unless(p->t->is_problem, GUARD_PROBLEM);
}

static const char *guard_unsigned_ordinary(const struct plan *p)
{
    const char *reason = guard_nobody_signed(p);
    return reason ? reason : unless(!p->t->is_problem, GUARD_UNSIGNED_ORDINARY);
}

static const char *guard_draft(const struct plan *p)
{
    return unless(p->command->incomplete, GUARD_DRAFT);
}

static const char *guard_elsewhere(const struct plan *p)
{
    size_t co_units = 0;

    for (size_t i = 0; i < p->t->assignment_count; i++) {
        const struct assignment *a = &p->t->assignments[i];
        co_units += a->role == ASSIGNMENT_CO && assignment_state_is_live(a->state);
    }
    if (co_units >= ROUTE_MAX_CO_UNITS)
        return "too_many";
    return unless(!plan_find_live(p, p->command->lead_unit), GUARD_ELSEWHERE);
}

/* ---- guards of requests
 * ------------------------------------------------------------------------------- */

static const char *pending(const struct plan *p)
{
    return unless(plan_self(p)->request.kind == REQUEST_NONE, GUARD_MAY_SUSPEND);
}

/* A policy without a clock for returns sets them no limit. */
static const char *guard_may_return(const struct plan *p)
{
    const struct assignment *a = plan_self(p);
    const struct ticket_clock *window = clocks_find(p, CLOCK_RETURN, a->ordinal);

    if (pending(p))
        return pending(p);
    if (p->t->is_problem)
        return "no_return";
    return unless(!window || p->now_us <= window->due_us, GUARD_MAY_RETURN);
}

static const char *guard_may_extend(const struct plan *p)
{
    const struct plan_rules *rules = p->ctx->rules;
    const struct ticket_clock *c = clocks_find_resolve(p, plan_self(p));

    if (pending(p))
        return pending(p);
    if (!c)
        return guard_words[GUARD_MAY_EXTEND].code;
    if (p->now_us > c->due_us || c->breached_us)
        return "expired";
    if (plan_self(p)->extensions >= rules->max_extensions)
        return "extension_spent";
    return p->command->days > rules->max_extension_days ? "too_long" : NULL;
}

static const char *guard_may_suspend(const struct plan *p)
{
    int64_t longest_us = p->ctx->rules->max_suspension_days * DAY_US;

    if (pending(p))
        return pending(p);
    if (p->command->until_us <= p->now_us)
        return "until_over";
    return p->command->until_us - p->now_us > longest_us ? "too_long" : NULL;
}

/* ---- guards of handing on
 * ----------------------------------------------------------------------------- */

static bool is_over(const struct plan *p, const struct unit *above, int region)
{
    for (size_t i = 0; i < above->region_count; i++) {
        if (city_region_within(p->ctx->city, region, above->regions[i]))
            return true;
    }
    return false;
}

/* A unit below: in the chain of parents, or of a lower tier with all of its places under ours. */
static bool is_below(const struct plan *p, int inner, int outer)
{
    const struct city *city = p->ctx->city;
    const struct unit *lower = city_unit(city, inner), *upper = city_unit(city, outer);

    if (inner == outer)
        return false;
    if (city_unit_within(city, inner, outer))
        return true;
    if (lower->tier >= upper->tier || lower->region_count == 0)
        return false;
    for (size_t i = 0; i < lower->region_count; i++) {
        if (!is_over(p, upper, lower->regions[i]))
            return false;
    }
    return true;
}

static const char *guard_below(const struct plan *p)
{
    const struct city *city = p->ctx->city;
    const struct assignment *a = plan_self(p);
    int own = city_find_unit(city, a->unit);
    int other = city_find_unit(city, p->command->lead_unit);
    const struct ticket_clock *c = clocks_find_resolve(p, a);

    if (own < 0)
        return "unit_gone";
    if (other < 0 || !is_below(p, other, own))
        return guard_words[GUARD_BELOW].code;
    if (plan_find_live(p, p->command->lead_unit))
        return guard_words[GUARD_ELSEWHERE].code;
    const struct limit limit = {p->command->days, LIMIT_WORKING_DAYS};
    bool is_longer =
        p->command->days > 0 && c && calendar_due(p->calendar, p->now_us, limit).due_us > c->due_us;
    return is_longer ? "longer_than_limit" : NULL;
}

/* The parent; for a unit without one, whoever is over the place at the next tier. */
const char *plan_unit_above(const struct plan *p, const char *code)
{
    const struct city *city = p->ctx->city;
    int own = code ? city_find_unit(city, code) : -1;
    int region = p->t->region ? city_find_region(city, p->t->region) : -1;

    if (own < 0)
        return NULL;
    const struct unit *unit = city_unit(city, own);
    int above = unit->parent;
    if (above < 0 && region >= 0 && unit->tier < TIER_CITY)
        above = city_unit_over(city, region, unit->tier + 1, 0);
    return above < 0 || above == own ? NULL : city_unit(city, above)->code;
}

static const char *guard_above(const struct plan *p)
{
    const char *above = plan_unit_above(p, plan_self(p)->unit);

    if (!above)
        return guard_words[GUARD_ABOVE].code;
    return unless(!plan_find_live(p, above), GUARD_ELSEWHERE);
}

/* ---- guards of decisions
 * ------------------------------------------------------------------------------ */

static const char *guard_refused_unsigned(const struct plan *p)
{
    return unless(!p->command->grant && plan_self(p)->signed_us == 0, GUARD_REFUSED_UNSIGNED);
}

static const char *guard_refused(const struct plan *p)
{
    return unless(!p->command->grant, GUARD_REFUSED);
}

static const char *guard_granted_co(const struct plan *p)
{
    bool is_co = plan_self(p)->role == ASSIGNMENT_CO;
    return unless(p->command->grant && is_co, GUARD_GRANTED_CO);
}

static const char *guard_granted_last(const struct plan *p)
{
    bool is_last = p->t->transfers + 1 >= p->ctx->rules->max_transfers;
    return unless(p->command->grant && is_last, GUARD_GRANTED_LAST);
}

static const char *guard_granted_to(const struct plan *p)
{
    const char *unit = p->command->lead_unit;

    if (!p->command->grant || !unit)
        return guard_words[GUARD_GRANTED_TO].code;
    return strcmp(unit, plan_self(p)->unit) == 0 ? "same_unit" : NULL;
}

/* With a unit named that cannot have it nothing is decided, rather than sent to the pool. */
static const char *guard_granted(const struct plan *p)
{
    bool is_return = plan_self(p)->request.kind == REQUEST_RETURN;

    if (p->command->grant && is_return && p->command->lead_unit)
        return guard_granted_to(p);
    if (p->command->grant && !is_return && p->command->days > p->ctx->rules->max_extension_days)
        return "too_long";
    return unless(p->command->grant, GUARD_GRANTED);
}

static const char *suspension(const struct plan *p, bool grant)
{
    const struct assignment_request *request = &plan_self(p)->request;

    if (request->kind != REQUEST_SUSPENSION)
        return guard_words[GUARD_SUSPENSION_GRANTED].code;
    if (p->command->grant && request->until_us <= p->now_us)
        return "until_over";
    return unless(p->command->grant == grant, GUARD_SUSPENSION_GRANTED);
}

static const char *guard_suspension_granted(const struct plan *p)
{
    return suspension(p, true);
}

static const char *guard_suspension_refused(const struct plan *p)
{
    return suspension(p, false);
}

/* ---- guards of merging
 * -------------------------------------------------------------------------------- */

static const char *guard_may_merge(const struct plan *p)
{
    static const unsigned takes =
        1u << TICKET_ACCEPTED | 1u << TICKET_HANDLING | 1u << TICKET_REVIEW | 1u << TICKET_CALLBACK;

    if (p->command->into == p->t->number)
        return "self";
    if (p->t->is_master)
        return "is_master";
    return unless((takes & (1u << p->t->master_state)) != 0, GUARD_MAY_MERGE);
}

static const char *guard_master_answered(const struct plan *p)
{
    static const unsigned answered =
        1u << TICKET_CALLBACK | 1u << TICKET_CLOSED | 1u << TICKET_ARCHIVED;

    return unless((answered & (1u << p->t->master_state)) != 0, GUARD_MASTER_ANSWERED);
}

static const char *guard_was_units(const struct plan *p)
{
    return unless(p->t->closed_us && p->t->closed_unit && p->t->lead_unit, GUARD_WAS_UNITS);
}

static const char *(*const guards[GUARD_COUNT])(const struct plan *p) = {
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
    [GUARD_DRAFT] = guard_draft,
    [GUARD_ELSEWHERE] = guard_elsewhere,
    [GUARD_MAY_RETURN] = guard_may_return,
    [GUARD_MAY_EXTEND] = guard_may_extend,
    [GUARD_MAY_SUSPEND] = guard_may_suspend,
    [GUARD_BELOW] = guard_below,
    [GUARD_ABOVE] = guard_above,
    [GUARD_REFUSED_UNSIGNED] = guard_refused_unsigned,
    [GUARD_REFUSED] = guard_refused,
    [GUARD_GRANTED_CO] = guard_granted_co,
    [GUARD_GRANTED_LAST] = guard_granted_last,
    [GUARD_GRANTED_TO] = guard_granted_to,
    [GUARD_GRANTED] = guard_granted,
    [GUARD_SUSPENSION_GRANTED] = guard_suspension_granted,
    [GUARD_SUSPENSION_REFUSED] = guard_suspension_refused,
    [GUARD_MAY_MERGE] = guard_may_merge,
    [GUARD_MASTER_ANSWERED] = guard_master_answered,
    [GUARD_WAS_UNITS] = guard_was_units,
};

static const char *guard_reason(const struct plan *p, enum ticket_guard guard)
{
    return guards[guard] ? guards[guard](p) : NULL;
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
    if (row->assignment_from && !(row->assignment_from & (1u << plan_self(p)->state)))
        return NEAR_STATE;
    return guard_reason(p, row->guard) ? NEAR_ASSIGNMENT : NEAR_TAKEN;
}

static void fill_refusal(const struct plan *p, const struct machine_row *row, enum nearness near,
                         struct plan_refusal *refusal)
{
    const struct assignment *a = row && row->assignment_from ? plan_self(p) : NULL;

    *refusal = (struct plan_refusal){
        .reason = row && near == NEAR_ASSIGNMENT ? guard_reason(p, row->guard)
                  : near == NEAR_STATE           ? "assignment_state"
                                                 : "state",
        .state = p->t->state,
        .assignment_state = a ? (int)a->state : -1,
        .changed_by = p->t->last_actor,
        .changed_us = p->t->last_at_us,
    };
    if (a && near == NEAR_STATE && row->action == ACTION_SIGN && a->signed_by) { /* lost a race */
        refusal->changed_by = a->signed_by;
        refusal->changed_us = a->signed_us;
    }
}

const struct machine_row *plan_choose_row(const struct plan *p, unsigned state_bit,
                                          struct plan_refusal *refusal, enum plan_result *result_r)
{
    const struct machine_row *nearest = NULL;
    enum nearness best = NEAR_NOTHING;

    for (size_t i = 0; i < machine_row_count; i++) {
        enum nearness near = row_nearness(p, &machine_rows[i], state_bit);
        if (near == NEAR_TAKEN)
            return &machine_rows[i];
        if (near > best || (near == NEAR_ASSIGNMENT && best == NEAR_ASSIGNMENT)) {
            best = near; /* of several guards the last one: the more general, see the rows */
            nearest = &machine_rows[i];
        }
    }
    *result_r = best == NEAR_NOTHING ? PLAN_NOT_ALLOWED : PLAN_NOT_NOW;
    fill_refusal(p, nearest, best, refusal);
    return NULL;
}
