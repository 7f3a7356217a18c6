import { z } from "zod";
import { documentation, documentationOf } from "./documentation.ts";
import { refuse } from "./problem.ts";

const fields = z.strictObject({
  kind: z.enum(["file", "s3", "cloud"]).prefault("file").register(documentation, {
    description:
      "`file`: the data home of the machine that `up` runs on. `s3`: a bucket of S3, or of anything that speaks its protocol, which several machines share. `cloud`: Pulumi Cloud. All three let one change at a time in. Who changes it lets `npm run setup` move what is there (docs/state.md).",
    remedy: "write file, s3 or cloud",
  }),
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)
    .optional()
    .register(documentation, {
      description: "Kind `s3`: the bucket. It has to be there, and should keep old versions of its objects.",
      example: "example-fleet-state",
      remedy: "write the name of a bucket that is there",
    }),
  endpoint: z
    .url({ protocol: /^https?$/ })
    .regex(/^https?:\/\/[^/?#@]+$/)
    .optional()
    .register(documentation, {
      description: "Kind `s3`: who keeps the bucket, where that is not Amazon. Plain http is for loopback.",
      type: "URL",
      default: "Amazon's",
      example: "https://fra1.digitaloceanspaces.com",
      remedy:
        "write the service's address without the bucket and without a path, such as https://fra1.digitaloceanspaces.com",
    }),
  region: z
    .string()
    .regex(/^[a-z0-9-]{2,40}$/)
    .optional()
    .register(documentation, {
      description: "Kind `s3`: the bucket's region.",
      default: "us-east-1",
      remedy: "write the region's name, such as eu-central-1",
    }),
  organization: z
    .string()
    .regex(/^[\w-]{3,40}$/)
    .optional()
    .register(documentation, {
      description: "Kind `cloud`: the organisation that has the stack.",
      default: "the account's own",
      remedy: "write the organisation's name as Pulumi Cloud has it",
    }),
});

/** Fields that only one kind knows. */
const belongs = { bucket: "s3", endpoint: "s3", region: "s3", organization: "cloud" } as const;

/** The entry `state`. */
export const stateEntry = fields
  .superRefine(({ kind, ...given }, context) => {
    const { bucket } = fields.shape;
    if (kind === "s3" && given.bucket === undefined)
      refuse(context, {
        at: ["bucket"],
        found: "nothing, beside kind: s3",
        remedy: documentationOf(bucket).remedy,
      });
    for (const [name, its] of Object.entries(belongs))
      if (kind !== its && given[name as keyof typeof belongs] !== undefined)
        refuse(context, {
          at: [name],
          found: `a value, beside kind: ${kind}`,
          remedy: `write kind: ${its} if that was meant, or remove it`,
        });
    if (given.endpoint && /^http:/.test(given.endpoint) && !loopback.test(given.endpoint))
      refuse(context, {
        at: ["endpoint"],
        found: "an address without encryption",
        remedy: "write it with https://; plain http is for a server on this machine",
      });
  })
  .transform((entry): StateSpec => {
    const { kind, bucket = "", endpoint, region = "us-east-1", organization } = entry;
    if (kind === "s3") return { kind, bucket, region, ...(endpoint && { endpoint }) };
    return kind === "cloud" ? { kind, ...(organization && { organization }) } : { kind };
  });

const loopback = /^http:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?$/;

/** Where a stack's state is kept. */
export type StateSpec =
  | { kind: "file" }
  | { kind: "s3"; bucket: string; region: string; endpoint?: string }
  | { kind: "cloud"; organization?: string };
