import type { ErrorShape } from '@hsmfleet/contract';
import { toErrorShape } from '@hsmfleet/contract';
import { configRoot, discoverSites, readApacheConfig, readEnvironment, readEnvvars, sitePaths, type ApacheConfig, type DiscoveredSite } from '@hsmfleet/httpd';
import type { ReadHost, ServerProcess, ServingProcess } from '@hsmfleet/resource';

/** What the web server's configuration tells of its tokens, and what runs of it. */
export interface ApacheFindings {
  /** Undefined when Apache is not installed or its configuration could not be read. */
  config: ApacheConfig | undefined;
  sites: DiscoveredSite[];
  /** Variables of its process that PKCS#11 libraries read; the libraries are looked at with the same ones. */
  moduleEnv: Record<string, string>;
  /** Libraries that its OpenSSL configuration names. */
  modules: string[];
  /** Undefined when it does not run. */
  server: ServerProcess | undefined;
  serving: ServingProcess[];
  errors: ErrorShape[];
}

/** Only what libraries need is taken along, whatever else the server's environment holds. */
const MODULE_VARIABLE = /^(P11_KIT_|PKCS11_|SOFTHSM2_|OPENSC_)/;
const MODULE_SETTING = /^\s*(?:MODULE_PATH|pkcs11-module-path)\s*=\s*(\/\S+)\s*$/gm;

/** Reads Apache's configuration and environment, and looks for its processes; never throws for what is broken in them. */
export async function readApache(host: ReadHost): Promise<ApacheFindings> {
  const findings: ApacheFindings = { config: undefined, sites: [], moduleEnv: {}, modules: [], server: undefined, serving: [], errors: [] };
  const { apache } = host.facts;
  if (!apache.installed) return findings;
  try {
    const { environment, environmentStyle } = sitePaths(apache, 'any');
    const text = (await host.readText(environment)) ?? '';
    const variables = { ...(environmentStyle === 'envvars' ? readEnvvars(text) : {}), ...readEnvironment(text, environmentStyle) };
    findings.moduleEnv = Object.fromEntries(Object.entries(variables).filter(([name]) => MODULE_VARIABLE.test(name)));
    const openssl = variables['OPENSSL_CONF'];
    const settings = openssl?.startsWith('/') === true ? ((await host.readText(openssl)) ?? '') : '';
    findings.modules = [...settings.matchAll(MODULE_SETTING)].map((match) => match[1] ?? '');
    findings.config = await readApacheConfig(host, configRoot(apache, variables));
    findings.sites = discoverSites(findings.config);
    findings.server = await host.serverProcess(apache.pidFile);
    if (findings.server !== undefined) findings.serving = await host.servingProcesses(findings.server);
  } catch (thrown) {
    findings.errors.push(toErrorShape(thrown, 'TASK_FAILED'));
  }
  return findings;
}
