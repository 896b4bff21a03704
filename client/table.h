/*
 * table.h - aligned tables for terminals, with characters that are two columns wide.
 *
 * Cells are cleaned on the way in: what citizens wrote must not be able to move the cursor or to
 * reverse the reading direction of the line. The last column and those marked TABLE_SHRINKS give
 * way, widest first, when the table is wider than the terminal; a cut cell ends in "…".
 */
#ifndef CLIENT_TABLE_H
#define CLIENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/sbuf.h"

enum table_style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_WARN, STYLE_BAD };

enum table_column_flags { TABLE_RIGHT = 1, TABLE_SHRINKS = 2 };

#define TABLE_MAX_COLUMNS 24
#define TABLE_MIN_SHRUNK 6 /* a column never gets narrower than this */

struct table;

RETURNS_NONNULL struct table *table_new(void);
void table_free(struct table **table);
/* Columns first, then cells row by row. */
void table_column(struct table *table, const char *title, unsigned flags);
/* Copied; NULL is empty. */
void table_cell(struct table *table, const char *text, enum table_style style);
size_t table_rows(const struct table *table);
/* columns = width of the terminal, 0 = do not cut. */
void table_write(const struct table *table, size_t columns, bool color, struct sbuf *out);

/* Appends s with control and direction-changing characters replaced; line breaks become spaces
 * unless keep_lines. */
void clean_add(struct sbuf *out, const char *s, size_t len, bool keep_lines);
/* Appends `text` in a style; no escape sequences if !color. */
void style_add(struct sbuf *out, bool color, enum table_style style, const char *text, size_t len);

#endif
