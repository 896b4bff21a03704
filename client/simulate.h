/*
 * simulate.h - a city's day: citizens come through every door, the desk and the units work on what
 * they bring.
 *
 * Everything that comes is decided before the first request (simulate_plan.c): when, through which
 * door, what about, and what shall become of it. The same seed over the same city makes the same
 * day. The rest is an agenda of steps in simulated time (simulate_agenda.c): a step does one thing
 * and puts the next one on the agenda.
 *
 * Three kinds of time (enum sim_time): a test clock that is moved along, so that deadlines warn and
 * breach as in a real day; one that is left where it stands; real time, where only the order of the
 * steps and, with a speed, their distances are those of the day.
 *
 * A refusal that is no part of the play is printed and counted; its ticket is left alone, and the
 * command fails in the end. What stops the day at once is in `code`.
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

#define SIM_OFFSET_MIN 480 /* the demo cities' time */

enum sim_door {
    DOOR_PHONE,
    DOOR_WECHAT,
    DOOR_DEVICE,
    DOOR_OPEN311,
    DOOR_WEB,
    DOOR_GRID,
    DOOR_UPSTREAM,
    DOOR_COUNT
};

/* What shall become of a ticket. */
enum sim_plan {
    PLAN_ANSWER,         /* the operator answers while the citizen is on the line */
    PLAN_CLOSE,          /* unit reports, review passes, citizen is content */
    PLAN_REVIEW_FAIL,    /* the first review fails, the second passes */
    PLAN_REDO,           /* the citizen is not content, the second round is good */
    PLAN_RETURN,         /* the first unit gives it back, another one does it */
    PLAN_RETURN_REFUSED, /* it has to do it all the same */
    PLAN_EXTEND,         /* it asks for more days, and gets them */
    PLAN_FORWARD,        /* a unit below does it */
    PLAN_ESCALATE,       /* the unit above does it */
    PLAN_REJECT,
    PLAN_WITHDRAW,
    PLAN_REFER,
    PLAN_FALSE_ALARM,   /* of a one-key device 误触 */
    PLAN_LEFT_UNSIGNED, /* the rest stays open at various places */
    PLAN_LEFT_WORKING,
    PLAN_LEFT_REVIEW,
    PLAN_LEFT_CALLBACK,
    PLAN_COUNT
};

enum sim_end {
    END_OPEN,
    END_ANSWERED,
    END_CLOSED,
    END_REJECTED,
    END_REFERRED,
    END_WITHDRAWN,
    END_FALSE_ALARM,
    END_COUNT
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

struct sim_place {
    const char *code;
    char *name; /* town and village */
};

struct sim_unit {
    const char *code;
    const char *parent; /* NULL: none */
    enum tier tier;
    bool has_token;
    bool will_look; /* at its queue: that is on the agenda */
};

/* A citizen's matter and, once a door has taken it, its ticket. */
struct sim_ticket {
    enum sim_door door;
    enum sim_plan plan;
    int64_t arrives_us;
    size_t index;
    const struct sim_case *matter;
    const char *category; /* code */
    const struct sim_place *place;
    char *address, *title, *text;
    char *name; /* NULL: anonymous */
    char phone[12];

    char *number; /* NULL: not received yet */
    char *query_code;
    const char *lead_unit; /* NULL: in the pool */
    struct sim_work *lead; /* once signed; of the present round */
    int round;             /* from 1 */
    int tries;             /* of what had to be done again */
    bool review_failed_once, story_told;
    bool is_settled; /* nothing more to do for us */
    bool is_ours;    /* false: the daemon made it (a silent device), or it joined another one */
    enum sim_end end;
    enum tier end_tier; /* of END_CLOSED */
};

/* An assignment in a unit's hands. */
struct sim_work {
    const struct sim_unit *unit;
    const char *who; /* "unit:CODE" */
    char *assignment;
    struct sim_ticket *ticket;
    bool is_lead;
};

enum sim_time { TIME_MOVED, TIME_STANDS, TIME_REAL };

enum sim_figure { /* besides the tickets; in the summary by these names */
                  FIGURE_CALLS,
                  FIGURE_ABANDONED,
                  FIGURE_CALLED_BACK,
                  FIGURE_MESSAGES,
                  FIGURE_PRESSES,
                  FIGURE_HEARTBEATS,
                  FIGURE_LOOKED_UP,
                  FIGURE_POPS,
                  FIGURE_UNANSWERED,
                  FIGURE_SILENT,
                  FIGURE_WARNED,
                  FIGURE_BREACHED,
                  FIGURE_COUNT
};

struct sim_agenda;
struct sim_devices;
struct sim_wechat;

struct simulation {
    struct client *client;
    struct arena *arena;
    struct arena *scratch; /* of one step */
    uint64_t random;
    char run[33]; /* begins every key that has to be new */
    enum exit_code code;

    /* what was asked for */
    bool is_whole_day;    /* ends at end_us, whatever is still open; false: ends when all is done */
    bool is_shared;       /* others are at work in the same hotline */
    int64_t speed;        /* seconds of the day in one of ours; 0 = as fast as the daemon answers */
    unsigned doors;       /* bits 1 << enum sim_door */
    size_t planned_count; /* tickets that citizens bring */

    enum sim_time time;
    int64_t begin_us, end_us, now_us; /* of the day; now: of the step */
    int64_t clock_us;                 /* what the test clock shows */
    int64_t begin_mono_us;
    struct sim_agenda *agenda;

    struct api_answer city; /* owns the names below */
    const char *city_code;
    struct sim_place *places;
    size_t place_count;
    const char **case_codes; /* category of sim_cases[i]; NULL: the catalogue has none like it */
    struct sim_unit *units;
    size_t unit_count;

    struct sim_ticket **tickets;
    size_t ticket_count, ticket_cap;
    struct map *by_number;
    struct sim_devices *devices; /* NULL: not played */
    struct sim_wechat *wechat;
    char *event_cursor;

    size_t figures[FIGURE_COUNT];
    size_t received, ended, settled;
    size_t wrong;     /* refusals that were not intended */
    size_t overtaken; /* somebody else did it first */
    size_t not_now;   /* refusals that are part of the play */
    size_t shown;     /* of the progress */
    int64_t shown_mono_us;
};

/* ---- agenda and time ---------------------------------------------------------------------------
 */

typedef void (*sim_step)(struct simulation *sim, void *subject);

void sim_agenda_new(struct simulation *sim);
void sim_agenda_free(struct simulation *sim);
void sim_at(struct simulation *sim, int64_t due_us, sim_step step, void *subject);
/* A random number of seconds from now, least and most included. */
void sim_after(struct simulation *sim, int64_t least_s, int64_t most_s, sim_step step,
               void *subject);
/* The same, but in office hours, unless it is urgent. */
void sim_in_office(struct simulation *sim, bool is_urgent, int64_t least_s, int64_t most_s,
                   sim_step step, void *subject);
/* Finds out what clock the daemon has, and which day is played. local_day INT32_MIN: today's. */
void sim_time_begin(struct simulation *sim, int32_t local_day);
/* Carries out the agenda. */
void sim_agenda_run(struct simulation *sim);
/* What time it is for the daemon. */
int64_t sim_clock_us(const struct simulation *sim);
/* The same as RFC 3339, of the scratch arena. */
const char *sim_clock_text(const struct simulation *sim);

uint64_t sim_random(struct simulation *sim, uint64_t below);

/* ---- requests ----------------------------------------------------------------------------------
 */

enum sim_answer {
    SIM_DONE,
    SIM_NOT_NOW, /* the 409 that is part of the play */
    SIM_WRONG,   /* another refusal: printed and counted; or nothing came: sim->code says so */
};

struct sim_request {
    struct api_request api; /* method, path ... */
    const char *may;        /* the reason of a 409 that is part of the play; NULL: none is */
};

/* answer_r may be NULL; on SIM_DONE the caller frees it, else it is freed. */
enum sim_answer sim_ask(struct simulation *sim, const struct sim_request *request,
                        struct api_answer *answer_r);
enum sim_answer sim_get(struct simulation *sim, const char *who, const char *path,
                        struct api_answer *answer_r);

/* A JSON object that is being written; sim_post() ends and frees it. */
struct sim_body {
    struct sbuf text;
    struct json_writer w;
};
void sim_body_begin(struct sim_body *body);
enum sim_answer sim_post(struct simulation *sim, const char *who, const char *path,
                         struct sim_body *body, const char *may, struct api_answer *answer_r);
/* POST /v1/tickets/{number}/{action} as the desk. What is refused settles the ticket. */
bool sim_desk_act(struct simulation *sim, struct sim_ticket *ticket, const char *action,
                  struct sim_body *body);
/* The scratch arena's. */
const char *sim_path(struct simulation *sim, const char *before, const char *segment,
                     const char *after);
/* Says that something went otherwise than it should, and counts it. */
void sim_complain(struct simulation *sim, const char *what, const char *why);

/* ---- the city ----------------------------------------------------------------------------------
 */

void sim_load_city(struct simulation *sim);
void sim_free_city(struct simulation *sim);
/* NULL if the city has no such unit. */
struct sim_unit *sim_unit_find(struct simulation *sim, const char *code);
/* A unit to send what nobody's rule covers; not `except` if there is another. */
struct sim_unit *sim_unit_any(struct simulation *sim, const char *except);
/* One with a token whose parent it is; NULL: none. */
struct sim_unit *sim_unit_below(struct simulation *sim, const char *code);

/* ---- the plan ----------------------------------------------------------------------------------
 */

/* Every ticket that citizens will bring, and its arrival on the agenda. */
void sim_plan_day(struct simulation *sim);
struct sim_ticket *sim_ticket_new(struct simulation *sim, enum sim_door door);

/* ---- the doors ---------------------------------------------------------------------------------
 */

struct sim_door_play {
    const char *code;
    enum ticket_channel channel;
    unsigned weight;                                /* of a hundred */
    bool (*is_ready)(const struct simulation *sim); /* do the credentials have what it needs */
    void (*begin)(struct simulation *sim);          /* or NULL */
    void (*arrive)(struct simulation *sim, void *subject); /* subject: struct sim_ticket */
};
extern const struct sim_door_play sim_doors[DOOR_COUNT];

bool sim_has_token(const struct simulation *sim, const char *who);
const struct json_value *sim_credential(const struct simulation *sim, const char *key);

bool sim_phone_ready(const struct simulation *sim);
void sim_phone_begin(struct simulation *sim);
void sim_phone_arrive(struct simulation *sim, void *subject);
bool sim_wechat_ready(const struct simulation *sim);
void sim_wechat_begin(struct simulation *sim);
void sim_wechat_arrive(struct simulation *sim, void *subject);
/* The citizen answers the call-back, or withdraws, by a message. */
void sim_wechat_rate(struct simulation *sim, struct sim_ticket *ticket, int grade, bool is_solved);
void sim_wechat_withdraw(struct simulation *sim, struct sim_ticket *ticket);
void sim_wechat_free(struct simulation *sim);
bool sim_device_ready(const struct simulation *sim);
void sim_device_begin(struct simulation *sim);
void sim_device_arrive(struct simulation *sim, void *subject);
void sim_device_free(struct simulation *sim);
bool sim_open311_ready(const struct simulation *sim);
void sim_open311_arrive(struct simulation *sim, void *subject);
bool sim_web_ready(const struct simulation *sim);
void sim_web_arrive(struct simulation *sim, void *subject);
bool sim_desk_ready(const struct simulation *sim);

/*
 * POST /v1/tickets with what the citizen says; call_id may be NULL. By the web's token through the
 * web, by the desk's otherwise. The ticket is received, or settled if it was refused.
 */
void sim_create_ticket(struct simulation *sim, struct sim_ticket *ticket, const char *call_id);

/* ---- desk, units, events -----------------------------------------------------------------------
 */

/* A door has taken the matter; the desk looks at it. */
void sim_received(struct simulation *sim, struct sim_ticket *ticket, const char *number);
/* The same where the answer tells the route. */
void sim_received_routed(struct simulation *sim, struct sim_ticket *ticket,
                         const struct json_value *receipt);
void sim_settle(struct simulation *sim, struct sim_ticket *ticket, enum sim_end end);
/* The lead has reported: review. */
void sim_reported(struct simulation *sim, struct sim_ticket *ticket);
/* The unit asks for something that the desk decides; work: struct sim_work. */
void sim_decide(struct simulation *sim, struct sim_work *work);
/* The citizen was asked, or said it himself. */
void sim_called_back(struct simulation *sim, struct sim_ticket *ticket, bool is_content);
/* Work was sent to a unit: it looks at its queue soon. */
void sim_unit_notify(struct simulation *sim, const char *code, bool is_urgent);
/* The lead has to report again, or goes on after a decision. */
void sim_unit_go_on(struct simulation *sim, struct sim_work *work);

/* Reads what the desk's stream of events told since; adopts tickets that the daemon made. */
void sim_watch_begin(struct simulation *sim);
void sim_watch(struct simulation *sim, void *nothing);

/* ---- what is shown -----------------------------------------------------------------------------
 */

void sim_progress(struct simulation *sim);
void sim_progress_end(struct simulation *sim);
void sim_summary(const struct simulation *sim);

#endif
