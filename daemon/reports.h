/*
 * reports.h - handlers of the figures (CONTRACT 5).
 */
#ifndef DAEMON_REPORTS_H
#define DAEMON_REPORTS_H

#include "daemon/request.h"

/* GET /v1/reports/tiers: supervisor, admin, desk, unit. */
void report_tiers_get(struct request *r);
/* GET /v1/reports/measures?by=: the same. */
void report_measures_get(struct request *r);
/* GET /v1/reports/scores?by=: supervisor, admin, desk: a rank among units is nothing for one unit.
 */
void report_scores_get(struct request *r);
/* GET /v1/reports/bulletin?month=&format=: the same. */
void report_bulletin_get(struct request *r);
/* POST /v1/admin/recount {}: supervisor, admin. */
void admin_recount_post(struct request *r);
/* POST /v1/admin/verify {after, limit}: the same. */
void admin_verify_post(struct request *r);

#endif
