#include "city_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/city_csv.h"

char *folder_make(void)
{
    const char *base = getenv("TMPDIR");
    char *path = xasprintf("%s/hotline-city-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(path));
    return path;
}

void folder_write(const char *folder, const char *file, const char *text, size_t len)
{
    char *path = xasprintf("%s/%s", folder, file);
    FILE *stream = fopen(path, "wbe");
    assert_non_null(stream);
    assert_int_equal(fwrite(text, 1, len, stream), len);
    assert_int_equal(fclose(stream), 0);
    free(path);
}

void folder_remove(const char *folder)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char *path = xasprintf("%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            assert_int_equal(unlink(path), 0);
        free(path);
    }
    closedir(dir);
    assert_int_equal(rmdir(folder), 0);
}

void folder_write_small_city(const char *folder)
{
    static const struct {
        const char *file, *text;
    } files[] = {
        {"city.csv", "key,value\ncode,320281\nname,江阴市\ntiers,village;town;city\n"
                     "rule_set,r-1\nsla_set,s-1\n"},
        {"regions.csv", "code,name,level,parent\n320281000000,江阴市,city,\n"
                        "320281001000,澄江街道,town,320281000000\n"},
        {"units.csv", "code,name,tier,kind,parent,duties,regions\n"
                      "U1,城市管理局,city,department,,general,320281000000\n"
                      "U2,澄江街道,town,town,U1,general; urban,320281001000\n"},
        {"categories.csv", "code,name,parent\n01,城乡建设,\n0101,安全生产,01\n"},
        {"rules.csv", "code,category,window_weekdays,window_from,window_to,unit,over_tier\n"
                      "R1,01,,,,U1,\nR2,0101,6;7,22:00,06:00,,town\n"},
        {"sla.csv", "policy,clock,redo,limit,unit,start,stop,pausable,warn_to,breach_to,steps\n"
                    "default,resolve,,2,working_days,received,reported,true,unit,unit;supervisor,"
                    "1wd+1;5wd+2\n"},
        {"calendar.csv", "calendar,key,value\ncn,mon,08:30-12:00;14:00-17:30\ncn,sun,\n"
                         "cn,work,08:30-12:00\ncn,published_years,2025;2026\n"},
        {"calendar_days.csv", "calendar,date,kind,name,open\ncn,2026-02-16,off,春节,\n"
                              "cn,2026-02-24,custom,,09:00-12:00\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        folder_write(folder, files[i].file, files[i].text, strlen(files[i].text));
}

void loaded_city_open(struct loaded_city *c, const char *const *folders, size_t count)
{
    struct sbuf errors;
    struct faults faults;
    sbuf_init(&errors, 0);
    sbuf_init(&c->json, 0);
    c->arena = arena_new();
    if (!city_csv_read(folders, count, &c->json, &errors))
        fail_msg("%s", errors.data);
    assert_int_equal(errors.len, 0);
    sbuf_free(&errors);

    faults_init(&faults, c->arena);
    struct json_doc *doc = json_parse(c->json.data, c->json.len, &faults);
    assert_non_null(doc);
    assert_true(city_json_decode(json_root(doc), c->arena, &c->bundle, &faults));
    json_doc_free(&doc);

    c->faults = arena_alloc(c->arena, sizeof(*c->faults));
    c->city = city_build(&c->bundle.spec, c->faults);
    for (size_t i = 0; i < c->faults->count; i++)
        print_message("%s: %s %s (%s)\n", folders[0], c->faults->list[i].field,
                      c->faults->list[i].reason, c->faults->list[i].detail);
    assert_int_equal(c->faults->errors, 0);
    assert_non_null(c->city);
}

void loaded_city_close(struct loaded_city *c)
{
    city_unref(&c->city);
    sbuf_free(&c->json);
    arena_free(&c->arena);
}
