import type { Bytes } from '../base/bytes.js';
import { emptyBytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { isGitlinkMode, isRegularMode, isSymlinkMode, sameType } from '../objects/mode.js';
import type { DriverFor } from './driver.js';
import type { Labels, MergeContext, SubmoduleAdvice } from './hook.js';
import { lazy } from './hook.js';
import type { MergeState, Version } from './tree-state.js';

/** Merges three commits of a submodule, or says why not. */
export type SubmoduleMerge = (sides: {
  readonly path: string;
  readonly base: Oid<'commit'> | undefined;
  readonly ours: Oid<'commit'>;
  readonly theirs: Oid<'commit'>;
  readonly depth: number;
}) => Promise<SubmoduleAnswer>;

export interface SubmoduleAnswer {
  readonly commit?: Oid<'commit'> | undefined;
  readonly type: string;
  readonly text: string;
  readonly advice?: SubmoduleAdvice | undefined;
}

export interface EntryOptions {
  readonly driverFor: DriverFor;
  /** A side that wins where contents that cannot be merged by lines differ (links): `-X ours|theirs`. */
  readonly favor?: 'ours' | 'theirs' | undefined;
  readonly submodule?: SubmoduleMerge | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface MergedEntry {
  readonly result: Version;
  readonly clean: boolean;
}

const nothing = async (): Promise<Bytes | undefined> => undefined;

/** Merges one file, link or submodule of the same type on both sides: git's rules for modes, then contents by type. */
export class EntryMerge {
  constructor(
    readonly state: MergeState,
    readonly options: EntryOptions,
  ) {}

  /**
   * `names`: where base, ours and theirs have it. `nesting`: what is added to the length of conflict markers. `ask`:
   * hand the sides to the driver even where they agree.
   */
  async merge(
    path: string,
    stages: readonly [Version, Version, Version],
    names: readonly [string, string, string],
    nesting: number,
    ask = false,
  ): Promise<MergedEntry> {
    const [base, ours, theirs] = stages;
    let mode = theirs.mode;
    let clean = true;
    if (ours.mode !== theirs.mode && ours.mode !== base.mode) {
      mode = ours.mode;
      clean = theirs.mode === base.mode;
    }
    if (!ask || !isRegularMode(ours.mode)) {
      if (ours.oid === theirs.oid || ours.oid === base.oid) return { result: { mode, oid: theirs.oid }, clean };
      if (theirs.oid === base.oid) return { result: { mode, oid: ours.oid }, clean };
    }
    const realBase = sameType(base.mode, ours.mode) ? base : undefined;
    if (isRegularMode(ours.mode)) {
      const merged = await this.#contents(path, realBase, ours, theirs, names, nesting);
      return { result: { mode, oid: merged.oid }, clean: clean && merged.clean };
    }
    if (isGitlinkMode(ours.mode)) return this.#submodule(names[0], realBase, base, ours, theirs, mode);
    if (isSymlinkMode(ours.mode)) {
      if (this.state.depth > 0) return { result: base, clean: false };
      const { favor } = this.options;
      const oid = favor === 'theirs' ? theirs.oid : ours.oid;
      return { result: { mode, oid }, clean: clean && favor !== undefined };
    }
    return { result: { mode, oid: ours.oid }, clean: false };
  }

  async #contents(
    path: string,
    base: Version | undefined,
    ours: Version,
    theirs: Version,
    names: readonly [string, string, string],
    nesting: number,
  ): Promise<{ oid: Oid; clean: boolean }> {
    const { state } = this;
    const labels = labelsOf(state.labels, names);
    const read = async ({ oid }: Version): Promise<Bytes> => {
      const object = await state.objects.read(oid);
      if (object?.kind === 'blob') return object.data;
      throw new GitError('OBJECT_MISSING', `unable to read blob object ${oid}`, { data: { oid, path } });
    };
    const context: MergeContext = {
      path,
      paths: { base: names[0], ours: names[1], theirs: names[2] },
      labels,
      depth: state.depth,
      nesting,
      added: base === undefined,
      signal: this.options.signal,
    };
    const driver = await this.options.driverFor(path);
    const merged = await driver(
      {
        base: lazy(base === undefined ? nothing : () => read(base)),
        ours: await read(ours),
        theirs: await read(theirs),
      },
      context,
    );
    const bytes = merged.value ?? emptyBytes;
    const oid = await state.write.write('blob', bytes);
    if (!merged.clean) {
      for (const { kind, message } of merged.conflicts) {
        if (kind === 'binary' || kind === 'value') {
          const text =
            kind === 'binary'
              ? `warning: Cannot merge binary files: ${path} (${labels.ours} vs. ${labels.theirs})`
              : `${path}: ${message}`;
          state.say(kind === 'binary' ? 'CONFLICT (binary)' : 'CONFLICT (value)', [path], text);
        }
      }
    }
    state.say('Auto-merging', [path], `Auto-merging ${path}`);
    return { oid, clean: merged.clean };
  }

  async #submodule(
    path: string,
    realBase: Version | undefined,
    base: Version,
    ours: Version,
    theirs: Version,
    mode: number,
  ): Promise<MergedEntry> {
    const { state } = this;
    const commit = (version: Version) => version.oid as Oid<'commit'>;
    const answer: SubmoduleAnswer =
      this.options.submodule === undefined
        ? {
            type: 'CONFLICT (submodule not initialized)',
            text: `Failed to merge submodule ${path} (not checked out)`,
          }
        : await this.options.submodule({
            path,
            base: realBase === undefined ? undefined : commit(realBase),
            ours: commit(ours),
            theirs: commit(theirs),
            depth: state.depth,
          });
    state.say(answer.type, [path], answer.text);
    if (answer.commit !== undefined) return { result: { mode, oid: answer.commit }, clean: true };
    if (state.depth === 0) state.submodules.push(answer.advice ?? { path });
    if (state.depth > 0) return { result: realBase === undefined ? base : { mode, oid: base.oid }, clean: false };
    return { result: { mode, oid: ours.oid }, clean: false };
  }
}

/** The sides' names, with the path behind them where a rename made the paths differ. */
function labelsOf(labels: Labels, names: readonly [string, string, string]): Labels {
  if (names[0] === names[1] && names[1] === names[2]) return labels;
  return {
    base: `${labels.base}:${names[0]}`,
    ours: `${labels.ours}:${names[1]}`,
    theirs: `${labels.theirs}:${names[2]}`,
  };
}
