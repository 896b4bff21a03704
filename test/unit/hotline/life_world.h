/*
 * life_world.h - many tickets, eight people and machines that work on them at the same time, and a
 * calendar that changes meanwhile.
 *
 * An actor reads a ticket, decides, and stores later; in between others may have been faster, then
 * its plan is thrown away and made again, as the daemon does with the ticket's version. Everything
 * follows from one seed.
 */
#ifndef TEST_LIFE_WORLD_H
#define TEST_LIFE_WORLD_H

#include "unit/hotline/ticket_fixture.h"

#define LIFE_TICKETS 24 /* alive at once */
#define LIFE_ACTORS 8
#define LIFE_CALENDARS 4
#define LIFE_FIRST_CALENDAR 5 /* versions from here */
#define LIFE_MAX_OPS 48       /* of one ticket */

enum life_figure {
    FIGURE_RECEIVED,
    FIGURE_DESK,
    FIGURE_DISPATCHED,
    FIGURE_OPEN,
    FIGURE_CLOSED,
    FIGURE_ON_TIME,
    FIGURE_OVERDUE,
    FIGURE_COUNT
};

/* What the count should say of a ticket, from other witnesses than the tallies. */
struct life_witness {
    const char *received_by; /* unit, NULL = none */
    bool is_closed;
    enum tier closed_tier;
    const char *closed_unit; /* NULL = the desk */
};

struct life_ticket {
    struct ticket_rig rig; /* its city and arena are set, nothing else is built */
    int generation;        /* another ticket in the same place is another one */
    int ops_left;
    int changes;               /* taken so far */
    int64_t received_calendar; /* version in force at receipt */
    int64_t last_at_us;
    enum ticket_state master_state; /* last known of the one it is merged into */
    struct life_witness witness;
    int figures[FIXTURE_UNITS + 1][FIGURE_COUNT]; /* [0] = no unit */
};

struct life_actor {
    enum actor_role role;
    const char *name;
    const char *unit; /* NULL: any, or none */
    /* What it has read and not stored yet. */
    struct life_ticket *ticket; /* NULL = nothing */
    int generation;
    struct ticket_view loaded;
    struct ticket_command command;
    struct route route;
    struct ticket_facts facts;
    const char *co[2];
};

struct life {
    struct city *cities[LIFE_CALENDARS]; /* the same but for the calendars */
    struct city *city;                   /* in force */
    struct plan_rules rules;
    struct life_ticket *tickets;
    struct life_actor actors[LIFE_ACTORS];
    uint64_t random;
    int64_t now_us;
    int64_t number; /* given last */
    size_t ops, born, conflicts, recomputed, seen[EVENT_TYPE_COUNT], results[PLAN_ABSENT + 1];
    size_t taken[ACTION_COUNT];
    uint8_t hash[32]; /* over all events of all tickets, in the order in which they were stored */
};

struct life *life_new(uint64_t seed);
void life_free(struct life **life);
/* Index of the calendar version; NULL if it is none of ours. */
const struct city *life_city(const struct life *l, int64_t calendar_version);

int64_t life_pick(struct life *l, int64_t low, int64_t high);
bool life_chance(struct life *l, int percent);

/* A new ticket in this place, received now. */
void life_receive(struct life *l, struct life_ticket *ticket);
/* Time passes for one ticket; nobody acts. */
void life_tick(struct life *l, struct life_ticket *ticket);
/* The actor reads some ticket and decides. */
void life_read(struct life *l, struct life_actor *actor);
/* What it decided is planned and, if nobody was faster, stored. The ticket it was about. */
struct life_ticket *life_store(struct life *l, struct life_actor *actor);

/* The command of an actor for what it has loaded (life_command.c). */
void life_decide(struct life *l, struct life_actor *actor);

/* What must hold of a ticket at any moment (life_check.c); fails the test. */
void life_check(const struct life *l, const struct life_ticket *ticket);
/* The clocks follow from the history, and the history is unbroken. */
void life_check_history(struct life *l, const struct life_ticket *ticket);

/* Its history, for a failure. */
void life_print(const struct life_ticket *ticket);

#endif
