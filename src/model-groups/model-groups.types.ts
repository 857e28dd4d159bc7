/** Calls to a group that is inactive are refused. */
export const MODEL_GROUP_STATUSES = ['active', 'inactive'] as const;
export type ModelGroupStatus = (typeof MODEL_GROUP_STATUSES)[number];

/** A model group with its models in the order in which they are tried. */
export interface ModelGroupRecord {
  readonly modelGroupId: string;
  readonly groupName: string;
  readonly displayName: string;
  readonly description: string | null;
  readonly status: ModelGroupStatus;
  readonly models: readonly GroupModel[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What is to change; what is left out stays. */
export type ModelGroupChange = Partial<Pick<ModelGroupRecord, 'displayName' | 'description' | 'status'>>;

export interface GroupModel {
  readonly modelName: string;
  readonly priority: number;
  /** Its share of the calls among models of the same priority; a whole number from 1. */
  readonly weight: number;
  /** One that is not is left out of calls. */
  readonly isActive: boolean;
}

export type ResolvedModel = Omit<GroupModel, 'isActive'>;

/** What a call needs of a group: the name that clients see, and the models behind it. */
export interface ResolvedModelGroup {
  readonly groupName: string;
  /** Those that are active, at least one; by priority, equals in the order in which they were given. */
  readonly models: readonly ResolvedModel[];
}
