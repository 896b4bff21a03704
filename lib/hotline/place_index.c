/*
 * place_index.c - all names of a city's regions as one automaton (Aho and Corasick 1975).
 *
 * Built from the sorted names level by level: the names below a state are a run of the sorted list,
 * so a state's children are the runs of equal next bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "hotline/place_private.h"

/* ---- patterns ------------------------------------------------------------------------------ */

static int compare_bytes(const struct place_name *a, const struct place_name *b)
{
    size_t shorter = a->len < b->len ? a->len : b->len;
    int order = memcmp(a->bytes, b->bytes, shorter);
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* By bytes, then region, the weightiest kind first. */
static int compare_names(const void *x, const void *y)
{
    const struct place_name *a = x, *b = y;
    int order = compare_bytes(a, b);
    if (order != 0)
        return order;
    if (a->region != b->region)
        return a->region < b->region ? -1 : 1;
    return (a->kind < b->kind) - (a->kind > b->kind);
}

static int compare_readings(const void *x, const void *y)
{
    const struct place_reading *a = x, *b = y;
    return (a->order > b->order) - (a->order < b->order);
}

static struct place_pattern pattern_of(const struct place_name *name, size_t first_reading)
{
    struct place_text text;
    place_text_read(&text, name->bytes, name->len);
    return (struct place_pattern){.first = (uint32_t)first_reading,
                                  .chars = (uint16_t)text.count,
                                  .is_street = place_ends_street(&text, text.count)};
}

/* Makes patterns and readings; keeps of the names one for each pattern, in front. */
static void index_patterns(struct place_index *index, const struct city *city,
                           struct place_names *names)
{
    size_t patterns = 0, readings = 0;
    qsort(names->list, names->count, sizeof(*names->list), compare_names);
    index->patterns = xcalloc(names->count + 1, sizeof(*index->patterns));
    index->readings = xcalloc(names->count + 1, sizeof(*index->readings));
    for (size_t i = 0; i < names->count; i++) {
        struct place_name name = names->list[i];
        if (patterns == 0 || compare_bytes(&names->list[patterns - 1], &name) != 0) {
            index->patterns[patterns] = pattern_of(&name, readings);
            names->list[patterns++] = name;
        } else if (index->readings[readings - 1].region == name.region) {
            continue; /* a lighter kind of the same */
        }
        index->readings[readings++] =
            (struct place_reading){name.region, city_region(city, name.region)->order, name.kind};
        struct place_pattern *pattern = &index->patterns[patterns - 1];
        pattern->best = name.kind > pattern->best ? name.kind : pattern->best;
        pattern->count++;
    }
    for (size_t i = 0; i < patterns; i++)
        qsort(index->readings + index->patterns[i].first, index->patterns[i].count,
              sizeof(*index->readings), compare_readings);
    index->pattern_count = names->count = patterns;
    index->reading_count = readings;
}

uint32_t place_reading_from(const struct place_index *index, uint32_t pattern, int order)
{
    const struct place_pattern *p = &index->patterns[pattern];
    uint32_t low = 0, high = p->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index->readings[p->first + middle].order < order)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct place_reading *place_reading_of(const struct place_index *index, uint32_t pattern,
                                             const struct region *region)
{
    const struct place_pattern *p = &index->patterns[pattern];
    uint32_t at = place_reading_from(index, pattern, region->order);
    if (at == p->count || index->readings[p->first + at].order != region->order)
        return NULL;
    return &index->readings[p->first + at];
}

/* ---- states -------------------------------------------------------------------------------- */

/* The names below a state: the run [low, high) of the sorted ones, equal in their first bytes. */
struct state_run {
    uint32_t low, high, depth;
};

static size_t common_prefix(const struct place_name *a, const struct place_name *b)
{
    size_t shorter = a->len < b->len ? a->len : b->len, same = 0;
    while (same < shorter && a->bytes[same] == b->bytes[same])
        same++;
    return same;
}

static size_t count_states(const struct place_names *names)
{
    size_t states = 1;
    for (size_t i = 0; i < names->count; i++)
        states +=
            names->list[i].len - (i == 0 ? 0 : common_prefix(&names->list[i - 1], &names->list[i]));
    return states;
}

static void state_children(struct place_index *index, const struct place_names *names,
                           struct state_run *runs, uint32_t state, uint32_t *next)
{
    struct state_run run = runs[state];
    index->first_child[state] = *next;
    if (run.low < run.high && names->list[run.low].len == run.depth)
        index->pattern_at[state] = ++run.low; /* number + 1 */
    while (run.low < run.high) {
        char byte = names->list[run.low].bytes[run.depth];
        uint32_t end = run.low + 1;
        while (end < run.high && names->list[end].bytes[run.depth] == byte)
            end++;
        index->label[*next] = (uint8_t)byte;
        runs[(*next)++] = (struct state_run){run.low, end, run.depth + 1};
        run.low = end;
    }
}

static void index_states(struct place_index *index, const struct place_names *names)
{
    size_t states = count_states(names);
    INVARIANT(states < UINT32_MAX);
    struct state_run *runs = xcalloc(states, sizeof(*runs));
    uint32_t next = 1;
    index->state_count = (uint32_t)states;
    index->first_child = xcalloc(states + 1, sizeof(*index->first_child));
    index->fail = xcalloc(states, sizeof(*index->fail));
    index->output = xcalloc(states, sizeof(*index->output));
    index->pattern_at = xcalloc(states, sizeof(*index->pattern_at));
    index->label = xcalloc(states, sizeof(*index->label));
    runs[0] = (struct state_run){0, (uint32_t)names->count, 0};
    for (uint32_t state = 0; state < states; state++)
        state_children(index, names, runs, state, &next);
    INVARIANT(next == states);
    index->first_child[states] = next;
    free(runs);
    for (uint32_t child = index->first_child[0]; child < index->first_child[1]; child++)
        index->root_next[index->label[child]] = child;
}

static uint32_t next_state(const struct place_index *index, uint32_t state, uint8_t byte)
{
    if (state == 0)
        return index->root_next[byte];
    uint32_t low = index->first_child[state], high = index->first_child[state + 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index->label[middle] == byte)
            return middle;
        if (index->label[middle] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

uint32_t place_index_step(const struct place_index *index, uint32_t state, uint8_t byte)
{
    uint32_t next = next_state(index, state, byte);
    while (next == 0 && state != 0) {
        state = index->fail[state];
        next = next_state(index, state, byte);
    }
    return next;
}

/* Breadth first: what a state's links lead to has a smaller number. */
static void index_links(struct place_index *index)
{
    for (uint32_t state = 0; state < index->state_count; state++) {
        for (uint32_t child = index->first_child[state]; child < index->first_child[state + 1];
             child++) {
            index->fail[child] =
                state == 0 ? 0 : place_index_step(index, index->fail[state], index->label[child]);
            index->output[child] =
                index->pattern_at[child] != 0 ? child : index->output[index->fail[child]];
        }
    }
}

struct place_index *place_index_build(const struct city *city)
{
    struct place_index *index = xcalloc(1, sizeof(*index));
    struct place_names names;
    place_names_collect(city, &names);
    index_patterns(index, city, &names);
    index_states(index, &names);
    index_links(index);
    free(names.list);
    arena_free(&names.arena);
    return index;
}

void place_index_free(struct place_index **index)
{
    struct place_index *i = *index;
    *index = NULL;
    if (i == NULL)
        return;
    free(i->first_child);
    free(i->fail);
    free(i->output);
    free(i->pattern_at);
    free(i->label);
    free(i->patterns);
    free(i->readings);
    free(i);
}
