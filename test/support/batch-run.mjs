// Runs many commands in one process: `node batch-run.mjs BUNDLE CASES RESULTS`, standard output and error into files.
import * as fs from 'node:fs';

const [bundle, cases, results] = process.argv.slice(2);
const { main } = await import(bundle);
const list = JSON.parse(fs.readFileSync(cases, 'utf8'));
const out = [];
const size = (descriptor) => fs.fstatSync(descriptor).size;
const before = { ...process.env };
for (const { cwd, words, env } of list) {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before, env);
  const [stdout, stderr] = [size(1), size(2)];
  const code = await main('git', words, '/');
  process.removeAllListeners('SIGPIPE');
  process.removeAllListeners('SIGINT');
  out.push({ code, stdout: [stdout, size(1)], stderr: [stderr, size(2)] });
}
fs.writeFileSync(results, JSON.stringify(out));
process.exit(0);
