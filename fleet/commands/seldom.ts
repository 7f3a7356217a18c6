/** How often long work says how far it is. */
const everyMs = 2_000;

/** Passes on what is told, now and then: a line for each of many thousand rows would hide everything else. */
export function seldom<T>(tell: (at: T) => void): (at: T) => void {
  let said = performance.now();
  return (at) => {
    if (performance.now() - said < everyMs) return;
    said = performance.now();
    tell(at);
  };
}
