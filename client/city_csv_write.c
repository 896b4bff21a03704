#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/city_csv.h"
#include "client/city_csv_tables.h"
#include "client/csv_file.h"
#include "proto/city_json.h"

/* The files' texts, before anything is written to the disk. */
struct export
{
    struct csv_errors errors;
    struct sbuf files[CITY_TABLE_COUNT];
    const char *folder;
};

static void export_error(struct export *e, const char *file, const char *what, const char *detail)
{
    csv_errors_add(&e->errors, e->folder, (struct csv_place){0}, "%s: %s: %s", file, what, detail);
}

/* ---- cells ----------------------------------------------------------------------------------- */

static void put_scalar(struct sbuf *out, const struct json_value *v)
{
    enum json_type type = json_type(v);
    if (type == JSON_INT)
        sbuf_addf(out, "%lld", (long long)json_int(v));
    else if (type == JSON_BOOL)
        sbuf_adds(out, json_bool(v) ? "true" : "false");
    else if (type == JSON_STRING)
        sbuf_adds(out, json_string(v, NULL));
}

/* The object of a step as "5wd+2". */
static void put_step(struct sbuf *out, const struct json_value *step)
{
    const char *code = json_string(json_get(step, "unit"), NULL);
    for (size_t i = 0; i < CITY_CSV_STEP_UNITS; i++)
        if (strcmp(city_csv_step_units[i].code, code) == 0)
            sbuf_addf(out, "%lld%s+%lld", (long long)json_int(json_get(step, "after")),
                      city_csv_step_units[i].text, (long long)json_int(json_get(step, "up")));
}

static void put_value(struct export *e, enum city_table_id id, const struct json_value *v)
{
    struct sbuf cell;
    sbuf_init(&cell, 0);
    if (json_type(v) != JSON_ARRAY)
        put_scalar(&cell, v);
    for (size_t i = 0; i < json_array_length(v); i++) {
        const struct json_value *item = json_at(v, i);
        const char *text = json_string(item, NULL);
        if (text != NULL && (text[0] == '\0' || strchr(text, ';') != NULL))
            export_error(e, city_csv_tables[id].file, "no entry of a list", text);
        if (i > 0)
            sbuf_addc(&cell, ';');
        if (json_type(item) == JSON_OBJECT)
            put_step(&cell, item);
        else
            put_scalar(&cell, item);
    }
    csv_put_cell(&e->files[id], cell.data);
    sbuf_free(&cell);
}

static void put_header(struct export *e, enum city_table_id id)
{
    const struct city_csv_table *table = &city_csv_tables[id];
    for (size_t i = 0; i < table->column_count; i++)
        sbuf_addf(&e->files[id], "%s%s", i > 0 ? "," : "", table->columns[i].name);
    sbuf_addc(&e->files[id], '\n');
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* owner is the text of the column that is not part of the row's object. */
static void put_row(struct export *e, enum city_table_id id, const struct json_value *row,
                    const char *owner)
{
    const struct city_csv_table *table = &city_csv_tables[id];
    struct sbuf *out = &e->files[id];
    for (size_t i = 0; i < table->column_count; i++) {
        const struct csv_column *column = &table->columns[i];
        if (i > 0)
            sbuf_addc(out, ',');
        if (column->key == NULL) {
            csv_put_cell(out, owner);
            continue;
        }
        const struct json_value *object =
            column->object != NULL ? json_get(row, column->object) : row;
        put_value(e, id, json_get(object, column->key));
    }
    sbuf_addc(out, '\n');
}

static void put_rows(struct export *e, enum city_table_id id, const struct json_value *list,
                     const char *owner)
{
    for (size_t i = 0; i < json_array_length(list); i++)
        put_row(e, id, json_at(list, i), owner);
}

static void put_settings(struct export *e, enum city_table_id id, const struct json_value *owner,
                         const char *owner_name, const struct city_csv_setting *settings,
                         size_t count)
{
    struct sbuf *out = &e->files[id];
    for (size_t i = 0; i < count; i++) {
        const struct json_value *object =
            settings[i].object != NULL ? json_get(owner, settings[i].object) : owner;
        const struct json_value *v = json_get(object, settings[i].name);
        if (json_type(v) == JSON_NULL)
            continue;
        if (owner_name != NULL) {
            csv_put_cell(out, owner_name);
            sbuf_addc(out, ',');
        }
        sbuf_addf(out, "%s,", settings[i].key);
        put_value(e, id, v);
        sbuf_addc(out, '\n');
    }
}

static void put_policies(struct export *e, const struct json_value *policies)
{
    for (size_t i = 0; i < json_array_length(policies); i++) {
        const struct json_value *policy = json_at(policies, i);
        put_rows(e, CITY_TABLE_SLA, json_get(policy, "clocks"),
                 json_string(json_get(policy, "name"), NULL));
    }
}

static void put_calendars(struct export *e, const struct json_value *calendars)
{
    for (size_t i = 0; i < json_array_length(calendars); i++) {
        const struct json_value *calendar = json_at(calendars, i);
        const char *name = json_string(json_get(calendar, "name"), NULL);
        put_settings(e, CITY_TABLE_CALENDAR, calendar, name, city_csv_calendar_settings,
                     CITY_CSV_CALENDAR_SETTINGS);
        put_rows(e, CITY_TABLE_CALENDAR_DAYS, json_get(calendar, "days"), name);
    }
}

static void put_tables(struct export *e, const struct json_value *root)
{
    for (int id = 0; id < CITY_TABLE_COUNT; id++)
        put_header(e, (enum city_table_id)id);
    put_settings(e, CITY_TABLE_HEAD, root, NULL, city_csv_head_settings, CITY_CSV_HEAD_SETTINGS);
    put_rows(e, CITY_TABLE_REGIONS, json_get(root, "regions"), NULL);
    put_rows(e, CITY_TABLE_UNITS, json_get(root, "units"), NULL);
    put_rows(e, CITY_TABLE_CATEGORIES, json_get(root, "categories"), NULL);
    put_rows(e, CITY_TABLE_RULES, json_get(json_get(root, "rule_set"), "rules"), NULL);
    put_policies(e, json_get(json_get(root, "sla_set"), "policies"));
    put_calendars(e, json_get(root, "calendars"));
    put_rows(e, CITY_TABLE_DEVICES, json_get(root, "devices"), NULL);
}

/* ---- files ----------------------------------------------------------------------------------- */

static bool write_text(const char *path, const struct sbuf *text)
{
    FILE *stream = fopen(path, "wbe");
    if (stream == NULL)
        return false;
    bool ok = fwrite(text->data, 1, text->len, stream) == text->len;
    return fclose(stream) == 0 && ok;
}

/* A new file is complete before it takes the old one's name. */
static void write_file(struct export *e, enum city_table_id id)
{
    const char *name = city_csv_tables[id].file;
    if (e->files[id].overflow) {
        export_error(e, name, "too large", "a file may have 64 MB");
        return;
    }
    char *path = xasprintf("%s/%s", e->folder, name);
    char *fresh = xasprintf("%s.new", path);
    if (!write_text(fresh, &e->files[id]) || rename(fresh, path) != 0) {
        export_error(e, name, "cannot write", strerror(errno));
        unlink(fresh);
    }
    free(fresh);
    free(path);
}

static void write_files(struct export *e)
{
    if (mkdir(e->folder, 0777) != 0 && errno != EEXIST) {
        export_error(e, "folder", "cannot make it", strerror(errno));
        return;
    }
    for (int id = 0; id < CITY_TABLE_COUNT; id++)
        write_file(e, (enum city_table_id)id);
}

static bool bundle_ok(struct export *e, const struct json_value *root, struct arena *arena,
                      struct faults *faults)
{
    struct city_bundle bundle;
    if (root != NULL && city_json_decode(root, arena, &bundle, faults))
        return true;
    for (size_t i = 0; i < faults->count; i++)
        export_error(e, "bundle", faults->list[i].field, faults->list[i].reason);
    return false;
}

bool city_csv_write(const char *json, size_t len, const char *folder, struct sbuf *errors)
{
    struct export e = {.errors = {.text = errors}, .folder = folder};
    struct arena *arena = arena_new();
    struct faults faults;
    faults_init(&faults, arena);
    for (int id = 0; id < CITY_TABLE_COUNT; id++)
        sbuf_init(&e.files[id], CSV_FILE_MAX_BYTES);

    struct json_doc *doc = json_parse(json, len, &faults);
    if (bundle_ok(&e, doc != NULL ? json_root(doc) : NULL, arena, &faults)) {
        put_tables(&e, json_root(doc));
        if (e.errors.count == 0)
            write_files(&e);
    }

    csv_errors_end(&e.errors);
    json_doc_free(&doc);
    for (int id = 0; id < CITY_TABLE_COUNT; id++)
        sbuf_free(&e.files[id]);
    arena_free(&arena);
    return e.errors.count == 0;
}
