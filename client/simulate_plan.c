/*
 * simulate_plan.c - the day before it begins: who comes when, where from, what about, and what
 * shall become of it.
 */
#include <stdio.h>
#include <string.h>

#include "client/simulate.h"

#define HOUR_US INT64_C(3600000000)
#define TICKETS_STEP 256
#define MOST_TRIES 1000

/* splitmix64: small, seeded, the same everywhere. */
uint64_t sim_random(struct simulation *sim, uint64_t below)
{
    uint64_t z = sim->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return below == 0 ? z : z % below;
}

/* How many of a hundred; each row adds up to 100. A one-key device has a story of its own. */
static const unsigned plan_weights[2][PLAN_COUNT] = {
    {[PLAN_ANSWER] = 26,
     [PLAN_CLOSE] = 38,
     [PLAN_REVIEW_FAIL] = 3,
     [PLAN_REDO] = 4,
     [PLAN_RETURN] = 2,
     [PLAN_RETURN_REFUSED] = 1,
     [PLAN_EXTEND] = 2,
     [PLAN_FORWARD] = 2,
     [PLAN_ESCALATE] = 1,
     [PLAN_REJECT] = 2,
     [PLAN_WITHDRAW] = 3,
     [PLAN_REFER] = 1,
     [PLAN_LEFT_UNSIGNED] = 5,
     [PLAN_LEFT_WORKING] = 5,
     [PLAN_LEFT_REVIEW] = 2,
     [PLAN_LEFT_CALLBACK] = 3},
    {[PLAN_FALSE_ALARM] = 55, [PLAN_REFER] = 10, [PLAN_ANSWER] = 10, [PLAN_CLOSE] = 25},
};

/* A quiet night, peaks from 9 to 11 and from 15 to 17. They add up to HOUR_WEIGHTS. */
#define HOUR_WEIGHTS 442
static const unsigned hour_weights[24] = {2,  1,  1,  1,  1,  2,  4,  8,  30, 52, 50, 34,
                                          18, 22, 38, 50, 46, 28, 16, 12, 10, 8,  5,  3};

static const char *const surnames[] = {"王", "李", "张", "刘", "陈", "杨", "赵", "周",
                                       "吴", "徐", "孙", "朱", "高", "林", "何", "郭"};

struct day {
    unsigned door_total;
    size_t door_count, of_door[DOOR_COUNT];
    uint64_t door_offset, plan_offset;
};

static unsigned common_divisor(unsigned a, unsigned b)
{
    while (b != 0) {
        unsigned rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/* Stepping by a number prime to the total spreads every kind over the day, even a short one. */
static unsigned stepped(size_t index, uint64_t offset, unsigned total, unsigned percent)
{
    unsigned step = total * percent / 100 + 1;

    while (common_divisor(step, total) != 1)
        step++;
    return (unsigned)((index * step + offset) % total);
}

/* Each door once, then by weight. */
static enum sim_door choose_door(const struct simulation *sim, const struct day *day, size_t index)
{
    unsigned point = stepped(index, day->door_offset, day->door_total, 61), sum = 0;
    bool is_round = index < day->door_count && sim->planned_count >= 2 * day->door_count;
    size_t nth = 0;

    for (unsigned d = 0; d < DOOR_COUNT; d++) {
        if ((sim->doors & 1u << d) == 0)
            continue;
        sum += sim_doors[d].weight;
        if (is_round ? nth++ == index : point < sum)
            return (enum sim_door)d;
    }
    return DOOR_PHONE;
}

static enum sim_plan choose_plan(const struct day *day, enum sim_door door)
{
    const unsigned *weights = plan_weights[door == DOOR_DEVICE];
    unsigned point = stepped(day->of_door[door], day->plan_offset, 100, 37), sum = 0;

    for (unsigned p = 0; p < PLAN_COUNT; p++) {
        sum += weights[p];
        if (point < sum)
            return (enum sim_plan)p;
    }
    return PLAN_CLOSE;
}

/* What the desk answers at once are enquiries; the rest is for units. */
static size_t choose_case(struct simulation *sim, enum sim_plan plan)
{
    size_t start = (size_t)sim_random(sim, sim_case_count);

    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < sim_case_count; i++) {
            size_t c = (start + i) % sim_case_count;
            bool fits = (sim_cases[c].answer != NULL) == (plan == PLAN_ANSWER);

            if (sim->case_codes[c] != NULL && (fits || pass == 1))
                return c;
        }
    /* A city without any of the matters was refused on loading. */
    invariant_failed("a case for every ticket", __FILE__, __LINE__);
}

/* An instant of what is left of the day. If that is next to nothing, any. */
static int64_t choose_instant(struct simulation *sim)
{
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        unsigned point = (unsigned)sim_random(sim, HOUR_WEIGHTS), hour = 0;
        int64_t at_us;

        while (point >= hour_weights[hour])
            point -= hour_weights[hour++];
        at_us =
            sim->end_us - (24 - hour) * HOUR_US + (int64_t)sim_random(sim, 3600) * INT64_C(1000000);
        if (at_us >= sim->begin_us)
            return at_us;
    }
    return sim->begin_us + (int64_t)sim_random(sim, (uint64_t)(sim->end_us - sim->begin_us));
}

static char *filled(struct simulation *sim, const char *text, const char *place, const char *number)
{
    const char *const arguments[] = {place, number};
    struct sbuf out;
    char *copy;

    sbuf_init(&out, 0);
    text_fill_in(&out, text, arguments, ARRAY_LEN(arguments));
    copy = arena_strndup(sim->arena, out.data, out.len);
    sbuf_free(&out);
    return copy;
}

static void invent_matter(struct simulation *sim, struct sim_ticket *ticket)
{
    size_t which = choose_case(sim, ticket->plan);
    char number[8];

    ticket->matter = &sim_cases[which];
    ticket->category = sim->case_codes[which];
    ticket->place = &sim->places[sim_random(sim, sim->place_count)];
    snprintf(number, sizeof(number), "%d", (int)sim_random(sim, 7) + 2);
    ticket->title = filled(sim, ticket->matter->title, ticket->place->name, number);
    ticket->text = filled(sim, ticket->matter->text, ticket->place->name, number);
    ticket->address =
        arena_printf(sim->arena, "%.200s%d号", ticket->place->name, (int)sim_random(sim, 200) + 1);
}

/* Numbers of a range of the examples in this program, not of persons. */
static void invent_citizen(struct simulation *sim, struct sim_ticket *ticket)
{
    uint64_t who = sim_random(sim, ARRAY_LEN(surnames)), dice = sim_random(sim, 100);

    if (dice >= 15)
        ticket->name =
            arena_printf(sim->arena, "%s%s", surnames[who], dice % 2 == 0 ? "女士" : "先生");
    snprintf(ticket->phone, sizeof(ticket->phone), "1380000%04u", (unsigned)sim_random(sim, 10000));
}

struct sim_ticket *sim_ticket_new(struct simulation *sim, enum sim_door door)
{
    struct sim_ticket *ticket = arena_alloc(sim->arena, sizeof(*ticket));

    *ticket = (struct sim_ticket){
        .door = door, .plan = PLAN_CLOSE, .index = sim->ticket_count, .round = 1, .is_ours = true};
    if (sim->ticket_count == sim->ticket_cap) {
        sim->ticket_cap += TICKETS_STEP + sim->ticket_cap / 2;
        sim->tickets = xrealloc_array(sim->tickets, sim->ticket_cap, sizeof(sim->tickets[0]));
    }
    sim->tickets[sim->ticket_count++] = ticket;
    return ticket;
}

static void plan_ticket(struct simulation *sim, struct day *day, size_t index)
{
    struct sim_ticket *ticket = sim_ticket_new(sim, choose_door(sim, day, index));

    ticket->plan = choose_plan(day, ticket->door);
    day->of_door[ticket->door]++;
    invent_matter(sim, ticket);
    invent_citizen(sim, ticket);
    ticket->arrives_us = choose_instant(sim);
    /* What has more days than it needs asks for none. */
    if (ticket->plan == PLAN_EXTEND && ticket->matter->urgency != URGENCY_NORMAL)
        ticket->plan = PLAN_CLOSE;
    sim_at(sim, ticket->arrives_us, sim_doors[ticket->door].arrive, ticket);
}

void sim_plan_day(struct simulation *sim)
{
    struct day day = {.plan_offset = sim_random(sim, 100)};

    for (unsigned d = 0; d < DOOR_COUNT; d++)
        if ((sim->doors & 1u << d) != 0) {
            day.door_total += sim_doors[d].weight;
            day.door_count++;
        }
    day.door_offset = sim_random(sim, day.door_total);
    for (size_t i = 0; i < sim->planned_count; i++)
        plan_ticket(sim, &day, i);
    for (unsigned d = 0; d < DOOR_COUNT; d++)
        if ((sim->doors & 1u << d) != 0 && sim_doors[d].begin != NULL)
            sim_doors[d].begin(sim);
}
