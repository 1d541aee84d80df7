import { decodeText } from '../base/bytes.js';
import type { Repository } from '../repo/repository.js';

interface Person {
  name?: string | undefined;
  email?: string | undefined;
}

interface Entry extends Person {
  /** By the name in the commit, for addresses that several people used. */
  readonly byName: Map<string, Person>;
}

const fold = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** Proper names and addresses for those that are in commits (gitmailmap). */
export class Mailmap {
  readonly #entries = new Map<string, Entry>();

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** Adds the lines of a mailmap file. */
  addText(text: string): void {
    for (const line of text.split('\n')) this.#addLine(line);
  }

  #addLine(line: string): void {
    if (line.startsWith('#')) return;
    const first = nameAndEmail(line, false);
    if (first === undefined) return;
    const second = first.rest === '' ? undefined : nameAndEmail(first.rest, true);
    this.#add(first, second);
  }

  #add(proper: Person, old: Person | undefined): void {
    const oldEmail = fold(old?.email ?? proper.email!);
    const newEmail = old === undefined ? undefined : proper.email;
    let entry = this.#entries.get(oldEmail);
    if (entry === undefined) {
      entry = { byName: new Map() };
      this.#entries.set(oldEmail, entry);
    }
    if (old?.name === undefined) {
      if (proper.name !== undefined) entry.name = proper.name;
      if (newEmail !== undefined) entry.email = newEmail;
    } else entry.byName.set(fold(old.name), { name: proper.name, email: newEmail });
  }

  /** The proper name and address; the same object where nothing is known. */
  map<P extends { readonly name: string; readonly email: string }>(
    person: P,
  ): { readonly name: string; readonly email: string } {
    const entry = this.#entries.get(fold(person.email));
    if (entry === undefined) return person;
    const found = entry.byName.get(fold(person.name)) ?? entry;
    if (found.name === undefined && found.email === undefined) return person;
    return { name: found.name ?? person.name, email: found.email ?? person.email };
  }
}

/** `name <email>` at the start of a line, and what follows. */
function nameAndEmail(text: string, allowEmpty: boolean): (Person & { rest: string }) | undefined {
  const open = text.indexOf('<');
  const close = open < 0 ? -1 : text.indexOf('>', open + 1);
  if (close < 0 || (!allowEmpty && close === open + 1)) return undefined;
  const name = text.slice(0, open).trim();
  return {
    name: name === '' ? undefined : name,
    email: text.slice(open + 1, close),
    rest: text.slice(close + 1),
  };
}

/** Reads the mailmaps a repository names: `.mailmap`, `mailmap.blob`, `mailmap.file`. */
export async function readMailmap(
  repository: Repository,
  resolveBlob: (expression: string) => Promise<Uint8Array | undefined>,
  warn: (message: string) => void = () => {},
): Promise<Mailmap> {
  const mailmap = new Mailmap();
  const { fs } = repository.platform;
  const { config } = repository;
  if (repository.workTree !== undefined) {
    const path = `${repository.workTree}/.mailmap`;
    const stat = fs.lstat(path);
    if (stat?.kind === 'symlink') warn(`unable to open mailmap at .mailmap: Too many levels of symbolic links`);
    else if (stat !== undefined) mailmap.addText(decodeText(fs.readFile(path) ?? new Uint8Array(0)));
  }
  const blob = config.get('mailmap.blob') ?? (repository.bare ? 'HEAD:.mailmap' : undefined);
  if (blob !== undefined) {
    const data = await resolveBlob(blob);
    if (data !== undefined) mailmap.addText(decodeText(data));
  }
  const file = config.getPath('mailmap.file');
  if (file !== undefined) {
    const data = fs.readFile(repository.fromTop(file));
    if (data !== undefined) mailmap.addText(decodeText(data));
  }
  return mailmap;
}
