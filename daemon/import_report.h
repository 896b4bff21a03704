/*
 * import_report.h - what is wrong with a city bundle, as lists of {field, reason, detail}.
 *
 * Faults of form (proto/city_json.h) and faults of the city as a whole (hotline/city.h) look alike
 * outside; of the latter at most CITY_MAX_FAULTS are listed, the counts say how many there are.
 */
#ifndef DAEMON_IMPORT_REPORT_H
#define DAEMON_IMPORT_REPORT_H

#include "hotline/city.h"
#include "proto/json.h"

struct import_report {
    const struct faults *form;      /* may be NULL */
    const struct city_faults *city; /* may be NULL */
};

/* {"errors": [...], "error_count": n} and {"warnings": [...], "warning_count": n} into an open
 * object. */
void import_report_write_errors(struct json_writer *w, const struct import_report *report);
void import_report_write_warnings(struct json_writer *w, const struct import_report *report);
size_t import_report_error_count(const struct import_report *report);
/*
 * The devices of a bundle against its city: each id once, each at a place that exists. Adds to
 * faults.
 */
void import_check_devices(const struct json_value *bundle, const struct city *city,
                          struct faults *faults);

#endif
