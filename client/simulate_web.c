/*
 * simulate_web.c - doors by POST /v1/tickets: the public web, grid workers' handhelds and other
 * platforms by the desk, and what an operator types while the citizen talks.
 */
#include <string.h>

#include "client/simulate.h"

#define LOOKS_LATER_S 7200

bool sim_web_ready(const struct simulation *sim)
{
    return sim_has_token(sim, "web");
}

bool sim_desk_ready(const struct simulation *sim)
{
    return sim_has_token(sim, "desk");
}

static void write_requester(struct json_writer *w, const struct sim_ticket *ticket)
{
    jw_object(w, "requester");
    if (ticket->name == NULL)
        jw_bool(w, "anonymous", true);
    else
        jw_string(w, "name", ticket->name);
    jw_string(w, "phone", ticket->phone);
    if (ticket->matter->kind == KIND_REPORT)
        jw_bool(w, "confidential", true);
    jw_object_end(w);
}

static void write_ticket(const struct sim_ticket *ticket, const char *call_id,
                         struct sim_body *body)
{
    struct json_writer *w = &body->w;

    sim_body_begin(body);
    jw_string(w, "channel", channel_words[sim_doors[ticket->door].channel].code);
    jw_string(w, "kind", kind_words[ticket->matter->kind].code);
    jw_string(w, "urgency", urgency_words[ticket->matter->urgency].code);
    jw_string(w, "category", ticket->category);
    jw_string(w, "region", ticket->place->code);
    jw_string(w, "address", ticket->address);
    jw_string(w, "title", ticket->title);
    jw_string(w, "text", ticket->text);
    if (call_id != NULL)
        jw_string(w, "call_id", call_id);
    write_requester(w, ticket);
    jw_object_end(w);
}

void sim_create_ticket(struct simulation *sim, struct sim_ticket *ticket, const char *call_id)
{
    struct sim_body body;
    struct api_answer answer;

    write_ticket(ticket, call_id, &body);
    const struct sim_request request = {
        .api = {.method = "POST",
                .path = "/v1/tickets",
                .who = ticket->door == DOOR_WEB ? "web" : "desk",
                .body = body.text.data,
                .body_len = body.text.len,
                .key = arena_printf(sim->scratch, "demo-%s-%zu", sim->run, ticket->index),
                .is_patient = true}};
    if (sim_ask(sim, &request, &answer) == SIM_DONE) {
        sim_received_routed(sim, ticket, api_root(&answer));
        api_answer_free(&answer);
    } else {
        sim_settle(sim, ticket, END_OPEN);
    }
    sbuf_free(&body.text);
}

/* The citizen looks how far it is, with the code of his receipt. */
static void look_up(struct simulation *sim, void *subject)
{
    const struct sim_ticket *ticket = subject;
    const char *query = arena_printf(sim->scratch, "?code=%s", ticket->query_code);

    if (sim_get(sim, NULL, sim_path(sim, "/v1/public/tickets/", ticket->number, query), NULL) ==
        SIM_DONE)
        sim->figures[FIGURE_LOOKED_UP]++;
}

void sim_web_arrive(struct simulation *sim, void *subject)
{
    struct sim_ticket *ticket = subject;

    sim_create_ticket(sim, ticket, NULL);
    if (ticket->door == DOOR_WEB && ticket->query_code != NULL)
        sim_after(sim, LOOKS_LATER_S / 2, LOOKS_LATER_S, look_up, ticket);
}
