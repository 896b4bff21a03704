/*
 * A policy is resolved when it is built: every combination of clock, round, urgency and kind points
 * at its rule, so that the choice at run time is one look-up and ties cannot hide until a ticket
 * meets them.
 */
#include "hotline/sla.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/civil.h"

#define ROUNDS 2 /* the first, and all later ones */
/* A key of each rule: clock, redo or not, urgency or any, kind or any. */
#define KEY_COUNT (CLOCK_COUNT * ROUNDS * (URGENCY_COUNT + 1) * (KIND_COUNT + 1))

const struct word sla_event_words[SLA_EVENT_COUNT] = {
    [SLA_RECEIVED] = {"received", "受理", "received"},
    [SLA_DISPATCHED] = {"dispatched", "派单", "dispatched"},
    [SLA_SIGNED] = {"signed", "签收", "signed for"},
    [SLA_CONTACTED] = {"contacted", "首次联系", "citizen contacted"},
    [SLA_REPORTED] = {"reported", "办结反馈", "reported"},
    [SLA_REVIEWED] = {"reviewed", "审核", "reviewed"},
    [SLA_CALLED_BACK] = {"called_back", "回访", "called back"},
    [SLA_CLOSED] = {"closed", "结案", "closed"},
    [SLA_REDO] = {"redo", "重办", "sent back for redo"},
    [SLA_NEVER] = {"never", "无", "never"},
};

const struct word sla_tell_words[SLA_TELL_COUNT] = {
    [SLA_TELL_UNIT] = {"unit", "承办单位", "the unit"},
    [SLA_TELL_DESK] = {"desk", "热线中心", "the desk"},
    [SLA_TELL_SUPERVISOR] = {"supervisor", "督办员", "the supervisors"},
};

struct sla_policy {
    char *name;
    struct sla_rule *rules;
    const struct sla_rule *chosen[CLOCK_COUNT][ROUNDS][URGENCY_COUNT][KIND_COUNT];
};

static const char *step_error(const struct sla_rule *rule)
{
    if (rule->step_count > SLA_MAX_STEPS)
        return "too many escalation steps";
    for (size_t i = 0; i < rule->step_count; i++) {
        const struct sla_step *step = &rule->steps[i];
        if ((unsigned)step->after.unit >= LIMIT_UNIT_COUNT || step->after.amount < 0 ||
            step->after.amount > CALENDAR_MAX_LIMIT)
            return "escalation step out of range";
        if (step->up < 1 || step->up > TIER_COUNT)
            return "an escalation step goes up by 1 or more";
        if (i && step->after.unit == rule->steps[i - 1].after.unit &&
            step->after.amount < rule->steps[i - 1].after.amount)
            return "escalation steps are not in order";
    }
    return NULL;
}

static const char *value_error(const struct sla_rule *rule)
{
    if ((unsigned)rule->clock >= CLOCK_COUNT)
        return "unknown clock";
    if (rule->kind < SLA_ANY || rule->kind >= KIND_COUNT)
        return "unknown kind";
    if (rule->urgency < SLA_ANY || rule->urgency >= URGENCY_COUNT)
        return "unknown urgency";
    if ((unsigned)rule->limit.unit >= LIMIT_UNIT_COUNT)
        return "unknown unit";
    if (rule->limit.amount < 0 || rule->limit.amount > CALENDAR_MAX_LIMIT)
        return "limit out of range";
    if ((unsigned)rule->start >= SLA_EVENT_COUNT || (unsigned)rule->stop >= SLA_EVENT_COUNT)
        return "unknown event";
    if (rule->start == SLA_NEVER)
        return "a clock that never starts";
    if (rule->start == rule->stop)
        return "starts and stops at the same event";
    if (rule->warn_percent < 1 || rule->warn_percent > 100)
        return "warn_percent is not within 1..100";
    return step_error(rule);
}

static size_t key_of(const struct sla_rule *rule)
{
    size_t key = (size_t)rule->clock * ROUNDS + rule->redo;
    key = key * (URGENCY_COUNT + 1) + (size_t)(rule->urgency + 1);
    return key * (KIND_COUNT + 1) + (size_t)(rule->kind + 1);
}

static const char *any_or_code(const struct word *words, int value)
{
    return value == SLA_ANY ? "any" : words[value].code;
}

/* Rules that match the same ticket are equally specific only if they name the same things. */
static char *tie_error(const struct sla_policy_spec *spec, size_t first, size_t second)
{
    const struct sla_rule *rule = &spec->rules[second];
    return xasprintf("policy %s: rules %zu and %zu are both for clock %s, kind %s, urgency %s%s",
                     spec->name, first + 1, second + 1, clock_words[rule->clock].code,
                     any_or_code(kind_words, rule->kind), any_or_code(urgency_words, rule->urgency),
                     rule->redo ? ", redo" : "");
}

static char *spec_error(const struct sla_policy_spec *spec)
{
    size_t rule_of[KEY_COUNT] = {0}; /* number of the rule from 1; 0 = none yet */
    if (!spec->name || !*spec->name)
        return xstrdup("a policy without a name");
    for (size_t i = 0; i < spec->rule_count; i++) {
        const char *error = value_error(&spec->rules[i]);
        if (error)
            return xasprintf("policy %s: rule %zu: %s", spec->name, i + 1, error);
        size_t key = key_of(&spec->rules[i]);
        if (rule_of[key] != 0)
            return tie_error(spec, rule_of[key] - 1, i);
        rule_of[key] = i + 1;
    }
    return NULL;
}

static int specificity(const struct sla_rule *rule)
{
    return (rule->redo ? 4 : 0) + (rule->urgency != SLA_ANY ? 2 : 0) +
           (rule->kind != SLA_ANY ? 1 : 0);
}

static void offer_cell(const struct sla_rule **cell, const struct sla_rule *rule)
{
    if (!*cell || specificity(rule) > specificity(*cell))
        *cell = rule;
}

/* Enters a rule wherever it matches and nothing more specific stands. */
static void offer_rule(struct sla_policy *policy, const struct sla_rule *rule)
{
    for (int round = rule->redo ? 1 : 0; round < ROUNDS; round++)
        for (int urgency = 0; urgency < URGENCY_COUNT; urgency++)
            for (int kind = 0; kind < KIND_COUNT; kind++)
                if ((rule->urgency == SLA_ANY || rule->urgency == urgency) &&
                    (rule->kind == SLA_ANY || rule->kind == kind))
                    offer_cell(&policy->chosen[rule->clock][round][urgency][kind], rule);
}

struct sla_policy *sla_policy_build(const struct sla_policy_spec *spec, char **error_r)
{
    *error_r = spec_error(spec);
    if (*error_r)
        return NULL;
    struct sla_policy *policy = xcalloc(1, sizeof(*policy));
    policy->name = xstrdup(spec->name);
    policy->rules = xcalloc(spec->rule_count ? spec->rule_count : 1, sizeof(policy->rules[0]));
    for (size_t i = 0; i < spec->rule_count; i++) {
        policy->rules[i] = spec->rules[i];
        offer_rule(policy, &policy->rules[i]);
    }
    return policy;
}

void sla_policy_free(struct sla_policy **policy)
{
    if (!*policy)
        return;
    free((*policy)->name);
    free((*policy)->rules);
    free(*policy);
    *policy = NULL;
}

const char *sla_policy_name(const struct sla_policy *policy)
{
    return policy->name;
}

const struct sla_rule *sla_rule_for(const struct sla_policy *policy, enum clock_kind clock,
                                    enum ticket_kind kind, enum ticket_urgency urgency, int round)
{
    INVARIANT(clock < CLOCK_COUNT && kind < KIND_COUNT && urgency < URGENCY_COUNT && round >= 1);
    return policy->chosen[clock][round > 1][urgency][kind];
}

enum limit_unit clock_pause_unit(enum limit_unit unit)
{
    bool is_working = unit == LIMIT_WORKING_MINUTES || unit == LIMIT_WORKING_DAYS;
    return is_working ? LIMIT_WORKING_MINUTES : LIMIT_MINUTES;
}

static int year_of(const struct calendar *calendar, int64_t instant_us)
{
    return civil_date_from_day(civil_local_day(instant_us, calendar_offset_min(calendar))).year;
}

/* Working time given back may lie in a year whose list is not published. */
static bool is_provisional(const struct calendar *calendar, enum limit_unit base, int64_t from_us,
                           int64_t until_us)
{
    bool is_published = true;

    for (int year = year_of(calendar, from_us); year <= year_of(calendar, until_us); year++)
        is_published = is_published && calendar_year_published(calendar, year);
    return base == LIMIT_WORKING_MINUTES && until_us > from_us && !is_published;
}

/* Both the deadline and what it would be without extensions go along with a pause. */
static void give_back(struct clock_due *d, const struct clock_terms *terms,
                      const struct clock_adjustment *pause, const struct calendar *calendar)
{
    enum limit_unit base = clock_pause_unit(terms->limit.unit);
    int64_t us = calendar_elapsed(calendar, base, pause->from_us, pause->until_us);

    int64_t before_us = d->due_us;

    d->paused_us += us;
    d->due_us = calendar_shift(calendar, base, d->due_us, us);
    d->provisional = d->provisional || is_provisional(calendar, base, before_us, d->due_us);
    d->original_us = calendar_shift(calendar, base, d->original_us, us);
}

static void adjust(struct clock_due *d, const struct clock_terms *terms,
                   const struct clock_adjustment *adjustment, const struct calendar *calendar)
{
    if (adjustment->kind == CLOCK_ADJUST_PAUSE) {
        give_back(d, terms, adjustment, calendar);
        return;
    }
    struct deadline later = calendar_due(calendar, d->due_us, adjustment->limit);
    d->due_us = later.due_us;
    d->provisional = d->provisional || later.provisional;
}

struct clock_due clock_compute(const struct clock_terms *terms, const struct calendar *calendar)
{
    struct deadline first = calendar_due(calendar, terms->started_us, terms->limit);
    struct clock_due d = {
        .due_us = first.due_us, .original_us = first.due_us, .provisional = first.provisional};

    for (size_t i = 0; i < terms->adjustment_count; i++)
        adjust(&d, terms, &terms->adjustments[i], calendar);
    /* The share of what the limit is now; time that was given back counts as never begun. */
    int64_t begun_us = calendar_shift(calendar, clock_pause_unit(terms->limit.unit),
                                      terms->started_us, d.paused_us);
    d.warn_us = calendar_fraction(calendar, d.paused_us ? begun_us : terms->started_us, d.due_us,
                                  terms->limit.unit, terms->warn_percent);
    return d;
}

struct sla_clock sla_clock_start(const struct sla_rule *rule, const struct calendar *calendar,
                                 int64_t start_us)
{
    const struct clock_terms terms = {rule->limit, rule->warn_percent, start_us, NULL, 0};
    struct clock_due d = clock_compute(&terms, calendar);

    return (struct sla_clock){
        .clock = rule->clock,
        .started_us = start_us,
        .due_us = d.due_us,
        .warn_us = d.warn_us,
        .provisional = d.provisional,
    };
}
