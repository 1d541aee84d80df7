import { compareText, decodeText } from '../base/bytes.js';
import { hexLength } from '../base/oid.js';
import type { FsckId, FsckRules } from '../objects/fsck.js';
import { checkRefFormat, isRootRef } from '../refs/name.js';
import type { Repository } from '../repo/repository.js';
import { listWorktrees } from './worktree-list.js';

/** A fault of the ref files. */
export interface RefFinding {
  readonly severity: 'error' | 'warning';
  /** A ref's name, or a line of packed-refs. */
  readonly path: string;
  readonly id: FsckId;
  readonly message: string;
}

/** Looks at every file that holds refs: names, contents, packed-refs (git refs verify). */
export function verifyRefs(repository: Repository, rules: FsckRules): readonly RefFinding[] {
  return new Verifier(repository, rules).run();
}

class Verifier {
  readonly #repository: Repository;
  readonly #rules: FsckRules;
  readonly #found: RefFinding[] = [];

  constructor(repository: Repository, rules: FsckRules) {
    this.#repository = repository;
    this.#rules = rules;
  }

  run(): readonly RefFinding[] {
    for (const { gitDir, name } of listWorktrees(this.#repository)) {
      const prefix = name === undefined ? '' : `worktrees/${name}/`;
      this.#rootRefs(gitDir, prefix);
      this.#folder(`${gitDir}/refs`, `${prefix}refs/`);
      if (name === undefined) this.#packed();
    }
    return this.#found;
  }

  #report(path: string, id: FsckId, message: string): void {
    const severity = this.#rules.severity(id);
    if (severity !== undefined) this.#found.push({ severity, path, id, message });
  }

  #rootRefs(gitDir: string, prefix: string): void {
    const { fs } = this.#repository.platform;
    for (const { name, kind } of fs.readDirectory(gitDir) ?? []) {
      if (isRootRef(name) && kind !== 'directory') this.#file(`${gitDir}/${name}`, prefix + name);
    }
  }

  #folder(directory: string, base: string): void {
    const { fs } = this.#repository.platform;
    const entries = [...(fs.readDirectory(directory) ?? [])].sort((a, b) => compareText(a.name, b.name));
    for (const { name, kind } of entries) {
      const path = `${directory}/${name}`;
      if (kind === 'directory') {
        this.#folder(path, `${base}${name}/`);
        continue;
      }
      // Locks of refs; a name that begins with a dot can be no ref, so that is no lock.
      if (!name.startsWith('.') && name.endsWith('.lock')) continue;
      const full = base + name;
      if (kind === 'other') this.#report(full, 'badRefFiletype', 'unexpected file type');
      else {
        if (!checkRefFormat(full)) this.#report(full, 'badRefName', 'invalid refname format');
        this.#file(path, full);
      }
    }
  }

  #file(path: string, name: string): void {
    const { fs } = this.#repository.platform;
    const link = fs.readLink(path);
    if (link !== undefined) {
      this.#report(name, 'symlinkRef', 'use deprecated symbolic link for symref');
      const directory = path.slice(0, path.lastIndexOf('/'));
      this.#target(name, this.#relative(link.startsWith('/') ? link : `${directory}/${link}`));
      return;
    }
    const bytes = fs.readFile(path);
    if (bytes === undefined) return;
    const text = decodeText(bytes);
    if (text.startsWith('ref:')) {
      const referent = text.slice(4).replace(/^\s+/, '');
      const trimmed = referent.trimEnd();
      const extra = referent.length - trimmed.length;
      if (!referent.endsWith('\n')) this.#report(name, 'refMissingNewline', 'misses LF at the end');
      if (extra > 1 || (extra === 1 && !referent.endsWith('\n')))
        this.#report(name, 'trailingRefContent', 'has trailing whitespaces or newlines');
      this.#target(name, trimmed);
      return;
    }
    const length = hexLength(this.#repository.objectFormat);
    const oid = text.slice(0, length).toLowerCase();
    const trailing = text.slice(length);
    if (oid.length < length || !/^[0-9a-f]+$/.test(oid) || (trailing !== '' && !/^\s/.test(trailing))) {
      this.#report(name, 'badRefContent', text.trimEnd());
      return;
    }
    if (trailing === '') this.#report(name, 'refMissingNewline', 'misses LF at the end');
    else if (trailing !== '\n') this.#report(name, 'trailingRefContent', `has trailing garbage: '${trailing}'`);
    if (/^0+$/.test(oid)) this.#report(name, 'badRefOid', `points to invalid object ID '${oid}'`);
  }

  /** A link's target as seen from the git folder. */
  #relative(path: string): string {
    const parts: string[] = [];
    for (const part of path.split('/')) {
      if (part === '..') parts.pop();
      else if (part !== '.') parts.push(part);
    }
    const full = parts.join('/');
    const { commonDir } = this.#repository;
    return full.startsWith(`${commonDir}/`) ? full.slice(commonDir.length + 1) : full;
  }

  #target(name: string, referent: string): void {
    if (name === 'HEAD' || name.endsWith('/HEAD')) {
      const bare = name === 'HEAD' || /^worktrees\/[^/]+\/HEAD$/.test(name);
      if (bare && !referent.startsWith('refs/heads/')) {
        this.#report(name, 'badHeadTarget', `HEAD points to non-branch '${referent}'`);
        return;
      }
    }
    if (isRootRef(referent)) return;
    if (!referent.startsWith('refs/') && !referent.startsWith('worktrees/'))
      this.#report(name, 'symrefTargetIsNotARef', `points to non-ref target '${referent}'`);
    if (!checkRefFormat(referent)) this.#report(name, 'badReferentName', `points to invalid refname '${referent}'`);
  }

  #packed(): void {
    const { fs } = this.#repository.platform;
    const path = `${this.#repository.commonDir}/packed-refs`;
    const stat = fs.lstat(path);
    if (stat === undefined) return;
    if (stat.kind !== 'file') {
      const what = stat.kind === 'symlink' ? 'not a regular file but a symlink' : 'not a regular file';
      this.#report('packed-refs', 'badRefFiletype', what);
      return;
    }
    const text = decodeText(fs.readFile(path)!);
    if (text === '') {
      this.#report('packed-refs', 'emptyPackedRefsFile', 'file is empty');
      return;
    }
    const lines = text.split('\n');
    if (lines[lines.length - 1] === '') lines.pop();
    else {
      const last = lines[lines.length - 1]!;
      this.#report(
        `packed-refs line ${lines.length}`,
        'packedRefEntryNotTerminated',
        `'${last}' is not terminated with a newline`,
      );
      return;
    }
    let start = 0;
    let sorted = false;
    if (lines[0]!.startsWith('#')) {
      const header = '# pack-refs with: ';
      start = 1;
      if (!lines[0]!.startsWith(header)) {
        this.#report('packed-refs.header', 'badPackedRefHeader', `'${lines[0]}' does not start with '${header}'`);
      } else sorted = lines[0]!.split(' ').includes('sorted');
    }
    let previous: string | undefined;
    let clean = true;
    const order: { line: number; name: string; before: string }[] = [];
    for (let i = start; i < lines.length; i++) {
      const where = `packed-refs line ${i + 1}`;
      const before = this.#found.length;
      const name = this.#packedEntry(lines[i]!, where);
      if (this.#found.length > before) clean = false;
      if (name === undefined) continue;
      if (previous !== undefined && compareText(previous, name) >= 0)
        order.push({ line: i + 1, name, before: previous });
      previous = name;
    }
    if (!sorted || !clean) return;
    const first = order[0];
    if (first !== undefined) {
      this.#report(
        `packed-refs line ${first.line}`,
        'packedRefUnsorted',
        `refname '${first.name}' is less than previous refname '${first.before}'`,
      );
    }
  }

  /** One line of packed-refs; its ref's name, where it is one and well-formed. */
  #packedEntry(line: string, where: string): string | undefined {
    const length = hexLength(this.#repository.objectFormat);
    const isOidAt = (at: number): boolean => {
      const oid = line.slice(at, at + length);
      return oid.length === length && /^[0-9a-f]+$/i.test(oid);
    };
    if (line.startsWith('^')) {
      if (!isOidAt(1)) this.#report(where, 'badPackedRefEntry', `'${line.slice(1)}' has invalid peeled oid`);
      else if (line.length > length + 1)
        this.#report(where, 'badPackedRefEntry', `has trailing garbage after peeled oid '${line.slice(length + 1)}'`);
      return undefined;
    }
    if (!isOidAt(0)) {
      this.#report(where, 'badPackedRefEntry', `'${line}' has invalid oid`);
      return undefined;
    }
    const oid = line.slice(0, length);
    if (!/^\s/.test(line.slice(length))) {
      this.#report(where, 'badPackedRefEntry', `has no space after oid '${oid}' but with '${line.slice(length)}'`);
      return undefined;
    }
    const name = line.slice(length + 1);
    if (!checkRefFormat(name)) {
      this.#report(where, 'badRefName', `has bad refname '${name}'`);
      return undefined;
    }
    return name;
  }
}
