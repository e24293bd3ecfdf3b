import { readFile } from 'node:fs/promises';
import { createRedactor, Secret } from '@hsmfleet/contract';
import { printable } from '@hsmfleet/terminal-text';
import { createTransport } from 'nodemailer';
import { DeliveryError } from './delivery-error.ts';
import type { Sink } from './sink.ts';
import type { SmtpSink } from './sinks.ts';

/** Characters of a server's answer that are shown. */
const SHOWN = 300;

/**
 * Sends messages as mail in plain text. Encryption is insisted on and certificates are verified, unless the server is on
 * loopback and nothing else was asked for. The Message-ID is made of the message's id, so that a retry is the same mail.
 */
export function createSmtpSink(config: SmtpSink): Sink {
  const { name, host, port, tls, user, password, from, to, timeout } = config;
  const redactor = createRedactor(password === undefined || user === undefined ? [] : [password, ...loginForms(user, password)]);
  return {
    name, intervalMs: config.interval * 1_000, giveUpMs: config.give_up_after * 3_600_000,
    async send(message, signal) {
      const ca = config.ca === undefined ? undefined : await readFile(config.ca).catch(() => { throw new DeliveryError(`cannot read the authorities in ${String(config.ca)}`); });
      const deadline = timeout * 1_000;
      const transport = createTransport({
        host, port, secure: tls === 'implicit', requireTLS: tls === 'starttls', ignoreTLS: tls === 'none',
        tls: { minVersion: 'TLSv1.2', rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) },
        connectionTimeout: deadline, greetingTimeout: deadline, socketTimeout: deadline, dnsTimeout: deadline,
        ...(user === undefined || password === undefined ? {} : { auth: { user, pass: password.reveal() } }),
        logger: false, disableFileAccess: true, disableUrlAccess: true,
      });
      try {
        const { rejected } = await transport.sendMail({
          from, to, envelope: { from, to }, subject: printable(message.subject), text: message.text,
          messageId: `<${message.id}@${from.slice(from.indexOf('@') + 1)}>`,
          headers: { 'Auto-Submitted': 'auto-generated', 'X-Hsmfleet-Id': message.id, ...(message.severity === null ? {} : { 'X-Hsmfleet-Severity': message.severity }) },
          signal: AbortSignal.any([signal, AbortSignal.timeout(deadline)]),
        });
        return rejected.length === 0 ? [] : [`the mail server refused ${rejected.map(printable).join(', ')}`];
      } catch (thrown) {
        const text = printable(redactor.text(thrown instanceof Error ? thrown.message : String(thrown)));
        throw new DeliveryError(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
      } finally {
        transport.close();
      }
    },
  };
}

/** The forms in which a password travels when it logs in, which a server might repeat. */
function loginForms(user: string, password: Secret): Secret[] {
  return [new Secret(`\0${user}\0${password.reveal()}`), new Secret(`${user}\0${user}\0${password.reveal()}`)];
}
