/*
 * city_tree.c - the two trees of a city: regions and categories.
 *
 * Both get a preorder number per node, so that "is below" is a comparison of two numbers (first <=
 * order <= last).
 */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "hotline/city_private.h"

#define REGION_CODE_DIGITS 12
#define GRID_CODE_MIN_DIGITS 14
#define GRID_CODE_MAX_DIGITS 20

struct tree_node {
    int parent, depth, order, last;
};

struct tree {
    const char *list; /* for faults */
    size_t count;
    struct tree_node *nodes;
    struct tree_links links;
};

static void tree_init(struct tree *tree, struct builder *b, const char *list, size_t count)
{
    struct arena *arena = b->city->arena;
    *tree = (struct tree){.list = list, .count = count};
    tree->nodes = arena_alloc(arena, (count + 1) * sizeof(*tree->nodes));
    tree->links.first_child = arena_alloc(arena, (count + 1) * sizeof(int));
    tree->links.next_sibling = arena_alloc(arena, (count + 1) * sizeof(int));
}

/* From the last to the first, so that children stand in the order of the import. */
static void tree_link(struct tree *tree)
{
    struct tree_links *links = &tree->links;
    links->first_root = -1;
    for (size_t i = 0; i < tree->count; i++)
        links->first_child[i] = -1;
    for (size_t i = tree->count; i-- > 0;) {
        int parent = tree->nodes[i].parent;
        int *head = parent < 0 ? &links->first_root : &links->first_child[parent];
        links->next_sibling[i] = *head;
        *head = (int)i;
    }
}

/* Leaves nodes upwards until one has a sibling to go on with; sets `last` of what is left. */
static int tree_leave(struct tree *tree, int node, int next_order)
{
    while (node >= 0) {
        tree->nodes[node].last = next_order - 1;
        if (tree->links.next_sibling[node] >= 0)
            return tree->links.next_sibling[node];
        node = tree->nodes[node].parent;
    }
    return -1;
}

/* Nodes in a cycle, or below one, hang under no root: the walk does not come to them. */
static void tree_number(struct tree *tree)
{
    int order = 0;
    for (size_t i = 0; i < tree->count; i++)
        tree->nodes[i].order = -1;
    for (int node = tree->links.first_root; node >= 0;) {
        struct tree_node *at = &tree->nodes[node];
        at->order = order++;
        at->depth = at->parent < 0 ? 0 : tree->nodes[at->parent].depth + 1;
        int child = tree->links.first_child[node];
        node = child >= 0 ? child : tree_leave(tree, node, order);
    }
}

static void tree_build(struct tree *tree, struct builder *b,
                       const char *(*code_of)(const struct city_spec *, size_t))
{
    tree_link(tree);
    tree_number(tree);
    for (size_t i = 0; i < tree->count; i++) {
        const char *code = code_of(b->spec, i);
        if (tree->nodes[i].order < 0)
            fault_row(b, "cycle", NULL, tree->list, code, i, ".parent");
        else if (tree->nodes[i].depth == CITY_MAX_DEPTH)
            fault_row(b, "range", "the tree is too deep", tree->list, code, i, ".parent");
    }
}

static int tree_parent(struct builder *b, const struct map *map, const char *list, const char *code,
                       size_t index, const char *parent)
{
    if (!given(parent))
        return -1;
    int at = code_find(map, parent);
    if (at < 0)
        fault_row(b, "orphan", NULL, list, code, index, ".parent");
    return at;
}

/* ---- regions ------------------------------------------------------------------------------- */

static const char *region_spec_code(const struct city_spec *spec, size_t index)
{
    return spec->regions[index].code;
}

static bool region_code_form(const char *code)
{
    size_t len = strnlen(code, GRID_CODE_MAX_DIGITS + 1);
    return strspn(code, "0123456789") == len &&
           (len == REGION_CODE_DIGITS ||
            (len >= GRID_CODE_MIN_DIGITS && len <= GRID_CODE_MAX_DIGITS));
}

/* One character would be found everywhere. */
static const char *alias_copy(struct builder *b, size_t index, const char *alias)
{
    const char *code = b->spec->regions[index].code;
    size_t len = alias == NULL ? 0 : strnlen(alias, CITY_MAX_NAME_BYTES + 1);
    if (len > CITY_MAX_NAME_BYTES)
        fault_row(b, "range", "alias too long", "regions", code, index, ".aliases");
    else if (len == 0 || utf8_length(alias, len) < 2)
        fault_row(b, "range", "an alias has two characters or more", "regions", code, index,
                  ".aliases");
    else
        return arena_strdup(b->city->arena, alias);
    return "";
}

static void region_aliases(struct builder *b, size_t index)
{
    const struct region_spec *spec = &b->spec->regions[index];
    if (spec->alias_count > CITY_MAX_ALIASES) {
        fault_row(b, "range", "too many", "regions", spec->code, index, ".aliases");
        return;
    }
    const char **aliases = arena_alloc(b->city->arena, (spec->alias_count + 1) * sizeof(*aliases));
    for (size_t i = 0; i < spec->alias_count; i++)
        aliases[i] = alias_copy(b, index, spec->aliases[i]);
    b->city->regions[index].aliases = aliases;
    b->city->regions[index].alias_count = spec->alias_count;
}

static void region_read(struct builder *b, size_t index)
{
    const struct region_spec *spec = &b->spec->regions[index];
    struct region *region = &b->city->regions[index];
    code_register(b, b->city->region_by_code, "regions", spec->code, index, ".code",
                  region_code_form);
    region->code = given(spec->code) ? arena_strdup(b->city->arena, spec->code) : "";
    region->name = name_copy(b, "regions", spec->code, index, spec->name);
    int level = tier_parse(b, "regions", spec->code, index, ".level", spec->level);
    region->level = level < 0 ? TIER_DESK : (enum tier)level;
    region_aliases(b, index);
    bool long_code = strlen(region->code) > REGION_CODE_DIGITS;
    if (level >= 0 && region_code_form(region->code) && long_code != (level == TIER_GRID))
        fault_row(b, "format", "grids have 14 to 20 digits, all others 12", "regions", spec->code,
                  index, ".code");
}

static void region_check_parent(struct builder *b, size_t index, int parent)
{
    struct city *city = b->city;
    const char *code = b->spec->regions[index].code;
    if (parent < 0) {
        if (given(b->spec->regions[index].parent))
            return; /* told as an orphan */
        if (city->root >= 0)
            fault_row(b, "ambiguous", "a second root", "regions", code, index, ".parent");
        else
            city->root = (int)index;
        return;
    }
    const struct region *above = &city->regions[parent];
    const struct region *region = &city->regions[index];
    if (region->level != TIER_DESK && above->level != TIER_DESK && region->level > above->level)
        fault_row(b, "range", "the parent is of a lower level", "regions", code, index, ".level");
}

void city_build_regions(struct builder *b)
{
    struct city *city = b->city;
    size_t count = list_bound(b, "regions", b->spec->region_count, CITY_MAX_REGIONS);
    city->regions = arena_alloc(city->arena, (count + 1) * sizeof(*city->regions));
    city->region_count = count;
    city->root = -1;
    for (size_t i = 0; i < count; i++)
        region_read(b, i);
    struct tree tree;
    tree_init(&tree, b, "regions", count);
    for (size_t i = 0; i < count; i++) {
        const struct region_spec *spec = &b->spec->regions[i];
        int parent = tree_parent(b, city->region_by_code, "regions", spec->code, i, spec->parent);
        tree.nodes[i].parent = parent;
        region_check_parent(b, i, parent);
    }
    tree_build(&tree, b, region_spec_code);
    city->region_links = tree.links;
    for (size_t i = 0; i < count; i++) {
        const struct tree_node *node = &tree.nodes[i];
        struct region *region = &city->regions[i];
        region->parent = node->parent;
        region->depth = node->depth;
        region->first = region->order = node->order;
        region->last = node->last;
    }
    if (count == 0)
        fault_add(b, CITY_ERROR, "required", NULL, "regions");
}

/* ---- categories ---------------------------------------------------------------------------- */

static const char *category_spec_code(const struct city_spec *spec, size_t index)
{
    return spec->categories[index].code;
}

void city_build_categories(struct builder *b)
{
    struct city *city = b->city;
    size_t count = list_bound(b, "categories", b->spec->category_count, CITY_MAX_CATEGORIES);
    city->categories = arena_alloc(city->arena, (count + 1) * sizeof(*city->categories));
    city->category_count = count;
    for (size_t i = 0; i < count; i++) {
        const struct category_spec *spec = &b->spec->categories[i];
        code_register(b, city->category_by_code, "categories", spec->code, i, ".code", NULL);
        city->categories[i].code = given(spec->code) ? arena_strdup(city->arena, spec->code) : "";
        city->categories[i].name = name_copy(b, "categories", spec->code, i, spec->name);
    }
    struct tree tree;
    tree_init(&tree, b, "categories", count);
    for (size_t i = 0; i < count; i++) {
        const struct category_spec *spec = &b->spec->categories[i];
        tree.nodes[i].parent =
            tree_parent(b, city->category_by_code, "categories", spec->code, i, spec->parent);
    }
    tree_build(&tree, b, category_spec_code);
    city->category_links = tree.links;
    for (size_t i = 0; i < count; i++) {
        const struct tree_node *node = &tree.nodes[i];
        struct category *category = &city->categories[i];
        category->parent = node->parent;
        category->depth = node->depth;
        category->first = category->order = node->order;
        category->last = node->last;
    }
    if (count == 0)
        fault_add(b, CITY_ERROR, "required", NULL, "categories");
}
