/** The page's one ticking clock. */
let now = $state(Date.now());
setInterval(() => (now = Date.now()), 1000);

export const clock = {
  get now(): number {
    return now;
  },
};
