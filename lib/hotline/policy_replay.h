/*
 * policy_replay.h - what another set of policies would promise for clocks that ran: counted, pure.
 *
 * A past clock keeps its start, what it stood still and what it was extended by; only the limit is
 * another. Both cities have the same regions, units and calendars and differ in their policies.
 *
 *   clocks = same + earlier + later + removed + restarted + own
 *
 * Lateness is judged for the first three: by when the clock was met, of a running one by now. What
 * stands still, was stopped unmet, or is a window that only closes, is not judged.
 */
#ifndef HOTLINE_POLICY_REPLAY_H
#define HOTLINE_POLICY_REPLAY_H

#include "base/alloc.h"
#include "hotline/city.h"

#define POLICY_REPLAY_MAX_SAMPLES 100

/* A ticket as its policies see it. Strings are valid during the call. */
struct past_ticket {
    int64_t number;
    const char *policy; /* name */
    int64_t sla_set;    /* the version it was begun under */
    enum ticket_kind kind;
    enum ticket_urgency urgency;
    int region; /* index, -1 = not known */
};

struct past_clock {
    enum clock_kind clock;
    int round;
    enum clock_state state;
    int64_t met_us;           /* 0 = not met */
    const char *unit;         /* whose clock it is; of the ticket's own the lead; NULL = nobody */
    struct clock_terms terms; /* as it ran */
};

struct policy_figures {
    int64_t clocks;
    int64_t same, earlier, later; /* the deadline */
    int64_t removed;              /* the draft has no such clock */
    int64_t restarted;            /* it would begin with another event: when is not known */
    int64_t own;   /* its limit was given by a person, or by a version too old to be known */
    int64_t added; /* tickets that would have such a clock and have none now */
    int64_t late_before, late_after;
};

struct policy_replay_unit {
    int64_t late_before, late_after;
};

struct policy_replay_sample {
    int64_t number;
    enum clock_kind clock;
    int64_t due_before_us, due_after_us; /* 0 = no such clock */
};

struct policy_replay {
    const struct city *before, *after;
    int64_t now_us;
    int64_t tickets;
    int64_t
        unknown; /* of these: the draft has no policy of that name; nothing of them is counted */
    struct policy_figures total, by_clock[CLOCK_COUNT];
    struct policy_replay_unit *units;                               /* by index */
    struct policy_replay_sample samples[POLICY_REPLAY_MAX_SAMPLES]; /* the first that change */
    size_t sample_count, sample_max;
};

/* samples: how many to keep, at most POLICY_REPLAY_MAX_SAMPLES. What it needs comes from the arena.
 */
void policy_replay_init(struct policy_replay *replay, struct arena *arena,
                        const struct city *before, const struct city *after, int64_t now_us,
                        size_t samples);
/* Once for each ticket; false: it is unknown to the draft and its clocks are not to be given. */
bool policy_replay_ticket(struct policy_replay *replay, const struct past_ticket *ticket);
void policy_replay_clock(struct policy_replay *replay, const struct past_ticket *ticket,
                         const struct past_clock *clock);
/* Units that would be late more or less often, the most affected first, then in the order of the
 * city. */
RETURNS_NONNULL const int *policy_replay_units(const struct policy_replay *replay,
                                               struct arena *arena, size_t *count_r);

#endif
