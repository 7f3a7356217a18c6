import type { Context } from "../plugin/resource.ts";
import { replaces, resource, updates } from "../plugin/resource.ts";
import { type Type, text } from "../plugin/types.ts";
import { type DigitalOcean, failing } from "./account.ts";

interface KeyView {
  id: number;
  name: string;
  public_key: string;
  fingerprint: string;
}

/** Space around a key means nothing. */
const key: Type<string> = {
  ...text,
  fulfils: (is, asked) => String(is ?? "").trim() === String(asked).trim(),
};

const stateOf = ({ name, public_key: publicKey, fingerprint }: KeyView) => ({ name, publicKey, fingerprint });

const path = (id: string) => `/v2/account/keys/${id}`;

const read = async (id: string, { client, signal }: Context<DigitalOcean>) =>
  (await client.find<{ ssh_key: KeyView }>(path(id), signal))?.ssh_key;

/** A key of the account; its id is its number. */
export const sshKey = resource<DigitalOcean>()({
  inputs: { name: updates(text), publicKey: replaces(key, { required: true }) },
  outputs: ["fingerprint"],
  autonamed: true,
  create: async ({ name, publicKey }, context) => {
    const { client, signal } = context;
    const { ssh_key: made } = await client
      .send<{ ssh_key: KeyView }>("POST", "/v2/account/keys", signal, { name, public_key: publicKey })
      .catch(failing("Error creating SSH Key"));
    // A key may not be found at once.
    const seen = await client.until(signal, () => read(String(made.id), context));
    return { id: String(made.id), state: stateOf(seen) };
  },
  read: async (id, _state, context) => {
    const found = await read(id, context);
    return found && { id, state: stateOf(found) };
  },
  update: async (id, { name }, _state, { client, signal }) => {
    const { ssh_key: changed } = await client.send<{ ssh_key: KeyView }>("PUT", path(id), signal, { name });
    return stateOf(changed);
  },
  delete: (id, _state, { client, signal }) => client.remove(path(id), signal),
});
