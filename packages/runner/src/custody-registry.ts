/** Who has which token in this run. One per run. */
export interface CustodyRegistry {
  /**
   * The host found that its token is the one of the manifest. The first host that says so has it.
   * @param manifest hex SHA-256
   * @returns the host that has it already, when that is another one. Must not reject
   */
  claim(host: string, manifest: string): Promise<string | undefined>;
}

/** @param known which host has which token, by its manifest, from before */
export function createCustodyRegistry(known: ReadonlyMap<string, string> = new Map()): CustodyRegistry {
  const holders = new Map(known);
  return {
    claim(host, manifest) {
      const holder = holders.get(manifest) ?? host;
      holders.set(manifest, holder);
      return Promise.resolve(holder === host ? undefined : holder);
    },
  };
}
