/** What the driver's routes send and take, as `docs/api.md` promises it. */
import type { LineString } from 'geojson';
import type { LonLat, SortieState } from '../api/types';

export interface Car {
  id: string;
  name: string;
  passive: boolean;
  mine: boolean;
  taken: boolean;
}

export type StopState = 'ahead' | 'arrived' | 'done' | 'passed' | 'left_out';
export const OBSTACLES = ['road_closed', 'no_access', 'danger', 'other'] as const;
export type Obstacle = (typeof OBSTACLES)[number];

export interface Stop {
  number: number;
  /** Corner of the path that it is, from 0. */
  item: number;
  place: LonLat;
  stay_s: number;
  state: StopState;
  reason: Obstacle | null;
}

export interface Drive {
  id: string;
  name: string;
  state: SortieState;
  reached: number;
  path: LineString | null;
  stops: Stop[];
  next: number | null;
  paused: boolean;
}

export interface Call {
  id: string;
  state: 'offered' | 'unanswered' | 'accepted' | 'moving' | 'on_scene';
  kind: string;
  words: string;
  plate: string;
  place: LonLat;
  heading_deg: number | null;
  answer_by: string | null;
  travel_s: number | null;
}

export const REFUSALS = ['busy', 'unfit', 'road'] as const;
export const OUTCOMES = ['helped', 'nothing_found', 'false_alarm', 'passed_on', 'not_reached'] as const;

export interface Sheet {
  car: Car;
  time: string;
  seated_at: string;
  drive: Drive | null;
  patrols: { id: string; name: string }[];
  /** An event that the car is asked to go to, or goes to. */
  call: Call | null;
  sos_at: string | null;
  /** On which the car is; empty where that is not sure. */
  street: string;
}

export type PressKind = 'arrived' | 'done' | 'cannot' | 'pause' | 'go_on' | 'sos' | 'sos_over';

export interface Press {
  id: string;
  kind: PressKind;
  at: string;
  sortie_id?: string;
  stop?: number;
  reason?: Obstacle;
  place?: { lat: number; lon: number; radius_m: number };
}

export interface PressAnswer {
  id: string;
  outcome: 'kept' | 'repeated' | 'refused';
  code: string;
  words: string;
}

export interface Fix {
  at: string;
  lat: number;
  lon: number;
  radius_m: number;
  speed_m_s: number | null;
  course_deg: number | null;
}
