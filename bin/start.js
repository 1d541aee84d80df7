'use strict';
// Loads the built command line: one file that holds every chunk as a function of its own. Half of a command's time
// would be V8 compiling it, so compiled code is kept: by Node itself where it can (22 and newer), else in `dist/cache`
// (made by the build) or the user's own cache folder, per version of V8. What does not fit V8 passes over.
const fs = require('node:fs');
const nodeModule = require('node:module');
const path = require('node:path');

const file = path.join(__dirname, '..', 'dist', 'bough.cjs');

/** The command named on the command line: compiled code is kept per command, since V8 loads all that is kept. */
function commandName(words) {
  for (let i = 0; i < words.length; i++) {
    if (words[i] === '-C' || words[i] === '-c') i++;
    else if (/^[a-z][a-z-]*$/.test(words[i])) return words[i];
    else if (words[i] === '--version') return 'version';
  }
  return 'none';
}

/** The chunks of the program, from compiled code where there is some that fits; `save` keeps what was compiled now. */
function compile(command) {
  if (nodeModule.enableCompileCache !== undefined) {
    nodeModule.enableCompileCache();
    return { chunks: require(file), save() {} };
  }
  const vm = require('node:vm');
  const source = fs.readFileSync(file, 'latin1'); // the build writes ASCII only
  const name = `${command}-${process.versions.v8}-${process.arch}-${source.length}.code`;
  const home = process.env.XDG_CACHE_HOME || (process.env.HOME && path.join(process.env.HOME, '.cache'));
  const places = [path.join(path.dirname(file), 'cache')];
  if (home) places.push(path.join(home, 'bough', 'code'));
  let cachedData;
  for (const place of places) {
    try {
      cachedData = fs.readFileSync(path.join(place, name));
      break;
    } catch {}
  }
  const script = new vm.Script(`module=>{${source}\n}`, { filename: file, columnOffset: -9, cachedData });
  const module = { exports: {} };
  script.runInThisContext()(module);
  const save = () => {
    for (const place of places) {
      try {
        fs.mkdirSync(place, { recursive: true, mode: 0o700 });
        const temporary = path.join(place, `${name}.${process.pid}`);
        fs.writeFileSync(temporary, script.createCachedData());
        fs.renameSync(temporary, path.join(place, name));
        return;
      } catch {
        // Not ours to write to: the next place, or none.
      }
    }
  };
  return {
    chunks: module.exports,
    save: cachedData === undefined || script.cachedDataRejected ? save : () => {},
    saveAnyway: save,
  };
}

function load() {
  const { chunks, save } = compile(commandName(process.argv.slice(2)));
  const loaded = new Map();
  const requireFrom = (from) => (request) => {
    if (request[0] !== '.') return require(request);
    const name = path.posix.join(path.posix.dirname(from), request);
    let module = loaded.get(name);
    if (module === undefined) {
      module = { exports: {} };
      loaded.set(name, module);
      chunks[name](module.exports, requireFrom(name), module);
    }
    return module.exports;
  };
  return { entry: requireFrom('.')('./bough.cjs'), save };
}

module.exports = function start(program) {
  const { entry, save } = load();
  entry.main(program, process.argv.slice(2), __dirname).then((code) => {
    process.exitCode = code;
    save();
  });
};
