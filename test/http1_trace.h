/*
 * http1_trace.h - feeds bytes to the HTTP/1.1 parsers in given pieces and writes down what comes
 * out, so that two ways of cutting the same bytes can be compared.
 */
#ifndef TEST_HTTP1_TRACE_H
#define TEST_HTTP1_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sbuf.h"
#include "proto/http1.h"

struct http1_trace {
    struct sbuf text; /* heads, bodies, ends and the rejection; the same for every cut */
    unsigned requests;
    struct http1_error error; /* status 0: none */
    bool open;                /* ended inside a message */
};

/*
 * cuts are offsets in rising order where a piece ends. Each piece is a heap block of its exact
 * size, so that a sanitizer sees one byte too many.
 */
void http1_trace_requests(struct http1_trace *trace, const char *bytes, size_t len,
                          const size_t *cuts, size_t cut_count);
/* One response, and EOF after the last byte. */
void http1_trace_response(struct http1_trace *trace, const char *bytes, size_t len, bool to_head,
                          const size_t *cuts, size_t cut_count);
void http1_trace_free(struct http1_trace *trace);

/* Rising offsets at which to split an input, the same for the same input so that a finding can be
 * replayed. Returns how many. */
#define HTTP1_TRACE_CUTS_MAX 64
size_t http1_trace_choose_cuts(const uint8_t *data, size_t size, size_t cuts[HTTP1_TRACE_CUTS_MAX]);

#endif
