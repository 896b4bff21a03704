#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/city_csv_internal.h"

const char *city_row_text(const struct city_row *row, size_t column)
{
    const struct csv_cell *cell = row->cells[column];
    return cell != NULL && cell->text[0] != '\0' ? cell->text : NULL;
}

/* ---- the header line ------------------------------------------------------------------------- */

static int find_column(const struct city_csv_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* Which column of the table each cell of a row is. */
static bool read_header(struct csv_errors *errors, const struct city_csv_table *table,
                        const struct csv_file *file, size_t *column_of)
{
    const struct csv_row *header = &file->rows[0];
    size_t before = errors->count;
    bool seen[CITY_TABLE_MAX_COLUMNS] = {false};
    for (size_t i = 0; i < header->count; i++) {
        const struct csv_cell *cell = &header->cells[i];
        int column = find_column(table, cell->text);
        if (column < 0) {
            csv_errors_add(errors, file->path, cell->place, "unknown column \"%s\"", cell->text);
            continue;
        }
        if (seen[column])
            csv_errors_add(errors, file->path, cell->place, "column \"%s\" stands here twice",
                           cell->text);
        seen[column] = true;
        column_of[i] = (size_t)column;
    }
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].required && !seen[i])
            csv_errors_add(errors, file->path, header->cells[0].place, "column \"%s\" is missing",
                           table->columns[i].name);
    return errors->count == before;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* The texts of the key columns, apart by a byte that no cell of ours has. */
static const char *row_key(struct arena *arena, const struct city_csv_table *table,
                           const struct city_row *row)
{
    const char *key = "";
    for (size_t i = 0; i < table->key_columns; i++) {
        const char *text = city_row_text(row, i);
        key = arena_printf(arena, "%s%s\x1f", key, text != NULL ? text : "");
    }
    return key;
}

static void append_row(struct city_folders *f, struct city_rows *rows, struct city_row *row)
{
    if (rows->count == rows->room) {
        size_t room = rows->room * 2 + 64;
        struct city_row **list = arena_alloc(f->arena, room * sizeof(struct city_row *));
        if (rows->count > 0)
            memcpy(list, rows->list, rows->count * sizeof(struct city_row *));
        rows->list = list;
        rows->room = room;
    }
    rows->list[rows->count++] = row;
}

/* New, a duplicate within its folder, or in the stead of the row of a folder before. */
static void add_row(struct city_folders *f, enum city_table_id id, struct city_row *row)
{
    struct city_rows *rows = &f->tables[id];
    const char *key = row_key(f->arena, &city_csv_tables[id], row);
    struct city_row *same = map_gets(rows->by_key, key);
    if (same == NULL) {
        append_row(f, rows, row);
        map_puts(rows->by_key, key, row);
    } else if (same->folder == row->folder) {
        csv_errors_add(f->errors, row->file->path, row->place, "duplicate of line %zu: the same %s",
                       same->place.line, city_csv_tables[id].columns[0].name);
    } else {
        *same = *row;
    }
}

static void load_rows(struct city_folders *f, enum city_table_id id, const struct csv_file *file,
                      const size_t *column_of, size_t folder)
{
    size_t width = file->rows[0].count;
    for (size_t i = 1; i < file->row_count; i++) {
        const struct csv_row *csv = &file->rows[i];
        if (csv->count != width) {
            csv_errors_add(f->errors, file->path, csv->cells[0].place,
                           "%zu cells where the header has %zu", csv->count, width);
            continue;
        }
        struct city_row *row = arena_alloc(f->arena, sizeof(*row));
        row->file = file;
        row->place = csv->cells[0].place;
        row->folder = folder;
        for (size_t k = 0; k < width; k++)
            row->cells[column_of[k]] = &csv->cells[k];
        add_row(f, id, row);
    }
}

static void load_file(struct city_folders *f, enum city_table_id id, const char *path,
                      size_t folder)
{
    struct csv_file *file = arena_alloc(f->arena, sizeof(*file));
    size_t column_of[CSV_FILE_MAX_CELLS] = {0};
    if (f->tables[id].path == NULL)
        f->tables[id].path = path;
    if (csv_file_read(path, f->arena, file, f->errors) &&
        read_header(f->errors, &city_csv_tables[id], file, column_of))
        load_rows(f, id, file, column_of, folder);
}

static void load_table(struct city_folders *f, enum city_table_id id, const char *folder,
                       size_t index)
{
    const struct city_csv_table *table = &city_csv_tables[id];
    const char *path = arena_printf(f->arena, "%s/%s", folder, table->file);
    if (access(path, F_OK) == 0)
        load_file(f, id, path, index);
    else if (index == 0 && !table->optional)
        csv_errors_add(f->errors, path, (struct csv_place){0}, "the file is missing");
}

void city_folders_load(struct city_folders *f, const char *const *paths, size_t count)
{
    for (int id = 0; id < CITY_TABLE_COUNT; id++) {
        f->tables[id].by_key = map_new();
        for (size_t i = 0; i < count; i++)
            load_table(f, (enum city_table_id)id, paths[i], i);
    }
}

void city_folders_load_part(struct city_folders *f, const char *path, unsigned tables)
{
    struct stat st;
    bool is_file = stat(path, &st) == 0 && S_ISREG(st.st_mode);
    for (int id = 0; id < CITY_TABLE_COUNT; id++) {
        f->tables[id].by_key = map_new();
        if ((tables & 1U << id) == 0)
            continue;
        if (is_file && tables == 1U << id)
            load_file(f, (enum city_table_id)id, path, 0);
        else
            load_table(f, (enum city_table_id)id, path, 0);
    }
}

void city_folders_free(struct city_folders *f)
{
    for (int id = 0; id < CITY_TABLE_COUNT; id++)
        map_free(&f->tables[id].by_key);
}
