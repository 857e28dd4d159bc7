import type { GrantStatus } from './credits.types.js';

/** What decides whether and when a grant pays. */
export interface DrawableGrant {
  readonly grantId: string;
  readonly remaining: number;
  readonly priority: number;
  readonly startsAt: Date | null;
  readonly expiresAt: Date | null;
  readonly jobTypes: readonly string[] | null;
}

export interface GrantPart {
  readonly grantId: string;
  readonly credits: number;
}

/**
 * The order in which grants pay: by priority, lower first; then those that run out earliest, those that
 * never do last; then by age, which their ids tell.
 */
export function compareGrants(left: DrawableGrant, right: DrawableGrant): number {
  const byPriority = left.priority - right.priority;
  if (byPriority !== 0) return byPriority;
  const leftEnd = left.expiresAt?.getTime() ?? Infinity;
  const rightEnd = right.expiresAt?.getTime() ?? Infinity;
  if (leftEnd !== rightEnd) return leftEnd < rightEnd ? -1 : 1;
  return left.grantId < right.grantId ? -1 : 1;
}

/** Whether a grant has run out: at its end exactly, it has. */
export function hasExpired(grant: DrawableGrant, now: Date): boolean {
  return grant.expiresAt !== null && grant.expiresAt.getTime() <= now.getTime();
}

/**
 * What a grant is good for. One that was used up before its end has not expired: nothing of it was lost.
 */
export function grantStatus(grant: DrawableGrant & { readonly expired: number }, now: Date): GrantStatus {
  if (grant.remaining === 0 && grant.expired === 0) return 'exhausted';
  if (grant.remaining === 0 || hasExpired(grant, now)) return 'expired';
  return grant.startsAt !== null && grant.startsAt.getTime() > now.getTime() ? 'scheduled' : 'active';
}

/** Whether a grant may pay for a job of this type now. */
export function isEligible(grant: DrawableGrant, jobType: string, now: Date): boolean {
  if (grant.remaining === 0 || hasExpired(grant, now)) return false;
  if (grant.startsAt !== null && grant.startsAt.getTime() > now.getTime()) return false;
  return grant.jobTypes === null || grant.jobTypes.includes(jobType);
}

/** What a job of this type could be paid with now. */
export function eligibleCredits(grants: Iterable<DrawableGrant>, jobType: string, now: Date): number {
  let credits = 0;
  for (const grant of grants) if (isEligible(grant, jobType, now)) credits += grant.remaining;
  return credits;
}

/** Which grants pay how much of `credits`; less in all than that if there is less. */
export function planDraw(
  grants: Iterable<DrawableGrant>,
  credits: number,
  jobType: string,
  now: Date,
): GrantPart[] {
  const parts: GrantPart[] = [];
  let missing = credits;
  const eligible = [...grants].filter((grant) => isEligible(grant, jobType, now)).sort(compareGrants);
  for (const grant of eligible) {
    if (missing === 0) break;
    const part = Math.min(missing, grant.remaining);
    parts.push({ grantId: grant.grantId, credits: part });
    missing -= part;
  }
  return parts;
}

/** Which grants get how much of `credits` back: what was drawn last comes back first. */
export function planReturn(
  drawn: readonly { readonly grant: DrawableGrant; readonly credits: number }[],
  credits: number,
): GrantPart[] {
  const parts: GrantPart[] = [];
  let left = credits;
  for (const draw of [...drawn].sort((one, other) => compareGrants(other.grant, one.grant))) {
    const part = Math.min(left, draw.credits);
    if (part > 0) parts.push({ grantId: draw.grant.grantId, credits: part });
    left -= part;
  }
  return parts;
}
