"""Working days once more, written from DOMAIN 4 alone and in the plainest way: a loop over days.

Only for tests: an independent opinion against which the daemon's figures are held.
"""
import csv
import datetime as dt

ZONE = dt.timezone(dt.timedelta(hours=8))
OPEN = ((dt.time(8, 30), dt.time(12)), (dt.time(14), dt.time(17, 30)))
CLOSE = dt.time(17, 30)


class Calendar:
    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.listed = {row["date"]: row["kind"] for row in csv.DictReader(f)}

    def works(self, day):
        kind = self.listed.get(day.isoformat())
        return kind == "work" if kind else day.weekday() < 5

    def add_working_days(self, start, count):
        day = start.astimezone(ZONE).date()
        while count:
            day += dt.timedelta(days=1)
            count -= self.works(day)
        return dt.datetime.combine(day, CLOSE, ZONE)

    def add_working_minutes(self, start, minutes):
        at, left = start.astimezone(ZONE), dt.timedelta(minutes=minutes)
        day = at.date()
        while True:
            for opens, closes in OPEN if self.works(day) else ():
                opens = max(at, dt.datetime.combine(day, opens, ZONE))
                closes = dt.datetime.combine(day, closes, ZONE)
                if opens < closes and left <= closes - opens:
                    return opens + left
                left -= max(closes - opens, dt.timedelta())
            day += dt.timedelta(days=1)

    def due(self, start, amount, unit):
        if unit == "working_days":
            return self.add_working_days(start, amount)
        if unit == "working_minutes":
            return self.add_working_minutes(start, amount)
        if unit == "minutes":
            return start + dt.timedelta(minutes=amount)
        return dt.datetime.combine(start.astimezone(ZONE).date() + dt.timedelta(days=amount), CLOSE, ZONE)
