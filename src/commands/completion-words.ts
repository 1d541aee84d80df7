import type { OptionSpec, OptionSpecs } from './options.js';

const wantsValue = (spec: OptionSpec): boolean =>
  spec.lastDefault === undefined &&
  (spec.type === 'string' ||
    spec.type === 'number' ||
    spec.type === 'list' ||
    (spec.type === 'mode' && spec.value !== undefined));

/**
 * The words that complete a command, in one line: subcommands and long options (with `=` where a value must follow), and
 * after `--` what takes options back. `all`: also other names, and what is rarely meant.
 */
export function completionWords(specs: OptionSpecs, all: boolean, subcommands: readonly string[] = []): string {
  const options = Object.entries(specs).filter(
    ([, spec]) =>
      spec.shortOnly !== true && spec.type !== 'digits' && (all || (spec.hidden !== true && spec.rarelyMeant !== true)),
  );
  const named = (key: string, spec: OptionSpec): readonly string[] => (all ? [key, ...(spec.aliases ?? [])] : [key]);
  const words = options.flatMap(([key, spec]) =>
    named(key, spec).map((name) => ` --${name}${wantsValue(spec) ? '=' : ''}`),
  );
  const back = options.filter(([, spec]) => spec.negatable !== false && spec.type !== 'mode');
  const given = back.filter(([key]) => key.startsWith('no-') && !Object.hasOwn(specs, key.slice(3)));
  const taken = back
    .filter(([key]) => !key.startsWith('no-'))
    .flatMap(([key, spec]) => [key, ...(spec.aliases ?? [])].map((name) => ` --no-${name}`));
  const first = given.length > 0 ? given.map(([key]) => ` --${key.slice(3)}`) : taken.splice(0, 1);
  const rest = taken.length > 0 ? [' --', ...taken] : [];
  return `${[...words, ...subcommands.map((name) => ` ${name}`), ...first, ...rest].join('').slice(1)}\n`;
}
