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

/* Who is told when a clock warns or breaks; bits. */
enum sla_tell {
    SLA_TELL_UNIT, /* the unit whose clock it is, of the ticket's own clocks the lead */
    SLA_TELL_DESK,
    SLA_TELL_SUPERVISOR,
    SLA_TELL_COUNT
};
extern const struct word sla_tell_words[SLA_TELL_COUNT];

/* Escalation after a breach (DOMAIN 4: one tier up at +1 working day, two at +5): `after` counts
 * from the deadline, `up` is how many steps up the chain of parents of the unit is told. */
#define SLA_MAX_STEPS 4
struct sla_step {
    struct limit after;
    int up; /* 1.. */
};

struct sla_rule {
    enum clock_kind clock;
    int kind;    /* enum ticket_kind or SLA_ANY */
    int urgency; /* enum ticket_urgency or SLA_ANY */
    bool redo;   /* holds for rounds 2.. */
    struct limit limit;
    enum sla_event start, stop;
    bool pausable;
    int warn_percent;                     /* 1..100; 100 = no warning before the breach */
    unsigned warn_tell, breach_tell;      /* bits 1 << enum sla_tell */
    struct sla_step steps[SLA_MAX_STEPS]; /* by rising time after the deadline */
    size_t step_count;
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

/*
 * What moved a deadline after its start, in the order in which it happened. A pause gives back what
 * passed between two instants: working time to limits in working time or days, real time to the
 * others. An extension adds its days to the deadline's own day and ends at the close of the last.
 */
enum clock_adjustment_kind { CLOCK_ADJUST_PAUSE, CLOCK_ADJUST_EXTEND };
struct clock_adjustment {
    enum clock_adjustment_kind kind;
    int64_t from_us, until_us; /* of a pause */
    struct limit limit;        /* of an extension: working or calendar days */
};

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

/* All that a deadline follows from, and nothing else: the same terms and the same calendar give the
 * same deadline, whoever computes it and whenever. */
struct clock_terms {
    struct limit limit;
    int warn_percent;
    int64_t started_us;
    const struct clock_adjustment *adjustments;
    size_t adjustment_count;
};
struct clock_due {
    int64_t due_us, warn_us;
    int64_t paused_us;   /* given back by all pauses, in the base of the limit's unit */
    int64_t original_us; /* the deadline without the extensions */
    bool provisional;
};
struct clock_due clock_compute(const struct clock_terms *terms, const struct calendar *calendar);
/* The unit in which a pause of such a limit is measured and given back. */
enum limit_unit clock_pause_unit(enum limit_unit unit);

#endif
