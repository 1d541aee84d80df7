import type { Bytes } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { unpackObjects } from '../packs/unpack-objects.js';
import { decodeText } from '../base/bytes.js';
import { FsckRules } from '../objects/fsck.js';
import { applyFsckList, IncomingFsck } from '../repo/incoming-fsck.js';
import { resolvePath } from '../repo/paths.js';
import type { Repository } from '../repo/repository.js';
import type { CommandContext } from './command.js';
import { defineCommand } from './command.js';
import { UsageError } from './options.js';
import { LinkCheck } from '../packs/link-check.js';

export const command = defineCommand({
  name: 'unpack-objects',
  summary: 'Unpack objects from a packed archive',
  bareUsage: true,
  usage: ['unpack-objects [-n] [-q] [-r] [--strict]'],
  options: {},
  parsing: { none: true },
  async *run(context): AsyncGenerator<{ readonly count: number }, number | undefined> {
    let dryRun = false;
    let quiet = false;
    let strict = false;
    let severities = '';
    let head: string | undefined;
    let maxInputSize = 0;
    for (const word of context.argv) {
      if (word === '-h' && context.argv.length === 1) throw new UsageError('', { help: true });
      else if (word === '-n') dryRun = true;
      else if (word === '-q') quiet = true;
      else if (word === '-r') continue;
      else if (word === '--strict' || word.startsWith('--strict=')) {
        strict = true;
        severities = word.slice('--strict='.length);
      } else if (word.startsWith('--pack_header=')) {
        head = word.slice(14);
        if (!/^\d+,\d+$/.test(head)) throw new GitError('USAGE', `bad --pack_header: ${head}`);
      } else if (word.startsWith('--max-input-size=')) maxInputSize = Number(word.slice(17));
      else throw new UsageError('');
    }
    const repository = context.repository();
    const fsck = strict ? incomingFsck(context, repository, severities) : undefined;
    const bar = quiet ? undefined : context.progress('Unpacking objects');
    async function* input(): AsyncGenerator<Bytes> {
      if (head !== undefined) {
        const [version, count] = head.split(',').map(Number) as [number, number];
        const bytes = new Uint8Array(12);
        const view = new DataView(bytes.buffer);
        view.setUint32(0, 0x5041434b);
        view.setUint32(4, version);
        view.setUint32(8, count);
        yield bytes;
      }
      yield* context.io.stdin.stream();
    }
    const { count, leftover } = await unpackObjects(input(), {
      platform: context.platform,
      store: repository.objects,
      dryRun,
      maxInputSize,
      object: fsck?.object,
      complete: fsck && (async (read) => fsck.refuseMissing(await fsck.finish(read))),
      progress: (done, total) => bar?.update(done, total),
    });
    bar?.done();
    if (leftover.length > 0) context.print(leftover);
    yield { count };
    return undefined;
  },
  render: () => '',
});

function incomingFsck(context: CommandContext, repository: Repository, severities: string): IncomingFsck {
  const rules = new FsckRules();
  rules.strict = true;
  applyFsckList(rules, severities, (path) => {
    const bytes = context.platform.fs.readFile(resolvePath(context.cwd, path));
    if (bytes === undefined) throw new GitError('CONFIG', `could not open object name list: ${path}`);
    rules.skip(decodeText(bytes), repository.objectFormat);
  });
  return new IncomingFsck({
    algorithm: repository.objectFormat,
    rules,
    links: new LinkCheck(repository.objects, false),
    tell: (line) => context.printError(`${line}\n`),
  });
}
