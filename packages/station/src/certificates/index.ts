export { loadCertificates, type LoadedCertificate, type LoadOptions, type LoadResult } from './load-certificates.ts';
export { type IdentityWish } from './plan-identity.ts';
export { requestCertificate, requestRenewal, selfSign, type Renewal, type RenewalWish, type Signed } from './request-certificate.ts';
export { type TokenKey } from './token-key.ts';
