/*
 * push_event.c - from a row to JSON, in one piece of memory.
 */
#include "daemon/push_event.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/civil.h"
#include "daemon/desk_event.h"

enum column {
    COL_XID,
    COL_ID,
    COL_NUMBER,
    COL_SEQ,
    COL_TYPE,
    COL_AT,
    COL_ACTOR,
    COL_ROLE,
    COL_ASSIGNMENT,
    COL_UNIT,
    COL_AUDIENCE,
    COL_DETAIL,
    COL_TEXT,
    COL_AGENT,
    COL_SEALED
};

int push_cursor_compare(struct push_cursor a, struct push_cursor b)
{
    if (a.xid != b.xid)
        return a.xid < b.xid ? -1 : 1;
    return (a.id > b.id) - (a.id < b.id);
}

static char *copy(char **at, const char *text, size_t len)
{
    char *start = *at;

    memcpy(start, text, len);
    start[len] = '\0';
    *at += len + 1;
    return start;
}

/* Takes over the JSON. */
static struct push_event *make(struct push_cursor at, int64_t number, const char *type,
                               const char *audience, const char *agent, struct sbuf *json)
{
    size_t type_len = strlen(type), audience_len = strlen(audience),
           agent_len = agent ? strlen(agent) : 0;
    size_t bytes = sizeof(struct push_event) + type_len + audience_len + agent_len + json->len + 4;
    struct push_event *event = xmalloc(bytes);
    char *end = (char *)(event + 1);

    *event = (struct push_event){
        .at = at,
        .number = number,
        .type = copy(&end, type, type_len),
        .audience = copy(&end, audience, audience_len),
        .agent = agent ? copy(&end, agent, agent_len) : NULL,
        .json = copy(&end, json->data, json->len),
        .json_len = json->len,
        .bytes = bytes,
    };
    sbuf_free(json);
    return event;
}

struct push_event *push_event_new(int64_t xid, const struct event_view *view, const char *audience,
                                  int offset_min)
{
    struct json_writer w;
    struct sbuf json;

    sbuf_init(&json, 0);
    jw_init(&w, &json);
    jw_object(&w, NULL);
    event_json_write(&w, view, offset_min);
    jw_object_end(&w);
    return make((struct push_cursor){xid, view->id}, view->number, view->type, audience, NULL,
                &json);
}

struct push_event *push_event_new_desk(int64_t xid, const struct desk_event_view *view,
                                       const char *agent, int offset_min)
{
    struct json_writer w;
    struct sbuf json;

    sbuf_init(&json, 0);
    jw_init(&w, &json);
    jw_object(&w, NULL);
    desk_event_json_write(&w, view, offset_min);
    jw_object_end(&w);
    return make((struct push_cursor){xid, view->id}, 0, view->type, "", agent, &json);
}

static const char *text_or_null(const struct pg_result *res, int row, int col)
{
    return pg_result_null(res, row, col) ? NULL : pg_result_text(res, row, col);
}

static struct push_event *read_ticket(const struct pg_result *res, int row, int first,
                                      int offset_min)
{
    struct event_view view = {
        .id = pg_result_int(res, row, first + COL_ID),
        .number = pg_result_int(res, row, first + COL_NUMBER),
        .seq = (int)pg_result_int(res, row, first + COL_SEQ),
        .type = pg_result_text(res, row, first + COL_TYPE),
        .at_us = pg_result_instant(res, row, first + COL_AT),
        .actor = pg_result_text(res, row, first + COL_ACTOR),
        .role = pg_result_text(res, row, first + COL_ROLE),
        .assignment = (int)pg_result_int(res, row, first + COL_ASSIGNMENT),
        .unit = text_or_null(res, row, first + COL_UNIT),
        .detail = pg_result_text(res, row, first + COL_DETAIL),
        .text = text_or_null(res, row, first + COL_TEXT),
    };

    return push_event_new(pg_result_int(res, row, first + COL_XID), &view,
                          pg_result_text(res, row, first + COL_AUDIENCE), offset_min);
}

static struct push_event *read_desk(const struct daemon *d, const struct pg_result *res, int row,
                                    int first, int offset_min)
{
    struct arena *arena = arena_new();
    size_t len;
    const uint8_t *sealed = pg_result_bytea(res, row, first + COL_SEALED, arena, &len);
    const struct desk_event_view view = {
        .id = pg_result_int(res, row, first + COL_ID),
        .type = pg_result_text(res, row, first + COL_TYPE),
        .at_us = pg_result_instant(res, row, first + COL_AT),
        .detail = pg_result_text(res, row, first + COL_DETAIL),
        .more = desk_event_open(d, sealed, len, arena),
    };
    struct push_event *event =
        push_event_new_desk(pg_result_int(res, row, first + COL_XID), &view,
                            text_or_null(res, row, first + COL_AGENT), offset_min);

    arena_free(&arena);
    return event;
}

struct push_event *push_event_read(const struct daemon *d, const struct pg_result *res, int row,
                                   int first)
{
    int offset_min = d->city ? city_offset_min(d->city) : CIVIL_OFFSET_SHANGHAI_MIN;

    if (pg_result_null(res, row, first + COL_NUMBER))
        return read_desk(d, res, row, first, offset_min);
    return read_ticket(res, row, first, offset_min);
}

void push_event_free(struct push_event **event)
{
    free(*event);
    *event = NULL;
}

static bool is_in_audience(const struct push_event *event, const char *unit)
{
    size_t len = strlen(unit);
    const char *at = event->audience;

    while (*at) {
        const char *end = strchr(at, PUSH_AUDIENCE_END);
        INVARIANT(end != NULL);
        if ((size_t)(end - at) == len && memcmp(at, unit, len) == 0)
            return true;
        at = end + 1;
    }
    return false;
}

bool push_event_concerns(const struct push_event *event, const struct push_reader *reader)
{
    if (reader->unit)
        return is_in_audience(event, reader->unit);
    if (!event->agent)
        return true;
    return reader->agent && strcmp(event->agent, reader->agent) == 0;
}
