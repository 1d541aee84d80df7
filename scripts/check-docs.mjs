// Every name that the package offers says what it is, and every function that fails by itself says how.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const entries = ['src/index.ts', 'src/contents/index.ts', 'src/merge/index.ts'];
const faults = [];
const lines = new Map();
const linesOf = (file) => {
  if (!lines.has(file)) lines.set(file, readFileSync(file, 'utf8').split('\n'));
  return lines.get(file);
};

/** file → names offered from it; `undefined` for all of them. */
const offered = new Map();
function offer(file, names) {
  const before = offered.get(file);
  if (names === undefined || (offered.has(file) && before === undefined)) offered.set(file, undefined);
  else offered.set(file, new Set([...(before ?? []), ...names]));
}

function follow(file) {
  const text = linesOf(file).join('\n');
  const pattern = /^export (?:type )?(?:\*(?: as \w+)?|\{([^}]*)\}) from '(\.[^']+)';/gm;
  for (const [, list, target] of text.matchAll(pattern)) {
    const base = join(dirname(file), target.replace(/\.js$/, ''));
    const to = [`${base}.ts`, `${base}.tsx`].find(existsSync);
    if (to === undefined) continue;
    if (list === undefined && /^export (?:\*|\{[^}]*\}) from/m.test(linesOf(to).join('\n'))) follow(to);
    offer(
      to,
      list
        ?.split(',')
        .map((word) =>
          word
            .replace(/\btype\b/, '')
            .split(' as ')[0]
            .trim(),
        )
        .filter((word) => word !== ''),
    );
  }
  offer(file, undefined);
}
for (const entry of entries) follow(join(root, entry));

/** The comment that ends right above a line; decorations of overloads share the first one's. */
function commentAbove(all, at) {
  let i = at - 1;
  if (!/\*\/\s*$/.test(all[i] ?? '')) return undefined;
  let text = all[i];
  while (!all[i].includes('/**') && i > 0) text = `${all[--i]}\n${text}`;
  return all[i].includes('/**') ? text : undefined;
}

/** The lines of a declaration, to the line that closes it. */
function bodyOf(all, at) {
  const indent = /^\s*/.exec(all[at])[0];
  let end = at;
  if (!/[;,]$/.test(all[at]))
    while (end < all.length - 1 && !new RegExp(`^${indent}[})\\]]+[;,]?$`).test(all[end])) end++;
  return all.slice(at, end + 1);
}

const codes = (text) =>
  new Set([...text.matchAll(/throw new GitError\(\s*'(?!BUG')([A-Z_]+)'/g)].map((match) => match[1]));

let names = 0;
for (const [file, wanted] of offered) {
  const all = linesOf(file);
  const seen = new Set();
  const shown = relative(root, file);
  for (let i = 0; i < all.length; i++) {
    const match =
      /^export (?:declare )?(?:abstract )?(?:async )?(function\*?|class|const|interface|type|enum) (\w+)/.exec(all[i]);
    if (match === null) continue;
    const [, kind, name] = match;
    if ((wanted !== undefined && !wanted.has(name)) || seen.has(name)) continue;
    seen.add(name);
    names++;
    const comment = commentAbove(all, i);
    if (comment === undefined) faults.push(`${shown}:${i + 1}: ${name} has no docstring`);
    const body = bodyOf(all, i);
    const told = (what, line, own, text) => {
      for (const code of own)
        if (!text.includes(code)) faults.push(`${shown}:${line}: ${what} throws ${code} and does not say so`);
    };
    if (kind.startsWith('function')) told(name, i + 1, codes(body.join('\n')), comment ?? '');
    if (kind !== 'class') continue;
    for (let j = 1; j < body.length; j++) {
      const member = /^ {2}(?:static |async |\*|get |override )*(\w+)(?:<[^>]*>)?\(/.exec(body[j]);
      if (member === null || member[1] === 'constructor' || /^ {2}(?:private|protected)/.test(body[j])) continue;
      names++;
      const above = commentAbove(all, i + j);
      // What an interface asks for is told there.
      if (above === undefined && !/ implements /.test(body[0]))
        faults.push(`${shown}:${i + j + 1}: ${name}.${member[1]} has no docstring`);
      told(`${name}.${member[1]}`, i + j + 1, codes(bodyOf(all, i + j).join('\n')), `${comment ?? ''}${above ?? ''}`);
    }
  }
  for (const name of wanted ?? []) if (!seen.has(name)) faults.push(`${shown}: ${name} is offered and not found`);
}
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exit(1);
}
console.log(`docs: ${names} public names`);
