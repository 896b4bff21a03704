/*
 * The table of the ticket machine: consistent in itself, complete for every action, state and role,
 * and the same as what the database enforces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sbuf.h"
#include "hotline/ticket_machine.h"
#include "hotline/ticket_plan.h"
#include "unit/hotline/ticket_fixture.h"

/* Every migration that adds transitions. */
static const char *const migrations[] = {"migrations/0003_machine.sql",
                                         "migrations/0006_whole_life.sql"};
#define MAX_EDGES 128

static void test_table_is_sound(void **state)
{
    (void)state;
    assert_null(machine_check());
}

static void test_words(void **state)
{
    (void)state;
    for (int i = 0; i < ACTION_COUNT; i++) {
        const char *code = action_words[i].code;
        assert_non_null(action_words[i].zh);
        assert_int_equal(word_find(action_words, ACTION_COUNT, code), i);
    }
    for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
        const char *code = event_words[i].code;
        assert_non_null(event_words[i].zh);
        assert_non_null(strchr(code, '.'));
        assert_int_equal(word_find(event_words, EVENT_TYPE_COUNT, code), i);
    }
    for (int i = 0; i < GUARD_COUNT; i++) {
        assert_non_null(guard_words[i].code);
        assert_non_null(guard_words[i].zh);
        assert_non_null(guard_words[i].en);
    }
}

/* ---- what can be reached ------------------------------------------------------------------- */

static unsigned reach(unsigned states)
{
    for (size_t i = 0; i < machine_row_count; i++) {
        const struct machine_row *row = &machine_rows[i];
        if ((row->from & states) && row->to != STATE_KEEP)
            states |= 1u << row->to;
    }
    return states;
}

static void test_states_are_reached(void **state)
{
    static const enum ticket_state wanted[] = {
        TICKET_ACCEPTED,  TICKET_HANDLING,   TICKET_REVIEW,   TICKET_CALLBACK,
        TICKET_CLOSED,    TICKET_ARCHIVED,   TICKET_REJECTED, TICKET_REFERRED,
        TICKET_WITHDRAWN, TICKET_INCOMPLETE, TICKET_MERGED,   TICKET_FALSE_ALARM,
    };
    unsigned seen = 1u << STATE_NONE;
    (void)state;
    for (unsigned before = 0; before != seen;) {
        before = seen;
        seen = reach(seen);
    }
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        if (!(seen & (1u << wanted[i])))
            fail_msg("%s cannot be reached", ticket_state_words[wanted[i]].code);
    }
}

/* From every open state some row leads on: nothing stays open for ever. */
static void test_open_states_have_a_way_out(void **state)
{
    (void)state;
    for (int s = 0; s < TICKET_STATE_COUNT; s++) {
        bool has_way = false;
        for (size_t i = 0; i < machine_row_count; i++) {
            const struct machine_row *row = &machine_rows[i];
            bool leaves = row->to != STATE_KEEP && row->to != s;
            has_way = has_way || (leaves && (row->from & (1u << s)));
        }
        if (ticket_state_is_open((enum ticket_state)s))
            assert_true(has_way);
    }
    assert_false(ticket_state_is_open(TICKET_CLOSED));
    assert_false(ticket_state_is_open(TICKET_MERGED));
    assert_true(assignment_state_is_live(ASSIGNMENT_SUSPENDED));
    assert_true(assignment_state_is_live(ASSIGNMENT_REPORTED));
    assert_false(assignment_state_is_live(ASSIGNMENT_PASSED));
    assert_false(assignment_state_is_live(ASSIGNMENT_RETURNED));
    assert_false(assignment_state_is_live(ASSIGNMENT_RECALLED));
}

static void test_actions_of_units(void **state)
{
    (void)state;
    for (int a = 0; a < ACTION_COUNT; a++)
        assert_int_equal(action_is_assignments((enum ticket_action)a), a >= ACTION_SIGN);
}

/* ---- every action in every state by every role --------------------------------------------- */

static bool role_has_action(enum actor_role role, enum ticket_action action)
{
    for (size_t i = 0; i < machine_row_count; i++) {
        if (machine_rows[i].action == action && (machine_rows[i].roles & (1u << role)))
            return true;
    }
    return false;
}

static bool state_has_action(enum ticket_state state, enum actor_role role,
                             enum ticket_action action)
{
    for (size_t i = 0; i < machine_row_count; i++) {
        const struct machine_row *row = &machine_rows[i];
        if (row->action == action && (row->roles & (1u << role)) && (row->from & (1u << state)))
            return true;
    }
    return false;
}

static bool is_known_reason(const char *reason)
{
    return word_find(refusal_words, REFUSAL_WORD_COUNT, reason) >= 0 ||
           word_find(guard_words, GUARD_COUNT, reason) >= 0;
}

static void check_answer(enum plan_result result, const struct ticket_command *command,
                         const struct ticket_view *view, const struct ticket_change *change,
                         const struct plan_refusal *refusal)
{
    bool may = role_has_action(command->role, command->action);

    if (result == PLAN_OK) {
        assert_true(may && state_has_action(view->state, command->role, command->action));
        assert_true(change->is_changed && change->event_count > 0);
        assert_int_equal(change->after.version, view->version + 1);
    } else if (result == PLAN_NOT_ALLOWED) {
        assert_false(may);
    } else {
        assert_int_equal(result, PLAN_NOT_NOW);
        assert_true(may);
        assert_true(is_known_reason(refusal->reason));
        assert_int_equal(refusal->state, view->state);
        assert_string_equal(refusal->changed_by, "somebody");
    }
}

static void check_one(struct ticket_rig *rig, enum ticket_action action, int ticket_state,
                      enum assignment_state assignment_state, enum actor_role role)
{
    struct assignment a = {.ordinal = 1,
                           .unit = "TA",
                           .round = 1,
                           .state = assignment_state,
                           .created_us = at("2026-02-13 10:00"),
                           .solved = -1};
    struct ticket_view view = {.number = 1,
                               .version = 7,
                               .state = (enum ticket_state)ticket_state,
                               .kind = KIND_HELP,
                               .category = "0101",
                               .round = 1,
                               .lead_unit = "TA",
                               .policy = "default",
                               .received_us = a.created_us,
                               .dispatched_us = a.created_us,
                               .last_actor = "somebody",
                               .assignments = &a,
                               .assignment_count = 1};
    struct ticket_command command = {.action = action,
                                     .role = role,
                                     .actor = "actor",
                                     .unit = role == ROLE_UNIT ? "TA" : NULL,
                                     .assignment = 1,
                                     .text = "text",
                                     .lead_unit = "TB",
                                     .to = "110",
                                     .solved = 1,
                                     .now_us = a.created_us + 1};
    for (int flags = 0; flags < 8; flags++) {
        struct plan_refusal refusal = {.reason = NULL};
        command.pass = command.reached = command.grant = flags & 1;
        view.is_problem = flags & 2;
        command.assignment = flags & 4 ? 1 : !!action_is_on_assignment(action);
        enum plan_result result =
            ticket_plan_action(&rig->context, &view, &command, &rig->change, &refusal);
        check_answer(result, &command, &view, &rig->change, &refusal);
    }
}

static void test_every_combination_is_answered(void **state)
{
    struct ticket_rig *rig = *state;

    for (int action = 0; action < ACTION_COUNT; action++) {
        for (int s = 0; s < TICKET_STATE_COUNT; s++) {
            ticket_rig_renew_arena(rig);
            for (int a = 0; a < ASSIGNMENT_STATE_COUNT; a++) {
                for (int role = 0; role < ROLE_COUNT; role++)
                    check_one(rig, (enum ticket_action)action, s, (enum assignment_state)a,
                              (enum actor_role)role);
            }
        }
    }
}

/* An intake is answered for every role as well. */
static void test_intake_by_role(void **state)
{
    struct ticket_rig *rig = *state;

    for (int role = 0; role < ROLE_COUNT; role++) {
        struct ticket_view draft = {.number = 1, .kind = KIND_HELP, .policy = "default"};
        struct ticket_command command = {.action = ACTION_RECEIVE,
                                         .role = (enum actor_role)role,
                                         .actor = "actor",
                                         .now_us = at("2026-02-13 10:00")};
        struct plan_refusal refusal;
        enum plan_result result =
            ticket_plan_intake(&rig->context, &draft, &command, &rig->change, &refusal);
        bool may = role != ROLE_UNIT && role != ROLE_SYSTEM;
        assert_int_equal(result, may ? PLAN_OK : PLAN_NOT_ALLOWED);
    }
}

/* ---- the document -------------------------------------------------------------------------- */

static void test_document(void **state)
{
    struct sbuf first, second;

    (void)state;
    sbuf_init(&first, 0);
    sbuf_init(&second, 0);
    machine_write_document(&first);
    machine_write_document(&second);
    assert_string_equal(first.data, second.data);
    for (int i = 0; i < ACTION_COUNT; i++)
        assert_non_null(strstr(first.data, action_words[i].code));
    assert_non_null(strstr(first.data, "    review --> handling\n"));
    assert_non_null(strstr(first.data, "    unsigned --> working\n"));
    sbuf_free(&first);
    sbuf_free(&second);
}

/* ---- the database's rows ------------------------------------------------------------------- */

struct edges {
    size_t count;
    char text[MAX_EDGES][48];
};

static void add_edge(struct edges *edges, const char *from, const char *to)
{
    assert_true(edges->count < MAX_EDGES);
    (void)snprintf(edges->text[edges->count++], sizeof(edges->text[0]), "%s>%s", from, to);
}

static void add_ticket_edge(void *ctx, enum ticket_state from, enum ticket_state to)
{
    add_edge(ctx, ticket_state_words[from].code, ticket_state_words[to].code);
}

static void add_assignment_edge(void *ctx, enum assignment_state from, enum assignment_state to)
{
    add_edge(ctx, assignment_state_words[from].code, assignment_state_words[to].code);
}

static char *read_migration(const char *path)
{
    char *text = calloc(1, 65536);
    FILE *f = fopen(path, "r");

    assert_non_null(text);
    if (!f)
        fail_msg("%s: start the test in the project's folder", path);
    size_t len = fread(text, 1, 65535, f);
    assert_true(len > 0 && len < 65535);
    (void)fclose(f);
    return text;
}

/* The rows ('a', 'b') of INSERT INTO table, up to its semicolon. */
static void read_edges(const char *sql, const char *table, struct edges *edges)
{
    char head[64], from[24], to[24];
    int used;

    (void)snprintf(head, sizeof(head), "INSERT INTO %s (from_state, to_state) VALUES", table);
    const char *s = strstr(sql, head);
    assert_non_null(s);
    s += strlen(head);
    while (sscanf(s, " ('%23[a-z_]', '%23[a-z_]')%n", from, to, &used) == 2) {
        add_edge(edges, from, to);
        s += used;
        if (*s == ';')
            return;
        assert_int_equal(*s++, ',');
    }
    fail_msg("no semicolon after the rows of %s", table);
}

static int compare_edges(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void assert_same_edges(struct edges *table, struct edges *sql)
{
    qsort(table->text, table->count, sizeof(table->text[0]), compare_edges);
    qsort(sql->text, sql->count, sizeof(sql->text[0]), compare_edges);
    for (size_t i = 0; i < table->count && i < sql->count; i++)
        assert_string_equal(table->text[i], sql->text[i]);
    assert_int_equal(table->count, sql->count);
}

static void test_database_has_the_same_edges(void **state)
{
    static struct edges table[2], sql[2];

    (void)state;
    machine_each_ticket_edge(add_ticket_edge, &table[0]);
    machine_each_assignment_edge(add_assignment_edge, &table[1]);
    for (size_t i = 0; i < ARRAY_LEN(migrations); i++) {
        char *text = read_migration(migrations[i]);
        read_edges(text, "ticket_transition", &sql[0]);
        read_edges(text, "assignment_transition", &sql[1]);
        free(text);
    }
    assert_true(table[0].count > 20 && table[1].count > 5);
    assert_same_edges(&table[0], &sql[0]);
    assert_same_edges(&table[1], &sql[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_sound),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_states_are_reached),
        cmocka_unit_test(test_open_states_have_a_way_out),
        cmocka_unit_test(test_actions_of_units),
        cmocka_unit_test_setup_teardown(test_every_combination_is_answered, ticket_rig_setup,
                                        ticket_rig_teardown),
        cmocka_unit_test_setup_teardown(test_intake_by_role, ticket_rig_setup, ticket_rig_teardown),
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_database_has_the_same_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
