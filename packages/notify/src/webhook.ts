import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createRedactor, Secret, type Redactor } from '@hsmfleet/contract';
import { printable } from '@hsmfleet/terminal-text';
import { DeliveryError } from './delivery-error.ts';
import type { Message } from './message.ts';
import type { Sink } from './sink.ts';
import { urlProblem, type WebhookSink } from './sinks.ts';

/** Bytes of an answer that are read at most: nothing in it is needed but a reason to show. */
const ANSWER_BYTES = 16_384;
/** Characters of an answer that are shown. */
const SHOWN = 200;
/** Longest time that a receiver may ask to be left alone. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;

/**
 * Posts messages as JSON. Headers prove where they come from: `Hsmfleet-Signature: sha256=HEX` is the HMAC-SHA256 of
 * `TIMESTAMP.BODY`, with the text of `Hsmfleet-Timestamp` (Unix seconds) as it is sent; `Idempotency-Key` is the message's id.
 * Certificates are verified, no redirect is followed, little of the answer is read.
 */
export function createWebhookSink(config: WebhookSink, now: () => Date = () => new Date()): Sink {
  const { name, secret, authorization, timeout } = config;
  const url = config.url instanceof Secret ? config.url : new Secret(config.url);
  const redactor = createRedactor([secret, ...(authorization === undefined ? [] : [authorization]), ...secretsOf(config.url)]);
  return {
    name, intervalMs: config.interval * 1_000, giveUpMs: config.give_up_after * 3_600_000,
    async send(message, signal) {
      const body = bodyOf(name, message);
      const timestamp = String(Math.floor(now().getTime() / 1_000));
      const headers = {
        'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)), 'User-Agent': 'hsmfleet', Connection: 'close',
        'Idempotency-Key': message.id, 'Hsmfleet-Timestamp': timestamp,
        'Hsmfleet-Signature': `sha256=${createHmac('sha256', secret.reveal()).update(`${timestamp}.${body}`).digest('hex')}`,
        ...(authorization === undefined ? {} : { Authorization: authorization.reveal() }),
      };
      await post(url, headers, body, config.ca, AbortSignal.any([signal, AbortSignal.timeout(timeout * 1_000)]), redactor);
      return [];
    },
  };
}

/** What is posted: the schema is part of docs/guide/notifications.md. */
function bodyOf(sink: string, { id, subject, text, severity, changes }: Message): string {
  return JSON.stringify({ schema: 'hsmfleet.notification/1', id, sink, subject, text, severity, changes });
}

/** An address that is a secret is one whole and by its path. */
function secretsOf(url: WebhookSink['url']): Secret[] {
  if (!(url instanceof Secret)) return [];
  const text = url.reveal();
  return URL.canParse(text) ? [url, new Secret(new URL(text).pathname), new Secret(new URL(text).search)] : [url];
}

async function post(address: Secret, headers: Record<string, string>, body: string, ca: string | undefined, signal: AbortSignal, redactor: Redactor): Promise<void> {
  const problem = urlProblem(address.reveal());
  if (problem !== undefined) throw new DeliveryError(problem.message);
  const url = new URL(address.reveal());
  const authorities = ca === undefined ? undefined : await readFile(ca).catch(() => { throw new DeliveryError(`cannot read the authorities in ${ca}`); });
  return new Promise((resolve, reject) => {
    let answered = false;
    // cut off in the middle of an answer: the answer tells more
    const fail = (thrown: unknown): void => { if (!answered) reject(new DeliveryError(redactor.text(reasonOf(thrown, signal)))); };
    try {
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const request = send(url, {
        method: 'POST', headers, agent: false, signal, maxHeaderSize: ANSWER_BYTES,
        ...(url.protocol === 'https:' ? { minVersion: 'TLSv1.2', rejectUnauthorized: true, ...(authorities === undefined ? {} : { ca: authorities }) } : {}),
      }, (response) => {
        answered = true;
        const { statusCode = 0 } = response;
        if (statusCode >= 200 && statusCode < 300) {
          // it was taken: what else the receiver says, however slowly, changes nothing
          response.on('error', () => undefined);
          response.destroy();
          resolve();
          return;
        }
        void readAnswer(response).then((answer) => { reject(refusalOf(response, answer, redactor)); });
      });
      request.on('error', fail);
      request.end(body);
    } catch (thrown) {
      // a header that HTTP does not allow, say; the message of Node names the header and not its value
      fail(thrown);
    }
  });
}

/** The beginning of an answer; never rejects, and ends with the request's deadline. */
async function readAnswer(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      parts.push(part);
      size += part.length;
      if (size >= ANSWER_BYTES) break;
    }
  } catch {
    // cut off: what came is enough for a reason
  }
  response.destroy();
  return Buffer.concat(parts).toString('utf8', 0, ANSWER_BYTES);
}

function refusalOf({ statusCode = 0, headers }: IncomingMessage, answer: string, redactor: Redactor): DeliveryError {
  if (statusCode >= 300 && statusCode < 400) return new DeliveryError(`answered HTTP ${String(statusCode)}: redirects are not followed, give the address that it leads to`);
  // redacted whole, shortened after: half a secret would not be known again
  const said = printable(redactor.text(answer).trim());
  return new DeliveryError(`answered HTTP ${String(statusCode)}${said === '' ? '' : `: ${said.length > SHOWN ? `${said.slice(0, SHOWN)}…` : said}`}`, retryAfter(headers['retry-after']));
}

/** Retry-After is seconds or a date (RFC 9110, 10.2.3). */
function retryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), LONGEST_RETRY_AFTER_MS);
}

function reasonOf(thrown: unknown, signal: AbortSignal): string {
  if (signal.aborted) return (signal.reason as { name?: string } | undefined)?.name === 'TimeoutError' ? 'no answer in time' : 'stopped';
  const { message, code } = thrown as { message?: string; code?: string };
  const text = printable(message === undefined || message === '' ? 'no connection' : message);
  return code === undefined || text.includes(code) ? text : `${text} (${code})`;
}
