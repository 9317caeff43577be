/**
 * The page's one ticking clock. It shows the station's time: the simulated one in a demo,
 * and the true one where this computer's own clock is wrong.
 */
let offset = 0;
let now = $state(Date.now());

function tick(): void {
  now = Date.now() + offset;
}
setInterval(tick, 1000);

/** A demo's time may run faster or slower than ours; so many ms of difference are let be. */
const SLACK_MS = 4000;

export const clock = {
  get now(): number {
    return now;
  },
  /** Sets the clock by what the station says. */
  set(iso: string): void {
    const stated = Date.parse(iso);
    if (Number.isNaN(stated)) return;
    const next = stated - Date.now();
    // A second or so is the way of the answer, not a wrong clock.
    offset = Math.abs(next) < 2000 ? 0 : next;
    tick();
  },
  /** Follows the time stamps of a simulation. */
  follow(iso: string): void {
    const next = Date.parse(iso) - Date.now();
    if (next > offset || next < offset - SLACK_MS) offset = next;
  },
};
