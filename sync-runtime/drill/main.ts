/**
 * Holds a fetched backup against its manifest: `verify <folder> <tenant>`, or `compare <folder>` with what an application
 * showed on standard input, or `restored <folder> <url>` with a Postgres into which its dump was restored. Each prints one JSON
 * text; exit code 1 where something is otherwise than it has to be.
 * For drill.sh besides: `outcome <ok> <snapshot> <seconds>` prints what is kept of a drill that said what stands on
 * standard input, `due <status file> <interval>` prints `due` or nothing.
 */
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { compare, Seen } from "./compare.ts";
import { isDue, outcomeOf } from "./outcome.ts";
import { readManifest, type Verdict, verify, verifyRestored } from "./verify.ts";

async function compared(folder: string): Promise<{ compared: Seen } | { problems: string[] }> {
  const manifest = await readManifest(folder);
  if (typeof manifest === "string") return { problems: [manifest] };
  let seen: Seen;
  try {
    seen = Seen.parse(JSON.parse(await text(process.stdin)));
  } catch {
    return { problems: ["the application answered what no Open WebUI answers"] };
  }
  const problems = compare(manifest, seen);
  return problems.length > 0 ? { problems } : { compared: seen };
}

function judge(verdict: Verdict | Awaited<ReturnType<typeof compared>>): void {
  console.log(JSON.stringify(verdict));
  process.exitCode = "problems" in verdict ? 1 : 0;
}

if (import.meta.main) {
  const [action, first = "", second = "", third = ""] = process.argv.slice(2);
  switch (action) {
    case "verify":
      judge(await verify(first, second));
      break;
    case "restored":
      judge(await verifyRestored(first, second));
      break;
    case "compare":
      judge(await compared(first));
      break;
    case "outcome": {
      const known = { ok: first === "true", snapshot: second, seconds: Number(third) };
      console.log(JSON.stringify(outcomeOf(await text(process.stdin), known, new Date())));
      break;
    }
    case "due":
      if (isDue(await readFile(first, "utf8").catch(() => ""), Number(second), new Date()))
        console.log("due");
      break;
    default:
      throw new Error(`${action} is nothing this program does`);
  }
}
