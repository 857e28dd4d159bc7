/** One thing that must hold. Its query returns a row for every object of which it does not. */
export interface LedgerCheck {
  readonly name: string;
  /** What is wrong with the objects that the query returns. */
  readonly finding: string;
  /**
   * Selects `team_id`, `id`, `expected` and `found`, all as text. One statement over whole sets, so that it
   * works on millions of rows; and one that no damage makes fail, since a check that fails tells nothing.
   */
  readonly sql: string;
}
