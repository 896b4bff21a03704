/*
 * revive.h - the private cluster is ours to keep alive: if its server is killed it is started
 * again.
 *
 * Starting takes seconds, so a child process does it; the loop goes on answering (503 with
 * Retry-After) meanwhile.
 */
#ifndef DAEMON_REVIVE_H
#define DAEMON_REVIVE_H

struct event_base;
struct pg_cluster;
struct revive;

/* cluster NULL (a database of one's own): nothing is ever done. The cluster must outlive it. */
struct revive *revive_new(struct event_base *base, const struct pg_cluster *cluster);
/* Ends a child that is still at it. */
void revive_free(struct revive **revive);
/* The last connection went / the first one is back. */
void revive_down(struct revive *revive);
void revive_up(struct revive *revive);
void revive_register_metrics(void);

#endif
