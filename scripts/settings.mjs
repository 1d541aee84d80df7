// node scripts/settings.mjs --docs=DIR: variables of git's configuration (DIR is the folder of its `config/*.adoc`) that no
// source file mentions, by section. A mention is the whole name, or its last part where its section is put together.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Texts of all source files, in lower case, but for the list of names itself. */
export function sourcesOf(root) {
  return readdirSync(join(root, 'src'), { recursive: true })
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('setting-names.ts'))
    .map((name) => readFileSync(join(root, 'src', name), 'utf8').toLowerCase());
}

const wordsOf = (text) => new Set((text.match(/[\w-]+/g) ?? []).flatMap((word) => [word, ...word.split('-')]));

/** What was looked for in a set of sources before. */
const known = new WeakMap();

export function mentioned(name, sources) {
  let seen = known.get(sources);
  if (seen === undefined) known.set(sources, (seen = { words: sources.map(wordsOf), sections: new Map() }));
  const lower = name.toLowerCase();
  const [section] = lower.split('.');
  const last = lower.slice(lower.lastIndexOf('.') + 1);
  let files = seen.sections.get(section);
  if (files === undefined) {
    const begins = ["'", '`', '"'].flatMap((quote) => ['.', "'", '`'].map((end) => `${quote}${section}${end}`));
    files = seen.words.filter((_, i) => begins.some((start) => sources[i].includes(start)));
    seen.sections.set(section, files);
  }
  const whole = () => sources.some((text) => text.includes(lower));
  // Names that the user makes up: the section is enough.
  if (/^[<*]/.test(last)) return files.length > 0 || whole();
  const anywhere = /^(?:advice|fsck|receive\.fsck|fetch\.fsck)\./.test(lower);
  return (anywhere ? seen.words : files).some((words) => words.has(last)) || whole();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const docs = process.argv.find((word) => word.startsWith('--docs='))?.slice(7);
  if (docs === undefined) {
    console.error('settings.mjs: --docs=DIR is missing');
    process.exit(2);
  }
  const names = new Set();
  for (const file of readdirSync(docs).sort()) {
    if (!file.endsWith('.adoc')) continue;
    for (const match of readFileSync(join(docs, file), 'utf8').matchAll(
      /^`?([A-Za-z][\w-]*(?:\.[\w<>*:-]+)+)`?(?:::|;;)$/gm,
    ))
      names.add(match[1]);
  }
  const sources = sourcesOf(resolve(import.meta.dirname, '..'));
  const sections = new Map();
  for (const name of names) {
    if (mentioned(name, sources)) continue;
    const section = name.split('.')[0];
    sections.set(section, [...(sections.get(section) ?? []), name]);
  }
  let count = 0;
  for (const [section, list] of sections) {
    count += list.length;
    console.log(`${section}: ${list.join(' ')}`);
  }
  console.log(`${names.size} documented, ${count} not mentioned`);
}
