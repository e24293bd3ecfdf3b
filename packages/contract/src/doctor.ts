import { Type, type Static } from '@sinclair/typebox';
import { InventoryReport } from './inventory.ts';

const strict = { additionalProperties: false };
const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);

/** A PKCS#11 library as a file, and what it speaks to. */
export const ModuleEvidence = Type.Object(
  {
    path: Type.String(),
    kind: nullable(Type.Union([Type.Literal('file'), Type.Literal('directory'), Type.Literal('other')], { description: 'null when it does not exist' })),
    elf: nullable(Type.Boolean({ description: 'is it a shared library by its first bytes; null when it could not be read' })),
    fitsMachine: nullable(Type.Boolean({ description: "is it for this machine's processor" })),
    mode: nullable(Type.String()),
    owner: nullable(Type.String()),
    serverReadable: nullable(Type.Boolean()),
    speaksTo: Type.Union([Type.Literal('pcscd'), Type.Literal('p11-kit'), Type.Literal('softhsm'), Type.Literal('unknown')]),
    place: nullable(Type.String({ description: 'the socket of the p11-kit server, or the folder of SoftHSM tokens' })),
    placeThere: nullable(Type.Boolean({ description: 'somebody listens on the socket, or the folder exists' })),
    placeOpen: nullable(Type.Boolean({ description: "may the web server's user connect to it, or go into it" })),
  },
  strict,
);
export type ModuleEvidence = Static<typeof ModuleEvidence>;

/** A certificate file that a site of mod_ssl names. */
export const CertificateEvidence = Type.Object(
  {
    site: Type.String({ description: 'NAME:PORT' }),
    path: Type.String({ description: 'a path, or a PKCS#11 URI' }),
    exists: nullable(Type.Boolean({ description: 'null for a URI' })),
    problem: nullable(Type.String({ description: 'why it cannot be read as a certificate' })),
    subject: nullable(Type.String()),
    notBefore: nullable(Type.String()),
    notAfter: nullable(Type.String()),
    keyFingerprint: nullable(Type.String()),
  },
  strict,
);
export type CertificateEvidence = Static<typeof CertificateEvidence>;

/** What the resource `doctor` sees on a host: the inventory, and what is asked only by somebody who looks for a fault. */
export const HostEvidence = Type.Object(
  {
    report: InventoryReport,
    modules: Type.Array(ModuleEvidence),
    opensslModules: Type.Array(Type.String({ description: "libraries that the server's OpenSSL configuration names, for sites of mod_ssl" })),
    usb: Type.Array(Type.String({ description: 'tokens and readers on USB that are known: vendor:product and name' })),
    certificates: Type.Array(CertificateEvidence),
    configtest: nullable(Type.Object({ passed: Type.Boolean(), said: Type.Array(Type.String()) }, strict)),
    listeners: nullable(Type.Array(Type.Object(
      { port: Type.Integer(), pid: nullable(Type.Integer()), program: nullable(Type.String()), server: Type.Boolean({ description: 'a process of the web server' }) }, strict,
    ), { description: 'who listens on the ports of sites; null when that could not be read' })),
    log: Type.Array(Type.Object({ text: Type.String(), cause: Type.String(), advice: Type.String() }, strict), { description: "newest lines of the web server's error log that explain themselves; read only where a site does not serve" }),
    serverUser: nullable(Type.String()),
    spared: Type.Boolean({ description: 'tokens were left alone, because a site serves in a way that reading might disturb' }),
  },
  strict,
);
export type HostEvidence = Static<typeof HostEvidence>;

/**
 * What was found of one link of the chain. Never folded into one another: `not_applicable` is "this host has no such
 * link, and needs none", `not_told` is "to look would have disturbed what serves, or nobody could tell",
 * `not_looked_at` is "a link before it is broken".
 */
export const LinkStatus = Type.Union([
  Type.Literal('ok'), Type.Literal('broken'), Type.Literal('not_applicable'), Type.Literal('not_told'), Type.Literal('not_looked_at'),
]);
export type LinkStatus = Static<typeof LinkStatus>;

/** What to do about a broken link. */
export const LinkFix = Type.Object(
  {
    text: Type.String({ description: 'one or two sentences for people' }),
    command: Type.Optional(Type.String({ description: 'what to type, on the host unless the text says otherwise; names in capitals are to be replaced' })),
  },
  strict,
);
export type LinkFix = Static<typeof LinkFix>;

/** One link of the chain from the control host to a served page, as it was found. */
export const LinkReport = Type.Object(
  {
    link: Type.String({ description: 'stable id, for example `pin-file`' }),
    status: LinkStatus,
    evidence: Type.String({ description: 'one sentence for people: what was seen, or why nothing was looked at' }),
    notes: Type.Optional(Type.Array(Type.String(), { description: 'what is worth knowing and breaks nothing today' })),
    code: Type.Optional(Type.String({ description: 'error code, where an error told of it' })),
    fix: Type.Optional(LinkFix),
  },
  strict,
);
export type LinkReport = Static<typeof LinkReport>;

/** The chain of one host. */
export const HostDiagnosis = Type.Object(
  {
    host: Type.String(),
    verdict: Type.Union([Type.Literal('healthy'), Type.Literal('broken'), Type.Literal('unreachable')]),
    broken: nullable(Type.String({ description: 'id of the broken link' })),
    sites: Type.Array(Type.String(), { description: 'NAME:PORT of the TLS sites that were followed' }),
    links: Type.Array(LinkReport, { description: 'every link, in the order of the chain' }),
  },
  strict,
);
export type HostDiagnosis = Static<typeof HostDiagnosis>;

/** What `hsmfleet doctor --json` prints. Version 1. */
export const DoctorReport = Type.Object(
  {
    schema: Type.Literal('hsmfleet.doctor/1'),
    version: Type.String({ description: 'of hsmfleet' }),
    at: Type.String({ description: 'ISO 8601' }),
    control: nullable(Type.Array(LinkReport, { description: 'the control host itself, when no host was named: its links do not depend on each other, so all were looked at' })),
    hosts: Type.Array(HostDiagnosis),
    exitCode: Type.Integer({ description: '0 healthy, 2 broken, 4 unreachable, 6 both' }),
  },
  strict,
);
export type DoctorReport = Static<typeof DoctorReport>;
