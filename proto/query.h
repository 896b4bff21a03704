/*
 * query.h - query strings and form bodies: application/x-www-form-urlencoded, strictly.
 *
 * '+' is a space; a '%' without two hex digits, a NUL, a control byte other than \n \r \t, invalid
 * UTF-8 and a name given twice are faults. Empty pieces ("a=1&&b=2") are skipped.
 */
#ifndef PROTO_QUERY_H
#define PROTO_QUERY_H

#include "base/alloc.h"
#include "proto/json.h"

#define QUERY_MAX_PARAMS 64

struct query_param {
    const char *name;
    const char *value;
    bool used; /* set by query_get(): what is left over is unknown to the route */
};
struct query {
    size_t count;
    struct query_param list[QUERY_MAX_PARAMS];
};
MUST_CHECK bool query_parse(const char *text, size_t len, struct query *q, struct arena *arena,
                            struct faults *faults);
/* NULL if not given. Marks it as used. */
const char *query_get(struct query *q, const char *name);
/* Adds a fault "unknown" for each parameter nobody asked for. */
void query_reject_unused(const struct query *q, struct faults *faults);
/* Appends name=value percent-encoded, after a "&" unless out is empty or ends in "?"; for clients.
 */
void query_append(struct sbuf *out, const char *name, const char *value);

#endif
