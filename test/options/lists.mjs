// What the lists and pages of help have in common in both programs: headings, form, and the names that both know. Each
// program's own are the lines about a command, the commands and guides that only one has, and the text of a page; so is
// what a wrong word is taken for where the nearest command is one that only one has.
import { spawnSync } from 'node:child_process';

const ANY_LIST =
  /^(?:These are common Git commands|See 'git help <command>' to read|The Git concept guides|User-facing repository|File formats, protocols)/m;
const HEADING =
  /^(?:[A-Z][A-Za-z-]+ Commands.*|User-facing .*|Developer-facing .*|External commands|Values on branches|put values on branches|[a-z]+ .*history.*|Interacting with Others)\n(?=\n|$)/gm;

/** Makes the rule from the names that each program has. `programs`: how each is started. */
export function listRule(programs, env) {
  const names = (words) =>
    programs.map(
      (program) =>
        new Set(spawnSync(program[0], [...program.slice(1), ...words], { env, encoding: 'latin1' }).stdout.split('\n')),
    );
  const rows = () =>
    names(['help', '-a', '--no-aliases']).map((set) => new Set([...set].map((row) => /^ {3}(\S+)/.exec(row)?.[1])));
  const odd = new Set();
  const oddOf = ([one, other]) => {
    for (const name of one) if (!other.has(name)) odd.add(name);
    for (const name of other) if (!one.has(name)) odd.add(name);
  };
  for (const group of ['builtins', 'main', 'others', 'list-guide', 'list-userinterfaces', 'list-developerinterfaces'])
    oddOf(names([`--list-cmds=${group}`]));
  oddOf(rows());
  for (const words of ['-c', '--config-for-completion', '--config-sections-for-completion'])
    oddOf(names(['help', words]));

  const wrongWord = (one) =>
    [...one.stderr.matchAll(/^\t(.*)$|you meant '(.*)'\.$/gm)].some((match) => odd.has(match[1] ?? match[2]));

  const plain = (words, out) => {
    if (/^(?:GIT[-A-Z0-9]*\(\d\)|Usage: |# )/.test(out)) return 'a page\n';
    if (/^usage: git help /m.test(out)) return out;
    if (words.some((word) => /^--list-cmds=|^--config-.*completion$|^-c$|^--config$/.test(word)) && !ANY_LIST.test(out))
      return out
        .split('\n')
        .filter((row) => !odd.has(row))
        .sort()
        .join('\n');
    if (out.includes("\navailable git commands in '")) {
      const [names, common] = out.split(/(?<=overview of the system\.\n)/);
      const lines = names.split('\n').filter((row) => !row.startsWith('available'));
      const columns = lines
        .filter((row) => /^ {2}\S/.test(row))
        .flatMap((row) => row.trim().split(/ +/))
        .filter((name) => !odd.has(name));
      const others = lines.filter((row) => !/^ {2}\S/.test(row) && row !== '');
      return [...columns.sort(), '', ...others, plain(words, common ?? '')].join('\n');
    }
    if (!ANY_LIST.test(out)) return out;
    return out
      .split('\n')
      .filter((row) => !odd.has(/^ {3}(\S+)/.exec(row)?.[1]))
      .map((row) => /^ {3}\S+(?= {2,}\S)/.exec(row)?.[0] ?? row)
      .join('\n')
      .replaceAll(HEADING, '')
      .replaceAll(/\n{2,}/g, '\n\n')
      .trimEnd();
  };

  return (words, one, other) => {
    if (wrongWord(one) || wrongWord(other)) {
      for (const answer of [one, other]) Object.assign(answer, { code: 0, stdout: '', stderr: '', changed: new Map() });
      return;
    }
    for (const answer of [one, other])
      for (const stream of ['stdout', 'stderr']) answer[stream] = plain(words, answer[stream]);
  };
}
