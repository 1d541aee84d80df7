import type { Bytes } from '../base/bytes.js';
import type { FsckId } from './fsck.js';

/** One entry of a `.gitmodules` file: `submodule.<name>.<key>`. */
export interface ModuleEntry {
  readonly name: string;
  readonly key: string;
  readonly value: string | undefined;
}

type Found = (id: FsckId, message: string) => void;

/** Checks the entries of a `.gitmodules` blob. */
export function checkModules(entries: readonly ModuleEntry[], found: Found): void {
  for (const { name, key, value } of entries) {
    if (!isModuleName(name)) found('gitmodulesName', `disallowed submodule name: ${name}`);
    if (value === undefined) continue;
    if (key === 'url' && !isModuleUrl(value)) found('gitmodulesUrl', `disallowed submodule url: ${value}`);
    if (key === 'path' && value.startsWith('-')) found('gitmodulesPath', `disallowed submodule path: ${value}`);
    if (key === 'update' && value.startsWith('!')) {
      found('gitmodulesUpdate', `disallowed submodule update setting: ${value}`);
    }
  }
}

/** A submodule's name becomes a directory: no `..` in it. */
function isModuleName(name: string): boolean {
  return name !== '' && !name.split(/[/\\]/).includes('..');
}

/** A URL that a program would not take for an option, and that stays on its host. */
function isModuleUrl(url: string): boolean {
  if (url.startsWith('-')) return false;
  const relative = /^\.\.?[/\\]/.test(url);
  if (relative || /^git:\/\//.test(url)) {
    let decoded: string;
    try {
      decoded = decodeURIComponent(url);
    } catch {
      decoded = url.replace(/%0a/gi, '\n');
    }
    if (decoded.includes('\n')) return false;
    // Enough `../` in front replace the host of the URL it is relative to.
    const rest = /^((?:\.\.?[/\\])+)(.*)$/s.exec(url);
    if (rest !== null && rest[1]!.includes('..') && /^[:/]/.test(rest[2]!)) return false;
    return true;
  }
  const curl = /^(?:(?:https?|ftps?)::)?((?:https?|ftps?):\/\/)(.*)$/is.exec(url);
  if (curl !== null) {
    const authority = curl[2]!.split(/[/?#]/)[0]!;
    const host = authority.slice(authority.lastIndexOf('@') + 1);
    if (host === '' || host.startsWith(':')) return false;
    return !/%0a|\n/i.test(url);
  }
  if (/^(?:https?|ftps?)::/i.test(url)) return false;
  return true;
}

const LARGEST_ATTRIBUTES = 100 * 1024 * 1024;
const LONGEST_ATTRIBUTE_LINE = 2048;

export function checkAttributes(data: Bytes, found: Found): void {
  if (data.length > LARGEST_ATTRIBUTES) {
    found('gitattributesLarge', '.gitattributes too large to parse');
    return;
  }
  let start = 0;
  while (start < data.length) {
    let end = data.indexOf(10, start);
    if (end < 0) end = data.length;
    if (end - start >= LONGEST_ATTRIBUTE_LINE) {
      found('gitattributesLineLength', '.gitattributes has too long lines to parse');
      return;
    }
    start = end + 1;
  }
}
