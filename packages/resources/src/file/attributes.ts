import { Mode, parseMode, type Attributes, type FileStat, type ReadHost } from '@hsmfleet/resource';
import { Type } from '@sinclair/typebox';

const owner = (kind: string) =>
  Type.Union([Type.String(), Type.Integer()], { description: `${kind} that owns it, by name or number; left as it is when absent` });

/** owner, group and mode, as the resources that manage files take them. */
export const attributeParams = {
  owner: Type.Optional(owner('user')),
  group: Type.Optional(owner('group')),
  mode: Type.Optional(Mode),
};

/** The parameters of {@link attributeParams}. */
export interface AttributeParams {
  owner?: string | number;
  group?: string | number;
  mode?: string | number;
}

/** Numbers of the wanted owner and group on this host: null when nobody has that name (yet), absent when not asked for. */
export interface WantedIds {
  uid?: number | null;
  gid?: number | null;
}

/** The parameters as a step takes them. */
export function wantedAttributes(params: AttributeParams): Attributes {
  return {
    ...(params.mode === undefined ? {} : { mode: parseMode(params.mode) }),
    ...(params.owner === undefined ? {} : { owner: String(params.owner) }),
    ...(params.group === undefined ? {} : { group: String(params.group) }),
  };
}

/** Resolves names on the host, since two names may mean one number. */
export async function wantedIds(host: ReadHost, params: AttributeParams): Promise<WantedIds> {
  return {
    ...(params.owner === undefined ? {} : { uid: (await host.userId(String(params.owner))) ?? null }),
    ...(params.group === undefined ? {} : { gid: (await host.groupId(String(params.group))) ?? null }),
  };
}

/** The part of the wanted attributes that a file does not have; undefined when it has them all. */
export function missingAttributes(
  seen: Pick<FileStat, 'mode' | 'uid' | 'gid'>,
  wanted: Attributes,
  ids: WantedIds,
): Attributes | undefined {
  const missing: Attributes = {};
  if (wanted.mode !== undefined && wanted.mode !== seen.mode) missing.mode = wanted.mode;
  if (wanted.owner !== undefined && ids.uid !== seen.uid) missing.owner = wanted.owner;
  if (wanted.group !== undefined && ids.gid !== seen.gid) missing.group = wanted.group;
  return Object.keys(missing).length === 0 ? undefined : missing;
}
