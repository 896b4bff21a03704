/*
 * calls.h - phone gateways (INTERFACES 1): three doors, one call, the screen pop, missed callers.
 *
 * A call is keyed (gateway, call_id) and only goes forward; events may repeat and come in any
 * order. The caller's screen pops (`call.popped`, see desk_event.h) when the call rings or is
 * answered, or as soon as the gateway names a desk: at the desk whose account has that agent id,
 * else at every desk; once for a desk, and never for a call that is over.
 *
 * A ticket belongs to the call whose call_id it has; which of the two came first does not matter.
 */
#ifndef DAEMON_CALLS_H
#define DAEMON_CALLS_H

#include "daemon/request.h"
#include "daemon/request_dialect.h"
#include "proto/call_json.h"

/* POST /v1/calls/events: our own JSON; a gateway's token, or its signature (signing.h). */
void call_events_post(struct request *r);
/* POST /v1/cti/{token}: Zammad's generic CTI. */
void call_cti_post(struct request *r);
/* POST /v1/calls/freeswitch: mod_json_cdr; Basic, user `hotline`, password = a gateway's token. */
void call_freeswitch_post(struct request *r);
extern const struct request_dialect call_cti_dialect, call_freeswitch_dialect;

/* GET /v1/calls ?missed= &call_id= &after= &limit= */
void call_list_get(struct request *r);
/* POST /v1/calls/returned {gateway_id, call_id}: a missed caller was called back. */
void call_returned_post(struct request *r);
/* POST /v1/calls/reveal {gateway_id, call_id, reason}: its numbers unmasked, and recorded. */
void call_reveal_post(struct request *r);
void calls_register_metrics(void);
void call_door_register_metrics(void); /* by the one above */

/*
 * call_news.c: stores the news, pops the screen, and then answers through `answer`, which gets the
 * call's state and whether the event was known already. gateway: where the news does not say.
 */
void call_news_take(struct request *r, const char *gateway, const struct call_news *news,
                    void (*answer)(struct request *r, const struct call_news *news,
                                   enum call_state state, bool is_repeat));
/* The numbers as they are stored, opened: a JSON object; "{}" if there are none. */
const char *call_numbers_open(const struct daemon *d, const struct pg_result *res, int row, int col,
                              struct arena *arena);
/* call_list.c: the two as they came, of the arena; NULL = not told. */
struct call_numbers {
    const char *ani, *dnis;
};
void call_numbers_read(const struct daemon *d, const struct pg_result *res, int row, int col,
                       struct arena *arena, struct call_numbers *numbers_r);
/* A state number of the table call; what does not fit is an error of ours. */
enum call_state call_state_read(const struct pg_result *res, int row, int col);

#endif
