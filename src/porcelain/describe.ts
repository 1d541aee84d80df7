import { GitError } from '../base/errors.js';
import type { Oid } from '../base/oid.js';
import { wildmatch } from '../base/wildmatch.js';
import { type CommitNode, CommitPool } from '../history/commit-pool.js';
import { CommitQueue } from '../history/commit-queue.js';
import type { Tag } from '../objects/tag.js';
import { parseTag } from '../objects/tag.js';
import type { Repository } from '../repo/repository.js';
import { abbreviate } from './abbreviate.js';

export interface DescribeSettings {
  /** Names from all of `refs/`. */
  readonly all?: boolean;
  /** Also tags that are no tag objects. */
  readonly tags?: boolean;
  /** Always with distance and id. */
  readonly long?: boolean;
  readonly firstParent?: boolean;
  /** Digits of the id; 0 leaves distance and id out. */
  readonly abbreviation?: number | undefined;
  /** How many tags to consider; 0 takes only exact ones. Default 10. */
  readonly candidates?: number;
  readonly match?: readonly string[];
  readonly exclude?: readonly string[];
  /** An id where there is no name. */
  readonly always?: boolean;
  readonly suffix?: string;
  /** Told the lines of `--debug`. */
  readonly debug?: ((line: string) => void) | undefined;
  readonly warn?: ((message: string) => void) | undefined;
}

/** A name a commit has. */
interface Name {
  readonly path: string;
  /** Annotated tags 2, other tags 1, anything else 0. */
  readonly rank: number;
  readonly oid: Oid;
  tag?: Tag | undefined;
  misnamed: boolean;
  checked: boolean;
}

interface Candidate {
  readonly name: Name;
  depth: number;
  readonly flag: number;
  readonly order: number;
}

/** git's limit: a flag per candidate must fit a commit's flags. */
const MAX_CANDIDATES = 26;

/** Describes commits by the tags before them; names and commits read once serve many. */
export class Describer {
  readonly #repository: Repository;
  readonly #settings: DescribeSettings;
  readonly #names = new Map<Oid, Name>();
  readonly #pool: CommitPool;
  #loaded = false;

  constructor(repository: Repository, settings: DescribeSettings) {
    this.#repository = repository;
    this.#settings = settings;
    this.#pool = new CommitPool(repository.objects, { grafts: repository.grafts, graph: repository.commitGraph });
  }

  /** How many names there are to describe with. */
  async nameCount(): Promise<number> {
    await this.#load();
    return this.#names.size;
  }

  async #load(): Promise<void> {
    if (this.#loaded) return;
    this.#loaded = true;
    const { all = false, match = [], exclude = [] } = this.#settings;
    for await (const ref of this.#repository.refs.list('refs/')) {
      const isTag = ref.name.startsWith('refs/tags/');
      let short: string;
      if (isTag) short = ref.name.slice('refs/tags/'.length);
      else if (!all) continue;
      else if (match.length > 0 || exclude.length > 0) {
        const branch = /^refs\/(?:heads|remotes)\/(.*)$/.exec(ref.name);
        if (branch === null) continue;
        short = branch[1]!;
      } else short = '';
      if (exclude.some((pattern) => wildmatch(pattern, short))) continue;
      if (match.length > 0 && !match.some((pattern) => wildmatch(pattern, short))) continue;
      const peeled = ref.peeledKnown === true ? ref.peeled : await this.#peel(ref.oid);
      const rank = peeled !== undefined ? 2 : isTag ? 1 : 0;
      const name: Name = {
        path: all ? ref.name.slice(5) : short,
        rank,
        oid: ref.oid,
        misnamed: false,
        checked: false,
      };
      const at = peeled ?? ref.oid;
      const known = this.#names.get(at);
      if (known === undefined || known.rank < rank || (rank === 2 && (await this.#isNewer(name, known))))
        this.#names.set(at, name);
    }
  }

  async #peel(oid: Oid): Promise<Oid | undefined> {
    const { objects } = this.#repository;
    let at = oid;
    while ((await objects.readHeader(at))?.kind === 'tag') {
      const object = await objects.read(at);
      if (object === undefined) return undefined;
      at = parseTag(object.data).target;
    }
    return at === oid ? undefined : at;
  }

  async #tag(name: Name): Promise<Tag | undefined> {
    if (name.tag !== undefined || name.rank !== 2) return name.tag;
    const object = await this.#repository.objects.read(name.oid);
    if (object?.kind !== 'tag') throw new GitError('OBJECT_MISSING', `annotated tag ${name.path} not available`);
    name.tag = parseTag(object.data);
    return name.tag;
  }

  async #isNewer(name: Name, than: Name): Promise<boolean> {
    if (than.rank !== 2) return false;
    const [one, two] = [await this.#tag(name), await this.#tag(than)];
    return (two?.tagger?.seconds ?? 0) < (one?.tagger?.seconds ?? 0);
  }

  /** The name of a commit. Throws git's words where there is none. */
  async describe(commit: Oid): Promise<string> {
    await this.#load();
    const settings = this.#settings;
    const { all = false, tags = false, long = false, suffix = '', debug } = settings;
    const exact = this.#names.get(commit);
    const named = (name: Name): boolean => tags || all || name.rank === 2;
    if (exact !== undefined && named(exact)) {
      const text = await this.#show(exact);
      if (!exact.misnamed && !long) return text + suffix;
      return text + (await this.#distance(0, exact.tag?.target ?? commit)) + suffix;
    }
    const limit = Math.min(settings.candidates ?? 10, MAX_CANDIDATES);
    if (limit <= 0) throw new GitError('REF_MISSING', `no tag exactly matches '${commit}'`);
    debug?.('No exact match on refs or tags, searching to describe');
    const found = await this.#search(commit, limit, named);
    if (found.candidates.length === 0) {
      if (settings.always === true) {
        const shown = settings.abbreviation === 0 ? commit : await this.#abbreviated(commit);
        return shown + suffix;
      }
      throw new GitError(
        'REF_MISSING',
        found.unannotated > 0
          ? `No annotated tags can describe '${commit}'.\nHowever, there were unannotated tags: try --tags.`
          : `No tags can describe '${commit}'.\nTry --always, or create some tags.`,
      );
    }
    const best = found.candidates[0]!;
    if (debug !== undefined) {
      for (const one of found.candidates) {
        const label = ['head', 'lightweight', 'annotated'][one.name.rank]!;
        debug(` ${label.padEnd(11)} ${String(one.depth).padStart(8)} ${one.name.path}`);
      }
      debug(`traversed ${found.seen} commits`);
      if (found.gaveUp !== undefined) debug(`found ${found.candidates.length} tags; gave up search at ${found.gaveUp}`);
    }
    let text = await this.#show(best.name);
    if (best.name.misnamed || settings.abbreviation !== 0) text += await this.#distance(best.depth, commit);
    return text + suffix;
  }

  /** Walks back, newest first, until enough tags are met or the best cannot be beaten. */
  async #search(
    commit: Oid,
    limit: number,
    named: (name: Name) => boolean,
  ): Promise<{ candidates: Candidate[]; unannotated: number; seen: number; gaveUp: Oid | undefined }> {
    const firstParent = this.#settings.firstParent === true;
    const flags = new Map<CommitNode, number>();
    const queue = new CommitQueue();
    const enter = async (node: CommitNode, bits: number): Promise<void> => {
      const known = flags.get(node);
      flags.set(node, (known ?? 0) | bits);
      if (known !== undefined) return;
      const loaded = this.#pool.load(node);
      if (loaded !== true) await loaded;
      queue.push(node);
    };
    const candidates: Candidate[] = [];
    let unannotated = 0;
    let annotated = 0;
    let seen = 0;
    let gaveUp: CommitNode | undefined;
    await enter(this.#pool.node(commit), 0);
    for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
      seen++;
      if (candidates.length === limit || candidates.length === this.#names.size) {
        gaveUp = node;
        break;
      }
      const name = this.#names.get(node.oid);
      if (name !== undefined) {
        if (!named(name)) unannotated++;
        else {
          const flag = 1 << candidates.length;
          candidates.push({ name, depth: seen - 1, flag, order: candidates.length });
          flags.set(node, flags.get(node)! | flag);
          if (name.rank === 2) annotated++;
        }
      }
      const bits = flags.get(node)!;
      for (const candidate of candidates) if ((bits & candidate.flag) === 0) candidate.depth++;
      if (annotated > 0 && queue.size === 0) {
        let depth = Number.POSITIVE_INFINITY;
        let within = 0;
        for (const candidate of candidates) {
          if (candidate.depth < depth) {
            depth = candidate.depth;
            within = candidate.flag;
          } else if (candidate.depth === depth) within |= candidate.flag;
        }
        if ((bits & within) === within) {
          this.#settings.debug?.(`finished search at ${node.oid}`);
          break;
        }
      }
      for (const parent of node.parents) {
        await enter(parent, bits);
        if (firstParent) break;
      }
    }
    candidates.sort((a, b) => a.depth - b.depth || a.order - b.order);
    if (candidates.length > 0) {
      if (gaveUp !== undefined) {
        queue.push(gaveUp);
        seen--;
      }
      // What is left in the queue still counts towards the best one's distance.
      const best = candidates[0]!;
      for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
        seen++;
        const bits = flags.get(node)!;
        if ((bits & best.flag) !== 0) {
          if (queue.items.every((other) => (flags.get(other)! & best.flag) !== 0)) break;
        } else best.depth++;
        for (const parent of node.parents) await enter(parent, bits);
      }
    }
    return { candidates, unannotated, seen, gaveUp: gaveUp?.oid };
  }

  async #show(name: Name): Promise<string> {
    const { all = false, warn } = this.#settings;
    const tag = await this.#tag(name);
    if (tag === undefined) return name.path;
    if (!name.checked) {
      name.checked = true;
      if (tag.name !== (all ? name.path.replace(/^tags\//, '') : name.path)) {
        warn?.(`tag '${name.path}' is externally known as '${tag.name}'`);
        name.misnamed = true;
      }
    }
    return all ? `tags/${tag.name}` : tag.name;
  }

  async #distance(depth: number, oid: Oid): Promise<string> {
    return `-${depth}-g${await this.#abbreviated(oid)}`;
  }

  #abbreviated(oid: Oid): Promise<string> {
    return abbreviate(this.#repository, oid, this.#settings.abbreviation);
  }
}

/** `git describe <blob>`: the first commit that has it, described, and the path there. */
export async function describeBlob(repository: Repository, describer: Describer, blob: Oid): Promise<string> {
  const head = await repository.refs.resolve('HEAD');
  if (head === undefined) throw new GitError('REF_MISSING', `cannot search for blob '${blob}' on an unborn branch`);
  const unreachable = new GitError('OBJECT_MISSING', `blob '${blob}' not reachable from HEAD`);
  if ((await repository.objects.readHeader(head))?.kind !== 'commit') throw unreachable;
  const pool = new CommitPool(repository.objects, { grafts: repository.grafts, graph: repository.commitGraph });
  const { parseTree } = await import('../objects/tree.js');
  // Oldest first, parents before children.
  const order: CommitNode[] = [];
  const visited = new Set<CommitNode>();
  const stack: { node: CommitNode; next: number }[] = [];
  const enter = async (node: CommitNode): Promise<void> => {
    visited.add(node);
    const loaded = pool.load(node);
    if (loaded !== true) await loaded;
    stack.push({ node, next: 0 });
  };
  await enter(pool.node(head));
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    const parent = top.node.parents[top.next++];
    if (parent === undefined) {
      order.push(top.node);
      stack.pop();
    } else if (!visited.has(parent)) await enter(parent);
  }
  const seen = new Set<Oid>();
  const look = async (tree: Oid, base: string): Promise<string | undefined> => {
    if (seen.has(tree)) return undefined;
    seen.add(tree);
    const object = await repository.objects.read(tree);
    if (object?.kind !== 'tree') return undefined;
    for (const entry of parseTree(object.data, repository.oidLength)) {
      if (entry.oid === blob) return base + entry.name;
      if (entry.mode !== 0o40000) continue;
      const found = await look(entry.oid, `${base}${entry.name}/`);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  for (const node of order) {
    const path = await look(node.tree, '');
    if (path !== undefined) return `${await describer.describe(node.oid)}:${path}`;
  }
  throw unreachable;
}
