import type { Secret } from '@hsmfleet/contract';
import { Type, type Static } from '@sinclair/typebox';
import { isLoopback } from './loopback.ts';

const strict = { additionalProperties: false };
const secret = (description: string) => Type.Unsafe<Secret>({ 'x-secret': true, description });

const name = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$', description: 'name of the sink, in lower-case letters, digits and hyphens: what waits for it is kept under this name' });
const interval = (seconds: number) => Type.Number({ minimum: 0, maximum: 86_400, default: seconds, description: `seconds between two messages at least; what happens in between goes into one (default ${String(seconds)})` });
const giveUpAfter = Type.Number({ exclusiveMinimum: 0, maximum: 720, default: 24, description: 'hours after which an undeliverable message is given up, and told of in the log (default 24)' });
const timeout = (seconds: number) => Type.Number({ minimum: 1, maximum: 300, default: seconds, description: `seconds that one try may take (default ${String(seconds)})` });
const ca = Type.Optional(Type.String({ description: 'PEM file with the authorities to trust instead of the system\'s' }));

/** Posts JSON to an address. */
export const WebhookSink = Type.Object(
  {
    name,
    url: Type.Union([Type.String(), secret('')], { description: 'https address to post to; http is taken for loopback only. A !secret reference, when knowing the address is enough to post' }),
    secret: secret('key of the HMAC-SHA256 that proves who posted: a !secret reference'),
    authorization: Type.Optional(secret('value of the Authorization header: a !secret reference')),
    ca, timeout: timeout(10), interval: interval(60), give_up_after: giveUpAfter,
  },
  strict,
);
export type WebhookSink = Static<typeof WebhookSink>;

/** Sends mail through an SMTP server. */
export const SmtpSink = Type.Object(
  {
    name,
    host: Type.String({ minLength: 1, description: 'name or address of the mail server' }),
    port: Type.Integer({ minimum: 1, maximum: 65_535, default: 587, description: 'TCP port (default 587)' }),
    tls: Type.Union([Type.Literal('starttls'), Type.Literal('implicit'), Type.Literal('none')], { default: 'starttls', description: 'starttls (default): encryption is insisted on; implicit: TLS from the first byte; none: for a server on loopback only' }),
    ca,
    user: Type.Optional(Type.String({ minLength: 1, description: 'name to log in with' })),
    password: Type.Optional(secret('password to log in with: a !secret reference')),
    from: Type.String({ pattern: '^[^\\s<>,;:"()@]+@[^\\s<>,;:"()@]+$', description: 'address of the sender, without a name' }),
    to: Type.Array(Type.String({ pattern: '^[^\\s<>,;:"()@]+@[^\\s<>,;:"()@]+$', description: 'an address without a name' }), { minItems: 1, maxItems: 50, description: 'addresses of the receivers' }),
    timeout: timeout(30), interval: interval(60), give_up_after: giveUpAfter,
  },
  strict,
);
export type SmtpSink = Static<typeof SmtpSink>;

/** Appends a line of JSON for each change to a file, or to standard output. */
export const FileSink = Type.Object(
  {
    name,
    path: Type.Optional(Type.String({ minLength: 1, description: 'file to append to; it is created for its owner only (0600), and is no symbolic link' })),
    stdout: Type.Optional(Type.Boolean({ description: 'true: standard output instead of a file, for a service manager that keeps it' })),
    interval: interval(0), give_up_after: giveUpAfter,
  },
  strict,
);
export type FileSink = Static<typeof FileSink>;

/** Who is told of changes of state: the key `notify` of the server's file. */
export const NotifySinks = Type.Object(
  {
    webhook: Type.Array(WebhookSink, { default: [], description: 'addresses to post to' }),
    smtp: Type.Array(SmtpSink, { default: [], description: 'mail' }),
    file: Type.Array(FileSink, { default: [], description: 'files of one JSON object a line, and standard output' }),
  },
  strict,
);
export type NotifySinks = Static<typeof NotifySinks>;

/** Names of all sinks, in the order in which they are written: what a check queues its changes for. */
export function sinkNames(sinks: NotifySinks): string[] {
  return [...sinks.webhook, ...sinks.smtp, ...sinks.file].map(({ name }) => name);
}

/** A mistake that a schema cannot find. */
export interface SinkProblem {
  /** From `notify` downwards: `['webhook', 0, 'url']`. */
  path: (string | number)[];
  message: string;
  hint?: string;
}

/** What is wrong with sinks that the schema takes: double names, what would be sent in the clear, contradictions. */
export function sinkProblems(sinks: NotifySinks): SinkProblem[] {
  return [...doubleNames(sinks), ...sinks.webhook.flatMap(webhookProblems), ...sinks.smtp.flatMap(smtpProblems), ...sinks.file.flatMap(fileProblems)];
}

function doubleNames(sinks: NotifySinks): SinkProblem[] {
  const seen = new Set<string>();
  return (['webhook', 'smtp', 'file'] as const).flatMap((kind) => sinks[kind].flatMap(({ name }, index) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [{ path: [kind, index, 'name'], message: `there are two sinks named "${name}"`, hint: 'give each a name of its own' }];
  }));
}

function webhookProblems({ url }: WebhookSink, index: number): SinkProblem[] {
  const path = ['webhook', index, 'url'];
  // the address may be a secret: no message repeats it
  if (typeof url !== 'string') return [];
  const problem = urlProblem(url);
  return problem === undefined ? [] : [{ path, ...problem }];
}

/** What is wrong with an address to post to; the answer does not repeat it. */
export function urlProblem(url: string): { message: string; hint?: string } | undefined {
  if (!URL.canParse(url)) return { message: 'url is no address', hint: 'write https://HOST/PATH' };
  const { protocol, hostname, username, password } = new URL(url);
  if (username !== '' || password !== '') return { message: 'url holds a name or password', hint: 'write it as authorization: !secret file:PATH' };
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) return undefined;
  return protocol === 'http:'
    ? { message: 'url would post in the clear', hint: 'write https://; http is taken for loopback only' }
    : { message: 'url must begin with https://' };
}

function smtpProblems({ tls, host, user, password }: SmtpSink, index: number): SinkProblem[] {
  const problems: SinkProblem[] = [];
  if (tls === 'none' && !isLoopback(host)) problems.push({ path: ['smtp', index, 'tls'], message: `mail to ${host} would go in the clear`, hint: 'leave tls out, or write implicit; none is taken for loopback only' });
  if ((user === undefined) !== (password === undefined)) problems.push({ path: ['smtp', index, user === undefined ? 'password' : 'user'], message: 'user and password belong together' });
  return problems;
}

function fileProblems({ path, stdout }: FileSink, index: number): SinkProblem[] {
  if ((path !== undefined) !== (stdout === true)) return [];
  return [{ path: ['file', index], message: path === undefined ? 'a file sink needs path, or stdout: true' : 'a file sink has path or stdout: true, not both' }];
}
