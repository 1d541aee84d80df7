import * as fs from 'node:fs';
import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import type { FastImportSettings } from '../porcelain/fast-import/fast-import.js';
import { FastImport } from '../porcelain/fast-import/fast-import.js';
import { resolvePath } from '../repo/paths.js';
import { defineCommand } from './command.js';
import { parseNumber, UsageError } from './options.js';

/** `12`, `3k`, `2m`, `1g`. */
function size(text: string): number | undefined {
  return /^\d/.test(text) ? parseNumber(text) : undefined;
}

export const command = defineCommand({
  name: 'fast-import',
  summary: 'Backend for fast Git data importers',
  bareUsage: true,
  usage: [
    'fast-import [--date-format=<f>] [--max-pack-size=<n>] [--big-file-threshold=<n>] [--depth=<n>] [--active-branches=<n>] [--export-marks=<marks.file>]',
  ],
  options: {},
  parsing: { none: true },
  async *run(context): AsyncGenerator<Record<string, number>, number | undefined> {
    if (context.argv.length === 1 && context.argv[0] === '-h') throw new UsageError('', { help: true });
    const repository = context.repository();
    const { config } = repository;
    const settings: FastImportSettings = {
      force: false,
      dateFormat: 'raw',
      requireDone: false,
      depth: config.getInt('pack.depth', 50),
      maxPackSize: config.getSize('pack.packsizelimit', 0),
      exportMarks: undefined,
      importMarks: [],
      unsafeFeatures: context.argv.includes('--allow-unsafe-features'),
      relativeMarks: false,
      unpackLimit: config.getInt('fastimport.unpacklimit') ?? config.getInt('transfer.unpacklimit') ?? 100,
      signedCommits: 'verbatim',
      signedTags: 'verbatim',
    };
    let stats = true;
    let answerTo = 1;
    const marksPath = (path: string): string =>
      settings.relativeMarks ? `${repository.path('info/fast-import')}/${path}` : resolvePath(context.cwd, path);
    /** Options that may stand in the stream as well. */
    const shared = (word: string): boolean => {
      const equals = word.indexOf('=');
      const name = equals < 0 ? word : word.slice(0, equals);
      const value = equals < 0 ? '' : word.slice(equals + 1);
      switch (name) {
        case 'max-pack-size': {
          const limit = size(value);
          if (limit === undefined) return false;
          if (limit < 8192) context.warning(`max-pack-size is now in bytes, assuming --max-pack-size=${limit}m`);
          settings.maxPackSize = limit < 8192 ? limit * 1024 ** 2 : Math.max(limit, 1 << 20);
          return true;
        }
        case 'big-file-threshold':
          return size(value) !== undefined;
        case 'depth':
          if (!/^\d+$/.test(value)) throw new GitError('USAGE', '--depth: argument must be a non-negative integer');
          if (Number(value) > 4095) throw new GitError('USAGE', '--depth cannot exceed 4095');
          settings.depth = Number(value);
          return true;
        case 'active-branches':
          if (!/^\d+$/.test(value)) {
            throw new GitError('USAGE', '--active-branches: argument must be a non-negative integer');
          }
          return true;
        case 'export-pack-edges':
          return true;
        case 'quiet':
          stats = false;
          return true;
        case 'stats':
          stats = true;
          return true;
        case 'allow-unsafe-features':
          return true;
        default:
          return false;
      }
    };
    const words = context.argv;
    let i = 0;
    let dateFormat: string | undefined;
    for (; i < words.length; i++) {
      const word = words[i]!;
      if (!word.startsWith('-')) break;
      if (word === '--') {
        i++;
        break;
      }
      if (!word.startsWith('--')) throw new UsageError('');
      const body = word.slice(2);
      const value = (name: string): string | undefined => {
        if (body.startsWith(`${name}=`)) return body.slice(name.length + 1);
        if (body === name && i + 1 < words.length) return words[++i]!;
        return undefined;
      };
      const given = body.split('=')[0]!;
      if (
        [
          'date-format',
          'import-marks',
          'import-marks-if-exists',
          'export-marks',
          'cat-blob-fd',
          'signed-commits',
          'signed-tags',
          'rewrite-submodules-from',
          'rewrite-submodules-to',
        ].includes(given)
      ) {
        const argument = value(given);
        if (argument === undefined) throw new UsageError('');
        if (given === 'date-format') dateFormat = argument;
        else if (given === 'import-marks') settings.importMarks.push({ path: marksPath(argument), mustExist: true });
        else if (given === 'import-marks-if-exists')
          settings.importMarks.push({ path: marksPath(argument), mustExist: false });
        else if (given === 'export-marks') settings.exportMarks = marksPath(argument);
        else if (given === 'cat-blob-fd') {
          if (!/^\d+$/.test(argument))
            throw new GitError('USAGE', '--cat-blob-fd: argument must be a non-negative integer');
          answerTo = Number(argument);
        } else if (given === 'signed-commits') settings.signedCommits = argument;
        else if (given === 'signed-tags') settings.signedTags = argument;
        continue;
      }
      if (body === 'force') settings.force = true;
      else if (body === 'done') settings.requireDone = true;
      else if (body === 'relative-marks') settings.relativeMarks = true;
      else if (body === 'no-relative-marks') settings.relativeMarks = false;
      else if (!shared(body)) throw new GitError('USAGE', `unknown option ${word}`);
    }
    if (i < words.length) throw new UsageError('');
    const { stdin, stdout } = context.io;
    const importer = new FastImport(repository, settings, {
      read: () => stdin.readChunk(),
      print: (text) => {
        stdout.write(text);
        stdout.flush();
      },
      respond: (bytes) => {
        if (answerTo === 1) {
          stdout.write(bytes);
          stdout.flush();
          return;
        }
        writeAll(answerTo, bytes);
      },
      warn: (message) => context.warning(message),
      error: (message) => context.error(message),
      resolve: (path) => resolvePath(context.cwd, path),
      option: shared,
    });
    if (dateFormat !== undefined) importer.setDateFormat(dateFormat);
    const good = await importer.run();
    const { statistics } = importer;
    if (stats) {
      const line = (label: string, count: number): string =>
        `      ${label.padEnd(8)}: ${String(count).padStart(10)}\n`;
      const total = statistics.blobs + statistics.trees + statistics.commits + statistics.tags;
      const rule = `${'-'.repeat(69)}\n`;
      context.printError(
        `fast-import statistics:\n${rule}Total objects: ${String(total).padStart(12)}\n${line('blobs', statistics.blobs)}${line('commits', statistics.commits)}${line('tags', statistics.tags)}Total branches: ${String(statistics.branches).padStart(11)}\n      marks:   ${String(importer.markCount).padStart(12)}\n${rule}`,
      );
    }
    yield { ...statistics };
    return good ? undefined : 1;
  },
  render: () => '',
});

function writeAll(descriptor: number, bytes: Bytes): void {
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(descriptor, bytes, at, bytes.length - at);
}
