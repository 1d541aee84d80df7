import { GitError } from '../base/errors.js';
import type { Clock, Moment } from './calendar.js';
import {
  formatZone,
  localMoment,
  momentAt,
  monthNames,
  parseZone,
  writtenZone,
  secondsOf,
  weekdayNames,
} from './calendar.js';

/** How a date is shown, as `--date=` says. */
export interface DateMode {
  readonly kind: 'default' | 'relative' | 'human' | 'iso' | 'iso-strict' | 'rfc' | 'short' | 'raw' | 'unix' | 'format';
  /** In the user's zone instead of the date's own. */
  readonly local: boolean;
  /** For `format`. */
  readonly pattern?: string;
}

export const defaultDateMode: DateMode = { kind: 'default', local: false };

const kinds: Readonly<Record<string, DateMode['kind']>> = {
  relative: 'relative',
  iso8601: 'iso',
  iso: 'iso',
  'iso8601-strict': 'iso-strict',
  'iso-strict': 'iso-strict',
  rfc2822: 'rfc',
  rfc: 'rfc',
  short: 'short',
  default: 'default',
  human: 'human',
  raw: 'raw',
  unix: 'unix',
  format: 'format',
};

/** Reads the value of `--date=` or `log.date`. `terminal`: what `auto:` asks about. Throws `USAGE`. */
export function parseDateMode(text: string, terminal: () => boolean = () => false): DateMode {
  let rest = text;
  if (rest.startsWith('auto:')) {
    if (!terminal()) return defaultDateMode;
    rest = rest.slice('auto:'.length);
  }
  if (rest === 'local') return { kind: 'default', local: true };
  const name = Object.keys(kinds)
    .sort((a, b) => b.length - a.length)
    .find((candidate) => rest.startsWith(candidate));
  const unknown = (): never => {
    throw new GitError('USAGE', `unknown date format ${text}`);
  };
  if (name === undefined) return unknown();
  let after = rest.slice(name.length);
  const local = after.startsWith('-local');
  if (local) after = after.slice('-local'.length);
  const kind = kinds[name]!;
  if (kind === 'format') {
    if (!after.startsWith(':')) throw new GitError('USAGE', `date format missing colon separator: ${text}`);
    return { kind, local, pattern: after.slice(1) };
  }
  if (after !== '') return unknown();
  return { kind, local };
}

const two = (number: number): string => String(number).padStart(2, '0');
const four = (number: number): string => String(number).padStart(4, '0');
const shortDay = (moment: Moment): string => weekdayNames[moment.weekday]!.slice(0, 3);
const shortMonth = (moment: Moment): string => monthNames[moment.month]!.slice(0, 3);
const timeOf = (moment: Moment): string => `${two(moment.hour)}:${two(moment.minute)}:${two(moment.second)}`;

/** The largest time that can be taken apart. */
const LARGEST = 8.64e12;

/**
 * A date as text. `seconds` since the epoch, `zone` as an object holds it (`+0200`); `clock` is needed for the user's
 * zone and for relative forms.
 */
export function formatDate(seconds: number, zone: string | number, mode: DateMode, clock: Clock): string {
  if (mode.kind === 'unix') return String(seconds);
  let zoneMinutes = typeof zone === 'number' ? zone : parseZone(zone);
  if (mode.local) zoneMinutes = localZone(seconds, clock);
  // A zone of 99 minutes is shown as it stands.
  let offset = typeof zone === 'string' && !mode.local ? writtenZone(zone) : formatZone(zoneMinutes);
  if (mode.kind === 'raw') return `${seconds} ${offset}`;
  if (mode.kind === 'relative') return relativeDate(seconds, clock.now);
  let shown = seconds;
  if (!(seconds + zoneMinutes * 60 <= LARGEST)) {
    shown = 0;
    zoneMinutes = 0;
    offset = '+0000';
  }
  const moment = momentAt(shown, zoneMinutes);
  switch (mode.kind) {
    case 'short':
      return `${four(moment.year)}-${two(moment.month + 1)}-${two(moment.day)}`;
    case 'iso':
      return `${four(moment.year)}-${two(moment.month + 1)}-${two(moment.day)} ${timeOf(moment)} ${offset}`;
    case 'iso-strict': {
      const size = Math.abs(zoneMinutes);
      const suffix =
        zoneMinutes === 0 ? 'Z' : `${zoneMinutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
      return `${four(moment.year)}-${two(moment.month + 1)}-${two(moment.day)}T${timeOf(moment)}${suffix}`;
    }
    case 'rfc':
      return `${shortDay(moment)}, ${moment.day} ${shortMonth(moment)} ${moment.year} ${timeOf(moment)} ${offset}`;
    case 'format':
      return formatTime(mode.pattern ?? '', moment, zoneMinutes, mode.local ? offsetName(zoneMinutes) : '');
    case 'human':
      return humanDate(shown, moment, zoneMinutes, mode.local, clock);
    default:
      return (
        `${shortDay(moment)} ${shortMonth(moment)} ${moment.day} ${timeOf(moment)} ${moment.year}` +
        (mode.local ? '' : ` ${offset}`)
      );
  }
}

const localZone = (seconds: number, clock: Clock): number =>
  Number.isFinite(seconds) && seconds <= LARGEST ? clock.zone(seconds * 1000) : 0;

/** The zone's name where only its offset is known: UTC, or the offset itself. */
const offsetName = (zoneMinutes: number): string => (zoneMinutes === 0 ? 'UTC' : formatZone(zoneMinutes));

function humanDate(seconds: number, moment: Moment, zoneMinutes: number, local: boolean, clock: Clock): string {
  const now = localMoment(clock.now, clock.zone);
  const sameYear = moment.year === now.year;
  let hideDate = false;
  let hideWeekday = false;
  let hideZone = local || zoneMinutes === clock.zone(clock.now * 1000);
  if (sameYear && moment.month === now.month) {
    if (moment.day === now.day) {
      hideDate = true;
      hideWeekday = true;
    } else if (moment.day < now.day && moment.day + 5 > now.day) hideDate = true;
  }
  if (hideWeekday) return relativeDate(seconds, clock.now);
  hideZone ||= !hideDate;
  const parts: string[] = [];
  if (sameYear) parts.push(shortDay(moment));
  if (!hideDate) parts.push(`${shortMonth(moment)} ${moment.day}`);
  if (sameYear) parts.push(`${two(moment.hour)}:${two(moment.minute)}`);
  else parts.push(String(moment.year));
  if (!hideZone) parts.push(formatZone(zoneMinutes));
  return parts.join(' ');
}

/** `3 weeks ago`. */
function relativeDate(seconds: number, now: number): string {
  if (now < seconds) return 'in the future';
  const count = (n: number, unit: string): string => `${n} ${unit}${n === 1 ? '' : 's'}`;
  let difference = now - seconds;
  if (difference < 90) return `${count(difference, 'second')} ago`;
  difference = Math.floor((difference + 30) / 60);
  if (difference < 90) return `${count(difference, 'minute')} ago`;
  difference = Math.floor((difference + 30) / 60);
  if (difference < 36) return `${count(difference, 'hour')} ago`;
  difference = Math.floor((difference + 12) / 24);
  if (difference < 14) return `${count(difference, 'day')} ago`;
  if (difference < 70) return `${count(Math.floor((difference + 3) / 7), 'week')} ago`;
  if (difference < 365) return `${count(Math.floor((difference + 15) / 30), 'month')} ago`;
  if (difference < 1825) {
    const months = Math.floor((difference * 24 + 365) / 730);
    const years = Math.floor(months / 12);
    if (months % 12 === 0) return `${count(years, 'year')} ago`;
    return `${count(years, 'year')}, ${count(months % 12, 'month')} ago`;
  }
  return `${count(Math.floor((difference + 183) / 365), 'year')} ago`;
}

const DAY = 86400;

/** `strftime` in the C locale. `zoneName`: what `%Z` gives. */
function formatTime(pattern: string, moment: Moment, zoneMinutes: number, zoneName: string): string {
  return pattern.replace(
    /%([-_0^#]*)(\d*)[EO]?([a-zA-Z%+])/g,
    (whole, flags: string, width: string, letter: string) => {
      const field = timeField(letter, moment, zoneMinutes, zoneName);
      return field === undefined ? whole : padField(field, flags, width);
    },
  );
}

interface TimeField {
  readonly text: string;
  /** Digits a number is padded to. */
  readonly digits?: number;
  readonly pad?: ' ' | '0';
}

function padField(field: TimeField, flags: string, width: string): string {
  let { text } = field;
  let pad = field.pad ?? (field.digits === undefined ? ' ' : '0');
  for (const flag of flags) if (flag === '_') pad = ' ';
  for (const flag of flags) if (flag === '0') pad = '0';
  const least = width !== '' ? Number(width) : flags.includes('-') ? 0 : (field.digits ?? 0);
  text = text.padStart(least, pad);
  if (flags.includes('^')) text = text.toUpperCase();
  if (flags.includes('#')) text = text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase();
  return text;
}

function timeField(letter: string, moment: Moment, zoneMinutes: number, zoneName: string): TimeField | undefined {
  const number = (value: number, digits: number, pad: ' ' | '0' = '0'): TimeField => ({
    text: String(value),
    digits,
    pad,
  });
  const whole = (pattern: string): TimeField => ({ text: formatTime(pattern, moment, zoneMinutes, zoneName) });
  const yearStart = secondsOf({ ...moment, month: 0, day: 1, hour: 0, minute: 0, second: 0 });
  const dayOfYear = Math.floor((secondsOf({ ...moment, hour: 0, minute: 0, second: 0 }) - yearStart) / DAY);
  const mondayBased = (moment.weekday + 6) % 7;
  const hour12 = moment.hour % 12 === 0 ? 12 : moment.hour % 12;
  switch (letter) {
    case 'a':
      return { text: shortDay(moment) };
    case 'A':
      return { text: weekdayNames[moment.weekday]! };
    case 'b':
    case 'h':
      return { text: shortMonth(moment) };
    case 'B':
      return { text: monthNames[moment.month]! };
    case 'c':
      return whole('%a %b %e %H:%M:%S %Y');
    case 'C':
      return number(Math.floor(moment.year / 100), 2);
    case 'd':
      return number(moment.day, 2);
    case 'D':
    case 'x':
      return whole('%m/%d/%y');
    case 'e':
      return number(moment.day, 2, ' ');
    case 'F':
      return whole('%Y-%m-%d');
    case 'g':
      return number(isoWeek(moment, dayOfYear).year % 100, 2);
    case 'G':
      return number(isoWeek(moment, dayOfYear).year, 1);
    case 'H':
      return number(moment.hour, 2);
    case 'I':
      return number(hour12, 2);
    case 'j':
      return number(dayOfYear + 1, 3);
    case 'k':
      return number(moment.hour, 2, ' ');
    case 'l':
      return number(hour12, 2, ' ');
    case 'm':
      return number(moment.month + 1, 2);
    case 'M':
      return number(moment.minute, 2);
    case 'n':
      return { text: '\n' };
    case 'p':
      return { text: moment.hour < 12 ? 'AM' : 'PM' };
    case 'P':
      return { text: moment.hour < 12 ? 'am' : 'pm' };
    case 'r':
      return whole('%I:%M:%S %p');
    case 'R':
      return whole('%H:%M');
    case 's':
      return { text: String(secondsOf(moment) - zoneMinutes * 60) };
    case 'S':
      return number(moment.second, 2);
    case 't':
      return { text: '\t' };
    case 'T':
    case 'X':
      return whole('%H:%M:%S');
    case 'u':
      return { text: String(mondayBased + 1) };
    case 'U':
      return number(Math.floor((dayOfYear + 7 - moment.weekday) / 7), 2);
    case 'V':
      return number(isoWeek(moment, dayOfYear).week, 2);
    case 'w':
      return { text: String(moment.weekday) };
    case 'W':
      return number(Math.floor((dayOfYear + 7 - mondayBased) / 7), 2);
    case 'y':
      return number(moment.year % 100, 2);
    case 'Y':
      return number(moment.year, 1);
    case 'z':
      return { text: formatZone(zoneMinutes) };
    case 'Z':
      return { text: zoneName };
    case '%':
      return { text: '%' };
    default:
      return undefined;
  }
}

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

function isoWeek(moment: Moment, dayOfYear: number): { year: number; week: number } {
  const weekday = (moment.weekday + 6) % 7;
  const week = Math.floor((dayOfYear - weekday + 10) / 7);
  if (week < 1) {
    const year = moment.year - 1;
    const days = isLeap(year) ? 366 : 365;
    return { year, week: Math.floor((dayOfYear + days - weekday + 10) / 7) };
  }
  const days = isLeap(moment.year) ? 366 : 365;
  if (week === 53 && dayOfYear - weekday + 3 >= days) return { year: moment.year + 1, week: 1 };
  return { year: moment.year, week };
}
