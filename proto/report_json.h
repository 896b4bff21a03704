/*
 * report_json.h - the figures as they look outside (CONTRACT 5). Pure.
 */
#ifndef PROTO_REPORT_JSON_H
#define PROTO_REPORT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sbuf.h"
#include "hotline/measures.h"
#include "hotline/vocabulary.h"
#include "proto/json.h"

/* What a report is about; given with every report. */
struct report_basis {
    int64_t from_us, to_us; /* [from, to) */
    int64_t as_of_us;       /* when it was counted */
    int offset_min;
    const char *unit, *region, *category, *kind, *channel; /* filters; NULL = none */
};

struct tier_figures {
    bool is_shown; /* a tier of this city, or one with closings */
    int64_t closed, on_time;
};
struct tiers_report {
    struct report_basis basis;
    int64_t received, desk, dispatched, in_hand, overdue, carried_over, closed, on_time;
    struct tier_figures tier[TIER_COUNT];
};
void report_json_write_tiers(struct sbuf *out, const struct tiers_report *report);

struct measures_row {
    const char *key, *name; /* key "" = the desk, or a place not known; name NULL = its own key */
    struct measure measure[MEASURE_COUNT];
};
struct measures_report {
    struct report_basis basis;
    const char *by;    /* "unit" ... */
    const char *level; /* of places; NULL = as they are */
    int depth;         /* of matters; 0 = as they are */
    int satisfied_from;
    struct measures_row total; /* of all rows, also those on other pages */
    const struct measures_row *rows;
    size_t row_count;
    const char *next; /* cursor, NULL = the last page */
};
void report_json_write_measures(struct sbuf *out, const struct measures_report *report);

/* For other reports: opens the object "basis", whose end is the caller's; name and definition of a
 * measure as a member; numerator, denominator and rate (null: none due) as members of an open
 * object. */
void report_json_begin_basis(struct json_writer *w, const struct report_basis *basis);
void report_json_write_definition(struct json_writer *w, enum measure_kind measure);
void report_json_write_counts(struct json_writer *w, struct measure m);

struct recount_difference {
    const char *unit, *tier, *region, *category, *kind, *channel;
    const char *figure;
    int64_t counted, recounted;
};
struct recount_report {
    int64_t rows;      /* groups compared */
    int64_t differing; /* all, also those beyond the list */
    const struct recount_difference *list;
    size_t count;
};
void report_json_write_recount(struct sbuf *out, const struct recount_report *report);

#endif
