/*
 * measures.h - the rates of DOMAIN 5 and their scores, as pure arithmetic on raw counts.
 *
 * 0/0 is a value of its own, "none due"; it is neither 0 % nor 100 %. A rate is always given
 * together with its counts, so it is only rounded where it is shown.
 */
#ifndef HOTLINE_MEASURES_H
#define HOTLINE_MEASURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "hotline/vocabulary.h"

enum measure_kind {
    MEASURE_ON_TIME_CLOSING,
    MEASURE_CLOSING,
    MEASURE_ON_TIME_SIGNING,
    MEASURE_RESPONSE,
    MEASURE_SOLVED, /* of all call-backs; first and final: of the first and last one of a ticket */
    MEASURE_SOLVED_FIRST,
    MEASURE_SOLVED_FINAL,
    MEASURE_SATISFIED,
    MEASURE_SATISFIED_FIRST,
    MEASURE_SATISFIED_FINAL,
    MEASURE_RETURN,
    MEASURE_REDO,
    MEASURE_ONCE_DONE,
    MEASURE_COUNT
};
extern const struct word measure_words[MEASURE_COUNT];
/* What exactly is counted: code is "numerator / denominator" in the words of the other two. */
extern const struct word measure_definitions[MEASURE_COUNT];

struct measure {
    int64_t numerator, denominator; /* >= 0; redo may exceed 1 */
};

/* Rounded half up to 4 digits, exact in integers: 24165 of 29186 is 0.8280. false: none due. */
MUST_CHECK bool measure_rate(struct measure m, double *rate_r);

/* ---- scores: piecewise linear over the rate, settings of a city -------------------------------
 */

/* At a rate of `percent` the score is `points`; straight lines between, constant outside. */
struct score_knot {
    double percent, points;
};
#define SCORE_MAX_KNOTS 16
struct score_scale {
    size_t count;
    struct score_knot knots[SCORE_MAX_KNOTS]; /* by percent, strictly rising */
};

/*
 * "20 points, full at 95 %, -1 per point below, floor 0" as a scale. false if the numbers make
 * none: full outside 0..100, a loss of nothing, a floor above the full score.
 */
MUST_CHECK bool score_scale_falling(double points, double full_percent, double loss_per_percent,
                                    double floor, struct score_scale *scale_r);
/* At least one knot, finite numbers, percents strictly rising within 0..100. */
bool score_scale_valid(const struct score_scale *scale);
/* Of the exact ratio, not of the rounded rate. false: none due, so there is no score either. */
MUST_CHECK bool measure_score(const struct score_scale *scale, struct measure m, double *points_r);

#endif
