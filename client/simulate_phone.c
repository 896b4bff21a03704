/*
 * simulate_phone.c - callers: the gateway tells what happens to a call, the operator types the
 * ticket while it lasts. Who gives up is called back.
 */
#include <stdio.h>
#include <string.h>

#include "client/simulate.h"

#define GATEWAY "simulated-pbx"
#define CALLS_PER_LOST 12 /* one more gives up for so many that get through, at least one */

struct call {
    char *id;
    char ani[12];
    bool has_rung;             /* of a lost one: missed, else abandoned */
    struct sim_ticket *ticket; /* NULL: a lost one */
    unsigned events;           /* told so far */
};

bool sim_phone_ready(const struct simulation *sim)
{
    return sim_has_token(sim, "phone") && sim_has_token(sim, "desk");
}

static void write_event(struct simulation *sim, struct call *call, const char *type,
                        struct sim_body *body)
{
    const char *agent = json_string(sim_credential(sim, "agent"), NULL);
    struct json_writer *w = &body->w;

    sim_body_begin(body);
    jw_string(w, "event_id", arena_printf(sim->scratch, "%s-%u", call->id, call->events++));
    jw_string(w, "type", type);
    jw_string(w, "occurred_at", sim_clock_text(sim));
    jw_string(w, "gateway_id", GATEWAY);
    jw_string(w, "call_id", call->id);
    jw_string(w, "direction", "inbound");
    jw_string(w, "ani", call->ani);
    jw_string(w, "dnis", "12345");
    jw_string(w, "queue", "main");
    if (strcmp(type, "ringing") == 0 || strcmp(type, "answered") == 0)
        jw_string(w, "agent_id", agent == NULL ? "1001" : agent);
    if (strcmp(type, "recording") == 0) {
        jw_object(w, "recording");
        jw_string(w, "ref", arena_printf(sim->scratch, "simulated/%s.wav", call->id));
        jw_int(w, "duration_ms", 120000);
        jw_object_end(w);
    }
}

static bool tell(struct simulation *sim, struct call *call, const char *type)
{
    struct sim_body body;

    write_event(sim, call, type, &body);
    return sim_post(sim, "phone", "/v1/calls/events", &body, NULL, NULL) == SIM_DONE;
}

static void recorded(struct simulation *sim, void *subject)
{
    tell(sim, subject, "recording");
}

static void hung_up(struct simulation *sim, void *subject)
{
    if (tell(sim, subject, "ended"))
        sim_after(sim, 2, 10, recorded, subject);
}

static void typed(struct simulation *sim, void *subject)
{
    struct call *call = subject;

    sim_create_ticket(sim, call->ticket, call->id);
    sim_after(sim, 20, 90, hung_up, call);
}

static void answered(struct simulation *sim, void *subject)
{
    if (tell(sim, subject, "answered"))
        sim_after(sim, 40, 120, typed, subject);
    else
        sim_settle(sim, ((struct call *)subject)->ticket, END_OPEN);
}

/* ---- who does not get through ------------------------------------------------------------------
 */

static void call_back(struct simulation *sim, void *subject)
{
    const struct call *call = subject;
    struct api_answer list;
    struct sim_body body;
    bool is_listed;

    if (sim_get(sim, "desk",
                arena_printf(sim->scratch, "/v1/calls?missed=true&call_id=%s", call->id),
                &list) != SIM_DONE)
        return;
    is_listed = json_array_length(json_get(api_root(&list), "items")) == 1;
    api_answer_free(&list);
    if (!is_listed) {
        sim_complain(sim, call->id, client_text(sim->client, T_SIM_NOT_LISTED));
        return;
    }
    sim_body_begin(&body);
    jw_string(&body.w, "gateway_id", GATEWAY);
    jw_string(&body.w, "call_id", call->id);
    if (sim_post(sim, "desk", "/v1/calls/returned", &body, NULL, NULL) == SIM_DONE)
        sim->figures[FIGURE_CALLED_BACK]++;
}

static void given_up(struct simulation *sim, void *subject)
{
    if (tell(sim, subject, "ended")) {
        sim->figures[FIGURE_ABANDONED]++;
        sim_after(sim, 600, 2400, call_back, subject);
    }
}

static void rung(struct simulation *sim, void *subject)
{
    struct call *call = subject;

    if (call->ticket == NULL && !call->has_rung)
        sim_after(sim, 20, 60, given_up, call);
    else if (tell(sim, call, "ringing"))
        sim_after(sim, 4, 15, call->ticket == NULL ? given_up : answered, call);
    else if (call->ticket != NULL)
        sim_settle(sim, call->ticket, END_OPEN);
}

static void offered(struct simulation *sim, void *subject)
{
    struct call *call = subject;

    if (tell(sim, call, "offered") && tell(sim, call, "queued")) {
        sim->figures[FIGURE_CALLS]++;
        sim_after(sim, 1, 6, rung, call);
    } else if (call->ticket != NULL) {
        sim_settle(sim, call->ticket, END_OPEN);
    }
}

static struct call *call_new(struct simulation *sim, size_t index, const char *kind)
{
    struct call *call = arena_alloc(sim->arena, sizeof(*call));

    call->id = arena_printf(sim->arena, "sim-%.12s-%s%zu", sim->run, kind, index);
    return call;
}

void sim_phone_arrive(struct simulation *sim, void *subject)
{
    struct sim_ticket *ticket = subject;
    struct call *call = call_new(sim, ticket->index, "");

    call->ticket = ticket;
    memcpy(call->ani, ticket->phone, sizeof(call->ani));
    offered(sim, call);
}

/* They come when others come, too: that is why nobody is free. */
void sim_phone_begin(struct simulation *sim)
{
    size_t through = 0, planned = sim->ticket_count;

    for (size_t i = 0; i < planned; i++) {
        struct call *call;

        if (sim->tickets[i]->door != DOOR_PHONE || through++ % CALLS_PER_LOST != 0)
            continue;
        call = call_new(sim, through, "lost-");
        call->has_rung = through / CALLS_PER_LOST % 2 == 1;
        /* not a number that gets through later: it would leave the list by itself */
        snprintf(call->ani, sizeof(call->ani), "137%08zu", through % 100000000);
        sim_at(sim, sim->tickets[i]->arrives_us, offered, call);
    }
}
