/** Positions on their way to the station: in the browser's database until they have arrived. */
import type { Fix } from './types';

const NAME = 'qyran-driver';
const STORE = 'fixes';
/** Some thirty hours of driving without a network; beyond, the oldest go first. */
const MOST = 60_000;

export interface KeptFix {
  user: string;
  car: string;
  fix: Fix;
}
type Row = { key: number; kept: KeptFix };

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('the database failed'));
  });
}

/** A queue of positions; without a database (a private window) it is kept in memory alone. */
export class Fixes {
  private memory: Row[] = [];
  private serial = 0;
  private opened: Promise<IDBDatabase | null>;

  constructor() {
    this.opened = this.open();
  }

  private async open(): Promise<IDBDatabase | null> {
    try {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE, { autoIncrement: true });
      return await done(request);
    } catch {
      return null;
    }
  }

  private async store(mode: IDBTransactionMode): Promise<IDBObjectStore | null> {
    const database = await this.opened;
    return database ? database.transaction(STORE, mode).objectStore(STORE) : null;
  }

  async add(kept: KeptFix): Promise<void> {
    const store = await this.store('readwrite');
    if (!store) {
      this.memory.push({ key: (this.serial += 1), kept });
      if (this.memory.length > MOST) this.memory.shift();
      return;
    }
    const count = await done(store.count());
    if (count >= MOST) {
      const cursor = await done(store.openCursor());
      cursor?.delete();
    }
    await done(store.add(kept));
  }

  async count(): Promise<number> {
    const store = await this.store('readonly');
    return store ? done(store.count()) : this.memory.length;
  }

  /** The oldest of one person that are for one car. */
  async oldest(user: string, most: number): Promise<Row[]> {
    const rows = await this.all(most * 4);
    const own = rows.filter((row) => row.kept.user === user);
    return own.filter((row) => row.kept.car === own[0]!.kept.car).slice(0, most);
  }

  private async all(most: number): Promise<Row[]> {
    const store = await this.store('readonly');
    if (!store) return this.memory.slice(0, most);
    const keys = done(store.getAllKeys(null, most));
    const values = done(store.getAll(null, most) as IDBRequest<KeptFix[]>);
    const [found, kept] = await Promise.all([keys, values]);
    return found.map((key, i) => ({ key: Number(key), kept: kept[i]! }));
  }

  async drop(rows: Row[]): Promise<void> {
    const store = await this.store('readwrite');
    const gone = new Set(rows.map((row) => row.key));
    if (!store) {
      this.memory = this.memory.filter((row) => !gone.has(row.key));
      return;
    }
    await Promise.all([...gone].map((key) => done(store.delete(key))));
  }
}
