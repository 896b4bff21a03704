/*
 * place.h - a place from words: 澄江街道文定社区3幢 -> the region that is meant.
 *
 * One pass over the text finds every name of every region (an automaton over all names, see
 * place_private.h); of names that overlap the longest stands. What is left is read along the tree.
 * Pure and exact: the same text and tree give the same answer, byte for byte.
 *
 * Names of a region
 *   FULL   the official name: 文定社区居委会, 澄江街道
 *   SHORT  what people write for it, the word for its kind kept: 文定社区, 文定居委会, 君山村,
 *          澄江街道办; 华西1村 for 华西一村
 *   GIVEN  an alias of the city's configuration: 高新区
 *   LOCAL  a grid within its village: 第1网格, 一网格, 01网格; counts only if the village is named
 *   STEM   without the word for its kind: 文定, 澄江; two characters at least, no bare number
 *   WEAK   a STEM within a longer word (花园 in 花园路, 花园小学), one that is a street itself
 *          (西大街), or glued (below); a SHORT before 路 街 巷 弄: perhaps the place, perhaps
 *          something else that is called so
 *
 * Score of a region that the text names, 0..100:
 *
 *   its own best name   FULL 85, SHORT GIVEN LOCAL 80, STEM 55, WEAK 35: the official name cannot
 *                       be anything else, the others with growing likelihood can
 *   +10 / +5            a region above it is named too (+5 if only by STEM): that is how addresses
 *                       are written, and it excludes namesakes
 *   +5                  the city is named
 *   -5                  the region above stands behind it: 文定社区, 澄江街道 is no address order
 *   -25                 glued: a character that ends no known place stands right before the name,
 *                       so that it may be the end of another one (桃花园村)
 *   -45                 foreign: an unknown 市 县 区 镇 乡 街道 省 stands right before the name or
 *                       before what is named above it: 靖江市滨江社区
 *   -45 for each        FULL SHORT GIVEN name of a place that is neither above nor below it: town A
 *                       with a village of town B. A STEM of such a place costs 20 if it stands
 *                       before the name or belongs to a higher level; after it, it is a detail
 *                       (文定社区芙蓉花园). WEAK names cost nothing.
 *
 * The city itself is never a candidate: its name places nothing within it. Neither is a region of
 * the same name right below it (嘉峪关市 as the only county of 嘉峪关市). A region above another
 * candidate that scores as well is left out: the deeper one says it all.
 *
 * `certain`, what a machine may take without asking: the best one, with PLACE_CERTAIN points or
 * more, not contradicted, not foreign, and none that is neither above nor below it within
 * PLACE_MARGIN points. So a unique SHORT name alone is enough (80), a STEM never is (70 at most),
 * a glued name never is (75 at most), and a doubled name needs the one above it.
 *
 * Bounds: the first PLACE_TEXT_MAX characters are read. Not UTF-8 counts as a mark, which ends a
 * name. Blanks are skipped but between Latin words and numbers, fullwidth forms are read as plain
 * ones.
 */
#ifndef HOTLINE_PLACE_H
#define HOTLINE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hotline/city.h"

#define PLACE_TEXT_MAX 300 /* characters; as long as an address may be */
#define PLACE_CERTAIN 80
#define PLACE_MARGIN 10
#define PLACE_OFFERED 20 /* less is not worth an operator's look */
#define PLACE_MAX_CANDIDATES 8

/* Bytes of the text as it was given: [from, to). */
struct place_span {
    uint32_t from, to;
};

struct place_candidate {
    int region;      /* index */
    int score;       /* 0..100 */
    bool is_certain; /* of the first one only */
    size_t span_count;
    struct place_span spans[CITY_MAX_DEPTH]; /* the names that speak for it, in the text's order */
};

struct place_result {
    size_t count;
    /* By score, then the higher region, then the order of the tree. */
    struct place_candidate list[PLACE_MAX_CANDIDATES];
};

void place_find(const struct city *city, const char *text, size_t len,
                struct place_result *result_r);
/* The region a machine may take, -1 if there is none. */
int place_certain(const struct city *city, const char *text, size_t len);

#endif
