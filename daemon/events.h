/*
 * events.h - what happened, to those whom it concerns: GET /v1/events as a long poll or a stream,
 * and the history of one ticket.
 */
#ifndef DAEMON_EVENTS_H
#define DAEMON_EVENTS_H

#include "daemon/cursor.h"
#include "daemon/push.h"
#include "daemon/request.h"

/*
 * GET /v1/events ?after= &wait= &limit=   (desk, supervisor: all of tickets, and what the desks
 * hear of; unit: its own) Changes in commit order. after = a cursor of an earlier answer, or
 * "start" ("0") for everything there is; without it, from now on. The answer always has `next`.
 * With Accept: text/event-stream the answer is a stream, and Last-Event-ID wins over ?after.
 */
void events_get(struct request *r);
/* GET /v1/tickets/{}/events ?after= &limit=: the history, with a check of its hash chain. */
void ticket_events_get(struct request *r);
void events_register_metrics(void);

/* ---- shared by the long poll and the stream
 * -------------------------------------------------------- */

/* Whose changes these are. */
struct events_reader {
    struct request *r;
    struct push_reader who;
    const char *scope; /* of cursors */
};
struct events_reader events_reader_of(struct request *r);
void events_place_format(const struct events_reader *reader, struct push_cursor place,
                         char out[CURSOR_SIZE]);
MUST_CHECK bool events_place_parse(const struct events_reader *reader, const char *text,
                                   struct push_cursor *place_r);

/* One page from the database: what the hub's memory does not have. */
struct events_page {
    const struct pg_result *res;
    const struct daemon *d;
    int rows;                   /* events of the reader in it */
    struct push_cursor scanned; /* everything up to here was looked at */
    bool is_fresh;              /* it went up to the horizon: nothing was left */
};
void events_page_params(struct pg_params *params, const struct events_reader *reader,
                        struct push_cursor place, int most, struct arena *arena);
/* most: as asked for. */
void events_page_read(const struct events_reader *reader, const struct pg_result *res, int most,
                      struct events_page *page_r);
/* The caller frees it. */
struct push_event *events_page_event(const struct events_page *page, int row);

/* events_stream.c: takes over the request. */
void events_stream_begin(const struct events_reader *reader, struct push_cursor place);
void events_stream_register_metrics(void);
void ticket_events_register_metrics(void);

#endif
