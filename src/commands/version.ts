import { defineCommand } from './command.js';

/** The git release whose behaviour bough follows. */
export const GIT_VERSION = '2.55.0';
export const BOUGH_VERSION = '0.1.0';

interface Version {
  readonly git: string;
  readonly bough: string;
  readonly node?: string;
  readonly platform?: string;
}

export const command = defineCommand({
  name: 'version',
  summary: 'Show which bough this is and which git it follows',
  usage: ['version [--build-options]'],
  options: { 'build-options': { type: 'flag', help: 'also show what it was built for' } },
  standalone: true,
  async *run(_context, args) {
    const long = args.values['build-options'] === true;
    const result: Version = { git: GIT_VERSION, bough: BOUGH_VERSION };
    yield long ? { ...result, node: process.version, platform: `${process.arch}` } : result;
  },
  render(result: Version, context) {
    const first =
      context.program === 'bough' && context.name === '--version'
        ? `bough version ${result.bough}\n`
        : `git version ${result.git}.bough.${result.bough}\n`;
    if (result.node === undefined) return first;
    const cpu = result.platform === 'x64' ? 'x86_64' : (result.platform ?? '');
    return `${first}cpu: ${cpu}\nno commit associated with this build\nsizeof-long: 8\nsizeof-size_t: 8\nshell-path: /bin/sh\nrust: disabled\nzlib: node\nnode: ${result.node}\nSHA-1: node\nSHA-256: node\ndefault-ref-format: files\ndefault-hash: sha1\n`;
  },
});
