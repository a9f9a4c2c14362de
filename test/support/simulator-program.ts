import { startSimulator } from '../../src/vendors/simulator/server.ts';
import { VENDOR_KEY } from './settings.ts';

// Run by simulator-process.ts.

const simulator = await startSimulator({ apiKey: VENDOR_KEY });
console.log(simulator.url);
