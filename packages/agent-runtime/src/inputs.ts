import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Deferred, Secret, decodeValue, type BlobRef, type HostFacts, type PlannedTask, type WireValue } from '@hsmfleet/contract';
import type { InputFile, Inputs } from '@hsmfleet/resource';
import { renderTemplate, type Scope } from '@hsmfleet/template';
import { chooseArtifact } from './choose-artifact.ts';

/**
 * The files that a task reads: a blob of the state directory as it is, the package that fits this host, or a template rendered as Ansible's `template`
 * module renders (first newline after a block dropped). A template into which a secret went is marked secret.
 * @param blobPath where the bytes of a blob lie
 * @throws HsmfleetError UNDEFINED_VARIABLE, TEMPLATE_INVALID, ARTIFACT_MISSING
 */
export function makeInputs(
  task: PlannedTask,
  secrets: Record<string, { value: string; origin: string }>,
  scope: Scope,
  blobPath: (sha256: string) => string,
  facts: HostFacts,
): Inputs {
  const inputs: Record<string, InputFile> = {};
  for (const [param, input] of Object.entries(task.inputs ?? {})) {
    if (input.kind === 'blob') {
      inputs[param] = blobInput(input.blob, blobPath);
      continue;
    }
    if (input.kind === 'artifact') {
      const { blob, version, inputsSha256 } = chooseArtifact(input, facts);
      inputs[param] = { ...blobInput(blob, blobPath), artifact: { version, inputsSha256 } };
      continue;
    }
    const text = decodeValue(input.text as WireValue, secrets);
    const rendered = text instanceof Deferred ? renderTemplate(text, scope) : text;
    const secret = rendered instanceof Secret;
    const bytes = Buffer.from(secret ? rendered.reveal() : String(rendered), input.encoding ?? 'utf8');
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

function blobInput({ sha256, size, name }: BlobRef, blobPath: (sha256: string) => string): InputFile {
  return { name, sha256, size, secret: false, read: () => readFile(blobPath(sha256)) };
}
