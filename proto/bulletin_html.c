/*
 * bulletin_html.c - the bulletin as a page for people: screen and A4 paper.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/civil.h"
#include "proto/bulletin.h"
#include "proto/bulletin_svg.h"

static const char style[] =
    "body{font:11pt/1.5 'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei',SimSun,"
    "sans-serif;color:#111;max-width:190mm;margin:1em auto;padding:0 1em}"
    "h1{font-size:18pt;text-align:center;margin:.5em 0 0}"
    "h2{font-size:13pt;border-bottom:1px solid #999;margin:1.4em 0 .5em}"
    "h1 small,h2 small,th small,td small{display:block;font-weight:normal;font-size:75%;color:#555}"
    "p.sub{text-align:center;color:#555;margin:.2em}"
    "p.warn{border:1px solid #c00;padding:.4em .8em;color:#900}"
    "table{border-collapse:collapse;width:100%;font-size:9.5pt}"
    "th,td{border:1px solid #bbb;padding:.2em .4em;text-align:right;vertical-align:top}"
    "th{background:#eee}th:first-child,td:first-child{text-align:left}"
    "td.text{text-align:left}table.units{font-size:7.5pt}"
    "svg{max-width:100%;height:auto;display:block;margin:.5em 0}"
    "svg text{font-size:12px;fill:#111}"
    "@page{size:A4;margin:15mm}@page wide{size:A4 landscape;margin:12mm}"
    "@media print{body{max-width:none;margin:0;padding:0}thead{display:table-header-group}"
    "tr,svg,h2{break-inside:avoid}h2{break-after:avoid}.wide{page:wide}"
    "th,rect{print-color-adjust:exact;-webkit-print-color-adjust:exact}}";

void bulletin_add_text(struct sbuf *out, const char *s)
{
    static const struct {
        char c;
        const char *entity;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};

    for (; *s; s++) {
        const char *entity = NULL;
        unsigned char c = (unsigned char)*s;

        for (size_t i = 0; i < ARRAY_LEN(entities); i++)
            if (entities[i].c == *s)
                entity = entities[i].entity;
        if (entity)
            sbuf_adds(out, entity);
        else if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f)
            sbuf_adds(out, "\xef\xbf\xbd");
        else if (strncmp(s, "\xef\xbf\xbe", 3) == 0 || strncmp(s, "\xef\xbf\xbf", 3) == 0)
            sbuf_adds(out, "\xef\xbf\xbd"), s += 2;
        else
            sbuf_addc(out, *s);
    }
}

/* ---- pieces -------------------------------------------------------------------------------------
 */

static void heading(struct sbuf *out, const char *zh, const char *en)
{
    sbuf_addf(out, "<h2>%s <small>%s</small></h2>\n", zh, en);
}

static void head_cell(struct sbuf *out, const char *zh, const char *en)
{
    sbuf_addf(out, "<th scope=\"col\">%s<small>%s</small></th>", zh, en);
}

static void text_cell(struct sbuf *out, const char *s)
{
    sbuf_adds(out, "<td class=\"text\">");
    bulletin_add_text(out, s);
    sbuf_adds(out, "</td>");
}

static void count_cell(struct sbuf *out, int64_t count)
{
    sbuf_addf(out, "<td>%lld</td>", (long long)count);
}

static void rate_cell(struct sbuf *out, struct measure m)
{
    sbuf_adds(out, "<td>");
    bulletin_add_percent(out, m);
    sbuf_addf(out, "<small>%lld / %lld</small></td>", (long long)m.numerator,
              (long long)m.denominator);
}

static void points_cell(struct sbuf *out, bool is_due, int64_t micro)
{
    sbuf_adds(out, "<td>");
    if (is_due)
        sbuf_addf(out, "%lld.%02lld", (long long)((micro + 5000) / SCORE_MICRO),
                  (long long)((micro + 5000) % SCORE_MICRO / 10000));
    else
        sbuf_adds(out, BULLETIN_NONE_DUE);
    sbuf_adds(out, "</td>");
}

static void instant(struct sbuf *out, const struct bulletin *b, int64_t us)
{
    char text[CIVIL_INSTANT_SIZE];

    civil_format_instant(us, b->basis.offset_min, text);
    sbuf_adds(out, text);
}

/* ---- sections -----------------------------------------------------------------------------------
 */

static void write_head(struct sbuf *out, const struct bulletin *b)
{
    sbuf_adds(out, "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"zh-CN\">"
                   "<head><meta charset=\"utf-8\"/><title>");
    bulletin_add_text(out, b->city);
    sbuf_addf(out, " 12345 %s</title>\n<style>%s</style></head>\n<body>\n<h1>", b->month, style);
    bulletin_add_text(out, b->city);
    sbuf_addf(out,
              " 12345 政务服务便民热线月报<small>Monthly bulletin of the 12345 citizen hotline, "
              "%s</small></h1>\n<p class=\"sub\">统计期 period: [",
              b->month);
    instant(out, b, b->basis.from_us);
    sbuf_adds(out, ", ");
    instant(out, b, b->basis.to_us);
    sbuf_adds(out, ")</p>\n<p class=\"sub\">统计时刻 as of: ");
    instant(out, b, b->basis.as_of_us);
    sbuf_adds(out, "</p>\n");
    if (b->is_provisional)
        sbuf_adds(out, "<p class=\"warn\">本月尚未结束，数据截至上述统计时刻，为暂定数。<br/>The "
                       "month is not over: provisional figures, counted up to this instant.</p>\n");
}

static void write_figures(struct sbuf *out, const struct bulletin *b)
{
    int64_t figure[FIGURE_COUNT];

    bulletin_figures(b, figure);
    heading(out, "本月数据", "The month in figures");
    sbuf_adds(out, "<table><thead><tr>");
    for (int i = 0; i < FIGURE_COUNT; i++)
        head_cell(out, bulletin_figure_words[i].zh, bulletin_figure_words[i].en);
    sbuf_adds(out, "</tr></thead><tbody><tr>");
    for (int i = 0; i < FIGURE_COUNT; i++)
        count_cell(out, figure[i]);
    sbuf_adds(out, "</tr></tbody></table>\n");
}

static void write_tiers(struct sbuf *out, const struct bulletin *b, struct arena *arena)
{
    struct svg_bar bars[TIER_COUNT];
    size_t count = 0;

    heading(out, "各层级办结", "Closed per tier, with its share of all closings");
    sbuf_adds(out, "<table><thead><tr>");
    head_cell(out, "层级", "tier");
    head_cell(out, "办结", "closed");
    head_cell(out, "占比", "share");
    head_cell(out, "其中未超期", "of these never late");
    sbuf_adds(out, "</tr></thead><tbody>\n");
    for (int i = 0; i < TIER_COUNT; i++) {
        const struct tier_figures *tier = &b->tiers.tier[i];
        struct measure share = {tier->closed, b->tiers.closed};
        struct sbuf note;

        if (!tier->is_shown)
            continue;
        sbuf_adds(out, "<tr>");
        text_cell(out, tier_words[i].zh);
        count_cell(out, tier->closed);
        rate_cell(out, share);
        rate_cell(out, (struct measure){tier->on_time, tier->closed});
        sbuf_adds(out, "</tr>\n");
        sbuf_init(&note, 0);
        sbuf_addf(&note, "%lld (", (long long)tier->closed);
        bulletin_add_percent(&note, share);
        sbuf_addc(&note, ')');
        bars[count++] =
            (struct svg_bar){tier_words[i].zh, arena_strdup(arena, note.data), tier->closed};
        sbuf_free(&note);
    }
    sbuf_adds(out, "</tbody></table>\n");
    svg_bars(out, "各层级办结 closed per tier", bars, count);
}

static void write_measures(struct sbuf *out, const struct bulletin *b)
{
    heading(out, "考核指标", "Measures");
    sbuf_adds(out, "<table><thead><tr>");
    head_cell(out, "指标", "measure");
    head_cell(out, "比率", "rate, with its counts");
    head_cell(out, "口径", "basis: numerator / denominator");
    sbuf_adds(out, "</tr></thead><tbody>\n");
    for (int i = 0; i < MEASURE_COUNT; i++) {
        sbuf_adds(out, "<tr>");
        text_cell(out, measure_words[i].zh);
        rate_cell(out, b->total[i]);
        sbuf_addf(out, "<td class=\"text\">%s<small>%s</small></td></tr>\n",
                  measure_definitions[i].zh, measure_definitions[i].en);
    }
    sbuf_addf(
        out,
        "</tbody></table>\n<p><small>满意 = 评分不低于 %d 分；“%s”表示分母为 0，既非 0%% "
        "也非 100%%。 Satisfied: a grade of %d or more of 5. None due is 0/0, neither 0 nor 100 "
        "per cent.</small></p>\n",
        b->satisfied_from, BULLETIN_NONE_DUE, b->satisfied_from);
}

static void write_days(struct sbuf *out, const struct bulletin *b, struct arena *arena)
{
    size_t count = b->days.count;
    int64_t *received = arena_alloc(arena, sizeof(*received) * (count + 1));
    int64_t *closed = arena_alloc(arena, sizeof(*closed) * (count + 1));
    const char **labels = arena_alloc(arena, sizeof(*labels) * (count + 1));
    const struct svg_line lines[] = {{"受理 received", received}, {"办结 closed", closed}};

    for (size_t i = 0; i < count; i++) {
        const struct bulletin_row *row = &b->days.list[i];

        received[i] = row->figure[FIGURE_RECEIVED];
        closed[i] = row->figure[FIGURE_CLOSED];
        labels[i] = strlen(row->key) > 5 ? row->key + 5 : row->key; /* month and day */
    }
    heading(out, "每日受理与办结", "Received and closed per day");
    svg_lines(out, "每日受理与办结 received and closed per day", lines, ARRAY_LEN(lines), labels,
              count);
}

/* A table of rows with shares, and their bars. */
static void write_shares(struct sbuf *out, const struct bulletin *b, struct arena *arena,
                         const struct bulletin_rows *rows, size_t most, const char *chart)
{
    size_t count = rows->count < most ? rows->count : most;
    struct svg_bar *bars = arena_alloc(arena, sizeof(*bars) * (count + 1));

    sbuf_adds(out, "<table><thead><tr>");
    head_cell(out, "名称", "name");
    head_cell(out, "受理", "received");
    head_cell(out, "占受理总数", "of all received");
    head_cell(out, "办结", "closed");
    head_cell(out, "占办结总数", "of all closed");
    sbuf_adds(out, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < count; i++) {
        const struct bulletin_row *row = &rows->list[i];

        sbuf_adds(out, "<tr>");
        text_cell(out, row->name);
        count_cell(out, row->figure[FIGURE_RECEIVED]);
        rate_cell(out, (struct measure){row->figure[FIGURE_RECEIVED], b->tiers.received});
        count_cell(out, row->figure[FIGURE_CLOSED]);
        rate_cell(out, (struct measure){row->figure[FIGURE_CLOSED], b->tiers.closed});
        sbuf_adds(out, "</tr>\n");
        bars[i] = (struct svg_bar){
            row->name, arena_printf(arena, "%lld", (long long)row->figure[FIGURE_RECEIVED]),
            row->figure[FIGURE_RECEIVED]};
    }
    sbuf_adds(out, "</tbody></table>\n");
    svg_bars(out, chart, bars, count);
}

/* What the table of units shows of the measures; the CSV has all. */
static const enum measure_kind unit_measures[] = {
    MEASURE_ON_TIME_CLOSING, MEASURE_CLOSING,         MEASURE_ON_TIME_SIGNING, MEASURE_RESPONSE,
    MEASURE_SOLVED_FINAL,    MEASURE_SATISFIED_FINAL, MEASURE_RETURN,          MEASURE_REDO};
static const enum bulletin_figure unit_figures[] = {FIGURE_DISPATCHED, FIGURE_CLOSED,
                                                    FIGURE_IN_HAND, FIGURE_OVERDUE};

static void write_unit_head(struct sbuf *out, const struct bulletin *b)
{
    sbuf_adds(out, "<table class=\"units\"><thead><tr>");
    head_cell(out, "承办单位", "unit");
    for (size_t i = 0; i < ARRAY_LEN(unit_figures); i++)
        head_cell(out, bulletin_figure_words[unit_figures[i]].zh,
                  bulletin_figure_words[unit_figures[i]].en);
    for (size_t i = 0; i < ARRAY_LEN(unit_measures); i++)
        head_cell(out, measure_words[unit_measures[i]].zh, measure_words[unit_measures[i]].en);
    if (b->set) {
        head_cell(out, "总分", "score");
        head_cell(out, "名次", "rank");
    }
    sbuf_adds(out, "</tr></thead><tbody>\n");
}

static void write_unit(struct sbuf *out, const struct bulletin *b, const struct bulletin_unit *unit)
{
    sbuf_adds(out, "<tr>");
    text_cell(out, unit->row.name);
    for (size_t i = 0; i < ARRAY_LEN(unit_figures); i++)
        count_cell(out, unit->row.figure[unit_figures[i]]);
    for (size_t i = 0; i < ARRAY_LEN(unit_measures); i++)
        rate_cell(out, unit->measure[unit_measures[i]]);
    if (b->set && unit->row.key[0]) {
        points_cell(out, unit->score.has_total, unit->score.total_micro);
        if (unit->score.rank)
            count_cell(out, unit->score.rank);
        else
            text_cell(out, "–");
    } else if (b->set) { /* the desk is not compared with units */
        sbuf_adds(out, "<td>–</td><td>–</td>");
    }
    sbuf_adds(out, "</tr>\n");
}

static void write_units(struct sbuf *out, const struct bulletin *b)
{
    sbuf_adds(out, "<div class=\"wide\">\n");
    heading(out, "承办单位", "Units: figures, measures and scores");
    write_unit_head(out, b);
    for (size_t i = 0; i < b->unit_count && i < BULLETIN_MAX_UNITS; i++)
        write_unit(out, b, &b->units[i]);
    sbuf_adds(out, "</tbody></table>\n");
    if (b->unit_count > BULLETIN_MAX_UNITS)
        sbuf_addf(
            out,
            "<p class=\"warn\">仅列前 %d 个单位，其余见 CSV。 The first %d units only; the CSV "
            "has all %zu.</p>\n",
            BULLETIN_MAX_UNITS, BULLETIN_MAX_UNITS, b->unit_count);
    sbuf_adds(out, "</div>\n");
}

static void write_scales(struct sbuf *out, const struct score_set *set)
{
    sbuf_adds(out, "<p>评分标准 scales: ");
    bulletin_add_text(out, set->name);
    sbuf_addf(out, " (%lld)</p>\n<table><thead><tr>", (long long)set->version);
    head_cell(out, "指标", "measure");
    head_cell(out, "满分", "points");
    head_cell(out, "满分线 %", "full at");
    head_cell(out, "每百分点扣分", "lost per percentage point");
    head_cell(out, "扣分方向", "points are lost");
    head_cell(out, "最低分", "floor");
    sbuf_adds(out, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < set->count; i++) {
        const struct score_scale *scale = &set->scales[i];
        const int64_t numbers[] = {scale->points_micro, scale->full_at_micro,
                                   scale->per_point_micro};

        sbuf_adds(out, "<tr>");
        text_cell(out, measure_words[scale->measure].zh);
        for (size_t n = 0; n < ARRAY_LEN(numbers); n++) {
            sbuf_adds(out, "<td>");
            bulletin_add_micro(out, numbers[n]);
            sbuf_adds(out, "</td>");
        }
        text_cell(out, scale->lose == SCORE_BELOW ? "低于 below" : "高于 above");
        sbuf_adds(out, "<td>");
        bulletin_add_micro(out, scale->floor_micro);
        sbuf_adds(out, "</td></tr>\n");
    }
    sbuf_adds(out,
              "</tbody></table>\n<p><small>本期无应办的指标不计分，其余得分按满分折算。 A scale "
              "of which nothing was due is left out and the others are scaled up.</small></p>\n");
}

static void write_ranks(struct sbuf *out, const struct bulletin *b, const char *zh, const char *en,
                        size_t first, size_t count)
{
    sbuf_adds(out, "<table><thead><tr>");
    head_cell(out, zh, en);
    head_cell(out, "名次", "rank");
    head_cell(out, "总分", "score");
    for (size_t s = 0; s < b->set->count; s++)
        head_cell(out, measure_words[b->set->scales[s].measure].zh,
                  measure_words[b->set->scales[s].measure].en);
    sbuf_adds(out, "</tr></thead><tbody>\n");
    for (size_t i = first; i < first + count; i++) {
        const struct bulletin_unit *unit = &b->units[b->order[i]];

        sbuf_adds(out, "<tr>");
        text_cell(out, unit->row.name);
        count_cell(out, unit->score.rank);
        points_cell(out, true, unit->score.total_micro);
        for (size_t s = 0; s < b->set->count; s++)
            rate_cell(out, unit->measure[b->set->scales[s].measure]);
        sbuf_adds(out, "</tr>\n");
    }
    sbuf_adds(out, "</tbody></table>\n");
}

static void write_scores(struct sbuf *out, const struct bulletin *b)
{
    size_t rated = 0;

    heading(out, "评分与排名", "Scores: the best and the worst units");
    if (!b->set) {
        sbuf_adds(out, "<p>本期没有生效的评分标准。 No set of scales was in force.</p>\n");
        return;
    }
    write_scales(out, b->set);
    while (rated < b->ranked && b->units[b->order[rated]].score.rank)
        rated++;
    size_t best = rated < BULLETIN_TOP_RANKS ? rated : BULLETIN_TOP_RANKS;
    size_t worst = rated - best < BULLETIN_TOP_RANKS ? rated - best : BULLETIN_TOP_RANKS;
    write_ranks(out, b, "排名靠前", "the best", 0, best);
    if (worst)
        write_ranks(out, b, "排名靠后", "the worst", rated - worst, worst);
}

static int by_returned(const void *a, const void *b)
{
    const struct bulletin_unit *const *x = a, *const *y = b;
    int64_t nx = (*x)->measure[MEASURE_RETURN].numerator;
    int64_t ny = (*y)->measure[MEASURE_RETURN].numerator;

    if (nx != ny)
        return nx > ny ? -1 : 1;
    return strcmp((*x)->row.key, (*y)->row.key);
}

static void write_returns(struct sbuf *out, const struct bulletin *b, struct arena *arena)
{
    const struct bulletin_unit **list = arena_alloc(arena, sizeof(*list) * (b->unit_count + 1));
    size_t count = 0;

    for (size_t i = 0; i < b->unit_count; i++)
        if (b->units[i].measure[MEASURE_RETURN].numerator)
            list[count++] = &b->units[i];
    qsort(list, count, sizeof(const struct bulletin_unit *), by_returned);
    heading(out, "退单（前 20）", "Returns, the 20 units with most of them");
    sbuf_adds(out, "<table><thead><tr>");
    head_cell(out, "承办单位", "unit");
    head_cell(out, "退单率", "returned / dispatched");
    sbuf_adds(out, "</tr></thead><tbody>\n<tr>");
    text_cell(out, "合计 total");
    rate_cell(out, b->total[MEASURE_RETURN]);
    sbuf_adds(out, "</tr>\n");
    for (size_t i = 0; i < count && i < BULLETIN_TOP_RETURNS; i++) {
        sbuf_adds(out, "<tr>");
        text_cell(out, list[i]->row.name);
        rate_cell(out, list[i]->measure[MEASURE_RETURN]);
        sbuf_adds(out, "</tr>\n");
    }
    sbuf_adds(out, "</tbody></table>\n");
}

void bulletin_write_html(struct sbuf *out, const struct bulletin *b)
{
    struct arena *arena = arena_new();

    write_head(out, b);
    write_figures(out, b);
    write_tiers(out, b, arena);
    write_measures(out, b);
    write_days(out, b, arena);
    heading(out, "诉求类别（前 20）", "Categories, the 20 largest");
    write_shares(out, b, arena, &b->categories, BULLETIN_TOP_CATEGORIES, "类别 categories");
    heading(out, "来源渠道", "Channels");
    write_shares(out, b, arena, &b->channels, CHANNEL_COUNT, "渠道 channels");
    heading(out, "诉求类型", "Kinds");
    write_shares(out, b, arena, &b->kinds, KIND_COUNT, "类型 kinds");
    write_scores(out, b);
    write_returns(out, b, arena);
    write_units(out, b);
    sbuf_adds(out, "</body></html>\n");
    arena_free(&arena);
}
