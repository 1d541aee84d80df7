import { displayWidth } from '../base/display-width.js';
import type { NonEmpty } from '../base/awaitable.js';
import type { Oid } from '../base/oid.js';
import { zeroOid } from '../base/oid.js';
import type { RefUpdate } from '../refs/store.js';
import type { Repository } from '../repo/repository.js';
import { CommitCache } from '../transport/commit-cache.js';
import { isAncestor } from '../transport/receive-update.js';
import { readShallow } from '../transport/shallow.js';
import { abbreviate } from './abbreviate.js';
import type { FetchItem } from './fetch-map.js';
import { prettyRef, summaryWidth } from './update-line.js';

/** One line of fetch's report, as data. */
export interface FetchUpdate {
  /** ` ` fast-forward, `+` forced, `-` pruned, `t` tag, `*` new, `!` refused, `=` up to date. */
  readonly flag: ' ' | '+' | '-' | 't' | '*' | '!' | '=';
  readonly summary: string;
  /** The other side's name. */
  readonly remote: string;
  readonly local: string;
  readonly old: Oid;
  readonly new: Oid;
  readonly note?: string | undefined;
}

export interface UpdateSettings {
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly atomic: boolean;
  /** Beginning of the reflog message, `fetch origin`. */
  readonly action: string;
  /** `fetch.showForcedUpdates`. */
  readonly showForced: boolean;
  /** Is this branch checked out somewhere, where fetching into it would be wrong? */
  readonly isCheckedOut: (ref: string) => boolean;
}

interface Planned {
  readonly update: RefUpdate;
  readonly line: FetchUpdate;
}

/** Decides for each ref what happens to it, and collects the changes until `commit`. */
export class FetchUpdates {
  readonly #repository: Repository;
  readonly #settings: UpdateSettings;
  readonly #commits: CommitCache;
  readonly #planned: Planned[] = [];
  readonly lines: FetchUpdate[] = [];
  failed = false;

  constructor(repository: Repository, settings: UpdateSettings) {
    this.#repository = repository;
    this.#settings = settings;
    this.#commits = new CommitCache(repository.objects, readShallow(repository));
  }

  #say(line: FetchUpdate): void {
    this.lines.push(line);
    if (line.flag === '!') this.failed = true;
  }

  /** `old`: what the local ref holds now. */
  async add(item: FetchItem, old: Oid | undefined): Promise<void> {
    const local = item.local!;
    const base = { remote: item.name, local, old: old ?? zeroOid(this.#repository.objectFormat), new: item.oid };
    const force = this.#settings.force || item.force;
    if (old === item.oid) {
      this.#say({ ...base, flag: '=', summary: '[up to date]' });
      return;
    }
    if (old !== undefined && this.#settings.isCheckedOut(local)) {
      this.#say({ ...base, flag: '!', summary: '[rejected]', note: "can't fetch into checked-out branch" });
      return;
    }
    if (old !== undefined && local.startsWith('refs/tags/')) {
      if (force) this.#plan(item, 'updating tag', undefined, { ...base, flag: 't', summary: '[tag update]' });
      else this.#say({ ...base, flag: '!', summary: '[rejected]', note: 'would clobber existing tag' });
      return;
    }
    const before = old === undefined ? undefined : await this.#commits.peel(old);
    const after = await this.#commits.peel(item.oid);
    if (before === undefined || after === undefined) {
      const [message, summary] = item.name.startsWith('refs/tags/')
        ? ['storing tag', '[new tag]']
        : item.name.startsWith('refs/heads/')
          ? ['storing head', '[new branch]']
          : ['storing ref', '[new ref]'];
      this.#plan(item, message!, undefined, { ...base, flag: '*', summary: summary! });
      return;
    }
    const short = async (separator: string) =>
      `${await abbreviate(this.#repository, old!)}${separator}${await abbreviate(this.#repository, item.oid)}`;
    const forward = !this.#settings.showForced || (await isAncestor(this.#commits, before, after));
    if (forward) {
      this.#plan(item, 'fast-forward', old, { ...base, flag: ' ', summary: await short('..') });
    } else if (force) {
      this.#plan(item, 'forced-update', old, {
        ...base,
        flag: '+',
        summary: await short('...'),
        note: 'forced update',
      });
    } else this.#say({ ...base, flag: '!', summary: '[rejected]', note: 'non-fast-forward' });
  }

  #plan(item: FetchItem, message: string, expect: Oid | undefined, line: FetchUpdate): void {
    this.lines.push(line);
    this.#planned.push({
      update: {
        name: item.local!,
        to: item.oid,
        expect,
        reason: `${this.#settings.action}: ${message}`,
      },
      line,
    });
  }

  /** Something fetched without a local ref. */
  addHead(item: FetchItem, kind: string): void {
    this.#say({
      flag: '*',
      summary: kind === '' ? 'branch' : kind,
      remote: item.name,
      local: 'FETCH_HEAD',
      old: zeroOid(this.#repository.objectFormat),
      new: item.oid,
    });
  }

  /** A symbolic ref moves with the ref it leads to. */
  async #withoutAliases(updates: readonly RefUpdate[]): Promise<RefUpdate[]> {
    const to = new Map(updates.map((update) => [update.name, update.to]));
    const kept: RefUpdate[] = [];
    for (const update of updates) {
      const raw = await this.#repository.refs.readRaw(update.name);
      const end = raw?.kind === 'symbolic' ? (await this.#repository.refs.resolveFull(update.name))?.name : undefined;
      if (end === undefined || to.get(end) !== update.to) kept.push(update);
    }
    return kept;
  }

  /** Makes the changes. Answers messages for what could not be done. */
  async commit(): Promise<string[]> {
    const messages: string[] = [];
    if (this.#planned.length === 0 || this.#settings.dryRun) return messages;
    if (this.#settings.atomic && this.failed) return messages;
    const updates = await this.#withoutAliases(this.#planned.map(({ update }) => update));
    const result = await this.#repository.refs.update(updates as unknown as NonEmpty<RefUpdate>, {
      partial: !this.#settings.atomic,
    });
    const fail = (update: RefUpdate, message: string): void => {
      this.failed = true;
      const planned = this.#planned.find((candidate) => candidate.update === update);
      if (planned === undefined) return;
      const at = this.lines.indexOf(planned.line);
      this.lines[at] = { ...planned.line, flag: '!', note: 'unable to update local ref' };
      messages.push(message);
    };
    if (!result.ok) {
      if (this.#settings.atomic) {
        this.failed = true;
        messages.push(result.message);
      } else for (const update of updates) fail(update, result.message);
    } else for (const { update, failure } of result.rejected ?? []) fail(update, failure.message);
    return messages;
  }
}

/** The report as git prints it. */
export async function formatUpdates(
  repository: Repository,
  lines: readonly FetchUpdate[],
  options: { readonly verbose: boolean; readonly columns: number; readonly compact: boolean },
): Promise<string[]> {
  const shown = lines.filter((line) => line.flag !== '=' || options.verbose);
  const width = await summaryWidth(
    repository,
    lines.flatMap((line) => [line.old, line.new]),
  );
  let column = 10;
  for (const line of lines) {
    if (line.local === 'FETCH_HEAD' || line.flag === '-') continue;
    if (!options.verbose && line.old === line.new) continue;
    const left = displayWidth(prettyRef(line.remote));
    const right = displayWidth(prettyRef(line.local));
    if (21 + left + 4 + right >= options.columns) continue;
    column = Math.max(column, left);
  }
  return shown.map((line) => {
    const remote = line.flag === '-' ? '(none)' : prettyRef(line.remote);
    const local = line.flag === '-' ? prettyRef(line.local) : prettyRef(line.local);
    const names = options.compact
      ? compactNames(remote, local, column)
      : `${remote}${' '.repeat(Math.max(0, column - displayWidth(remote)))} -> ${local}`;
    const note = line.note === undefined ? '' : `  (${line.note})`;
    return ` ${line.flag} ${line.summary.padEnd(width)} ${names}${note}`;
  });
}

/** `foo -> origin/foo` as `foo -> origin/*`, the name padded to `width`. */
function compactNames(remote: string, local: string, width: number): string {
  const pad = (text: string) => text + ' '.repeat(Math.max(0, width - displayWidth(text)));
  if (remote === local || local.endsWith(`/${remote}`))
    return `${pad(remote)} -> ${local.slice(0, local.length - remote.length)}*`;
  if (remote.endsWith(`/${local}`)) return `${pad(`${remote.slice(0, remote.length - local.length)}*`)} -> ${local}`;
  return `${pad(remote)} -> ${local}`;
}
