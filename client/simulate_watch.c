/*
 * simulate_watch.c - the desk's stream of events, read now and then: what warned and was missed,
 * screen pops, and tickets that the daemon made by itself.
 */
#include <stdlib.h>
#include <string.h>

#include "client/simulate.h"

#define EVERY_S 3600
#define PAGE "500"

static const struct {
    const char *type;
    enum sim_figure figure;
} counted[] = {{"call.popped", FIGURE_POPS},
               {"device.unanswered", FIGURE_UNANSWERED},
               {"device.silent", FIGURE_SILENT},
               {"clock.warned", FIGURE_WARNED},
               {"clock.breached", FIGURE_BREACHED}};

/* A device that fell silent: somebody has to go there. */
static const struct sim_case silent_case = {.category = "",
                                            .kind = KIND_HELP,
                                            .urgency = URGENCY_NORMAL,
                                            .title = "",
                                            .text = "",
                                            .public_reply =
                                                "您好，工作人员已上门检修，设备恢复正常。"};

static void adopt(struct simulation *sim, const char *number)
{
    struct sim_ticket *ticket;

    if (number == NULL || map_gets(sim->by_number, number) != NULL || sim->devices == NULL)
        return;
    ticket = sim_ticket_new(sim, DOOR_DEVICE);
    ticket->matter = &silent_case;
    sim_received(sim, ticket, number);
}

static void see(struct simulation *sim, const struct json_value *event)
{
    const char *type = json_string(json_get(event, "type"), NULL);

    for (size_t i = 0; type != NULL && i < ARRAY_LEN(counted); i++)
        if (strcmp(type, counted[i].type) == 0) {
            sim->figures[counted[i].figure]++;
            if (counted[i].figure == FIGURE_SILENT)
                adopt(sim, json_string(json_get(event, "number"), NULL));
        }
}

/* false: there was nothing more. */
static bool read_page(struct simulation *sim)
{
    const char *path =
        sim->event_cursor == NULL
            ? "/v1/events?limit=1"
            : sim_path(sim, "/v1/events?limit=" PAGE "&after=", sim->event_cursor, "");
    const struct json_value *items;
    struct api_answer answer;
    const char *next;
    size_t count;

    if (sim_get(sim, "desk", path, &answer) != SIM_DONE)
        return false;
    items = json_get(api_root(&answer), "items");
    count = json_array_length(items);
    for (size_t i = 0; i < count; i++)
        see(sim, json_at(items, i));
    next = json_string(json_get(api_root(&answer), "next"), NULL);
    if (next != NULL) {
        free(sim->event_cursor);
        sim->event_cursor = xstrdup(next);
    }
    api_answer_free(&answer);
    return count > 0;
}

void sim_watch(struct simulation *sim, void *nothing)
{
    (void)nothing;
    while (sim->event_cursor != NULL && read_page(sim))
        ;
    if (sim->is_whole_day && sim->now_us < sim->end_us)
        sim_after(sim, EVERY_S, EVERY_S, sim_watch, NULL);
}

void sim_watch_begin(struct simulation *sim)
{
    sim->scratch = arena_new();
    read_page(sim);
    arena_free(&sim->scratch);
    if (sim->is_whole_day)
        sim_at(sim, sim->begin_us, sim_watch, NULL);
}
