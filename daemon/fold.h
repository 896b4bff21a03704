/*
 * fold.h - the background fold of the count: differences become sums by day (DOMAIN 5).
 *
 * Reports are exact with any amount folded; folding only keeps them fast. So it may be late, stop
 * and fail without anybody seeing another figure. Several daemons on one database take turns.
 */
#ifndef DAEMON_FOLD_H
#define DAEMON_FOLD_H

#include "daemon/daemon.h"

struct fold *fold_new(struct daemon *d);
/* Begins: at once, then every minute, and without a pause while there is more than one batch. */
void fold_start(struct fold *fold);
void fold_free(struct fold **fold);
void fold_register_metrics(void);

#endif
