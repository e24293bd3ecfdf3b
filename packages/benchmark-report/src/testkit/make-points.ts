import type { BenchmarkKey, BenchmarkModule, SiegePoint, SignPoint } from '@hsmfleet/contract';

/** The keys that the points are about. */
export const RSA: BenchmarkKey = { fingerprint: '3b'.repeat(32), label: 'web-rsa', type: 'rsa', bits: 2048, curve: null };
export const EC: BenchmarkKey = { fingerprint: '9e'.repeat(32), label: 'web-ec', type: 'ec', bits: 256, curve: 'prime256v1' };

/** The modules that the points are about. */
export const READ_ONLY: BenchmarkModule = { path: '/usr/lib/x86_64-linux-gnu/libsc-hsm-pkcs11.so', description: 'sc-hsm-embedded', version: '2.9', sha256: 'a1'.repeat(32) };
export const OPENSC: BenchmarkModule = { path: '/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so', description: 'OpenSC smartcard framework', version: '0.23', sha256: 'c4'.repeat(32) };

/** A point of load with all its numbers following from rate and availability. */
export function siegePoint(given: Partial<SiegePoint> = {}): SiegePoint {
  const { concurrency = 5, rate = 15, availability = 100, seconds = 8, outcome = 'measured' } = given;
  const transactions = outcome === 'measured' ? Math.round(rate * seconds) : 0;
  const failed = availability >= 100 || availability <= 0 ? 0 : Math.max(1, Math.round(transactions / (availability / 100) - transactions));
  return {
    kind: 'siege', at: '2026-11-24T09:30:00.000Z', host: 'web1', driver: 'webserver', tool: 'siege 4.0.7', site: 'www.example.org', port: 443, path: '/',
    engine: 'mod_nss', mpm: 'event', processes: 1, tlsProtocol: 'TLSv1.2', module: READ_ONLY, token: 'SmartCard-HSM (UserPIN)', key: RSA, concurrency, delayS: 0, seconds,
    resumption: 'full', outcome, problem: null, transactions, successful: transactions, failed, availability, elapsedS: seconds - 0.03,
    dataMB: transactions * 0.0105, responseS: rate > 0 ? concurrency / rate : 0, rate, throughput: rate * 0.0105, reachedConcurrency: concurrency * 0.97,
    longestS: rate > 0 ? (concurrency / rate) * 1.7 : 0, shortestS: 0.07, resumedShare: 0, ...given,
  };
}

/** A point before which the server did not answer: it knows neither key, module nor protocol. */
export function unhealthyPoint(given: Partial<SiegePoint> = {}): SiegePoint {
  const none = { transactions: 0, successful: 0, failed: 0, availability: 0, elapsedS: 0, dataMB: 0, responseS: 0, rate: 0, throughput: 0, reachedConcurrency: 0, longestS: 0, shortestS: 0 };
  return siegePoint({
    outcome: 'unhealthy', problem: 'the handshake before the point ended with alert 40', tlsProtocol: null, module: null, token: null, resumedShare: null,
    key: { fingerprint: null, label: null, type: null, bits: null, curve: null }, ...none, ...given,
  });
}

/** A signing point. */
export function signPoint(given: Partial<SignPoint> = {}): SignPoint {
  const { rate = 17, seconds = 10 } = given;
  return {
    kind: 'sign', at: '2026-11-24T08:00:00.000Z', host: 'web1', module: READ_ONLY, token: 'SmartCard-HSM (UserPIN)', key: RSA, algorithm: 'rsa-pkcs1-sha256', sessions: 1,
    seconds, elapsedS: seconds + 0.02, signatures: Math.round(rate * seconds), failed: 0, rate, outcome: 'measured', problem: null, ...given,
  };
}
