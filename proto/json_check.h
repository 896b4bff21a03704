/*
 * json_check.h - the strict check of a whole JSON text before json-c sees it. Private to proto/.
 *
 * json-c is lenient where PostgreSQL and other readers of the same text are not (duplicate keys,
 * overlong UTF-8, lone surrogates, NaN, saturating numbers), so what is acceptable is decided here
 * and json-c only builds the tree.
 */
#ifndef PROTO_JSON_CHECK_H
#define PROTO_JSON_CHECK_H

#include "proto/json.h"

/* Longer than any body the server takes; json-c counts in int. */
#define JSON_MAX_BYTES ((size_t)64 << 20)
/* Nobody writes longer numbers, and it bounds the work of strtod(). */
#define JSON_MAX_NUMBER_BYTES 512

struct json_span {
    const char *start;
    size_t len;
};

/* The span of the one value without the blanks around it; false and one fault if it is refused. */
MUST_CHECK bool json_check(const char *text, size_t len, struct faults *faults,
                           struct json_span *value_r);

#endif
