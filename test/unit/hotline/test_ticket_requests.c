/*
 * What a unit asks for and the desk decides: returns, extensions, suspensions, and every reason why
 * not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "unit/hotline/ticket_fixture.h"

static void assert_at(int64_t instant_us, const char *local_time)
{
    assert_string_equal(shown(instant_us), shown(at(local_time)));
}

static void receive(struct ticket_rig *rig)
{
    rig_at(rig, "2026-03-02 10:00");
    rig_receive(rig, "0101", RIG_TOWN_A, KIND_HELP, URGENCY_NORMAL);
}

static void receive_signed(struct ticket_rig *rig)
{
    receive(rig);
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
}

static struct ticket_command ask_return(const char *unit, int assignment)
{
    struct ticket_command c = rig_unit(ACTION_RETURN, unit, assignment);

    c.ground = "wrong_district";
    c.proposed_unit = "TB";
    return c;
}

static struct ticket_command ask_extension(int days)
{
    struct ticket_command c = rig_unit(ACTION_EXTEND, "TA", 1);

    c.days = days;
    c.ground = "waits for parts";
    return c;
}

static struct ticket_command ask_suspension(const char *until)
{
    struct ticket_command c = rig_unit(ACTION_SUSPEND, "TA", 1);

    c.until_us = at(until);
    c.ground = "waits for the owner";
    return c;
}

static struct ticket_command transfer_to(int assignment, const char *unit)
{
    struct ticket_command c = rig_decide(assignment, true);

    c.lead_unit = unit;
    return c;
}

static const struct assignment *assignment(const struct ticket_rig *rig, int ordinal)
{
    return &rig->view.assignments[ordinal - 1];
}

static const char *last_detail(const struct ticket_rig *rig)
{
    return rig->events[rig->event_count - 1].detail;
}

/* ---- returns -----------------------------------------------------------------------------------
 */

static void test_return_asked_and_refused(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    rig_do(rig, ask_return("TA", 1));
    assert_int_equal(assignment(rig, 1)->state, ASSIGNMENT_RETURN_REQUESTED);
    assert_int_equal(assignment(rig, 1)->request.kind, REQUEST_RETURN);
    assert_string_equal(last_detail(rig),
                        "{\"ground\":\"wrong_district\",\"proposed_unit\":\"TB\"}");
    rig_refused(rig, ask_return("TA", 1), "assignment_state");
    rig_refused(rig, rig_unit(ACTION_SIGN, "TA", 1), "assignment_state");
    rig_do(rig, rig_decide(1, false));
    assert_int_equal(assignment(rig, 1)->state, ASSIGNMENT_UNSIGNED); /* as it was */
    assert_int_equal(assignment(rig, 1)->request.kind, REQUEST_NONE);
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
    rig_do(rig, ask_return("TA", 1));
    rig_do(rig, rig_decide(1, false));
    assert_int_equal(assignment(rig, 1)->state, ASSIGNMENT_WORKING);
    assert_int_equal(rig_events(rig, EVENT_RETURN_REFUSED, NULL), 2);
    assert_int_equal(rig->view.transfers, 0);
}

/* The desk's time is not the unit's: its own pausable clocks wait, the ticket's does not. */
static void test_return_stops_the_units_clocks(void **state)
{
    struct ticket_rig *rig = *state;

    receive_signed(rig);
    assert_at(rig_clock(rig, CLOCK_FIRST_CONTACT)->due_us, "2026-03-03 17:30");
    rig_do(rig, ask_return("TA", 1));
    assert_int_equal(rig_clock(rig, CLOCK_FIRST_CONTACT)->state, CLOCK_PAUSED);
    assert_int_equal(rig_clock(rig, CLOCK_RESOLVE)->state, CLOCK_RUNNING);
    rig_at(rig, "2026-03-03 10:00");
    rig_do(rig, rig_decide(1, false));
    assert_at(rig_clock(rig, CLOCK_FIRST_CONTACT)->due_us, "2026-03-04 17:30");
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, "2026-03-09 17:30");
}

/* A clock that is met while it stands still is judged by the deadline it has by then. */
static void test_contact_while_waiting_is_on_time(void **state)
{
    struct ticket_rig *rig = *state;

    receive_signed(rig);
    rig_do(rig, ask_return("TA", 1));
    rig_at(rig, "2026-03-04 10:00");
    rig_do(rig, rig_unit(ACTION_CONTACT, "TA", 1));
    const struct ticket_clock *c = rig_clock(rig, CLOCK_FIRST_CONTACT);
    assert_int_equal(c->state, CLOCK_MET);
    assert_true(c->met_us <= c->due_us);
    assert_int_equal(c->paused_at_us, 0);
}

static void test_return_window(void **state)
{
    struct ticket_rig *rig = *state;

    receive_signed(rig);
    assert_at(rig_clock(rig, CLOCK_RETURN)->due_us, "2026-03-04 17:30");
    rig_at(rig, "2026-03-04 17:30:00.000001");
    rig_refused(rig, ask_return("TA", 1), "return_window_over");
    rig_at(rig, "2026-03-04 17:30");
    rig_do(rig, ask_return("TA", 1));
}

static void test_return_to_the_pool(void **state)
{
    struct ticket_rig *rig = *state;
    struct ticket_tally sum;

    receive_signed(rig);
    rig_do(rig, ask_return("TA", 1));
    rig_do(rig, rig_decide(1, true));
    assert_int_equal(rig->view.state, TICKET_ACCEPTED);
    assert_int_equal(assignment(rig, 1)->state, ASSIGNMENT_RETURNED);
    assert_null(rig->view.lead_unit);
    assert_int_equal(rig->view.transfers, 1);
    assert_int_equal(rig_running(rig, CLOCK_DISPATCH), 1);
    sum = rig_sum(rig, "");
    assert_int_equal(sum.open, 1);
    assert_int_equal(rig_sum(rig, "TA").open, 0);
    assert_int_equal(rig_sum(rig, NULL).dispatched, 0);
    assert_string_equal(last_detail(rig),
                        "{\"role\":\"lead\",\"ground\":\"wrong_district\",\"calendar_set\":5}");
}

static void test_return_with_a_new_lead(void **state)
{
    struct ticket_rig *rig = *state;

    receive_signed(rig);
    rig_do(rig, ask_return("TA", 1));
    rig_refused(rig, transfer_to(1, "TA"), "same_unit");
    rig_do(rig, transfer_to(1, "TB"));
    assert_int_equal(rig->view.state, TICKET_HANDLING);
    assert_string_equal(rig->view.lead_unit, "TB");
    assert_int_equal(assignment(rig, 2)->state, ASSIGNMENT_UNSIGNED);
    assert_int_equal(assignment(rig, 2)->round, 1);
    assert_int_equal(rig_sum(rig, "TB").dispatched, 1);
    assert_int_equal(rig_sum(rig, "TA").dispatched, 0);
    rig_refused(rig, rig_unit(ACTION_SIGN, "TA", 1), "assignment_state");
}

static void test_co_unit_returns_its_part(void **state)
{
    static const char *const co[] = {"TB"};
    struct ticket_rig *rig = *state;

    receive(rig);
    rig_do(rig, rig_dispatch(ROLE_DESK, "WATER", co, 1));
    rig_do(rig, ask_return("TB", 3));
    rig_refused(rig, rig_unit(ACTION_REPORT, "WATER", 2), "assignment_state");
    rig_do(rig, rig_unit(ACTION_SIGN, "WATER", 2));
    rig_refused(rig, rig_unit(ACTION_REPORT, "WATER", 2), "co_units_pending");
    rig_do(rig, rig_decide(3, true));
    assert_int_equal(assignment(rig, 3)->state, ASSIGNMENT_RETURNED);
    assert_int_equal(rig->view.transfers, 0);
    assert_string_equal(rig->view.lead_unit, "WATER");
    rig_do(rig, rig_unit(ACTION_REPORT, "WATER", 2));
}

/* ---- extensions --------------------------------------------------------------------------------
 */

static void test_extension_granted_once(void **state)
{
    struct ticket_rig *rig = *state;

    receive_signed(rig);
    rig_refused(rig, ask_extension(11), "too_long");
    rig_do(rig, ask_extension(10));
    assert_int_equal(assignment(rig, 1)->state, ASSIGNMENT_EXTENSION_REQUESTED);
    struct ticket_command less = rig_decide(1, true);
    less.days = 11;
    rig_refused(rig, less, "too_long");
    less.days = 4; /* the desk may grant less */
    rig_do(rig, less);
    assert_int_equal(assignment(rig, 1)->state, ASSIGNMENT_WORKING);
    assert_int_equal(assignment(rig, 1)->extensions, 1);
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, "2026-03-13 17:30");
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->original_due_us, "2026-03-09 17:30");
    rig_refused(rig, ask_extension(1), "extension_spent");
}

/* A unit that got more time after its warning was never warned of the deadline that counted. */
static void test_extended_after_the_warning_warns_again(void **state)
{
    struct ticket_rig *rig = *state;

    receive_signed(rig); /* five working days: warned of in the fourth */
    rig_do(rig, rig_unit(ACTION_CONTACT, "TA", 1));
    rig_at(rig, "2026-03-09 10:00");
    rig_tick(rig);
    const size_t warned = rig_events(rig, EVENT_CLOCK_WARNED, NULL);
    assert_true(rig_clock(rig, CLOCK_RESOLVE)->warned_us > 0);
    rig_do(rig, ask_extension(5));
    rig_do(rig, rig_decide(1, true));
    assert_int_equal(rig_clock(rig, CLOCK_RESOLVE)->warned_us, 0);
    rig_at(rig, "2026-03-16 17:00");
    rig_tick(rig);
    assert_int_equal(rig_events(rig, EVENT_CLOCK_WARNED, NULL), warned + 1);
    assert_int_equal(rig_clock(rig, CLOCK_RESOLVE)->warned_us,
                     rig_clock(rig, CLOCK_RESOLVE)->warn_us);
    rig_tick(rig);
    assert_int_equal(rig_events(rig, EVENT_CLOCK_WARNED, NULL), warned + 1);
}

static void test_extension_refused(void **state)
{
    struct ticket_rig *rig = *state;

    receive_signed(rig);
    rig_do(rig, ask_extension(3));
    rig_do(rig, rig_decide(1, false));
    assert_int_equal(rig_events(rig, EVENT_EXTENSION_REFUSED, NULL), 1);
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, "2026-03-09 17:30");
    assert_int_equal(assignment(rig, 1)->extensions, 0);
    rig_do(rig, ask_extension(3)); /* what was refused is not spent */
}

static void test_extension_comes_too_late(void **state)
{
    struct ticket_rig *rig = *state;

    receive_signed(rig);
    rig_at(rig, "2026-03-09 17:30:00.000001");
    rig_refused(rig, ask_extension(3), "expired");
    rig_tick(rig);
    rig_refused(rig, ask_extension(3), "expired");
}

static void test_nothing_to_extend(void **state)
{
    static const struct sla_rule only_sign[] = {{.clock = CLOCK_SIGN,
                                                 .kind = SLA_ANY,
                                                 .urgency = SLA_ANY,
                                                 .limit = {60, LIMIT_MINUTES},
                                                 .start = SLA_DISPATCHED,
                                                 .stop = SLA_SIGNED,
                                                 .warn_percent = 75}};
    struct ticket_rig *rig = *state;

    ticket_rig_use_rules(rig, only_sign, 1);
    receive_signed(rig);
    rig_refused(rig, ask_extension(3), "no_deadline");
}

/* A deadline in real time that was extended by working days follows the calendar from then on. */
static void test_extended_real_time_follows_the_calendar(void **state)
{
    struct ticket_rig *rig = *state;

    rig_at(rig, "2026-03-02 10:00");
    rig_receive(rig, "0101", RIG_TOWN_A, KIND_HELP, URGENCY_URGENT);
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
    rig_do(rig, ask_extension(2));
    rig_do(rig, rig_decide(1, true));
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, "2026-03-05 17:30");
    fixture_day(&rig->days, "2026-03-04", CALENDAR_DAY_OFF, NULL);
    ticket_rig_use_calendar(rig, &rig->days.spec, 6);
    rig_tick(rig);
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, "2026-03-06 17:30");
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->original_due_us, "2026-03-03 10:00");
}

/* ---- suspensions -------------------------------------------------------------------------------
 */

static void test_suspension_asked(void **state)
{
    struct ticket_rig *rig = *state;

    receive_signed(rig);
    rig_refused(rig, rig_decide(1, true), "no_request");
    rig_refused(rig, rig_decide(1, false), "no_request");
    rig_refused(rig, ask_suspension("2026-03-02 10:00"), "until_over");
    rig_refused(rig, ask_suspension("2026-09-30 10:00"), "too_long");
    rig_do(rig, ask_suspension("2026-03-05 10:00"));
    assert_int_equal(assignment(rig, 1)->state, ASSIGNMENT_WORKING); /* work goes on until then */
    rig_refused(rig, ask_suspension("2026-03-05 10:00"), "request_pending");
    rig_refused(rig, ask_extension(3), "request_pending");
    rig_refused(rig, ask_return("TA", 1), "request_pending");
    rig_do(rig, rig_decide(1, false));
    assert_int_equal(rig_events(rig, EVENT_SUSPENSION_REFUSED, NULL), 1);
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 1);
    rig_do(rig, ask_suspension("2026-03-03 10:00"));
    rig_at(rig, "2026-03-03 10:00");
    rig_refused(rig, rig_decide(1, true), "until_over");
    rig_do(rig, rig_decide(1, false));
}

static void test_suspended_and_resumed(void **state)
{
    struct ticket_rig *rig = *state;

    receive_signed(rig);
    rig_do(rig, ask_suspension("2026-03-20 10:00"));
    rig_do(rig, rig_decide(1, true));
    assert_int_equal(assignment(rig, 1)->state, ASSIGNMENT_SUSPENDED);
    assert_at(assignment(rig, 1)->suspended_until_us, "2026-03-20 10:00");
    rig_refused(rig, rig_unit(ACTION_REPORT, "TA", 1), "assignment_state");
    assert_at(ticket_next_us(&rig->view), "2026-03-20 10:00");
    rig_at(rig, "2026-03-10 10:00"); /* past the deadline that it had */
    rig_tick(rig);
    assert_false(rig->change.is_changed);
    rig_do(rig, rig_unit(ACTION_RESUME, "TA", 1)); /* earlier than asked for */
    assert_int_equal(assignment(rig, 1)->state, ASSIGNMENT_WORKING);
    assert_int_equal(assignment(rig, 1)->suspended_until_us, 0);
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, "2026-03-17 17:30");
    rig_at(rig, "2026-03-21 10:00"); /* the date that was set does nothing any more */
    rig_tick(rig);
    assert_int_equal(rig_events(rig, EVENT_RESUMED, NULL), 1);
}

/* After a breach nothing is given back, and steps that fell due meanwhile come at the end. */
static void test_suspended_when_late_already(void **state)
{
    static struct sla_rule rule = {.clock = CLOCK_RESOLVE,
                                   .kind = SLA_ANY,
                                   .urgency = SLA_ANY,
                                   .limit = {1, LIMIT_WORKING_DAYS},
                                   .start = SLA_RECEIVED,
                                   .stop = SLA_REPORTED,
                                   .pausable = true,
                                   .warn_percent = 75,
                                   .steps = {{{1, LIMIT_WORKING_DAYS}, 1}},
                                   .step_count = 1};
    struct ticket_rig *rig = *state;
    const struct ticket_event *e = NULL;

    ticket_rig_use_rules(rig, &rule, 1);
    receive_signed(rig);
    rig_at(rig, "2026-03-04 10:00");
    rig_do(rig, ask_suspension("2026-03-10 10:00"));
    rig_do(rig, rig_decide(1, true));
    rig_at(rig, "2026-03-11 10:00");
    rig_tick(rig);
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, "2026-03-03 17:30");
    assert_int_equal(rig_clock(rig, CLOCK_RESOLVE)->paused_us, 0);
    assert_int_equal(rig_events(rig, EVENT_CLOCK_ESCALATED, &e), 1);
    assert_at(e->at_us, "2026-03-10 10:00");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ticket_rig_setup, ticket_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_return_asked_and_refused),
        TEST(test_return_stops_the_units_clocks),
        TEST(test_contact_while_waiting_is_on_time),
        TEST(test_return_window),
        TEST(test_return_to_the_pool),
        TEST(test_return_with_a_new_lead),
        TEST(test_co_unit_returns_its_part),
        TEST(test_extension_granted_once),
        TEST(test_extended_after_the_warning_warns_again),
        TEST(test_extension_refused),
        TEST(test_extension_comes_too_late),
        TEST(test_nothing_to_extend),
        TEST(test_extended_real_time_follows_the_calendar),
        TEST(test_suspension_asked),
        TEST(test_suspended_and_resumed),
        TEST(test_suspended_when_late_already),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
