/*
 * queue_json.c - queue items going out.
 */
#include "proto/queue_json.h"

#include "hotline/ticket_number.h"
#include "proto/ticket_json.h"

static void write_requester(struct json_writer *w, const struct queue_entry *e)
{
    char masked[PHONE_SIZE];

    jw_object(w, "requester");
    jw_bool(w, "anonymous", e->is_anonymous);
    jw_bool(w, "confidential", e->is_confidential);
    if (e->sees_identity) {
        if (e->phone)
            phone_mask(e->phone, masked);
        jw_string(w, "name", e->name);
        jw_string(w, "phone", e->phone ? masked : NULL);
    }
    jw_object_end(w);
}

static void write_ticket(struct json_writer *w, const struct queue_entry *e,
                         const struct city *city)
{
    int category = city_find_category(city, e->category);
    int region = e->region ? city_find_region(city, e->region) : -1;
    char number[TICKET_NUMBER_SIZE];

    ticket_number_format(e->number, number);
    jw_object(w, "ticket");
    jw_string(w, "number", number);
    jw_string(w, "state", e->ticket_state);
    jw_int(w, "version", e->version);
    jw_string(w, "title", e->title);
    jw_string(w, "text", e->text);
    jw_string(w, "kind", e->kind);
    jw_string(w, "urgency", e->urgency);
    jw_string(w, "category", e->category);
    jw_string(w, "category_name", category < 0 ? NULL : city_category(city, category)->name);
    jw_string(w, "region", e->region);
    jw_string(w, "region_name", region < 0 ? NULL : city_region(city, region)->name);
    jw_string(w, "address", e->address);
    jw_instant(w, "received_at", e->received_us, city_offset_min(city));
    write_requester(w, e);
    jw_object_end(w);
}

void queue_json_write(struct json_writer *w, const struct queue_entry *e, const struct city *city)
{
    char id[ASSIGNMENT_ID_SIZE];

    assignment_id_format(e->number, e->ordinal, id);
    jw_object(w, NULL);
    jw_string(w, "assignment", id);
    jw_string(w, "state", e->state);
    jw_string(w, "role", e->role);
    jw_int(w, "round", e->round);
    jw_instant(w, "due_at", e->due_us, city_offset_min(city));
    jw_int(w, "deliveries", e->deliveries);
    if (e->lease) {
        jw_string(w, "lease", e->lease);
        jw_instant(w, "lease_until", e->lease_until_us, city_offset_min(city));
    }
    write_ticket(w, e, city);
    jw_object_end(w);
}
