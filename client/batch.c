/*
 * batch.c - see batch.h.
 */
#include "client/batch.h"

#include <stdio.h>
#include <string.h>

#include "client/api.h"
#include "client/view.h"
#include "proto/batch_json.h"

struct batch {
    struct client *client;
    const struct args *args;
    const char *action;
    struct json_writer w; /* the portion being written */
    struct sbuf body;
    size_t count;
    int64_t total, done, refused;
    struct table *table;
    enum exit_code code;
};

static void open_portion(struct batch *b)
{
    sbuf_clear(&b->body);
    jw_init(&b->w, &b->body);
    jw_object(&b->w, NULL);
    jw_string(&b->w, "action", b->action);
    args_write_fields(b->args, &b->w);
    jw_array(&b->w, "numbers");
    b->count = 0;
}

static void take_answer(struct batch *b, const struct json_value *answer)
{
    const struct json_value *refused = json_get(answer, "refused");

    b->total += json_int(json_get(answer, "total"));
    b->done += json_int(json_get(answer, "done"));
    for (size_t i = 0; i < json_array_length(refused); i++) {
        const struct json_value *item = json_at(refused, i);
        const char *reason = json_string(json_get(item, "reason"), NULL);
        table_cell(b->table, json_string(json_get(item, "number"), NULL), STYLE_PLAIN);
        table_cell(b->table, reason_text(b->client->lang, reason), STYLE_PLAIN);
        b->refused++;
    }
}

static void send_portion(struct batch *b)
{
    struct api_answer answer;

    jw_array_end(&b->w);
    jw_object_end(&b->w);
    b->code = api_call(b->client,
                       &(struct api_request){.method = "POST",
                                             .path = "/v1/batches",
                                             .who = client_who(b->client, b->args),
                                             .body = b->body.data,
                                             .body_len = b->body.len,
                                             .is_large = true},
                       &answer);
    if (b->code != EXIT_DONE)
        return;
    if (!api_print_raw(b->client, &answer))
        take_answer(b, api_root(&answer));
    api_answer_free(&answer);
}

static void add_line(struct batch *b, const char *line, size_t len, bool is_first)
{
    size_t number_len = 0;

    while (number_len < len && strchr(", \t\r;", line[number_len]) == NULL)
        number_len++;
    bool is_header = is_first && (line[0] < '0' || line[0] > '9');
    if (number_len == 0 || line[0] == '#' || is_header)
        return;
    jw_string_n(&b->w, NULL, line, number_len);
    if (++b->count < BATCH_MAX_TICKETS)
        return;
    send_portion(b);
    open_portion(b);
}

static void send_lines(struct batch *b, const struct sbuf *list)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t at = list->len >= 3 && memcmp(list->data, mark, 3) == 0 ? 3 : 0;
    bool is_first = true;

    open_portion(b);
    while (at < list->len && b->code == EXIT_DONE) {
        const char *end = memchr(list->data + at, '\n', list->len - at);
        size_t len = end ? (size_t)(end - (list->data + at)) : list->len - at;
        add_line(b, list->data + at, len, is_first);
        is_first = false;
        at += len + 1;
    }
    if (b->count > 0 && b->code == EXIT_DONE)
        send_portion(b);
}

static void view_batch(const struct batch *b)
{
    char done[24], total[24];

    if (b->client->json)
        return;
    if (b->refused)
        client_print_table(b->client, b->table);
    snprintf(done, sizeof(done), "%lld", (long long)b->done);
    snprintf(total, sizeof(total), "%lld", (long long)b->total);
    client_say(b->client, T_BATCH_DONE, done, total);
}

enum exit_code batch_run(struct client *client, const struct args *args, const char *action)
{
    const char *path = args_get(args, "batch");
    struct batch b = {.client = client, .args = args, .action = action};
    struct sbuf list;

    if (!client_read_file(client, strcmp(path, "-") == 0 ? "/dev/stdin" : path,
                          CLIENT_MAX_FILE_BYTES, &list))
        return EXIT_USAGE;
    sbuf_init(&b.body, CLIENT_MAX_FILE_BYTES);
    b.table = table_new();
    table_column(b.table, client_text(client, T_COL_NUMBER), 0);
    table_column(b.table, client_text(client, T_COL_REASON), TABLE_SHRINKS);
    send_lines(&b, &list);
    if (b.total > 0 || b.code == EXIT_DONE)
        view_batch(&b);
    if (b.code == EXIT_DONE && b.refused > 0)
        b.code = EXIT_REFUSED;
    table_free(&b.table);
    sbuf_free(&b.body);
    sbuf_free(&list);
    return b.code;
}
