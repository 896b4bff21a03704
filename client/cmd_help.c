/*
 * cmd_help.c - hotline help|version|completion, all made from the command tables.
 */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "client/client.h"
#include "client/commands.h"
#include "client/table.h"

#ifndef HOTLINE_VERSION
#define HOTLINE_VERSION "0.0.0"
#endif

#define NAME_WIDTH 30 /* columns of the left side */

static void add_padded(struct sbuf *out, const char *text, size_t width)
{
    size_t used = utf8_width(text, strlen(text));

    sbuf_adds(out, text);
    do
        sbuf_addc(out, ' ');
    while (++used < width);
}

static void add_option(struct sbuf *out, enum lang lang, const struct option *o)
{
    struct sbuf left;

    sbuf_init(&left, 0);
    sbuf_addf(&left, "  --%s", o->name);
    if (o->hint != NULL)
        sbuf_addf(&left, " %s", o->hint);
    add_padded(out, left.data, NAME_WIDTH);
    sbuf_free(&left);
    sbuf_adds(out, text_get(lang, o->help));
    for (size_t i = 0; i < o->word_count; i++) {
        sbuf_addf(out, "%s%s", i == 0 ? ": " : ", ", o->words[i].code);
        if (lang == LANG_ZH)
            sbuf_addf(out, " %s", o->words[i].zh);
    }
    sbuf_addc(out, '\n');
}

static void add_usage(struct sbuf *out, const struct command *c)
{
    sbuf_addf(out, "hotline %s", c->path);
    if (c->operands[0] != '\0')
        sbuf_addf(out, " %s", c->operands);
    for (size_t i = 0; i < c->option_count; i++) {
        const struct option *o = &c->options[i];
        bool alternative = i > 0 && o->field != NULL && c->options[i - 1].field != NULL &&
                           strcmp(o->field, c->options[i - 1].field) == 0;

        if (alternative)
            sbuf_addf(out, "|--%s", o->name);
        else if (o->flags & OPTION_REQUIRED)
            sbuf_addf(out, " --%s%s%s", o->name, o->hint != NULL ? " " : "",
                      o->hint != NULL ? o->hint : "");
    }
}

static bool has_optional(const struct command *c)
{
    for (size_t i = 0; i < c->option_count; i++)
        if (!(c->options[i].flags & OPTION_REQUIRED))
            return true;
    return false;
}

void help_command(struct sbuf *out, enum lang lang, const struct command *command)
{
    sbuf_adds(out, text_get(lang, T_USAGE));
    sbuf_addc(out, ' ');
    add_usage(out, command);
    if (has_optional(command))
        sbuf_adds(out, text_get(lang, T_USAGE_OPTIONS));
    sbuf_addf(out, "\n%s\n", text_get(lang, command->summary));
    if (command->option_count > 0)
        sbuf_addf(out, "\n%s\n", text_get(lang, T_OPTIONS));
    for (size_t i = 0; i < command->option_count; i++)
        add_option(out, lang, &command->options[i]);
    sbuf_addf(out, "\n%s\n", text_get(lang, T_GLOBAL_OPTIONS));
    for (size_t i = 0; i < global_option_count; i++)
        add_option(out, lang, &global_options[i]);
}

struct overview {
    struct sbuf *out;
    enum lang lang;
    const char *group;
};

static void add_summary(void *ctx, const struct command *c)
{
    struct overview *o = ctx;
    struct sbuf left;
    size_t len = o->group == NULL ? 0 : strlen(o->group);

    if (len > 0 && (strncmp(c->path, o->group, len) != 0 || c->path[len] != ' '))
        return;
    sbuf_init(&left, 0);
    sbuf_addf(&left, "  %s%s%s", c->path, c->operands[0] != '\0' ? " " : "", c->operands);
    add_padded(o->out, left.data, NAME_WIDTH + 2);
    sbuf_addf(o->out, "%s\n", text_get(o->lang, c->summary));
    sbuf_free(&left);
}

void help_overview(struct sbuf *out, enum lang lang, const char *group)
{
    struct overview o = {out, lang, group};

    sbuf_addf(out, "%s hotline %s ...\n\n", text_get(lang, T_USAGE),
              text_get(lang, T_COMMAND_PLACEHOLDER));
    commands_each(add_summary, &o);
    sbuf_addf(out, "\n%s\n", text_get(lang, T_GLOBAL_OPTIONS));
    for (size_t i = 0; i < global_option_count; i++)
        add_option(out, lang, &global_options[i]);
    sbuf_addf(out, "\n%s\n", text_get(lang, T_EXIT_CODES));
}

static void print(const struct client *client, struct sbuf *text)
{
    fwrite(text->data, 1, text->len, client->out);
    sbuf_free(text);
}

static enum exit_code run_help(struct client *client, const struct args *args)
{
    const struct command *command;
    enum exit_code code = EXIT_DONE;
    struct sbuf path, text;

    sbuf_init(&path, 0);
    sbuf_init(&text, 0);
    for (size_t i = 0; i < args->operand_count; i++)
        sbuf_addf(&path, "%s%s", i > 0 ? " " : "", args->operands[i]);
    command = command_find(path.data);
    if (command != NULL) {
        help_command(&text, client->lang, command);
    } else if (path.len == 0 || command_is_prefix(path.data)) {
        help_overview(&text, client->lang, path.len == 0 ? NULL : path.data);
    } else {
        client_complain(client, T_ERR_UNKNOWN_COMMAND, path.data, NULL);
        code = EXIT_USAGE;
    }
    print(client, &text);
    sbuf_free(&path);
    return code;
}

static enum exit_code run_version(struct client *client, const struct args *args)
{
    (void)args;
    if (client->json)
        fprintf(client->out, "{\"version\":\"%s\"}\n", HOTLINE_VERSION);
    else
        fprintf(client->out, "hotline %s\n", HOTLINE_VERSION);
    return EXIT_DONE;
}

static enum exit_code run_completion(struct client *client, const struct args *args)
{
    struct sbuf text;

    if (strcmp(args->operands[0], "bash") != 0) {
        client_complain(client, T_ERR_SHELL, args->operands[0], NULL);
        return EXIT_USAGE;
    }
    sbuf_init(&text, 0);
    completion_write_bash(&text);
    print(client, &text);
    return EXIT_DONE;
}

const struct command help_commands[] = {
    {.path = "completion",
     .operands = "bash",
     .min_operands = 1,
     .max_operands = 1,
     .summary = T_CMD_COMPLETION,
     .run = run_completion},
    {.path = "version", .operands = "", .summary = T_CMD_VERSION, .run = run_version},
    {.path = "help",
     .operands = "[COMMAND]",
     .max_operands = 4,
     .summary = T_CMD_HELP,
     .run = run_help},
};
const size_t help_command_count = ARRAY_LEN(help_commands);
