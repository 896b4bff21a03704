/*
 * Changes of hand: forwarded down, escalated up, one more co-unit, transfers until a ticket is a
 * problem.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "hotline/route.h"
#include "unit/hotline/ticket_fixture.h"

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

static struct ticket_command forward(const char *unit, int assignment, const char *to)
{
    struct ticket_command c = rig_unit(ACTION_FORWARD, unit, assignment);

    c.lead_unit = to;
    return c;
}

static struct ticket_command add_unit(const char *unit)
{
    struct ticket_command c = rig_desk(ACTION_ADD_UNIT);

    c.lead_unit = unit;
    return c;
}

static const struct assignment *assignment(const struct ticket_rig *rig, int ordinal)
{
    return &rig->view.assignments[ordinal - 1];
}

/* ---- down and up -------------------------------------------------------------------------------
 */

static void test_forward(void **state)
{
    struct ticket_rig *rig = *state;
    const struct ticket_event *e = NULL;

    receive(rig);
    rig_refused(rig, forward("TA", 1, "A1"), "assignment_state"); /* signed first */
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
    rig_refused(rig, forward("TA", 1, "TB"), "not_below");
    rig_refused(rig, forward("TA", 1, "TA"), "not_below");
    rig_refused(rig, forward("TA", 1, "ZF"), "not_below");
    rig_refused(rig, forward("TA", 1, "NOBODY"), "not_below");
    rig_do(rig, forward("TA", 1, "A1"));
    assert_int_equal(assignment(rig, 1)->state, ASSIGNMENT_FORWARDED);
    assert_int_equal(assignment(rig, 2)->state, ASSIGNMENT_UNSIGNED);
    assert_int_equal(assignment(rig, 2)->role, ASSIGNMENT_LEAD);
    assert_int_equal(assignment(rig, 2)->parent, 1);
    assert_string_equal(rig->view.lead_unit, "A1");
    assert_int_equal(rig->view.deepest_tier, TIER_VILLAGE);
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 1); /* the ticket's, no other */
    assert_int_equal(rig_sum(rig, "A1").open, 1);
    assert_int_equal(rig_sum(rig, "TA").open, 0);
    assert_int_equal(rig_events(rig, EVENT_FORWARDED, &e), 1);
    assert_string_equal(e->detail, "{\"unit\":\"A1\",\"calendar_set\":5}");
    assert_int_equal(e->assignment, 1);
    /* what was handed on had been signed: work has begun */
    rig_refused(rig, rig_dispatch(ROLE_DESK, "TB", NULL, 0), "already_signed");
    rig_do(rig, rig_unit(ACTION_SIGN, "A1", 2));
    rig_do(rig, forward("A1", 2, "G1"));
    assert_int_equal(rig->view.deepest_tier, TIER_GRID);
}

static void test_forward_to_who_has_it(void **state)
{
    struct ticket_rig *rig = *state;

    receive_signed(rig);
    rig_do(rig, add_unit("A1"));
    rig_refused(rig, forward("TA", 1, "A1"), "already_assigned");
}

/* The city gave the unit up while it worked. */
static void test_forward_by_a_unit_that_is_gone(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    rig->view.assignments[0].unit = "GONE";
    rig->view.lead_unit = "GONE";
    rig_do(rig, rig_unit(ACTION_SIGN, "GONE", 1));
    rig_refused(rig, forward("GONE", 1, "A1"), "unit_gone");
    rig_refused(rig, rig_unit(ACTION_ESCALATE, "GONE", 1), "no_unit_above");
}

static void test_escalate(void **state)
{
    struct ticket_rig *rig = *state;
    const struct ticket_event *e = NULL;

    receive_signed(rig);
    rig_do(rig, rig_unit(ACTION_ESCALATE, "TA", 1));
    assert_int_equal(assignment(rig, 1)->state, ASSIGNMENT_FORWARDED);
    assert_string_equal(rig->view.lead_unit, "ZF");
    assert_int_equal(assignment(rig, 2)->parent, 1);
    assert_int_equal(rig_events(rig, EVENT_ESCALATED, &e), 1);
    assert_string_equal(e->detail, "{\"unit\":\"ZF\",\"calendar_set\":5}");
    rig_do(rig, rig_unit(ACTION_SIGN, "ZF", 2));
    rig_refused(rig, rig_unit(ACTION_ESCALATE, "ZF", 2), "no_unit_above");
    rig_do(rig, forward("ZF", 2, "TA")); /* and down again */
    assert_string_equal(rig->view.lead_unit, "TA");
}

static void test_escalate_to_who_has_it(void **state)
{
    struct ticket_rig *rig = *state;

    receive_signed(rig);
    rig_do(rig, add_unit("ZF"));
    rig_refused(rig, rig_unit(ACTION_ESCALATE, "TA", 1), "already_assigned");
}

/* A co-unit hands its part on: the lead stays who it is. With days there is one clock, not two. */
static void test_co_unit_hands_its_part_on(void **state)
{
    struct ticket_rig *rig = *state;
    struct ticket_command down = forward("TB", 2, "A1");
    size_t own = 0;

    receive_signed(rig);
    rig_do(rig, add_unit("ZF"));
    rig_do(rig, rig_unit(ACTION_SIGN, "ZF", 2));
    down = forward("ZF", 2, "TB");
    down.days = 2;
    rig_do(rig, down);
    assert_int_equal(assignment(rig, 3)->role, ASSIGNMENT_CO);
    assert_string_equal(rig->view.lead_unit, "TA");
    for (size_t i = 0; i < rig->view.clock_count; i++) {
        const struct ticket_clock *c = &rig->view.clocks[i];
        own += c->clock == CLOCK_RESOLVE && c->assignment == 3;
    }
    assert_int_equal(own, 1);
    assert_string_equal(shown(rig_clock(rig, CLOCK_RESOLVE)->due_us),
                        shown(at("2026-03-04 17:30")));
}

static const struct ticket_clock *own_clock(const struct ticket_rig *rig, int assignment)
{
    for (size_t i = 0; i < rig->view.clock_count; i++) {
        const struct ticket_clock *c = &rig->view.clocks[i];
        if (c->clock == CLOCK_RESOLVE && c->assignment == assignment)
            return c;
    }
    fail_msg("assignment %d has no resolve clock of its own", assignment);
    return NULL;
}

/* Handing a part on bought another whole limit: three co-units down the line, three limits. */
static void test_a_part_handed_on_keeps_its_deadline(void **state)
{
    struct ticket_rig *rig = *state;

    receive_signed(rig);
    rig_do(rig, add_unit("ZF"));
    rig_do(rig, rig_unit(ACTION_SIGN, "ZF", 2));
    const int64_t due_us = own_clock(rig, 2)->due_us, started_us = own_clock(rig, 2)->started_us;
    rig_at(rig, "2026-03-05 10:00");
    rig_do(rig, forward("ZF", 2, "TB"));
    assert_int_equal(own_clock(rig, 2)->state, CLOCK_STOPPED);
    assert_int_equal(own_clock(rig, 3)->state, CLOCK_RUNNING);
    assert_string_equal(shown(own_clock(rig, 3)->due_us), shown(due_us));
    assert_int_equal(own_clock(rig, 3)->started_us, started_us);
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 2); /* the ticket's and this one */
}

/* What has been broken stays broken, and goes on up the steps without being told anew. */
static void test_a_late_part_handed_on_is_late_already(void **state)
{
    struct ticket_rig *rig = *state;

    receive_signed(rig);
    rig_do(rig, add_unit("ZF"));
    rig_do(rig, rig_unit(ACTION_SIGN, "ZF", 2));
    rig_at(rig, "2026-03-20 10:00");
    rig_tick(rig);
    const int64_t breached_us = own_clock(rig, 2)->breached_us;
    const size_t told = rig_events(rig, EVENT_CLOCK_BREACHED, NULL);
    assert_true(breached_us > 0);
    rig_do(rig, forward("ZF", 2, "TB"));
    rig_tick(rig);
    assert_int_equal(own_clock(rig, 3)->breached_us, breached_us);
    assert_int_equal(own_clock(rig, 3)->step, own_clock(rig, 2)->step);
    assert_int_equal(rig_events(rig, EVENT_CLOCK_BREACHED, NULL), told);
}

/* Days stand for the policy's own limit, wherever that begins. */
static void test_days_take_the_place_of_the_rule(void **state)
{
    static const struct sla_rule rules[] = {{.clock = CLOCK_RESOLVE,
                                             .kind = SLA_ANY,
                                             .urgency = SLA_ANY,
                                             .limit = {5, LIMIT_WORKING_DAYS},
                                             .start = SLA_DISPATCHED,
                                             .stop = SLA_REPORTED,
                                             .warn_percent = 75}};
    struct ticket_rig *rig = *state;
    struct ticket_command down;

    ticket_rig_use_rules(rig, rules, 1);
    receive_signed(rig);
    rig_do(rig, add_unit("ZF"));
    rig_do(rig, rig_unit(ACTION_SIGN, "ZF", 2));
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 2); /* the ticket's and the co-unit's */
    down = forward("ZF", 2, "TB");
    down.days = 2;
    rig_do(rig, down);
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 2);
}

/* ---- more co-units -----------------------------------------------------------------------------
 */

static void test_add_unit(void **state)
{
    struct ticket_rig *rig = *state;

    receive_signed(rig);
    rig_refused(rig, add_unit("TA"), "already_assigned");
    rig_at(rig, "2026-03-04 10:00");
    rig_do(rig, add_unit("WATER"));
    assert_int_equal(assignment(rig, 2)->role, ASSIGNMENT_CO);
    assert_int_equal(assignment(rig, 2)->parent, 0);
    rig_refused(rig, add_unit("WATER"), "already_assigned");
    /* its own clock from when it was asked; the ticket's is as it was */
    assert_string_equal(shown(rig_clock(rig, CLOCK_RESOLVE)->due_us),
                        shown(at("2026-03-11 17:30")));
    assert_int_equal(rig_clock(rig, CLOCK_RESOLVE)->assignment, 2);
    rig_refused(rig, rig_unit(ACTION_REPORT, "TA", 1), "co_units_pending");
    rig_do(rig, rig_unit(ACTION_SIGN, "WATER", 2));
    rig_do(rig, rig_unit(ACTION_REPORT, "WATER", 2));
    assert_int_equal(rig_clock(rig, CLOCK_RESOLVE)->state, CLOCK_MET);
    assert_int_equal(rig->view.state, TICKET_HANDLING);
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    assert_int_equal(rig->view.state, TICKET_REVIEW);
    rig_refused(rig, add_unit("TB"), "state");
}

static void test_too_many_units(void **state)
{
    static const char *const co[] = {"c1", "c2",  "c3",  "c4",  "c5",  "c6",  "c7",  "c8",
                                     "c9", "c10", "c11", "c12", "c13", "c14", "c15", "c16"};
    struct ticket_rig *rig = *state;

    assert_true(ROUTE_MAX_CO_UNITS <= ARRAY_LEN(co));
    receive(rig);
    rig_do(rig, rig_dispatch(ROLE_DESK, "TA", co, ROUTE_MAX_CO_UNITS));
    rig_refused(rig, add_unit("TB"), "too_many");
}

/* ---- transfers ---------------------------------------------------------------------------------
 */

/* The lead gives it back and another unit gets it; ordinal is the lead's. */
static void give_back(struct ticket_rig *rig, const char *unit, int ordinal, const char *to)
{
    struct ticket_command ask = rig_unit(ACTION_RETURN, unit, ordinal);
    struct ticket_command grant = rig_decide(ordinal, true);

    ask.ground = "not_own_duty";
    grant.lead_unit = to;
    rig_do(rig, ask);
    rig_do(rig, grant);
}

static void test_co_unit_becomes_the_lead(void **state)
{
    struct ticket_rig *rig = *state;

    receive_signed(rig);
    rig_do(rig, add_unit("TB"));
    rig_do(rig, add_unit("WATER"));
    give_back(rig, "TA", 1, "TB");
    assert_int_equal(assignment(rig, 2)->state, ASSIGNMENT_RECALLED);
    assert_int_equal(assignment(rig, 3)->state, ASSIGNMENT_UNSIGNED); /* goes on */
    assert_int_equal(assignment(rig, 4)->role, ASSIGNMENT_LEAD);
    assert_string_equal(rig->view.lead_unit, "TB");
}

static void test_third_transfer_makes_a_problem(void **state)
{
    struct ticket_rig *rig = *state;
    const struct ticket_event *e = NULL;

    receive(rig);
    give_back(rig, "TA", 1, "TB");
    give_back(rig, "TB", 2, "WATER");
    assert_int_equal(rig->view.transfers, 2);
    assert_false(rig->view.is_problem);
    rig_do(rig, add_unit("A1"));
    give_back(rig, "WATER", 3, "TB"); /* whoever is named: a supervisor decides now */
    assert_int_equal(rig->view.state, TICKET_ACCEPTED);
    assert_true(rig->view.is_problem);
    assert_int_equal(assignment(rig, 3)->state, ASSIGNMENT_RETURNED);
    assert_int_equal(assignment(rig, 4)->state, ASSIGNMENT_RECALLED);
    assert_int_equal(rig_events(rig, EVENT_PROBLEM, NULL), 1);
    assert_int_equal(rig_events(rig, EVENT_RETURNED, &e), 3);
    assert_null(strstr(e->detail, "\"unit\"")); /* nobody leads */
    assert_int_equal(rig_running(rig, CLOCK_DISPATCH), 1);
    rig_refused(rig, rig_dispatch(ROLE_DESK, "TB", NULL, 0), "problem_ticket");
    rig_do(rig, rig_dispatch(ROLE_SUPERVISOR, "TB", NULL, 0));
    struct ticket_command again = rig_unit(ACTION_RETURN, "TB", 5);
    again.ground = "not_own_duty";
    rig_refused(rig, again, "no_return");
    rig_refused(rig, rig_dispatch(ROLE_DESK, "TA", NULL, 0), "problem_ticket");
    rig_do(rig, rig_dispatch(ROLE_SUPERVISOR, "TA", NULL, 0));
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 6));
    rig_refused(rig, rig_dispatch(ROLE_SUPERVISOR, "TB", NULL, 0), "already_signed");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ticket_rig_setup, ticket_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_forward),
        TEST(test_forward_to_who_has_it),
        TEST(test_forward_by_a_unit_that_is_gone),
        TEST(test_escalate),
        TEST(test_escalate_to_who_has_it),
        TEST(test_co_unit_hands_its_part_on),
        TEST(test_a_part_handed_on_keeps_its_deadline),
        TEST(test_a_late_part_handed_on_is_late_already),
        TEST(test_days_take_the_place_of_the_rule),
        TEST(test_add_unit),
        TEST(test_too_many_units),
        TEST(test_co_unit_becomes_the_lead),
        TEST(test_third_transfer_makes_a_problem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
