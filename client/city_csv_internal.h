/*
 * city_csv_internal.h - rows of a city's folders, between city_csv_load.c (files to rows) and
 * city_csv_read.c (rows to the bundle); not for others.
 */
#ifndef CLIENT_CITY_CSV_INTERNAL_H
#define CLIENT_CITY_CSV_INTERNAL_H

#include "base/alloc.h"
#include "base/map.h"
#include "client/city_csv_tables.h"
#include "client/csv_file.h"

struct city_row {
    const struct csv_file *file;
    /* By column of the table; NULL if the file does not have the column. */
    const struct csv_cell *cells[CITY_TABLE_MAX_COLUMNS];
    struct csv_place place; /* of the first cell */
    size_t folder;
};

struct city_rows {
    struct city_row **list;
    size_t count, room;
    struct map *by_key; /* -> struct city_row */
    const char *path;   /* of the first file read; NULL = there was none */
};

struct city_folders {
    struct arena *arena;
    struct csv_errors *errors;
    struct city_rows tables[CITY_TABLE_COUNT];
};

/* Reads every folder's files; faults are in errors. city_folders_free() in any case. */
void city_folders_load(struct city_folders *folders, const char *const *paths, size_t count);
/* Some files of one folder only: bit per table. Or, of a single table, the file itself. */
void city_folders_load_part(struct city_folders *folders, const char *path, unsigned tables);
void city_folders_free(struct city_folders *folders);

/* The cell's text; NULL if it is empty or not there. */
const char *city_row_text(const struct city_row *row, size_t column);

#endif
