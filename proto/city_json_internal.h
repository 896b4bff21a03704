/*
 * city_json_internal.h - shared by the files that decode a city bundle; not for others.
 */
#ifndef PROTO_CITY_JSON_INTERNAL_H
#define PROTO_CITY_JSON_INTERNAL_H

#include "proto/city_json.h"

#define CITY_JSON_MAX_CODE 64
#define CITY_JSON_MAX_NAME 200

struct city_decoder {
    struct arena *arena;
    struct faults *faults;
};

/* A kind of object of which the bundle has a list. */
struct city_table {
    const struct field *fields;
    size_t field_count;
    size_t item_size;
    size_t max_items;
    const void *initial; /* values of fields that are absent; NULL = zeroes */
};

/* Decodes one object at `path` into item; its faults get the path as prefix. */
bool city_decode_object(struct city_decoder *d, const char *path, const struct json_value *v,
                        const struct field *fields, size_t field_count, void *item);
/* Decodes a list; absent gives none. The items are zeroed where they could not be read. */
void *city_decode_list(struct city_decoder *d, const char *path, const struct json_value *v,
                       const struct city_table *table, size_t *count_r);
/* Adds a fault whose path is made as by printf. */
void city_fault(struct city_decoder *d, const char *reason, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Index of the word, or -1: for NULL silently, otherwise with the fault "not_allowed" at path.name.
 */
int city_decode_word(struct city_decoder *d, const char *path, const char *name,
                     const struct word *words, size_t count, const char *word);

/* Strict "HH:MM" to minutes of the day; max is 1439, or 1440 where 24:00 may stand. */
MUST_CHECK bool city_parse_time(const char *s, size_t len, int max, int *minute_r);

/* The list at the path is decoded into the spec (city_json_rules.c, city_json_time.c). */
void city_decode_rule_set(struct city_decoder *d, const struct json_value *v,
                          struct city_spec *spec);
void city_decode_sla_set(struct city_decoder *d, const struct json_value *v,
                         struct city_spec *spec);
void city_decode_calendars(struct city_decoder *d, const struct json_value *v,
                           struct city_spec *spec);

#endif
