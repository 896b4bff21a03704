/*
 * simulate_request.c - one request of the day, and what a refusal means.
 */
#include <stdio.h>
#include <string.h>

#include "client/simulate.h"

void sim_complain(struct simulation *sim, const char *what, const char *why)
{
    sim->wrong++;
    if (sim->client->err_is_terminal)
        fputc('\n', sim->client->err);
    client_complain(sim->client, T_ERR_SIM_WRONG, what, why);
}

static void complain_refused(struct simulation *sim, const struct api_request *request,
                             const struct api_answer *answer)
{
    struct sbuf why;
    char *what = arena_printf(sim->scratch, "%s %s", request->method, request->path);

    sbuf_init(&why, 0);
    problem_write(&why, sim->client->lang, answer->status, api_root(answer));
    while (why.len > 0 && why.data[why.len - 1] == '\n')
        why.data[--why.len] = '\0';
    sim_complain(sim, what, why.data);
    sbuf_free(&why);
}

static enum sim_answer refused(struct simulation *sim, const struct sim_request *request,
                               const struct api_answer *answer)
{
    const char *reason = json_string(json_get(api_root(answer), "reason"), NULL);

    if (answer->status == 409 && request->may != NULL && reason != NULL &&
        strcmp(reason, request->may) == 0) {
        sim->not_now++;
        return SIM_NOT_NOW;
    }
    if (answer->status == 409 && sim->is_shared)
        sim->overtaken++;
    else
        complain_refused(sim, &request->api, answer);
    return SIM_WRONG;
}

enum sim_answer sim_ask(struct simulation *sim, const struct sim_request *request,
                        struct api_answer *answer_r)
{
    struct api_answer answer;
    enum sim_answer said = SIM_WRONG;

    if (sim->code != EXIT_DONE)
        return SIM_WRONG;
    api_exchange(sim->client, &request->api, &answer);
    if (answer.status >= 200 && answer.status < 300)
        said = SIM_DONE;
    else if (answer.status < 400 || answer.status >= 500)
        sim->code = api_check(sim->client, &request->api, &answer);
    else
        said = refused(sim, request, &answer);
    if (said == SIM_DONE && answer_r != NULL)
        *answer_r = answer;
    else
        api_answer_free(&answer);
    return said;
}

enum sim_answer sim_get(struct simulation *sim, const char *who, const char *path,
                        struct api_answer *answer_r)
{
    const struct sim_request request = {
        .api = {.method = "GET", .path = path, .who = who, .is_patient = true}};

    return sim_ask(sim, &request, answer_r);
}

void sim_body_begin(struct sim_body *body)
{
    sbuf_init(&body->text, 0);
    jw_init(&body->w, &body->text);
    jw_object(&body->w, NULL);
}

enum sim_answer sim_post(struct simulation *sim, const char *who, const char *path,
                         struct sim_body *body, const char *may, struct api_answer *answer_r)
{
    enum sim_answer said;

    jw_object_end(&body->w);
    const struct sim_request request = {.api = {.method = "POST",
                                                .path = path,
                                                .who = who,
                                                .body = body->text.data,
                                                .body_len = body->text.len,
                                                .is_patient = true},
                                        .may = may};
    said = sim_ask(sim, &request, answer_r);
    sbuf_free(&body->text);
    return said;
}

const char *sim_path(struct simulation *sim, const char *before, const char *segment,
                     const char *after)
{
    struct sbuf path;
    char *text;

    sbuf_init(&path, 0);
    sbuf_adds(&path, before);
    path_segment(&path, segment);
    sbuf_adds(&path, after);
    text = arena_strndup(sim->scratch, path.data, path.len);
    sbuf_free(&path);
    return text;
}

bool sim_desk_act(struct simulation *sim, struct sim_ticket *ticket, const char *action,
                  struct sim_body *body)
{
    const char *after = arena_printf(sim->scratch, "/%s", action);
    enum sim_answer said = sim_post(
        sim, "desk", sim_path(sim, "/v1/tickets/", ticket->number, after), body, NULL, NULL);

    if (said != SIM_DONE)
        sim_settle(sim, ticket, END_OPEN);
    return said == SIM_DONE;
}
