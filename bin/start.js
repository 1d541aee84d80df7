'use strict';
// Loads the built command line. Half of a command's time would be Node finding files and V8 compiling them, so the
// chunks that a command needed are kept together with their compiled code, one pair of files per command and V8, in
// `dist/cache` or in the user's own cache folder. The first run of a command makes them; what does not fit is made anew.
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

const dist = path.join(__dirname, '..', 'dist');

/** The command named on the command line. */
function commandName(words) {
  for (let i = 0; i < words.length; i++) {
    if (words[i] === '-C' || words[i] === '-c') i++;
    else if (/^[a-z][a-z-]*$/.test(words[i])) return words[i];
    else if (words[i] === '--version') return 'version';
  }
  return 'none';
}

function places() {
  const home = process.env.XDG_CACHE_HOME || (process.env.HOME && path.join(process.env.HOME, '.cache'));
  return home ? [path.join(dist, 'cache'), path.join(home, 'bough', 'code')] : [path.join(dist, 'cache')];
}

/** The source of the chunks starts with a comment that names its compiled code: no other source can take it. */
const HEAD = 20;

/**
 * What earlier runs of the command kept: the first run its chunks, the second the code that V8 compiled of them, from
 * the third on both are there. A file that cannot be read or does not fit counts as none.
 */
function kept(name) {
  for (const place of places()) {
    try {
      const source = fs.readFileSync(path.join(place, `${name}.js`), 'latin1');
      const id = /^\/\*([0-9a-z]{16})\*\//.exec(source)[1];
      let cachedData;
      try {
        cachedData = fs.readFileSync(path.join(place, `${name}-${id}.code`));
      } catch {}
      const script = new vm.Script(source, { filename: 'bough', cachedData });
      const compiled = cachedData !== undefined && !script.cachedDataRejected;
      return { source, id, script, compiled, chunks: script.runInThisContext() };
    } catch {}
  }
  return undefined;
}

/** Writes a file under another name first: another process may read it now. */
function keep(file, data) {
  for (const place of places()) {
    try {
      fs.mkdirSync(place, { recursive: true, mode: 0o700 });
      const target = path.join(place, file);
      fs.writeFileSync(`${target}.${process.pid}`, data);
      fs.renameSync(`${target}.${process.pid}`, target);
      return;
    } catch {
      // Not ours to write to: the next place, or none.
    }
  }
}

/** The path of a module named from another one. */
function join(from, request) {
  let folder = from.slice(0, Math.max(0, from.lastIndexOf('/')));
  while (request.startsWith('../')) {
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')));
    request = request.slice(3);
  }
  if (request.startsWith('./')) request = request.slice(2);
  return folder === '' ? request : `${folder}/${request}`;
}

/** What a module offers, as bindings that follow it. */
function exportAll(target, all) {
  for (const name in all) Object.defineProperty(target, name, { get: all[name], enumerable: true });
}

function buildId() {
  try {
    return fs.readFileSync(path.join(dist, 'build-id'), 'latin1');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    fs.writeSync(2, 'fatal: bough is not built\nhint: run `npm run build` in its folder\n');
    process.exit(128);
  }
}

function load(words) {
  const build = buildId();
  const name = `${commandName(words)}-${process.versions.v8}-${process.arch}-${build}`;
  const before = kept(name);
  const chunks = before?.chunks ?? {};
  const sources = [];
  const loaded = new Map();
  const requireFrom = (from) => (request) => {
    if (request.startsWith('node:')) return require(request);
    // Screens are ES modules, as ink is: who asks for one waits for it.
    if (request.startsWith('../tui/')) return import(`../dist/tui/${request.slice(7, -4)}.js`);
    const chunk = request[0] === '.' ? join(from, request) : `packages/${request.replace(/\.cjs$/, '')}.cjs`;
    let module = loaded.get(chunk);
    if (module !== undefined) return module.exports;
    module = { exports: {} };
    loaded.set(chunk, module);
    let run = chunks[chunk];
    if (run === undefined) {
      const source = fs.readFileSync(path.join(dist, 'command-line', chunk), 'latin1'); // the build writes ASCII only
      sources.push(`${JSON.stringify(chunk)}:${source}`);
      run = new vm.Script(`(${source})`, { filename: chunk }).runInThisContext();
    }
    run(module.exports, requireFrom(chunk), module, exportAll);
    return module.exports;
  };
  return {
    entry: requireFrom('')('./commands/main.cjs'),
    save() {
      if (sources.length > 0) {
        if (before !== undefined) sources.unshift(before.source.slice(HEAD + 2, -2));
        const random = () => Math.random().toString(36).slice(2, 10).padEnd(8, '0');
        keep(`${name}.js`, Buffer.from(`/*${random()}${random()}*/({${sources.join(',\n')}})`, 'latin1'));
        if (before !== undefined) {
          for (const place of places()) fs.rm(path.join(place, `${name}-${before.id}.code`), { force: true }, () => {});
        }
      } else if (before !== undefined && !before.compiled) {
        keep(`${name}-${before.id}.code`, before.script.createCachedData());
      }
    },
  };
}

module.exports = function start(program) {
  const words = process.argv.slice(2);
  const { entry, save } = load(words);
  let answered = false;
  process.on('exit', (code) => {
    if (answered || code !== 0) return;
    fs.writeSync(2, 'fatal: internal error: the command ended without an answer\n');
    process.exitCode = 128;
  });
  entry.main(program, words, __dirname).then((code) => {
    answered = true;
    process.exitCode = code;
    save();
    // Nothing is under way: what Node would do now is to take its heap apart piece by piece.
    if (process.getActiveResourcesInfo().length === 0) process.exit(code);
  });
};
