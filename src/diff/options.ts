import type { Awaitable } from '../base/awaitable.js';
import type { Bytes } from '../base/bytes.js';
import type { Oid } from '../base/oid.js';
import type { DiffColors } from './colors.js';
import type { FunctionFinder, Hunk } from './hunks.js';
import type { Change, DiffAlgorithm, LineDiffOptions } from './line-diff.js';
import type { Lines } from './lines.js';
import type { DiffSide, FilePair } from './pair.js';
import type { WhitespaceRule } from './whitespace.js';

/** How the files of one kind are shown: git's userdiff driver, chosen by the `diff` attribute. */
export interface FileDriver {
  /** `true`: never a text diff; `false`: always one; absent: look for NUL bytes. */
  readonly binary?: boolean | undefined;
  readonly findFunction?: FunctionFinder | undefined;
  /** What counts as a word in a word diff; see `words.ts`. */
  readonly words?: WordSplitter | undefined;
  readonly algorithm?: DiffAlgorithm | undefined;
  /** Length of conflict markers (`conflict-marker-size`); 7 by default. */
  readonly markerSize?: number | undefined;
  /** Turns content into text for people. */
  readonly textconv?: ((side: DiffSide) => Awaitable<Bytes>) | undefined;
  /** A program that shows the difference instead. `quiet`: only whether there is one is of interest. */
  readonly external?: ((pair: FilePair, header: string, quiet: boolean) => Awaitable<ExternalAnswer>) | undefined;
  /** The program's exit code says whether there are differences. */
  readonly trustsExit?: boolean | undefined;
}

/** What a program that shows differences did. */
export interface ExternalAnswer {
  readonly output: Bytes;
  readonly changed: boolean;
  /** It died; what it printed before still counts. */
  readonly failure?: Error | undefined;
}

/** Finds the next word at or after `from`; `undefined` when there is none before `to`. */
export type WordSplitter = (
  text: Bytes,
  from: number,
  to: number,
) => { readonly start: number; readonly end: number } | undefined;

export type WordDiffMode = 'color' | 'plain' | 'porcelain';
export type MovedMode = 'plain' | 'blocks' | 'zebra' | 'dimmed-zebra';

/** How differences between submodules are shown. */
export type SubmoduleFormat = 'short' | 'log' | 'diff';

/** Everything that decides how a list of pairs becomes text. All optional; the defaults are git's. */
export interface DiffOptions extends LineDiffOptions {
  readonly context?: number | undefined;
  readonly interHunkContext?: number | undefined;
  readonly functionContext?: boolean | undefined;
  readonly ignoreBlankLines?: boolean | undefined;
  /** `-I`: changes all of whose lines one of these matches are not shown. */
  readonly ignoreMatching?: readonly ((lines: Lines, index: number) => boolean)[] | undefined;

  /** `a/` and `b/`. */
  readonly oldPrefix?: string | undefined;
  readonly newPrefix?: string | undefined;
  /** Cut off the front of every path shown (`--relative`); with its `/`. */
  readonly relative?: string | undefined;
  /** `core.quotePath`; on by default. */
  readonly quotePath?: boolean | undefined;
  /** What ends a record of raw, name and numstat output; NUL for `-z`. */
  readonly terminator?: '\n' | '\0' | undefined;
  /** Old and new are exchanged (`-R`). The pairs are expected to be exchanged already. */
  readonly reverse?: boolean | undefined;

  /** Shortens ids on `index` lines. The whole id by default. */
  readonly abbreviate?: ((oid: Oid) => Awaitable<string>) | undefined;
  /** Shortens ids on `index` lines of combined patches; as `abbreviate` unless said. */
  readonly abbreviateCombined?: ((oid: Oid) => Awaitable<string>) | undefined;
  /** Shortens ids in raw output. */
  readonly abbreviateRaw?: ((oid: Oid) => Awaitable<string>) | undefined;
  readonly fullIndex?: boolean | undefined;
  /** The id of a side's content where the side does not know it. */
  readonly identify?: ((side: DiffSide) => Awaitable<Oid>) | undefined;

  /** Binary files as patches that can be applied (`--binary`). Needs `deflate`. */
  readonly binaryPatch?: boolean | undefined;
  /** zlib's deflate at the configured level. */
  readonly deflate?: ((bytes: Bytes) => Bytes) | undefined;
  /** A pack delta from `from` to `to` of at most `limit` bytes, if there is one. */
  readonly makeDelta?: ((from: Bytes, to: Bytes, limit: number) => Bytes | undefined) | undefined;
  /** All files are text (`-a`). */
  readonly text?: boolean | undefined;
  /** Deletions without their content (`-D`). */
  readonly omitDeleted?: boolean | undefined;

  /** Absent: no colours. */
  readonly colors?: DiffColors | undefined;
  /** Characters in front of lines: ` `, `-`, `+`. */
  readonly indicators?:
    | { readonly context?: string | undefined; readonly old?: string | undefined; readonly new?: string | undefined }
    | undefined;
  /** In front of every line (`--line-prefix`, `log --graph`). */
  readonly linePrefix?: string | undefined;
  /** Where white space errors are highlighted; in new lines by default. */
  readonly highlightWhitespace?:
    | { readonly old?: boolean; readonly new?: boolean; readonly context?: boolean }
    | undefined;
  readonly whitespaceRuleFor?: ((path: string) => WhitespaceRule) | undefined;
  /** An unchanged empty line is shown without the space in front (`diff.suppressBlankEmpty`). */
  readonly suppressBlankEmpty?: boolean | undefined;
  readonly driverFor?: ((path: string) => FileDriver | undefined) | undefined;
  /** The algorithm of `driverFor` does not count: the user named one. */
  readonly ignoreDriverAlgorithm?: boolean | undefined;
  readonly textconv?: boolean | undefined;
  readonly externalDiff?: boolean | undefined;
  /** Nothing is printed: programs need not run where that settles it. */
  readonly quiet?: boolean | undefined;
  /** Further header lines of a path's patch, by its old name: what a merge made anew says (`--remerge-diff`). */
  /** Hunks that are shown of a file, by its new name, instead of those of all its changes. */
  readonly hunksOf?: ((path: string, changes: readonly Change[]) => readonly Hunk[] | undefined) | undefined;
  readonly pathHeaders?: ReadonlyMap<string, readonly string[]> | undefined;
  /** Told how many pairs a patch will be of, before the first. */
  readonly announce?: ((pairs: number) => void) | undefined;

  readonly wordDiff?: WordDiffMode | undefined;
  readonly words?: WordSplitter | undefined;
  /** Where neither `words` nor a driver says (`diff.wordRegex`). */
  readonly defaultWords?: WordSplitter | undefined;
  readonly moved?: MovedMode | undefined;
  /** White space overlooked when looking for moved lines, and `allow-indentation-change`. */
  readonly movedWhitespace?:
    | (LineDiffOptions['whitespace'] & { readonly allowIndentationChange?: boolean | undefined })
    | undefined;

  /**
   * What is compared are patches themselves: no file headers, and hunks only named. `dual`: lines keep the colours that
   * they have in the patch, and only the sign in front tells the side.
   */
  readonly patches?: { readonly dual: boolean } | undefined;
  readonly submodule?: SubmoduleFormat | undefined;
  /** What `submodule` other than `short` shows. */
  readonly showSubmodule?: ((pair: FilePair) => Awaitable<Bytes>) | undefined;
}
