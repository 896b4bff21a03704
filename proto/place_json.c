#include "proto/place_json.h"

static void write_path(struct json_writer *w, const struct city *city, int region)
{
    int path[CITY_MAX_DEPTH];
    size_t length = city_region_path(city, region, path);

    jw_array(w, "path");
    for (size_t i = 0; i < length; i++) {
        jw_object(w, NULL);
        jw_string(w, "code", city_region(city, path[i])->code);
        jw_string(w, "name", city_region(city, path[i])->name);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void write_candidate(struct json_writer *w, const struct city *city, const char *text,
                            const struct place_candidate *c)
{
    const struct region *region = city_region(city, c->region);

    jw_object(w, NULL);
    jw_string(w, "region", region->code);
    jw_string(w, "name", region->name);
    jw_string(w, "level", tier_words[region->level].code);
    write_path(w, city, c->region);
    jw_int(w, "score", c->score);
    jw_bool(w, "certain", c->is_certain);
    jw_array(w, "matched");
    for (size_t i = 0; i < c->span_count; i++)
        jw_string_n(w, NULL, text + c->spans[i].from, c->spans[i].to - c->spans[i].from);
    jw_array_end(w);
    jw_object_end(w);
}

void place_json_write(struct json_writer *w, const char *key, const struct city *city,
                      const char *text, const struct place_result *result)
{
    jw_array(w, key);
    for (size_t i = 0; i < result->count; i++)
        write_candidate(w, city, text, &result->list[i]);
    jw_array_end(w);
}
