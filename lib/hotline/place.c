/*
 * place.c - from the names in a text to regions with scores; place.h says how they are reckoned.
 */
#include "hotline/place.h"

#include <stdlib.h>
#include <string.h>

#include "hotline/place_private.h"

#define MAX_REGIONS 128 /* looked at for one text */
#define MAX_READINGS 32 /* a name of more places counts only below places that are named too */

static const int own_points[PLACE_KIND_COUNT] = {
    [PLACE_WEAK] = 35,  [PLACE_STEM] = 55,  [PLACE_LOCAL] = 80,
    [PLACE_SHORT] = 80, [PLACE_GIVEN] = 80, [PLACE_FULL] = 85,
};
/* Of a name of a region above. */
static const int above_points[PLACE_KIND_COUNT] = {
    [PLACE_STEM] = 5, [PLACE_LOCAL] = 10, [PLACE_SHORT] = 10, [PLACE_GIVEN] = 10, [PLACE_FULL] = 10,
};
#define CITY_POINTS 5
#define LATE_POINTS (-5)
#define GLUED_POINTS (-25)
#define FOREIGN_POINTS (-45)
#define CONTRADICTION_POINTS (-45)
#define STEM_CONTRADICTION_POINTS (-20)
#define SCORE_MAX 100

struct search {
    const struct city *city;
    const struct place_index *index;
    const struct place_text *text;
    struct place_hits hits;
    size_t region_count;
    int regions[MAX_REGIONS];
};

/* What speaks for and against one region. */
struct verdict {
    int region, score;
    int own, above, city_bonus, against; /* points */
    size_t own_hit;                      /* hit_count = none */
    bool is_contradicted, is_foreign, is_late;
    bool supports[PLACE_TEXT_MAX]; /* by hit */
};

/* A verdict without what is only needed on the way to it. */
struct standing {
    int region, score;
    size_t own_hit;
    bool is_excluded; /* contradicted or foreign: not for machines */
    size_t span_count;
    struct place_span spans[CITY_MAX_DEPTH];
};

/* ---- which regions ------------------------------------------------------------------------- */

static bool is_parent_named(const struct search *s, int region)
{
    int parent = city_region(s->city, region)->parent;
    for (size_t i = 0; parent >= 0 && i < s->hits.count; i++) {
        const struct place_hit *hit = &s->hits.list[i];
        const struct place_reading *reading =
            place_reading_of(s->index, hit->pattern, city_region(s->city, parent));
        if (reading != NULL && place_hit_kind(hit, reading->kind) > PLACE_WEAK)
            return true;
    }
    return false;
}

static void add_region(struct search *s, const struct place_reading *reading)
{
    if (s->region_count == MAX_REGIONS || place_is_whole_city(s->city, reading->region) ||
        (reading->kind == PLACE_LOCAL && !is_parent_named(s, reading->region)))
        return;
    for (size_t i = 0; i < s->region_count; i++)
        if (s->regions[i] == reading->region)
            return;
    s->regions[s->region_count++] = reading->region;
}

/* Readings of the hit within a region, at most MAX_READINGS of them. */
static void add_readings_within(struct search *s, const struct place_hit *hit, int region)
{
    const struct place_pattern *p = &s->index->patterns[hit->pattern];
    const struct region *outer = city_region(s->city, region);
    uint32_t at = place_reading_from(s->index, hit->pattern, outer->first);
    for (int n = 0; at < p->count && n < MAX_READINGS; at++, n++) {
        const struct place_reading *reading = &s->index->readings[p->first + at];
        if (reading->order > outer->last)
            return;
        add_region(s, reading);
    }
}

static void add_common(struct search *s, const struct place_hit *hit)
{
    for (size_t i = 0; i < s->hits.count; i++) {
        const struct place_pattern *other = &s->index->patterns[s->hits.list[i].pattern];
        if (other->count > MAX_READINGS)
            continue;
        for (uint32_t r = 0; r < other->count; r++) {
            int region = s->index->readings[other->first + r].region;
            if (!place_is_whole_city(s->city, region))
                add_readings_within(s, hit, region);
        }
    }
}

static void collect_regions(struct search *s)
{
    s->region_count = 0;
    for (size_t i = 0; i < s->hits.count; i++) {
        const struct place_hit *hit = &s->hits.list[i];
        const struct place_pattern *p = &s->index->patterns[hit->pattern];
        if (p->count > MAX_READINGS)
            add_common(s, hit);
        else
            for (uint32_t r = 0; r < p->count; r++)
                add_region(s, &s->index->readings[p->first + r]);
    }
}

/* ---- for ----------------------------------------------------------------------------------- */

/* The deepest region on the way to `region` that the hit names; NULL = none. */
static const struct place_reading *reading_on_way(const struct search *s,
                                                  const struct place_hit *hit, int region)
{
    const struct place_reading *reading = NULL;
    for (int at = region; at >= 0 && reading == NULL; at = city_region(s->city, at)->parent)
        reading = place_reading_of(s->index, hit->pattern, city_region(s->city, at));
    return reading;
}

static void count_for(const struct search *s, struct verdict *v, size_t h,
                      const struct place_reading *reading)
{
    const struct place_hit *hit = &s->hits.list[h];
    enum place_kind kind = place_hit_kind(hit, reading->kind);
    if (reading->region == v->region) {
        int points = own_points[kind] + (hit->is_glued ? GLUED_POINTS : 0) +
                     (hit->is_foreign ? FOREIGN_POINTS : 0);
        v->supports[h] = true;
        if (v->own_hit == s->hits.count || points > v->own) {
            v->own = points;
            v->own_hit = h;
        }
        return;
    }
    if (kind == PLACE_WEAK)
        return;
    v->supports[h] = true;
    if (place_is_whole_city(s->city, reading->region)) {
        v->city_bonus = CITY_POINTS;
        return;
    }
    v->is_foreign |= hit->is_foreign;
    if (above_points[kind] > v->above)
        v->above = above_points[kind];
}

/* ---- against ------------------------------------------------------------------------------- */

static bool names_within(const struct search *s, const struct place_hit *hit, int region)
{
    const struct region *outer = city_region(s->city, region);
    const struct place_pattern *p = &s->index->patterns[hit->pattern];
    uint32_t at = place_reading_from(s->index, hit->pattern, outer->first);
    return at < p->count && s->index->readings[p->first + at].order <= outer->last;
}

/* The weightiest kind of the hit's readings, and how high the highest of them stands. A name of a
 * great many places is looked at in part: it excludes none of them for sure. */
static enum place_kind strongest(const struct search *s, const struct place_hit *hit, int *depth_r)
{
    const struct place_pattern *p = &s->index->patterns[hit->pattern];
    enum place_kind best = PLACE_WEAK;
    *depth_r = CITY_MAX_DEPTH;
    for (uint32_t r = 0; r < p->count && r < MAX_READINGS; r++) {
        const struct place_reading *reading = &s->index->readings[p->first + r];
        enum place_kind kind = place_hit_kind(hit, reading->kind);
        int depth = city_region(s->city, reading->region)->depth;
        best = kind > best ? kind : best;
        *depth_r = depth < *depth_r ? depth : *depth_r;
    }
    return best;
}

static void count_against(const struct search *s, struct verdict *v, size_t h)
{
    const struct place_hit *hit = &s->hits.list[h];
    int depth;
    if (names_within(s, hit, v->region))
        return;
    enum place_kind kind = strongest(s, hit, &depth);
    if (kind >= PLACE_SHORT) {
        v->against += CONTRADICTION_POINTS;
        v->is_contradicted = true;
    } else if (kind == PLACE_STEM &&
               (h < v->own_hit || depth < city_region(s->city, v->region)->depth)) {
        v->against += STEM_CONTRADICTION_POINTS;
    }
}

/* ---- verdicts ------------------------------------------------------------------------------ */

static void judge(const struct search *s, int region, struct verdict *v)
{
    const struct place_reading *readings[PLACE_TEXT_MAX];
    *v = (struct verdict){.region = region, .own_hit = s->hits.count};
    for (size_t h = 0; h < s->hits.count; h++) {
        readings[h] = reading_on_way(s, &s->hits.list[h], region);
        if (readings[h] != NULL)
            count_for(s, v, h, readings[h]);
    }
    INVARIANT(v->own_hit < s->hits.count); /* a name brought it here */
    v->is_foreign |= s->hits.list[v->own_hit].is_foreign;
    for (size_t h = 0; h < s->hits.count; h++) {
        if (readings[h] == NULL)
            count_against(s, v, h);
        else if (h > v->own_hit && v->supports[h] && readings[h]->region != region &&
                 !place_is_whole_city(s->city, readings[h]->region))
            v->is_late = true;
    }
    bool above_is_foreign = v->is_foreign && !s->hits.list[v->own_hit].is_foreign;
    v->score = v->own + v->above + v->city_bonus + v->against + (v->is_late ? LATE_POINTS : 0) +
               (above_is_foreign ? FOREIGN_POINTS : 0);
    v->score = v->score < 0 ? 0 : v->score > SCORE_MAX ? SCORE_MAX : v->score;
}

static struct standing standing_of(const struct search *s, const struct verdict *v)
{
    struct standing standing = {.region = v->region,
                                .score = v->score,
                                .own_hit = v->own_hit,
                                .is_excluded = v->is_contradicted || v->is_foreign};
    for (size_t h = 0; h < s->hits.count && standing.span_count < CITY_MAX_DEPTH; h++) {
        const struct place_hit *hit = &s->hits.list[h];
        if (v->supports[h])
            standing.spans[standing.span_count++] = (struct place_span){
                s->text->source[hit->from].from, s->text->source[hit->to - 1].to};
    }
    return standing;
}

static bool on_one_line(const struct city *city, int a, int b)
{
    return city_region_within(city, a, b) || city_region_within(city, b, a);
}

/* Is there one below it, of another name in the text, that scores as well? */
static bool is_said_by_deeper(const struct search *s, const struct standing *list, size_t count,
                              const struct standing *one)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].region != one->region && list[i].score >= one->score &&
            list[i].own_hit != one->own_hit &&
            city_region_within(s->city, list[i].region, one->region))
            return true;
    return false;
}

static bool is_before(const struct city *city, const struct standing *a, const struct standing *b)
{
    const struct region *x = city_region(city, a->region), *y = city_region(city, b->region);
    if (a->score != b->score)
        return a->score > b->score;
    return x->depth != y->depth ? x->depth < y->depth : x->order < y->order;
}

static bool is_certain(const struct search *s, const struct standing *list, size_t count,
                       const struct standing *best)
{
    if (best->score < PLACE_CERTAIN || best->is_excluded)
        return false;
    for (size_t i = 0; i < count; i++)
        if (list[i].score > best->score - PLACE_MARGIN &&
            !on_one_line(s->city, list[i].region, best->region))
            return false;
    return true;
}

/* Puts the best of those not taken yet into the result. */
static bool take_best(const struct search *s, const struct standing *list, size_t count,
                      bool *is_taken, struct place_result *result)
{
    const struct standing *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (!is_taken[i] && (best == NULL || is_before(s->city, &list[i], best)))
            best = &list[i];
    if (best == NULL || best->score < PLACE_OFFERED)
        return false;
    is_taken[best - list] = true;
    if (is_said_by_deeper(s, list, count, best))
        return true;
    struct place_candidate *c = &result->list[result->count];
    *c = (struct place_candidate){.region = best->region,
                                  .score = best->score,
                                  .is_certain =
                                      result->count == 0 && is_certain(s, list, count, best),
                                  .span_count = best->span_count};
    memcpy(c->spans, best->spans, sizeof(c->spans));
    result->count++;
    return true;
}

void place_find(const struct city *city, const char *text, size_t len,
                struct place_result *result_r)
{
    struct place_text read;
    struct search s = {.city = city, .index = city_places(city), .text = &read};
    struct standing list[MAX_REGIONS];
    bool is_taken[MAX_REGIONS] = {false};
    result_r->count = 0;
    place_text_read(&read, text, len);
    place_hits_find(city, &read, &s.hits);
    collect_regions(&s);
    for (size_t i = 0; i < s.region_count; i++) {
        struct verdict verdict;
        judge(&s, s.regions[i], &verdict);
        list[i] = standing_of(&s, &verdict);
    }
    while (result_r->count < PLACE_MAX_CANDIDATES &&
           take_best(&s, list, s.region_count, is_taken, result_r))
        continue;
}

int place_certain(const struct city *city, const char *text, size_t len)
{
    struct place_result result;
    place_find(city, text, len, &result);
    return result.count > 0 && result.list[0].is_certain ? result.list[0].region : -1;
}
