// Asks the npm package chinese-days, which has its own list and its own arithmetic, for deadlines, and
// compares them with the calendar's.
//
// node oracle.mjs FOLDER_OF_NODE_MODULES DRIVER DAYS_FILE [CASES] [SEED]
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const [folder, driver, daysFile, caseText = '24000', seedText = '20260213'] = process.argv.slice(2);
const chineseDays = createRequire(resolve(folder, 'package.json'))('chinese-days');

const MINUTE = 60_000_000; // microseconds; all of them stay below 2^53
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const OFFSET = 8 * HOUR;
const HOURS = [[8.5 * HOUR, 12 * HOUR], [14 * HOUR, 17.5 * HOUR]];
const CLOSE = 17.5 * HOUR;
const FIRST = Date.UTC(2017, 0, 1) * 1000; // as local time
const LAST_START = Date.UTC(2026, 7, 31) * 1000; // 60 working days later it is still 2026

// xorshift32 on the seed: the same cases on every machine
let random = Number(seedText) >>> 0 || 1;
function below(limit) {
  random ^= random << 13;
  random ^= random >>> 17;
  random ^= random << 5;
  return ((random >>> 0) / 2 ** 32) * limit;
}
const between = (low, high) => low + Math.floor(below(high - low + 1));

const dateText = (local) => new Date(local / 1000).toISOString().slice(0, 10);
const localMidnight = (date) => Date.parse(`${date}T00:00:00Z`) * 1000;

function instantText(local) {
  const micros = local % 1_000_000;
  const fraction = micros ? `.${String(micros).padStart(6, '0')}` : '';
  return `${new Date((local - micros) / 1000).toISOString().slice(0, 19)}${fraction}+08:00`;
}

const known = new Map();
function works(date) {
  if (!known.has(date)) known.set(date, chineseDays.isWorkday(date));
  return known.get(date);
}

function dueWorkingMinutes(start, amount) {
  let rest = amount * MINUTE;
  for (let midnight = start - (start % DAY); ; midnight += DAY) {
    if (!works(dateText(midnight))) continue;
    for (const [from, to] of HOURS) {
      const begin = Math.max(start, midnight + from);
      const open = midnight + to - begin;
      if (open <= 0) continue;
      if (rest <= open) return begin + rest;
      rest -= open;
    }
  }
}

const expected = {
  minutes: (start, amount) => start + amount * MINUTE,
  calendar_days: (start, amount) => start - (start % DAY) + amount * DAY + CLOSE,
  working_days: (start, amount) =>
    localMidnight(chineseDays.findWorkday(amount, dateText(start))) + CLOSE,
  working_minutes: dueWorkingMinutes,
};
const largest = { minutes: 20_000, calendar_days: 60, working_days: 60, working_minutes: 60 * 420 };
const units = Object.keys(expected);

function makeCases(count) {
  const cases = [];
  // every day of the ten years: is the next one worked?
  for (let day = FIRST; day < Date.UTC(2026, 11, 31) * 1000; day += DAY)
    cases.push({ start: day + 10 * HOUR, amount: 1, unit: 'working_days' });
  for (let i = 0; i < count; i++) {
    const unit = units[i % units.length];
    let start = between(FIRST, LAST_START);
    if (i % 3 === 0) start -= start % (30 * MINUTE); // openings and closes are on half hours
    cases.push({ start, amount: between(1, largest[unit]), unit });
  }
  return cases;
}

const cases = makeCases(Number(caseText));
const input = cases.map((c) => `${instantText(c.start)} ${c.amount} ${c.unit}\n`).join('');
const run = spawnSync(driver, [daysFile], { input, encoding: 'utf8', maxBuffer: 1 << 28 });
if (run.error || run.status !== 0) {
  console.error(`driver failed: ${run.error ?? run.status}\n${run.stderr}`);
  process.exit(1);
}
const answers = run.stdout.split('\n').slice(0, -1);
if (answers.length !== cases.length) {
  console.error(`${answers.length} answers to ${cases.length} questions`);
  process.exit(1);
}
let failed = 0;
cases.forEach((c, i) => {
  const want = instantText(expected[c.unit](c.start, c.amount));
  if (answers[i] === want) return;
  if (failed++ < 20)
    console.error(`${instantText(c.start)} + ${c.amount} ${c.unit}: got ${answers[i]}, expected ${want}`);
});
console.log(`${cases.length - failed} passed, ${failed} failed`);
process.exit(failed || cases.length < 20_000 ? 1 : 0);
