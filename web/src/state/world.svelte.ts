/** What the station knows, as last heard: lists at the start, then the live stream. */
import { api } from '../api/client';
import { followLive, type LiveState } from '../api/live';
import type {
  Agency,
  Asset,
  AssetStatus,
  City,
  Incident,
  Patrol,
  Sortie,
  Zone,
} from '../api/types';
import { asProblem, type Problem } from '../core/problem';
import type { ServerEvent } from '../core/sse';
import { clock } from './clock.svelte';
import { t } from '../i18n/i18n.svelte';
import { notices } from './notices.svelte';
import { session } from './session.svelte';

export type ById<T> = Readonly<Record<string, T>>;
export type Part = 'city' | 'zones' | 'assets' | 'patrols' | 'sorties' | 'incidents' | 'agencies';

/** States that a queue loads at once; the others only when they are asked for. */
export const ACTIVE_STATES = ['open', 'confirmed', 'assigned', 'done'];
export const PAST_STATES = ['closed', 'dismissed', 'merged'];

/** No word from an asset for so long means: what is shown is old. */
export const STALE_MS = 15_000;
const TRACK_POINTS = 900;

let city = $state.raw<City | null>(null);
let zones = $state.raw<Zone[]>([]);
let assets = $state.raw<ById<Asset>>({});
let patrols = $state.raw<Patrol[]>([]);
let sorties = $state.raw<ById<Sortie>>({});
let incidents = $state.raw<ById<Incident>>({});
let agencies = $state.raw<Agency[]>([]);
let tracks = $state.raw<ById<[number, number][]>>({});
const trackedAt: Record<string, number> = {};
let live = $state<LiveState>('connecting');
let lastHeard = $state(0);
let more = $state(false);
let pastLoaded = $state(false);
let loading = $state<Record<Part, boolean>>({
  city: true,
  zones: true,
  assets: true,
  patrols: true,
  sorties: true,
  incidents: true,
  agencies: true,
});
let problems = $state.raw<Partial<Record<Part, Problem>>>({});

let generation = 0;
let unfollow: (() => void) | null = null;
const waiting = new Map<string, () => void>();
let flushTimer: ReturnType<typeof setTimeout> | null = null;
let zonesTimer: ReturnType<typeof setTimeout> | null = null;

function byId<T extends { id: string }>(items: T[]): ById<T> {
  return Object.fromEntries(items.map((item) => [item.id, item]));
}

async function load<T>(part: Part, ask: () => Promise<T>, take: (value: T) => void): Promise<void> {
  const mine = generation;
  try {
    const value = await ask();
    if (mine !== generation) return;
    take(value);
    const { [part]: _gone, ...rest } = problems;
    problems = rest;
  } catch (error) {
    if (mine !== generation) return;
    problems = { ...problems, [part]: asProblem(error) };
  } finally {
    if (mine === generation) loading[part] = false;
  }
}

/** Newer wins: a list that was asked for earlier must not undo what the stream has said. */
function newer(incoming: Incident): boolean {
  const present = incidents[incoming.id];
  return !present || incoming.version >= present.version;
}

/** Lengthens the line behind an asset, by one point a second: more can't be seen. */
function extendTrack(asset: string, status: AssetStatus): void {
  const at = Date.parse(status.at);
  if (Math.abs(at - (trackedAt[asset] ?? 0)) < 1000) return;
  const line = tracks[asset] ?? [];
  const last = line[line.length - 1];
  if (last && last[0] === status.lon && last[1] === status.lat) return;
  trackedAt[asset] = at;
  tracks = { ...tracks, [asset]: [...line.slice(1 - TRACK_POINTS), [status.lon, status.lat]] };
}

/** Gathers what the stream says and applies it four times a second at most. */
function later(key: string, apply: () => void): void {
  waiting.set(key, apply);
  flushTimer ??= setTimeout(() => {
    flushTimer = null;
    const todo = [...waiting.values()];
    waiting.clear();
    for (const one of todo) one();
  }, 250);
}

function hear(event: ServerEvent): void {
  lastHeard = Date.now();
  let data: unknown;
  try {
    data = JSON.parse(event.data);
  } catch {
    return;
  }
  if (event.event === 'asset') {
    const { asset_id, status } = data as { asset_id: string; status: AssetStatus };
    if (session.demo) clock.follow(status.at);
    later(`asset ${asset_id}`, () => {
      const asset = assets[asset_id];
      if (!asset) return;
      assets = { ...assets, [asset_id]: { ...asset, status } };
      extendTrack(asset_id, status);
    });
  } else if (event.event === 'sortie') {
    const sortie = data as Sortie;
    later(`sortie ${sortie.id}`, () => world.takeSortie(sortie));
  } else if (event.event === 'incident') {
    const incident = data as Incident;
    later(`incident ${incident.id}`, () => world.takeIncident(incident));
  } else if (event.event === 'driver') {
    const { kind, asset_name, by } = data as { kind: string; asset_name: string; by: string };
    if (kind === 'sos') notices.alarm(t('live.sos', { car: asset_name, name: by }));
    else if (kind === 'sos_over') notices.done(t('live.sos_over', { car: asset_name }));
  } else if (event.event === 'zone') {
    zonesTimer ??= setTimeout(() => {
      zonesTimer = null;
      void world.loadZones();
    }, 300);
  }
}

async function loadTracks(): Promise<void> {
  const mine = generation;
  const since = new Date(clock.now - 30 * 60_000).toISOString();
  await Promise.all(
    Object.keys(assets).map(async (asset) => {
      try {
        const track = await api.track(asset, since);
        if (mine !== generation) return;
        const line = (track.geometry?.coordinates ?? []).map(
          (point): [number, number] => [point[0]!, point[1]!],
        );
        if (line.length > 0) tracks = { ...tracks, [asset]: line.slice(-TRACK_POINTS) };
      } catch {
        // No history for this asset: its line starts now.
      }
    }),
  );
}

export const world = {
  get city(): City | null {
    return city;
  },
  get zones(): Zone[] {
    return zones;
  },
  get assets(): ById<Asset> {
    return assets;
  },
  get patrols(): Patrol[] {
    return patrols;
  },
  get sorties(): ById<Sortie> {
    return sorties;
  },
  get incidents(): ById<Incident> {
    return incidents;
  },
  get agencies(): Agency[] {
    return agencies;
  },
  get tracks(): ById<[number, number][]> {
    return tracks;
  },
  get live(): LiveState {
    return live;
  },
  get lastHeard(): number {
    return lastHeard;
  },
  get more(): boolean {
    return more;
  },
  get loading(): Readonly<Record<Part, boolean>> {
    return loading;
  },
  get problems(): Partial<Record<Part, Problem>> {
    return problems;
  },

  loadZones: () =>
    load('zones', api.zones, (value) => {
      zones = value.features;
    }),
  loadAssets: () =>
    load('assets', api.assets, (value) => {
      assets = byId(value);
    }),
  loadPatrols: () =>
    load('patrols', api.patrols, (value) => {
      patrols = value;
    }),
  loadSorties: () =>
    load('sorties', api.sorties, (value) => {
      sorties = byId(value);
    }),
  loadIncidents: () =>
    load(
      'incidents',
      () => api.incidents(pastLoaded ? [...ACTIVE_STATES, ...PAST_STATES] : ACTIVE_STATES),
      (value) => {
        const kept = value.items.map((item) => (newer(item) ? item : incidents[item.id]!));
        incidents = byId(kept);
        more = value.more;
      },
    ),
  /** Adds closed and dismissed incidents to the queue. */
  async loadPast(): Promise<void> {
    if (pastLoaded) return;
    pastLoaded = true;
    await world.loadIncidents();
  },

  takeIncident(incident: Incident): void {
    if (!newer(incident)) return;
    incidents = { ...incidents, [incident.id]: { ...incidents[incident.id], ...incident } };
  },
  takeSortie(sortie: Sortie): void {
    sorties = { ...sorties, [sortie.id]: sortie };
  },
  takeZone(zone: Zone): void {
    zones = zones.some((one) => one.id === zone.id)
      ? zones.map((one) => (one.id === zone.id ? zone : one))
      : [...zones, zone];
  },
  dropZone(id: string): void {
    zones = zones.filter((zone) => zone.id !== id);
  },
  takePatrol(patrol: Patrol): void {
    patrols = [...patrols.filter((one) => one.id !== patrol.id), patrol];
  },

  /** Loads everything for the present person and follows the live stream. */
  start(signedOut: () => void): void {
    world.stop();
    generation += 1;
    for (const part of Object.keys(loading) as Part[]) loading[part] = true;
    problems = {};
    incidents = {};
    pastLoaded = false;
    const lists = async (): Promise<void> => {
      await Promise.all([
        world.loadZones(),
        world.loadAssets().then(loadTracks),
        world.loadPatrols(),
        world.loadSorties(),
        world.loadIncidents(),
        load('agencies', api.agencies, (value) => {
          agencies = value;
        }),
        city
          ? Promise.resolve()
          : load('city', api.city, (value) => {
              city = value;
            }),
      ]);
      loading.city = false;
    };
    void lists();
    unfollow = followLive({
      event: hear,
      state: (state) => (live = state),
      gap: () => void lists(),
      signedOut,
    });
  },
  /** Asks for every list again, for the "try again" button. */
  again(): void {
    for (const part of Object.keys(problems) as Part[]) {
      if (part === 'zones') void world.loadZones();
      else if (part === 'assets') void world.loadAssets().then(loadTracks);
      else if (part === 'patrols') void world.loadPatrols();
      else if (part === 'sorties') void world.loadSorties();
      else if (part === 'incidents') void world.loadIncidents();
      else if (part === 'agencies')
        void load('agencies', api.agencies, (value) => {
          agencies = value;
        });
      else
        void load('city', api.city, (value) => {
          city = value;
        });
    }
  },
  stop(): void {
    unfollow?.();
    unfollow = null;
    waiting.clear();
  },
};
