/**
 * Walks 31 anchor days × 12 zones × 8 years of monthly and yearly periods, with the time zone of its own process as it
 * was started, and prints what it saw. `period-zones.test.ts` starts it under three values of TZ.
 */
const { createHash } = require('node:crypto');
const { resolve } = require('node:path');
const { transformFileSync } = require('@swc/core');

const options = {
  swcrc: false,
  jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
  module: { type: 'commonjs' },
};
require.extensions['.ts'] = (module, file) => module._compile(transformFileSync(file, options).code, file);
const source = resolve(__dirname, '..', '..', 'src', 'core');
const { instantFromMilliseconds, localDate, timeZone } = require(resolve(source, 'calendar.ts'));
const { periodAt, periodContaining } = require(resolve(source, 'period.ts'));

/** Midnight gaps, half-hour clocks, clocks put back across midnight (St John's), a day left out (Apia, 2011). */
const zones = [
  'Europe/Berlin',
  'America/New_York',
  'America/Los_Angeles',
  'America/Santiago',
  'America/Sao_Paulo',
  'America/St_Johns',
  'Asia/Beirut',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Auckland',
  'Pacific/Apia',
  'Pacific/Honolulu',
];
const firstYear = 2010;
const years = 8;

const digest = createHash('sha256');
const problems = [];
let periods = 0;

function walk(schedule, count) {
  let lastEnd;
  for (let index = 0; index < count; index += 1) {
    const period = periodAt(schedule, index);
    const [start, end] = [period.start.epochMilliseconds, period.end.epochMilliseconds];
    const name = `${schedule.zone} ${schedule.anchor} ${schedule.interval} ${index}`;
    digest.update(`${name} ${start} ${end}\n`);
    periods += 1;
    if (lastEnd !== undefined && lastEnd !== start) problems.push(`${name} does not begin where the last one ended`);
    if (start >= end) problems.push(`${name} is empty`);
    // In turn the period's last instant and its first, or one inside a clock change that falls on its first midnight.
    const at = index % 2 === 1 ? end - 1 : schedule.anchor.day % 2 === 1 ? start + 1_800_000 : start;
    try {
      const found = periodContaining(schedule, instantFromMilliseconds(at)).index;
      if (found !== index) problems.push(`${name} has ${at}, which is said to lie in ${found}`);
    } catch (error) {
      problems.push(`${name} at ${at}: ${error.message}`);
    }
    lastEnd = end;
  }
}

for (const name of zones) {
  const zone = timeZone(name);
  for (let day = 1; day <= 31; day += 1) {
    walk({ anchor: localDate(`${firstYear}-01-01`).with({ day }), interval: 'MONTH', zone }, years * 12);
    // Each anchor day in a month of its own that has it, so that 29 Feb is among the years.
    const month = day === 29 ? 2 : [1, 3, 5, 7, 8, 10, 12][day % 7];
    walk({ anchor: localDate(`${firstYear - 2}-01-01`).with({ month, day }), interval: 'YEAR', zone }, years);
  }
}
const offset = new Date(Date.UTC(2015, 0, 1)).getTimezoneOffset();
process.stdout.write(
  JSON.stringify({ offset, periods, problems: problems.slice(0, 20), digest: digest.digest('hex') }),
);
