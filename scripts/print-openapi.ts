import { writeFile } from 'node:fs/promises';
import { openApiDocument } from '../src/server/rest/openapi/document.ts';

await writeFile('docs/openapi.json', `${JSON.stringify(openApiDocument(), null, 2)}\n`);
