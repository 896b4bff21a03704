/* Which rule holds for a clock, and when its deadline and warning are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "hotline/sla.h"
#include "unit/hotline/calendar_fixture.h"

#define ANY SLA_ANY
#define RULE(clock_, kind_, urgency_, redo_, amount_, unit_, start_, stop_, pausable_, warn_)      \
    {                                                                                              \
        .clock = CLOCK_##clock_, .kind = (kind_), .urgency = (urgency_), .redo = (redo_),          \
        .limit = {amount_, unit_}, .start = (start_), .stop = (stop_), .pausable = (pausable_),    \
        .warn_percent = (warn_)                                                                    \
    }
#define RESOLVE(kind, urgency, redo, amount, unit)                                                 \
    RULE(RESOLVE, kind, urgency, redo, amount, unit, (redo) ? SLA_REDO : SLA_RECEIVED,             \
         SLA_REPORTED, true, 75)
#define URGENT(clock, urgency, minutes, start, stop, pausable)                                     \
    RULE(clock, ANY, urgency, false, minutes, LIMIT_MINUTES, start, stop, pausable, 75)

/* The default profile of DOMAIN 4. */
static const struct sla_rule default_rules[] = {
    RULE(DISPATCH, ANY, ANY, false, 30, LIMIT_MINUTES, SLA_RECEIVED, SLA_DISPATCHED, false, 75),
    RULE(SIGN, ANY, ANY, false, 240, LIMIT_WORKING_MINUTES, SLA_DISPATCHED, SLA_SIGNED, false, 75),
    URGENT(SIGN, URGENCY_URGENT, 15, SLA_DISPATCHED, SLA_SIGNED, false),
    URGENT(SIGN, URGENCY_CRITICAL, 5, SLA_DISPATCHED, SLA_SIGNED, false),
    RULE(FIRST_CONTACT, ANY, ANY, false, 1, LIMIT_WORKING_DAYS, SLA_DISPATCHED, SLA_CONTACTED, true,
         75),
    URGENT(FIRST_CONTACT, URGENCY_URGENT, 30, SLA_DISPATCHED, SLA_CONTACTED, true),
    URGENT(FIRST_CONTACT, URGENCY_CRITICAL, 30, SLA_DISPATCHED, SLA_CONTACTED, true),
    RULE(RETURN, ANY, ANY, false, 2, LIMIT_WORKING_DAYS, SLA_DISPATCHED, SLA_NEVER, true, 100),
    RESOLVE(KIND_CONSULT, ANY, false, 2, LIMIT_WORKING_DAYS),
    RESOLVE(KIND_HELP, ANY, false, 5, LIMIT_WORKING_DAYS),
    RESOLVE(KIND_COMPLAINT, ANY, false, 5, LIMIT_WORKING_DAYS),
    RESOLVE(KIND_REPORT, ANY, false, 15, LIMIT_WORKING_DAYS),
    RESOLVE(KIND_SUGGESTION, ANY, false, 5, LIMIT_WORKING_DAYS),
    RESOLVE(KIND_PRAISE, ANY, false, 5, LIMIT_WORKING_DAYS),
    RESOLVE(ANY, URGENCY_URGENT, false, 1440, LIMIT_MINUTES),
    RESOLVE(ANY, URGENCY_CRITICAL, false, 120, LIMIT_MINUTES),
    RESOLVE(ANY, ANY, true, 3, LIMIT_WORKING_DAYS),
    RULE(REVIEW, ANY, ANY, false, 1, LIMIT_WORKING_DAYS, SLA_REPORTED, SLA_REVIEWED, false, 75),
    RULE(CALLBACK, ANY, ANY, false, 2, LIMIT_WORKING_DAYS, SLA_REVIEWED, SLA_CALLED_BACK, false,
         75),
};

static struct sla_policy *build(const struct sla_rule *rules, size_t count)
{
    char *error = NULL;
    struct sla_policy_spec spec = {.name = "default", .rules = rules, .rule_count = count};
    struct sla_policy *policy = sla_policy_build(&spec, &error);
    if (!policy)
        fail_msg("%s", error);
    return policy;
}

static void assert_refused(const struct sla_rule *rules, size_t count, const char *named)
{
    char *error = NULL;
    struct sla_policy_spec spec = {.name = "default", .rules = rules, .rule_count = count};
    assert_null(sla_policy_build(&spec, &error));
    assert_non_null(error);
    if (!strstr(error, named))
        fail_msg("'%s' does not name '%s'", error, named);
    free(error);
}

static void test_default_profile(void **state)
{
    static const struct {
        enum clock_kind clock;
        enum ticket_kind kind;
        enum ticket_urgency urgency;
        int round;
        int64_t amount;
        enum limit_unit unit;
    } cases[] = {
        {CLOCK_DISPATCH, KIND_HELP, URGENCY_NORMAL, 1, 30, LIMIT_MINUTES},
        {CLOCK_DISPATCH, KIND_HELP, URGENCY_CRITICAL, 4, 30, LIMIT_MINUTES},
        {CLOCK_SIGN, KIND_REPORT, URGENCY_NORMAL, 1, 240, LIMIT_WORKING_MINUTES},
        {CLOCK_SIGN, KIND_REPORT, URGENCY_URGENT, 1, 15, LIMIT_MINUTES},
        {CLOCK_SIGN, KIND_REPORT, URGENCY_CRITICAL, 1, 5, LIMIT_MINUTES},
        {CLOCK_SIGN, KIND_REPORT, URGENCY_CRITICAL, 2, 5, LIMIT_MINUTES},
        {CLOCK_FIRST_CONTACT, KIND_PRAISE, URGENCY_NORMAL, 1, 1, LIMIT_WORKING_DAYS},
        {CLOCK_FIRST_CONTACT, KIND_PRAISE, URGENCY_URGENT, 1, 30, LIMIT_MINUTES},
        {CLOCK_RETURN, KIND_PRAISE, URGENCY_URGENT, 1, 2, LIMIT_WORKING_DAYS},
        {CLOCK_RESOLVE, KIND_CONSULT, URGENCY_NORMAL, 1, 2, LIMIT_WORKING_DAYS},
        {CLOCK_RESOLVE, KIND_HELP, URGENCY_NORMAL, 1, 5, LIMIT_WORKING_DAYS},
        {CLOCK_RESOLVE, KIND_COMPLAINT, URGENCY_NORMAL, 1, 5, LIMIT_WORKING_DAYS},
        {CLOCK_RESOLVE, KIND_REPORT, URGENCY_NORMAL, 1, 15, LIMIT_WORKING_DAYS},
        {CLOCK_RESOLVE, KIND_SUGGESTION, URGENCY_NORMAL, 1, 5, LIMIT_WORKING_DAYS},
        {CLOCK_RESOLVE, KIND_PRAISE, URGENCY_NORMAL, 1, 5, LIMIT_WORKING_DAYS},
        /* urgency before kind */
        {CLOCK_RESOLVE, KIND_REPORT, URGENCY_URGENT, 1, 1440, LIMIT_MINUTES},
        {CLOCK_RESOLVE, KIND_CONSULT, URGENCY_CRITICAL, 1, 120, LIMIT_MINUTES},
        /* redo before both */
        {CLOCK_RESOLVE, KIND_REPORT, URGENCY_NORMAL, 2, 3, LIMIT_WORKING_DAYS},
        {CLOCK_RESOLVE, KIND_CONSULT, URGENCY_CRITICAL, 7, 3, LIMIT_WORKING_DAYS},
        {CLOCK_REVIEW, KIND_HELP, URGENCY_URGENT, 1, 1, LIMIT_WORKING_DAYS},
        {CLOCK_CALLBACK, KIND_HELP, URGENCY_NORMAL, 1, 2, LIMIT_WORKING_DAYS},
    };
    (void)state;
    struct sla_policy *policy = build(default_rules, ARRAY_LEN(default_rules));
    assert_string_equal(sla_policy_name(policy), "default");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct sla_rule *rule =
            sla_rule_for(policy, cases[i].clock, cases[i].kind, cases[i].urgency, cases[i].round);
        assert_non_null(rule);
        assert_int_equal(rule->clock, cases[i].clock);
        assert_int_equal(rule->limit.amount, cases[i].amount);
        assert_int_equal(rule->limit.unit, cases[i].unit);
    }
    sla_policy_free(&policy);
    assert_null(policy);
    sla_policy_free(&policy);
}

/* All eight degrees of naming, in every order of the list: the same rule wins. */
static void test_specificity(void **state)
{
    struct sla_rule rules[8];
    (void)state;
    for (size_t rotation = 0; rotation < ARRAY_LEN(rules); rotation++) {
        for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
            size_t degree = (i + rotation) % ARRAY_LEN(rules);
            rules[i] = (struct sla_rule)RESOLVE(degree & 1 ? KIND_HELP : ANY,
                                                degree & 2 ? URGENCY_URGENT : ANY,
                                                (degree & 4) != 0, (int64_t)degree, LIMIT_MINUTES);
        }
        struct sla_policy *policy = build(rules, ARRAY_LEN(rules));
        for (int ticket = 0; ticket < 8; ticket++) {
            const struct sla_rule *rule =
                sla_rule_for(policy, CLOCK_RESOLVE, ticket & 1 ? KIND_HELP : KIND_REPORT,
                             ticket & 2 ? URGENCY_URGENT : URGENCY_NORMAL, ticket & 4 ? 2 : 1);
            assert_int_equal(rule->limit.amount, ticket);
        }
        sla_policy_free(&policy);
    }
}

static void test_clock_without_rule(void **state)
{
    static const struct sla_rule rules[] = {
        RESOLVE(KIND_HELP, ANY, false, 5, LIMIT_WORKING_DAYS),
        RESOLVE(KIND_REPORT, ANY, true, 3, LIMIT_WORKING_DAYS),
    };
    (void)state;
    struct sla_policy *policy = build(rules, ARRAY_LEN(rules));
    assert_non_null(sla_rule_for(policy, CLOCK_RESOLVE, KIND_HELP, URGENCY_NORMAL, 1));
    assert_non_null(sla_rule_for(policy, CLOCK_RESOLVE, KIND_HELP, URGENCY_NORMAL, 2));
    assert_null(sla_rule_for(policy, CLOCK_RESOLVE, KIND_PRAISE, URGENCY_NORMAL, 1));
    assert_null(sla_rule_for(policy, CLOCK_RESOLVE, KIND_REPORT, URGENCY_NORMAL, 1));
    assert_non_null(sla_rule_for(policy, CLOCK_RESOLVE, KIND_REPORT, URGENCY_NORMAL, 2));
    assert_null(sla_rule_for(policy, CLOCK_SIGN, KIND_HELP, URGENCY_NORMAL, 1));
    sla_policy_free(&policy);

    policy = build(NULL, 0);
    assert_null(sla_rule_for(policy, CLOCK_RESOLVE, KIND_HELP, URGENCY_NORMAL, 1));
    sla_policy_free(&policy);
}

static void test_refuses_ties(void **state)
{
    struct sla_rule rules[] = {
        RESOLVE(ANY, URGENCY_URGENT, false, 1440, LIMIT_MINUTES),
        RESOLVE(KIND_HELP, ANY, false, 5, LIMIT_WORKING_DAYS),
        RESOLVE(KIND_HELP, ANY, false, 7, LIMIT_WORKING_DAYS),
    };
    (void)state;
    assert_refused(rules, ARRAY_LEN(rules), "rules 2 and 3");
    assert_refused(rules, ARRAY_LEN(rules), "kind help, urgency any");
    rules[2].redo = true; /* no longer the same */
    struct sla_policy *policy = build(rules, ARRAY_LEN(rules));
    sla_policy_free(&policy);
    rules[2].redo = false;
    rules[2].clock = CLOCK_REVIEW;
    policy = build(rules, ARRAY_LEN(rules));
    sla_policy_free(&policy);
}

static void test_refuses_bad_rules(void **state)
{
    const struct sla_rule good = RESOLVE(KIND_HELP, ANY, false, 5, LIMIT_WORKING_DAYS);
    struct {
        struct sla_rule rule;
        const char *named;
    } cases[11];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        cases[i].rule = good;
    cases[0].rule.clock = CLOCK_COUNT, cases[0].named = "clock";
    cases[1].rule.kind = KIND_COUNT, cases[1].named = "kind";
    cases[2].rule.kind = -2, cases[2].named = "kind";
    cases[3].rule.urgency = URGENCY_COUNT, cases[3].named = "urgency";
    cases[4].rule.limit.unit = LIMIT_UNIT_COUNT, cases[4].named = "unit";
    cases[5].rule.limit.amount = -1, cases[5].named = "limit";
    cases[6].rule.limit.amount = CALENDAR_MAX_LIMIT + 1, cases[6].named = "limit";
    cases[7].rule.start = SLA_NEVER, cases[7].named = "never starts";
    cases[8].rule.stop = cases[8].rule.start, cases[8].named = "same event";
    cases[9].rule.warn_percent = 0, cases[9].named = "warn_percent";
    cases[10].rule.warn_percent = 101, cases[10].named = "warn_percent";
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_refused(&cases[i].rule, 1, cases[i].named);

    char *error = NULL;
    struct sla_policy_spec unnamed = {.name = "", .rules = &good, .rule_count = 1};
    assert_null(sla_policy_build(&unnamed, &error));
    assert_non_null(error);
    free(error);
}

static void test_starts_clocks(void **state)
{
    static struct calendar_fixture fixture;
    static const struct {
        struct limit limit;
        const char *start, *warn, *due;
        int warn_percent;
        bool provisional;
    } cases[] = {
        {{120, LIMIT_MINUTES},
         "2026-02-13 10:00",
         "2026-02-13 11:30",
         "2026-02-13 12:00",
         75,
         false},
        {{240, LIMIT_WORKING_MINUTES},
         "2026-02-13 16:30",
         "2026-02-14 10:30",
         "2026-02-14 11:30",
         75,
         false},
        /* 5.5 hours today and 7 tomorrow; three quarters of 12.5 h are 9 h 22 min 30 s */
        {{1, LIMIT_WORKING_DAYS},
         "2026-02-13 10:00",
         "2026-02-14 14:22:30",
         "2026-02-14 17:30",
         75,
         false},
        {{1, LIMIT_WORKING_DAYS},
         "2026-02-13 10:00",
         "2026-02-14 17:30",
         "2026-02-14 17:30",
         100,
         false},
        {{2, LIMIT_WORKING_DAYS},
         "2026-12-30 17:30",
         "2026-12-31 17:30",
         "2027-01-01 17:30",
         50,
         true},
        {{0, LIMIT_MINUTES}, "2026-02-13 10:00", "2026-02-13 10:00", "2026-02-13 10:00", 75, false},
    };
    (void)state;
    assert_true(fixture_load(&fixture, FIXTURE_CN_DAYS));
    struct calendar *calendar = fixture_build(&fixture);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sla_rule rule = RESOLVE(ANY, ANY, false, 0, LIMIT_MINUTES);
        rule.limit = cases[i].limit;
        rule.warn_percent = cases[i].warn_percent;
        struct sla_clock clock = sla_clock_start(&rule, calendar, at(cases[i].start));
        assert_int_equal(clock.clock, CLOCK_RESOLVE);
        assert_int_equal(clock.started_us, at(cases[i].start));
        assert_string_equal(shown(clock.warn_us), shown(at(cases[i].warn)));
        assert_string_equal(shown(clock.due_us), shown(at(cases[i].due)));
        assert_int_equal(clock.provisional, cases[i].provisional);
    }
    calendar_free(&calendar);
}

static void test_event_words(void **state)
{
    (void)state;
    for (int i = 0; i < SLA_EVENT_COUNT; i++) {
        assert_int_equal(word_find(sla_event_words, SLA_EVENT_COUNT, sla_event_words[i].code), i);
        assert_true(*sla_event_words[i].zh && *sla_event_words[i].en);
    }
    assert_int_equal(word_find(sla_event_words, SLA_EVENT_COUNT, "received"), SLA_RECEIVED);
    assert_int_equal(word_find(sla_event_words, SLA_EVENT_COUNT, "called_back"), SLA_CALLED_BACK);
    assert_int_equal(word_find(sla_event_words, SLA_EVENT_COUNT, "nothing"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_profile),    cmocka_unit_test(test_specificity),
        cmocka_unit_test(test_clock_without_rule), cmocka_unit_test(test_refuses_ties),
        cmocka_unit_test(test_refuses_bad_rules),  cmocka_unit_test(test_starts_clocks),
        cmocka_unit_test(test_event_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
