import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { printableJson } from '@hsmfleet/terminal-text';
import { DeliveryError } from './delivery-error.ts';
import type { Message } from './message.ts';
import type { Sink } from './sink.ts';
import type { FileSink } from './sinks.ts';

// never through a link that somebody else may have laid, and never waiting for the reader of a pipe
const FLAGS = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Appends changes to a file, or writes them to standard output: one JSON object a line, each with the id of its message. */
export function createFileSink(config: FileSink, stdout: NodeJS.WritableStream = process.stdout): Sink {
  const { name, path } = config;
  return {
    name, intervalMs: config.interval * 1_000, giveUpMs: config.give_up_after * 3_600_000,
    async send(message) {
      const text = linesOf(message);
      await (path === undefined ? print(stdout, text) : append(path, text)).catch((thrown: unknown) => {
        throw new DeliveryError(thrown instanceof DeliveryError ? thrown.message : `cannot write: ${(thrown as Error).message}`);
      });
      return [];
    },
  };
}

function linesOf({ id, changes }: Message): string {
  return changes.map((change) => `${printableJson({ schema: 'hsmfleet.change/1', message: id, ...change })}\n`).join('');
}

async function append(path: string, text: string): Promise<void> {
  const file = await open(path, FLAGS, 0o600);
  try {
    const { size, isFile } = await file.stat().then((stat) => ({ size: stat.size, isFile: stat.isFile() }));
    if (!isFile) throw new DeliveryError(`${path} is no regular file`);
    // a line that was cut off when the machine stopped must not swallow the next one
    const last = size === 0 ? undefined : (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer.toString('latin1');
    await file.appendFile(last === undefined || last === '\n' ? text : `\n${text}`);
    await file.datasync();
  } finally {
    await file.close();
  }
}

function print(stream: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
