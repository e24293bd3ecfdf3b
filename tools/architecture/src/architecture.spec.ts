import { expect, test } from 'vitest';
import { readRooms, type Room } from './workspace.ts';

/*
 * The second watch over the house's rules: lint has the first, but a lax lint configuration fails silently. Reads
 * imports from the source text.
 */
const rooms = readRooms();
const byName = new Map(rooms.map((room) => [room.name, room]));

/** What a room of a type may import, by type. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  contract: [],
  port: ['contract'],
  domain: ['contract', 'port', 'domain'],
  adapter: ['contract', 'port', 'domain'],
  engine: ['contract', 'port', 'domain'],
  app: ['contract', 'port', 'domain', 'adapter', 'engine'],
};

/** Libraries with exactly one importer. */
const SOLE_IMPORTERS: Record<string, string> = {
  ssh2: '@hsmfleet/transport-ssh',
  pkcs11js: '@hsmfleet/pkcs11',
  'node:sqlite': '@hsmfleet/store',
  pg: '@hsmfleet/store',
  'pg-connection-string': '@hsmfleet/store',
  nunjucks: '@hsmfleet/template',
  'pg-boss': '@hsmfleet/jobs',
  nodemailer: '@hsmfleet/notify',
  preact: '@hsmfleet/web',
  uplot: '@hsmfleet/web',
  croner: '@hsmfleet/scheduler',
  'age-encryption': '@hsmfleet/age',
  fastify: '@hsmfleet/web-api',
  'prom-client': '@hsmfleet/metrics',
};

function tag(room: Room, kind: string): string {
  const found = room.tags.find((name) => name.startsWith(`${kind}:`));
  return found === undefined ? '' : found.slice(kind.length + 1);
}

function workspaceImports(room: Room): { from: string; to: Room }[] {
  return room.sources
    .filter((source) => !source.test)
    .flatMap((source) =>
      source.imports
        .filter((name) => name.startsWith('@hsmfleet/'))
        .map((name) => ({ from: source.path, to: byName.get(name.split('/').slice(0, 2).join('/')) as Room })),
    );
}

test('the reader sees imports at all', () => {
  expect(rooms.length).toBeGreaterThan(15);
  expect(rooms.flatMap(workspaceImports).length).toBeGreaterThan(30);
});

test.each(rooms.map((room) => [room.folder, room] as const))('%s has a purpose, a type and a side', (_folder, room) => {
  expect(room.description).not.toBe('');
  expect(Object.keys(MAY_IMPORT)).toContain(tag(room, 'type'));
  expect(['shared', 'control', 'agent']).toContain(tag(room, 'side'));
});

test.each(rooms.map((room) => [room.folder, room] as const))('%s imports only what its type may', (_folder, room) => {
  const wrong = workspaceImports(room)
    .filter(({ to }) => to.name !== room.name && !MAY_IMPORT[tag(room, 'type')]?.includes(tag(to, 'type')))
    .map(({ from, to }) => `${from} imports ${to.name}`);
  expect(wrong).toEqual([]);
});

test('control-host rooms and agent rooms never import each other', () => {
  const wrong = rooms.flatMap((room) =>
    workspaceImports(room)
      .filter(({ to }) => tag(to, 'side') !== 'shared' && tag(to, 'side') !== tag(room, 'side'))
      .map(({ from, to }) => `${from} imports ${to.name}`),
  );
  expect(wrong).toEqual([]);
});

test('every workspace import is a declared dependency', () => {
  const wrong = rooms.flatMap((room) =>
    workspaceImports(room)
      .filter(({ to }) => to.name !== room.name && !room.dependencies.includes(to.name))
      .map(({ from, to }) => `${from} imports ${to.name}`),
  );
  expect(wrong).toEqual([]);
});

test.each(Object.entries(SOLE_IMPORTERS))('only one room imports %s', (library, importer) => {
  const found = rooms
    .filter((room) => room.sources.some((source) => !source.test && source.imports.some((name) => name === library || name.startsWith(`${library}/`))))
    .map((room) => room.name);
  expect(found).toEqual([importer]);
});

test('only one room starts the ssh of the system', () => {
  const starts = /(?:spawn|execFile)\w*\(\s*'ssh'|\bssh = 'ssh'/;
  const found = rooms.filter((room) => room.folder.startsWith('packages/') || room.folder.startsWith('apps/'))
    .filter((room) => room.sources.some((source) => !source.test && starts.test(source.text))).map((room) => room.name);
  expect(found).toEqual(['@hsmfleet/transport-openssh']);
});

test('the domain does no I/O', () => {
  const io = ['node:fs', 'node:fs/promises', 'node:net', 'node:tls', 'node:child_process', 'node:http', 'node:https'];
  const pure = rooms.filter((room) => ['contract', 'port'].includes(tag(room, 'type')) || ['@hsmfleet/nss', '@hsmfleet/httpd', '@hsmfleet/x509', '@hsmfleet/custody', '@hsmfleet/doctor', '@hsmfleet/station', '@hsmfleet/resources', '@hsmfleet/template'].includes(room.name));
  const wrong = pure.flatMap((room) =>
    room.sources.filter((source) => !source.test && source.imports.some((name) => io.includes(name))).map((source) => source.path),
  );
  expect(wrong).toEqual([]);
});

test('secrets are looked at in these files only, each of which hands them straight to what consumes them', () => {
  const looking = rooms
    .flatMap((room) => room.sources)
    .filter((source) => !source.test && !source.path.includes('/testdata/') && source.text.includes('.reveal()'))
    .map((source) => source.path)
    .sort();
  expect(looking).toEqual([
    'apps/cli/src/init-project.ts', // the PIN, to be encrypted; a new vault password, to its file
    'apps/cli/src/read-pin.ts', // is the second answer the first? is a value of the vault a PIN?
    'packages/age/src/age-keyring.ts', // the identity that opens
    'packages/agent-runtime/src/frame-pin-gate.ts', // keyed hash for the authority
    'packages/agent-runtime/src/inputs.ts', // a rendered template's bytes
    'packages/agent-runtime/src/program-surroundings.ts', // variables that a task's programs get
    'packages/contract/src/redactor.ts', // what is looked for
    'packages/contract/src/value.ts', // the plan's one field for secrets
    'packages/httpd/src/pin-file-verdict.ts', // looks for line ends, tabs and emptiness in a PIN, and tells of nothing else
    'packages/httpd/src/pin-file.ts', // lines of a PIN file
    'packages/linux-host/src/command.ts', // a program's standard input
    'packages/linux-host/src/steps/file-steps.ts', // a file's bytes
    'packages/linux-host/src/steps/run-program.ts', // a file that a program reads
    'packages/linux-host/src/web-change/pins.ts', // what a PIN file on the host holds
    'packages/linux-host/src/web-change/roll-back.ts', // what a PIN file held before
    'packages/notify/src/smtp.ts', // the mail server's login
    'packages/notify/src/webhook.ts', // HMAC, the Authorization header, an address that is a secret
    'packages/pkcs11/src/pin-guard.ts', // C_Login, in a child's standard input
    'packages/pkcs11/src/pin-ledger.ts', // keyed hash for the ledger
    'packages/pkcs11/src/station/login-guard.ts', // is it empty?
    'packages/pkcs11/src/station/open-station.ts', // C_InitToken and C_InitPIN, in the child's standard input
    'packages/pkcs11/src/station/token-session.ts', // C_Login, C_SetPIN and C_InitPIN, in the child's standard input
    'packages/resources/src/assert/index.ts',
    'packages/resources/src/command/index.ts',
    'packages/resources/src/copy/index.ts',
    'packages/resources/src/file/file-content.ts',
    'packages/resources/src/lineinfile/index.ts',
    'packages/resources/src/nss_database/index.ts',
    'packages/resources/src/pin_file/index.ts',
    'packages/resources/src/tls_site/wanted.ts',
    'packages/template/src/taint.ts', // rendering; the result is a secret again
    'packages/transport-openssh/src/askpass.ts', // the answer to ssh, through a private socket
    'packages/transport-ssh/src/identities.ts', // passphrase of a key file
    'packages/transport-ssh/src/logins.ts', // a password login, the answer to a host's question
    'packages/transport/src/become.ts', // sudo's standard input
    'packages/transport/src/password-trial.ts', // keyed hash: is it the same password?
    'packages/vault/src/cipher.ts', // key derivation
  ]);
});

test('every spec belongs to a target, so that no test is left out in silence', () => {
  const targetOf = (path: string): string => (path.endsWith('.e2e.spec.ts') ? 'e2e' : path.endsWith('.integration.spec.ts') ? 'integration' : 'unit');
  const orphans = rooms.flatMap((room) =>
    room.sources.map(({ path }) => path).filter((path) => path.endsWith('.spec.ts') && !room.targets.includes(targetOf(path))),
  );
  expect(orphans).toEqual([]);
});

test('no file has outgrown its room', () => {
  const large = rooms.flatMap((room) => room.sources.filter((source) => source.text.split('\n').length > 500).map((source) => source.path));
  expect(large).toEqual([]);
});

test('no room is called after nothing', () => {
  const vague = rooms.flatMap((room) => room.sources.map((source) => source.path)).filter((path) => /(^|\/)(utils?|helpers?|common|manager)(\/|\.ts$)/.test(path));
  expect(vague).toEqual([]);
});
