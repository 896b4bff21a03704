/*
 * config.h - the city in force: loaded whole, swapped as a snapshot.
 *
 * A change that is planned for an instant is loaded and built ahead (struct config_next). It takes
 * effect in memory when the daemon's clock reaches the instant; activation.c then has the database
 * note it.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "daemon/daemon.h"
#include "proto/city_json.h"

/* What a bundle does not say. All zeroes: not stored yet. */
struct config_versions {
    int64_t rule_set, sla_set, calendar_set;
    const struct sla_set_spec *older;
    size_t older_count;
};

/*
 * Loads accounts, the city and what is planned next; done once, from the loop. ok = false: database
 * away or a stored city that does not build (the old snapshot stays). No city at all is ok.
 */
void config_load(struct daemon *d, void (*done)(void *ctx, bool ok), void *ctx);
/* Builds a snapshot from a bundle's text. NULL and faults. */
struct city *config_build(const char *text, size_t len, const struct config_versions *versions,
                          struct arena *arena, struct faults *faults,
                          struct city_faults *city_faults);
/*
 * The city in force, but with this body of a draft (city_json_decode_part) in the place of one
 * part. NULL and faults, whose paths are those of the body. There has to be a city.
 */
struct city *config_build_draft(const struct daemon *d, enum city_part part,
                                const struct json_value *body, struct arena *arena,
                                struct city_part_head *head_r, struct faults *faults,
                                struct city_faults *city_faults);
/* Of what is decided at now_us: puts in force what was planned for then. */
void config_advance(struct daemon *d, int64_t now_us);
/* What is planned is forgotten; for the end of the process. */
void config_next_clear(struct config_next *next);

#endif
