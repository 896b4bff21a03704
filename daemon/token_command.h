/*
 * token_command.h - `hotlined token`: the first key of the house.
 *
 * Accounts are made over HTTP by an admin, and the first admin here: whoever may talk to the
 * database as its owner may make one.
 */
#ifndef DAEMON_TOKEN_COMMAND_H
#define DAEMON_TOKEN_COMMAND_H

#include <stdint.h>

/*
 * Makes the account, or rotates the token of an existing one of the same role and unit, and prints
 * the token on stdout. unit NULL unless role is "unit". Blocks, with a deadline; returns the exit
 * code (0, 1 failed, 2 wrong arguments), after a line on stderr if it is not 0. Running daemons
 * take the change over at once.
 */
int token_command(const char *conninfo, const char *role, const char *name, const char *unit,
                  int64_t now_us);

#endif
