#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/map.h"

#define MANY 100000

static char values[MANY];

static void test_basics(void **state)
{
    (void)state;
    struct map *map = map_new();
    char a, b;
    assert_null(map_gets(map, "x"));
    assert_null(map_removes(map, "x"));
    assert_null(map_puts(map, "x", &a));
    assert_ptr_equal(map_puts(map, "x", &b), &a);
    assert_int_equal(map_count(map), 1);
    assert_ptr_equal(map_gets(map, "x"), &b);
    assert_ptr_equal(map_removes(map, "x"), &b);
    assert_int_equal(map_count(map), 0);
    assert_null(map_gets(map, "x"));
    map_free(&map);
    assert_null(map);
    map_free(&map);
}

static void test_keys_are_bytes(void **state)
{
    (void)state;
    struct map *map = map_new();
    char key[] = {'k', '\0', 'y'};
    map_put(map, key, 3, &values[0]);
    map_put(map, key, 2, &values[1]);
    map_put(map, key, 1, &values[2]);
    map_put(map, "", 0, &values[3]);
    key[0] = 'z'; /* the map has its own copy */
    assert_ptr_equal(map_get(map, "k\0y", 3), &values[0]);
    assert_ptr_equal(map_get(map, "k\0", 2), &values[1]);
    assert_ptr_equal(map_gets(map, "k"), &values[2]);
    assert_ptr_equal(map_gets(map, ""), &values[3]);
    assert_int_equal(map_count(map), 4);
    map_free(&map);
}

static size_t key_of(size_t i, char *key, size_t size)
{
    return (size_t)snprintf(key, size, "ticket-%zu", i);
}

static void test_many_keys(void **state)
{
    (void)state;
    struct map *map = map_new();
    char key[32];
    for (size_t i = 0; i < MANY; i++)
        assert_null(map_put(map, key, key_of(i, key, sizeof(key)), &values[i]));
    assert_int_equal(map_count(map), MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(map_get(map, key, key_of(i, key, sizeof(key))), &values[i]);
    /* removing every third must not break the probing of the others */
    for (size_t i = 0; i < MANY; i += 3)
        assert_ptr_equal(map_remove(map, key, key_of(i, key, sizeof(key))), &values[i]);
    for (size_t i = 0; i < MANY; i++) {
        const char *want = i % 3 == 0 ? NULL : &values[i];
        assert_ptr_equal(map_get(map, key, key_of(i, key, sizeof(key))), want);
    }
    for (size_t i = 0; i < MANY; i += 3)
        assert_null(map_put(map, key, key_of(i, key, sizeof(key)), &values[i]));
    assert_int_equal(map_count(map), MANY);
    map_free(&map);
}

/* Against an array, with few keys, so that every way of filling and closing holes comes up. */
static void test_against_a_model(void **state)
{
    (void)state;
    struct map *map = map_new();
    bool present[40] = {false};
    size_t count = 0;
    uint32_t random = 12345;
    char key[32];
    for (int step = 0; step < 200000; step++) {
        random = random * 1664525U + 1013904223U;
        size_t i = random >> 16 & 63;
        if (i >= ARRAY_LEN(present))
            continue;
        size_t len = key_of(i, key, sizeof(key));
        assert_ptr_equal(map_get(map, key, len), present[i] ? &values[i] : NULL);
        if ((random >> 24 & 1) != 0) {
            assert_ptr_equal(map_put(map, key, len, &values[i]), present[i] ? &values[i] : NULL);
            count += !present[i];
            present[i] = true;
        } else {
            assert_ptr_equal(map_remove(map, key, len), present[i] ? &values[i] : NULL);
            count -= present[i];
            present[i] = false;
        }
        assert_int_equal(map_count(map), count);
    }
    map_free(&map);
}

static void count_visit(void *ctx, const char *key, size_t key_len, void *value)
{
    (void)value;
    assert_int_equal(strlen(key), key_len);
    unsigned *visits = ctx;
    unsigned i;
    assert_int_equal(sscanf(key, "ticket-%u", &i), 1);
    visits[i]++;
}

static void test_each_visits_once(void **state)
{
    (void)state;
    struct map *map = map_new();
    unsigned visits[500] = {0};
    char key[32];
    for (size_t i = 0; i < 500; i++)
        map_put(map, key, key_of(i, key, sizeof(key)), &values[i]);
    map_each(map, count_visit, visits);
    for (size_t i = 0; i < 500; i++)
        assert_int_equal(visits[i], 1);
    map_free(&map);
}

/* From the paper's reference: seed 00..0f, input 00..(n-1). */
static void test_siphash_vectors(void **state)
{
    (void)state;
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    assert_true(map_hash_keyed(bytes, bytes, 0) == UINT64_C(0x726fdb47dd0e0e31));
    assert_true(map_hash_keyed(bytes, bytes, 1) == UINT64_C(0x74f839c593dc67fd));
    assert_true(map_hash_keyed(bytes, bytes, 8) == UINT64_C(0x93f5f5799a932462));
    assert_true(map_hash_keyed(bytes, bytes, 15) == UINT64_C(0xa129ca6149be45e5));
    assert_true(map_hash("abc", 3) == map_hash("abc", 3));
    assert_true(map_hash("abc", 3) != map_hash("abd", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_basics),           cmocka_unit_test(test_keys_are_bytes),
        cmocka_unit_test(test_many_keys),        cmocka_unit_test(test_against_a_model),
        cmocka_unit_test(test_each_visits_once), cmocka_unit_test(test_siphash_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
