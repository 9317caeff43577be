/** Undo and redo of whole values. */

/** A line of states with a place in it; a new state cuts off what was undone. */
export class History<T> {
  private states: T[] = [];
  private place = -1;

  constructor(private readonly limit = 100) {}

  get current(): T | undefined {
    return this.states[this.place];
  }

  get canUndo(): boolean {
    return this.place > 0;
  }

  get canRedo(): boolean {
    return this.place < this.states.length - 1;
  }

  /** Adds a state, unless it equals the present one. */
  push(state: T): void {
    if (this.place >= 0 && JSON.stringify(state) === JSON.stringify(this.current)) return;
    this.states = [...this.states.slice(0, this.place + 1), state].slice(-this.limit);
    this.place = this.states.length - 1;
  }

  undo(): T | undefined {
    if (this.canUndo) this.place -= 1;
    return this.current;
  }

  redo(): T | undefined {
    if (this.canRedo) this.place += 1;
    return this.current;
  }

  clear(): void {
    this.states = [];
    this.place = -1;
  }
}
