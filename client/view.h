/*
 * view.h - answers of the daemon for people: tickets, lists, deadlines, events.
 */
#ifndef CLIENT_VIEW_H
#define CLIENT_VIEW_H

#include "client/api.h"
#include "client/client.h"
#include "proto/json.h"

/* "2026-02-13 10:00" of an RFC 3339 text, in the offset the daemon gave it; other texts as they
 * are. The result is valid until the 4th call after it. */
const char *view_time(const char *instant);
/* A member for a table cell: strings as they are, numbers in decimal, true as "yes"; "" if absent.
 * Valid until the 8th call after it or the end of the document. */
const char *view_scalar(const struct client *client, const struct json_value *v);

void view_receipt(const struct client *client, const struct json_value *ticket, bool is_spooled);
void view_ticket(const struct client *client, const struct json_value *ticket);
void view_duplicates(const struct client *client, const struct json_value *list);
void view_ticket_list(const struct client *client, const struct json_value *list);
void view_events(const struct client *client, const struct json_value *list);
/* One event on one line: when, what, whose ticket, the rest as key=value. */
void view_event_line(const struct client *client, const struct json_value *event,
                     struct sbuf *line);
void view_deadlines(const struct client *client, const struct json_value *deadlines);
void view_route(const struct client *client, const struct json_value *route);
/* State and version after an action. */
void view_result(const struct client *client, const struct json_value *answer);
/* "label: value", nothing if the value is absent or empty. */
void view_line(const struct client *client, enum text_id label, const char *value);

struct view_column {
    enum text_id title;
    const char *key;
    enum { VIEW_AS_IS, VIEW_TIME, VIEW_CLOCK } kind;
    unsigned flags; /* TABLE_... */
};
/* A row for each item of a list, below an empty line; nothing for an empty list. */
void view_table(const struct client *client, const struct json_value *list,
                const struct view_column *columns, size_t count);

/* A line for each fault; the title has one blank. */
void view_faults(const struct client *client, enum text_id title, const struct json_value *list);

#endif
