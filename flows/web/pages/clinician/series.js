/** Values over time, in order, for drawing: one array of times and one per column; null and NaN are gaps. */

const KEEP_S = 3600;

export class Series {
  constructor(...columns) {
    this.names = columns;
    this.clear();
  }

  clear() {
    this.time = [];
    this.columns = Object.fromEntries(this.names.map((name) => [name, []]));
  }

  /** Add a row; one that is not later than the last is left out. */
  push(time_s, row) {
    if (this.time.length && time_s <= this.time[this.time.length - 1]) return;
    this.time.push(time_s);
    for (const name of this.names) this.columns[name].push(row[name] ?? null);
    if (this.time.length % 512 === 0) this.#forget(time_s - KEEP_S);
  }

  get first_s() {
    return this.time.length ? this.time[0] : null;
  }

  get last_s() {
    return this.time.length ? this.time[this.time.length - 1] : null;
  }

  /** Index of the first row at or after a time. */
  indexOf(time_s) {
    let [low, high] = [0, this.time.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.time[middle] < time_s) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Mean of a column over [from, to), or null. */
  mean(name, from_s, to_s) {
    let [sum, count] = [0, 0];
    const column = this.columns[name];
    for (let index = this.indexOf(from_s); index < this.time.length && this.time[index] < to_s; index++) {
      if (column[index] !== null) { sum += column[index]; count++; }
    }
    return count ? sum / count : null;
  }

  #forget(before_s) {
    const cut = this.indexOf(before_s);
    if (!cut) return;
    this.time.splice(0, cut);
    for (const name of this.names) this.columns[name].splice(0, cut);
  }
}
