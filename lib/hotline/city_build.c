/*
 * city_build.c - from a spec to a city: the order of the steps, faults, the head, policies and
 * calendars.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hotline/city_private.h"
#include "hotline/place_private.h"

const struct word city_reason_words[CITY_REASON_COUNT] = {
    {"unknown", "引用了不存在的代码", "names something that does not exist"},
    {"duplicate", "重复", "is there more than once"},
    {"cycle", "上级关系成环", "is its own ancestor"},
    {"shadowed", "被更优先的规则完全覆盖, 永远不会生效", "can never win: rules before it cover it"},
    {"unreachable", "适用范围内没有可派单位", "nobody is over any place of it"},
    {"uncovered", "没有任何派单规则", "no rule covers it"},
    {"format", "格式不正确", "is not well formed"},
    {"required", "缺少必填内容", "is required"},
    {"range", "超出允许范围", "is out of range"},
    {"orphan", "上级不存在", "its parent does not exist"},
    {"ambiguous", "有歧义", "is ambiguous"},
};

/* ---- faults -------------------------------------------------------------------------------- */

static const char *reason_code(const char *reason)
{
    int row = word_find(city_reason_words, CITY_REASON_COUNT, reason);
    INVARIANT(row >= 0);
    return city_reason_words[row].code;
}

void fault_add(struct builder *b, enum city_severity severity, const char *reason,
               const char *detail, const char *field, ...)
{
    struct city_faults *faults = b->faults;
    if (severity == CITY_ERROR)
        faults->errors++;
    else
        faults->warnings++;
    if (faults->count == CITY_MAX_FAULTS)
        return;
    struct city_fault *fault = &faults->list[faults->count++];
    *fault = (struct city_fault){.severity = severity, .reason = reason_code(reason)};
    va_list args;
    va_start(args, field);
    (void)vsnprintf(fault->field, sizeof(fault->field), field, args);
    va_end(args);
    /* A cut in the middle of a character would make the whole answer invalid. */
    size_t len = detail == NULL ? 0 : strnlen(detail, sizeof(fault->detail) - 1);
    while (len > 0 && ((unsigned char)detail[len] & 0xC0) == 0x80)
        len--;
    if (len > 0)
        memcpy(fault->detail, detail, len);
}

void fault_row(struct builder *b, const char *reason, const char *detail, const char *list,
               const char *code, size_t index, const char *part)
{
    if (given(code) && code_well_formed(code))
        fault_add(b, CITY_ERROR, reason, detail, "%s[%s]%s", list, code, part);
    else
        fault_add(b, CITY_ERROR, reason, detail, "%s[#%zu]%s", list, index, part);
}

void city_fault_text(const struct city_fault *fault, const char *lang, struct sbuf *out)
{
    int row = word_find(city_reason_words, CITY_REASON_COUNT, fault->reason);
    INVARIANT(row >= 0);
    bool zh = lang != NULL && strcmp(lang, "zh") == 0;
    sbuf_addf(out, "%s: %s", fault->field,
              zh ? city_reason_words[row].zh : city_reason_words[row].en);
    if (fault->detail[0] != '\0')
        sbuf_addf(out, " (%s)", fault->detail);
}

/* ---- what every list needs ----------------------------------------------------------------- */

bool code_well_formed(const char *code)
{
    size_t len = 0;
    for (; code[len] != '\0'; len++)
        if (code[len] <= ' ' || code[len] > '~' || len == CITY_MAX_CODE_BYTES)
            return false;
    return len > 0;
}

void code_register(struct builder *b, struct map *map, const char *list, const char *code,
                   size_t index, const char *part, bool (*form)(const char *code))
{
    if (form == NULL)
        form = code_well_formed;
    if (!given(code))
        fault_row(b, "required", NULL, list, code, index, part);
    else if (!form(code))
        fault_row(b, "format", NULL, list, code, index, part);
    else if (map_gets(map, code) != NULL)
        fault_row(b, "duplicate", NULL, list, code, index, part);
    else
        (void)map_puts(map, code, (void *)(uintptr_t)(index + 1));
}

const char *name_copy(struct builder *b, const char *list, const char *code, size_t index,
                      const char *name)
{
    if (!given(name)) {
        fault_row(b, "required", NULL, list, code, index, ".name");
        return "";
    }
    if (strnlen(name, CITY_MAX_NAME_BYTES + 1) > CITY_MAX_NAME_BYTES) {
        fault_row(b, "range", "name too long", list, code, index, ".name");
        return "";
    }
    return arena_strdup(b->city->arena, name);
}

size_t list_bound(struct builder *b, const char *list, size_t count, size_t max)
{
    if (count <= max)
        return count;
    fault_add(b, CITY_ERROR, "range", "too many", "%s", list);
    return 0;
}

int tier_parse(struct builder *b, const char *list, const char *code, size_t index,
               const char *part, const char *word)
{
    if (!given(word)) {
        fault_row(b, "required", NULL, list, code, index, part);
        return -1;
    }
    int tier = word_find(tier_words, TIER_COUNT, word);
    if (tier < 0)
        fault_row(b, "unknown", NULL, list, code, index, part);
    else if (tier == TIER_DESK)
        fault_row(b, "range", "the desk has no places", list, code, index, part);
    return tier == TIER_DESK ? -1 : tier;
}

/* ---- head ---------------------------------------------------------------------------------- */

static void build_tiers(struct builder *b)
{
    const struct city_spec *spec = b->spec;
    int below = -1;
    size_t count = list_bound(b, "city.tiers", spec->tier_count, TIER_COUNT);
    for (size_t i = 0; i < count; i++) {
        int tier = word_find(tier_words, TIER_COUNT, spec->tiers[i]);
        if (tier < 0) {
            fault_add(b, CITY_ERROR, "unknown", NULL, "city.tiers[%zu]", i);
            continue;
        }
        if (b->city->has_tier[tier])
            fault_add(b, CITY_ERROR, "duplicate", NULL, "city.tiers[%zu]", i);
        else if (tier < below)
            fault_add(b, CITY_ERROR, "range", "tiers are listed from below", "city.tiers[%zu]", i);
        b->city->has_tier[tier] = true;
        below = tier;
    }
    if (count == 0)
        fault_add(b, CITY_ERROR, "required", NULL, "city.tiers");
    b->city->has_tier[TIER_DESK] = true;
}

static const char *head_copy(struct builder *b, const char *field, const char *value)
{
    if (!given(value))
        fault_add(b, CITY_ERROR, "required", NULL, "%s", field);
    else if (strnlen(value, CITY_MAX_NAME_BYTES + 1) > CITY_MAX_NAME_BYTES)
        fault_add(b, CITY_ERROR, "range", "name too long", "%s", field);
    else
        return arena_strdup(b->city->arena, value);
    return "";
}

static void build_head(struct builder *b)
{
    const struct city_spec *spec = b->spec;
    struct city *city = b->city;
    city->code = head_copy(b, "city.code", spec->code);
    /* The administrative code: 2 digits per level of province, city, county. */
    if (given(city->code) && (strlen(city->code) != 6 || strspn(city->code, "0123456789") != 6))
        fault_add(b, CITY_ERROR, "format", "six digits", "city.code");
    city->name = head_copy(b, "city.name", spec->name);
    city->rule_set = head_copy(b, "rule_set.name", spec->rule_set);
    city->sla_set = head_copy(b, "sla_set.name", spec->sla_set);
    city->offset_min = spec->offset_min;
    if (spec->offset_min < -12 * 60 || spec->offset_min > 14 * 60)
        fault_add(b, CITY_ERROR, "range", NULL, "city.utc_offset_minutes");
    city->rule_set_version = spec->rule_set_version;
    city->sla_version = spec->sla_version;
    city->calendar_version = spec->calendar_version;
    build_tiers(b);
}

/* ---- policies and calendars ---------------------------------------------------------------- */

/* Keeps the text of a builder of the domain as detail and frees it. */
static void fault_of_part(struct builder *b, char *error, const char *list, const char *code,
                          size_t index)
{
    fault_row(b, "format", error, list, code, index, "");
    free(error);
}

static void build_policies(struct builder *b)
{
    static const char list[] = "sla_set.policies";
    struct city *city = b->city;
    size_t count = list_bound(b, list, b->spec->policy_count, CITY_MAX_POLICIES);
    city->policies = arena_alloc(city->arena, (count + 1) * sizeof(struct sla_policy *));
    for (size_t i = 0; i < count; i++) {
        const struct sla_policy_spec *spec = &b->spec->policies[i];
        char *error = NULL;
        code_register(b, city->policy_by_name, list, spec->name, i, ".name", NULL);
        city->policies[i] = given(spec->name) ? sla_policy_build(spec, &error) : NULL;
        if (error != NULL)
            fault_of_part(b, error, list, spec->name, i);
    }
    city->policy_count = count;
    city->default_policy = city_find_policy(city, CITY_DEFAULT_POLICY);
    if (city->default_policy < 0)
        fault_add(b, CITY_ERROR, "required", NULL, "%s[%s]", list, CITY_DEFAULT_POLICY);
}

static void build_older_set(struct city *city, const struct sla_set_spec *spec)
{
    struct policy_set *set = &city->older_sets[city->older_set_count++];
    set->version = spec->version;
    set->policies = arena_alloc(city->arena, (spec->policy_count + 1) * sizeof(*set->policies));
    for (size_t i = 0; i < spec->policy_count; i++) {
        char *error = NULL;
        struct sla_policy *policy = sla_policy_build(&spec->policies[i], &error);
        free(error);
        if (policy != NULL)
            set->policies[set->count++] = policy;
    }
}

static void build_older_sets(struct builder *b)
{
    const struct city_spec *spec = b->spec;
    struct city *city = b->city;
    size_t policies = 0;
    city->older_sets =
        arena_alloc(city->arena, (CITY_MAX_OLDER_SETS + 1) * sizeof(*city->older_sets));
    for (size_t i = 0; i < spec->older_set_count && i < CITY_MAX_OLDER_SETS; i++) {
        const struct sla_set_spec *older = &spec->older_sets[i];
        if (older->version == spec->sla_version)
            continue;
        policies += older->policy_count;
        if (policies > CITY_MAX_OLDER_POLICIES)
            break;
        build_older_set(city, older);
    }
}

/* Which place a calendar is for; at most one for each, and one for the city as a whole. */
static void calendar_place(struct builder *b, int index, const struct calendar_spec *spec,
                           int *at_region)
{
    struct city *city = b->city;
    size_t row = (size_t)index;
    if (!given(spec->region)) {
        if (city->city_calendar >= 0)
            fault_row(b, "duplicate", "a second calendar without region", "calendars", spec->name,
                      row, ".region");
        city->city_calendar = index;
        return;
    }
    int region = city_find_region(city, spec->region);
    if (region < 0)
        fault_row(b, "unknown", NULL, "calendars", spec->name, row, ".region");
    else if (at_region[region] >= 0)
        fault_row(b, "duplicate", "the region has a calendar already", "calendars", spec->name, row,
                  ".region");
    else
        at_region[region] = index;
}

static void calendars_inherit(struct city *city)
{
    /* From the top down: the preorder visits parents first. */
    int *by_order = arena_alloc(city->arena, (city->region_count + 1) * sizeof(*by_order));
    for (size_t i = 0; i < city->region_count; i++)
        by_order[city->regions[i].order] = (int)i;
    for (size_t i = 0; i < city->region_count; i++) {
        int region = by_order[i];
        int parent = city->regions[region].parent;
        if (city->region_calendar[region] < 0)
            city->region_calendar[region] =
                parent < 0 ? city->city_calendar : city->region_calendar[parent];
    }
}

static void build_calendars(struct builder *b)
{
    struct city *city = b->city;
    size_t count = list_bound(b, "calendars", b->spec->calendar_count, CITY_MAX_CALENDARS);
    city->calendars = arena_alloc(city->arena, (count + 1) * sizeof(struct calendar *));
    city->region_calendar = arena_alloc(city->arena, (city->region_count + 1) * sizeof(int));
    for (size_t i = 0; i < city->region_count; i++)
        city->region_calendar[i] = -1;
    city->city_calendar = -1;
    struct map *names = map_new();
    for (size_t i = 0; i < count; i++) {
        const struct calendar_spec *spec = &b->spec->calendars[i];
        char *error = NULL;
        code_register(b, names, "calendars", spec->name, i, ".name", NULL);
        calendar_place(b, (int)i, spec, city->region_calendar);
        city->calendars[i] = calendar_build(spec, &error);
        if (error != NULL)
            fault_of_part(b, error, "calendars", spec->name, i);
    }
    map_free(&names);
    city->calendar_count = count;
    if (city->city_calendar < 0)
        fault_add(b, CITY_ERROR, "required", "one calendar without region", "calendars");
}

/* ---- all of it ----------------------------------------------------------------------------- */

static struct city *city_new(void)
{
    struct city *city = xcalloc(1, sizeof(*city));
    city->refs = 1;
    city->arena = arena_new();
    city->region_by_code = map_new();
    city->category_by_code = map_new();
    city->unit_by_code = map_new();
    city->rule_by_code = map_new();
    city->duty_by_name = map_new();
    city->policy_by_name = map_new();
    return city;
}

struct city *city_build(const struct city_spec *spec, struct city_faults *faults)
{
    struct city *city = city_new();
    struct builder b = {.spec = spec, .city = city, .faults = faults};
    faults->count = faults->errors = faults->warnings = 0;
    build_head(&b);
    city_build_regions(&b);
    city_build_categories(&b);
    build_policies(&b);
    build_older_sets(&b);
    build_calendars(&b);
    city_build_units(&b);
    city_build_rules(&b);
    if (faults->errors > 0) {
        city_unref(&city);
        return NULL;
    }
    calendars_inherit(city);
    city_index_rules(city);
    city_check_rules(&b);
    city->place_names = place_index_build(city);
    return city;
}
