import type { Bytes } from '../base/bytes.js';
import { isRegularMode, isSymlinkMode } from '../objects/mode.js';
import { ByteBuilder } from './byte-builder.js';
import { noDiffColors } from './colors.js';
import { splitLines, type Lines } from './lines.js';
import { shownPath } from './names.js';
import type { DiffOptions } from './options.js';
import { exists, type FilePair } from './pair.js';
import { changesForOutput, isBinaryContent } from './patch.js';
import { countTrailingBlankLines, defaultWhitespaceRule, whitespaceFaults, writeMarked } from './whitespace.js';

/** `--check` of one pair: each new line with a white space error or a leftover conflict marker. */
export async function checkText(pair: FilePair, options: DiffOptions): Promise<Bytes> {
  const out = new ByteBuilder(256);
  const { old, new: fresh } = pair;
  if (pair.status === 'U' || !exists(fresh)) return out.take();
  const oldContent = await old.read();
  const newContent = await fresh.read();
  const driver = isRegularMode(fresh.mode) ? options.driverFor?.(fresh.path) : undefined;
  if (isBinaryContent(newContent, driver)) return out.take();
  const colors = options.colors ?? noDiffColors;
  const given = options.whitespaceRuleFor?.(fresh.path) ?? defaultWhitespaceRule;
  const rule = isSymlinkMode(fresh.mode) ? { ...given, incompleteLine: false } : given;
  const name = shownPath(fresh.path, options);
  const prefix = options.linePrefix ?? '';
  const a = splitLines(oldContent);
  const b = splitLines(newContent);
  const markerSize = driver?.markerSize ?? 7;
  // one line of context, so that conflict markers are seen whole
  const changes = changesForOutput(a, b, { ...options, context: 1 }, driver?.algorithm);
  for (const change of changes) {
    for (let i = change.b, end = i + change.bCount; i < end; i++) {
      const from = b.starts[i]!;
      const to = b.starts[i + 1]!;
      if (isConflictMarker(newContent, from, to, markerSize))
        out.text(`${prefix}${name}:${i + 1}: leftover conflict marker\n`);
      const faults = whitespaceFaults(newContent, from, to, rule);
      if (faults.length === 0) continue;
      out.text(`${prefix}${name}:${i + 1}: ${faults.join(', ')}.\n`);
      out.text(`${prefix}${colors.new}+${colors.reset}`);
      writeMarked(out, newContent, from, to, rule, colors.new, colors.reset, colors.whitespace);
      if (newContent[to - 1] !== 10) out.byte(10);
    }
  }
  if (rule.blankAtEof) {
    const line = newBlankAtEof(a, b);
    if (line !== undefined) out.text(`${prefix}${name}:${line}: new blank line at EOF.\n`);
  }
  return out.take();
}

/** The number of the first blank line at the end, where there are more of them than there were. */
function newBlankAtEof(a: Lines, b: Lines): number | undefined {
  const before = countTrailingBlankLines(a);
  const after = countTrailingBlankLines(b);
  return after <= before ? undefined : b.count - after + 1;
}

function isConflictMarker(bytes: Bytes, from: number, to: number, size: number): boolean {
  if (to - from < size + 1) return false;
  const first = bytes[from]!;
  if (first !== 61 && first !== 62 && first !== 60 && first !== 124) return false;
  for (let i = 1; i < size; i++) if (bytes[from + i] !== first) return false;
  const after = bytes[from + size]!;
  return after === 32 || after === 9 || after === 10 || after === 13;
}
