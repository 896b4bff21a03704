/*
 * commands.c - finds commands by their path.
 */
#include "client/commands.h"

#include <string.h>

static const struct {
    const struct command *commands;
    const size_t *count;
} groups[] = {
    {ticket_commands, &ticket_command_count},     {queue_commands, &queue_command_count},
    {watch_commands, &watch_command_count},       {report_commands, &report_command_count},
    {version_commands, &version_command_count},   {explain_commands, &explain_command_count},
    {place_commands, &place_command_count},       {admin_commands, &admin_command_count},
    {score_commands, &score_command_count},       {account_commands, &account_command_count},
    {simulate_commands, &simulate_command_count}, {clock_commands, &clock_command_count},
    {calendar_commands, &calendar_command_count}, {call_commands, &call_command_count},
    {device_commands, &device_command_count},     {cloud_commands, &cloud_command_count},
    {webhook_commands, &webhook_command_count},   {help_commands, &help_command_count},
};

void commands_each(void (*fn)(void *ctx, const struct command *command), void *ctx)
{
    for (size_t g = 0; g < ARRAY_LEN(groups); g++)
        for (size_t i = 0; i < *groups[g].count; i++)
            fn(ctx, &groups[g].commands[i]);
}

struct search {
    const char *path;
    const struct command *exact;
    bool is_prefix;
};

static void look_at(void *ctx, const struct command *command)
{
    struct search *s = ctx;
    size_t len = strlen(s->path);

    if (strcmp(command->path, s->path) == 0)
        s->exact = command;
    if (strncmp(command->path, s->path, len) == 0 &&
        (command->path[len] == ' ' || command->path[len] == '\0'))
        s->is_prefix = true;
}

const struct command *command_find(const char *path)
{
    struct search s = {.path = path};

    commands_each(look_at, &s);
    return s.exact;
}

bool command_is_prefix(const char *path)
{
    struct search s = {.path = path};

    commands_each(look_at, &s);
    return s.is_prefix;
}
