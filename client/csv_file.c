#include "client/csv_file.h"

#include <csv.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* ---- messages -------------------------------------------------------------------------------- */

void csv_errors_add(struct csv_errors *errors, const char *path, struct csv_place place,
                    const char *fmt, ...)
{
    if (++errors->count > CSV_MAX_MESSAGES)
        return;
    char message[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    if (place.line > 0)
        sbuf_addf(errors->text, "%s:%zu:%zu: %s\n", path, place.line, place.column, message);
    else
        sbuf_addf(errors->text, "%s: %s\n", path, message);
}

void csv_errors_end(struct csv_errors *errors)
{
    if (errors->count > CSV_MAX_MESSAGES)
        sbuf_addf(errors->text, "%zu more\n", errors->count - CSV_MAX_MESSAGES);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static char *read_stream(FILE *stream, const char *path, struct arena *arena, size_t *len_r,
                         struct csv_errors *errors)
{
    const struct csv_place nowhere = {0};
    struct sbuf bytes;
    char *text = NULL;
    sbuf_init(&bytes, CSV_FILE_MAX_BYTES);
    char chunk[16384];
    size_t got;
    while (!bytes.overflow && (got = fread(chunk, 1, sizeof(chunk), stream)) > 0)
        sbuf_add(&bytes, chunk, got);
    if (ferror(stream) != 0)
        csv_errors_add(errors, path, nowhere, "cannot read: %s", strerror(errno));
    else if (bytes.overflow)
        csv_errors_add(errors, path, nowhere, "larger than %zu bytes", CSV_FILE_MAX_BYTES);
    else
        text = arena_strndup(arena, bytes.data, bytes.len);
    *len_r = bytes.len;
    sbuf_free(&bytes);
    return text;
}

static size_t sequence_length(unsigned char lead)
{
    return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* The place of the first byte that is no text: not UTF-8, or NUL. */
static struct csv_place bad_byte_place(const char *text, size_t len)
{
    struct csv_place place = {.line = 1, .column = 1};
    for (size_t i = 0; i < len;) {
        size_t n = sequence_length((unsigned char)text[i]);
        if (text[i] == '\0' || n > len - i || !utf8_valid(text + i, n))
            return place;
        place.column++;
        if (text[i] == '\n')
            place = (struct csv_place){.line = place.line + 1, .column = 1};
        i += n;
    }
    return place;
}

static char *read_text(const char *path, struct arena *arena, size_t *len_r,
                       struct csv_errors *errors)
{
    FILE *stream = fopen(path, "rbe");
    if (stream == NULL) {
        csv_errors_add(errors, path, (struct csv_place){0}, "cannot open: %s", strerror(errno));
        return NULL;
    }
    char *text = read_stream(stream, path, arena, len_r, errors);
    fclose(stream);
    if (text == NULL)
        return NULL;
    if (*len_r >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        *len_r -= 3;
    }
    if (!utf8_valid(text, *len_r) || memchr(text, '\0', *len_r) != NULL) {
        csv_errors_add(errors, path, bad_byte_place(text, *len_r),
                       "not UTF-8 text; save the file as UTF-8");
        return NULL;
    }
    return text;
}

/* ---- cells and rows -------------------------------------------------------------------------- */

struct reader {
    struct arena *arena;
    struct csv_place here, start; /* of the next byte; of the cell being read */
    bool in_cell;
    struct csv_cell cells[CSV_FILE_MAX_CELLS];
    size_t cell_count; /* also counts those beyond the maximum */
    struct csv_row *rows;
    size_t row_count, row_room;
};

static void on_cell(void *data, size_t len, void *ctx)
{
    struct reader *r = ctx;
    if (r->cell_count < CSV_FILE_MAX_CELLS)
        r->cells[r->cell_count] = (struct csv_cell){
            .text = data != NULL ? arena_strndup(r->arena, data, len) : "",
            .place = r->in_cell ? r->start : r->here,
        };
    r->cell_count++;
    r->in_cell = false;
}

static void on_row(int terminator UNUSED, void *ctx)
{
    struct reader *r = ctx;
    if (r->row_count == r->row_room) {
        size_t room = r->row_room * 2 + 64;
        struct csv_row *rows = arena_alloc(r->arena, room * sizeof(*rows));
        if (r->row_count > 0)
            memcpy(rows, r->rows, r->row_count * sizeof(*rows));
        r->rows = rows;
        r->row_room = room;
    }
    size_t count = r->cell_count < CSV_FILE_MAX_CELLS ? r->cell_count : CSV_FILE_MAX_CELLS;
    struct csv_cell *cells = arena_alloc(r->arena, count * sizeof(*cells));
    memcpy(cells, r->cells, count * sizeof(*cells));
    r->rows[r->row_count++] = (struct csv_row){.cells = cells, .count = count};
    r->cell_count = 0;
}

static void advance(struct reader *r, char byte)
{
    if (byte == '\n')
        r->here = (struct csv_place){.line = r->here.line + 1, .column = 1};
    else if (((unsigned char)byte & 0xc0) != 0x80)
        r->here.column++;
}

/* One byte at a time: the parser does not tell places, so they are counted here. */
static bool parse_bytes(struct csv_parser *parser, struct reader *r, const char *text, size_t len,
                        struct csv_file *file, struct csv_errors *errors)
{
    for (size_t i = 0; i < len; i++) {
        if (!r->in_cell && strchr(" \t\r\n", text[i]) == NULL) {
            r->start = r->here;
            r->in_cell = true;
        }
        if (csv_parse(parser, text + i, 1, on_cell, on_row, r) != 1) {
            csv_errors_add(errors, file->path, r->here,
                           "bad quoting: a quote or text where none may stand");
            return false;
        }
        advance(r, text[i]);
        if (r->cell_count > CSV_FILE_MAX_CELLS || r->row_count > CSV_FILE_MAX_ROWS) {
            csv_errors_add(errors, file->path, r->here, "too many %s",
                           r->cell_count > CSV_FILE_MAX_CELLS ? "columns" : "rows");
            return false;
        }
    }
    if (csv_fini(parser, on_cell, on_row, r) != 0) {
        csv_errors_add(errors, file->path, r->start, "bad quoting: the quote is never closed");
        return false;
    }
    return true;
}

/* The library's buffer follows the allocation policy too, so only bad quoting is left to fail. */
static void *grow(void *old, size_t size)
{
    return xrealloc_array(old, 1, size);
}

bool csv_file_read(const char *path, struct arena *arena, struct csv_file *file_r,
                   struct csv_errors *errors)
{
    size_t len;
    *file_r = (struct csv_file){.path = arena_strdup(arena, path)};
    char *text = read_text(path, arena, &len, errors);
    if (text == NULL)
        return false;
    struct csv_parser parser;
    INVARIANT(csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) == 0);
    csv_set_realloc_func(&parser, grow);
    struct reader *r = arena_alloc(arena, sizeof(*r));
    r->arena = arena;
    r->here = (struct csv_place){.line = 1, .column = 1};
    bool ok = parse_bytes(&parser, r, text, len, file_r, errors);
    csv_free(&parser);
    if (ok && r->row_count == 0) {
        csv_errors_add(errors, path, (struct csv_place){1, 1}, "empty: a header line is needed");
        ok = false;
    }
    file_r->rows = r->rows;
    file_r->row_count = r->row_count;
    return ok;
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool needs_quotes(const char *text)
{
    size_t len = strlen(text);
    return strpbrk(text, ",\"\r\n") != NULL ||
           (len > 0 && (strchr(" \t", text[0]) != NULL || strchr(" \t", text[len - 1]) != NULL));
}

void csv_put_cell(struct sbuf *out, const char *text)
{
    if (!needs_quotes(text)) {
        sbuf_adds(out, text);
        return;
    }
    sbuf_addc(out, '"');
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"')
            sbuf_addc(out, '"');
        sbuf_addc(out, *p);
    }
    sbuf_addc(out, '"');
}
