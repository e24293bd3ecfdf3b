import { HsmfleetError } from '@hsmfleet/contract';
import { linksToEnable, sitePaths, withLine, withoutLine, writeEnvironment, type SitePaths } from '@hsmfleet/httpd';
import { defineResource, type WebChange } from '@hsmfleet/resource';
import { linkSteps } from '../apache_module/debian.ts';
import { chooseKey, type ChosenKey } from './choose-key.ts';
import { handshakeTarget, inspectSite, type Facts } from './facts.ts';
import { TlsSiteParams } from './schema.ts';
import { verifySite } from './verify.ts';
import { wantedSite, type WantedSite } from './wanted.ts';

type Change = WebChange['changes'][number];

export const resource = defineResource<TlsSiteParams, Facts>({
  name: 'tls_site',
  summary: 'A virtual host that is proven to serve with a key from a token.',
  params: TlsSiteParams,
  examples: [
    {
      title: 'With the only fit key of the only token, PIN written by pin_file',
      yaml: 'tls_site:\n  name: shop\n  server_name: shop.example.org\n  module: { path: /usr/lib/libsc-hsm-pkcs11.so }\n  pin_file: /etc/hsmfleet/web.pin\n  document_root: /var/www/shop\n',
    },
    {
      title: 'mod_nss',
      yaml: 'tls_site:\n  name: shop\n  server_name: shop.example.org\n  engine: mod_nss\n  module: { path: /usr/lib/libsc-hsm-pkcs11.so }\n  token: SmartCard-HSM\n  key_id: "03"\n  pin_file: /etc/hsmfleet/web.pin\n  nss_database: /etc/hsmfleet/nss\n',
    },
    { title: 'Gone', yaml: 'tls_site:\n  name: shop\n  state: absent\n' },
  ],

  inspect: (host, params) => inspectSite(host, params),

  plan(params, facts) {
    if (!facts.apache.installed) throw new HsmfleetError('TASK_FAILED', `Apache is not installed (${facts.apache.binary})`, { hint: 'install it with a package task first' });
    const paths = sitePaths(facts.apache, params.name);
    if (params.state === 'absent') return planAbsent(params, facts, paths);
    if (params.server_name === undefined || params.module === undefined || facts.module === null) {
      throw new HsmfleetError('PARAMS_INVALID', 'tls_site needs server_name and module unless `state: absent`');
    }
    const key = chooseKey(params, facts.module);
    const wanted = wantedSite(params, facts, key, paths);
    const changes = changesTo(facts, paths, wanted);
    const reasons = reasonsToApply(facts, key, changes);
    const result = { key_fingerprint: key.fingerprint, engine: facts.engine, token: key.token.label, key_id: key.id };
    if (reasons.length === 0) return { steps: [], warnings: wanted.warnings, result };
    const step: WebChange = {
      kind: 'web_change',
      changes,
      // never a graceful reload: with a key from a token it hides a wrong PIN or nickname, or ends the whole server
      apply: 'restart',
      start: true,
      proofs: [{ target: handshakeTarget(params), keyFingerprint: key.fingerprint, certificateSha256: key.certificate.sha256 }],
      pins: wanted.pin === undefined ? [] : [{ file: facts.pin.file, module: params.module, tokenLabel: key.token.label, pin: wanted.pin, ...(params.allow_low_count === true ? { allowLowCount: true } : {}) }],
      why: `serve ${params.server_name} from token "${key.token.label}": ${reasons.join(', ')}`,
    };
    return { steps: [step], warnings: wanted.warnings, result };
  },

  verify: verifySite,
});

function changesTo(facts: Facts, paths: SitePaths, wanted: WantedSite): Change[] {
  const changes: Change[] = moduleChanges(facts);
  const write = (path: string, text: string): void => {
    if (facts.texts[path] !== text) changes.push({ kind: 'write_file', path, content: { from: 'text', text }, mode: 0o644, owner: 'root', group: 'root' });
  };
  const files = Object.entries(wanted.files).filter(([path]) => path !== paths.config);
  const written = [...files.filter(([path, text]) => facts.texts[path] !== text).map(([path]) => path), ...(wanted.pinFile === undefined ? [] : [facts.pin.file])];
  if (written.some((path) => path.startsWith(`${paths.folder}/`))) changes.push({ kind: 'make_directory', path: paths.folder, mode: 0o755, owner: 'root', group: 'root' });
  for (const [path, text] of files) write(path, text);
  if (wanted.pinFile !== undefined) {
    changes.push({ kind: 'write_file', path: facts.pin.file, content: { from: 'secret', text: wanted.pinFile }, mode: 0o640, owner: 'root', group: facts.apache.group });
  }
  changes.push(...environmentChanges(facts, paths, wanted.environment));
  write(paths.config, wanted.files[paths.config] ?? '');
  if (paths.link !== undefined && facts.linkTarget !== paths.link.target) changes.push({ kind: 'make_link', ...paths.link, force: true });
  if (paths.include !== undefined) {
    const text = facts.texts[paths.include.file] ?? '';
    write(paths.include.file, withLine(text, paths.include.line));
  }
  return changes;
}

function environmentChanges(facts: Facts, paths: SitePaths, wanted: Record<string, string | undefined>): Change[] {
  const now = facts.texts[paths.environment] ?? '';
  const text = writeEnvironment(now, paths.environmentStyle, wanted);
  if (text === now) return [];
  if (text === '') return [{ kind: 'remove', path: paths.environment }];
  const parent = paths.environment.slice(0, paths.environment.lastIndexOf('/'));
  return [
    ...(paths.environmentStyle === 'systemd' ? [{ kind: 'make_directory' as const, path: parent }] : []),
    { kind: 'write_file', path: paths.environment, content: { from: 'text', text } },
  ];
}

/** The engine's module: Debian's can be enabled along with the site, elsewhere it is another task's part. */
function moduleChanges(facts: Facts): Change[] {
  const name = facts.engine === 'mod_nss' ? 'nss' : 'ssl';
  if (facts.loaded.includes(`${name}_module`)) return [];
  if (facts.debianModules?.available[name] !== undefined) {
    return linkSteps(facts.debianModules.folder, linksToEnable(facts.debianModules, name));
  }
  throw new HsmfleetError('TASK_FAILED', `${facts.engine} is not enabled in Apache`, { hint: `add a task before: apache_module with name ${name}` });
}

function reasonsToApply(facts: Facts, key: ChosenKey, changes: readonly Change[]): string[] {
  const { served, server, pending } = facts;
  const reasons = changes.length === 0 ? [] : [`write ${changes.map((change) => ('path' in change ? change.path : change.why)).join(', ')}`];
  if (!server.running) return [...reasons, 'start the server'];
  if (pending !== null) reasons.push('take up what waits for a restart');
  if (changes.length > 0) return reasons;
  if (facts.staleFiles.length > 0) reasons.push(`restart: ${facts.staleFiles.join(', ')} changed after the server started`);
  if (served?.ok !== true) reasons.push(`restart: it does not serve (${served?.problem ?? 'no handshake'})`);
  else if (served.keyFingerprint !== key.fingerprint) reasons.push('restart: it serves another key');
  // mod_nss takes certificates from the token when a process of it starts: a renewed one changes no file
  else if (served.certificateSha256 !== undefined && served.certificateSha256 !== key.certificate.sha256) reasons.push('restart: the certificate was renewed');
  return reasons;
}

function planAbsent(params: TlsSiteParams, facts: Facts, paths: SitePaths): { steps: WebChange[] } {
  const changes: Change[] = [];
  const remove = (path: string, there: boolean): void => {
    if (there) changes.push({ kind: 'remove', path });
  };
  if (paths.link !== undefined) remove(paths.link.path, facts.linkTarget !== null);
  if (paths.include !== undefined) {
    const { file, line } = paths.include;
    const text = facts.texts[file] ?? '';
    if (withoutLine(text, line) !== text) changes.push({ kind: 'write_file', path: file, content: { from: 'text', text: withoutLine(text, line) } });
  }
  remove(paths.config, facts.texts[paths.config] !== null);
  remove(paths.certificate, facts.texts[paths.certificate] !== null);
  if (params.pin_file === undefined) remove(paths.pin, facts.pin.found !== null);
  if (facts.otherSites.length === 0) {
    remove(paths.openssl, facts.texts[paths.openssl] !== null);
    changes.push(...environmentChanges(facts, paths, { OPENSSL_CONF: undefined }));
  }
  if (changes.length === 0) return { steps: [] };
  return { steps: [{ kind: 'web_change', changes, apply: 'restart', start: false, proofs: [], pins: [], why: `remove the site ${params.name}` }] };
}
