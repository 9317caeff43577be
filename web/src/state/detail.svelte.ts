/** The incident that is open: its whole story, and what a person does with it. */
import { api } from '../api/client';
import type { Incident } from '../api/types';
import { asProblem, type Problem } from '../core/problem';
import { world } from './world.svelte';

export type Sheet = 'none' | 'reject' | 'assign' | 'complete' | 'take_over' | 'closure';

let incident = $state.raw<Incident | null>(null);
let problem = $state.raw<Problem | null>(null);
let refusal = $state.raw<Problem | null>(null);
let busy = $state('');
let sheet = $state<Sheet>('none');
let wanted = '';
let looking = '';

async function fetchDetail(id: string): Promise<void> {
  try {
    const next = await api.incident(id);
    if (wanted !== id) return;
    incident = next;
    problem = null;
    world.takeIncident(next);
  } catch (error) {
    if (wanted === id) problem = asProblem(error);
  }
}

async function run(name: string, ask: () => Promise<Incident>): Promise<boolean> {
  if (!incident || busy) return false;
  const id = incident.id;
  busy = name;
  refusal = null;
  try {
    const next = await ask();
    world.takeIncident(next);
    if (wanted === id) {
      incident = { ...incident, ...next };
      sheet = 'none';
      if (!next.timeline) await fetchDetail(id);
    }
    return true;
  } catch (error) {
    refusal = asProblem(error);
    if (refusal.code === 'claimed_by_other' || refusal.code === 'illegal_move') void fetchDetail(id);
    return false;
  } finally {
    busy = '';
  }
}

export const detail = {
  get incident(): Incident | null {
    return incident;
  },
  /** Why the incident could not be loaded. */
  get problem(): Problem | null {
    return problem;
  },
  /** Why the last action was refused. */
  get refusal(): Problem | null {
    return refusal;
  },
  get busy(): string {
    return busy;
  },
  get sheet(): Sheet {
    return sheet;
  },
  set sheet(next: Sheet) {
    sheet = next;
    refusal = null;
  },
  may(action: string): boolean {
    return incident?.actions.includes(action) ?? false;
  },
  dropRefusal(): void {
    refusal = null;
  },

  /**
   * Opens an incident, or loads it anew when the stream says that it has changed, or when
   * another person looks: what may be done differs.
   */
  follow(id: string | null, version: number | undefined, who: string): void {
    if (id !== wanted || who !== looking) {
      wanted = id ?? '';
      looking = who;
      incident = null;
      problem = null;
      refusal = null;
      sheet = 'none';
      if (id) void fetchDetail(id);
    } else if (id && incident && version !== undefined && version > incident.version && !busy) {
      void fetchDetail(id);
    }
  },
  reload(): void {
    problem = null;
    if (wanted) void fetchDetail(wanted);
  },

  claim: (reason?: string) => run('claim', () => api.claim(incident!.id, reason)),
  release: () => run('release', () => api.release(incident!.id)),
  confirm: () => run('confirm', () => api.decide(incident!.id, 'confirm', '')),
  reject: (reason: string) => run('reject', () => api.decide(incident!.id, 'reject', reason)),
  reopen: (reason: string) => run('reopen', () => api.decide(incident!.id, 'reopen', reason)),
  assign: (agency: string, note: string) => run('assign', () => api.assign(incident!.id, agency, note)),
  complete: (photo: File, note: string) => run('complete', () => api.complete(incident!.id, photo, note)),
  closure: (accept: boolean, note: string) => run('closure', () => api.closure(incident!.id, accept, note)),
};
