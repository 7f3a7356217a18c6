/** Loaded before a node's program by `--import`: its wall clock is an hour ahead, its other clocks are right. */
const HOUR_MS = 3_600_000;
const right = Date.now;
const now = () => right() + HOUR_MS;

globalThis.Date = new Proxy(Date, {
  construct: (target, given: unknown[]) =>
    given.length === 0 ? new target(now()) : Reflect.construct(target, given),
  get: (target, key) => (key === "now" ? now : Reflect.get(target, key)),
});
