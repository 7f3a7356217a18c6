import pino from "pino";

/** Where events go: one JSON line each, past tense, the tenant named where there is one, never a secret. */
export type Log = Pick<pino.Logger, "info" | "warn" | "error">;

/** Writes to stdout, from where the container's engine keeps and rotates it. */
export const createLog = (service: "agent" | "backup" | "writer", host: string): Log =>
  pino({
    base: { service, host },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
  });
