/*
 * event_json.c - one writer for the stream, the long poll and the history.
 */
#include "proto/event_json.h"

#include <stdio.h>
#include <string.h>

#include "hotline/ticket_number.h"
#include "proto/ticket_json.h"

static void write_assignment(struct json_writer *w, const struct event_view *event)
{
    char id[ASSIGNMENT_ID_SIZE];

    if (event->assignment)
        assignment_id_format(event->number, event->assignment, id);
    jw_string(w, "assignment", event->assignment ? id : NULL);
}

void event_json_write(struct json_writer *w, const struct event_view *event, int offset_min)
{
    char id[24], number[TICKET_NUMBER_SIZE];

    (void)snprintf(id, sizeof(id), "%lld", (long long)event->id);
    ticket_number_format(event->number, number);
    jw_string(w, "id", id);
    jw_string(w, "type", event->type);
    jw_string(w, "number", number);
    jw_int(w, "seq", event->seq);
    jw_instant(w, "at", event->at_us, offset_min);
    jw_string(w, "actor", event->actor);
    jw_string(w, "role", event->role);
    write_assignment(w, event);
    jw_string(w, "unit", event->unit);
    jw_raw(w, "detail", event->detail, strlen(event->detail));
    jw_string(w, "text", event->text);
}

/* The members of an object in its braces, behind those that are there. */
static void write_members(struct json_writer *w, const char *object)
{
    size_t len = strlen(object);

    INVARIANT(len >= 2 && object[0] == '{' && object[len - 1] == '}');
    if (len == 2)
        return;
    sbuf_addc(w->out, ',');
    sbuf_add(w->out, object + 1, len - 2);
}

void desk_event_json_write(struct json_writer *w, const struct desk_event_view *event,
                           int offset_min)
{
    char id[24];

    (void)snprintf(id, sizeof(id), "%lld", (long long)event->id);
    jw_string(w, "id", id);
    jw_string(w, "type", event->type);
    jw_instant(w, "at", event->at_us, offset_min);
    write_members(w, event->detail);
    write_members(w, event->more);
}

void event_stream_write(struct sbuf *out, const char *id, const char *type, const char *data,
                        size_t len)
{
    INVARIANT(!memchr(data, '\n', len) && !memchr(data, '\r', len));
    sbuf_addf(out, "id: %s\nevent: %s\ndata: ", id, type);
    sbuf_add(out, data, len);
    sbuf_adds(out, "\n\n");
}

void event_stream_write_place(struct sbuf *out, const char *id)
{
    sbuf_addf(out, "id: %s\n\n", id);
}

void event_stream_write_retry(struct sbuf *out, int retry_ms)
{
    sbuf_addf(out, "retry: %d\n\n", retry_ms);
}

void event_stream_write_beat(struct sbuf *out)
{
    sbuf_adds(out, ":\n\n");
}
