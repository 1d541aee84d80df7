import { GitError } from '../base/errors.js';
import type { MultiPackIndex } from '../packs/midx.js';
import { openMultiPackIndexes } from '../packs/midx.js';
import { layerName, readMidxChain, removeMidxChain, removeStaleLayers, writeMidxChain } from '../packs/midx-chain.js';
import { removeStaleMidxFiles } from '../packs/midx-write.js';
import type { Repository } from '../repo/repository.js';
import type { CommandContext } from './command.js';
import { runInner } from './inner.js';
import { command as multiPackIndex } from './multi-pack-index.js';

/** A layer of the chain, as `repack` needs it. */
interface Layer {
  readonly name: string;
  readonly packs: readonly string[];
  readonly count: number;
}

interface ExtendOptions {
  readonly bitmaps: boolean;
  /** Layers are merged where the newer one has more than this part of the older one's objects. */
  readonly factor: number | undefined;
}

/** The layers of a store's multi-pack-index while it is packed anew (`repack --write-midx=incremental`). */
class MidxChain {
  readonly #context: CommandContext;
  readonly #repository: Repository;
  readonly #directory: string;
  #layers: Layer[];

  constructor(context: CommandContext, repository: Repository, directory: string, layers: Layer[]) {
    this.#context = context;
    this.#repository = repository;
    this.#directory = directory;
    this.#layers = layers;
  }

  /** Packs of all layers. */
  packs(): string[] {
    return this.#layers.flatMap(({ packs }) => packs);
  }

  /** Packs that a geometric repack must not touch: those of the deeper layers, and of the tip while it has few. */
  outsideGeometry(threshold: number): Set<string> {
    const tip = this.#layers.at(-1);
    const still = tip !== undefined && tip.packs.length < threshold ? this.#layers : this.#layers.slice(0, -1);
    return new Set(still.flatMap(({ packs }) => packs));
  }

  /**
   * Puts the packs that are in no layer into a new one on top, and merges layers. A tip of which packs are going is
   * replaced. Every step leaves a chain that holds everything.
   */
  async extend(packs: readonly string[], going: ReadonlySet<string>, options: ExtendOptions): Promise<void> {
    const layers = [...this.#layers];
    const top = new Set(packs.filter((name) => !going.has(name)));
    while (layers.some((layer) => layer.packs.some((name) => going.has(name)))) {
      for (const name of layers.pop()!.packs) if (!going.has(name)) top.add(name);
    }
    for (const { packs: covered } of layers) for (const name of covered) top.delete(name);
    if (top.size === 0) {
      if (layers.length === this.#layers.length) return;
      this.#write(layers.map(({ name }) => name));
      return;
    }
    const { factor } = options;
    let count = this.#objects(top);
    while (factor !== undefined && layers.length > 0 && count * factor > layers.at(-1)!.count) {
      const below = layers.pop()!;
      for (const name of below.packs) top.add(name);
      count += below.count;
    }
    const names: string[] = [];
    const packsOf: string[][] = [];
    for (const group of factor === undefined ? layers.map((layer) => [layer]) : grouped(layers, factor)) {
      names.push(group.length === 1 ? group[0]!.name : await this.#compact(group, names.length, options));
      packsOf.push(group.flatMap((layer) => [...layer.packs]));
    }
    const input = [...top].map((name) => `${name.replace(/\.pack$/, '.idx')}\n`).join('');
    const made = await this.#layerOf(names.at(-1) ?? 'none', options, input);
    // One without objects of its own is no use to anybody, and `verify` finds fault with it.
    if (made.objects > 0) {
      names.push(made.layer);
      packsOf.push([...top]);
    }
    this.#write(names);
    this.#layers = names.map((name, i) => ({ name, packs: packsOf[i]!, count: 0 }));
  }

  /** Makes one layer of neighbours, in the chain as it is; answers its name. `place`: how many lie below. */
  async #compact(group: readonly Layer[], place: number, { bitmaps }: ExtendOptions): Promise<string> {
    const bitmap = bitmaps ? ['--bitmap'] : [];
    const words = ['compact', '--incremental', ...bitmap, group[0]!.name, group[group.length - 1]!.name];
    const { code } = await runInner(this.#context, multiPackIndex, words);
    const name = readMidxChain(this.#repository.platform, this.#directory)?.[place];
    if (code !== 0 || name === undefined) throw new GitError('BUG', 'could not write multi-pack-index');
    return name;
  }

  /** Writes a layer, which is in no chain yet. */
  async #layerOf(base: string, { bitmaps }: ExtendOptions, input: string): Promise<{ layer: string; objects: number }> {
    const bitmap = bitmaps ? ['--bitmap'] : [];
    const words = ['write', '--stdin-packs', '--incremental', '--no-write-chain-file', `--base=${base}`, ...bitmap];
    const { results, code } = await runInner(this.#context, multiPackIndex, words, input);
    const made = results[0];
    if (code !== 0 || made === undefined) throw new GitError('BUG', 'could not write multi-pack-index');
    return made;
  }

  #write(names: readonly string[]): void {
    const { platform } = this.#repository;
    if (names.length === 0) removeMidxChain(platform, this.#directory);
    else {
      writeMidxChain(platform, this.#directory, names, this.#repository.syncs('pack-metadata'));
      removeStaleLayers(platform, this.#directory, names);
    }
    platform.fs.remove(`${this.#directory}/multi-pack-index`);
    removeStaleMidxFiles(platform, this.#directory, undefined);
  }

  /** Objects of packs, each counted once a pack. */
  #objects(names: ReadonlySet<string>): number {
    const { packs } = this.#repository.objectDirectories[0]!;
    let count = 0;
    for (const pack of packs.packs()) {
      if (names.has(pack.path.slice(pack.path.lastIndexOf('/') + 1))) count += pack.index.count;
    }
    return count;
  }
}

/** Neighbours that become one layer, the oldest first. */
function grouped(layers: readonly Layer[], factor: number): Layer[][] {
  const groups: Layer[][] = [];
  let count = 0;
  for (const layer of layers.toReversed()) {
    if (groups.length > 0 && count * factor > layer.count) {
      groups[0]!.unshift(layer);
      count += layer.count;
    } else {
      groups.unshift([layer]);
      count = layer.count;
    }
  }
  return groups;
}

/** The chain of a store; a multi-pack-index alone counts as a chain of one layer. */
export function openChain(context: CommandContext, repository: Repository, directory: string): MidxChain {
  const { fs } = context.platform;
  const layers = openMultiPackIndexes(fs, directory, repository.objectFormat).reverse();
  const answer = layers.map((layer: MultiPackIndex) => ({
    name: layerName(layer),
    packs: layer.packNames.map((name) => name.replace(/\.idx$/, '.pack')),
    count: layer.count,
  }));
  for (const layer of layers) layer.close();
  return new MidxChain(context, repository, directory, answer);
}
