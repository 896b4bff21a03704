/*
 * batch.h - hotline ticket urge|supervise --batch FILE: one order for the tickets of a list.
 */
#ifndef CLIENT_BATCH_H
#define CLIENT_BATCH_H

#include "client/client.h"

/*
 * The list has a number a line ("-" = standard input); what follows a comma or a blank is ignored,
 * so a table that begins with the number does, with or without a header line. Sent in portions of
 * what the daemon takes; what was refused is printed, and that it was makes EXIT_REFUSED.
 */
enum exit_code batch_run(struct client *client, const struct args *args, const char *action);

#endif
