import type { Bytes } from '../base/bytes.js';

import { GitError } from '../base/errors.js';
import type { HashAlgorithm, ObjectKind, Oid } from '../base/oid.js';
import { hexLength, rawLength } from '../base/oid.js';
import { checkCommit, checkTag } from './fsck-text.js';
import { checkTree } from './fsck-tree.js';

/** How grave a finding is. `fatal` cannot be lowered. */
export type FsckSeverity = 'fatal' | 'error' | 'warn' | 'info' | 'ignore';

/** Every finding git knows, with its usual severity. */
const fsckMessages = {
  nulInHeader: 'fatal',
  unterminatedHeader: 'fatal',
  badDate: 'error',
  badDateOverflow: 'error',
  badEmail: 'error',
  badGpgsig: 'error',
  badHeadTarget: 'error',
  badHeaderContinuation: 'error',
  badName: 'error',
  badObjectSha1: 'error',
  badPackedRefEntry: 'error',
  badPackedRefHeader: 'error',
  badParentSha1: 'error',
  badRefContent: 'error',
  badRefFiletype: 'error',
  badRefName: 'error',
  badRefOid: 'error',
  badReferentName: 'error',
  badTimezone: 'error',
  badTree: 'error',
  badTreeSha1: 'error',
  badType: 'error',
  duplicateEntries: 'error',
  gitattributesBlob: 'error',
  gitattributesLarge: 'error',
  gitattributesLineLength: 'error',
  gitattributesMissing: 'error',
  gitmodulesBlob: 'error',
  gitmodulesLarge: 'error',
  gitmodulesMissing: 'error',
  gitmodulesName: 'error',
  gitmodulesPath: 'error',
  gitmodulesSymlink: 'error',
  gitmodulesUpdate: 'error',
  gitmodulesUrl: 'error',
  missingAuthor: 'error',
  missingCommitter: 'error',
  missingEmail: 'error',
  missingNameBeforeEmail: 'error',
  missingObject: 'error',
  missingSpaceBeforeDate: 'error',
  missingSpaceBeforeEmail: 'error',
  missingTag: 'error',
  missingTagEntry: 'error',
  missingTree: 'error',
  missingType: 'error',
  missingTypeEntry: 'error',
  multipleAuthors: 'error',
  packedRefEntryNotTerminated: 'error',
  packedRefUnsorted: 'error',
  treeNotSorted: 'error',
  unknownType: 'error',
  zeroPaddedDate: 'error',
  badReftableTableName: 'warn',
  emptyName: 'warn',
  fullPathname: 'warn',
  hasDot: 'warn',
  hasDotdot: 'warn',
  hasDotgit: 'warn',
  largePathname: 'warn',
  nulInCommit: 'warn',
  nullSha1: 'warn',
  zeroPaddedFilemode: 'warn',
  badFilemode: 'info',
  badTagName: 'info',
  emptyPackedRefsFile: 'info',
  gitattributesSymlink: 'info',
  gitignoreSymlink: 'info',
  gitmodulesParse: 'info',
  mailmapSymlink: 'info',
  missingTaggerEntry: 'info',
  refMissingNewline: 'info',
  symlinkRef: 'info',
  symrefTargetIsNotARef: 'info',
  trailingRefContent: 'info',
  extraHeaderEntry: 'ignore',
} as const satisfies Readonly<Record<string, FsckSeverity>>;

export type FsckId = keyof typeof fsckMessages;

/** One thing that is wrong with an object. */
export interface FsckFinding {
  readonly id: FsckId;
  readonly severity: 'error' | 'warning';
  /** git's words. */
  readonly message: string;
}

const byLowerCase = new Map<string, FsckId>(
  (Object.keys(fsckMessages) as FsckId[]).map((id) => [id.toLowerCase(), id]),
);

/** Severities as configured (`fsck.<msg-id>`), `--strict`, and objects that are not to be looked at. */
export class FsckRules {
  readonly #severities = new Map<FsckId, FsckSeverity>();
  readonly #skipped = new Set<string>();
  /** Warnings count as errors. */
  strict = false;
  largestName = 4096;

  /** Sets one severity, as `fsck.<id>=<level>` does. Throws `CONFIG`, in git's words. */
  set(name: string, level: string): void {
    const id = byLowerCase.get(name.toLowerCase());
    if (id === undefined) throw new GitError('CONFIG', `Unhandled message id: ${name}`);
    let value = level;
    if (id === 'largePathname' && level.includes(':')) {
      const colon = level.indexOf(':');
      const limit = Number(level.slice(colon + 1));
      if (!Number.isSafeInteger(limit) || limit < 0) {
        throw new GitError('CONFIG', `unable to parse max tree entry len: ${level.slice(colon + 1)}`);
      }
      this.largestName = limit;
      value = level.slice(0, colon);
    }
    const severity = levelOf(value);
    if (severity !== 'error' && fsckMessages[id] === 'fatal') {
      throw new GitError('CONFIG', `Cannot demote ${name} to ${severity}`);
    }
    this.#severities.set(id, severity);
  }

  /** Throws `CONFIG` where the level is none, without setting anything. */
  static checkLevel(name: string, level: string): void {
    levelOf(name.toLowerCase() === 'largepathname' ? level.replace(/:.*$/s, '') : level);
  }

  static isKnown(name: string): boolean {
    return byLowerCase.has(name.toLowerCase());
  }

  /** Adds the ids of a skip list: one a line, `#` starts a comment. Throws `CONFIG`. */
  skip(text: string, algorithm: HashAlgorithm): void {
    for (const line of text.split('\n')) {
      const id = line.replace(/#.*$/, '').trim();
      if (id === '') continue;
      if (id.length !== hexLength(algorithm) || !/^[0-9a-f]+$/i.test(id)) {
        throw new GitError('CONFIG', `invalid object name: ${line}`);
      }
      this.#skipped.add(id.toLowerCase());
    }
  }

  isSkipped(oid: string): boolean {
    return this.#skipped.has(oid);
  }

  /** What a finding counts as; `undefined`: it is not told. */
  severity(id: FsckId): 'error' | 'warning' | undefined {
    const configured = this.#severities.get(id);
    const severity: FsckSeverity = configured ?? fsckMessages[id];
    switch (severity) {
      case 'fatal':
      case 'error':
        return 'error';
      case 'warn':
        return this.strict && configured === undefined ? 'error' : 'warning';
      case 'info':
        return 'warning';
      default:
        return undefined;
    }
  }
}

function levelOf(value: string): 'error' | 'warn' | 'ignore' {
  const severity = value.toLowerCase();
  if (severity !== 'error' && severity !== 'warn' && severity !== 'ignore') {
    throw new GitError('CONFIG', `Unknown fsck message type: '${value}'`);
  }
  return severity;
}

export type Report = (id: FsckId, message: string) => void;

/** What a tree says about special files: blobs to be looked at under these rules too. */
export interface SpecialBlobs {
  gitmodules(oid: Oid): void;
  gitattributes(oid: Oid): void;
}

export interface FsckOptions {
  readonly algorithm: HashAlgorithm;
  readonly rules?: FsckRules;
  readonly special?: SpecialBlobs | undefined;
  /** The object's id, for the skip list. */
  readonly oid?: Oid | undefined;
}

const usualRules = new FsckRules();

/** Looks at an object's content. The findings are in git's order; the ones that are ignored are left out. */
export function fsckObject(kind: ObjectKind, data: Bytes, options: FsckOptions): FsckFinding[] {
  const rules = options.rules ?? usualRules;
  const findings: FsckFinding[] = [];
  if (options.oid !== undefined && rules.isSkipped(options.oid)) return findings;
  const report: Report = (id, message) => {
    const severity = rules.severity(id);
    if (severity !== undefined) findings.push({ id, severity, message });
  };
  switch (kind) {
    case 'commit':
      checkCommit(data, hexLength(options.algorithm), report, rules);
      break;
    case 'tag':
      checkTag(data, hexLength(options.algorithm), report, rules);
      break;
    case 'tree':
      checkTree(data, rawLength(options.algorithm), report, rules, options.special);
      break;
    default:
  }
  return findings;
}
