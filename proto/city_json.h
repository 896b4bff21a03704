/*
 * city_json.h - a city's configuration as one JSON bundle: import, export, and the snapshot kept in
 * the database.
 *
 * Decoding checks form only: types, lengths, code words, dates, times of day, numbers of entries.
 * Whether codes exist, trees are trees and rules can be reached is city_build()'s business, which
 * sees the city as a whole.
 *
 * Paths of faults count from 0: "units[3].tier", "rule_set.rules[12].window.from",
 * "sla_set.policies[0].clocks[4].limit", "calendars[0].week.mon[1]".
 */
#ifndef PROTO_CITY_JSON_H
#define PROTO_CITY_JSON_H

#include "base/alloc.h"
#include "base/sbuf.h"
#include "hotline/city.h"
#include "proto/json.h"

/* The bounds of the lists are those of hotline/city.h; these it does not have. */
#define CITY_JSON_MAX_CLOCKS 500 /* of one policy */
#define CITY_JSON_MAX_DAYS 10000 /* of one calendar */
#define CITY_JSON_MAX_DEVICES 1000000

struct city_bundle {
    struct city_spec spec;
    const struct device_spec *devices;
    size_t device_count;
};

/*
 * Fills *bundle_r from the root of a bundle. Everything in it is owned by `arena` and outlives the
 * document. False when there are faults; *bundle_r is then not to be used. faults->arena has to be
 * set.
 */
MUST_CHECK bool city_json_decode(const struct json_value *root, struct arena *arena,
                                 struct city_bundle *bundle_r, struct faults *faults);

/* The parts of a city that change at run time, each as versions (CONTRACT: rules, policies,
 * calendars). */
enum city_part { CITY_PART_RULES, CITY_PART_POLICIES, CITY_PART_CALENDARS, CITY_PART_COUNT };
extern const struct word city_part_words[CITY_PART_COUNT];

/*
 * Reads a part alone, {"name", "rules" | "policies" | "calendars"}, into the fields of the spec
 * that belong to it. Paths of faults are those of this object: "rules[3].unit". False when there
 * are faults. *size_r: rows of its list, *name_r: its name.
 */
struct city_part_head {
    const char *name;
    size_t size;
};
MUST_CHECK bool city_json_decode_part(enum city_part part, const struct json_value *v,
                                      struct arena *arena, struct city_spec *spec,
                                      struct city_part_head *head_r, struct faults *faults);
/* A path of a bundle ("rule_set.rules[R1].unit") as a path of the part, if it lies in it. */
const char *city_json_part_path(enum city_part part, const char *path);

/* Appends the bundle, compact. What is absent is left out; decoding the text gives an equal bundle.
 */
void city_json_encode(const struct city_bundle *bundle, struct sbuf *out);

#endif
