#!/usr/bin/env node
'use strict';
// `bough` and `git` are this same text. What earlier runs of a command have kept (start.js) is one file: where it fits,
// nothing else is looked for, read or compiled.
const fs = require('node:fs');
const vm = require('node:vm');

/** The command named on the command line. */
function commandName(words) {
  for (let i = 2; i < words.length; i++) {
    const word = words[i];
    if (word === '-C' || word === '-c') i++;
    else if (word === '--version') return 'version';
    else if (/^[a-z][a-z-]*$/.test(word)) return word;
  }
  return 'none';
}

/**
 * A file in one buffer. Node compiles its own functions for files when they are first called, which takes four times
 * longer than the reading; what lies under them is called where they are seen to call it just so.
 */
function read(file) {
  if (
    !String(fs.openSync).includes("parseFileMode(mode, 'mode', 0o666),\n  );") ||
    !String(fs.readSync).includes('binding.read(fd, buffer, offset, length, position);') ||
    !String(fs.fstatSync).includes('binding.fstat(fd, options.bigint, undefined, false') ||
    !String(fs.closeSync).includes('binding.close(fd);')
  )
    return fs.readFileSync(file);
  const { noDeprecation } = process;
  process.noDeprecation = true;
  const inner = process.binding('fs');
  process.noDeprecation = noDeprecation;
  const descriptor = inner.open(file, 0, 0);
  const size = inner.fstat(descriptor, false, undefined, false)[8];
  const buffer = Buffer.allocUnsafeSlow(size);
  const got = inner.read(descriptor, buffer, 0, size, -1);
  inner.close(descriptor);
  return buffer.subarray(0, got);
}

/** What was kept: 16 bytes that name the build, 16 digits that tell the length of the code, the code, its text. */
function open(file) {
  try {
    const bytes = read(file);
    const end = 32 + Number(bytes.latin1Slice(16, 32));
    const text = bytes.latin1Slice(end, bytes.length);
    const script = new vm.Script(text, {
      filename: 'bough',
      cachedData: end > 32 ? bytes.subarray(32, end) : undefined,
    });
    const compiled = end > 32 && !script.cachedDataRejected;
    const { run, chunks } = script.runInThisContext();
    return { file, build: bytes.latin1Slice(0, 16), text, script, compiled, run, chunks };
  } catch {
    return undefined;
  }
}

const name = `${commandName(process.argv)}-${process.versions.v8}-${process.arch}`;
const kept = open(`${__dirname}/../dist/cache/${name}`) ?? require('./start.js').find(name, open);
kept.run(require, __filename.endsWith('.js') ? 'bough' : 'git', __dirname, kept);
