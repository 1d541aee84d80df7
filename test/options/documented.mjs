// What git's own documentation (its Documentation folder, in AsciiDoc) says that there is: options of commands, values
// and placeholders, configuration variables.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The lines of a page with what it includes, as they apply to it (`ifdef::git-log[]` and the like). */
function pageLines(docs, name, attributes = new Set()) {
  const lines = [];
  const stack = [];
  const file = join(docs, name);
  if (!existsSync(file)) return lines;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const condition = /^(ifdef|ifndef)::([^[]+)\[\]$/.exec(line);
    if (condition !== null) {
      const known = condition[2].split(',').some((attribute) => attributes.has(attribute));
      stack.push(condition[1] === 'ifdef' ? known : !known);
      continue;
    }
    if (/^endif::/.test(line)) {
      stack.pop();
      continue;
    }
    if (stack.includes(false)) continue;
    const set = /^:(!?)([\w-]+)(!?):/.exec(line);
    if (set !== null) {
      if (set[1] === '!' || set[3] === '!') attributes.delete(set[2]);
      else attributes.add(set[2]);
      continue;
    }
    const include = /^include::([^[]+)\[/.exec(line);
    if (include !== null) lines.push(...pageLines(docs, include[1].replace('{build_dir}/', ''), attributes));
    else lines.push(line);
  }
  return lines;
}

/** What the lines explain (`-n <number>`, `--stat[=<width>]`, `log.date`, …), without marks of emphasis. */
function terms(lines) {
  const found = new Set();
  for (const line of lines) {
    if (!line.endsWith('::') || /^\s/.test(line)) continue;
    for (const term of line
      .slice(0, -2)
      .replace(/[`_+]/g, '')
      .split(/,\s+(?=-)/))
      found.add(term.trim());
  }
  return [...found];
}

const isOption = (term) => /^--?[A-Za-z0-9[<#]/.test(term);
const isVariable = (term) => /^[a-z][\w*<>-]*(\.[^ ]+)+$/i.test(term);

/** The options of a command as its page spells them. */
export function documentedOptions(docs, command) {
  return terms(pageLines(docs, `git-${command}.adoc`)).filter(isOption);
}

/** Sections of the configuration that no page of a command includes. */
const SECTIONS = { status: ['status'], help: ['help', 'alias', 'pager'] };

/** `--[no-]x` is two options. */
const expand = (text) => {
  const found = /\[([^\]=]*-)\]/.exec(text);
  if (found === null) return [text];
  return [text.replace(found[0], ''), text.replace(found[0], found[1])].flatMap(expand);
};

/** Options of a command as `{ name, value: 'none' | 'optional' | 'needed' }`, and the variables that its page names. */
export function documented(docs, command) {
  const options = new Map();
  for (const form of documentedOptions(docs, command).flatMap(expand)) {
    const parts = /^(--?[\w-]+?)(\[?[= ]?[<([].*|<.*|=.*)?$/.exec(form);
    if (parts === null) continue;
    const value = parts[2] === undefined ? 'none' : parts[2].startsWith('[') ? 'optional' : 'needed';
    options.set(parts[1], { name: parts[1], value });
  }
  const lines = pageLines(docs, `git-${command}.adoc`);
  for (const section of SECTIONS[command] ?? []) lines.push(...pageLines(docs, `config/${section}.adoc`));
  return { options: [...options.values()], variables: terms(lines).filter(isVariable) };
}

/** Every `--pretty` name and every placeholder. */
export function documentedFormats(docs) {
  const placeholders = new Set();
  const names = new Set();
  for (const line of pageLines(docs, 'pretty-formats.adoc')) {
    const name = /^`([a-z]+)`::$/.exec(line);
    if (name !== null) names.add(name[1]);
    const placeholder = /^\+{1,2}(%.*)::/.exec(line);
    if (placeholder !== null) placeholders.add(placeholder[1].replace(/[`+_]/g, ''));
  }
  return { names: [...names], placeholders: [...placeholders] };
}

/** The configuration variables of a section. */
export function documentedVariables(docs, section) {
  return terms(pageLines(docs, `config/${section}.adoc`)).filter(isVariable);
}
