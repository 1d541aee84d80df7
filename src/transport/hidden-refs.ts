import type { Config } from '../repo/config.js';

/** Refs that a server neither shows nor lets others change (for `fetch`: which fetching overlooks): `transfer.hideRefs` and `<service>.hideRefs`. */
export class HiddenRefs {
  readonly #rules: readonly string[];

  constructor(rules: readonly string[]) {
    this.#rules = rules.map((rule) => rule.replace(/\/+$/, ''));
  }

  /** `service`: `uploadpack` or `receive`. Later entries weigh more, whichever of the two keys they stand under. */
  static fromConfig(config: Config, service: 'uploadpack' | 'receive' | 'fetch'): HiddenRefs {
    const rules: string[] = [];
    for (const { key, value } of config.entries()) {
      if ((key === 'transfer.hiderefs' || key === `${service}.hiderefs`) && value !== undefined) rules.push(value);
    }
    return new HiddenRefs(rules);
  }

  /** `name`: as clients see it; `fullName`: with the namespace, which `^` rules look at. */
  isHidden(name: string, fullName = name): boolean {
    for (let i = this.#rules.length - 1; i >= 0; i--) {
      let rule = this.#rules[i]!;
      const negated = rule.startsWith('!');
      if (negated) rule = rule.slice(1);
      let subject = name;
      if (rule.startsWith('^')) {
        subject = fullName;
        rule = rule.slice(1);
      }
      if (subject.startsWith(rule) && (subject.length === rule.length || subject[rule.length] === '/')) return !negated;
    }
    return false;
  }

  /** The same of a ref as it is called in the repository; outside of the namespace only `^` rules look at it. */
  hides(fullName: string, namespace: string): boolean {
    return this.isHidden(fullName.startsWith(namespace) ? fullName.slice(namespace.length) : '', fullName);
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }
}

/** `GIT_NAMESPACE`: `a/b` puts a repository's refs below `refs/namespaces/a/refs/namespaces/b/`. */
export function namespacePrefix(namespace: string | undefined): string {
  if (namespace === undefined || namespace === '') return '';
  return namespace
    .split('/')
    .filter((part) => part !== '')
    .map((part) => `refs/namespaces/${part}/`)
    .join('');
}
