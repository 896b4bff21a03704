/*
 * call_json.h - what phone gateways tell of calls (INTERFACES 1): our own JSON, the one of Zammad's
 * generic CTI, and calls as they look outside.
 *
 * Whatever the form, the outcome is one struct call_news. Events repeat and arrive in any order:
 * news name what they know and when it was, and never what was before.
 */
#ifndef PROTO_CALL_JSON_H
#define PROTO_CALL_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "hotline/vocabulary.h"
#include "proto/json.h"

/* In the order in which a call goes through them; it only goes forward. */
enum call_state {
    CALL_OFFERED,
    CALL_QUEUED,
    CALL_RINGING,
    CALL_ANSWERED,
    CALL_HELD,
    CALL_TRANSFERRED,
    CALL_ENDED,
    CALL_STATE_COUNT
};
extern const struct word call_state_words[CALL_STATE_COUNT];

/* Lengths in code points. */
#define CALL_ID_MAX 250
#define CALL_EVENT_ID_MAX 300
#define CALL_GATEWAY_MAX 64
#define CALL_NUMBER_MAX 64 /* ani, dnis, extension, as the gateway writes them */
#define CALL_NAME_MAX 64   /* queue, agent, cause */
#define CALL_REF_MAX 500

struct call_recording {
    const char *ref; /* NULL = none is told of */
    const char *url, *sha256;
    int64_t duration_ms; /* -1 = not told */
};

/* NULL and 0 = not told. */
struct call_news {
    const char *gateway; /* NULL: the account that brought it */
    const char *call_id, *event_id, *leg_id;
    const char *type; /* what the gateway calls it */
    int state;        /* enum call_state at least reached; -1 = it says nothing of that */
    int64_t occurred_at_us;
    int64_t at_us[CALL_STATE_COUNT]; /* when it reached which state */
    int direction;                   /* CALL_INBOUND, CALL_OUTBOUND, -1 */
    const char *ani, *dnis;          /* who calls whom, raw */
    const char *queue, *agent, *extension, *cause;
    struct call_recording recording;
};
enum { CALL_INBOUND, CALL_OUTBOUND };
extern const char *const call_direction_codes[];

/* POST /v1/calls/events: {event_id, type, occurred_at, gateway_id, call_id, leg_id?, direction,
 * ani, dnis, queue?, agent_id?, extension?, cause?, recording?}. Strings live in arena. */
MUST_CHECK bool call_json_decode(const struct json_value *body, struct arena *arena,
                                 struct call_news *news_r, struct faults *faults);
/*
 * POST /v1/cti/{token}: newCall, answer, hangup as JSON or as a form (the body is looked at, not
 * its declared type). Members that we do not know are left, as PBX connectors send many. newCall is
 * `ringing`, or `queued` if it names a queue and no desk; `recording`, the reference of one, is
 * ours. now_us: the form has no time of its own. It has no event id either: one is made of event,
 * call and desk, so that a repeat is known, and a queue that rings desk after desk tells of each.
 */
MUST_CHECK bool call_cti_decode(const char *body, size_t len, int64_t now_us, struct arena *arena,
                                struct call_news *news_r, struct faults *faults);

/* The citizen's end of it: who called, or who was called. May be NULL. */
const char *call_citizen(const struct call_news *news);
/*
 * A number as a gateway writes it, for matching, as phone_normalise() makes it:
 * "sip:+86138...@pbx", "0086...", "86...", "0 138..." and local numbers (area_code "0510", or NULL)
 * are the number they mean. false: withheld ("anonymous", "unknown", "") or not a number.
 */
MUST_CHECK bool call_number_normalise(const char *raw, const char *area_code, char *out,
                                      size_t size);

#endif
