/** The shortest unique prefix of an id, at least `length` digits (default: `core.abbrev`). */
export { abbreviate } from '../repo/revision-short.js';
