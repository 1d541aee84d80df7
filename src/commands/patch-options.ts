import { GitError } from '../base/errors.js';
import type { OptionSpecs } from './options.js';

/** The numbers that shape the hunks of `--patch`. */
export const hunkOptions = {
  unified: { type: 'number', short: 'U', value: 'n', negatable: false, help: 'generate diffs with <n> lines context' },
  'inter-hunk-context': {
    type: 'number',
    value: 'n',
    negatable: false,
    help: 'show context between diff hunks up to the specified number of lines',
  },
} as const satisfies OptionSpecs;

export const advanceOption = {
  'auto-advance': { type: 'flag', help: 'auto advance to the next file when selecting hunks interactively' },
} as const satisfies OptionSpecs;

interface PatchValues {
  readonly unified?: number | null | undefined;
  readonly 'inter-hunk-context'?: number | null | undefined;
  readonly 'auto-advance'?: boolean | undefined;
}

export interface PatchOptions {
  readonly unified?: number | null | undefined;
  readonly interHunk?: number | null | undefined;
  /** The next file comes when all of one is decided (the default). */
  readonly autoAdvance?: boolean | undefined;
  /** `--interactive` lists a renamed file once. */
  readonly renames?: boolean | undefined;
  /** The index file that diffs are made with, where it is not the repository's. */
  readonly indexFile?: string | undefined;
}

/** What `--patch` compares with: a commit by its id, so that `A...B` will do; HEAD under its own name. */
export const patchSource = (
  target: { readonly name: string; readonly commit?: string | undefined } | undefined,
): string | undefined =>
  target === undefined || target.name === 'HEAD' || target.name === '@' ? target?.name : (target.commit ?? target.name);

export const patchOptions = (values: PatchValues): PatchOptions => ({
  unified: said(values.unified),
  interHunk: said(values['inter-hunk-context']),
  autoAdvance: values['auto-advance'],
});

/** -1 is as good as nothing. */
const said = (value: number | null | undefined): number | null | undefined => (value === -1 ? undefined : value);

/** Refuses options that only make sense with `--patch`, and numbers that make none. */
export function checkPatchOptions(values: PatchValues, interactive: boolean, name = '--interactive/--patch'): void {
  for (const key of ['unified', 'inter-hunk-context'] as const) {
    const value = said(values[key]);
    if (value != null && value < 0) throw new GitError('USAGE', `'--${key}' cannot be negative`);
  }
  if (!interactive) requirePatch(values, name);
}

/** Refuses options that only make sense with `--patch`. */
export function requirePatch(values: PatchValues, name: string): void {
  if (values['auto-advance'] === false)
    throw new GitError('USAGE', `the option '--no-auto-advance' requires '${name}'`);
  for (const key of ['unified', 'inter-hunk-context'] as const) {
    if (said(values[key]) != null) throw new GitError('USAGE', `the option '--${key}' requires '${name}'`);
  }
}
