import type { Oid } from '../base/oid.js';
import { mergeCommits } from '../merge/history.js';
import type { CommitNode, CommitPool } from '../history/commit-pool.js';
import type { Ancestry } from '../history/merge-base.js';
import { MemoryObjectStore } from '../objects/memory.js';
import type { Repository } from '../repo/repository.js';
import { abbreviate } from './abbreviate.js';
import { openAncestry } from '../repo/ancestry.js';
import { historyRequest } from './merge-context.js';
import { mergeSettings } from './merge-settings.js';
import { readSubject, skipBlankLines, viewCommit } from './pretty-view.js';

/** A merge made anew: its tree, what the merge said about paths, and where the objects of both are read. */
export interface Remerge {
  readonly tree: Oid<'tree'>;
  /** Lines for the header of a path's difference, each `remerge …`. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly objects: MemoryObjectStore;
}

/** Makes merges of two commits again, in memory, to be compared with what was committed (`--remerge-diff`). */
export class Remerger {
  readonly #repository: Repository;
  readonly #pool: CommitPool;
  #ancestry: Ancestry | undefined;

  constructor(repository: Repository, pool: CommitPool) {
    this.#repository = repository;
    this.#pool = pool;
  }

  async merge(ours: CommitNode, theirs: CommitNode): Promise<Remerge> {
    const repository = this.#repository;
    const objects = new MemoryObjectStore(repository.objectFormat, repository.platform, repository.objects);
    this.#ancestry ??= openAncestry(repository);
    const request = historyRequest(repository, mergeSettings(repository.config, { porcelain: true }), {
      objects,
      ancestry: this.#ancestry,
    });
    const merged = await mergeCommits(request, {
      ours: ours.oid,
      theirs: theirs.oid,
      labels: { ours: await this.#name(ours), theirs: await this.#name(theirs) },
    });
    const headers = new Map<string, string[]>();
    for (const { type, paths, text } of merged.messages) {
      // What needed no help is no news here.
      if (type === 'Auto-merging' || type === 'Fast forwarding submodule') continue;
      const path = paths[0]!;
      const lines = text.split('\n').map((line, i) => (i === 0 ? `remerge ${line}` : ` ${line}`));
      headers.set(path, [...(headers.get(path) ?? []), ...lines]);
    }
    return { tree: merged.tree, headers, objects };
  }

  /** `1234567 (subject)`, as the conflict markers name a side. */
  async #name(node: CommitNode): Promise<string> {
    if (!node.loaded) await this.#pool.load(node);
    const view = viewCommit(node.oid, await this.#pool.data(node), 'UTF-8', node);
    const { subject } = readSubject(view.text, skipBlankLines(view.text, view.messageStart), ' ');
    return `${await abbreviate(this.#repository, node.oid)} (${subject})`;
  }
}
