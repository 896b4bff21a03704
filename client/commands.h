/*
 * commands.h - the list of all commands, gathered from one table per file.
 */
#ifndef CLIENT_COMMANDS_H
#define CLIENT_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/args.h"

/* Calls fn for every command, in the order of the help. */
void commands_each(void (*fn)(void *ctx, const struct command *command), void *ctx);
/* NULL if no command has exactly this path. */
const struct command *command_find(const char *path);
/* true if `path` is a command or the first words of one. */
bool command_is_prefix(const char *path);

/* Appends the usage of one command: line, summary, options. */
void help_command(struct sbuf *out, enum lang lang, const struct command *command);
/* The list of commands below `group` ("ticket"), or of all of them if it is NULL. */
void help_overview(struct sbuf *out, enum lang lang, const char *group);
/* A bash completion script, made from the tables. */
void completion_write_bash(struct sbuf *out);

extern const struct command ticket_commands[], queue_commands[], watch_commands[],
    report_commands[], place_commands[], admin_commands[], account_commands[], explain_commands[],
    simulate_commands[], version_commands[], clock_commands[], score_commands[],
    calendar_commands[], call_commands[], device_commands[], cloud_commands[], webhook_commands[],
    help_commands[];
extern const size_t ticket_command_count, queue_command_count, watch_command_count,
    report_command_count, place_command_count, admin_command_count, account_command_count,
    explain_command_count, call_command_count, simulate_command_count, version_command_count,
    clock_command_count, score_command_count, calendar_command_count, device_command_count,
    cloud_command_count, webhook_command_count, help_command_count;

#endif
