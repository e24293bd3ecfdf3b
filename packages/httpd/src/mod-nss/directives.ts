/** Where a directive may stand: server config and virtual hosts, directories, or the main server alone. */
export type DirectiveContext = 'server' | 'directory' | 'main';

export interface NssDirective {
  name: string;
  contexts: readonly DirectiveContext[];
  /** Third number of the first version that has it (1.0.x); 8 stands for "1.0.8 or earlier". */
  since: number;
  /** One value for the whole process, wherever it is written: the last one wins. */
  global?: true;
  /**
   * Created with a value instead of "unset": what the main server says is not inherited by a virtual host, so it has to
   * be written in each.
   */
  notInherited?: true;
  /** mod_nss refuses to start, or worse, without it as soon as an engine is on. */
  required?: true;
  /** Exists only in some builds. */
  buildOption?: true;
  /** Accepted and ignored. */
  deprecated?: true;
}

const S = ['server'] as const;
const SD = ['server', 'directory'] as const;
const D = ['directory'] as const;

/** Every directive of mod_nss (field notes 1.1). Names that are not here are a syntax error for Apache. */
export const NSS_DIRECTIVES: readonly NssDirective[] = [
  { name: 'NSSCertificateDatabase', contexts: S, since: 8, global: true, required: true },
  { name: 'NSSDBPrefix', contexts: S, since: 8, global: true },
  { name: 'NSSPassPhraseDialog', contexts: S, since: 8, global: true, required: true },
  { name: 'NSSPassPhraseHelper', contexts: S, since: 8, global: true, required: true },
  { name: 'NSSSessionCacheSize', contexts: S, since: 8, global: true },
  { name: 'NSSSession3CacheTimeout', contexts: S, since: 8, global: true },
  { name: 'NSSSessionCacheTimeout', contexts: S, since: 8, global: true, deprecated: true },
  { name: 'NSSSkipPermissionCheck', contexts: S, since: 13, global: true },
  { name: 'NSSRandomSeed', contexts: ['main'], since: 8, global: true },
  { name: 'NSSOCSP', contexts: S, since: 8 },
  { name: 'NSSOCSPDefaultResponder', contexts: S, since: 8 },
  { name: 'NSSOCSPDefaultURL', contexts: S, since: 8 },
  { name: 'NSSOCSPDefaultName', contexts: S, since: 8 },
  { name: 'NSSOCSPTimeout', contexts: S, since: 15 },
  { name: 'NSSOCSPCacheSize', contexts: S, since: 15 },
  { name: 'NSSOCSPMinCacheEntryDuration', contexts: S, since: 15 },
  { name: 'NSSOCSPMaxCacheEntryDuration', contexts: S, since: 15 },
  { name: 'NSSEngine', contexts: S, since: 8 },
  { name: 'NSSFIPS', contexts: S, since: 8 },
  { name: 'NSSSNI', contexts: S, since: 12, notInherited: true },
  { name: 'NSSStrictSNIVHostCheck', contexts: S, since: 12, notInherited: true },
  { name: 'NSSCipherSuite', contexts: SD, since: 8, required: true },
  { name: 'NSSProtocol', contexts: S, since: 8 },
  { name: 'NSSVerifyClient', contexts: SD, since: 8 },
  { name: 'NSSNickname', contexts: S, since: 8, required: true },
  { name: 'NSSECCNickname', contexts: S, since: 8, buildOption: true },
  { name: 'NSSEnforceValidCerts', contexts: S, since: 8 },
  { name: 'NSSRenegotiation', contexts: S, since: 9, buildOption: true },
  { name: 'NSSRequireSafeNegotiation', contexts: S, since: 9, buildOption: true },
  { name: 'NSSSessionTickets', contexts: S, since: 12, notInherited: true },
  { name: 'NSSUserName', contexts: SD, since: 8 },
  { name: 'NSSOptions', contexts: D, since: 8 },
  { name: 'NSSRequireSSL', contexts: D, since: 8 },
  { name: 'NSSRequire', contexts: D, since: 8 },
  { name: 'NSSRenegBufferSize', contexts: D, since: 12 },
  { name: 'NSSProxyEngine', contexts: S, since: 8 },
  { name: 'NSSProxyCheckPeerCN', contexts: S, since: 9, notInherited: true },
  { name: 'NSSProxyProtocol', contexts: S, since: 8 },
  { name: 'NSSProxyCipherSuite', contexts: S, since: 8 },
  { name: 'NSSProxyNickname', contexts: S, since: 8 },
];

/** The directive as the catalogue spells it; Apache does not mind the case. */
export function nssDirective(name: string): NssDirective | undefined {
  return NSS_DIRECTIVES.find((entry) => entry.name.toLowerCase() === name.toLowerCase());
}
