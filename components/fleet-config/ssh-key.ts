import { z } from "zod";

/** Type and key, as they stand in a `.pub` file; what follows them is anybody's comment. */
const publicKey =
  /^((?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com) [A-Za-z0-9+/]{40,}={0,2})( [^\n"']*)?$/;

/** A key that may sign in, with its comment. */
export const operatorKey = () => z.string().trim().regex(publicKey);

/** What to do about an operator's key that is refused. */
export const operatorKeyRemedy =
  "write the public half, one line such as ~/.ssh/id_ed25519.pub holds: ssh-ed25519 AAAA… ann@example";

/** A server's own key, without its comment. */
export const hostKey = () =>
  z
    .string()
    .trim()
    .regex(publicKey)
    .transform((text) => text.replace(publicKey, "$1"));

/** What to do about a host key that is refused. */
export const hostKeyRemedy =
  "write the line that stands in the server's /etc/ssh/ssh_host_ed25519_key.pub, read on the server itself: ssh-ed25519 AAAA…";
