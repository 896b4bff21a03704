/*
 * replay.c - the same matter under two sets of rules.
 */
#include "hotline/replay.h"

#include <stdlib.h>

void replay_init(struct replay *replay, struct arena *arena, const struct city *before,
                 const struct city *after, size_t samples)
{
    INVARIANT(city_unit_count(before) == city_unit_count(after));
    *replay = (struct replay){
        .before = before,
        .after = after,
        .units = arena_alloc(arena, (city_unit_count(before) + 1) * sizeof(*replay->units)),
        .sample_max = samples < REPLAY_MAX_SAMPLES ? samples : REPLAY_MAX_SAMPLES,
    };
}

static bool is_same_otherwise(const struct replay *replay, const struct route *a,
                              const struct route *b)
{
    if (a->kind != b->kind || a->urgency != b->urgency || a->co_unit_count != b->co_unit_count)
        return false;
    for (size_t i = 0; i < a->co_unit_count; i++)
        if (a->co_units[i] != b->co_units[i])
            return false;
    const char *policy = sla_policy_name(city_policy(replay->before, a->policy));
    return city_find_policy(replay->after, policy) == b->policy;
}

static void count_move(struct replay *replay, int64_t number, const struct route *a,
                       const struct route *b)
{
    replay->moved++;
    if (a->lead_unit < 0)
        replay->from_pool++;
    else
        replay->units[a->lead_unit].loses++;
    if (b->lead_unit < 0)
        replay->to_pool++;
    else
        replay->units[b->lead_unit].gains++;
    if (replay->sample_count < replay->sample_max)
        replay->samples[replay->sample_count++] =
            (struct replay_sample){number, a->lead_unit, b->lead_unit, a->rule, b->rule};
}

void replay_matter(struct replay *replay, int64_t number, const struct route_matter *matter)
{
    struct route a, b;
    route_matter(replay->before, matter, &a);
    route_matter(replay->after, matter, &b);
    replay->tickets++;
    if (a.lead_unit != b.lead_unit) {
        count_move(replay, number, &a, &b);
        return;
    }
    replay->unchanged++;
    if (!is_same_otherwise(replay, &a, &b))
        replay->unchanged_but++;
}

static int by_moves(const void *a, const void *b, void *ctx)
{
    const struct replay *replay = ctx;
    int x = *(const int *)a, y = *(const int *)b;
    int64_t p = replay->units[x].loses + replay->units[x].gains;
    int64_t q = replay->units[y].loses + replay->units[y].gains;
    return p != q ? (p < q) - (p > q) : (x > y) - (x < y);
}

const int *replay_units(const struct replay *replay, struct arena *arena, size_t *count_r)
{
    size_t units = city_unit_count(replay->before), count = 0;
    int *list = arena_alloc(arena, (units + 1) * sizeof(*list));
    struct replay sorted = *replay;
    for (size_t i = 0; i < units; i++)
        if (replay->units[i].loses + replay->units[i].gains > 0)
            list[count++] = (int)i;
    qsort_r(list, count, sizeof(*list), by_moves, &sorted);
    *count_r = count;
    return list;
}
