/*
 * score.c - piecewise linear scores in exact integers.
 */
#include "hotline/score.h"

#include <stdlib.h>

#include "base/alloc.h"

__extension__ typedef __int128 wide; /* counts times millionths times millionths */

const struct word score_side_words[SCORE_SIDE_COUNT] = {
    [SCORE_BELOW] = {"below", "低于满分线扣分", "points are lost below full_at"},
    [SCORE_ABOVE] = {"above", "高于满分线扣分", "points are lost above full_at"},
};

const char *score_scale_fault(const struct score_scale *scale)
{
    const int64_t max_points = (int64_t)SCORE_MAX_POINTS * SCORE_MICRO;
    const int64_t max_percent = (int64_t)SCORE_MAX_PERCENT * SCORE_MICRO;

    if (scale->points_micro <= 0 || scale->points_micro > max_points)
        return "points";
    if (scale->full_at_micro < 0 || scale->full_at_micro > max_percent)
        return "full_at";
    if (scale->per_point_micro <= 0 || scale->per_point_micro > max_points)
        return "per_point";
    if (scale->floor_micro < 0 || scale->floor_micro > scale->points_micro)
        return "floor";
    return NULL;
}

int64_t score_set_full_micro(const struct score_set *set)
{
    int64_t sum = 0;

    for (size_t i = 0; i < set->count; i++)
        sum += set->scales[i].points_micro;
    return sum;
}

/* numerator / denominator, both >= 0, half up. */
static int64_t divide_half_up(wide numerator, wide denominator)
{
    return (int64_t)((2 * numerator + denominator) / (2 * denominator));
}

bool score_of(const struct score_scale *scale, struct measure m, int64_t *points_r)
{
    const wide hundred_micro = (wide)100 * SCORE_MICRO;

    INVARIANT(score_scale_fault(scale) == NULL);
    INVARIANT(m.numerator >= 0 && m.numerator <= SCORE_MAX_COUNT);
    INVARIANT(m.denominator >= 0 && m.denominator <= SCORE_MAX_COUNT);
    if (m.denominator == 0)
        return false;
    /* Percentage points on the wrong side, in millionths, times the denominator. */
    wide short_of = (wide)scale->full_at_micro * m.denominator - hundred_micro * m.numerator;
    if (scale->lose == SCORE_ABOVE)
        short_of = -short_of;
    if (short_of <= 0) {
        *points_r = scale->points_micro;
        return true;
    }
    wide unit = (wide)m.denominator * SCORE_MICRO;
    wide left = (wide)scale->points_micro * unit - (wide)scale->per_point_micro * short_of;
    if (left < (wide)scale->floor_micro * unit)
        *points_r = scale->floor_micro;
    else
        *points_r = divide_half_up(left, unit);
    return true;
}

void score_rate(const struct score_set *set, const struct measure *measure, struct score_row *row_r)
{
    *row_r = (struct score_row){.rank = 0};
    for (size_t i = 0; i < set->count; i++) {
        const struct score_scale *scale = &set->scales[i];

        row_r->is_due[i] = score_of(scale, measure[scale->measure], &row_r->points_micro[i]);
        if (!row_r->is_due[i])
            continue;
        row_r->sum_micro += row_r->points_micro[i];
        row_r->out_of_micro += scale->points_micro;
    }
    row_r->has_total = row_r->out_of_micro > 0;
    if (row_r->has_total)
        row_r->total_micro =
            divide_half_up((wide)row_r->sum_micro * score_set_full_micro(set), row_r->out_of_micro);
}

struct ranked {
    const struct score_row *row;
    size_t index;
};

static int by_total(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->row->has_total != y->row->has_total)
        return x->row->has_total ? -1 : 1;
    if (x->row->has_total && x->row->total_micro != y->row->total_micro)
        return x->row->total_micro > y->row->total_micro ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

void score_rank(struct score_row *rows, size_t *order, size_t count)
{
    struct ranked *list = xcalloc(count + 1, sizeof(*list));

    for (size_t i = 0; i < count; i++)
        list[i] = (struct ranked){&rows[i], i};
    qsort(list, count, sizeof(*list), by_total);
    for (size_t i = 0; i < count; i++) {
        struct score_row *row = &rows[list[i].index];
        const struct score_row *before = i ? &rows[list[i - 1].index] : NULL;

        order[i] = list[i].index;
        if (row->has_total)
            row->rank =
                before && before->total_micro == row->total_micro ? before->rank : (int)i + 1;
    }
    free(list);
}
