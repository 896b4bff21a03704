/*
 * intake_rows.h - a batch of new tickets as the parameters of ticket_intake.sql: one array per
 * column of the ticket and of each table below it.
 */
#ifndef DAEMON_INTAKE_ROWS_H
#define DAEMON_INTAKE_ROWS_H

#include "daemon/intake.h"

/* `params` is filled with memory of `arena`. All entries have the versions of the first one. */
void intake_rows(struct pg_params *params, struct arena *arena,
                 struct intake_entry *const entries[], size_t count);

#endif
