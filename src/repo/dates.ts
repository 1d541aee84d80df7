/** Dates as git reads and shows them. */
export type { Clock, ZoneAt } from './calendar.js';
export { formatZone } from './calendar.js';
export type { ParsedDate } from './date-parse.js';
export { parseDate } from './date-parse.js';
export { approxidate, parseExpiryDate } from './date-approx.js';
export type { DateMode } from './date-format.js';
export { defaultDateMode, formatDate, parseDateMode } from './date-format.js';
