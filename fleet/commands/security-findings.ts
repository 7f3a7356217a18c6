/** What is looked at on a host, and how it is. */
export interface Finding {
  check: string;
  /** `unknown`: it could not be found out there. */
  state: "good" | "bad" | "unknown";
  /** In an operator's words. */
  found: string;
  /** What to do; absent where nothing has to be. */
  remedy?: string;
}

/** What security-report.sh printed: the words of each line, by the first of them. */
export type Facts = Map<string, string[][]>;

/** Undefined where the report does not have its last line: it was cut off, or is none. */
export function readFacts(report: string): Facts | undefined {
  const lines = report
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split(" "));
  if (lines.at(-1)?.join(" ") !== "end ok") return undefined;
  const grouped = Map.groupBy(lines, ([name = ""]) => name);
  return new Map([...grouped].map(([name, found]) => [name, found.map((words) => words.slice(1))]));
}

/** What the judgement depends on besides the facts. */
export interface Judged {
  /** A machine that the program runs on is its owner's: of what is not the fleet's nothing is said. */
  local: boolean;
  /** Ports that are open by intent. */
  ports: number[];
  /** Seconds since 1970. */
  now: number;
}

const settleIt = "`npm run host -- repair` sets it right";

/** How safe a host is, check by check, from what was found on it. */
export function securityFindings(facts: Facts, { local, ports, now }: Judged): Finding[] {
  const shared = [egress(facts, local), updates(facts, now), restart(facts), disk(facts)];
  if (local) return shared;
  return [
    rootLogin(facts),
    passwords(facts),
    logins(facts),
    hostKey(facts),
    firewall(facts),
    openPorts(facts, ports),
    fail2ban(facts),
    unattended(facts),
    ...shared,
  ];
}

const good = (check: string, found: string): Finding => ({ check, state: "good", found });
const bad = (check: string, found: string, remedy: string): Finding => ({
  check,
  state: "bad",
  found,
  remedy,
});
const unknown = (check: string): Finding => ({ check, state: "unknown", found: "could not be found out" });

const only = (facts: Facts, name: string): string[] => facts.get(name)?.[0] ?? [];

/** What sshd follows, by the setting's name. */
const sshd = (facts: Facts, setting: string): string | undefined =>
  facts.get("ssh")?.find(([name]) => name === setting)?.[1];

function rootLogin(facts: Facts): Finding {
  const value = sshd(facts, "permitrootlogin");
  if (value === undefined) return unknown("root sign-in");
  return value === "no" ? good("root sign-in", "off") : bad("root sign-in", `allowed (${value})`, settleIt);
}

function passwords(facts: Facts): Finding {
  const values = ["passwordauthentication", "kbdinteractiveauthentication"].map((name) => sshd(facts, name));
  if (values.includes(undefined)) return unknown("passwords");
  return values.every((value) => value === "no")
    ? good("passwords", "off: keys alone sign in")
    : bad("passwords", "sshd takes passwords", settleIt);
}

function logins(facts: Facts): Finding {
  const all = facts.get("login") ?? [];
  const others = all.filter(([user]) => user !== "qbmgr" && user !== "root").map(([user]) => user);
  const own = all.find(([user]) => user === "qbmgr")?.[1];
  if (own === undefined) return bad("who signs in", "qbmgr has no key", settleIt);
  const keys = `qbmgr, with ${own} ${own === "1" ? "key" : "keys"}`;
  return others.length === 0
    ? good("who signs in", keys)
    : bad("who signs in", `${keys}; and ${others.join(", ")}`, "remove the keys of who should not");
}

function hostKey(facts: Facts): Finding {
  const [state] = only(facts, "birth-key");
  if (state === undefined) return unknown("host key");
  if (state !== "in-use") return good("host key", "no other place holds it");
  return bad("host key", "the one that user-data carried is still in use", "`npm run up` replaces it");
}

function firewall(facts: Facts): Finding {
  const [state] = only(facts, "firewall");
  const [atStart] = only(facts, "firewall-at-start");
  if (state === "missing") return bad("firewall", "not loaded", settleIt);
  if (state === "changed") return bad("firewall", "differs from what the set-up loaded", settleIt);
  if (state !== "loaded") return unknown("firewall");
  return atStart === "enabled"
    ? good("firewall", "loaded, at every start too")
    : bad("firewall", "loaded, but not after a restart", settleIt);
}

function openPorts(facts: Facts, intended: number[]): Finding {
  const listening = facts.get("port");
  if (!listening) return unknown("open ports");
  const others = listening.filter(
    ([protocol, , port]) => !(protocol === "tcp" && intended.includes(Number(port))),
  );
  const named = [...new Set(others.map(([protocol, , port, program]) => `${port}/${protocol} (${program})`))];
  const open = intended.filter((port) => listening.some(([, , found]) => Number(found) === port));
  const words = open.length === 0 ? "nothing listens" : `${open.join(", ")} listen`;
  if (named.length === 0) return good("open ports", words);
  if (firewall(facts).state === "good")
    return good("open ports", `${words}; kept in by the firewall: ${named.join(", ")}`);
  return bad("open ports", `also ${named.join(", ")}, which no firewall keeps in`, settleIt);
}

function fail2ban(facts: Facts): Finding {
  const [state, banned] = only(facts, "fail2ban");
  if (state === undefined || state === "unknown") return unknown("fail2ban");
  if (state !== "active") return bad("fail2ban", `is ${state}`, settleIt);
  return good("fail2ban", `active; banned now: ${banned}`);
}

function unattended(facts: Facts): Finding {
  const [enabled, timer, time] = only(facts, "unattended");
  if (enabled === undefined) return unknown("patches");
  if (enabled !== "1" || timer !== "active")
    return bad("patches", "are not installed by themselves", settleIt);
  return good("patches", `daily, by themselves; a restart they need is at ${time}`);
}

/** Days after which what is known of updates is too old to say anything. */
const staleDays = 3;

function updates(facts: Facts, now: number): Finding {
  const [all, security, at] = only(facts, "updates");
  if (all === undefined || !at) return unknown("pending updates");
  const days = Math.floor((now - Number(at)) / 86_400);
  const install = "they come by themselves within a day; at once: `sudo unattended-upgrade`";
  if (days > staleDays)
    return bad("pending updates", `not asked for since ${days} days`, "`sudo apt-get update`");
  return security === "0"
    ? good("pending updates", `${all}, none of them for security`)
    : bad("pending updates", `${all}, ${security} of them for security`, install);
}

function restart(facts: Facts): Finding {
  const [state] = only(facts, "reboot");
  if (state === undefined) return unknown("restart");
  if (state !== "required") return good("restart", "no patch waits for one");
  return bad("restart", "a patch waits for one", "it comes at its time; at once: `sudo systemctl reboot`");
}

function egress(facts: Facts, local: boolean): Finding {
  const [state, more] = only(facts, "egress");
  if (state === undefined) return unknown("tenants' reach");
  if (state === "missing" && more === "0") return good("tenants' reach", "there is no tenant yet");
  if (state === "missing") {
    const again = local ? "`npm run up`, as root, with iptables installed" : settleIt;
    return bad("tenants' reach", "private addresses too", again);
  }
  return more === "enabled"
    ? good("tenants' reach", "no private address, after a restart neither")
    : bad(
        "tenants' reach",
        "private addresses after a restart, until the next up",
        "run the machine with systemd",
      );
}

/** Per cent; above it a host is too full to be left alone. */
const fullAt = 85;

function disk(facts: Facts): Finding {
  const [used] = only(facts, "disk");
  if (used === undefined || used === "") return unknown("disk");
  return Number(used) > fullAt
    ? bad("disk", `${used} % full`, "let the volume grow (`volume:`), or move a tenant")
    : good("disk", `${used} % full`);
}
