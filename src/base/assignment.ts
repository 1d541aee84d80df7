/**
 * The cheapest way to give each of `size` rows a column of its own: Jonker and Volgenant's algorithm (1987), cubic in
 * the worst case. `cost` holds row after row. Answers the column of each row. Among equally cheap ways the one that
 * git's `range-diff` finds is found: columns are reduced from the last to the first, the first row counts.
 */
export function assignCheapest(size: number, cost: Int32Array): Int32Array {
  const search = new Assignment(size, cost);
  search.reduceColumns();
  search.reduceRows();
  search.reduceRows();
  search.augment();
  return search.columnOf;
}

class Assignment {
  readonly columnOf: Int32Array;
  private readonly rowOf: Int32Array;
  /** Dual prices of the columns. */
  private readonly price: Int32Array;
  private free: number[] = [];

  constructor(
    private readonly size: number,
    private readonly cost: Int32Array,
  ) {
    this.columnOf = new Int32Array(size).fill(-1);
    this.rowOf = new Int32Array(size).fill(-1);
    this.price = new Int32Array(size);
  }

  private reduced(row: number, column: number): number {
    return this.cost[row * this.size + column]! - this.price[column]!;
  }

  /** Each column takes its cheapest row where that is still free; rows wanted once pass on what they can. */
  reduceColumns(): void {
    const { size, cost, price, columnOf, rowOf } = this;
    const wanted = new Int32Array(size);
    for (let column = size - 1; column >= 0; column--) {
      let row = 0;
      for (let i = 1; i < size; i++) if (cost[i * size + column]! < cost[row * size + column]!) row = i;
      price[column] = cost[row * size + column]!;
      if (wanted[row]!++ === 0) {
        columnOf[row] = column;
        rowOf[column] = row;
      }
    }
    for (let row = 0; row < size; row++) {
      if (wanted[row] === 0) this.free.push(row);
      if (wanted[row] !== 1) continue;
      const own = columnOf[row]!;
      let least = Number.MAX_SAFE_INTEGER;
      for (let j = 0; j < size; j++) if (j !== own) least = Math.min(least, this.reduced(row, j));
      if (size > 1) price[own]! -= least;
    }
  }

  /** Free rows take the column that suits them best, and its row looks for another. */
  reduceRows(): void {
    const { size, price, columnOf, rowOf } = this;
    const waiting = this.free;
    this.free = [];
    for (let k = 0; k < waiting.length; ) {
      const row = waiting[k++]!;
      let first = 0;
      let second = -1;
      let least = this.reduced(row, 0);
      let next = Number.MAX_SAFE_INTEGER;
      for (let j = 1; j < size; j++) {
        const here = this.reduced(row, j);
        if (here >= next) continue;
        if (here > least) {
          next = here;
          second = j;
        } else {
          next = least;
          second = first;
          least = here;
          first = j;
        }
      }
      let holder = rowOf[first]!;
      const better = least < next;
      if (better) price[first]! -= next - least;
      else if (holder >= 0) {
        first = second;
        holder = rowOf[first]!;
      }
      columnOf[row] = first;
      rowOf[first] = row;
      if (holder < 0) continue;
      if (better) waiting[--k] = holder;
      else this.free.push(holder);
    }
  }

  /** Every row that is still free gets a column by the shortest path of exchanges. */
  augment(): void {
    for (const row of this.free) this.exchange(row);
  }

  private exchange(start: number): void {
    const { size, price, columnOf, rowOf } = this;
    const distance = new Int32Array(size);
    const from = new Int32Array(size).fill(start);
    // Columns: settled before `low`, at the least distance up to `up`, the others behind.
    const columns = Int32Array.from({ length: size }, (_, j) => j);
    for (let j = 0; j < size; j++) distance[j] = this.reduced(start, j);
    let low = 0;
    let up = 0;
    let settled = 0;
    let least = 0;
    let end = -1;
    while (end < 0) {
      if (low === up) {
        settled = low;
        least = distance[columns[up++]!]!;
        for (let k = up; k < size; k++) {
          const column = columns[k]!;
          const here = distance[column]!;
          if (here > least) continue;
          if (here < least) {
            up = low;
            least = here;
          }
          columns[k] = columns[up]!;
          columns[up++] = column;
        }
        for (let k = low; k < up && end < 0; k++) if (rowOf[columns[k]!]! < 0) end = columns[k]!;
        if (end >= 0) break;
      }
      const nearest = columns[low++]!;
      const row = rowOf[nearest]!;
      const offset = this.reduced(row, nearest) - least;
      for (let k = up; k < size; k++) {
        const column = columns[k]!;
        const here = this.reduced(row, column) - offset;
        if (here >= distance[column]!) continue;
        distance[column] = here;
        from[column] = row;
        if (here !== least) continue;
        if (rowOf[column]! < 0) {
          end = column;
          break;
        }
        columns[k] = columns[up]!;
        columns[up++] = column;
      }
    }
    for (let k = 0; k < settled; k++) {
      const column = columns[k]!;
      price[column]! += distance[column]! - least;
    }
    for (let column = end, row = -1; row !== start; ) {
      row = from[column]!;
      rowOf[column] = row;
      [columnOf[row], column] = [column, columnOf[row]!];
    }
  }
}
