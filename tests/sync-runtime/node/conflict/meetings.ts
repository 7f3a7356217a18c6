import type { Meeting, RowImage } from "../../../../sync-runtime/node/conflict/decide.ts";

export const EDITED_AT = new Date("2026-11-21T20:00:00.000Z");
/** The second of {@link EDITED_AT}. */
export const EDITED = EDITED_AT.getTime() / 1000;

const TYPES = {
  id: "text",
  title: "text",
  role: "text",
  pinned: "bool",
  chat: "json",
  meta: "json",
  created_at: "int8",
  updated_at: "int8",
};

/** A row of table `chat` unless another is named, met an hour after it was verified. */
export function meeting(
  base: RowImage,
  source: RowImage,
  remote: RowImage,
  more: Partial<Meeting> = {},
): Meeting {
  return {
    ...{ table: "chat", key: { id: "1" }, base, source, remote, editedAt: EDITED_AT, types: TYPES },
    ...more,
  };
}
