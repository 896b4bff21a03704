/*
 * simulate.h - the demo day: tickets through every channel, worked on by desk and units until they
 * are where their plan says.
 *
 * What happens to a ticket is decided when it is made (its plan); the rest is carrying it out. The
 * same seed over the same city makes the same day. A step that the daemon does not allow (409) is
 * counted and its ticket left alone: other people may be at work in the same city.
 */
#ifndef CLIENT_SIMULATE_H
#define CLIENT_SIMULATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/map.h"
#include "client/api.h"
#include "client/client.h"
#include "hotline/vocabulary.h"

enum sim_plan {
    PLAN_ANSWER,      /* the operator answers while the citizen is on the line */
    PLAN_CLOSE,       /* unit reports, review passes, citizen is content */
    PLAN_REVIEW_FAIL, /* the first review fails, the second passes */
    PLAN_REDO,        /* the citizen is not content, the second round is good */
    PLAN_REJECT,
    PLAN_WITHDRAW,
    PLAN_REFER,
    PLAN_LEFT_UNSIGNED, /* the rest stays open at various places */
    PLAN_LEFT_WORKING,
    PLAN_LEFT_REVIEW,
    PLAN_LEFT_CALLBACK,
    PLAN_COUNT
};

/* Where a ticket is, as far as we brought it. */
enum sim_stage {
    STAGE_NEW,      /* at the desk or, if routed, with a unit that has not signed */
    STAGE_WORKING,  /* signed by the lead */
    STAGE_REPORTED, /* to be reviewed */
    STAGE_REWORK,   /* review failed: the lead has to report again */
    STAGE_SETTLED,  /* nothing more to do */
};

struct sim_case {         /* what a citizen says, and what is answered */
    const char *category; /* name in the catalogue */
    enum ticket_kind kind;
    enum ticket_urgency urgency;
    const char *title, *text; /* {1} = place, {2} = a number */
    const char *answer;       /* of the desk; NULL: only a unit can */
    const char *public_reply; /* of the unit */
};
extern const struct sim_case sim_cases[];
extern const size_t sim_case_count;

struct sim_ticket {
    char *number;
    enum sim_plan plan;
    enum sim_stage stage;
    const struct sim_case *matter;
    enum ticket_channel channel;
    const char *lead_unit; /* NULL: in the pool */
    char *lead_assignment; /* once the lead has claimed it */
    int round;             /* from 1 */
    bool review_failed_once;
    bool as_planned; /* reached the end its plan wanted */
};

struct sim_place {
    const char *code;
    char *name; /* town and village */
};

struct sim_unit {
    const char *code;
    bool has_token;
    bool has_work; /* something was sent to it since it last looked */
};

struct simulation {
    struct client *client;
    struct arena *arena;
    uint64_t random;
    char run[33]; /* begins every Idempotency-Key */

    struct api_answer city; /* owns the names below */
    struct sim_place *places;
    size_t place_count;
    const char **case_codes; /* category of sim_cases[i]; NULL: the catalogue has none like it */
    struct sim_unit *units;
    size_t unit_count;

    struct sim_ticket *tickets;
    size_t ticket_count, created;
    struct map *by_number;

    size_t settled, refused, done_steps, shown_tenths;
    bool channel_uses_desk[CHANNEL_COUNT]; /* its own token may not do it */
};

/* ---- shared by the parts of the simulation -----------------------------------------------------
 */

uint64_t sim_random(struct simulation *sim, uint64_t below);
enum exit_code sim_load_city(struct simulation *sim);
void sim_free_city(struct simulation *sim);
/* NULL if the city has no such unit. */
struct sim_unit *sim_unit_find(struct simulation *sim, const char *code);
/* A unit to send what nobody's rule covers. */
struct sim_unit *sim_unit_any(struct simulation *sim);
/* Sends work to a unit: it looks at its queue in the next round. */
void sim_unit_notify(struct simulation *sim, const char *code);

/*
 * POST with patience. *refused_r: the daemon answered 409, nothing is printed. Answer may be NULL
 * if nobody wants it; it is freed unless EXIT_DONE and not refused.
 */
enum exit_code sim_post(struct simulation *sim, const char *who, const char *path,
                        const struct sbuf *body, const char *key, struct api_answer *answer_r,
                        bool *refused_r);
/* The same on a ticket, by the desk; body is text in JSON. A refusal settles the ticket. */
enum exit_code sim_desk_act(struct simulation *sim, struct sim_ticket *ticket, const char *action,
                            const struct sbuf *body, bool *done_r);
void sim_settle(struct simulation *sim, struct sim_ticket *ticket, bool as_planned);
void sim_progress(struct simulation *sim);

/* ---- the parts ---------------------------------------------------------------------------------
 */

enum exit_code sim_create_tickets(struct simulation *sim);
enum exit_code sim_desk_first(struct simulation *sim);
enum exit_code sim_units_work(struct simulation *sim);
enum exit_code sim_desk_review(struct simulation *sim);

#endif
