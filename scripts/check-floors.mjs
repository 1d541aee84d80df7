// Holds the imports of src/ against floors.json: downwards only, node:* only where it is allowed, no circles between files.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const src = join(root, 'src');
const floors = JSON.parse(readFileSync(join(root, 'floors.json'), 'utf8'));
const nodeRooms = new Set(['platform', 'server', 'commands', 'tui']);
const files = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
const importPattern =
  /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g;
const faults = [];
const roomOf = (file) => {
  const parts = relative(src, file).split('/');
  return parts.length > 1 ? parts[0] : '';
};
for (const file of files) {
  const room = roomOf(file);
  if (room === '') continue; // src/index.ts: the front door may import all
  const text = readFileSync(file, 'utf8');
  for (const match of text.matchAll(importPattern)) {
    const target = match[1] ?? match[2] ?? match[3];
    const name = relative(root, file);
    if (target.startsWith('node:')) {
      if (!nodeRooms.has(room))
        faults.push(`${name}: '${target}' may only be imported in ${[...nodeRooms].join(', ')}`);
      continue;
    }
    if (!target.startsWith('.')) continue;
    const to = roomOf(resolve(dirname(file), target));
    if (to === room) continue;
    if (!(floors[room] ?? []).includes(to))
      faults.push(`${name}: room '${room}' may not import '${to || 'index'}' (${target})`);
  }
}
for (const room of new Set(files.map(roomOf)))
  if (room !== '' && !(room in floors)) faults.push(`room '${room}' is not in floors.json`);
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exit(1);
}
console.log(`floors: ${files.length} files, imports point down`);
