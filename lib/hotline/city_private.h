/*
 * city_private.h - what the files of city and route share: the built city and the builder.
 *
 * city_build.c runs the steps in the order of their dependence: head, regions, categories,
 * policies, calendars (city_build.c, city_tree.c), units and places (city_units.c), rules and their
 * index (city_rules.c), warnings (city_check.c). Every step reports all faults it finds, so that
 * one import shows them all; a reference to something faulty is resolved as far as possible, to
 * keep one mistake from showing up as hundreds.
 */
#ifndef HOTLINE_CITY_PRIVATE_H
#define HOTLINE_CITY_PRIVATE_H

#include "base/alloc.h"
#include "base/map.h"
#include "hotline/city.h"

#define DUTY_GENERAL 0
#define CITY_DEFAULT_POLICY "default"

/* The criteria of specificity in their order (route.h); the position in the set comes last. */
enum rank_criterion {
    RANK_CATEGORY,
    RANK_REGION,
    RANK_KEYWORD,
    RANK_WINDOW,
    RANK_KIND,
    RANK_CHANNEL,
    RANK_URGENCY,
    RANK_POSITION,
    RANK_COUNT
};
struct rule_rank {
    int key[RANK_POSITION]; /* greater = more specific */
};

/* First child and next sibling of every node; -1 = none. */
struct tree_links {
    int first_root;
    int *first_child, *next_sibling;
};

/* Open addressing from a 64-bit key, never 0, to an int; sized once, at most half full. */
struct index_slot {
    uint64_t key;
    int value;
};
struct index_table {
    struct index_slot *slots;
    size_t mask;
};
void index_init(struct index_table *table, struct arena *arena, size_t max_entries);
/* false if the key is there already (then *value_r, if given, is its value). */
bool index_put(struct index_table *table, uint64_t key, int value, int *value_r);
int index_get(const struct index_table *table, uint64_t key); /* -1 = none */

/* Rules of one category (or -1) and one region (or -1): a run of city.bucket_rules, most specific
 * first. */
struct rule_bucket {
    int first, count;
};

/* A unit over a place. */
struct place {
    int tier, duty, order, unit; /* order: of the region */
};

/* Policies of a version that is not in force. */
struct policy_set {
    int64_t version;
    struct sla_policy **policies;
    size_t count;
};

struct place_index; /* place_private.h */

struct city {
    unsigned refs;
    struct arena *arena; /* everything below, but maps, policies and calendars */
    const char *code, *name, *rule_set, *sla_set;
    int offset_min;
    bool has_tier[TIER_COUNT];
    int64_t rule_set_version, sla_version, calendar_version;

    struct region *regions;
    size_t region_count;
    struct tree_links region_links;
    int root;
    struct category *categories;
    size_t category_count;
    struct tree_links category_links;
    struct unit *units;
    size_t unit_count;
    const char **duties;
    size_t duty_count;
    struct rule *rules;
    size_t rule_count;
    struct sla_policy **policies;
    size_t policy_count;
    int default_policy;
    struct policy_set *older_sets;
    size_t older_set_count;
    struct calendar **calendars;
    size_t calendar_count;
    int *region_calendar; /* of each region; index into calendars */
    int city_calendar;

    /* Code -> index; the maps hold index + 1 as a pointer. */
    struct map *region_by_code, *category_by_code, *unit_by_code, *rule_by_code, *duty_by_name,
        *policy_by_name;

    struct place_index *place_names; /* of a city without errors */
    struct place *places;            /* by tier, duty, order of the region */
    size_t place_count;
    struct index_table unit_over; /* place_key() -> unit */

    struct rule_rank *ranks;
    int *ranked;       /* rules by category, most specific first within each */
    int *ranked_first; /* of category c at [c + 1], of "any" at [0]; category_count + 2 entries */
    int *bucket_rules; /* rules by category and region, most specific first within each */
    struct rule_bucket *buckets;
    struct index_table bucket_by_key; /* bucket_key() -> bucket */
};

/* Fields do not overlap: at most CITY_MAX_UNITS * CITY_MAX_UNIT_DUTIES + CITY_MAX_RULES duties <
 * 2^24. */
static inline uint64_t place_key(int region, int tier, int duty)
{
    return (uint64_t)(region + 1) << 32 | (uint64_t)tier << 24 | (uint64_t)duty;
}

static inline uint64_t bucket_key(int category, int region)
{
    return ((uint64_t)(category + 1) << 32 | (uint64_t)(region + 1)) + 1;
}

int code_find(const struct map *map, const char *code);

/* ---- building ------------------------------------------------------------------------------ */

struct builder {
    const struct city_spec *spec;
    struct city *city;
    struct city_faults *faults;
};

static inline bool given(const char *s)
{
    return s != NULL && s[0] != '\0';
}

void fault_add(struct builder *b, enum city_severity severity, const char *reason,
               const char *detail, const char *field, ...) PRINTF_LIKE(5, 6);
/* "list[CODE]" or, if the code cannot be shown, "list[#index]", then the part: ".unit". */
void fault_row(struct builder *b, const char *reason, const char *detail, const char *list,
               const char *code, size_t index, const char *part);
bool code_well_formed(const char *code);
/*
 * Puts a row's code into a map of its list. Refuses missing, badly formed and doubled codes; the
 * row is kept under the first one. `part` is the
 * name of the key (".code"), `form` NULL means code_well_formed().
 */
void code_register(struct builder *b, struct map *map, const char *list, const char *code,
                   size_t index, const char *part, bool (*form)(const char *code));
/* Copies a name, refuses a missing or over-long one. */
const char *name_copy(struct builder *b, const char *list, const char *code, size_t index,
                      const char *name);
/* Refuses more than max rows; the list then counts as empty. */
size_t list_bound(struct builder *b, const char *list, size_t count, size_t max);
/* A tier word that stands for a level or a unit's tier: not the desk. -1 with a fault. */
int tier_parse(struct builder *b, const char *list, const char *code, size_t index,
               const char *part, const char *word);

void city_build_regions(struct builder *b);
void city_build_categories(struct builder *b);
void city_build_units(struct builder *b);
void city_build_rules(struct builder *b);
/* After all the others, and only without errors. */
void city_index_rules(struct city *city);
void city_check_rules(struct builder *b);

/* ---- rules --------------------------------------------------------------------------------- */

/* < 0 if rule a is more specific; *by_r is the criterion that decided. */
int rank_compare(const struct city *city, int a, int b, enum rank_criterion *by_r);
const struct rule_bucket *city_rule_bucket(const struct city *city, int category, int region);
int city_intern_duty(struct city *city, const char *duty);
/* Is some unit of that tier or above, with the duty or "general", over any place within the region
 * or over the region? */
bool city_duty_served(const struct city *city, int region, int tier, int duty);

#endif
