/*
 * view.c - one ticket, its route, its deadlines and its history as text.
 */
#include "client/view.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "hotline/route.h"
#include "hotline/similar.h"
#include "hotline/ticket_machine.h"
#include "proto/call_json.h"

#define LABEL_WIDTH 14 /* columns */

const char *view_time(const char *instant)
{
    static char ring[4][32];
    static unsigned next;
    char *out = ring[next++ % ARRAY_LEN(ring)];

    if (instant == NULL)
        return "";
    if (strlen(instant) < 19 || instant[10] != 'T')
        return instant;
    snprintf(out, sizeof(ring[0]), "%.10s %.5s", instant, instant + 11);
    return out;
}

const char *view_scalar(const struct client *client, const struct json_value *v)
{
    static char ring[8][32];
    static unsigned next;
    char *out = ring[next++ % ARRAY_LEN(ring)];

    switch (json_type(v)) {
    case JSON_STRING:
        return json_string(v, NULL);
    case JSON_INT:
        snprintf(out, sizeof(ring[0]), "%lld", (long long)json_int(v));
        return out;
    case JSON_DOUBLE:
        snprintf(out, sizeof(ring[0]), "%g", json_double(v));
        return out;
    case JSON_BOOL:
        return client_text(client, json_bool(v) ? T_YES : T_NO);
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return "";
}

void view_line(const struct client *client, enum text_id label, const char *value)
{
    const char *name = client_text(client, label);
    size_t width = utf8_width(name, strlen(name));
    struct sbuf line;

    if (value == NULL || value[0] == '\0')
        return;
    sbuf_init(&line, 0);
    style_add(&line, client->color, STYLE_DIM, name, strlen(name));
    do
        sbuf_addc(&line, ' ');
    while (++width < LABEL_WIDTH);
    clean_add(&line, value, strlen(value), true);
    fprintf(client->out, "%s\n", line.data);
    sbuf_free(&line);
}

static const char *member(const struct json_value *v, const char *key)
{
    return json_string(json_get(v, key), NULL);
}

static void view_word(const struct client *client, enum text_id label, const struct word *words,
                      size_t count, const char *code)
{
    view_line(client, label, word_text(client->lang, words, count, code));
}

/* "040203 噪音污染": the code is what one types, the name is what one reads. */
static void view_named(const struct client *client, enum text_id label, const char *code,
                       const char *name)
{
    struct sbuf text;

    sbuf_init(&text, 0);
    sbuf_addf(&text, "%s%s%s", code == NULL ? "" : code, name != NULL ? " " : "",
              name == NULL ? "" : name);
    view_line(client, label, text.data);
    sbuf_free(&text);
}

static void join_strings(struct sbuf *out, const struct json_value *list)
{
    for (size_t i = 0; i < json_array_length(list); i++) {
        const char *s = json_string(json_at(list, i), NULL);

        if (s != NULL)
            sbuf_addf(out, "%s%s", i > 0 ? ", " : "", s);
    }
}

void view_route(const struct client *client, const struct json_value *route)
{
    const char *lead = member(route, "lead_unit"), *rule = member(route, "rule");
    struct sbuf text;

    if (json_type(route) != JSON_OBJECT)
        return;
    view_line(client, T_LABEL_LEAD, lead != NULL ? lead : client_text(client, T_POOL));
    sbuf_init(&text, 0);
    join_strings(&text, json_get(route, "co_units"));
    view_line(client, T_LABEL_CO_UNITS, text.data);
    sbuf_clear(&text);
    if (rule != NULL) {
        const char *set = view_scalar(client, json_get(route, "rule_set"));

        sbuf_addf(&text, "%s%s%s", set, set[0] != '\0' ? " / " : "", rule);
    }
    view_line(client, T_LABEL_RULE, text.data);
    view_word(client, T_LABEL_REASON, route_reason_words, ROUTE_REASON_COUNT,
              member(route, "reason"));
    sbuf_free(&text);
}

void view_deadlines(const struct client *client, const struct json_value *deadlines)
{
    struct table *table = table_new();

    table_column(table, client_text(client, T_COL_CLOCK), 0);
    table_column(table, client_text(client, T_COL_DUE), 0);
    table_column(table, client_text(client, T_COL_WARN), 0);
    table_column(table, "", 0);
    for (size_t i = 0; i < json_array_length(deadlines); i++) {
        const struct json_value *d = json_at(deadlines, i);
        bool provisional = json_bool(json_get(d, "provisional"));

        table_cell(table, word_text(client->lang, clock_words, CLOCK_COUNT, member(d, "clock")),
                   STYLE_PLAIN);
        table_cell(table, view_time(member(d, "due_at")), STYLE_PLAIN);
        table_cell(table, view_time(member(d, "warn_at")), STYLE_DIM);
        table_cell(table, provisional ? client_text(client, T_PROVISIONAL) : "", STYLE_WARN);
    }
    if (table_rows(table) > 0)
        client_print_table(client, table);
    table_free(&table);
}

void view_receipt(const struct client *client, const struct json_value *ticket, bool is_spooled)
{
    view_line(client, T_LABEL_NUMBER, member(ticket, "number"));
    view_line(client, T_LABEL_QUERY_CODE, member(ticket, "query_code"));
    if (is_spooled) {
        client_say(client, T_SPOOLED, NULL, NULL);
        return;
    }
    view_word(client, T_LABEL_STATE, ticket_state_words, TICKET_STATE_COUNT,
              member(ticket, "state"));
    view_route(client, json_get(ticket, "route"));
    view_deadlines(client, json_get(ticket, "deadlines"));
}

static void view_requester(const struct client *client, const struct json_value *requester)
{
    struct sbuf text;
    const char *name = member(requester, "name"), *phone = member(requester, "phone");

    sbuf_init(&text, 0);
    if (json_bool(json_get(requester, "anonymous")))
        sbuf_adds(&text, client_text(client, T_ANONYMOUS));
    if (name != NULL)
        sbuf_addf(&text, "%s%s", text.len > 0 ? " " : "", name);
    if (phone != NULL)
        sbuf_addf(&text, "%s%s", text.len > 0 ? " " : "", phone);
    if (json_bool(json_get(requester, "confidential")))
        sbuf_addf(&text, " (%s)", client_text(client, T_CONFIDENTIAL));
    view_line(client, T_LABEL_REQUESTER, text.data);
    sbuf_free(&text);
}

/* The call that the ticket came by, and where it can be heard. */
static void view_call(const struct client *client, const struct json_value *call)
{
    const struct json_value *recordings = json_get(call, "recordings");
    const char *gateway = member(call, "gateway_id"), *agent = member(call, "agent_id");
    struct sbuf text;

    if (gateway == NULL)
        return;
    sbuf_init(&text, 0);
    sbuf_addf(&text, "%s %s%s%s", gateway,
              word_text(client->lang, call_state_words, CALL_STATE_COUNT, member(call, "state")),
              agent != NULL ? " " : "", agent != NULL ? agent : "");
    view_line(client, T_LABEL_CALL, text.data);
    sbuf_free(&text);
    for (size_t i = 0; i < json_array_length(recordings); i++) {
        const struct json_value *r = json_at(recordings, i);
        const char *url = member(r, "url");

        view_line(client, T_LABEL_RECORDING, url != NULL ? url : member(r, "ref"));
    }
}

static void view_assignments(const struct client *client, const struct json_value *list)
{
    struct table *table = table_new();

    table_column(table, client_text(client, T_COL_ASSIGNMENT), 0);
    table_column(table, client_text(client, T_COL_UNIT), 0);
    table_column(table, client_text(client, T_COL_ROLE), 0);
    table_column(table, client_text(client, T_COL_ROUND), TABLE_RIGHT);
    table_column(table, client_text(client, T_COL_STATE), 0);
    table_column(table, client_text(client, T_COL_NAME), TABLE_SHRINKS);
    for (size_t i = 0; i < json_array_length(list); i++) {
        const struct json_value *a = json_at(list, i);

        table_cell(table, view_scalar(client, json_get(a, "id")), STYLE_PLAIN);
        table_cell(table, member(a, "unit"), STYLE_PLAIN);
        table_cell(table,
                   word_text(client->lang, assignment_role_words, ASSIGNMENT_ROLE_COUNT,
                             member(a, "role")),
                   STYLE_PLAIN);
        table_cell(table, view_scalar(client, json_get(a, "round")), STYLE_PLAIN);
        table_cell(table,
                   word_text(client->lang, assignment_state_words, ASSIGNMENT_STATE_COUNT,
                             member(a, "state")),
                   STYLE_PLAIN);
        table_cell(table, member(a, "unit_name"), STYLE_PLAIN);
    }
    if (table_rows(table) > 0) {
        fputc('\n', client->out);
        client_print_table(client, table);
    }
    table_free(&table);
}

static enum table_style clock_style(const struct json_value *clock)
{
    if (member(clock, "breached_at") != NULL)
        return STYLE_BAD;
    if (member(clock, "met_at") != NULL)
        return STYLE_GOOD;
    return member(clock, "warned_at") != NULL ? STYLE_WARN : STYLE_PLAIN;
}

static void view_clocks(const struct client *client, const struct json_value *list)
{
    static const char *const instants[] = {"due_at", "met_at", "breached_at"};
    struct table *table = table_new();

    table_column(table, client_text(client, T_COL_CLOCK), 0);
    table_column(table, client_text(client, T_COL_UNIT), 0);
    table_column(table, client_text(client, T_COL_STATE), 0);
    table_column(table, client_text(client, T_COL_DUE), 0);
    table_column(table, client_text(client, T_COL_MET), 0);
    table_column(table, client_text(client, T_COL_BREACHED), 0);
    for (size_t i = 0; i < json_array_length(list); i++) {
        const struct json_value *c = json_at(list, i);
        enum table_style style = clock_style(c);

        table_cell(table, word_text(client->lang, clock_words, CLOCK_COUNT, member(c, "clock")),
                   STYLE_PLAIN);
        table_cell(table, member(c, "unit"), STYLE_PLAIN);
        table_cell(
            table,
            word_text(client->lang, clock_state_words, CLOCK_STATE_COUNT, member(c, "state")),
            style);
        for (size_t k = 0; k < ARRAY_LEN(instants); k++)
            table_cell(table, view_time(member(c, instants[k])), style);
    }
    if (table_rows(table) > 0) {
        fputc('\n', client->out);
        client_print_table(client, table);
    }
    table_free(&table);
}

void view_ticket(const struct client *client, const struct json_value *ticket)
{
    view_line(client, T_LABEL_NUMBER, member(ticket, "number"));
    view_line(client, T_LABEL_TITLE, member(ticket, "title"));
    view_word(client, T_LABEL_STATE, ticket_state_words, TICKET_STATE_COUNT,
              member(ticket, "state"));
    view_line(client, T_LABEL_VERSION, view_scalar(client, json_get(ticket, "version")));
    view_word(client, T_LABEL_KIND, kind_words, KIND_COUNT, member(ticket, "kind"));
    view_word(client, T_LABEL_URGENCY, urgency_words, URGENCY_COUNT, member(ticket, "urgency"));
    view_word(client, T_LABEL_CHANNEL, channel_words, CHANNEL_COUNT, member(ticket, "channel"));
    view_named(client, T_LABEL_CATEGORY, member(ticket, "category"),
               member(ticket, "category_name"));
    view_named(client, T_LABEL_REGION, member(ticket, "region"), member(ticket, "region_name"));
    view_line(client, T_LABEL_ADDRESS, member(ticket, "address"));
    view_line(client, T_LABEL_RECEIVED, view_time(member(ticket, "received_at")));
    view_requester(client, json_get(ticket, "requester"));
    view_call(client, json_get(ticket, "call"));
    view_route(client, json_get(ticket, "route"));
    view_line(client, T_LABEL_TEXT, member(ticket, "text"));
    view_line(client, T_LABEL_PUBLIC_REPLY, member(ticket, "public_reply"));
    view_assignments(client, json_get(ticket, "assignments"));
    view_clocks(client, json_get(ticket, "clocks"));
}

static const char *lead_unit(const struct json_value *ticket)
{
    const char *unit = member(ticket, "lead_unit");

    return unit != NULL ? unit : member(json_get(ticket, "route"), "lead_unit");
}

void view_ticket_list(const struct client *client, const struct json_value *list)
{
    const struct json_value *items = json_get(list, "items");
    const char *next = member(list, "next");
    struct table *table = table_new();

    table_column(table, client_text(client, T_COL_NUMBER), 0);
    table_column(table, client_text(client, T_COL_STATE), 0);
    table_column(table, client_text(client, T_COL_KIND), 0);
    table_column(table, client_text(client, T_COL_URGENCY), 0);
    table_column(table, client_text(client, T_COL_CATEGORY), 0);
    table_column(table, client_text(client, T_COL_UNIT), TABLE_SHRINKS);
    table_column(table, client_text(client, T_COL_RECEIVED), 0);
    table_column(table, client_text(client, T_COL_TITLE), TABLE_SHRINKS);
    for (size_t i = 0; i < json_array_length(items); i++) {
        const struct json_value *t = json_at(items, i);
        const char *urgency = member(t, "urgency");
        bool is_normal = urgency == NULL || strcmp(urgency, "normal") == 0;

        table_cell(table, member(t, "number"), STYLE_PLAIN);
        table_cell(
            table,
            word_text(client->lang, ticket_state_words, TICKET_STATE_COUNT, member(t, "state")),
            json_bool(json_get(t, "overdue")) ? STYLE_BAD : STYLE_PLAIN);
        table_cell(table, word_text(client->lang, kind_words, KIND_COUNT, member(t, "kind")),
                   STYLE_PLAIN);
        table_cell(table, word_text(client->lang, urgency_words, URGENCY_COUNT, urgency),
                   is_normal ? STYLE_PLAIN : STYLE_WARN);
        table_cell(table, member(t, "category"), STYLE_PLAIN);
        table_cell(table, lead_unit(t), STYLE_PLAIN);
        table_cell(table, view_time(member(t, "received_at")), STYLE_DIM);
        table_cell(table, member(t, "title"), STYLE_PLAIN);
    }
    client_print_table(client, table);
    if (next != NULL)
        client_say(client, T_MORE_AFTER, next, NULL);
    table_free(&table);
}

/* ---- duplicates ---------------------------------------------------------------------------- */

static void add_reason(const struct client *client, struct sbuf *out, enum text_id text,
                       const char *value)
{
    if (out->len)
        sbuf_adds(out, client->lang == LANG_ZH ? "，" : ", ");
    text_fill(out, client->lang, text, value, NULL);
}

static const char *relation(const struct client *client, const struct json_value *reasons,
                            const char *name)
{
    return word_text(client->lang, relation_words, RELATION_COUNT, member(reasons, name));
}

static void reasons_cell(const struct client *client, struct table *table,
                         const struct json_value *reasons)
{
    struct sbuf out;

    sbuf_init(&out, 0);
    add_reason(client, &out, T_WHY_TEXT, view_scalar(client, json_get(reasons, "text")));
    if (json_bool(json_get(reasons, "same_caller")))
        add_reason(client, &out, T_WHY_CALLER, NULL);
    add_reason(client, &out, T_WHY_PLACE, relation(client, reasons, "place"));
    add_reason(client, &out, T_WHY_CATEGORY, relation(client, reasons, "category"));
    add_reason(client, &out, T_WHY_DAYS, view_scalar(client, json_get(reasons, "days")));
    table_cell(table, out.data, STYLE_PLAIN);
    sbuf_free(&out);
}

void view_duplicates(const struct client *client, const struct json_value *list)
{
    const struct json_value *items = json_get(list, "items");
    struct table *table = table_new();

    table_column(table, client_text(client, T_COL_SCORE), TABLE_RIGHT);
    table_column(table, client_text(client, T_COL_NUMBER), 0);
    table_column(table, client_text(client, T_COL_STATE), 0);
    table_column(table, client_text(client, T_COL_RECEIVED), 0);
    table_column(table, client_text(client, T_COL_TITLE), TABLE_SHRINKS);
    table_column(table, client_text(client, T_COL_WHY), TABLE_SHRINKS);
    for (size_t i = 0; i < json_array_length(items); i++) {
        const struct json_value *t = json_at(items, i);

        table_cell(table, view_scalar(client, json_get(t, "score")), STYLE_BOLD);
        table_cell(table, member(t, "number"), STYLE_PLAIN);
        table_cell(
            table,
            word_text(client->lang, ticket_state_words, TICKET_STATE_COUNT, member(t, "state")),
            STYLE_PLAIN);
        table_cell(table, view_time(member(t, "received_at")), STYLE_DIM);
        table_cell(table, member(t, "title"), STYLE_PLAIN);
        reasons_cell(client, table, json_get(t, "reasons"));
    }
    client_print_table(client, table);
    table_free(&table);
}

/* What the desks hear of and no ticket keeps. */
static const struct word desk_event_words[] = {
    {"call.popped", "来电弹屏", "screen pop"},
    {"device.pressed", "一键通按键", "device pressed"},
    {"door.refused", "接入被拒", "refused at a door"},
    {"media.stored", "附件已存", "attachment stored"},
};

/* ---- events -------------------------------------------------------------------------------- */

struct rest {
    const struct client *client;
    struct sbuf *line;
};

/* Members with a place of their own on the line, and those only programs want. */
static bool is_known_member(const char *key)
{
    static const char *const known[] = {"at", "type", "number", "id", "seq", "role", "hash"};

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i], key) == 0)
            return true;
    return false;
}

/* Lists of tickets: their numbers. */
static void add_numbers(struct rest *r, const char *key, const struct json_value *list)
{
    for (size_t i = 0; i < json_array_length(list); i++) {
        const char *number = member(json_at(list, i), "number");

        if (number == NULL)
            continue;
        sbuf_adds(r->line, i == 0 ? " " : ",");
        if (i == 0)
            sbuf_addf(r->line, "%s=", key);
        clean_add(r->line, number, strlen(number), false);
    }
}

static void add_rest(void *ctx, const char *key, const struct json_value *v)
{
    struct rest *r = ctx;
    const char *text;

    if (json_type(v) == JSON_OBJECT) { /* details are shown flat */
        json_each(v, add_rest, r);
        return;
    }
    if (json_type(v) == JSON_ARRAY && json_type(json_at(v, 0)) == JSON_OBJECT) {
        add_numbers(r, key, v);
        return;
    }
    text = view_scalar(r->client, v);
    if (text[0] == '\0' || is_known_member(key))
        return;
    sbuf_addc(r->line, ' ');
    clean_add(r->line, key, strlen(key), false);
    sbuf_addc(r->line, '=');
    clean_add(r->line, text, strlen(text), false);
}

void view_event_line(const struct client *client, const struct json_value *event, struct sbuf *line)
{
    struct rest rest = {client, line};
    const char *type = member(event, "type");
    bool is_of_ticket = word_find(event_words, EVENT_TYPE_COUNT, type) >= 0;
    const char *parts[] = {
        view_time(member(event, "at")),
        member(event, "number"),
        is_of_ticket ? word_text(client->lang, event_words, EVENT_TYPE_COUNT, type)
                     : word_text(client->lang, desk_event_words, ARRAY_LEN(desk_event_words), type),
    };

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i] == NULL || parts[i][0] == '\0')
            continue;
        sbuf_adds(line, line->len > 0 ? "  " : "");
        clean_add(line, parts[i], strlen(parts[i]), false);
    }
    if (json_type(event) == JSON_OBJECT)
        json_each(event, add_rest, &rest);
}

void view_events(const struct client *client, const struct json_value *list)
{
    const struct json_value *items = json_get(list, "items");
    const char *next = member(list, "next");

    for (size_t i = 0; i < json_array_length(items); i++) {
        struct sbuf line;

        sbuf_init(&line, 0);
        view_event_line(client, json_at(items, i), &line);
        fprintf(client->out, "%s\n", line.data);
        sbuf_free(&line);
    }
    if (json_array_length(items) == 0)
        client_say(client, T_NOTHING, NULL, NULL);
    if (next != NULL)
        client_say(client, T_MORE_AFTER, next, NULL);
}

void view_result(const struct client *client, const struct json_value *answer)
{
    const char *number = member(answer, "number"), *state = member(answer, "state");
    const char *text = word_text(client->lang, ticket_state_words, TICKET_STATE_COUNT, state);

    if (state == NULL) {
        client_say(client, T_DONE, NULL, NULL);
        return;
    }
    if (text == state)
        text = word_text(client->lang, assignment_state_words, ASSIGNMENT_STATE_COUNT, state);
    if (number == NULL)
        number = view_scalar(client, json_get(answer, "id"));
    client_say(client, T_NOW_IN_STATE, number, text);
}

void view_faults(const struct client *client, enum text_id title, const struct json_value *list)
{
    for (size_t i = 0; i < json_array_length(list); i++) {
        struct sbuf line;

        sbuf_init(&line, 0);
        fault_write(&line, client->lang, json_at(list, i));
        client_say(client, title, line.data, NULL);
        sbuf_free(&line);
    }
}

/* ---- tables ------------------------------------------------------------------------------------
 */

static const char *cell_text(const struct client *client, const struct view_column *column,
                             const struct json_value *item)
{
    const struct json_value *value = json_get(item, column->key);

    if (column->kind == VIEW_TIME)
        return view_time(json_string(value, NULL));
    if (column->kind == VIEW_CLOCK)
        return word_text(client->lang, clock_words, CLOCK_COUNT, json_string(value, NULL));
    return view_scalar(client, value);
}

void view_table(const struct client *client, const struct json_value *list,
                const struct view_column *columns, size_t count)
{
    struct table *table = table_new();

    for (size_t k = 0; k < count; k++)
        table_column(table, client_text(client, columns[k].title), columns[k].flags);
    for (size_t i = 0; i < json_array_length(list); i++) {
        for (size_t k = 0; k < count; k++)
            table_cell(table, cell_text(client, &columns[k], json_at(list, i)), STYLE_PLAIN);
    }
    if (table_rows(table) > 0) {
        fputc('\n', client->out);
        client_print_table(client, table);
    }
    table_free(&table);
}
