/** The review queue: which incidents, in which order, how many of each. */
import type { Incident, IncidentState } from '../api/types';
import { ui } from './ui.svelte';
import { PAST_STATES, world } from './world.svelte';

export type StateFilter = 'active' | 'open' | 'confirmed' | 'assigned' | 'done' | 'past';
export const STATE_FILTERS: StateFilter[] = ['active', 'open', 'confirmed', 'assigned', 'done', 'past'];

let state = $state<StateFilter>('active');
let kind = $state('all');
let zone = $state('all');

const past = (one: IncidentState): boolean => PAST_STATES.includes(one);

function fits(incident: Incident, filter: StateFilter): boolean {
  if (filter === 'active') return !past(incident.state);
  if (filter === 'past') return past(incident.state);
  return incident.state === filter;
}

const matching = $derived(
  Object.values(world.incidents).filter(
    (one) => (kind === 'all' || one.kind === kind) && (zone === 'all' || one.zone_id === zone),
  ),
);

const list = $derived(
  matching
    .filter((one) => fits(one, state))
    .sort((a, b) => (a.opened_at < b.opened_at ? 1 : a.opened_at > b.opened_at ? -1 : a.id < b.id ? 1 : -1)),
);

const counts = $derived.by(() => {
  const numbers = Object.fromEntries(STATE_FILTERS.map((filter) => [filter, 0])) as Record<StateFilter, number>;
  for (const one of matching) for (const filter of STATE_FILTERS) if (fits(one, filter)) numbers[filter] += 1;
  return numbers;
});

const active = $derived(Object.values(world.incidents).filter((one) => !past(one.state)));

const zones = $derived(
  [...new Map(Object.values(world.incidents).map((one) => [one.zone_id, one.zone_name])).entries()].sort((a, b) =>
    a[1].localeCompare(b[1]),
  ),
);
const kinds = $derived([...new Set(Object.values(world.incidents).map((one) => one.kind))].sort());

export const queue = {
  get state(): StateFilter {
    return state;
  },
  set state(next: StateFilter) {
    state = next;
    if (next === 'past') void world.loadPast();
  },
  get kind(): string {
    return kind;
  },
  set kind(next: string) {
    kind = next;
  },
  get zone(): string {
    return zone;
  },
  set zone(next: string) {
    zone = next;
  },
  get zones(): [string, string][] {
    return zones;
  },
  get kinds(): string[] {
    return kinds;
  },
  get list(): Incident[] {
    return list;
  },
  get counts(): Record<StateFilter, number> {
    return counts;
  },
  get openCount(): number {
    return active.filter((one) => one.state === 'open').length;
  },
  get onMap(): Incident[] {
    if (ui.view !== 'incidents') return active;
    const chosen = ui.selected ? world.incidents[ui.selected] : undefined;
    return chosen && !list.includes(chosen) ? [...list, chosen] : list;
  },
  /** The neighbour of the selected incident in the list. */
  neighbour(step: 1 | -1): string | null {
    if (list.length === 0) return null;
    const at = list.findIndex((one) => one.id === ui.selected);
    if (at < 0) return list[step > 0 ? 0 : list.length - 1]!.id;
    return list[Math.min(Math.max(at + step, 0), list.length - 1)]!.id;
  },
};
