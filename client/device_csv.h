/*
 * device_csv.h - lists of devices and of mappings as CSV: a header with the names of the members,
 * a row for each; an empty cell says nothing. They are sent in portions that the daemon takes.
 */
#ifndef CLIENT_DEVICE_CSV_H
#define CLIENT_DEVICE_CSV_H

#include "client/api.h"

#define DEVICE_CSV_PORTION 1000 /* rows of a call */

struct device_csv {
    const char *list;           /* member of the body: "devices" */
    const char *const *columns; /* that may be there; NULL at the end */
    /* Of each answer, as it comes. */
    void (*take)(void *ctx, const struct json_value *answer);
    void *ctx;
};

/* Whether the name of the file says so. */
bool device_csv_is(const char *path);
/*
 * Posts all rows of the file `path` to `target`. Columns: "guardians" is "name phone relation; name
 * phone ...", "remove" is yes or no, all others are texts. What goes wrong is told on err; portions
 * before it are in force.
 */
MUST_CHECK enum exit_code device_csv_send(struct client *client, const struct args *args,
                                          const char *path, const char *target,
                                          const struct device_csv *csv);

#endif
