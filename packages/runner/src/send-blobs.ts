import { HsmfleetError, tasksIn, type Plan } from '@hsmfleet/contract';
import type { AgentLink } from './agent-link.ts';

/** Bytes per binary frame: small enough that events in the other direction never wait long. */
const CHUNK = 256 * 1024;

/** The part of a plan that names blobs. */
export type BlobNames = Pick<Plan, 'host' | 'tasks' | 'handlers'>;

/** The blobs a plan names, by hash: the only ones an agent may ask for. */
export function blobsOfPlan(plan: BlobNames): ReadonlyMap<string, { size: number; name: string }> {
  const blobs = new Map<string, { size: number; name: string }>();
  for (const task of [...tasksIn(plan.tasks), ...tasksIn(plan.handlers)]) {
    for (const input of Object.values(task.inputs ?? {})) {
      if (input.kind === 'blob') blobs.set(input.blob.sha256, input.blob);
      if (input.kind === 'artifact') for (const { blob } of input.candidates) blobs.set(blob.sha256, blob);
    }
  }
  return blobs;
}

/**
 * Streams blobs to an agent, one after another, at the pace it takes them.
 * @throws HsmfleetError AGENT for a blob the plan does not name, FILE_MISSING when the file is gone or has changed
 */
export async function sendBlobs(link: AgentLink, plan: BlobNames, wanted: readonly string[], open: (sha256: string) => NodeJS.ReadableStream | undefined): Promise<void> {
  const named = blobsOfPlan(plan);
  for (const sha256 of wanted) {
    const blob = named.get(sha256);
    if (blob === undefined) throw new HsmfleetError('AGENT', `the agent on ${plan.host} asked for a file that its plan does not name`, { host: plan.host });
    const source = open(sha256);
    if (source === undefined) throw changed(blob.name, plan.host, 'it is gone');
    link.send({ type: 'blob', sha256, size: blob.size });
    await sendBytes(link, source, blob, plan.host);
  }
}

async function sendBytes(link: AgentLink, source: NodeJS.ReadableStream, blob: { size: number; name: string }, host: string): Promise<void> {
  let sent = 0;
  try {
    for await (const piece of source) {
      const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
      if (sent + bytes.length > blob.size) throw changed(blob.name, host, 'it has grown');
      for (let at = 0; at < bytes.length; at += CHUNK) await link.sendBytes(bytes.subarray(at, at + CHUNK));
      sent += bytes.length;
      if (!link.open) return;
    }
  } catch (error) {
    throw error instanceof HsmfleetError ? error : changed(blob.name, host, (error as Error).message);
  }
  if (sent < blob.size) throw changed(blob.name, host, 'it has shrunk');
}

function changed(name: string, host: string, why: string): HsmfleetError {
  return new HsmfleetError('FILE_MISSING', `the file ${name} cannot be sent to ${host}: ${why} since the playbook was read`, { host, hint: 'run again' });
}
