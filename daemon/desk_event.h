/*
 * desk_event.h - what the desks hear of and no ticket keeps: screen pops, presses, refusals at the
 * doors.
 *
 * They go the way of the tickets' events: one identity sequence, one order by (transaction, id),
 * one stream (GET /v1/events), none skipped, none twice. A door that stores something in a
 * statement of its own inserts into desk_event there, so that both are or are not:
 *
 *     INSERT INTO desk_event (type, at, agent, detail, sealed) VALUES (...)
 *
 * and calls push_hint() after the COMMIT. One that stores nothing else uses desk_event_add().
 *
 * On the stream: {"id", "type", "at"} and the members of `detail` and of what was sealed. Personal
 * data belongs into the sealed half.
 */
#ifndef DAEMON_DESK_EVENT_H
#define DAEMON_DESK_EVENT_H

#include "daemon/daemon.h"
#include "daemon/request.h"

struct desk_event {
    const char *type; /* "door.refused": what it is about, dot, what happened */
    int64_t at_us;
    const char *agent;  /* agent id of the one desk that hears it; NULL or unknown = every desk */
    const char *detail; /* JSON object */
    const char *sealed; /* JSON object with more members, personal ones; NULL = none */
};

/* The sealed half as it is stored; NULL for NULL. Memory is the arena's. */
const uint8_t *desk_event_seal(const struct daemon *d, const char *object, struct arena *arena,
                               size_t *len_r);
/* What was sealed; "{}" if there is nothing or it does not open. */
const char *desk_event_open(const struct daemon *d, const uint8_t *sealed, size_t len,
                            struct arena *arena);
/* Parameters of desk_event_add.sql, for a group of calls. */
void desk_event_params(struct pg_params *params, const struct daemon *d,
                       const struct desk_event *event, struct arena *arena);
/*
 * Tells the desks; nobody waits for it. Lost if the database does not take it: only for what has
 * no other consequence. At most some dozens are on their way, more are counted and dropped.
 */
void desk_event_add(struct daemon *d, const struct desk_event *event);
/*
 * A door of its own authentication refused somebody: reported to every desk as `door.refused`
 * {door, name, reason}, once a minute for the same door and name and at most ten times a minute for
 * the same door, counted always. door lives as long as the program. Kept for 30 days.
 */
void desk_event_refused(struct daemon *d, const char *door, const char *name, const char *reason);
/* Somebody who is nobody of ours: only counted, since anybody can invent names. */
void desk_event_count_refused(const char *door, const char *reason);
void desk_event_register_metrics(void);

#endif
