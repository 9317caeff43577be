/** What the driver's page knows and does: the car, its round, presses, positions, prompts. */
import { api } from '../api/client';
import { asProblem, type Problem } from '../core/problem';
import { decimal, language, t, tCode } from '../i18n/i18n.svelte';
import { session } from '../state/session.svelte';
import { Fixes } from './fixes';
import { NOTHING_SAID, aim, prompts, rough, type Prompt } from './guide';
import { Presses, withPresses, type RefusedPress } from './presses';
import type { Car, Fix, Obstacle, Press, PressKind, Sheet } from './types';
import { hush, speak, voiceFor, whenVoicesChange } from './voice';

const SHEET = 'qyran.drive.sheet';
const USER = 'qyran.drive.user';
const VOICE = 'qyran.drive.voice';
const POLL_MS = 4000;
const RETRY_MS = 3000;
const BATCH = 500;
/** Positions closer together in time and place than this say nothing new. */
const LEAST_MS = 900;
const LEAST_M = 8;
const STILL_MS = 15_000;
const MOVING_M_S = 2.5;
/** A page that was hidden for longer has sent no position meanwhile. */
const GAP_MS = 8000;

const PROMPT_MS = 12_000;

export type PositionState = 'off' | 'waiting' | 'on' | 'rough' | 'denied' | 'insecure';

let cars = $state.raw<Car[] | null>(null);
let carsProblem = $state.raw<Problem | null>(null);
let sheet = $state.raw<Sheet | null>(readSheet());
let problem = $state.raw<Problem | null>(null);
let online = $state(true);
let waiting = $state(0);
let waitingPresses = $state.raw<Press[]>([]);
let refused = $state.raw<RefusedPress[]>([]);
let fixesWaiting = $state(0);
let fix = $state.raw<Fix | null>(null);
let position = $state<PositionState>('off');
let awake = $state(false);
let hiddenFor = $state(0);
let prompt = $state('');
let voiceOn = $state(localStorage.getItem(VOICE) !== 'off');
let hasVoice = $state(false);
let busy = $state(false);

let said = NOTHING_SAID;
let clockOffset = 0;
let timer: ReturnType<typeof setTimeout> | null = null;
let watch: number | null = null;
let lock: WakeLockSentinel | null = null;
let hiddenAt = 0;
let lastKept = { at: 0, lon: 0, lat: 0 };
let promptTimer: ReturnType<typeof setTimeout> | null = null;
let calledFor: string | null = null;
let pressedMs = 0;
let running = false;
let turning = false;
let turnAgain = false;
let dropped: (() => void)[] = [];

const fixes = new Fixes();
const presses = new Presses(localStorage, (car, some) => api.press(car, some));

function readSheet(): Sheet | null {
  try {
    return JSON.parse(localStorage.getItem(SHEET) ?? 'null') as Sheet | null;
  } catch {
    return null;
  }
}

/** Who presses: also where the station can't be asked just now. */
function user(): string {
  return session.who?.user_id ?? localStorage.getItem(USER) ?? '';
}

function freshId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `tap-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

const stationNow = (ms = Date.now()): string => new Date(ms + clockOffset).toISOString();

function hear(time: string): void {
  const stated = Date.parse(time);
  if (!Number.isNaN(stated)) clockOffset = stated - Date.now();
}

function takeSheet(next: Sheet | null): void {
  if (next) {
    hear(next.time);
    localStorage.setItem(SHEET, JSON.stringify(next));
  } else localStorage.removeItem(SHEET);
  sheet = next;
}

function look(): void {
  const all = presses.waiting.filter((one) => one.user === user());
  waiting = all.length;
  waitingPresses = all.filter((one) => one.car === sheet?.car.id).map((one) => one.press);
  refused = presses.refused;
}

/** Sends what waits, asks for the sheet, and comes again; one at a time, so that newer stays newer. */
async function turn(): Promise<void> {
  if (turning) {
    turnAgain = true;
    return;
  }
  turning = true;
  try {
    do {
      turnAgain = false;
      await turnOnce();
    } while (turnAgain);
  } finally {
    turning = false;
  }
}

async function turnOnce(): Promise<void> {
  if (timer) clearTimeout(timer);
  timer = null;
  const car = sheet?.car.id;
  if (!running || !car) return;
  const flushed = await exclusively(() => presses.flush(user()));
  if (!running) return;
  if (flushed.sheet && flushed.sheet.car.id === sheet?.car.id) takeSheet(flushed.sheet);
  look();
  let fault = flushed.problem;
  if (!fault) {
    try {
      await sendFixes();
      if (!flushed.sheet) {
        const next = await api.sheet(car);
        if (sheet?.car.id === car) takeSheet(next);
      }
    } catch (error) {
      fault = asProblem(error);
    }
  }
  settle(fault);
  tell();
  if (running && sheet) timer = setTimeout(() => void turn(), fault ? RETRY_MS : POLL_MS);
}

/** Two windows of this page must not send at once: what is in order here must arrive in order. */
async function exclusively<T>(run: () => Promise<T>): Promise<T> {
  if (!('locks' in navigator)) return run();
  return navigator.locks.request('qyran-presses', run) as Promise<T>;
}

function settle(fault: Problem | null): void {
  online = !fault || !(fault.unreachable || fault.status === -1);
  if (fault && [403, 404].includes(fault.status)) {
    // Somebody else has taken the car, or it is gone: choose anew.
    problem = fault;
    leaveHere();
    return;
  }
  problem = fault && online && fault.status !== 401 ? fault : null;
}

async function sendFixes(): Promise<void> {
  for (;;) {
    const rows = await fixes.oldest(user(), BATCH);
    if (rows.length > 0) {
      try {
        const told = await api.positions(rows[0]!.kept.car, rows.map((row) => row.kept.fix));
        hear(told.time);
      } catch (error) {
        // What the station refuses for good must not keep what follows from it.
        if (![403, 404, 422].includes(asProblem(error).status)) throw error;
      }
      await fixes.drop(rows);
    }
    fixesWaiting = await fixes.count();
    if (rows.length < BATCH) return;
  }
}

/** Says what is worth saying now. */
function tell(): void {
  const drive = shownDrive();
  const target = drive ? aim(drive, here()) : null;
  const found = prompts(said, drive, target, fix?.course_deg ?? null, online);
  said = found.said;
  const texts = found.say.map(words);
  const call = sheet?.call;
  if (call?.state === 'offered' && call.id !== calledFor) {
    texts.unshift(t('say.call', { kind: tCode('call', call.kind) }));
    navigator.vibrate?.([300, 150, 300, 150, 300]);
  }
  calledFor = call?.id ?? null;
  if (texts.length === 0) return;
  const text = texts.join(' ');
  prompt = text;
  // A distance that was said is wrong soon; what is asked of the driver has a line of its own.
  if (promptTimer) clearTimeout(promptTimer);
  promptTimer = setTimeout(() => (prompt = ''), PROMPT_MS);
  if (voiceOn) speak(text, language.id);
}

export function spokenDistance(metres: number): string {
  const { value, unit } = rough(metres);
  return t(unit === 'km' ? 'say.km' : 'say.m', { n: decimal(unit === 'km' ? value.toFixed(1) : String(value)) });
}

function words(one: Prompt): string {
  if (one.say === 'start') return t('say.start', { n: one.stops });
  if (one.say === 'next' || one.say === 'near') {
    const text = t(one.say === 'next' ? 'say.next' : 'say.near', {
      n: one.stop + 1,
      distance: spokenDistance(one.metres),
    });
    return one.direction ? `${text} ${t(`say.${one.direction}`)}` : text;
  }
  if (one.say === 'here') return t('say.here', { n: one.stop + 1 });
  return t(`say.${one.say}`);
}

function here(): [number, number] | null {
  return fix ? [fix.lon, fix.lat] : null;
}

function shownDrive() {
  return sheet?.drive ? withPresses(sheet.drive, waitingPresses) : null;
}

function heard(found: GeolocationPosition): void {
  const { latitude, longitude, accuracy, speed, heading } = found.coords;
  const now = Date.now();
  const wrong = Math.abs(found.timestamp - now) > 60_000; // some phones count from their start
  fix = {
    at: stationNow(wrong ? now : found.timestamp),
    lat: latitude,
    lon: longitude,
    radius_m: Math.max(0, accuracy),
    speed_m_s: speed !== null && Number.isFinite(speed) && speed >= 0 ? Math.min(speed, 200) : null,
    course_deg: heading !== null && Number.isFinite(heading) ? ((heading % 360) + 360) % 360 : null,
  };
  position = accuracy > 100 ? 'rough' : 'on';
  const car = sheet?.car.id;
  if (car && position === 'on') {
    const apart = Math.hypot((longitude - lastKept.lon) * 70_000, (latitude - lastKept.lat) * 111_000);
    const aged = now - lastKept.at;
    if ((aged >= LEAST_MS && apart >= LEAST_M) || aged >= STILL_MS) {
      lastKept = { at: now, lon: longitude, lat: latitude };
      void fixes.add({ user: user(), car, fix }).then(async () => (fixesWaiting = await fixes.count()));
    }
  }
  tell();
}

function watchPosition(): void {
  if (watch !== null) return;
  if (!window.isSecureContext || !('geolocation' in navigator)) {
    position = 'insecure';
    return;
  }
  position = 'waiting';
  watch = navigator.geolocation.watchPosition(
    heard,
    (error) => {
      position = error.code === error.PERMISSION_DENIED ? 'denied' : 'waiting';
    },
    { enableHighAccuracy: true, maximumAge: 1000, timeout: 30_000 },
  );
}

async function stayAwake(): Promise<void> {
  if (!('wakeLock' in navigator) || document.visibilityState !== 'visible') return;
  try {
    lock = await navigator.wakeLock.request('screen');
    awake = true;
    lock.addEventListener('release', () => (awake = false));
  } catch {
    awake = false;
  }
}

function seen(): void {
  if (document.visibilityState === 'hidden') {
    hiddenAt = Date.now();
    return;
  }
  if (hiddenAt && Date.now() - hiddenAt > GAP_MS && sheet) hiddenFor = Date.now() - hiddenAt;
  hiddenAt = 0;
  void stayAwake();
  void turn();
}

function leaveHere(): void {
  hush();
  takeSheet(null);
  said = NOTHING_SAID;
  prompt = '';
  if (watch !== null) navigator.geolocation.clearWatch(watch);
  watch = null;
  position = 'off';
  void lock?.release();
  lock = null;
  if (running) void drive.loadCars();
}

export const drive = {
  get cars(): Car[] | null {
    return cars;
  },
  get carsProblem(): Problem | null {
    return carsProblem;
  },
  get sheet(): Sheet | null {
    return sheet;
  },
  /** The drive with what was pressed but has not arrived yet. */
  get now() {
    return shownDrive();
  },
  get problem(): Problem | null {
    return problem;
  },
  get online(): boolean {
    return online;
  },
  get waiting(): number {
    return waiting;
  },
  get fixesWaiting(): number {
    return fixesWaiting;
  },
  get refused(): RefusedPress[] {
    return refused;
  },
  get fix(): Fix | null {
    return fix;
  },
  get here(): [number, number] | null {
    return here();
  },
  get moving(): boolean {
    return (fix?.speed_m_s ?? 0) > MOVING_M_S;
  },
  get position(): PositionState {
    return position;
  },
  get awake(): boolean {
    return awake;
  },
  get hiddenFor(): number {
    return hiddenFor;
  },
  get prompt(): string {
    return prompt;
  },
  get voiceOn(): boolean {
    return voiceOn;
  },
  get hasVoice(): boolean {
    return hasVoice;
  },
  get busy(): boolean {
    return busy;
  },
  /** Whether help is called: by the station's word, or by a press that still waits. */
  get sos(): 'off' | 'kept' | 'sent' {
    const last = waitingPresses.filter((one) => one.kind === 'sos' || one.kind === 'sos_over').at(-1);
    if (last) return last.kind === 'sos' ? 'kept' : 'off';
    return sheet?.sos_at ? 'sent' : 'off';
  },

  /** Starts once somebody is signed in, or was the last time and the station can't be asked. */
  start(): void {
    if (running) return;
    running = true;
    // Where nobody could be asked who we are there is no network, until something has been answered.
    online = session.who !== null;
    if (session.who) {
      if (localStorage.getItem(USER) !== session.who.user_id) takeSheet(null);
      localStorage.setItem(USER, session.who.user_id);
    }
    look();
    document.addEventListener('visibilitychange', seen);
    const now = (): void => void turn();
    window.addEventListener('online', now);
    const voices = (): void => void (hasVoice = voiceFor(language.id) !== null);
    voices();
    dropped = [
      () => document.removeEventListener('visibilitychange', seen),
      () => window.removeEventListener('online', now),
      whenVoicesChange(voices),
    ];
    if (sheet) drive.seatedHere();
    else void drive.loadCars();
  },
  stop(): void {
    running = false;
    if (timer) clearTimeout(timer);
    for (const one of dropped) one();
    dropped = [];
  },
  seatedHere(): void {
    watchPosition();
    void stayAwake();
    void turn();
  },
  async loadCars(): Promise<void> {
    carsProblem = null;
    try {
      cars = await api.cars();
      const mine = cars.find((one) => one.mine);
      if (mine && !problem) {
        takeSheet(await api.sheet(mine.id));
        drive.seatedHere();
      }
    } catch (error) {
      carsProblem = asProblem(error);
    }
  },
  async take(car: string, over: boolean): Promise<void> {
    busy = true;
    problem = null;
    try {
      takeSheet(await api.takeSeat(car, over));
      drive.seatedHere();
    } catch (error) {
      problem = asProblem(error);
      cars = await api.cars().catch(() => cars);
    } finally {
      busy = false;
    }
  },
  async leave(): Promise<void> {
    const car = sheet?.car.id;
    if (!car) return;
    busy = true;
    try {
      await presses.flush(user());
      await api.leaveSeat(car);
      problem = null;
      leaveHere();
    } catch (error) {
      problem = asProblem(error);
    } finally {
      busy = false;
    }
  },
  async begin(patrol: string): Promise<void> {
    busy = true;
    try {
      await api.startSortie(patrol);
      problem = null;
      await turn();
    } catch (error) {
      problem = asProblem(error);
    } finally {
      busy = false;
    }
  },

  /** Answers a call, or tells what came of it: this holds only now, so it is never put off. */
  async answer(act: () => Promise<unknown>): Promise<void> {
    busy = true;
    try {
      await act();
      problem = null;
    } catch (error) {
      problem = asProblem(error);
    } finally {
      busy = false;
      await turn();
    }
  },

  /** Puts a press down for good, shows it at once, and sends it as soon as that can be. */
  press(kind: PressKind, stop?: number, reason?: Obstacle): void {
    if (!sheet) return;
    // The station's clock is told by each answer and may step back a little; presses never do.
    pressedMs = Math.max(Date.now() + clockOffset, pressedMs + 1);
    const made: Press = { id: freshId(), kind, at: new Date(pressedMs).toISOString() };
    if (sheet.drive) made.sortie_id = sheet.drive.id;
    if (stop !== undefined) made.stop = stop;
    if (reason) made.reason = reason;
    if (fix) made.place = { lat: fix.lat, lon: fix.lon, radius_m: fix.radius_m };
    presses.add(user(), sheet.car.id, made);
    navigator.vibrate?.(40);
    look();
    tell();
    void turn();
  },
  forgetRefused(): void {
    presses.forgetRefused();
    look();
  },
  forgetGap(): void {
    hiddenFor = 0;
  },
  forgetProblem(): void {
    problem = null;
  },
  setVoice(on: boolean): void {
    voiceOn = on;
    localStorage.setItem(VOICE, on ? 'on' : 'off');
    if (!on) hush();
    else if (prompt) speak(prompt, language.id);
  },
  /** The language has changed: the voice too, and what is shown is said anew. */
  languageChanged(): void {
    hasVoice = voiceFor(language.id) !== null;
  },
  again(): void {
    void turn();
  },
};
