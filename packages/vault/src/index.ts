export { isVaultText } from './envelope.ts';
export { sealText, VaultKeyring, type OpenedVault, type VaultKey } from './keyring.ts';
export { loadVaultKey, parseVaultId, type PasswordSource, type PasswordOptions } from './password-source.ts';
export { createVaultFile, decryptVaultFile, editVaultFile, encryptVaultFile, readVaultFile, rekeyVaultFiles } from './vault-file.ts';
export { formatInlineVault } from './inline.ts';
export { replaceFile } from './replace-file.ts';
