// Adds up the JSON reports of several test runs. The last line is `N passed, N failed`; exits with 1 if any failed.
// In CI a skipped test, a file that cannot be loaded and a missing report are failures.
import { readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;

for (const path of process.argv.slice(2)) {
  for (const { name, status, assertionResults } of readReport(path)) {
    for (const test of assertionResults) {
      if (test.status === 'passed') passed++;
      else if (test.status === 'failed') failed++;
      else fail(`Skipped: ${name}: ${test.fullName}`);
    }
    if (status === 'failed' && assertionResults.every((test) => test.status !== 'failed')) fail(`Failed: ${name}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).testResults;
  } catch (error) {
    fail(`No report of a test run: ${error.message}`);
    return [];
  }
}

function fail(reason) {
  failed++;
  console.log(reason);
}
