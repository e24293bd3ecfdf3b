import type { Pkcs11Port, Pkcs11PortOptions } from '@hsmfleet/pkcs11';

/** The PKCS#11 port, loaded when a resource first asks for a token: most runs of light tasks never do. */
export function createLazyPkcs11(options: Pkcs11PortOptions): Pkcs11Port {
  let port: Pkcs11Port | undefined;
  const load = async (): Promise<Pkcs11Port> => (port ??= (await import('@hsmfleet/pkcs11')).createPkcs11Port(options));
  return {
    observe: async (target) => (await load()).observe(target),
    isPinProven: async (identity, pin) => (await load()).isPinProven(identity, pin),
    standingOf: async (identity, pin) => (await load()).standingOf(identity, pin),
    provePin: async (step, context) => (await load()).provePin(step, context),
    invalidate: () => port?.invalidate(),
  };
}
