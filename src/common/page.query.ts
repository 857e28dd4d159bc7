import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, type PageRequest } from './pagination.js';
import { IsQueryInteger, IsStoredText } from './validators.js';

/** Of the longest cursor that any list gives: a name of 128 characters of 4 bytes, and what marks it as one. */
const MAX_CURSOR_LENGTH = 704;

/** Where a page begins, in a query. */
export function ApiCursor(): PropertyDecorator {
  return applyDecorators(
    IsOptional(),
    IsStoredText(MAX_CURSOR_LENGTH),
    ApiPropertyOptional({
      type: String,
      minLength: 1,
      maxLength: MAX_CURSOR_LENGTH,
      description: 'next_cursor of the page before',
    }),
  );
}

/** The query of every list. */
export class PageQuery {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_PAGE_SIZE,
    default: DEFAULT_PAGE_SIZE,
    example: DEFAULT_PAGE_SIZE,
  })
  @IsOptional()
  @IsQueryInteger(1, MAX_PAGE_SIZE)
  limit: number = DEFAULT_PAGE_SIZE;

  @ApiCursor()
  cursor?: string;
}

export function toPageRequest(query: { cursor?: string; limit: number }): PageRequest {
  return { cursor: query.cursor ?? null, limit: query.limit };
}
