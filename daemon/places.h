/*
 * places.h - regions from the words of an address (hotline/place.h).
 */
#ifndef DAEMON_PLACES_H
#define DAEMON_PLACES_H

#include "daemon/request.h"

void places_get(struct request *r); /* GET /v1/places?q= */

/* The code of the region that a machine may take from an address; NULL if there is no address or
 * no certain place in it. Valid as long as the city. */
const char *places_certain(const struct city *city, const char *address);

#endif
