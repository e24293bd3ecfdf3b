export { AgeKeyring, type OpenedAge } from './age-keyring.ts';
export { loadIdentityFile, type AgeIdentity, type IdentityOptions } from './identities.ts';
export { parseRecipient, readRecipientsFile } from './recipients.ts';
export { sealForRecipients } from './seal.ts';
