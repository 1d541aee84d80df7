'use strict';
// Loads the built command line. Half of a command's time would be Node finding files and V8 compiling them, so the
// chunks that a command needed are kept together with their compiled code, one file per command and V8, in `dist/cache`
// or in the user's own cache folder. The first run of a command keeps its chunks, the second the code that V8 compiled
// of them, from the third on both are there; what does not fit is made anew. bin/git opens such a file.
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

const dist = path.join(__dirname, '..', 'dist');

function buildId() {
  try {
    return fs.readFileSync(path.join(dist, 'build-id'), 'latin1');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    fs.writeSync(2, 'fatal: bough is not built\nhint: run `npm run build` in its folder\n');
    process.exit(128);
  }
}

/** A build begins with an empty `dist`; the user's folder holds what comes of several. */
function places(name) {
  const home = process.env.XDG_CACHE_HOME || (process.env.HOME && path.join(process.env.HOME, '.cache'));
  const own = path.join(dist, 'cache', name);
  return home ? [own, path.join(home, 'bough', 'code', `${name}-${buildId()}`)] : [own];
}

/** What was kept outside `dist`, or else nothing: every chunk is then loaded by itself. */
exports.find = (name, open) => {
  const build = buildId();
  for (const place of places(name).slice(1)) {
    const kept = open(place);
    if (kept !== undefined) return { ...kept, name };
  }
  return { name, build, run, chunks: {} };
};

/** Keeps what a run loaded beyond what was kept, or the code of what was there but not compiled. */
exports.keep = (kept, sources) => {
  const name = kept.name ?? path.basename(kept.file);
  let text = kept.text ?? `({run:${run},chunks:{`;
  let code = Buffer.alloc(0);
  if (sources.length > 0)
    text = `${text.replace(/\}\}\)$/, kept.text === undefined ? '' : ',')}${sources.join(',')}}})`;
  else code = kept.script.createCachedData();
  const head = Buffer.from(`${kept.build}${String(code.length).padStart(16, '0')}`, 'latin1');
  // Another build may have come meanwhile: what is kept must be of one.
  if (kept.build !== buildId()) {
    if (kept.file !== undefined) fs.rmSync(kept.file, { force: true });
    return;
  }
  for (const place of places(name)) {
    try {
      fs.mkdirSync(path.dirname(place), { recursive: true, mode: 0o700 });
      // Under another name first: another process may read it now.
      fs.writeFileSync(`${place}.${process.pid}`, Buffer.concat([head, code, Buffer.from(text, 'latin1')]));
      fs.renameSync(`${place}.${process.pid}`, place);
      return;
    } catch {
      // Not ours to write to: the next place, or none.
    }
  }
};

/** A chunk that was not kept: its function, and its text to be kept. */
exports.chunk = (name) => {
  const source = fs.readFileSync(path.join(dist, 'command-line', name), 'latin1'); // the build writes ASCII only
  const make = new vm.Script(`(${source})`, { filename: name }).runInThisContext();
  return { make, source: `${JSON.stringify(name)}:${source}` };
};

/** Screens are ES modules, as ink is: who asks for one waits for it. */
exports.screen = (request) => import(`../dist/tui/${request.slice(7, -4)}.js`);

/** Runs a command. This text is kept with the chunks, and knows only what it is given. */
function run(require, program, directory, kept) {
  const words = process.argv.slice(2);
  const { chunks } = kept;
  const sources = [];
  const loaded = new Map();
  // What a module offers that is another's, or changes: bindings that follow it.
  const exportAll = (target, all) => {
    for (const name in all) Object.defineProperty(target, name, { get: all[name], enumerable: true });
  };
  const load = (request) => {
    let module = loaded.get(request);
    if (module !== undefined) return module.exports;
    if (request.startsWith('node:')) return require(request);
    if (request.startsWith('../tui/')) return require('./start.js').screen(request);
    module = { exports: {} };
    loaded.set(request, module);
    let make = chunks[request];
    if (make === undefined) {
      const found = require('./start.js').chunk(request);
      sources.push(found.source);
      make = found.make;
    }
    make(module.exports, load, module, exportAll);
    return module.exports;
  };
  let answered = false;
  process.on('exit', (code) => {
    if (answered || code !== 0) return;
    require('node:fs').writeSync(2, 'fatal: internal error: the command ended without an answer\n');
    process.exitCode = 128;
  });
  load('commands/main.cjs')
    .main(program, words, directory)
    .then((code) => {
      answered = true;
      process.exitCode = code;
      if (sources.length > 0 || kept.compiled === false) require('./start.js').keep(kept, sources);
      // Nothing is under way: what Node would do now is to take its heap apart piece by piece.
      if (process.getActiveResourcesInfo().length > 0) return;
      if (process.listenerCount('exit') > 1) process.exit(code);
      process.reallyExit(code);
    });
}
