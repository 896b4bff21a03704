/*
 * import_report.c - faults of a bundle going out.
 */
#include "daemon/import_report.h"

#include "base/map.h"

static void write_city_fault(struct json_writer *w, const struct city_fault *fault)
{
    int reason = word_find(city_reason_words, CITY_REASON_COUNT, fault->reason);

    jw_object(w, NULL);
    jw_string(w, "field", fault->field);
    jw_string(w, "reason", fault->reason);
    if (fault->detail[0])
        jw_string(w, "detail", fault->detail);
    if (reason >= 0) {
        jw_string(w, "zh", city_reason_words[reason].zh);
        jw_string(w, "en", city_reason_words[reason].en);
    }
    jw_object_end(w);
}

static void write_city_faults(struct json_writer *w, const struct city_faults *faults,
                              enum city_severity severity)
{
    for (size_t i = 0; faults && i < faults->count; i++) {
        if (faults->list[i].severity == severity)
            write_city_fault(w, &faults->list[i]);
    }
}

size_t import_report_error_count(const struct import_report *report)
{
    return (report->form ? report->form->count : 0) + (report->city ? report->city->errors : 0);
}

void import_report_write_errors(struct json_writer *w, const struct import_report *report)
{
    jw_array(w, "errors");
    for (size_t i = 0; report->form && i < report->form->count; i++) {
        jw_object(w, NULL);
        jw_string(w, "field", report->form->list[i].field);
        jw_string(w, "reason", report->form->list[i].reason);
        jw_object_end(w);
    }
    write_city_faults(w, report->city, CITY_ERROR);
    jw_array_end(w);
    jw_int(w, "error_count", (int64_t)import_report_error_count(report));
}

void import_report_write_warnings(struct json_writer *w, const struct import_report *report)
{
    jw_array(w, "warnings");
    write_city_faults(w, report->city, CITY_WARNING);
    jw_array_end(w);
    jw_int(w, "warning_count", report->city ? (int64_t)report->city->warnings : 0);
}

void import_check_devices(const struct json_value *bundle, const struct city *city,
                          struct faults *faults)
{
    const struct json_value *devices = json_get(bundle, "devices");
    static int seen_mark;
    struct map *seen = map_new();

    for (size_t i = 0; i < json_array_length(devices); i++) {
        const char *id = json_string(json_get(json_at(devices, i), "id"), NULL);
        const char *region = json_string(json_get(json_at(devices, i), "region"), NULL);
        if (!id || !region)
            continue; /* a fault of form: already told */
        if (map_puts(seen, id, &seen_mark))
            faults_add(faults, arena_printf(faults->arena, "devices[%zu].id", i), "duplicate");
        if (city_find_region(city, region) < 0)
            faults_add(faults, arena_printf(faults->arena, "devices[%zu].region", i), "not_found");
    }
    map_free(&seen);
}
