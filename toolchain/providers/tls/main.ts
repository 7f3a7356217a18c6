import type { Provider } from "../plugin/resource.ts";
import { serve } from "../plugin/serve.ts";

/** Stand-in for the `tls` provider: real keys and certificates. */
const tls: Provider<undefined> = {
  name: "tls",
  config: {},
  connect: () => undefined,
  resources: {
    "tls:index/certRequest:CertRequest": async () => (await import("./cert-request.ts")).certRequest,
    "tls:index/locallySignedCert:LocallySignedCert": async () =>
      (await import("./locally-signed-cert.ts")).locallySignedCert,
    "tls:index/privateKey:PrivateKey": async () => (await import("./private-key.ts")).privateKey,
    "tls:index/selfSignedCert:SelfSignedCert": async () =>
      (await import("./self-signed-cert.ts")).selfSignedCert,
  },
};

serve(tls);
