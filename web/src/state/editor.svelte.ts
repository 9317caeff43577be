/** The zone that is being drawn or changed: its border, its words, its way back. */
import { api } from '../api/client';
import type { Datum, Purpose, Zone, ZoneGeometry, ZoneProperties } from '../api/types';
import { ringArea, ringFault, tidyRing, type Ring, type RingFault } from '../core/geometry';
import { History } from '../core/history';
import { asProblem, type Problem } from '../core/problem';
import { ui } from './ui.svelte';
import { world } from './world.svelte';

export type Phase = 'off' | 'drawing' | 'shaping' | 'words';

export interface Form {
  name: string;
  purpose: 'watch' | 'flight' | 'both';
  kind: 'inclusion' | 'exclusion';
  floor: string;
  ceiling: string;
  datum: Datum;
  rules: string[];
  reason: string;
}

export const RULES = ['vehicle_stopped', 'waste_heap'];
export const DATUMS: Datum[] = ['home', 'ground', 'geoid', 'ellipsoid'];

const blank = (): Form => ({
  name: '',
  purpose: 'watch',
  kind: 'inclusion',
  floor: '',
  ceiling: '',
  datum: 'home',
  rules: [...RULES],
  reason: '',
});

export type Fault = { code: RingFault | 'refused'; text: string; place: [number, number] | null };

/** What the map does with the border; set by the map while it is there. */
export interface Hand {
  draw: () => void;
  shape: (ring: Ring) => void;
  stop: () => void;
  undo: () => void;
  redo: () => void;
}

let phase = $state<Phase>('off');
let form = $state<Form>(blank());
let original = $state.raw<Zone | null>(null);
let ring = $state.raw<Ring | null>(null);
let fault = $state.raw<Fault | null>(null);
let problem = $state.raw<Problem | null>(null);
let newer = $state.raw<Zone | null>(null);
let saving = $state(false);
let canUndo = $state(false);
let canRedo = $state(false);
let hand: Hand | null = null;
const history = new History<Ring>();
let checking: AbortController | null = null;
let checkTimer: ReturnType<typeof setTimeout> | undefined;

function judge(final: boolean): void {
  clearTimeout(checkTimer);
  checking?.abort();
  if (!ring || phase === 'drawing') {
    fault = null;
    ui.mark = null;
    return;
  }
  const found = ringFault(ring);
  fault = found
    ? { code: found.fault, text: '', place: found.place ? [found.place[0]!, found.place[1]!] : null }
    : null;
  ui.mark = fault?.place ? { place: fault.place, tone: 'error' } : null;
  if (!found && final) {
    const geometry: ZoneGeometry = { type: 'Polygon', coordinates: [tidyRing(ring)] };
    checkTimer = setTimeout(() => void ask(geometry), 350);
  }
}

async function ask(geometry: ZoneGeometry): Promise<void> {
  checking = new AbortController();
  const mine = checking;
  try {
    const answer = await api.checkZone(geometry, mine.signal);
    if (mine.signal.aborted || phase === 'off' || answer.valid) return;
    fault = { code: 'refused', text: answer.message, place: answer.place };
    ui.mark = answer.place ? { place: answer.place, tone: 'error' } : null;
  } catch {
    // The save will say it if it still matters.
  }
}

function steps(): void {
  canUndo = history.canUndo;
  canRedo = history.canRedo;
}

const height = (text: string | number | null): number | null => {
  const trimmed = String(text ?? '').trim().replace(',', '.');
  return trimmed === '' ? null : Number(trimmed);
};

export const editor = {
  get phase(): Phase {
    return phase;
  },
  get form(): Form {
    return form;
  },
  get original(): Zone | null {
    return original;
  },
  get ring(): Ring | null {
    return ring;
  },
  get fault(): Fault | null {
    return fault;
  },
  get problem(): Problem | null {
    return problem;
  },
  /** What somebody else has saved meanwhile. */
  get newer(): Zone | null {
    return newer;
  },
  get saving(): boolean {
    return saving;
  },
  get canUndo(): boolean {
    return canUndo;
  },
  get canRedo(): boolean {
    return canRedo;
  },
  get area(): number {
    return ring ? ringArea([...ring, ring[0]!]) : 0;
  },
  /** Whether floor and ceiling are numbers in the right order. */
  get heightsWrong(): boolean {
    if (form.purpose === 'watch') return false;
    const floor = height(form.floor);
    const ceiling = height(form.ceiling);
    if (Number.isNaN(floor) || Number.isNaN(ceiling)) return true;
    return floor !== null && ceiling !== null && floor >= ceiling;
  },
  get ready(): boolean {
    const shaped = phase === 'words' || (phase === 'shaping' && ring !== null && fault === null);
    return shaped && form.name.trim() !== '' && !editor.heightsWrong && !saving;
  },

  attach(next: Hand | null): void {
    hand = next;
    if (phase === 'drawing') hand?.draw();
    if (phase === 'shaping' && ring) hand?.shape(ring);
  },

  begin(): void {
    editor.close();
    form = blank();
    phase = 'drawing';
    hand?.draw();
  },
  edit(zone: Zone): void {
    editor.close();
    original = zone;
    const p = zone.properties;
    form = {
      name: p.name,
      purpose: p.purpose.length > 1 ? 'both' : (p.purpose[0] ?? 'watch'),
      kind: p.kind,
      floor: p.floor_m === null ? '' : String(p.floor_m),
      ceiling: p.ceiling_m === null ? '' : String(p.ceiling_m),
      datum: p.datum,
      rules: [...p.rules],
      reason: p.reason,
    };
    const rings = zone.geometry.type === 'Polygon' ? zone.geometry.coordinates : [];
    if (rings.length === 1) {
      ring = tidyRing(rings[0]!);
      history.push(ring);
      phase = 'shaping';
      hand?.shape(ring);
    } else {
      // Several parts or holes: the border stays as it is, the words can be changed.
      phase = 'words';
    }
    steps();
  },
  close(): void {
    clearTimeout(checkTimer);
    checking?.abort();
    phase = 'off';
    original = null;
    ring = null;
    fault = null;
    problem = null;
    newer = null;
    history.clear();
    steps();
    ui.mark = null;
    hand?.stop();
  },

  moving(next: Ring): void {
    ring = next;
    judge(false);
  },
  closed(next: Ring): void {
    ring = tidyRing(next);
    phase = 'shaping';
    history.clear();
    history.push(ring);
    steps();
    // The drawing library is still inside its own event.
    queueMicrotask(() => ring && hand?.shape(ring));
    judge(true);
  },
  shaped(next: Ring): void {
    ring = tidyRing(next);
    history.push(ring);
    steps();
    judge(true);
  },
  drawingSteps(undo: boolean, redo: boolean): void {
    canUndo = undo;
    canRedo = redo;
  },
  /** Replaces the border as a whole, as typed corners do. */
  replace(next: Ring): void {
    if (next.length < 4) {
      // One or two corners are no border yet: nothing to tidy, nothing to put on the map.
      ring = next;
      judge(false);
      return;
    }
    ring = tidyRing(next);
    phase = 'shaping';
    history.push(ring);
    steps();
    hand?.shape(ring);
    judge(true);
  },
  undo(): void {
    if (phase === 'drawing') return hand?.undo();
    ring = history.undo() ?? null;
    steps();
    if (ring) hand?.shape(ring);
    judge(true);
  },
  redo(): void {
    if (phase === 'drawing') return hand?.redo();
    ring = history.redo() ?? null;
    steps();
    if (ring) hand?.shape(ring);
    judge(true);
  },

  /** Saves; `over` says which newer version is to be overwritten. */
  async save(over?: Zone): Promise<Zone | null> {
    if (!editor.ready) return null;
    const geometry: ZoneGeometry =
      phase === 'words' && original
        ? original.geometry
        : { type: 'Polygon', coordinates: [tidyRing(ring ?? [])] };
    const purpose: Purpose[] = form.purpose === 'both' ? ['watch', 'flight'] : [form.purpose];
    const flies = purpose.includes('flight');
    const properties: Partial<ZoneProperties> = {
      name: form.name.trim(),
      purpose,
      kind: flies ? form.kind : 'inclusion',
      floor_m: flies ? height(form.floor) : null,
      ceiling_m: flies ? height(form.ceiling) : null,
      datum: form.datum,
      rules: purpose.includes('watch') ? [...form.rules] : [],
      active: original?.properties.active ?? true,
      // what the form has no field for is kept as it was
      ...(original?.properties.windows ? { windows: original.properties.windows } : {}),
      ...(original?.properties.priority ? { priority: original.properties.priority } : {}),
      owner: original?.properties.owner ?? null,
      reason: form.reason.trim(),
    };
    saving = true;
    problem = null;
    try {
      const zone = original
        ? await api.changeZone(original.id, (over ?? original).properties.version, geometry, properties)
        : await api.createZone(geometry, properties);
      world.takeZone(zone);
      editor.close();
      return zone;
    } catch (error) {
      problem = asProblem(error);
      newer = null;
      if (problem.status === 412 && original) {
        try {
          newer = await api.zone(original.id);
          world.takeZone(newer);
        } catch {
          // Gone altogether: the refusal above says enough.
        }
      }
      return null;
    } finally {
      saving = false;
    }
  },
};
