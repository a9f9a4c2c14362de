import type { TestService } from './service.ts';

/** The service's own figures at `/metrics`, by name without `avatar_quota_`. */
export async function readMetrics({ url }: Pick<TestService, 'url'>): Promise<Record<string, number>> {
  const response = await fetch(`${url}/metrics`);
  const lines = (await response.text()).matchAll(/^avatar_quota_(\w+) (\S+)$/gm);
  return Object.fromEntries([...lines].map(([, name, value]) => [name, Number(value?.replace('+Inf', 'Infinity'))]));
}
