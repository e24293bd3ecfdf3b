import { createServer, type AddressInfo, type Server } from 'node:net';
import { Secret } from '@hsmfleet/contract';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { composeMessage } from './message.ts';
import type { SmtpSink } from './sinks.ts';
import { createSmtpSink } from './smtp.ts';
import { makeCertificate, type MadeCertificate } from './testkit/make-certificate.ts';
import { change, SAMPLE_CHANGES } from './testkit/sample-changes.ts';

const PASSWORD = 'pass-word-of-a-spec';
const message = composeMessage(SAMPLE_CHANGES);
const never = new AbortController().signal;
let certificate: MadeCertificate;
const closing: (() => Promise<void>)[] = [];
beforeAll(() => { certificate = makeCertificate('IP:127.0.0.1'); });
afterEach(async () => { await Promise.all(closing.splice(0).map((close) => close())); });
afterAll(() => { certificate.remove(); });

interface Mail {
  secure: boolean;
  user: unknown;
  to: string[];
  raw: string;
  parsed: Email;
}

/** A real mail server that wants STARTTLS and a login, unless told otherwise. */
async function mailServer(options: SMTPServerOptions = {}): Promise<{ port: number; mails: Mail[]; logins: string[] }> {
  const mails: Mail[] = [];
  const logins: string[] = [];
  const server = new SMTPServer({
    key: certificate.key, cert: certificate.cert, authMethods: ['PLAIN', 'LOGIN'], logger: false, disableReverseLookup: true,
    onAuth(auth, _session, callback) {
      logins.push(String(auth.username));
      if (auth.username === 'hsmfleet' && auth.password === PASSWORD) callback(null, { user: auth.username });
      else callback(new Error(`wrong: ${String(auth.password)} ${Buffer.from(`\0${String(auth.username)}\0${String(auth.password)}`).toString('base64')}`));
    },
    onRcptTo(address, _session, callback) { callback(address.address.startsWith('nobody') ? new Error('no such user') : null); },
    onData(stream, session, callback) {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        const raw = Buffer.concat(parts).toString('latin1');
        void PostalMime.parse(Buffer.concat(parts)).then((parsed) => {
          mails.push({ secure: session.secure, user: session.user, to: session.envelope.rcptTo.map(({ address }) => address), raw, parsed });
          callback();
        });
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  closing.push(() => new Promise((resolve) => { server.close(() => { resolve(); }); }));
  return { port: (server.server.address() as AddressInfo).port, mails, logins };
}

/** A sink without a login and without an authority of its own. */
function bare(port: number): SmtpSink {
  return { name: 'team', host: '127.0.0.1', port, tls: 'starttls', from: 'hsmfleet@example.org', to: ['team@example.org'], timeout: 5, interval: 60, give_up_after: 24 };
}

function sink(port: number, changes: Partial<SmtpSink> = {}) {
  return createSmtpSink({ ...bare(port), ca: certificate.file, user: 'hsmfleet', password: new Secret(PASSWORD), ...changes });
}

describe('mail', () => {
  it('goes over STARTTLS, after a login, as one readable text', async () => {
    const { port, mails } = await mailServer();
    expect(await sink(port, { to: ['team@example.org', 'audit@example.org'] }).send(message, never)).toEqual([]);
    const [mail] = mails as [Mail];
    expect(mails).toHaveLength(1);
    expect(mail).toMatchObject({ secure: true, user: 'hsmfleet', to: ['team@example.org', 'audit@example.org'] });
    expect(mail.parsed.subject).toBe(message.subject);
    expect(mail.parsed.text?.trim()).toBe(message.text.trim());
    expect(mail.parsed.from?.address).toBe('hsmfleet@example.org');
    expect(Object.fromEntries(mail.parsed.headers.map(({ key, value }) => [key, value]))).toMatchObject({
      'auto-submitted': 'auto-generated', 'x-hsmfleet-id': message.id, 'x-hsmfleet-severity': 'critical', 'content-type': expect.stringContaining('text/plain') as string,
    });
  });

  it('has one Message-ID however often it is sent', async () => {
    const { port, mails } = await mailServer();
    await sink(port).send(message, never);
    await sink(port).send(composeMessage(SAMPLE_CHANGES.toReversed()), never);
    expect(mails.map(({ parsed }) => parsed.messageId)).toEqual([`<${message.id}@example.org>`, `<${message.id}@example.org>`]);
  });

  it('has no header of a host\'s making', async () => {
    const { port, mails } = await mailServer();
    const title = 'x\r\nBcc: victim@evil.example\r\n\r\nforged body =?utf-8?q?=0D=0ACc:_a@evil.example?=';
    await sink(port).send(composeMessage([change({ title, host: 'a\r\nCc: b@evil.example' })]), never);
    const [mail] = mails as [Mail];
    expect(mail.to).toEqual(['team@example.org']);
    expect(mail.parsed.bcc ?? []).toEqual([]);
    expect(mail.parsed.cc ?? []).toEqual([]);
    expect(mail.raw.slice(0, mail.raw.indexOf('\r\n\r\n'))).not.toMatch(/^(bcc|cc):/im);
    expect(mail.parsed.subject).toContain('x\\r\\nBcc: victim@evil.example');
  });

  it('ends no message early, whatever a line begins with', async () => {
    const { port, mails } = await mailServer();
    await sink(port).send({ ...message, text: 'before\n.\nQUIT\n..\n.after\n' }, never);
    expect(mails[0]?.parsed.text?.replaceAll('\r\n', '\n').trim()).toBe('before\n.\nQUIT\n..\n.after');
  });

  it('is not sent, and nobody logs in, where a server offers no STARTTLS', async () => {
    const { port, mails, logins } = await mailServer({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
    await expect(sink(port).send(message, never)).rejects.toThrow(/STARTTLS|upgrade|TLS/i);
    expect([mails, logins]).toEqual([[], []]);
  });

  it('is not sent to a server that nobody vouches for', async () => {
    const { port, mails, logins } = await mailServer();
    await expect(createSmtpSink({ ...bare(port), user: 'hsmfleet', password: new Secret(PASSWORD) }).send(message, never)).rejects.toThrow(/self-signed certificate/);
    expect([mails, logins]).toEqual([[], []]);
  });

  it('may use TLS from the first byte', async () => {
    const { port, mails } = await mailServer({ secure: true });
    await sink(port, { tls: 'implicit' }).send(message, never);
    expect(mails[0]?.secure).toBe(true);
  });

  it('may go in the clear to this machine when that is asked for', async () => {
    const { port, mails } = await mailServer({ authOptional: true, hideSTARTTLS: true });
    await createSmtpSink({ ...bare(port), tls: 'none' }).send(message, never);
    expect(mails[0]).toMatchObject({ secure: false, to: ['team@example.org'] });
  });

  it('with a wrong password fails without repeating it, even when the server does', async () => {
    const { port } = await mailServer();
    const wrong = 'another-pass-word';
    const error: unknown = await sink(port, { password: new Secret(wrong) }).send(message, never).catch((thrown: unknown) => thrown);
    const text = String((error as Error).message);
    expect(text).toContain('[secret]');
    expect(text).not.toContain(wrong);
    expect(text).not.toContain(Buffer.from(`\0hsmfleet\0${wrong}`).toString('base64'));
  });

  it('goes to those whom the server takes, and names those whom it refuses', async () => {
    const { port, mails } = await mailServer();
    expect(await sink(port, { to: ['team@example.org', 'nobody@example.org'] }).send(message, never)).toEqual(['the mail server refused nobody@example.org']);
    expect(mails[0]?.to).toEqual(['team@example.org']);
    await expect(sink(port, { to: ['nobody@example.org'] }).send(message, never)).rejects.toThrow(/no such user/);
  });

  it('is given up in time where a server says nothing, something else, or does not stop', async () => {
    const listen = async (greeting: string, repeated = false): Promise<number> => {
      const server: Server = createServer((socket) => {
        socket.on('error', () => undefined).resume();
        socket.write(greeting);
        const timer = repeated ? setInterval(() => socket.write(greeting), 5) : undefined;
        socket.on('close', () => { clearInterval(timer); });
        closing.push(async () => { socket.destroy(); });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      closing.push(async () => { server.close(); });
      return (server.address() as AddressInfo).port;
    };
    const before = Date.now();
    await expect(sink(await listen(''), { timeout: 1 }).send(message, never)).rejects.toThrow();
    await expect(sink(await listen('SSH-2.0-OpenSSH_9.2p1 \u001b[31m\r\n'), { timeout: 1 }).send(message, never)).rejects.toThrow(/SSH-2\.0.*\\x1b/);
    await expect(sink(await listen('220-'.padEnd(100_000, 'x'), true), { timeout: 5 }).send(message, never)).rejects.toThrow(/exceeds maximum allowed size/);
    expect(Date.now() - before).toBeLessThan(15_000);
  });

  it('is left alone when delivery stops', async () => {
    const { port, mails } = await mailServer();
    await expect(sink(port).send(message, AbortSignal.abort())).rejects.toThrow();
    expect(mails).toEqual([]);
  });
});
