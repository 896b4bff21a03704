/*
 * sse.c - line by line: fields gather, an empty line dispatches.
 */
#include "client/sse.h"

#include <stdlib.h>
#include <string.h>

void sse_init(struct sse *sse, bool (*on_event)(void *ctx, const struct sse_event *event),
              void *ctx)
{
    *sse = (struct sse){.on_event = on_event, .ctx = ctx, .retry_ms = -1};
    sbuf_init(&sse->line, SSE_MAX_BYTES);
    sbuf_init(&sse->data, SSE_MAX_BYTES);
    sbuf_init(&sse->type, SSE_MAX_BYTES);
    sbuf_init(&sse->id, SSE_MAX_BYTES);
    sbuf_init(&sse->pending_id, SSE_MAX_BYTES);
}

void sse_free(struct sse *sse)
{
    sbuf_free(&sse->line);
    sbuf_free(&sse->data);
    sbuf_free(&sse->type);
    sbuf_free(&sse->id);
    sbuf_free(&sse->pending_id);
}

static void forget_event(struct sse *sse)
{
    sbuf_clear(&sse->data);
    sbuf_clear(&sse->type);
    sse->has_data = false;
}

static void copy_text(struct sbuf *to, const struct sbuf *from)
{
    sbuf_clear(to);
    sbuf_add(to, from->data, from->len);
}

void sse_resume_after(struct sse *sse, const char *id)
{
    sbuf_clear(&sse->id);
    sbuf_adds(&sse->id, id);
    copy_text(&sse->pending_id, &sse->id);
}

void sse_restart(struct sse *sse)
{
    copy_text(&sse->pending_id, &sse->id);
    sbuf_clear(&sse->line);
    sse->after_cr = false;
    forget_event(sse);
}

static bool dispatch(struct sse *sse)
{
    bool go_on = true;

    copy_text(&sse->id, &sse->pending_id);
    if (sse->data.overflow) {
        sse->dropped++;
    } else if (sse->has_data) {
        struct sse_event event = {
            .type = sse->type.len > 0 ? sse->type.data : "message",
            .id = sse->id.data,
            .data = sse->data.data,
            .data_len = sse->data.len,
        };

        go_on = sse->on_event(sse->ctx, &event);
    }
    forget_event(sse);
    return go_on;
}

static void set_retry(struct sse *sse, const char *value)
{
    size_t digits = strspn(value, "0123456789");

    if (digits > 0 && digits < 10 && value[digits] == '\0')
        sse->retry_ms = (int64_t)strtoll(value, NULL, 10);
}

static void take_field(struct sse *sse, const char *name, const char *value, size_t len)
{
    if (strcmp(name, "data") == 0) {
        if (sse->has_data)
            sbuf_addc(&sse->data, '\n');
        sbuf_add(&sse->data, value, len);
        sse->has_data = true;
    } else if (strcmp(name, "event") == 0) {
        sbuf_clear(&sse->type);
        sbuf_add(&sse->type, value, len);
    } else if (strcmp(name, "id") == 0 && memchr(value, '\0', len) == NULL) {
        sbuf_clear(&sse->pending_id);
        sbuf_add(&sse->pending_id, value, len);
    } else if (strcmp(name, "retry") == 0) {
        set_retry(sse, value);
    }
}

static bool end_line(struct sse *sse)
{
    struct sbuf *line = &sse->line;
    char *colon;

    if (line->overflow) {
        /* Cut in the middle: no part of it may pass for the event. */
        sse->data.overflow = true;
        sbuf_clear(line);
        return true;
    }
    if (line->len == 0)
        return dispatch(sse);
    colon = strchr(line->data, ':');
    if (colon == NULL) {
        take_field(sse, line->data, "", 0);
    } else if (colon != line->data) { /* otherwise a comment */
        const char *value = colon + 1;

        *colon = '\0';
        if (*value == ' ')
            value++;
        take_field(sse, line->data, value, (size_t)(line->data + line->len - value));
    }
    sbuf_clear(line);
    return true;
}

bool sse_feed(struct sse *sse, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];
        bool second_half = c == '\n' && sse->after_cr;

        sse->after_cr = c == '\r';
        if (second_half)
            continue;
        if (c != '\n' && c != '\r')
            sbuf_addc(&sse->line, c);
        else if (!end_line(sse))
            return false;
    }
    return true;
}
