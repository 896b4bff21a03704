/*
 * version.h - rules, policies and calendars at run time: versions, drafts, plans, replay.
 *
 * One implementation for the three parts of a city; the part is the first parameter of the path:
 *
 *   GET  /v1/admin/{part}                          versions, and when each was in force
 *   GET  /v1/admin/{part}/{version|active}         one of them
 *   GET  /v1/admin/{part}/drafts[/{draft}]
 *   POST /v1/admin/{part}/drafts                   checked, stored if there are no errors
 *   POST /v1/admin/rules/drafts/{draft}/replay     what it would do with past tickets
 *   POST /v1/admin/calendars/drafts/{draft}/preview   which open deadlines it would move
 *   POST /v1/admin/{part}/drafts/{draft}/activate  becomes a version, in force now or from an
 * instant GET  /v1/admin/{part}/activations POST /v1/admin/{part}/activations/{activation}/cancel
 *
 * A version never changes. Tickets keep the versions they were begun under.
 */
#ifndef DAEMON_VERSION_H
#define DAEMON_VERSION_H

#include "daemon/import_report.h"
#include "daemon/request.h"
#include "proto/city_json.h"

#define REPLAY_AT_ONCE 2

void version_list_get(struct request *r);
void version_get(struct request *r);
void draft_list_get(struct request *r);
void draft_get(struct request *r);
void activation_list_get(struct request *r);
void draft_post(struct request *r);
void draft_replay_post(struct request *r);
void draft_preview_post(struct request *r);
void draft_activate_post(struct request *r);
void activation_cancel_post(struct request *r);

/* ---- version_part.c: what they share ----------------------------------------------------------
 */

/* The part of the path. false: answered 404. */
MUST_CHECK bool version_part_read(struct request *r, enum city_part *part_r);
/* A parameter of the path as a positive number. false: answered 404. */
MUST_CHECK bool version_id_read(struct request *r, size_t param, int64_t *id_r);
int64_t version_in_force(const struct daemon *d, enum city_part part);
int version_offset_min(const struct daemon *d);

/* A body that was checked against the city in force. */
struct version_check {
    struct city *city; /* NULL: there are errors; else the caller's */
    struct city_part_head head;
    struct city_faults *faults;
    struct import_report warnings; /* those that concern the part */
};
/* Faults of form go to r->faults. There has to be a city. */
void version_check_body(struct request *r, enum city_part part, const struct json_value *body,
                        struct version_check *check_r);
/* Answers 400 with every error. */
void version_reply_errors(struct request *r, const struct version_check *check);

/*
 * Loads the draft of the path (part and number), checks its body against the city in force, and
 * calls `go` if it has no errors; everything else is answered here.
 */
struct version_draft {
    enum city_part part;
    int64_t id;
    struct city *city; /* with the draft in it; the caller's */
    void *ctx;
    void (*go)(struct request *r, struct version_draft *draft);
};
void version_draft_load(struct request *r, struct version_draft *draft);

#endif
