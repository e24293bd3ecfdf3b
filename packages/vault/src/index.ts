export { sealText, VaultKeyring, vaultSealer, type OpenedVault, type VaultKey } from './keyring.ts';
export { loadVaultKey, parseVaultId, type PasswordSource, type PasswordOptions } from './password-source.ts';
export { createVaultFile, decryptVaultFile, editVaultFile, encryptVaultFile, readVaultFile } from './vault-file.ts';
export { formatInlineValue } from './inline.ts';
export { replaceFile } from './replace-file.ts';
export { rekeyFiles, type Rekeyed } from './rekey.ts';
export type { Opened, Opener, Sealer } from './sealing.ts';
