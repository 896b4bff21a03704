/*
 * pid_file.h - one daemon per data folder: DATA/hotlined.pid, locked as long as the process lives.
 */
#ifndef DAEMON_PID_FILE_H
#define DAEMON_PID_FILE_H

#include <stdbool.h>

#include "base/attr.h"

struct pid_file;
/* NULL and a text (caller frees) if another process holds it or it cannot be written. */
MUST_CHECK struct pid_file *pid_file_lock(const char *data, char **error_r);
/* Second line: where the private cluster of this process is, for subcommands that run beside it. */
MUST_CHECK bool pid_file_note(struct pid_file *file, const char *conninfo);
/* The note of the process that holds the file; NULL if there is none. Caller frees. */
char *pid_file_read_note(const char *data);
void pid_file_unlock(struct pid_file **file);

#endif
