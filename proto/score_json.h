/*
 * score_json.h - score sets and scores as they look outside. Pure.
 *
 * A scale: {"measure": "on_time_closing", "points": 20, "full_at": 95, "per_point": 1, "floor": 0,
 * "lose": "below"}; floor (0) and lose ("below") may be absent. Numbers have up to six decimals.
 */
#ifndef PROTO_SCORE_JSON_H
#define PROTO_SCORE_JSON_H

#include "hotline/score.h"
#include "proto/json.h"
#include "proto/report_json.h"

#define SCORE_NAME_MAX 64 /* code points */

/* {name, from?, scales}: false with faults. from_us is kept as preset if it is not given. */
MUST_CHECK bool score_json_decode(const struct json_value *v, struct arena *arena,
                                  struct score_set *set_r, struct faults *faults);
/* An array of scales, as stored. */
MUST_CHECK bool score_json_decode_scales(const struct json_value *v, struct arena *arena,
                                         struct score_set *set_r, struct faults *faults);
void score_json_write_scales(struct json_writer *w, const char *key, const struct score_set *set);

struct score_set_item {
    struct score_set set;
    int64_t created_us;
    const char *created_by;
    bool is_in_force;
};
/* Members of an open object. */
void score_json_write_item(struct json_writer *w, const struct score_set_item *item,
                           int offset_min);

struct scores_report {
    struct report_basis basis;
    const char *by;
    const char *tier;  /* only units of it; NULL = all */
    const char *level; /* of places; NULL = as they are */
    int satisfied_from;
    const struct score_set *set; /* NULL: none was in force, then there are no rows */
    const struct measures_row *rows;
    const struct score_row *scores; /* of the same index */
    const size_t *order;            /* as score_rank() gives it */
    size_t count, shown;            /* rows ranked; rows written */
};
void score_json_write_report(struct sbuf *out, const struct scores_report *report);

#endif
