#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/city_csv.h"
#include "client/city_csv_internal.h"
#include "proto/city_json.h"

#define BUNDLE_MAX_BYTES ((size_t)256 << 20)

/* Where something of the bundle stands in the files: a whole row, or one cell of it. */
struct source {
    const struct city_row *row;
    enum city_table_id table;
    const struct csv_cell *cell; /* NULL = the row, whose cell is told by the rest of the path */
};

struct conversion {
    struct city_folders folders;
    struct json_writer writer;
    struct map *sources; /* path in the bundle -> struct source */
};

static void note_source(struct conversion *c, const char *path, enum city_table_id table,
                        const struct city_row *row, const struct csv_cell *cell)
{
    struct source *source = arena_alloc(c->folders.arena, sizeof(*source));
    *source = (struct source){.row = row, .table = table, .cell = cell};
    map_puts(c->sources, path, source);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void cell_error(struct conversion *c, const struct city_row *row,
                       const struct csv_cell *cell, const char *what)
{
    csv_errors_add(c->folders.errors, row->file->path, cell->place, "\"%s\" %s", cell->text, what);
}

static bool parse_integer(const char *text, int64_t *value_r)
{
    char *end;
    if (text[0] != '-' && (text[0] < '0' || text[0] > '9'))
        return false;
    if (strlen(text) > 12) /* nothing in a bundle is that large */
        return false;
    *value_r = strtoll(text, &end, 10);
    return end != text && *end == '\0';
}

/* "5wd+2" */
static bool put_step(struct conversion *c, const char *item)
{
    size_t digits = strspn(item, "0123456789");
    size_t letters = strspn(item + digits, "abcdefghijklmnopqrstuvwxyz");
    const char *sign = item + digits + letters;
    int64_t after, up;
    if (digits == 0 || *sign != '+' ||
        !parse_integer(arena_strndup(c->folders.arena, item, digits), &after) ||
        !parse_integer(sign + 1, &up))
        return false;
    for (size_t i = 0; i < CITY_CSV_STEP_UNITS; i++) {
        const struct csv_step_unit *unit = &city_csv_step_units[i];
        if (strlen(unit->text) != letters || strncmp(unit->text, item + digits, letters) != 0)
            continue;
        jw_object(&c->writer, NULL);
        jw_int(&c->writer, "after", after);
        jw_string(&c->writer, "unit", unit->code);
        jw_int(&c->writer, "up", up);
        jw_object_end(&c->writer);
        return true;
    }
    return false;
}

static void put_item(struct conversion *c, const struct city_row *row, const struct csv_cell *cell,
                     enum csv_type type, const char *item)
{
    int64_t value = 0;
    if (item[0] == '\0')
        cell_error(c, row, cell, "has an empty entry");
    else if (type == CSV_TEXTS)
        jw_string(&c->writer, NULL, item);
    else if (type == CSV_STEPS) {
        if (!put_step(c, item))
            cell_error(c, row, cell, "is not a list of steps like 1wd+1;5wd+2");
    } else if (parse_integer(item, &value))
        jw_int(&c->writer, NULL, value);
    else
        cell_error(c, row, cell, "is not a list of numbers");
}

/* "a; b;c": blanks around an entry do not belong to it. */
static void put_list(struct conversion *c, const char *key, const struct city_row *row,
                     const struct csv_cell *cell, enum csv_type type)
{
    jw_array(&c->writer, key);
    const char *at = cell->text;
    while (*at != '\0') {
        size_t len = strcspn(at, ";");
        const char *next = at + len + (at[len] == ';');
        while (len > 0 && *at == ' ') {
            at++;
            len--;
        }
        while (len > 0 && at[len - 1] == ' ')
            len--;
        put_item(c, row, cell, type, arena_strndup(c->folders.arena, at, len));
        at = next;
    }
    jw_array_end(&c->writer);
}

static void put_integer(struct conversion *c, const char *key, const struct city_row *row,
                        const struct csv_cell *cell)
{
    int64_t value = 0;
    if (!parse_integer(cell->text, &value))
        cell_error(c, row, cell, "is not a number");
    jw_int(&c->writer, key, value);
}

static void put_boolean(struct conversion *c, const char *key, const struct city_row *row,
                        const struct csv_cell *cell)
{
    bool value = strcmp(cell->text, "true") == 0;
    if (!value && strcmp(cell->text, "false") != 0)
        cell_error(c, row, cell, "is neither true nor false");
    jw_bool(&c->writer, key, value);
}

/* Nothing for an empty cell, but for a list: an empty list. */
static void put_cell(struct conversion *c, const char *key, enum csv_type type,
                     const struct city_row *row, const struct csv_cell *cell)
{
    if (type == CSV_TEXTS || type == CSV_INTS || type == CSV_STEPS)
        put_list(c, key, row, cell, type);
    else if (cell->text[0] == '\0')
        return;
    else if (type == CSV_INT)
        put_integer(c, key, row, cell);
    else if (type == CSV_BOOL)
        put_boolean(c, key, row, cell);
    else
        jw_string(&c->writer, key, cell->text);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static bool same_object(const struct csv_column *a, const struct csv_column *b)
{
    if (a->object == NULL || b->object == NULL)
        return a->object == b->object;
    return strcmp(a->object, b->object) == 0;
}

/* A nested object and its neighbours in it; absent when all its cells are empty. Returns the column
 * after it. */
static size_t put_nested(struct conversion *c, const struct city_csv_table *table,
                         const struct city_row *row, size_t first)
{
    size_t end = first;
    bool given = false;
    while (end < table->column_count && same_object(&table->columns[first], &table->columns[end]))
        given |= city_row_text(row, end++) != NULL;
    if (!given)
        return end;
    jw_object(&c->writer, table->columns[first].object);
    for (size_t i = first; i < end; i++)
        if (city_row_text(row, i) != NULL)
            put_cell(c, table->columns[i].key, table->columns[i].type, row, row->cells[i]);
    jw_object_end(&c->writer);
    return end;
}

static void put_row(struct conversion *c, enum city_table_id id, const struct city_row *row,
                    const char *path)
{
    const struct city_csv_table *table = &city_csv_tables[id];
    note_source(c, path, id, row, NULL);
    jw_object(&c->writer, NULL);
    for (size_t i = 0; i < table->column_count;) {
        const struct csv_column *column = &table->columns[i];
        if (column->object != NULL) {
            i = put_nested(c, table, row, i);
            continue;
        }
        if (column->key != NULL && city_row_text(row, i) != NULL)
            put_cell(c, column->key, column->type, row, row->cells[i]);
        i++;
    }
    jw_object_end(&c->writer);
}

/* The rows whose first cell is `owner` (NULL: all) as the list `key`; path is the list's. */
static void put_rows(struct conversion *c, enum city_table_id id, const char *key,
                     const char *owner, const char *path)
{
    const struct city_rows *rows = &c->folders.tables[id];
    size_t index = 0;
    jw_array(&c->writer, key);
    for (size_t i = 0; i < rows->count; i++) {
        const char *first = city_row_text(rows->list[i], 0);
        if (owner != NULL && (first == NULL || strcmp(first, owner) != 0))
            continue;
        put_row(c, id, rows->list[i], arena_printf(c->folders.arena, "%s[%zu]", path, index++));
    }
    jw_array_end(&c->writer);
}

/* ---- key,value files ------------------------------------------------------------------------- */

/* The row with the setting, of the owner (a calendar) or of the city (NULL). */
static const struct city_row *find_setting(struct conversion *c, enum city_table_id id,
                                           const char *owner, const char *key)
{
    const char *map_key = owner != NULL ? arena_printf(c->folders.arena, "%s\x1f%s\x1f", owner, key)
                                        : arena_printf(c->folders.arena, "%s\x1f", key);
    return map_gets(c->folders.tables[id].by_key, map_key);
}

struct settings {
    enum city_table_id table;
    const struct city_csv_setting *list;
    size_t count;
    size_t value_column;
};
static const struct settings head_settings = {CITY_TABLE_HEAD, city_csv_head_settings,
                                              CITY_CSV_HEAD_SETTINGS, 1};
static const struct settings calendar_settings = {CITY_TABLE_CALENDAR, city_csv_calendar_settings,
                                                  CITY_CSV_CALENDAR_SETTINGS, 2};

/* The settings that belong to one object of the bundle (NULL: the owner itself); path is that
 * object's. */
static void put_settings(struct conversion *c, const struct settings *s, const char *owner,
                         const char *object, const char *path)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct city_csv_setting *setting = &s->list[i];
        if ((setting->object == NULL) != (object == NULL) ||
            (object != NULL && strcmp(setting->object, object) != 0))
            continue;
        const struct city_row *row = find_setting(c, s->table, owner, setting->key);
        if (row == NULL)
            continue;
        const struct csv_cell *cell = row->cells[s->value_column];
        note_source(c, arena_printf(c->folders.arena, "%s.%s", path, setting->name), s->table, row,
                    cell);
        put_cell(c, setting->name, setting->type, row, cell);
    }
}

static void check_setting_keys(struct conversion *c, const struct settings *s)
{
    const struct city_rows *rows = &c->folders.tables[s->table];
    for (size_t i = 0; i < rows->count; i++) {
        const struct csv_cell *cell = rows->list[i]->cells[s->value_column - 1];
        bool known = false;
        for (size_t k = 0; k < s->count; k++)
            known |= strcmp(s->list[k].key, cell->text) == 0;
        if (!known)
            cell_error(c, rows->list[i], cell, "is not a key of this file");
    }
}

/* ---- owners: policies and calendars ---------------------------------------------------------- */

#define MAX_OWNERS 200

struct owners {
    const char *names[MAX_OWNERS];
    const struct city_row *first[MAX_OWNERS];
    size_t count;
};

static bool owners_has(const struct owners *owners, const char *name)
{
    for (size_t i = 0; i < owners->count; i++)
        if (strcmp(owners->names[i], name) == 0)
            return true;
    return false;
}

/* The different first cells in the order in which they come. */
static void collect_owners(struct conversion *c, enum city_table_id id, struct owners *owners)
{
    const struct city_rows *rows = &c->folders.tables[id];
    for (size_t i = 0; i < rows->count; i++) {
        const struct csv_cell *cell = rows->list[i]->cells[0];
        if (owners_has(owners, cell->text))
            continue;
        if (cell->text[0] == '\0' || owners->count == MAX_OWNERS) {
            cell_error(c, rows->list[i], cell,
                       cell->text[0] == '\0' ? "is no name" : "is one name too many");
            return;
        }
        owners->first[owners->count] = rows->list[i];
        owners->names[owners->count++] = cell->text;
    }
}

/* The owner's name, which stands in the first cell of its rows; path is the owner's. */
static void put_owner_name(struct conversion *c, enum city_table_id id, const struct owners *owners,
                           size_t index, const char *path)
{
    const struct city_row *row = owners->first[index];
    note_source(c, arena_printf(c->folders.arena, "%s.name", path), id, row, row->cells[0]);
    jw_string(&c->writer, "name", owners->names[index]);
}

/* list: the path of the policies in the document. */
static void put_policies(struct conversion *c, const char *list)
{
    struct owners owners = {.count = 0};
    collect_owners(c, CITY_TABLE_SLA, &owners);
    jw_array(&c->writer, "policies");
    for (size_t i = 0; i < owners.count; i++) {
        const char *path = arena_printf(c->folders.arena, "%s[%zu]", list, i);
        jw_object(&c->writer, NULL);
        put_owner_name(c, CITY_TABLE_SLA, &owners, i, path);
        put_rows(c, CITY_TABLE_SLA, "clocks", owners.names[i],
                 arena_printf(c->folders.arena, "%s.clocks", path));
        jw_object_end(&c->writer);
    }
    jw_array_end(&c->writer);
}

static void check_day_owners(struct conversion *c, const struct owners *owners)
{
    const struct city_rows *days = &c->folders.tables[CITY_TABLE_CALENDAR_DAYS];
    for (size_t i = 0; i < days->count; i++) {
        const struct csv_cell *cell = days->list[i]->cells[0];
        if (!owners_has(owners, cell->text))
            cell_error(c, days->list[i], cell, "is not a calendar of calendar.csv");
    }
}

static void put_calendars(struct conversion *c)
{
    struct owners owners = {.count = 0};
    collect_owners(c, CITY_TABLE_CALENDAR, &owners);
    check_day_owners(c, &owners);
    check_setting_keys(c, &calendar_settings);
    jw_array(&c->writer, "calendars");
    for (size_t i = 0; i < owners.count; i++) {
        const char *name = owners.names[i];
        const char *path = arena_printf(c->folders.arena, "calendars[%zu]", i);
        jw_object(&c->writer, NULL);
        put_owner_name(c, CITY_TABLE_CALENDAR, &owners, i, path);
        put_settings(c, &calendar_settings, name, NULL, path);
        jw_object(&c->writer, "week");
        put_settings(c, &calendar_settings, name, "week",
                     arena_printf(c->folders.arena, "%s.week", path));
        jw_object_end(&c->writer);
        put_rows(c, CITY_TABLE_CALENDAR_DAYS, "days", name,
                 arena_printf(c->folders.arena, "%s.days", path));
        jw_object_end(&c->writer);
    }
    jw_array_end(&c->writer);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void put_bundle(struct conversion *c, struct sbuf *out)
{
    struct json_writer *w = &c->writer;
    jw_init(w, out);
    check_setting_keys(c, &head_settings);
    jw_object(w, NULL);
    jw_object(w, "city");
    put_settings(c, &head_settings, NULL, "city", "city");
    jw_object_end(w);
    put_rows(c, CITY_TABLE_REGIONS, "regions", NULL, "regions");
    put_rows(c, CITY_TABLE_UNITS, "units", NULL, "units");
    put_rows(c, CITY_TABLE_CATEGORIES, "categories", NULL, "categories");
    jw_object(w, "rule_set");
    put_settings(c, &head_settings, NULL, "rule_set", "rule_set");
    put_rows(c, CITY_TABLE_RULES, "rules", NULL, "rule_set.rules");
    jw_object_end(w);
    jw_object(w, "sla_set");
    put_settings(c, &head_settings, NULL, "sla_set", "sla_set");
    put_policies(c, "sla_set.policies");
    jw_object_end(w);
    put_calendars(c);
    put_rows(c, CITY_TABLE_DEVICES, "devices", NULL, "devices");
    jw_object_end(w);
}

static void put_part(struct conversion *c, enum city_part part, const char *name, struct sbuf *out)
{
    jw_init(&c->writer, out);
    jw_object(&c->writer, NULL);
    jw_string(&c->writer, "name", name);
    if (part == CITY_PART_RULES)
        put_rows(c, CITY_TABLE_RULES, "rules", NULL, "rules");
    else if (part == CITY_PART_POLICIES)
        put_policies(c, "policies");
    else
        put_calendars(c);
    jw_object_end(&c->writer);
}

/* The cell of a row that ".window.from", ".duties[2]" or ".parent" is about. */
static const struct csv_cell *cell_of_rest(const struct source *source, const char *rest)
{
    const struct city_csv_table *table = &city_csv_tables[source->table];
    for (size_t i = 0; i < table->column_count; i++) {
        const struct csv_column *column = &table->columns[i];
        char path[64];
        if (column->key == NULL || source->row->cells[i] == NULL)
            continue;
        snprintf(path, sizeof(path), ".%s%s%s", column->object != NULL ? column->object : "",
                 column->object != NULL ? "." : "", column->key);
        size_t len = strlen(path);
        bool whole = strncmp(rest, path, len) == 0 && (rest[len] == '\0' || rest[len] == '[');
        bool object =
            column->object != NULL && rest[0] == '.' && strcmp(rest + 1, column->object) == 0;
        if (whole || object)
            return source->row->cells[i];
    }
    return NULL;
}

/* The longest prefix of the path that came from a row tells where the fault stands. */
static void fault_error(struct conversion *c, const struct field_fault *fault)
{
    char *path = arena_strdup(c->folders.arena, fault->field);
    for (size_t len = strlen(path); len > 0; len--) {
        if (fault->field[len] != '\0' && strchr(".[", fault->field[len]) == NULL)
            continue;
        path[len] = '\0';
        const struct source *source = map_gets(c->sources, path);
        if (source == NULL)
            continue;
        const struct csv_cell *cell = source->cell;
        if (cell == NULL)
            cell = cell_of_rest(source, fault->field + len);
        csv_errors_add(c->folders.errors, source->row->file->path,
                       cell != NULL ? cell->place : source->row->place, "%s (%s)", fault->reason,
                       fault->field);
        return;
    }
    const char *file = c->folders.tables[CITY_TABLE_HEAD].path;
    csv_errors_add(c->folders.errors, file != NULL ? file : "city.csv", (struct csv_place){1, 1},
                   "%s (%s)", fault->reason, fault->field);
}

/* The codec that imports use says whether the bundle is well formed. */
static void check_bundle(struct conversion *c, const struct sbuf *text)
{
    struct faults faults;
    struct city_bundle bundle;
    faults_init(&faults, c->folders.arena);
    struct json_doc *doc = json_parse(text->data, text->len, &faults);
    bool ok = doc != NULL && city_json_decode(json_root(doc), c->folders.arena, &bundle, &faults);
    for (size_t i = 0; !ok && i < faults.count; i++)
        fault_error(c, &faults.list[i]);
    json_doc_free(&doc);
}

static void check_part(struct conversion *c, enum city_part part, const struct sbuf *text)
{
    struct faults faults;
    struct city_spec spec = {0};
    struct city_part_head head;
    faults_init(&faults, c->folders.arena);
    struct json_doc *doc = json_parse(text->data, text->len, &faults);
    bool ok = doc != NULL &&
              city_json_decode_part(part, json_root(doc), c->folders.arena, &spec, &head, &faults);
    for (size_t i = 0; !ok && i < faults.count; i++)
        fault_error(c, &faults.list[i]);
    json_doc_free(&doc);
}

static void conversion_begin(struct conversion *c, struct csv_errors *collected, struct sbuf *text)
{
    *c = (struct conversion){.folders = {.arena = arena_new(), .errors = collected}};
    c->sources = map_new();
    sbuf_init(text, BUNDLE_MAX_BYTES);
}

static bool conversion_end(struct conversion *c, const char *path, struct sbuf *text,
                           struct sbuf *json)
{
    struct csv_errors *collected = c->folders.errors;
    if (text->overflow)
        csv_errors_add(collected, path, (struct csv_place){0}, "too large for one bundle");
    if (collected->count == 0)
        sbuf_add(json, text->data, text->len);
    csv_errors_end(collected);
    map_free(&c->sources);
    city_folders_free(&c->folders);
    sbuf_free(text);
    arena_free(&c->folders.arena);
    return collected->count == 0;
}

bool city_csv_read(const char *const *paths, size_t path_count, struct sbuf *json,
                   struct sbuf *errors)
{
    struct csv_errors collected = {.text = errors};
    struct conversion c;
    struct sbuf text;
    conversion_begin(&c, &collected, &text);
    city_folders_load(&c.folders, paths, path_count);
    if (collected.count == 0)
        put_bundle(&c, &text);
    if (collected.count == 0 && !text.overflow)
        check_bundle(&c, &text);
    return conversion_end(&c, paths[0], &text, json);
}

bool city_csv_read_part(enum city_part part, const char *path, const char *name, struct sbuf *json,
                        struct sbuf *errors)
{
    static const unsigned tables[CITY_PART_COUNT] = {
        [CITY_PART_RULES] = 1U << CITY_TABLE_RULES,
        [CITY_PART_POLICIES] = 1U << CITY_TABLE_SLA,
        [CITY_PART_CALENDARS] = 1U << CITY_TABLE_CALENDAR | 1U << CITY_TABLE_CALENDAR_DAYS,
    };
    struct csv_errors collected = {.text = errors};
    struct conversion c;
    struct sbuf text;
    conversion_begin(&c, &collected, &text);
    city_folders_load_part(&c.folders, path, tables[part]);
    if (collected.count == 0)
        put_part(&c, part, name, &text);
    if (collected.count == 0 && !text.overflow)
        check_part(&c, part, &text);
    return conversion_end(&c, path, &text, json);
}
