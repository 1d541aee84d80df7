import { systemMessage } from '../platform/system-message.js';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { encodeText, type Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { emptyBlobOid } from '../base/oid.js';
import { looksBinary } from '../diff/binary.js';
import type { DiffAlgorithm } from '../diff/line-diff.js';
import { mergeText, type ConflictStyle, type TextMergeOptions } from '../merge/text.js';
import { resolveRevision } from '../repo/revision.js';
import { readUserConfig } from '../repo/repository.js';
import { defineCommand, renderText } from './command.js';
import { UsageError } from './options.js';

const algorithms: Readonly<Record<string, DiffAlgorithm>> = {
  myers: 'myers',
  default: 'myers',
  minimal: 'minimal',
  patience: 'patience',
  histogram: 'histogram',
};

export const command = defineCommand({
  name: 'merge-file',
  summary: 'Run a three-way file merge',
  usage: ['merge-file [<options>] [-L <name1> [-L <orig> [-L <name2>]]] <file1> <orig-file> <file2>'],
  options: {
    stdout: { type: 'flag', short: 'p', help: 'send results to standard output' },
    'object-id': { type: 'flag', help: 'use object IDs instead of filenames' },
    diff3: { type: 'flag', help: 'use a diff3 based merge' },
    zdiff3: { type: 'flag', help: 'use a zealous diff3 based merge' },
    ours: { type: 'flag', help: 'for conflicts, use our version' },
    theirs: { type: 'flag', help: 'for conflicts, use their version' },
    union: { type: 'flag', help: 'for conflicts, use a union version' },
    'diff-algorithm': { type: 'string', value: 'algorithm', negatable: false, help: 'choose a diff algorithm' },
    'marker-size': { type: 'number', value: 'n', help: 'for conflicts, use this marker size' },
    quiet: { type: 'flag', short: 'q', help: 'do not warn about conflicts' },
    L: { type: 'list', short: 'L', shortOnly: true, value: 'name', help: 'set labels for file1/orig-file/file2' },
  },
  async *run(context, args) {
    const { values, events, rest } = args;
    if (rest.length !== 3) throw new UsageError('');
    const labels = values.L ?? [];
    if (labels.length > 3) throw new UsageError('too many labels on the command line', { quiet: true });
    const quiet = values.quiet === true;
    const complain = (message: string): void => {
      if (!quiet) context.error(message);
    };
    let style: ConflictStyle | undefined;
    let favor: TextMergeOptions['favor'];
    for (const { key, negated } of events) {
      if (key === 'diff3' || key === 'zdiff3') style = negated ? 'merge' : key;
      if (key === 'ours' || key === 'theirs' || key === 'union') favor = negated ? undefined : key;
    }
    const repository = context.maybeRepository();
    if (style === undefined) {
      const { platform, env, cwd } = context;
      const config = repository?.config ?? readUserConfig({ platform, env, cwd });
      const configured = config.get('merge.conflictstyle');
      if (configured !== undefined && !['merge', 'diff3', 'zdiff3'].includes(configured))
        throw new GitError('CONFIG', `unknown style '${configured}' given for 'merge.conflictstyle'`);
      style = configured as ConflictStyle | undefined;
    }
    const algorithm = values['diff-algorithm'];
    if (algorithm != null && algorithms[algorithm.toLowerCase()] === undefined) {
      throw new UsageError('option diff-algorithm accepts "myers", "minimal", "patience" and "histogram"', {
        quiet: true,
      });
    }
    const byId = values['object-id'] === true;
    if (byId && repository === undefined) context.repository();
    const contents: Bytes[] = [];
    for (const name of rest) {
      let content: Bytes | undefined;
      if (byId) {
        const oid = await resolveRevision(repository!, name);
        if (oid === undefined) {
          complain(`object '${name}' does not exist`);
          return 255;
        }
        const empty = oid === emptyBlobOid(repository!.objectFormat);
        const object = empty ? undefined : await repository!.objects.read(oid);
        if (!empty && object?.kind !== 'blob')
          throw new GitError('OBJECT_MISSING', `unable to read blob object ${oid}`);
        content = object?.data ?? new Uint8Array(0);
      } else {
        const path = resolve(context.cwd, name);
        try {
          statSync(path);
        } catch (error) {
          complain(`Could not stat ${name}: ${systemMessage(error)}`);
          return 255;
        }
        try {
          content = readFileSync(path);
        } catch (error) {
          complain(`Could not open ${name}: ${systemMessage(error)}`);
          return 255;
        }
      }
      if (looksBinary(content)) {
        complain(`Cannot merge binary files: ${name}`);
        return 255;
      }
      contents.push(content);
    }
    const [ours, base, theirs] = contents as [Bytes, Bytes, Bytes];
    const merged = mergeText(base, ours, theirs, {
      style,
      favor,
      level: 'zealous-alnum',
      algorithm: algorithm == null ? 'myers' : algorithms[algorithm.toLowerCase()],
      markerSize: values['marker-size'] ?? undefined,
      labels: { ours: labels[0] ?? rest[0], base: labels[1] ?? rest[1], theirs: labels[2] ?? rest[2] },
    });
    if (values.stdout === true) {
      yield { text: merged.bytes };
    } else if (byId) {
      const oid = await repository!.objects.write('blob', merged.bytes);
      yield { text: encodeText(`${oid}\n`) };
    } else {
      try {
        writeFileSync(resolve(context.cwd, rest[0]!), merged.bytes);
      } catch (error) {
        complain(`Could not open ${rest[0]} for writing: ${systemMessage(error)}`);
        return 255;
      }
    }
    return Math.min(merged.conflicts, 127);
  },
  render: renderText,
});
