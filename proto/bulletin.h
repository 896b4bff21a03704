/*
 * bulletin.h - the monthly bulletin (DOMAIN 5) as CSV and as a printable HTML page. Pure: what is
 * collected elsewhere is written, nothing is looked up.
 *
 * Every rate is given with its counts; 0/0 is written as BULLETIN_NONE_DUE, in no case as 0 or 100
 * per cent. Texts of the city (names of units, categories) are data: they are escaped, and in CSV
 * kept from being taken for formulas.
 */
#ifndef PROTO_BULLETIN_H
#define PROTO_BULLETIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sbuf.h"
#include "hotline/score.h"
#include "proto/report_json.h"

#define BULLETIN_NONE_DUE "无 none due"
/* Rows of the HTML tables at most; the CSV has all of them. */
#define BULLETIN_TOP_CATEGORIES 20
#define BULLETIN_TOP_RETURNS 20
#define BULLETIN_TOP_RANKS 5
#define BULLETIN_MAX_UNITS 2000
/* Bytes of a bulletin at most: more than 20,000 units with figures in a month. */
#define BULLETIN_MAX_BYTES ((size_t)128 << 20)

enum bulletin_figure {
    FIGURE_RECEIVED,
    FIGURE_DESK,
    FIGURE_DISPATCHED,
    FIGURE_CLOSED,
    FIGURE_ON_TIME,
    FIGURE_IN_HAND,
    FIGURE_OVERDUE,
    FIGURE_CARRIED_OVER,
    FIGURE_COUNT
};
extern const struct word bulletin_figure_words[FIGURE_COUNT];

/* Figures of a day, a channel, a kind, a category or a unit. */
struct bulletin_row {
    const char *key, *name;
    int64_t figure[FIGURE_COUNT];
};
struct bulletin_rows {
    struct bulletin_row *list;
    size_t count;
};

struct bulletin_unit {
    struct bulletin_row row; /* key "": the desk */
    struct measure measure[MEASURE_COUNT];
    struct score_row score; /* if there is a set */
};

struct bulletin {
    const char *city, *month; /* 江阴市, "2026-02" */
    bool is_provisional;      /* the month is not over: counted up to basis.as_of_us */
    struct report_basis basis;
    int satisfied_from;
    struct tiers_report tiers;
    struct measure total[MEASURE_COUNT];
    struct bulletin_rows days;                        /* every day of the month up to as_of */
    struct bulletin_rows channels, kinds, categories; /* the largest first */
    struct bulletin_unit *units;                      /* by key */
    size_t unit_count;
    const struct score_set *set; /* NULL: none was in force */
    const size_t *order;         /* units as score_rank() gives them, if there is a set */
    size_t ranked;               /* of these, units with a rank come first */
};

/* The eight figures of the whole month. */
void bulletin_figures(const struct bulletin *b, int64_t figure_r[FIGURE_COUNT]);

/*
 * RFC 4180 in UTF-8 with a byte order mark, one table of the columns
 *   section,key,name,figure,label,count,numerator,denominator,rate,points
 * so that every row says what it is; rate has four decimals, points up to six.
 */
void bulletin_write_csv(struct sbuf *out, const struct bulletin *b);
/* One well-formed page without scripts and without anything to load. */
void bulletin_write_html(struct sbuf *out, const struct bulletin *b);

/* ---- shared by the writers ---------------------------------------------------------------------
 */

/* Up to six decimals, none that say nothing: 12.5, 20. */
void bulletin_add_micro(struct sbuf *out, int64_t micro);
/* "82.80%", or BULLETIN_NONE_DUE. */
void bulletin_add_percent(struct sbuf *out, struct measure m);
/* Text of a page: escaped, without what XML does not allow. */
void bulletin_add_text(struct sbuf *out, const char *s);

#endif
