/*
 * docs.c - Markdown tables of the routes and the problems, and the topics there are.
 */
#include "daemon/docs.h"

#include <string.h>

#include "daemon/problem.h"
#include "daemon/request.h"
#include "hotline/ticket_machine.h"

static void write_roles(unsigned roles, struct sbuf *out)
{
    const char *separator = "";

    if (roles == ROLES_PUBLIC)
        sbuf_adds(out, "anyone");
    for (int role = 0; role < ROLE_COUNT && roles != ROLES_PUBLIC; role++) {
        if (!(roles & (1u << role)))
            continue;
        sbuf_addf(out, "%s%s", separator, role_words[role].code);
        separator = ", ";
    }
}

static void write_routes(struct sbuf *out)
{
    sbuf_adds(out, "| method | path | roles | body at most | operation |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < route_table_count; i++) {
        const struct route_entry *route = &route_table[i];
        sbuf_addf(out, "| %s | `%s` | ", http_method_name(route->method), route->path);
        write_roles(route->roles, out);
        if (route->body_max)
            sbuf_addf(out, " | %zu KiB", route->body_max >> 10);
        else
            sbuf_adds(out, " | none");
        sbuf_addf(out, " | `%s` |\n", route->operation);
    }
}

static void write_problems(struct sbuf *out)
{
    sbuf_adds(out, "| type | status | title |\n|---|---|---|\n");
    for (int i = 0; i < PROBLEM_COUNT; i++) {
        enum problem problem = (enum problem)i;
        const char *title = problem_title(problem);
        sbuf_addf(out, "| `urn:hotline:%s` | ", problem_word(problem));
        if (problem_status(problem))
            sbuf_addf(out, "%d", problem_status(problem));
        else
            sbuf_adds(out, "4xx, 5xx");
        sbuf_addf(out, " | %s |\n", title ? title : "that of the status");
    }
}

static const struct topic {
    const char *name;
    void (*write)(struct sbuf *out);
} topics[] = {
    {"machine", machine_write_document},
    {"promela", machine_write_promela},
    {"routes", write_routes},
    {"problems", write_problems},
};

bool docs_write(const char *topic, struct sbuf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        if (strcmp(topics[i].name, topic) == 0) {
            topics[i].write(out);
            return true;
        }
    }
    return false;
}

void docs_write_topics(struct sbuf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(topics); i++)
        sbuf_addf(out, "%s%s", i ? ", " : "", topics[i].name);
}
