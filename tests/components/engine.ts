import * as pulumi from "@pulumi/pulumi";

/** One resource as the engine would be told of it. */
export interface Declared {
  type: string;
  name: string;
  /** As the engine gets them: a secret in its wrapping ({@link plain} takes it off), an unknown one {@link unknown}. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into inputs of every resource type there is
  inputs: Record<string, any>;
  parent: string;
  /** Names of what has to be there before it. */
  after: string[];
  protect: boolean;
  retainOnDelete: boolean;
  /** Name of what takes it along without its provider being asked; empty where nothing does. */
  deletedWith: string;
  /** Inputs that stay as they were, whatever they would be now. */
  ignored: string[];
  /** With whose change it is made anew; empty where with nobody's. */
  trigger: unknown;
  secretOutputs: string[];
}

/** What providers compute, by resource type. Known after `up` only. */
const computed: Record<string, (name: string) => Record<string, unknown>> = {
  "digitalocean:index/droplet:Droplet": (name) => ({
    ipv4Address: `public of ${name}`,
    ipv4AddressPrivate: `private of ${name}`,
  }),
  "digitalocean:index/reservedIp:ReservedIp": (name) => ({ ipAddress: `address of ${name}` }),
  "digitalocean:index/sshKey:SshKey": (name) => ({ fingerprint: `fingerprint of ${name}` }),
  "cloudflare:index/originCaCertificate:OriginCaCertificate": (name) => ({
    certificate: `certificate of ${name}`,
  }),
  "command:local:Command": (name) => ({ stdout: `stdout of ${name}` }),
  "docker:index/remoteImage:RemoteImage": (name) => ({ imageId: `sha256:${name}` }),
  "random:index/randomPassword:RandomPassword": (name) => ({ result: `password of ${name}` }),
  "tls:index/privateKey:PrivateKey": (name) => ({
    privateKeyPemPkcs8: `private key of ${name}`,
    publicKeyPem: `public key of ${name}`,
    privateKeyOpenssh: `openssh private key of ${name}`,
    publicKeyOpenssh: `open key of ${name}\n`,
  }),
  "tls:index/selfSignedCert:SelfSignedCert": (name) => ({ certPem: `certificate of ${name}` }),
  "tls:index/certRequest:CertRequest": (name) => ({ certRequestPem: `request of ${name}` }),
  "tls:index/locallySignedCert:LocallySignedCert": (name) => ({ certPem: `certificate of ${name}` }),
};

/** What providers answer to questions, by the question. */
const answers: Record<string, Record<string, unknown>> = {
  "command:local:run": { stdout: "" },
  "cloudflare:index/getZone:getZone": { zoneId: "id-of-the-zone" },
  "cloudflare:index/getIpRanges:getIpRanges": {
    ipv4Cidrs: ["198.18.127.0/24"],
    ipv6Cidrs: ["2001:db8::/32"],
  },
};

/** What the SDK sends for a resource, as far as its mocks do not hand it on. */
interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getDependenciesList(): string[];
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getDeletedwith(): string;
  getIgnorechangesList(): string[];
  getReplacementTrigger(): { toJavaScript(): unknown } | undefined;
  getAdditionalsecretoutputsList(): string[];
}

/** What `program` declares, in the engine's mocked presence, with nothing of it pending any more. */
export async function declaredBy(program: () => unknown, { preview = false } = {}): Promise<Declaration> {
  const inputs = new Map<string, Declared["inputs"]>();
  const mocks: pulumi.runtime.Mocks = {
    call: ({ token, inputs: given }) => answers[token] ?? given,
    newResource: ({ type, name, inputs: given, custom }) => {
      inputs.set(`${type} ${name}`, given);
      const known = preview ? {} : computed[type]?.(name);
      return { id: custom && !preview ? `${name}-id` : undefined, state: { ...given, ...known } };
    },
  };
  await pulumi.runtime.setMocks(mocks, "open-webui-infrastructure", "test", preview);
  const requests = overhear();
  await withShortStacks(async () => {
    await program();
    await pulumi.runtime.disconnect();
  });
  return new Declaration(
    requests.map((request) => ({
      type: request.getType(),
      name: request.getName(),
      inputs: inputs.get(`${request.getType()} ${request.getName()}`) ?? {},
      parent: nameOf(request.getParent()),
      after: request.getDependenciesList().map(nameOf),
      protect: request.getProtect(),
      retainOnDelete: request.getRetainondelete(),
      deletedWith: nameOf(request.getDeletedwith()),
      ignored: request.getIgnorechangesList(),
      trigger: request.getReplacementTrigger()?.toJavaScript() ?? "",
      secretOutputs: request.getAdditionalsecretoutputsList(),
    })),
  );
}

/** The SDK takes a stack for each output of each resource, which vitest has 100 frames long and maps: most of the time. */
async function withShortStacks(work: () => Promise<void>): Promise<void> {
  const usual = Error.stackTraceLimit;
  Error.stackTraceLimit = 2;
  try {
    await work();
  } finally {
    Error.stackTraceLimit = usual;
  }
}

/** Collects the requests that go to the mocked engine. */
function overhear(): Request[] {
  const requests: Request[] = [];
  const monitor = pulumi.runtime.getMonitor() as unknown as {
    registerResource: (...args: never[]) => unknown;
  };
  const register = monitor.registerResource.bind(monitor) as (...args: unknown[]) => unknown;
  monitor.registerResource = (...args: unknown[]) => {
    requests.push(args[0] as Request);
    return register(...args);
  };
  return requests;
}

/** Stands for a value a preview does not know. */
export const unknown = { __pulumiUnknown: true };

/** The wrapping the engine knows secrets by. */
const secretSignature = "4dabf18193072939515e22adb298388d";

/** Whether an input reaches the engine as a secret. */
export const isSecret = (input: unknown): boolean =>
  typeof input === "object" && input !== null && secretSignature in input;

/** An input's value, secret or not. */
export const plain = (input: unknown): unknown =>
  isSecret(input) ? (input as { value: unknown }).value : input;

const nameOf = (urn: string): string => urn.split("::").at(-1) ?? "";

/** What a program declared, to be asked by name. */
export class Declaration {
  readonly all: Declared[];

  constructor(all: Declared[]) {
    this.all = all;
  }

  /** Names of the resources directly below a component, sorted. */
  below(parent: string): string[] {
    return this.all
      .filter((resource) => resource.parent === parent)
      .map(({ name }) => name)
      .sort();
  }

  /** Names of all resources of a type such as `Container`. */
  ofType(type: string): string[] {
    return this.all.filter((resource) => resource.type.endsWith(`:${type}`)).map(({ name }) => name);
  }

  /** The resource of that name, of which there has to be exactly one. */
  one(name: string): Declared {
    const [found, ...others] = this.all.filter((resource) => resource.name === name);
    if (!found || others.length > 0) throw new Error(`${name} is not one of ${this.all.map((r) => r.name)}`);
    return found;
  }
}
