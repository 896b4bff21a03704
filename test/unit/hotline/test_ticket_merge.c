/*
 * One matter, several citizens; and what begins again or never began: merging, reopening, false
 * alarms, receipts in which something is missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "unit/hotline/ticket_fixture.h"

#define MASTER INT64_C(99)

static void receive(struct ticket_rig *rig)
{
    rig_at(rig, "2026-03-02 10:00");
    rig_receive(rig, "0101", RIG_TOWN_A, KIND_HELP, URGENCY_NORMAL);
}

static void receive_incomplete(struct ticket_rig *rig)
{
    rig->is_incomplete = true;
    receive(rig);
}

static struct ticket_command merge_into(int64_t number)
{
    struct ticket_command c = rig_desk(ACTION_MERGE);

    c.into = number;
    return c;
}

/* As loading would tell. */
static void master_is(struct ticket_rig *rig, enum ticket_state state)
{
    rig->view.master_state = state;
}

static void merge(struct ticket_rig *rig)
{
    master_is(rig, TICKET_HANDLING);
    rig_do(rig, merge_into(MASTER));
}

static void assert_counts(const struct ticket_rig *rig, int open, int dispatched, int closed)
{
    struct ticket_tally sum = rig_sum(rig, NULL);

    assert_int_equal(sum.received, 1); /* every one counts for intake */
    assert_int_equal(sum.open, open);
    assert_int_equal(sum.dispatched, dispatched);
    assert_int_equal(sum.closed, closed);
}

static size_t alive(const struct ticket_rig *rig)
{
    size_t count = 0;

    for (size_t i = 0; i < rig->view.clock_count; i++)
        count +=
            rig->view.clocks[i].state == CLOCK_RUNNING || rig->view.clocks[i].state == CLOCK_PAUSED;
    return count;
}

/* ---- merging -----------------------------------------------------------------------------------
 */

static void test_what_may_be_merged(void **state)
{
    static const enum ticket_state refused[] = {
        TICKET_INCOMPLETE, TICKET_CLOSED,    TICKET_ARCHIVED, TICKET_REJECTED,
        TICKET_REFERRED,   TICKET_WITHDRAWN, TICKET_MERGED,   TICKET_FALSE_ALARM};
    struct ticket_rig *rig = *state;

    receive(rig);
    rig_refused(rig, merge_into(rig->view.number), "self");
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        master_is(rig, refused[i]);
        rig_refused(rig, merge_into(MASTER), "master_state");
    }
    master_is(rig, TICKET_ACCEPTED);
    rig->view.is_master = true; /* no chains */
    rig_refused(rig, merge_into(MASTER), "is_master");
    rig->view.is_master = false;
    rig_do(rig, merge_into(MASTER));
    rig_refused(rig, merge_into(MASTER), "state");
}

static void test_merged(void **state)
{
    struct ticket_rig *rig = *state;
    const struct ticket_event *e = NULL;

    receive(rig);
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1)); /* also when work has begun */
    merge(rig);
    assert_int_equal(rig->view.state, TICKET_MERGED);
    assert_int_equal(rig->view.merged_into, MASTER);
    assert_int_equal(rig->view.assignments[0].state, ASSIGNMENT_RECALLED);
    assert_int_equal(alive(rig), 0);
    assert_counts(rig, 0, 0, 0); /* the master counts for the units */
    assert_int_equal(rig_events(rig, EVENT_MERGED, &e), 1);
    assert_string_equal(e->detail, "{\"master\":\"99\",\"calendar_set\":5}");
}

/* Each citizen is answered and asked. */
static void test_merged_citizen(void **state)
{
    struct ticket_rig *rig = *state;
    struct ticket_command own = rig_desk(ACTION_ANSWER);

    receive(rig);
    merge(rig);
    rig_refused(rig, rig_callback(true, 1, 5), "master_open");
    master_is(rig, TICKET_REVIEW);
    rig_refused(rig, rig_callback(true, 1, 5), "master_open");
    master_is(rig, TICKET_CALLBACK);
    rig_do(rig, rig_callback(false, -1, 0));
    assert_int_equal(rig->view.callback_attempts, 1);
    master_is(rig, TICKET_CLOSED);
    rig_do(rig, rig_callback(true, 0, 1)); /* not content: what follows is the desk's to say */
    assert_true(rig->change.has_callback && rig->change.callback.satisfied == 1);
    assert_int_equal(rig->view.state, TICKET_MERGED);
    master_is(rig, TICKET_ARCHIVED);
    rig_do(rig, rig_callback(true, 1, 4));
    own.text = "an answer of its own";
    rig_do(rig, own);
    assert_string_equal(rig->change.public_reply, "an answer of its own");
    assert_int_equal(rig->view.state, TICKET_MERGED);
    assert_counts(rig, 0, 0, 0);
    assert_int_equal(rig_events(rig, EVENT_CLOSED, NULL), 0);
}

static void test_unmerged(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    merge(rig);
    rig_at(rig, "2026-03-04 10:00");
    rig_do(rig, rig_desk(ACTION_UNMERGE));
    assert_int_equal(rig->view.state, TICKET_ACCEPTED);
    assert_int_equal(rig->view.merged_into, 0);
    assert_null(rig->view.lead_unit);
    assert_int_equal(rig->view.round, 1);
    assert_counts(rig, 1, 0, 0);
    assert_int_equal(rig_sum(rig, "").open, 1);
    /* its time never stood still; the dispatch is a new one */
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 1);
    assert_string_equal(shown(rig->view.clocks[1].due_us), shown(at("2026-03-09 17:30")));
    assert_int_equal(rig_running(rig, CLOCK_DISPATCH), 1);
    rig_do(rig, rig_dispatch(ROLE_DESK, "TB", NULL, 0));
    assert_int_equal(rig->view.round, 1);
    assert_counts(rig, 1, 1, 0);
}

/* The deadline passed while it was merged: late from the moment it is a matter of its own. */
static void test_unmerged_late(void **state)
{
    struct ticket_rig *rig = *state;
    const struct ticket_event *e = NULL;

    receive(rig);
    merge(rig);
    rig_at(rig, "2026-03-11 10:00");
    rig_tick(rig);
    assert_false(rig->change.is_changed);
    rig_do(rig, rig_desk(ACTION_UNMERGE));
    rig_tick(rig);
    assert_true(rig->view.is_overdue);
    assert_int_equal(rig_events(rig, EVENT_CLOCK_BREACHED, &e), 1);
    assert_string_equal(shown(e->at_us), shown(rig->now_us));
    assert_string_equal(shown(rig->view.clocks[1].breached_us), shown(at("2026-03-09 17:30")));
    assert_string_equal(shown(rig->tallies[rig->tally_count - 1].at_us), shown(rig->now_us));
}

/* The round of a problem ticket is over: un-merging does not wake its clock. */
static void test_unmerge_leaves_what_was_met(void **state)
{
    struct ticket_rig *rig = *state;

    rig->rules.max_rounds = 1;
    receive(rig);
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    rig_do(rig, rig_review(true));
    rig_do(rig, rig_callback(true, 0, 1));
    assert_true(rig->view.is_problem);
    merge(rig);
    rig_do(rig, rig_desk(ACTION_UNMERGE));
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 0);
    assert_int_equal(rig->view.clocks[1].state, CLOCK_MET);
}

/* ---- reopening ---------------------------------------------------------------------------------
 */

static void close_by_unit(struct ticket_rig *rig)
{
    receive(rig);
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    rig_do(rig, rig_review(true));
    rig_do(rig, rig_callback(true, 1, 5));
}

static void test_reopened_with_its_unit(void **state)
{
    struct ticket_rig *rig = *state;

    close_by_unit(rig);
    assert_counts(rig, 0, 1, 1);
    rig_at(rig, "2026-03-10 10:00");
    rig_do(rig, rig_desk(ACTION_REOPEN));
    assert_int_equal(rig->view.state, TICKET_HANDLING);
    assert_int_equal(rig->view.round, 2);
    assert_string_equal(rig->view.assignments[1].unit, "TA");
    assert_int_equal(rig->view.closed_us, 0);
    assert_counts(rig, 1, 1, 0); /* the closing is undone */
    assert_int_equal(rig_sum(rig, "TA").on_time, 0);
    assert_string_equal(shown(rig_clock(rig, CLOCK_RESOLVE)->due_us),
                        shown(at("2026-03-13 17:30"))); /* three days of the redo */
    assert_int_equal(rig_events(rig, EVENT_REOPENED, NULL), 1);
    assert_int_equal(rig_events(rig, EVENT_REDO, NULL), 1);
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 2));
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 2));
    rig_do(rig, rig_review(true));
    rig_do(rig, rig_callback(true, 1, 5));
    assert_counts(rig, 0, 1, 1);
    rig_do(rig, rig_supervisor(ACTION_ARCHIVE));
    rig_refused(rig, rig_desk(ACTION_REOPEN), "state");
}

static void test_reopened_into_the_pool(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    rig_do(rig, rig_desk(ACTION_ANSWER));
    assert_int_equal(rig_sum(rig, NULL).desk, 1);
    rig_do(rig, rig_desk(ACTION_REOPEN));
    assert_int_equal(rig->view.state, TICKET_ACCEPTED);
    assert_int_equal(rig->view.round, 2);
    assert_int_equal(rig_sum(rig, NULL).desk, 0);
    assert_counts(rig, 1, 0, 0);
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 1);
    assert_int_equal(rig_running(rig, CLOCK_DISPATCH), 1);
}

static void test_reopened_after_an_early_end(void **state)
{
    static const enum ticket_action ends[] = {ACTION_REJECT, ACTION_REFER, ACTION_WITHDRAW,
                                              ACTION_FALSE_ALARM};
    struct ticket_rig *rig = *state;

    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        ticket_rig_renew_arena(rig);
        receive(rig);
        struct ticket_command end = rig_desk(ends[i]);
        end.to = "110";
        rig_do(rig, end);
        assert_int_equal(alive(rig), 0);
        assert_int_equal(rig_sum(rig, NULL).open, 0);
        rig_do(rig, rig_desk(ACTION_REOPEN));
        assert_int_equal(rig->view.state, TICKET_ACCEPTED);
        assert_counts(rig, 1, 0, 0);
    }
}

/* Late once is late, also in the round after. */
static void test_reopened_late(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
    rig_at(rig, "2026-03-10 10:00");
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    rig_do(rig, rig_review(true));
    rig_do(rig, rig_callback(true, 1, 5));
    assert_false(rig->view.is_overdue);
    rig_do(rig, rig_desk(ACTION_REOPEN));
    assert_true(rig->view.is_overdue);
    assert_int_equal(rig_sum(rig, "TA").overdue, 1);
}

/* ---- false alarms ------------------------------------------------------------------------------
 */

static void test_false_alarm(void **state)
{
    struct ticket_rig *rig = *state;

    receive(rig);
    rig_do(rig, rig_desk(ACTION_FALSE_ALARM));
    assert_int_equal(rig->view.state, TICKET_FALSE_ALARM);
    assert_int_equal(rig->view.assignments[0].state, ASSIGNMENT_RECALLED);
    assert_counts(rig, 0, 0, 0);
    ticket_rig_renew_arena(rig);
    receive(rig);
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
    rig_refused(rig, rig_desk(ACTION_FALSE_ALARM), "already_signed");
    ticket_rig_renew_arena(rig);
    receive_incomplete(rig);
    rig_do(rig, rig_desk(ACTION_FALSE_ALARM));
    assert_int_equal(rig->view.clock_count, 0);
}

/* ---- something is missing ----------------------------------------------------------------------
 */

static void complete(struct ticket_rig *rig, const struct ticket_facts *facts)
{
    struct ticket_command c = rig_desk(ACTION_COMPLETE);
    struct route route;
    struct route_matter matter = {
        .category =
            city_find_category(rig->city, facts->category ? facts->category : rig->view.category),
        .region = facts->region ? city_find_region(rig->city, facts->region) : -1,
        .kind = facts->kind >= 0 ? (enum ticket_kind)facts->kind : rig->view.kind,
        .urgency = rig->view.urgency,
        .title = "",
        .text = "",
        .now_us = rig->now_us,
    };

    route_matter(rig->city, &matter, &route);
    c.facts = facts;
    c.route = &route;
    rig_do(rig, c);
}

static void test_incomplete(void **state)
{
    static const struct ticket_facts known = {
        .category = "0201", .region = RIG_TOWN_B, .kind = KIND_CONSULT, .urgency = -1};
    struct ticket_rig *rig = *state;

    receive_incomplete(rig);
    assert_int_equal(rig->view.state, TICKET_INCOMPLETE);
    assert_int_equal(rig->view.clock_count, 0); /* nothing can be promised yet */
    assert_int_equal(rig->view.assignment_count, 0);
    assert_int_equal(rig->events[1].type, EVENT_INCOMPLETE);
    assert_counts(rig, 1, 0, 0);
    rig_refused(rig, rig_dispatch(ROLE_DESK, "TA", NULL, 0), "state");
    rig_at(rig, "2026-03-04 10:00");
    complete(rig, &known);
    assert_int_equal(rig->view.state, TICKET_HANDLING);
    assert_string_equal(rig->view.lead_unit, "WATER");
    assert_int_equal(rig->view.kind, KIND_CONSULT);
    /* the clocks start now, by the facts of now: two days of a consultation */
    assert_string_equal(shown(rig_clock(rig, CLOCK_RESOLVE)->due_us),
                        shown(at("2026-03-06 17:30")));
    assert_int_equal(rig->events[2].type, EVENT_COMPLETED);
    assert_int_equal(rig->events[3].type, EVENT_DISPATCHED);
    assert_counts(rig, 1, 1, 0);
}

/* Counted under what was thought, then under what is known. */
static void test_complete_files_it_anew(void **state)
{
    static const struct ticket_facts known = {
        .category = "0201", .region = RIG_TOWN_B, .kind = KIND_CONSULT, .urgency = -1};
    struct ticket_rig *rig = *state;
    int before = 0, now = 0;

    receive_incomplete(rig);
    complete(rig, &known);
    for (size_t i = 1; i < rig->tally_count; i++) {
        const struct ticket_tally *t = &rig->tallies[i];
        if (t->category) {
            assert_string_equal(t->category, "0101");
            assert_string_equal(t->region, RIG_TOWN_A);
            assert_int_equal(t->kind, KIND_HELP);
            before += t->received + t->open;
        } else {
            now += t->received + t->open;
        }
    }
    assert_int_equal(before, -2);
    assert_int_equal(now, 2);
}

static void test_complete_without_a_unit(void **state)
{
    static const struct ticket_facts nothing = {.kind = -1, .urgency = -1};
    struct ticket_rig *rig = *state;

    receive_incomplete(rig);
    complete(rig, &nothing);
    assert_int_equal(rig->view.state, TICKET_ACCEPTED);
    assert_int_equal(rig_running(rig, CLOCK_DISPATCH), 1);
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 1);
    rig_refused(rig, rig_desk(ACTION_COMPLETE), "state");
}

/* Merged before it was complete: what has to be promised is promised when it is its own again. */
static void test_incomplete_merged_and_unmerged(void **state)
{
    struct ticket_rig *rig = *state;

    receive_incomplete(rig);
    merge(rig);
    rig_do(rig, rig_desk(ACTION_UNMERGE));
    assert_int_equal(rig->view.state, TICKET_ACCEPTED);
    assert_int_equal(rig_running(rig, CLOCK_RESOLVE), 1);
    assert_counts(rig, 1, 0, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ticket_rig_setup, ticket_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_may_be_merged),
        TEST(test_merged),
        TEST(test_merged_citizen),
        TEST(test_unmerged),
        TEST(test_unmerged_late),
        TEST(test_unmerge_leaves_what_was_met),
        TEST(test_reopened_with_its_unit),
        TEST(test_reopened_into_the_pool),
        TEST(test_reopened_after_an_early_end),
        TEST(test_reopened_late),
        TEST(test_false_alarm),
        TEST(test_incomplete),
        TEST(test_complete_files_it_anew),
        TEST(test_complete_without_a_unit),
        TEST(test_incomplete_merged_and_unmerged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
