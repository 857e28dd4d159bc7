/** A deleted team stays in the books: its id is not free again, and its history can be read. */
export const TEAM_STATUSES = ['active', 'suspended', 'deleted'] as const;
export type TeamStatus = (typeof TEAM_STATUSES)[number];

/** What a team's own key sees of costs: their sum, or nothing. Models and breakdowns are never shown. */
export const COST_VISIBILITIES = ['summary', 'none'] as const;
export type CostVisibility = (typeof COST_VISIBILITIES)[number];

/** A team as other modules see it. */
export interface TeamRecord {
  readonly teamId: string;
  readonly organizationId: string;
  readonly teamAlias: string | null;
  readonly status: TeamStatus;
  readonly costVisibility: CostVisibility;
  readonly metadata: object;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/**
 * Whether a rate of credits per dollar may be shown: from it and its credits a team could work out costs that are
 * hidden from it.
 */
export function seesRates(team: Pick<TeamRecord, 'costVisibility'>, role: 'admin' | 'team'): boolean {
  return role === 'admin' || team.costVisibility !== 'none';
}

/** What is to change; what is left out stays. */
export type TeamChange = Partial<Pick<TeamRecord, 'teamAlias' | 'costVisibility' | 'metadata' | 'status'>>;

export interface TeamFilter {
  readonly organizationId: string | null;
  /** Null for all but the deleted ones. */
  readonly status: TeamStatus | null;
}
