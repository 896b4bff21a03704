/*
 * cmd_account.c - hotline admin account ...: who may speak to the daemon.
 *
 * The commands that make a token print it, once, because there is no other way to learn it.
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

static void view_accounts(const struct client *client, const struct json_value *answer)
{
    const struct json_value *items = json_get(answer, "items");
    struct table *table = table_new();

    table_column(table, client_text(client, T_COL_NAME), TABLE_SHRINKS);
    table_column(table, client_text(client, T_COL_ROLE), 0);
    table_column(table, client_text(client, T_COL_UNIT), TABLE_SHRINKS);
    table_column(table, client_text(client, T_COL_AGENT), TABLE_SHRINKS);
    table_column(table, client_text(client, T_COL_TOKENS), TABLE_RIGHT);
    table_column(table, client_text(client, T_COL_DISABLED), 0);
    for (size_t i = 0; i < json_array_length(items); i++) {
        const struct json_value *a = json_at(items, i);
        bool disabled = json_bool(json_get(a, "disabled"));

        table_cell(table, member(a, "name"), disabled ? STYLE_DIM : STYLE_PLAIN);
        table_cell(table, word_text(client->lang, role_words, ROLE_COUNT, member(a, "role")),
                   STYLE_PLAIN);
        table_cell(table, member(a, "unit"), STYLE_PLAIN);
        table_cell(table, member(a, "agent"), STYLE_PLAIN);
        table_cell(table, view_scalar(client, json_get(a, "tokens")), STYLE_PLAIN);
        table_cell(table, disabled ? client_text(client, T_YES) : "", STYLE_BAD);
    }
    client_print_table(client, table);
    table_free(&table);
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

static enum exit_code run_accounts(struct client *client, const struct args *args)
{
    struct api_answer answer;
    enum exit_code code = call(client, args, "GET", "/v1/admin/accounts", NULL, &answer);

    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view_accounts(client, api_root(&answer));
    api_answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_code print_token(const struct client *client, const char *token)
{
    if (token == NULL) {
        client_complain(client, T_ERR_NO_SENSE, client->url, NULL);
        return EXIT_DAEMON_FAULT;
    }
    fprintf(client->out, "%s\n", token);
    return EXIT_DONE;
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
    jw_array(&w, "accounts");
    jw_object(&w, NULL);
    args_write_fields(args, &w);
    jw_object_end(&w);
    jw_array_end(&w);
    jw_object_end(&w);
    code = call(client, args, "POST", "/v1/admin/accounts", body.data, &answer);
    sbuf_free(&body);
    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        code =
            print_token(client, member(json_at(json_get(api_root(&answer), "items"), 0), "token"));
    api_answer_free(&answer);
    return code;
}

/* {"<unit code>": "<token>", ...}: what a start script puts into its credentials file. */
static void print_unit_tokens(const struct client *client, const struct json_value *items)
{
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    for (size_t i = 0; i < json_array_length(items); i++) {
        const char *unit = member(json_at(items, i), "unit");

        if (unit != NULL)
            jw_string(&w, unit, member(json_at(items, i), "token"));
    }
    jw_object_end(&w);
    fprintf(client->out, "%s\n", out.data);
    sbuf_free(&out);
}

static enum exit_code run_add_units(struct client *client, const struct args *args)
{
    struct api_answer answer;
    enum exit_code code = call(client, args, "POST", "/v1/admin/accounts/units", "{}", &answer);

    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        print_unit_tokens(client, json_get(api_root(&answer), "items"));
    api_answer_free(&answer);
    return EXIT_DONE;
}

/* The last word of the path is the action. */
static enum exit_code act_on_account(struct client *client, const struct args *args,
                                     struct api_answer *answer)
{
    enum exit_code code;
    struct sbuf path;

    sbuf_init(&path, 0);
    sbuf_adds(&path, "/v1/admin/accounts/");
    path_segment(&path, args->operands[0]);
    sbuf_addf(&path, "/%s", strrchr(args->command->path, ' ') + 1);
    code = call(client, args, "POST", path.data, "{}", answer);
    sbuf_free(&path);
    return code;
}

static enum exit_code run_rotate(struct client *client, const struct args *args)
{
    struct api_answer answer;
    enum exit_code code = act_on_account(client, args, &answer);

    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        code = print_token(client, member(api_root(&answer), "token"));
    api_answer_free(&answer);
    return code;
}

static enum exit_code run_disable(struct client *client, const struct args *args)
{
    struct api_answer answer;
    enum exit_code code = act_on_account(client, args, &answer);

    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        client_say(client, T_DONE, NULL, NULL);
    api_answer_free(&answer);
    return EXIT_DONE;
}

/* NAME ID: the screen pops for ID go to NAME; without ID to nobody in particular. */
static enum exit_code run_agent(struct client *client, const struct args *args)
{
    struct api_answer answer;
    struct json_writer w;
    struct sbuf path, body;
    enum exit_code code;

    sbuf_init(&path, 0);
    sbuf_adds(&path, "/v1/admin/accounts/");
    path_segment(&path, args->operands[0]);
    sbuf_adds(&path, "/agent");
    sbuf_init(&body, 0);
    jw_init(&w, &body);
    jw_object(&w, NULL);
    jw_string(&w, "agent", args->operand_count > 1 ? args->operands[1] : NULL);
    jw_object_end(&w);
    code = call(client, args, "POST", path.data, body.data, &answer);
    sbuf_free(&path);
    sbuf_free(&body);
    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        client_say(client, T_DONE, NULL, NULL);
    api_answer_free(&answer);
    return EXIT_DONE;
}

static const struct option add_options[] = {
    {.name = "role",
     .field = "role",
     .kind = OPTION_WORD,
     .flags = OPTION_REQUIRED,
     .hint = "ROLE",
     .help = T_OPT_ROLE,
     .words = role_words,
     .word_count = ROLE_SYSTEM},
    {.name = "name",
     .field = "name",
     .kind = OPTION_TEXT,
     .flags = OPTION_REQUIRED,
     .hint = "NAME",
     .help = T_OPT_ACCOUNT_NAME},
    {.name = "unit",
     .field = "unit",
     .kind = OPTION_TEXT,
     .hint = "CODE",
     .help = T_OPT_ACCOUNT_UNIT},
    {.name = "agent",
     .field = "agent",
     .kind = OPTION_TEXT,
     .hint = "ID",
     .help = T_OPT_ACCOUNT_AGENT},
};

#define ON_ACCOUNT .operands = "NAME", .min_operands = 1, .max_operands = 1, .as = "admin"

const struct command account_commands[] = {
    {.path = "admin accounts",
     .operands = "",
     .summary = T_CMD_ACCOUNTS,
     .as = "admin",
     .run = run_accounts},
    {.path = "admin account add",
     .operands = "",
     .summary = T_CMD_ACCOUNT_ADD,
     .as = "admin",
     .options = add_options,
     .option_count = ARRAY_LEN(add_options),
     .run = run_add},
    {.path = "admin account add-units",
     .operands = "",
     .summary = T_CMD_ACCOUNT_ADD_UNITS,
     .as = "admin",
     .run = run_add_units},
    {.path = "admin account rotate",
     .summary = T_CMD_ACCOUNT_ROTATE,
     ON_ACCOUNT,
     .run = run_rotate},
    {.path = "admin account agent",
     .operands = "NAME [ID]",
     .min_operands = 1,
     .max_operands = 2,
     .summary = T_CMD_ACCOUNT_AGENT,
     .as = "admin",
     .run = run_agent},
    {.path = "admin account disable",
     .summary = T_CMD_ACCOUNT_DISABLE,
     ON_ACCOUNT,
     .run = run_disable},
};
const size_t account_command_count = ARRAY_LEN(account_commands);
