import { RESET, parseColor } from '../base/color.js';
import { GitError } from '../base/errors.js';
import type { RegexKind } from '../base/posix-regex.js';
import { compileRegex } from '../base/posix-regex.js';
import type { Repository } from '../repo/repository.js';
import type { LogSettings } from './log-settings.js';
import type { Mailmap } from './mailmap.js';
import type { CommitView } from './pretty-view.js';
import { parseIdent } from './pretty-view.js';

/** The kind of patterns: the last option, else `grep.patternType`, `grep.extendedRegexp`. */
function patternKindOf(repository: Repository, said: RegexKind | undefined): RegexKind {
  if (said !== undefined) return said;
  const type = repository.config.get('grep.patterntype');
  if (type === 'extended' || type === 'basic' || type === 'fixed' || type === 'perl') return type;
  return repository.config.getBool('grep.extendedregexp') === true ? 'extended' : 'basic';
}

/** Compiles a pattern for a message; `where` it was given is told when it is wrong. */
function compileLogPattern(pattern: string, kind: RegexKind, ignoreCase: boolean, where: string): RegExp {
  try {
    return compileRegex(pattern, kind, { ignoreCase });
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new GitError('USAGE', `${where}, '${pattern}': ${error.message}`);
  }
}

/** What of a commit the filters look at beside the object itself. */
export interface GrepExtras {
  readonly reflog?: string | undefined;
  readonly notes?: string | undefined;
}

/** The filters of `--grep`, `--author`, `--committer`, `--grep-reflog`; `undefined` where there are none. */
export function messageFilter(
  repository: Repository,
  settings: LogSettings,
  mailmap: Mailmap | undefined,
): ((view: CommitView, extras: GrepExtras) => boolean) | undefined {
  if (settings.patterns.length === 0) return undefined;
  const kind = patternKindOf(repository, settings.patternKind);
  const fields: Record<'body' | 'author' | 'committer' | 'reflog', RegExp[]> = {
    body: [],
    author: [],
    committer: [],
    reflog: [],
  };
  for (const { field, pattern } of settings.patterns) {
    // A pattern of several lines is several patterns.
    const lines = pattern.split('\n').filter((line, _, all) => line !== '' || all.length === 1);
    for (const line of lines) {
      fields[field].push(
        compileLogPattern(line, kind, settings.ignoreCase, field === 'body' ? 'command line' : 'header'),
      );
    }
  }
  const person = (line: string): string => {
    const close = line.lastIndexOf('>');
    const bare = close < 0 ? line : line.slice(0, close + 1);
    if (mailmap === undefined) return bare;
    const ident = parseIdent(line);
    if (ident === undefined) return bare;
    const mapped = mailmap.map(ident);
    return `${mapped.name} <${mapped.email}>`;
  };
  const any = (patterns: readonly RegExp[], text: string): boolean => patterns.some((regex) => regex.test(text));
  return (view, extras) => {
    if (fields.author.length > 0 && !any(fields.author, person(view.authorLine))) return false;
    if (fields.committer.length > 0 && !any(fields.committer, person(view.committerLine))) return false;
    if (fields.reflog.length > 0 && !any(fields.reflog, extras.reflog ?? '')) return false;
    if (fields.body.length === 0) return true;
    const body = extras.notes === undefined ? view.rawBody : view.rawBody + extras.notes;
    // The end of the last line starts no line of its own.
    const text = body.endsWith('\n') ? body.slice(0, -1) : body;
    const hit = settings.allMatch ? fields.body.every((regex) => regex.test(text)) : any(fields.body, text);
    return hit !== settings.invertGrep;
  };
}

/** Colours what the filters look for, as `git grep` colours it; `undefined` where there are no filters. */
export function messageHighlighter(
  repository: Repository,
  settings: LogSettings,
): ((text: string, field: 'author' | 'committer' | 'body') => string) | undefined {
  if (settings.patterns.length === 0 || settings.invertGrep) return undefined;
  const kind = patternKindOf(repository, settings.patternKind);
  const { config } = repository;
  const color = (key: string): string | undefined => {
    const value = config.get(`color.grep.${key}`);
    return value === undefined ? undefined : parseColor(value);
  };
  const match = color('matchselected') ?? color('match') ?? '\x1b[1;31m';
  const selected = color('selected') ?? '';
  const paint = (sequence: string, text: string): string =>
    sequence === '' || text === '' ? text : `${sequence}${text}${RESET}`;
  const regexes = settings.patterns.map(({ field, pattern }) => ({
    field,
    regex: compileRegex(pattern, kind, { ignoreCase: settings.ignoreCase, flags: 'g' }),
  }));
  return (text, field) => {
    const own = regexes.filter((one) => one.field === field);
    if (!own.some(({ regex }) => text.search(regex) >= 0)) return text;
    let out = '';
    let at = 0;
    while (at < text.length) {
      let start = -1;
      let end = -1;
      for (const { regex } of own) {
        regex.lastIndex = at;
        const found = regex.exec(text);
        if (found === null || found[0] === '') continue;
        const stop = found.index + found[0].length;
        if (start < 0 || found.index < start || (found.index === start && stop > end)) {
          start = found.index;
          end = stop;
        }
      }
      if (start < 0) break;
      out += paint(selected, text.slice(at, start)) + paint(match, text.slice(start, end));
      at = end;
    }
    return out + paint(selected, text.slice(at));
  };
}
