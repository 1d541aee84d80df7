// Writes docs/compatibility.md from results of git's own test scripts run against bin/git (see CONTRIBUTING):
//   node scripts/compatibility.mjs RESULTS/scored.tsv...
// Results of scripts that were not run this time are kept from docs/compatibility.tsv.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

const docs = resolve(import.meta.dirname, '..', 'docs');
const store = resolve(docs, 'compatibility.tsv');
const columns = ['script', 'family', 'tests', 'passed', 'of', 'solid', 'solidOf', 'state'];
const rows = new Map();
if (existsSync(store)) {
  for (const line of readFileSync(store, 'utf8').split('\n').slice(1))
    if (line !== '') rows.set(line.split('\t')[0], line.split('\t'));
}
for (const file of process.argv.slice(2)) {
  const [head, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  const at = Object.fromEntries(head.split('\t').map((name, i) => [name, i]));
  for (const line of lines) {
    const cell = line.split('\t');
    const get = (name) => cell[at[name]];
    rows.set(get('script'), [
      get('script'),
      get('family'),
      get('planned'),
      get('passed'),
      get('base_ok'),
      get('solid_passed'),
      get('solid_base'),
      get('state'),
    ]);
  }
}
const sorted = [...rows.values()].sort((a, b) => (a[0] < b[0] ? -1 : 1));
writeFileSync(store, [columns.join('\t'), ...sorted.map((row) => row.join('\t'))].join('\n') + '\n');
const families = new Map();
for (const row of sorted) {
  const family = families.get(row[1]) ?? { scripts: 0, whole: 0, solid: 0, of: 0, hung: 0 };
  family.scripts++;
  family.solid += Number(row[5]);
  family.of += Number(row[6]);
  if (row[3] === row[4]) family.whole++;
  if (row[7] === 'timeout') family.hung++;
  families.set(row[1], family);
}
const percent = (part, whole) => (whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`);
let text = `# Compatibility

git's own test scripts (v2.55.0) run against \`bin/git\`. "Solid" tests are those that a git which knows nothing but
\`init\` does not pass. Made by \`scripts/compatibility.mjs\` from the results; a script not listed has not been run.

| Family | Scripts run | Whole | Solid tests passed | | Hung |
|---|--:|--:|--:|--:|--:|
`;
let solid = 0;
let of = 0;
for (const [name, family] of [...families].sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
  text += `| ${name} | ${family.scripts} | ${family.whole} | ${family.solid} of ${family.of} | ${percent(family.solid, family.of)} | ${family.hung} |\n`;
  solid += family.solid;
  of += family.of;
}
text += `| **all run** | ${sorted.length} | | **${solid} of ${of}** | **${percent(solid, of)}** | |\n\n## By script\n\n| Script | Passed | Solid | State |\n|---|--:|--:|---|\n`;
for (const row of sorted) text += `| ${row[0]} | ${row[3]} of ${row[4]} | ${row[5]} of ${row[6]} | ${row[7]} |\n`;
writeFileSync(resolve(docs, 'compatibility.md'), text);
console.log(`${sorted.length} scripts, solid ${solid} of ${of} (${percent(solid, of)})`);
