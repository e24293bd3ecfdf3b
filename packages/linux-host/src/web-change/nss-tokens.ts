import { HsmfleetError } from '@hsmfleet/contract';
import { checkPinFile, pinFor, readEnvvars, type DiscoveredSite } from '@hsmfleet/httpd';
import { databaseDirectory, parsePkcs11Txt } from '@hsmfleet/nss';
import type { ModuleTarget, ReadHost } from '@hsmfleet/resource';
import type { RegisteredPin } from './journal.ts';
import type { PinCheck } from './pins.ts';

/** Variables that PKCS#11 libraries read; whatever else the server's environment holds is none of theirs. */
const MODULE_VARIABLE = /^(P11_KIT_|PKCS11|SOFTHSM2_|OPENSC_)/;

/**
 * Proves the PIN of every token that mod_nss would log in to. It tries all that are present behind the modules of its
 * database, used by a site or not, and one without a line in the PIN file gets six logins with garbage (field notes 1.5,
 * 1.6): so a second card in the machine is locked by one start.
 * @param sites what the configuration serves now
 * @throws HsmfleetError PIN_UNPROVEN, PIN_INCORRECT, PIN_REFUSED
 */
export async function checkNssTokens(sites: readonly DiscoveredSite[], registered: readonly RegisteredPin[], check: PinCheck, host: ReadHost): Promise<void> {
  const site = sites.find(({ engine, database, pinFile }) => engine === 'mod_nss' && database !== undefined && pinFile !== undefined);
  if (site?.database === undefined || site.pinFile === undefined) return;
  const file = site.pinFile;
  const text = (await host.readText(file, 65_536)) ?? '';
  for (const module of await modulesOf(site.database, registered, host)) {
    const { tokens, error } = await host.pkcs11.observe(module);
    // a module that does not work for us does not work for NSS: nobody logs in
    if (error !== null && tokens.length === 0) continue;
    const asked = tokens.filter(({ label, loginRequired }) => loginRequired && label !== '');
    const [problem] = checkPinFile(text, asked.map(({ label }) => label));
    if (problem !== undefined) {
      throw new HsmfleetError('PIN_UNPROVEN', `${file} and the token "${problem.token}": ${problem.message}`, {
        hint: 'the web server was not started, since mod_nss logs in to every token that is present: name all of them in pin_file, or unplug the others',
      });
    }
    for (const { label } of asked) {
      const pin = pinFor(text, label);
      if (pin !== undefined) await check.ensure({ file, module, tokenLabel: label, pin });
    }
  }
}

/** The libraries that NSS loads from a database, with the variables that they are known to need. */
async function modulesOf(database: string, registered: readonly RegisteredPin[], host: ReadHost): Promise<ModuleTarget[]> {
  const { apache } = host.facts;
  const entries = parsePkcs11Txt((await host.readText(`${databaseDirectory(database)}/pkcs11.txt`)) ?? '');
  const variables = apache.flavor === 'debian' ? readEnvvars((await host.readText(`${apache.configDir}/envvars`)) ?? '') : {};
  const env = Object.fromEntries(Object.entries(variables).filter(([name]) => MODULE_VARIABLE.test(name)));
  return entries
    .filter(({ enabled, internal, library }) => enabled && !internal && library.startsWith('/'))
    .map(({ library }) => registered.find(({ module }) => module.path === library)?.module ?? { path: library, env });
}
