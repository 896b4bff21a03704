/*
 * measures.h - the rates of DOMAIN 5 as pure arithmetic on raw counts; scores: score.h.
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
/* The same in ten-thousandths: 8280. */
MUST_CHECK bool measure_rate_parts(struct measure m, int64_t *parts_r);

#endif
