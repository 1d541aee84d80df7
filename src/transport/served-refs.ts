import type { Oid } from '../base/oid.js';
import { parseTag } from '../objects/tag.js';
import { keptRefs } from '../repo/kept-refs.js';
import type { Repository } from '../repo/repository.js';
import type { HiddenRefs } from './hidden-refs.js';
import { namespacePrefix } from './hidden-refs.js';

/** One ref as a server shows it. */
export interface ServedRef {
  /** Without the namespace. */
  readonly name: string;
  readonly oid: Oid;
  readonly symbolicTarget?: string | undefined;
  /** Set when the store knows that the object is an annotated tag. */
  readonly peeled?: Oid | undefined;
  readonly peeledKnown?: boolean | undefined;
}

/** The namespace of a repository being served. */
export const servedNamespace = (repository: Repository): string => namespacePrefix(repository.env['GIT_NAMESPACE']);

/** HEAD, if it leads somewhere. `unborn`: the branch it points to where that does not exist. */
export async function servedHead(
  repository: Repository,
): Promise<{ readonly oid?: Oid | undefined; readonly target?: string | undefined } | undefined> {
  const namespace = servedNamespace(repository);
  const strip = (name: string) => (name.startsWith(namespace) ? name.slice(namespace.length) : name);
  const full = await repository.refs.resolveFull(`${namespace}HEAD`);
  if (full === undefined) return undefined;
  return { oid: full.oid, target: full.symbolic ? strip(full.name) : undefined };
}

/** All refs that clients may see, HEAD first, then in byte order. */
export async function* servedRefs(
  repository: Repository,
  hidden: HiddenRefs,
  options: {
    readonly head?: boolean;
    readonly prefixes?: readonly string[] | undefined;
    /** Tell of refs that cannot be read too (as zeros): a clone that lacks them must not succeed. */
    readonly unreadable?: boolean;
  } = {},
): AsyncGenerator<ServedRef> {
  const namespace = servedNamespace(repository);
  const wanted = (name: string) =>
    options.prefixes === undefined ||
    options.prefixes.length === 0 ||
    options.prefixes.some((prefix) => name.startsWith(prefix));
  if (options.head !== false && wanted('HEAD')) {
    const head = await servedHead(repository);
    if (head?.oid !== undefined && !hidden.isHidden('HEAD', `${namespace}HEAD`)) {
      yield { name: 'HEAD', oid: head.oid, symbolicTarget: head.target };
    }
  }
  const prefix = `${namespace}${commonPrefix(options.prefixes)}`;
  for await (const ref of options.unreadable === true ? keptRefs(repository, prefix) : repository.refs.list(prefix)) {
    const name = ref.name.slice(namespace.length);
    if (!wanted(name) || hidden.isHidden(name, ref.name)) continue;
    const target = ref.symbolicTarget;
    yield {
      name,
      oid: ref.oid,
      symbolicTarget: target?.startsWith(namespace) === true ? target.slice(namespace.length) : target,
      peeled: ref.peeled,
      peeledKnown: ref.peeledKnown,
    };
  }
}

/** What all prefixes below `refs/` share, so that the store lists no more than it must. */
function commonPrefix(prefixes: readonly string[] | undefined): string {
  const below = prefixes?.filter((prefix) => prefix.startsWith('refs/')) ?? [];
  if (below.length === 0 || prefixes!.some((prefix) => 'refs/'.startsWith(prefix))) return 'refs/';
  let common = below[0]!;
  for (const prefix of below) while (!prefix.startsWith(common)) common = common.slice(0, -1);
  // Stores list whole folders.
  common = common.slice(0, common.lastIndexOf('/') + 1);
  return common.startsWith('refs/') ? common : 'refs/';
}

/** What an annotated tag leads to in the end; `undefined` where the object is no tag or something is missing. */
export async function peelTag(repository: Repository, ref: ServedRef): Promise<Oid | undefined> {
  if (ref.peeled !== undefined) return ref.peeled;
  if (ref.peeledKnown === true) return undefined;
  return peelOid(repository, ref.oid);
}

/** Follows annotated tags to what is no tag. `undefined` where the object is no tag itself, or is missing. */
export async function peelOid(repository: Repository, start: Oid): Promise<Oid | undefined> {
  let at = start;
  for (let depth = 0; depth < 64; depth++) {
    const header = await repository.objects.readHeader(at);
    if (header?.kind !== 'tag') return header === undefined || at === start ? undefined : at;
    const tag = await repository.objects.read(at);
    if (tag === undefined) return undefined;
    at = parseTag(tag.data).target;
  }
  return undefined;
}
