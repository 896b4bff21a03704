/*
 * cmd_place.c - hotline place: which regions an address may mean.
 */
#include "client/api.h"
#include "client/commands.h"
#include "client/view.h"
#include "proto/query.h"

static const char *member(const struct json_value *v, const char *key)
{
    return json_string(json_get(v, key), NULL);
}

/* 江阴市 / 澄江街道 / 文定社区居委会 */
static void add_path(struct sbuf *out, const struct json_value *path)
{
    for (size_t i = 0; i < json_array_length(path); i++) {
        const char *name = member(json_at(path, i), "name");

        sbuf_addf(out, "%s%s", i > 0 ? " / " : "", name == NULL ? "" : name);
    }
}

static void view_places(const struct client *client, const struct json_value *items)
{
    struct table *table = table_new();
    struct sbuf path;

    sbuf_init(&path, 0);
    table_column(table, client_text(client, T_COL_REGION), 0);
    table_column(table, client_text(client, T_COL_PATH), TABLE_SHRINKS);
    table_column(table, client_text(client, T_COL_SCORE), TABLE_RIGHT);
    table_column(table, client_text(client, T_COL_CERTAIN), 0);
    for (size_t i = 0; i < json_array_length(items); i++) {
        const struct json_value *item = json_at(items, i);

        sbuf_clear(&path);
        add_path(&path, json_get(item, "path"));
        table_cell(table, member(item, "region"), STYLE_PLAIN);
        table_cell(table, path.data, STYLE_PLAIN);
        table_cell(table, view_scalar(client, json_get(item, "score")), STYLE_PLAIN);
        table_cell(table, view_scalar(client, json_get(item, "certain")), STYLE_PLAIN);
    }
    client_print_table(client, table);
    table_free(&table);
    sbuf_free(&path);
}

static enum exit_code run_place(struct client *client, const struct args *args)
{
    struct api_answer answer;
    enum exit_code code;
    struct sbuf path;

    sbuf_init(&path, 0);
    sbuf_adds(&path, "/v1/places?");
    query_append(&path, "q", args->operands[0]);
    code = api_call(
        client,
        &(struct api_request){.method = "GET", .path = path.data, .who = client_who(client, args)},
        &answer);
    sbuf_free(&path);
    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view_places(client, json_get(api_root(&answer), "items"));
    api_answer_free(&answer);
    return EXIT_DONE;
}

const struct command place_commands[] = {
    {.path = "place",
     .operands = "TEXT",
     .min_operands = 1,
     .max_operands = 1,
     .summary = T_CMD_PLACE,
     .as = "desk",
     .run = run_place},
};
const size_t place_command_count = ARRAY_LEN(place_commands);
