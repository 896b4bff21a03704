/*
 * bulletin_svg.c - bars and lines.
 */
#include "proto/bulletin_svg.h"

#include <string.h>

#include "base/attr.h"
#include "proto/bulletin.h"

/* Everything in units of the viewBox; the page scales it. */
#define WIDTH 720
#define BAR_LEFT 170
#define BAR_ROOM 400
#define BAR_STEP 22
#define BAR_HEIGHT 14
#define LABEL_MAX 12 /* characters of a label, wide ones */

#define LINE_LEFT 50
#define LINE_ROOM 650
#define LINE_TOP 30
#define LINE_HEIGHT 160
#define LINE_BOTTOM (LINE_TOP + LINE_HEIGHT)
#define LINE_TOTAL (LINE_BOTTOM + 30)

static const char *const colours[SVG_MAX_LINES] = {"#1f4e8c", "#c0504d", "#4f8a3c"};
static const char *const dashes[SVG_MAX_LINES] = {"none", "6 3", "2 2"};

static void begin(struct sbuf *out, const char *title, int height)
{
    sbuf_addf(out,
              "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 %d %d\" "
              "width=\"%d\" height=\"%d\">\n<title>",
              WIDTH, height, WIDTH, height);
    bulletin_add_text(out, title);
    sbuf_adds(out, "</title>\n");
}

/* Length of `value` where `most` is as long as `room`, in tenths; never more. */
static int64_t scaled(int64_t value, int64_t most, int64_t room)
{
    if (value <= 0 || most <= 0)
        return 0;
    if (most > INT64_MAX / (10 * room)) /* out of reach of any count, but never overflow */
        return value / (most / (10 * room) + 1);
    return value * room * 10 / most;
}

static void add_tenths(struct sbuf *out, int64_t tenths)
{
    sbuf_addf(out, "%lld.%lld", (long long)(tenths / 10), (long long)(tenths % 10));
}

/* The first characters of a label, "…" behind them if that is not all. */
static void add_label(struct sbuf *out, const char *label)
{
    char cut[LABEL_MAX * 4 + 4];
    size_t len = 0, characters = 0;

    while (label[len] && characters < LABEL_MAX && len < sizeof(cut) - 4) {
        len++;
        while (((unsigned char)label[len] & 0xc0) == 0x80 && len < sizeof(cut) - 4)
            len++;
        characters++;
    }
    memcpy(cut, label, len);
    cut[len] = '\0';
    bulletin_add_text(out, cut);
    if (label[len])
        sbuf_adds(out, "…");
}

void svg_bars(struct sbuf *out, const char *title, const struct svg_bar *bars, size_t count)
{
    int64_t most = 0;

    for (size_t i = 0; i < count; i++)
        most = bars[i].value > most ? bars[i].value : most;
    begin(out, title, (int)count * BAR_STEP + 8);
    for (size_t i = 0; i < count; i++) {
        int y = (int)i * BAR_STEP + 4;
        int64_t length = scaled(bars[i].value, most, BAR_ROOM);

        sbuf_addf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", BAR_LEFT - 8, y + 12);
        add_label(out, bars[i].label);
        sbuf_addf(out, "</text><rect x=\"%d\" y=\"%d\" width=\"", BAR_LEFT, y);
        add_tenths(out, length);
        sbuf_addf(out, "\" height=\"%d\" fill=\"%s\"/><text x=\"", BAR_HEIGHT, colours[0]);
        add_tenths(out, BAR_LEFT * 10 + length + 60);
        sbuf_addf(out, "\" y=\"%d\">", y + 12);
        bulletin_add_text(out, bars[i].note);
        sbuf_adds(out, "</text>\n");
    }
    sbuf_adds(out, "</svg>\n");
}

/* ---- lines --------------------------------------------------------------------------------------
 */

static int64_t point_x(size_t index, size_t points)
{
    return LINE_LEFT * 10 +
           (points > 1 ? (int64_t)index * LINE_ROOM * 10 / (int64_t)(points - 1) : 0);
}

static void add_axes(struct sbuf *out, int64_t most, const char *const *labels, size_t points)
{
    size_t every = points / 10 + 1;

    sbuf_addf(out,
              "<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"#666\"/>"
              "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%lld</text>"
              "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>\n",
              LINE_LEFT, LINE_TOP, LINE_BOTTOM, LINE_LEFT + LINE_ROOM, LINE_LEFT - 6, LINE_TOP + 4,
              (long long)most, LINE_LEFT - 6, LINE_BOTTOM + 4);
    for (size_t i = 0; i < points; i += every) {
        sbuf_adds(out, "<text x=\"");
        add_tenths(out, point_x(i, points));
        sbuf_addf(out, "\" y=\"%d\" text-anchor=\"middle\">", LINE_BOTTOM + 18);
        bulletin_add_text(out, labels[i]);
        sbuf_adds(out, "</text>\n");
    }
}

static void add_line(struct sbuf *out, const struct svg_line *line, size_t index, int64_t most,
                     size_t points)
{
    int x = LINE_LEFT + 10 + (int)index * 220;

    sbuf_addf(out,
              "<path d=\"M%d 12H%d\" stroke=\"%s\" stroke-width=\"2\" stroke-dasharray=\"%s\"/>"
              "<text x=\"%d\" y=\"16\">",
              x, x + 30, colours[index], dashes[index], x + 36);
    bulletin_add_text(out, line->name);
    sbuf_addf(out,
              "</text>\n<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" "
              "stroke-dasharray=\"%s\" points=\"",
              colours[index], dashes[index]);
    for (size_t i = 0; i < points; i++) {
        if (i)
            sbuf_addc(out, ' ');
        add_tenths(out, point_x(i, points));
        sbuf_addc(out, ',');
        add_tenths(out, LINE_BOTTOM * 10 - scaled(line->values[i], most, LINE_HEIGHT));
    }
    sbuf_adds(out, "\"/>\n");
}

void svg_lines(struct sbuf *out, const char *title, const struct svg_line *lines, size_t count,
               const char *const *labels, size_t points)
{
    int64_t most = 1;

    INVARIANT(count <= SVG_MAX_LINES);
    for (size_t l = 0; l < count; l++)
        for (size_t i = 0; i < points; i++)
            most = lines[l].values[i] > most ? lines[l].values[i] : most;
    begin(out, title, LINE_TOTAL);
    add_axes(out, most, labels, points);
    for (size_t l = 0; l < count; l++)
        add_line(out, &lines[l], l, most, points);
    sbuf_adds(out, "</svg>\n");
}
