/*
 * ticket_machine_promela.c - the rows as Promela, for the verification of the machine by Spin.
 *
 * Only what the table says: words, bits, one ROW() a line. What the guards ask and what the effects
 * do to assignments stands in test/model/ticket.pml, which includes this text.
 */
#include <ctype.h>

#include "base/attr.h"
#include "base/sbuf.h"
#include "hotline/ticket_machine.h"

/* STATE_NONE is a bit beyond those of Promela's int. */
#define MODEL_STATE_NONE TICKET_STATE_COUNT

static const char *const guard_names[GUARD_COUNT] = {
    [GUARD_NONE] = "NONE",
    [GUARD_ROUTED] = "ROUTED",
    [GUARD_NOBODY_SIGNED] = "NOBODY_SIGNED",
    [GUARD_IS_LEAD_READY] = "IS_LEAD_READY",
    [GUARD_IS_CO] = "IS_CO",
    [GUARD_PASS] = "PASS",
    [GUARD_FAIL] = "FAIL",
    [GUARD_UNREACHED] = "UNREACHED",
    [GUARD_UNREACHED_LAST] = "UNREACHED_LAST",
    [GUARD_CONTENT] = "CONTENT",
    [GUARD_REDO_LEFT] = "REDO_LEFT",
    [GUARD_REDO_SPENT] = "REDO_SPENT",
    [GUARD_NOT_PROBLEM] = "NOT_PROBLEM",
    [GUARD_PROBLEM] = "PROBLEM",
    [GUARD_UNSIGNED_ORDINARY] = "UNSIGNED_ORDINARY",
    [GUARD_DRAFT] = "DRAFT",
    [GUARD_ELSEWHERE] = "ELSEWHERE",
    [GUARD_MAY_RETURN] = "MAY_RETURN",
    [GUARD_MAY_EXTEND] = "MAY_EXTEND",
    [GUARD_MAY_SUSPEND] = "MAY_SUSPEND",
    [GUARD_BELOW] = "BELOW",
    [GUARD_ABOVE] = "ABOVE",
    [GUARD_REFUSED_UNSIGNED] = "REFUSED_UNSIGNED",
    [GUARD_REFUSED] = "REFUSED",
    [GUARD_GRANTED_CO] = "GRANTED_CO",
    [GUARD_GRANTED_LAST] = "GRANTED_LAST",
    [GUARD_GRANTED_TO] = "GRANTED_TO",
    [GUARD_GRANTED] = "GRANTED",
    [GUARD_SUSPENSION_GRANTED] = "SUSPENSION_GRANTED",
    [GUARD_SUSPENSION_REFUSED] = "SUSPENSION_REFUSED",
    [GUARD_MAY_MERGE] = "MAY_MERGE",
    [GUARD_MASTER_ANSWERED] = "MASTER_ANSWERED",
    [GUARD_WAS_UNITS] = "WAS_UNITS",
};

static const char *const effect_names[EFFECT_COUNT] = {
    [EFFECT_NONE] = "NONE",           [EFFECT_CREATE] = "CREATE",     [EFFECT_REPLACE] = "REPLACE",
    [EFFECT_RECALL] = "RECALL",       [EFFECT_SELF] = "SELF",         [EFFECT_PASS] = "PASS",
    [EFFECT_LEAD_BACK] = "LEAD_BACK", [EFFECT_REDO] = "REDO",         [EFFECT_ADD_CO] = "ADD_CO",
    [EFFECT_HAND_OVER] = "HAND_OVER", [EFFECT_TRANSFER] = "TRANSFER", [EFFECT_TO_POOL] = "TO_POOL",
};

/* "add-unit" -> PREFIX_ADD_UNIT */
static void write_name(struct sbuf *out, const char *prefix, const char *code)
{
    sbuf_adds(out, prefix);
    for (; *code; code++)
        sbuf_addc(out, (char)(*code == '-' ? '_' : toupper((unsigned char)*code)));
}

static void write_words(struct sbuf *out, const char *prefix, const struct word *words, int count)
{
    for (int i = 0; i < count; i++) {
        sbuf_adds(out, "#define ");
        write_name(out, prefix, words[i].code);
        sbuf_addf(out, " %d\n", i);
    }
}

static void write_vocabulary(struct sbuf *out)
{
    unsigned open = 0, live = 0;

    for (unsigned i = 0; i < TICKET_STATE_COUNT; i++)
        open |= (unsigned)ticket_state_is_open((enum ticket_state)i) << i;
    for (unsigned i = 0; i < ASSIGNMENT_STATE_COUNT; i++)
        live |= (unsigned)assignment_state_is_live((enum assignment_state)i) << i;
    write_words(out, "TICKET_", ticket_state_words, TICKET_STATE_COUNT);
    sbuf_addf(out, "#define TICKET_NONE %d /* not there yet */\n", MODEL_STATE_NONE);
    sbuf_addf(out, "#define OPEN_STATES %u\n", open);
    write_words(out, "ASSIGNMENT_", assignment_state_words, ASSIGNMENT_STATE_COUNT);
    sbuf_addf(out, "#define LIVE_STATES %u\n", live);
    write_words(out, "ROLE_", role_words, ROLE_COUNT);
    write_words(out, "ACTION_", action_words, ACTION_COUNT);
    for (int i = 0; i < EFFECT_COUNT; i++)
        sbuf_addf(out, "#define EFFECT_%s %d\n", effect_names[i], i);
}

static unsigned model_states(unsigned from)
{
    bool is_new = (from & (1u << STATE_NONE)) != 0;

    return (from & ((1u << TICKET_STATE_COUNT) - 1)) | (unsigned)is_new << MODEL_STATE_NONE;
}

/* What is tried at all: no action whose rows name neither this state nor this role. */
static void write_choice(struct sbuf *out)
{
    sbuf_adds(out, "\ninline machine_choose_action()\n{\n    if\n");
    for (int action = 0; action < ACTION_COUNT; action++) {
        unsigned from = 0, roles = 0, on = 0;
        for (size_t i = 0; i < machine_row_count; i++) {
            const struct machine_row *row = &machine_rows[i];
            bool is_of_it = row->action == (enum ticket_action)action;
            from |= is_of_it ? model_states(row->from) : 0;
            roles |= is_of_it ? row->roles : 0;
            on |= is_of_it ? row->assignment_from : 0;
        }
        sbuf_addf(out, "    :: MAY_TRY(%u, %u, %u) -> act = ", from, roles, on);
        write_name(out, "ACTION_", action_words[action].code);
        sbuf_addc(out, '\n');
    }
    sbuf_adds(out, "    :: else -> act = NO_ACTION\n    fi\n}\n");
}

static void write_row(struct sbuf *out, size_t index)
{
    const struct machine_row *row = &machine_rows[index];

    sbuf_addf(out, "    ROW(%zu, ", index);
    write_name(out, "ACTION_", action_words[row->action].code);
    sbuf_addf(out, ", %u, %u, %u, GUARD_%s, ", model_states(row->from), row->roles,
              row->assignment_from, guard_names[row->guard]);
    if (row->to == STATE_KEEP)
        sbuf_adds(out, "SAME");
    else
        write_name(out, "TICKET_", ticket_state_words[row->to].code);
    sbuf_addf(out, ", EFFECT_%s, ", effect_names[row->effect]);
    if (row->assignment_to < 0)
        sbuf_adds(out, "SAME");
    else
        write_name(out, "ASSIGNMENT_", assignment_state_words[row->assignment_to].code);
    sbuf_addf(out, ") /* %s */\n", row->comment);
}

void machine_write_promela(struct sbuf *out)
{
    sbuf_adds(out, "/* Generated by `hotlined docs promela` from lib/hotline/ticket_machine.c; do "
                   "not edit by hand. */\n");
    write_vocabulary(out);
    write_choice(out);
    sbuf_adds(out, "\n/* Tried from above; the first that fits is taken. */\n"
                   "inline machine_find_row()\n{\n");
    for (size_t i = 0; i < machine_row_count; i++)
        write_row(out, i);
    sbuf_adds(out, "    skip\n}\n");
}
