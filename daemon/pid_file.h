/*
 * pid_file.h - one daemon per data folder: DATA/hotlined.pid, locked as long as the process lives.
 */
#ifndef DAEMON_PID_FILE_H
#define DAEMON_PID_FILE_H

#include "base/attr.h"

struct pid_file;
/* NULL and a text (caller frees) if another process holds it or it cannot be written. */
MUST_CHECK struct pid_file *pid_file_lock(const char *data, char **error_r);
void pid_file_unlock(struct pid_file **file);

#endif
