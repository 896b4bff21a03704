/*
 * places.c - regions from the words of an address: an operator is shown all that may be meant, a
 * ticket without a region takes the certain one.
 */
#include "daemon/places.h"

#include <string.h>

#include "base/utf8.h"
#include "proto/place_json.h"
#include "proto/ticket_json.h"

_Static_assert(TICKET_ADDRESS_MAX <= PLACE_TEXT_MAX, "an address is read to its end");

static const char *read_words(struct request *r)
{
    const char *q = query_get(&r->query, "q");

    if (!q)
        faults_add(&r->faults, "q", "required");
    else if (!*q)
        faults_add(&r->faults, "q", "too_short");
    else if (utf8_length(q, strlen(q)) > TICKET_ADDRESS_MAX)
        faults_add(&r->faults, "q", "too_long");
    return q;
}

void places_get(struct request *r)
{
    const char *words = read_words(r);
    struct place_result result;
    struct json_writer w;
    struct sbuf out;

    if (!request_query_ok(r))
        return;
    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return;
    }
    place_find(r->d->city, words, strlen(words), &result);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    place_json_write(&w, "items", r->d->city, words, &result);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

const char *places_certain(const struct city *city, const char *address)
{
    int region = address ? place_certain(city, address, strlen(address)) : -1;

    return region < 0 ? NULL : city_region(city, region)->code;
}
