/*
 * sla.h - deadlines: which clocks a ticket has, when they start and stop, and when they are due
 * (DOMAIN 4).
 *
 * A policy is a list of clock rules. For one clock the most specific matching rule counts: redo
 * before urgency before kind; ties are refused when the policy is built. The limits are data of the
 * city; the defaults of DOMAIN 4 stand in the demo cities' data, not here.
 */
#ifndef HOTLINE_SLA_H
#define HOTLINE_SLA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "hotline/calendar.h"
#include "hotline/vocabulary.h"

/* What starts or stops a clock. Ticket events and assignment events share the list. */
enum sla_event {
    SLA_RECEIVED, /* complete enough to be worked on */
    SLA_DISPATCHED,
    SLA_SIGNED,
    SLA_CONTACTED,
    SLA_REPORTED, /* the lead's report (for resolve); the unit's own for co-units */
    SLA_REVIEWED,
    SLA_CALLED_BACK,
    SLA_CLOSED,
    SLA_REDO,  /* a new round starts */
    SLA_NEVER, /* as stop: only ends by expiry or with the ticket */
    SLA_EVENT_COUNT
};
extern const struct word sla_event_words[SLA_EVENT_COUNT];

#define SLA_ANY (-1)

struct sla_rule {
    enum clock_kind clock;
    int kind;    /* enum ticket_kind or SLA_ANY */
    int urgency; /* enum ticket_urgency or SLA_ANY */
    bool redo;   /* holds for rounds 2.. */
    struct limit limit;
    enum sla_event start, stop;
    bool pausable;
    int warn_percent; /* 1..100; 100 = no warning before the breach */
};

struct sla_policy_spec {
    const char *name;
    const struct sla_rule *rules;
    size_t rule_count;
};

struct sla_policy;
MUST_CHECK struct sla_policy *sla_policy_build(const struct sla_policy_spec *spec, char **error_r);
void sla_policy_free(struct sla_policy **policy);
const char *sla_policy_name(const struct sla_policy *policy);

/* The rule for a clock, or NULL if the policy has none (then the ticket has no such clock). */
const struct sla_rule *sla_rule_for(const struct sla_policy *policy, enum clock_kind clock,
                                    enum ticket_kind kind, enum ticket_urgency urgency, int round);

/* A clock as it runs. Pure recompute: same start, rule and calendar give the same values. */
struct sla_clock {
    enum clock_kind clock;
    int64_t started_us;
    int64_t due_us;
    int64_t warn_us; /* == due_us when there is no earlier warning */
    bool provisional;
};
struct sla_clock sla_clock_start(const struct sla_rule *rule, const struct calendar *calendar,
                                 int64_t start_us);

#endif
