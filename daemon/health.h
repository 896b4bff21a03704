/*
 * health.h - is it alive, can it acknowledge durably, how is it.
 */
#ifndef DAEMON_HEALTH_H
#define DAEMON_HEALTH_H

#include "daemon/request.h"

void health_get(struct request *r);  /* GET /healthz: the loop turns */
void ready_get(struct request *r);   /* GET /readyz: 200 only if a ticket would be stored now */
void metrics_get(struct request *r); /* GET /metrics: Prometheus text */

#endif
