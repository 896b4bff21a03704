/*
 * device_csv.c - from rows to request bodies.
 */
#include "client/device_csv.h"

#include <string.h>

#include "client/client.h"
#include "client/csv_file.h"

struct sending {
    struct client *client;
    const struct args *args;
    const char *path;
    const struct device_csv *csv;
    struct json_writer w;
    struct sbuf body;
    size_t rows; /* of the portion that is open */
};

bool device_csv_is(const char *path)
{
    size_t len = strlen(path);

    return len > 4 && strcmp(path + len - 4, ".csv") == 0;
}

/* ---- cells -------------------------------------------------------------------------------------
 */

/* "name phone relation", the words of one; the relation may have blanks. */
static void write_guardian(struct json_writer *w, const char *text, size_t len)
{
    static const char *const names[] = {"name", "phone", "relation"};
    size_t at = 0;

    jw_object(w, NULL);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        while (at < len && text[at] == ' ')
            at++;
        size_t end = at;
        while (end < len && (text[end] != ' ' || i == ARRAY_LEN(names) - 1))
            end++;
        while (end > at && text[end - 1] == ' ')
            end--;
        if (end > at)
            jw_string_n(w, names[i], text + at, end - at);
        at = end;
    }
    jw_object_end(w);
}

static void write_guardians(struct json_writer *w, const char *text)
{
    jw_array(w, "guardians");
    while (*text) {
        size_t len = strcspn(text, ";");
        if (strspn(text, " ") < len)
            write_guardian(w, text, len);
        text += len + (text[len] == ';');
    }
    jw_array_end(w);
}

static void write_cell(struct json_writer *w, const char *name, const char *text)
{
    if (!*text)
        return;
    if (strcmp(name, "guardians") == 0)
        write_guardians(w, text);
    else if (strcmp(name, "remove") == 0)
        jw_bool(w, name, strcmp(text, "yes") == 0);
    else
        jw_string(w, name, text);
}

/* ---- portions ----------------------------------------------------------------------------------
 */

static void open_portion(struct sending *s)
{
    sbuf_clear(&s->body);
    jw_init(&s->w, &s->body);
    jw_object(&s->w, NULL);
    jw_array(&s->w, s->csv->list);
    s->rows = 0;
}

static enum exit_code send_portion(struct sending *s)
{
    struct api_answer answer;

    if (!s->rows)
        return EXIT_DONE;
    jw_array_end(&s->w);
    jw_object_end(&s->w);
    enum exit_code code = api_call(s->client,
                                   &(struct api_request){.method = "POST",
                                                         .path = s->path,
                                                         .who = client_who(s->client, s->args),
                                                         .body = s->body.data,
                                                         .body_len = s->body.len,
                                                         .is_patient = true},
                                   &answer);
    if (code != EXIT_DONE)
        return code;
    s->csv->take(s->csv->ctx, api_root(&answer));
    api_answer_free(&answer);
    open_portion(s);
    return EXIT_DONE;
}

static enum exit_code send_rows(struct sending *s, const struct csv_file *file)
{
    const struct csv_row *head = &file->rows[0];
    enum exit_code code = EXIT_DONE;

    open_portion(s);
    for (size_t i = 1; i < file->row_count && code == EXIT_DONE; i++) {
        jw_object(&s->w, NULL);
        for (size_t k = 0; k < head->count; k++)
            write_cell(&s->w, head->cells[k].text, file->rows[i].cells[k].text);
        jw_object_end(&s->w);
        if (++s->rows == DEVICE_CSV_PORTION)
            code = send_portion(s);
    }
    return code == EXIT_DONE ? send_portion(s) : code;
}

/* ---- the file ----------------------------------------------------------------------------------
 */

static bool is_column(const struct device_csv *csv, const char *name)
{
    for (const char *const *column = csv->columns; *column; column++) {
        if (strcmp(*column, name) == 0)
            return true;
    }
    return false;
}

static void check_file(const struct csv_file *file, const struct device_csv *csv,
                       struct csv_errors *errors)
{
    const struct csv_row *head = &file->rows[0];

    for (size_t k = 0; k < head->count; k++) {
        const struct csv_cell *cell = &head->cells[k];
        if (!is_column(csv, cell->text))
            csv_errors_add(errors, file->path, cell->place, "unknown column \"%s\"", cell->text);
        for (size_t j = 0; j < k; j++) {
            if (strcmp(head->cells[j].text, cell->text) == 0)
                csv_errors_add(errors, file->path, cell->place, "column \"%s\" stands here twice",
                               cell->text);
        }
    }
    for (size_t i = 1; i < file->row_count; i++) {
        const struct csv_row *row = &file->rows[i];
        if (row->count != head->count)
            csv_errors_add(errors, file->path, row->cells[0].place,
                           "%zu cells where the header has %zu", row->count, head->count);
    }
}

enum exit_code device_csv_send(struct client *client, const struct args *args, const char *path,
                               const char *target, const struct device_csv *csv)
{
    struct arena *arena = arena_new();
    struct sending s = {.client = client, .args = args, .path = target, .csv = csv};
    struct csv_errors errors = {NULL, 0};
    enum exit_code code = EXIT_USAGE;
    struct csv_file file;
    struct sbuf text;

    sbuf_init(&text, 0);
    sbuf_init(&s.body, 0);
    errors.text = &text;
    bool is_read = csv_file_read(path, arena, &file, &errors);
    if (is_read && file.row_count)
        check_file(&file, csv, &errors);
    csv_errors_end(&errors);
    if (errors.count || !is_read) {
        client_complain(client, T_ERR_CSV, path, NULL);
        fprintf(client->err, "%s", text.data);
    } else {
        code = file.row_count ? send_rows(&s, &file) : EXIT_DONE;
    }
    sbuf_free(&s.body);
    sbuf_free(&text);
    arena_free(&arena);
    return code;
}
