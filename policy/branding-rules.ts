import { bindMounts, type Container, isTenant, labelOf } from "./container.ts";
import { known } from "./known.ts";

/** Open WebUI's licence, clause 4: who shows a look of one's own has a basis for it, which the entry declares. */
export function brandingBasis(container: Container, bases: Record<string, string>): string[] {
  if (!isTenant(container)) return [];
  const tenant = labelOf(container, "owui.tenant") ?? "";
  const named = known(() => (container.envs ?? []).some((entry) => entry.startsWith("WEBUI_NAME=")));
  const drawn = bindMounts(container).some(({ target }) => target.startsWith("/app/build/"));
  return (named || drawn) && !bases[tenant]
    ? [
        `Tenant ${tenant} shows a look of its own and declares no basis for it, which Open WebUI's licence asks for. Write branding.basis in its entry.`,
      ]
    : [];
}
