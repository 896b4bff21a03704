#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "hotline/ticket_recompute.h"
#include "proto/event_detail_json.h"
#include "unit/hotline/life_world.h"

/* ---- assignments
 * -------------------------------------------------------------------------------- */

static void check_request(const struct assignment *a)
{
    bool is_asked = a->request.kind != REQUEST_NONE;

    assert_int_equal(a->state == ASSIGNMENT_RETURN_REQUESTED, a->request.kind == REQUEST_RETURN);
    assert_int_equal(a->state == ASSIGNMENT_EXTENSION_REQUESTED,
                     a->request.kind == REQUEST_EXTENSION);
    assert_true(a->request.kind != REQUEST_SUSPENSION || a->state == ASSIGNMENT_WORKING);
    assert_int_equal(is_asked, a->request.at_us != 0);
    assert_int_equal(a->state == ASSIGNMENT_SUSPENDED, a->suspended_until_us != 0);
}

static void check_assignment(const struct ticket_view *t, size_t i)
{
    const struct assignment *a = &t->assignments[i];

    assert_int_equal(a->ordinal, (int)i + 1);
    assert_int_equal(a->ended_us != 0, !assignment_state_is_live(a->state));
    assert_int_equal(a->signed_us != 0, a->signed_by != NULL);
    assert_int_equal(a->state == ASSIGNMENT_UNSIGNED && a->signed_us != 0, 0);
    assert_true(a->parent < a->ordinal);
    assert_true(a->parent == 0 || t->assignments[a->parent - 1].state == ASSIGNMENT_FORWARDED);
    check_request(a);
    if (!assignment_state_is_live(a->state))
        return;
    assert_int_equal(a->round, t->round);
    if (a->role == ASSIGNMENT_LEAD)
        assert_string_equal(a->unit, t->lead_unit);
}

static void check_assignments(const struct ticket_view *t)
{
    size_t leads = 0, live = 0;

    for (size_t i = 0; i < t->assignment_count; i++) {
        check_assignment(t, i);
        live += assignment_state_is_live(t->assignments[i].state);
        leads += t->assignments[i].role == ASSIGNMENT_LEAD &&
                 assignment_state_is_live(t->assignments[i].state);
    }
    bool is_handled = t->state == TICKET_HANDLING || t->state == TICKET_REVIEW;
    assert_int_equal(leads, is_handled);
    assert_true(is_handled || live == 0);
}

/* ---- clocks
 * ------------------------------------------------------------------------------------- */

static bool is_alive(const struct ticket_clock *c)
{
    return c->state == CLOCK_RUNNING || c->state == CLOCK_PAUSED;
}

static void check_clock(const struct life_ticket *ticket, size_t i)
{
    const struct ticket_view *t = &ticket->rig.view;
    const struct ticket_clock *c = &t->clocks[i];
    int64_t next = ticket_clock_next_us(c);

    assert_int_equal(c->ordinal, (int)i + 1);
    assert_int_equal(c->met_us != 0, c->state == CLOCK_MET);
    assert_int_equal(c->paused_at_us != 0, c->state == CLOCK_PAUSED);
    assert_true(c->warn_us <= c->due_us && c->original_due_us <= c->due_us);
    assert_true(c->paused_us >= 0);
    assert_true(c->breached_us || (c->step == 0 && c->step_us == 0));
    assert_true(c->stop != SLA_NEVER || (!c->breached_us && !c->warned_us));
    if (!is_alive(c)) {
        assert_int_equal(next, 0);
        return;
    }
    assert_true(ticket_state_is_open(t->state));
    assert_true(next == 0 || next > ticket->rig.now_us); /* what was due by now has happened */
    assert_true(c->assignment == 0 ||
                assignment_state_is_live(t->assignments[c->assignment - 1].state));
    for (size_t k = 0; k < i; k++) {
        const struct ticket_clock *other = &t->clocks[k];
        assert_false(is_alive(other) && other->clock == c->clock &&
                     other->assignment == c->assignment);
    }
}

static bool check_clocks(const struct life_ticket *ticket)
{
    const struct ticket_view *t = &ticket->rig.view;
    bool is_late = false;

    for (size_t i = 0; i < t->clock_count; i++) {
        const struct ticket_clock *c = &t->clocks[i];
        check_clock(ticket, i);
        is_late = is_late || (c->clock == CLOCK_RESOLVE && !c->assignment && c->breached_us);
    }
    assert_int_equal(t->was_late, is_late);
    assert_int_equal(t->is_overdue, is_late && ticket_state_is_open(t->state));
    return is_late;
}

/* ---- the count
 * ---------------------------------------------------------------------------------- */

static bool is_unit(const char *code, const char *unit)
{
    return strcmp(code ? code : "", unit) == 0;
}

static void recount(const struct life_ticket *ticket, const char *unit, bool is_late,
                    int figures[FIGURE_COUNT])
{
    const struct ticket_view *t = &ticket->rig.view;
    const struct life_witness *w = &ticket->witness;
    bool is_holder = is_unit(t->lead_unit, unit);
    bool is_closer = w->is_closed && is_unit(w->closed_unit, unit);
    bool is_open = ticket_state_is_open(t->state);

    figures[FIGURE_RECEIVED] = is_unit(w->received_by, unit);
    figures[FIGURE_OPEN] = is_holder && is_open;
    figures[FIGURE_OVERDUE] = is_holder && is_open && is_late;
    figures[FIGURE_DISPATCHED] = is_holder && t->dispatched_us;
    figures[FIGURE_CLOSED] = is_closer;
    figures[FIGURE_DESK] = is_closer && w->closed_tier == TIER_DESK;
    figures[FIGURE_ON_TIME] = is_closer && !is_late;
}

static bool is_filed_here(const struct ticket_tally *t, const struct ticket_view *view)
{
    return t->kind == (int)view->kind && strcmp(t->category, view->category) == 0 &&
           strcmp(t->region, view->region ? view->region : "") == 0;
}

/* Under facts that the ticket no longer has nothing is left. */
static void check_filing(const struct life_ticket *ticket)
{
    int left = 0, received = 0;

    for (size_t i = 0; i < ticket->rig.tally_count; i++) {
        const struct ticket_tally *t = &ticket->rig.tallies[i];
        if (is_filed_here(t, &ticket->rig.view))
            continue;
        left += t->open;
        received += t->received;
        assert_int_equal(t->closed + t->desk + t->on_time + t->overdue + t->dispatched, 0);
    }
    assert_int_equal(left, 0);
    assert_int_equal(received, 0);
}

static void check_count(const struct life *l, const struct life_ticket *ticket, bool is_late)
{
    int all[FIGURE_COUNT] = {0};

    for (int i = -1; i < FIXTURE_UNITS; i++) {
        int wanted[FIGURE_COUNT];
        recount(ticket, i < 0 ? "" : city_unit(l->city, i)->code, is_late, wanted);
        for (int f = 0; f < FIGURE_COUNT; f++) {
            assert_int_equal(ticket->figures[i + 1][f], wanted[f]);
            all[f] += wanted[f];
        }
    }
    assert_int_equal(all[FIGURE_RECEIVED], 1);
    assert_true(all[FIGURE_DESK] + all[FIGURE_DISPATCHED] <= 1);
    check_filing(ticket);
}

static void check_state(const struct ticket_view *t)
{
    assert_int_equal(t->state == TICKET_MERGED, t->merged_into != 0);
    assert_int_equal(t->state == TICKET_CLOSED || t->state == TICKET_ARCHIVED, t->closed_us != 0);
    assert_true(t->round >= 1 && t->event_count >= 1);
}

void life_check(const struct life *l, const struct life_ticket *ticket)
{
    const struct ticket_view *t = &ticket->rig.view;

    check_state(t);
    check_assignments(t);
    check_count(l, ticket, check_clocks(ticket));
    assert_int_equal(t->event_count, ticket->rig.event_count);
    assert_int_equal(t->version, ticket->changes);
}

/* ---- the history
 * -------------------------------------------------------------------------------- */

void life_print(const struct life_ticket *ticket)
{
    const struct ticket_rig *rig = &ticket->rig;

    for (size_t i = 0; i < rig->event_count; i++) {
        const struct ticket_event *e = &rig->events[i];
        print_message("%3d %s %-32s %d %s\n", e->seq, shown(e->at_us), event_words[e->type].code,
                      e->assignment, e->detail);
    }
    print_message("policy %s, kind %s, urgency %s\n", rig->view.policy,
                  kind_words[rig->view.kind].code, urgency_words[rig->view.urgency].code);
}

static void print_clock(const char *whose, const struct ticket_clock *c)
{
    print_message("%s %d %s of %d, round %d, %s: started %s due %s\n", whose, c->ordinal,
                  clock_words[c->clock].code, c->assignment, c->round,
                  clock_state_words[c->state].code, shown(c->started_us), shown(c->due_us));
    print_message("    original %s warn %s met %s paused %lld us\n", shown(c->original_due_us),
                  shown(c->warn_us), shown(c->met_us), (long long)c->paused_us);
}

struct place {
    const struct life *life;
    const char *region;
};

static const struct calendar *calendar_at(void *ctx, int64_t version)
{
    const struct place *place = ctx;
    const struct city *city = life_city(place->life, version);

    if (!city)
        return NULL;
    return city_calendar(city, place->region ? city_find_region(city, place->region) : -1);
}

static void check_recompute(struct life *l, const struct life_ticket *ticket, struct arena *arena)
{
    const struct ticket_rig *rig = &ticket->rig;
    const struct ticket_view *t = &rig->view;
    struct place place = {l, t->region};
    struct recompute_event *events = arena_alloc(arena, sizeof(*events) * rig->event_count);
    struct recompute_facts facts = {
        .kind = t->kind,
        .urgency = t->urgency,
        .policy = city_policy_of(l->city, t->sla_set, t->policy),
        .calendar_set = ticket->received_calendar,
        .calendar = calendar_at,
        .ctx = &place,
    };
    struct recomputed again;

    for (size_t i = 0; i < rig->event_count; i++) {
        const struct ticket_event *e = &rig->events[i];
        events[i] = (struct recompute_event){e->seq,        e->type, e->at_us,   e->role,
                                             e->assignment, e->unit, {.days = 0}};
        assert_true(event_detail_decode(e->detail, strlen(e->detail), arena, &events[i].detail));
    }
    ticket_recompute(&facts, events, rig->event_count, arena, &again);
    if (again.odd_seq || again.clock_count != t->clock_count) {
        life_print(ticket);
        fail_msg("event %d is odd; %zu clocks stored, %zu recomputed", again.odd_seq,
                 t->clock_count, again.clock_count);
    }
    for (size_t i = 0; i < t->clock_count; i++) {
        const char *field = recompute_difference(&t->clocks[i], &again.clocks[i]);
        l->recomputed++;
        if (!field)
            continue;
        life_print(ticket);
        print_clock("stored    ", &t->clocks[i]);
        print_clock("recomputed", &again.clocks[i]);
        fail_msg("clock %d: %s differs", t->clocks[i].ordinal, field);
    }
}

void life_check_history(struct life *l, const struct life_ticket *ticket)
{
    struct arena *arena = arena_new();

    assert_int_equal(rig_broken_link(&ticket->rig), 0);
    check_recompute(l, ticket, arena);
    arena_free(&arena);
}
