/*
 * report_filter.h - the period and the filters that all reports take, from query to parameters.
 */
#ifndef DAEMON_REPORT_FILTER_H
#define DAEMON_REPORT_FILTER_H

#include "daemon/request.h"
#include "proto/report_json.h"

struct report_filter {
    struct report_basis basis;
    /* The period that is counted: a `to` that is left out or lies in the future counts up to and
     * including now, so that what happened at this very instant is in it. */
    int64_t from_us, to_us;
};

/*
 * Reads from, to, unit, region, category, kind, channel; other parameters are the report's own and
 * have to be read before. A unit gets its own figures only. false: answered already.
 */
MUST_CHECK bool report_filter_read(struct request *r, struct report_filter *filter_r);
/* An edge of the period as report_tiers.sql takes it: the instant, the first local day that starts
 * at or after it, and when that day starts. */
void report_edge_params(struct pg_params *params, int64_t us, int offset_min);
/* The five filters, in the order of the fields. */
void report_filter_params(struct pg_params *params, const struct report_filter *filter);

#endif
