import { RESET } from '../base/color.js';
import type { CommitNode } from '../history/commit-pool.js';

/** A line of history on its way down. */
interface Lane {
  readonly commit: CommitNode;
  /** Index of its colour; past the last one: none. */
  readonly color: number;
}

/** What the next row for a commit is. */
type Stage = 'padding' | 'skip' | 'before' | 'commit' | 'merge' | 'collapse';

export interface GraphOptions {
  /** Escape sequences for lanes in turn; empty: no colours. */
  readonly colors: readonly string[];
  /** The character for a commit (`*`, `<`, `o`…). */
  readonly mark: (node: CommitNode) => string;
  /** Lanes shown at most; 0: all. */
  readonly laneLimit?: number;
}

const mergeEdges = ['/', '|', '\\'] as const;

/**
 * Draws history beside a log, row by row, in git's very shapes. For each commit `update` says who its shown parents
 * are; then rows are taken until `finished`, one of which is the commit's own.
 */
export class Graph {
  readonly #colors: readonly string[];
  readonly #mark: (node: CommitNode) => string;
  #commit: CommitNode | undefined;
  #parents: readonly CommitNode[] = [];
  #width = 0;
  #expansion = 0;
  #stage: Stage = 'padding';
  #previousStage: Stage = 'padding';
  #index = 0;
  #previousIndex = 0;
  /** Of a merge: 0 where its first parent lies to the left, else 1. */
  #layout = 0;
  #edges = 0;
  #previousEdges = 0;
  /** Lanes above the commit's row, and below it. */
  #above: Lane[] = [];
  #below: Lane[] = [];
  /** For each screen column, the lane whose edge is there; -1 for none. */
  #mapping: number[] = [];
  #before: number[] = [];
  #color: number;
  /** The first column that is not shown. */
  readonly #limit: number;

  constructor(options: GraphOptions) {
    this.#colors = options.colors;
    const lanes = options.laneLimit ?? 0;
    this.#limit = lanes > 0 ? 2 * lanes : Number.POSITIVE_INFINITY;
    this.#mark = options.mark;
    this.#color = Math.max(0, options.colors.length - 1);
  }

  /** Columns that the rows of this commit take. */
  get width(): number {
    return Math.min(this.#width, this.#limit + 2);
  }

  /** All rows of the commit are drawn. */
  get finished(): boolean {
    return this.#stage === 'padding';
  }

  /** Goes on to the next commit. `parents`: those of its parents that will be shown. */
  update(commit: CommitNode, parents: readonly CommitNode[]): void {
    this.#commit = commit;
    this.#parents = parents;
    this.#previousIndex = this.#index;
    this.#arrangeLanes();
    this.#expansion = 0;
    if (this.#stage !== 'padding') this.#stage = 'skip';
    else this.#stage = this.#needsRoom ? 'before' : 'commit';
  }

  get #dashes(): number {
    return this.#parents.length + this.#layout - 3;
  }

  /** An octopus with lanes to its right needs rows before it that push them aside. */
  get #needsRoom(): boolean {
    return this.#parents.length >= 3 && this.#index < this.#above.length - 1 && this.#expansion < this.#dashes * 2;
  }

  #enter(stage: Stage): void {
    this.#previousStage = this.#stage;
    this.#stage = stage;
  }

  #arrangeLanes(): void {
    this.#above = this.#below;
    this.#below = [];
    const most = this.#above.length + this.#parents.length;
    this.#mapping = new Array<number>(Math.max(1, 2 * most)).fill(-1);
    this.#width = 0;
    this.#previousEdges = this.#edges;
    this.#edges = 0;
    const known = this.#above.some((lane) => lane.commit === this.#commit);
    for (let i = 0; i < this.#above.length; i++) {
      const { commit } = this.#above[i]!;
      if (commit === this.#commit) this.#placeParents(i, true);
      else this.#place(commit, -1);
    }
    if (!known) this.#placeParents(this.#above.length, false);
    while (this.#mapping.length > 1 && this.#mapping[this.#mapping.length - 1]! < 0) this.#mapping.pop();
  }

  #placeParents(index: number, hasLane: boolean): void {
    this.#index = index;
    this.#layout = -1;
    for (const parent of this.#parents) {
      if (this.#parents.length > 1 || !hasLane) this.#nextColor();
      this.#place(parent, index);
    }
    // Even without parents the commit itself takes its place.
    if (this.#parents.length === 0) this.#width += 2;
  }

  #nextColor(): void {
    if (this.#colors.length > 0) this.#color = (this.#color + 1) % this.#colors.length;
  }

  #colorOf(commit: CommitNode): number {
    return this.#above.find((lane) => lane.commit === commit)?.color ?? this.#color;
  }

  #laneBelow(commit: CommitNode): number {
    return this.#below.findIndex((lane) => lane.commit === commit);
  }

  #place(commit: CommitNode, from: number): void {
    let lane = this.#laneBelow(commit);
    if (lane < 0) {
      lane = this.#below.length;
      this.#below.push({ commit, color: this.#colorOf(commit) });
    }
    let column: number;
    if (this.#parents.length > 1 && from > -1 && this.#layout === -1) {
      // The first parent of a merge decides to which side the merge leans.
      const distance = from - lane;
      const shift = distance > 1 ? 2 * distance - 3 : 1;
      this.#layout = distance > 0 ? 0 : 1;
      this.#edges = this.#parents.length + this.#layout - 2;
      column = this.#width + (this.#layout - 1) * shift;
      this.#width += 2 * this.#layout;
    } else if (this.#edges > 0 && lane === this.#mapping[this.#width - 2]) {
      // The last edge of the merge and this lane go to the same place: they join at once.
      column = this.#width - 2;
      this.#edges = -1;
    } else {
      column = this.#width;
      this.#width += 2;
    }
    this.#mapping[column] = lane;
  }

  get #settled(): boolean {
    return this.#mapping.every((lane, column) => lane < 0 || lane === column >> 1);
  }

  /** The next row, and whether it is the commit's own. */
  nextRow(): { readonly text: string; readonly commit: boolean } {
    const row = new Row(this.#colors, this.#limit);
    let commit = false;
    switch (this.#stage) {
      case 'padding':
        for (const lane of this.#below) row.lane(lane, '|').space(1);
        break;
      case 'skip':
        row.plain('...');
        this.#enter(this.#needsRoom ? 'before' : 'commit');
        break;
      case 'before':
        this.#roomRow(row);
        break;
      case 'commit':
        this.#commitRow(row);
        commit = true;
        break;
      case 'merge':
        this.#mergeRow(row);
        break;
      case 'collapse':
        this.#collapseRow(row);
        break;
    }
    return { text: row.padded(this.#width), commit };
  }

  /** A row that only leads the lanes on, where one is wanted between the commit's rows. */
  paddingRow(): string {
    if (this.#stage !== 'commit') return this.nextRow().text;
    const row = new Row(this.#colors, this.#limit);
    for (const lane of this.#above) {
      row.lane(lane, '|');
      row.space(lane.commit === this.#commit && this.#parents.length > 2 ? (this.#parents.length - 2) * 2 : 1);
    }
    this.#previousStage = 'padding';
    return row.padded(this.#width);
  }

  #roomRow(row: Row): void {
    let seen = false;
    this.#above.forEach((lane, i) => {
      if (lane.commit === this.#commit) {
        seen = true;
        row.lane(lane, '|').space(this.#expansion);
      } else if (seen && this.#expansion === 0) {
        row.lane(lane, this.#previousStage === 'merge' && this.#previousIndex < i ? '\\' : '|');
      } else row.lane(lane, seen ? '\\' : '|');
      row.space(1);
    });
    this.#expansion++;
    if (!this.#needsRoom) this.#enter('commit');
  }

  #commitRow(row: Row): void {
    let seen = false;
    const own = (): void => {
      seen = true;
      row.mark(this.#mark(this.#commit!));
      const hidden = row.isCut;
      const dashes = this.#dashes;
      for (let i = 0; i < dashes; i++) {
        const lane = this.#below[this.#mapping[(this.#index + i + 2) * 2]!];
        if (lane === undefined) continue;
        row.lane(lane, '-').lane(lane, i === dashes - 1 ? '.' : '-');
      }
      if (row.isCut && !hidden) row.widen();
      row.space(1);
    };
    this.#above.forEach((lane, i) => {
      if (lane.commit === this.#commit) {
        own();
        return;
      }
      let edge = '|';
      if (seen && this.#edges > 1) edge = '\\';
      else if (seen && this.#edges === 1) {
        if (this.#previousStage === 'merge' && this.#previousEdges > 0 && this.#previousIndex < i) edge = '\\';
      } else if (
        this.#previousStage === 'collapse' &&
        this.#before[2 * i + 1] === i &&
        (this.#mapping[2 * i] ?? -1) < i
      ) {
        edge = '/';
      }
      row.lane(lane, edge).space(1);
    });
    if (!seen) own();
    if (this.#parents.length > 1) this.#enterMerge();
    else this.#enter(this.#settled ? 'padding' : 'collapse');
  }

  /** The merge's row comes next, unless nothing of it could be seen. */
  #enterMerge(): void {
    this.#enter('merge');
    if (2 * this.#index <= this.#limit) return;
    const [stage, previous] = [this.#stage, this.#previousStage];
    const row = new Row([], this.#limit);
    this.#mergeRow(row);
    if (/^[| ]*~ $/.test(row.padded(0))) return;
    [this.#stage, this.#previousStage] = [stage, previous];
  }

  #mergeRow(row: Row): void {
    let seen = false;
    const first = this.#parents[0];
    let parentLane: Lane | undefined;
    const own = (): void => {
      seen = true;
      let side = this.#layout;
      this.#parents.forEach((parent, n) => {
        const lane = this.#below[this.#laneBelow(parent)]!;
        row.lane(lane, mergeEdges[side]!);
        if (side === 2) {
          if (this.#edges > 0 || n < this.#parents.length - 1) row.space(1);
        } else side++;
      });
      if (this.#edges === 0) row.space(1);
    };
    this.#above.forEach((lane, i) => {
      if (lane.commit === this.#commit) own();
      else if (seen) row.lane(lane, this.#edges > 0 ? '\\' : '|').space(1);
      else {
        row.lane(lane, '|');
        if (this.#layout !== 0 || i !== this.#index - 1) {
          if (parentLane !== undefined) row.lane(parentLane, '_');
          else row.space(1);
        }
      }
      if (lane.commit === first) parentLane = lane;
    });
    if (!seen) own();
    this.#enter(this.#settled ? 'padding' : 'collapse');
  }

  #collapseRow(row: Row): void {
    const from = this.#mapping;
    const to = new Array<number>(from.length).fill(-1);
    // One edge at a time may run along the row.
    let runner = -1;
    let runnerLane = -1;
    const run = (lane: number, column: number, start: number): void => {
      if (runner !== -1) return;
      runner = start;
      runnerLane = lane;
      for (let j = lane * 2 + 3; j < column - 2; j += 2) to[j] = lane;
    };
    from.forEach((lane, column) => {
      if (lane < 0) return;
      if (lane * 2 === column) to[column] = lane;
      else if (to[column - 1]! < 0) {
        to[column - 1] = lane;
        run(lane, column, column);
      } else if (to[column - 1] !== lane) {
        // Another lane is in the way: this one crosses it.
        to[column - 2] = lane;
        run(lane, column, column - 1);
      }
    });
    this.#before = [...to];
    if (to[to.length - 1]! < 0) to.pop();
    let ran = false;
    for (let column = 0; column < to.length; column++) {
      const index = to[column]!;
      if (index < 0) {
        row.space(1);
        continue;
      }
      const lane = this.#below[index]!;
      if (index * 2 === column) row.lane(lane, '|');
      else if (index === runnerLane && column !== runner - 1) {
        if (column !== index * 2 + 3) to[column] = -1;
        ran = true;
        row.lane(lane, '_');
      } else {
        if (ran && column < runner) to[column] = -1;
        row.lane(lane, '/');
      }
    }
    this.#mapping = to;
    if (this.#settled) this.#enter('padding');
  }
}

/** One row as it is drawn: text, and its width without colours. Behind the limit all that is there is one `~`. */
class Row {
  #text = '';
  #width = 0;
  #cut = false;
  #marked = false;
  #extra = '';
  readonly #colors: readonly string[];
  readonly #limit: number;

  constructor(colors: readonly string[], limit: number) {
    this.#colors = colors;
    this.#limit = limit;
  }

  /** Something of the row is not shown. */
  get isCut(): boolean {
    return this.#cut;
  }

  /** One more blank behind the `~`. */
  widen(): void {
    this.#extra = ' ';
  }

  lane(lane: Lane, char: string): this {
    if (this.#width >= this.#limit) this.#cut = true;
    else {
      const color = this.#colors[lane.color];
      this.#text += color === undefined ? char : `${color}${char}${RESET}`;
    }
    this.#width++;
    return this;
  }

  /** The commit's own place, which may stand right behind the limit. */
  mark(text: string): this {
    if (this.#width === this.#limit && !this.#cut) {
      this.#text += text;
      this.#marked = true;
    } else if (this.#width > this.#limit) this.#cut = true;
    else this.#text += text;
    this.#width += text.length;
    return this;
  }

  plain(text: string): this {
    this.#text += text;
    this.#width += text.length;
    return this;
  }

  space(count: number): this {
    if (this.#width < this.#limit || this.#width + count <= this.#limit) this.#text += ' '.repeat(count);
    this.#width += count;
    return this;
  }

  padded(width: number): string {
    const limit = this.#limit;
    if (this.#width < limit)
      return this.#width < width ? this.#text + ' '.repeat(Math.min(width, limit + 2) - this.#width) : this.#text;
    if (this.#marked || !this.#cut)
      return this.#text + ' '.repeat(this.#marked ? 1 : Math.min(2, Math.max(0, width - limit)));
    return `${this.#text}~${this.#extra} `;
  }
}

/** A graph and the output beside it: git's ways of putting text next to rows. */
export class GraphWriter {
  readonly graph: Graph;
  readonly #write: (text: string) => void;
  readonly #prefix: string;

  constructor(graph: Graph, write: (text: string) => void, prefix = '') {
    this.graph = graph;
    this.#write = write;
    this.#prefix = prefix;
  }

  /** Rows up to and with the commit's own, which is left open. */
  showCommit(): void {
    const { graph } = this;
    let shown = false;
    this.#write(this.#prefix);
    if (graph.finished) {
      this.#write(graph.paddingRow());
      shown = true;
    }
    while (!shown && !graph.finished) {
      const row = graph.nextRow();
      shown = row.commit;
      this.#write(row.text);
      if (!shown) this.#write(`\n${this.#prefix}`);
    }
  }

  /** One row, left open. */
  showRow(): void {
    this.#write(this.#prefix + this.graph.nextRow().text);
  }

  showPadding(): void {
    this.#write(this.#prefix + this.graph.paddingRow());
  }

  /** The rows that are left, the last one left open; `false` where there were none. */
  showRemainder(): boolean {
    const { graph } = this;
    if (graph.finished) return false;
    for (;;) {
      this.#write(this.#prefix + graph.nextRow().text);
      if (graph.finished) return true;
      this.#write('\n');
    }
  }

  /** Text whose first line goes where the output stands, each further one behind a row. */
  showText(text: string): void {
    let at = 0;
    for (;;) {
      const end = text.indexOf('\n', at);
      // As in git, a text is over for the graph where a NUL is.
      const nul = text.indexOf('\0', at);
      if (end < 0 || (nul >= 0 && nul < end)) {
        this.#write(text.slice(at));
        return;
      }
      this.#write(text.slice(at, end + 1));
      at = end + 1;
      if (at >= text.length) return;
      this.showRow();
    }
  }

  /** A commit's message, and then the rows that are left. */
  showMessage(text: string): void {
    const ended = text.endsWith('\n');
    if (text !== '') this.showText(text);
    if (this.graph.finished) return;
    if (!ended) this.#write('\n');
    this.showRemainder();
    if (ended) this.#write('\n');
  }
}
