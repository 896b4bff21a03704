/*
 * push_event.h - one event as the hub keeps it: its place, its readers, and its JSON, made once.
 */
#ifndef DAEMON_PUSH_EVENT_H
#define DAEMON_PUSH_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/daemon.h"
#include "pg/pg.h"
#include "proto/event_json.h"

/* A place in the order of events: everything up to it, itself included, has been read. */
struct push_cursor {
    int64_t xid; /* transaction */
    int64_t id;  /* event */
};
int push_cursor_compare(struct push_cursor a, struct push_cursor b);

struct push_event {
    struct push_cursor at;
    int64_t number; /* ticket; 0 = an event of the desks */
    const char *type;
    const char *audience; /* unit codes, each followed by PUSH_AUDIENCE_END; NUL at the end */
    const char *agent;    /* the desk that alone hears it; NULL = every desk */
    const char *json;
    size_t json_len;
    size_t bytes; /* of memory, all told */
};
#define PUSH_AUDIENCE_END '\x1f'

/* Whose events these are. */
struct push_reader {
    const char *unit;  /* code; NULL = a desk: everything that is not another desk's */
    const char *agent; /* agent id of the desk; NULL = none */
};

/* Columns that event_tail.sql and event_page.sql share, from `first` on. */
struct push_event *push_event_read(const struct daemon *d, const struct pg_result *res, int row,
                                   int first);
/* The same from its parts; audience as in the struct. */
struct push_event *push_event_new(int64_t xid, const struct event_view *view, const char *audience,
                                  int offset_min);
/* The same of an event of the desks. */
struct push_event *push_event_new_desk(int64_t xid, const struct desk_event_view *view,
                                       const char *agent, int offset_min);
void push_event_free(struct push_event **event);
bool push_event_concerns(const struct push_event *event, const struct push_reader *reader);

#endif
