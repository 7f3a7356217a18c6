/**
 * The seed of tests that try random histories. The same in every run, so that a change is judged by what it changed; a
 * night's run sets `OWUI_PROPERTY_SEED=random` (and `OWUI_PROPERTY_SECONDS` to more), a failing one is repeated by the
 * seed that it prints.
 */
export const SEED = seedOf(process.env.OWUI_PROPERTY_SEED);

function seedOf(wanted = "1"): number {
  const seed = wanted === "random" ? Date.now() % 1_000_000_000 : Number(wanted);
  if (!Number.isSafeInteger(seed))
    throw new Error(`OWUI_PROPERTY_SEED is ${wanted}; give an integer or "random".`);
  return seed;
}
