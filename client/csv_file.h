/*
 * csv_file.h - one CSV file (RFC 4180) in memory, every cell with the place it came from.
 *
 * UTF-8, a byte order mark may stand in front; comma, double quotes, LF or CRLF. Strict: quotes
 * inside of an unquoted cell, text after a closing quote and a quote that never closes are errors.
 * Blank lines count for nothing.
 */
#ifndef CLIENT_CSV_FILE_H
#define CLIENT_CSV_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/sbuf.h"

#define CSV_FILE_MAX_BYTES ((size_t)64 << 20)
#define CSV_FILE_MAX_ROWS 1000001 /* the header and a million */
#define CSV_FILE_MAX_CELLS 64     /* of a row */

/* Where a cell starts: both from 1, columns in characters. */
struct csv_place {
    size_t line, column;
};

struct csv_cell {
    const char *text; /* "" if empty */
    struct csv_place place;
};

struct csv_row {
    const struct csv_cell *cells; /* at least one */
    size_t count;
};

struct csv_file {
    const char *path;
    const struct csv_row *rows; /* the first is the header line */
    size_t row_count;
};

/* Messages for people, one a line: "units.csv:12:4: ...". After CSV_MAX_MESSAGES they are only
 * counted. */
#define CSV_MAX_MESSAGES 50
struct csv_errors {
    struct sbuf *text;
    size_t count;
};
void csv_errors_add(struct csv_errors *errors, const char *path, struct csv_place place,
                    const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Says how many were not listed, if there were such. */
void csv_errors_end(struct csv_errors *errors);

/* All memory is the arena's. False with at least one message if the file cannot be read or parsed.
 */
MUST_CHECK bool csv_file_read(const char *path, struct arena *arena, struct csv_file *file_r,
                              struct csv_errors *errors);

/* Appends one cell, in quotes where it needs them. */
void csv_put_cell(struct sbuf *out, const char *text);

#endif
