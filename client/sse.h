/*
 * sse.h - reads text/event-stream (WHATWG HTML, 9.2): bytes in any split, events out.
 *
 * An event whose data or id grows beyond SSE_MAX_BYTES is dropped whole and counted; the stream
 * goes on with the next one.
 */
#ifndef CLIENT_SSE_H
#define CLIENT_SSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sbuf.h"

#define SSE_MAX_BYTES ((size_t)1 << 20)

struct sse_event {
    const char *type; /* "message" if the stream did not say */
    const char *id;   /* last id seen, "" if none; what Last-Event-ID resumes from */
    const char *data;
    size_t data_len;
};

struct sse {
    /* false stops the parsing of this piece. */
    bool (*on_event)(void *ctx, const struct sse_event *event);
    void *ctx;
    struct sbuf line, data, type;
    struct sbuf id;         /* of the last event that was complete */
    struct sbuf pending_id; /* becomes id when its event is: what was cut off must come again */
    int64_t retry_ms;       /* as the server asked, -1 if it did not */
    size_t dropped;
    bool has_data;
    bool after_cr; /* a LF that follows belongs to the line end */
};

void sse_init(struct sse *sse, bool (*on_event)(void *ctx, const struct sse_event *event),
              void *ctx);
void sse_free(struct sse *sse);
void sse_resume_after(struct sse *sse, const char *id);
/* A new connection: what was half read is forgotten, the last id stays. */
void sse_restart(struct sse *sse);
bool sse_feed(struct sse *sse, const char *bytes, size_t len);

#endif
