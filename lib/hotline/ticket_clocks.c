/*
 * ticket_clocks.c - how the clocks of a ticket hear what happens to it.
 */
#include <string.h>

#include "hotline/ticket_plan_private.h"

/* Each unit has its own of these; the others belong to the ticket as a whole. */
static const bool is_per_unit[CLOCK_COUNT] = {
    [CLOCK_SIGN] = true,
    [CLOCK_FIRST_CONTACT] = true,
    [CLOCK_RETURN] = true,
};

/* A window only closes: nobody is warned and nothing is broken when it does. */
static bool is_window(const struct ticket_clock *clock)
{
    return clock->stop == SLA_NEVER;
}

int64_t ticket_clock_next_us(const struct ticket_clock *clock)
{
    if (clock->state != CLOCK_RUNNING || is_window(clock))
        return 0;
    if (clock->breached_us)
        return clock->step_us;
    bool warn_first = !clock->warned_us && clock->warn_us < clock->due_us;
    /* The limit is kept at its last instant: late is what comes after. */
    return warn_first ? clock->warn_us : clock->due_us + 1;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

int64_t ticket_next_us(const struct ticket_view *view)
{
    int64_t next = 0;

    for (size_t i = 0; i < view->clock_count; i++)
        next = earlier(next, ticket_clock_next_us(&view->clocks[i]));
    for (size_t i = 0; i < view->assignment_count; i++)
        next = earlier(next, view->assignments[i].suspended_until_us);
    return next;
}

int64_t ticket_queue_due_us(const struct ticket_view *view, const struct assignment *assignment)
{
    bool is_lead = assignment->role == ASSIGNMENT_LEAD;
    int64_t own = 0, ticket = 0, any = 0;

    for (size_t i = 0; i < view->clock_count; i++) {
        const struct ticket_clock *c = &view->clocks[i];
        bool is_own = c->assignment == assignment->ordinal;
        if (c->state != CLOCK_RUNNING || (c->assignment && !is_own))
            continue;
        any = earlier(any, c->due_us);
        if (c->clock == CLOCK_RESOLVE && is_own)
            own = earlier(own, c->due_us);
        else if (c->clock == CLOCK_RESOLVE)
            ticket = earlier(ticket, c->due_us);
    }
    int64_t resolve = is_lead ? earlier(own, ticket) : own ? own : ticket;
    return resolve ? resolve : any;
}

static const struct assignment *find_assignment(const struct plan *p, int ordinal)
{
    for (size_t i = 0; ordinal && i < p->t->assignment_count; i++) {
        if (p->t->assignments[i].ordinal == ordinal)
            return &p->t->assignments[i];
    }
    return NULL;
}

/* ---- time passes --------------------------------------------------------------------------------
 */

static const struct sla_rule *rule_of(const struct plan *p, const struct ticket_clock *c)
{
    return sla_rule_for(p->policy, c->clock, p->t->kind, p->t->urgency, c->round);
}

static void write_clock(struct sbuf *out, const struct plan *p, const struct ticket_clock *c)
{
    sbuf_addf(out, "\"clock\":\"%s\",\"round\":%d", clock_words[c->clock].code, c->round);
    sbuf_addf(out, ",\"ordinal\":%d,", c->ordinal);
    plan_json_instant(out, p, "due_at", c->due_us);
}

static void write_tell(struct sbuf *out, unsigned tell)
{
    const char *comma = "";

    if (!tell)
        return;
    sbuf_adds(out, ",\"tell\":[");
    for (unsigned i = 0; i < SLA_TELL_COUNT; i++) {
        if (!(tell & (1u << i)))
            continue;
        sbuf_addf(out, "%s\"%s\"", comma, sla_tell_words[i].code);
        comma = ",";
    }
    sbuf_addc(out, ']');
}

/*
 * The history is in the order of time. What lies before its end is dated at its end: a deadline
 * that was moved into the past by another calendar, one that ran out while its ticket was merged, a
 * step that fell due while its clock stood still. What was reported until then stays true.
 */
static int64_t not_before_the_last(const struct plan *p, int64_t at_us)
{
    size_t count = p->change->event_count;
    int64_t last_us = count ? p->change->events[count - 1].at_us : p->t->last_at_us;

    return last_us > at_us ? last_us : at_us;
}

static void clock_event(struct plan *p, const struct ticket_clock *c, enum ticket_event_type type,
                        int64_t at_us, unsigned tell)
{
    struct sbuf detail;

    sbuf_init(&detail, 0);
    write_clock(&detail, p, c);
    write_tell(&detail, tell);
    plan_event(p, type, at_us, find_assignment(p, c->assignment), detail.data, NULL);
    sbuf_free(&detail);
}

/* When the next step after the breach is due; steps are counted from the deadline. */
static void set_step(struct plan *p, struct ticket_clock *c)
{
    const struct sla_rule *rule = rule_of(p, c);
    size_t step = (size_t)c->step;

    c->step_us = rule && step < rule->step_count
                     ? calendar_due(p->calendar, c->due_us, rule->steps[step].after).due_us
                     : 0;
}

static void breach(struct plan *p, struct ticket_clock *c)
{
    const struct sla_rule *rule = rule_of(p, c);
    int64_t at_us = not_before_the_last(p, c->due_us);

    c->breached_us = c->due_us;
    c->is_changed = true;
    set_step(p, c);
    clock_event(p, c, EVENT_CLOCK_BREACHED, at_us, rule ? rule->breach_tell : 0);
    if (c->clock != CLOCK_RESOLVE || c->assignment) /* a co-unit's lateness is not the ticket's */
        return;
    p->t->was_late = true;
    if (p->t->is_overdue)
        return;
    p->t->is_overdue = true;
    plan_tally(p, at_us, p->t->lead_unit)->overdue = 1;
}

/* The unit so many steps up the chain; as far as it goes. NULL: there is nobody above. */
static const char *unit_up(const struct plan *p, const char *unit, int up)
{
    const char *above = unit ? plan_unit_above(p, unit) : NULL;

    for (const char *next = above; next && up > 1; up--) {
        next = plan_unit_above(p, above);
        above = next ? next : above;
    }
    return above;
}

static void escalate(struct plan *p, struct ticket_clock *c)
{
    const struct assignment *a = find_assignment(p, c->assignment);
    const struct sla_rule *rule = rule_of(p, c);
    int64_t at_us = not_before_the_last(p, c->step_us);
    struct sbuf detail;

    int up = rule && (size_t)c->step < rule->step_count ? rule->steps[c->step].up : 1;
    const char *above = unit_up(p, a ? a->unit : p->t->lead_unit, up);
    c->step++;
    c->is_changed = true;
    sbuf_init(&detail, 0);
    write_clock(&detail, p, c);
    sbuf_addf(&detail, ",\"step\":%d,\"up\":%d", c->step, up);
    if (above) {
        sbuf_addc(&detail, ',');
        plan_json_string(&detail, "tell_unit", above);
    }
    write_tell(&detail, 1u << SLA_TELL_SUPERVISOR);
    plan_event(p, EVENT_CLOCK_ESCALATED, at_us, a, detail.data, NULL)->tell = above;
    sbuf_free(&detail);
    set_step(p, c);
}

static void tick_clock(struct plan *p, struct ticket_clock *c)
{
    const struct sla_rule *rule = rule_of(p, c);
    int64_t next = ticket_clock_next_us(c);

    if (c->breached_us) {
        escalate(p, c);
        return;
    }
    if (next > c->due_us) {
        breach(p, c);
        return;
    }
    c->warned_us = next;
    c->is_changed = true;
    clock_event(p, c, EVENT_CLOCK_WARNED, not_before_the_last(p, next), rule ? rule->warn_tell : 0);
}

/*
 * The clock that has something to do first; a breach before a warning of the same instant, since it
 * is dated one microsecond earlier. The order does not depend on when somebody looks: one late tick
 * writes the same history as many early ones.
 */
static struct ticket_clock *find_due(const struct plan *p)
{
    struct ticket_clock *first = NULL;
    int64_t first_us = 0;

    for (size_t i = 0; i < p->t->clock_count; i++) {
        struct ticket_clock *c = &p->t->clocks[i];
        int64_t next = ticket_clock_next_us(c);
        if (next == 0 || next > p->now_us)
            continue;
        bool is_breach_first = first && next == first_us && !c->breached_us && next > c->due_us &&
                               !(first_us > first->due_us && !first->breached_us);
        if (!first || next < first_us || is_breach_first) {
            first = c;
            first_us = next;
        }
    }
    return first;
}

static struct assignment *find_over(const struct plan *p)
{
    struct assignment *first = NULL;

    for (size_t i = 0; i < p->t->assignment_count; i++) {
        struct assignment *a = &p->t->assignments[i];
        if (a->suspended_until_us == 0 || a->suspended_until_us > p->now_us)
            continue;
        if (!first || a->suspended_until_us < first->suspended_until_us)
            first = a;
    }
    return first;
}

/* Room is left for the events of an action; the rest is due at the next tick. */
static bool has_room(const struct plan *p)
{
    return p->change->event_count + 8 <= PLAN_MAX_EVENTS &&
           p->change->tally_count + 8 <= PLAN_MAX_TALLIES;
}

/* What was warned of has moved: whoever has to keep a later deadline is warned of that one, too. */
static void set_terms(struct plan *p, struct ticket_clock *c, int64_t at_us)
{
    const struct clock_terms terms = {c->limit, c->warn_percent, c->started_us, c->adjustments,
                                      c->adjustment_count};
    struct clock_due d = clock_compute(&terms, p->calendar);

    c->due_us = d.due_us;
    c->warn_us = d.warn_us;
    c->original_due_us = d.original_us;
    c->paused_us = d.paused_us;
    c->provisional = d.provisional;
    c->calendar_set = city_calendar_version(p->ctx->city);
    if (c->warn_us > at_us)
        c->warned_us = 0;
    c->is_changed = true;
}

/* A limit in real time knows no calendar until it is extended by working days. */
static bool knows_no_calendar(const struct ticket_clock *c)
{
    for (size_t i = 0; i < c->adjustment_count; i++) {
        if (c->adjustments[i].kind == CLOCK_ADJUST_EXTEND)
            return false;
    }
    return c->limit.unit == LIMIT_MINUTES;
}

/* What is over or broken keeps what it was judged by. */
static bool is_judged(const struct ticket_clock *c)
{
    bool is_live = c->state == CLOCK_RUNNING || c->state == CLOCK_PAUSED;
    return !is_live || c->breached_us || knows_no_calendar(c);
}

static void recompute(struct plan *p, struct ticket_clock *c, int64_t at_us)
{
    const struct ticket_clock before = *c;
    struct sbuf detail;

    set_terms(p, c, at_us);
    if (c->due_us == before.due_us && c->warn_us == before.warn_us &&
        c->provisional == before.provisional) {
        *c = before; /* nothing to store: the old version says the same */
        return;
    }
    sbuf_init(&detail, 0);
    write_clock(&detail, p, c);
    sbuf_addc(&detail, ',');
    plan_json_instant(&detail, p, "due_before", before.due_us);
    sbuf_addf(&detail, ",\"provisional\":%s,\"calendar_set\":%lld",
              c->provisional ? "true" : "false", (long long)c->calendar_set);
    plan_event(p, EVENT_CLOCK_RECOMPUTED, at_us, find_assignment(p, c->assignment), detail.data,
               NULL);
    sbuf_free(&detail);
}

/* First of all, so that nothing is judged by an old calendar; dated before what has been due since.
 */
static void recompute_all(struct plan *p)
{
    int64_t version = city_calendar_version(p->ctx->city), next_us = ticket_next_us(p->t);
    int64_t at_us = not_before_the_last(p, next_us && next_us < p->now_us ? next_us : p->now_us);

    for (size_t i = 0; i < p->t->clock_count && has_room(p); i++) {
        struct ticket_clock *c = &p->t->clocks[i];
        if (c->calendar_set != version && !is_judged(c))
            recompute(p, c, at_us);
    }
}

void clocks_tick(struct plan *p)
{
    recompute_all(p);
    while (has_room(p)) {
        struct ticket_clock *c = find_due(p);
        struct assignment *a = find_over(p);
        if (a && (!c || a->suspended_until_us <= ticket_clock_next_us(c)))
            plan_end_suspension(p, a, a->suspended_until_us);
        else if (c)
            tick_clock(p, c);
        else
            break;
    }
}

/* ---- starting and stopping
 * ------------------------------------------------------------------------ */

static void adjust(struct plan *p, struct ticket_clock *c, const struct clock_adjustment *more,
                   int64_t at_us)
{
    size_t count = c->adjustment_count;
    struct clock_adjustment *list = arena_alloc(p->ctx->arena, (count + 1) * sizeof(*list));

    if (count)
        memcpy(list, c->adjustments, count * sizeof(*list));
    list[count] = *more;
    c->adjustments = list;
    c->adjustment_count = count + 1;
    set_terms(p, c, at_us);
}

/* After a breach nothing is given back: it has happened. */
static void give_back(struct plan *p, struct ticket_clock *c, int64_t from_us, int64_t until_us)
{
    const struct clock_adjustment pause = {
        .kind = CLOCK_ADJUST_PAUSE, .from_us = from_us, .until_us = until_us};

    if (c->pausable && !c->breached_us && until_us > from_us)
        adjust(p, c, &pause, until_us);
}

/* It ends at the deadline that it has after standing still, not before. */
static void end_clock(struct plan *p, struct ticket_clock *c, enum clock_state state)
{
    if (c->state == CLOCK_PAUSED)
        give_back(p, c, c->paused_at_us, p->now_us);
    c->state = state;
    c->met_us = state == CLOCK_MET ? p->now_us : 0;
    c->paused_at_us = 0;
    c->step_us = 0;
    c->is_changed = true;
}

static bool is_alive(const struct ticket_clock *c)
{
    return c->state == CLOCK_RUNNING || c->state == CLOCK_PAUSED;
}

struct ticket_clock *clocks_find(const struct plan *p, enum clock_kind clock, int assignment)
{
    for (size_t i = 0; i < p->t->clock_count; i++) {
        struct ticket_clock *c = &p->t->clocks[i];
        if (c->clock == clock && c->assignment == assignment && is_alive(c))
            return c;
    }
    return NULL;
}

struct ticket_clock *clocks_find_resolve(const struct plan *p, const struct assignment *a)
{
    struct ticket_clock *own = clocks_find(p, CLOCK_RESOLVE, a->ordinal);

    if (own || a->role != ASSIGNMENT_LEAD)
        return own;
    return clocks_find(p, CLOCK_RESOLVE, 0);
}

static void start(struct plan *p, const struct sla_rule *rule, int assignment, struct limit limit)
{
    struct ticket_clock *c = &p->t->clocks[p->t->clock_count++];

    *c = (struct ticket_clock){
        .ordinal = (int)p->t->clock_count,
        .assignment = assignment,
        .clock = rule->clock,
        .round = p->t->round,
        .state = CLOCK_RUNNING,
        /* a unit has kept its own limit when it reports, whatever the ticket's ends with */
        .stop = assignment && rule->clock == CLOCK_RESOLVE ? SLA_REPORTED : rule->stop,
        .limit = limit,
        .warn_percent = rule->warn_percent,
        .pausable = rule->pausable,
        .sla_set = p->t->sla_set,
        .started_us = p->now_us,
        .is_new = true,
    };
    set_terms(p, c, p->now_us);
}

/*
 * An event that comes again (contacted twice, dispatched elsewhere) starts nothing anew. Only a
 * rule for the redo takes the place of a clock that has been running since an earlier round.
 */
void clocks_start(struct plan *p, enum clock_kind clock, int assignment)
{
    const struct sla_rule *rule =
        sla_rule_for(p->policy, clock, p->t->kind, p->t->urgency, p->t->round);
    struct ticket_clock *old = clocks_find(p, clock, assignment);
    if (!rule || (old && !(rule->redo && old->round < p->t->round)))
        return;
    if (old)
        end_clock(p, old, CLOCK_STOPPED);
    start(p, rule, assignment, rule->limit);
}

static bool is_co(const struct plan *p, int assignment)
{
    const struct assignment *a = find_assignment(p, assignment);
    return a && a->role == ASSIGNMENT_CO;
}

/* The own resolve clock of whom a co-unit has its part from; NULL = it had none. */
static const struct ticket_clock *inherited(const struct plan *p, const struct assignment *a)
{
    for (size_t i = p->t->clock_count; a->parent && i-- > 0;) {
        const struct ticket_clock *c = &p->t->clocks[i];
        if (c->clock == CLOCK_RESOLVE && c->assignment == a->parent)
            return c;
    }
    return NULL;
}

/* Handed on, a part has the time that is left of it, and what was said of that is not said again.
 */
static void take_over(struct plan *p, const struct ticket_clock *from, int assignment)
{
    struct ticket_clock *c = &p->t->clocks[p->t->clock_count++];

    *c = *from;
    c->ordinal = (int)p->t->clock_count;
    c->assignment = assignment;
    c->state = CLOCK_RUNNING;
    c->is_changed = false;
    c->is_new = true;
    if (c->breached_us)
        set_step(p, c);
}

/* A co-unit's own resolve clock begins when it is asked, where the ticket's began before that. */
void clocks_start_unit(struct plan *p, const struct assignment *a, int days)
{
    const struct sla_rule *rule =
        sla_rule_for(p->policy, CLOCK_RESOLVE, p->t->kind, p->t->urgency, p->t->round);
    const struct ticket_clock *from = a->role == ASSIGNMENT_CO ? inherited(p, a) : NULL;
    const struct limit own = {days, LIMIT_WORKING_DAYS};

    if (rule && days > 0) /* first: it stands for the one that the policy would start */
        start(p, rule, a->ordinal, own);
    else if (from)
        take_over(p, from, a->ordinal);
    clocks_start_at(p, SLA_DISPATCHED, a->ordinal);
    bool has_begun = rule && (rule->start == SLA_RECEIVED || rule->start == SLA_REDO);
    if (has_begun && days <= 0 && !from && a->role == ASSIGNMENT_CO)
        start(p, rule, a->ordinal, rule->limit);
}

void clocks_start_at(struct plan *p, enum sla_event event, int assignment)
{
    for (int k = 0; k < CLOCK_COUNT; k++) {
        enum clock_kind clock = (enum clock_kind)k;
        const struct sla_rule *rule =
            sla_rule_for(p->policy, clock, p->t->kind, p->t->urgency, p->t->round);
        bool is_units = is_per_unit[clock] || (clock == CLOCK_RESOLVE && is_co(p, assignment));
        if (!rule || rule->start != event || is_units != (assignment != 0))
            continue;
        clocks_start(p, clock, assignment);
    }
}

void clocks_stop_at(struct plan *p, enum sla_event event, int assignment)
{
    for (size_t i = 0; i < p->t->clock_count; i++) {
        struct ticket_clock *c = &p->t->clocks[i];
        if (is_alive(c) && c->stop == event && c->assignment == assignment)
            end_clock(p, c, CLOCK_MET);
    }
}

void clocks_end(struct plan *p, int assignment, bool met_resolve)
{
    for (size_t i = 0; i < p->t->clock_count; i++) {
        struct ticket_clock *c = &p->t->clocks[i];
        if (!is_alive(c) || (assignment && c->assignment != assignment))
            continue;
        bool is_met = met_resolve && c->clock == CLOCK_RESOLVE && !c->assignment;
        end_clock(p, c, is_met ? CLOCK_MET : CLOCK_STOPPED);
    }
}

/* ---- standing still and going on
 * ---------------------------------------------------------------------- */

static bool concerns(const struct ticket_clock *c, const struct assignment *a, bool with_ticket)
{
    if (c->assignment)
        return c->assignment == a->ordinal;
    return with_ticket && a->role == ASSIGNMENT_LEAD && c->clock == CLOCK_RESOLVE;
}

void clocks_pause(struct plan *p, const struct assignment *a, bool with_ticket)
{
    for (size_t i = 0; i < p->t->clock_count; i++) {
        struct ticket_clock *c = &p->t->clocks[i];
        if (c->state != CLOCK_RUNNING || !c->pausable || !concerns(c, a, with_ticket))
            continue;
        c->state = CLOCK_PAUSED;
        c->paused_at_us = p->now_us;
        c->is_changed = true;
    }
}

void clocks_resume(struct plan *p, const struct assignment *a, int64_t at_us)
{
    for (size_t i = 0; i < p->t->clock_count; i++) {
        struct ticket_clock *c = &p->t->clocks[i];
        if (c->state != CLOCK_PAUSED || !concerns(c, a, true))
            continue;
        c->state = CLOCK_RUNNING;
        give_back(p, c, c->paused_at_us, at_us);
        c->paused_at_us = 0;
        c->is_changed = true;
    }
}

void clocks_extend(struct plan *p, const struct assignment *a, int days)
{
    const struct clock_adjustment more = {.kind = CLOCK_ADJUST_EXTEND,
                                          .limit = {days, LIMIT_WORKING_DAYS}};
    struct ticket_clock *c = clocks_find_resolve(p, a);

    if (c)
        adjust(p, c, &more, p->now_us);
}

static bool is_leads(const struct plan *p, int assignment)
{
    const struct assignment *a = find_assignment(p, assignment);
    return !a || (a->role == ASSIGNMENT_LEAD && assignment_state_is_live(a->state));
}

void clocks_resume_resolve(struct plan *p)
{
    for (size_t i = 0; i < p->t->clock_count; i++) {
        struct ticket_clock *c = &p->t->clocks[i];
        if (c->clock != CLOCK_RESOLVE || c->state != CLOCK_MET || c->round != p->t->round ||
            !is_leads(p, c->assignment))
            continue;
        give_back(p, c, c->met_us, p->now_us);
        c->state = CLOCK_RUNNING;
        c->met_us = 0;
        c->is_changed = true;
        if (c->breached_us)
            set_step(p, c);
    }
}

void clocks_revive_resolve(struct plan *p)
{
    for (size_t i = p->t->clock_count; i-- > 0;) {
        struct ticket_clock *c = &p->t->clocks[i];
        if (c->clock != CLOCK_RESOLVE || c->assignment || c->round != p->t->round)
            continue;
        if (c->state == CLOCK_MET && c->stop != SLA_CLOSED)
            return; /* met by its own stop, before the ticket was merged */
        c->state = CLOCK_RUNNING;
        c->met_us = 0;
        c->is_changed = true;
        if (c->breached_us)
            set_step(p, c);
        return;
    }
}
