/*
 * The clocks of a ticket along its course, with real days: when they are due, who stops them, what
 * a failed review gives back, and what lateness does to the count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "unit/hotline/ticket_fixture.h"

#define HOUR_US INT64_C(3600000000)

static void assert_at(int64_t instant_us, const char *local_time)
{
    assert_string_equal(shown(instant_us), shown(at(local_time)));
}

static void receive(struct ticket_rig *rig)
{
    rig_at(rig, "2026-02-13 10:00");
    rig_receive(rig, "0101", RIG_TOWN_A, KIND_HELP, URGENCY_NORMAL);
}

static void sign(struct ticket_rig *rig)
{
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
    rig_do(rig, rig_unit(ACTION_CONTACT, "TA", 1));
}

/* ---- when ---------------------------------------------------------------------------------- */

static void test_deadlines_at_receipt(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    assert_int_equal(rig->view.clock_count, 5);
    const struct ticket_clock *c = rig_clock(rig, CLOCK_DISPATCH);
    assert_int_equal(c->state, CLOCK_MET);
    assert_at(c->due_us, "2026-02-13 10:30");
    assert_at(c->met_us, "2026-02-13 10:00");
    c = rig_clock(rig, CLOCK_RESOLVE);
    assert_int_equal(c->state, CLOCK_RUNNING);
    assert_int_equal(c->assignment, 0);
    assert_at(c->due_us, "2026-02-27 17:30");
    assert_at(c->warn_us, "2026-02-26 14:22:30");
    assert_false(c->provisional);
    c = rig_clock(rig, CLOCK_SIGN);
    assert_int_equal(c->assignment, 1);
    assert_at(c->due_us, "2026-02-13 16:00");
    assert_at(rig_clock(rig, CLOCK_FIRST_CONTACT)->due_us, "2026-02-14 17:30");
    assert_at(rig_clock(rig, CLOCK_RETURN)->due_us, "2026-02-24 17:30");
    assert_at(ticket_queue_due_us(&rig->view, &rig->view.assignments[0]), "2026-02-27 17:30");
}

static void test_deadlines_along_the_course(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    rig_at(rig, "2026-02-13 11:00");
    sign(rig);
    assert_int_equal(rig_clock(rig, CLOCK_SIGN)->state, CLOCK_MET);
    assert_int_equal(rig_clock(rig, CLOCK_FIRST_CONTACT)->state, CLOCK_MET);
    rig_at(rig, "2026-02-26 11:00");
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->met_us, "2026-02-26 11:00");
    assert_at(rig_clock(rig, CLOCK_REVIEW)->due_us, "2026-02-27 17:30");
    rig_at(rig, "2026-02-27 09:00");
    rig_do(rig, rig_review(true));
    assert_int_equal(rig_clock(rig, CLOCK_REVIEW)->state, CLOCK_MET);
    assert_int_equal(rig_clock(rig, CLOCK_RETURN)->state, CLOCK_STOPPED);
    assert_at(rig_clock(rig, CLOCK_CALLBACK)->due_us, "2026-03-02 17:30");
    assert_at(ticket_queue_due_us(&rig->view, &rig->view.assignments[0]), "2026-03-02 17:30");
    rig_at(rig, "2026-03-02 10:00");
    rig_do(rig, rig_callback(true, 0, 1));
    assert_int_equal(rig_clock(rig, CLOCK_CALLBACK)->state, CLOCK_MET);
    const struct ticket_clock *redo = rig_clock(rig, CLOCK_RESOLVE);
    assert_int_equal(redo->round, 2);
    assert_at(redo->due_us, "2026-03-05 17:30");
    assert_int_equal(rig_clock(rig, CLOCK_SIGN)->assignment, 2);
    assert_at(rig_clock(rig, CLOCK_SIGN)->due_us, "2026-03-02 16:00");
}

static void test_urgency(void **state)
{
    static const struct {
        enum ticket_urgency urgency;
        const char *sign, *contact, *resolve;
    } cases[] = {
        {URGENCY_URGENT, "2026-02-13 10:15", "2026-02-13 10:30", "2026-02-14 10:00"},
        {URGENCY_CRITICAL, "2026-02-13 10:05", "2026-02-13 10:30", "2026-02-13 12:00"},
    };
    struct ticket_rig *rig = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ticket_rig_renew_arena(rig);
        rig_at(rig, "2026-02-13 10:00");
        rig_receive(rig, "0101", RIG_TOWN_A, KIND_REPORT, cases[i].urgency);
        assert_at(rig_clock(rig, CLOCK_SIGN)->due_us, cases[i].sign);
        assert_at(rig_clock(rig, CLOCK_FIRST_CONTACT)->due_us, cases[i].contact);
        assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, cases[i].resolve);
    }
}

static void test_kinds(void **state)
{
    static const struct {
        enum ticket_kind kind;
        const char *resolve;
    } cases[] = {
        {KIND_CONSULT, "2026-02-24 17:30"},    {KIND_HELP, "2026-02-27 17:30"},
        {KIND_COMPLAINT, "2026-02-27 17:30"},  {KIND_REPORT, "2026-03-12 17:30"},
        {KIND_SUGGESTION, "2026-02-27 17:30"}, {KIND_PRAISE, "2026-02-27 17:30"},
    };
    struct ticket_rig *rig = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ticket_rig_renew_arena(rig);
        rig_at(rig, "2026-02-13 10:00");
        rig_receive(rig, "0101", RIG_TOWN_A, cases[i].kind, URGENCY_NORMAL);
        assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, cases[i].resolve);
    }
}

/* Town B has a calendar without holidays, whose years nobody has published. */
static void test_calendar_of_the_place(void **state)
{
    struct ticket_rig *rig = *state;

    rig_at(rig, "2026-02-13 10:00");
    rig_receive(rig, "0101", RIG_TOWN_B, KIND_HELP, URGENCY_NORMAL);
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, "2026-02-20 17:30");
    assert_true(rig_clock(rig, CLOCK_RESOLVE)->provisional);
}

static void test_unknown_policy_is_the_default(void **state)
{
    struct ticket_rig *rig = *state;

    rig->policy = "dropped since";
    receive(rig);
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, "2026-02-27 17:30");
}

/* ---- a failed review ----------------------------------------------------------------------- */

static void test_failed_review_gives_time_back(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    sign(rig);
    rig_at(rig, "2026-02-26 11:00");
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    rig_at(rig, "2026-02-27 09:00"); /* five working hours later */
    rig_do(rig, rig_review(false));
    assert_int_equal(rig->view.state, TICKET_HANDLING);
    assert_int_equal(rig->view.round, 1);
    assert_int_equal(rig->view.assignments[0].state, ASSIGNMENT_WORKING);
    const struct ticket_clock *c = rig_clock(rig, CLOCK_RESOLVE);
    assert_int_equal(c->state, CLOCK_RUNNING);
    assert_int_equal(c->met_us, 0);
    assert_int_equal(c->paused_us, 5 * HOUR_US);
    assert_at(c->due_us, "2026-02-28 15:30");
    assert_at(c->warn_us, "2026-02-27 10:22:30");
    assert_int_equal(rig_running(rig, CLOCK_REVIEW), 0);
    assert_int_equal(rig_running(rig, CLOCK_CALLBACK), 0);
    rig_at(rig, "2026-02-27 10:00");
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    assert_int_equal(rig_running(rig, CLOCK_REVIEW), 1);
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 0);
}

/* In the second round it is the second round's clock that goes on. */
static void test_failed_review_of_a_redo(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    sign(rig);
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    rig_do(rig, rig_review(true));
    rig_do(rig, rig_callback(true, 0, 0));
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 2));
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 2));
    rig_do(rig, rig_review(false));
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 1);
    const struct ticket_clock *c = rig_clock(rig, CLOCK_RESOLVE);
    assert_int_equal(c->round, 2);
    assert_int_equal(c->state, CLOCK_RUNNING);
    assert_at(c->due_us, "2026-02-25 17:30");
}

/* What is late stays late: no time is given back. */
static void test_failed_review_of_a_late_report(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    sign(rig);
    rig_at(rig, "2026-02-28 09:00");
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    rig_at(rig, "2026-03-02 09:00");
    rig_do(rig, rig_review(false));
    const struct ticket_clock *c = rig_clock(rig, CLOCK_RESOLVE);
    assert_int_equal(c->state, CLOCK_RUNNING);
    assert_at(c->due_us, "2026-02-27 17:30");
    assert_int_equal(c->paused_us, 0);
    assert_int_equal(ticket_clock_next_us(c), 0);
    rig_at(rig, "2026-03-20 09:00");
    rig_tick(rig);
    assert_int_equal(rig_sum(rig, NULL).overdue, 1);
}

/* ---- warnings and breaches ----------------------------------------------------------------- */

static size_t clock_events(const struct ticket_rig *rig, enum ticket_event_type type,
                           const char *clock)
{
    char wanted[64];
    size_t count = 0;

    (void)snprintf(wanted, sizeof(wanted), "{\"clock\":\"%s\"", clock);
    for (size_t i = 0; i < rig->event_count; i++) {
        const struct ticket_event *e = &rig->events[i];
        count += e->type == type && strncmp(e->detail, wanted, strlen(wanted)) == 0;
    }
    return count;
}

static void test_warning_and_breach_once(void **state)
{
    struct ticket_rig *rig = *state;
    const struct ticket_event *last = NULL;

    receive(rig);
    sign(rig);
    rig_at(rig, "2026-02-26 14:22:29.999999");
    rig_tick(rig);
    assert_false(rig->change.is_changed);
    assert_at(ticket_clock_next_us(rig_clock(rig, CLOCK_RESOLVE)), "2026-02-26 14:22:30");
    rig_at(rig, "2026-02-26 14:22:30");
    for (int i = 0; i < 3; i++)
        rig_tick(rig);
    assert_int_equal(rig_events(rig, EVENT_CLOCK_WARNED, &last), 1);
    assert_at(last->at_us, "2026-02-26 14:22:30");
    assert_string_equal(last->detail, "{\"clock\":\"resolve\",\"round\":1,\"ordinal\":2,\"due_at\":"
                                      "\"2026-02-27T17:30:00+08:00\"}");
    rig_at(rig, "2026-02-27 17:30"); /* its last instant is still kept */
    rig_tick(rig);
    assert_false(rig->change.is_changed);
    assert_at(ticket_clock_next_us(rig_clock(rig, CLOCK_RESOLVE)), "2026-02-27 17:30:00.000001");
    rig_at(rig, "2026-02-27 17:30:00.000001");
    for (int i = 0; i < 3; i++)
        rig_tick(rig);
    assert_int_equal(rig_events(rig, EVENT_CLOCK_BREACHED, &last), 1);
    assert_at(last->at_us, "2026-02-27 17:30");
    assert_int_equal(last->role, ROLE_SYSTEM);
    assert_string_equal(last->actor, "system");
    assert_true(rig->view.is_overdue && rig->view.was_late);
    assert_int_equal(rig_sum(rig, "TA").overdue, 1);
    assert_at(rig->tallies[rig->tally_count - 1].at_us, "2026-02-27 17:30");
    assert_int_equal(ticket_clock_next_us(rig_clock(rig, CLOCK_RESOLVE)), 0);
}

/* Looking once, late, writes the same history as looking every half hour. */
static void test_when_somebody_looks_does_not_matter(void **state)
{
    struct ticket_rig *rig = *state;
    uint8_t hash[32];

    receive(rig);
    rig_at(rig, "2026-03-20 10:00");
    rig_tick(rig);
    memcpy(hash, rig->view.event_hash, sizeof(hash));
    /* sign, first contact and resolve: warned and broken each; the return window is silent */
    assert_int_equal(rig_events(rig, EVENT_CLOCK_WARNED, NULL), 3);
    assert_int_equal(rig_events(rig, EVENT_CLOCK_BREACHED, NULL), 3);
    assert_int_equal(clock_events(rig, EVENT_CLOCK_BREACHED, "return"), 0);
    for (size_t i = 1; i < rig->event_count; i++)
        assert_true(rig->events[i - 1].at_us <= rig->events[i].at_us);
    ticket_rig_renew_arena(rig);
    receive(rig);
    for (; rig->now_us <= at("2026-03-20 10:00"); rig->now_us += HOUR_US / 2)
        rig_tick(rig);
    assert_memory_equal(hash, rig->view.event_hash, sizeof(hash));
}

/* Whoever acts first lets time pass first. */
static void test_action_after_the_deadline(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    sign(rig);
    rig_at(rig, "2026-02-28 10:00");
    size_t before = rig->event_count;
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    assert_int_equal(rig->event_count, before + 3);
    assert_int_equal(rig->events[before].type, EVENT_CLOCK_WARNED);
    assert_int_equal(rig->events[before + 1].type, EVENT_CLOCK_BREACHED);
    assert_int_equal(rig->events[before + 2].type, EVENT_REPORTED);
    assert_true(rig_clock(rig, CLOCK_RESOLVE)->breached_us > 0);
}

static void close_content(struct ticket_rig *rig)
{
    rig_do(rig, rig_review(true));
    rig_do(rig, rig_callback(true, 1, 5));
}

static void test_on_time_to_the_last_instant(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    sign(rig);
    rig_at(rig, "2026-02-27 17:30");
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    rig_at(rig, "2026-03-02 09:00"); /* the desk's slowness is not the unit's */
    close_content(rig);
    assert_true(rig->change.after.closed_on_time);
    assert_int_equal(rig_sum(rig, "TA").on_time, 1);
}

static void test_late_to_the_end(void **state)
{
    struct ticket_rig *rig = *state;
    const struct ticket_event *closed = NULL;

    receive(rig);
    sign(rig);
    rig_at(rig, "2026-02-27 17:30:00.000001");
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    assert_int_equal(rig_sum(rig, "TA").overdue, 1);
    close_content(rig);
    assert_false(rig->change.after.closed_on_time);
    assert_false(rig->view.is_overdue);
    assert_true(rig->view.was_late);
    struct ticket_tally sum = rig_sum(rig, "TA");
    assert_int_equal(sum.closed, 1);
    assert_int_equal(sum.on_time, 0);
    assert_int_equal(sum.overdue, 0);
    assert_int_equal(sum.open, 0);
    assert_int_equal(rig_events(rig, EVENT_CLOSED, &closed), 1);
    assert_string_equal(closed->detail, "{\"tier\":\"town\",\"on_time\":false}");
}

/* An overdue ticket in other hands: the debt goes with it. */
static void test_overdue_moves_with_the_ticket(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    rig_at(rig, "2026-03-02 09:00");
    rig_do(rig, rig_dispatch(ROLE_DESK, "TB", NULL, 0));
    assert_int_equal(rig_sum(rig, "TA").overdue, 0);
    assert_int_equal(rig_sum(rig, "TB").overdue, 1);
    assert_int_equal(rig_sum(rig, "TA").open, 0);
    rig_do(rig, rig_desk(ACTION_WITHDRAW));
    assert_int_equal(rig_sum(rig, NULL).overdue, 0);
}

static void test_nothing_runs_after_the_end(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    rig_do(rig, rig_desk(ACTION_WITHDRAW));
    for (int k = 0; k < CLOCK_COUNT; k++)
        assert_int_equal(rig_running(rig, (enum clock_kind)k), 0);
    assert_int_equal(ticket_queue_due_us(&rig->view, &rig->view.assignments[0]), 0);
    rig_at(rig, "2027-01-04 09:00");
    rig_tick(rig);
    assert_false(rig->change.is_changed);
}

/* ---- other policies ------------------------------------------------------------------------ */

/* The resolve clock counts from the signature to the close: the lead's signature, not anybody's. */
static void test_lead_alone_moves_the_tickets_clocks(void **state)
{
    static const char *const co[] = {"TB"};
    struct ticket_rig *rig = *state;

    rig->policy = "fast";
    rig_at(rig, "2026-03-02 10:00");
    rig_receive(rig, "0101", NULL, KIND_HELP, URGENCY_NORMAL);
    rig_do(rig, rig_dispatch(ROLE_DESK, "TA", co, 1));
    assert_int_equal(rig->view.clock_count, 0);
    rig_do(rig, rig_unit(ACTION_SIGN, "TB", 2));
    assert_int_equal(rig->view.clock_count, 1); /* the co-unit's own */
    assert_int_equal(rig->view.clocks[0].assignment, 2);
    rig_at(rig, "2026-03-02 10:30");
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, "2026-03-02 20:30");
    /* a second contact starts nothing anew; each unit's clock is its own */
    rig_do(rig, rig_unit(ACTION_CONTACT, "TA", 1));
    rig_do(rig, rig_unit(ACTION_CONTACT, "TA", 1));
    rig_do(rig, rig_unit(ACTION_CONTACT, "TB", 2));
    assert_int_equal(rig_running(rig, CLOCK_RETURN), 2);
    rig_do(rig, rig_unit(ACTION_REPORT, "TB", 2));
    assert_int_equal(rig_running(rig, CLOCK_RETURN), 1);
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    assert_int_equal(rig_running(rig, CLOCK_RETURN), 0);
    close_content(rig);
    assert_int_equal(rig_clock(rig, CLOCK_RESOLVE)->state, CLOCK_MET);
    assert_int_equal(rig->view.clock_count, 4);
}

/* A clock that would run on through the redo makes way for the redo's own. */
static void test_redo_replaces_a_running_clock(void **state)
{
    struct ticket_rig *rig = *state;

    rig->policy = "fast";
    rig_at(rig, "2026-03-02 10:00");
    rig_receive(rig, "0101", RIG_TOWN_A, KIND_HELP, URGENCY_NORMAL);
    sign(rig);
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    rig_do(rig, rig_review(true));
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, "2026-03-02 20:00");
    rig_at(rig, "2026-03-02 11:00");
    rig_do(rig, rig_callback(true, 0, 1));
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 1);
    assert_int_equal(rig_clock(rig, CLOCK_RESOLVE)->round, 2);
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, "2026-03-02 16:00");
    assert_int_equal(rig->view.clocks[0].clock, CLOCK_RESOLVE);
    assert_int_equal(rig->view.clocks[0].state, CLOCK_STOPPED);
    assert_int_equal(rig->view.clocks[0].met_us, 0);
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 2)); /* the redo's rule does not hear the signature */
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 1);
}

/* A round without a resolve clock does not wake the one of the round before. */
static void test_failed_review_leaves_earlier_rounds_alone(void **state)
{
    static const struct sla_rule once[] = {{.clock = CLOCK_RESOLVE,
                                            .kind = SLA_ANY,
                                            .urgency = SLA_ANY,
                                            .limit = {5, LIMIT_WORKING_DAYS},
                                            .start = SLA_RECEIVED,
                                            .stop = SLA_REPORTED,
                                            .pausable = true,
                                            .warn_percent = 75}};
    struct ticket_rig *rig = *state;

    ticket_rig_use_rules(rig, once, 1);
    receive(rig);
    sign(rig);
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    rig_do(rig, rig_review(true));
    rig_do(rig, rig_callback(true, 0, 1));
    assert_int_equal(rig->view.clock_count, 1);
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 2));
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 2));
    rig_do(rig, rig_review(false));
    assert_int_equal(rig_clock(rig, CLOCK_RESOLVE)->state, CLOCK_MET);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ticket_rig_setup, ticket_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_deadlines_at_receipt),
        TEST(test_deadlines_along_the_course),
        TEST(test_urgency),
        TEST(test_kinds),
        TEST(test_calendar_of_the_place),
        TEST(test_unknown_policy_is_the_default),
        TEST(test_failed_review_gives_time_back),
        TEST(test_failed_review_of_a_redo),
        TEST(test_failed_review_of_a_late_report),
        TEST(test_warning_and_breach_once),
        TEST(test_when_somebody_looks_does_not_matter),
        TEST(test_action_after_the_deadline),
        TEST(test_on_time_to_the_last_instant),
        TEST(test_late_to_the_end),
        TEST(test_overdue_moves_with_the_ticket),
        TEST(test_nothing_runs_after_the_end),
        TEST(test_lead_alone_moves_the_tickets_clocks),
        TEST(test_redo_replaces_a_running_clock),
        TEST(test_failed_review_leaves_earlier_rounds_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
