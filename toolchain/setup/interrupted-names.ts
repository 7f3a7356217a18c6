import * as z from "zod";
import { allOf, type CloudApi, remove } from "./cloud-api.ts";
import { creationsIn, knownTo } from "./interrupted-cloud.ts";
import type { Progress } from "./progress.ts";
import type { Beginning } from "./run-beginning.ts";
import type { Checkpoint } from "./stack-state.ts";

/** A record that a run had begun to make when it died. */
export interface BegunRecord {
  zone: string;
  type: string;
  name: string;
  /** Says which stack and tenant it is of. */
  comment: string;
}

/** As much of a record as tells whose it is. */
const DnsRecord = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  comment: z.string().nullish(),
  created_on: z.string(),
});

type DnsRecord = z.infer<typeof DnsRecord>;

/** Records that a killed run had begun to make; pure. */
export const recordsBegunIn = (checkpoint: Checkpoint | undefined): BegunRecord[] =>
  creationsIn(checkpoint)
    .filter(({ type }) => type === "cloudflare:index/dnsRecord:DnsRecord")
    .map(({ inputs }) => ({
      zone: String(inputs?.zoneId),
      type: String(inputs?.type),
      name: String(inputs?.name),
      comment: String(inputs?.comment),
    }));

/** Those of a zone that the killed run made: as it had begun to make them, unknown to the state, and no older. Pure. */
export const recordsMadeBy = (
  { type, name, comment }: BegunRecord,
  records: readonly DnsRecord[],
  known: ReadonlySet<string>,
  began: number,
): DnsRecord[] =>
  records.filter(
    (record) =>
      record.type === type &&
      record.name === name &&
      record.comment === comment &&
      !known.has(record.id) &&
      Date.parse(record.created_on) >= Math.floor(began / 1000) * 1000,
  );

/**
 * Removes the records that the run before made at Cloudflare and could not write down, since it was killed: the same one a
 * second time would be refused.
 *
 * @returns what was removed
 */
export async function removeBegunRecords(
  checkpoint: Checkpoint | undefined,
  api: CloudApi,
  { at }: Beginning,
  progress: Progress,
): Promise<string[]> {
  const removed: string[] = [];
  for (const begun of recordsBegunIn(checkpoint)) {
    const collection = `/zones/${begun.zone}/dns_records`;
    const of = `${collection}?type=${begun.type}&name=${encodeURIComponent(begun.name)}`;
    const records = z.array(DnsRecord).parse(await allOf(api, of, "result"));
    for (const { id } of recordsMadeBy(begun, records, knownTo(checkpoint), at)) {
      progress(`removing the record of ${begun.name} that a killed run left`);
      await remove(api, `${collection}/${id}`);
      removed.push(`record of ${begun.name}`);
    }
  }
  return removed;
}
