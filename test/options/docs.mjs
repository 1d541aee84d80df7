// The options and configuration variables that git's documentation of a command names.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

function read(folder, name, attributes) {
  const path = join(folder, name);
  if (!existsSync(path)) return [];
  const out = [];
  const stack = [];
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const condition = /^(ifdef|ifndef)::([^[]+)\[\]/.exec(line);
    if (condition !== null) {
      const known = condition[2].split(',').some((word) => attributes.has(word));
      stack.push(known === (condition[1] === 'ifdef'));
      continue;
    }
    if (line.startsWith('endif::')) {
      stack.pop();
      continue;
    }
    if (stack.includes(false)) continue;
    const set = /^:([\w-]+):/.exec(line);
    if (set !== null) attributes.add(set[1]);
    const include = /^include::(?:\{build_dir\}\/)?([^[]+)\[\]/.exec(line);
    if (include === null) out.push(line);
    else out.push(...read(folder, include[1], attributes));
  }
  return out;
}

/** Sections of the configuration that no page of a command includes. */
const SECTIONS = { status: ['status'], help: ['help', 'alias', 'pager'] };

const expand = (text) => {
  const found = /\[([^\]=]*-)\]/.exec(text);
  if (found === null) return [text];
  return [text.replace(found[0], ''), text.replace(found[0], found[1])].flatMap(expand);
};

/** What `git-NAME.adoc` in `folder` documents: options as `{ name, value }`, variables by name. */
export function documented(folder, name) {
  const lines = read(folder, `git-${name}.adoc`, new Set([`git-${name}`]));
  for (const section of SECTIONS[name] ?? []) lines.push(...read(folder, `config/${section}.adoc`, new Set()));
  const options = new Map();
  const variables = new Set();
  for (const line of lines) {
    if (!line.endsWith('::') || /^\s/.test(line)) continue;
    for (const term of line
      .slice(0, -2)
      .replaceAll('`', '')
      .split(/,\s+(?=-)/)) {
      if (/^[a-z][\w*<>-]*(\.[^ ]+)+$/i.test(term)) variables.add(term);
      if (!/^-[^ ]/.test(term) || term === '--') continue;
      for (const form of expand(term)) {
        const parts = /^(--?[\w-]+?)(\[?[= ]?[<([].*|<.*|=.*)?$/.exec(form);
        if (parts === null) continue;
        const value = parts[2] === undefined ? 'none' : parts[2].startsWith('[') ? 'optional' : 'needed';
        options.set(parts[1], { name: parts[1], value });
      }
    }
  }
  return { options: [...options.values()], variables: [...variables] };
}
