/*
 * Request parser: any bytes, whole and cut at places chosen by the bytes themselves, have to come
 * out the same, and no piece may be read past its end (each is a heap block of its own).
 */
#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "http1_trace.h"

#define CUTS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Rising offsets, the same for the same input so that a finding can be replayed. */
static size_t choose_cuts(const uint8_t *data, size_t size, size_t cuts[CUTS_MAX])
{
    uint64_t mix = 0x9e3779b97f4a7c15u ^ size;
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        mix = (mix ^ data[i]) * 0x100000001b3u;
    for (size_t at = 0; count < CUTS_MAX; count++) {
        mix ^= mix << 13;
        mix ^= mix >> 7;
        mix ^= mix << 17;
        at += mix % (1 + size / 8);
        if (at > size)
            break;
        cuts[count] = at;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    size_t cuts[CUTS_MAX];
    struct http1_trace whole, parts;
    http1_trace_requests(&whole, bytes, size, NULL, 0);
    http1_trace_requests(&parts, bytes, size, cuts, choose_cuts(data, size, cuts));
    INVARIANT(whole.text.len == parts.text.len);
    INVARIANT(memcmp(whole.text.data, parts.text.data, whole.text.len) == 0);
    http1_trace_free(&whole);
    http1_trace_free(&parts);
    return 0;
}
