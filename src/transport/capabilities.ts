/**
 * Capability lists. v0 and v1 put them on one line, `name` or `name=value` between spaces, some names several times
 * (`symref`); v2 has one line each. Both become this map from name to values.
 */
export class Capabilities {
  readonly #values = new Map<string, string[]>();

  /** From the text after the NUL of a v0/v1 line. */
  static fromLine(line: string): Capabilities {
    const capabilities = new Capabilities();
    for (const word of line.split(' ')) if (word !== '') capabilities.add(word);
    return capabilities;
  }

  /** One `name` or `name=value`. */
  add(word: string): void {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const values = this.#values.get(name) ?? [];
    if (equals >= 0) values.push(word.slice(equals + 1));
    this.#values.set(name, values);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value; `undefined` when absent or without a value. */
  get(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** v2: `fetch=shallow filter`: is `feature` among the words of `command`'s value? */
  supports(command: string, feature: string): boolean {
    return (this.get(command) ?? '').split(' ').includes(feature);
  }

  names(): Iterable<string> {
    return this.#values.keys();
  }
}
