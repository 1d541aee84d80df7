// The command line, one function per module. Node starts CommonJS fastest, and most of a command's time would go into
// loading code it never calls: so each import is a function that loads its module when something of it is first used,
// and bin/start.js keeps together what a command did use. Packages become one module each, with only what is used.
import { build, transform } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, posix, resolve } from 'node:path';
import { threadModule, THREAD_SOURCE } from './build-thread.mjs';

const entry = 'src/commands/main.ts';
const target = { platform: 'node', target: 'node20.19', format: 'cjs' };
const small = { minifySyntax: true, minifyWhitespace: true };

/** esbuild's helpers at the head of a CommonJS module; `__export` is given by bin/start.js, the others are not needed. */
const HELPERS = /^[\s\S]*?(?=var \w+_exports=\{\};|$)/;
const SPARE = new Set([
  '__defProp',
  '__getOwnPropDesc',
  '__getOwnPropNames',
  '__hasOwnProp',
  '__export',
  '__copyProps',
  '__toCommonJS',
  '__create',
  '__getProtoOf',
  '__toESM',
]);

/** `var import_x=require("./x.js")` and its uses become a function that is called at each use and loads at the first. */
function loadLate(code) {
  const names = new Set();
  const declared = code.replace(/\b(import_\w+)=require\("([^"]+)"\)/g, (_, name, request) => {
    names.add(name);
    return `\0${name}$,\0${name}=()=>\0${name}$??=require("${request}")`;
  });
  return declared.replace(/(\0?)\b(import_\w+)/g, (all, made, name) =>
    made ? name : names.has(name) ? `(${name}())` : all,
  );
}

/**
 * What a module offers, as plain properties: a function that gives each one costs a start more than the properties do.
 * Functions are there from the first statement on, the rest when the module has run. What changes later, or is another
 * module's, is still given by a function.
 */
function plainExports(code, changing) {
  const [all, name, list] = /^var (\w+)=\{\};__export\(\w+,\{([^}]*)\}\);module\.exports=\w+;/.exec(code) ?? [];
  if (all === undefined) return code;
  const first = [];
  const last = [];
  const late = [];
  const body = code.slice(all.length);
  for (const [entry, key, value] of list.matchAll(/(\w+):\(\)=>([^,]+)/g)) {
    if (value.includes('.') || changing.has(value)) late.push(entry);
    else if (new RegExp(`function(?: |\\*)${value}\\(`).test(body)) first.push(`exports.${key}=${value};`);
    else last.push(`;exports.${key}=${value}`);
  }
  if (body.includes(name)) throw new Error(`${name} is used`);
  return `${late.length > 0 ? `__export(exports,{${late}});` : ''}${first.join('')}${body}${last.join('')}`;
}

/** A table of functions that load a module each is made by a loop: each would cost a start as much as a function that is used. */
function tableByLoop(code) {
  return code.replace(
    /const (\w+)=\{((?:[\w"-]+:\(\)=>Promise\.resolve\(\)\.then\(\(\)=>require\("[^"]+"\)\),?){20,})\};/,
    (_, name, rows) => {
      const words = [
        ...rows.matchAll(/([\w-]+)"?:\(\)=>Promise\.resolve\(\)\.then\(\(\)=>require\("\.\/([^"]+)\.js"\)\)/g),
      ].flatMap(([, key, file]) => [key, file]);
      return `const ${name}=Object.create(null),words="${words.join(' ')}".split(" ");for(let i=0;i<words.length;i+=2)${name}[words[i]]=()=>Promise.resolve().then(()=>require("commands/"+words[i+1]+".cjs"));`;
    },
  );
}

/** Modules named from the root of the sources, so that nobody has to find out at run time. */
const fromRoot = (file) => (_, request) => {
  if (request.startsWith('node:') || request.startsWith('../tui/')) return `("${request}")`;
  const path = request.startsWith('.') ? posix.join(posix.dirname(file), request) : `src/packages/${request}`;
  return `("${path.replace(/^src\//, '').replace(/\.js$/, '')}.cjs")`;
};

async function finish(file, code, source) {
  const head = HELPERS.exec(code)?.[0] ?? '';
  for (const [, name] of head.matchAll(/(?:var |,)(__\w+)=/g))
    if (!SPARE.has(name)) throw new Error(`${file}: the helper ${name} is not known to the build`);
  const body = code
    .slice(head.length)
    .replace(/0&&\(module\.exports=\{[^}]*\}\);\s*$/, '')
    .replace(/module\.exports=__toCommonJS\((\w+)\);/, 'module.exports=$1;')
    // Neither Node's modules nor ours need wrapping that makes them look like ES modules.
    .replace(/__toESM\((require\("[^"]+"\))(?:,1)?\)/g, '$1');
  if (body.includes('__toESM') || body.includes('__toCommonJS')) throw new Error(`${file}: a wrapper is left`);
  const changing = new Set([...source.matchAll(/^export let (\w+)/gm)].map(([, name]) => name));
  const whole = tableByLoop(loadLate(plainExports(body, changing))).replace(
    /(?<=\brequire)\("([^"]+)"\)/g,
    fromRoot(file),
  );
  const { code: least } = await transform(`$=function(exports,require,module,__export){${whole}}`, {
    ...small,
    minifyIdentifiers: true,
  });
  return least.trim().replace(/^\$=|;$/g, '');
}

/** Names that the sources import from each package; `*` where one takes it whole. */
function packageImports(sources) {
  const found = new Map();
  for (const text of sources.values()) {
    for (const [, names, request] of text.matchAll(/^import (?!type )([^;]*?) from '([^.'][^':]*)';/gm)) {
      const wanted = found.get(request) ?? new Set();
      found.set(request, wanted);
      const list = /^\{([\s\S]*)\}$/.exec(names);
      if (list === null) wanted.add('*');
      else for (const name of list[1].split(',')) if (name.trim() !== '') wanted.add(name.trim().split(' as ')[0]);
    }
    for (const [, request] of text.matchAll(/\bimport\('([^.'][^':]*)'\)/g))
      found.set(request, (found.get(request) ?? new Set()).add('*'));
  }
  return found;
}

/** Writes `dist/command-line` and the id of what it holds. */
export async function buildCommandLine(root, thread) {
  const out = resolve(root, 'dist', 'command-line');
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    outdir: out,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: target.target,
    metafile: true,
    logLevel: 'warning',
    external: ['../tui/*'],
  });
  const files = Object.keys(metafile.inputs).filter((path) => path.startsWith('src/') && !path.startsWith('src/tui/'));
  const sources = new Map(files.map((file) => [file, readFileSync(resolve(root, file), 'utf8')]));
  sources.set(THREAD_SOURCE, threadModule(thread));
  const outputs = new Map();
  await Promise.all(
    [...sources].map(async ([file, text]) => {
      const { code } = await transform(text, {
        ...target,
        ...small,
        loader: 'ts',
        sourcefile: file,
        supported: { 'dynamic-import': false },
      });
      outputs.set(file.replace(/^src\//, '').replace(/\.ts$/, '.cjs'), await finish(file, code, text));
    }),
  );
  for (const [request, names] of packageImports(sources)) {
    const wanted = names.has('*') ? '*' : `{${[...names].join(',')}}`;
    const { outputFiles } = await build({
      absWorkingDir: root,
      stdin: { contents: `export ${wanted} from '${request}'`, resolveDir: root },
      bundle: true,
      write: false,
      ...target,
      ...small,
      legalComments: 'none',
    });
    const file = `packages/${request.replace(/\.js$/, '')}.cjs`;
    outputs.set(file, `function(exports,require,module){${outputFiles[0].text}}`);
  }
  // bin/start.js is kept with the chunks.
  const id = createHash('sha256').update(readFileSync(resolve(root, 'bin/start.js')));
  for (const [file, text] of [...outputs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    id.update(`${file}\0${text}\0`);
    mkdirSync(dirname(resolve(out, file)), { recursive: true });
    writeFileSync(resolve(out, file), text);
  }
  writeFileSync(resolve(root, 'dist', 'build-id'), id.digest('hex').slice(0, 16));
}
