export type TeamStatus = 'active' | 'suspended';

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
