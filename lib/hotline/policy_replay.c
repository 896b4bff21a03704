/*
 * policy_replay.c - the same clock under two sets of policies.
 */
#include "hotline/policy_replay.h"

#include <stdlib.h>

void policy_replay_init(struct policy_replay *replay, struct arena *arena,
                        const struct city *before, const struct city *after, int64_t now_us,
                        size_t samples)
{
    size_t units = city_unit_count(before);

    INVARIANT(units == city_unit_count(after));
    *replay = (struct policy_replay){
        .before = before,
        .after = after,
        .now_us = now_us,
        .units = arena_alloc(arena, (units + 1) * sizeof(*replay->units)),
        .sample_max = samples < POLICY_REPLAY_MAX_SAMPLES ? samples : POLICY_REPLAY_MAX_SAMPLES,
    };
}

static const struct sla_policy *policy_of(const struct city *city, const struct past_ticket *ticket)
{
    int index = city_find_policy(city, ticket->policy);
    return index < 0 ? NULL : city_policy(city, index);
}

static const struct sla_rule *rule_of(const struct sla_policy *policy,
                                      const struct past_ticket *ticket, enum clock_kind clock,
                                      int round)
{
    return policy ? sla_rule_for(policy, clock, ticket->kind, ticket->urgency, round) : NULL;
}

bool policy_replay_ticket(struct policy_replay *replay, const struct past_ticket *ticket)
{
    const struct sla_policy *before = policy_of(replay->before, ticket);
    const struct sla_policy *after = policy_of(replay->after, ticket);

    replay->tickets++;
    if (!after) {
        replay->unknown++;
        return false;
    }
    for (int k = 0; k < CLOCK_COUNT; k++) {
        bool is_there = rule_of(before, ticket, (enum clock_kind)k, 1) != NULL;
        if (is_there || !rule_of(after, ticket, (enum clock_kind)k, 1))
            continue;
        replay->total.added++;
        replay->by_clock[k].added++;
    }
    return true;
}

/* ---- one clock
 * ----------------------------------------------------------------------------------------- */

enum change { SAME, EARLIER, LATER, REMOVED, RESTARTED, OWN };

/* What a forwarding unit or a co-unit was given is nobody's policy. */
static bool is_own(const struct policy_replay *replay, const struct past_ticket *ticket,
                   const struct past_clock *clock)
{
    const struct sla_rule *begun =
        rule_of(city_policy_of(replay->before, ticket->sla_set, ticket->policy), ticket,
                clock->clock, clock->round);
    const struct limit limit = clock->terms.limit;

    return begun && (begun->limit.amount != limit.amount || begun->limit.unit != limit.unit);
}

static int64_t due_under(const struct policy_replay *replay, const struct past_ticket *ticket,
                         const struct past_clock *clock, const struct sla_rule *rule)
{
    struct clock_terms terms = clock->terms;

    terms.limit = rule->limit;
    terms.warn_percent = rule->warn_percent;
    return clock_compute(&terms, city_calendar(replay->before, ticket->region)).due_us;
}

static enum change compare(const struct policy_replay *replay, const struct past_ticket *ticket,
                           const struct past_clock *clock, const struct sla_rule *before,
                           const struct sla_rule *after, struct policy_replay_sample *sample_r)
{
    *sample_r = (struct policy_replay_sample){.number = ticket->number, .clock = clock->clock};
    if (is_own(replay, ticket, clock))
        return OWN;
    sample_r->due_before_us = due_under(replay, ticket, clock, before);
    if (!after)
        return REMOVED;
    if (after->start != before->start)
        return RESTARTED;
    sample_r->due_after_us = due_under(replay, ticket, clock, after);
    if (sample_r->due_after_us == sample_r->due_before_us)
        return SAME;
    return sample_r->due_after_us < sample_r->due_before_us ? EARLIER : LATER;
}

static void count(struct policy_figures *f, enum change change, bool late_before, bool late_after)
{
    int64_t *const counters[] = {
        [SAME] = &f->same,       [EARLIER] = &f->earlier,     [LATER] = &f->later,
        [REMOVED] = &f->removed, [RESTARTED] = &f->restarted, [OWN] = &f->own,
    };

    f->clocks++;
    ++*counters[change];
    f->late_before += late_before;
    f->late_after += late_after;
}

/* When it is judged by; 0 = not at all. */
static int64_t judged_at(const struct policy_replay *replay, const struct past_clock *clock,
                         const struct sla_rule *rule)
{
    if (rule->stop == SLA_NEVER)
        return 0;
    if (clock->state == CLOCK_MET)
        return clock->met_us;
    return clock->state == CLOCK_RUNNING ? replay->now_us : 0;
}

static void keep_sample(struct policy_replay *replay, const struct policy_replay_sample *sample)
{
    if (replay->sample_count < replay->sample_max)
        replay->samples[replay->sample_count++] = *sample;
}

void policy_replay_clock(struct policy_replay *replay, const struct past_ticket *ticket,
                         const struct past_clock *clock)
{
    const struct sla_rule *before =
        rule_of(policy_of(replay->before, ticket), ticket, clock->clock, clock->round);
    const struct sla_rule *after =
        rule_of(policy_of(replay->after, ticket), ticket, clock->clock, clock->round);
    struct policy_replay_sample sample;

    if (!before) /* of an older version; what the draft says of it is among the added ones */
        return;
    enum change change = compare(replay, ticket, clock, before, after, &sample);
    int64_t at_us = change <= LATER ? judged_at(replay, clock, before) : 0;
    bool late_before = at_us && at_us > sample.due_before_us;
    bool late_after = at_us && at_us > sample.due_after_us;
    count(&replay->total, change, late_before, late_after);
    count(&replay->by_clock[clock->clock], change, late_before, late_after);
    int unit = clock->unit ? city_find_unit(replay->before, clock->unit) : -1;
    if (unit >= 0) {
        replay->units[unit].late_before += late_before;
        replay->units[unit].late_after += late_after;
    }
    if (change == EARLIER || change == LATER || change == REMOVED)
        keep_sample(replay, &sample);
}

/* ---- units
 * --------------------------------------------------------------------------------------------- */

static int64_t difference(const struct policy_replay *replay, int unit)
{
    int64_t d = replay->units[unit].late_after - replay->units[unit].late_before;
    return d < 0 ? -d : d;
}

static int by_difference(const void *a, const void *b, void *ctx)
{
    int x = *(const int *)a, y = *(const int *)b;
    int64_t p = difference(ctx, x), q = difference(ctx, y);
    return p != q ? (p < q) - (p > q) : (x > y) - (x < y);
}

const int *policy_replay_units(const struct policy_replay *replay, struct arena *arena,
                               size_t *count_r)
{
    size_t units = city_unit_count(replay->before), found = 0;
    int *list = arena_alloc(arena, (units + 1) * sizeof(*list));
    struct policy_replay sorted = *replay;

    for (size_t i = 0; i < units; i++)
        if (difference(replay, (int)i) > 0)
            list[found++] = (int)i;
    qsort_r(list, found, sizeof(*list), by_difference, &sorted);
    *count_r = found;
    return list;
}
