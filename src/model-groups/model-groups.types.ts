/** A model group with its models in the order in which they are tried. */
export interface ModelGroupRecord {
  readonly modelGroupId: string;
  readonly groupName: string;
  readonly displayName: string;
  readonly description: string | null;
  readonly models: readonly GroupModel[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface GroupModel {
  readonly modelName: string;
  readonly priority: number;
}

/** What a call needs of a group: the name that clients see, and the models behind it. */
export interface ResolvedModelGroup {
  readonly groupName: string;
  /** At least one, in the order in which they are tried. */
  readonly modelNames: readonly string[];
}
