import { beforeAll, expect, test } from 'vitest';
import { table } from '../../src/commands/table.js';
import { helpOverview, helpPage } from '../../src/commands/help-pages.js';
import type { Command } from '../../src/commands/command.js';

let commands: Command[];

beforeAll(async () => {
  commands = await Promise.all(Object.values(table).map(async (load) => (await load()).command as Command));
});

test('every command has a page of help that names each of its options', () => {
  for (const command of commands) {
    const page = helpPage('bough', command);
    for (const [key, spec] of Object.entries(command.options)) {
      if (spec.hidden === true || spec.shortOnly === true || spec.type === 'digits') continue;
      expect(page, `${command.name} --${key}`).toContain(`--${key}`);
    }
  }
});

test('the overview names every command', () => {
  const overview = helpOverview('bough', commands);
  for (const { name } of commands) expect(overview).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
});
