import type { Clock, Moment } from './calendar.js';
import { localSecondsOf, momentAt, monthNames, secondsOf, weekdayNames } from './calendar.js';

/** A date as git keeps it. */
export interface ParsedDate {
  /** Since the epoch. */
  readonly seconds: number;
  /** Minutes east of UTC. */
  readonly zone: number;
}

/** Zone names git knows, in hours east; `summer` ones count one more. */
const zones: readonly (readonly [name: string, hours: number, summer: 0 | 1])[] = [
  ['IDLW', -12, 0],
  ['NT', -11, 0],
  ['CAT', -10, 0],
  ['HST', -10, 0],
  ['HDT', -10, 1],
  ['YST', -9, 0],
  ['YDT', -9, 1],
  ['PST', -8, 0],
  ['PDT', -8, 1],
  ['MST', -7, 0],
  ['MDT', -7, 1],
  ['CST', -6, 0],
  ['CDT', -6, 1],
  ['EST', -5, 0],
  ['EDT', -5, 1],
  ['AST', -3, 0],
  ['ADT', -3, 1],
  ['WAT', -1, 0],
  ['GMT', 0, 0],
  ['UTC', 0, 0],
  ['Z', 0, 0],
  ['WET', 0, 0],
  ['BST', 0, 1],
  ['CET', 1, 0],
  ['MET', 1, 0],
  ['MEWT', 1, 0],
  ['MEST', 1, 1],
  ['CEST', 1, 1],
  ['MESZ', 1, 1],
  ['FWT', 1, 0],
  ['FST', 1, 1],
  ['EET', 2, 0],
  ['EEST', 2, 1],
  ['WAST', 7, 0],
  ['WADT', 7, 1],
  ['CCT', 8, 0],
  ['JST', 9, 0],
  ['EAST', 10, 0],
  ['EADT', 10, 1],
  ['GST', 10, 0],
  ['NZT', 12, 0],
  ['NZST', 12, 0],
  ['NZDT', 12, 1],
  ['IDLE', 12, 0],
];

export const isDigit = (char: string | undefined): boolean => char !== undefined && char >= '0' && char <= '9';
export const isAlpha = (char: string | undefined): boolean => char !== undefined && /^[A-Za-z]$/.test(char);

/** How many characters of the word at `at` agree with `name`; 0 when the word goes on differently. */
export function matchWord(text: string, at: number, name: string): number {
  let length = 0;
  for (; at + length < text.length; length++) {
    const char = text[at + length]!;
    const other = name[length];
    if (other !== undefined && char.toUpperCase() === other.toUpperCase()) continue;
    if (!/[A-Za-z0-9]/.test(char)) break;
    return 0;
  }
  return length;
}

const unknownMoment = (): Moment => ({
  year: -1,
  month: -1,
  day: -1,
  hour: -1,
  minute: -1,
  second: -1,
  weekday: -1,
});

const nothingKnown = (moment: Moment): boolean =>
  moment.year < 0 && moment.month < 0 && moment.day < 0 && moment.hour < 0 && moment.minute < 0 && moment.second < 0;

const dateKnown = (moment: Moment): boolean => moment.year !== -1 && moment.month !== -1 && moment.day !== -1;

/** Seconds of a moment in UTC, -1 where a field is missing or the year is none git can count with. */
function strictSeconds(moment: Moment): number {
  if (moment.year < 1970 || moment.year > 2099 || moment.month < 0 || moment.month > 11) return -1;
  if (moment.hour < 0 || moment.minute < 0 || moment.second < 0) return -1;
  return secondsOf(moment);
}

function setTime(moment: Moment, hour: number, minute: number, second: number): boolean {
  if (hour < 0 || hour > 24 || minute < 0 || minute >= 60 || second < 0 || second > 60) return false;
  moment.hour = hour;
  moment.minute = minute;
  moment.second = second;
  return true;
}

const TEN_DAYS = 10 * 24 * 3600;

/** A year of two or four digits, or `undefined`. */
function fullYear(year: number): number | undefined {
  if (year >= 1970 && year < 2100) return year;
  if (year > 70 && year < 100) return 1900 + year;
  if (year >= 0 && year < 38) return 2000 + year;
  return undefined;
}

/** Takes year, month, day if they can be a date; `notAfter`: refused when it lies more than ten days after that time. */
function setDate(moment: Moment, year: number, month: number, day: number, notAfter: number | undefined): boolean {
  if (month < 1 || month > 12 || day < 1 || day > 31) return false;
  let chosen: number | undefined;
  if (year === -1) {
    if (notAfter === undefined) {
      moment.month = month - 1;
      moment.day = day;
      return false;
    }
    chosen = momentAt(notAfter).year;
  } else chosen = fullYear(year);
  if (chosen === undefined) return false;
  if (notAfter !== undefined) {
    const seconds = strictSeconds({ ...moment, year: chosen, month: month - 1, day });
    if (seconds !== -1 && notAfter + TEN_DAYS < seconds) return false;
  }
  moment.month = month - 1;
  moment.day = day;
  if (year !== -1) moment.year = chosen;
  else if (notAfter === undefined) moment.year = chosen;
  return true;
}

/** Reads `num` at `at`: its value and where it ends. */
export function readNumber(text: string, at: number): { value: number; end: number } {
  let end = at;
  while (isDigit(text[end])) end++;
  return { value: Number(text.slice(at, end)), end };
}

/**
 * `12:30[:45]`, `2005-04-07`, `04/07/05`, `7.4.2005`: numbers with the same separator between them, `first` read
 * already. Answers where it ends, or 0 when it cannot be a time or a date.
 */
export function matchNumbers(text: string, first: { value: number; end: number }, moment: Moment, now: number): number {
  const separator = text[first.end]!;
  const second = readNumber(text, first.end + 1);
  let end = second.end;
  let third = -1;
  if (text[end] === separator && isDigit(text[end + 1])) {
    const read = readNumber(text, end + 1);
    third = read.value;
    end = read.end;
  }
  const [a, b, c] = [first.value, second.value, third];
  if (separator === ':') {
    if (!setTime(moment, a, b, Math.max(0, c))) return 0;
    if (text[end] === '.' && isDigit(text[end + 1]) && dateKnown(moment)) end = readNumber(text, end + 1).end;
    return end;
  }
  if (a > 70 && (setDate(moment, a, b, c, undefined) || setDate(moment, a, c, b, undefined))) return end;
  if (separator !== '.' && setDate(moment, c, a, b, now)) return end;
  if (setDate(moment, c, b, a, now)) return end;
  if (separator === '.' && setDate(moment, c, a, b, now)) return end;
  return 0;
}

class StrictParser {
  readonly moment = unknownMoment();
  zone: number | undefined;
  isUtc = false;
  readonly #text: string;
  readonly #now: number;

  constructor(text: string, now: number) {
    this.#text = text;
    this.#now = now;
  }

  parse(): void {
    const text = this.#text;
    for (let at = 0; at < text.length && text[at] !== '\n'; ) {
      const char = text[at]!;
      let end = at;
      if (isAlpha(char)) end = this.#word(at);
      else if (isDigit(char)) end = this.#digits(at);
      else if ((char === '-' || char === '+') && isDigit(text[at + 1]) && this.moment.hour !== -1)
        end = this.#offset(at);
      at = end > at ? end : at + 1;
    }
  }

  #word(at: number): number {
    const text = this.#text;
    const month = monthNames.findIndex((name) => matchWord(text, at, name) >= 3);
    if (month >= 0) {
      this.moment.month = month;
      return at + matchWord(text, at, monthNames[month]!);
    }
    const weekday = weekdayNames.findIndex((name) => matchWord(text, at, name) >= 3);
    if (weekday >= 0) {
      this.moment.weekday = weekday;
      return at + matchWord(text, at, weekdayNames[weekday]!);
    }
    for (const [name, hours, summer] of zones) {
      const length = matchWord(text, at, name);
      if (length < 3 && length !== name.length) continue;
      this.zone ??= (hours + summer) * 60;
      return at + length;
    }
    if (matchWord(text, at, 'PM') === 2) {
      this.moment.hour = (this.moment.hour % 12) + 12;
      return at + 2;
    }
    if (matchWord(text, at, 'AM') === 2) {
      this.moment.hour %= 12;
      return at + 2;
    }
    if (text[at] === 'T' && isDigit(text[at + 1]) && this.moment.hour === -1) {
      this.moment.minute = 0;
      this.moment.second = 0;
      return at + 1;
    }
    let end = at;
    do end++;
    while (isAlpha(text[end]));
    return end;
  }

  #digits(at: number): number {
    const text = this.#text;
    const { moment } = this;
    const read = readNumber(text, at);
    let { end } = read;
    const number = read.value;
    if (number >= 100000000 && nothingKnown(moment)) {
      Object.assign(moment, momentAt(number));
      this.isUtc = true;
      return end;
    }
    if (/[:./-]/.test(text[end] ?? '') && isDigit(text[end + 1])) {
      const after = matchNumbers(text, read, moment, this.#now);
      if (after > 0) return after;
    }
    const length = end - at;
    if (length === 8 || length === 6) {
      const [high, middle, low] = [Math.floor(number / 10000), Math.floor(number / 100) % 100, number % 100];
      if (length === 8) setDate(moment, high, middle, low, undefined);
      else if (setTime(moment, high, middle, low) && text[end] === '.' && isDigit(text[end + 1])) {
        end = readNumber(text, end + 1).end;
      }
      return end;
    }
    if (moment.hour === -1 && moment.minute === 0 && moment.second === 0) {
      const [hour, minute] = length === 4 ? [Math.floor(number / 100), number % 100] : [number, 0];
      if ((length === 4 || length === 2) && !nothingKnown(moment) && setTime(moment, hour, minute, 0)) return end;
      moment.minute = -1;
      moment.second = -1;
    }
    if (length === 4) {
      if (number <= 1400 && this.zone === undefined) this.zone = Math.floor(number / 100) * 60 + (number % 100);
      else if (number > 1900 && number < 2100) moment.year = number;
      return end;
    }
    if (length > 2) return end;
    if (number > 0 && number < 32 && moment.day < 0) {
      moment.day = number;
      return end;
    }
    if (length === 2 && moment.year < 0) {
      if (number < 10 && moment.day >= 0) {
        moment.year = 2000 + number;
        return end;
      }
      if (number >= 70) {
        moment.year = 1900 + number;
        return end;
      }
    }
    if (number > 0 && number < 13 && moment.month < 0) moment.month = number - 1;
    return end;
  }

  #offset(at: number): number {
    const text = this.#text;
    const read = readNumber(text, at + 1);
    let { end } = read;
    let hours = read.value;
    let minutes = 0;
    const length = end - (at + 1);
    if (length === 4) {
      minutes = hours % 100;
      hours = Math.floor(hours / 100);
    } else if (length !== 2) minutes = 99;
    else if (text[end] === ':') {
      const more = readNumber(text, end + 1);
      end = more.end;
      minutes = end - (at + 1) === 5 ? more.value : 99;
    }
    if (minutes < 60 && hours < 24) this.zone = (hours * 60 + minutes) * (text[at] === '-' ? -1 : 1);
    return end;
  }
}

/** `1112911993 -0700`, what comes after an `@`. */
function parseRaw(text: string): ParsedDate | undefined {
  const match = /^\s*(\d+) ([+-])(\d{4})(?:\n|$)/.exec(text);
  if (match === null) return undefined;
  const zone = Number(match[3]);
  const minutes = Math.floor(zone / 100) * 60 + (zone % 100);
  return { seconds: Number(match[1]), zone: match[2] === '-' ? -minutes : minutes };
}

/** The last second git can show, 2099-12-31 23:59:59 UTC. */
const LAST = 4102444799;

/**
 * A full date in any of git's strict forms: `@seconds zone`, ISO 8601, RFC 2822 and what is near them. `undefined`
 * when it is none (a time of day is needed). `git commit --date=` and `GIT_AUTHOR_DATE` are read by this.
 */
export function parseDate(text: string, clock: Clock): ParsedDate | undefined {
  if (text.startsWith('@')) {
    const raw = parseRaw(text.slice(1));
    if (raw !== undefined) return raw;
  }
  const parser = new StrictParser(text, clock.now);
  parser.parse();
  let seconds = strictSeconds(parser.moment);
  if (seconds === -1) return undefined;
  let { zone } = parser;
  if (zone === undefined) {
    const local = localSecondsOf(parser.moment, clock.zone);
    zone = Math.trunc((seconds - local) / 60);
  }
  if (!parser.isUtc) {
    if (zone > 0 && zone * 60 > seconds) return undefined;
    if (zone < 0 && -zone * 60 > LAST - seconds) return undefined;
    seconds -= zone * 60;
  }
  return { seconds, zone };
}
