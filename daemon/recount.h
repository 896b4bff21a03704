/*
 * recount.h - the full recount: the count along the way against what the tickets themselves say.
 */
#ifndef DAEMON_RECOUNT_H
#define DAEMON_RECOUNT_H

#include "pg/pg.h"
#include "proto/report_json.h"

/* Differences listed at most; all are counted. */
#define RECOUNT_MAX_DIFFERENCES 1000

/* For pg_submit() of &SQL_RECOUNT. */
void recount_params(struct pg_params *params, struct arena *arena);
/* Its rows; texts are copied into arena. */
void recount_read(const struct pg_result *res, struct arena *arena,
                  struct recount_report *report_r);

#endif
