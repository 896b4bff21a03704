/*
 * place_json.h - places found in words, as they look outside. Pure.
 */
#ifndef PROTO_PLACE_JSON_H
#define PROTO_PLACE_JSON_H

#include "hotline/place.h"
#include "proto/json.h"

/*
 * key: [{region, name, level, path: [{code, name}], score, certain, matched: ["澄江街道", ...]}],
 * best first. `path` goes from the city to the region itself, `matched` are pieces of `text`.
 */
void place_json_write(struct json_writer *w, const char *key, const struct city *city,
                      const char *text, const struct place_result *result);

#endif
