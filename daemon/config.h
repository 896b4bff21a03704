/*
 * config.h - the city in force: loaded whole, swapped as a snapshot.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "daemon/daemon.h"
#include "proto/json.h"

/*
 * Loads accounts and the city; done once, from the loop. ok = false: database away or a stored city
 * that does not build (the old snapshot stays). No city at all is ok.
 */
void config_load(struct daemon *d, void (*done)(void *ctx, bool ok), void *ctx);
/* Builds a snapshot from a bundle's text. NULL and faults. Versions are set by the caller's spec
 * fields. */
struct city *config_build(const char *text, size_t len, struct arena *arena, struct faults *faults,
                          struct city_faults *city_faults, int64_t rule_set, int64_t sla_set,
                          int64_t calendar_set);

#endif
