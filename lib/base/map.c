#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/crypto.h"

#define MAP_FIRST_SLOTS ((size_t)16)

struct map_entry {
    uint64_t hash;
    void *value;
    size_t key_len;
    char key[]; /* NUL-terminated for the convenience of map_each() */
};

/* Open addressing with linear probing; the number of slots is a power of two. */
struct map {
    struct map_entry **slots;
    size_t slot_count;
    size_t count;
};

/* ---- SipHash-2-4 ---------------------------------------------------------------------------- */

struct sip {
    uint64_t a, b, c, d;
};

static uint64_t rotate_left(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

static void sip_rounds(struct sip *s, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        s->a += s->b;
        s->c += s->d;
        s->b = rotate_left(s->b, 13) ^ s->a;
        s->d = rotate_left(s->d, 16) ^ s->c;
        s->a = rotate_left(s->a, 32);
        s->c += s->b;
        s->a += s->d;
        s->b = rotate_left(s->b, 17) ^ s->c;
        s->d = rotate_left(s->d, 21) ^ s->a;
        s->c = rotate_left(s->c, 32);
    }
}

static void sip_word(struct sip *s, uint64_t word)
{
    s->d ^= word;
    sip_rounds(s, 2);
    s->a ^= word;
}

/* Little endian, len <= 8. */
static uint64_t load_word(const uint8_t *p, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)p[i] << (8 * i);
    return word;
}

uint64_t map_hash_keyed(const uint8_t seed[MAP_SEED_SIZE], const void *key, size_t key_len)
{
    const uint8_t *p = key;
    uint64_t k0 = load_word(seed, 8);
    uint64_t k1 = load_word(seed + 8, 8);
    struct sip s = {
        .a = k0 ^ UINT64_C(0x736f6d6570736575),
        .b = k1 ^ UINT64_C(0x646f72616e646f6d),
        .c = k0 ^ UINT64_C(0x6c7967656e657261),
        .d = k1 ^ UINT64_C(0x7465646279746573),
    };
    size_t left = key_len;
    for (; left >= 8; left -= 8, p += 8)
        sip_word(&s, load_word(p, 8));
    sip_word(&s, (uint64_t)key_len << 56 | load_word(p, left));
    s.c ^= 0xff;
    sip_rounds(&s, 4);
    return s.a ^ s.b ^ s.c ^ s.d;
}

uint64_t map_hash(const void *key, size_t key_len)
{
    static uint8_t seed[MAP_SEED_SIZE];
    static bool seeded;
    if (!seeded) {
        crypto_random(seed, sizeof(seed));
        seeded = true;
    }
    return map_hash_keyed(seed, key, key_len);
}

/* ---- the table ------------------------------------------------------------------------------ */

struct map *map_new(void)
{
    struct map *map = xcalloc(1, sizeof(*map));
    map->slot_count = MAP_FIRST_SLOTS;
    map->slots = xcalloc(map->slot_count, sizeof(struct map_entry *));
    return map;
}

void map_free(struct map **map)
{
    if (*map == NULL)
        return;
    for (size_t i = 0; i < (*map)->slot_count; i++)
        free((*map)->slots[i]);
    free((*map)->slots);
    free(*map);
    *map = NULL;
}

size_t map_count(const struct map *map)
{
    return map->count;
}

/* The slot that holds the key, or the free one where it would go. */
static size_t find_slot(const struct map *map, uint64_t hash, const void *key, size_t key_len)
{
    const size_t mask = map->slot_count - 1;
    size_t i = (size_t)hash & mask;
    for (; map->slots[i] != NULL; i = (i + 1) & mask) {
        const struct map_entry *e = map->slots[i];
        if (e->hash == hash && e->key_len == key_len &&
            (key_len == 0 || memcmp(e->key, key, key_len) == 0))
            break;
    }
    return i;
}

static void grow(struct map *map)
{
    struct map_entry **old = map->slots;
    const size_t old_count = map->slot_count;
    map->slot_count = old_count * 2;
    map->slots = xcalloc(map->slot_count, sizeof(struct map_entry *));
    const size_t mask = map->slot_count - 1;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i] == NULL)
            continue;
        size_t to = (size_t)old[i]->hash & mask;
        while (map->slots[to] != NULL)
            to = (to + 1) & mask;
        map->slots[to] = old[i];
    }
    free(old);
}

void *map_put(struct map *map, const void *key, size_t key_len, void *value)
{
    INVARIANT(value != NULL);
    const uint64_t hash = map_hash(key, key_len);
    size_t i = find_slot(map, hash, key, key_len);
    if (map->slots[i] != NULL) {
        void *replaced = map->slots[i]->value;
        map->slots[i]->value = value;
        return replaced;
    }
    if ((map->count + 1) * 4 > map->slot_count * 3) {
        grow(map);
        i = find_slot(map, hash, key, key_len);
    }
    struct map_entry *e = xmalloc(sizeof(*e) + key_len + 1);
    *e = (struct map_entry){.hash = hash, .value = value, .key_len = key_len};
    if (key_len > 0)
        memcpy(e->key, key, key_len);
    e->key[key_len] = '\0';
    map->slots[i] = e;
    map->count++;
    return NULL;
}

void *map_get(const struct map *map, const void *key, size_t key_len)
{
    const size_t i = find_slot(map, map_hash(key, key_len), key, key_len);
    return map->slots[i] != NULL ? map->slots[i]->value : NULL;
}

/* Entries behind the hole that were pushed past it by probing move up: no tombstones. */
static void close_hole(struct map *map, size_t hole)
{
    const size_t mask = map->slot_count - 1;
    for (size_t i = (hole + 1) & mask; map->slots[i] != NULL; i = (i + 1) & mask) {
        const size_t home = (size_t)map->slots[i]->hash & mask;
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        map->slots[hole] = map->slots[i];
        map->slots[i] = NULL;
        hole = i;
    }
}

void *map_remove(struct map *map, const void *key, size_t key_len)
{
    const size_t i = find_slot(map, map_hash(key, key_len), key, key_len);
    struct map_entry *e = map->slots[i];
    if (e == NULL)
        return NULL;
    void *value = e->value;
    free(e);
    map->slots[i] = NULL;
    map->count--;
    close_hole(map, i);
    return value;
}

void *map_gets(const struct map *map, const char *key)
{
    return map_get(map, key, strlen(key));
}

void *map_puts(struct map *map, const char *key, void *value)
{
    return map_put(map, key, strlen(key), value);
}

void *map_removes(struct map *map, const char *key)
{
    return map_remove(map, key, strlen(key));
}

void map_each(const struct map *map,
              void (*fn)(void *ctx, const char *key, size_t key_len, void *value), void *ctx)
{
    for (size_t i = 0; i < map->slot_count; i++) {
        const struct map_entry *e = map->slots[i];
        if (e != NULL)
            fn(ctx, e->key, e->key_len, e->value);
    }
}
