/*
 * app.h - the life of the process: start, run, drain, stop.
 */
#ifndef DAEMON_APP_H
#define DAEMON_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/settings.h"

/* A setting given on the command line. */
struct app_override {
    char *name;
    const char *value;
};

struct app_options {
    struct settings settings;             /* taken over */
    const char *settings_file;            /* NULL = none; read again on SIGHUP */
    const struct app_override *overrides; /* stand above the file, also when it is read again */
    size_t override_count;
    bool is_test_clock;
    int64_t test_now_us; /* 0 = now */
};

/* Runs in the foreground until SIGTERM or SIGINT; the exit code of the process. */
int app_run(const struct app_options *options);
/* `hotlined migrate` */
int app_migrate(const struct settings *settings);
/*
 * Calls fn with the conninfo of the database these settings mean, with the private cluster running:
 * a cluster that a running daemon uses is left alone, one that was started for this is stopped
 * again.
 */
int app_with_database(const struct settings *settings, int (*fn)(void *ctx, const char *conninfo),
                      void *ctx);

#endif
