/** Short notices at the edge of the page: what was done, what was refused. */
import { asProblem, type Problem } from '../core/problem';

export interface Notice {
  id: number;
  text: string;
  problem: Problem | null;
}

let serial = 0;
let items = $state<Notice[]>([]);

function add(notice: Omit<Notice, 'id'>, lifeMs: number): void {
  serial += 1;
  const id = serial;
  items = [...items.slice(-3), { ...notice, id }];
  setTimeout(() => notices.dismiss(id), lifeMs);
}

export const notices = {
  get items(): Notice[] {
    return items;
  },
  done(text: string): void {
    add({ text, problem: null }, 4500);
  },
  /** What nobody may overlook stays until it is dismissed, or for ten minutes. */
  alarm(text: string): void {
    add({ text, problem: null }, 600_000);
  },
  refused(error: unknown): void {
    add({ text: '', problem: asProblem(error) }, 12_000);
  },
  dismiss(id: number): void {
    items = items.filter((item) => item.id !== id);
  },
};
