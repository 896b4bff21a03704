/*
 * report_read.h - the statements of the figures, asked and read by more than one report.
 */
#ifndef DAEMON_REPORT_READ_H
#define DAEMON_REPORT_READ_H

#include "daemon/report_filter.h"
#include "hotline/score.h"

/* Rows of measures at most in one answer; a report that needs every row asks for all units. */
#define REPORT_ALL_ROWS (CITY_MAX_UNITS + 1)

/* Bulletins and scores read a whole month at once; asked for rarely. */
#define REPORT_LONG_TIMEOUT_US (60 * US_PER_SECOND)

/* ---- report_tiers.sql -------------------------------------------------------------------------
 */

/* Adds the rows of a result to a report whose shown tiers are set. */
void report_tiers_take(struct tiers_report *report, const struct pg_result *res);
void report_tiers_show(struct tiers_report *report, const struct city *city);
/* Both edges of the period. */
void report_edges_params(struct pg_params *params, const struct report_filter *filter);

/* ---- report_measures.sql ----------------------------------------------------------------------
 */

enum report_dimension {
    BY_UNIT,
    BY_REGION,
    BY_CATEGORY,
    BY_KIND,
    BY_CHANNEL,
    BY_DAY,   /* local days of the period on which something counts */
    BY_MONTH, /* the same of months */
    BY_TOTAL, /* no rows, only the total */
    BY_COUNT
};
/* code: the value of ?by=; zh and en: the name of the row without a key. */
extern const struct word report_dimension_words[BY_COUNT];

struct measures_question {
    enum report_dimension by;
    const char *after; /* rows behind this key; NULL = from the first one */
    int64_t most;      /* rows beside the total */
    const char *level; /* tier word: places are rolled up to it; NULL = as they are */
    int depth;         /* matters are rolled up to it; 0 = as they are */
};
void report_measures_params(const struct request *r, struct pg_params *params,
                            const struct report_filter *filter, const struct measures_question *q);
/* Row of a result; the strings are copied into the arena. */
struct measures_row report_measures_row(struct arena *arena, const struct pg_result *res, int row,
                                        enum report_dimension by, bool *is_total_r);

/* ---- score_set_at.sql -------------------------------------------------------------------------
 */

/* The set in force at the last moment of the period. */
void report_score_params(struct pg_params *params, const struct report_filter *filter);
/* NULL if there was none; INVARIANT: what is stored was checked when it came. */
const struct score_set *report_score_set(struct arena *arena, const struct pg_result *res, int row);

#endif
