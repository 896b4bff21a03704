/*
 * docs.h - documents printed from the tables themselves: `hotlined docs TOPIC`.
 *
 * What proto/PROTOCOL.md and proto/openapi.yaml say is held against these by .ci/docs-check and
 * .ci/openapi.
 */
#ifndef DAEMON_DOCS_H
#define DAEMON_DOCS_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/sbuf.h"

/* Appends the document of a topic; false if there is no such topic. */
MUST_CHECK bool docs_write(const char *topic, struct sbuf *out);
/* "machine, routes, problems" */
void docs_write_topics(struct sbuf *out);

#endif
