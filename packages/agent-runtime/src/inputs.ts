import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Deferred, Secret, decodeValue, type PlannedTask, type WireValue } from '@hsmfleet/contract';
import type { InputFile, Inputs } from '@hsmfleet/resource';
import { renderText, type Scope } from '@hsmfleet/template';

/**
 * The files that a task reads: a blob of the state directory as it is, or a template rendered as Ansible's `template`
 * module renders (first newline after a block dropped). A template into which a secret went is marked secret.
 * @param blobPath where the bytes of a blob lie
 * @throws HsmfleetError UNDEFINED_VARIABLE, TEMPLATE_INVALID
 */
export function makeInputs(
  task: PlannedTask,
  secrets: Record<string, { value: string; origin: string }>,
  scope: Scope,
  blobPath: (sha256: string) => string,
): Inputs {
  const inputs: Record<string, InputFile> = {};
  for (const [param, input] of Object.entries(task.inputs ?? {})) {
    if (input.kind === 'blob') {
      const { sha256, size, name } = input.blob;
      inputs[param] = { name, sha256, size, secret: false, read: () => readFile(blobPath(sha256)) };
      continue;
    }
    const text = decodeValue(input.text as WireValue, secrets);
    const rendered = text instanceof Deferred ? renderText(text.text, scope, text.position, { trimBlocks: true }) : text;
    const secret = rendered instanceof Secret;
    const bytes = Buffer.from(secret ? rendered.reveal() : String(rendered), 'utf8');
    inputs[param] = {
      name: input.name,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      size: bytes.length,
      secret,
      read: () => Promise.resolve(bytes),
    };
  }
  return inputs;
}
