export { createPkcs11Port, type Pkcs11Port, type Pkcs11PortOptions } from './port.ts';
export { runPkcs11Child } from './child.ts';
export { addonFileName, loadPkcs11, type Cryptoki } from './native.ts';
export { tokenIdentity } from './interpret.ts';
