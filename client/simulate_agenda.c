/*
 * simulate_agenda.c - the steps to come in the order of simulated time, and the daemon's clock.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/civil.h"
#include "base/clk.h"
#include "client/simulate.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)
#define OPENS_US (INT64_C(30600) * SECOND_US)  /* 08:30 */
#define CLOSES_US (INT64_C(63000) * SECOND_US) /* 17:30 */
#define CLOCK_STEP_US (15 * SECOND_US) /* steps closer together are one moment for the daemon */
#define LONGEST_NAP_US (SECOND_US / 4)
#define FIRST_MINUTES_S 1800 /* what waited for the morning is not done in its first second */

struct entry {
    int64_t due_us;
    uint64_t serial; /* of two that are due at once the older one is first */
    sim_step step;
    void *subject;
};

/* A binary heap, the soonest on top. */
struct sim_agenda {
    struct entry *heap;
    size_t count, cap;
    uint64_t serial;
};

void sim_agenda_new(struct simulation *sim)
{
    sim->agenda = xcalloc(1, sizeof(*sim->agenda));
}

void sim_agenda_free(struct simulation *sim)
{
    if (sim->agenda != NULL)
        free(sim->agenda->heap);
    free(sim->agenda);
    sim->agenda = NULL;
}

static bool is_sooner(const struct entry *a, const struct entry *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->serial < b->serial;
}

void sim_at(struct simulation *sim, int64_t due_us, sim_step step, void *subject)
{
    struct sim_agenda *agenda = sim->agenda;
    struct entry entry = {due_us, agenda->serial++, step, subject};
    size_t at = agenda->count;

    if (agenda->count == agenda->cap) {
        agenda->cap = agenda->cap == 0 ? 256 : agenda->cap * 2;
        agenda->heap = xrealloc_array(agenda->heap, agenda->cap, sizeof(entry));
    }
    agenda->count++;
    while (at > 0 && is_sooner(&entry, &agenda->heap[(at - 1) / 2])) {
        agenda->heap[at] = agenda->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    agenda->heap[at] = entry;
}

static struct entry take_first(struct sim_agenda *agenda)
{
    struct entry first = agenda->heap[0], last = agenda->heap[--agenda->count];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= agenda->count)
            break;
        if (child + 1 < agenda->count && is_sooner(&agenda->heap[child + 1], &agenda->heap[child]))
            child++;
        if (!is_sooner(&agenda->heap[child], &last))
            break;
        agenda->heap[at] = agenda->heap[child];
        at = child;
    }
    agenda->heap[at] = last;
    return first;
}

static int64_t between(struct simulation *sim, int64_t least_s, int64_t most_s)
{
    return (least_s + (int64_t)sim_random(sim, (uint64_t)(most_s - least_s + 1))) * SECOND_US;
}

void sim_after(struct simulation *sim, int64_t least_s, int64_t most_s, sim_step step,
               void *subject)
{
    sim_at(sim, sim->now_us + between(sim, least_s, most_s), step, subject);
}

void sim_in_office(struct simulation *sim, bool is_urgent, int64_t least_s, int64_t most_s,
                   sim_step step, void *subject)
{
    int64_t due_us = sim->now_us + between(sim, least_s, most_s);
    int64_t time_us = civil_local_time_us(due_us, SIM_OFFSET_MIN);

    if (!is_urgent && (time_us < OPENS_US || time_us >= CLOSES_US))
        due_us += OPENS_US - time_us + (time_us >= CLOSES_US ? DAY_US : 0) +
                  between(sim, 0, FIRST_MINUTES_S);
    sim_at(sim, due_us, step, subject);
}

/* ---- the daemon's clock ------------------------------------------------------------------------
 */

static int64_t real_now_us(void)
{
    struct clk clk;

    clk_init_real(&clk);
    return clk_now_us(&clk);
}

int64_t sim_clock_us(const struct simulation *sim)
{
    return sim->time == TIME_REAL ? real_now_us() : sim->clock_us;
}

const char *sim_clock_text(const struct simulation *sim)
{
    char text[CIVIL_INSTANT_SIZE];

    civil_format_instant(sim_clock_us(sim) / SECOND_US * SECOND_US, SIM_OFFSET_MIN, text);
    return arena_strdup(sim->scratch, text);
}

static bool read_now(struct simulation *sim, const struct api_answer *answer)
{
    size_t len = 0;
    const char *now = json_string(json_get(api_root(answer), "now"), &len);

    return now != NULL && civil_parse_instant(now, len, &sim->clock_us);
}

/* Without a test clock the daemon has no such call. */
static void find_clock(struct simulation *sim)
{
    static const char nothing[] = "{\"advance_seconds\": 0}";
    const struct api_request request = {.method = "POST",
                                        .path = "/v1/test/clock",
                                        .body = nothing,
                                        .body_len = sizeof(nothing) - 1,
                                        .is_patient = true};
    struct api_answer answer;

    api_exchange(sim->client, &request, &answer);
    if (answer.status == 404)
        sim->time = TIME_REAL;
    else if ((sim->code = api_check(sim->client, &request, &answer)) == EXIT_DONE)
        sim->time = read_now(sim, &answer) && sim->is_whole_day ? TIME_MOVED : TIME_STANDS;
    api_answer_free(&answer);
}

void sim_time_begin(struct simulation *sim, int32_t local_day)
{
    char text[CIVIL_INSTANT_SIZE];

    find_clock(sim);
    if (sim->code != EXIT_DONE)
        return;
    if (local_day == INT32_MIN)
        local_day = civil_local_day(sim_clock_us(sim), SIM_OFFSET_MIN);
    sim->begin_us = civil_day_start_us(local_day, SIM_OFFSET_MIN);
    sim->end_us = sim->begin_us + DAY_US;
    if (sim->time == TIME_MOVED && sim->begin_us < sim->clock_us)
        sim->begin_us = sim->clock_us;
    if (sim->begin_us >= sim->end_us) {
        civil_format_instant(sim->clock_us, SIM_OFFSET_MIN, text);
        client_complain(sim->client, T_ERR_DAY_OVER, text, NULL);
        sim->code = EXIT_USAGE;
    }
    sim->now_us = sim->begin_us;
    sim->begin_mono_us = clk_mono_us();
}

static void move_clock(struct simulation *sim, int64_t to_us)
{
    char text[CIVIL_INSTANT_SIZE];
    struct api_answer answer;
    struct sim_body body;

    civil_format_instant(to_us, SIM_OFFSET_MIN, text);
    sim_body_begin(&body);
    jw_string(&body.w, "now", text);
    if (sim_post(sim, NULL, "/v1/test/clock", &body, NULL, &answer) != SIM_DONE) {
        if (sim->code == EXIT_DONE)
            sim->code = EXIT_REFUSED; /* somebody else moves it: no day can be played */
        return;
    }
    if (!read_now(sim, &answer))
        sim->clock_us = to_us;
    api_answer_free(&answer);
}

static void nap(int64_t us)
{
    struct timespec left = {.tv_sec = us / SECOND_US, .tv_nsec = us % SECOND_US * 1000};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

/* Waits until it is that time of the day at the speed asked for. */
static void keep_pace(struct simulation *sim, int64_t to_us)
{
    int64_t left_us;

    if (sim->speed == 0)
        return;
    while ((left_us = sim->begin_mono_us + (to_us - sim->begin_us) / sim->speed - clk_mono_us()) >
           0) {
        int64_t passed_us = clk_mono_us() - sim->begin_mono_us;

        sim->now_us = sim->begin_us + passed_us * sim->speed;
        sim_progress(sim);
        nap(left_us < LONGEST_NAP_US ? left_us : LONGEST_NAP_US);
    }
}

static void go_to(struct simulation *sim, int64_t to_us)
{
    if (to_us < sim->now_us)
        to_us = sim->now_us;
    keep_pace(sim, to_us);
    sim->now_us = to_us;
    if (sim->time == TIME_MOVED && to_us > sim->clock_us &&
        (to_us - sim->clock_us >= CLOCK_STEP_US || to_us == sim->end_us))
        move_clock(sim, to_us);
}

static void one_step(struct simulation *sim)
{
    struct entry entry = take_first(sim->agenda);

    sim->scratch = arena_new();
    go_to(sim, entry.due_us);
    if (sim->code == EXIT_DONE)
        entry.step(sim, entry.subject);
    arena_free(&sim->scratch);
    sim_progress(sim);
}

void sim_agenda_run(struct simulation *sim)
{
    const struct sim_agenda *agenda = sim->agenda;

    while (sim->code == EXIT_DONE && agenda->count > 0 &&
           (!sim->is_whole_day || agenda->heap[0].due_us < sim->end_us))
        one_step(sim);
    if (sim->code != EXIT_DONE)
        return;
    sim->scratch = arena_new();
    if (sim->is_whole_day)
        go_to(sim, sim->end_us);
    sim_watch(sim, NULL);
    arena_free(&sim->scratch);
}
