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

/** The options of a command as its page spells them: `--stat[=<width>]`, `-n <number>`, … */
export function documentedOptions(docs, command) {
  const found = new Set();
  for (const line of pageLines(docs, `git-${command}.adoc`, new Set(['with-breaking-changes-no']))) {
    if (!/^[`+]*-.*::$/.test(line)) continue;
    for (const part of line.slice(0, -2).split(/`, +`/)) {
      const option = part.replace(/[`_+]/g, '').trim();
      if (/^--?[A-Za-z0-9[<#]/.test(option)) found.add(option);
    }
  }
  return [...found];
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

/** The configuration variables of some sections. */
export function documentedVariables(docs, sections) {
  const found = [];
  for (const section of sections) {
    for (const line of pageLines(docs, `config/${section}.adoc`)) {
      const name = /^`?([a-zA-Z]+\.[^` ]+?)`?::$/.exec(line);
      if (name !== null) found.push(name[1]);
    }
  }
  return found;
}
