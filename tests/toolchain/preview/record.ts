/**
 * Makes a fixture of this folder from an event log of the real engine:
 *
 *   npm run pulumi -- preview --event-log /tmp/events.jsonl
 *   node tests/toolchain/preview/record.ts /tmp/events.jsonl <data home> > tests/toolchain/preview/events/<name>.jsonl
 *
 * What stays the same is left out, images excepted, by which a report knows versions; so are debugging messages, in
 * which the engine shows secrets, and what nobody reads. The data home's path becomes /data.
 */
import { readFileSync } from "node:fs";

interface Form {
  [key: string]: unknown;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

const [, , log = "", home = ""] = process.argv;

const short = (value: unknown): unknown => {
  if (typeof value === "string")
    return value.replaceAll(home, "/data").replaceAll(/-----BEGIN[\s\S]*?-----END.*?-----\n?/g, "(PEM)\n");
  if (Array.isArray(value)) return value.map(short);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== "__defaults");
  return Object.fromEntries(entries.map(([key, child]) => [key, short(child)]));
};

const formOf = (form: Form | null | undefined, changed: readonly string[] | null): Form | undefined => {
  if (!form) return undefined;
  const { inputs = {}, outputs = {}, parent, provider, protect } = form;
  const kept = changed
    ? Object.entries(inputs).filter(([name]) => changed.includes(name))
    : Object.entries(inputs);
  const { imageId, name } = outputs;
  return {
    parent,
    provider,
    ...(protect ? { protect } : {}),
    inputs: Object.fromEntries(kept),
    ...(imageId ? { outputs: { imageId, name } } : {}),
  };
};

for (const line of readFileSync(log, "utf8").split("\n").filter(Boolean)) {
  const { sequence, timestamp, ...event } = JSON.parse(line);
  const metadata = event.resourcePreEvent?.metadata;
  if (metadata) {
    const { op, urn, type, diffs, detailedDiff, old: before, new: after } = metadata;
    if (op === "same" && type !== "docker:index/remoteImage:RemoteImage") continue;
    const changed = op === "update" || op === "replace" ? (diffs ?? []) : op === "same" ? [] : null;
    const forms = { old: formOf(before, changed), new: op === "same" ? undefined : formOf(after, changed) };
    const step = {
      op,
      urn,
      type,
      diffs: diffs ?? undefined,
      detailedDiff: detailedDiff ?? undefined,
      ...forms,
    };
    console.log(JSON.stringify(short({ resourcePreEvent: { metadata: step } })));
  } else if (
    event.diagnosticEvent
      ? event.diagnosticEvent.severity === "error"
      : event.summaryEvent || event.policyEvent
  ) {
    console.log(JSON.stringify(short(event)));
  }
}
