/*
 * simulate_open311.c - a city's web site that speaks GeoReport v2: requests come in by form and are
 * looked at again (PROTOCOL 4.8).
 */
#include <string.h>

#include "client/simulate.h"
#include "proto/query.h"

#define FORM "application/x-www-form-urlencoded"
#define LOOKS_LATER_S 7200

bool sim_open311_ready(const struct simulation *sim)
{
    return sim_has_token(sim, "web");
}

/* Everything we ask for here has one element. */
static const char *first_id(const struct api_answer *answer)
{
    return json_string(json_get(json_at(api_root(answer), 0), "service_request_id"), NULL);
}

static void look_up(struct simulation *sim, void *subject)
{
    const struct sim_ticket *ticket = subject;
    struct api_answer answer;
    const char *id;

    if (sim_get(sim, NULL, sim_path(sim, "/open311/v2/requests/", ticket->number, ".json"),
                &answer) != SIM_DONE)
        return;
    id = first_id(&answer);
    if (id != NULL && strcmp(id, ticket->number) == 0)
        sim->figures[FIGURE_LOOKED_UP]++;
    else
        sim_complain(sim, "GET /open311/v2/requests", ticket->number);
    api_answer_free(&answer);
}

static void write_form(const struct simulation *sim, const struct sim_ticket *ticket,
                       struct sbuf *form)
{
    query_append(form, "api_key", client_token(sim->client, "web"));
    query_append(form, "service_code", ticket->category);
    query_append(form, "address_id", ticket->place->code);
    query_append(form, "address_string", ticket->address);
    query_append(form, "description", ticket->text);
    query_append(form, "attribute[kind]", kind_words[ticket->matter->kind].code);
    query_append(form, "phone", ticket->phone);
    if (ticket->name != NULL)
        query_append(form, "last_name", ticket->name);
}

void sim_open311_arrive(struct simulation *sim, void *subject)
{
    struct sim_ticket *ticket = subject;
    struct api_answer answer;
    struct sbuf form;

    sbuf_init(&form, 0);
    write_form(sim, ticket, &form);
    const struct sim_request request = {
        .api = {.method = "POST",
                .path = "/open311/v2/requests.json",
                .body = form.data,
                .body_len = form.len,
                .content_type = FORM,
                .key = arena_printf(sim->scratch, "demo-%s-%zu", sim->run, ticket->index),
                .is_patient = true}};
    if (sim_ask(sim, &request, &answer) != SIM_DONE) {
        sim_settle(sim, ticket, END_OPEN);
    } else {
        const char *number = first_id(&answer);

        if (number == NULL)
            sim_complain(sim, "POST /open311/v2/requests", answer.body);
        else
            sim_received(sim, ticket, number);
        if (number == NULL || ticket->is_settled)
            sim_settle(sim, ticket, END_OPEN);
        else
            sim_after(sim, LOOKS_LATER_S / 2, LOOKS_LATER_S, look_up, ticket);
        api_answer_free(&answer);
    }
    sbuf_free(&form);
}
