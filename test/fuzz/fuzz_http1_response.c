/*
 * Response parser: like fuzz_http1.c, followed by EOF; the last byte chooses whether the bytes
 * answer a HEAD.
 */
#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "http1_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    size_t cuts[HTTP1_TRACE_CUTS_MAX];
    struct http1_trace whole, parts;
    bool to_head = size > 0 && data[size - 1] == 'H';
    http1_trace_response(&whole, bytes, size, to_head, NULL, 0);
    http1_trace_response(&parts, bytes, size, to_head, cuts,
                         http1_trace_choose_cuts(data, size, cuts));
    INVARIANT(whole.text.len == parts.text.len);
    INVARIANT(memcmp(whole.text.data, parts.text.data, whole.text.len) == 0);
    http1_trace_free(&whole);
    http1_trace_free(&parts);
    return 0;
}
