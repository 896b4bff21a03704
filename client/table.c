/*
 * table.c - layout: natural widths, then shrinking, then padding by columns instead of bytes.
 */
#include "client/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

#define GAP 2 /* blanks between columns */
#define ELLIPSIS "…"

struct cell {
    char *text;
    size_t len;
    size_t width;
    enum table_style style;
};

struct column {
    struct cell title;
    unsigned flags;
};

struct table {
    struct column columns[TABLE_MAX_COLUMNS];
    size_t column_count;
    struct cell *cells; /* row by row */
    size_t cell_count, cell_cap;
};

struct table *table_new(void)
{
    return xcalloc(1, sizeof(struct table));
}

void table_free(struct table **table)
{
    struct table *t = *table;

    if (t == NULL)
        return;
    for (size_t i = 0; i < t->column_count; i++)
        free(t->columns[i].title.text);
    for (size_t i = 0; i < t->cell_count; i++)
        free(t->cells[i].text);
    free(t->cells);
    free(t);
    *table = NULL;
}

static bool is_hostile(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x202a && cp <= 0x202e) ||
           (cp >= 0x2066 && cp <= 0x2069) || cp == 0x200e || cp == 0x200f || cp == 0x061c ||
           cp == 0x2028 || cp == 0x2029;
}

void clean_add(struct sbuf *out, const char *s, size_t len, bool keep_lines)
{
    if (!utf8_valid(s, len)) {
        sbuf_addc(out, '?');
        return;
    }
    for (size_t at = 0; at < len;) {
        uint32_t cp;
        size_t n = utf8_next(s + at, len - at, &cp);

        if (cp == '\n' && keep_lines)
            sbuf_addc(out, '\n');
        else if (cp == '\n' || cp == '\t' || cp == '\r')
            sbuf_addc(out, ' ');
        else if (is_hostile(cp))
            sbuf_addc(out, '?');
        else
            sbuf_add(out, s + at, n);
        at += n;
    }
}

static struct cell make_cell(const char *text, enum table_style style)
{
    struct cell cell = {.style = style};
    struct sbuf b;

    sbuf_init(&b, 0);
    if (text != NULL)
        clean_add(&b, text, strlen(text), false);
    cell.len = b.len;
    cell.width = utf8_width(b.data, b.len);
    cell.text = sbuf_steal(&b);
    sbuf_free(&b);
    return cell;
}

void table_column(struct table *table, const char *title, unsigned flags)
{
    INVARIANT(table->column_count < TABLE_MAX_COLUMNS && table->cell_count == 0);
    table->columns[table->column_count++] =
        (struct column){.title = make_cell(title, STYLE_BOLD), .flags = flags};
}

void table_cell(struct table *table, const char *text, enum table_style style)
{
    INVARIANT(table->column_count > 0);
    if (table->cell_count == table->cell_cap) {
        table->cell_cap = table->cell_cap == 0 ? 64 : table->cell_cap * 2;
        table->cells = xrealloc_array(table->cells, table->cell_cap, sizeof(struct cell));
    }
    table->cells[table->cell_count++] = make_cell(text, style);
}

size_t table_rows(const struct table *table)
{
    return table->column_count == 0 ? 0 : table->cell_count / table->column_count;
}

static void natural_widths(const struct table *t, size_t *widths)
{
    for (size_t c = 0; c < t->column_count; c++)
        widths[c] = t->columns[c].title.width;
    for (size_t i = 0; t->column_count && i < t->cell_count; i++) {
        size_t c = i % t->column_count;

        if (t->cells[i].width > widths[c])
            widths[c] = t->cells[i].width;
    }
}

static size_t total_width(const struct table *t, const size_t *widths)
{
    size_t total = t->column_count == 0 ? 0 : GAP * (t->column_count - 1);

    for (size_t c = 0; c < t->column_count; c++)
        total += widths[c];
    return total;
}

/* Takes columns away from the widest that may give way, one at a time, until the line fits. */
static void shrink(const struct table *t, size_t *widths, size_t columns)
{
    size_t total = total_width(t, widths);

    while (total > columns) {
        size_t widest = SIZE_MAX;

        for (size_t c = 0; c < t->column_count; c++) {
            bool gives_way = (t->columns[c].flags & TABLE_SHRINKS) || c + 1 == t->column_count;

            if (gives_way && widths[c] > TABLE_MIN_SHRUNK &&
                (widest == SIZE_MAX || widths[c] > widths[widest]))
                widest = c;
        }
        if (widest == SIZE_MAX)
            return;
        widths[widest]--;
        total--;
    }
}

static const char *const escapes[] = {
    [STYLE_PLAIN] = "",        [STYLE_BOLD] = "\033[1m",  [STYLE_DIM] = "\033[2m",
    [STYLE_GOOD] = "\033[32m", [STYLE_WARN] = "\033[33m", [STYLE_BAD] = "\033[31m",
};

void style_add(struct sbuf *out, bool color, enum table_style style, const char *text, size_t len)
{
    bool escaped = color && style != STYLE_PLAIN && len > 0;

    if (escaped)
        sbuf_adds(out, escapes[style]);
    sbuf_add(out, text, len);
    if (escaped)
        sbuf_adds(out, "\033[0m");
}

static void pad(struct sbuf *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sbuf_addc(out, ' ');
}

static void write_cell(struct sbuf *out, const struct cell *cell, size_t width, unsigned flags,
                       bool is_last, bool color)
{
    size_t len = cell->len, used = cell->width;
    bool is_cut = used > width;

    if (is_cut) {
        size_t room = width - utf8_width(ELLIPSIS, strlen(ELLIPSIS));

        len = utf8_prefix_of_width(cell->text, cell->len, room);
        used = utf8_width(cell->text, len) + utf8_width(ELLIPSIS, strlen(ELLIPSIS));
    }
    if (flags & TABLE_RIGHT)
        pad(out, width - used);
    style_add(out, color, cell->style, cell->text, len);
    if (is_cut)
        sbuf_adds(out, ELLIPSIS);
    if (!(flags & TABLE_RIGHT) && !is_last)
        pad(out, width - used);
}

/* Empty cells at the end of a line leave no blanks behind. */
static void end_line(struct sbuf *out)
{
    while (out->len > 0 && out->data[out->len - 1] == ' ')
        out->data[--out->len] = '\0';
    sbuf_addc(out, '\n');
}

/*
 * Columns that fit are written; what lies beyond the edge of the terminal even after shrinking is
 * left out as whole columns, at least one stays.
 */
static size_t visible_columns(const struct table *t, const size_t *widths, size_t columns)
{
    size_t total = 0;

    if (columns == 0)
        return t->column_count;
    for (size_t c = 0; c < t->column_count; c++) {
        total += widths[c] + (c > 0 ? GAP : 0);
        if (total > columns && c > 0)
            return c;
    }
    return t->column_count;
}

void table_write(const struct table *table, size_t columns, bool color, struct sbuf *out)
{
    size_t widths[TABLE_MAX_COLUMNS];
    size_t shown;

    natural_widths(table, widths);
    if (columns > 0)
        shrink(table, widths, columns);
    shown = visible_columns(table, widths, columns);
    for (size_t c = 0; c < shown; c++) {
        pad(out, c > 0 ? GAP : 0);
        write_cell(out, &table->columns[c].title, widths[c], table->columns[c].flags,
                   c + 1 == shown, color);
    }
    end_line(out);
    for (size_t row = 0; row < table_rows(table); row++) {
        for (size_t c = 0; c < shown; c++) {
            pad(out, c > 0 ? GAP : 0);
            write_cell(out, &table->cells[row * table->column_count + c], widths[c],
                       table->columns[c].flags, c + 1 == shown, color);
        }
        end_line(out);
    }
}
