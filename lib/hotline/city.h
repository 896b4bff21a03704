/*
 * city.h - a city's configuration: regions, tiers, units, categories, rules, policies, calendars.
 *
 * A city_spec is what an import or the database gives: plain arrays of strings and numbers,
 * unchecked. city_build() checks it as a whole and makes an immutable `struct city` with indexes:
 * everything is then looked up in O(1) or O(depth). The daemon swaps snapshots; a snapshot lives as
 * long as someone holds a reference.
 *
 * Regions (DOMAIN 1): 12-digit statistical codes (2+2+2+3+3), grids 14..20 digits; the parent is
 * explicit, so ragged trees (a city whose towns hang under a pseudo-county, or directly under the
 * city) need no special case.
 */
#ifndef HOTLINE_CITY_H
#define HOTLINE_CITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/sbuf.h"
#include "hotline/calendar.h"
#include "hotline/sla.h"
#include "hotline/vocabulary.h"

/* Bounds of a configuration; what exceeds them is refused as "range" before anything is allocated
 * for it. */
#define CITY_MAX_REGIONS 500000 /* a large city: ~40,000 grids */
#define CITY_MAX_UNITS 50000
#define CITY_MAX_CATEGORIES 50000
#define CITY_MAX_RULES 50000
#define CITY_MAX_POLICIES 256
#define CITY_MAX_CALENDARS 64 /* each holds prefix sums over 230 years */
#define CITY_MAX_UNIT_DUTIES 64
#define CITY_MAX_UNIT_REGIONS 4096
#define CITY_MAX_PLACES 1000000 /* sum over the units of duties x regions */
#define CITY_MAX_DEPTH 16       /* of the region tree and of the category tree */
#define CITY_MAX_CODE_BYTES                                                                        \
    64 /* visible ASCII: codes of units, categories, rules, words for duties */
#define CITY_MAX_NAME_BYTES 256
#define CITY_MAX_KEYWORD_BYTES 128
#define CITY_MAX_CO_UNITS 16         /* of a rule */
#define CITY_MAX_ALIASES 16          /* of a region, each as long as a name may be */
#define CITY_MAX_OLDER_SETS 200      /* of policies, for tickets that still run under them */
#define CITY_MAX_OLDER_POLICIES 4096 /* in all of these */

/* ---- as given ------------------------------------------------------------------------------ */

struct region_spec {
    const char *code, *name;
    const char *level;  /* tier word: grid village town county city */
    const char *parent; /* code, "" or NULL for the root */
    /* What people call it besides what is made of its name (place.h): 高新区. Several regions may
     * have the same. */
    const char *const *aliases;
    size_t alias_count;
};

struct unit_spec {
    const char *code, *name;
    const char *tier;   /* grid village town county city */
    const char *kind;   /* department company town village grid */
    const char *parent; /* unit above, for escalation; "" or NULL = none */
    const char *const
        *duties; /* what it does: "general", "urban_management" ...; the words rules use */
    size_t duty_count;
    const char *const
        *regions; /* codes of the places it is over; a department of the city: the root */
    size_t region_count;
};

struct category_spec {
    const char *code, *name;
    const char *parent; /* "" or NULL = first level */
};

/* A minute window of the local day on some weekdays; from > to runs over midnight (22:00-06:00). */
struct rule_window {
    unsigned weekdays; /* bit 0 = Monday; 0 = every day. Of the day on which the window opened. */
    int from_min, to_min;
};

struct rule_spec {
    const char *code;
    /* Conditions; NULL or -1 = any */
    const char *category;                 /* a node means its subtree */
    const char *region;                   /* subtree */
    const char *kind, *channel, *urgency; /* words */
    const char *keyword;                  /* substring of title or text */
    bool has_window;
    struct rule_window window;
    /* Effect: either a unit, or the unit of a tier with a duty over the place; neither = to the
     * pool of the desk. */
    const char *unit;
    const char *over_tier; /* tier word */
    const char *over_duty; /* NULL = "general" */
    const char *const *co_units;
    size_t co_unit_count;
    const char *set_kind, *set_urgency; /* overrides, words */
    const char *sla;                    /* policy name; NULL = "default" */
};

struct device_spec {
    const char *id, *name, *region, *address;
};

/* Policies that are no longer in force, but that running tickets were begun under. */
struct sla_set_spec {
    int64_t version;
    const struct sla_policy_spec *policies;
    size_t policy_count;
};

struct city_spec {
    const char *code, *name; /* "320281", 江阴市 */
    int offset_min;
    const char *const *tiers; /* the tiers this city has, words, from below */
    size_t tier_count;
    const struct region_spec *regions;
    size_t region_count;
    const struct unit_spec *units;
    size_t unit_count;
    const struct category_spec *categories;
    size_t category_count;
    const char *rule_set; /* its name */
    const struct rule_spec *rules;
    size_t rule_count;
    const char *sla_set;
    const struct sla_policy_spec *policies; /* one must be called "default" */
    size_t policy_count;
    const struct calendar_spec *calendars; /* one without region; others override subtrees */
    size_t calendar_count;
    /* Versions under which the database knows them; 0 before they are stored. */
    int64_t rule_set_version, sla_version, calendar_version;
    /* Newest first. What exceeds the bounds or does not build is left out: it was checked when it
     * was stored, and a city must not stop because of what it once was. */
    const struct sla_set_spec *older_sets;
    size_t older_set_count;
};

/* ---- faults of a configuration ------------------------------------------------------------- */

enum city_severity { CITY_ERROR, CITY_WARNING };

struct city_fault {
    enum city_severity severity;
    char field[96];     /* "rules[R0012].unit" */
    const char *reason; /* "unknown", "duplicate", "cycle", "shadowed", "unreachable", "uncovered",
                           "format", "required", "range", "orphan", "ambiguous"; texts in
                           city_reason_words */
    char detail[160];   /* for people: what collides, which value; "" if the reason says it all */
};
#define CITY_MAX_FAULTS 200
struct city_faults {
    size_t count;  /* in list */
    size_t errors; /* all, also beyond the list */
    size_t warnings;
    struct city_fault list[CITY_MAX_FAULTS];
};
/* One row per reason; word_find() finds the row of a fault's reason. */
#define CITY_REASON_COUNT 11
extern const struct word city_reason_words[CITY_REASON_COUNT];
/* "rules[R0012].unit: 引用了不存在的代码 (JY-XX)"; lang "zh" gives Chinese, everything else
 * English. */
void city_fault_text(const struct city_fault *fault, const char *lang, struct sbuf *out);

/* ---- as built ------------------------------------------------------------------------------ */

struct region {
    const char *code, *name;
    enum tier level;
    int parent;      /* index, -1 = root */
    int depth;       /* root 0 */
    int first, last; /* subtree: regions whose `order` lies in [first, last] */
    int order;
    const char *const *aliases;
    size_t alias_count;
};
struct unit {
    const char *code, *name, *kind;
    enum tier tier;
    int parent; /* index or -1 */
    const int *regions;
    size_t region_count;
    const int *duties; /* duty ids of the city */
    size_t duty_count;
};
struct category {
    const char *code, *name;
    int parent, depth, first, last, order;
};
struct rule {
    const char *code;
    int category, region;       /* index or -1 */
    int kind, channel, urgency; /* or -1 */
    const char *keyword;        /* NULL = none */
    bool has_window;
    struct rule_window window;
    int unit;      /* index or -1 */
    int over_tier; /* enum tier or -1 */
    int over_duty;
    const int *co_units;
    size_t co_unit_count;
    int set_kind, set_urgency; /* or -1 */
    int policy;
    int position; /* in the set, the last tie-breaker */
};

struct city;
/*
 * NULL if there are errors; warnings do not prevent. Copies all it needs.
 *
 * Errors are listed before warnings; the rules' warnings are looked for only in a configuration
 * without errors: shadowed     the rule can never win, because rules before it in the order of
 * specificity, with the same category, region, keyword, kind, channel and urgency, hold at every
 * minute of the week at which it holds. That is every case in which a single other rule is in the
 * way (one that covers it and differs in any of these conditions is less specific, so it comes
 * later), and also several rules together as far as they differ in their windows. Not found:
 *                several rules that cover it together by other conditions (say one for each of the
 * six kinds), since that is a covering problem; the replay over past tickets shows those.
 *   unreachable  the rule asks for the unit over the place, but nowhere in its region has anybody
 * that tier (or one above) with that duty or "general": it would always send to the pool. unknown
 * the rule asks for a duty that no unit has; it works through "general". uncovered    no rule at
 * the category, above it, below it, or for any category. Of a subtree only its top is named.
 */
MUST_CHECK struct city *city_build(const struct city_spec *spec, struct city_faults *faults);
struct city *city_ref(struct city *city);
void city_unref(struct city **city);

const char *city_code(const struct city *city);
const char *city_name(const struct city *city);
int city_offset_min(const struct city *city);
/* The desk is always there. */
bool city_has_tier(const struct city *city, enum tier tier);
int64_t city_rule_set_version(const struct city *city);
int64_t city_sla_version(const struct city *city);
int64_t city_calendar_version(const struct city *city);
const char *city_rule_set_name(const struct city *city);
const char *city_sla_set_name(const struct city *city);

/* -1 if there is none. */
int city_find_region(const struct city *city, const char *code);
int city_find_unit(const struct city *city, const char *code);
int city_find_category(const struct city *city, const char *code);
int city_find_rule(const struct city *city, const char *code);
size_t city_region_count(const struct city *city);
size_t city_unit_count(const struct city *city);
size_t city_category_count(const struct city *city);
size_t city_rule_count(const struct city *city);
const struct region *city_region(const struct city *city, int index);
const struct unit *city_unit(const struct city *city, int index);
const struct category *city_category(const struct city *city, int index);
const struct rule *city_rule(const struct city *city, int index);
/* The tree downwards, in the order of the import; -1 = no (more) child. */
int city_root_region(const struct city *city);
int city_region_first_child(const struct city *city, int region);
int city_region_next_sibling(const struct city *city, int region);
int city_category_first_child(const struct city *city,
                              int category); /* of -1: the first first-level category */
int city_category_next_sibling(const struct city *city, int category);
/* The way from the top to the node itself, returns its length (<= CITY_MAX_DEPTH). */
size_t city_region_path(const struct city *city, int region, int path[CITY_MAX_DEPTH]);
size_t city_category_path(const struct city *city, int category, int path[CITY_MAX_DEPTH]);
/* Is `inner` the node itself or below `outer`? */
bool city_region_within(const struct city *city, int inner, int outer);
bool city_category_within(const struct city *city, int inner, int outer);
/* Is `inner` the unit itself or under it in the chain of parents? */
bool city_unit_within(const struct city *city, int inner, int outer);
/* The nearest region at or above `region` that has this level; -1 if the tree has none (ragged). */
int city_region_at_level(const struct city *city, int region, enum tier level);
/*
 * The unit of `tier` with `duty` over the place: at the region itself or its nearest ancestor with
 * such a unit; if no such unit exists at that tier, the next tier above, and so on. duty falls back
 * to "general" at each tier. -1 if nobody is over the place.
 */
int city_unit_over(const struct city *city, int region, enum tier tier, int duty);
int city_find_duty(const struct city *city, const char *duty);
/* Duty 0 is "general" in every city. */
size_t city_duty_count(const struct city *city);
const char *city_duty_name(const struct city *city, int duty);
size_t city_policy_count(const struct city *city);
const struct sla_policy *city_policy(const struct city *city, int index);
int city_find_policy(const struct city *city, const char *name);
/*
 * The policy a ticket keeps (DOMAIN 4): `name` as it stood in the set with version `sla_set`. A set
 * that is not known (0 for a ticket not stored yet, or older than CITY_MAX_OLDER_SETS) is the one
 * in force; a name that its set does not have is "default". Never NULL; lives as long as the city.
 */
const struct sla_policy *city_policy_of(const struct city *city, int64_t sla_set, const char *name);
/* The calendar that holds at a place (region -1: the city's). */
const struct calendar *city_calendar(const struct city *city, int region);

#endif
