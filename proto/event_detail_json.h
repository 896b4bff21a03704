/*
 * event_detail_json.h - the detail of a stored event, as far as the recompute needs it.
 */
#ifndef PROTO_EVENT_DETAIL_JSON_H
#define PROTO_EVENT_DETAIL_JSON_H

#include "base/alloc.h"
#include "base/attr.h"
#include "hotline/ticket_recompute.h"

/*
 * Reads what the plan wrote; members that say nothing of clocks and assignments are skipped. What
 * is not told stays 0 or NULL. false: no JSON object, or a member is not of its type. Strings are
 * copied into arena.
 */
MUST_CHECK bool event_detail_decode(const char *text, size_t len, struct arena *arena,
                                    struct event_detail *detail_r);

#endif
