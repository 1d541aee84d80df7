import type { Bytes } from '../base/bytes.js';
import { decodeText } from '../base/bytes.js';
import type { FsckRules, Report } from './fsck.js';

/** Finds the end of the headers; a NUL or a missing end in them is fatal. */
function headersAreSound(data: Bytes, report: Report): boolean {
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0) {
      report('nulInHeader', `unterminated header: NUL at offset ${i}`);
      return false;
    }
    if (data[i] === 10 && i + 1 < data.length && data[i + 1] === 10) return true;
  }
  // Without an empty line the object must at least end its last line.
  if (data.length > 0 && data[data.length - 1] === 10) return true;
  report('unterminatedHeader', 'unterminated header');
  return false;
}

/** Reads the headers line by line. */
class Lines {
  readonly text: string;
  at = 0;
  constructor(text: string) {
    this.text = text;
  }

  /** Takes `prefix` off, if the rest starts with it. */
  take(prefix: string): boolean {
    if (!this.text.startsWith(prefix, this.at)) return false;
    this.at += prefix.length;
    return true;
  }

  /** The rest of the line, without its end. */
  line(): string {
    const end = this.text.indexOf('\n', this.at);
    return end < 0 ? this.text.slice(this.at) : this.text.slice(this.at, end);
  }

  nextLine(): void {
    const end = this.text.indexOf('\n', this.at);
    this.at = end < 0 ? this.text.length : end + 1;
  }

  /** An id and its line end. */
  id(hexLength: number): boolean {
    const end = this.at + hexLength;
    if (!/^[0-9a-f]+$/i.test(this.text.slice(this.at, end)) || this.text[end] !== '\n') return false;
    if (this.text.slice(this.at, end).length !== hexLength) return false;
    this.at = end + 1;
    return true;
  }
}

/** Whether a finding of that severity ends the check of the object. */
function stops(rules: FsckRules, id: Parameters<FsckRules['severity']>[0]): boolean {
  return rules.severity(id) === 'error';
}

export function checkCommit(data: Bytes, hexLength: number, report: Report, rules: FsckRules): void {
  if (!headersAreSound(data, report)) return;
  const lines = new Lines(decodeText(data));
  if (!lines.take('tree ')) {
    report('missingTree', "invalid format - expected 'tree' line");
    return;
  }
  if (!lines.id(hexLength)) {
    report('badTreeSha1', "invalid 'tree' line format - bad sha1");
    if (stops(rules, 'badTreeSha1')) return;
    lines.nextLine();
  }
  while (lines.take('parent ')) {
    if (lines.id(hexLength)) continue;
    report('badParentSha1', "invalid 'parent' line format - bad sha1");
    if (stops(rules, 'badParentSha1')) return;
    lines.nextLine();
  }
  let authors = 0;
  while (lines.take('author ')) {
    authors++;
    if (!checkIdentity(lines, report, rules)) return;
  }
  if (authors === 0) {
    report('missingAuthor', "invalid format - expected 'author' line");
    if (stops(rules, 'missingAuthor')) return;
  } else if (authors > 1) {
    report('multipleAuthors', "invalid format - multiple 'author' lines");
    if (stops(rules, 'multipleAuthors')) return;
  }
  if (!lines.take('committer ')) {
    report('missingCommitter', "invalid format - expected 'committer' line");
    return;
  }
  if (!checkIdentity(lines, report, rules)) return;
  if (data.includes(0)) report('nulInCommit', 'NUL byte in the commit object body');
}

const words = 'invalid author/committer line - ';

/** Checks the rest of the line; answers whether the object's check goes on. */
function checkIdentity(lines: Lines, report: Report, rules: FsckRules): boolean {
  const line = lines.line();
  lines.nextLine();
  const fault = identityFault(line);
  if (fault === undefined) return true;
  report(fault.id, words + fault.what);
  return !stops(rules, fault.id);
}

type IdentityFault = { readonly id: Parameters<Report>[0]; readonly what: string };

function identityFault(line: string): IdentityFault | undefined {
  if (line.startsWith('<')) return { id: 'missingNameBeforeEmail', what: 'missing space before email' };
  let at = line.search(/[<>]/);
  if (at >= 0 && line[at] === '>') return { id: 'badName', what: 'bad name' };
  if (at < 0) return { id: 'missingEmail', what: 'missing email' };
  if (line[at - 1] !== ' ') return { id: 'missingSpaceBeforeEmail', what: 'missing space before email' };
  const rest = line.slice(at + 1);
  const close = rest.search(/[<>]/);
  if (close < 0 || rest[close] !== '>') return { id: 'badEmail', what: 'bad email' };
  at += 1 + close + 1;
  if (line[at] !== ' ') return { id: 'missingSpaceBeforeDate', what: 'missing space before date' };
  while (line[at] === ' ' || line[at] === '\t') at++;
  const digits = /^\d+/.exec(line.slice(at))?.[0];
  if (digits === undefined) return { id: 'badDate', what: 'bad date' };
  if (digits.startsWith('0') && line[at + 1] !== ' ') return { id: 'zeroPaddedDate', what: 'zero-padded date' };
  if (BigInt(digits) > 0x7fffffffffffffffn) return { id: 'badDateOverflow', what: 'date causes integer overflow' };
  at += digits.length;
  if (line[at] !== ' ') return { id: 'badDate', what: 'bad date' };
  if (!/^[+-]\d{4}$/.test(line.slice(at + 1))) return { id: 'badTimezone', what: 'bad time zone' };
  return undefined;
}

const kinds: ReadonlySet<string> = new Set(['blob', 'tree', 'commit', 'tag']);

export function checkTag(data: Bytes, hexLength: number, report: Report, rules: FsckRules): void {
  if (!headersAreSound(data, report)) return;
  const lines = new Lines(decodeText(data));
  if (!lines.take('object ')) {
    report('missingObject', "invalid format - expected 'object' line");
    return;
  }
  if (!lines.id(hexLength)) {
    report('badObjectSha1', "invalid 'object' line format - bad sha1");
    if (stops(rules, 'badObjectSha1')) return;
    lines.nextLine();
  }
  if (!lines.take('type ')) {
    report('missingTypeEntry', "invalid format - expected 'type' line");
    return;
  }
  if (lines.text.indexOf('\n', lines.at) < 0) {
    report('missingType', "invalid format - unexpected end after 'type' line");
    return;
  }
  if (!kinds.has(lines.line())) {
    report('badType', "invalid 'type' value");
    if (stops(rules, 'badType')) return;
  }
  lines.nextLine();
  if (!lines.take('tag ')) {
    report('missingTagEntry', "invalid format - expected 'tag' line");
    return;
  }
  if (lines.text.indexOf('\n', lines.at) < 0) {
    report('missingTag', "invalid format - unexpected end after 'type' line");
    return;
  }
  const name = lines.line();
  if (!isTagName(name)) {
    report('badTagName', `invalid 'tag' name: ${name}`);
    if (stops(rules, 'badTagName')) return;
  }
  lines.nextLine();
  if (lines.take('tagger ')) checkIdentity(lines, report, rules);
  else {
    report('missingTaggerEntry', "invalid format - expected 'tagger' line");
    if (stops(rules, 'missingTaggerEntry')) return;
  }
  for (let signature = takeSignature(lines); signature; signature = takeSignature(lines)) {
    if (lines.at >= lines.text.length || !lines.text.includes('\n', lines.at)) {
      report('badGpgsig', "invalid format - unexpected end after 'gpgsig' or 'gpgsig-sha256' line");
      return;
    }
    lines.nextLine();
    while (lines.text[lines.at] === ' ') {
      if (!lines.text.includes('\n', lines.at)) {
        report(
          'badHeaderContinuation',
          "invalid format - unexpected end in 'gpgsig' or 'gpgsig-sha256' continuation line",
        );
        return;
      }
      lines.nextLine();
    }
  }
  if (lines.at < lines.text.length && lines.text[lines.at] !== '\n') {
    report('extraHeaderEntry', "invalid format - extra header(s) after 'tagger'");
  }
}

const takeSignature = (lines: Lines): boolean => lines.take('gpgsig ') || lines.take('gpgsig-sha256 ');

/** Whether `refs/tags/<name>` could be a ref: the rules that matter here, without the refs room. */
function isTagName(name: string): boolean {
  if (name === '' || name.endsWith('/') || name.endsWith('.') || name.includes('..') || name.includes('@{'))
    return false;
  if (/[\x00-\x20\x7f~^:?*[\\]/.test(name)) return false;
  return name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'));
}
