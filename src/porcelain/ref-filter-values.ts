import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { zeroOid } from '../base/oid.js';
import { shortenRef } from '../refs/name.js';
import type { Ref } from '../refs/store.js';
import { formatDate } from '../repo/dates.js';
import type { Repository } from '../repo/repository.js';
import { resolveCommit } from '../repo/revision.js';
import { findUpstream, pushRemoteOfBranch, pushTargetOf } from '../repo/tracking.js';
import { abbreviate } from './abbreviate.js';
import { type Mailmap, readMailmap } from './mailmap.js';
import type { Atom, AtomKind, Length, NameForm } from './ref-filter-atom.js';
import { missingObject, ObjectFields, splitIdentity } from './ref-filter-object.js';
import type { RefReach } from './ref-filter-reach.js';
import { formatTrailers } from './trailers.js';
import { listWorktrees } from './worktree-list.js';

/** A ref of the listing, with what was found out about it. */
export interface ListedRef extends Ref {
  /** Shown instead of its name: `(HEAD detached at 1234567)`. */
  readonly description?: string;
}

export interface ValueExtras {
  /** `%(describe…)`. */
  readonly describe?: (oid: Oid, options: Extract<AtomKind, { type: 'describe' }>['options']) => Promise<string>;
  /** `%(signature…)`. */
  readonly signature?: (
    fields: ObjectFields,
    part: Extract<AtomKind, { type: 'signature' }>['part'],
  ) => Promise<string>;
}

/** Finds the values of format fields for refs; what is expensive is found once. */
export class RefValues {
  readonly repository: Repository;
  readonly reach: RefReach;
  readonly #extras: ValueExtras;
  readonly #strict: boolean;
  readonly #complain: (line: string) => void;
  #current: ListedRef | undefined;
  #object: ObjectFields | undefined;
  #peeled: ObjectFields | undefined;
  #head: string | undefined;
  #worktrees: ReadonlyMap<string, string> | undefined;
  #mailmap: Mailmap | undefined;
  readonly #bases = new Map<string, Oid>();
  readonly #likelyBases = new Map<string, string>();

  constructor(
    repository: Repository,
    reach: RefReach,
    extras: ValueExtras = {},
    complain: (line: string) => void = () => {},
  ) {
    this.#complain = complain;
    this.repository = repository;
    this.reach = reach;
    this.#extras = extras;
    this.#strict = repository.config.getBool('core.warnambiguousrefs', true);
  }

  /** What must be known before the first value: commits that fields compare with. Throws git's words. */
  async prepare(atoms: readonly Atom[], refs: () => Promise<readonly ListedRef[]>): Promise<void> {
    for (const { kind } of atoms) {
      if (kind.type === 'ahead-behind' || kind.type === 'is-base') {
        if (this.#bases.has(kind.base)) continue;
        try {
          this.#bases.set(kind.base, await resolveCommit(this.repository, kind.base));
        } catch {
          throw new GitError('REF_MISSING', `failed to find '${kind.base}'`);
        }
      }
    }
    for (const { kind } of atoms) {
      if (kind.type !== 'is-base' || this.#likelyBases.has(kind.base)) continue;
      const list = await refs();
      const tips = await Promise.all(list.map((ref) => this.commitOf(ref)));
      const index = await this.reach.likelyBase(this.#bases.get(kind.base)!, tips);
      this.#likelyBases.set(kind.base, index < 0 ? '' : list[index]!.name);
    }
    const head = await this.repository.refs.resolveFull('HEAD');
    this.#head = head?.name;
  }

  /** The commit a ref leads to, through tags; `undefined` for other objects. */
  async commitOf(ref: ListedRef): Promise<Oid | undefined> {
    const { objects } = this.repository;
    for (let at = ref.peeled ?? ref.oid; ; ) {
      const header = await objects.readHeader(at);
      if (header?.kind === 'commit') return at;
      if (header?.kind !== 'tag') return undefined;
      const object = await objects.read(at);
      if (object === undefined) return undefined;
      const tag = new ObjectFields(at, 'tag', object.data);
      const { target } = tag;
      if (target === undefined) return undefined;
      const actual = (await objects.readHeader(target))?.kind;
      if (actual !== undefined && actual !== tag.header('type')) {
        this.#complain(`error: object ${target} is a ${actual}, not a ${tag.header('type')}`);
        this.#complain(`error: bad tag pointer to ${target} in ${at}`);
        return undefined;
      }
      at = target;
    }
  }

  async #fields(ref: ListedRef, peeled: boolean): Promise<ObjectFields | undefined> {
    if (this.#current !== ref) {
      this.#current = ref;
      this.#object = undefined;
      this.#peeled = undefined;
    }
    this.#object ??= await this.#read(ref.oid, ref.name);
    if (!peeled) return this.#object;
    if (this.#object.kind !== 'tag') return undefined;
    if (this.#peeled === undefined) {
      let at = this.#object;
      while (at.kind === 'tag') {
        const { target } = at;
        if (target === undefined) throw new GitError('OBJECT_CORRUPT', `malformed object at '${ref.name}'`);
        const declared = at.header('type');
        at = await this.#read(target, ref.name);
        if (at.kind !== declared) {
          this.#complain(`error: object ${target} is a ${declared}, not a ${at.kind}`);
          throw new GitError('OBJECT_CORRUPT', 'bad tag');
        }
      }
      this.#peeled = at;
    }
    return this.#peeled;
  }

  async #read(oid: Oid, name: string): Promise<ObjectFields> {
    const object = await this.repository.objects.read(oid);
    if (object === undefined) throw missingObject(oid, name);
    return new ObjectFields(oid, object.kind, object.data);
  }

  /** The text of a field. */
  async text(atom: Atom, ref: ListedRef): Promise<string> {
    const { kind } = atom;
    switch (kind.type) {
      case 'refname':
        if (ref.description !== undefined) return ref.description;
        return (await this.#show(ref.name, kind.show)) + (atom.peeled ? '^{}' : '');
      case 'symref':
        return ref.symbolicTarget === undefined ? '' : this.#show(ref.symbolicTarget, kind.show);
      case 'flag': {
        const flags = [
          ...(ref.symbolicTarget === undefined ? [] : ['symref']),
          ...(ref.packed === true ? ['packed'] : []),
        ];
        return flags.join(',');
      }
      case 'HEAD':
        return !atom.peeled && ref.name === this.#head ? '*' : ' ';
      case 'color':
        return kind.sequence;
      case 'upstream':
      case 'push':
        return ref.name.startsWith('refs/heads/') ? this.#remote(kind, ref) : '';
      case 'worktreepath':
        if (ref.name !== 'HEAD' && !ref.name.startsWith('refs/heads/')) return '';
        this.#worktrees ??= checkedOutBranches(this.repository);
        return this.#worktrees.get(ref.name) ?? '';
      case 'ahead-behind': {
        const commit = await this.commitOf(ref);
        if (commit === undefined) {
          const oid = ref.peeled ?? ref.oid;
          const kind = (await this.repository.objects.readHeader(oid))?.kind;
          if (kind !== undefined && kind !== 'tag') this.#complain(`error: object ${oid} is a ${kind}, not a commit`);
          return '';
        }
        const { ahead, behind } = await this.reach.aheadBehind(commit, this.#bases.get(kind.base)!);
        return `${ahead} ${behind}`;
      }
      case 'is-base':
        return this.#likelyBases.get(kind.base) === ref.name ? `(${kind.base})` : '';
      case 'objectname': {
        if (!atom.peeled) return this.#oid(ref.oid, kind.length);
        const peeled = await this.#fields(ref, true);
        return peeled === undefined ? '' : this.#oid(peeled.oid, kind.length);
      }
      case 'objecttype':
      case 'objectsize':
      case 'deltabase':
        return this.#header(atom.peeled, kind, ref);
      default:
        return this.#ofObject(atom, ref);
    }
  }

  /** Kind and size, which need no reading of the whole object. */
  async #header(peeled: boolean, kind: AtomKind, ref: ListedRef): Promise<string> {
    let oid: Oid = ref.oid;
    if (peeled) {
      const fields = await this.#fields(ref, true);
      if (fields === undefined) return '';
      oid = fields.oid;
    }
    const { objects } = this.repository;
    if (kind.type === 'deltabase' || (kind.type === 'objectsize' && kind.disk)) {
      const place = await objects.place(oid);
      if (place === undefined) throw missingObject(oid, ref.name);
      return kind.type === 'deltabase'
        ? (place.deltaBase ?? zeroOid(this.repository.objectFormat))
        : String(place.diskSize);
    }
    const header = await objects.readHeader(oid);
    if (header === undefined) throw missingObject(oid, ref.name);
    return kind.type === 'objecttype' ? header.kind : String(header.size);
  }

  async #ofObject(atom: Atom, ref: ListedRef): Promise<string> {
    const fields = await this.#fields(ref, atom.peeled);
    if (fields === undefined) return '';
    const { kind } = atom;
    switch (kind.type) {
      case 'tree':
        return fields.kind === 'commit' ? this.#oid(fields.header('tree') as Oid, kind.length) : '';
      case 'parent': {
        const shown = await Promise.all(fields.parents.map((parent) => this.#oid(parent as Oid, kind.length)));
        return shown.join(' ');
      }
      case 'numparent':
        return fields.kind === 'commit' ? String(fields.parents.length) : '';
      case 'object':
      case 'type':
      case 'tag':
        return fields.kind === 'tag' ? (fields.header(kind.type) ?? '') : '';
      case 'identity':
        return fields.identity(kind.who) ?? '';
      case 'name':
      case 'email':
        return this.#person(fields, kind);
      case 'date': {
        const line = fields.identity(kind.who);
        const date = line === undefined ? undefined : splitIdentity(line);
        if (date?.seconds === undefined) return '';
        return formatDate(date.seconds, date.zone, kind.mode, this.repository.clock);
      }
      case 'raw':
        return kind.size ? String(fields.size) : fields.text;
      case 'contents':
        return contentsOf(fields, kind.part);
      case 'lines':
        return fields.message?.lines(kind.count) ?? '';
      case 'trailers': {
        const { message } = fields;
        return message === undefined ? '' : formatTrailers(message.unsigned, kind.format, { noDivider: true });
      }
      case 'describe':
        return this.#describe(fields, kind.options);
      case 'signature':
        return fields.kind === 'commit' ? ((await this.#extras.signature?.(fields, kind.part)) ?? '') : '';
      default:
        return '';
    }
  }

  async #describe(fields: ObjectFields, options: Extract<AtomKind, { type: 'describe' }>['options']): Promise<string> {
    const commit = await this.commitOf({ name: '', oid: fields.oid });
    return commit === undefined ? '' : ((await this.#extras.describe?.(commit, options)) ?? '');
  }

  /** The number a field sorts by; `undefined` for those that sort as text. */
  async number(atom: Atom, ref: ListedRef): Promise<number | undefined> {
    const { kind } = atom;
    switch (kind.type) {
      case 'raw':
        return kind.size ? Number(await this.text(atom, ref)) : undefined;
      case 'objectsize':
      case 'numparent':
        return Number(await this.text(atom, ref));
      case 'date': {
        if (kind.formatted) return undefined;
        const fields = await this.#fields(ref, atom.peeled);
        const line = fields?.identity(kind.who);
        return line === undefined ? 0 : (splitIdentity(line).seconds ?? 0);
      }
      default:
        return undefined;
    }
  }

  async #person(fields: ObjectFields, kind: Extract<AtomKind, { type: 'name' | 'email' }>): Promise<string> {
    const line = fields.identity(kind.who);
    if (line === undefined) return '';
    let { name, email } = splitIdentity(line);
    if (kind.mailmap) {
      this.#mailmap ??= await this.#readMailmap();
      const mapped = this.#mailmap.map({ name, email: email.slice(1, -1) });
      name = mapped.name;
      email = `<${mapped.email}>`;
    }
    if (kind.type === 'name') return name;
    if (kind.part === 'raw' || email === '') return email;
    const bare = email.slice(1, -1);
    if (kind.part === 'trim') return bare;
    const at = bare.indexOf('@');
    return at < 0 ? bare : bare.slice(0, at);
  }

  #readMailmap(): Promise<Mailmap> {
    const { repository } = this;
    return readMailmap(repository, async (expression) => {
      const { resolveRevision } = await import('../repo/revision.js');
      const oid = await resolveRevision(repository, expression, { quiet: true });
      return oid === undefined ? undefined : (await repository.objects.read(oid))?.data;
    });
  }

  async #remote(kind: Extract<AtomKind, { type: 'upstream' | 'push' }>, ref: ListedRef): Promise<string> {
    const branch = ref.name.slice('refs/heads/'.length);
    const { config } = this.repository;
    const push = kind.type === 'push';
    if (kind.what === 'remotename') {
      if (push) {
        const remote = config.get(`branch.${branch}.pushremote`) ?? config.get('remote.pushdefault');
        return remote ?? config.get(`branch.${branch}.remote`) ?? '';
      }
      return config.get(`branch.${branch}.remote`) ?? '';
    }
    if (kind.what === 'remoteref') {
      if (!push) return config.get(`branch.${branch}.merge`) ?? '';
      return this.#pushedName(branch);
    }
    const target = push ? this.#pushTarget(branch) : findUpstream(config, branch);
    if (target === undefined) return '';
    if (kind.what === 'ref') return this.#show(target, kind.show);
    const theirs = await this.repository.refs.resolve(target);
    const ours = await this.commitOf(ref);
    const other = theirs === undefined ? undefined : await this.commitOf({ name: target, oid: theirs });
    if (ours === undefined || other === undefined) {
      if (kind.what === 'trackshort') return '';
      return kind.brackets ? '[gone]' : 'gone';
    }
    const { ahead, behind } = await this.reach.aheadBehind(ours, other);
    if (kind.what === 'trackshort') return ahead > 0 ? (behind > 0 ? '<>' : '>') : behind > 0 ? '<' : '=';
    const parts = [...(ahead > 0 ? [`ahead ${ahead}`] : []), ...(behind > 0 ? [`behind ${behind}`] : [])];
    if (parts.length === 0) return '';
    return kind.brackets ? `[${parts.join(', ')}]` : parts.join(', ');
  }

  #pushTarget(branch: string): string | undefined {
    try {
      return pushTargetOf(this.repository.config, branch);
    } catch (error) {
      if (error instanceof GitError) return undefined;
      throw error;
    }
  }

  /** The name that the remote's push refspecs give the branch there; '' where they do not say. */
  #pushedName(branch: string): string {
    const { config } = this.repository;
    const remote = pushRemoteOfBranch(config, branch) ?? 'origin';
    const full = `refs/heads/${branch}`;
    const refspecs = config.getAll(`remote.${remote}.push`);
    for (const refspec of refspecs) {
      const [from, to] = refspec.replace(/^\+/, '').split(':') as [string, string | undefined];
      const source = from.startsWith('refs/') || from.includes('*') ? from : `refs/heads/${from}`;
      const star = source.indexOf('*');
      if (star < 0) {
        if (source === full) return to ?? source;
        continue;
      }
      const [before, after] = [source.slice(0, star), source.slice(star + 1)];
      if (full.startsWith(before) && full.endsWith(after) && to !== undefined)
        return to.replace('*', () => full.slice(before.length, full.length - after.length));
    }
    return '';
  }

  async #show(name: string, form: NameForm): Promise<string> {
    switch (form.form) {
      case 'short':
        return shortenRef(
          name,
          this.#strict,
          async (candidate) => (await this.repository.refs.resolve(candidate)) !== undefined,
        );
      case 'lstrip':
      case 'rstrip':
        return stripSteps(name, form.form, form.count);
      default:
        return name;
    }
  }

  async #oid(oid: Oid, length: Length): Promise<string> {
    return length.kind === 'full' ? oid : abbreviate(this.repository, oid, length.length);
  }
}

/** Takes steps off a name's start or end; a negative count says how many to leave. */
function stripSteps(name: string, side: 'lstrip' | 'rstrip', count: number): string {
  const steps = name.split('/');
  let drop = count;
  if (count < 0) drop = Math.max(0, steps.length + count);
  if (drop >= steps.length && count >= 0) return '';
  return (side === 'lstrip' ? steps.slice(drop) : steps.slice(0, steps.length - drop)).join('/');
}

function contentsOf(fields: ObjectFields, part: Extract<AtomKind, { type: 'contents' }>['part']): string {
  const { message } = fields;
  if (message === undefined) return '';
  switch (part) {
    case 'whole':
      return message.whole;
    case 'subject':
      return message.subject;
    case 'sanitized':
      return sanitize(message.rawSubject);
    case 'body':
      return message.body;
    case 'body+signature':
      return message.bodyAndSignature;
    case 'signature':
      return message.signature;
    case 'size':
      return String(message.sizeInBytes);
  }
}

/** A subject as part of a file name: letters, digits, `.` and `_`; anything else becomes one `-`. */
function sanitize(subject: string): string {
  let out = '';
  let space = 2;
  for (const char of subject) {
    if (/^[A-Za-z0-9._]$/.test(char)) {
      if (space === 1) out += '-';
      space = 0;
      if (char === '.' && out.endsWith('.')) continue;
      out += char;
    } else space |= 1;
  }
  return out.replace(/[.-]+$/, '');
}

/** Branch (full name) → path of the work tree that has it out. */
function checkedOutBranches(repository: Repository): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { path, head, bare } of listWorktrees(repository)) {
    if (!bare && head !== undefined && !found.has(head)) found.set(head, path);
  }
  return found;
}
