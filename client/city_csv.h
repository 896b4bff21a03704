/*
 * city_csv.h - a city's configuration as a folder of CSV files, to and from the JSON bundle
 * (proto/city_json.h).
 *
 *   city.csv           key,value: code name utc_offset_minutes tiers rule_set sla_set
 *   regions.csv        code,name,level,parent,aliases
 *   units.csv          code,name,tier,kind,parent,duties,regions
 *   categories.csv     code,name,parent
 *   rules.csv          code,category,region,kind,channel,urgency,keyword,
 *                      window_weekdays,window_from,window_to,unit,over_tier,over_duty,
 *                      co_units,set_kind,set_urgency,sla
 *   sla.csv            policy,clock,kind,urgency,redo,limit,unit,start,stop,pausable,
 *                      warn_percent,warn_to,breach_to,steps
 *   calendar.csv       calendar,key,value: region utc_offset_minutes mon tue wed thu fri
 *                      sat sun work day_close published_years
 *   calendar_days.csv  calendar,date,kind,name,open
 *   devices.csv        id,name,region,address
 *
 * warn_to and breach_to: unit, desk, supervisor. steps: who hears of it later, 1wd+1;5wd+2 = one
 * working day after the deadline one unit up, after five two; units are min, wmin, wd and cd.
 *
 * Columns may stand in any order; those that are not required may be left out, and an empty cell is
 * an absent value. Lists are separated by ';'. calendar_days.csv and devices.csv may be missing.
 *
 * Overlays: several folders read as one city. A row of a later folder replaces the row with the
 * same key or is added; a later folder holds only the files it changes. So a tier of grids is
 * switched on by a folder that adds regions and units and sets `tiers` in its city.csv.
 */
#ifndef CLIENT_CITY_CSV_H
#define CLIENT_CITY_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/sbuf.h"
#include "proto/city_json.h"

/* Appends the bundle's text to json. False: messages "file:line:column: what", one a line, in
 * errors. */
MUST_CHECK bool city_csv_read(const char *const *folders, size_t folder_count, struct sbuf *json,
                              struct sbuf *errors);

/*
 * One part alone, as the body of a draft (city_json_decode_part). path: a folder with the part's
 * files, or for rules and policies the one file.
 */
MUST_CHECK bool city_csv_read_part(enum city_part part, const char *path, const char *name,
                                   struct sbuf *json, struct sbuf *errors);

/* Writes the nine files into the folder, which is made if it does not exist; files there are
 * replaced. */
MUST_CHECK bool city_csv_write(const char *json, size_t len, const char *folder,
                               struct sbuf *errors);

#endif
