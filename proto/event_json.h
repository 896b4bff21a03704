/*
 * event_json.h - events as they look outside: JSON, and the frames of text/event-stream.
 */
#ifndef PROTO_EVENT_JSON_H
#define PROTO_EVENT_JSON_H

#include <stdint.h>

#include "proto/json.h"

struct event_view {
    int64_t id;
    int64_t number;
    int seq;
    const char *type; /* code words as stored */
    int64_t at_us;
    const char *actor, *role;
    int assignment;     /* ordinal, 0 = of the ticket as a whole */
    const char *unit;   /* NULL = none */
    const char *detail; /* one JSON object */
    const char *text;   /* NULL = none */
};

/* Appends the members to an open object. */
void event_json_write(struct json_writer *w, const struct event_view *event, int offset_min);

/* What belongs to no ticket: {"id", "type", "at"} and the members of two more objects, whose names
 * must not meet. */
struct desk_event_view {
    int64_t id;
    const char *type;
    int64_t at_us;
    const char *detail, *more; /* one JSON object each, as PostgreSQL or a json_writer writes it */
};
void desk_event_json_write(struct json_writer *w, const struct desk_event_view *event,
                           int offset_min);

/* One event; data must be a single line, as all our JSON is. */
void event_stream_write(struct sbuf *out, const char *id, const char *type, const char *data,
                        size_t len);
/* Moves the reader's place without an event, so that a reconnect does not read the same again. */
void event_stream_write_place(struct sbuf *out, const char *id);
/* How long to wait before coming back, in milliseconds. */
void event_stream_write_retry(struct sbuf *out, int retry_ms);
/* A comment: something for proxies to see. */
void event_stream_write_beat(struct sbuf *out);

#endif
