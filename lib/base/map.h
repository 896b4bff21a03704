/*
 * map.h - hash map from byte strings to pointers. SipHash with a random seed
 * per process, so that keys from outside cannot be chosen to collide. The map copies keys and
 * never owns values.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct map;

RETURNS_NONNULL struct map *map_new(void);
void map_free(struct map **map); /* values are the caller's */
size_t map_count(const struct map *map);
/* Returns the value replaced, or NULL. value must not be NULL. */
void *map_put(struct map *map, const void *key, size_t key_len, void *value);
void *map_get(const struct map *map, const void *key, size_t key_len);
void *map_remove(struct map *map, const void *key, size_t key_len);
void *map_gets(const struct map *map, const char *key);
void *map_puts(struct map *map, const char *key, void *value);
void *map_removes(struct map *map, const char *key);
/* Calls fn for every entry in no particular order; fn must not change the map. */
void map_each(const struct map *map,
              void (*fn)(void *ctx, const char *key, size_t key_len, void *value), void *ctx);
/* The same seeded hash for other uses. */
uint64_t map_hash(const void *key, size_t key_len);
/* SipHash-2-4 with a seed of the caller's, so that published vectors can be checked. */
#define MAP_SEED_SIZE 16
uint64_t map_hash_keyed(const uint8_t seed[MAP_SEED_SIZE], const void *key, size_t key_len);

#endif
