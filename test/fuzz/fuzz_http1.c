/*
 * Request parser: any bytes, whole and cut at places chosen by the bytes themselves, have to come
 * out the same, and no piece may be read past its end (each is a heap block of its own).
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
    http1_trace_requests(&whole, bytes, size, NULL, 0);
    http1_trace_requests(&parts, bytes, size, cuts, http1_trace_choose_cuts(data, size, cuts));
    INVARIANT(whole.text.len == parts.text.len);
    INVARIANT(memcmp(whole.text.data, parts.text.data, whole.text.len) == 0);
    http1_trace_free(&whole);
    http1_trace_free(&parts);
    return 0;
}
