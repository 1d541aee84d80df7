/** What diff output colours; the names of git's `color.diff.<slot>`. */
export interface DiffColors {
  readonly context: string;
  readonly meta: string;
  readonly frag: string;
  readonly func: string;
  readonly old: string;
  readonly new: string;
  readonly commit: string;
  readonly whitespace: string;
  readonly oldMoved: string;
  readonly oldMovedAlternative: string;
  readonly oldMovedDimmed: string;
  readonly oldMovedAlternativeDimmed: string;
  readonly newMoved: string;
  readonly newMovedAlternative: string;
  readonly newMovedDimmed: string;
  readonly newMovedAlternativeDimmed: string;
  readonly contextDimmed: string;
  readonly oldDimmed: string;
  readonly newDimmed: string;
  readonly contextBold: string;
  readonly oldBold: string;
  readonly newBold: string;
  readonly reverse: string;
  readonly reset: string;
}

/** git's defaults. */
export const defaultDiffColors: DiffColors = {
  context: '',
  meta: '\x1b[1m',
  frag: '\x1b[36m',
  func: '',
  old: '\x1b[31m',
  new: '\x1b[32m',
  commit: '\x1b[33m',
  whitespace: '\x1b[41m',
  oldMoved: '\x1b[1;35m',
  oldMovedAlternative: '\x1b[1;34m',
  oldMovedDimmed: '\x1b[2m',
  oldMovedAlternativeDimmed: '\x1b[2;3m',
  newMoved: '\x1b[1;36m',
  newMovedAlternative: '\x1b[1;33m',
  newMovedDimmed: '\x1b[2m',
  newMovedAlternativeDimmed: '\x1b[2;3m',
  contextDimmed: '\x1b[2m',
  oldDimmed: '\x1b[2;31m',
  newDimmed: '\x1b[2;32m',
  contextBold: '\x1b[1m',
  oldBold: '\x1b[1;31m',
  newBold: '\x1b[1;32m',
  reverse: '\x1b[7m',
  reset: '\x1b[m',
};

/** No colours at all. */
export const noDiffColors: DiffColors = Object.fromEntries(
  Object.keys(defaultDiffColors).map((slot) => [slot, '']),
) as unknown as DiffColors;
