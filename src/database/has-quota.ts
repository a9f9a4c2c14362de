import type { Prisma } from './prisma.ts';

/** Whether the user has a quota of any month. */
export async function hasQuota(prisma: Prisma, userId: string): Promise<boolean> {
  return (await prisma.usageQuota.findFirst({ where: { userId }, select: { id: true } })) !== null;
}
