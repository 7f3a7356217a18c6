import * as z from "zod";
import { Received } from "../on-host/tenant-move.ts";

/** What a move is asked for; kept with the operation. */
export const MoveRequest = z.object({
  /** Ids of hosts. */
  from: z.string(),
  to: z.string(),
});
export type MoveRequest = z.infer<typeof MoveRequest>;

/** What a change of hosts took, in seconds; null: its runner died meanwhile, and nobody measured it. */
export const Parts = z.object({
  /** When users had to wait from, ISO 8601. */
  stoppedAt: z.string().nullable(),
  /** The application ended. */
  stopSeconds: z.number().nullable(),
  /** What had changed came over, and both sides were compared. */
  deltaSeconds: z.number().nullable(),
  /** The application answered on the other host. */
  startSeconds: z.number().nullable(),
  /** From the order to stop until its site on the other host answered. */
  downtimeSeconds: z.number().nullable(),
  /** The last pass. */
  last: Received.nullable(),
  /** Whether the host that it left leads to the other one. */
  forwards: z.boolean(),
});
export type Parts = z.infer<typeof Parts>;

/** What the steps of a move find out. */
export const MoveFound = z.object({
  /** Passes beside what serves, in their order. */
  passes: z.array(Received).optional(),
  /** Rows by table before it was stopped. */
  rows: z.record(z.string(), z.number()).optional(),
  parts: Parts.optional(),
  /** It was seen to serve on its new host: from then on what is written there counts. ISO 8601. */
  servedSince: z.string().optional(),
  /** What became of its replica, as a sentence. */
  replica: z.string().optional(),
});
export type MoveFound = z.infer<typeof MoveFound>;
