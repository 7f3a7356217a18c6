import { createHash } from "node:crypto";
import { z } from "zod";
import { type Call, type Route, route } from "../http/route.ts";
import { type Cloud, found } from "./cloud.ts";
import { parsed, unprocessable } from "./dialect.ts";
import type { SshKey } from "./model.ts";
import { page } from "./page.ts";
import { keyView } from "./views.ts";

const creation = z.object({ name: z.string().min(1), public_key: z.string().min(1) });
const change = z.object({ name: z.string().min(1) });

/** MD5 over the key's blob, as OpenSSH used to print it. */
const fingerprintOf = (publicKey: string): string => {
  const [type = "", blob = ""] = publicKey.trim().split(/\s+/);
  const bytes = Buffer.from(blob, "base64");
  const named = bytes.length > 4 ? bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString() : "";
  if (named === "" || named !== type)
    throw unprocessable("Key invalid, key should be of the format 'ssh-rsa AAAA...'");
  return (createHash("md5").update(bytes).digest("hex").match(/../g) as string[]).join(":");
};

/** A key by its number or its fingerprint. */
const keyOf = (cloud: Cloud, call: Call): SshKey =>
  found(
    cloud.account.keys.find(({ id, fingerprint }) =>
      [String(id), fingerprint].includes(call.params.key as string),
    ),
  );

/** Keys that droplets may be given. */
export const keyRoutes = (cloud: Cloud): Route[] => [
  route("GET", "/v2/account/keys", (call) => page("ssh_keys", cloud.account.keys.map(keyView), call)),
  route("POST", "/v2/account/keys", ({ body }) => {
    const { name, public_key: publicKey } = parsed(creation, body);
    const fingerprint = fingerprintOf(publicKey);
    if (cloud.account.keys.some((key) => key.fingerprint === fingerprint)) {
      throw unprocessable("SSH Key is already in use on your account");
    }
    const key: SshKey = { id: cloud.nextId(), name, publicKey, fingerprint };
    cloud.account.keys.push(key);
    cloud.save();
    return { status: 201, body: { ssh_key: keyView(key) }, created: `/v2/account/keys/${key.id}` };
  }),
  route("GET", "/v2/account/keys/:key", (call) => ({
    status: 200,
    body: { ssh_key: keyView(keyOf(cloud, call)) },
  })),
  route("PUT", "/v2/account/keys/:key", (call) => {
    const key = keyOf(cloud, call);
    key.name = parsed(change, call.body).name;
    cloud.save();
    return { status: 200, body: { ssh_key: keyView(key) } };
  }),
  route("DELETE", "/v2/account/keys/:key", (call) => {
    const key = keyOf(cloud, call);
    cloud.account.keys = cloud.account.keys.filter((each) => each !== key);
    cloud.save();
    return { status: 204 };
  }),
];
