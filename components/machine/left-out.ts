/** Hosts that this run leaves as they are, since they cannot be asked: `up --without` names them. */
export const leftOut = (environment: NodeJS.ProcessEnv = process.env): string[] =>
  (environment.OWUI_WITHOUT ?? "").split(" ").filter(Boolean);
