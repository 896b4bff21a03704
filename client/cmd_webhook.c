/*
 * cmd_webhook.c - hotline webhook ...: telling units' own systems.
 */
#include <stdio.h>
#include <string.h>

#include "client/api.h"
#include "client/commands.h"
#include "client/view.h"

static const char *member(const struct json_value *v, const char *key)
{
    return json_string(json_get(v, key), NULL);
}

static enum exit_code call(struct client *client, const struct args *args, const char *method,
                           const char *path, const char *body, struct api_answer *answer)
{
    return api_call(client,
                    &(struct api_request){.method = method,
                                          .path = path,
                                          .who = client_who(client, args),
                                          .body = body,
                                          .body_len = body == NULL ? 0 : strlen(body)},
                    answer);
}

static void add_row(const struct client *client, struct table *table, const struct json_value *w)
{
    static const char *const numbers[] = {"pending", "dead", "last_status"};
    bool disabled = json_bool(json_get(w, "disabled"));

    table_cell(table, view_scalar(client, json_get(w, "id")), STYLE_PLAIN);
    table_cell(table, member(w, "unit"), STYLE_PLAIN);
    table_cell(table, member(w, "url"), disabled ? STYLE_DIM : STYLE_PLAIN);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        table_cell(table, view_scalar(client, json_get(w, numbers[i])), STYLE_PLAIN);
    table_cell(table, member(w, "last_error"), STYLE_BAD);
    table_cell(table, disabled ? client_text(client, T_YES) : "", STYLE_BAD);
}

static void view_webhooks(const struct client *client, const struct json_value *answer)
{
    const struct json_value *items = json_get(answer, "items");
    struct table *table = table_new();

    table_column(table, client_text(client, T_COL_WEBHOOK), TABLE_RIGHT);
    table_column(table, client_text(client, T_COL_UNIT), 0);
    table_column(table, "URL", TABLE_SHRINKS);
    table_column(table, client_text(client, T_COL_PENDING), TABLE_RIGHT);
    table_column(table, client_text(client, T_COL_DEAD), TABLE_RIGHT);
    table_column(table, client_text(client, T_COL_LAST_STATUS), TABLE_RIGHT);
    table_column(table, client_text(client, T_COL_LAST_ERROR), 0);
    table_column(table, client_text(client, T_COL_DISABLED), 0);
    for (size_t i = 0; i < json_array_length(items); i++)
        add_row(client, table, json_at(items, i));
    client_print_table(client, table);
    table_free(&table);
}

static enum exit_code run_list(struct client *client, const struct args *args)
{
    struct api_answer answer;
    enum exit_code code = call(client, args, "GET", "/v1/admin/webhooks", NULL, &answer);

    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view_webhooks(client, api_root(&answer));
    api_answer_free(&answer);
    return EXIT_DONE;
}

/* The secret alone on its line, for scripts: there is no other way to learn it. */
static enum exit_code print_secret(struct client *client, struct api_answer *answer)
{
    const char *secret = member(api_root(answer), "secret");
    enum exit_code code = EXIT_DONE;

    if (!api_print_raw(client, answer) && secret != NULL) {
        fprintf(client->out, "%s\n", secret);
    } else if (secret == NULL) {
        client_complain(client, T_ERR_NO_SENSE, client->url, NULL);
        code = EXIT_DAEMON_FAULT;
    }
    api_answer_free(answer);
    return code;
}

static enum exit_code run_add(struct client *client, const struct args *args)
{
    struct api_answer answer;
    struct json_writer w;
    enum exit_code code;
    struct sbuf body;

    sbuf_init(&body, 0);
    jw_init(&w, &body);
    jw_object(&w, NULL);
    args_write_fields(args, &w);
    jw_object_end(&w);
    code = call(client, args, "POST", "/v1/admin/webhooks", body.data, &answer);
    sbuf_free(&body);
    return code == EXIT_DONE ? print_secret(client, &answer) : code;
}

/* The last word of the path is the action. */
static enum exit_code act(struct client *client, const struct args *args, struct api_answer *answer)
{
    struct json_writer w;
    enum exit_code code;
    struct sbuf path, body;

    sbuf_init(&path, 0);
    sbuf_adds(&path, "/v1/admin/webhooks/");
    path_segment(&path, args->operands[0]);
    sbuf_addf(&path, "/%s", strrchr(args->command->path, ' ') + 1);
    sbuf_init(&body, 0);
    jw_init(&w, &body);
    jw_object(&w, NULL);
    args_write_fields(args, &w);
    jw_object_end(&w);
    code = call(client, args, "POST", path.data, body.data, answer);
    sbuf_free(&body);
    sbuf_free(&path);
    return code;
}

static enum exit_code run_rotate(struct client *client, const struct args *args)
{
    struct api_answer answer;
    enum exit_code code = act(client, args, &answer);

    return code == EXIT_DONE ? print_secret(client, &answer) : code;
}

static enum exit_code run_switch(struct client *client, const struct args *args)
{
    struct api_answer answer;
    enum exit_code code = act(client, args, &answer);

    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        client_say(client, T_DONE, NULL, NULL);
    api_answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_code run_replay(struct client *client, const struct args *args)
{
    struct api_answer answer;
    enum exit_code code = act(client, args, &answer);

    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        client_say(client, T_WEBHOOK_REPLAYED,
                   view_scalar(client, json_get(api_root(&answer), "replayed")), NULL);
    api_answer_free(&answer);
    return EXIT_DONE;
}

static const struct option add_options[] = {
    {.name = "to",
     .field = "url",
     .kind = OPTION_TEXT,
     .flags = OPTION_REQUIRED,
     .hint = "URL",
     .help = T_OPT_WEBHOOK_URL},
    {.name = "unit",
     .field = "unit",
     .kind = OPTION_TEXT,
     .hint = "CODE",
     .help = T_OPT_WEBHOOK_UNIT},
    {.name = "events",
     .field = "events",
     .kind = OPTION_LIST,
     .hint = "TYPE,...",
     .help = T_OPT_WEBHOOK_EVENTS},
};
static const struct option replay_options[] = {
    {.name = "after",
     .field = "after",
     .kind = OPTION_TEXT,
     .hint = "INSTANT",
     .help = T_OPT_WEBHOOK_AFTER},
};

#define ON_WEBHOOK .operands = "ID", .min_operands = 1, .max_operands = 1, .as = "admin"

const struct command webhook_commands[] = {
    {.path = "webhook list",
     .operands = "",
     .summary = T_CMD_WEBHOOK_LIST,
     .as = "admin",
     .run = run_list},
    {.path = "webhook add",
     .operands = "",
     .summary = T_CMD_WEBHOOK_ADD,
     .as = "admin",
     .options = add_options,
     .option_count = ARRAY_LEN(add_options),
     .run = run_add},
    {.path = "webhook rotate", .summary = T_CMD_WEBHOOK_ROTATE, ON_WEBHOOK, .run = run_rotate},
    {.path = "webhook disable", .summary = T_CMD_WEBHOOK_DISABLE, ON_WEBHOOK, .run = run_switch},
    {.path = "webhook enable", .summary = T_CMD_WEBHOOK_ENABLE, ON_WEBHOOK, .run = run_switch},
    {.path = "webhook replay",
     .summary = T_CMD_WEBHOOK_REPLAY,
     ON_WEBHOOK,
     .options = replay_options,
     .option_count = ARRAY_LEN(replay_options),
     .run = run_replay},
};
const size_t webhook_command_count = ARRAY_LEN(webhook_commands);
