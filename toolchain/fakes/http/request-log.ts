import { appendFileSync } from "node:fs";

/** One request, as it is logged: no headers, no bodies, so no tokens, keys or user-data. */
export interface RequestLine {
  /** ISO 8601. */
  time: string;
  fake: string;
  method: string;
  /** With its query. */
  url: string;
  /** 0: the connection was broken before an answer. */
  status: number;
  /** The fault that was injected. */
  fault?: string;
}

export type RequestLog = (line: RequestLine) => void;

/** A log in a file only its owner reads, one JSON object a line. */
export const fileLog =
  (path: string): RequestLog =>
  (line) =>
    appendFileSync(path, `${JSON.stringify(line)}\n`, { mode: 0o600 });

/** A log in memory, for tests. */
export const memoryLog = (): { lines: RequestLine[]; log: RequestLog } => {
  const lines: RequestLine[] = [];
  return { lines, log: (line) => void lines.push(line) };
};
