/** The service's entry point: says so where Node is too old for it, and starts it otherwise. */
import './require-node.js';

await import('./main.ts');
