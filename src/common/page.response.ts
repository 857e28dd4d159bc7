import { ApiProperty } from '@nestjs/swagger';
import type { Page } from './pagination.js';

/** What every list has beside its rows. */
export class PageResponse {
  @ApiProperty({ type: Boolean, description: 'Whether there are more rows', example: false })
  has_more!: boolean;

  @ApiProperty({ type: String, nullable: true, description: 'The cursor of the next page', example: null })
  next_cursor!: string | null;
}

export function toPageResponse(page: Page<unknown>): PageResponse {
  return { has_more: page.hasMore, next_cursor: page.nextCursor };
}
