import { DO_NOT_RETRY, DomainError } from './domain-error.js';

/** One answer for a missing, malformed, unknown and revoked key, so that nothing can be learnt from it. */
export function unauthenticated(): DomainError {
  return new DomainError({
    kind: 'unauthenticated',
    code: 'unauthenticated',
    message: 'Send a valid key in the header Authorization: Bearer <key>.',
    headers: { 'www-authenticate': 'Bearer' },
  });
}

export function adminKeyRequired(): DomainError {
  return new DomainError({
    kind: 'forbidden',
    code: 'admin_key_required',
    message: 'This route takes the admin key.',
  });
}

/** The same whether or not the other team exists. */
export function otherTeam(): DomainError {
  return new DomainError({
    kind: 'forbidden',
    code: 'other_team',
    message: 'The key belongs to another team than the one named.',
  });
}

/** For the admin only: a team gets {@link otherTeam} for every team but its own. */
export function teamNotFound(teamId: string): DomainError {
  return new DomainError({
    kind: 'not_found',
    code: 'team_not_found',
    message: `There is no team ${teamId}.`,
  });
}

/** For the admin only: a deleted team has no key. */
export function teamDeleted(teamId: string): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'team_deleted',
    message: `Team ${teamId} is deleted. Its history can be read; it takes no change and no new work.`,
    headers: DO_NOT_RETRY,
  });
}

/** For the admin only. */
export function organizationNotFound(organizationId: string): DomainError {
  return new DomainError({
    kind: 'not_found',
    code: 'organization_not_found',
    message: `There is no organization ${organizationId}.`,
  });
}
