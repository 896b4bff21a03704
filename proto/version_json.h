/*
 * version_json.h - drafts, versions and plans of rules, policies and calendars: bodies in, figures
 * of a replay out. Pure.
 */
#ifndef PROTO_VERSION_JSON_H
#define PROTO_VERSION_JSON_H

#include "hotline/policy_replay.h"
#include "hotline/replay.h"
#include "proto/json.h"

#define REPLAY_DEFAULT_TICKETS 100000
#define REPLAY_MAX_TICKETS 1000000
#define REPLAY_DEFAULT_SAMPLES 20
#define REPLAY_MAX_UNITS 1000 /* rows of by_unit */

/* {"at": instant}; absent = 0 = now. */
MUST_CHECK bool version_json_decode_activation(const struct json_value *body, struct arena *arena,
                                               int64_t *at_us_r, struct faults *faults);

struct replay_request {
    int64_t from_us, to_us; /* 0 = not given; to is exclusive */
    int64_t limit, samples;
};
MUST_CHECK bool version_json_decode_replay(const struct json_value *body, struct arena *arena,
                                           struct replay_request *request_r, struct faults *faults);

/*
 * Members of an open object: tickets, unchanged, unchanged_but, moved, to_pool, from_pool, by_unit
 * (the most affected first), units_left_off, samples. Strings needed meanwhile come from the arena.
 */
void version_json_write_replay(struct json_writer *w, const struct replay *replay,
                               struct arena *arena);

/*
 * The same for policies: tickets, unknown, clocks and the other members of struct policy_figures,
 * by_clock (those that ran or would be added), by_unit (whose lateness changes), units_left_off,
 * samples.
 */
void version_json_write_policy_replay(struct json_writer *w, const struct policy_replay *replay,
                                      struct arena *arena, int offset_min);

#endif
