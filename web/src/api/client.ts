/** The one place that speaks to the station: requests, versions, refusals. */
import { Problem, asProblem, parseProblem } from '../core/problem';
import type { Car, Fix, Press, PressAnswer, Sheet } from '../driver/types';
import type {
  Agency,
  Asset,
  City,
  Finding,
  Health,
  Incident,
  Page,
  Patrol,
  Plan,
  Session,
  Sortie,
  Track,
  Zone,
  ZoneCheck,
  ZoneCollection,
  ZoneGeometry,
  ZoneProperties,
} from './types';

export const API = '/api/v1';
/** A request on a bad network that takes longer is tried again; it must be one that may be repeated. */
const PATIENCE_MS = 20_000;

interface Options {
  method?: string;
  body?: unknown;
  form?: FormData;
  ifMatch?: number | string;
  signal?: AbortSignal;
}

let onSignedOut: () => void = () => {};

/** Names what happens when the station no longer knows who we are. */
export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback;
}

async function request<T>(path: string, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  if (options.ifMatch !== undefined) headers['If-Match'] = `"${options.ifMatch}"`;
  let response: Response;
  try {
    response = await fetch(`${API}${path}`, {
      method: options.method ?? 'GET',
      headers,
      body: options.form ?? (options.body === undefined ? null : JSON.stringify(options.body)),
      credentials: 'same-origin',
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem(0, { code: 'unreachable', detail: error instanceof Error ? error.message : '' });
  }
  if (!response.ok) {
    const problem = parseProblem(response.status, await response.text().catch(() => ''));
    if (response.status === 401 && !path.startsWith('/session')) onSignedOut();
    throw problem;
  }
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch (error) {
    throw asProblem(error);
  }
}

/** Follows `next` until the end, or until `most` items are there. */
async function all<T>(path: string, most: number): Promise<{ items: T[]; more: boolean }> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const link: string = `${path}${path.includes('?') ? '&' : '?'}limit=200${
      cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''
    }`;
    const page: Page<T> = await request<Page<T>>(link);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor && items.length < most);
  return { items, more: cursor !== null };
}

const id = encodeURIComponent;

export const api = {
  health: () => request<Health>('/health'),
  session: () => request<Session>('/session'),
  signIn: (user: string, password: string) =>
    request<Session>('/session', { method: 'POST', body: { user, password } }),
  setUp: (token: string, user: string, name: string, password: string) =>
    request<Session>('/session/setup', { method: 'POST', body: { token, user, name, password } }),
  demo: (seat: { role: string; agency?: string; seat?: number }) =>
    request<Session>('/session/demo', { method: 'POST', body: seat }),
  signOut: () => request<void>('/session', { method: 'DELETE' }),
  agencies: async () => (await request<{ items: Agency[] }>('/agencies')).items,

  city: () => request<City>('/city'),
  zones: () => request<ZoneCollection>('/zones'),
  zone: (zone: string) => request<Zone>(`/zones/${id(zone)}`),
  createZone: (geometry: ZoneGeometry, properties: Partial<ZoneProperties>) =>
    request<Zone>('/zones', { method: 'POST', body: { type: 'Feature', geometry, properties } }),
  changeZone: (zone: string, version: number, geometry: ZoneGeometry, properties: Partial<ZoneProperties>) =>
    request<Zone>(`/zones/${id(zone)}`, {
      method: 'PUT',
      ifMatch: version,
      body: { type: 'Feature', id: zone, geometry, properties },
    }),
  removeZone: (zone: string, version: number) =>
    request<void>(`/zones/${id(zone)}`, { method: 'DELETE', ifMatch: version }),
  checkZone: (geometry: ZoneGeometry, signal?: AbortSignal) =>
    request<ZoneCheck>('/zones/check', { method: 'POST', body: geometry, signal }),

  assets: async () => (await all<Asset>('/assets', 400)).items,
  track: (asset: string, since?: string) =>
    request<Track>(`/assets/${id(asset)}/track${since ? `?since=${id(since)}` : ''}`),
  patrols: async () => (await all<Patrol>('/patrols', 600)).items,
  createPatrol: (patrol: { name: string; asset_id: string; zone_ids: string[]; altitude_m: number | null }) =>
    request<Patrol>('/patrols', { method: 'POST', body: patrol }),
  plan: (patrol: string) => request<Plan>(`/patrols/${id(patrol)}/plan`, { method: 'POST' }),
  startSortie: (patrol: string) => request<Sortie>(`/patrols/${id(patrol)}/sorties`, { method: 'POST' }),
  sorties: async () => (await request<Page<Sortie>>('/sorties?limit=100')).items,
  sortie: (sortie: string) => request<Sortie>(`/sorties/${id(sortie)}`),
  order: (sortie: string, order: 'hold' | 'resume' | 'return') =>
    request<Sortie>(`/sorties/${id(sortie)}/${order}`, { method: 'POST' }),

  cars: async () => (await request<{ items: Car[] }>('/driving/cars')).items,
  sheet: (car: string) => request<Sheet>(`/driving/cars/${id(car)}`),
  takeSeat: (car: string, over: boolean) =>
    request<Sheet>(`/driving/cars/${id(car)}/seat`, { method: 'POST', body: { take_over: over } }),
  leaveSeat: (car: string) => request<void>(`/driving/cars/${id(car)}/seat`, { method: 'DELETE' }),
  press: (car: string, taps: Press[]) =>
    request<{ answers: PressAnswer[]; sheet: Sheet | null }>(`/driving/cars/${id(car)}/taps`, {
      method: 'POST',
      body: { taps },
      signal: AbortSignal.timeout(PATIENCE_MS),
    }),
  acceptCall: (call: string) => request<unknown>(`/handoffs/${id(call)}/accept`, { method: 'POST' }),
  refuseCall: (call: string, reason: string) =>
    request<unknown>(`/handoffs/${id(call)}/refuse`, { method: 'POST', body: { reason } }),
  closeCall: (call: string, outcome: string) =>
    request<unknown>(`/handoffs/${id(call)}/outcome`, { method: 'POST', body: { outcome } }),
  positions: (car: string, positions: Fix[]) =>
    request<{ kept: number; repeated: number; refused: number; time: string }>(
      `/driving/cars/${id(car)}/positions`,
      { method: 'POST', body: { positions }, signal: AbortSignal.timeout(PATIENCE_MS) },
    ),

  incidents: (states: string[]) => all<Incident>(`/incidents?state=${states.join(',')}`, 1000),
  incident: (incident: string) => request<Incident>(`/incidents/${id(incident)}`),
  claim: (incident: string, takeOverReason?: string) =>
    request<Incident>(`/incidents/${id(incident)}/claim`, {
      method: 'POST',
      body: takeOverReason ? { take_over_reason: takeOverReason } : {},
    }),
  release: (incident: string) => request<Incident>(`/incidents/${id(incident)}/claim`, { method: 'DELETE' }),
  decide: (incident: string, decision: 'confirm' | 'reject' | 'reopen', reason: string) =>
    request<Incident>(`/incidents/${id(incident)}/decision`, { method: 'POST', body: { decision, reason } }),
  assign: (incident: string, agency: string, note: string) =>
    request<Incident>(`/incidents/${id(incident)}/assignment`, { method: 'POST', body: { agency, note } }),
  complete: (incident: string, photo: File, note: string) => {
    const form = new FormData();
    form.append('photo', photo);
    form.append('note', note);
    return request<Incident>(`/incidents/${id(incident)}/completion`, { method: 'POST', form });
  },
  closure: (incident: string, accept: boolean, note: string) =>
    request<Incident>(`/incidents/${id(incident)}/closure`, { method: 'POST', body: { accept, note } }),
};

/** The findings that came with a refused start. */
export function findingsOf(problem: Problem): Finding[] {
  return problem.findings.filter(
    (item): item is Finding => typeof item === 'object' && item !== null && 'severity' in item,
  );
}
