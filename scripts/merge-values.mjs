// Answers the questions of conformance/merge-text/values.py with the text merge itself, a JSON line for each:
//   python3 values.py compare --set synthetic --ndjson 'node scripts/merge-values.mjs'
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { buildSync } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const { outputFiles } = buildSync({
  absWorkingDir: root,
  entryPoints: ['src/merge/text.ts'],
  bundle: true,
  format: 'esm',
  write: false,
});
const { mergeContent } = await import(
  `data:text/javascript;base64,${outputFiles[0].contents.toBase64?.() ?? Buffer.from(outputFiles[0].contents).toString('base64')}`
);

const flags = {
  'ignore-all-space': 'ignoreAllSpace',
  'ignore-space-change': 'ignoreSpaceChange',
  'ignore-space-at-eol': 'ignoreSpaceAtEol',
  'ignore-cr-at-eol': 'ignoreCrAtEol',
};
const labels = { base: 'base', ours: 'ours', theirs: 'theirs' };
for await (const line of createInterface({ input: process.stdin })) {
  const { id, combos, ...texts } = JSON.parse(line);
  const [base, ours, theirs] = ['base', 'ours', 'theirs'].map((side) => Buffer.from(texts[side], 'base64'));
  const results = {};
  for (const [name, { whitespace, ...options }] of Object.entries(combos)) {
    const ignored = whitespace === undefined ? undefined : { [flags[whitespace]]: true };
    const { bytes, conflicts } = mergeContent(base, ours, theirs, { ...options, whitespace: ignored, labels });
    const hash = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes);
    results[name] = [hash.digest('hex'), conflicts > 0 ? 1 : 0];
  }
  process.stdout.write(`${JSON.stringify({ id, results })}\n`);
}
