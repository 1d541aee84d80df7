// npm run docs: writes docs/commands.md from the commands' own tables. `--check` only compares.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bundle } from './bundle.mjs';

const root = resolve(import.meta.dirname, '..');
const target = join(root, 'docs/commands.md');
const own = ['put', 'get', 'list', 'remove', 'transact', 'watch', 'serve'];

/** All commands, with their usage and options. */
async function commands() {
  const scratch = mkdtempSync(join(tmpdir(), 'bough-docs-'));
  try {
    const { table } = await import(await bundle('src/commands/table.ts', scratch));
    return await Promise.all(Object.values(table).map(async (load) => (await load()).command));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function spelled(key, spec) {
  const forms = [];
  if (spec.short !== undefined) forms.push(`-${spec.short}`);
  if (spec.type === 'digits') forms.push('-<n>');
  else if (spec.shortOnly !== true)
    forms.push(`--${spec.negatable === false || spec.type === 'mode' || key.startsWith('no-') ? '' : '[no-]'}${key}`);
  const value = spec.value === undefined ? '' : spec.type === 'optional' ? `[=<${spec.value}>]` : ` <${spec.value}>`;
  return `\`${forms.join(', ')}${value.replaceAll('<<', '<').replaceAll('>>', '>')}\``;
}

function page(command) {
  let text = `### ${command.name}\n\n${command.summary}.\n\n\`\`\`\n${command.usage.map((line) => line.split('\n\n')[0]).join('\n')}\n\`\`\`\n`;
  const shown = Object.entries(command.options).filter(([, spec]) => spec.hidden !== true);
  if (shown.length > 0)
    text += `\n${shown.map(([key, spec]) => `- ${spelled(key, spec)}${spec.help === undefined ? '' : `: ${spec.help.replaceAll('\n', ' ')}`}`).join('\n')}\n`;
  return text;
}

const all = (await commands()).sort((a, b) => (a.name < b.name ? -1 : 1));
const text = `# Commands

Made from the commands' own tables by \`npm run docs\`; a test compares. Every command also takes \`--json\`: its results
as JSON, one a line.

## Values

${all
  .filter(({ name }) => own.includes(name))
  .map(page)
  .join('\n')}
## git's commands

Names, options, output and exit codes are git's; git's own manual describes them.

${all
  .filter(({ name }) => !own.includes(name))
  .map(page)
  .join('\n')}`;
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('docs/commands.md is not what the commands say: npm run docs');
    process.exit(1);
  }
} else writeFileSync(target, text);
