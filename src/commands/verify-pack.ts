import { isGitError } from '../base/errors.js';
import { indexPackFile } from '../packs/index-pack.js';
import { chainHistogram, PackTableView } from '../packs/pack-listing.js';
import { resolvePath } from '../repo/paths.js';
import { defineCommand, renderText } from './command.js';
import { UsageError } from './options.js';

export const command = defineCommand({
  name: 'verify-pack',
  summary: 'Validate packed Git archive files',
  usage: ['verify-pack [-v | --verbose] [-s | --stat-only] [--] <pack>.idx...'],
  options: {
    verbose: { type: 'flag', short: 'v', help: 'verbose' },
    'stat-only': { type: 'flag', short: 's', help: 'show statistics only' },
    'object-format': { type: 'string', value: 'hash', help: 'specify the hash algorithm to use' },
  },
  async *run(
    context,
    args,
  ): AsyncGenerator<{ readonly pack: string; readonly ok: boolean; readonly text: string }, number> {
    if (args.rest.length === 0) throw new UsageError('');
    const { verbose = false, 'stat-only': statOnly = false } = args.values;
    const repository = context.maybeRepository();
    const asked = args.values['object-format'];
    const algorithm = asked === 'sha256' ? 'sha256' : asked === 'sha1' ? 'sha1' : (repository?.objectFormat ?? 'sha1');
    let code = 0;
    for (const word of args.rest) {
      const base = word.replace(/\.(?:idx|pack)$/, '');
      const shown = `${base}.pack`;
      const pack = resolvePath(context.cwd, shown);
      let text = '';
      let ok = false;
      try {
        const index = context.platform.fs.readFile(`${pack.slice(0, -5)}.idx`);
        const indexed = await indexPackFile(pack, { platform: context.platform, algorithm });
        const view = new PackTableView(indexed.table);
        const fault = index === undefined ? 'no index' : view.compareIndex(index, indexed.checksum);
        ok = fault === undefined && index !== undefined && checksumHolds(index);
        if (!ok) context.error(`${fault ?? 'wrong checksum'} in pack idx file '${base}.idx'`);
        else if (verbose || statOnly) {
          if (!statOnly) for (const line of view.lines()) text += `${line}\n`;
          text += chainHistogram(view);
        }
      } catch (error) {
        if (!isGitError(error)) throw error;
        context.printError(`fatal: ${error.message}\n`);
      }
      if (!ok) code = 1;
      if (verbose || statOnly) {
        if (!ok) text += `${shown}: bad\n`;
        else if (!statOnly) text += `${shown}: ok\n`;
      }
      yield { pack: shown, ok, text };
    }
    return code;

    function checksumHolds(index: Uint8Array): boolean {
      const length = algorithm === 'sha1' ? 20 : 32;
      const sum = context.platform
        .hasher(algorithm)
        .update(index.subarray(0, index.length - length))
        .digest();
      return sum.every((byte, i) => byte === index[index.length - length + i]);
    }
  },
  render: renderText,
});
