import type { HostEvidence } from '@hsmfleet/contract';
import type { Chain, WantedSite } from './chain.ts';
import { siteName } from './chain.ts';
import { judgeModule, judgePcscd, judgePermission, judgeReader, judgeReadOnly } from './judge-module.ts';
import { judgeNickname, judgeNssDatabase } from './judge-nss.ts';
import { judgePinFile } from './judge-pin-file.ts';
import { judgeApacheConfig, judgePort, judgeTls } from './judge-server.ts';
import { judgeCertificate, judgeToken } from './judge-token.ts';
import type { Findings } from './walk.ts';

/** What to follow on a host. */
export interface Follow {
  /** Server name of the one site; all when absent. */
  site?: string | undefined;
  wanted?: readonly WantedSite[];
  now?: Date;
}

/** Every link that is looked at on the host, from what the agent saw there. */
export function judgeHost(seen: HostEvidence, { site, wanted = [], now = new Date() }: Follow = {}): { findings: Findings; sites: string[] } {
  const sites = seen.report.sites.filter(({ name }) => site === undefined || name === site);
  const chain: Chain = { seen, sites, asked: site, wanted, now };
  return {
    sites: sites.map(siteName),
    findings: {
      reader: () => judgeReader(chain),
      pcscd: () => judgePcscd(chain),
      permission: () => judgePermission(chain),
      module: () => judgeModule(chain),
      'read-only': () => judgeReadOnly(chain),
      token: () => judgeToken(chain),
      certificate: () => judgeCertificate(chain),
      'nss-database': () => judgeNssDatabase(chain),
      nickname: () => judgeNickname(chain),
      'pin-file': () => judgePinFile(chain),
      'apache-config': () => judgeApacheConfig(chain),
      port: () => judgePort(chain),
      tls: () => judgeTls(chain),
    },
  };
}
