/*
 * request_dialect.h - doors that do not speak JSON and RFC 9457: whose body is of another type and
 * whose refusals look as their own specification wants.
 */
#ifndef DAEMON_REQUEST_DIALECT_H
#define DAEMON_REQUEST_DIALECT_H

#include <stdbool.h>

#include "base/sbuf.h"
#include "proto/http1.h"

struct request_dialect {
    const char *prefix;     /* of the paths that speak it */
    const char *media_type; /* of bodies; NULL = any */
    bool for_all_sites;     /* pages of other sites may read what is answered (CORS) */
    /* Writes the body of a refusal and returns its content type. The head may be known in part:
     * then its strings are "". NULL: refusals are problems as everywhere. */
    const char *(*write_error)(const struct http1_request *head, int status, const char *text,
                               struct sbuf *out);
};
/* In routes.c. */
extern const struct request_dialect *const request_dialects[];
extern const size_t request_dialect_count;

#endif
