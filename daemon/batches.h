/*
 * batches.h - POST /v1/batches: one order for up to ten thousand tickets (DOMAIN 2: batches of
 * thousands are normal).
 *
 * What is wrong with the order is told before anything is done. Then each ticket is decided on its
 * own, as if the order had been given for it alone; the answer says how many it reached and why not
 * the others. A batch that has begun goes on to its end when its peer goes.
 */
#ifndef DAEMON_BATCHES_H
#define DAEMON_BATCHES_H

#include "daemon/request.h"

void batches_post(struct request *r);

RETURNS_NONNULL struct batches *batches_new(void);
/* Ends what runs without a word. */
void batches_free(struct batches **batches);
void batches_register_metrics(void);

#endif
