/*
 * bulletin_csv.c - the bulletin as one CSV table.
 */
#include <string.h>

#include "base/civil.h"
#include "proto/bulletin.h"

const struct word bulletin_figure_words[FIGURE_COUNT] = {
    [FIGURE_RECEIVED] = {"received", "受理", "received"},
    [FIGURE_DESK] = {"desk", "直接答复", "answered at the desk"},
    [FIGURE_DISPATCHED] = {"dispatched", "派单", "dispatched"},
    [FIGURE_CLOSED] = {"closed", "办结", "closed"},
    [FIGURE_ON_TIME] = {"on_time", "其中未超期", "of these never late"},
    [FIGURE_IN_HAND] = {"in_hand", "期末在办", "in hand at the end"},
    [FIGURE_OVERDUE] = {"overdue", "其中超期", "of these overdue"},
    [FIGURE_CARRIED_OVER] = {"carried_over", "上期结转", "carried over"},
};

void bulletin_figures(const struct bulletin *b, int64_t figure_r[FIGURE_COUNT])
{
    figure_r[FIGURE_RECEIVED] = b->tiers.received;
    figure_r[FIGURE_DESK] = b->tiers.desk;
    figure_r[FIGURE_DISPATCHED] = b->tiers.dispatched;
    figure_r[FIGURE_CLOSED] = b->tiers.closed;
    figure_r[FIGURE_ON_TIME] = b->tiers.on_time;
    figure_r[FIGURE_IN_HAND] = b->tiers.in_hand;
    figure_r[FIGURE_OVERDUE] = b->tiers.overdue;
    figure_r[FIGURE_CARRIED_OVER] = b->tiers.carried_over;
}

void bulletin_add_micro(struct sbuf *out, int64_t micro)
{
    int64_t part = micro % SCORE_MICRO;
    int digits = 6;

    sbuf_addi(out, micro / SCORE_MICRO);
    if (part == 0)
        return;
    for (; part % 10 == 0; part /= 10)
        digits--;
    sbuf_addf(out, ".%0*lld", digits, (long long)part);
}

void bulletin_add_percent(struct sbuf *out, struct measure m)
{
    int64_t parts;

    if (measure_rate_parts(m, &parts))
        sbuf_addf(out, "%lld.%02lld%%", (long long)(parts / 100), (long long)(parts % 100));
    else
        sbuf_adds(out, BULLETIN_NONE_DUE);
}

/* ---- cells --------------------------------------------------------------------------------------
 */

/* What a spreadsheet program takes for the start of a formula, full-width forms included. */
static bool starts_formula(const char *s)
{
    static const char *const wide[] = {"\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d",
                                       "\xef\xbc\xa0"}; /* = + - @ */

    if (*s && strchr("=+-@\t\r\n", *s))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(wide); i++)
        if (strncmp(s, wide[i], strlen(wide[i])) == 0)
            return true;
    return false;
}

static void add_cell(struct sbuf *out, const char *s)
{
    bool is_formula = starts_formula(s);

    if (!is_formula && !strpbrk(s, ",\"\r\n")) {
        sbuf_adds(out, s);
        return;
    }
    sbuf_addc(out, '"');
    if (is_formula)
        sbuf_addc(out, '\'');
    for (; *s; s++) {
        if (*s == '"')
            sbuf_addc(out, '"');
        sbuf_addc(out, *s);
    }
    sbuf_addc(out, '"');
}

/* section, key, name, figure, label; the row goes on behind the fifth comma. */
static void begin_row(struct sbuf *out, const char *section, const char *key, const char *name,
                      const struct word *figure)
{
    add_cell(out, section);
    sbuf_addc(out, ',');
    add_cell(out, key);
    sbuf_addc(out, ',');
    add_cell(out, name);
    sbuf_addc(out, ',');
    add_cell(out, figure ? figure->code : "");
    sbuf_addc(out, ',');
    add_cell(out, figure ? figure->zh : "");
    sbuf_addc(out, ',');
}

static void add_rate(struct sbuf *out, struct measure m)
{
    int64_t parts;

    sbuf_addi(out, m.numerator);
    sbuf_addc(out, ',');
    sbuf_addi(out, m.denominator);
    sbuf_addc(out, ',');
    if (measure_rate_parts(m, &parts))
        sbuf_addf(out, "%lld.%04lld", (long long)(parts / 10000), (long long)(parts % 10000));
    else
        sbuf_adds(out, BULLETIN_NONE_DUE);
}

static void count_row(struct sbuf *out, const char *section, const char *key, const char *name,
                      const struct word *figure, int64_t count)
{
    begin_row(out, section, key, name, figure);
    sbuf_addi(out, count);
    sbuf_adds(out, ",,,,\r\n");
}

/* A count with its share of all. */
static void share_row(struct sbuf *out, const char *section, const struct bulletin_row *row,
                      enum bulletin_figure figure, int64_t all)
{
    begin_row(out, section, row->key, row->name, &bulletin_figure_words[figure]);
    sbuf_addi(out, row->figure[figure]);
    sbuf_addc(out, ',');
    add_rate(out, (struct measure){row->figure[figure], all});
    sbuf_adds(out, ",\r\n");
}

static void measure_row(struct sbuf *out, const char *section, const char *key, const char *name,
                        enum measure_kind kind, struct measure m)
{
    begin_row(out, section, key, name, &measure_words[kind]);
    sbuf_addc(out, ',');
    add_rate(out, m);
    sbuf_adds(out, ",\r\n");
}

/* ---- sections -----------------------------------------------------------------------------------
 */

static void basis_row(struct sbuf *out, const char *key, const char *value)
{
    begin_row(out, "basis", key, value, NULL);
    sbuf_adds(out, ",,,,\r\n");
}

static void instant_row(struct sbuf *out, const struct bulletin *b, const char *key, int64_t us)
{
    char text[CIVIL_INSTANT_SIZE];

    civil_format_instant(us, b->basis.offset_min, text);
    basis_row(out, key, text);
}

static void write_basis(struct sbuf *out, const struct bulletin *b)
{
    struct sbuf text;

    basis_row(out, "city", b->city);
    basis_row(out, "month", b->month);
    instant_row(out, b, "from", b->basis.from_us);
    instant_row(out, b, "to", b->basis.to_us);
    instant_row(out, b, "as_of", b->basis.as_of_us);
    basis_row(out, "provisional", b->is_provisional ? "true" : "false");
    sbuf_init(&text, 0);
    sbuf_addi(&text, b->satisfied_from);
    basis_row(out, "satisfied_from", text.data);
    for (int i = 0; i < MEASURE_COUNT; i++) {
        sbuf_clear(&text);
        sbuf_addf(&text, "%s | %s", measure_definitions[i].zh, measure_definitions[i].en);
        basis_row(out, measure_words[i].code, text.data);
    }
    if (b->set) {
        basis_row(out, "score_set", b->set->name);
        sbuf_clear(&text);
        sbuf_addi(&text, b->set->version);
        basis_row(out, "score_set_version", text.data);
    }
    sbuf_free(&text);
}

static void write_figures(struct sbuf *out, const struct bulletin *b)
{
    int64_t figure[FIGURE_COUNT];

    bulletin_figures(b, figure);
    for (int i = 0; i < FIGURE_COUNT; i++)
        count_row(out, "figures", "", "", &bulletin_figure_words[i], figure[i]);
}

static void write_tiers(struct sbuf *out, const struct bulletin *b)
{
    for (int i = 0; i < TIER_COUNT; i++) {
        const struct tier_figures *tier = &b->tiers.tier[i];
        struct bulletin_row row = {.key = tier_words[i].code, .name = tier_words[i].zh};

        if (!tier->is_shown)
            continue;
        row.figure[FIGURE_CLOSED] = tier->closed;
        share_row(out, "tiers", &row, FIGURE_CLOSED, b->tiers.closed);
        count_row(out, "tiers", row.key, row.name, &bulletin_figure_words[FIGURE_ON_TIME],
                  tier->on_time);
    }
}

static void write_shares(struct sbuf *out, const struct bulletin *b, const char *section,
                         const struct bulletin_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        share_row(out, section, &rows->list[i], FIGURE_RECEIVED, b->tiers.received);
        share_row(out, section, &rows->list[i], FIGURE_CLOSED, b->tiers.closed);
    }
}

static void write_days(struct sbuf *out, const struct bulletin_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct bulletin_row *row = &rows->list[i];

        count_row(out, "days", row->key, row->key, &bulletin_figure_words[FIGURE_RECEIVED],
                  row->figure[FIGURE_RECEIVED]);
        count_row(out, "days", row->key, row->key, &bulletin_figure_words[FIGURE_CLOSED],
                  row->figure[FIGURE_CLOSED]);
    }
}

static void write_units(struct sbuf *out, const struct bulletin *b)
{
    for (size_t u = 0; u < b->unit_count; u++) {
        const struct bulletin_unit *unit = &b->units[u];

        for (int i = 0; i < FIGURE_COUNT; i++)
            count_row(out, "units", unit->row.key, unit->row.name, &bulletin_figure_words[i],
                      unit->row.figure[i]);
        for (int i = 0; i < MEASURE_COUNT; i++)
            measure_row(out, "units", unit->row.key, unit->row.name, (enum measure_kind)i,
                        unit->measure[i]);
    }
}

static void write_score(struct sbuf *out, const struct bulletin *b,
                        const struct bulletin_unit *unit)
{
    static const struct word total = {"total", "总分", "total"}, rank = {"rank", "名次", "rank"};
    const char *key = unit->row.key, *name = unit->row.name;

    for (size_t i = 0; i < b->set->count; i++) {
        enum measure_kind kind = b->set->scales[i].measure;

        begin_row(out, "scores", key, name, &measure_words[kind]);
        sbuf_addc(out, ',');
        add_rate(out, unit->measure[kind]);
        sbuf_addc(out, ',');
        if (unit->score.is_due[i])
            bulletin_add_micro(out, unit->score.points_micro[i]);
        else
            sbuf_adds(out, BULLETIN_NONE_DUE);
        sbuf_adds(out, "\r\n");
    }
    begin_row(out, "scores", key, name, &total);
    sbuf_adds(out, ",,,,");
    if (unit->score.has_total)
        bulletin_add_micro(out, unit->score.total_micro);
    else
        sbuf_adds(out, BULLETIN_NONE_DUE);
    sbuf_adds(out, "\r\n");
    if (unit->score.rank)
        count_row(out, "scores", key, name, &rank, unit->score.rank);
}

void bulletin_write_csv(struct sbuf *out, const struct bulletin *b)
{
    sbuf_adds(out, "\xef\xbb\xbf"
                   "section,key,name,figure,label,count,numerator,denominator,rate,points\r\n");
    write_basis(out, b);
    write_figures(out, b);
    write_tiers(out, b);
    for (int i = 0; i < MEASURE_COUNT; i++)
        measure_row(out, "measures", "", "", (enum measure_kind)i, b->total[i]);
    write_days(out, &b->days);
    write_shares(out, b, "channels", &b->channels);
    write_shares(out, b, "kinds", &b->kinds);
    write_shares(out, b, "categories", &b->categories);
    write_units(out, b);
    for (size_t i = 0; b->set && i < b->ranked; i++)
        write_score(out, b, &b->units[b->order[i]]);
}
