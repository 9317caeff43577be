/** What the API sends and takes, as `docs/api.md` promises it. */
import type { Feature, FeatureCollection, LineString, MultiPolygon, Polygon } from 'geojson';

export type Role =
  | 'pilot'
  | 'driver'
  | 'planner'
  | 'reviewer'
  | 'dispatcher'
  | 'service'
  | 'auditor'
  | 'device'
  | 'admin';

export type LonLat = [number, number];

export interface Health {
  status: string;
  version: string;
  schema_version: number | string;
  detector: { model: string } | null;
  demo: boolean;
  time: string;
}

export interface Session {
  user_id: string;
  name: string;
  roles: Role[];
  agency: string | null;
  demo: boolean;
}

export interface Agency {
  id: string;
  name: { kk: string; ru: string; en: string };
  service: boolean;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

export type Datum = 'home' | 'ground' | 'geoid' | 'ellipsoid';
export type Purpose = 'watch' | 'flight';

export interface ZoneProperties {
  name: string;
  purpose: Purpose[];
  kind: 'inclusion' | 'exclusion';
  floor_m: number | null;
  ceiling_m: number | null;
  datum: Datum;
  rules: string[];
  active: boolean;
  owner: string | null;
  reason: string;
  version: number;
  changed_at: string | null;
  /** Time windows in the words of iCalendar; none means always. */
  windows?: Record<string, unknown>[];
  priority?: number;
  stage?: 'draft' | 'reviewed' | 'active' | 'retired';
}

export type ZoneGeometry = Polygon | MultiPolygon;
export type Zone = Feature<ZoneGeometry, ZoneProperties> & { id: string };
export type ZoneCollection = { type: 'FeatureCollection'; features: Zone[] };

export interface ZoneCheck {
  valid: boolean;
  message: string;
  place: LonLat | null;
  area_m2: number;
}

export interface AssetStatus {
  at: string;
  lat: number;
  lon: number;
  altitude_m: number | null;
  datum: Datum | string | null;
  heading_deg: number | null;
  speed_m_s: number | null;
  battery_fraction: number | null;
  mode: string | null;
  armed: boolean | null;
  footprint: Polygon | null;
  sortie_id: string | null;
}

export interface Asset {
  id: string;
  name: string;
  kind: 'drone' | 'vehicle';
  passive: boolean;
  home: LonLat;
  agency: string | null;
  status: AssetStatus | null;
}

export interface Patrol {
  id: string;
  name: string;
  asset_id: string;
  zone_ids: string[];
  altitude_m: number | null;
  route: LineString | null;
}

export type Severity = 'error' | 'warning' | 'info';

export interface Finding {
  severity: Severity;
  code: string;
  message: string;
  place: LonLat | null;
  item: number | null;
  cure: string;
}

export interface Plan {
  patrol_id: string;
  asset_id: string;
  path: LineString;
  length_m: number;
  expected_s: number;
  findings: Finding[];
  safe: boolean;
  zone_versions: Record<string, number>;
}

export type SortieState =
  | 'planned'
  | 'authorised'
  | 'underway'
  | 'holding'
  | 'returning'
  | 'completed'
  | 'aborted'
  | 'failed'
  | 'cancelled';

export interface Sortie {
  id: string;
  patrol_id: string | null;
  asset_id: string;
  state: SortieState;
  progress: { reached: number; total: number } | null;
  started_at: string | null;
  ended_at: string | null;
  reason_code: string;
  events: { at: string; state: SortieState; text: string }[];
  path: LineString | null;
}

export type IncidentState =
  | 'open'
  | 'confirmed'
  | 'dismissed'
  | 'assigned'
  | 'done'
  | 'closed'
  | 'merged';

export interface GroundPoint {
  lat: number;
  lon: number;
  radius_m: number;
  ellipse?: { major_m: number; minor_m: number; bearing_deg: number } | null;
}

export interface Evidence {
  sha256: string;
  role: 'picture' | 'crop' | 'clip' | 'completion';
  media_type: string;
  size_bytes: number;
  captured_at: string;
  url: string;
}

export interface Observation {
  id: string;
  label: string;
  origin: 'own' | 'elsewhere';
  asset_id: string | null;
  camera_id: string | null;
  sortie_id: string | null;
  device_serial: string;
  model: string;
  first_seen_at: string;
  last_seen_at: string;
  point: GroundPoint;
  confidence: number;
  sightings: number;
  speed_m_s: number | null;
  plate: string;
}

export interface Incident {
  id: string;
  kind: string;
  state: IncidentState;
  zone_id: string;
  zone_name: string;
  point: GroundPoint;
  opened_at: string;
  last_seen_at: string;
  confidence: number;
  because: string;
  agency: string | null;
  claim: { user_id: string; name: string; until: string; mine: boolean } | null;
  close_proposal: { at: string; frames: number; because: string; sortie_id: string | null } | null;
  observations?: Observation[];
  evidence?: Evidence[];
  timeline?: { at: string; event: string; by: string | null; note: string }[];
  version: number;
  actions: string[];
}

export type City = FeatureCollection;
export type Track = Feature<LineString, { times: string[] }>;
