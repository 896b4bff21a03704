/*
 * Deadlines that were worked out by hand with China's published days (DOMAIN 4), through the plan:
 * what a ticket really gets, not only what the calendar can say.
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

static struct sla_rule resolve_in(int64_t days)
{
    return (struct sla_rule){.clock = CLOCK_RESOLVE,
                             .kind = SLA_ANY,
                             .urgency = SLA_ANY,
                             .limit = {days, LIMIT_WORKING_DAYS},
                             .start = SLA_RECEIVED,
                             .stop = SLA_REPORTED,
                             .pausable = true,
                             .warn_percent = 75};
}

static void receive_at(struct ticket_rig *rig, const char *local_time, enum ticket_kind kind)
{
    rig_at(rig, local_time);
    rig_receive(rig, "0101", RIG_TOWN_A, kind, URGENCY_NORMAL);
}

/* 2026-02-13 10:00, five working days, in the hands of town A. */
static void receive(struct ticket_rig *rig)
{
    receive_at(rig, "2026-02-13 10:00", KIND_HELP);
    rig_do(rig, rig_unit(ACTION_SIGN, "TA", 1));
}

static void test_vectors(void **state)
{
    static const struct {
        const char *received;
        int days;
        const char *due;
    } vectors[] = {
        {"2025-01-24", 5, "2025-02-07"},  {"2025-01-27", 1, "2025-02-05"},
        {"2025-04-25", 5, "2025-05-06"},  {"2025-09-26", 5, "2025-10-10"},
        {"2025-09-30", 15, "2025-10-28"}, {"2025-12-31", 1, "2026-01-04"},
        {"2026-02-13", 1, "2026-02-14"},  {"2026-02-13", 5, "2026-02-27"},
        {"2026-02-13", 10, "2026-03-05"}, {"2026-02-13", 15, "2026-03-12"},
        {"2026-02-14", 3, "2026-02-26"},  {"2026-04-30", 5, "2026-05-11"},
        {"2026-09-24", 5, "2026-10-09"},  {"2026-10-09", 2, "2026-10-12"},
    };
    static const char *const moments[] = {"00:00", "08:30", "10:00", "13:00", "17:30", "23:59"};
    struct ticket_rig *rig = *state;

    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct sla_rule rule = resolve_in(vectors[i].days);
        char text[32];
        ticket_rig_use_rules(rig, &rule, 1);
        (void)snprintf(text, sizeof(text), "%s 17:30", vectors[i].due);
        int64_t due_us = at(text);
        for (size_t m = 0; m < ARRAY_LEN(moments); m++) { /* the hour does not matter */
            ticket_rig_renew_arena(rig);
            (void)snprintf(text, sizeof(text), "%s %s", vectors[i].received, moments[m]);
            receive_at(rig, text, KIND_HELP);
            const struct ticket_clock *c = rig_clock(rig, CLOCK_RESOLVE);
            assert_string_equal(shown(c->due_us), shown(due_us));
            assert_false(c->provisional);
            assert_int_equal(c->original_due_us, c->due_us);
        }
    }
}

static void test_fifteen_days_across_spring_festival(void **state)
{
    struct ticket_rig *rig = *state;

    receive_at(rig, "2026-02-13 10:00", KIND_REPORT);
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, "2026-03-12 17:30");
}

static void test_half_day(void **state)
{
    struct ticket_rig *rig = *state;

    fixture_day(&rig->days, "2026-03-04", CALENDAR_DAY_CUSTOM, "08:30-11:00");
    ticket_rig_use_calendar(rig, &rig->days.spec, 6);
    receive_at(rig, "2026-03-02 16:00", KIND_CONSULT); /* the second day closes at its own end */
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, "2026-03-04 11:00");
    ticket_rig_renew_arena(rig);
    receive_at(rig, "2026-03-04 10:00", KIND_HELP); /* 4 hours: one today, three tomorrow */
    assert_at(rig_clock(rig, CLOCK_SIGN)->due_us, "2026-03-05 11:30");
}

static void test_split_shift(void **state)
{
    struct ticket_rig *rig = *state;

    fixture_day(&rig->days, "2026-03-04", CALENDAR_DAY_CUSTOM,
                "08:30-10:00 10:30-12:00 14:00-16:00 19:00-21:00");
    ticket_rig_use_calendar(rig, &rig->days.spec, 6);
    receive_at(rig, "2026-03-04 09:30", KIND_HELP); /* 30 + 90 + 120 minutes */
    assert_at(rig_clock(rig, CLOCK_SIGN)->due_us, "2026-03-04 16:00");
    ticket_rig_renew_arena(rig);
    receive_at(rig, "2026-03-04 11:00", KIND_HELP); /* 60 + 120 + 60 */
    assert_at(rig_clock(rig, CLOCK_SIGN)->due_us, "2026-03-04 20:00");
    ticket_rig_renew_arena(rig);
    receive_at(rig, "2026-03-03 11:00", KIND_CONSULT);
    assert_at(rig_clock(rig, CLOCK_FIRST_CONTACT)->due_us, "2026-03-04 21:00");
}

/* Nobody has said yet which days of 2027 are off. */
static void test_year_without_a_list(void **state)
{
    static int years[64];
    struct ticket_rig *rig = *state;
    const struct ticket_event *e = NULL;

    receive_at(rig, "2026-12-31 10:00", KIND_HELP);
    assert_true(rig_clock(rig, CLOCK_RESOLVE)->provisional);
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->due_us, "2027-01-07 17:30");
    rig_tick(rig);
    assert_int_equal(rig_events(rig, EVENT_CLOCK_RECOMPUTED, NULL), 0);
    fixture_day(&rig->days, "2027-01-01", CALENDAR_DAY_OFF, NULL);
    struct calendar_spec spec = rig->days.spec;
    memcpy(years, spec.published_years, spec.published_count * sizeof(*years));
    years[spec.published_count++] = 2027;
    spec.published_years = years;
    ticket_rig_use_calendar(rig, &spec, 6);
    rig_at(rig, "2026-12-31 10:01");
    rig_tick(rig);
    const struct ticket_clock *c = rig_clock(rig, CLOCK_RESOLVE);
    assert_false(c->provisional);
    assert_at(c->due_us, "2027-01-08 17:30");
    assert_int_equal(c->calendar_set, 6);
    for (size_t i = 0; i < rig->event_count; i++) {
        const struct ticket_event *other = &rig->events[i];
        if (other->type == EVENT_CLOCK_RECOMPUTED && strstr(other->detail, "\"resolve\""))
            e = other;
    }
    assert_non_null(e);
    assert_at(e->at_us, "2026-12-31 10:01");
    assert_string_equal(e->detail, "{\"clock\":\"resolve\",\"round\":1,\"ordinal\":2,"
                                   "\"due_at\":\"2027-01-08T17:30:00+08:00\","
                                   "\"due_before\":\"2027-01-07T17:30:00+08:00\","
                                   "\"provisional\":false,\"calendar_set\":6}");
    rig_tick(rig); /* once */
    assert_false(rig->change.is_changed);
    assert_true(rig->tally_count == 1); /* nothing is late, nothing is counted */
}

static void report_at(struct ticket_rig *rig, const char *local_time)
{
    ticket_rig_renew_arena(rig);
    receive(rig);
    rig_at(rig, local_time);
    rig_do(rig, rig_unit(ACTION_REPORT, "TA", 1));
    rig_do(rig, rig_review(true));
    rig_do(rig, rig_callback(true, 1, 5));
}

static void test_exact_close_of_the_day(void **state)
{
    struct ticket_rig *rig = *state;

    report_at(rig, "2026-02-27 17:30");
    assert_true(rig->view.closed_on_time);
    assert_int_equal(rig_sum(rig, "TA").on_time, 1);
    assert_int_equal(rig_clock(rig, CLOCK_RESOLVE)->breached_us, 0);
    report_at(rig, "2026-02-27 17:30:00.000001");
    assert_false(rig->view.closed_on_time);
    assert_int_equal(rig_sum(rig, "TA").on_time, 0);
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->breached_us, "2026-02-27 17:30");
}

/* Against a count day by day. */
static void test_four_hundred_working_days(void **state)
{
    struct ticket_rig *rig = *state;
    struct sla_rule rule = resolve_in(400);
    int32_t day = day_of("2024-10-08");

    ticket_rig_use_rules(rig, &rule, 1);
    receive_at(rig, "2024-10-08 10:00", KIND_HELP);
    const struct ticket_clock *c = rig_clock(rig, CLOCK_RESOLVE);
    const struct calendar *calendar = city_calendar(rig->city, -1);
    for (int left = 400; left > 0;)
        left -= calendar_is_working_day(calendar, ++day);
    int64_t midnight_us = at("2024-10-08 00:00") + (day - day_of("2024-10-08")) * 24 * HOUR_US;
    assert_string_equal(shown(c->due_us), shown(midnight_us + 17 * HOUR_US + HOUR_US / 2));
    assert_false(c->provisional);
}

/* ---- what moves a deadline ---------------------------------------------------------------------
 */

static struct ticket_command suspend(const char *until)
{
    struct ticket_command c = rig_unit(ACTION_SUSPEND, "TA", 1);

    c.until_us = at(until);
    c.ground = "waits for the owner";
    return c;
}

/* 1.5 hours on Friday, 7 on the working Saturday, 7 on Tuesday after the holidays, 1.5 on
 * Wednesday. */
static void test_suspension_across_spring_festival(void **state)
{
    struct ticket_rig *rig = *state;
    const struct ticket_event *e = NULL;

    receive(rig);
    rig_do(rig, suspend("2026-02-25 10:00"));
    rig_at(rig, "2026-02-13 16:00");
    rig_do(rig, rig_decide(1, true));
    assert_int_equal(rig_clock(rig, CLOCK_RESOLVE)->state, CLOCK_PAUSED);
    rig_at(rig, "2026-02-26 09:00"); /* it ended by itself, at its date */
    rig_tick(rig);
    assert_int_equal(rig_events(rig, EVENT_RESUMED, &e), 1);
    assert_at(e->at_us, "2026-02-25 10:00");
    assert_int_equal(e->role, ROLE_SYSTEM);
    const struct ticket_clock *c = rig_clock(rig, CLOCK_RESOLVE);
    assert_int_equal(c->state, CLOCK_RUNNING);
    assert_int_equal(c->paused_us, 17 * HOUR_US);
    assert_at(c->due_us, "2026-03-03 11:30");
    assert_at(c->original_due_us, "2026-03-03 11:30");
    assert_int_equal(rig_events(rig, EVENT_CLOCK_BREACHED, NULL), 0);
}

static void test_extension_keeps_both(void **state)
{
    struct ticket_rig *rig = *state;
    struct ticket_command ask = rig_unit(ACTION_EXTEND, "TA", 1);
    const struct ticket_event *e = NULL;

    receive(rig);
    ask.days = 3;
    ask.ground = "waits for parts";
    rig_at(rig, "2026-02-27 17:30");
    rig_do(rig, ask);
    rig_at(rig, "2026-02-27 17:30");
    rig_do(rig, rig_decide(1, true));
    const struct ticket_clock *c = rig_clock(rig, CLOCK_RESOLVE);
    assert_at(c->due_us, "2026-03-03 17:30"); /* the Saturday is worked */
    assert_at(c->original_due_us, "2026-02-27 17:30");
    assert_int_equal(rig_events(rig, EVENT_EXTENDED, &e), 1);
    assert_string_equal(
        e->detail, "{\"days\":3,\"due_before\":\"2026-02-27T17:30:00+08:00\",\"calendar_set\":5}");
}

static void test_transfer_keeps_the_tickets_clock(void **state)
{
    struct ticket_rig *rig = *state;
    struct ticket_command ask = rig_unit(ACTION_RETURN, "TA", 1), grant = rig_decide(1, true);

    receive(rig);
    ask.ground = "wrong_district";
    rig_do(rig, ask);
    rig_at(rig, "2026-02-24 10:00");
    grant.lead_unit = "TB";
    rig_do(rig, grant);
    const struct ticket_clock *c = rig_clock(rig, CLOCK_RESOLVE);
    assert_int_equal(c->ordinal, 2);
    assert_at(c->due_us, "2026-02-27 17:30");
    assert_int_equal(c->paused_us, 0); /* what the desk takes is the ticket's time */
    assert_int_equal(rig_clock(rig, CLOCK_SIGN)->assignment, 2);
    assert_at(rig_clock(rig, CLOCK_SIGN)->due_us, "2026-02-24 16:00");
    assert_at(ticket_queue_due_us(&rig->view, &rig->view.assignments[1]), "2026-02-27 17:30");
}

static void test_forward_with_fewer_days(void **state)
{
    struct ticket_rig *rig = *state;
    struct ticket_command forward = rig_unit(ACTION_FORWARD, "TA", 1);

    receive(rig);
    forward.lead_unit = "A1";
    forward.days = 6;
    rig_refused(rig, forward, "longer_than_limit");
    forward.days = 2;
    rig_do(rig, forward);
    const struct ticket_clock *own = rig_clock(rig, CLOCK_RESOLVE);
    assert_int_equal(own->assignment, 2);
    assert_at(own->due_us, "2026-02-24 17:30");
    assert_at(ticket_queue_due_us(&rig->view, &rig->view.assignments[1]), "2026-02-24 17:30");
    rig_at(rig, "2026-02-25 10:00"); /* the village is late, the ticket is not */
    rig_tick(rig);
    assert_at(rig_clock(rig, CLOCK_RESOLVE)->breached_us, "2026-02-24 17:30");
    assert_false(rig->view.was_late);
    assert_int_equal(rig_sum(rig, NULL).overdue, 0);
}

/* One tier up a working day after the breach, two tiers up after five. */
static void test_escalation_steps(void **state)
{
    struct ticket_rig *rig = *state;
    struct sla_rule rule = resolve_in(5);
    const struct ticket_event *e[2] = {NULL, NULL};
    size_t count = 0;

    rule.step_count = 2;
    rule.steps[0] = (struct sla_step){{1, LIMIT_WORKING_DAYS}, 1};
    rule.steps[1] = (struct sla_step){{5, LIMIT_WORKING_DAYS}, 2};
    ticket_rig_use_rules(rig, &rule, 1);
    rig_at(rig, "2026-02-13 10:00");
    rig_receive(rig, "0101", RIG_VILLAGE_A1, KIND_HELP, URGENCY_NORMAL);
    rig_do(rig, rig_dispatch(ROLE_DESK, "A1", NULL, 0));
    rig_at(rig, "2026-03-20 10:00");
    rig_tick(rig);
    for (size_t i = 0; i < rig->event_count; i++) {
        if (rig->events[i].type == EVENT_CLOCK_ESCALATED && count < ARRAY_LEN(e))
            e[count++] = &rig->events[i];
    }
    assert_int_equal(rig_events(rig, EVENT_CLOCK_ESCALATED, NULL), 2);
    assert_at(e[0]->at_us, "2026-02-28 17:30");
    assert_string_equal(e[0]->tell, "TA");
    assert_at(e[1]->at_us, "2026-03-05 17:30");
    assert_string_equal(e[1]->tell, "ZF");
    assert_non_null(strstr(e[1]->detail, "\"step\":2,\"up\":2,\"tell_unit\":\"ZF\""));
    assert_int_equal(rig_clock(rig, CLOCK_RESOLVE)->step, 2);
    assert_int_equal(ticket_next_us(&rig->view), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ticket_rig_setup, ticket_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_vectors),
        TEST(test_fifteen_days_across_spring_festival),
        TEST(test_half_day),
        TEST(test_split_shift),
        TEST(test_year_without_a_list),
        TEST(test_exact_close_of_the_day),
        TEST(test_four_hundred_working_days),
        TEST(test_suspension_across_spring_festival),
        TEST(test_extension_keeps_both),
        TEST(test_transfer_keeps_the_tickets_clock),
        TEST(test_forward_with_fewer_days),
        TEST(test_escalation_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
