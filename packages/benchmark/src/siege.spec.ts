import { expect, test } from 'vitest';
import { availabilityOf, parseTlsLoad } from './load.ts';
import { complaintOf, parseSiege, siegeCommand } from './siege.ts';

/** As siege 4.0.7 prints it, tabs and all, here with a warning before it. */
const ANSWER = `
================================================================
WARNING: The number of users is capped at 255.  To increase this
================================================================
{\t"transactions":\t\t\t         737,
\t"availability":\t\t\t       98.27,
\t"elapsed_time":\t\t\t        1.41,
\t"data_transferred":\t\t        3.61,
\t"response_time":\t\t        0.01,
\t"transaction_rate":\t\t      522.70,
\t"throughput":\t\t\t        2.56,
\t"concurrency":\t\t\t        4.79,
\t"successful_transactions":\t         730,
\t"failed_transactions":\t\t          13,
\t"longest_transaction":\t\t        0.03,
\t"shortest_transaction":\t\t        0.00
}

`;

test('reads the numbers, whatever stands around them', () => {
  expect(parseSiege(ANSWER, '')).toEqual({
    transactions: 737, successful: 730, failed: 13, elapsedS: 1.41, dataMB: 3.61, responseS: 0.01, rate: 522.7, throughput: 2.56, reachedConcurrency: 4.79,
    longestS: 0.03, shortestS: 0, resumedShare: 0, problem: '7 of 737 answers had a status of 400 or above',
  });
});

test.each(['', 'siege: could not open /x', '{ "transactions": 1 }', '{ not json }'])('has no numbers when siege gave none: %j', (text) => {
  expect(parseSiege(text, '')).toBeUndefined();
});

test('a 404 lowers the availability, and so does a failed handshake', () => {
  expect(availabilityOf({ transactions: 6, successful: 0, failed: 0 })).toBe(0);
  expect(availabilityOf({ transactions: 90, successful: 90, failed: 10 })).toBe(90);
  expect(availabilityOf({ transactions: 0, successful: 0, failed: 0 })).toBe(0);
});

test('finds the first error in what siege told, without colours', () => {
  expect(complaintOf('New configuration template added to /x\n\u001b[31m[error] Failed to make an SSL connection: 5\u001b[0m\n[error] other\n')).toBe('[error] Failed to make an SSL connection: 5');
  expect(complaintOf('unshare: unshare failed: Operation not permitted\n')).toBe('unshare: unshare failed: Operation not permitted');
  expect(complaintOf('** Preparing 5 concurrent users for battle.\n')).toBeNull();
});

test('is called with settings, home and host names of its own', () => {
  const call = { serverName: 'www.example.org', port: 8443, address: '127.0.0.1', paths: ['/', '/app?x=1'], concurrency: 400, seconds: 8, delayS: 0 };
  const command = siegeCommand(call, true);
  expect(command.argv.slice(command.argv.indexOf('siege'))).toEqual(['siege', '-R', '{folder}/siegerc', '-b', '-c', '400', '-t8S', '-f', '{folder}/urls']);
  expect(command.env).toEqual({ HOME: '{folder}' });
  expect(command.files.urls).toBe('https://www.example.org:8443/\nhttps://www.example.org:8443/app?x=1\n');
  expect(command.files.hosts).toContain('127.0.0.1 www.example.org\n');
  expect(command.files.siegerc).toMatch(/^parser = false$/m);
  expect(command.files.siegerc).toMatch(/^limit = 400$/m);
  expect(siegeCommand({ ...call, delayS: 2 }, true).argv).toContain('-d');
  expect(siegeCommand(call, false).argv).toContain('--user');
});

test('takes only a whole answer of our own client', () => {
  expect(parseTlsLoad('{"transactions":1}')).toBeUndefined();
  expect(parseTlsLoad('half an ans')).toBeUndefined();
});
