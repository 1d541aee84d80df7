import { decodeText, encodeText } from '../base/bytes.js';
import { GitError } from '../base/errors.js';
import { compileRegex } from '../base/posix-regex.js';
import { functionNameLimit, trimmed, type FunctionFinder } from './hunks.js';
import { lineBytes, type Lines } from './lines.js';
import type { FileDriver } from './options.js';
import { splitterOf } from './word-regex.js';

/** Tried in order; the first that matches decides. What is shown is the first group, or the whole match. */
interface LineRule {
  readonly pattern: RegExp;
  /** A line that matches begins nothing. */
  readonly never?: boolean;
}

/** A finder from patterns over byte-exact text. */
function functionFinder(rules: readonly LineRule[]): FunctionFinder {
  return (lines: Lines, index: number) => {
    const start = lines.starts[index]!;
    const bytes = lineBytes(lines, index);
    const raw = decodeText(bytes);
    const text = raw.endsWith('\n') ? raw.slice(0, -1) : raw;
    for (const { pattern, never } of rules) {
      const match = pattern.exec(text);
      if (match === null) continue;
      if (never === true) return undefined;
      const shown = match[1] ?? match[0];
      const at = match[1] === undefined ? match.index : match.index + match[0].indexOf(match[1]);
      const ascii = text.length === bytes.length || text.length + 1 === bytes.length;
      const from = start + (ascii ? at : encodeText(text.slice(0, at)).length);
      const size = ascii ? shown.length : encodeText(shown).length;
      return trimmed(lines, from, from + Math.min(size, functionNameLimit));
    }
    return undefined;
  };
}

/** `diff.<name>.xfuncname` (`extended`) or `funcname` (`basic`): patterns, one a line; `!` in front rejects. */
export function functionFinderFromConfig(patterns: string, kind: 'basic' | 'extended'): FunctionFinder {
  const lines = patterns.split('\n').filter((line) => line !== '');
  const last = lines.at(-1);
  if (last?.startsWith('!') === true)
    throw new GitError('CONFIG', `Last expression must not be negated: ${last.slice(1)}`);
  return functionFinder(
    lines.map((line) =>
      line.startsWith('!')
        ? { pattern: compileRegex(line.slice(1), kind), never: true }
        : { pattern: compileRegex(line, kind) },
    ),
  );
}

interface Language {
  readonly lines: readonly LineRule[];
  /** Besides these, any single character that is not white space is a word. */
  readonly words: readonly RegExp[];
}

const yes = (pattern: RegExp): LineRule => ({ pattern });
const no = (pattern: RegExp): LineRule => ({ pattern, never: true });
const single = /\S/gu;

const identifier = /[a-zA-Z_][a-zA-Z0-9_]*/g;
const cOperators = /[-+*/<>%&^|=!]=|--|\+\+|<<=?|>>=?|&&|\|\||::|->/g;
const cNumber = /[-+0-9.e]+[fFlL]?|0[xXbB]?[0-9a-fA-F]+[lL]?/g;

const languages: Readonly<Record<string, Language>> = {
  ada: {
    lines: [
      no(/^(?:.*[ \t])?(?:is[ \t]+new|renames|is[ \t]+separate)(?:[ \t].*)?$/i),
      no(/^[ \t]*with[ \t].*$/i),
      yes(/^[ \t]*((?:procedure|function)[ \t]+.*)$/i),
      yes(/^[ \t]*((?:package|protected|task)[ \t]+.*)$/i),
    ],
    words: [
      /[a-zA-Z][a-zA-Z0-9_]*/g,
      /[-+]?[0-9][0-9#_.aAbBcCdDeEfF]*(?:[eE][+-]?[0-9_]+)?/g,
      /=>|\.\.|\*\*|:=|\/=|>=|<=|<<|>>|<>/g,
    ],
  },
  bash: {
    lines: [
      yes(
        /^[ \t]*((?:[a-zA-Z_][a-zA-Z0-9_]*[ \t]*\([ \t]*\)|function[ \t]+[a-zA-Z_][a-zA-Z0-9_]*(?:[ \t]*\([ \t]*\)|(?=[ \t])|$)).*)$/,
      ),
    ],
    words: [
      /[a-zA-Z0-9_]+/g,
      /\$[a-zA-Z0-9_]+/g,
      /\$\{/g,
      /\$[@*#?!$-]/g,
      /[-+*/%&|^=!<>]=|\|\||&&|<<<?|>>|\|&|;;|\+\+|--|\*\*|==|!=|:[-=?+]|##|%%/g,
      /--[a-zA-Z0-9_-]+|-[a-zA-Z0-9]+/g,
      /\^\^|,,/g,
    ],
  },
  bibtex: {
    lines: [yes(/(@[a-zA-Z]+[ \t]*\{?[ \t]*[^ \t"@',\\#}{~%]*).*$/)],
    words: [/[={}"]|[^={}" \t]+/g],
  },
  cpp: {
    lines: [
      // labels and access declarations
      no(/^[ \t]*[A-Za-z_][A-Za-z_0-9]*:[ \t\r\v\f]*(?:$|\/[/*])/),
      yes(/^((?:::\s*)?[A-Za-z_].*)$/),
    ],
    words: [
      identifier,
      /[0-9][0-9.]*(?:[Ee][-+]?[0-9]+)?[fFlLuU]*/g,
      /0[xXbB][0-9a-fA-F]+[lLuU]*/g,
      /\.[0-9][0-9]*(?:[Ee][-+]?[0-9]+)?[fFlL]?/g,
      /<=>|<<=|>>=|[-+*/<>%&^|=!]=|--|\+\+|<<|>>|&&|\|\||::|->\*?|\.\*/g,
    ],
  },
  csharp: {
    lines: [
      // statements
      no(
        /(?:^|[ \t])(?:abstract(?=[ \t]*$)|await|case|catch|checked|continue|default|delegate(?=[ \t]*$)|do|else|finally|fixed|for|foreach|goto|if|lock|new(?=[ \t]*\()|return|switch|throw|try|unchecked|using(?=[ \t]*\()|while|yield)(?:[ \t(;{]|$)/,
      ),
      no(/^[ \t]*(?:return|throw|yield|new)[ \t]/),
      no(/^[^"(]*=[^>]*[^\s{]/),
      // methods and constructors
      yes(/^[ \t]*((?:@?[A-Za-z_][\w<>,.?[\]]*(?:<[^>]*>)?[ \t,]+)+[@A-Za-z_~][\w.]*(?:<[^>]*>)?[ \t]*\([^;]*)$/),
      // properties, types, namespaces
      yes(
        /^[ \t]*((?:(?:static|public|internal|private|protected|new|virtual|sealed|override|unsafe|abstract|partial|readonly|ref|file)[ \t]+)*(?:class|enum|interface|struct|record)[ \t]+.*)$/,
      ),
      yes(/^[ \t]*(namespace[ \t]+.*)$/),
      yes(
        /^[ \t]*((?:(?:static|public|internal|private|protected|new|virtual|sealed|override|unsafe|abstract|partial|required)[ \t]+)+[A-Za-z_][\w<>,.?[\] ]*[ \t]+@?[A-Za-z_][\w.]*(?:[ \t]*\{.*|[ \t]*=>.*)?)$/,
      ),
    ],
    words: [identifier, cNumber, cOperators],
  },
  css: {
    lines: [no(/[:;][\t ]*$/), yes(/^[:[@.#]?[_a-zA-Z0-9].*$/)],
    words: [/-?(?:[_a-zA-Z]|[^\x00-\x7f])(?:[-_a-zA-Z0-9]|[^\x00-\x7f])*/g, /-?[0-9]+|#[0-9a-fA-F]+/g],
  },
  dts: {
    lines: [no(/;/), no(/=/), yes(/^[ \t]*((?:\/[ \t]*\{|&?[a-zA-Z_]).*)/)],
    words: [/[a-zA-Z0-9,._+?#-]+/g, /[-+*/%&^|!~<>=]=?|<<|>>|&&|\|\||\?|:/g],
  },
  elixir: {
    lines: [yes(/^[ \t]*((?:def(?:macro|module|impl|protocol|p)?|test)[ \t].*)$/)],
    words: [
      /[@:]?[a-zA-Z_][a-zA-Z0-9@_?!]*/g,
      /[-+]?0[xob][0-9a-fA-F]+/g,
      /[-+]?[0-9][0-9_.]*(?:[eE][-+]?[0-9_]+)?/g,
      /:?(?:\+\+|--|\.\.|~~~|<>|\^\^\^|<?\|>|<<<?|>?>>|<<?~|~>?>|<~>|<=|>=|===?|!==?|=~|&&&?|\|\|\|?|=>|<-|\\\\|->)/g,
      /:?%[A-Za-z0-9_.]+\{\}?/g,
    ],
  },
  fortran: {
    lines: [
      no(/^(?:[C*]|[ \t]*!)/i),
      no(/^[ \t]*module[ \t]+procedure[ \t]/i),
      yes(
        /^[ \t]*((?:end[ \t]*)?(?!end)(?:program|module|block[ \t]+data|(?:[^!'" \t]+[ \t]+)*(?:subroutine|function))[ \t]+[A-Z].*)$/i,
      ),
    ],
    words: [
      /[a-zA-Z][a-zA-Z0-9_]*/g,
      /\.(?:[Ee][Qq]|[Nn][Ee]|[Gg][TtEe]|[Ll][TtEe]|[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Aa][Nn][Dd]|[Oo][Rr]|[Nn]?[Ee][Qq][Vv]|[Nn][Oo][Tt])\./g,
      /[-+]?[0-9.]+(?:[AaIiDdEeFfLlTtXx][-+]?[0-9.]*)?(?:_[a-zA-Z0-9][a-zA-Z0-9_]*)?/g,
      /\/\/|\*\*|::|[/<>=]=/g,
    ],
  },
  fountain: {
    lines: [yes(/^((?:\.[^.]|(?:int|ext|est|int\.?\/ext|i\/e)[. ]).*)$/i)],
    words: [/[^ \t-]+/g],
  },
  golang: {
    lines: [
      yes(/^[ \t]*(func[ \t]*.*(?:\{[ \t]*)?)/),
      yes(/^[ \t]*(type[ \t].*(?:struct|interface)[ \t]*(?:\{[ \t]*)?)/),
    ],
    words: [
      identifier,
      /[-+0-9.eE]+i?|0[xX]?[0-9a-fA-F]+i?/g,
      /[-+*/<>%&^|=!:]=|--|\+\+|<<=?|>>=?|&\^=?|&&|\|\||<-|\.{3}/g,
    ],
  },
  html: {
    lines: [yes(/^[ \t]*(<[Hh][1-6](?:[ \t].*)?>.*)$/)],
    words: [/[^<>= \t]+/g],
  },
  ini: {
    lines: [yes(/^[ \t]*(\[[^\]]+\])/)],
    words: [/[^=[\] \t]+/g],
  },
  java: {
    lines: [
      no(/^[ \t]*(?:catch|do|for|if|instanceof|new|return|switch|throw|while)/),
      yes(/^[ \t]*((?:[a-z-]+[ \t]+)*(?:class|enum|interface|record)[ \t]+.*)$/),
      yes(/^[ \t]*((?:[A-Za-z_<>&][\][?&<>.,A-Za-z_0-9]*[ \t]+)+[A-Za-z_][A-Za-z_0-9]*[ \t]*\([^;]*)$/),
    ],
    words: [identifier, cNumber, /[-+*/<>%&^|=!]=|--|\+\+|<<=?|>>>?=?|&&|\|\|/g],
  },
  kotlin: {
    lines: [yes(/^[ \t]*((?:[a-z]+[ \t]+)*(?:fun|class|interface)[ \t]+.*)$/)],
    words: [
      identifier,
      /0[xXbB][0-9a-fA-F_]+[lLuU]*/g,
      /[0-9][0-9_]*(?:[.][0-9_]+)?(?:[Ee][-+]?[0-9]+)?[fFlLuU]*/g,
      /\.[0-9][0-9_]*(?:[Ee][-+]?[0-9]+)?[fFlLuU]?/g,
      /[-+*/<>%&^|=!]==?|--|\+\+|<<=|>>=|&&|\|\||->|\.\*|!!|[?:.][.:]/g,
    ],
  },
  markdown: {
    lines: [yes(/^ {0,3}#{1,6}[ \t].*/)],
    words: [/[^<>= \t]+/g],
  },
  matlab: {
    lines: [yes(/^\s*((?:classdef|function)\s.*)$/), yes(/^((?:%%%?|##)\s.*)$/)],
    words: [/[a-zA-Z_][a-zA-Z0-9_]*/g, /[-+0-9.e]+/g, /[=~<>]=|\.[*/\\^']|\|\||&&/g],
  },
  objc: {
    lines: [
      no(/^[ \t]*(?:do|for|if|else|return|switch|while)/),
      yes(/^[ \t]*([-+][ \t]*\([ \t]*[A-Za-z_][A-Za-z_0-9* \t]*\)[ \t]*[A-Za-z_].*)$/),
      yes(/^[ \t]*((?:[A-Za-z_][A-Za-z_0-9]*[ \t]+)+[A-Za-z_][A-Za-z_0-9]*[ \t]*\([^;]*)$/),
      yes(/^(@(?:implementation|interface|protocol)[ \t].*)$/),
    ],
    words: [identifier, cNumber, cOperators],
  },
  pascal: {
    lines: [
      yes(
        /^((?:(?:class[ \t]+)?(?:procedure|function)|constructor|destructor|interface|implementation|initialization|finalization)[ \t]*.*)$/,
      ),
      yes(/^(.*=[ \t]*(?:class|record).*)$/),
    ],
    words: [identifier, /[-+0-9.e]+/g, /0[xXbB]?[0-9a-fA-F]+/g, /<>|<=|>=|:=|\.\./g],
  },
  perl: {
    lines: [
      yes(/^package .*/),
      yes(/^sub [\w':]+[ \t]*(?:\([^)]*\)[ \t]*)?(?::[^;#]*)?(?:\{[ \t]*)?(?:#.*)?$/),
      yes(/^(?:BEGIN|END|INIT|CHECK|UNITCHECK|AUTOLOAD|DESTROY)[ \t]*(?:\{[ \t]*)?(?:#.*)?$/),
      yes(/^=head[0-9] .*/),
    ],
    words: [
      /[a-zA-Z0-9_']+/g,
      /0[xb]?[0-9a-fA-F_]*/g,
      /[0-9a-fA-F_]+(?:\.[0-9a-fA-F_]+)?(?:[eE][-+]?[0-9_]+)?/g,
      /=>|-[rwxoRWXOezsfdlpSugkbctTBMAC>]|~~|::/g,
      /&&=|\|\|=|\/\/=|\*\*=/g,
      /&&|\|\||\/\/|\+\+|--|\*\*|\.\.\.?/g,
      /[-+*/%.^&<>=!|]=/g,
      /=~|!~/g,
      /<<|<>|<=>|>>/g,
    ],
  },
  php: {
    lines: [
      yes(/^[\t ]*((?:(?:public|protected|private|static|abstract|final)[\t ]+)*function.*)$/),
      yes(/^[\t ]*((?:(?:(?:final|abstract)[\t ]+)?class|enum|interface|trait).*)$/),
    ],
    words: [identifier, /[-+0-9.e]+|0[xXbB]?[0-9a-fA-F]+/g, /[-+*/<>%&^|=!.]=|--|\+\+|<<=?|>>=?|===|&&|\|\||::|->/g],
  },
  python: {
    lines: [yes(/^[ \t]*((?:class|(?:async[ \t]+)?def)[ \t].*)$/)],
    words: [identifier, /[-+0-9.e]+[jJlL]?|0[xX]?[0-9a-fA-F]+[lL]?/g, /[-+*/<>%&^|=!]=|\/\/=?|<<=?|>>=?|\*\*=?/g],
  },
  r: {
    lines: [yes(/^[ \t]*([a-zA-Z][a-zA-Z0-9_.]*[ \t]*(?:<-|=)[ \t]*function.*)$/)],
    words: [/[^ \t]+/g],
  },
  ruby: {
    lines: [yes(/^[ \t]*((?:class|module|def)[ \t].*)$/)],
    words: [
      /(?:@|@@|\$)?[a-zA-Z_][a-zA-Z0-9_]*/g,
      /[-+0-9.e]+|0[xXbB]?[0-9a-fA-F]+|\?(?:\\C-)?(?:\\M-)?./g,
      /\/\/=?|[-+*/<>%&^|=!]=|<<=?|>>=?|===|\.{1,3}|::|[!=]~/g,
    ],
  },
  rust: {
    lines: [
      yes(
        /^[\t ]*((?:pub(?:\([^)]+\))?[\t ]+)?(?:(?:async|const|unsafe|extern(?:[\t ]+"[^"]+"))[\t ]+)?(?:struct|enum|union|mod|trait|fn|impl|macro_rules!)[< \t]+[^;]*)$/,
      ),
    ],
    words: [
      identifier,
      /[0-9][0-9_a-fA-Fiosuxz]*(?:\.(?:[0-9]*[eE][+-]?)?[0-9_fF]*)?/g,
      /[-+*/<>%&^|=!:]=|<<=?|>>=?|&&|\|\||->|=>|\.{2}=|\.{3}|::/g,
    ],
  },
  scheme: {
    lines: [
      yes(
        /^[\t ]*(\((?:define|def(?:un|struct|syntax|class|method|rules|record|proto|alias)?|eval-when|library|module|class\*?|struct|unit)[-*/a-z]*[ \t].*)$/,
      ),
    ],
    words: [/\|(?:[^|\\]|\\.)*\|/g, /[^\][)(}{[ \t]+/g],
  },
  tex: {
    lines: [yes(/^(\\(?:(?:sub)*section|chapter|part)\*?\{.*)$/)],
    words: [/\\[a-zA-Z@]+|\\.|(?:[a-zA-Z0-9]|[^\x00-\x7f])+/gu],
  },
};

const made = new Map<string, FileDriver>();

/** git's own driver of that name, if it has one. */
export function builtinDriver(name: string): FileDriver | undefined {
  if (!Object.hasOwn(languages, name)) return undefined;
  let driver = made.get(name);
  if (driver === undefined) {
    const language = languages[name]!;
    driver = { findFunction: functionFinder(language.lines), words: splitterOf([...language.words, single]) };
    made.set(name, driver);
  }
  return driver;
}
