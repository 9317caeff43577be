/** Where the next stop lies from the car, and what is worth saying about it; pure. */
import type { Position } from 'geojson';
import { distance, lineLength, metresPerDegree } from '../core/geometry';
import type { Drive, Stop } from './types';

export type Direction = 'ahead' | 'half_right' | 'right' | 'behind' | 'left' | 'half_left';

/** Nearer than this, the car is at the stop. */
export const HERE_M = 40;
const NEAR_M = 200;
/** As far from its line, the car has to come back to it first. */
const OFF_LINE_M = 25;

export interface Aim {
  stop: Stop;
  /** Along the line. */
  metres: number;
  /** The way there, from the car on. */
  line: Position[];
  /** Of the first stretch of the way, clockwise from north. */
  bearing: number;
}

export function bearing(a: Position, b: Position): number {
  const scale = metresPerDegree(((a[1] ?? 0) + (b[1] ?? 0)) / 2);
  const east = ((b[0] ?? 0) - (a[0] ?? 0)) * scale.lon;
  const north = ((b[1] ?? 0) - (a[1] ?? 0)) * scale.lat;
  return ((Math.atan2(east, north) * 180) / Math.PI + 360) % 360;
}

/** The place of a stretch that is nearest to a point. */
export function nearestOn(a: Position, b: Position, p: Position): Position {
  const scale = metresPerDegree(p[1] ?? 0);
  const bx = (b[0]! - a[0]!) * scale.lon;
  const by = (b[1]! - a[1]!) * scale.lat;
  const px = (p[0]! - a[0]!) * scale.lon;
  const py = (p[1]! - a[1]!) * scale.lat;
  const square = bx * bx + by * by;
  const t = square > 0 ? Math.min(1, Math.max(0, (px * bx + py * by) / square)) : 0;
  return [a[0]! + t * (b[0]! - a[0]!), a[1]! + t * (b[1]! - a[1]!)];
}

/** The place some metres along a line; its end where it is shorter. */
function along(line: Position[], metres: number): Position {
  let left = metres;
  for (let i = 1; i < line.length; i++) {
    const length = distance(line[i - 1]!, line[i]!);
    if (length >= left && length > 0) {
      const t = left / length;
      const [a, b] = [line[i - 1]!, line[i]!];
      return [a[0]! + t * (b[0]! - a[0]!), a[1]! + t * (b[1]! - a[1]!)];
    }
    left -= length;
  }
  return line[line.length - 1]!;
}

/** The next stop of a drive as seen from the car; `null` where there is none. */
export function aim(drive: Drive, here: Position | null): Aim | null {
  const stop = drive.next === null ? undefined : drive.stops[drive.next];
  if (!stop) return null;
  const path = drive.path?.coordinates ?? [];
  const passed = drive.stops.filter((one) => one.item < stop.item && one.state !== 'ahead');
  const from = Math.min(stop.item, Math.max(0, ...passed.map((one) => one.item), drive.reached - 1));
  if (!here) {
    const line = path.slice(from, stop.item + 1);
    return { stop, metres: lineLength(line), line, bearing: turnOf(line) };
  }
  let best: { index: number; place: Position; off: number } | null = null;
  for (let i = from; i < stop.item; i++) {
    const place = nearestOn(path[i]!, path[i + 1]!, here);
    const off = distance(place, here);
    if (!best || off < best.off) best = { index: i, place, off };
  }
  const line: Position[] = best
    ? [...(best.off > OFF_LINE_M ? [here] : []), best.place, ...path.slice(best.index + 1, stop.item + 1)]
    : [here, [...stop.place]];
  return { stop, metres: lineLength(line), line, bearing: turnOf(line) };
}

function turnOf(line: Position[]): number {
  if (line.length < 2) return 0;
  return bearing(line[0]!, along(line, Math.min(60, Math.max(1, lineLength(line)))));
}

/** Where something lies for somebody who looks along a course. */
export function direction(toBearing: number, course: number): Direction {
  const turn = ((((toBearing - course) % 360) + 540) % 360) - 180;
  const aside = Math.abs(turn);
  if (aside <= 30) return 'ahead';
  if (aside > 150) return 'behind';
  const side = turn > 0 ? 'right' : 'left';
  return aside <= 65 ? `half_${side}` : side;
}

/** Metres as a driver wants them: no more exact than they are. */
export function rough(metres: number): { value: number; unit: 'm' | 'km' } {
  if (metres >= 950) return { value: Math.round(metres / 100) / 10, unit: 'km' };
  const step = metres >= 200 ? 50 : 10;
  return { value: Math.max(step, Math.round(metres / step) * step), unit: 'm' };
}

export type Prompt =
  | { say: 'start'; stops: number }
  | { say: 'next' | 'near'; stop: number; metres: number; direction: Direction | null }
  | { say: 'here'; stop: number }
  | { say: 'all_done' | 'hold' | 'return' | 'over' | 'offline' | 'online' };

/** What has been said already, so that nothing is said twice. */
export interface Said {
  drive: string | null;
  stop: number | null;
  near: number | null;
  here: number | null;
  state: string;
  online: boolean;
}
export const NOTHING_SAID: Said = {
  drive: null,
  stop: null,
  near: null,
  here: null,
  state: '',
  online: true,
};

/** What is to be said now, and what has been said then. */
export function prompts(
  said: Said,
  drive: Drive | null,
  target: Aim | null,
  course: number | null,
  online: boolean,
): { said: Said; say: Prompt[] } {
  const say: Prompt[] = [];
  if (online !== said.online) say.push({ say: online ? 'online' : 'offline' });
  if (!drive) {
    if (said.drive) say.push({ say: 'over' });
    return { said: { ...NOTHING_SAID, online }, say };
  }
  const now = said.drive === drive.id ? { ...said, online } : { ...NOTHING_SAID, online, drive: drive.id };
  if (said.drive !== drive.id) say.push({ say: 'start', stops: drive.stops.length });
  if (drive.state !== now.state) {
    if (drive.state === 'holding' && !drive.paused) say.push({ say: 'hold' });
    if (drive.state === 'returning') say.push({ say: 'return' });
    now.state = drive.state;
  }
  if (!target) {
    if (now.stop !== -1 && drive.stops.length > 0) {
      say.push({ say: 'all_done' });
      now.stop = -1;
    }
    return { said: now, say };
  }
  const { stop, metres } = target;
  const towards = course === null ? null : direction(target.bearing, course);
  const arrived = stop.state === 'arrived' || metres <= HERE_M;
  if (now.stop !== stop.number) {
    now.stop = stop.number;
    if (!arrived) say.push({ say: 'next', stop: stop.number, metres, direction: towards });
    if (metres <= NEAR_M) now.near = stop.number;
  }
  if (arrived) {
    if (now.here !== stop.number && stop.state !== 'arrived') say.push({ say: 'here', stop: stop.number });
    now.here = stop.number;
    now.near = stop.number;
  } else if (now.near !== stop.number && metres <= NEAR_M) {
    now.near = stop.number;
    say.push({ say: 'near', stop: stop.number, metres, direction: towards });
  }
  return { said: now, say };
}
