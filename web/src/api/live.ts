/**
 * The live stream, read by `fetch` so that it can resume after a break with `Last-Event-ID`
 * and notice a stream that has gone silent without an end.
 */
import { EventReader, type ServerEvent } from '../core/sse';
import { API } from './client';

export type LiveState = 'connecting' | 'live' | 'reconnecting' | 'offline';

export interface LiveHandlers {
  event: (event: ServerEvent) => void;
  state: (state: LiveState) => void;
  /** Called after a break that could not be resumed: what is shown may be old. */
  gap: () => void;
  signedOut: () => void;
}

/** The station says something every 15 s; a station that has frozen must not look alive. */
const SILENCE_MS = 22_000;
const STEPS_MS = [500, 1000, 2000, 4000, 8000, 15_000];

/** Follows the live stream until the returned function is called. */
export function followLive(handlers: LiveHandlers): () => void {
  let stopped = false;
  let failures = 0;
  let lastId = '';
  let wake: (() => void) | null = null;
  let controller = new AbortController();

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        wake = null;
        resolve();
      }
      wake = done;
    });

  const online = (): void => wake?.();
  window.addEventListener('online', online);

  const read = async (): Promise<void> => {
    controller = new AbortController();
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (lastId) headers['Last-Event-ID'] = lastId;
    const response = await fetch(`${API}/live`, {
      headers,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: controller.signal,
    });
    if (response.status === 401) {
      stopped = true;
      handlers.signedOut();
      return;
    }
    if (!response.ok || !response.body) throw new Error(`live answered ${response.status}`);
    handlers.state('live');
    if (failures > 0) handlers.gap();
    failures = 0;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const events = new EventReader();
    let silence = setTimeout(() => controller.abort(), SILENCE_MS);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(silence);
        silence = setTimeout(() => controller.abort(), SILENCE_MS);
        for (const event of events.push(value)) {
          if (event.id) lastId = event.id;
          handlers.event(event);
        }
      }
    } finally {
      clearTimeout(silence);
    }
  };

  const run = async (): Promise<void> => {
    handlers.state('connecting');
    while (!stopped) {
      try {
        await read();
      } catch {
        // Whatever broke the stream, the cure is the same: wait and try again.
      }
      if (stopped) return;
      failures += 1;
      handlers.state(failures > 3 || !navigator.onLine ? 'offline' : 'reconnecting');
      await pause(STEPS_MS[Math.min(failures - 1, STEPS_MS.length - 1)]!);
    }
  };
  void run();

  return () => {
    stopped = true;
    controller.abort();
    wake?.();
    window.removeEventListener('online', online);
  };
}
