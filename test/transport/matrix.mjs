// {bough, stock git} as client and as server, over file, git, ssh and http, in protocol 0 and 2, on a real repository.
// usage: npm run matrix -- [--repo=PATH] [--git=PROGRAM] [--bough=FOLDER] [--only=TEXT] [--sshd]
// Every cell ends with `git fsck` on both sides and equal refs. Prints one line a cell; exit code 1 where one fails.
import { cleanUp, makeSeed, option, programs, tryAll } from './lab.mjs';

const only = option('only', '');
const sshd = process.argv.includes('--sshd');
const seed = await makeSeed();
let failures = 0;
let cells = 0;
const started = Date.now();
for (const client of Object.values(programs)) {
  for (const server of Object.values(programs)) {
    for (const transport of ['file', 'git', 'ssh', 'http']) {
      for (const version of [0, 2]) {
        const name = `${client.name} client, ${server.name} server, ${transport}, v${version}`;
        if (!name.includes(only)) continue;
        const { tried, failed } = await tryAll(name, { client, server, transport, version, seed, sshd });
        cells += tried;
        failures += failed;
      }
    }
  }
}
cleanUp();
console.log(`${cells - failures} of ${cells} cells passed in ${Math.round((Date.now() - started) / 1000)} s`);
process.exit(failures === 0 ? 0 : 1);
