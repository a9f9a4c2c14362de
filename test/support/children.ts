import { readFile } from 'node:fs/promises';

/** The process ids of a process' children, as Linux lists them. */
export async function childrenOf(pid: number): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return list.split(' ').filter(Boolean).map(Number);
}
