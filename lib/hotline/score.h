/*
 * score.h - scores of measures (DOMAIN 5): "on-time 20 points, full at 95 %, -1 per point below".
 *
 * A scale gives all its points from `full_at` on, loses `per_point` for each percentage point on
 * the wrong side of it (in proportion, not in steps), and never falls below `floor`. Scales are a
 * versioned set of the city; nothing here is a constant of the program.
 *
 * Arithmetic is in integers: points and percents are millionths ("micro"), a score is computed from
 * the exact ratio of the counts, not from the rounded rate, and rounded once, half up, to a
 * millionth of a point.
 *
 * 0/0: where nothing was due a scale says nothing, neither full points nor none. It is left out,
 * and the total of the others is scaled up to the full points of the whole set, so that units with
 * different scales left out can be compared. If nothing at all was due there is no total and no
 * rank.
 */
#ifndef HOTLINE_SCORE_H
#define HOTLINE_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "hotline/measures.h"

#define SCORE_MICRO 1000000
/* A set has each measure at most once. */
#define SCORE_MAX_SCALES MEASURE_COUNT
/* A scale's points and its loss per percentage point at most, and percents: 0..100. */
#define SCORE_MAX_POINTS 1000
#define SCORE_MAX_PERCENT 100
/* Counts at most, as for measure_rate(): no city has so many tickets. */
#define SCORE_MAX_COUNT (INT64_MAX / 40000)

/* Which side of full_at costs points: a low rate (on time), or a high one (returns, redos). */
enum score_side { SCORE_BELOW, SCORE_ABOVE, SCORE_SIDE_COUNT };
extern const struct word score_side_words[SCORE_SIDE_COUNT];

struct score_scale {
    enum measure_kind measure;
    enum score_side lose;
    int64_t points_micro;    /* full score, > 0 */
    int64_t full_at_micro;   /* percent, 0..100 */
    int64_t per_point_micro; /* points lost per percentage point, > 0 */
    int64_t floor_micro;     /* 0..points */
};

struct score_set {
    int64_t version; /* 0: not stored */
    const char *name;
    int64_t from_us; /* in force from here on, until a later one is */
    size_t count;
    struct score_scale scales[SCORE_MAX_SCALES];
};

/* NULL, or the name of the member that is out of its range. */
const char *score_scale_fault(const struct score_scale *scale);
/* Full points of all scales together. */
int64_t score_set_full_micro(const struct score_set *set);

/* false: none due, so there is no score. The scale has to be free of faults. */
MUST_CHECK bool score_of(const struct score_scale *scale, struct measure m, int64_t *points_r);

/* What one row (unit, region ...) gets. */
struct score_row {
    bool is_due[SCORE_MAX_SCALES]; /* by index of the set's scales; false: none due */
    int64_t points_micro[SCORE_MAX_SCALES];
    int64_t sum_micro;    /* of the scales that are due */
    int64_t out_of_micro; /* full points of these */
    bool has_total;
    int64_t total_micro; /* sum / out_of of the set's full points, rounded half up */
    int rank; /* 1 = best; equal totals share it and the next ones are skipped; 0 = none */
};
/* measure[] by enum measure_kind. rank stays 0. */
void score_rate(const struct score_set *set, const struct measure *measure,
                struct score_row *row_r);
/* Gives ranks to rows with a total. `order` has `count` indexes and comes back sorted: by rank,
 * those without a total last, otherwise in the order of the rows. */
void score_rank(struct score_row *rows, size_t *order, size_t count);

#endif
