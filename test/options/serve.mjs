// Runs command after command in one process: `node serve.mjs BUNDLE`, asked over the channel to its parent. Standard input,
// output and error of each are files.
import * as fs from 'node:fs';

const { main } = await import(process.argv[2]);
const before = { ...process.env };
process.on('message', async ({ cwd, words, stdin, stdout, stderr }) => {
  for (const descriptor of [0, 1, 2]) fs.closeSync(descriptor);
  // The lowest free number is taken: these become 0, 1 and 2.
  fs.openSync(stdin, 'r');
  fs.openSync(stdout, 'w');
  fs.openSync(stderr, 'w');
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  let code = 'crashed';
  try {
    code = await main('git', words, '/');
  } catch (error) {
    fs.writeSync(2, String(error?.stack));
  }
  process.removeAllListeners('SIGPIPE');
  process.removeAllListeners('SIGINT');
  process.send({ code });
});
process.send({ ready: true });
