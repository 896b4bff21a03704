/*
 * simulate_city.c - places, categories and units of the real city, from its own export.
 */
#include <string.h>

#include "client/simulate.h"

static const char *member(const struct json_value *v, const char *key)
{
    return json_string(json_get(v, key), NULL);
}

static const struct json_value *city_list(const struct simulation *sim, const char *key)
{
    return json_get(api_root(&sim->city), key);
}

struct tree {
    struct map *by_code;   /* code -> json_value */
    struct map *has_child; /* code -> itself */
};

/* Values of the maps are never written through; the map's interface is not const. */
static void *as_value(const struct json_value *v)
{
    union {
        const struct json_value *from;
        void *to;
    } u = {.from = v};

    return u.to;
}

static struct tree tree_new(const struct json_value *list)
{
    struct tree tree = {map_new(), map_new()};

    for (size_t i = 0; i < json_array_length(list); i++) {
        const struct json_value *v = json_at(list, i);

        if (member(v, "code") == NULL)
            continue;
        map_puts(tree.by_code, member(v, "code"), as_value(v));
        if (member(v, "parent") != NULL)
            map_puts(tree.has_child, member(v, "parent"), as_value(v));
    }
    return tree;
}

static void tree_free(struct tree *tree)
{
    map_free(&tree->by_code);
    map_free(&tree->has_child);
}

/* "天鹤社区居委会" is an office; people live in 天鹤社区. */
static size_t name_without_office(const char *name)
{
    static const char *const offices[] = {"村民委员会", "居民委员会", "村委会", "居委会"};
    size_t len = strlen(name);

    for (size_t i = 0; i < ARRAY_LEN(offices); i++) {
        size_t tail = strlen(offices[i]);

        if (len > tail && strcmp(name + len - tail, offices[i]) == 0)
            return len - tail;
    }
    return len;
}

/* "澄江街道" + "天鹤社区": the city itself goes without saying. */
static char *place_name(struct arena *arena, const struct tree *tree, const struct json_value *v)
{
    const char *name = member(v, "name"), *parent_code = member(v, "parent");
    const struct json_value *parent =
        parent_code == NULL ? NULL : map_gets(tree->by_code, parent_code);
    const char *level = member(parent, "level");
    int len = (int)name_without_office(name);

    if (level == NULL || strcmp(level, tier_words[TIER_CITY].code) == 0 ||
        member(parent, "name") == NULL)
        return arena_strndup(arena, name, (size_t)len);
    return arena_printf(arena, "%s%.*s", member(parent, "name"), len, name);
}

static void load_places(struct simulation *sim)
{
    const struct json_value *list = city_list(sim, "regions");
    size_t count = json_array_length(list);
    struct tree tree = tree_new(list);

    sim->places = arena_alloc(sim->arena, (count + 1) * sizeof(sim->places[0]));
    for (size_t i = 0; i < count; i++) {
        const struct json_value *v = json_at(list, i);
        const char *code = member(v, "code");

        if (code == NULL || member(v, "name") == NULL || map_gets(tree.has_child, code) != NULL)
            continue;
        sim->places[sim->place_count++] =
            (struct sim_place){code, place_name(sim->arena, &tree, v)};
    }
    tree_free(&tree);
}

static void load_categories(struct simulation *sim)
{
    const struct json_value *list = city_list(sim, "categories");
    struct tree tree = tree_new(list);

    sim->case_codes = arena_alloc(sim->arena, sim_case_count * sizeof(sim->case_codes[0]));
    for (size_t i = 0; i < json_array_length(list); i++) {
        const char *code = member(json_at(list, i), "code");
        const char *name = member(json_at(list, i), "name");

        if (code == NULL || name == NULL || map_gets(tree.has_child, code) != NULL)
            continue;
        for (size_t c = 0; c < sim_case_count; c++)
            if (sim->case_codes[c] == NULL && strcmp(sim_cases[c].category, name) == 0)
                sim->case_codes[c] = code;
    }
    tree_free(&tree);
}

static enum tier tier_of(const struct json_value *unit)
{
    const char *word = member(unit, "tier");
    int tier = word == NULL ? -1 : word_find(tier_words, TIER_COUNT, word);

    return tier < 0 ? TIER_CITY : (enum tier)tier;
}

static void load_units(struct simulation *sim)
{
    const struct json_value *list = city_list(sim, "units");
    size_t count = json_array_length(list);

    sim->units = arena_alloc(sim->arena, (count + 1) * sizeof(sim->units[0]));
    for (size_t i = 0; i < count; i++) {
        const struct json_value *v = json_at(list, i);
        const char *code = member(v, "code");

        if (code == NULL)
            continue;
        sim->units[sim->unit_count++] = (struct sim_unit){
            .code = code,
            .parent = member(v, "parent"),
            .tier = tier_of(v),
            .has_token = sim_has_token(sim, arena_printf(sim->arena, "unit:%s", code))};
    }
}

static bool has_any_case(const struct simulation *sim)
{
    for (size_t c = 0; c < sim_case_count; c++)
        if (sim->case_codes[c] != NULL)
            return true;
    return false;
}

void sim_load_city(struct simulation *sim)
{
    const struct api_request request = {
        .method = "GET", .path = "/v1/admin/export", .who = "admin", .is_large = true};
    const char *code;

    sim->code = api_call(sim->client, &request, &sim->city);
    if (sim->code != EXIT_DONE)
        return;
    code = member(json_get(api_root(&sim->city), "city"), "code");
    sim->city_code = code == NULL ? "" : code;
    load_places(sim);
    load_categories(sim);
    load_units(sim);
    if (sim->place_count > 0 && sim->unit_count > 0 && has_any_case(sim))
        return;
    client_complain(sim->client, T_ERR_NO_CITY, NULL, NULL);
    sim->code = EXIT_REFUSED;
}

void sim_free_city(struct simulation *sim)
{
    api_answer_free(&sim->city);
}

struct sim_unit *sim_unit_find(struct simulation *sim, const char *code)
{
    for (size_t i = 0; code != NULL && i < sim->unit_count; i++)
        if (strcmp(sim->units[i].code, code) == 0)
            return &sim->units[i];
    return NULL;
}

struct sim_unit *sim_unit_any(struct simulation *sim, const char *except)
{
    size_t start = (size_t)sim_random(sim, sim->unit_count);

    for (size_t i = 0; i < sim->unit_count; i++) {
        struct sim_unit *unit = &sim->units[(start + i) % sim->unit_count];

        if (unit->has_token && (except == NULL || strcmp(unit->code, except) != 0))
            return unit;
    }
    return &sim->units[start];
}

struct sim_unit *sim_unit_below(struct simulation *sim, const char *code)
{
    size_t start = (size_t)sim_random(sim, sim->unit_count);

    for (size_t i = 0; i < sim->unit_count; i++) {
        struct sim_unit *unit = &sim->units[(start + i) % sim->unit_count];

        if (unit->has_token && unit->parent != NULL && strcmp(unit->parent, code) == 0)
            return unit;
    }
    return NULL;
}
