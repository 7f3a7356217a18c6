import { request } from "node:http";
import { brandTargets } from "../../components/branding/brand-file.ts";

/** How long a file may take, in milliseconds. */
const PATIENCE_MS = 10_000;
/** The application is the tenant's: no brand file is as large. */
const LONGEST = 16 * 2 ** 20;

/** One of a brand's files as a tenant serves it. */
export interface ServedFile {
  /** As users' browsers ask for it: `/static/logo.png`. */
  path: string;
  /** It is the brand's, another, or was not answered. */
  is: "right" | "other" | "missing";
  /** What was answered instead, for people. */
  detail: string;
}

/** Fetches every file that a brand replaces, and compares each with what it should be. */
export async function servedBrand(at: URL, brand: ReadonlyMap<string, Buffer>): Promise<ServedFile[]> {
  const served: ServedFile[] = [];
  for (const { file, target } of brandTargets) {
    const path = target.replace(/^\/app\/build/, "");
    served.push({ path, ...(await compare(new URL(path, at), brand.get(file))) });
  }
  return served;
}

async function compare(url: URL, expected: Buffer | undefined): Promise<Omit<ServedFile, "path">> {
  try {
    const { status, body } = await get(url);
    if (status !== 200) return { is: "missing", detail: `answered with status ${status}` };
    if (expected?.equals(body)) return { is: "right", detail: "" };
    return { is: "other", detail: `${body.length} bytes that are not the brand's` };
  } catch (error) {
    return { is: "missing", detail: (error as Error).message };
  }
}

const get = (url: URL): Promise<{ status: number; body: Buffer }> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { signal: AbortSignal.timeout(PATIENCE_MS), agent: false }, (answer) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      answer.on("data", (part: Buffer) => {
        bytes += part.length;
        if (bytes > LONGEST) asked.destroy(new Error("more was answered than a brand's file ever has"));
        parts.push(part);
      });
      answer.once("error", reject);
      answer.once("end", () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(parts) }));
    });
    asked.once("error", reject).end();
  });
