/*
 * city_fixture.h - a small city of the shape of Jiayuguan: city - pseudo county - town - community
 * - grid, one community directly under the city, and no tier at the county. Tests change single
 * fields before they build it.
 */
#ifndef TEST_CITY_FIXTURE_H
#define TEST_CITY_FIXTURE_H

#include "hotline/city.h"

enum {
    REGION_ROOT,
    REGION_COUNTY,
    REGION_TOWN_A,
    REGION_TOWN_B,
    REGION_COM_A1,
    REGION_COM_A2,
    REGION_COM_B1,
    REGION_GRID_A1,
    REGION_COM_CITY, /* directly under the city */
    FIXTURE_REGIONS
};
enum {
    UNIT_URBAN,   /* city: urban_management */
    UNIT_CITY,    /* city: general */
    UNIT_TOWN_A,  /* town: general, urban_management */
    UNIT_TOWN_B,  /* town: general */
    UNIT_COM_A1,  /* village: general */
    UNIT_GRID_A1, /* grid: general */
    UNIT_WATER,   /* a company: water */
    FIXTURE_UNITS
};
enum {
    CATEGORY_BUILD, /* 01 */
    CATEGORY_NOISE, /* 0101 */
    CATEGORY_NIGHT, /* 010101 */
    CATEGORY_DUST,  /* 0102 */
    CATEGORY_LIFE,  /* 02 */
    CATEGORY_WATER, /* 0201 */
    CATEGORY_HEAT,  /* 0202 */
    FIXTURE_CATEGORIES
};
#define FIXTURE_MAX_RULES 16

struct city_fixture {
    struct city_spec spec; /* points into this struct */
    struct region_spec regions[FIXTURE_REGIONS];
    struct unit_spec units[FIXTURE_UNITS];
    struct category_spec categories[FIXTURE_CATEGORIES];
    struct rule_spec rules[FIXTURE_MAX_RULES];
    struct sla_rule clocks[1];
    struct sla_policy_spec policies[2]; /* default, fast */
    struct calendar_spec calendars[2];  /* cn for the city, town-b for town B */
};

/* Three rules: 01 -> general of the town, 010101 -> urban_management of the town, 02 -> the water
 * company. */
void city_fixture_init(struct city_fixture *fixture);
/* Appends one more rule and returns it; only its code is set. */
struct rule_spec *city_fixture_rule(struct city_fixture *fixture, const char *code);
/* Builds it; fails the test if there are errors. */
struct city *city_fixture_build(const struct city_fixture *fixture);

#endif
