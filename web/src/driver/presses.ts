/**
 * What was pressed and is not yet known to have arrived.
 *
 * Each press is on the phone's disk before anything is sent, under a key that sorts by when it was
 * made, and leaves it only when the station has said what became of that very press. It carries an
 * id of its own, so one that is sent twice counts once.
 */
import { asProblem, type Problem } from '../core/problem';
import type { Drive, Press, PressAnswer, Sheet, Stop } from './types';

const KEY = 'qyran.press.';
const REFUSED = 'qyran.press_refused';
const BATCH = 100;
const REFUSED_MOST = 20;

/** The part of `localStorage` that is needed. */
export interface Shelf {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface Waiting {
  user: string;
  car: string;
  press: Press;
}

export interface RefusedPress extends Waiting {
  code: string;
  words: string;
}

export type Post = (
  car: string,
  presses: Press[],
) => Promise<{ answers: PressAnswer[]; sheet: Sheet | null }>;

/** What a flush came to. */
export interface Flushed {
  sheet: Sheet | null;
  /** Why it stopped, where it did; what waits goes on waiting. */
  problem: Problem | null;
  sent: number;
}

function serialOf(key: string): number {
  return Number(key.slice(KEY.length).split('.')[0]);
}

export class Presses {
  private busy: Promise<Flushed> | null = null;

  constructor(
    private readonly shelf: Shelf,
    private readonly post: Post,
  ) {}

  /** Puts a press down; it is on the disk when this returns. */
  add(user: string, car: string, press: Press): void {
    // Another window of this page may have pressed meanwhile: ask each time, and never overwrite.
    const serial = Math.max(0, ...this.keys().map(serialOf)) + 1;
    const key = `${KEY}${String(serial).padStart(12, '0')}.${press.id}`;
    this.shelf.setItem(key, JSON.stringify({ user, car, press } satisfies Waiting));
  }

  /** What waits, in the order in which it was pressed. */
  get waiting(): Waiting[] {
    return this.keys().map((key) => this.read(key)!);
  }

  get refused(): RefusedPress[] {
    try {
      return JSON.parse(this.shelf.getItem(REFUSED) ?? '[]') as RefusedPress[];
    } catch {
      return [];
    }
  }

  forgetRefused(): void {
    this.shelf.removeItem(REFUSED);
  }

  /** Sends what one person has waiting, in order; one flush at a time. */
  flush(user: string): Promise<Flushed> {
    this.busy ??= this.send(user).finally(() => (this.busy = null));
    return this.busy;
  }

  private async send(user: string): Promise<Flushed> {
    let sheet: Sheet | null = null;
    let sent = 0;
    let most = BATCH;
    for (;;) {
      const batch = this.batch(user, most);
      if (batch.length === 0) return { sheet, problem: null, sent };
      const car = batch[0]!.waiting.car;
      try {
        const told = await this.post(
          car,
          batch.map((one) => one.waiting.press),
        );
        sheet = told.sheet;
        const answers = new Map(told.answers.map((answer) => [answer.id, answer]));
        let gone = 0;
        for (const { key, waiting } of batch) {
          const answer = answers.get(waiting.press.id);
          if (!answer) continue;
          if (answer.outcome === 'refused') this.keepRefused(waiting, answer.code, answer.words);
          this.shelf.removeItem(key);
          gone += 1;
        }
        sent += gone;
        if (gone === 0) {
          return { sheet, problem: asProblem(new Error('the station answered nothing')), sent };
        }
        most = BATCH;
      } catch (error) {
        const problem = asProblem(error);
        // What the station can't read must not hold up what comes after it.
        const final = [400, 404, 409, 413, 422].includes(problem.status);
        if (!final) return { sheet, problem, sent };
        if (batch.length > 1) {
          most = 1;
          continue;
        }
        this.keepRefused(batch[0]!.waiting, problem.code, problem.detail);
        this.shelf.removeItem(batch[0]!.key);
        most = 1;
      }
    }
  }

  private keepRefused(waiting: Waiting, code: string, words: string): void {
    const all = [...this.refused, { ...waiting, code, words }].slice(-REFUSED_MOST);
    this.shelf.setItem(REFUSED, JSON.stringify(all));
  }

  /** The first presses of a person that are for one car. */
  private batch(user: string, most: number): { key: string; waiting: Waiting }[] {
    const found: { key: string; waiting: Waiting }[] = [];
    for (const key of this.keys()) {
      const waiting = this.read(key);
      if (!waiting || waiting.user !== user) continue;
      if (found.length > 0 && found[0]!.waiting.car !== waiting.car) break;
      found.push({ key, waiting });
      if (found.length === most) break;
    }
    return found;
  }

  private read(key: string): Waiting | null {
    try {
      return JSON.parse(this.shelf.getItem(key) ?? 'null') as Waiting | null;
    } catch {
      return null;
    }
  }

  private keys(): string[] {
    const found: string[] = [];
    for (let i = 0; i < this.shelf.length; i++) {
      const key = this.shelf.key(i);
      if (key?.startsWith(KEY) && this.read(key)) found.push(key);
    }
    return found.sort();
  }
}

/** The drive as it stands once the station has heard what was pressed: the same rules as there. */
export function withPresses(drive: Drive, presses: Press[]): Drive {
  const stops = drive.stops.map((stop) => ({ ...stop }));
  let paused = drive.paused;
  for (const press of presses) {
    if (press.sortie_id !== drive.id) continue;
    if (press.kind === 'pause' || press.kind === 'go_on') paused = press.kind === 'pause';
    const stop = press.stop === undefined ? undefined : stops[press.stop];
    if (!stop) continue;
    if (press.kind === 'arrived' && ['ahead', 'left_out'].includes(stop.state)) stop.state = 'arrived';
    else if (press.kind === 'done') stop.state = 'done';
    else if (press.kind === 'cannot' && stop.state !== 'done') {
      stop.state = 'left_out';
      stop.reason = press.reason ?? null;
    }
  }
  return { ...drive, stops, paused, next: nextOf(stops) };
}

const isOpen = (stop: Stop): boolean => stop.state === 'ahead' || stop.state === 'arrived';

/** The first stop that is still to be done, after the last one that was. */
export function nextOf(stops: Stop[]): number | null {
  const last = stops.map(isOpen).lastIndexOf(false);
  const found = stops.slice(last + 1).find(isOpen) ?? stops.find(isOpen);
  return found ? found.number : null;
}
