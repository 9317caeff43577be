/** The patrol that is open: its plan, what was found wrong with it, its sorties. */
import type { LineString } from 'geojson';
import { api, findingsOf } from '../api/client';
import type { Finding, Plan, Sortie } from '../api/types';
import { boundsOf } from '../core/geometry';
import { asProblem, type Problem } from '../core/problem';
import { ui } from './ui.svelte';
import { world } from './world.svelte';

export const RUNNING = ['planned', 'authorised', 'underway', 'holding', 'returning'];

let plan = $state.raw<Plan | null>(null);
let refused = $state.raw<Finding[]>([]);
let problem = $state.raw<Problem | null>(null);
let busy = $state('');
let shown = $state<string | null>(null);

const newestFirst = (a: Sortie, b: Sortie): number => {
  const one = a.started_at ?? a.events[0]?.at ?? '9';
  const two = b.started_at ?? b.events[0]?.at ?? '9';
  return one < two ? 1 : one > two ? -1 : 0;
};

const sorted = $derived(Object.values(world.sorties).sort(newestFirst));

const path = $derived.by((): LineString | null => {
  if (ui.view === 'patrols') {
    const flown = shown ? world.sorties[shown]?.path : null;
    if (flown) return flown;
    return plan && plan.patrol_id === ui.selected && plan.path.coordinates.length > 1 ? plan.path : null;
  }
  if (ui.view === 'live' && ui.selected) {
    const running = sorted.find((one) => one.asset_id === ui.selected && RUNNING.includes(one.state));
    return running?.path ?? null;
  }
  return null;
});

async function run<T>(name: string, ask: () => Promise<T>): Promise<T | null> {
  busy = name;
  problem = null;
  try {
    return await ask();
  } catch (error) {
    problem = asProblem(error);
    return null;
  } finally {
    busy = '';
  }
}

export const patrols = {
  get plan(): Plan | null {
    return plan && plan.patrol_id === ui.selected ? plan : null;
  },
  /** Findings that came with a refused start. */
  get refused(): Finding[] {
    return refused;
  },
  get problem(): Problem | null {
    return problem;
  },
  get busy(): string {
    return busy;
  },
  get path(): LineString | null {
    return path;
  },
  get sorties(): Sortie[] {
    return sorted;
  },
  get shown(): string | null {
    return shown;
  },
  show(sortie: string | null): void {
    shown = sortie;
    const line = sortie ? world.sorties[sortie]?.path : null;
    if (line) ui.showBounds(boundsOf(line));
  },
  open(patrol: string | null): void {
    plan = null;
    refused = [];
    problem = null;
    shown = null;
    ui.open('patrols', patrol);
  },
  async makePlan(patrol: string): Promise<void> {
    refused = [];
    shown = null;
    ui.mark = null;
    const made = await run('plan', () => api.plan(patrol));
    if (!made) return;
    plan = made;
    ui.showBounds(boundsOf(made.path));
  },
  async start(patrol: string): Promise<void> {
    refused = [];
    const sortie = await run('start', () => api.startSortie(patrol));
    if (sortie) {
      world.takeSortie(sortie);
      shown = sortie.id;
    } else if (problem) refused = findingsOf(problem);
  },
  async order(sortie: string, order: 'hold' | 'resume' | 'return'): Promise<void> {
    const next = await run(`${order} ${sortie}`, () => api.order(sortie, order));
    if (next) world.takeSortie(next);
  },
  async create(name: string, asset: string, zones: string[], altitude: number | null): Promise<boolean> {
    const made = await run('create', () =>
      api.createPatrol({ name, asset_id: asset, zone_ids: zones, altitude_m: altitude }),
    );
    if (!made) return false;
    world.takePatrol(made);
    patrols.open(made.id);
    return true;
  },
  dropProblem(): void {
    problem = null;
  },
};
