import * as z from "zod";

/** What a source says is its own: shown without what moves a cursor, and never longer than a line. */
const Shown = z
  .string()
  .max(4_000)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is replaced
  .transform((text) => text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "?"));

/** What sync-runtime/adopt/survey.ts answers. */
export const Survey = z.object({
  database: z.object({
    bytes: z.number(),
    journal: z.enum(["wal", "rollback"]),
    unclean: z.boolean(),
    heads: z.array(Shown),
    tables: z.array(Shown),
    users: z.number(),
    admins: z.array(z.object({ email: Shown, name: Shown })),
    chats: z.number(),
    files: z.number(),
    settings: z.boolean(),
  }),
  tree: z.object({
    files: z.number(),
    bytes: z.number(),
    uploads: z.number(),
    vectors: z.number(),
    leftOut: z.array(Shown),
    leftOutCount: z.number(),
  }),
  keyFile: z.boolean(),
  free: z.number(),
});
export type Survey = z.infer<typeof Survey>;

/** What sync-runtime/adopt/main.ts answers to a copy. */
export const Copied = z.object({
  database: z.object({ bytes: z.number(), sha256: z.string(), rows: z.record(z.string(), z.number()) }),
  files: z.object({
    files: z.number(),
    bytes: z.number(),
    read: z.object({ files: z.number(), bytes: z.number() }),
    sha256: z.string(),
    leftOut: z.array(Shown),
    leftOutCount: z.number(),
    moving: z.number(),
  }),
  seconds: z.number(),
});
export type Copied = z.infer<typeof Copied>;

/** What an image knows: its version, its migrations, its tables, and the files it shows. */
export interface ImageFacts {
  /** `0.11.3`; null: it does not say. */
  version: string | null;
  /** Migrations of Alembic. */
  revisions: ReadonlySet<string>;
  tables: ReadonlySet<string>;
  /** sha256 by path. */
  static: ReadonlyMap<string, string>;
  /** What a container changed of it. */
  changed: string[];
}

/** Reads what `adoption.sh image` printed; undefined where it was cut off. Lines that say something else are passed over. */
export function readImageFacts(said: string): ImageFacts | undefined {
  const lines = said.split("\n");
  if (!lines.includes("end ok")) return undefined;
  const words = lines.map((line) => /^(\w+) (.*)$/.exec(line) ?? []);
  const of = (word: string) => words.filter(([, first]) => first === word).map(([, , rest = ""]) => rest);
  const hashes = of("static").map(
    (rest) => /^([0-9a-f]{64}) (\/app\/build\/[\w./-]{1,200})$/.exec(rest) ?? [],
  );
  return {
    version: of("version").find((version) => /^\d+\.\d+\.\d+([-.+][\w.-]*)?$/.test(version)) ?? null,
    revisions: new Set(of("revision")),
    tables: new Set(of("table")),
    static: new Map(hashes.flatMap(([, hash, path]) => (hash && path ? [[path, hash] as const] : []))),
    changed: of("changed").map((path) => Shown.parse(path)),
  };
}
