// Walks line by line through what git's documentation says of the commands that read (`diff` and `log` and what belongs
// to them): every option with good, odd and missing values, negated, every placeholder and every configuration variable,
// in both programs; standard output, standard error and exit code are compared.
//   npm run walk-reading -- --docs=GIT/Documentation --git=PROGRAM REPO...
//     [--only=COMMAND,...] [--options=PART] [--show=N] [--out=FILE] [--real]
// REPO: bare or not, only read; a dirtied clone of it is walked, beside a generated repository (not with --real). Prints for each command
// how many options the documentation has, how many were walked (and which were not), how many command lines ran, and how
// many differ. Ends with 1 where one differs or an option was not walked.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { documentedFormats, documentedOptions, documentedVariables } from './documented.mjs';
import { apart, lines, otherVariables, sections, settingLines } from './lines.mjs';
import { makeGenerated, makeWalked } from './repositories.mjs';
import { settingsOf, slots, valuesFor, valuesOf } from './values.mjs';
import { bundleCommands, runBatch } from '../support/batch-host.mjs';

const argument = (name) => process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
const docs = argument('docs');
const git = argument('git') ?? 'git';
const only = argument('only')?.split(',');
const part = argument('options');
const shown = Number(argument('show') ?? 40);
const given = process.argv.slice(2).filter((word) => !word.startsWith('--'));
if (docs === undefined) {
  console.error('usage: npm run walk-reading -- --docs=GIT/Documentation [--git=PROGRAM] REPO...');
  process.exit(2);
}

// ---------------------------------------------------------------- the two programs

const scratch = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'bough-walk-')));
process.on('exit', () => fs.rmSync(scratch, { recursive: true, force: true }));

const environment = {
  PATH: git.includes('/') ? `${dirname(resolve(git))}:${process.env.PATH}` : process.env.PATH,
  HOME: join(scratch, 'home'),
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'A U Thor',
  GIT_AUTHOR_EMAIL: 'author@example.com',
  GIT_COMMITTER_NAME: 'C O Mitter',
  GIT_COMMITTER_EMAIL: 'committer@example.com',
  GIT_TEST_DATE_NOW: '1700000000',
  COLUMNS: '80',
};
fs.mkdirSync(environment.HOME);

const bundled = await bundleCommands(scratch);

function stockAnswer(cwd, words) {
  const ran = spawnSync(git, words, { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 29 });
  return {
    code: ran.status ?? `signal ${ran.signal}`,
    stdout: ran.stdout.toString('latin1'),
    stderr: ran.stderr.toString('latin1'),
  };
}

/** The lists of options below a synopsis are in our own words. */
const untilOptions = (text) =>
  /(?:^|\n)usage: /.test(text) ? text.replace(/((?:^|\n)usage: [^\n]*(?:\n +(?:or: )?[^\n]*)*)[\s\S]*$/, '$1') : text;

/** The compressed bytes of binary patches differ on purpose. */
const withoutBinary = (text) => text.replace(/^([|*\\/ ]*)(?:literal|delta) \d+\n(?:\1[A-Za-z]\S+\n)+/gm, '');

/** The time of what is not committed is that of the run. */
const withoutNow = (text) =>
  text
    .replace(/((?:not[ .]committed[ .]yet|external[ .]file)[^\n]*?)[^\n]*?(\d+\))/gi, '$1 $2')
    .replace(
      /^((?:author|committer) (?:Not Committed Yet|External file).*\n.*\n(?:author|committer)-time )\d+$/gm,
      '$1',
    );

/** Names of temporary files are made up. */
const withoutNames = (text) => text.replace(/git-blob-\w{6}/g, 'git-blob-');

function difference(words, ours, theirs) {
  if (typeof theirs.code === 'string') return undefined;
  const faults = [];
  const first = (a, b) => {
    const [x, y] = [a.split('\n'), b.split('\n')];
    let i = 0;
    while (x[i] === y[i]) i++;
    return `line ${i + 1}: ${JSON.stringify(x[i]?.slice(0, 200))}, not ${JSON.stringify(y[i]?.slice(0, 200))}`;
  };
  if (ours.code !== theirs.code) faults.push(`exit ${ours.code}, not ${theirs.code}`);
  const [out, wanted] = [ours.stdout, theirs.stdout].map((text) =>
    withoutNames(withoutNow(withoutBinary(untilOptions(text)))),
  );
  if (out !== wanted) faults.push(`stdout ${first(out, wanted)}`);
  const [err, wantedErr] = [untilOptions(ours.stderr), untilOptions(theirs.stderr)];
  if (err !== wantedErr) faults.push(`stderr ${first(err, wantedErr)}`);
  return faults.length === 0 ? undefined : `git ${words.join(' ')}\n      ${faults.join('\n      ')}`;
}

// ---------------------------------------------------------------- what is walked

/** The words that an option may be given as: every value, no value, negated, with a value that it does not take. */
function wordsFor(command, spelled) {
  const match = /^(-[A-Za-z0-9]|--[a-z][a-z0-9-]*|-<num(?:ber)?>)(.*)$/.exec(spelled.replace(/^--\[no-\]/, '--'));
  if (match === null) return undefined;
  const [, name, rest] = match;
  if (name.startsWith('-<num')) return [['-2'], ['-0'], ['-12x']];
  const values =
    valuesFor[`${command} ${name}`] ?? valuesFor[name] ?? valuesOf[/<([a-z-]+)>/.exec(rest)?.[1] ?? ''] ?? undefined;
  const long = name.startsWith('--');
  const negated = long && !name.startsWith('--no-') ? [[`--no-${name.slice(2)}`]] : [];
  const takes =
    rest !== '' || (values !== undefined && spelled === name && valuesFor[`${command} ${name}`] !== undefined);
  if (!takes) return [[name], ...negated, ...(long ? [[`${name}=x`]] : [])];
  const list = values ?? ['1', 'garbage', ''];
  // Without its value it would write to a file named by the word behind it.
  if (name === '--output') return list.map((value) => [`${name}=${value}`]);
  const words = [[name], ...negated];
  const optional = rest.includes('[') || spelled === name;
  for (const value of list) {
    if (long) words.push([`${name}=${value}`]);
    else if (value !== '') words.push([`${name}${value}`]);
    if (!optional || rest.startsWith(' ')) words.push([name, value]);
  }
  return words;
}

function put(words, option, places) {
  const all = words.flatMap((word) => (word === 'OPTION' ? option : [word]));
  return all.map((word) => word.replace(/@(\w+)/g, (whole, name) => places[name] ?? whole));
}

const tally = new Map();
const told = [];
function count(command, key, by = 1) {
  const row = tally.get(command) ?? { documented: 0, walked: 0, missed: [], cases: 0, differ: 0 };
  tally.set(command, row);
  row[key] += by;
  return row;
}

function compare(command, repository, all) {
  const unique = [...new Map(all.map((words) => [JSON.stringify(words), words])).values()];
  if (unique.length === 0) return;
  const ours = runBatch(
    scratch,
    bundled,
    unique.map((words) => ({ cwd: repository.path, words })),
    environment,
  );
  unique.forEach((words, i) => {
    const fault = difference(words, ours[i], stockAnswer(repository.path, words));
    count(command, 'cases');
    if (fault === undefined) return;
    count(command, 'differ');
    told.push(`${basename(repository.path)}: ${fault}`);
  });
}

const repositories = [
  ...(process.argv.includes('--real') ? [] : [makeGenerated(join(scratch, 'generated'), git, environment)]),
  ...given.map((source) => makeWalked(join(scratch, basename(dirname(resolve(source)))), source, git, environment)),
];

for (const [command, forms] of Object.entries(lines)) {
  if (only !== undefined && !only.includes(command)) continue;
  const options = documentedOptions(docs, command);
  count(command, 'documented', options.length);
  const walked = [];
  for (const option of options) {
    if (part !== undefined && !option.includes(part)) continue;
    const words = apart[option] === undefined ? wordsFor(command, option) : [[option]];
    if (words === undefined) count(command, 'cases', 0).missed.push(option);
    else {
      count(command, 'walked');
      walked.push(...words);
    }
  }
  for (const repository of repositories) {
    compare(command, repository, [
      ...forms.flatMap((form) => walked.map((option) => put(form, option, repository.places))),
      // At the end of the line, where a value may be missing.
      ...walked
        .filter((option) => option.length === 1)
        .map((option) =>
          put([...forms[0].slice(0, 1), ...(forms[0].includes('-4') ? ['-4'] : []), ...option], [], repository.places),
        ),
    ]);
  }
}

if (only === undefined || only.includes('formats')) {
  const { names, placeholders } = documentedFormats(docs);
  count('formats', 'documented', names.length + placeholders.length);
  const filled = placeholders.flatMap((one) => {
    const options = /^%\(decorate/.test(one)
      ? ['', ':prefix=[,suffix=]', ':pointer= > ,tag=', ':separator=;', ':garbage']
      : /^%\(describe/.test(one)
        ? ['', ':tags', ':tags=no', ':abbrev=4', ':match=v*', ':exclude=*', ':garbage', ':abbrev=x']
        : /^%\(trailers/.test(one)
          ? [
              '',
              ':only',
              ':only=no',
              ':key=Signed-off-by',
              ':key=x,separator=%x2C',
              ':valueonly',
              ':unfold',
              ':garbage',
              ':keyonly,key_value_separator=%x3D',
            ]
          : undefined;
    if (options !== undefined) return options.map((option) => `${/^%\([a-z]+/.exec(one)[0]}${option})`);
    if (one === '%x00') return ['%x41', '%x00', '%x', '%xg0', '%x4'];
    if (one.startsWith('%C('))
      return ['%C(red)x%C(reset)', '%C(auto)%h%d', '%C(always,bold)x', '%C(garbage)', '%C(', '%C(#00ff00 ul)x'];
    if (one.startsWith('%w(')) return ['%w(20,2,4)%B', '%w(0)%B', '%w()%b', '%w(x)%b', '%w(30'];
    if (/^%[<>]/.test(one)) {
      const opening = one.slice(0, one.indexOf('(') + 1);
      return ['10', '10,trunc', '10,ltrunc', '10,mtrunc', '0', '-5', 'x', '60', '10,garbage', ''].map(
        (n) => `${opening}${n})%s|`,
      );
    }
    return [one, ...['-', '+', ' '].map((sign) => `%${sign}${one.slice(1)}`), `%<(12)${one}|`, `%>>(4,trunc)${one}|`];
  });
  count('formats', 'walked', names.length + placeholders.length);
  for (const repository of repositories) {
    const all = [];
    for (const name of names) all.push(['log', '-3', `--pretty=${name}`], ['show', '-s', `--pretty=${name}`, '@tag']);
    for (const format of filled) {
      all.push(['log', '-4', `--format=${format}`], ['log', '-3', '--graph', `--pretty=format:x${format}y`, '@merge']);
      all.push(['log', '-g', '-2', `--format=${format}`], ['rev-list', '-2', `--format=${format}`, '@merge']);
      all.push(['log', '-3', '--color=always', `--format=${format}`, '@merge', '--', '@dir']);
    }
    compare(
      'formats',
      repository,
      all.map((words) => put(words, [], repository.places)),
    );
  }
}

if (only === undefined || only.includes('settings')) {
  for (const [section, commands] of Object.entries(sections)) {
    const variables = documentedVariables(docs, section).filter((name) => !otherVariables.test(name));
    if (section === 'log') variables.push('format.pretty', 'core.abbrev', 'core.quotePath', 'core.whitespace');
    count('settings', 'documented', variables.length);
    for (const variable of variables) {
      if (part !== undefined && !variable.includes(part)) continue;
      count('settings', 'walked');
      const named = slots[variable]?.map((slot) => variable.replace('<slot>', slot)) ?? [variable];
      const values =
        settingsOf[variable] ?? (/color.*(?:<slot>|Lines)/i.test(variable) ? settingsOf.color : settingsOf.boolean);
      const settings = named.flatMap((name) => values.map((value) => (value === null ? name : `${name}=${value}`)));
      for (const repository of repositories) {
        const all = commands.flatMap((command) =>
          settingLines[command].flatMap((form) =>
            settings.map((setting) => put(['-c', setting, ...form], [], repository.places)),
          ),
        );
        compare('settings', repository, all);
      }
    }
  }
}

// ---------------------------------------------------------------- what came of it

for (const text of told.slice(0, shown)) console.log(`  ${text}`);
const out = argument('out');
if (out !== undefined) fs.writeFileSync(out, `${told.join('\n')}\n`);
console.log('walked           documented  walked   cases  differ  not walked');
let failed = told.length > 0;
for (const [command, row] of tally) {
  if (row.missed.length > 0) failed = true;
  const cells = [row.documented, row.walked, row.cases, row.differ].map((n) => String(n).padStart(8)).join('');
  console.log(`${command.padEnd(17)}${cells}  ${row.missed.join(' ') || '-'}`);
}
process.exitCode = failed ? 1 : 0;
