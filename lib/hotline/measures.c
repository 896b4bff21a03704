/*
 * measures.c - names, definitions and arithmetic of the measures.
 */
#include "hotline/measures.h"

const struct word measure_words[MEASURE_COUNT] = {
    [MEASURE_ON_TIME_CLOSING] = {"on_time_closing", "按时办结率", "closed on time"},
    [MEASURE_CLOSING] = {"closing", "办结率", "closed"},
    [MEASURE_ON_TIME_SIGNING] = {"on_time_signing", "按时签收率", "signed on time"},
    [MEASURE_RESPONSE] = {"response", "响应率", "contacted on time"},
    [MEASURE_SOLVED] = {"solved", "解决率", "solved"},
    [MEASURE_SOLVED_FIRST] = {"solved_first", "首次解决率", "solved, first answer"},
    [MEASURE_SOLVED_FINAL] = {"solved_final", "最终解决率", "solved, final answer"},
    [MEASURE_SATISFIED] = {"satisfied", "满意率", "satisfied"},
    [MEASURE_SATISFIED_FIRST] = {"satisfied_first", "首次满意率", "satisfied, first answer"},
    [MEASURE_SATISFIED_FINAL] = {"satisfied_final", "最终满意率", "satisfied, final answer"},
    [MEASURE_RETURN] = {"return", "退单率", "returned"},
    [MEASURE_REDO] = {"redo", "重办率", "redone"},
    [MEASURE_ONCE_DONE] = {"once_done", "一次办结率", "done at once"},
};

#define DUE_ZH "本期到期（首轮办结时限）的工单，未办结即撤销、转出、不予受理的除外"
#define DUE_EN                                                                                     \
    "tickets whose first resolve deadline lies in the period, unless withdrawn, referred or "      \
    "rejected"
#define SENT_ZH                                                                                    \
    "本期派出的承办件（主办与协办，退单改派、下派上报后的另计），未签收且未超期即收回的除外"
#define SENT_EN                                                                                    \
    "assignments dispatched in the period, lead and co, those after a return or handed on "        \
    "counted again, unless taken back unsigned and in time"
#define CALLED_ZH "本期有效回访（接通且答复是否解决）"
#define CALLED_EN                                                                                  \
    "call-backs of the period that reached the citizen and learned whether it is solved"
#define RATED_ZH "本期有效评价（接通且给出评分）"
#define RATED_EN "call-backs of the period that reached the citizen and got a grade"
#define FIRST_ZH "，仅计工单的首次接通"
#define FIRST_EN ", only the first answered one of a ticket"
#define FINAL_ZH "，仅计工单的最后一次接通"
#define FINAL_EN ", only the last answered one of a ticket"
#define CLOSED_ZH "本期办结的工单"
#define CLOSED_EN "tickets closed in the period"

const struct word measure_definitions[MEASURE_COUNT] = {
    [MEASURE_ON_TIME_CLOSING] = {"closed on time / due", "按时办结 / " DUE_ZH,
                                 "closed without ever missing it / " DUE_EN},
    [MEASURE_CLOSING] = {"closed / due", "已办结 / " DUE_ZH, "closed by now / " DUE_EN},
    [MEASURE_ON_TIME_SIGNING] = {"signed on time / dispatched", "按时签收 / " SENT_ZH,
                                 "signed on time / " SENT_EN},
    [MEASURE_RESPONSE] = {"contacted on time / dispatched", "按时首次联系 / " SENT_ZH,
                          "citizen contacted on time / " SENT_EN},
    [MEASURE_SOLVED] = {"solved / validly called back", "已解决 / " CALLED_ZH,
                        "solved / " CALLED_EN},
    [MEASURE_SOLVED_FIRST] = {"solved / validly called back", "已解决 / " CALLED_ZH FIRST_ZH,
                              "solved / " CALLED_EN FIRST_EN},
    [MEASURE_SOLVED_FINAL] = {"solved / validly called back", "已解决 / " CALLED_ZH FINAL_ZH,
                              "solved / " CALLED_EN FINAL_EN},
    [MEASURE_SATISFIED] = {"satisfied / validly rated", "满意 / " RATED_ZH,
                           "satisfied / " RATED_EN},
    [MEASURE_SATISFIED_FIRST] = {"satisfied / validly rated", "满意 / " RATED_ZH FIRST_ZH,
                                 "satisfied / " RATED_EN FIRST_EN},
    [MEASURE_SATISFIED_FINAL] = {"satisfied / validly rated", "满意 / " RATED_ZH FINAL_ZH,
                                 "satisfied / " RATED_EN FINAL_EN},
    [MEASURE_RETURN] = {"returned / dispatched", "其中退单 / " SENT_ZH,
                        "returned of these / " SENT_EN},
    [MEASURE_REDO] = {"redone / closed", "本期进入重办的工单 / " CLOSED_ZH,
                      "tickets sent into a further round in the period / " CLOSED_EN},
    [MEASURE_ONCE_DONE] = {"closed with no redo / closed", "其中未经重办 / " CLOSED_ZH,
                           "of these with no redo / " CLOSED_EN},
};

/* Rates are told in ten-thousandths. */
#define RATE_PARTS 10000
/* Beyond this the rounding below would overflow; no city has so many tickets. */
#define RATE_MAX_COUNT (INT64_MAX / (4 * RATE_PARTS))

bool measure_rate_parts(struct measure m, int64_t *parts_r)
{
    INVARIANT(m.numerator >= 0 && m.denominator >= 0);
    INVARIANT(m.numerator <= RATE_MAX_COUNT && m.denominator <= RATE_MAX_COUNT);
    if (m.denominator == 0)
        return false;
    *parts_r = (2 * RATE_PARTS * m.numerator + m.denominator) / (2 * m.denominator);
    return true;
}

bool measure_rate(struct measure m, double *rate_r)
{
    int64_t parts;

    if (!measure_rate_parts(m, &parts))
        return false;
    *rate_r = (double)parts / RATE_PARTS;
    return true;
}
