import { spawnSync } from 'node:child_process';
import { decodeText, encodeText, type Bytes } from '../base/bytes.js';
import { isGitError } from '../base/errors.js';
import { emptyTreeOid, type Oid } from '../base/oid.js';
import type { DiffOptions } from '../diff/options.js';
import type { FilePair } from '../diff/pair.js';
import { openAncestry } from '../repo/ancestry.js';
import { parseCommit } from '../objects/commit.js';
import { viewCommit } from '../porcelain/pretty-view.js';
import { abbreviate } from '../repo/revision-short.js';
import { openRepository, type Repository } from '../repo/repository.js';
import { localVariables } from '../worktree/status.js';
import type { CommandContext } from './command.js';

/** Writes the difference of a submodule in the formats `log` (its commits) and `diff` (its files). */
export function submoduleWriter(
  context: CommandContext,
  repository: Repository,
  options: DiffOptions,
): (pair: FilePair) => Promise<Bytes> {
  return (pair) => new SubmoduleDiff(context, repository, options, pair).write();
}

class SubmoduleDiff {
  private out = '';

  constructor(
    private readonly context: CommandContext,
    private readonly repository: Repository,
    private readonly options: DiffOptions,
    private readonly pair: FilePair,
  ) {}

  private line(text: string, slot?: 'old' | 'new' | 'meta'): void {
    const { colors, linePrefix = '' } = this.options;
    const [set, reset] = colors === undefined || slot === undefined ? ['', ''] : [colors[slot], colors.reset];
    this.out += `${linePrefix}${set}${text}${reset}\n`;
  }

  private environment(): Record<string, string | undefined> {
    const env = { ...this.context.env };
    for (const name of Object.keys(env)) if (localVariables.has(name)) delete env[name];
    return env;
  }

  private open(path: string): Repository | undefined {
    const { workTree, commonDir } = this.repository;
    const places = [
      ...(workTree === undefined ? [] : [{ cwd: `${workTree}/${path}`, gitDir: `${workTree}/${path}/.git` }]),
      { cwd: commonDir, gitDir: `${commonDir}/modules/${path}` },
    ];
    for (const { cwd, gitDir } of places) {
      if (this.repository.platform.fs.stat(gitDir) === undefined) continue;
      try {
        const named = cwd === commonDir ? { gitDir } : {};
        return openRepository({ platform: this.context.platform, env: this.environment(), cwd, ...named });
      } catch (error) {
        if (!isGitError(error)) throw error;
      }
    }
    return undefined;
  }

  async write(): Promise<Bytes> {
    const { pair, options } = this;
    const path = pair.new.path;
    const dirt = pair.new.dirt;
    if (dirt?.untracked === true) this.line(`Submodule ${path} contains untracked content`);
    if (dirt?.modified === true) this.line(`Submodule ${path} contains modified content`);
    const one = pair.old.mode === 0 ? undefined : pair.old.oid;
    let two = pair.new.mode === 0 ? undefined : pair.new.oid;
    if (two !== undefined && /^0+$/.test(two)) two = (await options.identify?.(pair.new)) ?? two;
    const sub = this.open(path);
    try {
      await this.body(path, one, two, sub, dirt?.modified === true);
    } finally {
      sub?.close();
    }
    return encodeText(this.out);
  }

  private async body(
    path: string,
    one: Oid | undefined,
    two: Oid | undefined,
    sub: Repository | undefined,
    modified: boolean,
  ): Promise<void> {
    let message = one === undefined ? '(new submodule)' : two === undefined ? '(submodule deleted)' : undefined;
    const has = async (oid: Oid | undefined): Promise<boolean> =>
      oid !== undefined && sub !== undefined && (await sub.objects.has(oid));
    const left = await has(one);
    const right = await has(two);
    let forward = false;
    let backward = false;
    if (sub === undefined) message ??= '(commits not present)';
    else {
      if ((one !== undefined && !left) || (two !== undefined && !right)) message = '(commits not present)';
      if (left && right && one !== two) {
        const ancestry = openAncestry(sub);
        const [base] = await ancestry.mergeBases(one as Oid<'commit'>, [two as Oid<'commit'>]);
        forward = base === one;
        backward = base !== undefined && !forward && base === two;
      }
    }
    if (one !== two) {
      const zero = '0'.repeat(this.repository.oidLength * 2);
      const short = async (oid: Oid | undefined): Promise<string> =>
        oid === undefined ? zero.slice(0, 7) : abbreviate(this.repository, oid);
      const dots = forward || backward ? '..' : '...';
      const head = `Submodule ${path} ${await short(one)}${dots}${await short(two)}`;
      this.line(message === undefined ? `${head}${backward ? ' (rewind)' : ''}:` : `${head} ${message}`, undefined);
    }
    if (this.options.submodule === 'log') {
      if (sub !== undefined && left && right && one !== two) await this.commits(sub, one!, two!);
      return;
    }
    const valid = (left || one === undefined) && (right || two === undefined);
    if (valid && sub !== undefined) this.files(path, one, two, modified);
  }

  /** One line for each commit on either side, first parents only. */
  private async commits(sub: Repository, one: Oid, two: Oid): Promise<void> {
    const links = async (oid: Oid): Promise<(ReturnType<typeof parseCommit> & { data: Bytes }) | undefined> => {
      const object = await sub.objects.read(oid);
      return object?.kind === 'commit' ? { ...parseCommit(object.data), data: object.data } : undefined;
    };
    const reach = async (from: Oid): Promise<Set<Oid>> => {
      const seen = new Set<Oid>();
      const queue = [from];
      for (let oid = queue.pop(); oid !== undefined; oid = queue.pop()) {
        if (seen.has(oid)) continue;
        seen.add(oid);
        queue.push(...((await links(oid))?.parents ?? []));
      }
      return seen;
    };
    const [fromOne, fromTwo] = [await reach(one), await reach(two)];
    const rows: { mark: '<' | '>'; subject: string; time: number }[] = [];
    for (const [tip, other, mark] of [
      [one, fromTwo, '<'],
      [two, fromOne, '>'],
    ] as const) {
      for (let oid: Oid | undefined = tip; oid !== undefined && !other.has(oid); ) {
        const commit = await links(oid);
        if (commit === undefined) break;
        const { subject } = viewCommit(oid as Oid<'commit'>, commit.data, 'UTF-8');
        rows.push({ mark, subject, time: commit.committer.seconds });
        oid = commit.parents[0];
      }
    }
    rows.sort((a, b) => b.time - a.time);
    for (const row of rows) this.line(`  ${row.mark} ${row.subject}`, row.mark === '>' ? 'new' : 'old');
  }

  /** Runs the difference inside the submodule. */
  private files(path: string, one: Oid | undefined, two: Oid | undefined, modified: boolean): void {
    const { options } = this;
    const empty = emptyTreeOid(this.repository.objectFormat);
    const [a, b] =
      options.reverse === true
        ? [options.newPrefix ?? 'b/', options.oldPrefix ?? 'a/']
        : [options.oldPrefix ?? 'a/', options.newPrefix ?? 'b/'];
    const args = [
      'diff',
      '--submodule=diff',
      `--color=${options.colors === undefined ? 'never' : 'always'}`,
      `--src-prefix=${a}${path}/`,
      `--dst-prefix=${b}${path}/`,
      ...(options.linePrefix === undefined ? [] : [`--line-prefix=${options.linePrefix}`]),
      one ?? empty,
      ...(modified ? [] : [two ?? empty]),
    ];
    const run = spawnSync(process.execPath, [process.argv[1]!, ...args], {
      cwd: `${this.repository.workTree ?? this.repository.cwd}/${path}`,
      env: this.environment() as NodeJS.ProcessEnv,
      stdio: ['ignore', 'pipe', 'inherit'],
      maxBuffer: 1 << 30,
    });
    this.out += decodeText(run.stdout);
  }
}
