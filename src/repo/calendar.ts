/** Calendar arithmetic on plain numbers, without the machine's time zone. */

/** Broken-down time. `month` 0–11, `weekday` 0 is Sunday; -1 is "not known" while parsing. */
export interface Moment {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  weekday: number;
}

/** Minutes east of UTC at a time (milliseconds since the epoch), in the user's zone. */
export type ZoneAt = (milliseconds: number) => number;

/** The clock and zone that dates are read and shown by. */
export interface Clock {
  /** Seconds since the epoch. */
  readonly now: number;
  readonly zone: ZoneAt;
}

export const monthNames: readonly string[] = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

export const weekdayNames: readonly string[] = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
];

/** Seconds since the epoch of a moment read as UTC; fields beyond their range carry over. */
export function secondsOf(moment: Moment): number {
  const date = new Date(0);
  date.setUTCFullYear(moment.year, moment.month, moment.day);
  date.setUTCHours(moment.hour, moment.minute, moment.second, 0);
  return date.getTime() / 1000;
}

/** The moment at `seconds`, `minutesEast` of UTC. */
export function momentAt(seconds: number, minutesEast = 0): Moment {
  const date = new Date((seconds + minutesEast * 60) * 1000);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth(),
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    weekday: date.getUTCDay(),
  };
}

/** Seconds since the epoch of a moment in the user's zone; where the clock was put back, standard time counts. */
export function localSecondsOf(moment: Moment, zone: ZoneAt): number {
  const utc = secondsOf(moment);
  const first = utc - zone(utc * 1000) * 60;
  return utc - zone(first * 1000) * 60;
}

export const localMoment = (seconds: number, zone: ZoneAt): Moment => momentAt(seconds, zone(seconds * 1000));

/** `+0530` for 330. */
export function formatZone(minutesEast: number): string {
  const size = Math.abs(minutesEast);
  const text = String(Math.floor(size / 60) * 100 + (size % 60)).padStart(4, '0');
  return (minutesEast < 0 ? '-' : '+') + text;
}

/** `+9999` for `+9999`, `+0007` for `+7`: the number that a zone is, whether there is such a zone or not. */
export function writtenZone(zone: string): string {
  const number = Number.parseInt(zone, 10) || 0;
  return (number < 0 ? '-' : '+') + String(Math.abs(number)).padStart(4, '0');
}

/** 330 for `+0530`, read as git reads a zone it finds in an object: any number, hundreds are hours. */
export function parseZone(zone: string): number {
  const number = Number.parseInt(zone, 10);
  if (Number.isNaN(number)) return 0;
  const size = Math.abs(number);
  const minutes = Math.floor(size / 100) * 60 + (size % 100);
  return number < 0 ? -minutes : minutes;
}
