import type { Bytes } from '../base/bytes.js';
import { ByteBuilder } from './byte-builder.js';
import type { DiffColors } from './colors.js';
import { diffLines } from './line-diff.js';
import { isSpace, splitLines } from './lines.js';
import type { WordDiffMode, WordSplitter } from './options.js';

interface WordStyle {
  readonly color: string;
  readonly before: string;
  readonly after: string;
}

interface WordStyles {
  readonly old: WordStyle;
  readonly new: WordStyle;
  readonly context: WordStyle;
  readonly newline: string;
}

export interface WordDiffOptions {
  readonly mode: WordDiffMode;
  /** What a word is; runs of what is not white space by default. */
  readonly words?: WordSplitter | undefined;
  readonly colors?: DiffColors | undefined;
  readonly prefix?: string | undefined;
  /** Where prefixes are written instead of before their lines. */
  readonly prefixTo?: ByteBuilder | undefined;
}

/** Runs of bytes that are not white space. */
const plainWords: WordSplitter = (text, from, to) => {
  let start = from;
  while (start < to && isSpace(text[start]!)) start++;
  if (start >= to) return undefined;
  let end = start + 1;
  while (end < to && !isSpace(text[end]!)) end++;
  return { start, end };
};

/**
 * A word diff: old and new lines are gathered until something else comes, then compared word by word. What is between
 * words is taken from the new text.
 */
export class WordDiff {
  private readonly oldText = new ByteBuilder(256);
  private readonly newText = new ByteBuilder(256);
  private readonly styles: WordStyles;
  private readonly prefix: string;
  private readonly prefixTo: ByteBuilder;
  private readonly reset: string;
  private readonly contextColor: string;

  constructor(
    private readonly out: ByteBuilder,
    private readonly options: WordDiffOptions,
  ) {
    this.prefix = options.prefix ?? '';
    this.prefixTo = options.prefixTo ?? out;
    const { colors } = options;
    this.reset = colors?.reset ?? '';
    this.contextColor = colors?.context ?? '';
    const style = (color: string | undefined, before: string, after: string): WordStyle => ({
      color: color ?? '',
      before,
      after,
    });
    if (options.mode === 'porcelain') {
      this.styles = {
        old: style(colors?.old, '-', '\n'),
        new: style(colors?.new, '+', '\n'),
        context: style(colors?.context, ' ', '\n'),
        newline: '~\n',
      };
    } else {
      const marks = options.mode === 'plain' ? ['[-', '-]', '{+', '+}'] : ['', '', '', ''];
      this.styles = {
        old: style(colors?.old, marks[0]!, marks[1]!),
        new: style(colors?.new, marks[2]!, marks[3]!),
        context: style(colors?.context, '', ''),
        newline: '\n',
      };
    }
  }

  old(bytes: Bytes, from: number, to: number): void {
    gather(this.oldText, bytes, from, to);
  }

  new(bytes: Bytes, from: number, to: number): void {
    gather(this.newText, bytes, from, to);
  }

  /** An unchanged line. */
  context(bytes: Bytes, from: number, to: number, bareWhenEmpty: boolean): void {
    this.flush();
    const { out } = this;
    const complete = to > from && bytes[to - 1] === 10;
    let end = complete ? to - 1 : to;
    const cr = end > from && bytes[end - 1] === 13;
    if (cr) end--;
    const porcelain = this.options.mode === 'porcelain';
    const sign = porcelain && !(bareWhenEmpty && end === from) ? ' ' : '';
    out.text(this.prefix);
    if (end > from || sign !== '') {
      out.text(this.contextColor + sign);
      out.slice(bytes, from, end);
      out.text(this.reset);
    }
    if (cr) out.byte(13);
    out.byte(10);
    if (porcelain) out.text('~\n');
  }

  /** Shows what was gathered. */
  flush(): void {
    if (this.oldText.length === 0 && this.newText.length === 0) return;
    const oldText = this.oldText.take();
    const newText = this.newText.take();
    if (newText.length === 0) {
      this.out.text(this.prefix);
      this.write(this.styles.old, oldText, 0, oldText.length);
      return;
    }
    const oldWords = this.split(oldText);
    const newWords = this.split(newText);
    const changes = diffLines(splitLines(oldWords.text), splitLines(newWords.text), {
      indentHeuristic: false,
      trimTail: true,
    });
    let done = 0; // of the new text
    let lastOld = 0;
    const startsLine = (): boolean => (done === 0 && lastOld === 0) || (done > 0 && newText[done - 1] === 10);
    for (const change of changes) {
      const oldBegin = change.aCount > 0 ? oldWords.begins[change.a]! : endBefore(oldWords, change.a);
      const oldEnd = change.aCount > 0 ? oldWords.ends[change.a + change.aCount - 1]! : oldBegin;
      const newBegin = change.bCount > 0 ? newWords.begins[change.b]! : endBefore(newWords, change.b);
      const newEnd = change.bCount > 0 ? newWords.ends[change.b + change.bCount - 1]! : newBegin;
      if (startsLine()) this.prefixTo.text(this.prefix);
      if (done !== newBegin) this.write(this.styles.context, newText, done, newBegin);
      if (oldBegin !== oldEnd) this.write(this.styles.old, oldText, oldBegin, oldEnd);
      if (newBegin !== newEnd) this.write(this.styles.new, newText, newBegin, newEnd);
      done = newEnd;
      lastOld = change.aCount > 0 ? change.a + 1 : change.a;
    }
    if (done !== newText.length) {
      if (startsLine()) this.out.text(this.prefix);
      this.write(this.styles.context, newText, done, newText.length);
    }
  }

  /** The words of a text, one a line, and where each was. */
  private split(text: Bytes): Words {
    const find = this.options.words ?? plainWords;
    const lines = new ByteBuilder(text.length + 64);
    const begins: number[] = [];
    const ends: number[] = [];
    for (let at = 0; at < text.length; ) {
      const found = find(text, at, text.length);
      if (found === undefined) break;
      let { end } = found;
      const cut = text.subarray(found.start, end).indexOf(10);
      if (cut >= 0) end = found.start + cut;
      if (end === found.start) {
        at = found.start + 1;
        continue;
      }
      begins.push(found.start);
      ends.push(end);
      lines.slice(text, found.start, end);
      lines.byte(10);
      at = end;
    }
    return { text: lines.take(), begins, ends };
  }

  /** A piece of text in a style, line by line. */
  private write(style: WordStyle, text: Bytes, from: number, to: number): void {
    const { out } = this;
    let at = from;
    while (at < to) {
      let end = text.indexOf(10, at);
      if (end < 0 || end >= to) end = to;
      if (end > at) {
        if (style.color !== '') out.text(style.color);
        out.text(style.before);
        out.slice(text, at, end);
        out.text(style.after);
        if (style.color !== '') out.text(this.reset);
      }
      if (end === to) return;
      out.text(this.styles.newline);
      at = end + 1;
      if (at < to) out.text(this.prefix);
    }
  }
}

/** Every line ends in a newline here, the last of a file too. */
function gather(text: ByteBuilder, bytes: Bytes, from: number, to: number): void {
  text.slice(bytes, from, to);
  if (to > from && bytes[to - 1] !== 10) text.byte(10);
}

interface Words {
  readonly text: Bytes;
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

/** Where the word in front of word `index` ends. */
const endBefore = (words: Words, index: number): number => (index === 0 ? 0 : words.ends[index - 1]!);
