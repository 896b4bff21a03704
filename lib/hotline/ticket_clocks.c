/*
 * ticket_clocks.c - how the clocks of a ticket hear what happens to it.
 */
#include "base/civil.h"
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
    if (clock->state != CLOCK_RUNNING || is_window(clock) || clock->breached_us)
        return 0;
    bool warn_first = !clock->warned_us && clock->warn_us < clock->due_us;
    /* The limit is kept at its last instant: late is what comes after. */
    return warn_first ? clock->warn_us : clock->due_us + 1;
}

int64_t ticket_queue_due_us(const struct ticket_view *view)
{
    int64_t resolve = 0, any = 0;
    for (size_t i = 0; i < view->clock_count; i++) {
        const struct ticket_clock *c = &view->clocks[i];
        if (c->state != CLOCK_RUNNING)
            continue;
        int64_t *slot = c->clock == CLOCK_RESOLVE ? &resolve : &any;
        if (*slot == 0 || c->due_us < *slot)
            *slot = c->due_us;
    }
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

static void clock_event(struct plan *p, const struct ticket_clock *c, enum ticket_event_type type,
                        int64_t at_us)
{
    char due[CIVIL_INSTANT_SIZE];
    struct sbuf detail;

    civil_format_instant(c->due_us, city_offset_min(p->ctx->city), due);
    sbuf_init(&detail, 0);
    sbuf_addf(&detail, "\"clock\":\"%s\",\"round\":%d,\"due_at\":\"%s\"",
              clock_words[c->clock].code, c->round, due);
    plan_event(p, type, at_us, find_assignment(p, c->assignment), detail.data, NULL);
    sbuf_free(&detail);
}

static void breach(struct plan *p, struct ticket_clock *c)
{
    c->breached_us = c->due_us;
    c->is_changed = true;
    clock_event(p, c, EVENT_CLOCK_BREACHED, c->due_us);
    if (c->clock != CLOCK_RESOLVE)
        return;
    p->t->was_late = true;
    if (p->t->is_overdue)
        return;
    p->t->is_overdue = true;
    plan_tally(p, c->due_us, p->t->lead_unit)->overdue = 1;
}

static void tick_clock(struct plan *p, struct ticket_clock *c)
{
    int64_t next = ticket_clock_next_us(c);

    if (next > c->due_us) {
        breach(p, c);
        return;
    }
    c->warned_us = next;
    c->is_changed = true;
    clock_event(p, c, EVENT_CLOCK_WARNED, next);
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
        bool is_breach_first =
            first && next == first_us && next > c->due_us && first_us <= first->due_us;
        if (!first || next < first_us || is_breach_first) {
            first = c;
            first_us = next;
        }
    }
    return first;
}

void clocks_tick(struct plan *p)
{
    struct ticket_clock *c;

    /* Room is left for the events of an action; the rest is due at the next tick. */
    while (p->change->event_count + 4 <= PLAN_MAX_EVENTS && (c = find_due(p)))
        tick_clock(p, c);
}

/* ---- starting and stopping
 * ------------------------------------------------------------------------ */

static void end_clock(struct plan *p, struct ticket_clock *c, enum clock_state state)
{
    c->state = state;
    c->met_us = state == CLOCK_MET ? p->now_us : 0;
    c->is_changed = true;
}

static struct ticket_clock *find_running(const struct plan *p, enum clock_kind clock,
                                         int assignment)
{
    for (size_t i = 0; i < p->t->clock_count; i++) {
        struct ticket_clock *c = &p->t->clocks[i];
        if (c->clock == clock && c->assignment == assignment && c->state == CLOCK_RUNNING)
            return c;
    }
    return NULL;
}

/*
 * An event that comes again (contacted twice, dispatched elsewhere) starts nothing anew. Only a
 * rule for the redo takes the place of a clock that has been running since an earlier round.
 */
void clocks_start(struct plan *p, enum clock_kind clock, int assignment)
{
    const struct sla_rule *rule =
        sla_rule_for(p->policy, clock, p->t->kind, p->t->urgency, p->t->round);
    struct ticket_clock *old = find_running(p, clock, assignment);
    if (!rule || (old && !(rule->redo && old->round < p->t->round)))
        return;
    if (old)
        end_clock(p, old, CLOCK_STOPPED);
    struct sla_clock s = sla_clock_start(rule, p->calendar, p->now_us);
    struct ticket_clock *c = &p->t->clocks[p->t->clock_count++];
    *c = (struct ticket_clock){
        .ordinal = (int)p->t->clock_count,
        .assignment = assignment,
        .clock = clock,
        .round = p->t->round,
        .state = CLOCK_RUNNING,
        .stop = rule->stop,
        .unit = rule->limit.unit,
        .pausable = rule->pausable,
        .provisional = s.provisional,
        .started_us = s.started_us,
        .due_us = s.due_us,
        .warn_us = s.warn_us,
        .is_new = true,
    };
}

void clocks_start_at(struct plan *p, enum sla_event event, int assignment)
{
    for (int k = 0; k < CLOCK_COUNT; k++) {
        enum clock_kind clock = (enum clock_kind)k;
        const struct sla_rule *rule =
            sla_rule_for(p->policy, clock, p->t->kind, p->t->urgency, p->t->round);
        if (!rule || rule->start != event || is_per_unit[clock] != (assignment != 0))
            continue;
        clocks_start(p, clock, assignment);
    }
}

void clocks_stop_at(struct plan *p, enum sla_event event, int assignment)
{
    for (size_t i = 0; i < p->t->clock_count; i++) {
        struct ticket_clock *c = &p->t->clocks[i];
        if (c->state == CLOCK_RUNNING && c->stop == event && c->assignment == assignment)
            end_clock(p, c, CLOCK_MET);
    }
}

void clocks_end(struct plan *p, int assignment, bool met_resolve)
{
    for (size_t i = 0; i < p->t->clock_count; i++) {
        struct ticket_clock *c = &p->t->clocks[i];
        if (c->state != CLOCK_RUNNING || (assignment && c->assignment != assignment))
            continue;
        bool is_met = met_resolve && c->clock == CLOCK_RESOLVE;
        end_clock(p, c, is_met ? CLOCK_MET : CLOCK_STOPPED);
    }
}

static void give_back(struct plan *p, struct ticket_clock *c)
{
    bool is_working = c->unit == LIMIT_WORKING_MINUTES || c->unit == LIMIT_WORKING_DAYS;
    enum limit_unit base = is_working ? LIMIT_WORKING_MINUTES : LIMIT_MINUTES;
    int64_t us = calendar_elapsed(p->calendar, base, c->met_us, p->now_us);

    c->paused_us += us;
    c->due_us = calendar_shift(p->calendar, base, c->due_us, us);
    if (!c->warned_us)
        c->warn_us = calendar_shift(p->calendar, base, c->warn_us, us);
}

void clocks_resume_resolve(struct plan *p)
{
    for (size_t i = p->t->clock_count; i-- > 0;) {
        struct ticket_clock *c = &p->t->clocks[i];
        if (c->clock != CLOCK_RESOLVE || c->state != CLOCK_MET || c->round != p->t->round)
            continue;
        if (c->pausable && !c->breached_us)
            give_back(p, c);
        c->state = CLOCK_RUNNING;
        c->met_us = 0;
        c->is_changed = true;
        return;
    }
}
