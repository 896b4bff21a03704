/*
 * bench_route - time of one routing decision, of building a city and of one explanation, at the
 * size of a large city: 20,000 regions, 2,000 units, 600 categories, 5,000 rules. Prints one line
 * of key=value each.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clk.h"
#include "hotline/route.h"
#include "unit/hotline/random_city.h"

#define MATTERS 4096
#define ROUNDS 250

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The mean of each round, over all matters: a single decision is shorter than reading the clock. */
static void bench_route(const struct city *city, const struct route_matter *matters)
{
    static int64_t round_us[ROUNDS];
    long routed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = clk_mono_us();
        for (int i = 0; i < MATTERS; i++) {
            struct route route;
            route_matter(city, &matters[i], &route);
            routed += route.lead_unit >= 0;
        }
        round_us[round] = clk_mono_us() - start;
    }
    qsort(round_us, ROUNDS, sizeof(round_us[0]), compare_times);
    printf("route ns_median=%.0f ns_p99=%.0f to_unit_percent=%.1f\n",
           (double)round_us[ROUNDS / 2] * 1000 / MATTERS,
           (double)round_us[ROUNDS * 99 / 100] * 1000 / MATTERS,
           100.0 * (double)routed / ((double)ROUNDS * MATTERS));
}

static void count_line(void *ctx, int rule, enum route_verdict verdict, const char *lost_by)
{
    (void)rule;
    (void)verdict;
    (void)lost_by;
    *(long *)ctx += 1;
}

static void bench_explain(const struct city *city, const struct route_matter *matters)
{
    long lines = 0;
    int64_t start = clk_mono_us();
    for (int i = 0; i < MATTERS; i++)
        route_explain(city, &matters[i], count_line, &lines);
    printf("explain us_mean=%.2f lines_mean=%.1f\n", (double)(clk_mono_us() - start) / MATTERS,
           (double)lines / MATTERS);
}

static void bench_shape(const char *name, const struct random_city *shape)
{
    struct random random = {2026};
    struct arena *arena = arena_new();
    static struct route_matter matters[MATTERS];
    struct city_spec spec = random_city_spec(&random, arena, shape);
    int64_t start = clk_mono_us();
    struct city *city = random_city_build(&spec);
    printf("%s: regions=%d units=%d categories=%d rules=%d build_ms=%.1f\n", name, shape->regions,
           shape->units, shape->categories, shape->rules, (double)(clk_mono_us() - start) / 1000);
    for (int i = 0; i < MATTERS; i++)
        matters[i] = random_matter(&random, city);
    bench_route(city, matters);
    bench_explain(city, matters);
    city_unref(&city);
    arena_free(&arena);
}

int main(void)
{
    /* A rule in 50 is for any category: what real sets have, and then one without any order in it.
     */
    bench_shape("large city", &(struct random_city){20000, 2000, 600, 5000, 1, 2, 4});
    bench_shape("worst case, rules for any category",
                &(struct random_city){20000, 2000, 600, 5000, 50, 3, 3});
    return 0;
}
