/*
 * city_folder.h - for tests: folders with a city's CSV files, and cities built from them.
 */
#ifndef TEST_CITY_FOLDER_H
#define TEST_CITY_FOLDER_H

#include "base/alloc.h"
#include "base/sbuf.h"
#include "hotline/city.h"
#include "proto/city_json.h"

/* A new empty folder; the caller frees the path after folder_remove(). */
char *folder_make(void);
void folder_write(const char *folder, const char *file, const char *text, size_t len);
/* Removes the folder and the files in it. */
void folder_remove(const char *folder);
/* The smallest city that is complete, as files. */
void folder_write_small_city(const char *folder);

struct loaded_city {
    struct arena *arena;
    struct sbuf json;
    struct city_bundle bundle;
    struct city_faults *faults;
    struct city *city;
};
/* Reads folders, decodes and builds; fails the test on any error. */
void loaded_city_open(struct loaded_city *c, const char *const *folders, size_t count);
void loaded_city_close(struct loaded_city *c);

#endif
