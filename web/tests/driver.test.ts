import { describe, expect, it } from 'vitest';
import { Problem } from '../src/core/problem';
import { NOTHING_SAID, aim, direction, prompts, rough, type Said } from '../src/driver/guide';
import { Presses, nextOf, withPresses, type Shelf } from '../src/driver/presses';
import type { Drive, Press, PressAnswer, Stop } from '../src/driver/types';

class Disk implements Shelf {
  kept = new Map<string, string>();
  get length(): number {
    return this.kept.size;
  }
  key = (index: number): string | null => [...this.kept.keys()][index] ?? null;
  getItem = (key: string): string | null => this.kept.get(key) ?? null;
  setItem = (key: string, value: string): void => void this.kept.set(key, value);
  removeItem = (key: string): void => void this.kept.delete(key);
}

/** A station that keeps each press once, behind a network that fails as it is told to. */
class Station {
  kept: string[] = [];
  constructor(private readonly faults: ('before' | 'after' | number | null)[] = []) {}
  post = async (_car: string, presses: Press[]): Promise<{ answers: PressAnswer[]; sheet: null }> => {
    const fault = this.faults.shift() ?? null;
    if (fault === 'before') throw new Problem(0, { code: 'unreachable' });
    if (typeof fault === 'number') throw new Problem(fault, { code: 'told' });
    const answers = presses.map((press): PressAnswer => {
      const known = this.kept.includes(press.id);
      if (!known) this.kept.push(press.id);
      return { id: press.id, outcome: known ? 'repeated' : 'kept', code: '', words: '' };
    });
    if (fault === 'after') throw new Problem(0, { code: 'unreachable' });
    return { answers, sheet: null };
  };
}

const press = (n: number, more: Partial<Press> = {}): Press => ({
  id: `tap-${String(n).padStart(8, '0')}`,
  kind: 'done',
  at: '2026-11-20T09:00:00Z',
  sortie_id: 's',
  stop: n,
  ...more,
});

describe('presses', () => {
  it('arrive once each and in order, whatever the network does', async () => {
    let seed = 7;
    const roll = (n: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed % n;
    };
    for (let run = 0; run < 60; run++) {
      const faults = Array.from({ length: 12 }, () => ([null, 'before', 'after', 503, 401, 429] as const)[roll(6)]!);
      const station = new Station(faults);
      const disk = new Disk();
      const made: string[] = [];
      for (let step = 0; step < 40; step++) {
        // the page is loaded anew each time: nothing but the disk remembers
        const queue = new Presses(disk, station.post);
        if (step < 20 && roll(2)) {
          queue.add('anna', 'car-1', press(made.length));
          made.push(press(made.length).id);
        }
        await queue.flush('anna');
      }
      expect(station.kept).toEqual(made);
      expect(new Presses(disk, station.post).waiting).toEqual([]);
    }
  });

  it('of two windows do not overwrite each other', () => {
    const disk = new Disk();
    const [one, two] = [new Presses(disk, new Station().post), new Presses(disk, new Station().post)];
    one.add('anna', 'car-1', press(1));
    two.add('anna', 'car-1', press(2));
    one.add('anna', 'car-1', press(3));
    expect(one.waiting.map((waiting) => waiting.press.stop)).toEqual([1, 2, 3]);
  });

  it('that the station can not read are put aside and hold up nothing', async () => {
    const disk = new Disk();
    const bad = new Set(['tap-00000002']);
    const station = new Station();
    const queue = new Presses(disk, async (car, some) => {
      if (some.some((one) => bad.has(one.id))) throw new Problem(422, { code: 'bad_request', detail: 'no' });
      return station.post(car, some);
    });
    for (const n of [1, 2, 3]) queue.add('anna', 'car-1', press(n));
    const flushed = await queue.flush('anna');
    expect(flushed.problem).toBeNull();
    expect(station.kept).toEqual([press(1).id, press(3).id]);
    expect(queue.refused.map((one) => [one.press.id, one.code])).toEqual([[press(2).id, 'bad_request']]);
  });

  it('of another person at the same phone wait for that person', async () => {
    const disk = new Disk();
    const station = new Station();
    const queue = new Presses(disk, station.post);
    queue.add('anna', 'car-1', press(1));
    queue.add('bolat', 'car-1', press(2));
    await queue.flush('bolat');
    expect(station.kept).toEqual([press(2).id]);
    await queue.flush('anna');
    expect(station.kept).toEqual([press(2).id, press(1).id]);
  });
});

const stop = (number: number, item: number, place: [number, number], state: Stop['state'] = 'ahead'): Stop => ({
  number,
  item,
  place,
  stay_s: 0,
  state,
  reason: null,
});
// an L: 700 m east, then 1,100 m north
const A: [number, number] = [71.35, 50.97];
const B: [number, number] = [71.36, 50.97];
const C: [number, number] = [71.36, 50.98];
const drive = (...states: Stop['state'][]): Drive => {
  const stops = [stop(0, 0, A, states[0]), stop(1, 1, B, states[1]), stop(2, 2, C, states[2])];
  return {
    id: 's',
    name: 'Round',
    state: 'underway',
    reached: 0,
    path: { type: 'LineString', coordinates: [A, B, C] },
    stops,
    next: nextOf(stops),
    paused: false,
  };
};

describe('the next stop', () => {
  it('follows what was pressed before the station knows of it', () => {
    const present = withPresses(drive(), [press(0), press(1, { kind: 'arrived' }), press(2, { sortie_id: 'other' })]);
    expect(present.stops.map((one) => one.state)).toEqual(['done', 'arrived', 'ahead']);
    expect(present.next).toBe(1);
    const late = withPresses(drive('passed', 'done'), [press(1, { kind: 'cannot', reason: 'danger' })]);
    expect(late.stops[1]!.state).toBe('done');
    expect(withPresses(drive(), [press(0, { kind: 'pause' })]).paused).toBe(true);
  });

  it('is the first open one behind the last that is done, then what was left before', () => {
    expect(drive('ahead', 'done', 'ahead').next).toBe(2);
    expect(drive('ahead', 'done', 'left_out').next).toBe(0);
    expect(drive('passed', 'done', 'left_out').next).toBeNull();
  });

  it('lies along the line, not as the crow flies', () => {
    const found = aim(drive('done', 'done'), [71.3601, 50.971])!;
    expect(found.stop.number).toBe(2);
    expect(found.metres).toBeGreaterThan(990);
    expect(found.metres).toBeLessThan(1010);
    expect(direction(found.bearing, 0)).toBe('ahead');
    expect(direction(found.bearing, 90)).toBe('left');
    const around = aim(drive('done', 'ahead'), [71.352, 50.9702])!;
    expect(around.metres).toBeGreaterThan(550);
    expect(direction(around.bearing, 90)).toBe('ahead');
    expect(aim(drive('done', 'done', 'done'), A)).toBeNull();
  });

  it('is shown without a position too', () => {
    expect(aim(drive('done'), null)!.line).toEqual([A, B]);
  });

  it('has distances no more exact than they are', () => {
    expect([3, 44, 163, 412, 949, 950, 12_345].map((metres) => Object.values(rough(metres)).join(' '))).toEqual([
      '10 m', '40 m', '160 m', '400 m', '950 m', '1 km', '12.3 km',
    ]);
  });
});

describe('prompts', () => {
  const told = (said: Said, present: Drive | null, place: [number, number], online = true) => {
    const found = prompts(said, present, present && aim(present, place), 90, online);
    return { said: found.said, kinds: found.say.map((one) => one.say) };
  };

  it('are said once each as the car comes nearer', () => {
    let said = NOTHING_SAID;
    const kinds: string[][] = [];
    for (const lon of [71.35, 71.351, 71.3555, 71.358, 71.359, 71.3599, 71.36]) {
      const found = told(said, drive('done'), [lon, 50.97]);
      said = found.said;
      kinds.push(found.kinds);
    }
    expect(kinds).toEqual([['start', 'next'], [], [], ['near'], [], ['here'], []]);
    expect(told(said, drive('done', 'done'), B).kinds).toEqual(['next']);
    expect(told(said, drive('done', 'done', 'done'), C).kinds).toEqual(['all_done']);
  });

  it('tell of orders, of the network and of the end', () => {
    const { said } = told(NOTHING_SAID, drive('done'), A);
    expect(told(said, { ...drive('done'), state: 'holding' }, A).kinds).toEqual(['hold']);
    expect(told(said, { ...drive('done'), state: 'holding', paused: true }, A).kinds).toEqual([]);
    expect(told(said, { ...drive('done'), state: 'returning' }, A).kinds).toEqual(['return']);
    const cut = told(said, drive('done'), A, false);
    expect(cut.kinds).toEqual(['offline']);
    expect(told(cut.said, drive('done'), A).kinds).toEqual(['online']);
    expect(told(said, null, A).kinds).toEqual(['over']);
  });
});
