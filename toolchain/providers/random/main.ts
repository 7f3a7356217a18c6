import type { Provider } from "../plugin/resource.ts";
import { serve } from "../plugin/serve.ts";

/** Stand-in for the `random` provider: values from the system's cryptographic generator. */
const random: Provider<undefined> = {
  name: "random",
  config: {},
  connect: () => undefined,
  resources: {
    "random:index/randomBytes:RandomBytes": async () => (await import("./random-bytes.ts")).bytes,
    "random:index/randomId:RandomId": async () => (await import("./random-id.ts")).id,
    "random:index/randomPassword:RandomPassword": async () => (await import("./random-string.ts")).password,
    "random:index/randomString:RandomString": async () => (await import("./random-string.ts")).string,
    "random:index/randomUuid:RandomUuid": async () => (await import("./random-uuid.ts")).uuid,
  },
};

serve(random);
