import type { AnyResource } from '@hsmfleet/resource';
import { resourceLoaders } from './lazy-registry.generated.ts';

/**
 * One resource by name, loaded when it is first asked for: the agent's start-up must not pay for resources that a plan
 * does not use. Undefined when there is none of that name.
 */
export async function loadResource(name: string): Promise<AnyResource | undefined> {
  const load = resourceLoaders.get(name);
  return load === undefined ? undefined : (await load()).resource;
}
