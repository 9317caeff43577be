/** Who is at the page. */
import { api, whenSignedOut } from '../api/client';
import type { Health, Role, Session } from '../api/types';
import { asProblem, type Problem } from '../core/problem';
import { clock } from './clock.svelte';

/** Whom the demo lets one be, and how that is asked for. */
const DEMO_SEATS = {
  reviewer: { role: 'reviewer' },
  reviewer2: { role: 'reviewer', seat: 2 },
  planner: { role: 'planner' },
  pilot: { role: 'pilot' },
  driver: { role: 'driver' },
  dispatcher: { role: 'dispatcher' },
  cleaning: { role: 'service', agency: 'cleaning' },
  roads: { role: 'service', agency: 'roads' },
} as const;
export type DemoPerson = keyof typeof DEMO_SEATS;
export const DEMO_PEOPLE = Object.keys(DEMO_SEATS) as DemoPerson[];

const PERSON = 'qyran.demo_person';

type Phase = 'starting' | 'failed' | 'set_up' | 'sign_in' | 'in';

let phase = $state<Phase>('starting');
let who = $state.raw<Session | null>(null);
let health = $state.raw<Health | null>(null);
let problem = $state.raw<Problem | null>(null);
let person = $state<DemoPerson>('reviewer');
let setUpToken = $state('');

function readToken(): string {
  const match = /^#\/?setup=([^&]+)/.exec(location.hash);
  return match ? decodeURIComponent(match[1]!) : '';
}

function enter(next: Session): void {
  who = next;
  phase = 'in';
}

async function enterDemo(next: DemoPerson): Promise<void> {
  enter(await api.demo(DEMO_SEATS[next]));
  person = next;
  localStorage.setItem(PERSON, next);
}

whenSignedOut(() => {
  if (phase === 'in') void session.start();
});

export const session = {
  get phase(): Phase {
    return phase;
  },
  get who(): Session | null {
    return who;
  },
  get health(): Health | null {
    return health;
  },
  get problem(): Problem | null {
    return problem;
  },
  get person(): DemoPerson {
    return person;
  },
  get demo(): boolean {
    return who?.demo ?? health?.demo ?? false;
  },
  get setUpToken(): string {
    return setUpToken;
  },
  has(...roles: Role[]): boolean {
    return who?.roles.some((role) => roles.includes(role)) ?? false;
  },

  /** Finds out who we are: set-up link, cookie, demo, or the sign-in form. */
  async start(): Promise<void> {
    problem = null;
    who = null;
    setUpToken = readToken();
    try {
      health = await api.health();
      clock.set(health.time);
      if (setUpToken) {
        phase = 'set_up';
        return;
      }
      const stored = localStorage.getItem(PERSON);
      if (DEMO_PEOPLE.some((name) => name === stored)) person = stored as DemoPerson;
      try {
        enter(await api.session());
        return;
      } catch (error) {
        if (asProblem(error).status !== 401) throw error;
      }
      if (health.demo) await enterDemo(person);
      else phase = 'sign_in';
    } catch (error) {
      problem = asProblem(error);
      phase = 'failed';
    }
  },
  async signIn(user: string, password: string): Promise<void> {
    enter(await api.signIn(user, password));
  },
  async setUp(user: string, name: string, password: string): Promise<void> {
    const next = await api.setUp(setUpToken, user, name, password);
    setUpToken = '';
    history.replaceState(null, '', location.pathname);
    enter(next);
  },
  async become(next: DemoPerson): Promise<void> {
    await enterDemo(next);
  },
  async signOut(): Promise<void> {
    await api.signOut();
    who = null;
    phase = 'sign_in';
  },
};
