/*
 * bench_place - addresses a second through place_find(), and through a loop of strstr() over the
 * official and the usual names, which finds less: no numbers, no marks, no scores, no namesakes.
 * Prints one line of key=value for each city. Run in the project's root, Release.
 *
 * Every address is another one: town, village, number, written in one of six ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "hotline/place.h"
#include "unit/client/city_folder.h"
#include "unit/hotline/random_city.h"

#define ADDRESSES 20000
#define ROUNDS 5

static char addresses[ADDRESSES][256];

/* 文定社区 of 文定社区居委会 */
static int usual_length(const char *name)
{
    static const char *const endings[] = {"居民委员会", "村民委员会", "居委会", "村委会"};
    size_t len = strlen(name);
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        size_t cut = strlen(endings[i]);
        if (len > cut && strcmp(name + len - cut, endings[i]) == 0)
            return (int)(len - cut);
    }
    return (int)len;
}

static void write_address(struct random *random, const struct city *city, char *out, size_t size)
{
    static const struct {
        const char *before, *between, *after;
    } forms[] = {{"", "", "幢"},
                 {"江阴市", "", "号502室"},
                 {"", "，", "组"},
                 {"我家在", "", "号楼, 请派人来"},
                 {"江苏省江阴市", "　", ""},
                 {"", "人民中路", "号"}};
    int region = random_below(random, (int)city_region_count(city));
    int form = random_below(random, ARRAY_LEN(forms));
    const struct region *own = city_region(city, region);
    const char *above = own->parent < 0 ? "" : city_region(city, own->parent)->name;
    (void)snprintf(out, size, "%s%.*s%s%.*s%d%s", forms[form].before, usual_length(above), above,
                   forms[form].between, usual_length(own->name), own->name,
                   random_below(random, 300) + 1, forms[form].after);
}

static long run_find(const struct city *city)
{
    struct place_result result;
    long certain = 0;
    for (size_t i = 0; i < ADDRESSES; i++) {
        place_find(city, addresses[i], strlen(addresses[i]), &result);
        certain += result.count > 0 && result.list[0].is_certain;
    }
    return certain;
}

static long run_strstr(const struct city *city, char *const *names)
{
    long found = 0;
    for (size_t i = 0; i < ADDRESSES; i++) {
        size_t longest = 0;
        for (size_t r = 0; r < city_region_count(city); r++) {
            size_t len = strlen(names[r]);
            if (len > longest && strstr(addresses[i], names[r]) != NULL)
                longest = len;
        }
        found += longest > 0;
    }
    return found;
}

/* The best of some rounds: what the machine can do when nothing else is in the way. */
static double rate_of_find(const struct city *city, long *certain_r)
{
    int64_t best_us = INT64_MAX;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = clk_mono_us();
        *certain_r = run_find(city);
        int64_t took = clk_mono_us() - start;
        best_us = took < best_us ? took : best_us;
    }
    return (double)ADDRESSES * 1e6 / (double)best_us;
}

static void bench_city(const char *const *folders, size_t count)
{
    struct random random = {2026};
    struct loaded_city c;
    loaded_city_open(&c, folders, count);
    char **names = xcalloc(city_region_count(c.city), sizeof(*names));
    for (size_t i = 0; i < city_region_count(c.city); i++) {
        const char *name = city_region(c.city, (int)i)->name;
        names[i] = xstrndup(name, (size_t)usual_length(name));
    }
    for (size_t i = 0; i < ADDRESSES; i++)
        write_address(&random, c.city, addresses[i], sizeof(addresses[i]));

    long certain;
    double rate = rate_of_find(c.city, &certain);
    int64_t start = clk_mono_us();
    long found = run_strstr(c.city, names);
    double plain = (double)ADDRESSES * 1e6 / (double)(clk_mono_us() - start);
    printf("place city=%s regions=%zu addresses_per_s=%.0f certain_percent=%.1f "
           "strstr_per_s=%.0f strstr_found_percent=%.1f ratio=%.2f\n",
           city_name(c.city), city_region_count(c.city), rate, 100.0 * (double)certain / ADDRESSES,
           plain, 100.0 * (double)found / ADDRESSES, rate / plain);
    for (size_t i = 0; i < city_region_count(c.city); i++)
        free(names[i]);
    free(names);
    loaded_city_close(&c);
}

/* The size of a large city: what the index costs to build, and what it then does. */
static void bench_large(void)
{
    static const char *const syllables[] = {"东", "西", "南", "北", "新", "华", "平", "安",
                                            "永", "兴", "福", "康", "金", "石", "桥", "林"};
    struct random random = {2027};
    struct arena *arena = arena_new();
    struct city_spec spec =
        random_city_spec(&random, arena, &(struct random_city){20000, 2000, 600, 5000, 1, 2, 4});
    struct region_spec *regions = arena_alloc(arena, spec.region_count * sizeof(*regions));
    memcpy(regions, spec.regions, spec.region_count * sizeof(*regions));
    for (size_t i = 1; i < spec.region_count; i++)
        regions[i].name = arena_printf(arena, "%s%s%s村村委会",
                                       syllables[random_below(&random, ARRAY_LEN(syllables))],
                                       syllables[random_below(&random, ARRAY_LEN(syllables))],
                                       syllables[random_below(&random, ARRAY_LEN(syllables))]);
    spec.regions = regions;
    int64_t start = clk_mono_us();
    struct city *city = random_city_build(&spec);
    double build_ms = (double)(clk_mono_us() - start) / 1000;
    for (size_t i = 0; i < ADDRESSES; i++)
        write_address(&random, city, addresses[i], sizeof(addresses[i]));
    long certain;
    double rate = rate_of_find(city, &certain);
    printf("place city=large regions=%zu city_build_ms=%.1f addresses_per_s=%.0f "
           "certain_percent=%.1f\n",
           city_region_count(city), build_ms, rate, 100.0 * (double)certain / ADDRESSES);
    city_unref(&city);
    arena_free(&arena);
}

int main(void)
{
    static const char *const jiangyin[] = {"daemon/cities/jiangyin", "daemon/cities/jiangyin-grid"};
    bench_city(jiangyin, 1);
    bench_city(jiangyin, 2);
    bench_large();
    return 0;
}
