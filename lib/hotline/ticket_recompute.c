/*
 * ticket_recompute.c - one reader for each type of event; see the header.
 *
 * Deliberately not a copy of the plan's way: the plan asks what an action does to the clocks that
 * are there, this asks what an event says of seats (a unit's part in the ticket) and of clocks.
 */
#include "hotline/ticket_recompute.h"

#include <string.h>

struct seat {
    int ordinal;
    const char *unit;
    enum assignment_role role;
    int round;
    bool is_live, has_reported, has_passed;
};

struct fold {
    const struct recompute_facts *facts;
    struct arena *arena;
    const struct recompute_event *event; /* being read */
    int next;                            /* type of the one after it, -1 = none */
    struct seat *seats;
    size_t seat_count, seat_room;
    struct ticket_clock *clocks;
    size_t clock_count, clock_room;
    int round;
    int64_t calendar_set; /* last told */
    bool is_merged, at_desk;
    bool is_odd;
};

#define WHOLE 0 /* a clock of the ticket as a whole, where an ordinal is expected */

static void *grow(struct fold *f, void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room ? *room * 2 : 8;
    char *more = arena_alloc(f->arena, *room * size);
    if (count)
        memcpy(more, list, count * size);
    return more;
}

/* ---- one clock
 * ----------------------------------------------------------------------------------------- */

static bool is_alive(const struct ticket_clock *c)
{
    return c->state == CLOCK_RUNNING || c->state == CLOCK_PAUSED;
}

static void compute(struct fold *f, struct ticket_clock *c)
{
    const struct calendar *calendar = f->facts->calendar(f->facts->ctx, f->calendar_set);
    const struct clock_terms terms = {c->limit, c->warn_percent, c->started_us, c->adjustments,
                                      c->adjustment_count};

    if (!calendar) {
        f->is_odd = true;
        return;
    }
    struct clock_due due = clock_compute(&terms, calendar);
    c->due_us = due.due_us;
    c->warn_us = due.warn_us;
    c->original_due_us = due.original_us;
    c->paused_us = due.paused_us;
    c->provisional = due.provisional;
    c->calendar_set = f->calendar_set;
    if (c->warn_us > f->event->at_us) /* warned of an earlier deadline than this */
        c->warned_us = 0;
}

static void adjust(struct fold *f, struct ticket_clock *c, struct clock_adjustment one)
{
    struct clock_adjustment *list =
        arena_alloc(f->arena, sizeof(*list) * (c->adjustment_count + 1));

    if (c->adjustment_count)
        memcpy(list, c->adjustments, sizeof(*list) * c->adjustment_count);
    list[c->adjustment_count++] = one;
    c->adjustments = list;
    compute(f, c);
}

/* Time in which the clock stood still, up to this event. What is broken stays as it was. */
static void give_back(struct fold *f, struct ticket_clock *c, int64_t from_us)
{
    int64_t until_us = f->event->at_us;

    if (c->pausable && c->breached_us == 0 && from_us < until_us)
        adjust(f, c, (struct clock_adjustment){CLOCK_ADJUST_PAUSE, from_us, until_us, {0, 0}});
}

static void go_on(struct fold *f, struct ticket_clock *c)
{
    int64_t since_us = c->paused_at_us;

    c->state = CLOCK_RUNNING;
    c->paused_at_us = 0;
    if (since_us)
        give_back(f, c, since_us);
}

static void finish(struct fold *f, struct ticket_clock *c, enum clock_state how)
{
    go_on(f, c);
    c->state = how;
    c->met_us = how == CLOCK_MET ? f->event->at_us : 0;
}

static void stand_still(struct fold *f, struct ticket_clock *c)
{
    if (c->state != CLOCK_RUNNING || !c->pausable)
        return;
    c->state = CLOCK_PAUSED;
    c->paused_at_us = f->event->at_us;
}

/* ---- the clocks together
 * ------------------------------------------------------------------------------- */

static struct ticket_clock *alive_clock(struct fold *f, enum clock_kind kind, int of)
{
    for (size_t i = 0; i < f->clock_count; i++) {
        struct ticket_clock *c = &f->clocks[i];
        if (c->clock == kind && c->assignment == of && is_alive(c))
            return c;
    }
    return NULL;
}

static const struct sla_rule *rule_of(const struct fold *f, enum clock_kind kind)
{
    return sla_rule_for(f->facts->policy, kind, f->facts->kind, f->facts->urgency, f->round);
}

static void begin(struct fold *f, const struct sla_rule *rule, int of, struct limit limit)
{
    bool is_units_resolve = of != WHOLE && rule->clock == CLOCK_RESOLVE;

    f->clocks = grow(f, f->clocks, f->clock_count, &f->clock_room, sizeof(*f->clocks));
    struct ticket_clock *c = &f->clocks[f->clock_count++];
    *c = (struct ticket_clock){.ordinal = (int)f->clock_count,
                               .assignment = of,
                               .clock = rule->clock,
                               .round = f->round,
                               .state = CLOCK_RUNNING,
                               .stop = is_units_resolve ? SLA_REPORTED : rule->stop,
                               .limit = limit,
                               .warn_percent = rule->warn_percent,
                               .pausable = rule->pausable,
                               .started_us = f->event->at_us};
    compute(f, c);
}

/* By its rule, unless one runs already that no rule for a redo replaces. */
static void begin_by_rule(struct fold *f, enum clock_kind kind, int of)
{
    const struct sla_rule *rule = rule_of(f, kind);
    struct ticket_clock *running = alive_clock(f, kind, of);

    if (!rule)
        return;
    if (running && (!rule->redo || running->round == f->round))
        return;
    if (running)
        finish(f, running, CLOCK_STOPPED);
    begin(f, rule, of, rule->limit);
}

/* Whose clock is it: signing, contact and return are a seat's, and a co-unit's resolve clock. */
static bool is_seats(enum clock_kind kind, const struct seat *seat)
{
    bool is_co = seat && seat->role == ASSIGNMENT_CO;
    return kind == CLOCK_SIGN || kind == CLOCK_FIRST_CONTACT || kind == CLOCK_RETURN ||
           (kind == CLOCK_RESOLVE && is_co);
}

/* What begins with this event: for a seat, or with NULL for the ticket as a whole. */
static void begin_all(struct fold *f, enum sla_event event, const struct seat *seat)
{
    for (int kind = 0; kind < CLOCK_COUNT; kind++) {
        const struct sla_rule *rule = rule_of(f, (enum clock_kind)kind);
        if (rule && rule->start == event && is_seats((enum clock_kind)kind, seat) == (seat != NULL))
            begin_by_rule(f, (enum clock_kind)kind, seat ? seat->ordinal : WHOLE);
    }
}

static void meet_all(struct fold *f, enum sla_event event, int of)
{
    for (size_t i = 0; i < f->clock_count; i++) {
        struct ticket_clock *c = &f->clocks[i];
        if (is_alive(c) && c->assignment == of && c->stop == event)
            finish(f, c, CLOCK_MET);
    }
}

static void hear(struct fold *f, enum sla_event event, const struct seat *seat)
{
    meet_all(f, event, seat ? seat->ordinal : WHOLE);
    begin_all(f, event, seat);
}

static void stop_all(struct fold *f)
{
    for (size_t i = 0; i < f->clock_count; i++) {
        if (is_alive(&f->clocks[i]))
            finish(f, &f->clocks[i], CLOCK_STOPPED);
    }
}

/* ---- seats
 * --------------------------------------------------------------------------------------------- */

static struct seat *seat_of(struct fold *f, int ordinal)
{
    if (ordinal >= 1 && (size_t)ordinal <= f->seat_count)
        return &f->seats[ordinal - 1];
    f->is_odd = true;
    return NULL;
}

static size_t take_seat(struct fold *f, const char *unit, enum assignment_role role)
{
    f->seats = grow(f, f->seats, f->seat_count, &f->seat_room, sizeof(*f->seats));
    f->seats[f->seat_count] = (struct seat){.ordinal = (int)f->seat_count + 1,
                                            .unit = unit,
                                            .role = role,
                                            .round = f->round,
                                            .is_live = true};
    f->is_odd = f->is_odd || !unit;
    return f->seat_count++;
}

/* The own time to resolve that the seat before it had. */
static const struct ticket_clock *left_over(const struct fold *f, const struct seat *seat, int from)
{
    const struct ticket_clock *last = NULL;

    for (size_t i = 0; from && seat->role == ASSIGNMENT_CO && i < f->clock_count; i++) {
        if (f->clocks[i].assignment == from && f->clocks[i].clock == CLOCK_RESOLVE)
            last = &f->clocks[i];
    }
    return last;
}

static void continue_in(struct fold *f, const struct seat *seat, struct ticket_clock before)
{
    f->clocks = grow(f, f->clocks, f->clock_count, &f->clock_room, sizeof(*f->clocks));
    before.ordinal = (int)f->clock_count + 1;
    before.assignment = seat->ordinal;
    before.state = CLOCK_RUNNING;
    f->clocks[f->clock_count++] = before;
}

/* The clocks of a new seat. A co-unit has its own time to resolve, also where the ticket's began
 * before it came; whoever is given days has those, and what is handed on by the seat `from` (0 =
 * none) goes on. */
static void begin_seat(struct fold *f, const struct seat *seat, int days, int from)
{
    const struct sla_rule *resolve = rule_of(f, CLOCK_RESOLVE);
    const struct ticket_clock *left = days > 0 ? NULL : left_over(f, seat, from);

    if (resolve && days > 0)
        begin(f, resolve, seat->ordinal, (struct limit){days, LIMIT_WORKING_DAYS});
    if (left)
        continue_in(f, seat, *left);
    begin_all(f, SLA_DISPATCHED, seat);
    if (left)
        return;
    if (resolve && days <= 0 && seat->role == ASSIGNMENT_CO &&
        (resolve->start == SLA_RECEIVED || resolve->start == SLA_REDO))
        begin(f, resolve, seat->ordinal, resolve->limit);
}

static void leave_seat(struct fold *f, struct seat *seat)
{
    seat->is_live = false;
    for (size_t i = 0; i < f->clock_count; i++) {
        struct ticket_clock *c = &f->clocks[i];
        if (c->assignment == seat->ordinal && is_alive(c))
            finish(f, c, CLOCK_STOPPED);
    }
}

static void leave_all(struct fold *f)
{
    for (size_t i = 0; i < f->seat_count; i++) {
        if (f->seats[i].is_live)
            leave_seat(f, &f->seats[i]);
    }
}

/* ---- what events say of the ticket
 * --------------------------------------------------------------------- */

static bool round_has_result(const struct fold *f)
{
    for (size_t i = 0; i < f->seat_count; i++) {
        if (f->seats[i].has_passed && f->seats[i].round == f->round)
            return true;
    }
    return false;
}

static void on_pooled(struct fold *f)
{
    begin_all(f, SLA_RECEIVED, NULL);
}

static void on_dispatched(struct fold *f)
{
    const struct event_detail *detail = &f->event->detail;
    size_t first = f->seat_count;

    if (f->event->seq == 2) /* with its receipt */
        begin_all(f, SLA_RECEIVED, NULL);
    leave_all(f);
    if (round_has_result(f)) {
        f->round++;
        begin_all(f, SLA_REDO, NULL);
    }
    take_seat(f, detail->lead_unit, ASSIGNMENT_LEAD);
    for (size_t i = 0; i < detail->co_unit_count; i++)
        take_seat(f, detail->co_units[i], ASSIGNMENT_CO);
    hear(f, SLA_DISPATCHED, NULL);
    for (size_t i = first; i < f->seat_count; i++)
        begin_seat(f, &f->seats[i], 0, 0);
}

static void on_completed(struct fold *f)
{
    hear(f, SLA_RECEIVED, NULL);
}

/* A merged ticket's own answer ends nothing: it has ended. */
static void on_answered(struct fold *f)
{
    if (f->is_merged)
        return;
    leave_all(f);
    hear(f, SLA_CLOSED, NULL);
    f->at_desk = true;
}

static void on_ended(struct fold *f)
{
    leave_all(f);
    hear(f, SLA_CLOSED, NULL);
    stop_all(f);
}

static void on_closed(struct fold *f)
{
    meet_all(f, SLA_CLOSED, WHOLE);
    struct ticket_clock *resolve = alive_clock(f, CLOCK_RESOLVE, WHOLE);
    if (f->at_desk && resolve)
        finish(f, resolve, CLOCK_MET);
    f->at_desk = false;
    stop_all(f);
}

static void on_merged(struct fold *f)
{
    on_ended(f);
    f->is_merged = true;
}

/* The merge had stopped the clock of this round: it goes on as if that had not been. */
static void on_unmerged(struct fold *f)
{
    size_t i = f->clock_count;

    f->is_merged = false;
    while (i > 0 && (f->clocks[i - 1].clock != CLOCK_RESOLVE || f->clocks[i - 1].assignment ||
                     f->clocks[i - 1].round != f->round))
        i--;
    if (i > 0 && (f->clocks[i - 1].state != CLOCK_MET || f->clocks[i - 1].stop == SLA_CLOSED)) {
        f->clocks[i - 1].state = CLOCK_RUNNING;
        f->clocks[i - 1].met_us = 0;
    }
    if (f->clock_count == 0) /* nothing had been promised yet */
        begin_all(f, SLA_RECEIVED, NULL);
    begin_by_rule(f, CLOCK_DISPATCH, WHOLE);
}

static void on_reopened(struct fold *f)
{
    f->round++;
    if (f->next == EVENT_REDO)
        return;
    begin_all(f, SLA_REDO, NULL);
    begin_by_rule(f, CLOCK_DISPATCH, WHOLE);
}

static void on_redo(struct fold *f)
{
    size_t seat = take_seat(f, f->event->unit, ASSIGNMENT_LEAD);

    f->is_odd = f->is_odd || f->event->assignment != (int)f->seat_count;
    begin_all(f, SLA_REDO, NULL);
    begin_seat(f, &f->seats[seat], 0, 0);
}

static void on_problem(struct fold *f)
{
    begin_by_rule(f, CLOCK_DISPATCH, WHOLE);
}

/* What follows tells what the call came to: nothing yet, another round, or the end. */
static void on_called_back(struct fold *f)
{
    if (f->next == EVENT_REDO)
        f->round++;
    else if (f->next != EVENT_CLOSED && f->next != EVENT_PROBLEM)
        return;
    hear(f, SLA_CALLED_BACK, NULL);
}

static void on_review_passed(struct fold *f)
{
    for (size_t i = 0; i < f->seat_count; i++) {
        struct seat *seat = &f->seats[i];
        if (!seat->is_live || !seat->has_reported)
            continue;
        seat->has_passed = true;
        leave_seat(f, seat);
    }
    hear(f, SLA_REVIEWED, NULL);
}

static bool is_leads(const struct fold *f, int of)
{
    const struct seat *seat = of == WHOLE ? NULL : &f->seats[of - 1];
    return !seat || (seat->role == ASSIGNMENT_LEAD && seat->is_live);
}

/* The lead works on, and so does the clock that its report had stopped; co-units are done. */
static void on_review_failed(struct fold *f)
{
    meet_all(f, SLA_REVIEWED, WHOLE);
    for (size_t i = 0; i < f->clock_count; i++) {
        struct ticket_clock *c = &f->clocks[i];
        bool is_ours = is_leads(f, c->assignment);
        if (c->clock != CLOCK_RESOLVE || c->state != CLOCK_MET || c->round != f->round || !is_ours)
            continue;
        give_back(f, c, c->met_us);
        c->state = CLOCK_RUNNING;
        c->met_us = 0;
    }
    for (size_t i = 0; i < f->seat_count; i++) {
        struct seat *seat = &f->seats[i];
        if (seat->is_live && seat->role == ASSIGNMENT_LEAD)
            seat->has_reported = false;
    }
}

/* ---- what events say of a seat
 * ------------------------------------------------------------------------- */

static void heard_by(struct fold *f, enum sla_event event)
{
    const struct seat *seat = seat_of(f, f->event->assignment);

    if (!seat)
        return;
    if (seat->role == ASSIGNMENT_LEAD)
        hear(f, event, NULL);
    hear(f, event, seat);
}

static void on_signed(struct fold *f)
{
    heard_by(f, SLA_SIGNED);
}

static void on_contacted(struct fold *f)
{
    heard_by(f, SLA_CONTACTED);
}

static void on_reported(struct fold *f)
{
    struct seat *seat = seat_of(f, f->event->assignment);

    if (seat)
        seat->has_reported = true;
    heard_by(f, SLA_REPORTED);
}

static void on_unit_added(struct fold *f)
{
    size_t seat = take_seat(f, f->event->detail.unit, ASSIGNMENT_CO);

    begin_seat(f, &f->seats[seat], 0, 0);
}

static void hand_on(struct fold *f, int days)
{
    struct seat *from = seat_of(f, f->event->assignment);

    if (!from)
        return;
    enum assignment_role role = from->role;
    leave_seat(f, from);
    size_t to = take_seat(f, f->event->detail.unit, role);
    begin_seat(f, &f->seats[to], days, f->event->assignment);
}

static void on_forwarded(struct fold *f)
{
    hand_on(f, f->event->detail.days);
}

static void on_escalated(struct fold *f)
{
    hand_on(f, 0);
}

static void on_returned(struct fold *f)
{
    const char *unit = f->event->detail.unit;
    struct seat *from = seat_of(f, f->event->assignment);

    if (!from)
        return;
    leave_seat(f, from);
    if (from->role == ASSIGNMENT_CO)
        return;
    if (!unit) { /* the pool has it */
        leave_all(f);
        begin_by_rule(f, CLOCK_DISPATCH, WHOLE);
        return;
    }
    for (size_t i = 0; i < f->seat_count; i++) {
        if (f->seats[i].is_live && strcmp(f->seats[i].unit, unit) == 0)
            leave_seat(f, &f->seats[i]);
    }
    size_t to = take_seat(f, unit, ASSIGNMENT_LEAD);
    begin_seat(f, &f->seats[to], 0, 0);
}

/* The clocks that wait with a seat: its own, and the ticket's resolve clock with the lead's. */
static bool waits_with(const struct ticket_clock *c, const struct seat *seat, bool with_ticket)
{
    if (c->assignment != WHOLE)
        return c->assignment == seat->ordinal;
    return with_ticket && seat->role == ASSIGNMENT_LEAD && c->clock == CLOCK_RESOLVE;
}

static void pause_seat(struct fold *f, bool with_ticket)
{
    const struct seat *seat = seat_of(f, f->event->assignment);

    for (size_t i = 0; seat && i < f->clock_count; i++) {
        if (waits_with(&f->clocks[i], seat, with_ticket))
            stand_still(f, &f->clocks[i]);
    }
}

static void on_return_requested(struct fold *f)
{
    pause_seat(f, false);
}

static void on_suspended(struct fold *f)
{
    pause_seat(f, true);
}

static void on_resumed(struct fold *f)
{
    const struct seat *seat = seat_of(f, f->event->assignment);

    for (size_t i = 0; seat && i < f->clock_count; i++) {
        if (f->clocks[i].state == CLOCK_PAUSED && waits_with(&f->clocks[i], seat, true))
            go_on(f, &f->clocks[i]);
    }
}

static void on_extended(struct fold *f)
{
    const struct seat *seat = seat_of(f, f->event->assignment);
    struct ticket_clock *c = seat ? alive_clock(f, CLOCK_RESOLVE, seat->ordinal) : NULL;

    if (!c && seat && seat->role == ASSIGNMENT_LEAD)
        c = alive_clock(f, CLOCK_RESOLVE, WHOLE);
    if (c)
        adjust(f, c,
               (struct clock_adjustment){
                   .kind = CLOCK_ADJUST_EXTEND,
                   .limit = {f->event->detail.days, LIMIT_WORKING_DAYS},
               });
}

/* ---- what events say of a clock
 * ------------------------------------------------------------------------ */

static struct ticket_clock *clock_of(struct fold *f)
{
    int ordinal = f->event->detail.ordinal;

    if (ordinal >= 1 && (size_t)ordinal <= f->clock_count &&
        f->clocks[ordinal - 1].assignment == f->event->assignment)
        return &f->clocks[ordinal - 1];
    f->is_odd = true;
    return NULL;
}

static void on_clock_warned(struct fold *f)
{
    struct ticket_clock *c = clock_of(f);

    if (c)
        c->warned_us = c->warn_us;
}

static void on_clock_breached(struct fold *f)
{
    struct ticket_clock *c = clock_of(f);

    if (c)
        c->breached_us = c->due_us;
}

static void on_clock_escalated(struct fold *f)
{
    struct ticket_clock *c = clock_of(f);

    if (c)
        c->step++;
}

static void on_clock_recomputed(struct fold *f)
{
    struct ticket_clock *c = clock_of(f);

    if (c)
        compute(f, c);
}

/* Types that are not named here say nothing of clocks. */
static void (*const readers[EVENT_TYPE_COUNT])(struct fold *f) = {
    [EVENT_DISPATCHED] = on_dispatched,
    [EVENT_POOLED] = on_pooled,
    [EVENT_ANSWERED] = on_answered,
    [EVENT_COMPLETED] = on_completed,
    [EVENT_REJECTED] = on_ended,
    [EVENT_REFERRED] = on_ended,
    [EVENT_WITHDRAWN] = on_ended,
    [EVENT_FALSE_ALARM] = on_ended,
    [EVENT_SIGNED] = on_signed,
    [EVENT_CONTACTED] = on_contacted,
    [EVENT_REPORTED] = on_reported,
    [EVENT_REVIEW_PASSED] = on_review_passed,
    [EVENT_REVIEW_FAILED] = on_review_failed,
    [EVENT_CALLED_BACK] = on_called_back,
    [EVENT_REDO] = on_redo,
    [EVENT_PROBLEM] = on_problem,
    [EVENT_CLOSED] = on_closed,
    [EVENT_UNIT_ADDED] = on_unit_added,
    [EVENT_MERGED] = on_merged,
    [EVENT_UNMERGED] = on_unmerged,
    [EVENT_REOPENED] = on_reopened,
    [EVENT_FORWARDED] = on_forwarded,
    [EVENT_ESCALATED] = on_escalated,
    [EVENT_RETURN_REQUESTED] = on_return_requested,
    [EVENT_RETURNED] = on_returned,
    [EVENT_RETURN_REFUSED] = on_resumed,
    [EVENT_EXTENDED] = on_extended,
    [EVENT_SUSPENDED] = on_suspended,
    [EVENT_RESUMED] = on_resumed,
    [EVENT_CLOCK_WARNED] = on_clock_warned,
    [EVENT_CLOCK_BREACHED] = on_clock_breached,
    [EVENT_CLOCK_ESCALATED] = on_clock_escalated,
    [EVENT_CLOCK_RECOMPUTED] = on_clock_recomputed,
};

void ticket_recompute(const struct recompute_facts *facts, const struct recompute_event *events,
                      size_t count, struct arena *arena, struct recomputed *result_r)
{
    struct fold f = {
        .facts = facts, .arena = arena, .round = 1, .calendar_set = facts->calendar_set};

    *result_r = (struct recomputed){.odd_seq = 0};
    for (size_t i = 0; i < count && !f.is_odd; i++) {
        f.event = &events[i];
        f.next = i + 1 < count ? (int)events[i + 1].type : -1;
        if (events[i].detail.calendar_set)
            f.calendar_set = events[i].detail.calendar_set;
        f.is_odd = events[i].seq != (int)i + 1;
        if (readers[events[i].type] && !f.is_odd)
            readers[events[i].type](&f);
        if (f.is_odd)
            result_r->odd_seq = (int)i + 1;
    }
    result_r->clocks = f.clocks;
    result_r->clock_count = f.clock_count;
}

const char *recompute_difference(const struct ticket_clock *stored,
                                 const struct ticket_clock *recomputed)
{
    const struct {
        const char *name;
        int64_t stored, recomputed;
    } fields[] = {
        {"ordinal", stored->ordinal, recomputed->ordinal},
        {"assignment", stored->assignment, recomputed->assignment},
        {"clock", stored->clock, recomputed->clock},
        {"round", stored->round, recomputed->round},
        {"state", stored->state, recomputed->state},
        {"stop", stored->stop, recomputed->stop},
        {"started_at", stored->started_us, recomputed->started_us},
        {"due_at", stored->due_us, recomputed->due_us},
        {"warn_at", stored->warn_us, recomputed->warn_us},
        {"original_due_at", stored->original_due_us, recomputed->original_due_us},
        {"warned_at", stored->warned_us, recomputed->warned_us},
        {"breached_at", stored->breached_us, recomputed->breached_us},
        {"met_at", stored->met_us, recomputed->met_us},
        {"paused_at", stored->paused_at_us, recomputed->paused_at_us},
        {"paused_us", stored->paused_us, recomputed->paused_us},
        {"step", stored->step, recomputed->step},
        {"provisional", stored->provisional, recomputed->provisional},
    };

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (fields[i].stored != fields[i].recomputed)
            return fields[i].name;
    }
    return NULL;
}
