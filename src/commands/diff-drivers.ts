import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { builtinDriver, functionFinderFromConfig } from '../diff/drivers.js';
import type { DiffAlgorithm } from '../diff/line-diff.js';
import type { ExternalAnswer, FileDriver } from '../diff/options.js';
import type { DiffSide, FilePair } from '../diff/pair.js';
import { isRegularMode } from '../objects/mode.js';
import { wordSplitterFromRegex } from '../diff/word-regex.js';
import type { Attributes } from '../repo/attributes.js';
import type { Repository } from '../repo/repository.js';
import { holdsObject } from '../porcelain/work-tree-pairs.js';
import { Converter } from '../worktree/convert.js';
import type { WorkTree } from '../worktree/work-tree.js';
import type { CommandContext } from './command.js';

export type AttributesOf = (path: string) => Attributes;

/** Finds the driver of each path: the `diff` attribute, git's own drivers, and `diff.<name>.*`. */
export class DiffDrivers {
  private readonly byName = new Map<string, FileDriver | undefined>();
  private converts: Converter | undefined;

  constructor(
    private readonly context: CommandContext,
    private readonly repository: Repository | undefined,
    private readonly attributesOf: AttributesOf | undefined,
    /** Cut off the paths that programs are told. */
    private readonly relative?: string | undefined,
    /** Its files are handed to programs as they are where they hold what the object does. */
    private readonly tree?: WorkTree | undefined,
  ) {}

  /** How files for programs get the form they would have in a work tree. */
  private get converter(): Converter | undefined {
    const { repository, attributesOf } = this;
    if (repository === undefined || attributesOf === undefined) return undefined;
    this.converts ??= new Converter(repository, attributesOf, {
      warn: (message) => this.context.warning(message),
      error: (message) => this.context.error(message),
    });
    return this.converts;
  }

  of(path: string): FileDriver | undefined {
    const attributes = this.attributesOf?.(path);
    const value = attributes?.get('diff');
    let driver: FileDriver | undefined;
    if (value === true) driver = { binary: false };
    else if (value === false) driver = { binary: true };
    else driver = this.named(value ?? 'default');
    const size = attributes?.get('conflict-marker-size');
    if (typeof size === 'string' && Number(size) > 0) driver = { ...driver, markerSize: Number(size) };
    const external = this.context.env['GIT_EXTERNAL_DIFF'] ?? this.repository?.config.last('diff.external')?.value;
    if (driver?.external === undefined && external !== undefined) {
      const fromEnv = this.context.env['GIT_EXTERNAL_DIFF'] !== undefined;
      const trusts = fromEnv
        ? /^(?:1|true|yes|on)$/i.test(this.context.env['GIT_EXTERNAL_DIFF_TRUST_EXIT_CODE'] ?? '')
        : (this.repository?.config.getBool('diff.trustexitcode', false) ?? false);
      driver = { ...driver, ...this.program(external, trusts) };
    }
    return driver;
  }

  private named(name: string): FileDriver | undefined {
    if (this.byName.has(name)) return this.byName.get(name);
    const driver = this.make(name);
    this.byName.set(name, driver);
    return driver;
  }

  private make(name: string): FileDriver | undefined {
    const builtin = builtinDriver(name);
    const config = this.repository?.config;
    const get = (key: string): string | undefined => config?.get(`diff.${name}.${key}`);
    const made: { -readonly [K in keyof FileDriver]: FileDriver[K] } = { ...builtin };
    const extended = get('xfuncname');
    const basic = get('funcname');
    if (extended !== undefined) made.findFunction = functionFinderFromConfig(extended, 'extended');
    else if (basic !== undefined) made.findFunction = functionFinderFromConfig(basic, 'basic');
    const words = get('wordregex');
    if (words !== undefined) made.words = wordSplitterFromRegex(words);
    const binary = config?.getBoolOrString(`diff.${name}.binary`);
    if (typeof binary === 'boolean') made.binary = binary;
    const algorithm = get('algorithm')?.toLowerCase();
    if (algorithm !== undefined) {
      if (!['myers', 'default', 'minimal', 'patience', 'histogram'].includes(algorithm))
        throw new GitError('CONFIG', `unknown value for config 'diff.${name}.algorithm': ${algorithm}`);
      made.algorithm = (algorithm === 'default' ? 'myers' : algorithm) as DiffAlgorithm;
    }
    const textconv = get('textconv');
    if (textconv !== undefined) {
      made.textconv = (side) => this.runTextconv(textconv, side);
      made.binary ??= undefined;
    }
    const command = get('command');
    if (command !== undefined)
      Object.assign(made, this.program(command, config!.getBool(`diff.${name}.trustexitcode`, false)));
    return Object.keys(made).length === 0 ? undefined : made;
  }

  /** A file with the side's content for a program to read. */
  private async temporaryFile(folder: string, side: DiffSide): Promise<string> {
    const path = join(folder, basename(side.path));
    const content = await side.read();
    const converter = isRegularMode(side.mode) ? this.converter : undefined;
    const converted = converter === undefined ? content : converter.smudge(side.path, content, { blob: side.oid });
    writeFileSync(path, await converted);
    return path;
  }

  private async runTextconv(command: string, side: DiffSide): Promise<Bytes> {
    const folder = mkdtempSync(join(tmpdir(), 'git-blob-'));
    try {
      const file = await this.temporaryFile(folder, side);
      const run = spawnSync('/bin/sh', ['-c', `${command} "$@"`, command, file], {
        cwd: this.repository?.workTree ?? this.context.cwd,
        env: this.context.env as NodeJS.ProcessEnv,
        stdio: ['ignore', 'pipe', 'inherit'],
        maxBuffer: 1 << 30,
      });
      if (run.status !== 0) throw new GitError('USAGE', 'unable to read files to diff');
      return run.stdout;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  private program(command: string, trusts: boolean): Pick<FileDriver, 'external' | 'trustsExit'> {
    return {
      trustsExit: trusts,
      external: (pair, header, quiet) => this.runExternal(command, trusts, pair, header, quiet),
    };
  }

  /** Runs a program with git's seven (nine, for renames) arguments. */
  private async runExternal(
    command: string,
    trusts: boolean,
    pair: FilePair,
    header: string,
    quiet: boolean,
  ): Promise<ExternalAnswer> {
    if (quiet && !trusts) return { output: new Uint8Array(0), changed: true };
    const folders: string[] = [];
    try {
      const { old, new: fresh } = pair;
      const shown = (path: string): string =>
        this.relative !== undefined && path.startsWith(this.relative) ? path.slice(this.relative.length) : path;
      const args: string[] = [shown(old.mode !== 0 ? old.path : fresh.path)];
      for (const side of [old, fresh]) {
        if (side.mode === 0) {
          args.push('/dev/null', '.', '.');
          continue;
        }
        const mode = side.mode.toString(8).padStart(6, '0');
        if (side.file !== undefined || (this.tree !== undefined && (await holdsObject(this.tree, side)))) {
          args.push(side.file ?? side.path, side.learned === true ? '0'.repeat(side.oid.length) : side.oid, mode);
          continue;
        }
        const place = mkdtempSync(join(tmpdir(), 'git-blob-'));
        folders.push(place);
        args.push(await this.temporaryFile(place, side), side.oid, mode);
      }
      if (old.mode !== 0 && fresh.mode !== 0 && old.path !== fresh.path)
        args.push(shown(fresh.path), ...(header === '' ? [] : [header]));
      const counter = { GIT_DIFF_PATH_COUNTER: String(++this.shown), GIT_DIFF_PATH_TOTAL: String(this.total) };
      if (command === '') {
        this.context.error('cannot run : No such file or directory');
        const failure = new GitError('USAGE', `external diff died, stopping at ${args[0]}`);
        return { output: new Uint8Array(0), changed: true, failure };
      }
      const run = spawnSync('/bin/sh', ['-c', `${command} "$@"`, command, ...args], {
        cwd: this.repository?.workTree ?? this.context.cwd,
        env: { ...this.context.env, ...counter } as NodeJS.ProcessEnv,
        stdio: ['ignore', 'pipe', 'inherit'],
        maxBuffer: 1 << 30,
      });
      const output = quiet ? new Uint8Array(0) : run.stdout;
      if (run.status === 0) return { output, changed: !trusts };
      if (trusts && run.status === 1) return { output, changed: true };
      const failure = new GitError('USAGE', `external diff died, stopping at ${args[0]}`);
      return { output, changed: true, failure };
    } finally {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    }
  }

  private shown = 0;
  private total = 0;

  /** A patch of so many pairs begins. */
  announce(total: number): void {
    this.total = total;
    this.shown = 0;
  }
}
