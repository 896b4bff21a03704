/*
 * explain_history.c - what happened to a deadline after its start: pauses and what each gave back,
 * extensions, other calendars.
 */
#include <inttypes.h>
#include <string.h>

#include "base/civil.h"
#include "base/clk.h"
#include "proto/explain_json.h"

static struct clock_due due_after(const struct ticket_clock *c, size_t adjustments,
                                  const struct calendar *calendar)
{
    const struct clock_terms terms = {c->limit, c->warn_percent, c->started_us, c->adjustments,
                                      adjustments};
    return clock_compute(&terms, calendar);
}

bool explain_json_is_by_calendar(const struct ticket_clock *stored, const struct calendar *calendar)
{
    return stored->limit.amount &&
           due_after(stored, stored->adjustment_count, calendar).due_us == stored->due_us;
}

/* 2026-02-13 17:30, and seconds if there are any. */
static void add_local(struct sbuf *out, int64_t us, int offset_min)
{
    char text[CIVIL_INSTANT_SIZE];

    civil_format_instant(us, offset_min, text); /* 2026-02-13T17:30:00... */
    sbuf_add(out, text, 10);
    sbuf_addc(out, ' ');
    sbuf_add(out, text + 11, memcmp(text + 16, ":00", 3) == 0 ? 5 : 8);
}

static void add_duration(struct sbuf *zh, struct sbuf *en, int64_t us)
{
    int64_t minutes = us / US_PER_MINUTE, hours = minutes / 60;

    sbuf_addf(zh, "%" PRId64 " 小时 %" PRId64 " 分", hours, minutes % 60);
    sbuf_addf(en, "%" PRId64 " h %" PRId64 " min", hours, minutes % 60);
}

static void write_texts(struct json_writer *w, struct sbuf *zh, struct sbuf *en)
{
    jw_string(w, "zh", zh->data);
    jw_string(w, "en", en->data);
    sbuf_free(zh);
    sbuf_free(en);
}

static void write_pause(struct json_writer *w, const struct ticket_clock *c,
                        const struct clock_adjustment *pause, const struct calendar *calendar,
                        int64_t due_us)
{
    enum limit_unit base = clock_pause_unit(c->limit.unit);
    int64_t us = calendar_elapsed(calendar, base, pause->from_us, pause->until_us);
    int offset = calendar_offset_min(calendar);
    bool is_working = base == LIMIT_WORKING_MINUTES;
    struct sbuf zh, en;

    jw_string(w, "kind", "pause");
    jw_instant(w, "from", pause->from_us, offset);
    jw_instant(w, "until", pause->until_us, offset);
    jw_int(w, "seconds", us / US_PER_SECOND);
    sbuf_init(&zh, 0);
    sbuf_init(&en, 0);
    sbuf_adds(&zh, "暂停 ");
    sbuf_adds(&en, "stood still ");
    add_local(&zh, pause->from_us, offset);
    add_local(&en, pause->from_us, offset);
    sbuf_adds(&zh, " 至 ");
    sbuf_adds(&en, " to ");
    add_local(&zh, pause->until_us, offset);
    add_local(&en, pause->until_us, offset);
    sbuf_addf(&zh, ": 退还%s ", is_working ? "工作时间" : "时间");
    sbuf_adds(&en, ": ");
    add_duration(&zh, &en, us);
    sbuf_adds(&zh, ", 时限 ");
    sbuf_addf(&en, " of %s time given back, due ", is_working ? "working" : "real");
    add_local(&zh, due_us, offset);
    add_local(&en, due_us, offset);
    write_texts(w, &zh, &en);
}

static void write_extension(struct json_writer *w, const struct clock_adjustment *extension,
                            int64_t before_us, int64_t due_us, int offset)
{
    const struct word *unit = &limit_unit_words[extension->limit.unit];
    struct sbuf zh, en;

    jw_string(w, "kind", "extension");
    jw_int(w, "amount", extension->limit.amount);
    jw_string(w, "unit", unit->code);
    jw_instant(w, "due_before", before_us, offset);
    sbuf_init(&zh, 0);
    sbuf_init(&en, 0);
    sbuf_addf(&zh, "延期 %" PRId64 " %s: 原时限 ", extension->limit.amount, unit->zh);
    sbuf_addf(&en, "extended by %" PRId64 " %s: from ", extension->limit.amount, unit->en);
    add_local(&zh, before_us, offset);
    add_local(&en, before_us, offset);
    sbuf_adds(&zh, ", 新时限 ");
    sbuf_adds(&en, " to ");
    add_local(&zh, due_us, offset);
    add_local(&en, due_us, offset);
    write_texts(w, &zh, &en);
}

static void write_adjustments(struct json_writer *w, const struct ticket_clock *c,
                              const struct calendar *calendar)
{
    int offset = calendar_offset_min(calendar);

    jw_array(w, "adjustments");
    for (size_t i = 0; c->limit.amount && i < c->adjustment_count; i++) {
        const struct clock_adjustment *a = &c->adjustments[i];
        int64_t before_us = due_after(c, i, calendar).due_us;
        int64_t due_us = due_after(c, i + 1, calendar).due_us;
        jw_object(w, NULL);
        if (a->kind == CLOCK_ADJUST_PAUSE)
            write_pause(w, c, a, calendar, due_us);
        else
            write_extension(w, a, before_us, due_us, offset);
        jw_instant(w, "due_at", due_us, offset);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void write_move(struct json_writer *w, const struct explain_move *move, int offset)
{
    struct sbuf zh, en;

    jw_object(w, NULL);
    jw_instant(w, "at", move->at_us, offset);
    jw_int(w, "calendar_version", move->calendar_set);
    jw_instant(w, "due_before", move->before_us, offset);
    jw_instant(w, "due_at", move->after_us, offset);
    sbuf_init(&zh, 0);
    sbuf_init(&en, 0);
    sbuf_addf(&zh, "工作日历第 %" PRId64 " 版生效: 时限由 ", move->calendar_set);
    sbuf_addf(&en, "calendar version %" PRId64 " came into force: due moved from ",
              move->calendar_set);
    add_local(&zh, move->before_us, offset);
    add_local(&en, move->before_us, offset);
    sbuf_adds(&zh, " 改为 ");
    sbuf_adds(&en, " to ");
    add_local(&zh, move->after_us, offset);
    add_local(&en, move->after_us, offset);
    write_texts(w, &zh, &en);
    jw_object_end(w);
}

void explain_json_write_history(struct json_writer *w, const struct explain_clock *clock,
                                const struct calendar *calendar)
{
    const struct ticket_clock *c = clock->stored;
    int offset = calendar_offset_min(calendar);

    jw_string(w, "state", clock_state_words[c->state].code);
    jw_instant(w, "original_due_at", c->original_due_us, offset);
    jw_instant(w, "paused_since", c->paused_at_us, offset);
    jw_int(w, "calendar_version", c->calendar_set);
    jw_bool(w, "is_by_calendar", explain_json_is_by_calendar(c, calendar));
    write_adjustments(w, c, calendar);
    jw_array(w, "moves");
    for (size_t i = 0; i < clock->move_count; i++) {
        if (clock->moves[i].ordinal == c->ordinal)
            write_move(w, &clock->moves[i], offset);
    }
    jw_array_end(w);
}
