/** A key as the guard needs it. */
export interface KeyIdentity {
  readonly keyId: string;
  readonly teamId: string;
}
