/*
 * What happens to a ticket from receipt to the archive: states, assignments, events, the count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "unit/hotline/ticket_fixture.h"

static void receive(struct ticket_rig *rig)
{
    rig_at(rig, "2026-02-13 10:00");
    rig_receive(rig, "0101", RIG_TOWN_A, KIND_HELP, URGENCY_NORMAL);
}

/* Without a place no unit is found: the pool of the desk. */
static void receive_in_pool(struct ticket_rig *rig)
{
    rig_at(rig, "2026-02-13 10:00");
    rig_receive(rig, "0101", NULL, KIND_HELP, URGENCY_NORMAL);
}

/* The newest assignment is signed, reported and passed. */
static void handle_and_pass(struct ticket_rig *rig)
{
    const struct assignment *a = &rig->view.assignments[rig->view.assignment_count - 1];
    const char *unit = a->unit;
    int ordinal = a->ordinal;

    rig_do(rig, rig_unit(ACTION_SIGN, unit, ordinal));
    rig_do(rig, rig_unit(ACTION_REPORT, unit, ordinal));
    rig_do(rig, rig_review(true));
}

static void assert_tally(const struct ticket_rig *rig, const char *unit,
                         const struct ticket_tally *wanted)
{
    struct ticket_tally sum = rig_sum(rig, unit);

    assert_int_equal(sum.received, wanted->received);
    assert_int_equal(sum.desk, wanted->desk);
    assert_int_equal(sum.dispatched, wanted->dispatched);
    assert_int_equal(sum.open, wanted->open);
    assert_int_equal(sum.closed, wanted->closed);
    assert_int_equal(sum.on_time, wanted->on_time);
    assert_int_equal(sum.overdue, wanted->overdue);
}
#define TALLY(rig, unit, ...) assert_tally(rig, unit, &(struct ticket_tally){__VA_ARGS__})

static void assert_states(const struct ticket_rig *rig, const enum assignment_state *states,
                          size_t count)
{
    assert_int_equal(rig->view.assignment_count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(rig->view.assignments[i].state, states[i]);
}
#define STATES(rig, ...)                                                                           \
    assert_states(rig, (const enum assignment_state[]){__VA_ARGS__},                               \
                  ARRAY_LEN(((const enum assignment_state[]){__VA_ARGS__})))

/* ---- the ordinary course ------------------------------------------------------------------- */

static void test_received_and_routed(void **state)
{
    struct ticket_rig *rig = *state;
    const struct ticket_event *dispatched = NULL;

    receive(rig);
    assert_int_equal(rig->view.state, TICKET_HANDLING);
    assert_int_equal(rig->view.version, 1);
    assert_int_equal(rig->view.round, 1);
    assert_string_equal(rig->view.lead_unit, "TA");
    assert_int_equal(rig->view.dispatched_us, rig->now_us);
    assert_int_equal(rig->view.deepest_tier, TIER_TOWN);
    STATES(rig, ASSIGNMENT_UNSIGNED);
    assert_int_equal(rig->view.assignments[0].role, ASSIGNMENT_LEAD);
    assert_int_equal(rig_events(rig, EVENT_RECEIVED, NULL), 1);
    assert_int_equal(rig_events(rig, EVENT_DISPATCHED, &dispatched), 1);
    assert_string_equal(dispatched->detail, "{\"lead_unit\":\"TA\"}");
    assert_int_equal(dispatched->seq, 2);
    TALLY(rig, "TA", .received = 1, .open = 1, .dispatched = 1);
    TALLY(rig, NULL, .received = 1, .open = 1, .dispatched = 1);
}

static void test_happy_path(void **state)
{
    static const enum ticket_event_type course[] = {
        EVENT_RECEIVED, EVENT_DISPATCHED,    EVENT_SIGNED,      EVENT_CONTACTED,
        EVENT_REPORTED, EVENT_REVIEW_PASSED, EVENT_CALLED_BACK, EVENT_CLOSED,
    };
    struct ticket_rig *rig = *state;

    receive(rig);
    rig_at(rig, "2026-02-13 11:00");
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
    assert_int_equal(rig->view.assignments[0].signed_us, rig->now_us);
    assert_string_equal(rig->view.assignments[0].signed_by, "TA");
    rig_do(rig, rig_unit(ACTION_CONTACT, "TA", 1));
    assert_int_equal(rig->view.assignments[0].contacted_us, rig->now_us);
    rig_at(rig, "2026-02-26 11:00");
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    assert_int_equal(rig->view.state, TICKET_REVIEW);
    assert_null(rig->change.public_reply);
    rig_do(rig, rig_review(true));
    assert_int_equal(rig->view.state, TICKET_CALLBACK);
    assert_string_equal(rig->change.public_reply, "for the citizen");
    rig_do(rig, rig_callback(true, 1, 5));
    assert_int_equal(rig->view.state, TICKET_CLOSED);
    assert_int_equal(rig->change.after.closed_tier, TIER_TOWN);
    assert_string_equal(rig->change.after.closed_unit, "TA");
    assert_int_equal(rig->change.after.closed_us, rig->now_us);
    assert_true(rig->change.after.closed_on_time);
    assert_true(rig->change.has_callback && rig->change.callback.satisfied == 5);
    STATES(rig, ASSIGNMENT_PASSED);
    assert_int_equal(rig->event_count, ARRAY_LEN(course));
    for (size_t i = 0; i < ARRAY_LEN(course); i++)
        assert_int_equal(rig->events[i].type, course[i]);
    TALLY(rig, "TA", .received = 1, .dispatched = 1, .closed = 1, .on_time = 1);
    assert_int_equal(rig_sum(rig, "TA").tier, TIER_TOWN);
    rig_do(rig, rig_desk(ACTION_NOTE));
    rig_refused(rig, rig_desk(ACTION_URGE), "state");
    rig_do(rig, rig_supervisor(ACTION_ARCHIVE));
    assert_int_equal(rig->view.state, TICKET_ARCHIVED);
    rig_refused(rig, rig_desk(ACTION_NOTE), "state");
}

/* ---- ended by the desk --------------------------------------------------------------------- */

static void test_answer_from_pool(void **state)
{
    struct ticket_rig *rig = *state;
    const struct ticket_event *pooled = NULL;

    receive_in_pool(rig);
    assert_int_equal(rig->view.state, TICKET_ACCEPTED);
    assert_null(rig->view.lead_unit);
    assert_int_equal(rig_events(rig, EVENT_POOLED, &pooled), 1);
    assert_string_equal(pooled->detail, "{\"reason\":\"no_place\"}");
    TALLY(rig, "", .received = 1, .open = 1);
    rig_do(rig, rig_desk(ACTION_ANSWER));
    assert_int_equal(rig->view.state, TICKET_CLOSED);
    assert_int_equal(rig->change.after.closed_tier, TIER_DESK);
    assert_null(rig->change.after.closed_unit);
    assert_string_equal(rig->change.public_reply, "words");
    assert_int_equal(rig_clock(rig, CLOCK_RESOLVE)->state, CLOCK_MET);
    TALLY(rig, "", .received = 1, .desk = 1, .closed = 1, .on_time = 1);
}

static void test_answer_after_dispatch(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    rig_do(rig, rig_desk(ACTION_ANSWER));
    assert_int_equal(rig->view.state, TICKET_CLOSED);
    STATES(rig, ASSIGNMENT_RECALLED);
    assert_int_equal(rig->view.dispatched_us, 0);
    assert_int_equal(rig->change.after.closed_tier, TIER_DESK);
    TALLY(rig, "TA", .received = 1);
    TALLY(rig, "", .desk = 1, .closed = 1, .on_time = 1);
    struct ticket_tally all = rig_sum(rig, NULL);
    assert_int_equal(all.desk + all.dispatched, all.received);
}

static void test_signed_is_not_taken_back(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
    rig_refused(rig, rig_desk(ACTION_ANSWER), "already_signed");
    rig_refused(rig, rig_desk(ACTION_REJECT), "already_signed");
    rig_refused(rig, rig_dispatch(ROLE_DESK, "TB", NULL, 0), "already_signed");
    rig_refused(rig, rig_dispatch(ROLE_SUPERVISOR, "TB", NULL, 0), "already_signed");
    assert_string_equal(rig->refusal.changed_by, "TA");
}

static void test_reject(void **state)
{
    struct ticket_rig *rig = *state;

    receive_in_pool(rig);
    rig_do(rig, rig_desk(ACTION_REJECT));
    assert_int_equal(rig->view.state, TICKET_REJECTED);
    assert_string_equal(rig->change.ground, "words");
    TALLY(rig, NULL, .received = 1);
    ticket_rig_renew_arena(rig);
    receive(rig);
    rig_do(rig, rig_desk(ACTION_REJECT));
    assert_int_equal(rig->view.state, TICKET_REJECTED);
    STATES(rig, ASSIGNMENT_RECALLED);
    TALLY(rig, NULL, .received = 1);
    assert_int_equal(rig->change.after.closed_us, 0);
    rig_refused(rig, rig_unit(ACTION_SIGN, "TA", 1), "state");
}

static void test_withdraw_and_refer(void **state)
{
    struct ticket_rig *rig = *state;
    struct ticket_command refer = rig_desk(ACTION_REFER);

    refer.to = "120";
    receive(rig);
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
    rig_do(rig, refer);
    assert_int_equal(rig->view.state, TICKET_REFERRED);
    assert_string_equal(rig->change.referred_to, "120");
    assert_string_equal(rig->events[rig->event_count - 1].detail,
                        "{\"to\":\"120\",\"calendar_set\":5}");
    STATES(rig, ASSIGNMENT_RECALLED);
    TALLY(rig, "TA", .received = 1, .dispatched = 1);
    ticket_rig_renew_arena(rig);
    receive(rig);
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    rig_do(rig, rig_desk(ACTION_WITHDRAW));
    assert_int_equal(rig->view.state, TICKET_WITHDRAWN);
    STATES(rig, ASSIGNMENT_RECALLED);
    assert_int_equal(rig->view.assignments[0].ended_us, rig->now_us);
    TALLY(rig, "TA", .received = 1, .dispatched = 1);
}

/* ---- dispatch ------------------------------------------------------------------------------ */

static void test_dispatch_from_pool_and_elsewhere(void **state)
{
    struct ticket_rig *rig = *state;

    receive_in_pool(rig);
    rig_do(rig, rig_dispatch(ROLE_DESK, "G1", NULL, 0));
    assert_int_equal(rig->view.state, TICKET_HANDLING);
    assert_int_equal(rig->view.deepest_tier, TIER_GRID);
    TALLY(rig, "", .received = 1);
    TALLY(rig, "G1", .open = 1, .dispatched = 1);
    rig_do(rig, rig_dispatch(ROLE_DESK, "TA", NULL, 0));
    STATES(rig, ASSIGNMENT_RECALLED, ASSIGNMENT_UNSIGNED);
    assert_string_equal(rig->view.lead_unit, "TA");
    assert_int_equal(rig->view.deepest_tier, TIER_GRID);
    TALLY(rig, "G1", .received = 0);
    TALLY(rig, "TA", .open = 1, .dispatched = 1);
    handle_and_pass(rig);
    rig_do(rig, rig_callback(true, 1, 4));
    /* closed by the town, although a grid once had it */
    assert_int_equal(rig->change.after.closed_tier, TIER_TOWN);
    assert_int_equal(rig->view.deepest_tier, TIER_GRID);
    TALLY(rig, NULL, .received = 1, .dispatched = 1, .closed = 1, .on_time = 1);
}

static void test_co_units(void **state)
{
    static const char *const co[] = {"TB", "WATER"};
    struct ticket_rig *rig = *state;

    receive_in_pool(rig);
    rig_do(rig, rig_dispatch(ROLE_DESK, "TA", co, 2));
    assert_string_equal(
        rig->events[rig->event_count - 1].detail,
        "{\"lead_unit\":\"TA\",\"co_units\":[\"TB\",\"WATER\"],\"calendar_set\":5}");
    rig_do(rig, rig_unit(ACTION_SIGN, "TB", 2));
    assert_int_equal(rig->view.state, TICKET_HANDLING);
    rig_refused(rig, rig_desk(ACTION_ANSWER), "already_signed");
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
    rig_do(rig, rig_unit(ACTION_SIGN, "WATER", 3));
    rig_refused(rig, rig_unit(ACTION_REPORT, "TA", 1), "co_units_pending");
    rig_do(rig, rig_unit(ACTION_REPORT, "TB", 2));
    rig_refused(rig, rig_unit(ACTION_REPORT, "TA", 1), "co_units_pending");
    rig_do(rig, rig_unit(ACTION_REPORT, "WATER", 3));
    assert_int_equal(rig->view.state, TICKET_HANDLING);
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 1);
    assert_string_equal(rig->events[rig->event_count - 1].detail,
                        "{\"role\":\"co\",\"solved\":true,\"calendar_set\":5}");
    assert_string_equal(rig->events[rig->event_count - 1].unit, "WATER");
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    assert_int_equal(rig->view.state, TICKET_REVIEW);
    rig_do(rig, rig_review(false));
    STATES(rig, ASSIGNMENT_WORKING, ASSIGNMENT_REPORTED, ASSIGNMENT_REPORTED);
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    rig_do(rig, rig_review(true));
    STATES(rig, ASSIGNMENT_PASSED, ASSIGNMENT_PASSED, ASSIGNMENT_PASSED);
    TALLY(rig, "TB", .received = 0);
    TALLY(rig, "TA", .open = 1, .dispatched = 1);
}

/* ---- who may ------------------------------------------------------------------------------- */

static void test_only_its_own_unit(void **state)
{
    struct ticket_rig *rig = *state;
    struct ticket_command nobody = rig_unit(ACTION_SIGN, "TA", 1);

    nobody.unit = NULL;
    receive(rig);
    assert_int_equal(rig_try(rig, rig_unit(ACTION_SIGN, "TB", 1)), PLAN_ABSENT);
    assert_int_equal(rig_try(rig, rig_unit(ACTION_SIGN, "TA", 2)), PLAN_ABSENT);
    assert_int_equal(rig_try(rig, rig_unit(ACTION_SIGN, "TA", 0)), PLAN_ABSENT);
    assert_int_equal(rig_try(rig, nobody), PLAN_ABSENT);
    assert_int_equal(rig_try(rig, rig_unit(ACTION_NOTE, "TB", 0)), PLAN_ABSENT);
    assert_int_equal(rig_try(rig, rig_unit(ACTION_ANSWER, "TA", 0)), PLAN_NOT_ALLOWED);
    assert_int_equal(rig_try(rig, rig_unit(ACTION_ANSWER, "TB", 0)), PLAN_ABSENT);
    assert_int_equal(rig_try(rig, rig_desk(ACTION_SUPERVISE)), PLAN_NOT_ALLOWED);
    assert_int_equal(rig_try(rig, rig_desk(ACTION_ARCHIVE)), PLAN_NOT_ALLOWED);
    assert_int_equal(rig->view.version, 1);
    rig_do(rig, rig_unit(ACTION_NOTE, "TA", 0));
    rig_do(rig, rig_supervisor(ACTION_SUPERVISE));
    assert_int_equal(rig->view.version, 3);
}

static void test_second_signature_is_told_of_the_first(void **state)
{
    struct ticket_rig *rig = *state;
    struct ticket_command first = rig_unit(ACTION_SIGN, "TA", 1), second = first;

    first.actor = "li";
    second.actor = "wang";
    receive(rig);
    rig_at(rig, "2026-02-13 10:05");
    rig_do(rig, first);
    int64_t signed_us = rig->now_us;
    rig_at(rig, "2026-02-13 10:06");
    rig_do(rig, rig_desk(ACTION_URGE)); /* somebody else does something in between */
    rig_refused(rig, second, "assignment_state");
    assert_int_equal(rig->refusal.assignment_state, ASSIGNMENT_WORKING);
    assert_string_equal(rig->refusal.changed_by, "li");
    assert_int_equal(rig->refusal.changed_us, signed_us);
    assert_string_equal(rig->view.assignments[0].signed_by, "li");
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    rig_refused(rig, second, "state");
    assert_string_equal(rig->refusal.changed_by, "TA");
}

/* ---- call-back and redo -------------------------------------------------------------------- */

static void test_unreached_thrice(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    handle_and_pass(rig);
    for (int i = 1; i <= 2; i++) {
        rig_do(rig, rig_callback(false, -1, 0));
        assert_int_equal(rig->view.state, TICKET_CALLBACK);
        assert_int_equal(rig->view.callback_attempts, i);
        assert_int_equal(rig_running(rig, CLOCK_CALLBACK), 1);
        assert_true(rig->change.has_callback && !rig->change.callback.reached);
    }
    rig_do(rig, rig_callback(false, -1, 0));
    assert_int_equal(rig->view.state, TICKET_CLOSED);
    assert_int_equal(rig->change.callback.solved, -1);
    assert_int_equal(rig_events(rig, EVENT_CALLED_BACK, NULL), 3);
    TALLY(rig, "TA", .received = 1, .dispatched = 1, .closed = 1, .on_time = 1);
}

static void test_what_is_content(void **state)
{
    static const struct {
        int solved, satisfied;
        enum ticket_state becomes;
    } cases[] = {
        {1, 5, TICKET_CLOSED},   {1, 3, TICKET_CLOSED},   {1, 0, TICKET_CLOSED},
        {1, 2, TICKET_HANDLING}, {1, 1, TICKET_HANDLING}, {0, 5, TICKET_HANDLING},
        {0, 0, TICKET_HANDLING},
    };
    struct ticket_rig *rig = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ticket_rig_renew_arena(rig);
        receive(rig);
        handle_and_pass(rig);
        rig_do(rig, rig_callback(true, cases[i].solved, cases[i].satisfied));
        assert_int_equal(rig->view.state, cases[i].becomes);
        assert_int_equal(rig->change.callback_round, 1);
    }
}

static void test_redo(void **state)
{
    struct ticket_rig *rig = *state;
    const struct ticket_event *redo = NULL;

    receive(rig);
    handle_and_pass(rig);
    rig_do(rig, rig_callback(false, -1, 0));
    rig_do(rig, rig_callback(true, 0, 1));
    assert_int_equal(rig->view.round, 2);
    assert_int_equal(rig->view.callback_attempts, 0);
    STATES(rig, ASSIGNMENT_PASSED, ASSIGNMENT_UNSIGNED);
    assert_string_equal(rig->view.assignments[1].unit, "TA");
    assert_int_equal(rig->view.assignments[1].round, 2);
    assert_int_equal(rig_events(rig, EVENT_REDO, &redo), 1);
    assert_int_equal(redo->assignment, 2);
    /* somebody has worked on it: it is not answered on the spot any more */
    rig_refused(rig, rig_desk(ACTION_ANSWER), "already_signed");
    TALLY(rig, "TA", .received = 1, .dispatched = 1, .open = 1);
    handle_and_pass(rig);
    rig_do(rig, rig_callback(true, 1, 5));
    TALLY(rig, "TA", .received = 1, .dispatched = 1, .closed = 1, .on_time = 1);
}

static void go_to_problem(struct ticket_rig *rig)
{
    receive(rig);
    for (int round = 1; round <= 3; round++) {
        assert_int_equal(rig->view.round, round);
        assert_false(rig->view.is_problem);
        handle_and_pass(rig);
        rig_do(rig, rig_callback(true, 0, 1));
    }
    assert_int_equal(rig->view.state, TICKET_ACCEPTED);
    assert_true(rig->view.is_problem);
    assert_int_equal(rig_events(rig, EVENT_PROBLEM, NULL), 1);
    assert_int_equal(rig_running(rig, CLOCK_DISPATCH), 1);
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 0);
}

static void test_problem_ticket(void **state)
{
    struct ticket_rig *rig = *state;

    go_to_problem(rig);
    rig_refused(rig, rig_dispatch(ROLE_DESK, "TB", NULL, 0), "problem_ticket");
    rig_do(rig, rig_dispatch(ROLE_SUPERVISOR, "TB", NULL, 0));
    assert_int_equal(rig->view.round, 4);
    assert_int_equal(rig_running(rig, CLOCK_DISPATCH), 0);
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 1);
    TALLY(rig, "TA", .received = 1);
    TALLY(rig, "TB", .open = 1, .dispatched = 1);
    /* before anybody has begun the supervisor may think again, the desk may not */
    rig_refused(rig, rig_dispatch(ROLE_DESK, "TA", NULL, 0), "problem_ticket");
    rig_do(rig, rig_dispatch(ROLE_SUPERVISOR, "WATER", NULL, 0));
    assert_int_equal(rig->view.round, 4);
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 1);
    TALLY(rig, "TB", .received = 0);
    rig_do(rig, rig_unit(ACTION_SIGN, "WATER", 5));
    rig_refused(rig, rig_dispatch(ROLE_SUPERVISOR, "TA", NULL, 0), "already_signed");
    rig_do(rig, rig_unit(ACTION_REPORT, "WATER", 5));
    rig_do(rig, rig_review(true));
    rig_do(rig, rig_callback(true, 0, 1)); /* still not content: back to the supervisor */
    assert_int_equal(rig->view.state, TICKET_ACCEPTED);
    rig_do(rig, rig_dispatch(ROLE_SUPERVISOR, "WATER", NULL, 0));
    assert_int_equal(rig->view.round, 5);
    handle_and_pass(rig);
    rig_do(rig, rig_callback(true, 1, 4));
    TALLY(rig, "WATER", .dispatched = 1, .closed = 1, .on_time = 1);
    TALLY(rig, NULL, .received = 1, .dispatched = 1, .closed = 1, .on_time = 1);
}

/* Each matter counts once, whoever ends it. */
static void test_problem_ticket_answered(void **state)
{
    struct ticket_rig *rig = *state;

    go_to_problem(rig);
    rig_do(rig, rig_desk(ACTION_ANSWER));
    TALLY(rig, NULL, .received = 1, .desk = 1, .closed = 1, .on_time = 1);
    ticket_rig_renew_arena(rig);
    go_to_problem(rig);
    rig_do(rig, rig_dispatch(ROLE_SUPERVISOR, "TB", NULL, 0));
    rig_do(rig, rig_desk(ACTION_ANSWER));
    TALLY(rig, NULL, .received = 1, .desk = 1, .closed = 1, .on_time = 1);
    TALLY(rig, "TB", .received = 0);
}

/* ---- the chain ----------------------------------------------------------------------------- */

static char *with_changed_byte(struct ticket_rig *rig, const char *s, size_t at_byte)
{
    char *copy = arena_strdup(rig->context.arena, s);

    copy[at_byte] ^= 1;
    return copy;
}

static void assert_breaks(const struct ticket_rig *rig, size_t event)
{
    assert_int_equal(rig_broken_link(rig), (int)event + 1);
}

static void change_strings(struct ticket_rig *rig, size_t event)
{
    struct ticket_event *e = &rig->events[event];
    const char **fields[] = {&e->actor, &e->unit, &e->detail, &e->text};

    for (size_t f = 0; f < ARRAY_LEN(fields); f++) {
        const char *right = *fields[f];
        *fields[f] = right ? NULL : "";
        assert_breaks(rig, event);
        for (size_t i = 0; right && right[i]; i++) {
            *fields[f] = with_changed_byte(rig, right, i);
            assert_breaks(rig, event);
        }
        *fields[f] = right;
    }
}

static void change_numbers(struct ticket_rig *rig, size_t event)
{
    struct ticket_event *e = &rig->events[event], right = *e;

    e->seq++;
    assert_breaks(rig, event);
    *e = right;
    e->at_us ^= 1;
    assert_breaks(rig, event);
    *e = right;
    e->assignment ^= 1;
    assert_breaks(rig, event);
    *e = right;
    e->type = e->type == EVENT_NOTED ? EVENT_URGED : EVENT_NOTED;
    assert_breaks(rig, event);
    *e = right;
    e->role = e->role == ROLE_ADMIN ? ROLE_DESK : ROLE_ADMIN;
    assert_breaks(rig, event);
    *e = right;
}

static void test_chain(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    handle_and_pass(rig);
    rig_do(rig, rig_callback(true, 0, 2));
    rig_do(rig, rig_desk(ACTION_WITHDRAW));
    assert_int_equal(rig->view.event_count, rig->event_count);
    assert_int_equal(rig_broken_link(rig), 0);
    for (size_t i = 0; i < rig->event_count; i++) {
        assert_int_equal(rig->events[i].seq, (int)i + 1);
        change_strings(rig, i);
        change_numbers(rig, i);
    }
    assert_int_equal(rig_broken_link(rig), 0);
    rig->view.number++; /* the chain of another ticket */
    assert_breaks(rig, 0);
}

/* Each link depends on the one before, and no two sets of fields read the same. */
static void test_link(void **state)
{
    struct ticket_event first = {.seq = 1, .actor = "a", .unit = "u", .detail = "v"}, other = first;
    uint8_t previous[32] = {0}, hash[32], changed[32];

    (void)state;
    ticket_event_hash(previous, 1, &first, hash);
    for (size_t i = 0; i < sizeof(previous); i++) {
        previous[i] = 1;
        ticket_event_hash(previous, 1, &first, changed);
        assert_memory_not_equal(hash, changed, sizeof(hash));
        previous[i] = 0;
    }
    other.unit = "uv";
    other.detail = "";
    ticket_event_hash(previous, 1, &other, changed);
    assert_memory_not_equal(hash, changed, sizeof(hash));
    ticket_event_hash(previous, 1, &first, changed);
    assert_memory_equal(hash, changed, sizeof(hash));
}

/* What people write cannot break out of a detail. */
static void test_detail_is_escaped(void **state)
{
    struct ticket_rig *rig = *state;
    struct ticket_command refer = rig_desk(ACTION_REFER);

    refer.to = "a\"b\\c\nd";
    receive(rig);
    rig_do(rig, refer);
    assert_string_equal(rig->events[rig->event_count - 1].detail,
                        "{\"to\":\"a\\\"b\\\\c\\u000ad\",\"calendar_set\":5}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ticket_rig_setup, ticket_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_received_and_routed),
        TEST(test_happy_path),
        TEST(test_answer_from_pool),
        TEST(test_answer_after_dispatch),
        TEST(test_signed_is_not_taken_back),
        TEST(test_reject),
        TEST(test_withdraw_and_refer),
        TEST(test_dispatch_from_pool_and_elsewhere),
        TEST(test_co_units),
        TEST(test_only_its_own_unit),
        TEST(test_second_signature_is_told_of_the_first),
        TEST(test_unreached_thrice),
        TEST(test_what_is_content),
        TEST(test_redo),
        TEST(test_problem_ticket),
        TEST(test_problem_ticket_answered),
        TEST(test_chain),
        cmocka_unit_test(test_link),
        TEST(test_detail_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
