#include "proto/city_json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "proto/city_json_internal.h"

#define MAX_PATH 160
#define MAX_DEVICE_ID 64
#define MAX_ADDRESS 500

/* ---- helpers shared by the decoding files ---------------------------------------------------- */

void city_fault(struct city_decoder *d, const char *reason, const char *fmt, ...)
{
    char path[MAX_PATH];
    va_list args;
    va_start(args, fmt);
    vsnprintf(path, sizeof(path), fmt, args);
    va_end(args);
    faults_add(d->faults, arena_strdup(d->arena, path), reason);
}

bool city_decode_object(struct city_decoder *d, const char *path, const struct json_value *v,
                        const struct field *fields, size_t field_count, void *item)
{
    if (json_type(v) != JSON_OBJECT) {
        city_fault(d, json_type(v) == JSON_NULL ? "required" : "wrong_type", "%s", path);
        return false;
    }
    struct faults own;
    faults_init(&own, d->arena);
    if (json_decode(v, fields, field_count, item, d->arena, &own))
        return true;
    for (size_t i = 0; i < own.count; i++) {
        const char *field = own.list[i].field; /* may hold a long name from outside */
        faults_add(d->faults,
                   arena_printf(d->arena, "%s%s%s", path, field[0] != '\0' ? "." : "", field),
                   own.list[i].reason);
    }
    return false;
}

void *city_decode_list(struct city_decoder *d, const char *path, const struct json_value *v,
                       const struct city_table *table, size_t *count_r)
{
    *count_r = 0;
    if (json_type(v) == JSON_NULL)
        return NULL;
    if (json_type(v) != JSON_ARRAY) {
        city_fault(d, "wrong_type", "%s", path);
        return NULL;
    }
    size_t count = json_array_length(v);
    if (count > table->max_items) {
        city_fault(d, "too_long", "%s", path);
        return NULL;
    }
    char *items = arena_alloc(d->arena, (count > 0 ? count : 1) * table->item_size);
    for (size_t i = 0; i < count && d->faults->count < JSON_MAX_FAULTS; i++) {
        char *item = items + i * table->item_size;
        if (table->initial != NULL)
            memcpy(item, table->initial, table->item_size);
        char item_path[MAX_PATH];
        snprintf(item_path, sizeof(item_path), "%s[%zu]", path, i);
        city_decode_object(d, item_path, json_at(v, i), table->fields, table->field_count, item);
    }
    *count_r = count;
    return items;
}

int city_decode_word(struct city_decoder *d, const char *path, const char *name,
                     const struct word *words, size_t count, const char *word)
{
    if (word == NULL)
        return -1;
    int index = word_find(words, count, word);
    if (index < 0)
        city_fault(d, "not_allowed", "%s.%s", path, name);
    return index;
}

static bool two_digits(const char *s, int *value_r)
{
    if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
        return false;
    *value_r = (s[0] - '0') * 10 + (s[1] - '0');
    return true;
}

bool city_parse_time(const char *s, size_t len, int max, int *minute_r)
{
    int hour, minute;
    if (len != 5 || s[2] != ':' || !two_digits(s, &hour) || !two_digits(s + 3, &minute))
        return false;
    if (minute > 59 || hour * 60 + minute > max)
        return false;
    *minute_r = hour * 60 + minute;
    return true;
}

/* ---- regions, units, categories, devices ----------------------------------------------------- */

#define CODE_FIELD(owner, member, flag)                                                            \
    {                                                                                              \
        .name = #member, .type = FIELD_STRING, .offset = offsetof(owner, member),                  \
        .min = (flag) != 0 ? 1 : 0, .max = CITY_JSON_MAX_CODE, .flags = (flag)                     \
    }
#define NAME_FIELD(owner, member, flag)                                                            \
    {                                                                                              \
        .name = #member, .type = FIELD_STRING, .offset = offsetof(owner, member),                  \
        .min = (flag) != 0 ? 1 : 0, .max = CITY_JSON_MAX_NAME, .flags = (flag)                     \
    }

struct region_raw {
    const char *code, *name, *level, *parent;
    struct json_strings aliases;
};
static const struct field region_fields[] = {
    CODE_FIELD(struct region_raw, code, FIELD_REQUIRED),
    NAME_FIELD(struct region_raw, name, FIELD_REQUIRED),
    CODE_FIELD(struct region_raw, level, FIELD_REQUIRED),
    CODE_FIELD(struct region_raw, parent, 0),
    {.name = "aliases",
     .type = FIELD_STRINGS,
     .offset = offsetof(struct region_raw, aliases),
     .max = CITY_MAX_ALIASES,
     .item_max = CITY_JSON_MAX_NAME},
};
static const struct city_table region_table = {
    .fields = region_fields,
    .field_count = ARRAY_LEN(region_fields),
    .item_size = sizeof(struct region_raw),
    .max_items = CITY_MAX_REGIONS,
};

static const struct field category_fields[] = {
    CODE_FIELD(struct category_spec, code, FIELD_REQUIRED),
    NAME_FIELD(struct category_spec, name, FIELD_REQUIRED),
    CODE_FIELD(struct category_spec, parent, 0),
};
static const struct city_table category_table = {
    .fields = category_fields,
    .field_count = ARRAY_LEN(category_fields),
    .item_size = sizeof(struct category_spec),
    .max_items = CITY_MAX_CATEGORIES,
};

struct unit_raw {
    const char *code, *name, *tier, *kind, *parent;
    struct json_strings duties, regions;
};
static const struct field unit_fields[] = {
    CODE_FIELD(struct unit_raw, code, FIELD_REQUIRED),
    NAME_FIELD(struct unit_raw, name, FIELD_REQUIRED),
    CODE_FIELD(struct unit_raw, tier, FIELD_REQUIRED),
    CODE_FIELD(struct unit_raw, kind, FIELD_REQUIRED),
    CODE_FIELD(struct unit_raw, parent, 0),
    {.name = "duties",
     .type = FIELD_STRINGS,
     .offset = offsetof(struct unit_raw, duties),
     .max = CITY_MAX_UNIT_DUTIES,
     .item_max = CITY_JSON_MAX_CODE},
    {.name = "regions",
     .type = FIELD_STRINGS,
     .offset = offsetof(struct unit_raw, regions),
     .max = CITY_MAX_UNIT_REGIONS,
     .item_max = CITY_JSON_MAX_CODE},
};
static const struct city_table unit_table = {
    .fields = unit_fields,
    .field_count = ARRAY_LEN(unit_fields),
    .item_size = sizeof(struct unit_raw),
    .max_items = CITY_MAX_UNITS,
};

static const struct field device_fields[] = {
    {.name = "id",
     .type = FIELD_STRING,
     .offset = offsetof(struct device_spec, id),
     .min = 1,
     .max = MAX_DEVICE_ID,
     .flags = FIELD_REQUIRED},
    NAME_FIELD(struct device_spec, name, 0),
    CODE_FIELD(struct device_spec, region, FIELD_REQUIRED),
    {.name = "address",
     .type = FIELD_STRING,
     .offset = offsetof(struct device_spec, address),
     .max = MAX_ADDRESS},
};
static const struct city_table device_table = {
    .fields = device_fields,
    .field_count = ARRAY_LEN(device_fields),
    .item_size = sizeof(struct device_spec),
    .max_items = CITY_JSON_MAX_DEVICES,
};

static const struct word unit_kind_words[] = {
    {"department", "部门", "department"}, {"company", "企业", "company"}, {"town", "镇街", "town"},
    {"village", "村社区", "village"},     {"grid", "网格", "grid"},
};

/* The tiers a region or a unit can have: not the desk. */
static int decode_tier(struct city_decoder *d, const char *path, const char *name, const char *word)
{
    return city_decode_word(d, path, name, tier_words + TIER_GRID, TIER_COUNT - TIER_GRID, word);
}

static void decode_regions(struct city_decoder *d, const struct json_value *v,
                           struct city_spec *spec)
{
    const struct region_raw *raw =
        city_decode_list(d, "regions", v, &region_table, &spec->region_count);
    struct region_spec *regions =
        arena_alloc(d->arena, (spec->region_count + 1) * sizeof(*regions));
    for (size_t i = 0; i < spec->region_count; i++) {
        char path[MAX_PATH];
        snprintf(path, sizeof(path), "regions[%zu]", i);
        decode_tier(d, path, "level", raw[i].level);
        regions[i] = (struct region_spec){
            .code = raw[i].code,
            .name = raw[i].name,
            .level = raw[i].level,
            .parent = raw[i].parent,
            .aliases = raw[i].aliases.list,
            .alias_count = raw[i].aliases.count,
        };
    }
    spec->regions = regions;
}

static void decode_units(struct city_decoder *d, const struct json_value *v, struct city_spec *spec)
{
    const struct unit_raw *raw = city_decode_list(d, "units", v, &unit_table, &spec->unit_count);
    struct unit_spec *units = arena_alloc(d->arena, (spec->unit_count + 1) * sizeof(*units));
    for (size_t i = 0; i < spec->unit_count; i++) {
        char path[MAX_PATH];
        snprintf(path, sizeof(path), "units[%zu]", i);
        decode_tier(d, path, "tier", raw[i].tier);
        city_decode_word(d, path, "kind", unit_kind_words, ARRAY_LEN(unit_kind_words), raw[i].kind);
        units[i] = (struct unit_spec){
            .code = raw[i].code,
            .name = raw[i].name,
            .tier = raw[i].tier,
            .kind = raw[i].kind,
            .parent = raw[i].parent,
            .duties = raw[i].duties.list,
            .duty_count = raw[i].duties.count,
            .regions = raw[i].regions.list,
            .region_count = raw[i].regions.count,
        };
    }
    spec->units = units;
}

/* ---- the head and the whole ------------------------------------------------------------------ */

struct head_raw {
    const char *code, *name;
    int64_t utc_offset_minutes;
    struct json_strings tiers;
};
static const struct field head_fields[] = {
    CODE_FIELD(struct head_raw, code, FIELD_REQUIRED),
    NAME_FIELD(struct head_raw, name, FIELD_REQUIRED),
    {.name = "utc_offset_minutes",
     .type = FIELD_INT,
     .offset = offsetof(struct head_raw, utc_offset_minutes),
     .min = -720,
     .max = 840},
    {.name = "tiers",
     .type = FIELD_STRINGS,
     .offset = offsetof(struct head_raw, tiers),
     .min = 1,
     .max = TIER_COUNT,
     .flags = FIELD_REQUIRED,
     .item_max = CITY_JSON_MAX_CODE},
};

static void decode_head(struct city_decoder *d, const struct json_value *v, struct city_spec *spec)
{
    struct head_raw head = {.utc_offset_minutes = CIVIL_OFFSET_SHANGHAI_MIN};
    if (!city_decode_object(d, "city", v, head_fields, ARRAY_LEN(head_fields), &head))
        return;
    for (size_t i = 0; i < head.tiers.count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "tiers[%zu]", i);
        decode_tier(d, "city", name, head.tiers.list[i]);
    }
    spec->code = head.code;
    spec->name = head.name;
    spec->offset_min = (int)head.utc_offset_minutes;
    spec->tiers = head.tiers.list;
    spec->tier_count = head.tiers.count;
}

struct bundle_raw {
    const struct json_value *city, *regions, *units, *categories;
    const struct json_value *rule_set, *sla_set, *calendars, *devices;
};
#define PART_FIELD(member, flag)                                                                   \
    {                                                                                              \
        .name = #member, .type = FIELD_VALUE, .offset = offsetof(struct bundle_raw, member),       \
        .flags = (flag)                                                                            \
    }
static const struct field bundle_fields[] = {
    PART_FIELD(city, FIELD_REQUIRED),      PART_FIELD(regions, FIELD_REQUIRED),
    PART_FIELD(units, FIELD_REQUIRED),     PART_FIELD(categories, FIELD_REQUIRED),
    PART_FIELD(rule_set, FIELD_REQUIRED),  PART_FIELD(sla_set, FIELD_REQUIRED),
    PART_FIELD(calendars, FIELD_REQUIRED), PART_FIELD(devices, 0),
};

bool city_json_decode(const struct json_value *root, struct arena *arena,
                      struct city_bundle *bundle_r, struct faults *faults)
{
    struct city_decoder d = {.arena = arena, .faults = faults};
    struct bundle_raw raw = {0};
    *bundle_r = (struct city_bundle){0};
    if (json_type(root) != JSON_OBJECT) {
        faults_add(faults, "", "wrong_type");
        return false;
    }
    if (!json_decode(root, bundle_fields, ARRAY_LEN(bundle_fields), &raw, arena, faults))
        return false;

    struct city_spec *spec = &bundle_r->spec;
    decode_head(&d, raw.city, spec);
    decode_regions(&d, raw.regions, spec);
    decode_units(&d, raw.units, spec);
    spec->categories =
        city_decode_list(&d, "categories", raw.categories, &category_table, &spec->category_count);
    city_decode_rule_set(&d, raw.rule_set, spec);
    city_decode_sla_set(&d, raw.sla_set, spec);
    city_decode_calendars(&d, raw.calendars, spec);
    bundle_r->devices =
        city_decode_list(&d, "devices", raw.devices, &device_table, &bundle_r->device_count);
    return faults->count == 0;
}
