import { displayWidth } from '../base/display-width.js';

/** How a list is laid out (`column.ui`, `--column`). */
export interface ColumnMode {
  readonly enabled: 'always' | 'never' | 'auto';
  readonly layout: 'column' | 'row' | 'plain';
  readonly dense: boolean;
}

export const noColumns: ColumnMode = { enabled: 'never', layout: 'column', dense: false };

/** Adds the words of an option or configuration value to a mode. Answers the first word that is none of them. */
export function parseColumnMode(text: string, base: ColumnMode): ColumnMode | { readonly unknown: string } {
  let { enabled, layout, dense } = base;
  let saidWhen = false;
  let saidLayout = false;
  for (const word of text.split(/[ ,]+/)) {
    switch (word) {
      case '':
        break;
      case 'always':
      case 'never':
      case 'auto':
        enabled = word;
        saidWhen = true;
        break;
      case 'column':
      case 'row':
      case 'plain':
        layout = word;
        saidLayout = true;
        break;
      case 'dense':
      case 'nodense':
        dense = word === 'dense';
        saidLayout = true;
        break;
      default:
        return { unknown: word };
    }
  }
  if (saidLayout && !saidWhen) enabled = 'always';
  return { enabled, layout, dense };
}

export interface ColumnSettings {
  readonly mode: ColumnMode;
  /** Columns of the terminal that may be used. */
  readonly width: number;
  /** Blanks between columns. Default 1. */
  readonly padding?: number;
  readonly indent?: string;
  readonly lineEnd?: string;
}

/** The items as a table; escape sequences of colours take no room. */
export function layOutColumns(items: readonly string[], settings: ColumnSettings): string {
  const { mode, indent = '', padding = 1, lineEnd = '\n' } = settings;
  if (mode.layout === 'plain') return items.map((item) => indent + item + lineEnd).join('');
  if (items.length === 0) return '';
  const lengths = items.map((item) => displayWidth(item, true));
  const cell = Math.max(...lengths) + padding;
  let columns = Math.max(1, Math.floor((settings.width - indent.length) / cell));
  let rows = Math.ceil(items.length / columns);
  const index = (x: number, y: number): number => (mode.layout === 'column' ? x * rows + y : y * columns + x);
  const widths = (): number[] => {
    const widest: number[] = [];
    for (let x = 0; x < columns; x++) {
      let width = 0;
      for (let y = 0; y < rows; y++) width = Math.max(width, lengths[index(x, y)] ?? 0);
      widest.push(width);
    }
    return widest;
  };
  let sizes: number[] | undefined;
  if (mode.dense) {
    while (rows > 1) {
      const before = { rows, columns };
      rows--;
      columns = Math.ceil(items.length / rows);
      const total = indent.length + widths().reduce((sum, width) => sum + width + padding, 0);
      if (total > settings.width) {
        ({ rows, columns } = before);
        break;
      }
    }
    sizes = widths();
  }
  let out = '';
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const i = index(x, y);
      if (i >= items.length) break;
      const last = mode.layout === 'column' ? i + rows >= items.length : x === columns - 1 || i === items.length - 1;
      const width = sizes === undefined ? cell : sizes[x]! + padding;
      out += (x === 0 ? indent : '') + items[i]! + (last ? lineEnd : ' '.repeat(Math.max(0, width - lengths[i]!)));
    }
  }
  return out;
}
