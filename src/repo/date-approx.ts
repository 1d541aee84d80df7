import type { Clock, Moment } from './calendar.js';
import { localMoment, localSecondsOf, monthNames, weekdayNames } from './calendar.js';
import { isAlpha, isDigit, matchNumbers, matchWord, parseDate, readNumber } from './date-parse.js';

const DAY = 24 * 60 * 60;

const numberNames: readonly string[] = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
];

const lengths: readonly (readonly [name: string, seconds: number])[] = [
  ['seconds', 1],
  ['minutes', 60],
  ['hours', 3600],
  ['days', DAY],
  ['weeks', 7 * DAY],
];

/** Reads what people write: `yesterday`, `3 weeks ago`, `last friday at noon`, `Jun 7`. */
class Approximation {
  #moment: Moment;
  readonly #now: Moment;
  readonly #clock: Clock;
  /** A number that waits for the word that says what it counts. */
  #number = 0;
  touched = false;
  /** The time of day that was named is still to come today. */
  #dayBefore = false;
  /** A time of day was named. */
  #timed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#now = localMoment(clock.now, clock.zone);
    this.#moment = { ...this.#now, year: -1, month: -1, day: -1 };
  }

  read(text: string): number {
    for (let at = 0; at < text.length; ) {
      if (isDigit(text[at])) {
        this.#settleNumber();
        at = this.#digits(text, at);
        this.touched = true;
      } else if (isAlpha(text[at])) at = this.#word(text, at);
      else at++;
    }
    this.#settleNumber();
    return this.#settle(0);
  }

  /** A number nobody claimed is a day, then a month, then a year. */
  #settleNumber(): void {
    const number = this.#number;
    if (number === 0) return;
    this.#number = 0;
    const moment = this.#moment;
    if (moment.day < 0 && number < 32) moment.day = number;
    else if (moment.month < 0 && number < 13) moment.month = number - 1;
    else if (moment.year < 0) {
      if (number > 1969 && number < 2100) moment.year = number;
      else if (number > 69 && number < 100) moment.year = 1900 + number;
      else if (number < 38) moment.year = 2000 + number;
    }
  }

  /** Fills what is not known from now, goes back by `seconds`, and answers the time. */
  #settle(seconds: number): number {
    const moment = this.#moment;
    const back = seconds === 0 && this.#dayBefore && moment.day < 0 ? DAY : seconds;
    if (moment.day < 0) moment.day = this.#now.day;
    if (moment.month < 0) moment.month = this.#now.month;
    if (moment.year < 0) {
      moment.year = this.#now.year;
      if (moment.month > this.#now.month) moment.year--;
    }
    const time = localSecondsOf(moment, this.#clock.zone) - back;
    this.#moment = localMoment(time, this.#clock.zone);
    return time;
  }

  #digits(text: string, at: number): number {
    const read = readNumber(text, at);
    if (/[:./-]/.test(text[read.end] ?? '') && isDigit(text[read.end + 1])) {
      const end = matchNumbers(text, read, this.#moment, this.#clock.now);
      if (end > 0) return end;
    }
    if (text[at] !== '0' || read.end - at <= 2) this.#number = read.value;
    return read.end;
  }

  /** The last time it was so, unless a day is named before or after. */
  #timeOfDay(hour: number): void {
    this.#dayBefore ||= this.#moment.day < 0 && this.#moment.hour < hour;
    this.#timed = true;
    this.#moment.hour = hour;
    this.#moment.minute = 0;
    this.#moment.second = 0;
  }

  #halfDay(afternoon: boolean): void {
    const number = this.#number;
    this.#number = 0;
    const moment = this.#moment;
    let { hour } = moment;
    if (number > 0) {
      hour = number;
      moment.minute = 0;
      moment.second = 0;
    }
    moment.hour = (hour % 12) + (afternoon ? 12 : 0);
  }

  #special(name: string): void {
    switch (name) {
      case 'yesterday':
        this.#number = 0;
        this.#settle(DAY);
        return;
      case 'now':
        this.#number = 0;
        this.#settle(0);
        return;
      case 'today':
        this.#number = 0;
        this.#dayBefore = false;
        this.#settle(0);
        if (this.#timed) return;
        this.#moment.hour = 0;
        this.#moment.minute = 0;
        this.#moment.second = 0;
        return;
      case 'never':
        this.#number = 0;
        this.#moment = localMoment(0, this.#clock.zone);
        return;
      case 'noon':
        this.#settleNumber();
        this.#timeOfDay(12);
        return;
      case 'midnight':
        this.#settleNumber();
        this.#timeOfDay(0);
        return;
      case 'tea':
        this.#settleNumber();
        this.#timeOfDay(17);
        return;
      default:
        this.#halfDay(name === 'PM');
    }
  }

  #word(text: string, at: number): number {
    let end = at + 1;
    while (isAlpha(text[end])) end++;
    if (this.#understand(text, at)) this.touched = true;
    return end;
  }

  #understand(text: string, at: number): boolean {
    const month = monthNames.findIndex((name) => matchWord(text, at, name) >= 3);
    if (month >= 0) {
      this.#moment.month = month;
      return true;
    }
    for (const name of ['yesterday', 'noon', 'midnight', 'tea', 'PM', 'AM', 'never', 'now', 'today']) {
      if (matchWord(text, at, name) === name.length) {
        this.#special(name);
        return true;
      }
    }
    if (this.#number === 0) {
      const number = numberNames.findIndex((name, i) => i > 0 && matchWord(text, at, name) === name.length);
      if (number > 0) this.#number = number;
      else if (matchWord(text, at, 'last') === 4) this.#number = 1;
      else return false;
      return true;
    }
    return this.#counted(text, at);
  }

  /** A word that says what the number before it counts, backwards from now. */
  #counted(text: string, at: number): boolean {
    for (const [name, seconds] of lengths) {
      if (matchWord(text, at, name) < name.length - 1) continue;
      this.#settle(seconds * this.#number);
      this.#number = 0;
      return true;
    }
    const weekday = weekdayNames.findIndex((name) => matchWord(text, at, name) >= 3);
    if (weekday >= 0) {
      let weeks = this.#number - 1;
      this.#number = 0;
      const days = this.#moment.weekday - weekday;
      if (days <= 0) weeks++;
      this.#settle((days + 7 * weeks) * DAY);
      return true;
    }
    if (matchWord(text, at, 'months') >= 5) {
      this.#settle(0);
      let months = this.#moment.month - this.#number;
      this.#number = 0;
      while (months < 0) {
        months += 12;
        this.#moment.year--;
      }
      this.#moment.month = months;
      return true;
    }
    if (matchWord(text, at, 'years') >= 4) {
      this.#settle(0);
      this.#moment.year -= this.#number;
      this.#number = 0;
      return true;
    }
    return false;
  }
}

/**
 * A time from almost any text, as `--since` and `@{…}` take it. Never fails: `understood` is false where nothing in
 * the text meant anything, and the time is then now.
 */
export function approxidate(text: string, clock: Clock): { readonly seconds: number; readonly understood: boolean } {
  const exact = parseDate(text, clock);
  if (exact !== undefined) return { seconds: exact.seconds, understood: true };
  const approximation = new Approximation(clock);
  const seconds = approximation.read(text);
  return { seconds: Math.max(0, seconds), understood: approximation.touched };
}

/**
 * When something expires (`gc.reflogExpire`): `never` and `false` are 0, `all` and `now` are `Infinity`, anything else
 * is an approximate date. `undefined` where nothing was understood.
 */
export function parseExpiryDate(text: string, clock: Clock): number | undefined {
  if (text === 'never' || text === 'false') return 0;
  if (text === 'all' || text === 'now') return Number.POSITIVE_INFINITY;
  const { seconds, understood } = approxidate(text, clock);
  return understood ? seconds : undefined;
}
