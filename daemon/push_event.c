/*
 * push_event.c - from a row to JSON, in one piece of memory.
 */
#include "daemon/push_event.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

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
    COL_TEXT
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

struct push_event *push_event_new(int64_t xid, const struct event_view *view, const char *audience,
                                  int offset_min)
{
    size_t type_len = strlen(view->type), audience_len = strlen(audience);
    struct json_writer w;
    struct sbuf json;

    sbuf_init(&json, 0);
    jw_init(&w, &json);
    jw_object(&w, NULL);
    event_json_write(&w, view, offset_min);
    jw_object_end(&w);
    size_t bytes = sizeof(struct push_event) + type_len + audience_len + json.len + 3;
    struct push_event *event = xmalloc(bytes);
    char *at = (char *)(event + 1);
    *event = (struct push_event){
        .at = {xid, view->id},
        .type = copy(&at, view->type, type_len),
        .audience = copy(&at, audience, audience_len),
        .json = copy(&at, json.data, json.len),
        .json_len = json.len,
        .bytes = bytes,
    };
    sbuf_free(&json);
    return event;
}

static const char *text_or_null(const struct pg_result *res, int row, int col)
{
    return pg_result_null(res, row, col) ? NULL : pg_result_text(res, row, col);
}

struct push_event *push_event_read(const struct pg_result *res, int row, int first, int offset_min)
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

void push_event_free(struct push_event **event)
{
    free(*event);
    *event = NULL;
}

bool push_event_concerns(const struct push_event *event, const char *unit)
{
    size_t len = unit ? strlen(unit) : 0;
    const char *at = event->audience;

    if (!unit)
        return true;
    while (*at) {
        const char *end = strchr(at, PUSH_AUDIENCE_END);
        INVARIANT(end != NULL);
        if ((size_t)(end - at) == len && memcmp(at, unit, len) == 0)
            return true;
        at = end + 1;
    }
    return false;
}
