/*
 * ticket_record.h - the row of ticket_load.sql as a struct.
 */
#ifndef DAEMON_TICKET_RECORD_H
#define DAEMON_TICKET_RECORD_H

#include "daemon/daemon.h"
#include "proto/ticket_json.h"

/* What ticket_load takes: the tickets, and the one that a merge names (0 = none). */
void ticket_record_params(struct pg_params *params, struct arena *arena, const int64_t *numbers,
                          size_t count, int64_t into);

/*
 * Everything in the record is owned by arena. Sealed columns are opened; what cannot be opened
 * (another key) is left out and logged.
 */
void ticket_record_read(const struct daemon *d, const struct pg_result *res, int row,
                        struct arena *arena, struct ticket_record *record_r);

/* The column of that name: what moved a deadline, in order of time. NULL = nothing did. */
const struct clock_adjustment *ticket_record_adjustments(const char *json, size_t len,
                                                         struct arena *arena, size_t *count_r);
/* The column `clocks` of ticket_load and verify_page; NULL = none. */
struct ticket_clock *ticket_record_clocks(const char *json, size_t len, struct arena *arena,
                                          size_t *count_r);

#endif
