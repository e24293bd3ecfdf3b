import type { WaiverUse } from '@hsmfleet/contract';
import type { Profile, SelectHosts, Waiver } from './model.ts';
import { selected } from './parameters.ts';

/** The waivers of a profile, by control and host. */
export class Waivers {
  readonly #waivers: { waiver: Waiver; hosts: ReadonlySet<string>; expired: boolean }[] = [];
  /** Patterns that fit no host, for people. */
  readonly warnings: string[] = [];

  /** @param now decides which have expired */
  constructor(profile: Profile, select: SelectHosts, now: Date) {
    const today = now.toISOString().slice(0, 10);
    for (const waiver of profile.waivers) {
      const hosts = selected(waiver.hosts, select);
      if (typeof hosts === 'string') this.warnings.push(`${waiver.position.file}:${String(waiver.position.line)}: the waiver for "${waiver.hosts}" is not used: ${hosts}`);
      else this.#waivers.push({ waiver, hosts: new Set(hosts), expired: today > waiver.until });
    }
  }

  /** The waiver for the findings of a control on a host: one that holds, else the one that expired last. */
  for(control: string, host: string): WaiverUse | null {
    const fitting = this.#waivers
      .filter(({ waiver, hosts }) => hosts.has(host) && waiver.controls.includes(control))
      .sort((a, b) => (a.waiver.until < b.waiver.until ? 1 : -1));
    const [best] = fitting;
    if (best === undefined) return null;
    const { reason, owner, until, position } = best.waiver;
    return { reason, owner, until, expired: best.expired, position };
  }
}
