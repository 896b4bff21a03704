/*
 * bulletin_svg.h - charts of the bulletin as inline SVG: no script, no style sheet of its own,
 * legible in black and white. All coordinates are integers or tenths computed in integers.
 */
#ifndef PROTO_BULLETIN_SVG_H
#define PROTO_BULLETIN_SVG_H

#include <stddef.h>
#include <stdint.h>

#include "base/sbuf.h"

struct svg_bar {
    const char *label, *note; /* note: behind the bar, "1234 (12.50%)" */
    int64_t value;            /* below 0 is drawn as nothing */
};
/* Bars from the left, one below the other, the largest as long as there is room. */
void svg_bars(struct sbuf *out, const char *title, const struct svg_bar *bars, size_t count);

/* Several lines over the same points, told apart by their dashes. */
struct svg_line {
    const char *name;
    const int64_t *values; /* as many as there are labels; below 0 is drawn at 0 */
};
#define SVG_MAX_LINES 3
void svg_lines(struct sbuf *out, const char *title, const struct svg_line *lines, size_t count,
               const char *const *labels, size_t points);

#endif
